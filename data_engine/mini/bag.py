"""What a comment's words say of its labels, by a bag of words that never saw that comment.

Raters' labels of single comments get known by heart when they are read often. Shares that a softmax
regression tells, each fifth of the comments by what was fitted on the others, cannot be: they hold
for what is left of a comment when words are taken away as well (knowledge distillation with words
left out: Tang et al. 2019, arXiv 1903.12136).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from demeanor.data_engine.mini.leanings import softmax_fit

N_FOLDS = 5
_WORD = re.compile(r"\w+|[^\w\s]")
_RIDGE = 1e-5  # of two (3e-5), most likely right labels of comments that nothing was fitted on
_LEAST = 2  # comments that a word stands in


class Bags:
    """One bag of words for each fold, fitted on the other folds."""

    def __init__(self, texts: Sequence[str], labels: Sequence[str], gold: np.ndarray) -> None:
        """gold: (texts, labels), 1 where given. Text n is of fold n % N_FOLDS."""
        self._texts, self._labels, self._gold = texts, labels, gold

    def shares(self, number: int, text: str) -> dict[str, float]:
        """By label, sum 1: of what is left of text `number`, by what never saw it."""
        weights, intercept = self._fitted[number % N_FOLDS]
        (logits,) = self._rows([text]) @ weights + intercept
        told = np.exp(logits - logits.max())
        return dict(zip(self._labels, map(float, told / told.sum()), strict=True))

    @cached_property
    def _words(self) -> dict[str, int]:
        counts = Counter(word for text in self._texts for word in set(_split(text)))
        return {w: n for n, w in enumerate(w for w, count in counts.items() if count >= _LEAST)}

    @cached_property
    def _rarity(self) -> np.ndarray:
        """(words,): tf-idf's second half."""
        there = np.zeros(len(self._words))
        for text in self._texts:
            there[list(self._known(text))] += 1
        rarity: np.ndarray = np.log((1 + len(self._texts)) / (1 + there)) + 1
        return rarity

    @cached_property
    def _fitted(self) -> list[tuple[np.ndarray, np.ndarray]]:
        rows = self._rows(self._texts)
        fold = np.arange(len(self._texts)) % N_FOLDS
        return [softmax_fit(rows[fold != n], self._gold[fold != n], _RIDGE) for n in range(N_FOLDS)]

    def _known(self, text: str) -> Counter[int]:
        return Counter(self._words[w] for w in _split(text) if w in self._words)

    def _rows(self, texts: Iterable[str]) -> csr_matrix:
        """(texts, words): how often, dampened, times how rare, of length 1."""
        values, columns, ends = [], [], [0]
        for text in texts:
            known = self._known(text)
            found = [(1 + np.log(n)) * self._rarity[word] for word, n in known.items()]
            values += list(np.array(found) / np.linalg.norm(found)) if found else []
            columns += list(known)
            ends.append(len(columns))
        return csr_matrix((values, columns, ends), (len(ends) - 1, len(self._words)))


def _split(text: str) -> list[str]:
    return _WORD.findall(text.lower())
