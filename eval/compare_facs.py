"""Our action units beside a researcher's own FACS codes, unit by unit.

Each coded moment is compared with our frame nearest to it. Where either has nothing to say the
moment is left out and counted. What we do not measure is listed with the reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demeanor.eval.agreement import (
    MIN_GROUPS,
    Figure,
    consistency,
    crossed,
    event_f1,
    f1,
    interval,
    kappa,
    matched,
    mean_absolute_error,
    mean_error,
    pearson,
    ranked,
    runs,
    sums,
)
from demeanor.eval.facs_codes import Coded, CodesError, Coding, Frames
from demeanor.explain.records import Kind, Measurement, Unit
from demeanor.explain.vocabulary import ACTION_UNITS, INTENSITY_LETTERS

_HALF_LETTER = 0.5  # the band of B begins half a step below 2
_EVEN_ODDS = 0.5  # a probability says present from here on
_BLOCK_S = 5.0  # most expressions are over within it (FACS manuals speak of 0.5 to 4 s)
_FOUND, _FALSE, _MISSED = range(3)
# Measured as events, from a track that holds another thing: what a coder marks as one code.
_FROM_EVENTS = {
    **{"AU45": "AU43", "AU51": "pose_yaw", "AU52": "pose_yaw", "AU53": "pose_pitch"},
    **{"AU54": "pose_pitch", "AU55": "pose_roll", "AU56": "pose_roll", "AU61": "gaze_yaw"},
    **{"AU62": "gaze_yaw", "AU63": "gaze_pitch", "AU64": "gaze_pitch"},
}


@dataclass(frozen=True, slots=True)
class Options:
    fps: float | None = None  # of the codes' frame numbers; None: they count the clip's own frames
    first_frame: int | None = (
        None  # number of the first; None: 0 where a file has a frame 0, else 1
    )
    level: str = "B"  # letter from which on a unit counts as present, as studies on DISFA do
    tolerance_s: float = 0.2  # between events; gaps as short as this do not part one
    person: str | None = None  # None: whoever was seen longest


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95% interval. None: nothing to compute it from."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One unit over all clips. Kappa, F1 and base rates are of presence, the rest of intensity."""

    unit: str
    n_frames: int
    n_clips: int
    left_out: dict[str, int]  # reason -> coded moments
    base_rate: float | None  # share of compared moments at which the coder saw it
    our_rate: float | None
    n_events: int  # the coder's
    f1: Estimate
    event_f1: Estimate
    kappa: Estimate
    icc: Estimate  # ICC(3,1)
    pearson: Estimate
    spearman: Estimate
    mean_error: Estimate  # letters; positive: ours is stronger
    mean_absolute_error: Estimate
    intervals_over: str | None  # clips, blocks of 5 s, or None: too few of either


@dataclass(frozen=True, slots=True)
class Comparison:
    units: tuple[Agreement, ...]
    not_measured: dict[str, str]  # coded unit -> why there is nothing of ours beside it
    clips: tuple[tuple[str, str], ...]  # (our clip, the coding's name)
    without_codes: tuple[str, ...]
    without_result: tuple[str, ...]
    level: str
    tolerance_s: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What one side says of one unit at moments; NaN in `level`: present or not is all it says."""

    level: np.ndarray  # (n,) intensity, or our probability
    here: np.ndarray  # (n,) bool
    known: np.ndarray  # (n,) bool: False where it was not coded, or not measured

    def at(self, rows: np.ndarray) -> "_Said":
        return _Said(self.level[rows], self.here[rows], self.known[rows])


@dataclass(frozen=True, slots=True, eq=False)
class _Ours:
    times_s: np.ndarray  # (n,)
    said: _Said
    in_letters: bool  # its levels are intensities


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What was compared of one unit in one clip: parallel arrays over moments."""

    times_s: np.ndarray
    coder: _Said
    ours: _Said
    in_letters: bool


@dataclass(slots=True, eq=False)
class _Gathered:
    rows: list[_Rows] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)


def compare(
    measurements: Sequence[Measurement], codings: Sequence[Coding], options: Options
) -> Comparison:
    """Raises CodesError where no coding belongs to any of the clips."""
    pairs = paired(measurements, codings)
    if not pairs:
        raise CodesError(
            f"none of the codes ({_some(c.clip for c in codings)}) is called like one of the clips "
            f"({_some(m.clip.path.stem for m in measurements)}). Rename the files of codes"
        )
    threshold = _threshold([coding for _, coding in pairs], options)
    units = _with_whole(dict.fromkeys(name for _, c in pairs for name in c.units))
    gathered = {unit: _Gathered() for unit in units}
    for measurement, coding in pairs:
        for unit in units:
            _gather(gathered[unit], measurement, coding, unit, threshold, options)
    compared = {unit: g for unit, g in gathered.items() if g.rows}
    matched_clips = {id(m) for m, _ in pairs}
    matched_codes = {id(c) for _, c in pairs}
    return Comparison(
        units=tuple(_agreement(unit, g, options) for unit, g in compared.items()),
        not_measured={u: g.reasons[0] for u, g in gathered.items() if not g.rows and g.reasons},
        clips=tuple((m.clip.path.name, c.clip) for m, c in pairs),
        without_codes=tuple(m.clip.path.name for m in measurements if id(m) not in matched_clips),
        without_result=tuple(c.clip for c in codings if id(c) not in matched_codes),
        level=options.level,
        tolerance_s=options.tolerance_s,
        notes=tuple(note for _, c in pairs for note in c.notes),
    )


def _some(names: Any) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:5]) + (" …" if len(listed) > 5 else "")


def paired(
    measurements: Sequence[Measurement], codings: Sequence[Coding]
) -> list[tuple[Measurement, Coding]]:
    """By name: the same, else the one that holds the other's (LeftVideoSN001_comp, SN001). One
    clip and one coding belong together whatever they are called."""
    if len(measurements) == len(codings) == 1:
        return [(measurements[0], codings[0])]
    pairs = []
    for measurement in measurements:
        stem = measurement.clip.path.stem.lower()
        same = [c for c in codings if c.clip.lower() == stem]
        within = [c for c in codings if c.clip and c.clip.lower() in stem]
        if len(same) == 1 or len(within) == 1:
            pairs.append((measurement, (same or within)[0]))
    return pairs


def _with_whole(units: Mapping[str, object]) -> list[str]:
    """In the order of FACS; where only sides were coded, also the unit as a whole."""
    names = {*units, *(name.rstrip("LR") for name in units)}
    return sorted(names, key=lambda name: (int(name[2:].rstrip("LR")), name))


# One unit in one clip -----------------------------------------------------------------------


def _threshold(codings: Sequence[Coding], options: Options) -> float | None:
    """From which intensity on the coder's unit counts as present. None: only 0 and 1 were coded."""
    graded = any(coding.has_intensities for coding in codings)
    return INTENSITY_LETTERS.index(options.level) - _HALF_LETTER if graded else None


def _gather(
    gathered: _Gathered,
    measurement: Measurement,
    coding: Coding,
    unit: str,
    threshold: float | None,
    options: Options,
) -> None:
    ours = _ours(measurement, unit, options)
    if isinstance(ours, str):
        gathered.reasons.append(ours)
        return
    coded = _coder(coding, unit, measurement, ours.times_s, threshold, options)
    if coded is None:
        return
    rows, coder, n_outside = coded
    said = ours.said.at(rows)
    gathered.left_out["outside the clip"] += n_outside
    gathered.left_out["not coded"] += int((~coder.known).sum())
    gathered.left_out["not measured"] += int((coder.known & ~said.known).sum())
    both = coder.known & said.known
    if both.any():
        times_s = ours.times_s[rows][both]
        gathered.rows.append(_Rows(times_s, coder.at(both), said.at(both), ours.in_letters))


def _ours(measurement: Measurement, unit: str, options: Options) -> _Ours | str:
    """What we say of a unit, or why we say nothing."""
    person = options.person or next((p.person for p in measurement.people), None)
    if person is None:
        return "no face was seen"
    if person not in [p.person for p in measurement.people]:
        return f"there is no {person}"
    code, side = unit.rstrip("LR"), unit[len(unit.rstrip("LR")) :]
    source = _FROM_EVENTS.get(code, code)
    tracks = [t for t in measurement.tracks if (t.person, t.code) == (person, source)]
    if not tracks:
        return _why_not(measurement, code)
    if side:
        tracks = [t for t in tracks if t.side == side]
        if not tracks:
            return "its sides are not told apart here"
    track = next((t for t in tracks if t.side is None), tracks[0])
    values = track.values.astype(float)
    if track.side is None or side:
        tracks = [track]
    for other in tracks:
        values = np.fmax(values, other.values)
    known = ~np.isnan(values)
    if code in _FROM_EVENTS:
        here = _during(measurement, person, code, track.times_s)
        return _Ours(track.times_s, _Said(np.full(len(values), np.nan), here, known), False)
    if code == "AU43":  # a blink closes the eyes too, and is coded as AU45
        values = np.where(_during(measurement, person, "AU45", track.times_s) & known, 0.0, values)
    in_letters = track.unit is Unit.FACS_INTENSITY
    least = INTENSITY_LETTERS.index(options.level) - _HALF_LETTER if in_letters else _EVEN_ODDS
    return _Ours(track.times_s, _Said(values, values >= least, known), in_letters)


def _why_not(measurement: Measurement, code: str) -> str:
    if code not in ACTION_UNITS:
        return "no unit that we know"
    for row in measurement.not_measured:
        if code in [part.strip() for part in row.what.split(",")]:
            return row.reason
    return "not measured by this backend"


def _during(measurement: Measurement, person: str, code: str, times_s: np.ndarray) -> np.ndarray:
    here = np.zeros(len(times_s), bool)
    for event in measurement.events:
        if (event.person, event.code) == (person, code) and event.kind is Kind.EVENT:
            here |= (times_s >= event.span.start_s) & (times_s <= event.span.end_s)
    return here


# The coder's side ---------------------------------------------------------------------------


def _coder(
    coding: Coding,
    unit: str,
    measurement: Measurement,
    times_s: np.ndarray,
    threshold: float | None,
    options: Options,
) -> tuple[np.ndarray, _Said, int] | None:
    """Rows of our moments, what was coded then, and how many coded moments the clip does not have.
    None where the unit was not coded in this clip."""
    parts = list(coding.units.values())
    if any(not isinstance(part, Frames) for part in parts):
        events = _events_of(coding, unit)
        return np.arange(len(times_s)), _from_events(events, times_s, threshold), 0
    names = [unit] if unit in coding.units else [f"{unit}L", f"{unit}R"]
    frames = [part for n in names if isinstance(part := coding.units.get(n), Frames)]
    if not frames:
        return None
    rows, inside = _rows_of(frames[0], measurement, times_s, options)
    values = frames[0].values
    for other in frames[1:]:  # two sides: the stronger
        values = np.fmax(values, other.values) if len(other.values) == len(values) else values
    values = values[inside]
    known = ~np.isnan(values)
    if threshold is None:
        said = _Said(np.full(len(values), np.nan), values > 0, known)
    else:
        said = _Said(values, values >= threshold, known)
    return rows, said, int((~inside).sum())


def _events_of(coding: Coding, unit: str) -> list[Coded]:
    """None is an answer: who codes events codes every one. Both sides hold what has no side, and
    the unit as a whole holds what has one."""
    code = unit.rstrip("LR")
    names = {unit, code} if unit != code else {code, f"{code}L", f"{code}R"}
    parts = [part for name, part in coding.units.items() if name in names]
    return [event for part in parts if not isinstance(part, Frames) for event in part]


def _rows_of(
    frames: Frames, measurement: Measurement, times_s: np.ndarray, options: Options
) -> tuple[np.ndarray, np.ndarray]:
    """Of each coded moment in the clip our nearest row; and (n,) which moments are in the clip."""
    moments = frames.moments
    if not frames.in_seconds:
        first = options.first_frame
        moments = moments - ((0 if 0 in moments else 1) if first is None else first)
        if options.fps is None and measurement.clip.fps is None:
            raise CodesError(
                f"{measurement.clip.path}: the codes count frames, and what was measured has "
                "times alone. Say how many frames a second the video has:  --fps 25"
            )
        if options.fps is None:  # the coder's frames are those that we decoded
            inside = (moments >= 0) & (moments < len(times_s))
            return moments[inside].astype(int), inside
        moments = moments / options.fps
    after = np.clip(np.searchsorted(times_s, moments), 1, max(len(times_s) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times_s) - 1)
    nearer = np.abs(times_s[after] - moments) < np.abs(times_s[before] - moments)
    nearest = np.where(nearer, after, before)
    reach_s = max(_step(moments), _step(times_s)) / 2 + 1e-6
    inside = np.abs(times_s[nearest] - moments) <= reach_s
    return nearest[inside], inside


def _from_events(events: Sequence[Coded], times_s: np.ndarray, threshold: float | None) -> _Said:
    level, here = np.zeros(len(times_s)), np.zeros(len(times_s), bool)
    for event in events:
        during = (times_s >= event.span.start_s) & (times_s < event.span.end_s)
        if not during.any():  # between two frames
            during[np.abs(times_s - event.span.start_s).argmin()] = True
        if event.intensity is None:
            level[during & ~here] = np.nan
            here |= during
        else:
            level[during] = np.fmax(level[during], event.intensity)
            here |= during & (event.intensity >= (threshold or _HALF_LETTER))
    if threshold is None:
        level = np.full(len(times_s), np.nan)
    return _Said(level, here, np.ones(len(times_s), bool))


# Over all clips -----------------------------------------------------------------------------


def _agreement(unit: str, gathered: _Gathered, options: Options) -> Agreement:
    rows, over = gathered.rows, None
    if len(rows) >= MIN_GROUPS:
        groups, over = rows, "clips"
    else:
        groups = _blocks(rows)
        over = f"blocks of {_BLOCK_S:.0f} s" if len(groups) >= MIN_GROUPS else None
    presence = [crossed(row.coder.here, row.ours.here) for row in groups]
    levels = [_levels(row) for row in groups]
    letters = [sums(a, b) for (a, b), row in zip(levels, groups, strict=True) if row.in_letters]
    events = _event_counts(rows, over != "clips", options.tolerance_s)
    absent, present = np.sum(presence, axis=0)
    n = int(absent.sum() + present.sum())
    return Agreement(
        unit=unit,
        n_frames=n,
        n_clips=len(rows),
        left_out={reason: n for reason, n in gathered.left_out.items() if n},
        base_rate=float(present.sum() / n),
        our_rate=float((absent[1] + present[1]) / n),
        n_events=int(np.sum(events, axis=0)[[_FOUND, _MISSED]].sum()),
        f1=_estimate(presence, f1),
        event_f1=_estimate(events, event_f1),
        kappa=_estimate(presence, kappa),
        icc=_estimate(letters, consistency),
        pearson=_estimate([sums(a, b) for a, b in levels], pearson),
        spearman=_estimate(_rank_sums(levels), pearson),
        mean_error=_estimate(letters, mean_error),
        mean_absolute_error=_estimate(letters, mean_absolute_error),
        intervals_over=over,
    )


def _estimate(groups: Sequence[np.ndarray], figure: Figure) -> Estimate:
    if not groups:
        return Estimate(None)
    value = float(figure(np.sum(groups, axis=0)))
    if np.isnan(value):
        return Estimate(None)
    return Estimate(value, *(interval(np.array(groups), figure) or (None, None)))


def _levels(row: _Rows) -> tuple[np.ndarray, np.ndarray]:
    """Intensities of both where both have one."""
    both = ~np.isnan(row.coder.level) & ~np.isnan(row.ours.level)
    return row.coder.level[both], row.ours.level[both]


def _rank_sums(levels: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Of ranks over all groups together; resampling keeps these ranks, which spares sorting."""
    ends = np.cumsum([len(a) for a, _ in levels])[:-1]
    sides = (np.concatenate(side) for side in zip(*levels, strict=True))
    a, b = (np.split(ranked(side), ends) for side in sides)
    return [sums(x, y) for x, y in zip(a, b, strict=True)]


def _blocks(rows: Sequence[_Rows]) -> list[_Rows]:
    blocks = []
    for row in rows:
        numbers = _block_of(row.times_s, row.times_s[0])
        for number in np.unique(numbers):
            own = numbers == number
            part = (row.times_s[own], row.coder.at(own), row.ours.at(own), row.in_letters)
            blocks.append(_Rows(*part))
    return blocks


def _block_of(times_s: np.ndarray, start_s: float) -> np.ndarray:
    return np.floor((times_s - start_s) / _BLOCK_S).astype(int)


def _event_counts(rows: Sequence[_Rows], by_block: bool, tolerance_s: float) -> list[np.ndarray]:
    """(3,) counts of found, false and missed events per clip, or per block of each clip: an event
    counts where it begins."""
    counts: list[np.ndarray] = []
    for row in rows:
        start_s = row.times_s[0]
        blocks = np.unique(_block_of(row.times_s, start_s) if by_block else 0)
        table = np.zeros((len(blocks), 3), int)
        for time_s, column in _judged(row, tolerance_s):
            block = _block_of(np.array([time_s]), start_s) if by_block else blocks
            table[np.searchsorted(blocks, block), column] += 1
        counts += list(table)
    return counts


def _judged(row: _Rows, tolerance_s: float) -> list[tuple[float, int]]:
    """When each event begins, and whether it is found, false or missed."""
    step_s = _step(row.times_s)
    truth, found = (
        runs(row.times_s, said.here, step_s, tolerance_s) for said in (row.coder, row.ours)
    )
    pairs = matched(truth, found, tolerance_s)
    hit, right = {i for i, _ in pairs}, {j for _, j in pairs}
    judged = [(e.start_s, _FOUND if i in hit else _MISSED) for i, e in enumerate(truth)]
    return judged + [(e.start_s, _FALSE) for j, e in enumerate(found) if j not in right]


def _step(times_s: np.ndarray) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
