"""How many words two texts share: ROUGE-L and F1 of words.

A shared word is no shared meaning, and a text of the usual phrases shares many: the constant
answer beside it says how many. What people mean by the same clues is for a judge (`judge.py`).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from demeanor.eval.scores import NO_PREDICTION, Sample, Scored, divided

NO_TEXT = "gold is no text"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class TextMetric:
    """Rows: 1, ROUGE-L, F1 of words."""

    kind: ClassVar[str] = "text-overlap"
    names: ClassVar[tuple[str, ...]] = ("ROUGE-L", "word F1")

    def figures(self, sums: np.ndarray) -> np.ndarray:
        return 100.0 * divided(sums[..., 1:], sums[..., :1])


def rouge_l(reference: str, candidate: str) -> float:
    """F of the longest common subsequence of words (Lin 2004, beta 1), in lower case, unstemmed.

    >>> rouge_l("the police killed the gunman", "police kill the gunman")
    0.6666666666666666
    """
    a, b = _words(reference), _words(candidate)
    return _f(_longest_common(a, b), len(a), len(b))


def word_f1(reference: str, candidate: str) -> float:
    a, b = Counter(_words(reference)), Counter(_words(candidate))
    return _f((a & b).total(), a.total(), b.total())


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _f(shared: int, n: int, m: int) -> float:
    return 2.0 * shared / (n + m) if n + m else 0.0


def _longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Hyyrö's bit vectors: a row of the table is one integer, so that long texts are quick."""
    places: dict[str, int] = {}
    for k, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << k
    whole = (1 << len(a)) - 1
    row = whole
    for word in b:
        matched = row & places.get(word, 0)
        row = (row + matched | row - matched) & whole
    return (~row & whole).bit_count()


def score_texts(samples: Sequence[Sample]) -> Scored:
    rows = np.zeros((len(samples), 3))
    reasons: list[str | None] = []
    for row, sample in zip(rows, samples, strict=True):
        if sample.predicted is None:
            reasons.append(NO_PREDICTION)
        elif not isinstance(sample.gold, str) or not sample.gold.strip():
            reasons.append(NO_TEXT)
        else:
            reasons.append(None)
            said = _text(sample.predicted)
            row[:] = 1.0, rouge_l(sample.gold, said), word_f1(sample.gold, said)
    return Scored(TextMetric(), rows, tuple(reasons))


def _text(said: object) -> str:
    return " ".join(map(str, said)) if isinstance(said, list | tuple) else str(said)
