"""Write the prototype's reading as the three parts, each claim with what it rests on.

The key observations name movements, sounds and words, and what published lists associate them
with; conclusions come after. What is written here has to pass `ground`, like any model's claims:
a movement is named only where it is cited, a quote only verbatim.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from demeanor.explain.reasoning.claims import sentences
from demeanor.explain.reasoning.cues import direction, find_mentions, is_expression
from demeanor.explain.reasoning.signs import Match, Saying, in_speech, is_held, speech_spans
from demeanor.explain.reasoning.weigh import EMOTIONS, Reading, open_labels, shares_of
from demeanor.explain.records import Channel, Kind, NotMeasured, Observation, Side, Span, Unit
from demeanor.explain.vocabulary import (
    MOVEMENTS,
    VOICE_SOUNDS,
    VOICE_WORDS,
    intensity_letter,
    intensity_word,
    voice_level,
)

Claim = dict[str, Any]  # {"text": …, "cites": […]}, as in the reply schema

MAX_LINES = 18  # key observations; the rest stays in the timeline
_MAX_VOICE_LINES = 4
MAX_CITES = 8
MAX_GAPS = 8
_MIN_TOLD = 0.15  # a pattern's score from which the interpretation mentions it
_MIN_CONFLICT = 0.3
_PLEASANT = {"happiness"}
_UNPLEASANT = {"sadness", "anger", "fear", "disgust", "contempt"}
_SIDES = {
    Side.LEFT: " on the person's own left",
    Side.RIGHT: " on the person's own right",
}


def parts(reading: Reading, confidence: float, best_fit: str) -> dict[str, Any]:
    return {
        "observations": _observations(reading),
        "interpretation": _interpretation(reading),
        "conclusion": _conclusion(reading, confidence, best_fit),
    }


def abstention(unread: Sequence[Observation], gaps: Sequence[NotMeasured]) -> dict[str, Any]:
    """The reply when nothing could be read from face, voice or words."""
    claims = [*_gap_claims(gaps), *_unread_claims(unread)]
    names = ", ".join(dict.fromkeys(gap.what for gap in gaps)) or "face, voice and words"
    return {
        "observations": claims,
        "interpretation": [],
        "conclusion": {"text": "", "cites": []},
        "labels": [],
        "best_fit": None,
        "confidence": None,
        "alternatives": [],
        "valence": None,
        "arousal": None,
        "abstained": True,
        "abstained_reason": f"nothing to reason from; not measured or not readable: {names}",
    }


# --- key observations ----------------------------------------------------------------------------


def _observations(reading: Reading) -> list[Claim]:
    lines = [_line(o, reading) for o in _worth_a_line(reading)]
    if not any(map(is_expression, reading.observations)) and reading.face_measured:
        lines.append(_claim("No facial movement stands out", ()))
    return lines + _unread_claims(reading.unread)


def _worth_a_line(reading: Reading) -> list[Observation]:
    """What the interpretation uses, then what the face shows most clearly, then the voice; in
    time order. Where nothing of that kind is there, whatever was noted."""
    voice = [o for o in reading.observations if o.channel is Channel.VOICE and _is_change(o)]
    expressions = [o for o in reading.observations if is_expression(o)]
    telling = [
        *(o for match in told_patterns(reading) for o in match.shown),
        *(saying.observation for saying in reading.sayings),
        *sorted(expressions, key=lambda o: (in_speech(o, ()), -(o.peak or 0.0))),
    ]
    telling = list(dict.fromkeys(telling))[: MAX_LINES - min(len(voice), _MAX_VOICE_LINES)]
    strongest = sorted(voice, key=lambda o: -o.reliability)[:_MAX_VOICE_LINES]
    kept = [o for o in (*telling, *strongest) if o not in reading.unread]
    if not kept:
        kept = [o for o in reading.observations if o not in reading.unread][:MAX_LINES]
    return sorted(kept, key=lambda o: (o.span, o.obs_id))


def _line(observation: Observation, reading: Reading) -> Claim:
    if observation.channel is Channel.SPEECH:
        return _speech_line(observation, reading)
    if observation.channel is Channel.VOICE:
        return _voice_line(observation)
    return _face_line(observation, reading)


def _face_line(observation: Observation, reading: Reading) -> Claim:
    unit = MOVEMENTS.get(observation.code)
    if unit is None:
        return _claim(f"{observation.code} is noted {_when(observation.span)}", [observation])
    if unit.code == "AU45":
        what = "Blinking" if observation.unit is Unit.PER_MINUTE else "A blink"
        return _claim(f"{what} {_when(observation.span)} carries no weight", [observation])
    side = _SIDES[observation.side] if observation.side else ""
    text = f"{unit.clause}{side} {_when(observation.span)} ({_measure(observation)})"
    return _claim(
        text + _association(observation, reading) + _reserve(observation, reading), [observation]
    )


def _measure(observation: Observation) -> str:
    if observation.peak is None:
        return observation.name
    if observation.unit is Unit.FACS_INTENSITY:
        letter, word = intensity_letter(observation.peak), intensity_word(observation.peak)
        return f"{observation.name}, {letter}, {word}"
    if observation.unit is Unit.PROBABILITY:
        return f"{observation.name}, present with probability {observation.peak:.2f}, no intensity"
    return f"{observation.name}, {observation.peak:.0f} {observation.unit}".strip()


def _association(observation: Observation, reading: Reading) -> str:
    """The emotions whose found patterns hold this movement, with the list that says so."""
    found: dict[str, str] = {}
    for match in sorted(told_patterns(reading), key=lambda match: -match.score):
        if observation in match.shown and len(match.row.coarse) == 1:
            found.setdefault(match.row.coarse[0], match.row.source)
    return "".join(f", part of a pattern listed for {e} ({s})" for e, s in list(found.items())[:1])


def _reserve(observation: Observation, reading: Reading) -> str:
    if is_held(observation):
        return "; it is held all along and counts less, since a face at rest may look so"
    is_mouth = MOVEMENTS[observation.code].region in ("mouth", "jaw")
    if is_mouth and in_speech(observation, speech_spans(reading.observations)):
        return "; it falls within talking and counts less"
    return "; it is measured with little certainty" if observation.reliability < 0.5 else ""


def _voice_line(observation: Observation) -> Claim:
    when, words = _when(observation.span), VOICE_WORDS.get(observation.code)
    if words is None or not _is_change(observation):
        level = voice_level(observation.code, observation.peak or 0.0)
        by_level = observation.kind is Kind.STATE or observation.code in VOICE_SOUNDS
        noted = f": {level}" if level and by_level else ""
        return _claim(f"The voice {when}, without a known change{noted}", [observation])
    change = direction(observation)
    if change is None:  # a rise or fall at the end of a phrase is a change by itself
        text = f"In the voice {when}, {words[0]} ({abs(observation.peak or 0.0):.1f}"
        return _claim(f"{text} {observation.unit})", [observation])
    text = f"In the voice {when}, {words[0 if change > 0 else 1]} ({change:+.1f} {observation.unit}"
    return _claim(f"{text.strip()} against the usual)", [observation])


def _is_change(observation: Observation) -> bool:
    return bool(direction(observation)) or observation.code.endswith("Slope")


def _speech_line(observation: Observation, reading: Reading) -> Claim:
    said = [s for s in reading.sayings if s.observation is observation]
    when = _when(observation.span)
    if not said:
        return _claim(
            f"Words are said {when}, and none of them is on the list of telling ones", [observation]
        )
    return _claim(f"Among the words said {when} {_is(said)} {_quoted(said)}", [observation])


def _unread_claims(unread: Sequence[Observation]) -> list[Claim]:
    if not unread:
        return []
    return [_claim("Words are said that are not read, as they do not look English", unread)]


def _gap_claims(gaps: Iterable[NotMeasured]) -> list[Claim]:
    """Action units that are missing for one reason are one sentence."""
    found: dict[tuple[str, str, Span | None], dict[str, None]] = {}
    for gap in gaps:
        of = "AU" if gap.what.startswith("AU") else gap.what
        found.setdefault((of, _reason(gap), gap.span), {})[gap.what] = None
    return [
        _claim(f"{listed(list(whats))} could not be measured{_between(span)}{reason}", ())
        for (_, reason, span), whats in list(found.items())[:MAX_GAPS]
    ]


def _reason(gap: NotMeasured) -> str:
    """The reason, where it can stand in a sentence without sounding like a claim of its own."""
    text = " ".join(gap.reason.split()).rstrip(".")
    plain = len(sentences(text)) == 1 and not find_mentions(text) and not set(text) & set('"“”[]')
    return f" ({text})" if text and plain else ""


def _between(span: Span | None) -> str:
    return "" if span is None else f" {_when(span)}"


# --- overall interpretation ----------------------------------------------------------------------


def _interpretation(reading: Reading) -> list[Claim]:
    told = told_patterns(reading)
    claims = [_pattern_claim(match) for match in told]
    claims += _order_claims(told, reading)
    claims += _weak_claims(reading, told)
    claims += _voice_claims(reading)
    claims += _word_claims(reading)
    claims += _conflict_claims(reading, told)
    claims += _gap_claims(reading.gaps)
    return claims or [_nothing_claim(reading)]


def told_patterns(reading: Reading) -> list[Match]:
    """The best pattern of each emotion that is worth telling, in time order."""
    best: dict[str, Match] = {}
    for match in reading.matches:
        emotion = match.row.emotion
        partial = match.n_shown < match.n_asked
        if match.score < _MIN_TOLD or len(match.row.coarse) > 1:
            continue
        if match.row.coarse or not partial:  # half a pattern of confusion is half of anything
            best.setdefault(match.row.coarse[0] if match.row.coarse else emotion, match)
    strongest = sorted(best.values(), key=lambda match: -match.score)[:3]
    return sorted(strongest, key=lambda match: (match.span, match.row.emotion))


def _pattern_claim(match: Match) -> Claim:
    shown = _names(match.shown)
    pattern = f"the pattern {match.row.pattern}, listed for {match.row.emotion}"
    if len(match.row.aus) == 1:
        told = f"{shown[0]} is a movement that is listed by itself for {match.row.emotion}"
    elif match.n_shown < match.n_asked:
        told = f"{listed(shown)} give {match.n_shown} of the {match.n_asked} movements of {pattern}"
    else:
        told = f"{listed(shown)} together make up {pattern}"
    text = f"{_when(match.span)} {told} ({match.row.source})"
    if match.beside:
        text += f", with {listed(_names(match.beside))} beside it"
    if match.unmeasured:
        text += f"; of this pattern {listed(list(match.unmeasured))} could not be measured"
    return _claim(text, [*match.shown, *match.beside])


def _order_claims(told: Sequence[Match], reading: Reading) -> list[Claim]:
    """Which expression came first, and which dominates by strength and duration."""
    if len(told) < 2:
        return []
    top = max(told, key=lambda match: _standing(match, reading))
    n_apart = sum(_is_before(one.span, other.span) for one, other in pairwise(told))
    if n_apart == len(told) - 1:
        when = "come one after the other"
    else:
        when = "overlap in part" if n_apart else "overlap in time"
    names = listed([match.row.emotion for match in told])
    text = f"The patterns for {names} {when}, and the one for {top.row.emotion} dominates"
    shown = dict.fromkeys(o for match in told for o in match.shown)
    return [_claim(f"{text} by strength and duration", list(shown))]


def _is_before(one: Span, other: Span) -> bool:
    """Two moments at the same time, as in a picture, are not one after the other."""
    return one.end_s <= other.start_s and one != other


def _standing(match: Match, reading: Reading) -> float:
    emotion = match.row.coarse[0] if match.row.coarse else ""
    return match.score * reading.lasting.get(emotion, 1.0)


def _weak_claims(reading: Reading, told: Sequence[Match]) -> list[Claim]:
    used = {o for match in told for o in (*match.shown, *match.beside)}
    rest = [o for o in reading.observations if is_expression(o) and o not in used]
    if not rest:
        return []
    what = "What else the face shows" if told else "What the face shows"
    return [_claim(f"{what} makes up no listed pattern worth counting", rest)]


def _voice_claims(reading: Reading) -> list[Claim]:
    activation = reading.voice.get("activation")
    heard = [o for o in reading.observations if o.channel is Channel.VOICE]
    if activation is None or not heard:
        return []
    word = "raised" if activation > 0.1 else "lowered" if activation < -0.1 else "ordinary"
    text = f"Taken together, what is heard fits {word} activation (Schroeder et al. 2001)"
    return [_claim(f"{text}, which says little about which emotion is shown (Eyben 2016)", heard)]


def _word_claims(reading: Reading) -> list[Claim]:
    claims = []
    for emotion in EMOTIONS:
        said = [s for s in reading.sayings if s.phrase.emotion == emotion and not s.negated]
        if said:
            cites = [s.observation for s in said]
            text = f"The wording {_quoted(said)} goes with {emotion}"
            claims.append(_claim(text + _whose(cites, reading), cites))
    if denied := [s for s in reading.sayings if s.negated]:
        cites = [s.observation for s in denied]
        claims.append(_claim(f"The wording {_quoted(denied)} denies what it names", cites))
    return claims


def _whose(said: Sequence[Observation], reading: Reading) -> str:
    unmatched = reading.face_measured and any(o.person is None for o in said)
    return "; who speaks was not matched to a face" if unmatched else ""


def _conflict_claims(reading: Reading, told: Sequence[Match]) -> list[Claim]:
    """Channels that point in different directions: told, never smoothed over."""
    face, words = leading(reading.face), leading(reading.words)
    if face is None or words is None or not opposed(face, words):
        return []
    shown = [o for match in told if face in match.row.coarse for o in match.shown]
    said = [s.observation for s in reading.sayings]
    text = f"Face and words conflict: what is said goes with {words}, what is shown with {face}"
    return [_claim(text, [*said[:4], *shown[:4]])]


def leading(evidence: dict[str, float]) -> str | None:
    strong = {e: value for e, value in evidence.items() if value >= _MIN_CONFLICT}
    return max(strong, key=lambda emotion: strong[emotion]) if strong else None


def opposed(one: str, other: str) -> bool:
    pair = {one, other}
    return bool(pair & _PLEASANT and pair & _UNPLEASANT)


def _nothing_claim(reading: Reading) -> Claim:
    if not reading.observations:
        return _claim("No facial movement stands out", ())
    return _claim("What was noted makes up no listed pattern", reading.observations)


# --- conclusion ----------------------------------------------------------------------------------


def _conclusion(reading: Reading, confidence: float, best_fit: str) -> Claim:
    shares = shares_of(reading)
    top = max(shares, key=lambda emotion: shares[emotion])
    rest = f"the closest label of the set is {best_fit}, with a confidence of {confidence:.2f}"
    if top == "neutral":
        return _neutral_conclusion(reading, rest)
    also = [e for e in open_labels(reading) if e in EMOTIONS and e != top][:1]
    shown = " and, less clearly, ".join([top, *also])
    cites = [o for emotion in (top, *also) for o in support_of(reading, emotion)]
    return _claim(f"Taken together, the person appears to show {shown}; {rest}", cites)


def _neutral_conclusion(reading: Reading, rest: str) -> Claim:
    if not reading.observations:
        return _claim(f"No facial movement stands out, and the person appears neutral; {rest}", ())
    sign = "too weak or too mixed a sign" if told_patterns(reading) else "no clear sign"
    text = f"What was noted carries {sign} of an emotion, and the person appears neutral"
    return _claim(f"{text}; {rest}", reading.observations)


def support_of(reading: Reading, emotion: str) -> list[Observation]:
    shown = [m.shown for m in told_patterns(reading) if emotion in m.row.coarse]
    shown += [m.shown for m in reading.matches if emotion in m.row.coarse]
    said = [s.observation for s in reading.sayings if s.phrase.emotion == emotion]
    heard = [o for o in reading.observations if o.channel is Channel.VOICE]
    return [*(shown[0] if shown else ()), *said] or heard or list(reading.observations)


# --- words ---------------------------------------------------------------------------------------


def _claim(text: str, cites: Iterable[Observation]) -> Claim:
    ids = list(dict.fromkeys(o.obs_id for o in cites))[:MAX_CITES]
    return {"text": text[0].upper() + text[1:] + ".", "cites": ids}


def _when(span: Span) -> str:
    if span == Span(0.0, 0.0):
        return "in the picture"
    if span.duration_s < 0.05:
        return f"at {span.start_s:.1f} s"
    return f"from {span.start_s:.1f} to {span.end_s:.1f} s"


def _names(observations: Iterable[Observation]) -> list[str]:
    return sorted({o.code for o in observations}, key=lambda code: int(code.removeprefix("AU")))


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is(said: Sequence[Saying]) -> str:
    return "is" if len({s.excerpt for s in said}) == 1 else "are"


def _quoted(said: Sequence[Saying]) -> str:
    clean = dict.fromkeys(s.excerpt.translate(_NO_MARKS) for s in said)
    return listed([f"“{excerpt}”" for excerpt in list(clean)[:4]])


_NO_MARKS = str.maketrans({'"': "'", "“": "'", "”": "'", "«": "'", "»": "'", "„": "'"})
