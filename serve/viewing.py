"""`demeanor eval view` and `demeanor eval export`: run folders in a browser, and as a file."""

import os
import subprocess  # no shell; our own interpreter runs our own page
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demeanor.explain.errors import DemeanorError, MissingExtra
from demeanor.explain.store import write_atomic

_FOLDER = "DEMEANOR_RUNS"  # as serve/viewer.py reads it
_err = Console(stderr=True, highlight=False)


def view_command(
    folder: Annotated[Path, typer.Argument(help="Folder of runs, or one run.")] = Path("runs"),
    port: Annotated[int, typer.Option(help="Of the page, on this machine alone.")] = 8501,
) -> None:
    """Look through run folders in a browser: boards, samples, claims, two runs side by side."""
    if find_spec("streamlit") is None:
        _refuse(MissingExtra("Looking at runs in a browser", "streamlit", "viewer"))
    page = Path(__file__).with_name("viewer.py")
    options = ["--server.address", "localhost", "--server.port", str(port)]
    quiet = ["--browser.gatherUsageStats", "false"]
    command = [sys.executable, "-m", "streamlit", "run", str(page), *options, *quiet]
    done = subprocess.run(command, env={**os.environ, _FOLDER: str(folder)}, check=False)  # noqa: S603
    raise typer.Exit(done.returncode)


def export_command(
    folder: Annotated[Path, typer.Argument(help="One run folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Default: run.html in it.")
    ] = None,
) -> None:
    """One run as a page that needs nothing else: scores, what was dropped, samples, claims."""
    from demeanor.eval.viewing import read_run, to_html

    path = out or folder / "run.html"
    try:
        write_atomic(path, to_html(read_run(folder)))
    except DemeanorError as error:
        _refuse(error)
    print(path)


def _refuse(error: DemeanorError) -> None:
    _err.print(f"Error: {error}", soft_wrap=True, markup=False)
    raise typer.Exit(2)
