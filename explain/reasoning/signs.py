"""Score what face, voice and words show, each against published tables. No conclusion is drawn.

Scores are evidence from 0 to 1, not probabilities. How each number was chosen stands beside it;
"ours" means that no source gives it and that it was set by hand on drawn examples.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from demeanor.explain.reasoning.cues import direction, is_expression
from demeanor.explain.reasoning.tables import (
    Phrase,
    PrototypeRow,
    phrases,
    prototype_rows,
    vocal_rows,
)
from demeanor.explain.records import Channel, Kind, NotMeasured, Observation, Span, Unit
from demeanor.explain.vocabulary import ACTION_UNITS, Region

# Mouth movements that speech makes by itself (face-channel survey after Alexopoulos; FACS 50)
SPEECH_AUS = frozenset(f"AU{n}" for n in (10, 16, 17, 18, 20, 22, 23, 24, 28))
OPENING_AUS = frozenset(("AU25", "AU26", "AU27"))  # open mouths are misread as surprise
SMILE_AUS = frozenset(("AU12", "AU14", "AU15"))
_SPEECH_SHARE, _OPENING_SHARE, _SMILE_SHARE = 0.4, 0.15, 0.85  # kept during speech; ours
_HELD_SHARE = 0.75  # of a held level: a face at rest may look so, though hardly at D; ours
_BRIEF_S, _BRIEF_SHARE = 0.3, 0.75  # shorter ones are often the tracker's; pictures last 0; ours
_CO_TIMING_S = 0.3  # apexes of one expression need not coincide; ours
_TURN_DEG = 20.0  # a turn of this size counts in full; ours
# Intensity, share; ours. Chosen of six on pictures of the people that perception was fitted to, not
# of those behind docs/perception.md, such that slight movements (B) do not make an emotion.
_GRADE = ((1.0, 0.0), (1.5, 0.2), (2.0, 0.45), (2.5, 0.8), (3.0, 0.95), (4.0, 1.0))
_UNSPECIFIC = {  # how much a movement tells, where it is less than 1; ours
    **dict.fromkeys(OPENING_AUS, 0.3),
    "AU43": 0.3,
    **dict.fromkeys(("AU17", "AU18", "AU28"), 0.5),
}
_TURNS = frozenset(
    code for code, au in ACTION_UNITS.items() if au.region in (Region.HEAD, Region.GAZE)
)
# Strong movements that look like another one too: a nose wrinkle lowers the brow (FACS practice),
# a broad smile lifts the upper lip
_CARRIES_ALONG = (("AU9", "AU4"), ("AU12", "AU10"))
_CARRYING, _CARRIED_SHARE = 0.75, 0.5  # ours
_PRESENT = 0.85  # a movement known to be there, not how strong: between B and C; ours
_MIN_MEASURED = 0.6  # of a pattern's movements must be measurable here; ours
_PARTIAL_POWER = 1.5  # half a pattern tells less than half; ours
_SHADOW_SHARE = 0.2  # of a pattern inside a whole one; ours
_COMPONENT_SHARE = 0.5  # of a compound pattern's score that each of its two emotions gets; ours
_FULL_CHANGE = {  # a voice change of this size counts in full; ours
    Unit.SEMITONE: 4.0,
    Unit.DECIBEL: 6.0,
    Unit.RATIO: 0.4,
    Unit.PER_SECOND: 1.0,
    Unit.SECOND: 0.5,
}


@dataclass(frozen=True, slots=True)
class Match:
    """A published pattern, found at one moment, whole or in part."""

    row: PrototypeRow
    score: float
    shown: tuple[Observation, ...]
    beside: tuple[Observation, ...]  # optional movements of the pattern that are there as well
    n_shown: int  # of the pattern's movements
    n_asked: int  # those of them that can be measured here
    unmeasured: tuple[str, ...]

    @property
    def span(self) -> Span:
        """When all of it is shown; between its parts where they only follow closely."""
        start_s = max(o.span.start_s for o in self.shown)
        end_s = min(o.span.end_s for o in self.shown)
        return Span(min(start_s, end_s), max(start_s, end_s))


@dataclass(frozen=True, slots=True)
class Saying:
    """An emotion word that was said; `excerpt` is verbatim."""

    observation: Observation
    phrase: Phrase
    excerpt: str
    score: float
    negated: bool


# --- face ----------------------------------------------------------------------------------------


def grade(intensity: float) -> float:
    """How far a FACS intensity counts, 0-1, straight lines between the points of `_GRADE`."""
    return _along(_GRADE, intensity)


def level_of(probability: float) -> float:
    """The FACS intensity that counts as much as a movement that is there so probably."""
    return _along([(share, level) for level, share in _GRADE], _present(probability))


def _present(probability: float) -> float:
    return _PRESENT * max(0.0, 2.0 * probability - 1.0)


def _along(points: Sequence[tuple[float, float]], value: float) -> float:
    (low, low_share), *rest = points
    for high, high_share in rest:
        if value < high:
            share = max(0.0, value - low) / (high - low)
            return low_share + share * (high_share - low_share)
        low, low_share = high, high_share
    return low_share


def strength(observation: Observation, speech: Sequence[Span]) -> float:
    """How far one movement counts, 0-1: its size, what it may come from, how well it was seen."""
    if observation.unit is Unit.DEGREE:
        turned = observation.change_from_usual or observation.peak or 0.0
        return min(1.0, abs(turned) / _TURN_DEG)
    if observation.code == "AU45":
        return 0.0  # blinks carry no emotion
    if observation.unit is Unit.PROBABILITY:
        share = _present(observation.peak or 0.0)
        share *= _HELD_SHARE if is_held(observation) else 1.0
    elif observation.unit is Unit.FACS_INTENSITY:
        share = grade(_effective(observation))
    else:
        return 0.0
    share *= 0.5 + 0.5 * observation.reliability
    if 0.0 < observation.span.duration_s < _BRIEF_S:
        share *= _BRIEF_SHARE
    return share * (_kept_in_speech(observation.code) if in_speech(observation, speech) else 1.0)


def in_speech(observation: Observation, speech: Sequence[Span]) -> bool:
    if any(re.search(r"\b(?:speech|speak|talk)", caveat) for caveat in observation.caveats):
        return True
    return sum(map(observation.span.overlap_s, speech)) > 0.5 * observation.span.duration_s


def is_held(observation: Observation) -> bool:
    """Held all along, so that this person's own usual cannot tell it from the face at rest."""
    change = observation.change_from_usual
    return observation.kind is Kind.STATE and change is not None and change < 1.0


def match_patterns(
    face: Sequence[Observation], speech: Sequence[Span], gaps: Sequence[NotMeasured]
) -> list[Match]:
    """The best moment of every published pattern that is shown at least in part, best first."""
    graded = [(o, s) for o in face if (s := strength(o, speech)) > 0.0]
    unmeasured = unmeasured_codes(gaps)
    best: dict[PrototypeRow, Match] = {}
    for moment_s in sorted({o.apex_s for o, _ in graded}):
        now = [(o, s) for o, s in graded if o.span.contains(moment_s, _CO_TIMING_S)]
        levels = {one_sided: _levels(now, one_sided) for one_sided in (False, True)}
        for row in prototype_rows():
            match = _match(row, now, levels, unmeasured)
            if match is not None and (row not in best or match.score > best[row].score):
                best[row] = match
    return _without_shadows(sorted(best.values(), key=lambda match: -match.score))


def unmeasured_codes(gaps: Sequence[NotMeasured]) -> frozenset[str]:
    """Movements that could not be measured in the whole clip."""
    return frozenset(
        code for gap in gaps if gap.span is None for code in re.findall(r"AU\d+", gap.what)
    )


def face_evidence(matches: Sequence[Match]) -> dict[str, float]:
    """The best pattern of each coarse emotion; a whole compound counts in part for both."""
    evidence: dict[str, float] = {}
    for match in matches:
        is_compound = len(match.row.coarse) > 1
        if is_compound and match.n_shown < match.n_asked:
            continue
        for emotion in match.row.coarse:
            share = _COMPONENT_SHARE if is_compound else 1.0
            evidence[emotion] = max(evidence.get(emotion, 0.0), share * match.score)
    return evidence


def _without_shadows(matches: list[Match]) -> list[Match]:
    """Discount a pattern whose movements are only part of what a better, whole one explains:
    raised brows and lids beside a dropped jaw are no second sign of fear."""
    whole: list[Match] = []
    found = []
    for match in matches:
        is_shadow = any(_is_shadow(match, other) for other in whole)
        found.append(replace(match, score=_SHADOW_SHARE * match.score) if is_shadow else match)
        if match.n_shown == match.n_asked:
            whole.append(match)
    return sorted(found, key=lambda match: -match.score)


def _is_shadow(match: Match, whole: Match) -> bool:
    if set(match.row.coarse) <= set(whole.row.coarse):
        return False
    own, others = set(match.shown), set(whole.shown)
    return own < others or (own == others and match.n_shown < match.n_asked)


def _effective(observation: Observation) -> float:
    own, population = observation.change_from_usual, observation.change_from_population
    if own is None:
        return observation.peak or 0.0 if population is None else population
    if is_held(observation):
        return max(own, _HELD_SHARE * (population or 0.0))
    return own


def _kept_in_speech(code: str) -> float:
    if code in OPENING_AUS:
        return _OPENING_SHARE
    if code in SPEECH_AUS:
        return _SPEECH_SHARE
    return _SMILE_SHARE if code in SMILE_AUS else 1.0


def _match(
    row: PrototypeRow,
    now: list[tuple[Observation, float]],
    levels_now: Mapping[bool, dict[str, float]],
    unmeasured: frozenset[str],
) -> Match | None:
    """Recall of the pattern's movements, times the share of what is shown that it explains."""
    asked = [code for code in row.aus if code not in unmeasured]
    if not asked or (len(row.aus) > 1 and len(asked) < 2):
        return None
    if len(asked) < _MIN_MEASURED * len(row.aus):  # what is left may be anybody's
        return None
    levels = levels_now[row.one_sided]
    shown = [code for code in asked if levels.get(code, 0.0) >= 0.1]
    if 2 * len(shown) < len(asked) or not set(shown) - OPENING_AUS:
        return None
    if any(levels.get(code, 0.0) < 0.75 for code in row.strong):
        return None
    recall = sum(levels.get(code, 0.0) for code in asked) / len(asked)
    measured_share = 0.7 + 0.3 * len(asked) / len(row.aus)  # unseen parts cost a little trust
    explained = _explained(levels_now[False], row)
    score = row.weight * recall**_PARTIAL_POWER * explained * measured_share
    seen = _strongest([(o, level) for o, level in now if o.code in shown])
    beside = _strongest([(o, level) for o, level in now if o.code in row.optional])
    missing = tuple(code for code in row.aus if code in unmeasured)
    return Match(row, score, seen, beside, len(shown), len(asked), missing)


def _strongest(now: list[tuple[Observation, float]]) -> tuple[Observation, ...]:
    """One observation for each movement and side: those around the moment repeat it."""
    best: dict[str, tuple[Observation, float]] = {}
    for observation, level in now:
        if observation.name not in best or level > best[observation.name][1]:
            best[observation.name] = (observation, level)
    return tuple(sorted((o for o, _ in best.values()), key=lambda o: (o.span, o.obs_id)))


def _explained(levels: dict[str, float], row: PrototypeRow) -> float:
    """Share of all that the face shows which the pattern has a place for."""
    own = {*row.aus, *row.optional}
    weights = {code: level * _UNSPECIFIC.get(code, 1.0) for code, level in levels.items()}
    total = sum(w for code, w in weights.items() if code in own or code not in _TURNS)
    return sum(w for code, w in weights.items() if code in own) / total


def _levels(now: list[tuple[Observation, float]], one_sided: bool) -> dict[str, float]:
    """Level of each movement: of the stronger side; one-sided, of what one side has above both."""
    sides: dict[str, dict[str, float]] = {}
    for observation, level in now:
        by_side = sides.setdefault(observation.code, {})
        side = str(observation.side or "")
        by_side[side] = max(by_side.get(side, 0.0), level)
    levels = {code: _level(by_side, one_sided) for code, by_side in sides.items()}
    for cause, effect in _CARRIES_ALONG:
        if levels.get(cause, 0.0) >= _CARRYING and effect in levels:
            levels[effect] *= _CARRIED_SHARE
    return levels


def _level(by_side: dict[str, float], one_sided: bool) -> float:
    left, right, both = (by_side.get(side, 0.0) for side in ("L", "R", ""))
    if one_sided:
        return max(0.0, abs(left - right) - both)
    if both == 0.0 and 0.0 in (left, right):
        return 0.7 * max(left, right)  # half a smile is less of one; ours
    return max(left, right, both)


# --- voice ---------------------------------------------------------------------------------------


def voice_evidence(voice: Sequence[Observation]) -> dict[str, float]:
    """How far the voice's changes agree with each emotion's correlates; "activation" is -1 to 1.

    Correlates that did not change count against an emotion: one louder phrase is not anger.
    """
    changes = _changes(voice)
    if not changes:
        return {}
    agreement: dict[str, float] = {}
    asked: dict[str, float] = {}
    for row in vocal_rows():
        asked[row.emotion] = asked.get(row.emotion, 0.0) + row.weight
        share = row.weight * row.sign * changes.get(row.code, 0.0)
        agreement[row.emotion] = agreement.get(row.emotion, 0.0) + share
    scores = {emotion: agreement[emotion] / asked[emotion] for emotion in asked}
    activation = scores.pop("activation")
    return {**{e: max(0.0, s) for e, s in scores.items()}, "activation": activation}


def _changes(voice: Sequence[Observation]) -> dict[str, float]:
    """The largest change of each cue, -1 to 1, weighed by reliability."""
    found: dict[str, float] = {}
    for observation in voice:
        change = direction(observation)
        if change is None or observation.unit not in _FULL_CHANGE:
            continue
        share = max(-1.0, min(1.0, change / _FULL_CHANGE[observation.unit]))
        share *= observation.reliability
        if abs(share) > abs(found.get(observation.code, 0.0)):
            found[observation.code] = share
    return found


# --- words ---------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\w+(?:['’]\w+)*")
_NEGATIONS = frozenset(
    "no not never dont doesnt didnt isnt arent wasnt werent cant couldnt wont wouldnt hardly"
    " without nothing aint neither nor cannot havent hasnt hadnt".split()
)
_STRONGER = frozenset(
    "so very really extremely absolutely such totally incredibly truly deeply".split()
)
_WEAKER = frozenset("bit little slightly somewhat kind sort mildly".split())
_SELF = frozenset("i im ive me my myself we us our id".split())
_MAYBE = frozenset("if would might could unless pretend answer say".split())
_ENGLISH = frozenset(
    "the a an and or but of to in on at for with from is are was were be been am im its it i you"
    " he she we they this that what who how my your his her me him them not no do dont did have"
    " has had will would can could so very just all there here when where why".split()
)
_NEGATED_SHARE = 0.4  # "not happy" is a little sad; "not angry" says nothing of calm; ours
_OTHERS_SHARE = 0.5  # a state that is not said of oneself; ours
_CONTEXT_TOKENS = 3


def is_read(observation: Observation) -> bool:
    """Whether the words look English: this list reads no other language."""
    for caveat in observation.caveats:
        if (named := re.search(r"\blanguage\W+(?:is\W+)?(\w+)", caveat)) is not None:
            return named[1].lower() in ("en", "english")
    tokens = _tokens(observation.quote or "")
    n_known = sum(token in _known_words() for token, _, _ in tokens)
    return bool(tokens) and n_known >= 0.15 * len(tokens)  # real English has about a half; ours


@cache
def _known_words() -> frozenset[str]:
    return _ENGLISH | {word for phrase in phrases() for word in phrase.words}


def find_sayings(observation: Observation) -> list[Saying]:
    """The emotion words in one utterance, in order, each word used once."""
    quote = observation.quote or ""
    tokens = _tokens(quote)
    taken: set[int] = set()
    found: list[tuple[int, Saying]] = []
    for phrase in phrases():
        for start in range(len(tokens) - len(phrase.words) + 1):
            places = range(start, start + len(phrase.words))
            if taken.isdisjoint(places) and _is_at(phrase, tokens, start):
                taken.update(places)
                found.append((start, _saying(observation, phrase, tokens, start)))
    return [saying for _, saying in sorted(found, key=lambda item: item[0])]


def words_evidence(sayings: Sequence[Saying]) -> dict[str, float]:
    """Each emotion's words together: a second word adds to what the first left open."""
    evidence: dict[str, float] = {}
    for saying in sayings:
        emotion, score = saying.phrase.emotion, saying.score
        if saying.negated:
            if emotion != "happiness":
                continue
            emotion, score = "sadness", _NEGATED_SHARE * score
        evidence[emotion] = 1.0 - (1.0 - evidence.get(emotion, 0.0)) * (1.0 - score)
    return evidence


def _tokens(quote: str) -> list[tuple[str, int, int]]:
    return [
        (re.sub(r"['’]", "", match[0].lower()), match.start(), match.end())
        for match in _TOKEN.finditer(quote)
    ]


def _is_at(phrase: Phrase, tokens: list[tuple[str, int, int]], start: int) -> bool:
    return all(tokens[start + i][0] == word for i, word in enumerate(phrase.words))


def _saying(
    observation: Observation, phrase: Phrase, tokens: list[tuple[str, int, int]], start: int
) -> Saying:
    quote = observation.quote or ""
    first = _context_start(quote, tokens, start)
    before = [token for token, _, _ in tokens[first:start]]
    end_char = tokens[start + len(phrase.words) - 1][2]
    score = phrase.weight * observation.reliability * _context(before, quote[end_char:])
    if phrase.is_state and not _SELF & {*before, phrase.words[0]}:
        score *= _OTHERS_SHARE
    negated = bool(_NEGATIONS & set(before)) and before[-2:] != ["not", "only"]
    excerpt = " ".join(quote[tokens[first][1] : end_char].split())
    return Saying(observation, phrase, excerpt, min(1.0, score), negated)


def _context_start(quote: str, tokens: list[tuple[str, int, int]], start: int) -> int:
    """Up to three words back, and not beyond the beginning of the sentence."""
    first = start
    while first > max(0, start - _CONTEXT_TOKENS):
        if re.search(r"[.!?;:…]", quote[tokens[first - 1][2] : tokens[first][1]]):
            break
        first -= 1
    return first


def _context(before: list[str], after: str) -> float:
    share = 1.3 if _STRONGER & set(before) else 1.0
    share *= 0.6 if _WEAKER & set(before) else 1.0
    is_question = re.match(r"[^.!?]*\?", after) is not None
    return share * (0.5 if is_question or _MAYBE & set(before) else 1.0)


def speech_spans(observations: Sequence[Observation]) -> list[Span]:
    return [o.span for o in observations if o.channel is Channel.SPEECH]


def expressions(observations: Sequence[Observation]) -> list[Observation]:
    return [o for o in observations if is_expression(o) and o.unit is Unit.FACS_INTENSITY]
