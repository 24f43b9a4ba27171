"""One label out of a closed set: accuracy, WAR and UAR, F1 in its three kinds.

Everything is computed from counts (rows gold, columns predicted; the last column is for answers
outside the set), so that resampling adds them up anew.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from demeanor.eval.scores import (
    NO_PREDICTION,
    Sample,
    Scored,
    count_unknown,
    divided,
    mean_known,
    number,
)
from demeanor.eval.words import plain, read_labels

OUTSIDE = "outside the label set"  # the column after the last label
NEUTRAL_SENTIMENT = "gold sentiment is 0"
DROPPED = "predicted label is outside the set"
NO_GOLD_NUMBER = "gold is no number"
NO_GOLD_LABEL = "gold label is outside the set"
POSITIVE, NEGATIVE = "positive", "negative"


# Figures from counts --------------------------------------------------------------------------


def accuracy(counts: np.ndarray) -> np.ndarray:
    """Of (..., k, k + 1) counts. WAR, weighted average recall, is the same thing."""
    n = counts.sum(axis=(-2, -1))
    return divided(np.trace(counts[..., :-1], axis1=-2, axis2=-1), n)


def mean_recall(counts: np.ndarray) -> np.ndarray:
    """UAR: mean recall of the classes that gold has."""
    hits = np.diagonal(counts[..., :-1], axis1=-2, axis2=-1)
    return mean_known(divided(hits, counts.sum(axis=-1)))


def f1_by_class(counts: np.ndarray) -> np.ndarray:
    """(..., k) of 2 TP / (2 TP + FP + FN); NaN for a class that neither side has."""
    hits = np.diagonal(counts[..., :-1], axis1=-2, axis2=-1)
    return divided(2.0 * hits, counts.sum(axis=-1) + counts[..., :-1].sum(axis=-2))


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean over the classes that gold or the answers have. Micro-expression work calls it UF1."""
    return mean_known(f1_by_class(counts))


def weighted_f1(counts: np.ndarray) -> np.ndarray:
    """Each class counts as often as gold has it (WAF)."""
    weights = counts.sum(axis=-1)
    single = np.nan_to_num(f1_by_class(counts))  # a class without samples has weight 0
    return divided((single * weights).sum(axis=-1), weights.sum(axis=-1))


_FIGURES = {
    "accuracy": accuracy,
    "WAR": accuracy,
    "UAR": mean_recall,
    "macro F1": macro_f1,
    "UF1": macro_f1,
    "WAF": weighted_f1,
}


@dataclass(frozen=True, slots=True)
class ClassMetric:
    """Rows: one count in a table of gold by predicted."""

    kind: ClassVar[str] = "classes"
    labels: tuple[str, ...]
    figures_wanted: tuple[str, ...]  # keys of _FIGURES, headline first

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.figures_wanted, *(f"F1 {label}" for label in self.labels))

    def figures(self, sums: np.ndarray) -> np.ndarray:
        wanted = np.stack([_FIGURES[name](sums) for name in self.figures_wanted], axis=-1)
        return 100.0 * np.concatenate([wanted, f1_by_class(sums)], axis=-1)


def confusion(
    golds: Sequence[str], predictions: Sequence[str | None], labels: Sequence[str]
) -> np.ndarray:
    """(k, k + 1) counts; a prediction of None, or outside the labels, is in the last column."""
    column = {label: k for k, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels) + 1))
    for gold, said in zip(golds, predictions, strict=True):
        counts[column[gold], column.get(said or "", len(labels))] += 1
    return counts


# Samples --------------------------------------------------------------------------------------


def score_classes(
    samples: Sequence[Sample],
    labels: Sequence[str],
    figures: tuple[str, ...] = ("accuracy", "UAR", "macro F1", "WAF"),
    drop_unknown: bool = False,
) -> Scored:
    """The first predicted label against gold, letter for letter but for case and spaces.

    An answer outside the set is wrong, unless `drop_unknown` leaves it out: the zero-shot
    benchmark of GPT-4V does the one for pictures and the other for clips, and its printed figures
    come out only so. An empty answer is outside the set.
    """
    metric = ClassMetric(tuple(map(plain, labels)), figures)
    column = {label: k for k, label in enumerate(metric.labels)}
    rows = np.zeros((len(samples), len(column), len(column) + 1))
    reasons: list[str | None] = []
    firsts = [next(iter(read_labels(s.predicted)), "") for s in samples]
    for row, sample, said in zip(rows, samples, firsts, strict=True):
        gold = plain(sample.gold)
        reasons.append(_reason(sample, gold in column, drop_unknown and said not in column))
        if reasons[-1] is None:
            row[column[gold], column.get(said, len(column))] = 1.0
    given = [said for said, s in zip(firsts, samples, strict=True) if s.predicted is not None]
    golds = [plain(sample.gold) for sample in samples]
    return Scored(
        metric,
        rows,
        tuple(reasons),
        count_unknown(golds, [gold in column for gold in golds]),
        count_unknown([said or "(empty)" for said in given], [said in column for said in given]),
    )


def _reason(sample: Sample, gold_known: bool, dropped: bool) -> str | None:
    if sample.predicted is None:
        return NO_PREDICTION
    if not gold_known:
        return NO_GOLD_LABEL
    return DROPPED if dropped else None


def score_sentiment(samples: Sequence[Sample]) -> Scored:
    """Positive or negative where gold is not 0. An answer is positive iff its first label is
    "positive"; anything else, "neutral" and "mixed" too, counts as negative (MER-UniBench).
    """
    metric = ClassMetric((POSITIVE, NEGATIVE), ("WAF", "accuracy"))
    rows = np.zeros((len(samples), 2, 3))
    reasons: list[str | None] = []
    for row, sample in zip(rows, samples, strict=True):
        value = number(sample.gold)
        reasons.append(_no_sentiment(sample, value))
        if reasons[-1] is None:
            row[int(value < 0), int(not _says_positive(sample.predicted))] = 1.0
    given = [plain(_first(s.predicted)) for s in samples if s.predicted is not None]
    unknown = count_unknown(
        [said or "(empty)" for said in given], [said in (POSITIVE, NEGATIVE) for said in given]
    )
    return Scored(metric, rows, tuple(reasons), unknown_predicted=unknown)


def _no_sentiment(sample: Sample, value: float) -> str | None:
    if sample.predicted is None:
        return NO_PREDICTION
    if math.isnan(value):
        return NO_GOLD_NUMBER
    return NEUTRAL_SENTIMENT if value == 0.0 else None


def _first(predicted: object) -> str:
    return next(iter(read_labels(predicted)), "") if predicted else ""  # type: ignore[arg-type]


def _says_positive(predicted: object) -> bool:
    return _first(predicted) == POSITIVE


def commonest_label(samples: Sequence[Sample], labels: Sequence[str]) -> str:
    """The gold label that there is most of; the first of the set where several are."""
    golds = [plain(sample.gold) for sample in samples if sample.predicted is not None]
    return max(map(plain, labels), key=golds.count)


def commonest_sentiment(samples: Sequence[Sample]) -> str:
    values = [number(sample.gold) for sample in samples if sample.predicted is not None]
    return POSITIVE if sum(v > 0 for v in values) >= sum(v < 0 for v in values) else NEGATIVE
