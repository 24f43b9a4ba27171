"""Levels beside levels: concordance, correlation, error (VEATIC, RECOLA, Aff-Wild2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from demeanor.eval.agreement import consistency
from demeanor.eval.scores import NO_PREDICTION, Sample, Scored, divided, mean_known, number

NO_NUMBER = "gold or prediction is no number"
_NOTHING = 1e-12  # variance, of values around 1: what rounding leaves where nothing varies


@dataclass(frozen=True, slots=True)
class LevelMetric:
    """Rows: 1, gold, predicted, their squares, their product, their squared distance."""

    kind: ClassVar[str] = "levels"
    names: ClassVar[tuple[str, ...]] = ("CCC", "Pearson r", "RMSE")

    def figures(self, sums: np.ndarray) -> np.ndarray:
        """Not percent: CCC and r are -1 to 1, RMSE is in the unit of the levels."""
        error = np.sqrt(divided(sums[..., 6], sums[..., 0]))
        return np.stack([concordance(sums), _pearson(sums), error], axis=-1)


def level_row(gold: float, predicted: float) -> np.ndarray:
    return np.array(
        [1.0, gold, predicted, gold**2, predicted**2, gold * predicted, (gold - predicted) ** 2]
    )


def concordance(sums: np.ndarray) -> np.ndarray:
    """CCC (Lin 1989): 2 cov / (var + var + (mean - mean)^2), with n in the denominators.

    NaN where neither side varies and both say the same.
    """
    variances, both, apart = _moments(sums)
    return divided(2.0 * both, variances[0] + variances[1] + apart**2)


def _pearson(sums: np.ndarray) -> np.ndarray:
    variances, both, _ = _moments(sums)
    return divided(both, np.sqrt(variances[0] * variances[1]))


def _moments(sums: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Variances, covariance, difference of the means; exactly 0 where rounding alone is left."""
    means = divided(sums[..., 1:6], sums[..., :1])
    a, b, aa, bb, ab = np.moveaxis(means, -1, 0)
    least = _NOTHING * (aa + bb)
    parts = (aa - a**2, bb - b**2, ab - a * b)
    first, second, both = (np.where(np.abs(part) > least, part, 0.0) for part in parts)
    return (np.maximum(first, 0.0), np.maximum(second, 0.0)), both, a - b


def score_levels(samples: Sequence[Sample]) -> Scored:
    """One number each. For tracks score every frame as a sample, and give the clip as its group."""
    rows = np.zeros((len(samples), 7))
    reasons: list[str | None] = []
    for row, sample in zip(rows, samples, strict=True):
        if sample.predicted is None:
            reasons.append(NO_PREDICTION)
            continue
        pair = number(sample.gold), number(sample.predicted)
        reasons.append(None if np.isfinite(pair).all() else NO_NUMBER)
        if reasons[-1] is None:
            row[:] = level_row(*pair)
    return Scored(LevelMetric(), rows, tuple(reasons))


# Several levels at once -----------------------------------------------------------------------

AGREEMENTS = ("CCC", "ICC")


@dataclass(frozen=True, slots=True)
class SeveralLevelsMetric:
    """Rows: one of LevelMetric for each level; all zeros where one was not coded."""

    kind: ClassVar[str] = "several-levels"
    levels: tuple[str, ...]
    agreement: str  # CCC, or ICC(3,1), which forgives an offset

    @property
    def names(self) -> tuple[str, ...]:
        single = [f"{kind} {level}" for kind in (self.agreement, "RMSE") for level in self.levels]
        return (f"mean {self.agreement}", *single)

    def figures(self, sums: np.ndarray) -> np.ndarray:
        agreed = concordance(sums) if self.agreement == "CCC" else consistency(sums)
        error = np.sqrt(divided(sums[..., 6], sums[..., 0]))
        return np.concatenate([mean_known(agreed)[..., None], agreed, error], axis=-1)


def score_several_levels(
    samples: Sequence[Sample], levels: Sequence[str], agreement: str = "CCC"
) -> Scored:
    """Gold: a number or None for each level, in their order. Answers: the same, or `name=value`.

    A sample counts for the levels that both sides have.
    """
    metric = SeveralLevelsMetric(tuple(levels), agreement)
    rows = np.zeros((len(samples), len(metric.levels), 7))
    reasons: list[str | None] = []
    for row, sample in zip(rows, samples, strict=True):
        if sample.predicted is None:
            reasons.append(NO_PREDICTION)
            continue
        golds, said = (read_levels(part, metric.levels) for part in (sample.gold, sample.predicted))
        pairs = list(zip(golds, said, strict=True))
        for place, pair in enumerate(pairs):
            if np.isfinite(pair).all():
                row[place] = level_row(*pair)
        reasons.append(None if row[:, 0].any() else NO_NUMBER)
    return Scored(metric, rows, tuple(reasons))


def read_levels(said: object, levels: Sequence[str]) -> list[float]:
    """NaN for what is not there, for text, and for a list of another length.

    >>> read_levels("valence=0.5", ["valence", "arousal"])
    [0.5, nan]
    >>> read_levels([0.5, None], ["valence", "arousal"])
    [0.5, nan]
    """
    parts = said.replace(";", ",").split(",") if isinstance(said, str) else said
    if not isinstance(parts, list | tuple):
        parts = [parts]
    named = dict(str(part).split("=", 1) for part in parts if "=" in str(part))
    if named:
        lower = {name.strip().lower(): value for name, value in named.items()}
        return [number(lower.get(level.lower(), "")) for level in levels]
    if len(parts) != len(levels):
        return [float("nan")] * len(levels)
    return [number(part) for part in parts]
