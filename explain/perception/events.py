"""From cue tracks to events: each with onset, apex and offset.

One threshold makes a new event of every wobble around it, so there are two: a cue must rise to
`enter` above what is usual to begin, and fall below `leave` to end (Gelly & Gauvain 2015 did
this for speech activity). Both are lower in a track that hardly wanders: some units are measured
weaker than they are, and stand out all the same. What falls by `enter` and rises by as much again
begins anew. Onset and offset are then moved out to where the movement starts and ends: a tenth of
its height. A gap in measurement ends an event: nobody saw what came after.

What moves a face without being an expression is kept apart: of a talking mouth only what is held
counts (talking.py), a far turned head has to show more, movements that are over within half a
second are looked for, and marked, on their own (brief.py).
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from demeanor.explain.perception.action_units import MAX_INTENSITY
from demeanor.explain.perception.baseline import frame_step_s
from demeanor.explain.perception.brief import brief_peaks, near, too_slow, trembling, wandering
from demeanor.explain.perception.talking import Talking, held, talking
from demeanor.explain.records import (
    Channel,
    CueTrack,
    Event,
    Kind,
    NotMeasured,
    Side,
    Span,
    Unit,
    Usual,
)
from demeanor.explain.settings import EventSettings
from demeanor.explain.vocabulary import ACTION_UNITS, Region

_FOOT = 0.1  # of the height: where a movement starts and ends
_SUMMIT = 0.85  # of the height: what the apex is read from
_WELL_INSIDE = 0.3  # of the summit's length, from its middle: where a vertex is believed
_BLUR_S = 0.2  # of a long bout's summit: several trembles, and less than an apex lasts
_MIN_SUMMIT = 5  # samples; fewer make no parabola worth having
_SPEECH_SHARE = 0.5  # of an event: then its mouth may be speaking
_LOOKS_CLOSED_DEG = -15.0  # head lowered by this: lids look closed from above
_HEAD = {
    "pose_yaw": ("AU51", "AU52"),
    "pose_pitch": ("AU53", "AU54"),
    "pose_roll": ("AU55", "AU56"),
}
_GAZE = {"gaze_yaw": ("AU61", "AU62"), "gaze_pitch": ("AU63", "AU64")}
_PROBABLE = (0.5, 0.25)  # enter and leave for probabilities: even odds above usual
_MIN_RATE_S = 10.0  # a blink rate from less says nothing
_FAST_TURN_DEG_S = 40.0  # frames blur, and points lag behind the head
_TURN_DEG_S = 15.0  # of a head that does not keep still: short small rises are not believed
_LIDS = 0.5  # of blink_enter: lids on their way pull at brows and cheeks
_ECHO, _ECHO_S = 0.85, 0.08  # of the stronger one's height; between apexes, two frames at 25 fps
_WEAK_ECHO, _WEAK_ECHO_S = 3.0, 0.2  # times its height; between apexes
_MOUTH = (Region.MOUTH, Region.JAW)
_OPENINGS = ("AU25", "AU26")
_PARTS_LIPS = "AU10"  # lips that part are no stronger movement beside it, but what it does
_NOT_BRIEF = ("AU27", "AU43")  # told as AU26, and as blinks
_EDGE_S = 0.3  # of an onset or offset, to either side
_BESIDE_TALK_S = 0.5  # the first syllable shows no rhythm yet
WITH_SPEECH = "the mouth moves with speech here"
WITHOUT_VOICE = "the mouth moves in the rhythm of speech here, though no voice is heard"
TURNED = "the head is turned or tipped far here"
# Units that another one, where it is the stronger, makes seem to be there (docs/perception.md).
_FEIGNED_BY = {"AU14": "AU12", "AU15": "AU20"}
_NO_REST = "they are told against the person's own face at rest, which is not seen here"
_SILENT = "the mouth moves in the rhythm of speech, though no voice is heard"


_Sided = dict[tuple[str, Side | None], CueTrack]


@dataclass(frozen=True, slots=True)
class EventRule:
    """When a cue counts as present. Levels are above usual, in the track's own unit."""

    enter: float
    leave: float
    min_duration_s: float


@dataclass(frozen=True, slots=True)
class Bout:
    """One stretch in which a cue is present; indices into the track."""

    first: int
    apex: int
    last: int


def smooth(values: np.ndarray, times_s: np.ndarray, width_s: float) -> np.ndarray:
    """Moving average over `width_s`; NaN stays NaN and is not averaged into its neighbours."""
    step_s = frame_step_s(times_s)
    width = 1 + 2 * int(width_s / step_s / 2) if step_s > 0 else 1
    width = min(width, len(values) - 1 + len(values) % 2)  # odd, and no longer than the track
    if width <= 1:
        return values.astype(np.float64)
    known = ~np.isnan(values)
    kernel = np.ones(width)
    total = np.convolve(np.where(known, values, 0.0), kernel, mode="same")
    count = np.convolve(known.astype(float), kernel, mode="same")
    return np.where(known, total / np.maximum(count, 1), np.nan)


def find_bouts(values: np.ndarray, times_s: np.ndarray, rule: EventRule) -> list[Bout]:
    """Bouts in time order. `values` (n,) are above usual; NaN ends a bout."""
    bouts: list[Bout] = []
    first = None
    step_s = frame_step_s(times_s)
    blur = round(_BLUR_S / step_s) if step_s > 0 else 0
    for i, value in enumerate([*values.tolist(), np.nan]):
        present = value >= (rule.enter if first is None else rule.leave)  # NaN: False
        if present and first is None:
            first = i
        elif not present and first is not None:
            cuts = _valleys(values[first:i], rule.enter)
            edges = [first, *(first + cut + 1 for cut in cuts), i]
            for k, (start, after) in enumerate(pairwise(edges)):
                free = Bout(
                    bouts[-1].last + 1 if bouts else 0,
                    start + _summit(values[start:after], blur),
                    after - 1 if k < len(cuts) else len(values) - 1,
                )
                bouts.append(_outward(values, start, after - 1, free))
            first = None
    return [b for b in bouts if times_s[b.last] - times_s[b.first] >= rule.min_duration_s]


def _valleys(values: np.ndarray, depth: float) -> list[int]:
    """Where one expression ends and the next begins without a rest: the lowest point between a
    fall by `depth` and a rise by as much.
    """
    valleys, falling, extreme, at = [], False, -np.inf, 0
    for i, value in enumerate(values.tolist()):
        if falling and value >= extreme + depth:
            valleys.append(at)
            falling, extreme = False, value
        elif not falling and value <= extreme - depth:
            falling, extreme, at = True, value, i
        elif falling == (value < extreme):
            extreme, at = value, i
    return valleys


def _summit(values: np.ndarray, blur: int) -> int:
    """Index of the apex: the vertex of a parabola through the upper part of the highest rise.

    On a broad summit the single highest sample is where the noise is, not where the apex is; so
    a long bout is averaged first, over a sixth of it but no more than `blur` samples.
    """
    peak = int(np.argmax(values))
    half = min(blur, len(values) // 6) // 2
    if half:
        kernel = np.full(2 * half + 1, 1 / (2 * half + 1))
        smoothed = np.convolve(np.pad(values, half, mode="edge"), kernel, mode="valid")
        apex = _summit(smoothed, 0)
        return apex if values[apex] >= _SUMMIT * values[peak] else peak
    top = peak
    high = values >= _SUMMIT * values[top]
    low_edge = top - int(np.argmin(high[top::-1])) + 1 if not high[: top + 1].all() else 0
    n_after = int(np.argmin(high[top:])) if not high[top:].all() else len(values) - top
    x = np.arange(low_edge, top + n_after)
    if len(x) < _MIN_SUMMIT:
        return top
    curve, slope, _ = np.polyfit(x - top, values[x], 2)
    vertex = top - slope / (2 * curve) if curve < 0 else np.inf
    if abs(vertex - (x[0] + x[-1]) / 2) > _WELL_INSIDE * (x[-1] - x[0]):
        weight = values[x] - _SUMMIT * values[top]  # a plateau has no vertex: its middle
        vertex = (x * weight).sum() / weight.sum()
    return round(float(vertex))


def _outward(values: np.ndarray, first: int, last: int, free: Bout) -> Bout:
    """The bout around the apex of `free` from foot to foot, within what is free for it."""
    foot = values[free.apex] * _FOOT
    while first > free.first and foot < values[first - 1] <= values[first]:
        first -= 1
    while last < free.last and foot < values[last + 1] <= values[last]:
        last += 1
    return Bout(first, free.apex, last)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What else goes on in the face, by frame: what may pass for an expression."""

    talk: Talking
    lips: np.ndarray  # (n,) bool: the mouth talks or somebody speaks, or will at once, or just did
    allowance: np.ndarray  # (n,) FACS levels that a turned head may add
    far: np.ndarray  # (n,) bool: half of the largest allowance and more
    moving: np.ndarray  # (n,) bool: the head turns fast
    turning: np.ndarray  # (n,) bool: it turns
    lids: np.ndarray  # (n,) bool: the eyes are closed or closing
    rested: Collection[str]  # codes in which the person's own rest is known

    def disturbed(self, code: str) -> np.ndarray:
        """(n,) frames whose short movements in this unit's region are not believed."""
        mouth = ACTION_UNITS[code].region in _MOUTH
        other = self.lips if mouth else self.lids
        return np.asarray(self.turning | other | (self.allowance > 0))


def _scene(
    tracks: Mapping[str, CueTrack],
    changes: Mapping[str, np.ndarray],
    speech: Sequence[Span],
    rested: Collection[str],
    settings: EventSettings,
) -> _Scene:
    times_s = next(iter(tracks.values())).times_s
    openings = [changes[c] for c in _OPENINGS if c in changes and _graded(tracks.get(c))]
    opening = np.fmax.reduce(openings) if openings else None
    lids = changes.get("AU43")
    closed = np.zeros(len(times_s), bool)
    if lids is not None:
        closed = np.nan_to_num(lids) >= _LIDS * settings.blink_enter
    turned = [tracks[c].values for c in ("pose_yaw", "pose_pitch") if c in tracks]
    allowance = _allowance(turned, len(times_s), settings)
    talk = talking(times_s, opening, speech, settings)
    lips = talk.either | _inside(times_s, speech)
    step_s, rate = frame_step_s(times_s), _turn_rate(turned, times_s)
    return _Scene(
        talk,
        near(lips, step_s, _BESIDE_TALK_S) if step_s > 0 else lips,
        allowance,
        allowance > settings.turn_allowance / 2,
        rate > _FAST_TURN_DEG_S,
        rate > _TURN_DEG_S,
        closed,
        rested,
    )


def _inside(times_s: np.ndarray, spans: Sequence[Span]) -> np.ndarray:
    """(n,) frames within any of the spans."""
    flags = np.zeros(len(times_s), bool)
    for span in spans:
        first = np.searchsorted(times_s, span.start_s)
        flags[first : np.searchsorted(times_s, span.end_s, side="right")] = True
    return flags


def _graded(track: CueTrack | None) -> bool:
    return track is not None and track.unit is Unit.FACS_INTENSITY


def _allowance(turned: list[np.ndarray], n: int, settings: EventSettings) -> np.ndarray:
    """(n,) levels that the pose may feign: none up to `turn_free_deg`, then ever more."""
    if not turned:
        return np.zeros(n)
    away = np.nan_to_num(np.abs(np.stack(turned)).max(axis=0))
    width = max(settings.turn_full_deg - settings.turn_free_deg, 1e-6)
    return np.asarray(
        settings.turn_allowance * np.clip((away - settings.turn_free_deg) / width, 0.0, 1.0)
    )


def _turn_rate(turned: list[np.ndarray], times_s: np.ndarray) -> np.ndarray:
    """(n,) degrees a second; 0.0 where it is not known."""
    if not turned or len(times_s) < 2:
        return np.zeros(len(times_s))
    rates = [np.abs(np.gradient(smooth(t, times_s, 0.1), times_s)) for t in turned]
    return np.asarray(np.nan_to_num(np.max(rates, axis=0)))


def face_events(
    tracks: Sequence[CueTrack],
    usual: Sequence[Usual],
    changes: Mapping[str, np.ndarray],
    speech: Sequence[Span],
    reliability: Mapping[str, float],
    settings: EventSettings,
    rested: Collection[str] = (),
) -> list[Event]:
    """All events of one person's face tracks, in time order.

    changes: (n,) per action unit, above the own rest and not clipped, so that the apex of a
    strong expression is found; speech: when somebody speaks; reliability: 0-1 per code, from the
    backend's calibration; rested: codes whose `changes` count from a rest that was seen, without
    which no micro-expression is told. Tracks of one side give a two-sided event its side, and no
    events of their own.
    """
    norms = {(u.code, u.side): u for u in usual}
    by_code = {t.code: t for t in tracks if t.side is None}
    if not by_code:
        return []
    scene = _scene(by_code, changes, speech, rested, settings)
    events: list[Event] = []
    for track in by_code.values():
        if track.code == "AU27":  # the same movement as AU26, told apart by degree: one event
            continue
        norm = norms[track.code, track.side]
        trust = reliability.get(track.code, 0.5)
        if track.code == "AU43":
            events += _closures(track, changes[track.code], norm, trust, settings)
        elif track.unit in (Unit.FACS_INTENSITY, Unit.PROBABILITY):
            events += _expressions(track, changes[track.code], norm, trust, scene, settings)
        elif track.code in _HEAD or track.code in _GAZE:
            events += _turns(track, norm, settings)
    one_sided: _Sided = {(t.code, t.side): t for t in tracks if t.side is not None}
    events = [_with_side(e, one_sided, norms, settings) for e in _without_echoes(events, settings)]
    heard = _Overlap(speech)
    events = [_with_caveats(event, heard, scene, by_code, changes) for event in events]
    return sorted(events, key=lambda e: (e.span.start_s, e.code))


def face_limits(
    person: str,
    tracks: Sequence[CueTrack],
    changes: Mapping[str, np.ndarray],
    speech: Sequence[Span],
    settings: EventSettings,
    rested: Collection[str],
) -> list[NotMeasured]:
    """What events of this person cannot be told, and why."""
    by_code = {t.code: t for t in tracks if t.side is None}
    times_s = next(iter(by_code.values())).times_s
    if len(times_s) < 2:
        return []
    rows = []
    if too_slow(times_s, settings):
        rate = 1 / frame_step_s(times_s)
        rows.append(
            f"{rate:.3g} frames a second: movements of {settings.brief_min_s:g} to "
            f"{settings.brief_max_s:g} s need {settings.brief_min_fps:g} or more"
        )
    else:
        told = (c for c, t in by_code.items() if _graded(t) and c not in _NOT_BRIEF)
        unseen = [code for code in told if code not in rested]
        if unseen or not rested:
            rows.append(_NO_REST + (f" in {', '.join(unseen)}" if rested else ""))
    limits = [NotMeasured("micro-expressions", row, person=person) for row in rows]
    talk = _scene(by_code, changes, speech, rested, settings).talk
    for flags, why in ((talk.heard, "the person talks"), (talk.unheard, _SILENT)):
        if flags.any():
            seconds = flags.sum() * frame_step_s(times_s)
            first, last = np.flatnonzero(flags)[[0, -1]]
            span = Span(float(times_s[first]), float(times_s[last]))
            reason = f"{why} (for {seconds:.1f} s in all): only what is held there counts"
            limits.append(NotMeasured("short movements of the mouth", reason, span, person))
    return limits


def _expressions(
    track: CueTrack,
    change: np.ndarray,
    norm: Usual,
    trust: float,
    scene: _Scene,
    settings: EventSettings,
) -> list[Event]:
    full = 1.0 if track.unit is Unit.PROBABILITY else MAX_INTENSITY
    rule = _rule(track, change, track.code in scene.rested, settings)
    if len(track.times_s) == 1:  # a picture: one moment, and nothing changes in it
        values = track.values.astype(np.float64)
        seen = values[0] >= rule.enter
        return [_event(track, norm, Kind.STATE, values, Bout(0, 0, 0), trust)] if seen else []
    above = smooth(change, track.times_s, settings.smooth_s)
    if ACTION_UNITS[track.code].region in _MOUTH and scene.talk.either.any():
        kept = held(above, track.times_s, settings.talk_held_s)
        above = np.where(scene.talk.either, kept, above)
    allowance = scene.allowance if track.unit is Unit.FACS_INTENSITY else np.zeros(len(above))
    bouts = [
        bout
        for bout in find_bouts(above, track.times_s, rule)
        if np.nanmax((above - allowance)[bout.first : bout.last + 1]) >= rule.enter
        and not _thrown(bout, track, scene, settings)
        and not _slight(bout, above, track, settings)
    ]
    events = [_risen(_event(track, norm, Kind.EVENT, above, b, trust), norm, full) for b in bouts]
    if track.unit is Unit.FACS_INTENSITY:
        events = _with_brief(events, track, change, norm, trust, scene, settings)
    level = rule.enter if track.unit is Unit.PROBABILITY else settings.held_level
    state = _held(track.values, level, settings.held_share)
    if state is not None and norm.own is not None and norm.own >= level:
        event = _event(track, norm, Kind.STATE, track.values, state, trust)
        events.append(
            replace(event, peak=norm.own, change_from_usual=0.0, change_from_population=norm.own)
        )
    return events


def _thrown(bout: Bout, track: CueTrack, scene: _Scene, settings: EventSettings) -> bool:
    """Whether it is over before a head that turns fast holds still again: points lag then."""
    short = track.times_s[bout.last] - track.times_s[bout.first] < settings.brief_max_s
    return bool(short and scene.moving[bout.first : bout.last + 1].mean() >= 0.5)


def _slight(bout: Bout, above: np.ndarray, track: CueTrack, settings: EventSettings) -> bool:
    """Whether it is both short and below the usual limit: brief.py looks for those."""
    short = track.times_s[bout.last] - track.times_s[bout.first] <= settings.brief_max_s
    graded = track.unit is Unit.FACS_INTENSITY
    return bool(graded and short and above[bout.apex] < settings.enter)


def _with_brief(
    events: list[Event],
    track: CueTrack,
    change: np.ndarray,
    norm: Usual,
    trust: float,
    scene: _Scene,
    settings: EventSettings,
) -> list[Event]:
    """Events with the short ones marked, and with those that are too small to be found among
    the others. What overlaps a longer event of the same unit is part of it.
    """
    if track.code not in scene.rested or too_slow(track.times_s, settings):
        return events
    peaks = brief_peaks(change, track.times_s, scene.disturbed(track.code), settings)
    short = [
        replace(
            _risen(_event(track, norm, Kind.EVENT, change, Bout(*peak), trust), norm), brief=True
        )
        for peak in peaks
    ]
    steady = [max(change[first], change[last]) for first, _, last in peaks]
    rest = [
        e
        for e in events
        if not any(_same(e, b, at, settings) for b, at in zip(short, steady, strict=True))
    ]
    taken = _Overlap([e.span for e in rest])
    return rest + [b for b in short if taken.seconds(b.span) == 0.0]


def _same(event: Event, brief: Event, steady: float, settings: EventSettings) -> bool:
    """Whether an event found by its level is that short one, and not a longer one around it.
    steady: the level from which the short one rises; below the usual limit there is none."""
    longer = event.span.duration_s > max(2 * brief.span.duration_s, settings.brief_max_s)
    around = longer and not (steady < settings.enter and brief.span.contains(event.apex_s))
    return event.span.overlap_s(brief.span) > 0 and not around


def _without_echoes(events: Sequence[Event], settings: EventSettings) -> list[Event]:
    """Without the short events that go with a stronger short one in the same instant, or with the
    onset or offset of a stronger long one: a face that changes fast moves the measure of its
    other parts too, and so short a time does not tell them apart. And without those that only a
    calm track's lower limit found, where another unit rises to several times that height at the
    same time."""
    kept = []
    for event in events:
        is_weak = event.unit is Unit.FACS_INTENSITY and _height(event) < settings.enter
        others = events if event.kind is Kind.EVENT and (event.brief or is_weak) else ()
        if not any(_echoes(event, other) for other in others):
            kept.append(event)
    return kept


def _echoes(event: Event, other: Event) -> bool:
    if {event.code, other.code} <= set(_OPENINGS) or other.unit is not event.unit:
        return False
    if event.code == _PARTS_LIPS and other.code in _OPENINGS:
        return False
    risen, by = _height(event), _height(other)
    if not event.brief:
        return abs(event.apex_s - other.apex_s) <= _WEAK_ECHO_S and _WEAK_ECHO * risen <= by
    if other.brief:
        return abs(event.apex_s - other.apex_s) <= _ECHO_S and risen < _ECHO * by
    edges_s = (other.span.start_s, other.span.end_s)
    return min(abs(event.apex_s - edge_s) for edge_s in edges_s) <= _EDGE_S and risen < by


def _height(event: Event) -> float:
    """Above the person's usual level; the level where that is not known."""
    return event.peak if event.change_from_usual is None else event.change_from_usual


def _rule(
    track: CueTrack, change: np.ndarray, is_rested: bool, settings: EventSettings
) -> EventRule:
    """A track that trembles much from frame to frame has to rise by more; by less one that hardly
    wanders, in a unit whose rest is seen."""
    if track.unit is Unit.PROBABILITY:
        return EventRule(*_PROBABLE, settings.min_duration_s)
    calm = max(
        settings.enter_calm, settings.wanders * wandering(change, frame_step_s(track.times_s))
    )
    least = min(settings.enter, calm) if is_rested else settings.enter
    enter = max(least, settings.trembles * trembling(change))
    return EventRule(enter, enter * settings.leave / settings.enter, settings.min_duration_s)


def _with_side(
    event: Event,
    one_sided: _Sided,
    norms: Mapping[tuple[str, Side | None], Usual],
    settings: EventSettings,
) -> Event:
    """The side that leads at the apex by B or more, and its level; else the event as it is."""
    tracks = {side: one_sided.get((event.code, side)) for side in Side}
    levels = {s: _at(t, event.apex_s) for s, t in tracks.items() if t is not None}
    if event.kind is not Kind.EVENT or len(levels) < 2:
        return event
    side = max(levels, key=lambda s: levels[s])
    other = min(levels.values())
    if not levels[side] - other >= settings.side_lead:  # NaN: no side
        return event
    norm = norms.get((event.code, side))
    own = norm.own if norm is not None else None
    return replace(
        event,
        side=side,
        peak=levels[side],
        change_from_usual=None if own is None else levels[side] - own,
        change_from_population=levels[side],
    )


def _risen(event: Event, norm: Usual, full: float = MAX_INTENSITY) -> Event:
    """An event found in the change of a cue, with its peak on the cue's own scale, up to `full`."""
    change = min(event.peak, full)
    peak = min((norm.own or 0.0) + event.peak, full)
    return replace(
        event,
        peak=peak,
        change_from_usual=None if norm.own is None else change,
        change_from_population=peak,
    )


def _held(values: np.ndarray, level: float, share: float) -> Bout | None:
    """The whole visible time, where the cue is there for most of it; apex: a typical moment."""
    (known,) = np.nonzero(~np.isnan(values))
    if len(known) == 0 or np.mean(values[known] >= level) < share:
        return None
    typical = known[np.argmin(np.abs(values[known] - np.median(values[known])))]
    return Bout(int(known[0]), int(typical), int(known[-1]))


def _closures(
    track: CueTrack, change: np.ndarray, norm: Usual, trust: float, settings: EventSettings
) -> list[Event]:
    """Closed eyes: up to `blink_max_s` a blink (AU45), longer AU43. Not smoothed: blinks are
    three frames long. With enough time also how often the person blinks.
    """
    values = track.values.astype(np.float64)
    probable = track.unit is Unit.PROBABILITY
    enter, leave = _PROBABLE if probable else (settings.blink_enter, settings.blink_enter / 2)
    if len(values) == 1:
        closed = values[0] >= enter
        return [_event(track, norm, Kind.STATE, values, Bout(0, 0, 0), trust)] if closed else []
    full = 1.0 if probable else MAX_INTENSITY
    events = []
    for bout in find_bouts(change.astype(np.float64), track.times_s, EventRule(enter, leave, 0.0)):
        event = _risen(_event(track, norm, Kind.EVENT, change, bout, trust), norm, full)
        blink = event.span.duration_s <= settings.blink_max_s
        events.append(replace(event, code="AU45") if blink else event)
    seen_s = float((~np.isnan(values)).sum() * frame_step_s(track.times_s))
    n_blinks = sum(e.code == "AU45" for e in events)
    if seen_s >= _MIN_RATE_S and n_blinks:
        (known,) = np.nonzero(~np.isnan(values))
        whole = Bout(int(known[0]), int(known[0]), int(known[-1]))
        state = _event(track, norm, Kind.STATE, values, whole, trust)
        rate = 60.0 * n_blinks / seen_s
        events.append(
            replace(
                state,
                code="AU45",
                peak=rate,
                unit=Unit.PER_MINUTE,
                change_from_usual=None,
                change_from_population=None,
            )
        )
    return events


def _turns(track: CueTrack, norm: Usual, settings: EventSettings) -> list[Event]:
    """Head or eyes turned away from where they mostly are; without a "mostly", from straight."""
    head = track.code in _HEAD
    enter = settings.head_enter_deg if head else settings.gaze_enter_deg
    shortest_s = settings.min_duration_s if head else settings.gaze_min_duration_s
    rule = EventRule(enter, enter / 2, shortest_s)
    values = smooth(track.values, track.times_s, settings.smooth_s)
    base = norm.own if norm.own is not None else 0.0
    events = []
    for sign, code in zip((1, -1), (_HEAD | _GAZE)[track.code], strict=True):
        away = sign * (values - base)
        if len(values) == 1:
            bouts = [Bout(0, 0, 0)] if away[0] >= enter else []
        else:
            bouts = find_bouts(away, track.times_s, rule)
        for bout in bouts:
            kind = Kind.STATE if len(values) == 1 else Kind.EVENT
            event = _event(track, norm, kind, values, bout, 0.8 if head else 0.4)
            caveats = () if head else ("gaze is not validated",)
            change = abs(event.change_from_usual) if event.change_from_usual is not None else None
            events.append(
                replace(
                    event,
                    code=code,
                    peak=abs(event.peak) if change is None else change,
                    change_from_usual=change,
                    caveats=caveats,
                )
            )
    return events


def _event(
    track: CueTrack, norm: Usual, kind: Kind, values: np.ndarray, bout: Bout, trust: float
) -> Event:
    peak = float(values[bout.apex])
    return Event(
        person=track.person,
        channel=Channel.FACE,
        code=track.code,
        side=track.side,
        kind=kind,
        span=Span(float(track.times_s[bout.first]), float(track.times_s[bout.last])),
        apex_s=float(track.times_s[bout.apex]),
        peak=peak,
        unit=track.unit,
        change_from_usual=None if norm.own is None else peak - norm.own,
        change_from_population=None if norm.population is None else peak - norm.population,
        reliability=trust,
        caveats=(),
        source=track.source,
    )


class _Overlap:
    """How long spans, which do not overlap each other, cover another; not by trying them all."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = sorted(spans)
        self._ends_s = [span.end_s for span in self._spans]

    def seconds(self, span: Span) -> float:
        total_s = 0.0
        for other in self._spans[bisect_left(self._ends_s, span.start_s) :]:
            if other.start_s >= span.end_s:
                break
            total_s += span.overlap_s(other)
        return total_s


def feigned(by: str) -> str:
    return f"{by}, which is stronger here, can look like this"


def _with_caveats(
    event: Event,
    speech: _Overlap,
    scene: _Scene,
    tracks: Mapping[str, CueTrack],
    changes: Mapping[str, np.ndarray],
) -> Event:
    notes = []
    unit = ACTION_UNITS[event.code]
    if unit.region in _MOUTH:
        spoken_s = speech.seconds(event.span)
        if spoken_s > 0 and spoken_s >= _SPEECH_SHARE * event.span.duration_s:
            notes.append(WITH_SPEECH)
        elif _share(scene.talk.unheard, tracks, event.span) >= _SPEECH_SHARE:
            notes.append(WITHOUT_VOICE)
    lids = event.code in ("AU43", "AU45")
    changed = event.unit is Unit.FACS_INTENSITY and event.kind is Kind.EVENT and not lids
    if changed and scene.far[_index(next(iter(tracks.values())), event.apex_s)]:
        notes.append(TURNED)
    other = _FEIGNED_BY.get(event.code, "")
    if changed and other in tracks and event.code in tracks:
        apex = _index(tracks[event.code], event.apex_s)
        if changes[other][apex] >= changes[event.code][apex]:
            notes.append(feigned(other))
    if event.code in ("AU43", "AU45", "AU64") and event.unit is not Unit.PER_MINUTE:
        pitch = tracks.get("pose_pitch")
        if pitch is not None and _at(pitch, event.apex_s) < _LOOKS_CLOSED_DEG:
            notes.append("the head is lowered, which makes eyes look closed")
    return replace(event, caveats=(*event.caveats, *notes)) if notes else event


def _share(flags: np.ndarray, tracks: Mapping[str, CueTrack], span: Span) -> float:
    """Of the frames of a span, the share with the flag set."""
    times_s = next(iter(tracks.values())).times_s
    first = np.searchsorted(times_s, span.start_s)
    last = np.searchsorted(times_s, span.end_s, side="right")
    return float(flags[first:last].mean()) if last > first else 0.0


def _index(track: CueTrack, time_s: float) -> int:
    """Of the frame nearest to a time."""
    after = int(np.searchsorted(track.times_s, time_s))
    near = [i for i in (after - 1, after) if 0 <= i < len(track.times_s)]
    return min(near, key=lambda i: abs(track.times_s[i] - time_s))


def _at(track: CueTrack, time_s: float) -> float:
    return float(track.values[_index(track, time_s)])
