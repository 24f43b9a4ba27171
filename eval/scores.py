"""What every metric hands on: samples scored one by one, and figures made of sums over them.

A metric turns each sample into a row of numbers; all its figures are computed from the sum of the
rows. So resampling means adding up anew, and two systems are compared sample by sample. A sample
that cannot be scored keeps its reason and a row of zeros; it is never a 0 in an average.

Figures are percent, as the literature prints them, unless a metric says otherwise.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

NO_PREDICTION = "no prediction"


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip, picture or pair. predicted None: there is none, which is not an empty answer."""

    sample_id: str
    gold: Any
    predicted: Any
    group: str | None = None  # subject or source video: samples of one are no independent witnesses
    about: Mapping[str, Any] = field(default_factory=dict)  # of a pair: its texts; asked turned


class Metric(Protocol):
    """Figures from sums of rows; what its fields say is all that is needed to make them anew."""

    kind: ClassVar[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the figures; the first is the headline."""

    def figures(self, sums: np.ndarray) -> np.ndarray:
        """(..., row) -> (..., figures). NaN where there is nothing to compute one from."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Labels that a word table, or a label set, does not hold."""

    n_labels: int = 0
    labels: tuple[tuple[str, int], ...] = ()  # most frequent first, then by the alphabet

    @property
    def n_unknown(self) -> int:
        return sum(count for _, count in self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    metric: Metric
    rows: np.ndarray  # (n, ...) float64; zeros where a sample is not scored
    reasons: tuple[str | None, ...]  # (n,) why a sample is not scored; None: it is
    unknown_gold: Unknown = field(default_factory=Unknown)
    unknown_predicted: Unknown = field(default_factory=Unknown)

    @property
    def values(self) -> dict[str, float]:
        figures = self.metric.figures(self.rows.sum(axis=0))
        return dict(zip(self.metric.names, figures.tolist(), strict=True))

    @property
    def n_scored(self) -> int:
        return sum(reason is None for reason in self.reasons)

    @property
    def skipped(self) -> dict[str, int]:
        """Reason -> samples."""
        return dict(sorted(Counter(reason for reason in self.reasons if reason).items()))


@dataclass(frozen=True, slots=True)
class Score:
    """One figure. NaN: nothing was scored. interval None: too few samples for one."""

    name: str
    value: float
    interval: tuple[float, float] | None = None


def count_unknown(labels: Iterable[Hashable], known: Iterable[bool]) -> Unknown:
    pairs = list(zip(labels, known, strict=True))
    missing = Counter(str(label) for label, here in pairs if not here)
    rows = sorted(missing.items(), key=lambda row: (-row[1], row[0]))
    return Unknown(len(pairs), tuple(rows))


def divided(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where `whole` is 0."""
    nowhere = np.full(np.broadcast_shapes(np.shape(part), np.shape(whole)), np.nan)
    return np.asarray(np.divide(part, whole, out=nowhere, where=np.asarray(whole) != 0))


def mean_known(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where all of it is."""
    known = ~np.isnan(values)
    return divided(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def number(value: object) -> float:
    """NaN for what is none."""
    try:
        return float(str(value))
    except ValueError:
        return float("nan")
