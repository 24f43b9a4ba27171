"""Observations drawn in one line each, for tests of everything that comes after perception."""

from demeanor.explain.reasoning.chat import Request
from demeanor.explain.records import (
    Channel,
    Kind,
    LabelSet,
    NotMeasured,
    Observation,
    Side,
    Source,
    SourceKind,
    Span,
    Timeline,
    TimelineLine,
    Unit,
)

DRAWN = Source(SourceKind.MACHINE, "drawn", "1")
SEVEN = LabelSet(
    "rafdb7",
    ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"),
    {
        name: name
        for name in ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
    },
    "drawn",
)


def au(obs_id, code, peak, span=(1.0, 3.0), **changes):
    """A facial movement as an event: its change from the usual is its peak unless told."""
    fields = {
        "person": "p1",
        "channel": Channel.FACE,
        "side": None,
        "kind": Kind.EVENT,
        "unit": Unit.FACS_INTENSITY,
        "change_from_usual": peak,
        "change_from_population": peak,
        "reliability": 0.9,
        "caveats": (),
    }
    fields.update(changes)
    return _observation(obs_id, f"AU{code}", span, peak, fields)


def left(obs_id, code, peak, span=(1.0, 3.0), **changes):
    return au(obs_id, code, peak, span, side=Side.LEFT, **changes)


def right(obs_id, code, peak, span=(1.0, 3.0), **changes):
    return au(obs_id, code, peak, span, side=Side.RIGHT, **changes)


def held(obs_id, code, peak, span=(0.0, 5.0), **changes):
    """Held all along: no change from this person's own usual."""
    return au(obs_id, code, peak, span, **{"kind": Kind.STATE, "change_from_usual": 0.1, **changes})


def turn(obs_id, code, degrees, span=(1.0, 2.0)):
    return au(obs_id, code, degrees, span, unit=Unit.DEGREE, change_from_population=None)


def blink(obs_id, time_s):
    return au(obs_id, 45, 4.0, (time_s, time_s + 0.2), reliability=0.8)


def voice(obs_id, code, change, span=(1.0, 3.0), unit=Unit.SEMITONE, **changes):
    fields = {
        "person": "p1",
        "channel": Channel.VOICE,
        "side": None,
        "kind": Kind.EVENT,
        "unit": unit,
        "change_from_usual": change,
        "change_from_population": None,
        "reliability": 0.8,
        "caveats": (),
    }
    fields.update(changes)
    return _observation(obs_id, code, span, 100.0 + change, fields)


def pitch(obs_id, change_st, span=(1.0, 3.0)):
    return voice(obs_id, "F0semitoneFrom27.5Hz", change_st, span)


def level(obs_id, change_db, span=(1.0, 3.0)):
    return voice(obs_id, "equivalentSoundLevel_dBp", change_db, span, Unit.DECIBEL)


def said(obs_id, quote, span=(1.0, 3.0), **changes):
    fields = {
        "person": "p1",
        "channel": Channel.SPEECH,
        "side": None,
        "kind": Kind.WORDS,
        "unit": Unit.NONE,
        "change_from_usual": None,
        "change_from_population": None,
        "reliability": 0.9,
        "caveats": (),
        "quote": quote,
    }
    fields.update(changes)
    return _observation(obs_id, "words", span, None, fields)


def gap(what, reason="the file has no sound"):
    return NotMeasured(what, reason)


def request(*observations, gaps=(), labels=SEVEN, text=None, person="p1"):
    """A request whose timeline has one line per observation, or is `text`."""
    return Request(
        clip_id="c1",
        person=person,
        timeline=timeline("\n".join(map(line, observations)) if text is None else text),
        observations=observations,
        not_measured=tuple(gaps),
        label_set=labels,
        max_tokens=500,
        seed=0,
    )


def line(observation):
    span, said_words = observation.span, observation.quote or observation.peak
    return (
        f"[{observation.obs_id}] {span.start_s:.1f}–{span.end_s:.1f} s"
        f" {observation.name} {said_words}"
    )


def timeline(text):
    return Timeline("p1", text, (TimelineLine(None, None, 0, len(text)),), 0, len(text) // 4)


def _observation(obs_id, code, span, peak, fields):
    span = Span(*span)
    apex_s = (span.start_s + span.end_s) / 2
    return Observation(
        obs_id=obs_id, code=code, span=span, apex_s=apex_s, peak=peak, source=DRAWN, **fields
    )
