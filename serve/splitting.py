"""`demeanor data split`: rows by person and source video, and what splits share.

Exit codes: 0 the splits share nothing, 1 something is shared and named, 2 it cannot be done.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from demeanor.explain.errors import DemeanorError, SettingsError

if TYPE_CHECKING:
    from demeanor.data_engine.split import Done
    from demeanor.explain.corpora.items import Item

_err = Console(stderr=True, highlight=False)
_N_SHOWN = 20  # leaks; leaks.json has all


def split_command(
    rows: Annotated[Path, typer.Argument(help="A build's folder, or a file of rows.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the split rows.")],
    validation: Annotated[float, typer.Option(help="Share of people for validation.")] = 0.05,
    test: Annotated[float, typer.Option(help="Share of people for test.")] = 0.05,
    against: Annotated[
        list[str] | None,
        typer.Option(help="CORPUS=PATH: an evaluation set that no row may share anything with."),
    ] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Put aside rows that share something with --against.")
    ] = False,
    media: Annotated[
        Path | None,
        typer.Option(help="Where the rows' paths begin: their pictures are compared as well."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document for scripts.")
    ] = False,
) -> None:
    """Split rows by person and source video; report what splits and evaluation sets share."""
    from demeanor.data_engine.split import Shares, split_file

    try:
        done = split_file(rows, out, Shares(validation, test), _sets(against or []), drop, media)
    except DemeanorError as error:
        _err.print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    if as_json:
        leaks = [asdict(leak) for leak in done.leaks]
        found = {
            "folder": str(out),
            "counts": done.counts,
            "leaks": leaks,
            "not_looked_at": done.not_looked_at,
        }
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in _lines(done):
            console.print(line, markup=False)
    raise typer.Exit(1 if done.leaks else 0)


def _sets(against: Sequence[str]) -> dict[str, "tuple[Item, ...]"]:
    from demeanor.explain.corpora.catalogue import corpus

    sets = {}
    for text in against:
        name, sign, path = text.partition("=")
        if not sign:
            raise SettingsError(f"--against: wanted CORPUS=PATH, found {text!r}")
        sets[text] = tuple(corpus(name).read(Path(path)))
    return sets


def _lines(done: "Done") -> Iterator[str]:
    from demeanor.data_engine.split import ASIDE, GROUPS, REPORT, ROWS

    yield ", ".join(f"{name} {n}" for name, n in sorted(done.counts.items()))
    for kind, n in done.kinds.items():
        yield f"leak: {kind}: {n} pairs"
    for leak in done.leaks[:_N_SHOWN]:
        one, other = leak.splits
        yield f"  {leak.kind}: {leak.what}: {leak.first} ({one}) and {leak.second} ({other})"
    if done.not_looked_at:
        missed = len(done.not_looked_at)
        yield f"{missed} files could not be compared, such as {done.not_looked_at[0]}"
    for name in (ROWS, ASIDE, GROUPS, REPORT):
        yield str(done.folder / name)
