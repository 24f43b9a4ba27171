"""`demeanor data`: what is in rows of training data, whether they hold, and other forms of them.

Exit codes: 0 all is well, 1 some row fails a check, 2 the command itself cannot be carried out.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from demeanor.explain.errors import DemeanorError
from demeanor.serve.splitting import split_command

app = typer.Typer(help="Rows of training data: count, check, export.", no_args_is_help=True)
app.command("split")(split_command)
_err = Console(stderr=True, highlight=False)
_N_SHOWN = 20  # failing rows; --json has all
T = TypeVar("T")

Rows = Annotated[Path, typer.Argument(help="A build's folder, or a file of rows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts.")]


@app.command("stats")
def stats_command(rows: Rows, as_json: AsJson = False) -> None:
    """Rows by task, label, split and source; checks passed and failed."""
    from demeanor.data_engine.rows import read_rows, stats

    found = _or_exit(lambda: stats(read_rows(rows)))
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{found['rows']} rows about {found['clips']} clips of {found['groups']} people or "
        f"recordings; words of an answer: {found['answer_words']}"
    )
    for name in ("tasks", "labels", "splits", "corpora", "teachers", "checks", "counted"):
        table = Table(name, "rows")
        for key, value in found[name].items():
            table.add_row(key, _told(value))
        console.print(table)


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {n}" for key, n in value.items())
    return str(value)


@app.command("check")
def check_command(rows: Rows, as_json: AsJson = False) -> None:
    """Check every row again, from its own messages and observations."""
    from demeanor.data_engine.card import check_counts
    from demeanor.data_engine.check import run_checks
    from demeanor.data_engine.rows import read_rows

    checked = _or_exit(lambda: [replace(r, checks=run_checks(r)) for r in read_rows(rows)])
    failed = [row for row in checked if row.failed]
    counts = check_counts(row.checks for row in checked)
    if as_json:
        bad = [
            {"example_id": r.example_id, "failed": {c.name: c.reason for c in r.failed}}
            for r in failed
        ]
        found = {"rows": len(checked), "failed": bad, "checks": counts}
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        console = Console(highlight=False, soft_wrap=True)
        table = Table("check", "rows")
        for name, told in counts.items():
            table.add_row(name, _told(told))
        console.print(table)
        for row in failed[:_N_SHOWN]:
            why = "; ".join(f"{c.name}: {c.reason}" for c in row.failed)
            console.print(f"{row.example_id}: {why}", markup=False)
        console.print(f"{len(checked)} rows, {len(failed)} of them fail a check")
    raise typer.Exit(1 if failed else 0)


@app.command("export")
def export_command(
    rows: Rows,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")],
    form: Annotated[
        str, typer.Option("--as", help="messages, sharegpt, alpaca or parquet.")
    ] = "messages",
    name: Annotated[str, typer.Option(help="Stem of the files' names.")] = "demeanor",
    as_json: AsJson = False,
) -> None:
    """Rows in another form, a file for each split, with a data card."""
    from demeanor.data_engine.rows import Form, export, read_rows

    if form not in list(Form):
        _stop(f"--as: wanted one of {', '.join(Form)}, found {form!r}")
    written = _or_exit(lambda: export(list(read_rows(rows)), Form(form), out, name))
    if as_json:
        print(json.dumps({"written": [str(path) for path in written]}, indent=1))
        return
    for path in written:
        print(path)


@app.command("curate")
def curate_command(
    folder: Annotated[Path, typer.Argument(help="A build's folder.")],
    media: Annotated[
        Path | None, typer.Option(help="The corpus' folder of pictures or clips.")
    ] = None,
) -> None:
    """Read rows beside their clips on a page of this machine: accept, mend, reject."""
    from demeanor.explain.errors import MissingExtra

    _or_exit(lambda: candidates_of(folder))
    if find_spec("streamlit") is None:
        _stop(str(MissingExtra("The page", package="streamlit", extra="serve")))
    script = Path(__file__).with_name("curate_page.py")
    only_here = ["--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false"]
    arguments = [str(folder), *([str(media)] if media else [])]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *only_here, "--", *arguments]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 no shell


def candidates_of(folder: Path) -> int:
    from demeanor.data_engine.curate import candidates

    return len(candidates(folder))


def _or_exit(work: Callable[[], T]) -> T:
    try:
        return work()
    except DemeanorError as error:
        _stop(str(error))
        raise


def _stop(why: str) -> None:
    _err.print(f"Error: {why}", soft_wrap=True, markup=False)
    raise typer.Exit(2)
