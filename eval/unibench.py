"""MER-UniBench: the mean of nine data sets' headlines, each scored by its own metric.

Reports are combined, not predictions: each says with which tables, extractor and version it was
made, and those that differ in any of these are refused. The interval draws every set's samples
anew on their own, since the nine sets are fixed and their samples are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from demeanor.eval.report import Saved
from demeanor.eval.resampling import N_FOLDS, by_group, resampled
from demeanor.eval.scores import Score
from demeanor.eval.signature import NotComparable
from demeanor.explain.errors import DemeanorError

SETS = (
    *("mer2023", "mer2024", "meld", "iemocap"),
    *("cmumosi", "cmumosei", "sims", "simsv2"),
    "ovmerdplus",
)
_SAME = ("level", "extractor", "judge", "version")  # and the tables, where a task groups words
_LEVELS = (2.5, 97.5)


class UniBenchError(DemeanorError):
    """Reports that are not those of the nine sets."""


@dataclass(frozen=True, slots=True)
class UniBench:
    """Percent. The mean is of nine numbers that count as much each, whatever their sizes."""

    mean: Score
    sets: Mapping[str, Score]
    n_scored: Mapping[str, int]


def combine(reports: Sequence[Saved], n_folds: int = N_FOLDS) -> UniBench:
    """Raises UniBenchError where one of the nine is missing or twice, NotComparable where two were
    not made in the same way.
    """
    by_task = {saved.signature.task: saved for saved in reports}
    missing = [name for name in SETS if name not in by_task]
    if missing or len(reports) != len(SETS):
        found = sorted(saved.signature.task for saved in reports)
        raise UniBenchError(
            f"MER-UniBench is the mean of nine: wanted one report each of {', '.join(SETS)}; "
            f"missing: {', '.join(missing) or 'none'}; found {', '.join(found) or 'none'}"
        )
    _check(by_task)
    folds = [_folds(by_task[name], n_folds, seed) for seed, name in enumerate(SETS)]
    heads = {name: by_task[name].scores[0] for name in SETS}
    drawn = np.mean(folds, axis=0)
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, _LEVELS) if len(known) > n_folds / 2 else (None, None)
    interval = None if low is None or high is None else (float(low), float(high))
    value = float(np.mean([score.value for score in heads.values()]))
    n_scored = {
        name: sum(row.reason is None for row in by_task[name].rows.values()) for name in SETS
    }
    return UniBench(Score("mean of nine", value, interval), heads, n_scored)


def _check(by_task: Mapping[str, Saved]) -> None:
    for field in (*_SAME, "tables", "tables_sha256"):
        said = {
            name: getattr(by_task[name].signature, field)
            for name in SETS
            if field in _SAME[1:] or by_task[name].signature.level is not None
        }
        if len(set(said.values())) > 1:
            shown = ", ".join(f"{name} {value}" for name, value in said.items())
            raise NotComparable(f"the nine were not scored in one way: {field}: {shown}")


def _folds(saved: Saved, n_folds: int, seed: int) -> np.ndarray:
    """(folds,) of the headline."""
    rows = [row for row in saved.rows.values() if row.reason is None]
    if not rows:
        return np.full(n_folds, np.nan)
    sums = by_group(np.array([row.values for row in rows]), [row.group for row in rows])
    return resampled(sums, lambda s: saved.metric.figures(s)[..., :1], n_folds, seed)[:, 0]
