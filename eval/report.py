"""One system's scores on one task, with what they are worth; and two systems side by side.

A report keeps a row of numbers for every sample, so that another one can be compared with it
without the predictions, the word tables or the gold labels.
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from demeanor.eval.classification import ClassMetric
from demeanor.eval.ew import HitMetric, SetMetric
from demeanor.eval.judged import JudgedMetric
from demeanor.eval.multilabel import LabelsMetric
from demeanor.eval.overlap import TextMetric
from demeanor.eval.preference import PreferenceMetric
from demeanor.eval.regression import LevelMetric, SeveralLevelsMetric
from demeanor.eval.resampling import N_FOLDS, Difference, by_group, intervals, paired
from demeanor.eval.scores import Metric, Sample, Score, Scored, Unknown
from demeanor.eval.signature import GIVEN, NONE, Signature, check_comparable, gold_digest
from demeanor.eval.tasks import Setting, Task
from demeanor.explain.errors import DemeanorError

SCHEMA = "demeanor-eval-1"
_METRICS: dict[str, Any] = {
    m.kind: m
    for m in (
        *(SetMetric, HitMetric, ClassMetric, LevelMetric, PreferenceMetric, JudgedMetric),
        *(LabelsMetric, SeveralLevelsMetric, TextMetric),
    )
}
_DECIMALS = 10  # of rows: beyond what any figure shows, and short


class ReportError(DemeanorError):
    """A file that is no report of ours."""


@dataclass(frozen=True, slots=True)
class Baseline:
    said: str
    how: str
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One sample: why it is not scored, or its numbers."""

    sample_id: str
    group: str | None
    reason: str | None
    values: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    title: str
    signature: Signature
    metric: Metric
    scores: tuple[Score, ...]  # the headline first
    rows: tuple[Row, ...]
    skipped: dict[str, int]  # reason -> samples
    unknown_gold: Unknown
    unknown_predicted: Unknown
    baseline: Baseline | None
    intervals_over: str  # "samples", "groups"
    n_folds: int
    notes: tuple[str, ...]

    @property
    def n_scored(self) -> int:
        return sum(row.reason is None for row in self.rows)


@dataclass(frozen=True, slots=True)
class Origin:
    """What made the labels and the verdicts that are scored."""

    extractor: str = GIVEN
    judge: str = NONE


def evaluate(
    task: Task,
    samples: Sequence[Sample],
    setting: Setting,
    origin: Origin | None = None,
    n_folds: int = N_FOLDS,
    notes: Sequence[str] = (),
) -> Report:
    """Score the samples, say how sure that is, and what not looking would have scored."""
    scored = task.score(samples, setting)
    grouped = any(sample.group for sample in samples)
    return Report(
        title=task.title,
        signature=signature_of(task, samples, setting, origin or Origin()),
        metric=scored.metric,
        scores=_scores(scored, samples, n_folds),
        rows=tuple(map(_row, samples, scored.reasons, scored.rows)),
        skipped=scored.skipped,
        unknown_gold=scored.unknown_gold,
        unknown_predicted=scored.unknown_predicted,
        baseline=_baseline(task, samples, setting),
        intervals_over="groups" if grouped else "samples",
        n_folds=n_folds,
        notes=(*([task.note] if task.note else []), *notes),
    )


def signature_of(
    task: Task, samples: Sequence[Sample], setting: Setting, origin: Origin
) -> Signature:
    table = setting.table if task.grouped else None
    return Signature(
        task=task.name,
        metric=task.metric,
        level=setting.level if table else None,
        tables=table.version if table else NONE,
        tables_sha256=table.sha256 if table else "",
        preprocessing=task.preprocessing,
        extractor=origin.extractor,
        judge=origin.judge,
        gold_sha256=gold_digest(samples),
    )


def _row(sample: Sample, reason: str | None, values: np.ndarray) -> Row:
    return Row(sample.sample_id, sample.group, reason, values)


def _scores(scored: Scored, samples: Sequence[Sample], n_folds: int) -> tuple[Score, ...]:
    here = [k for k, reason in enumerate(scored.reasons) if reason is None]
    rows = by_group(scored.rows[here], [samples[k].group for k in here])
    spans = intervals(rows, scored.metric.figures, n_folds)
    return tuple(
        Score(name, value, span)
        for (name, value), span in zip(scored.values.items(), spans, strict=True)
    )


def _baseline(task: Task, samples: Sequence[Sample], setting: Setting) -> Baseline | None:
    """None where nothing was predicted: then there is nothing beside which it could stand."""
    if task.constant is None or all(sample.predicted is None for sample in samples):
        return None
    constant = task.constant(samples, setting)
    answers = constant.each or (constant.said,) * len(samples)
    same = [_answering(*pair) for pair in zip(samples, answers, strict=True)]
    values = task.score(same, setting).values
    said = constant.said if isinstance(constant.said, str) else ", ".join(constant.said)
    return Baseline(said, constant.how, tuple(Score(n, v) for n, v in values.items()))


def _answering(sample: Sample, answer: Any) -> Sample:
    """As the constant, or the rule, answers; it answers no more samples than the system did."""
    if sample.predicted is None:
        return sample
    about = {name: value for name, value in sample.about.items() if name != "swapped"}
    return dataclasses.replace(sample, predicted=answer, about=about)


# Files ----------------------------------------------------------------------------------------


def to_json(report: Report) -> str:
    """The same bytes for the same report."""
    data = {"schema": SCHEMA, "signature_line": report.signature.line(), **as_dict(report)}
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def as_dict(report: Report) -> dict[str, Any]:
    return {
        "title": report.title,
        "signature": report.signature.as_dict(),
        "scores": [_score_dict(score) for score in report.scores],
        "n_samples": len(report.rows),
        "n_scored": report.n_scored,
        "skipped": report.skipped,
        "unknown_labels": {
            "gold": dataclasses.asdict(report.unknown_gold),
            "predicted": dataclasses.asdict(report.unknown_predicted),
        },
        "baseline": None if report.baseline is None else _baseline_dict(report.baseline),
        "intervals": {"over": report.intervals_over, "n_folds": report.n_folds, "level": 0.95},
        "notes": list(report.notes),
        "metric": metric_dict(report.metric),
        "row_shape": list(report.rows[0].values.shape) if report.rows else [],
        "samples": [_row_dict(row) for row in report.rows],
    }


def metric_dict(metric: Metric) -> dict[str, Any]:
    """All that is needed to make its figures of rows again."""
    return {"kind": metric.kind, **dataclasses.asdict(metric)}  # type: ignore[call-overload]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, _DECIMALS)


def _score_dict(score: Score) -> dict[str, Any]:
    low, high = map(_number, score.interval or (math.nan, math.nan))
    return {"name": score.name, "value": _number(score.value), "low": low, "high": high}


def _baseline_dict(baseline: Baseline) -> dict[str, Any]:
    scores = [_score_dict(score) for score in baseline.scores]
    return {"said": baseline.said, "how": baseline.how, "scores": scores}


def _row_dict(row: Row) -> dict[str, Any]:
    """Numbers that are 0 are left out: most are."""
    flat = row.values.ravel()
    numbers = {str(k): round(float(flat[k]), _DECIMALS) for k in np.flatnonzero(flat)}
    return {"id": row.sample_id, "group": row.group, "reason": row.reason, "row": numbers}


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """What a report says once it is a file: enough to be compared."""

    name: str
    signature: Signature
    metric: Metric
    rows: dict[str, Row]
    scores: tuple[Score, ...]


def load(path: Path) -> Saved:
    """Raises ReportError for a file that is no report."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}")
        return Saved(
            path.stem,
            Signature(**data["signature"]),
            read_metric(data["metric"]),
            {row["id"]: _read_row(row, data["row_shape"]) for row in data["samples"]},
            tuple(_read_score(score) for score in data["scores"]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ReportError(
            f"{path}: wanted what `demeanor eval TASK … --json` prints, found something else "
            f"({type(error).__name__}: {error})"
        ) from error


def read_metric(data: Mapping[str, Any]) -> Metric:
    """What `metric_dict` wrote."""
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k != "kind"}
    made: Metric = _METRICS[data["kind"]](**fields)
    return made


def _read_row(data: Mapping[str, Any], shape: Sequence[int]) -> Row:
    values = np.zeros(math.prod(shape))
    for number, value in data["row"].items():
        values[int(number)] = value
    return Row(data["id"], data["group"], data["reason"], values.reshape(shape))


def _read_score(data: Mapping[str, Any]) -> Score:
    value = math.nan if data["value"] is None else data["value"]
    span = None if data["low"] is None else (data["low"], data["high"])
    return Score(data["name"], value, span)


# Two systems ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    first: str
    second: str
    differences: tuple[Difference, ...]
    n_both: int  # samples that both scored: the figures are over these
    n_one: int  # samples that only one scored
    forced: dict[str, tuple[Any, Any]]  # what their signatures disagree in, if that was forced


def compare(first: Saved, second: Saved, force: bool = False, n_folds: int = N_FOLDS) -> Comparison:
    """Paired over the samples that both scored. Raises NotComparable."""
    if not force:
        check_comparable(first.signature, second.signature)
    if first.metric != second.metric:
        raise ReportError(
            f"wanted two reports of one metric, found {first.metric} and {second.metric}. "
            "These cannot be compared, by force or not"
        )
    counted, others = _counted(first), _counted(second)
    both = [key for key in first.rows if key in counted & others]
    if not both:
        raise ReportError(f"{first.name} and {second.name} have no sample that both scored")
    groups = [first.rows[key].group for key in both]
    one, other = (
        by_group(np.array([saved.rows[key].values for key in both]), groups)
        for saved in (first, second)
    )
    found = paired(one, other, first.metric.figures, first.metric.names, n_folds)
    return Comparison(
        first.name,
        second.name,
        tuple(found),
        len(both),
        len(counted ^ others),
        first.signature.differences(second.signature),
    )


def _counted(saved: Saved) -> set[str]:
    return {key for key, row in saved.rows.items() if row.reason is None}
