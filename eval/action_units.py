"""Action units over clips in the form that DISFA and BP4D are scored in: F1 and ICC, unit by unit.

`agreement.py` has the figures and `compare_facs.py` reads a researcher's codes; this is the table
that papers print, over rows of (unit, gold, predicted).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from demeanor.eval.agreement import consistency, crossed, f1, sums

PRESENT_FROM = 2.0  # intensity: studies on DISFA count a unit as present from 2


@dataclass(frozen=True, slots=True)
class UnitScore:
    """F1 is a share, ICC(3,1) is -1 to 1; NaN: nothing to find, or nothing varies."""

    f1: float
    icc: float
    n: int
    n_missing: int  # moments at which one side is NaN


def score_units(
    levels: Mapping[str, tuple[np.ndarray, np.ndarray]], present_from: float = PRESENT_FROM
) -> dict[str, UnitScore]:
    """Unit -> (gold, predicted) intensities, (n,) each, NaN where one was not coded or measured."""
    return {unit: _one(*pair, present_from) for unit, pair in levels.items()}


def _one(gold: np.ndarray, predicted: np.ndarray, present_from: float) -> UnitScore:
    both = ~np.isnan(gold) & ~np.isnan(predicted)
    a, b = gold[both], predicted[both]
    present = float(f1(crossed(a >= present_from, b >= present_from)))
    return UnitScore(present, float(consistency(sums(a, b))), int(both.sum()), int((~both).sum()))


def means(scores: Mapping[str, UnitScore]) -> tuple[float, float]:
    """(F1, ICC) over units that have one; NaN where none has."""
    columns = [(s.f1, s.icc) for s in scores.values()]
    if not columns:
        return float("nan"), float("nan")
    values = np.array(columns)
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    first, second = np.divide(total, known.sum(axis=0), out=np.full(2, np.nan), where=known.any(0))
    return float(first), float(second)
