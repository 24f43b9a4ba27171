"""`demeanor eval`: predictions in, scores out; two reports side by side; word tables fetched.

Exit codes: 0 scored, 1 nothing could be scored (or some table could not be fetched), 2 the
command itself cannot be carried out.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from demeanor.explain.errors import DemeanorError

if TYPE_CHECKING:
    from demeanor.eval.report import Comparison, Report

app = typer.Typer(
    help="Score predictions of any system, with what the number is worth. Tasks: `demeanor eval "
    "tasks`.",
    no_args_is_help=True,
)
tables = typer.Typer(help="Word tables: which words count as the same emotion.")
app.add_typer(tables, name="tables", no_args_is_help=True)
_err = Console(stderr=True, highlight=False)
_N_SCORES = 12  # of a comparison in the text; --json has all
T = TypeVar("T")


class Words(StrEnum):
    V2025 = "v2025"
    V2026 = "v2026"
    D1 = "d1"


Predicted = Annotated[
    Path, typer.Option("--predictions", help="JSON lines, CSV or npz with id and pred.")
]
Gold = Annotated[Path | None, typer.Option(help="File with id and gt, if not in the predictions.")]
WordsOption = Annotated[
    Words | None,
    typer.Option("--words", help="Word table; default: v2026 with --tables, else d1."),
]
Tables = Annotated[
    Path | None, typer.Option("--tables", help="Folder of OV-MER's tables; default: as pulled.")
]
LevelOption = Annotated[int, typer.Option(min=1, max=2, help="Ring of the wheels: 1 or 2.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts.")]
Force = Annotated[bool, typer.Option("--force", help="Compare in spite of different signatures.")]


def _command(task_name: str) -> Callable[..., None]:
    def run(
        predictions: Predicted,
        gold: Gold = None,
        words: WordsOption = None,
        folder: Tables = None,
        level: LevelOption = 1,
        as_json: AsJson = False,
    ) -> None:
        report = _guarded(lambda: _evaluate(task_name, predictions, gold, words, folder, level))
        if as_json:
            from demeanor.eval.report import to_json

            sys.stdout.write(to_json(report))
        else:
            show(report, Console(highlight=False, soft_wrap=True))
        raise typer.Exit(0 if report.n_scored else 1)

    return run


# Names are known without loading the metrics: `demeanor --help` stays quick.
TASK_NAMES = ("ovmerd", "ovmerdplus", "meld", "cmumosi", "rafdb-gpt4v", "dfew-gpt4v")
for _name in TASK_NAMES:
    app.command(_name, help=f"Score predictions on {_name}.")(_command(_name))


@app.command("tasks")
def tasks_command() -> None:
    """The tasks known by name."""
    from demeanor.eval.tasks import tasks

    table = Table("name", "what", "metric", title="Tasks")
    for task in tasks().values():
        table.add_row(task.name, task.title, task.metric)
    Console().print(table)


@app.command("compare")
def compare_command(
    first: Annotated[Path, typer.Argument(help="What `demeanor eval TASK … --json` printed.")],
    second: Annotated[Path, typer.Argument(help="The same for another system.")],
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Two systems on the same samples: differences, their intervals, a paired test."""
    from demeanor.eval import report

    found = _guarded(lambda: report.compare(report.load(first), report.load(second), force))
    if as_json:
        print(json.dumps(dataclasses.asdict(found), ensure_ascii=False, indent=1))
    else:
        show_comparison(found, Console(highlight=False, soft_wrap=True))


@tables.command("pull")
def tables_pull() -> None:
    """Fetch OV-MER's word tables (v2025, v2026). Their licence is not ours: it is shown first."""
    from demeanor.eval import fetch

    failed = fetch.pull(lambda line: _err.print(line, soft_wrap=True, markup=False))
    for name, why in failed:
        _err.print(f"{name}: {why}", soft_wrap=True, markup=False)
    raise typer.Exit(1 if failed else 0)


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except DemeanorError as error:
        _err.print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(2) from error


def _evaluate(
    name: str,
    predictions: Path,
    gold: Path | None,
    words: Words | None,
    folder: Path | None,
    level: int,
) -> "Report":
    from demeanor.eval.predictions import read_predictions
    from demeanor.eval.report import evaluate
    from demeanor.eval.tables import load_table
    from demeanor.eval.tasks import Setting, task

    chosen = task(name)
    version = words or (Words.V2026 if folder else Words.D1)
    table = load_table(version.value, folder) if chosen.grouped else None
    read = read_predictions(predictions, gold)
    stray = f"{len(read.without_gold)} predictions have no gold label and are passed over."
    notes = [stray] if read.without_gold else []
    return evaluate(chosen, read.samples, Setting(table, level), notes=notes)


# Text -----------------------------------------------------------------------------------------


def show(report: "Report", console: Console) -> None:
    from demeanor.eval import text

    console.print(report.title, markup=False)
    table = Table(*text.HEAD)
    for row in text.rows(report):
        table.add_row(*row)
    console.print(table)
    for line in text.said(report):
        console.print(line, markup=False)


def show_comparison(found: "Comparison", console: Console) -> None:
    from demeanor.eval.text import number

    table = Table("score", found.first, found.second, "difference", "95% interval", "p")
    for row in found.differences[:_N_SCORES]:
        span = "–" if row.interval is None else "{:+.2f} to {:+.2f}".format(*row.interval)
        p = "–" if row.p is None else f"{row.p:.4f}"
        values = (number(row.first), number(row.second), f"{row.difference:+.2f}")
        table.add_row(row.name, *values, span, p)
    console.print(table)
    console.print(f"Over {found.n_both} samples that both scored; only one scored {found.n_one}.")
    for key, (a, b) in found.forced.items():
        console.print(f"forced: {key}: {a} and {b}", markup=False)
