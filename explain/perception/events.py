"""From cue tracks to events: each with onset, apex and offset.

One threshold makes a new event of every wobble around it, so there are two: a cue must rise to
`enter` above what is usual to begin, and fall below `leave` to end (Gelly & Gauvain 2015 did
this for speech activity). Onset and offset are then moved out to where the movement starts and
ends: a tenth of its height. A gap in measurement ends an event: nobody saw what came after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from demeanor.explain.perception.action_units import MAX_INTENSITY
from demeanor.explain.perception.baseline import frame_step_s
from demeanor.explain.records import Channel, CueTrack, Event, Kind, Span, Unit, Usual
from demeanor.explain.settings import EventSettings
from demeanor.explain.vocabulary import ACTION_UNITS, Region

_FOOT = 0.1  # of the height: where a movement starts and ends
_SUMMIT = 0.85  # of the height: what the apex is read from
_WELL_INSIDE = 0.3  # of the summit's length, from its middle: where a vertex is believed
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
    for i, value in enumerate([*values.tolist(), np.nan]):
        present = value >= (rule.enter if first is None else rule.leave)  # NaN: False
        if present and first is None:
            first = i
        elif not present and first is not None:
            bouts.append(_outward(values, first, i - 1, bouts[-1].last if bouts else -1))
            first = None
    return [b for b in bouts if times_s[b.last] - times_s[b.first] >= rule.min_duration_s]


def _summit(values: np.ndarray) -> int:
    """Index of the apex: the vertex of a parabola through the upper part of the highest rise.

    On a broad summit the single highest sample is where the noise is, not where the apex is.
    """
    top = int(np.argmax(values))
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


def _outward(values: np.ndarray, first: int, last: int, after: int) -> Bout:
    """The bout from foot to foot, not reaching back over index `after`."""
    apex = first + _summit(values[first : last + 1])
    foot = values[apex] * _FOOT
    while first - 1 > after and values[first - 1] > foot and values[first - 1] <= values[first]:
        first -= 1
    while last + 1 < len(values) and values[last + 1] > foot and values[last + 1] <= values[last]:
        last += 1
    return Bout(first, apex, last)


def face_events(
    tracks: Sequence[CueTrack],
    usual: Sequence[Usual],
    changes: Mapping[str, np.ndarray],
    speech: Sequence[Span],
    reliability: Mapping[str, float],
    settings: EventSettings,
) -> list[Event]:
    """All events of one person's face tracks, in time order.

    changes: (n,) per action unit, above the own rest and not clipped, so that the apex of a
    strong expression is found; speech: when somebody speaks, for the caveat on mouths;
    reliability: 0-1 per code, from the backend's calibration.
    """
    norms = {(u.code, u.side): u for u in usual}
    by_code = {t.code: t for t in tracks if t.side is None}
    events: list[Event] = []
    for track in by_code.values():
        if track.code == "AU27":  # the same movement as AU26, told apart by degree: one event
            continue
        norm = norms[track.code, track.side]
        trust = reliability.get(track.code, 0.5)
        if track.code == "AU43":
            events += _closures(track, changes[track.code], norm, trust, settings)
        elif track.unit in (Unit.FACS_INTENSITY, Unit.PROBABILITY):
            events += _expressions(track, changes[track.code], norm, trust, settings)
        elif track.code in _HEAD or track.code in _GAZE:
            events += _turns(track, norm, settings)
    events = [_with_caveats(event, speech, by_code) for event in events]
    return sorted(events, key=lambda e: (e.span.start_s, e.code))


def _expressions(
    track: CueTrack, change: np.ndarray, norm: Usual, trust: float, settings: EventSettings
) -> list[Event]:
    full = 1.0 if track.unit is Unit.PROBABILITY else MAX_INTENSITY
    rule = _rule(track, settings)
    if len(track.times_s) == 1:  # a picture: one moment, and nothing changes in it
        values = track.values.astype(np.float64)
        seen = values[0] >= rule.enter
        return [_event(track, norm, Kind.STATE, values, Bout(0, 0, 0), trust)] if seen else []
    above = smooth(change, track.times_s, settings.smooth_s)
    events = [
        _risen(_event(track, norm, Kind.EVENT, above, bout, trust), norm, full)
        for bout in find_bouts(above, track.times_s, rule)
    ]
    level = rule.enter if track.unit is Unit.PROBABILITY else settings.held_level
    held = _held(track.values, level, settings.held_share)
    if held is not None and norm.own is not None and norm.own >= level:
        state = _event(track, norm, Kind.STATE, track.values, held, trust)
        events.append(
            replace(state, peak=norm.own, change_from_usual=0.0, change_from_population=norm.own)
        )
    return events


def _rule(track: CueTrack, settings: EventSettings) -> EventRule:
    if track.unit is Unit.PROBABILITY:
        return EventRule(*_PROBABLE, settings.min_duration_s)
    return EventRule(settings.enter, settings.leave, settings.min_duration_s)


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


def _with_caveats(event: Event, speech: Sequence[Span], tracks: Mapping[str, CueTrack]) -> Event:
    notes = []
    region = ACTION_UNITS[event.code].region
    spoken_s = sum(event.span.overlap_s(span) for span in speech)
    speaking = spoken_s > 0 and spoken_s >= _SPEECH_SHARE * event.span.duration_s
    if speaking and region in (Region.MOUTH, Region.JAW):
        notes.append("the mouth moves with speech here")
    if event.code in ("AU43", "AU45", "AU64") and event.unit is not Unit.PER_MINUTE:
        pitch = tracks.get("pose_pitch")
        if pitch is not None and _at(pitch, event.apex_s) < _LOOKS_CLOSED_DEG:
            notes.append("the head is lowered, which makes eyes look closed")
    return replace(event, caveats=(*event.caveats, *notes)) if notes else event


def _at(track: CueTrack, time_s: float) -> float:
    return float(track.values[np.abs(track.times_s - time_s).argmin()])
