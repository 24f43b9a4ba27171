"""Our tasks as scorers of inspect_ai, so that its runs are scored as ours are.

A scorer there judges a sample and a metric aggregates. Figures here are made of sums of rows, so
each sample carries its row along, and the metric adds them up: the figures are those that
`demeanor eval` prints for the same answers, and no means of samples' own figures.

    from inspect_ai import Task
    from demeanor.eval.inspect_scorer import demeanor_scorer

    Task(dataset=…, solver=…, scorer=demeanor_scorer("ovmerd", extract="rule"))

A sample's target are its gold labels, and its metadata may name a `group` (subject or video) that
intervals are drawn over. Of several epochs the first is scored: rows are not averaged.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from demeanor.eval.extraction import RuleExtractor
from demeanor.eval.report import metric_dict, read_metric
from demeanor.eval.resampling import by_group, intervals
from demeanor.eval.scores import NO_PREDICTION, Sample
from demeanor.eval.tables import load_table
from demeanor.eval.tasks import Setting, Task, task
from demeanor.explain.errors import DemeanorError, MissingExtra

try:
    from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
    from inspect_ai.solver import TaskState
except ImportError as error:
    raise MissingExtra("Scoring runs of inspect_ai", "inspect_ai", "inspect") from error

_N_FIGURES = 12  # the headline and its kin, as in our own text
_RULE = "rule"


@metric  # type: ignore[untyped-decorator]
def corpus_figures() -> Metric:
    """The task's figures over all samples that are scored, and the interval of the first."""

    def figures(scores: list[SampleScore]) -> dict[str, float]:
        kept = [one.score.metadata for one in scores if "row" in (one.score.metadata or {})]
        if not kept:
            return {}
        made = read_metric(kept[0]["metric"])
        rows = np.array([np.reshape(one["row"], one["shape"]) for one in kept])
        values = dict(zip(made.names, made.figures(rows.sum(axis=0)).tolist(), strict=True))
        grouped = by_group(rows, [one["group"] for one in kept])
        low, high = intervals(grouped, made.figures)[0] or (float("nan"),) * 2
        between = {"95% from": low, "95% to": high, "scored": float(len(kept))}
        return {**dict(list(values.items())[:_N_FIGURES]), **between}

    return figures


@scorer(metrics=[corpus_figures()])  # type: ignore[untyped-decorator]
def demeanor_scorer(
    name: str,
    words: str = "d1",
    tables: str | None = None,
    level: int = 1,
    extract: str | None = None,
) -> Scorer:
    """Scores a model's output as a task of `demeanor eval` does.

    `words` and `tables` name the word table, `extract="rule"` takes its words out of free text.
    Raises UnknownName for a task, TablesError for a table that is not there.
    """
    known = task(name)
    needs_table = known.grouped or extract == _RULE
    table = load_table(words, Path(tables) if tables else None) if needs_table else None
    setting = Setting(table, level)
    read = _reader(extract, known, setting)

    async def score(state: TaskState, target: Target) -> Score:
        text = state.output.completion
        said = read(text) if state.output.choices else None
        gold = list(target) if len(target) > 1 else target.text
        group = (state.metadata or {}).get("group")
        sample = Sample(str(state.sample_id), gold, said, None if group is None else str(group))
        return scored_sample(known, sample, setting)

    return score


def _reader(extract: str | None, known: Task, setting: Setting) -> Callable[[str], Any]:
    if extract is None:
        return str
    if extract != _RULE or not known.grouped or setting.table is None:
        raise DemeanorError(
            f"extract: wanted 'rule', for a task of open words, found {extract!r} for {known.name}"
        )
    return RuleExtractor(setting.table).labels


def scored_sample(known: Task, sample: Sample, setting: Setting) -> Score:
    """Its own headline figure, and its row; unscored with the reason where there is none."""
    scored = known.score([sample], setting)
    answer = None if sample.predicted is None else str(sample.predicted)
    (reason,), (row,) = scored.reasons, scored.rows
    if reason is not None:
        kind = "no_response" if reason == NO_PREDICTION else "scoring_failed"
        return Score.unscored(reason=kind, answer=answer, explanation=reason)
    headline = float(scored.metric.figures(row)[0])
    kept = {
        "row": row.ravel().tolist(),
        "shape": list(row.shape),
        "metric": metric_dict(scored.metric),
        "group": sample.group,
        "tables": setting.table and f"{setting.table.version}.{setting.table.sha256[:8]}",
    }
    value = headline if headline == headline else 0.0  # no figure of one sample: the row counts
    return Score(value=value, answer=answer, explanation=scored.metric.names[0], metadata=kept)
