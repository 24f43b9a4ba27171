"""Whether a stated confidence means what it says, and what abstaining buys.

Without a confidence a sample tells nothing of this: leave it out and say how many were.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

N_BINS = 15  # Guo et al. 2017; ECE depends on it, so it is said beside it


@dataclass(frozen=True, slots=True)
class Calibration:
    ece: float  # shares; NaN without samples
    brier: float
    n: int
    n_bins: int


def calibration(
    confidences: Sequence[float], right: Sequence[bool], n_bins: int = N_BINS
) -> Calibration:
    """ECE over bins of equal width, each closed above: mean |accuracy - confidence| by samples.

    The Brier score is that of the one label named: (confidence - right)^2.

    >>> calibration([0.9, 0.9, 0.6, 0.6], [True, True, True, False], n_bins=10).ece
    0.1
    """
    said, hit = _checked(confidences), np.array(right, dtype=float)
    if len(said) != len(hit):
        raise ValueError(f"wanted a confidence per answer, found {len(said)} for {len(hit)}")
    if not len(said):
        return Calibration(float("nan"), float("nan"), 0, n_bins)
    number = np.clip(np.ceil(said * n_bins).astype(int) - 1, 0, n_bins - 1)
    gaps = np.abs(np.bincount(number, hit - said, n_bins))
    ece, brier = gaps.sum() / len(said), ((said - hit) ** 2).mean()
    return Calibration(round(float(ece), 12), float(brier), len(said), n_bins)


def brier_of_all(probabilities: np.ndarray, gold: Sequence[int]) -> float:
    """Brier's own score (1950), of (n, k) probabilities: mean over samples of the sum over labels.

    From 0 to 2; twice the other where there are two labels.
    """
    if not len(probabilities):
        return float("nan")
    truth = np.eye(probabilities.shape[1])[list(gold)]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """What is left wrong when only the surest answers are given."""

    coverage: tuple[float, ...]  # share of samples that are answered, rising
    risk: tuple[float, ...]  # share of those that are wrong
    area: float  # under the curve; lower is better; NaN without samples


def risk_coverage(confidences: Sequence[float | None], right: Sequence[bool]) -> RiskCoverage:
    """An abstained answer (None) is never given: the curve ends where they begin.

    Answers of one confidence come or go together, so that their order in the file is nothing.
    """
    given = [(c, r) for c, r in zip(confidences, right, strict=True) if c is not None]
    said, hit = _checked([c for c, _ in given]), np.array([r for _, r in given], dtype=float)
    if not len(said):
        return RiskCoverage((), (), float("nan"))
    order = np.argsort(-said, kind="stable")
    wrong = np.cumsum(1.0 - hit[order])
    last = np.flatnonzero(np.append(np.diff(said[order]) != 0, True))
    risk = wrong[last] / (last + 1)
    share = np.diff(last, prepend=-1) / len(said)
    return RiskCoverage(
        tuple(((last + 1) / len(confidences)).tolist()),
        tuple(risk.tolist()),
        float((risk * share).sum()),
    )


def _checked(confidences: Sequence[float]) -> np.ndarray:
    said = np.array(confidences, dtype=float)
    if len(said) and not ((said >= 0) & (said <= 1)).all():
        raise ValueError("wanted confidences from 0 to 1, found others or NaN")
    return said
