"""Plain clauses for observations: movements and sounds, no emotion words."""

import json

from demeanor.explain.records import Channel, Kind, Observation, Side, Span, Unit
from demeanor.explain.vocabulary import (
    MOVEMENTS,
    VOICE_SOUNDS,
    VOICE_WORDS,
    Region,
    intensity_letter,
    intensity_word,
    voice_level,
)

_SIDES = {Side.LEFT: "on the person's left", Side.RIGHT: "on the person's right"}
_UNITS = {
    Unit.DEGREE: "degrees",
    Unit.SEMITONE: "semitones",
    Unit.DECIBEL: "dB",
    Unit.HERTZ: "Hz",
    Unit.PER_SECOND: "per second",
    Unit.PER_MINUTE: "per minute",
    Unit.SECOND: "s",
    Unit.RATIO: "",
    Unit.NONE: "",
    Unit.PROBABILITY: "probability",
}


def clause(observation: Observation) -> str:
    """What was seen, heard or said, in one clause."""
    if observation.channel is Channel.SPEECH:
        return f"words: {quoted(observation.quote or '')}"
    if observation.channel is Channel.VOICE:
        return _voice(observation)
    return _face(observation)


def quoted(text: str) -> str:
    """A stranger's words on one line between double quotes, which they cannot close."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def when(span: Span, apex_s: float, kind: Kind) -> str:
    if span.duration_s == 0:
        return f"at {span.start_s:.2f} s"
    if kind is Kind.EVENT:
        return f"{span.start_s:.2f}-{span.end_s:.2f} s (apex {apex_s:.2f} s)"
    return f"{span.start_s:.2f}-{span.end_s:.2f} s"


def change(observation: Observation) -> str:
    """How it compares with this person's usual and with a neutral population."""
    parts = []
    if observation.kind is Kind.STATE and observation.change_from_usual == 0.0:
        parts.append("held all along, so usual for this person here")
    elif observation.change_from_usual is not None:
        parts.append(f"{observation.change_from_usual:+.1f} from this person's usual")
    if observation.change_from_population is not None and observation.peak is not None:
        parts.append(
            f"{observation.change_from_population:+.1f} from neutral faces of other people"
        )
    return "; ".join(parts)


def _face(observation: Observation) -> str:
    unit = MOVEMENTS[observation.code]
    if observation.unit is Unit.PER_MINUTE:
        return f"{unit.code} blinks {observation.peak:.0f} times per minute"
    side = f" {_SIDES[observation.side]}" if observation.side else ""
    what = f"{observation.name} {unit.name}: {unit.clause}{side}"
    if observation.peak is None or unit.code == "AU45":
        return f"{unit.code} {unit.clause}"
    if observation.repeats is not None:
        return f"{what}, {_times(observation)}, by {observation.peak:.0f} degrees"
    if not unit.code.startswith("AU"):
        return unit.clause
    if observation.unit is Unit.RATIO:
        return f"{what}, by {100 * abs(observation.peak - 1):.0f}%"
    if unit.region in (Region.HEAD, Region.GAZE) and observation.unit is Unit.DEGREE:
        return f"{what}, by {observation.peak:.0f} degrees"
    if observation.unit is Unit.PROBABILITY:
        return f"{what}, present with probability {observation.peak:.2f} (no intensity)"
    word, letter = intensity_word(observation.peak), intensity_letter(observation.peak)
    how_long = f", briefly ({observation.span.duration_s:.1g} s)" if observation.brief else ""
    return f"{what}, {word} ({letter}, {observation.peak:.1f}){how_long}"


def _times(observation: Observation) -> str:
    """How often a head went to and fro, and how fast."""
    repeats, seconds = observation.repeats or 0.0, observation.span.duration_s
    rate = f" ({repeats / seconds:.1f} a second)" if seconds > 0 else ""
    return f"{repeats:g} times{rate}"


def _voice(observation: Observation) -> str:
    peak, code = observation.peak or 0.0, observation.code
    by_level = observation.kind is Kind.STATE or code in VOICE_SOUNDS
    if by_level and (level := voice_level(code, peak)):
        return level
    if code == "MeanUnvoicedSegmentLength":
        return f"pause of {peak:.1f} s"
    higher, lower = VOICE_WORDS.get(code, (f"{code} higher", f"{code} lower"))
    if code.endswith(("RisingSlope", "FallingSlope")):
        return f"{higher} by {abs(peak):.1f} semitones"
    delta = observation.change_from_usual
    if delta is None:
        return f"{code} at {peak:.1f} {_UNITS.get(observation.unit, '')}".rstrip()
    by = _size(delta, observation.unit)
    return f"{higher if delta > 0 else lower} than this speaker's usual by {by}"


def _size(delta: float, unit: Unit) -> str:
    if unit is Unit.RATIO:
        return f"{100 * abs(delta):.1f} percentage points"
    return f"{abs(delta):.1f} {_UNITS.get(unit, '')}".rstrip()
