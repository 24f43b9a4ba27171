"""From events and utterances to observations: each gets an id that a claim can cite.

Ids count per channel in time order over all people (f1, v1, s1 …) and are given before any
token budget drops a line, so that the same event has the same id in every text made of it.
"""

from demeanor.explain.records import (
    Channel,
    Event,
    Kind,
    Measurement,
    Observation,
    Side,
    Span,
    Unit,
    Utterance,
)

_LETTER = {Channel.FACE: "f", Channel.VOICE: "v", Channel.SPEECH: "s"}
WORDS = "words"  # the code of a spoken observation


def observe(measurement: Measurement) -> tuple[Observation, ...]:
    """All observations of a clip, in time order within each channel."""
    found: list[Observation] = []
    events = sorted(measurement.events, key=_order)
    for channel in (Channel.FACE, Channel.VOICE):
        numbered = enumerate((e for e in events if e.channel is channel), start=1)
        found += [from_event(f"{_LETTER[channel]}{n}", event) for n, event in numbered]
    spoken = sorted(measurement.utterances, key=lambda u: (u.span.start_s, u.span.end_s, u.text))
    whole, people = measurement.clip.span, {p.person for p in measurement.people}
    found += [_from_words(f"s{n}", u, whole, people) for n, u in enumerate(spoken, start=1)]
    return tuple(found)


def _order(event: Event) -> tuple[float, float, str, str, Side | str]:
    span = event.span
    return span.start_s, span.end_s, event.person or "", event.code, event.side or ""


def from_event(obs_id: str, event: Event) -> Observation:
    """An event under an id: a clip's are numbered by `observe`."""
    return Observation(
        obs_id=obs_id,
        person=event.person,
        channel=event.channel,
        code=event.code,
        side=event.side,
        kind=event.kind,
        span=event.span,
        apex_s=event.apex_s,
        peak=event.peak,
        unit=event.unit,
        change_from_usual=event.change_from_usual,
        change_from_population=event.change_from_population,
        reliability=event.reliability,
        caveats=event.caveats,
        source=event.source,
        brief=event.brief,
        repeats=event.repeats,
    )


def _from_words(obs_id: str, utterance: Utterance, whole: Span, people: set[str]) -> Observation:
    return Observation(
        obs_id=obs_id,
        person=utterance.speaker if utterance.speaker in people else None,  # a name is no face
        channel=Channel.SPEECH,
        code=WORDS,
        side=None,
        kind=Kind.WORDS,
        span=utterance.span,
        apex_s=utterance.span.start_s,
        peak=None,
        unit=Unit.NONE,
        change_from_usual=None,
        change_from_population=None,
        reliability=1.0 if utterance.source.kind == "human" else 0.7,
        caveats=("without times of its own",) if utterance.span == whole else (),
        source=utterance.source,
        quote=utterance.text,
    )
