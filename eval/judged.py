"""Figures of a judge: its mean score, how far it agrees with itself, and what chance gives."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from demeanor.eval.scores import divided

LOW, HIGH = 1, 10  # as EMER's papers scale
N_COLUMNS = 9


@dataclass(frozen=True, slots=True)
class JudgedMetric:
    """Rows: score, 1; equal when asked again, 1; equal when turned, 1; difference when turned;
    score beside the reference of another sample, 1."""

    kind: ClassVar[str] = "judged"
    what: str  # clues, labels

    @property
    def names(self) -> tuple[str, ...]:
        overlap = f"{self.what[:-1]} overlap"
        return (
            f"{overlap}, {LOW} to {HIGH}",
            f"{overlap} with another sample's reference",
            "the same when asked again, %",
            "the same when turned, %",
            "difference when turned",
        )

    def figures(self, sums: np.ndarray) -> np.ndarray:
        score, n, again, n_again, turned, n_turned, apart, other, n_other = np.moveaxis(sums, -1, 0)
        return np.stack(
            [
                divided(score, n),
                divided(other, n_other),
                100.0 * divided(again, n_again),
                100.0 * divided(turned, n_turned),
                divided(apart, n_turned),
            ],
            axis=-1,
        )
