"""`d1`, our own word table: five published wheels, and the words that WordNet ties to them.

`wheels/README.md` says where each comes from. A word has the label that is nearest on each wheel.
Where a wheel has none it stands where its Parrott primary emotion stands, else where its Ekman
emotion in GoEmotions stands: the hierarchies' own words for what it is a kind of. What nothing
supports has no cluster.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files

from demeanor.eval.tables import WordTable
from demeanor.eval.words import plain

NEUTRAL = "neutral"
_FILES = ("wheels.csv", "words.csv", "added.csv", "forms.csv", "opposites.csv")
_PARROTT, _EKMAN = "W2", "W3"  # the wheels whose inner ring names a kind of emotion
_SAID_OF_NOTHING = {"no emotion", "no emotions", "without emotion"}
# Words of degree change how strong a feeling is, and not which: they are passed over.
_DEGREE = re.compile(
    r"^(?:(?:a|an|the|bit|little|very|so|really|quite|rather|somewhat|slight|slightly|mild|mildly"
    r"|moderate|moderately|deep|deeply|strong|strongly|extreme|extremely|intense|intensely|highly"
    r"|more|most|some|emotional|emotionally|feeling|feelings|feels|feel|sense|of|being) )+"
)
_NEGATION = re.compile(r"^(?:not|no|non|never|without|isn't|lack of|lacking) (?=\S)")


@cache
def load_d1() -> WordTable:
    read = {name: _text(name) for name in _FILES}
    wheels = list(_rows(read["wheels.csv"]))
    labels = _labels(read)
    groupings = {
        f"{wheel}L{level}": clusters
        for wheel in dict.fromkeys(row["wheel"] for row in wheels)
        for level, clusters in enumerate(_rings(wheel, wheels, labels), start=1)
    }
    every = {row["form"]: row["words"].split("|") for row in _rows(read["forms.csv"])}
    for clusters in groupings.values():
        _add_forms(clusters, every)
    opposites = {row["word"]: row["opposite"] for row in _rows(read["opposites.csv"])}
    digest = hashlib.sha256("".join(read.values()).encode()).hexdigest()
    return WordTable("d1", digest, groupings, _reader(opposites, set().union(*groupings.values())))


def _text(name: str) -> str:
    return files("demeanor.eval").joinpath("wheels", name).read_text("utf-8")


def _rows(text: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(text.splitlines())


def _labels(read: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Word -> wheel -> label. What we added stands where the word it is tied to stands, but on a
    wheel that names it itself."""
    labels = {
        row.pop("word"): {wheel: label for wheel, label in row.items() if label and wheel != "path"}
        for row in _rows(read["words.csv"])
    }
    for row in _rows(read["added.csv"]):
        word = row["word"]
        named = {wheel: label for wheel, label in labels.get(word, {}).items() if label == word}
        labels[word] = labels[row["as"]] | named
    return labels


def _rings(
    wheel: str, wheels: list[dict[str, str]], labels: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, str], dict[str, str]]:
    """Word -> cluster on the inner ring, and on the outer."""
    inner, outer = ({r["word"]: r[ring] for r in wheels if r["wheel"] == wheel} for ring in _RINGS)
    kinds = [
        {r["word"]: r["level1"] for r in wheels if r["wheel"] == other}
        for other in (_PARROTT, _EKMAN)
    ]
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for word, by_wheel in labels.items():
        label = by_wheel.get(wheel) or _through(by_wheel, kinds, labels, wheel)
        if label is not None:
            found[0][word], found[1][word] = inner[label], outer[label]
    return found


_RINGS = ("level1", "level2")


def _through(
    by_wheel: Mapping[str, str],
    kinds: list[dict[str, str]],
    labels: Mapping[str, Mapping[str, str]],
    wheel: str,
) -> str | None:
    """Where the word's kind of emotion stands on a wheel that does not have the word."""
    for other, kind in zip((_PARROTT, _EKMAN), kinds, strict=True):
        if other in by_wheel:
            label = labels.get(kind[by_wheel[other]], {}).get(wheel)
            if label is not None:
                return label
    return None


def _add_forms(clusters: dict[str, str], forms: Mapping[str, list[str]]) -> None:
    """A form of several words belongs to the first, by the alphabet, that has a cluster."""
    for form, words in forms.items():
        found = next((clusters[word] for word in words if word in clusters), None)
        if found is not None:
            clusters.setdefault(form, found)


def _reader(opposites: Mapping[str, str], known: set[str]) -> Callable[[str], str]:
    """How a label is looked up: without words of degree, and "not X" as X's opposite."""

    def read(label: str) -> str:
        label = plain(label)
        if label in _SAID_OF_NOTHING:
            return NEUTRAL
        if label in known:
            return label
        bare = _DEGREE.sub("", label)
        negated = _NEGATION.sub("", bare)
        if negated == bare:
            return bare
        return opposites.get(_DEGREE.sub("", negated), "")  # no opposite: nothing is known

    return read
