"""One system on the same samples with all channels, and with one alone, compared in pairs.

Text alone gave 67.4 of AffectGPT's 74.8 on MER-UniBench: without this table nobody knows what a
figure owes to the face.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from demeanor.eval.answering import CHANNELS, LABEL_FIRST, REASONS_FIRST, System
from demeanor.eval.report import Report
from demeanor.eval.resampling import N_FOLDS, Difference, by_group, paired
from demeanor.eval.runs import Options, Run, Tell, folder_of, run
from demeanor.eval.tasks import Setting, Task
from demeanor.eval.text import columns, number, span
from demeanor.explain.corpora.items import Item

ALL = "all"
VARIANTS = (ALL, *(f"{name} only" for name in CHANNELS))
ORDERS_ASKED = (REASONS_FIRST, LABEL_FIRST)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Runs of one system, the first the one that the others are held against."""

    title: str
    names: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def differences(self) -> tuple[Difference | None, ...]:
        """Of the headline, each run less the first; None for the first, and without samples."""
        first = self.runs[0].report
        others = [headline_difference(first, made.report) for made in self.runs[1:]]
        return (None, *others)

    def as_text(self) -> str:
        head = ("", "value", "95% interval", "less the first", "95% interval", "p", "scored")
        rows = [head]
        for name, made, apart in zip(self.names, self.runs, self.differences, strict=True):
            score = made.report.scores[0]
            between = ("–", "–", "–")
            if apart is not None:
                low_high = apart.interval
                over = "–" if low_high is None else "{:+.2f} to {:+.2f}".format(*low_high)
                p = "–" if apart.p is None else f"{apart.p:.4f}"
                between = (f"{apart.difference:+.2f}", over, p)
            n = f"{made.report.n_scored} of {len(made.report.rows)}"
            rows.append((name, number(score.value), span(score), *between, n))
        headline = self.runs[0].report.scores[0].name
        constant = self.runs[0].report.baseline
        lines = [f"{self.title}: {headline}", "", *columns(rows), ""]
        if constant:
            lines.append(f"constant answer: {number(constant.scores[0].value)} ({constant.said})")
        lines.append(
            f"Paired over samples that both scored; {len(self.runs) - 1} comparisons, so the "
            "smallest p is smaller than it looks."
        )
        return "\n".join(lines) + "\n"


def ablate(
    task: Task,
    items: Sequence[Item],
    system: System,
    setting: Setting,
    out: Path,
    options: Options,
    tell: Tell = lambda done, n, failed: None,
) -> Compared:
    """All channels, then each alone; every one is a run of its own, taken up again like any."""

    def variant(name: str) -> System:
        kept = None if name == ALL else CHANNELS[name.removesuffix(" only")]
        left_out = frozenset() if kept is None else frozenset(CHANNELS.values()) - {kept}
        return replace(system, without=left_out)

    return _each("With all channels and with one", VARIANTS, variant, task, items, setting, out,
                 options, tell)  # fmt: skip


def both_orders(
    task: Task,
    items: Sequence[Item],
    system: System,
    setting: Setting,
    out: Path,
    options: Options,
    tell: Tell = lambda done, n, failed: None,
) -> Compared:
    """Reasons asked for before labels, and labels alone. Raises DemeanorError for reasoners
    that read no prompt."""

    def variant(name: str) -> System:
        return replace(system, order=name)

    for name in ORDERS_ASKED:
        variant(name)  # refuse before anything is asked
    return _each("The order of asking", ORDERS_ASKED, variant, task, items, setting, out,
                 options, tell)  # fmt: skip


def _each(
    title: str,
    names: Sequence[str],
    variant: Callable[[str], System],
    task: Task,
    items: Sequence[Item],
    setting: Setting,
    out: Path,
    options: Options,
    tell: Tell,
) -> Compared:
    made = []
    for name in names:
        system = variant(name)
        folder = folder_of(out, task, system, items, setting)
        made.append(run(task, items, system, setting, folder, options, tell))
    return Compared(f"{title}, {task.title}", tuple(names), tuple(made))


def headline_difference(first: Report, second: Report, n_folds: int = N_FOLDS) -> Difference | None:
    """Paired over the samples that both scored; None where there are none."""
    import numpy as np

    ours = {row.sample_id: row for row in first.rows if row.reason is None}
    both = [row for row in second.rows if row.reason is None and row.sample_id in ours]
    if not both:
        return None
    groups = [row.group for row in both]
    one = by_group(np.array([ours[row.sample_id].values for row in both]), groups)
    other = by_group(np.array([row.values for row in both]), groups)
    return paired(one, other, first.metric.figures, first.metric.names, n_folds)[0]
