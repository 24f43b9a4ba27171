"""Which of two descriptions people prefer, and whether a judge says the same (MER-Prefer).

A judge that prefers the longer text scores 80% on the pairs of MER2026, more than any model
published: so length is always scored beside it. One that changes its mind when the pair is turned
round has not read it: so swap consistency is, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from demeanor.eval.classification import accuracy, confusion, weighted_f1
from demeanor.eval.scores import NO_PREDICTION, Sample, Scored, count_unknown, divided

FIRST, SECOND, SAME = "a1", "a2", "same"
CHOICES = (FIRST, SECOND, SAME)
_TURNED = {FIRST: SECOND, SECOND: FIRST, SAME: SAME}
GOLD_SAME = "gold says same"
NO_CHOICE = "gold is no choice"


@dataclass(frozen=True, slots=True)
class PreferenceMetric:
    """Rows: counts of gold by choice, then of pairs asked both ways: agreeing, all."""

    kind: ClassVar[str] = "preference"
    choices: tuple[str, ...]  # two or three

    @property
    def names(self) -> tuple[str, ...]:
        n = len(self.choices)
        return (f"WAF {n}-class", f"accuracy {n}-class", "swap consistency")

    def figures(self, sums: np.ndarray) -> np.ndarray:
        k = len(self.choices)
        counts = sums[..., : k * (k + 1)].reshape(*sums.shape[:-1], k, k + 1)
        swap = divided(sums[..., -2], sums[..., -1])
        return 100.0 * np.stack([weighted_f1(counts), accuracy(counts), swap], axis=-1)


def score_preferences(
    samples: Sequence[Sample], swapped: Sequence[str | None] | None = None, n_classes: int = 2
) -> Scored:
    """Choices a1, a2, same. With two classes a gold "same" is left out, and a predicted one counts
    as a1, as in MER2026. `swapped` are the choices for the same pairs turned round.
    """
    metric = PreferenceMetric(CHOICES[:n_classes])
    turned = swapped or [None] * len(samples)
    rows, reasons = [], []
    for sample, other in zip(samples, turned, strict=True):
        reasons.append(_reason(sample, n_classes))
        counted = reasons[-1] is None
        rows.append(_row(sample, other, metric.choices) if counted else None)
    n_columns = n_classes * (n_classes + 1) + 2
    said = [str(sample.predicted) for sample in samples if sample.predicted is not None]
    return Scored(
        metric,
        np.array([np.zeros(n_columns) if row is None else row for row in rows]),
        tuple(reasons),
        unknown_predicted=count_unknown(said, [choice in CHOICES for choice in said]),
    )


def _reason(sample: Sample, n_classes: int) -> str | None:
    if sample.predicted is None:
        return NO_PREDICTION
    if sample.gold not in CHOICES:
        return NO_CHOICE
    return GOLD_SAME if sample.gold == SAME and n_classes == 2 else None


def _row(sample: Sample, swapped: str | None, choices: Sequence[str]) -> np.ndarray:
    said = str(sample.predicted)
    known = FIRST if said == SAME and SAME not in choices else said
    both = 0.0 if swapped is None else float(_TURNED.get(swapped) == said)
    counts = confusion([sample.gold], [known], choices)
    return np.array([*counts.ravel(), both, float(swapped is not None)])


def longer_text(pairs: Sequence[tuple[str, str]], words: bool = False) -> list[str]:
    """The choice of a judge that only measures length: in characters, or in words."""
    lengths = [tuple(len(text.split()) if words else len(text) for text in pair) for pair in pairs]
    return [FIRST if a > b else SECOND if b > a else SAME for a, b in lengths]
