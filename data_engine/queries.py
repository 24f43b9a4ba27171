"""Questions about what was observed, answered by looking it up.

Each query takes observations and gives a text with the ids that it rests on; nothing is guessed,
and what was not measured is told apart from what was not there.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

import yaml

from demeanor.explain.reasoning.cues import hides_face
from demeanor.explain.reasoning.signs import is_held
from demeanor.explain.records import Channel, Kind, NotMeasured, Observation, Side, Span, Unit
from demeanor.explain.textualization.phrases import clause, quoted
from demeanor.explain.textualization.timeline import LOW_RELIABILITY
from demeanor.explain.vocabulary import (
    ACTION_UNITS,
    MOVEMENTS,
    Region,
    intensity_letter,
    intensity_word,
)

MAX_LISTED = 6
_EQUAL = 0.3  # FACS levels, or seconds, that are no difference; ours
_SIDES = {Side.LEFT: "left", Side.RIGHT: "right"}


class FirstWording(random.Random):
    """Draws as ever, but says a thing in one way: the first of its wordings."""

    def choice(self, seq: Any) -> Any:
        return seq[0]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its answer, and the kind of query that it is."""

    kind: str
    question: str
    answer: str
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one person's timeline holds: all that a query may look at."""

    observations: tuple[Observation, ...]
    not_measured: tuple[NotMeasured, ...]
    person: str | None
    duration_s: float  # 0: a picture

    def of(self, code: str) -> list[Observation]:
        """Movements of a unit that were made, in time order; no face at rest."""
        found = [o for o in self.observations if o.code == code and not is_held(o)]
        return sorted((o for o in found if o.unit is not Unit.PER_MINUTE), key=_time)

    def why_not(self, code: str) -> str | None:
        """Why a unit could not be measured in the whole clip; None where it could."""
        for gap in self.not_measured:
            named = code in re.findall(r"AU\d+", gap.what)
            if gap.span is None and (named or hides_face(gap, self.person)):
                return gap.reason
        return None

    def gap(self, what: str) -> NotMeasured | None:
        return next((g for g in self.not_measured if g.what == what and g.span is None), None)


@cache
def wordings() -> dict[str, dict[str, tuple[str, ...]]]:
    text = files("demeanor.data_engine").joinpath("queries.yaml").read_text("utf-8")
    return {k: {n: tuple(v) for n, v in kinds.items()} for k, kinds in yaml.safe_load(text).items()}


def worded(kind: str, form: str, draw: random.Random, slots: Mapping[str, str]) -> str:
    """One of the wordings, filled; a slot in capitals begins a sentence."""
    text = Template(draw.choice(wordings()[kind][form]))
    capital = {k.capitalize(): v[:1].upper() + v[1:] for k, v in slots.items()}
    return text.substitute({**slots, **capital})


# --- one unit ------------------------------------------------------------------------------------


def when(seen: Seen, code: str, draw: random.Random) -> Asked:
    found = seen.of(code)
    slots = {**_names(code), "spans": _spans(found)}
    return _asked("when", "say" if found else "none", draw, found, slots)


def strength(seen: Seen, code: str, draw: random.Random) -> Asked | None:
    """The level at the strongest moment; None where it has no FACS level."""
    found = [o for o in seen.of(code) if o.unit is Unit.FACS_INTENSITY and o.peak is not None]
    if not found:
        return None
    best = max(found, key=lambda o: (o.peak or 0.0, -o.span.start_s))
    return _asked("strength", "say", draw, [best], {**_names(code), **_grade(best)})


def often(seen: Seen, code: str, draw: random.Random) -> Asked | None:
    if seen.duration_s == 0:
        return None
    found = seen.of(code)
    n = {1: "once", 2: "twice"}.get(len(found), f"{len(found)} times")
    slots = {**_names(code), "times": n, "spans": _spans(found)}
    return _asked("often", "say" if found else "none", draw, found, slots)


def long(seen: Seen, code: str, draw: random.Random) -> Asked | None:
    found = seen.of(code)
    if not found or seen.duration_s == 0:
        return None
    total_s = sum(o.span.duration_s for o in found)
    return _asked("long", "say", draw, found, {**_names(code), "total": f"{total_s:.1f}"})


def present(seen: Seen, code: str, draw: random.Random) -> Asked:
    """Shown, absent, or not measured: three different answers."""
    found, reason = seen.of(code), seen.why_not(code)
    kind = "say" if found else "unmeasured" if reason else "none"
    slots = {**_names(code), "spans": _spans(found), "reason": _flat(reason or "")}
    return _asked("present", kind, draw, found, slots)


def side(seen: Seen, code: str, draw: random.Random) -> Asked | None:
    found = [o for o in seen.of(code) if o.unit is Unit.FACS_INTENSITY and o.kind is Kind.EVENT]
    if not found:
        return None
    best = max(found, key=lambda o: (o.peak or 0.0, -o.span.start_s))
    if best.side is None:
        return _asked("side", "both", draw, [best], _names(code))
    return _asked("side", "say", draw, [best], {**_names(code), "side": _SIDES[best.side]})


def reliable(seen: Seen, observation: Observation, draw: random.Random) -> Asked:
    """As its line in the timeline says it: there is no figure there."""
    caveats = "; ".join(observation.caveats)
    slots = {"name": observation.name, "id": observation.obs_id, "caveats": caveats}
    kind = "low" if observation.reliability < LOW_RELIABILITY else "ordinary"
    return _asked("reliable", f"{kind}_but" if caveats else kind, draw, [observation], slots)


# --- several -------------------------------------------------------------------------------------


def expressions(seen: Seen) -> list[Observation]:
    """Graded movements of the face that were made, in time order."""
    return sorted(
        (
            o
            for o in seen.observations
            if o.channel is Channel.FACE
            and o.unit is Unit.FACS_INTENSITY
            and o.code != "AU45"
            and not is_held(o)
        ),
        key=_time,
    )


def first(seen: Seen, draw: random.Random) -> Asked | None:
    moved = [o for o in expressions(seen) if o.kind is Kind.EVENT]
    if not moved:
        return None
    slots = {**_names(moved[0].code), "when": _when(moved[0].span)}
    return _asked("first", "say", draw, moved[:1], slots)


def strongest(seen: Seen, draw: random.Random) -> Asked | None:
    moved = expressions(seen)
    if not moved:
        return None
    best = max(moved, key=lambda o: (o.peak or 0.0, -o.span.start_s))
    return _asked("strongest", "say", draw, [best], {**_names(best.code), **_grade(best)})


def at(seen: Seen, time_s: float, draw: random.Random) -> Asked | None:
    """Everything but what holds all along, at a moment of the clip."""
    if seen.duration_s == 0:
        return None
    found = [o for o in seen.observations if o.span.contains(time_s) and o.kind is not Kind.STATE]
    found = sorted(found, key=_time)[:MAX_LISTED]
    slots = {"time": f"{time_s:.1f}", "list": "; ".join(_told(o) for o in found)}
    return _asked("at", "say" if found else "none", draw, found, slots)


def compare(one: Observation, other: Observation, draw: random.Random) -> Asked | None:
    """Which of two movements is stronger, by their peaks."""
    if one.peak is None or other.peak is None or one.code == other.code:
        return None
    high, low = sorted((one, other), key=lambda o: -(o.peak or 0.0))
    gap = (high.peak or 0.0) - (low.peak or 0.0)
    slots = {
        "one": one.name,
        "other": other.name,
        "stronger": high.name,
        "weaker": low.name,
        "high": f"{high.peak:.1f}",
        "low": f"{low.peak:.1f}",
    }
    return _asked("compare", "say" if gap >= _EQUAL else "same", draw, [high, low], slots)


def order(one: Observation, other: Observation, draw: random.Random) -> Asked | None:
    if one.name == other.name or one.kind is not Kind.EVENT or other.kind is not Kind.EVENT:
        return None
    early, late = sorted((one, other), key=_time)
    apart = late.span.start_s - early.span.start_s
    slots = {
        "one": one.name,
        "other": other.name,
        "earlier": early.name,
        "later": late.name,
        "first": f"{early.span.start_s:.1f}",
        "second": f"{late.span.start_s:.1f}",
    }
    return _asked("order", "say" if apart >= _EQUAL else "same", draw, [early, late], slots)


def usual(seen: Seen, draw: random.Random) -> Asked:
    held = [
        o
        for o in seen.observations
        if o.channel is Channel.FACE and is_held(o) and o.unit is Unit.FACS_INTENSITY
    ]
    slots = {"list": ", ".join(f"{o.name} at {o.peak:.1f} [{o.obs_id}]" for o in held)}
    return _asked("usual", "say" if held else "none", draw, held, slots)


def blinks(seen: Seen, draw: random.Random) -> Asked | None:
    rate = next((o for o in seen.observations if o.unit is Unit.PER_MINUTE), None)
    if rate is None or rate.peak is None:
        return None
    return _asked("blinks", "say", draw, [rate], {"rate": f"{rate.peak:.0f}"})


# --- voice, words, gaps --------------------------------------------------------------------------


def voice(seen: Seen, draw: random.Random) -> Asked | None:
    heard = [o for o in seen.observations if o.channel is Channel.VOICE]
    changes = sorted((o for o in heard if o.kind is Kind.EVENT), key=_time)[:MAX_LISTED]
    gap = seen.gap("voice")
    if not heard and gap is None:
        return None
    if gap is not None and not heard:
        return _asked("voice", "unmeasured", draw, [], {"reason": _flat(gap.reason)})
    told = "; ".join(_told(o) for o in changes)
    return _asked("voice", "say" if changes else "none", draw, changes or heard, {"list": told})


def level(seen: Seen, draw: random.Random) -> Asked | None:
    states = [o for o in seen.observations if o.channel is Channel.VOICE and o.kind is Kind.STATE]
    if not states:
        return None
    told = "; ".join(f"{clause(o)} [{o.obs_id}]" for o in states[:MAX_LISTED])
    return _asked("level", "say", draw, states[:MAX_LISTED], {"list": told})


def said(seen: Seen, draw: random.Random) -> Asked | None:
    words = [o for o in seen.observations if o.channel is Channel.SPEECH][:MAX_LISTED]
    gap = seen.gap("words")
    if words:
        told = "; ".join(f"{quoted(o.quote or '')} {_when(o.span)} [{o.obs_id}]" for o in words)
        return _asked("said", "say", draw, words, {"list": told})
    if gap is None:
        return None
    return _asked("said", "unmeasured", draw, [], {"reason": _flat(gap.reason)})


def unmeasured(seen: Seen, draw: random.Random) -> Asked:
    codes = [g for g in seen.not_measured if g.span is None and re.match(r"AU\d", g.what)]
    units = [", ".join(g.what for g in codes)] if codes else []
    gaps = [*units, *(_gap(g) for g in seen.not_measured if g not in codes)]
    return _asked("unmeasured", "say" if gaps else "none", draw, [], {"list": "; ".join(gaps)})


# --- words of answers ----------------------------------------------------------------------------


def _asked(
    kind: str,
    form: str,
    draw: random.Random,
    found: Sequence[Observation],
    slots: dict[str, str],
) -> Asked:
    cites = tuple(dict.fromkeys(o.obs_id for o in found))
    listed = f"[{', '.join(cites)}]" if cites else ""
    every = {**slots, "cite": listed, "cites": listed}
    question = worded(kind, "ask", draw, every)
    answer = " ".join(worded(kind, form, draw, every).split())
    return Asked(kind, question, answer[:1].upper() + answer[1:], cites)


def _names(code: str) -> dict[str, str]:
    unit = MOVEMENTS[code]
    return {"name": code, "title": unit.name, "clause": unit.clause}


def _grade(observation: Observation) -> dict[str, str]:
    peak = observation.peak or 0.0
    return {
        "letter": intensity_letter(peak),
        "word": intensity_word(peak),
        "peak": f"{peak:.1f}",
    }


def _spans(found: Sequence[Observation]) -> str:
    several = [f"{_when(o.span)} [{o.obs_id}]" for o in found[:MAX_LISTED]]
    more = f" and {len(found) - MAX_LISTED} times more" if len(found) > MAX_LISTED else ""
    if len(several) > 1 and not more:
        return f"{', '.join(several[:-1])} and {several[-1]}"
    return ", ".join(several) + more


def _when(span: Span) -> str:
    if span.duration_s == 0:
        return "in the picture" if span.start_s == 0 else f"at {span.start_s:.1f} s"
    return f"from {span.start_s:.1f} to {span.end_s:.1f} s"


def _told(observation: Observation) -> str:
    return f"{clause(observation)} [{observation.obs_id}]"


def _gap(gap: NotMeasured) -> str:
    during = f" from {gap.span.start_s:.1f} to {gap.span.end_s:.1f} s" if gap.span else ""
    return f"{gap.what}{during} ({_flat(gap.reason)})"


def _flat(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _time(observation: Observation) -> tuple[float, float, str]:
    return observation.span.start_s, observation.apex_s, observation.obs_id


# --- which question ------------------------------------------------------------------------------

_ABOUT_UNIT: tuple[Callable[[Seen, str, random.Random], Asked | None], ...] = (
    when,
    strength,
    often,
    long,
    present,
    side,
)
_ABOUT_ALL: tuple[Callable[[Seen, random.Random], Asked | None], ...] = (
    first,
    strongest,
    usual,
    blinks,
    voice,
    level,
    said,
    unmeasured,
)
_GRADED = tuple(
    c for c, m in ACTION_UNITS.items() if m.region not in (Region.HEAD, Region.GAZE) and c != "AU45"
)


def drawn_question(seen: Seen, draw: random.Random) -> Asked | None:
    """A question that fits this clip; now and then about what is not there."""
    moved = expressions(seen)
    number = draw.random()
    if number < 0.4:
        code = draw.choice(moved).code if moved and draw.random() < 0.75 else draw.choice(_GRADED)
        if not seen.of(code):
            return present(seen, code, draw)
        return draw.choice(_ABOUT_UNIT)(seen, code, draw)
    if number < 0.6 and len(moved) > 1:
        one, other = draw.sample(moved, 2)
        return draw.choice((compare, order))(one, other, draw)
    if number < 0.7 and seen.duration_s > 1:
        return at(seen, round(draw.uniform(0.2, seen.duration_s - 0.2), 1), draw)
    if number < 0.75 and moved:
        return reliable(seen, draw.choice(moved), draw)
    return draw.choice(_ABOUT_ALL)(seen, draw)
