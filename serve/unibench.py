"""`demeanor eval unibench`: nine reports in, their mean out."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from demeanor.explain.errors import DemeanorError


def unibench_command(
    reports: Annotated[
        list[Path], typer.Argument(help="What `demeanor eval TASK … --json` printed, nine times.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document for scripts.")
    ] = False,
) -> None:
    """MER-UniBench: the mean of its nine data sets, from nine reports of one system."""
    from demeanor.eval.report import load
    from demeanor.eval.text import number, span
    from demeanor.eval.unibench import combine

    try:
        found = combine([load(path) for path in reports])
    except DemeanorError as error:
        Console(stderr=True, highlight=False).print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    if as_json:
        print(json.dumps(dataclasses.asdict(found), ensure_ascii=False, indent=1))
        return
    table = Table("data set", "figure", "value", "95% interval", "scored")
    for name, score in found.sets.items():
        table.add_row(name, score.name, number(score.value), span(score), str(found.n_scored[name]))
    table.add_row("mean of nine", "", number(found.mean.value), span(found.mean), "")
    Console(highlight=False, soft_wrap=True).print(table)
