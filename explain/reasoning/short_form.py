"""A timeline in few tokens, and what may be asked about it: all that demeanor-mini reads.

The same functions make its training text and its prompts. One line for each observation, in time
order: `[f3] AU12 C 2.9, 0.2-3.7 s at 1.2 talk`. A line begins exactly as a reply says the same
(`fact`), token by token, so that a small model has only to copy it. Quoted speech is the only text
of strangers in it; it stands on one line between quotation marks, which it cannot close, and cannot
hold control tokens.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from demeanor.explain.reasoning.claims import read_claim, with_cites
from demeanor.explain.reasoning.cues import direction, hides_face
from demeanor.explain.reasoning.signs import (
    in_speech,
    is_held,
    level_of,
    speech_spans,
    unmeasured_codes,
)
from demeanor.explain.records import (
    DESCRIPTION,
    Channel,
    Kind,
    NotMeasured,
    Observation,
    Span,
    Unit,
)
from demeanor.explain.vocabulary import (
    MOVEMENTS,
    VOICE_SOUNDS,
    VOICE_WORDS,
    Region,
    intensity_letter,
    voice_level,
)

ASK, SAY, END, PAD = "<ask>", "<say>", "<end>", "<pad>"
ID_TOKENS = {"f": 59, "v": 29, "s": 19}  # so many ids of each kind are one token
SAID = "<said>"  # one token as well: a reply has it where it quotes
BEST_FIT = "\nBest fit: "  # one token: what follows it is held to the labels asked for
CONFIDENCE = "\nConfidence: "  # one token: what follows a label
NONE = "none"  # the label of what cannot be read
MAX_LINES = 28  # of observations: what was trained on; the least telling ones go first
MAX_SAID = 12  # of them; the longest
MAX_QUOTE_CHARS = 300
_LOW_RELIABILITY = 0.5
_NEAR = 0.3  # a change this close to the level says nothing beside it
_SHORT_S = 0.05  # a moment
_ID = re.compile(r"\b[fvs]\d+\b")
_SAID_BY = re.compile(rf"(\[(s\d+)\][^\[\n]*?){SAID}(\.?)")
_MARKS = {ord(mark): "'" for mark in '"“”„«»'}
_MOUTHS = (Region.MOUTH, Region.JAW)
_TELLING = {Channel.SPEECH: 9.0, Channel.VOICE: 3.0}


def short_form(
    person: str | None, observations: Sequence[Observation], gaps: Sequence[NotMeasured]
) -> str:
    """What is known of one person (and of voice and words), a line each."""
    own = [o for o in observations if o.person in (person, None) and not _narrates(o)]
    speech = speech_spans(own)
    kept = shown_of(person, observations)
    lines = _gaps(person, gaps)
    lines += [_line(_taken(o), in_speech(o, speech)) for o in kept]
    if len(own) > len(kept):
        lines.append(f"and {len(own) - len(kept)} more")
    return "\n".join(lines) or "nothing"


def shown_of(person: str | None, observations: Iterable[Observation]) -> list[Observation]:
    """Those that get a line, in time order: what tells most, and not words alone."""
    own = [o for o in observations if o.person in (person, None) and not _narrates(o)]
    ranked = sorted(own, key=_worth, reverse=True)
    said = [o for o in ranked if o.channel is Channel.SPEECH][MAX_SAID:]
    return sorted([o for o in ranked if o not in said][:MAX_LINES], key=line_order)


def _narrates(observation: Observation) -> bool:
    """A sentence of a description in which nothing is quoted: it names what is shown, and others
    stand for that; nobody said it."""
    described = observation.source == DESCRIPTION and observation.channel is Channel.SPEECH
    return described and not read_claim(observation.quote or "").quotes


def _taken(observation: Observation) -> Observation:
    """As what it is read: of a description, what somebody said; a movement of which only the
    probability is known, as one of a level that counts as much."""
    o = observation
    if o.source == DESCRIPTION and o.channel is Channel.SPEECH:
        return replace(o, quote=" ".join(read_claim(o.quote or "").quotes))
    if o.unit is not Unit.PROBABILITY or o.peak is None:
        return o
    change = 0.0 if is_held(o) else None
    level = level_of(o.peak)
    return replace(o, unit=Unit.FACS_INTENSITY, peak=level, change_from_usual=change)


def renamed(
    person: str | None, observations: Sequence[Observation]
) -> tuple[tuple[Observation, ...], dict[str, str]]:
    """All of them counted anew, those that are shown first and without a gap, so that their ids are
    one token each and the next one is no riddle; and their own ids by those."""
    shown = shown_of(person, observations)
    known = {o.obs_id for o in shown}
    kinds = {kind: count(1) for kind in ID_TOKENS}
    rest = [o for o in observations if o.obs_id not in known]
    mine = {o.obs_id: f"{o.obs_id[0]}{next(kinds[o.obs_id[0]])}" for o in (*shown, *rest)}
    seen = tuple(replace(o, obs_id=mine[o.obs_id]) for o in observations)
    return seen, {name: own for own, name in mine.items() if own != name}


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Ids put in place of others; what stands in quotation marks was said, and stays."""
    if not names:
        return text
    parts = re.split("(“[^”]*”?)", text)
    told = [
        part if part.startswith("“") else _ID.sub(lambda m: names.get(m[0], m[0]), part)
        for part in parts
    ]
    return "".join(told)


def filled(text: str, observations: Iterable[Observation]) -> str:
    """What was said, in place of its mark behind the id of who said it: a small model that
    repeats words itself goes on as others do."""
    quotes = {o.obs_id: quoted(o.quote or "") for o in observations}

    def put_in(found: re.Match[str]) -> str:
        quote = quotes.get(found[2], "“”")
        return found[1] + quote + ("" if quote[-2] in ".!?…" else found[3])

    return _SAID_BY.sub(put_in, text)


def of_words(text: str) -> str:
    """Words that stand alone, as `short_form` would show what is said in a clip."""
    return f"[s1] {_heard(text)}"


def ask_reasons(labels: Iterable[str], reading: tuple[str, float] | None = None) -> str:
    """reading: the label that the reasons are asked for, with its share; None: find one."""
    told = f"{BEST_FIT}{reading[0]}{CONFIDENCE}{reading[1]:.2f}" if reading else ""
    return f"{ASK}explain: {', '.join(labels)}{told}{SAY}"


def ask_label(labels: Iterable[str]) -> str:
    return f"{ASK}label: {', '.join(labels)}{SAY}"


def ask_open() -> str:
    return f"{ASK}labels{SAY}"


def ask(question: str) -> str:
    return f"{ASK}{_plain(question)}{SAY}"


def as_text(reply: dict[str, Any]) -> str:
    """A reply's fields as the plain three-part text that `parse` reads."""
    lines = ["Key observations:", *(f"- {_claim(c)}" for c in reply["observations"])]
    lines += ["Interpretation:", *(f"- {_claim(c)}" for c in reply["interpretation"])]
    lines.append(f"Conclusion: {_claim(reply['conclusion'])}".rstrip())
    if reply["abstained"]:
        return "\n".join([*lines, "Abstained: yes", f"Reason: {reply['abstained_reason']}"])
    others = [(a["label"], a["confidence"]) for a in reply["alternatives"]]
    lines.append(f"Labels: {', '.join(reply['labels'])}{BEST_FIT}{reply['best_fit']}")
    lines[-1] += shares_text(reply["confidence"], others)
    lines += [f"Valence: {reply['valence']:.2f}", f"Arousal: {reply['arousal']:.2f}"]
    return "\n".join([*lines, "Abstained: no"])


def shares_text(confidence: float, others: Iterable[tuple[str, float]]) -> str:
    """What follows the best fit."""
    told = ", ".join(f"{label} {share:.2f}" for label, share in others)
    return f"{CONFIDENCE}{confidence:.2f}\nAlternatives: {told or NONE}"


def _claim(claim: dict[str, Any]) -> str:
    return with_cites(claim["text"], claim["cites"]) if claim["text"] else ""


def missing_channels(person: str | None, gaps: Sequence[NotMeasured]) -> list[str]:
    """Those that were not measured at all. Why is for the reader; it changes no reading."""
    whole = [g for g in gaps if g.span is None and g.person in (person, None)]
    faceless = any(hides_face(g, person) for g in whole)
    return ["face"] * faceless + [w for w in ("voice", "words") if any(g.what == w for g in whole)]


def _gaps(person: str | None, gaps: Sequence[NotMeasured]) -> list[str]:
    """Channels that are missing; then the units that cannot be measured here."""
    missing = missing_channels(person, gaps)
    own = [g for g in gaps if g.person in (person, None)]
    codes = in_order(unmeasured_codes(own))
    units = [f"no: {', '.join(codes)}"] if codes and "face" not in missing else []
    return [*(f"no {what}" for what in missing), *units]


def in_order(codes: Iterable[str]) -> list[str]:
    """Units by their numbers."""
    return sorted(codes, key=lambda code: int(re.sub(r"\D", "", code) or 0))


def _line(observation: Observation, spoken: bool) -> str:
    if observation.channel is Channel.SPEECH:
        head = fact(replace(observation, quote="")).removesuffix("“”")
        return f"{head}{_heard(observation.quote or '')}"
    if observation.channel is Channel.VOICE:
        return fact(observation) + _low(observation)
    apex = f" at {observation.apex_s:.1f}" if observation.span.duration_s >= _SHORT_S else ""
    return fact(observation) + apex + "".join(_flags(observation, spoken))


def fact(observation: Observation) -> str:
    """What was seen or heard, how strong, and when, behind its id: said alike everywhere."""
    o = observation
    if o.channel is Channel.SPEECH:
        return f"[{o.obs_id}]{_when(o)}: {quoted(o.quote or '')}"
    if o.channel is Channel.VOICE:
        return f"[{o.obs_id}] {sound(o)}" + ("" if o.kind is Kind.STATE else f",{_when(o)}")
    return f"[{o.obs_id}] {_movement(o)}" + (f",{_when(o)}" if _when(o) else "")


def seen(observation: Observation, speech: Iterable[Span] = ()) -> str:
    """One observation: its line, and what the movement looks like."""
    o = observation
    if o.channel is Channel.SPEECH:
        return fact(replace(o, quote="")).replace("“”", SAID)
    if o.channel is not Channel.FACE or MOVEMENTS[o.code].region is Region.HAND:
        return fact(o)
    if o.code == "AU45":
        return f"{fact(o)}: a blink, which says nothing by itself"
    return f"{fact(o)}: {MOVEMENTS[o.code].clause}{_reserve(o, list(speech))}"


def _reserve(o: Observation, speech: list[Span]) -> str:
    if is_held(o):
        return "; held all along, so it counts less"
    if MOVEMENTS[o.code].region in (Region.MOUTH, Region.JAW) and in_speech(o, speech):
        return "; within talking, so it counts less"
    return "; measured with little certainty" if o.reliability < 0.5 else ""


def _movement(observation: Observation) -> str:
    movement = MOVEMENTS[observation.code]
    if movement.region is Region.HAND:
        return movement.name
    if observation.code == "gaze_away" and observation.peak is not None:
        return f"{movement.name} {observation.peak:.0f} degrees"
    if observation.peak is None or observation.code == "AU45":
        rate = observation.unit is Unit.PER_MINUTE and observation.peak is not None
        return f"{observation.name} {observation.peak:.0f} a minute" if rate else observation.name
    if observation.unit is Unit.FACS_INTENSITY:
        grade = f"{intensity_letter(observation.peak)} {observation.peak:.1f}"
        return f"{observation.name} {grade}"
    if observation.unit is Unit.DEGREE:
        return f"{observation.name} {observation.peak:.0f} degrees"
    return f"{observation.name} {observation.peak:.2f} {observation.unit}"


def sound(observation: Observation) -> str:
    """What was heard, in the same way."""
    code, peak = observation.code, observation.peak or 0.0
    change = direction(observation)
    by_level = observation.kind is Kind.STATE or code in VOICE_SOUNDS or change is None
    if by_level and not code.endswith("Slope"):
        return voice_level(code, peak) or f"{code} {peak:.1f}"
    by = peak if change is None else change
    higher, lower = VOICE_WORDS.get(code, (f"{code} higher", f"{code} lower"))
    return f"{higher if by > 0 else lower} {by:+.1f} {observation.unit}".rstrip()


def _when(observation: Observation) -> str:
    """From when to when, with a space before it; nothing for a picture."""
    span = observation.span
    if span.end_s == 0.0:  # a picture
        return ""
    if span.duration_s < _SHORT_S:
        return f" {span.start_s:.1f} s"
    return f" {span.start_s:.1f}-{span.end_s:.1f} s"


def _flags(observation: Observation, spoken: bool) -> Iterable[str]:
    change, level = observation.change_from_usual, observation.peak
    if is_held(observation):
        yield " held"
    elif change is not None and level is not None and abs(change - level) >= _NEAR:
        yield f" by {change:.1f}"
    if observation.repeats is not None:
        yield f" {observation.repeats:g} times"
    if spoken and MOVEMENTS[observation.code].region in _MOUTHS:
        yield " talk"
    if observation.brief:
        yield " brief"
    yield _low(observation)


def _low(observation: Observation) -> str:
    return " low" if observation.reliability < _LOW_RELIABILITY else ""


def _worth(observation: Observation) -> float:
    """An order in which lines are kept, no measure; ours."""
    if observation.channel is Channel.SPEECH:
        return _TELLING[Channel.SPEECH] + len(observation.quote or "") / 1e4
    if observation.channel is not Channel.FACE:
        return _TELLING[observation.channel] + (observation.kind is Kind.EVENT)
    if observation.code == "AU45":
        return 0.0
    size = abs(observation.peak or 0.0)
    return 0.1 + (size / 8.0 if observation.unit is Unit.DEGREE else size)


def line_order(observation: Observation) -> tuple[float, float, str]:
    """In time; at the same time by their ids, f10 before f2: what ships was trained so."""
    return observation.span.start_s, observation.apex_s, observation.obs_id


def quoted(text: str) -> str:
    """On one line, cut, without a quotation mark that could close it."""
    said = _plain(text).translate(_MARKS)
    cut = said if len(said) <= MAX_QUOTE_CHARS else said[:MAX_QUOTE_CHARS].rsplit(" ", 1)[0]
    return f"“{cut}”"


def _heard(text: str) -> str:
    """In small letters and with a space before the first, so that a word is the same token
    wherever it stands."""
    return f"“ {quoted(text)[1:].lower()}" if text else quoted(text)


def _plain(text: str) -> str:
    """One line, and nothing in it that is a control token."""
    return " ".join(text.translate({ord("<"): "‹", ord(">"): "›"}).split())
