"""`demeanor eval view` and `demeanor eval export`: run folders in a browser, and as a file."""

import os
import subprocess  # no shell; our own interpreter runs our own page
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from demeanor.explain.errors import DemeanorError, MissingExtra
from demeanor.explain.store import write_atomic

_FOLDER = "DEMEANOR_RUNS"  # as serve/viewer.py reads it
_HERE = "127.0.0.1"  # runs hold replies and file names: nobody else's machine is to see them
_err = Console(stderr=True, highlight=False)


def view_command(
    folder: Annotated[Path, typer.Argument(help="Folder of runs, or one run.")] = Path("runs"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="On this machine alone.")] = 8501,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Look through run folders in a browser: boards, samples, claims, two runs side by side."""
    if find_spec("streamlit") is None:
        _refuse(MissingExtra("Looking at runs in a browser", "streamlit", "viewer"))
    if not folder.is_dir():
        _refuse(DemeanorError(f"{folder}: wanted a folder of runs, found none. Name the one that "
                              "`demeanor eval TASK --out` wrote"))  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603
            view_line(port, browser), env={**os.environ, _FOLDER: str(folder)}, check=False
        )
    except KeyboardInterrupt:  # how a page is left
        return
    raise typer.Exit(done.returncode)


def view_line(port: int, browser: bool) -> list[str]:
    """What is run. Streamlit itself tells nobody of it and asks for no address."""
    options = {
        "server.address": _HERE,
        "server.port": str(port),
        "server.headless": str(not browser).lower(),
        "server.showEmailPrompt": "false",
        "server.fileWatcherType": "none",
        "client.toolbarMode": "viewer",
        "browser.gatherUsageStats": "false",
    }
    page = Path(__file__).with_name("viewer.py")
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(page), *flags]


def export_command(
    folder: Annotated[Path, typer.Argument(help="One run folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Default: run.html in it.")
    ] = None,
) -> None:
    """One run as a page that needs nothing else: scores, what was dropped, samples, claims."""
    from demeanor.eval.exporting import to_html
    from demeanor.eval.viewing import read_run

    path = out or folder / "run.html"
    try:
        write_atomic(path, to_html(read_run(folder)))
    except DemeanorError as error:
        _refuse(error)
    except OSError as error:
        _refuse(DemeanorError(f"{path}: cannot be written: {error}"))
    print(path)


def _refuse(error: DemeanorError) -> NoReturn:
    _err.print(f"Error: {error}", soft_wrap=True, markup=False)
    raise typer.Exit(2)
