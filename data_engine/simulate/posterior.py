"""What a timeline says about every emotion, by the very tables that clips are drawn from.

A drawn clip may show less than was meant: a unit missed, a mouth that talks. What a model is to
learn is what the observations support, so labels and confidences of drawn rows come from here:
Bayes' rule over the published patterns, with the front end's own rates of misses, of units that
fire along, and of false alarms. Take an observation away and the answer changes as it should.

It is a teacher for drawn clips: what words mean it is told, since the sentence was drawn for an
emotion. Faces count by likelihood; weights of voice and words beside them are ours.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from demeanor.data_engine.simulate.clips import emotions
from demeanor.data_engine.simulate.tables import (
    NEUTRAL,
    OPENINGS,
    Pattern,
    Unit,
    coarse_names,
    cross_talk,
    parameters,
    patterns,
    units,
    value,
    voice_changes,
)
from demeanor.explain.reasoning.cues import hides_face
from demeanor.explain.reasoning.signs import in_speech, is_held, speech_spans, unmeasured_codes
from demeanor.explain.records import Channel, Kind, NotMeasured, Observation, Span
from demeanor.explain.records import Unit as U
from demeanor.explain.vocabulary import MOVEMENTS, Region

_B, _C = 1.5, 2.5  # where the letters begin
_NEUTRAL_PRIOR = 0.25  # of clips: about what is drawn
_HEAD_SHOWN, _HEAD_ALARM = 0.85, 0.02  # turns found where drawn, and in a clip for no reason
_IDLE_ALARM = 0.05  # of units that move with talk and thought in a clip (face.py)
_WEAK_ALARM = 0.6  # of false alarms stay below C (drawn so)
_SPEECH_SHARE = 0.5  # of its weight that a moving mouth keeps while it speaks; ours
_TOGETHER_S = 0.25  # apexes of one expression lie within its spans, give or take this
_VOICE_SHARE, _VOICE_MOST = 0.5, 2.0  # a voice tells activation better than emotion; ours
_WORDS_SAME, _WORDS_KIN, _WORDS_NEUTRAL = 2.4, 1.7, -1.0  # log odds; ours
_SURE = 0.5  # of a moment being neutral, below which it counts as an expression


@dataclass(frozen=True, slots=True)
class Moment:
    """Movements that go together, and what they say."""

    observations: tuple[Observation, ...]
    shares: dict[str, float]  # of every emotion and neutral; sums to 1
    emotion: str  # the likeliest but neutral
    pattern: Pattern
    shown: tuple[Observation, ...]  # of the pattern
    beside: tuple[Observation, ...]
    missing: tuple[str, ...]  # units that the pattern asks for and that were not observed
    unmeasured: tuple[str, ...]

    @property
    def span(self) -> Span:
        starts = [o.span.start_s for o in self.observations]
        return Span(min(starts), max(o.span.end_s for o in self.observations))

    @property
    def is_expression(self) -> bool:
        return self.shares[NEUTRAL] < _SURE


@dataclass(frozen=True, slots=True)
class Weighed:
    """All that the observations of one person say."""

    observations: tuple[Observation, ...]
    not_measured: tuple[NotMeasured, ...]
    moments: tuple[Moment, ...]  # in time order
    voice: dict[str, float]  # log odds against neutral
    words: tuple[tuple[Observation, str], ...]  # utterances and what they go with
    face: dict[str, float]  # shares by the face alone; empty: not seen
    shares: dict[str, float]  # all channels together

    @property
    def emotion(self) -> str:
        return max(self.shares, key=lambda e: self.shares[e])

    @property
    def abstains(self) -> bool:
        """Nothing to reason from: no face, no change of the voice, no words."""
        return not (self.face or self.voice or self.words)

    @property
    def said(self) -> dict[str, float]:
        """What the words alone say, in shares; empty without words."""
        if not self.words:
            return {}
        return _softmax(_sum([_priors(), _words_odds(e for _, e in self.words)]))


def weigh(
    observations: Sequence[Observation],
    not_measured: Sequence[NotMeasured],
    person: str | None,
    meant: Mapping[str, str],
    backend: str,
) -> Weighed:
    """meant: by the id of an utterance, the emotion that its words go with."""
    own = tuple(o for o in observations if o.person in (person, None))
    gaps = tuple(g for g in not_measured if g.person in (person, None))
    is_seen = person is not None and not any(hides_face(g, person) for g in gaps)
    moments = _moments(own, gaps, backend) if is_seen else ()
    face = _face_odds(own, gaps, moments, backend) if is_seen else {}
    voice = _voice_odds(own)
    words = tuple((o, meant[o.obs_id]) for o in own if o.obs_id in meant)
    total = _sum([_priors(), face, voice, _words_odds(e for _, e in words)])
    shares = _softmax(_sum([_priors(), face])) if is_seen else {}
    return Weighed(own, gaps, moments, voice, words, shares, _softmax(total))


@cache
def _priors() -> dict[str, float]:
    names, weights = emotions()
    total = sum(weights)
    shares = {n: (1 - _NEUTRAL_PRIOR) * w / total for n, w in zip(names, weights, strict=True)}
    return {e: math.log(share) for e, share in {**shares, NEUTRAL: _NEUTRAL_PRIOR}.items()}


def _sum(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    found = dict.fromkeys(_priors(), 0.0)
    for part in parts:
        for emotion, odds in part.items():
            found[emotion] += odds
    return found


def _softmax(logits: Mapping[str, float]) -> dict[str, float]:
    top = max(logits.values())
    odds = {e: math.exp(v - top) for e, v in logits.items()}
    total = sum(odds.values())
    return {e: v / total for e, v in odds.items()}


# --- face ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """Log probabilities by pattern (rows) and unit (columns): absent, at B, at C and more."""

    rows: tuple[tuple[str, Pattern | None], ...]  # emotion, pattern; the last row is neutral
    codes: dict[str, int]
    weights: np.ndarray  # (rows,) log of the pattern's share within its emotion
    absent: np.ndarray  # (rows, codes)
    weak: np.ndarray
    clear: np.ndarray
    emotions: tuple[str, ...]  # in order of their rows
    starts: tuple[int, ...]  # the first row of each


@cache
def _likelihood(backend: str, is_picture: bool) -> _Likelihood:
    known = units(backend)
    heads = [c for c, m in MOVEMENTS.items() if m.region in (Region.HEAD, Region.GAZE)]
    codes = [*known, *(c for c in heads if c.startswith("AU"))]
    rows: list[tuple[str, Pattern | None]] = [(e, p) for e in patterns() for p in patterns()[e]]
    rows.append((NEUTRAL, None))
    hit_b = {c: _detected(u, _B, is_picture) for c, u in known.items()}
    hit_c = {c: _detected(u, _C, is_picture) for c, u in known.items()}
    weak, clear = np.zeros((len(rows), len(codes))), np.zeros((len(rows), len(codes)))
    for k, (_, pattern) in enumerate(rows):
        shares = _shares(pattern)
        for j, code in enumerate(codes):
            along = _fires_along(code, shares, backend)
            unit = known.get(code)
            alarm = _alarm(code, unit, is_picture) if unit else _turned_anyway(code, is_picture)
            by_chance = 1 - (1 - along) * (1 - alarm)
            share = shares.get(code, 0.0)
            p_b = 1 - (1 - share * hit_b.get(code, _HEAD_SHOWN)) * (1 - by_chance)
            p_c = 1 - (1 - share * hit_c.get(code, 0.0)) * (1 - (1 - _WEAK_ALARM) * by_chance)
            clear[k, j] = min(p_c, 0.98 * p_b)
            weak[k, j] = p_b - clear[k, j]
    names = [emotion for emotion, _ in rows]
    first = {name: names.index(name) for name in names}
    floor = 1e-3
    clear, weak = np.maximum(clear, floor), np.maximum(weak, floor)
    absent = np.maximum(1 - clear - weak, floor)
    return _Likelihood(
        tuple(rows),
        {c: j for j, c in enumerate(codes)},
        np.log(_pattern_weights(rows)),
        np.log(absent),
        np.log(weak),
        np.log(clear),
        tuple(first),
        tuple(first.values()),
    )


def _turned_anyway(code: str, is_picture: bool) -> float:
    posed = parameters().get(f"pose_{code}_percent")
    return posed.value / 100 if is_picture and posed is not None else _HEAD_ALARM


def _alarm(code: str, unit: Unit, is_picture: bool) -> float:
    """How often a unit is reported over nothing that counts."""
    if not is_picture:
        return unit.false_alarm * value("video_alarm_share") + _IDLE_ALARM
    opened = value("open_lips_percent") / 100 if code in ("AU25", "AU26") else 0.0
    return unit.false_alarm + opened


def _pattern_weights(rows: Sequence[tuple[str, Pattern | None]]) -> np.ndarray:
    """(rows,) how often each pattern is drawn for its emotion."""
    found = []
    for emotion, pattern in rows:
        if pattern is None:
            found.append(1.0)
            continue
        several = patterns()[emotion]
        first = several[0]
        if not first.has_proportions or len(several) == 1:
            found.append(1 / len(several))
        else:
            found.append(0.6 if pattern is first else 0.4 / (len(several) - 1))
    return np.array(found)


def _shares(pattern: Pattern | None) -> dict[str, float]:
    """True share of each unit; what a jaw that drops entails is in it."""
    if pattern is None:
        return {}
    found = dict(pattern.shares)
    for code in pattern.one_of:
        found[code] = max(found.get(code, 0.0), 2 / 3 / len(pattern.one_of))
    stretched = found.pop("AU27", 0.0)  # reported as AU26
    if stretched:
        found["AU26"] = 1 - (1 - found.get("AU26", 0.0)) * (1 - stretched)
    opened = max((found.get(c, 0.0) for c in OPENINGS), default=0.0)
    if opened and "AU24" not in found:
        found["AU25"] = max(found.get("AU25", 0.0), opened)
    return {c: _kept() * share for c, share in found.items()}


@cache
def _kept() -> float:
    """Share of units that stay, over full and everyday expressions."""
    everyday = value("everyday_percent") / 100
    stays = (value("everyday_low") + value("everyday_high")) / 2
    return (1 - everyday) + everyday * stays


def _detected(unit: Unit, level: float, is_picture: bool) -> float:
    """Share of true units, over the strengths that are drawn, measured at this level or more."""
    spread = unit.noise_unknown_rest if is_picture else unit.noise
    grid = np.linspace(value("strength_low"), value("strength_high"), 24)
    off = (level + unit.offset - unit.gain * grid) / spread / math.sqrt(2)
    return float(np.mean([0.5 * math.erfc(x) for x in off]))


def _fires_along(code: str, shares: Mapping[str, float], backend: str) -> float:
    silent = 1.0
    for shown, share in shares.items():
        for fires, percent in cross_talk(backend).get(shown, ()):
            if fires == code:
                silent *= 1 - share * min(0.95, 1.25 * percent)
    return 1 - silent


def _moments(
    own: Sequence[Observation], gaps: Sequence[NotMeasured], backend: str
) -> tuple[Moment, ...]:
    """Movements whose spans meet, taken together in order of their apexes."""
    moved = sorted(filter(_counts, own), key=lambda o: (o.apex_s, o.obs_id))
    groups: list[list[Observation]] = []
    for observation in moved:
        group = next((g for g in groups if _goes_with(observation, g)), None)
        if group is None:
            groups.append([observation])
        else:
            group.append(observation)
    found = [_moment(tuple(group), own, gaps, backend) for group in groups]
    return tuple(sorted(found, key=lambda m: (m.span, m.emotion)))


def _counts(observation: Observation) -> bool:
    """A movement that was made: neither a blink nor a face at rest."""
    if observation.channel is not Channel.FACE or observation.code == "AU45":
        return False
    if not observation.code.startswith("AU") or is_held(observation):
        return False
    return observation.unit in (U.FACS_INTENSITY, U.DEGREE, U.RATIO)


def _goes_with(observation: Observation, group: Sequence[Observation]) -> bool:
    first = group[0]
    return first.span.contains(observation.apex_s, _TOGETHER_S) and observation.span.contains(
        first.apex_s, _TOGETHER_S
    )


def _log_rows(
    seen: Sequence[Observation],
    own: Sequence[Observation],
    gaps: Sequence[NotMeasured],
    backend: str,
) -> np.ndarray:
    """(rows,) log probability of exactly these movements, pattern by pattern."""
    is_picture = all(o.span.duration_s == 0 for o in seen) and not speech_spans(own)
    table = _likelihood(backend, is_picture)
    hidden = _unknown(own, gaps)
    total = table.weights.copy()
    levels = {o.code: max(o.peak or 0.0, 0.0) for o in seen}
    speech = speech_spans(own)
    masked = {o.code for o in seen if in_speech(o, speech)} & _mouths()
    for code, j in table.codes.items():
        if code in hidden and code not in levels:
            continue
        if code not in levels:
            total += table.absent[:, j]
            continue
        is_clear = levels[code] >= _C and code in units(backend)
        column = table.clear[:, j] if is_clear else table.weak[:, j]
        share = _SPEECH_SHARE if code in masked else 1.0
        total += share * column + (1 - share) * column[-1]
    return total


@cache
def _mouths() -> frozenset[str]:
    return frozenset(c for c, m in MOVEMENTS.items() if m.region in (Region.MOUTH, Region.JAW))


def _unknown(own: Sequence[Observation], gaps: Sequence[NotMeasured]) -> frozenset[str]:
    """Units whose absence says nothing: not measured, or of a mouth that talks."""
    hidden = unmeasured_codes(gaps)
    talks = any(g.what.startswith("short movements of the mouth") for g in gaps)
    return hidden | _mouths() if talks else hidden


def _by_emotion(rows: np.ndarray, table: _Likelihood) -> dict[str, float]:
    """Patterns of one emotion together: the log of the sum of their probabilities."""
    starts = list(table.starts)
    top = np.maximum.reduceat(rows, starts)
    apart = np.exp(rows - np.repeat(top, np.diff([*starts, len(rows)])))
    total = top + np.log(np.add.reduceat(apart, starts))
    return dict(zip(table.emotions, total.tolist(), strict=True))


def _moment(
    seen: tuple[Observation, ...],
    own: Sequence[Observation],
    gaps: Sequence[NotMeasured],
    backend: str,
) -> Moment:
    rows = _log_rows(seen, own, gaps, backend)
    table = _likelihood(backend, False)
    odds = _by_emotion(rows, table)
    shares = _softmax(_sum([_priors(), odds]))
    emotion = max((e for e in shares if e != NEUTRAL), key=lambda e: shares[e])
    best = max(
        (k for k, (e, _) in enumerate(table.rows) if e == emotion), key=lambda k: float(rows[k])
    )
    pattern = table.rows[best][1]
    assert pattern is not None  # noqa: S101 only neutral has none
    asked = _asked(pattern)
    shown = tuple(o for o in seen if o.code in _parts(pattern))
    hidden = unmeasured_codes(gaps)
    present = {o.code for o in seen}
    return Moment(
        seen,
        shares,
        emotion,
        pattern,
        shown,
        tuple(o for o in seen if o not in shown),
        tuple(c for c in asked if c not in present and c not in hidden),
        tuple(c for c in asked if c in hidden),
    )


def _parts(pattern: Pattern) -> frozenset[str]:
    """Every unit that has a place in the pattern; AU27 is seen as AU26."""
    codes = {c for c, _ in pattern.shares} | set(pattern.one_of)
    return frozenset(codes | ({"AU26"} if "AU27" in codes else set()))


def _asked(pattern: Pattern) -> tuple[str, ...]:
    """The units that the pattern is known by."""
    codes = [c for c, share in pattern.shares if share > 0.7]
    return tuple(dict.fromkeys("AU26" if c == "AU27" else c for c in codes))


def asked_units(emotion: str) -> tuple[str, ...]:
    """What the emotion's first listed pattern is known by; nothing for neutral."""
    known = patterns().get(emotion)
    return _asked(known[0]) if known else ()


def _face_odds(
    own: Sequence[Observation],
    gaps: Sequence[NotMeasured],
    moments: Sequence[Moment],
    backend: str,
) -> dict[str, float]:
    """Log odds against neutral by the face: the moment that says most, or that nothing is seen."""
    if not moments:
        rows = _log_rows((), own, gaps, backend)
        odds = _by_emotion(rows, _likelihood(backend, False))
    else:
        odds = min((_odds(m) for m in moments), key=lambda o: o[NEUTRAL])
    return {e: max(-8.0, v - odds[NEUTRAL]) for e, v in odds.items()}


def _odds(moment: Moment) -> dict[str, float]:
    """Of a moment, without the priors."""
    return {e: math.log(max(share, 1e-9)) - _priors()[e] for e, share in moment.shares.items()}


# --- voice and words -----------------------------------------------------------------------------

_SPREADS = {  # of one phrase's change, wobble and differences between people together; ours
    "F0semitoneFrom27.5Hz": 2.2,
    "F0semitoneFrom27.5Hz_pctlrange0-2": 3.0,
    "equivalentSoundLevel_dBp": 2.8,
    "alphaRatioV": 2.4,
    "jitterLocal": 0.012,
    "loudnessPeaksPerSec": 0.8,
}


def _voice_odds(own: Sequence[Observation]) -> dict[str, float]:
    """The largest change of each cue against what is published for each emotion."""
    largest: dict[str, float] = {}
    n_laughs = 0
    for o in own:
        if o.channel is not Channel.VOICE or o.kind is not Kind.EVENT:
            continue
        n_laughs += o.code == "laughter"
        change = o.change_from_usual
        if change is None or o.code not in _SPREADS:
            continue
        if abs(change) > abs(largest.get(o.code, 0.0)):
            largest[o.code] = change
    if not largest and not n_laughs:
        return {}
    odds = {e: _voice_fit(e, largest) for e in _priors() if e != NEUTRAL}
    if n_laughs:
        for emotion, by in (("amusement", 1.5), ("happiness", 0.8), ("sadness", -0.8)):
            odds[emotion] += by
    return odds


def _voice_fit(emotion: str, changes: Mapping[str, float]) -> float:
    published = voice_changes().get(emotion) or _of_halves(emotion)
    total = 0.0
    for code, change in changes.items():
        mean, spread = published.get(code, 0.0), _SPREADS[code]
        mean *= 4.0 if code == "loudnessPeaksPerSec" else 1.0  # a share of some 4 a second
        total += ((change**2) - (change - mean) ** 2) / (2 * spread**2)
    return max(-_VOICE_MOST, min(_VOICE_MOST, _VOICE_SHARE * total))


@cache
def _of_halves(emotion: str) -> dict[str, float]:
    """A compound, or a finer state, sounds like what it is made of."""
    halves = [voice_changes().get(e, {}) for e in coarse_names().get(emotion, ()) if e != emotion]
    codes = {code for half in halves for code in half}
    return {code: sum(h.get(code, 0.0) for h in halves) / len(halves) for code in codes}


def _words_odds(meant: Iterable[str]) -> dict[str, float]:
    told = [e for e in meant if e != NEUTRAL]
    if not told:
        return {}
    odds = {NEUTRAL: _WORDS_NEUTRAL}
    for emotion in dict.fromkeys(told):
        family = set(coarse_names().get(emotion, ())) | {emotion}
        for other, coarse in coarse_names().items():
            if other == emotion:
                odds[other] = odds.get(other, 0.0) + _WORDS_SAME
            elif family & {*coarse, other}:
                odds[other] = odds.get(other, 0.0) + _WORDS_KIN
    return odds
