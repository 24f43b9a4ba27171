"""What a figure is worth: bootstrap intervals, and a paired test between two systems.

Samples (or whole groups: subjects, source videos) are drawn anew with replacement, the rows of
those drawn are added up, and the figure is made from the sums. No scoring is done again, so
10,000 folds are one matrix product.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

N_FOLDS = 10_000
MIN_GROUPS = 5  # fewer say nothing about how a figure would vary
_CHUNK = 2_000_000  # draws held at once: 16 MB
_LEVELS = (0.025, 0.975)

Figures = Callable[[np.ndarray], np.ndarray]


def by_group(rows: np.ndarray, groups: Sequence[str | None] | None) -> np.ndarray:
    """(groups, ...) sums of rows; a sample without a group is one of its own."""
    if groups is None or not any(groups):
        return rows
    names = [group or f"sample {number}" for number, group in enumerate(groups)]
    _, number = np.unique(names, return_inverse=True)
    sums = np.zeros((number.max() + 1, *rows.shape[1:]))
    np.add.at(sums, number, rows)
    return sums


def intervals(
    rows: np.ndarray, figures: Figures, n_folds: int = N_FOLDS, seed: int = 0
) -> list[tuple[float, float] | None]:
    """95% of each figure; None with too few rows, or where half of the folds have no value.

    rows: (n, ...), one for each sample that is scored, or for each group.
    """
    values = resampled(rows, figures, n_folds, seed)
    return [_middle(column, len(rows)) for column in values.T]


def resampled(rows: np.ndarray, figures: Figures, n_folds: int, seed: int) -> np.ndarray:
    """(folds, figures)"""
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    if not len(rows):
        return np.full_like(figures(np.zeros((1, *rows.shape[1:]))), np.nan)
    return np.concatenate(
        [
            figures((drawn @ flat).reshape(len(drawn), *rows.shape[1:]))
            for drawn in _draws(len(rows), n_folds, seed)
        ]
    )


def _draws(n: int, n_folds: int, seed: int) -> Iterator[np.ndarray]:
    """(folds, n) how often each row is drawn, some folds at a time."""
    rng = np.random.default_rng(seed)
    at_once = max(1, _CHUNK // n)
    for start in range(0, n_folds, at_once):
        folds = min(at_once, n_folds - start)
        drawn = rng.integers(0, n, (folds, n)) + n * np.arange(folds)[:, None]
        yield np.bincount(drawn.ravel(), minlength=folds * n).reshape(folds, n).astype(float)


def _middle(values: np.ndarray, n_rows: int) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    if n_rows < MIN_GROUPS or len(known) < len(values) / 2:
        return None
    low, high = np.quantile(known, _LEVELS)
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one figure between two systems on the same samples: second less first."""

    name: str
    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None
    p: float | None  # two-sided: how often a fold reverses the sign; None as for the interval


def paired(
    first: np.ndarray,
    second: np.ndarray,
    figures: Figures,
    names: Sequence[str],
    n_folds: int = N_FOLDS,
    seed: int = 0,
) -> list[Difference]:
    """Both systems' rows of the same samples, in the same order, drawn together."""
    if first.shape != second.shape:
        raise ValueError(f"wanted rows of the same samples, found {first.shape}, {second.shape}")
    a, b = figures(first.sum(axis=0)), figures(second.sum(axis=0))
    both = np.stack([first, second], axis=1)  # (n, 2, ...)

    def apart(sums: np.ndarray) -> np.ndarray:  # (folds, 2, ...)
        return figures(sums[:, 1]) - figures(sums[:, 0])

    drawn = resampled(both, apart, n_folds, seed)
    return [
        Difference(name, x, y, y - x, span, _p(column) if span else None)
        for name, x, y, column in zip(names, a.tolist(), b.tolist(), drawn.T, strict=True)
        for span in [_middle(column, len(first))]
    ]


def _p(differences: np.ndarray) -> float:
    """One is added to both counts, so that no p is 0 (Davison & Hinkley 1997)."""
    known = differences[~np.isnan(differences)]
    below, above = int((known <= 0).sum()), int((known >= 0).sum())
    return min(1.0, 2.0 * (min(below, above) + 1) / (len(known) + 1))
