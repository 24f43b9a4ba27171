"""What a head does beside turning: nods, shakes, eyes that look away, faces that come nearer.

A nod is pitch that goes to and fro, a shake is yaw that does: at least three ways one after the
other, each fast enough, all of like size, and larger than what the other angle does meanwhile.
A look down and back has two ways, and a look about stays where it went; so neither is one.

Reliabilities are ours: .8 where generated tracks with noise and looks are told apart at F1 above
.9 (docs/perception.md), .4 for gaze, which is not validated, .3 for leaning, which a camera that
moves or zooms shows as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from demeanor.explain.perception.baseline import frame_step_s
from demeanor.explain.perception.peaks import prominent_peaks
from demeanor.explain.records import Channel, CueTrack, Event, Kind, Span, Unit
from demeanor.explain.settings import BodySettings

_BLUR_S = 0.03  # against the trembling of the pose; takes a seventh from a swing at 3 a second
_ABOVE_TREMBLING = 4.5  # times as large is a way: the fewer frames, the more is left of it
_MIN_SAMPLES = 10  # less says nothing about trembling
_FOOT = 0.1  # of a way: where it starts from rest
_WITHIN = 0.8  # of a turn's length: then the turn is part of the nod
_OTHER = {"AU84": ("AU51", "AU52"), "AU85": ("AU53", "AU54")}  # turns of the same angle
_LEAN_BLUR_S = 0.5
_MIN_USUAL_S = 3.0  # less says nothing about where a head or its eyes mostly are
NOT_VALIDATED = "gaze is not validated"
MAY_BE_THE_CAMERA = "told by the size of the face: a camera that moves or zooms does the same"


@dataclass(frozen=True, slots=True)
class _Swings:
    """A run of ways to and fro; indices into the track, from turning point to turning point."""

    turns: tuple[int, ...]
    sizes_deg: tuple[float, ...]


def head_events(tracks: Sequence[CueTrack], settings: BodySettings) -> list[Event]:
    """Nods, shakes, averted eyes and leaning of one person, in time order."""
    by_code = {t.code: t for t in tracks if t.side is None}
    if "pose_yaw" not in by_code or len(by_code["pose_yaw"].times_s) < 3:
        return []
    events = [*_nods_and_shakes(by_code, settings), *_away(by_code, settings)]
    events += _leaning(by_code, settings)
    return sorted(events, key=lambda e: (e.span.start_s, e.code))


def without_parts(events: Sequence[Event], whole: Sequence[Event]) -> list[Event]:
    """The events but for the turns that a nod or a shake is made of."""
    return [e for e in events if not any(_is_part(e, one) for one in whole)]


def _is_part(event: Event, whole: Event) -> bool:
    same = event.person == whole.person and event.code in _OTHER.get(whole.code, ())
    return same and event.span.overlap_s(whole.span) >= _WITHIN * event.span.duration_s


# Nods and shakes ---------------------------------------------------------------------------


def _nods_and_shakes(by_code: Mapping[str, CueTrack], settings: BodySettings) -> list[Event]:
    pitch, yaw = by_code["pose_pitch"], by_code["pose_yaw"]
    events = []
    for track, other, code in ((pitch, yaw, "AU85"), (yaw, pitch, "AU84")):
        for run in swings(track.times_s, track.values, settings):
            first, last = run.turns[0], run.turns[-1]
            size_deg = float(np.median(run.sizes_deg))
            if _swing_of(other, run) < size_deg:
                events.append(_event(track, code, first, last, size_deg, 0.8, Unit.DEGREE))
                n_ways = len(run.sizes_deg)
                events[-1] = replace(events[-1], repeats=n_ways / 2)
    return events


def swings(times_s: np.ndarray, angle_deg: np.ndarray, settings: BodySettings) -> list[_Swings]:
    """Runs of ways to and fro in a track, (n,) degrees; a gap ends a run."""
    step_s = frame_step_s(times_s)
    found = []
    for first, last in _known(angle_deg):
        smooth = gaussian_filter1d(angle_deg[first:last].astype(float), _BLUR_S / step_s)
        least_deg = max(settings.swing_deg, _ABOVE_TREMBLING * _trembling(smooth))
        turns = _turning_points(smooth, least_deg)
        for run in _runs_of(times_s[first:last], turns, smooth, least_deg, settings):
            found.append(replace(run, turns=tuple(first + turn for turn in run.turns)))
    return found


def _trembling(values: np.ndarray) -> float:
    """Standard deviation of what changes from sample to sample, by the median of the second
    differences: movements are smooth beside it."""
    if len(values) < _MIN_SAMPLES:
        return 0.0
    bends = np.diff(values, 2)
    return float(1.4826 * np.median(np.abs(bends - np.median(bends))) / np.sqrt(6))


def _turning_points(angle_deg: np.ndarray, depth_deg: float) -> np.ndarray:
    """Where the head turns back, and the ends; what is less deep is no way of its own."""
    highs = prominent_peaks(angle_deg, depth_deg)
    lows = prominent_peaks(-angle_deg, depth_deg)
    ends = [0, len(angle_deg) - 1]
    turns = [int(i) for i in sorted({*highs.tolist(), *lows.tolist(), *ends})]
    return np.array(turns)


def _runs_of(
    times_s: np.ndarray,
    turns: np.ndarray,
    angle_deg: np.ndarray,
    least_deg: float,
    settings: BodySettings,
) -> list[_Swings]:
    """Consecutive ways that are each of a nod's length and of a size with their neighbours, with
    the way from rest before them and the way back to it; `turns` are indices into the angle."""
    sizes = np.abs(np.diff(angle_deg[turns]))
    lasts_s = np.diff(times_s[turns])
    quick = (lasts_s >= settings.swing_min_s) & (lasts_s <= settings.swing_max_s)
    runs = []
    for a, b in _alike_runs(sizes, quick & (sizes >= least_deg), settings.alike):
        at, own = turns[a : b + 1].tolist(), sizes[a:b].tolist()
        if a > 0:
            rest = _from(times_s, turns[a], turns[a - 1], settings.swing_max_s)
            size = float(abs(angle_deg[turns[a]] - angle_deg[rest]))
            if size >= least_deg and _alike(size, own[0], settings.alike):
                at, own = [_leaves(angle_deg, rest, turns[a]), *at], [size, *own]
        if b < len(sizes):
            rest = _from(times_s, turns[b], turns[b + 1], settings.swing_max_s)
            size = float(abs(angle_deg[turns[b]] - angle_deg[rest]))
            if size >= least_deg and _alike(size, own[-1], settings.alike):
                at, own = [*at, _leaves(angle_deg, rest, turns[b])], [*own, size]
        if b - a >= settings.swings or (b - a >= 2 and len(own) > settings.swings):
            runs.append(_Swings(tuple(at), tuple(own)))
    return runs


def _alike_runs(sizes: np.ndarray, good: np.ndarray, alike: float) -> list[tuple[int, int]]:
    """Rows of good ways, each alike to the one before: first, and after the last."""
    runs: list[tuple[int, int]] = []
    start = None
    for i in range(len(sizes) + 1):
        ok = i < len(sizes) and bool(good[i])
        if start is not None and not (ok and _alike(sizes[i], sizes[i - 1], alike)):
            runs.append((start, i))
            start = None
        if ok and start is None:
            start = i
    return runs


def _alike(one: float, other: float, share: float) -> bool:
    return min(one, other) >= share * max(one, other)


def _from(times_s: np.ndarray, turn: int, far: int, most_s: float) -> int:
    """The sample next to `far` that is no more than `most_s` from `turn`: a head that drifted there
    for long comes from there all the same."""
    step = 1 if far < turn else -1
    at = far
    while abs(times_s[turn] - times_s[at]) > most_s:
        at += step
    return int(at)


def _leaves(angle_deg: np.ndarray, rest: int, turn: int) -> int:
    """Where, on the way from `rest` to `turn`, the head leaves rest by a tenth of the way: it may
    have been there for long. Works backwards too."""
    step = 1 if turn > rest else -1
    way = angle_deg[turn] - angle_deg[rest]
    at = turn
    while at != rest and (angle_deg[at] - angle_deg[rest]) / way > _FOOT:
        at -= step
    return int(at)


def _swing_of(other: CueTrack, run: _Swings) -> float:
    """How far the other angle goes to and fro meanwhile, without its drift; 0 where unknown."""
    part = other.values[run.turns[0] : run.turns[-1] + 1].astype(float)
    if np.isnan(part).any() or len(part) < 3:
        return 0.0
    part = gaussian_filter1d(part, _BLUR_S / frame_step_s(other.times_s))
    straight = np.linspace(part[0], part[-1], len(part))
    return float(np.ptp(part - straight))


# Looking away, leaning ---------------------------------------------------------------------


def _away(by_code: Mapping[str, CueTrack], settings: BodySettings) -> list[Event]:
    """Eyes turned away from where they mostly are, for some time; either angle, or both."""
    yaw, pitch = by_code.get("gaze_yaw"), by_code.get("gaze_pitch")
    if yaw is None or pitch is None or not _enough(yaw):
        return []
    off = np.hypot(yaw.values - np.nanmedian(yaw.values), pitch.values - np.nanmedian(pitch.values))
    smooth = _smoothed(yaw.times_s, off, _BLUR_S * 2)
    return [
        replace(
            _event(yaw, "gaze_away", a, b - 1, float(np.max(smooth[a:b])), 0.4, Unit.DEGREE),
            caveats=(NOT_VALIDATED,),
        )
        for a, b in _stretches(smooth, settings.away_deg)
        if yaw.times_s[b - 1] - yaw.times_s[a] >= settings.away_s
    ]


def _leaning(by_code: Mapping[str, CueTrack], settings: BodySettings) -> list[Event]:
    """The face nearer (AU57) or further (AU58) than usual. A turned head is narrower: that is
    taken back by the cosine of its yaw."""
    width, yaw = by_code.get("face_px"), by_code["pose_yaw"]
    if width is None or not _enough(width):
        return []
    frontal = width.values / np.maximum(np.cos(np.radians(yaw.values)), 0.5)
    share = _smoothed(width.times_s, frontal / np.nanmedian(frontal), _LEAN_BLUR_S)
    events = []
    for code, gain in (("AU57", share - 1), ("AU58", 1 / share - 1)):
        for a, b in _stretches(gain, settings.lean_share):
            if width.times_s[b - 1] - width.times_s[a] >= settings.lean_s:
                peak = float(np.max(gain[a:b]))
                ratio = 1 + peak if code == "AU57" else 1 / (1 + peak)
                event = _event(width, code, a, b - 1, ratio, 0.3, Unit.RATIO)
                events.append(replace(event, caveats=(MAY_BE_THE_CAMERA,)))
    return events


def _enough(track: CueTrack) -> bool:
    return float((~np.isnan(track.values)).sum() * frame_step_s(track.times_s)) >= _MIN_USUAL_S


def _smoothed(times_s: np.ndarray, values: np.ndarray, width_s: float) -> np.ndarray:
    """Each stretch without gaps blurred by itself; NaN stays NaN."""
    out = np.full(len(values), np.nan)
    for first, last in _known(values):
        out[first:last] = gaussian_filter1d(
            values[first:last].astype(float), width_s / frame_step_s(times_s)
        )
    return out


def _stretches(values: np.ndarray, enter: float) -> list[tuple[int, int]]:
    """From where `values` exceed `enter` back and on to half of it; first, and after the last."""
    found = []
    for first, last in _known(np.where(values >= enter / 2, values, np.nan)):
        if np.max(values[first:last]) >= enter:
            found.append((first, last))
    return found


def _known(values: np.ndarray) -> list[tuple[int, int]]:
    """Stretches without NaN, of three samples and more: first, and after the last."""
    known = np.concatenate([[False], ~np.isnan(values), [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(known))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 3]


def _event(
    track: CueTrack, code: str, first: int, last: int, peak: float, trust: float, unit: Unit
) -> Event:
    span = Span(float(track.times_s[first]), float(track.times_s[last]))
    return Event(
        person=track.person,
        channel=Channel.FACE,
        code=code,
        side=None,
        kind=Kind.EVENT,
        span=span,
        apex_s=float(track.times_s[(first + last) // 2]),
        peak=peak,
        unit=unit,
        change_from_usual=peak if unit is Unit.DEGREE else peak - 1,
        change_from_population=None,
        reliability=trust,
        caveats=(),
        source=track.source,
    )
