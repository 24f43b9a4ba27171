"""Weigh the three channels against one another: from signs to confidences and labels.

The numbers are ours where they carry no source: they were set by hand on drawn examples, so that
a full published pattern is believed, half of one is not, and neutral wins where little is shown.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.cues import hides_face
from demeanor.explain.reasoning.signs import (
    Match,
    Saying,
    face_evidence,
    find_sayings,
    is_read,
    match_patterns,
    speech_spans,
    voice_evidence,
    words_evidence,
)
from demeanor.explain.reasoning.tables import compounds, coordinates
from demeanor.explain.records import Channel, LabelSet, NotMeasured, Observation

EMOTIONS = ("happiness", "sadness", "anger", "fear", "surprise", "disgust", "contempt")
_WORDS_SHARE = 0.8  # words can be acted, quoted or about others; ours
_VOICE_SHARE = 0.3  # voice tells activation far better than which emotion (Eyben 2016); ours
_SHARPNESS = 5.0  # from evidence to log odds: full evidence gives about 0.9 of seven; ours
_NEUTRAL_FACE, _NEUTRAL_WORDS, _NEUTRAL_VOICE = 0.55, 0.4, 0.2  # pull of neutral; ours
_MIN_SHOWN = 0.3  # evidence from which an emotion is named among the open labels; ours
_MIN_SHARE = 0.15  # and its least share of the confidence
_MIN_BOTH = 0.35  # evidence of each of two emotions for a compound label
_MIN_OPEN = 0.6  # of a pattern's own score, for labels like "amusement"
_FINER_STEP = 1.0  # log odds that a finer label needs from its own words
_ACTIVATION_SHARE = 0.25  # of arousal that the voice decides where there is one; ours
_GROUPS = {"negative": ("sadness", "anger", "fear", "disgust", "contempt")}  # SMIC, MEGC


@dataclass(frozen=True, slots=True)
class Reading:
    """What the observations of one person come to, before it is written out."""

    observations: tuple[Observation, ...]
    matches: tuple[Match, ...]
    sayings: tuple[Saying, ...]
    unread: tuple[Observation, ...]  # utterances that do not look English
    face: dict[str, float]
    voice: dict[str, float]
    words: dict[str, float]
    lasting: dict[str, float]  # what is left of an emotion beside longer ones, 0.8 to 1
    evidence: dict[str, float]  # of the seven emotions, channels together
    neutral: float
    gaps: tuple[NotMeasured, ...]
    face_measured: bool

    @property
    def abstains(self) -> bool:
        """Nothing to reason from: no face, no change of the voice, no words that can be read."""
        has_face = any(o.channel is Channel.FACE for o in self.observations)
        n_words = sum(o.channel is Channel.SPEECH for o in self.observations)
        has_words = n_words > len(self.unread)
        return not (self.face_measured or has_face or has_words or self.voice)


def read_signs(request: Request) -> Reading:
    own = tuple(o for o in request.observations if _is_about(o.person, request.person))
    gaps = tuple(g for g in request.not_measured if _is_about(g.person, request.person))
    face = [o for o in own if o.channel is Channel.FACE]
    words = [o for o in own if o.channel is Channel.SPEECH]
    matches = tuple(match_patterns(face, speech_spans(own), gaps))
    unread = tuple(o for o in words if not is_read(o))
    sayings = tuple(saying for o in words if o not in unread for saying in find_sayings(o))
    by_channel = (
        face_evidence(matches),
        voice_evidence([o for o in own if o.channel is Channel.VOICE]),
        words_evidence(sayings),
    )
    lasting = _lasting(matches)
    evidence = {e: lasting[e] * _together(e, *by_channel) for e in EMOTIONS}
    hidden = any(hides_face(gap, request.person) for gap in gaps)
    face_measured = not hidden and (bool(face) or request.person is not None)
    base = _neutral_base(face_measured, len(words) > len(unread))
    neutral = base * (1.0 - max(evidence.values()))
    return Reading(
        own, matches, sayings, unread, *by_channel, lasting, evidence, neutral, gaps, face_measured
    )


def label_scores(reading: Reading, label_set: LabelSet) -> dict[str, float]:
    """Confidence of every label of the set. Where it has no neutral, neutral keeps its share
    outside it: a closed set does not make a face more expressive."""
    logits = {label: _logit(label, label_set, reading) for label in label_set.labels}
    outside = [] if "neutral" in label_set.coarse.values() else [_SHARPNESS * reading.neutral]
    total = sum(map(math.exp, (*logits.values(), *outside)))
    return {label: math.exp(logit) / total for label, logit in logits.items()}


def open_labels(reading: Reading) -> tuple[str, ...]:
    """Everything shown, most evidence first: emotions, compounds of two, finer words for them."""
    shares = shares_of(reading)
    shown = sorted(
        (e for e in EMOTIONS if reading.evidence[e] >= _MIN_SHOWN and shares[e] >= _MIN_SHARE),
        key=lambda emotion: -reading.evidence[emotion],
    )
    if not shown:
        return ("neutral",) if shares["neutral"] >= max(shares.values()) else (_top(shares),)
    both = {e for e in shown if reading.evidence[e] >= _MIN_BOTH}
    mixed = [name for name, pair in compounds().items() if both.issuperset(pair) and " " in name]
    finer = [s.phrase.label for s in reading.sayings if s.phrase.emotion in shown and not s.negated]
    patterns = [
        match.row.emotion
        for match in reading.matches
        if match.score >= _MIN_OPEN and len(match.row.coarse) < 2
    ]
    return tuple(dict.fromkeys([*shown, *mixed, *finer, *patterns]))


def _is_about(person: str | None, wanted: str | None) -> bool:
    return person is None or wanted is None or person == wanted


def _together(
    emotion: str, face: dict[str, float], voice: dict[str, float], words: dict[str, float]
) -> float:
    """One minus what all channels leave open."""
    return 1.0 - (
        (1.0 - face.get(emotion, 0.0))
        * (1.0 - _WORDS_SHARE * words.get(emotion, 0.0))
        * (1.0 - _VOICE_SHARE * voice.get(emotion, 0.0))
    )


def _lasting(matches: Sequence[Match]) -> dict[str, float]:
    """A short expression counts up to a fifth less beside a longer one (ours)."""
    longest_s = dict.fromkeys(EMOTIONS, 0.0)
    for match in matches:
        for emotion in match.row.coarse:
            if match.score >= _MIN_SHOWN:
                longest_s[emotion] = max(longest_s[emotion], match.span.duration_s)
    most_s = max(longest_s.values())
    return {e: 0.8 + 0.2 * s / most_s if s > 0.0 else 1.0 for e, s in longest_s.items()}


def _neutral_base(face_measured: bool, words_read: bool) -> float:
    if face_measured:
        return _NEUTRAL_FACE
    return _NEUTRAL_WORDS if words_read else _NEUTRAL_VOICE


def _logit(label: str, label_set: LabelSet, reading: Reading) -> float:
    if label in compounds():
        return _SHARPNESS * _compound_evidence(label, reading)
    if label in _GROUPS:
        return _SHARPNESS * max(reading.evidence[emotion] for emotion in _GROUPS[label])
    coarse = label_set.coarse.get(label)
    if coarse is None:
        return -1.0  # "others", "repression": unlikely, and never impossible
    if coarse == "neutral":
        return _SHARPNESS * reading.neutral
    logit = _SHARPNESS * reading.evidence[coarse]
    return logit if _is_first(label, coarse, label_set) else logit + _finer_step(label, reading)


def _compound_evidence(label: str, reading: Reading) -> float:
    pattern = max((m.score for m in reading.matches if m.row.emotion == label), default=0.0)
    return max(pattern, 0.9 * min(reading.evidence[emotion] for emotion in compounds()[label]))


def _is_first(label: str, coarse: str, label_set: LabelSet) -> bool:
    """Whether `label` is the plain name of its emotion here: happy before excited."""
    same = [name for name in label_set.labels if label_set.coarse.get(name) == coarse]
    return label == (coarse if coarse in same else same[0])


def _finer_step(label: str, reading: Reading) -> float:
    stem = label[:5]
    said = [s.score for s in reading.sayings if s.phrase.label.startswith(stem) and not s.negated]
    return 2.0 * max(said) if said else -_FINER_STEP


def shares_of(reading: Reading) -> dict[str, float]:
    odds = {e: math.exp(_SHARPNESS * value) for e, value in reading.evidence.items()}
    odds["neutral"] = math.exp(_SHARPNESS * reading.neutral)
    total = sum(odds.values())
    return {emotion: value / total for emotion, value in odds.items()}


def _top(shares: dict[str, float]) -> str:
    return max(shares, key=lambda emotion: shares[emotion])


def place(reading: Reading) -> tuple[float, float]:
    """Published places of the emotions, weighed by their evidence; the voice moves arousal."""
    weights = {e: reading.evidence[e] for e in EMOTIONS if e in coordinates()}
    weights["neutral"] = reading.neutral
    total = sum(weights.values())
    valence, arousal = (
        sum(weight * coordinates()[e][axis] for e, weight in weights.items()) / total
        for axis in (0, 1)
    )
    activation = reading.voice.get("activation")
    if activation is not None:
        arousal = (1 - _ACTIVATION_SHARE) * arousal + _ACTIVATION_SHARE * activation
    return valence, arousal
