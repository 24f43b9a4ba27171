"""From shares of everything that can be shown to the labels of any set.

A set is matched by name first; what has no name of its own in it goes where its coarse emotion
does. What a set has no place for stays outside: a closed set does not make a face more expressive.
"""

import random
from functools import cache

from demeanor.data_engine.simulate.posterior import Weighed
from demeanor.data_engine.simulate.tables import NEUTRAL, coarse_names
from demeanor.explain.corpora.labels import COARSE, coarse_of, known_label_sets, label_set
from demeanor.explain.reasoning.tables import coordinates
from demeanor.explain.records import LabelSet

_PLAIN = {  # the plain name of a coarse emotion, where a set has several words for it
    "happiness": ("happiness", "happy", "joy", "positive"),
    "sadness": ("sadness", "sad"),
    "anger": ("anger", "angry"),
    "fear": ("fear", "fearful", "worried"),
    "surprise": ("surprise", "surprised"),
    "disgust": ("disgust", "disgusted"),
}
_UNPLEASANT = ("sadness", "anger", "fear", "disgust", "contempt")
_REST = ("other", "others")
_COMPOUND_SHARE = 0.3  # of an emotion's share that a compound of it may claim; ours
_UNSUITED = ("bah2",)  # ambivalence is not drawn
PLEASANT = frozenset({"happiness", "amusement", "contentment", "pride", "relief", "triumph"})
_OWN_COORDINATES = {  # of states without a published place in our table: of their nearest; ours
    "contempt": (-0.55, 0.2),
    "boredom": (-0.4, -0.6),
    "confusion": (-0.3, 0.2),
    "pain": (-0.7, 0.4),
    "interest": (0.4, 0.4),
    "pride": (0.6, 0.3),
    "relief": (0.5, -0.2),
    "triumph": (0.7, 0.6),
    "shame": (-0.55, -0.1),
    "embarrassment": (-0.45, 0.15),
    "sympathy": (-0.1, -0.1),
    "frustration": (-0.6, 0.4),
}


def scores(weighed: Weighed, labels: LabelSet) -> dict[str, float]:
    """A share for each label of the set; together at most 1."""
    found = dict.fromkeys(labels.labels, 0.0)
    places = _places(labels.name, labels.labels, tuple(sorted(labels.coarse.items())))
    for emotion, share in weighed.shares.items():
        for label, part in places[emotion]:
            found[label] += part * share
    return found


@cache
def _places(
    name: str, labels: tuple[str, ...], coarse: tuple[tuple[str, str], ...]
) -> dict[str, tuple[tuple[str, float], ...]]:
    """By emotion: the labels that its share goes to, and how much of it."""
    emotions = (*coarse_names(), NEUTRAL)
    return {e: tuple(_place(e, labels, dict(coarse))) for e in emotions}


def _place(
    emotion: str, labels: tuple[str, ...], coarse: dict[str, str]
) -> list[tuple[str, float]]:
    if emotion in labels:
        return [(emotion, 1.0)]
    families = coarse_names().get(emotion, (emotion,) if emotion == NEUTRAL else ())
    if not families:
        rest = [label for label in labels if label in _REST]
        return [(rest[0], 1.0)] if rest else []
    found = []
    for family in families:
        plain = _plain(family, labels, coarse)
        if plain:
            found.append((plain, 1.0 / len(families)))
        elif family in _UNPLEASANT and "negative" in labels:
            found.append(("negative", 1.0 / len(families)))
        else:
            found += _compounds(family, labels)
    return found


def _plain(family: str, labels: tuple[str, ...], coarse: dict[str, str]) -> str | None:
    same = [label for label in labels if coarse.get(label) == family or label == family]
    named = [name for name in _PLAIN.get(family, ()) if name in same]
    return next(iter(named or same), None)


def _compounds(family: str, labels: tuple[str, ...]) -> list[tuple[str, float]]:
    """In a set of compounds only, an emotion counts a little for those it is part of."""
    kin = [label for label in labels if family in coarse_names().get(label, ())]
    return [(label, _COMPOUND_SHARE / len(kin)) for label in kin]


def open_labels(weighed: Weighed, least: float = 0.22, most: int = 4) -> tuple[str, ...]:
    """Everything that appears to be shown, in words, most first; the moments' own included."""
    ranked = sorted(weighed.shares, key=lambda e: (-weighed.shares[e], e))
    found = [ranked[0]]
    if found[0] == NEUTRAL:
        return (NEUTRAL,)
    found += [e for e in ranked[1:] if weighed.shares[e] >= least and e != NEUTRAL]
    found += [m.emotion for m in weighed.moments if m.shares[m.emotion] >= 2 * least]
    return tuple(dict.fromkeys(found))[:most]


def place(weighed: Weighed) -> tuple[float, float]:
    """Valence and arousal: published places, weighed by the shares."""
    valence = arousal = 0.0
    for emotion, share in weighed.shares.items():
        v, a = _coordinates(emotion)
        valence, arousal = valence + share * v, arousal + share * a
    return valence, arousal


@cache
def _coordinates(emotion: str) -> tuple[float, float]:
    known = {**_OWN_COORDINATES, **coordinates()}
    if emotion in known:
        return known[emotion]
    halves = [known[e] for e in coarse_names().get(emotion, ()) if e in known]
    if not halves:
        return 0.0, 0.0
    return sum(v for v, _ in halves) / len(halves), sum(a for _, a in halves) / len(halves)


# --- sets ----------------------------------------------------------------------------------------


@cache
def shipped_sets() -> tuple[LabelSet, ...]:
    return tuple(label_set(n) for n in known_label_sets() if n not in _UNSUITED)


_USUAL = ("rafdb7", "affectnet8", "mer6", "ekman6", "meld7", "dfew7", "iemocap6", "goemotions28")
_WORDS = (  # for sets that nobody has published: other words for the same, and finer ones
    ("happiness", "happy", "joy"),
    ("sadness", "sad", "grief"),
    ("anger", "angry", "annoyance"),
    ("fear", "fearful", "worried", "anxiety"),
    ("surprise", "surprised", "astonished"),
    ("disgust", "disgusted", "aversion"),
    ("neutral", "peace"),
)


def drawn_set(draw: random.Random) -> LabelSet:
    """A set for one question: often a usual one, now and then any, now and then one made up."""
    number = draw.random()
    if number < 0.5:
        return label_set(draw.choice(_USUAL))
    if number < 0.7:
        return draw.choice(shipped_sets())
    families = draw.sample(_WORDS, draw.randint(2, len(_WORDS)))
    labels = [draw.choice(words) for words in families]
    finer = [n for n in sorted(set(coarse_names()) - set(COARSE)) if len(n) > 3]
    labels += draw.sample(finer, draw.choice((0, 0, 1, 2, 4)))
    draw.shuffle(labels)
    coarse = {label: c for label in labels if (c := coarse_of(label)) is not None}
    return LabelSet("custom", tuple(dict.fromkeys(labels)), coarse, "made up for one question")
