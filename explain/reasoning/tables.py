"""The prototype reasoner's knowledge, each row with its source: CSV beside this file.

prototypes.csv        movements listed together for an emotion, weighted by how sure the list is
vocal_correlates.csv  how a voice changes, against the speaker's usual
words.csv             English words and phrases of emotion, our own list; those whose emotion the
                      raters of GoEmotions (Demszky et al. 2020) seldom shared were cut or lowered
coordinates.csv       where an emotion lies between pleasant and unpleasant, calm and excited
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class PrototypeRow:
    emotion: str  # "surprise", "happily surprised", "confusion"
    coarse: tuple[str, ...]  # what it counts for; none for confusion
    aus: tuple[str, ...]
    optional: frozenset[str]
    strong: frozenset[str]  # have to be at D or more
    one_sided: bool
    weight: float  # of the list: guide, variant, one study; single movements less (ours)
    source: str

    @property
    def pattern(self) -> str:
        return "+".join(code.removeprefix("AU") for code in self.aus)


@dataclass(frozen=True, slots=True)
class VocalRow:
    emotion: str  # or "activation"
    code: str
    sign: int
    weight: float
    source: str


@dataclass(frozen=True, slots=True)
class Phrase:
    emotion: str
    label: str  # finer than the coarse emotion: "worry"
    is_state: bool  # names a state: counts in full when the speaker says it of himself
    weight: float
    words: tuple[str, ...]  # lower case, without apostrophes


@cache
def prototype_rows() -> tuple[PrototypeRow, ...]:
    return tuple(
        PrototypeRow(
            row["emotion"],
            tuple(row["coarse"].split("+")) if row["coarse"] else (),
            _codes(row["aus"]),
            frozenset(_codes(row["optional"])),
            frozenset(_codes(row["strong"])),
            row["one_sided"] == "yes",
            float(row["weight"]),
            row["source"],
        )
        for row in _read("prototypes.csv")
    )


@cache
def vocal_rows() -> tuple[VocalRow, ...]:
    return tuple(
        VocalRow(
            row["emotion"],
            row["code"],
            1 if row["direction"] == "+" else -1,
            float(row["weight"]),
            row["source"],
        )
        for row in _read("vocal_correlates.csv")
    )


@cache
def phrases() -> tuple[Phrase, ...]:
    """Longest first, so that "cant stand" is found before any shorter phrase inside it."""
    found = [
        Phrase(
            row["emotion"],
            row["label"],
            row["kind"] == "state",
            float(row["weight"]),
            tuple(phrase.split()),
        )
        for row in _read("words.csv")
        for phrase in row["phrases"].split("|")
    ]
    return tuple(sorted(found, key=lambda phrase: (-len(phrase.words), phrase.words)))


@cache
def coordinates() -> dict[str, tuple[float, float]]:
    """Valence and arousal from -1 to 1. Contempt has no published place in this list."""
    return {
        row["emotion"]: (float(row["valence"]), float(row["arousal"]))
        for row in _read("coordinates.csv")
    }


@cache
def compounds() -> dict[str, tuple[str, str]]:
    """ "happily surprised": ("happiness", "surprise"), as Du, Tao & Martinez 2014 name them."""
    return {
        row.emotion: (row.coarse[0], row.coarse[1])
        for row in prototype_rows()
        if len(row.coarse) == 2
    }


def _codes(text: str) -> tuple[str, ...]:
    return tuple(f"AU{number}" for number in text.split("+") if number)


def _read(name: str) -> list[dict[str, str]]:
    text = files("demeanor.explain.reasoning").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
