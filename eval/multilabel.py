"""Several labels at once out of a known set: F1 of each label, their mean, and F1 of all together.

GoEmotions is scored so, and action units that are named as present.
"""

from collections.abc import Callable, Sequence
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
)
from demeanor.eval.words import plain, read_labels

NOT_CODED = "gold is not coded"


@dataclass(frozen=True, slots=True)
class LabelsMetric:
    """Rows: for each label found, wrongly found, missed."""

    kind: ClassVar[str] = "labels"
    labels: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return ("macro F1", "micro F1", *(f"F1 {label}" for label in self.labels))

    def figures(self, sums: np.ndarray) -> np.ndarray:
        """NaN for a label that neither side has; it is not in the mean."""
        single = _f1(sums)
        means = [mean_known(single), _f1(sums.sum(axis=-2))]
        return 100.0 * np.concatenate([np.stack(means, axis=-1), single], axis=-1)


def _f1(sums: np.ndarray) -> np.ndarray:
    found, wrong, missed = np.moveaxis(sums, -1, 0)
    return divided(2.0 * found, 2.0 * found + wrong + missed)


def score_label_lists(
    samples: Sequence[Sample], labels: Sequence[str], read: Callable[[str], str] = plain
) -> Scored:
    """An empty answer is an answer. Gold None is not coded, which is not an empty list.

    `read` makes of a label as it was said one of the set. Labels outside the set are counted as
    unknown and cost nothing: no F1 is theirs.
    """
    metric = LabelsMetric(tuple(map(read, labels)))
    place = {label: k for k, label in enumerate(metric.labels)}
    rows = np.zeros((len(samples), len(place), 3))
    reasons: list[str | None] = []
    golds, answers = [], []
    for row, sample in zip(rows, samples, strict=True):
        reasons.append(
            NO_PREDICTION
            if sample.predicted is None
            else NOT_CODED
            if sample.gold is None
            else None
        )
        gold, said = (_read(part, read) for part in (sample.gold, sample.predicted))
        golds += gold
        answers += said
        if reasons[-1] is None:
            wanted, found = ({place[x] for x in part if x in place} for part in (gold, said))
            row[sorted(wanted & found), 0] = 1.0
            row[sorted(found - wanted), 1] = 1.0
            row[sorted(wanted - found), 2] = 1.0
    known = [count_unknown(part, [x in place for x in part]) for part in (golds, answers)]
    return Scored(metric, rows, tuple(reasons), *known)


def _read(said: object, read: Callable[[str], str]) -> list[str]:
    return [read(label) for label in read_labels(said)]  # type: ignore[arg-type]
