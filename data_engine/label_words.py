"""Words that name a label or mean the same, in all their forms: what no clue may contain.

The list is ours, by coarse emotion (label_words.csv); a label's own words come on top. It errs on
the side of too many: an observation has no use for any of them.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from demeanor.explain.corpora.labels import coarse_of
from demeanor.explain.reasoning.claims import mask_quotes

_ENDINGS = r"(?:s|es|d|ed|ly|ness|ing)?"
# Said of every intensity that has a population: what a face is compared with, not what it shows.
_COMPARED = re.compile(r"neutral faces? of other people", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:ment|ness|ation|ion|ful|ed|ing|ity|al|e|y)$")
_STEM = 5  # letters of a stem that stands for all its forms: shorter ones begin too many words
_TOO_SHORT = 3  # "no", "or": words of labels like "ambivalence or hesitancy" that mean nothing


@dataclass(frozen=True, slots=True)
class Found:
    """Label words in a text: outside quoted speech, and inside it, where they are evidence."""

    said: tuple[str, ...]
    quoted: tuple[str, ...]


def find_label_words(text: str, labels: tuple[str, ...]) -> Found:
    """
    >>> find_label_words('AU12, a happy smile; words: "I am so happy"', ("happiness",))
    Found(said=('happy',), quoted=('happy',))
    """
    text = _COMPARED.sub("", text)
    pattern = _pattern(tuple(sorted(labels)))
    every = [match[0] for match in pattern.finditer(text)]
    if not every:
        return Found((), ())
    said = [match[0] for match in pattern.finditer(mask_quotes(text))]
    quoted = list(every)
    for word in said:
        quoted.remove(word)
    return Found(tuple(said), tuple(quoted))


@cache
def _pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    parts = [part for label in labels for part in _stems_of(label)]
    return re.compile(rf"\b(?:{'|'.join(dict.fromkeys(parts)) or '(?!)'})\b", re.IGNORECASE)


def _stems_of(label: str) -> list[str]:
    """Of the coarse emotion where the label, or a word of it, has one; and the label's own."""
    words = re.findall(r"[^\W\d_]+", label.casefold())
    coarse = {c for part in (label.casefold(), *words) if (c := coarse_of(part))}
    coarse |= {e for e in _stems() for word in words if re.fullmatch(_stems()[e], word)}
    own = [_forms(word) for word in words if len(word) > _TOO_SHORT]
    return [*(_stems()[e] for e in sorted(coarse) if e in _stems()), *own]


def _forms(word: str) -> str:
    """confusion: confus…; joy: joy, joys."""
    stem = _SUFFIX.sub("", word)
    return rf"{re.escape(stem)}\w*" if len(stem) >= _STEM else rf"{re.escape(word)}{_ENDINGS}"


@cache
def _stems() -> dict[str, str]:
    text = files("demeanor.data_engine").joinpath("label_words.csv").read_text("utf-8")
    return {row["emotion"]: row["stems"] for row in csv.DictReader(text.splitlines())}
