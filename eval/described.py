"""A person's written description of a clip, as a reasoner can read it.

It is no measurement, and nothing here says that it is one. Each sentence is an observation that
can be cited (s1, s2 …), quoted as a stranger's words are. A movement or a change of voice that a
sentence names by a plain phrase is an observation beside it (f1, v1): present, of no known
strength. A text gives an order and no times: sentence k stands at second k.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.claims import mask_quotes, sentences
from demeanor.explain.reasoning.cues import Mention, find_mentions
from demeanor.explain.records import (
    DESCRIPTION,
    Channel,
    Kind,
    LabelSet,
    NotMeasured,
    Observation,
    Side,
    Span,
    Timeline,
    TimelineLine,
    Unit,
)
from demeanor.explain.settings import Settings
from demeanor.explain.textualization.observations import WORDS
from demeanor.explain.textualization.phrases import clause, quoted
from demeanor.explain.textualization.timeline import n_tokens
from demeanor.explain.vocabulary import ACTION_UNITS, VOICE_WORDS

_NAMED = "named in a text, not measured"
_SURE, _ONE_OF_SEVERAL = 1.0, 0.75  # probability that this code is meant; ours
# A text says which way the voice changes and not how far: half of what the prototype takes for a
# full change stands for it, and the observation says so.
_VOICE_SIZES = {
    "F0semitoneFrom27.5Hz": (2.0, Unit.SEMITONE),
    "F0semitoneFrom27.5Hz_pctlrange0-2": (2.0, Unit.SEMITONE),
    "F0semitoneFrom27.5Hz_meanRisingSlope": (2.0, Unit.SEMITONE),
    "F0semitoneFrom27.5Hz_meanFallingSlope": (2.0, Unit.SEMITONE),
    "equivalentSoundLevel_dBp": (3.0, Unit.DECIBEL),
    "HNRdBACF": (3.0, Unit.DECIBEL),
    "alphaRatioV": (3.0, Unit.DECIBEL),
    "loudnessPeaksPerSec": (0.5, Unit.PER_SECOND),
    "MeanUnvoicedSegmentLength": (0.25, Unit.SECOND),
}
_HEAD = (
    "A person's written description of a clip. Nothing was measured here: sentence k stands at "
    "second k, and what a sentence names is present with no known strength.",
    "What stands in inner quotation marks was said in the clip.",
)
_MASKED = "Words for emotions are hidden: ____ stands for each."


@dataclass(frozen=True, slots=True)
class Described:
    observations: tuple[Observation, ...]
    timeline: Timeline


def request_of(
    item_id: str,
    described: Described,
    labels: LabelSet,
    settings: Settings,
    not_measured: tuple[NotMeasured, ...] = (),
) -> Request:
    return Request(
        clip_id=item_id,
        person=None,
        timeline=described.timeline,
        observations=described.observations,
        not_measured=not_measured,
        label_set=labels,
        max_tokens=settings.reasoning.max_reply_tokens,
        seed=settings.reasoning.seed,
    )


def describe(
    text: str, max_tokens: int, masked: bool, without: Collection[Channel] = ()
) -> Described:
    """Observations and timeline of a description; sentences beyond the budget are left out."""
    said = [s for line in text.splitlines() for s in sentences(line)]
    head = [*_HEAD, *([_MASKED] if masked else [])]
    room = max_tokens - n_tokens("\n".join(head))
    rows: list[tuple[str | None, str]] = []
    found: list[Observation] = []
    numbers = dict.fromkeys(Channel, 0)
    for second, sentence in enumerate(said, start=1):
        new = [o for o in _observations(sentence, second, numbers) if o.channel not in without]
        lines: list[tuple[str | None, str]] = [(o.obs_id, _line(o)) for o in new]
        room -= sum(n_tokens(line) + 1 for _, line in lines)
        if room < 0:
            rows.append((None, f"({len(said) - second + 1} sentences were left out for length)"))
            break
        rows += lines
        found += new
    head_rows: list[tuple[str | None, str]] = [(None, line) for line in head]
    body = rows or [(None, "(nothing was described)")]
    return Described(tuple(found), _timeline([*head_rows, *body], found, len(said)))


def _observations(sentence: str, second: int, numbers: dict[Channel, int]) -> list[Observation]:
    """The sentence itself, then what it names; ids go on from `numbers`."""
    found = [_made(numbers, Channel.SPEECH, WORDS, None, second, quote=sentence)]
    seen: set[str] = set()
    for mention in find_mentions(mask_quotes(sentence)):
        if mention.negated or mention.unmeasured or seen >= set(mention.codes):
            continue
        seen.update(mention.codes)
        found += list(_named(mention, second, numbers))
    return found


def _named(mention: Mention, second: int, numbers: dict[Channel, int]) -> Iterator[Observation]:
    share = _SURE if len(mention.codes) == 1 else _ONE_OF_SEVERAL
    for code in mention.codes:
        bare = code.rstrip("LR")
        if bare in ACTION_UNITS:
            side = Side(code[-1]) if code[-1] in "LR" else None
            yield _made(numbers, Channel.FACE, bare, side, second, peak=share)
        elif code[-1] in "+-" and code[:-1] in _VOICE_SIZES:
            size, unit = _VOICE_SIZES[code[:-1]]
            change = size if code[-1] == "+" else -size
            yield _made(numbers, Channel.VOICE, code[:-1], None, second, change=change, unit=unit)


def _made(
    numbers: dict[Channel, int],
    channel: Channel,
    code: str,
    side: Side | None,
    second: int,
    *,
    peak: float | None = None,
    change: float | None = None,
    unit: Unit = Unit.NONE,
    quote: str | None = None,
) -> Observation:
    numbers[channel] += 1
    caveats = () if channel is Channel.SPEECH else (_NAMED,)
    if change is not None:
        caveats = (*caveats, "the size is not in the text; a middling one stands for it")
    return Observation(
        obs_id=f"{channel.value[0]}{numbers[channel]}",
        person=None,
        channel=channel,
        code=code,
        side=side,
        kind=Kind.WORDS if channel is Channel.SPEECH else Kind.EVENT,
        span=Span(second, second),
        apex_s=float(second),
        peak=peak if change is None else change,
        unit=Unit.PROBABILITY if channel is Channel.FACE else unit,
        change_from_usual=change,
        change_from_population=None,
        reliability=1.0,
        caveats=caveats,
        source=DESCRIPTION,
        quote=quote,
    )


def _line(observation: Observation) -> str:
    second = f"{observation.span.start_s:.0f} s"
    if observation.channel is Channel.SPEECH:
        return f"[{observation.obs_id}] {second} description: {quoted(observation.quote or '')}"
    change = observation.change_from_usual
    what = clause(observation) if change is None else VOICE_WORDS[observation.code][change < 0]
    said = "; ".join([what, *observation.caveats])
    return f"[{observation.obs_id}] {second} {observation.channel}: {said}"


def _timeline(
    rows: list[tuple[str | None, str]], found: list[Observation], n_sentences: int
) -> Timeline:
    spans = {o.obs_id: o.span for o in found}
    at, lines = 0, []
    for obs_id, text in rows:
        lines.append(TimelineLine(obs_id, spans.get(obs_id or ""), at, at + len(text)))
        at += len(text) + 1
    text = "\n".join(row for _, row in rows)
    n_read = sum(o.channel is Channel.SPEECH for o in found)
    dropped = 0 if not n_read else n_sentences - n_read
    return Timeline(None, text, tuple(lines), dropped, n_tokens(text))
