"""Sets of open words, compared after grouping: OV-MER's scores, EW-F and hit rate.

Words become clusters (`tables.py`); clusters that gold and answer share count. Precision and
recall are means over samples, and F is made of these two means: it is not the mean of each
sample's F (AffectGPT, appendices E and K). EW-F is the mean of F over the wheels.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from demeanor.eval.scores import (
    NO_PREDICTION,
    Sample,
    Scored,
    Unknown,
    count_unknown,
    divided,
    mean_known,
)
from demeanor.eval.tables import WordTable, load_table
from demeanor.eval.words import read_labels

NO_GOLD = "gold has no label that a wheel holds"
Labels = str | Iterable[str] | None
_N_OV_MER = 12  # M1, M2, and five wheels on two levels: what M-avg is the mean of
_MAX_CONSTANT = 8  # labels in a constant answer


@dataclass(frozen=True, slots=True)
class SetMetric:
    """Rows: for each grouping precision, recall, and 1 where the sample counts there."""

    kind: ClassVar[str] = "ew-f"
    groupings: tuple[str, ...]
    level: int  # of the wheels: that of the headline

    @property
    def names(self) -> tuple[str, ...]:
        means = [f"EW-{part} L{level}" for level in self._levels for part in "FPR"]
        average = ["M-avg"] if len(self.groupings) == _N_OV_MER else []
        single = [f"{name} {part}" for name in self.groupings for part in "FPR"]
        return (*means, *average, *single)

    @property
    def _levels(self) -> list[int]:
        return sorted((1, 2), key=lambda level: level != self.level)

    def figures(self, sums: np.ndarray) -> np.ndarray:
        single = 100.0 * f_precision_recall(sums)  # (..., groupings, 3)
        parts = []
        for level in self._levels:
            ring = [k for k, name in enumerate(self.groupings) if name.endswith(f"L{level}")]
            parts.append(mean_known(np.moveaxis(single[..., ring, :], -1, -2)))
        if len(self.groupings) == _N_OV_MER:
            parts.append(mean_known(single[..., 0])[..., None])
        return np.concatenate([*parts, single.reshape(*single.shape[:-2], -1)], axis=-1)


def f_precision_recall(sums: np.ndarray) -> np.ndarray:
    """(..., 3) of F, P, R as shares, from sums of precision, recall and samples.

    NaN without samples; F is 0 where nothing was found at all.
    """
    precision = divided(sums[..., 0], sums[..., 2])
    recall = divided(sums[..., 1], sums[..., 2])
    f = np.where(precision + recall == 0, 0.0, divided(2 * precision * recall, precision + recall))
    return np.stack([np.where(np.isnan(precision), np.nan, f), precision, recall], axis=-1)


def overlap(gold: frozenset[str], predicted: frozenset[str]) -> tuple[float, float, float]:
    """Precision, recall and 1; zeros where gold is empty, since that sample does not count."""
    if not gold:
        return 0.0, 0.0, 0.0
    shared = len(gold & predicted)
    return (shared / len(predicted) if predicted else 0.0), shared / len(gold), 1.0


def clusters(words: Iterable[str], grouping: Mapping[str, str]) -> frozenset[str]:
    """Words that the grouping does not hold are left out."""
    return frozenset(grouping[word] for word in words if word in grouping)


def score_sets(samples: Sequence[Sample], table: WordTable, level: int = 1) -> Scored:
    """Gold and predicted label sets under every grouping of a table."""
    metric = SetMetric(tuple(table.groupings), level)
    golds = [read_labels(sample.gold) for sample in samples]
    answers = [read_labels(sample.predicted) for sample in samples]
    rows = np.zeros((len(samples), len(metric.groupings), 3))
    for number, sample in enumerate(samples):
        if sample.predicted is not None:
            rows[number] = _row(golds[number], answers[number], table)
    ring = [metric.groupings.index(wheel) for wheel in table.wheels(level)]
    reasons = tuple(map(_reason, samples, rows[:, ring, 2].sum(axis=1).tolist()))
    return Scored(metric, rows, reasons, *_unknown(golds, answers, table))


def _row(gold: Iterable[str], answer: Iterable[str], table: WordTable) -> np.ndarray:
    wanted, said = [list(map(table.read, labels)) for labels in (gold, answer)]
    groupings = table.groupings.values()
    return np.array([overlap(clusters(wanted, g), clusters(said, g)) for g in groupings])


def _reason(sample: Sample, n_wheels: float) -> str | None:
    if sample.predicted is None:
        return NO_PREDICTION
    return None if n_wheels else NO_GOLD


def _unknown(
    golds: Sequence[Sequence[str]], answers: Sequence[Sequence[str]], table: WordTable
) -> tuple[Unknown, Unknown]:
    flat = [[label for several in part for label in several] for part in (golds, answers)]
    wanted, found = (count_unknown(labels, map(table.knows, labels)) for labels in flat)
    return wanted, found


# Hit rate -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HitMetric:
    """Rows: for each wheel hit or not, and 1 where the sample counts there."""

    kind: ClassVar[str] = "hit-rate"
    groupings: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return ("hit rate", *(f"{name} hit rate" for name in self.groupings))

    def figures(self, sums: np.ndarray) -> np.ndarray:
        single = 100.0 * divided(sums[..., 0], sums[..., 1])
        return np.concatenate([mean_known(single)[..., None], single], axis=-1)


def score_hits(samples: Sequence[Sample], table: WordTable, level: int = 1) -> Scored:
    """One gold label, any number of predicted ones: is it among them? (MER-UniBench)

    A longer answer never loses here; a neutral gold label is in no wheel, so it is not scored.
    """
    wheels = table.wheels(level)
    golds = [read_labels(sample.gold) for sample in samples]
    answers = [read_labels(sample.predicted) for sample in samples]
    rows = np.zeros((len(samples), len(wheels), 2))
    for number, sample in enumerate(samples):
        for k, wheel in enumerate(wheels):
            wanted = clusters(map(table.read, golds[number]), table.groupings[wheel])
            if wanted and sample.predicted is not None:
                said = clusters(map(table.read, answers[number]), table.groupings[wheel])
                rows[number, k] = float(wanted <= said), 1.0
    reasons = tuple(map(_reason, samples, rows[..., 1].sum(axis=1).tolist()))
    return Scored(HitMetric(wheels), rows, reasons, *_unknown(golds, answers, table))


# The older grouping ---------------------------------------------------------------------------


def grouped_precision_recall(
    gold: Sequence[str], predicted: Sequence[str], groups: Sequence[Sequence[str]]
) -> tuple[float, float]:
    """MER2024's score of one sample, from a grouping that a language model once made of its words.

    Every word counts as the first of its group; a word in no group counts as itself. A side
    without words has nothing to be right about: 0, as in MER2024, which skips no sample.

    >>> groups = [["joyful", "happy"], ["complaining", "confused", "helpless"]]
    >>> grouped_precision_recall(["happy", "complaining"], ["confused", "helpless"], groups)
    (1.0, 0.5)
    """
    first = {word: group[0] for group in reversed(groups) for word in group}
    wanted, found = ({first.get(word, word) for word in words} for words in (gold, predicted))
    shared = len(wanted & found)
    return (shared / len(found) if found else 0.0), (shared / len(wanted) if wanted else 0.0)


def grouped_average(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Mean precision, mean recall, and their arithmetic mean (the "GPT" column); NaN for none."""
    if not pairs:
        return (float("nan"),) * 3
    precision, recall = np.mean(np.array(pairs), axis=0).tolist()
    return precision, recall, (precision + recall) / 2


# As a function --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EwScore:
    """Percent. NaN: nothing was scored."""

    f: float
    precision: float
    recall: float
    per_wheel_f: tuple[float, ...]
    n_scored: int
    skipped: dict[str, int]  # reason -> samples
    unknown: dict[str, int]  # gold and predicted labels that the table does not know
    table: str
    level: int


def ew_score(
    gold: Sequence[Labels],
    predicted: Sequence[Labels],
    table: WordTable | str = "d1",
    level: int = 1,
) -> EwScore:
    """EW-F, P and R of predicted label sets, over all wheels of a word table.

    Labels are lists, or text as models write it. None is a prediction that is missing: it is
    skipped. An empty one is an answer, and wrong.

    >>> ew_score([["happy", "excited"], ["angry"]], [["joyful", "thrilled"], "annoyed"]).f
    100.0
    >>> half = ew_score([["angry"], ["sad"]], [["furious"], []])
    >>> half.recall, half.precision, half.n_scored
    (50.0, 50.0, 2)
    >>> ew_score([["angry"], ["sad"]], [["furious"], None]).skipped
    {'no prediction': 1}
    >>> ew_score([["angry"]], [["irate", "florbish"]]).unknown
    {'florbish': 1}
    """
    if len(gold) != len(predicted):
        raise ValueError(
            f"wanted a prediction per sample, found {len(predicted)} for {len(gold)}: "
            "one that is missing is None"
        )
    words = load_table(table) if isinstance(table, str) else table
    samples = [
        Sample(str(number), wanted, found)
        for number, (wanted, found) in enumerate(zip(gold, predicted, strict=True))
    ]
    scored = score_sets(samples, words, level)
    values = scored.values
    unknown = Counter(dict(scored.unknown_gold.labels)) + Counter(
        dict(scored.unknown_predicted.labels)
    )
    return EwScore(
        values[f"EW-F L{level}"],
        values[f"EW-P L{level}"],
        values[f"EW-R L{level}"],
        tuple(values[f"{wheel} F"] for wheel in words.wheels(level)),
        scored.n_scored,
        scored.skipped,
        dict(sorted(unknown.items())),
        words.version,
        level,
    )


# The answer that never looks ------------------------------------------------------------------


def constant_set(samples: Sequence[Sample], table: WordTable, level: int = 1) -> tuple[str, ...]:
    """The same labels for every sample, chosen on this very gold: what looking must beat.

    Of the gold labels that the table knows the most frequent of each kind are tried; the one that
    raises F most is added until none does. It has seen the gold, so it is a hard constant to beat.
    """
    wheels = [table.groupings[name] for name in table.wheels(level)]
    golds = [read_labels(s.gold) for s in samples if s.predicted is not None]
    known = [tuple(map(table.read, labels)) for labels in golds]
    counts = Counter(label for labels in known for label in labels if table.knows(label))
    kinds: dict[tuple[str | None, ...], str] = {}
    for label, _ in sorted(counts.items(), key=lambda row: (-row[1], row[0])):
        kinds.setdefault(tuple(wheel.get(label) for wheel in wheels), label)
    wanted = [[clusters(labels, wheel) for labels in known] for wheel in wheels]
    chosen: tuple[str, ...] = ()
    best = 0.0
    while len(chosen) < _MAX_CONSTANT:
        trials = [(_mean_f(wanted, (*chosen, label), wheels), label) for label in kinds.values()]
        top, label = max(trials, default=(0.0, ""), key=lambda trial: trial[0])
        if not top > best:
            break
        best, chosen = top, (*chosen, label)
    return chosen


def _mean_f(
    wanted: Sequence[Sequence[frozenset[str]]],
    answer: Sequence[str],
    wheels: Sequence[Mapping[str, str]],
) -> float:
    sums = []
    for golds, wheel in zip(wanted, wheels, strict=True):
        said = clusters(answer, wheel)
        counts = Counter(golds)
        sums.append(sum(n * np.array(overlap(gold, said)) for gold, n in counts.items()))
    return float(mean_known(f_precision_recall(np.array(sums))[..., 0]))
