"""From what a drawn face shows to the events that our front end would report of it.

First the truth: an emotion is shown by one of its published patterns, each unit by the published
share of people, at a strength, over time. Then the measurement: gain, noise, missed units, units
that fire along with others, false alarms, talking mouths; all with figures from docs/perception.md.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from demeanor.data_engine.simulate.tables import (
    EXCLUDE,
    OPENINGS,
    Pattern,
    Unit,
    cross_talk,
    parameters,
    patterns,
    units,
    value,
)
from demeanor.explain.perception.action_units import MAX_INTENSITY
from demeanor.explain.perception.events import WITH_SPEECH
from demeanor.explain.perception.head_events import MAY_BE_THE_CAMERA, NOT_VALIDATED
from demeanor.explain.records import (
    Channel,
    Event,
    Kind,
    Side,
    Source,
    SourceKind,
    Span,
)
from demeanor.explain.records import Unit as U
from demeanor.explain.settings import load_settings
from demeanor.explain.vocabulary import MOVEMENTS, Region

FPS = 25
_EVENTS = load_settings().events
B, D = _EVENTS.enter, 3.6  # present; D as reported
_DU_SHARE = 0.6  # of expressions drawn from the list with proportions, where there is one; ours
_ALONE_SHARE = 0.35  # of one-sided drawings in which the other side moves a little, too; ours
_MOUTH = (Region.MOUTH, Region.JAW)
_OPENING_TOP = 4.6  # AU27 is what lies beyond D of AU26
_NODS_HZ = (1.6, 3.2)  # within what swing_min_s and swing_max_s let pass
_EXCLUDED = {code: other for pair in EXCLUDE for code, other in (pair, pair[::-1])}


@dataclass(frozen=True, slots=True)
class Movement:
    """The truth about one unit: FACS 0-5, or degrees for head and eyes."""

    code: str
    side: Side | None
    level: float
    span: Span
    apex_s: float


@dataclass(frozen=True, slots=True)
class Shown:
    """One expression: what is shown, how fully, how strongly, when."""

    emotion: str
    span: Span
    strength: float  # FACS 1-5
    completeness: float = 1.0  # share of a pattern's units that are not left out
    only: str | None = None  # source of the pattern; None: any


@dataclass(frozen=True, slots=True)
class View:
    """Who is looked at, with what, for how long. duration_s 0: a picture."""

    backend: str
    duration_s: float
    person: str = "p1"
    talks: tuple[Span, ...] = ()  # when this person's mouth speaks
    rest: dict[str, float] = field(default_factory=dict)  # levels that this face has at rest
    hidden: frozenset[str] = frozenset()  # units that cannot be seen in this clip
    idle: float = 1.0  # times as often as usual that something moves without an expression

    @property
    def source(self) -> Source:
        return Source(SourceKind.MACHINE, f"simulated {self.backend}", "1")

    @property
    def is_picture(self) -> bool:
        return self.duration_s == 0


# --- what is shown ---------------------------------------------------------------------------


def movements(shown: Shown, draw: random.Random) -> list[Movement]:
    """The units of one expression. Openings entail parted lips; what FACS excludes is left out."""
    pattern = _pattern(shown, draw)
    codes = _units(pattern, shown.completeness, draw)
    side = draw.choice((Side.LEFT, Side.RIGHT)) if pattern.one_sided else None
    return [
        Movement(code, side if _sided(code) else None, level, *_timing(shown.span, draw))
        for code, level in _levels(codes, pattern, shown.strength, draw).items()
    ]


def _pattern(shown: Shown, draw: random.Random) -> Pattern:
    known = patterns()[shown.emotion]
    if shown.only is not None:
        return draw.choice([row for row in known if row.source == shown.only])
    first, *others = known
    if not others or (first.has_proportions and draw.random() < _DU_SHARE):
        return first
    return draw.choice(others if first.has_proportions else known)


def _units(pattern: Pattern, completeness: float, draw: random.Random) -> list[str]:
    found = [
        code
        for code, share in pattern.shares
        if draw.random() < share and draw.random() < completeness
    ]
    if pattern.one_of and draw.random() < 2 / 3:  # lips parted or jaw dropped, or neither
        found.append(draw.choice(pattern.one_of))
    kept: list[str] = []
    for code in found:
        if _EXCLUDED.get(code) not in kept and not (code == "AU27" and "AU26" in kept):
            kept.append(code)
    if any(code in OPENINGS for code in kept) and not {"AU25", "AU24"} & set(kept):
        kept.append("AU25")
    return kept


def _levels(
    codes: Sequence[str], pattern: Pattern, strength: float, draw: random.Random
) -> dict[str, float]:
    levels = {}
    for code in codes:
        if MOVEMENTS[code].region in (Region.HEAD, Region.GAZE):
            levels[code] = max(10.5, draw.gauss(18.0, value("turn_deg") / 3))
            continue
        level = min(MAX_INTENSITY, max(1.0, draw.gauss(strength, value("unit_spread"))))
        if code in pattern.slight:
            level = min(level, 2.4)
        if code in pattern.strong:
            level = max(level, D)
        levels[code] = level
    return levels


def _timing(span: Span, draw: random.Random) -> tuple[Span, float]:
    """Onsets of one expression lie close together; a picture has one moment."""
    if span.duration_s == 0:
        return span, span.start_s
    apart = min(value("onset_apart_s"), 0.15 * span.duration_s)
    start_s = max(0.0, draw.gauss(span.start_s, apart))
    end_s = max(start_s + 0.6 * span.duration_s, draw.gauss(span.end_s, apart))
    apex = parameters()["apex_share"]
    share = min(0.8, max(0.15, draw.gauss(apex.value, apex.spread)))
    return Span(start_s, end_s), start_s + share * (end_s - start_s)


def _sided(code: str) -> bool:
    return MOVEMENTS[code].region in (Region.BROW, Region.EYE, Region.NOSE, Region.MOUTH)


_IDLE = (  # what moves without an expression: stress in talk, thought, lips at work; ours
    ("AU1", "AU2"),
    ("AU1", "AU2"),
    ("AU4",),
    ("AU7",),
    ("AU14",),
    ("AU17", "AU24"),
    ("AU24",),
    ("AU28",),
    ("AU25",),
    ("AU12",),
)


def _idle(view: View, draw: random.Random) -> Iterator[Movement]:
    if view.is_picture:
        if draw.random() < value("open_lips_percent") / 100:
            at, level = Span(0.0, 0.0), draw.uniform(1.5, 4.0)
            yield Movement("AU25", None, level, at, 0.0)
            yield Movement("AU26", None, level - 0.5, at, 0.0)
        return
    per_s = view.idle * value("idle_per_s")
    at_s = draw.expovariate(per_s)
    while at_s < view.duration_s - 0.3:
        span = Span(at_s, min(view.duration_s, at_s + draw.uniform(0.3, 1.2)))
        level = draw.uniform(1.2, 3.0)
        for code in draw.choice(_IDLE):
            yield Movement(code, None, level, span, (span.start_s + span.end_s) / 2)
        at_s += 0.5 + draw.expovariate(per_s)


# --- what is measured of it ------------------------------------------------------------------


def events(shown: Sequence[Movement], view: View, draw: random.Random) -> list[Event]:
    """Events of one face, as the front end would report them."""
    merged = _merged([*shown, *_idle(view, draw)])
    found = [e for m in merged for e in _measured(m, view, draw)]
    found += _along(merged, view, draw)
    taken = {(e.code, e.span) for e in found}
    found += [e for e in _alarms(merged, view, draw) if (e.code, e.span) not in taken]
    found += _held(view)
    if view.is_picture:
        found += _posed({m.code for m in merged}, view, draw)
    else:
        found += [*_blinks(view, draw), *_turns(view, draw)]
    return sorted(found, key=lambda e: (e.span.start_s, e.code))


def _merged(shown: Sequence[Movement]) -> list[Movement]:
    """AU27 is AU26 carried on: one event. Of a unit twice at once the stronger stays."""
    found: dict[tuple[str, float], Movement] = {}
    for movement in shown:
        if movement.code == "AU27":
            level = max(_OPENING_TOP, movement.level)
            movement = replace(movement, code="AU26", level=level)
        key = (movement.code, round(movement.span.start_s))
        if key not in found or movement.level > found[key].level:
            found[key] = movement
    return list(found.values())


def _measured(movement: Movement, view: View, draw: random.Random) -> Iterator[Event]:
    unit = MOVEMENTS[movement.code]
    if unit.region in (Region.HEAD, Region.GAZE):
        yield from _head(movement, view, draw)
        return
    noise = units(view.backend).get(movement.code)
    if noise is None or movement.code in view.hidden:
        return
    event = _event(movement, _level(movement, noise, view, draw), noise, view, draw)
    if event is not None:
        yield event


def _level(movement: Movement, noise: Unit, view: View, draw: random.Random) -> float:
    spread = noise.noise_unknown_rest if view.is_picture else noise.noise
    return draw.gauss(noise.gain * movement.level - noise.offset, spread)


def _event(
    movement: Movement, level: float, noise: Unit, view: View, draw: random.Random
) -> Event | None:
    """The event of a unit at this measured level above rest; None below what is reported."""
    code = movement.code
    closes = code == "AU43"
    if level < (_EVENTS.blink_enter if closes else B):
        return None
    if view.is_picture:
        at = Span(0.0, 0.0)
        return _face(code, None, Kind.STATE, at, 0.0, min(level, 5.0), None, noise, view)
    span, apex_s = _seen_at(movement, draw)
    if span.duration_s < _EVENTS.min_duration_s:
        return None
    talking = MOVEMENTS[code].region in _MOUTH and _spoken_s(span, view) >= 0.5 * span.duration_s
    if talking and span.duration_s < _EVENTS.talk_held_s:
        return None  # what does not outlast a syllable is no expression of a talking mouth
    rest = view.rest.get(code, 0.0)
    peak, change = min(rest + level, MAX_INTENSITY), min(level, MAX_INTENSITY)
    side = _side(movement, level, noise, draw)
    if closes and span.duration_s <= _EVENTS.blink_max_s:
        code = "AU45"
    event = _face(code, side, Kind.EVENT, span, apex_s, peak, change, noise, view)
    brief = span.duration_s <= _EVENTS.brief_max_s and not closes and not talking
    return replace(event, caveats=(WITH_SPEECH,) if talking else (), brief=brief)


def _seen_at(movement: Movement, draw: random.Random) -> tuple[Span, float]:
    """Onset, apex and offset with the front end's errors, on frames."""
    error_s = value("time_error_s")
    start_s = max(0.0, draw.gauss(movement.span.start_s, error_s))
    end_s = max(start_s, draw.gauss(movement.span.end_s, error_s))
    apex_s = min(end_s, max(start_s, draw.gauss(movement.apex_s, error_s)))
    return Span(_frame(start_s), _frame(end_s)), _frame(apex_s)


def _frame(time_s: float) -> float:
    return round(round(time_s * FPS) / FPS, 2)


def _side(movement: Movement, level: float, noise: Unit, draw: random.Random) -> Side | None:
    """The side that leads by B or more, where this backend tells the sides of this unit apart."""
    if not noise.sided:
        return None
    if movement.side is not None:
        lead = level * (0.6 if draw.random() < _ALONE_SHARE else 1.0)
        return movement.side if lead >= _EVENTS.side_lead else None
    difference = draw.gauss(0.0, value("side_spread"))
    if abs(difference) < _EVENTS.side_lead:
        return None
    return Side.LEFT if difference > 0 else Side.RIGHT


def _spoken_s(span: Span, view: View) -> float:
    return sum(span.overlap_s(talk) for talk in view.talks)


def _face(
    code: str,
    side: Side | None,
    kind: Kind,
    span: Span,
    apex_s: float,
    peak: float,
    change: float | None,
    noise: Unit,
    view: View,
) -> Event:
    peak = round(peak, 3)
    return Event(
        person=view.person,
        channel=Channel.FACE,
        code=code,
        side=side,
        kind=kind,
        span=span,
        apex_s=apex_s,
        peak=peak,
        unit=U.FACS_INTENSITY,
        change_from_usual=None if change is None else round(change, 3),
        change_from_population=peak,
        reliability=noise.reliability,
        caveats=(),
        source=view.source,
    )


def _along(shown: Sequence[Movement], view: View, draw: random.Random) -> Iterator[Event]:
    """Units that fire along with others: rates of renders of all strengths, so by strength."""
    own = {movement.code for movement in shown}
    for movement in shown:
        for code, share in cross_talk(view.backend).get(movement.code, ()):
            noise = units(view.backend).get(code)
            fires = draw.random() < min(0.95, share * movement.level / 2.5)
            if fires and noise is not None and code not in own and code not in view.hidden:
                own.add(code)
                level = B + draw.expovariate(1.5)
                event = _event(replace(movement, code=code, side=None), level, noise, view, draw)
                if event is not None:
                    yield event


def _alarms(shown: Sequence[Movement], view: View, draw: random.Random) -> Iterator[Event]:
    """Units that fire over nothing: as often as on neutral pictures, less where rest is known."""
    own = {movement.code for movement in shown}
    share = 1.0 if view.is_picture else value("video_alarm_share") * min(view.duration_s, 15) / 5
    for code, noise in units(view.backend).items():
        if draw.random() >= noise.false_alarm * share or code in own or code in view.hidden:
            continue
        if code == "AU43" and not view.is_picture:
            continue  # blinks are drawn by themselves
        start_s = draw.uniform(0.0, 0.8 * view.duration_s)
        end_s = min(view.duration_s, start_s + draw.uniform(0.16, 1.0))
        movement = Movement(code, None, 0.0, Span(start_s, end_s), (start_s + end_s) / 2)
        event = _event(movement, B + draw.expovariate(2.0), noise, view, draw)
        if event is not None:
            yield event


def _held(view: View) -> Iterator[Event]:
    """What this face has at rest, for the whole clip. A picture cannot tell it from a movement."""
    for code, level in view.rest.items():
        noise = units(view.backend).get(code)
        if noise is None or level < _EVENTS.held_level or code in view.hidden:
            continue
        span = Span(0.0, _frame(view.duration_s - 1 / FPS) if view.duration_s else 0.0)
        apex_s = _frame(span.duration_s * 0.4)
        change = None if view.is_picture else 0.0
        yield _face(code, None, Kind.STATE, span, apex_s, level, change, noise, view)


# --- head, eyes, lids ------------------------------------------------------------------------


def _head(movement: Movement, view: View, draw: random.Random) -> Iterator[Event]:
    code, region = movement.code, MOVEMENTS[movement.code].region
    moving = code in ("AU57", "AU58", "AU84", "AU85")
    if code in view.hidden or (moving and view.duration_s < 3.0):
        return
    trust = 0.4 if region is Region.GAZE else 0.3 if code in ("AU57", "AU58") else 0.8
    level = movement.level
    if region is Region.GAZE and level < _EVENTS.gaze_enter_deg:
        return
    span, apex_s = _seen_at(movement, draw) if not view.is_picture else (Span(0.0, 0.0), 0.0)
    kind = Kind.STATE if view.is_picture else Kind.EVENT
    noise = Unit(1.0, 0.0, 0.0, 0.0, 0.0, trust, False)
    event = _face(code, None, kind, span, apex_s, level, level, noise, view)
    event = replace(event, unit=U.DEGREE, change_from_population=None)
    if code in ("AU57", "AU58"):
        size = 1 + (1 if code == "AU57" else -1) * level / 100
        event = replace(event, unit=U.RATIO, peak=round(size, 3), caveats=(MAY_BE_THE_CAMERA,))
        yield replace(event, change_from_usual=round(size - 1, 3))
    elif code in ("AU84", "AU85"):
        repeats = max(1.5, round(2 * span.duration_s * draw.uniform(*_NODS_HZ)) / 2)
        size = round(level / 2, 3)
        yield replace(event, repeats=repeats, peak=size, change_from_usual=size)
    elif region is Region.GAZE:
        yield replace(event, caveats=(NOT_VALIDATED,))
    else:
        yield event


def _posed(own: set[str], view: View, draw: random.Random) -> Iterator[Event]:
    """How heads and eyes are turned on pictures, which says nothing."""
    turn = parameters()["turn_deg"]
    taken = set(own)
    for name, rate in parameters().items():
        code = name.removeprefix("pose_").removesuffix("_percent")
        if not name.startswith("pose_") or draw.random() >= rate.value / 100:
            continue
        if code in taken or _EXCLUDED.get(code) in taken:
            continue
        taken.add(code)
        least = _EVENTS.gaze_enter_deg if code >= "AU61" else _EVENTS.head_enter_deg
        level = max(least + 0.5, draw.gauss(turn.value, turn.spread))
        yield from _head(Movement(code, None, level, Span(0.0, 0.0), 0.0), view, draw)


def _blinks(view: View, draw: random.Random) -> Iterator[Event]:
    rate = parameters()["blinks_per_min"]
    per_s = max(2.0, draw.gauss(rate.value, rate.spread)) / 60
    noise = units(view.backend)["AU43"]
    at_s, n_blinks = draw.expovariate(per_s), 0
    blink = parameters()["blink_s"]
    while at_s < view.duration_s - 0.5:
        lasts_s = min(0.48, max(0.08, draw.gauss(blink.value, blink.spread)))
        span = Span(_frame(at_s), _frame(at_s + lasts_s))
        level = draw.uniform(3.0, 5.0)
        event = _face(
            "AU45", None, Kind.EVENT, span, _frame(at_s + lasts_s / 2), level, level, noise, view
        )
        n_blinks += 1
        yield event
        at_s += 0.6 + draw.expovariate(per_s)
    if n_blinks and view.duration_s >= 10.0:
        whole = Span(0.0, _frame(view.duration_s - 1 / FPS))
        state = _face(
            "AU45", None, Kind.STATE, whole, 0.0, 60 * n_blinks / view.duration_s, None, noise, view
        )
        yield replace(state, unit=U.PER_MINUTE, change_from_population=None)


def _turns(view: View, draw: random.Random) -> Iterator[Event]:
    """Heads and eyes that turn for no reason of ours."""
    if draw.random() >= value("turns_per_s") * view.duration_s:
        return
    code = draw.choice(("AU51", "AU52", "AU53", "AU54", "AU55", "AU56", "AU61", "AU62", "AU64"))
    turn = parameters()["turn_deg"]
    start_s = draw.uniform(0.0, 0.7 * view.duration_s)
    span = Span(start_s, min(view.duration_s, start_s + draw.uniform(0.4, 2.5)))
    level = max(10.5, draw.gauss(turn.value, turn.spread))
    movement = Movement(code, None, level, span, (span.start_s + span.end_s) / 2)
    yield from _head(movement, view, draw)
