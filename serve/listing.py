"""`demeanor eval tasks`: every task on a line, or all that is known of one."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from demeanor.explain.errors import DemeanorError

if TYPE_CHECKING:
    from demeanor.eval.tasks import Task

_WIDE = 150  # columns of a terminal that has room for what a task needs as well


def tasks_command(
    name: Annotated[str | None, typer.Argument(help="One task: all that is known of it.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document for scripts.")
    ] = False,
) -> None:
    """The tasks known by name; with a name, what that one scores, how, and what it needs."""
    from demeanor.eval.tasks import task, tasks

    try:
        found = [task(name)] if name else list(tasks().values())
    except DemeanorError as error:
        Console(stderr=True, highlight=False).print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    console = Console(highlight=False)
    if as_json:
        print(json.dumps([described(one) for one in found], ensure_ascii=False, indent=1))
    elif name:
        for key, value in described(found[0]).items():
            console.print(f"{key + ':':14}{value}", markup=False, soft_wrap=True)
    else:
        console.print(_table(found, console.width >= _WIDE))
        console.print("All of one: demeanor eval tasks NAME", markup=False)


def described(task: "Task") -> dict[str, Any]:
    from demeanor.eval.tasks.asked import ASKED

    media = " --media FOLDER" if task.asking else ""
    can_ask = task.asking or task.name in ASKED
    gold = " --gold CORPUS" if task.read else ""
    return {
        "name": task.name,
        "what": task.title,
        "metric": task.metric,
        "gold": task.needs,
        "an answer": task.preprocessing,
        "word table": "d1, v2025 or v2026 (--words)" if task.grouped else "none",
        "baseline": "a constant answer" if task.constant else "none",
        "note": task.note or "–",
        "score": f"demeanor eval {task.name} --predictions FILE{gold}",
        "ask": f"demeanor eval {task.name} --data CORPUS{media} --chat …" if can_ask else "–",
    }


def _table(tasks: "list[Task]", is_wide: bool) -> Table:
    """One line a task, cut where a terminal is narrow: names and metrics never are."""
    columns = [
        Column("name", no_wrap=True),
        Column("metric", no_wrap=True),
        Column("what", no_wrap=True, overflow="ellipsis", ratio=2),
    ]
    if is_wide:
        columns.append(Column("gold", no_wrap=True, overflow="ellipsis", ratio=1))
    table = Table(*columns, box=None, pad_edge=False, expand=True)
    for task in tasks:
        cells = (task.name, task.metric, task.title, task.needs)
        table.add_row(*cells[: len(columns)])
    return table
