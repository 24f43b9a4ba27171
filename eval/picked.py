"""What it is worth to pick the best of several checkpoints on the test set itself.

The best of several figures is too high, since part of what made it best is luck. Here the picking
is done on half of the samples and the figure taken on the other half, many times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from demeanor.eval.report import Report, ReportError
from demeanor.eval.resampling import Figures
from demeanor.eval.signature import check_comparable

N_HALVES = 1000


@dataclass(frozen=True, slots=True)
class Picked:
    names: tuple[str, ...]
    values: tuple[float, ...]  # the headline of each
    best: str
    best_value: float
    mean: float  # of all: what picking one blindly gives
    elsewhere: float | None  # picked on one half, scored on the other; None: too few samples
    n_samples: int  # that all of them scored

    @property
    def warning(self) -> str:
        tail = "" if self.elsewhere is None else (
            f"; picked on one half of the samples it scores {self.elsewhere:.2f} on the other"
        )  # fmt: skip
        return (
            f"WARNING: {self.best} ({self.best_value:.2f}) is the best of {len(self.names)} on "
            f"the very samples it is scored on. Their mean is {self.mean:.2f}{tail}. Pick on "
            "other samples, or report all."
        )


def picked(names: Sequence[str], reports: Sequence[Report], seed: int = 0) -> Picked:
    """Raises NotComparable for reports of different signatures, ReportError without samples."""
    for report in reports[1:]:
        check_comparable(reports[0].signature, report.signature)
    rows = [{r.sample_id: r.values for r in report.rows if r.reason is None} for report in reports]
    both = [name for name in rows[0] if all(name in row for row in rows)]
    if not both:
        raise ReportError("there is no sample that all of these scored")
    values = np.array([[row[name] for name in both] for row in rows])  # (systems, n, ...)
    figures = reports[0].metric.figures
    headline = [float(figures(v.sum(axis=0))[0]) for v in values]
    best = int(np.argmax(headline))
    return Picked(
        tuple(names),
        tuple(headline),
        names[best],
        headline[best],
        float(np.mean(headline)),
        _elsewhere(values, figures, seed),
        len(both),
    )


def _elsewhere(values: np.ndarray, figures: Figures, seed: int) -> float | None:
    n = values.shape[1]
    if n < 10:  # halves of fewer say nothing
        return None
    rng, found = np.random.default_rng(seed), []
    total = values.sum(axis=1)
    for _ in range(N_HALVES):
        half = values[:, rng.permutation(n)[: n // 2]].sum(axis=1)
        here = figures(half)[:, 0]
        there = figures(total - half)[:, 0]
        if not np.isnan(here).all():
            found.append(there[int(np.nanargmax(here))])
    return float(np.nanmean(found)) if found else None
