"""`demeanor finetune`, `merge` and `export-base`.

Exit codes: 0 done, 1 what was written does not answer as the tuned model did (and is not kept),
2 the command itself cannot be carried out.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from demeanor.explain.errors import DemeanorError
from demeanor.serve.progress import counting, show_foreseen

if TYPE_CHECKING:
    from demeanor.data_engine.finetune import Tuned
    from demeanor.data_engine.merge import Written

_err = Console(stderr=True, highlight=False)
Adapter = Annotated[Path, typer.Argument(help="The adapter's folder.")]
Base = Annotated[
    str | None, typer.Option(help="Folder or hub name, where the adapter's own is elsewhere now.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts.")]
Into = Annotated[Path, typer.Option("--out", "-o", help="Folder to make; it must not exist.")]


def finetune_command(
    config: Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped tuning.")],
    changes: Annotated[
        list[str] | None, typer.Argument(help="section.key=value, over what the file says.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for runs.")] = Path("runs"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how large, how many tokens; show one row.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tune a language model on rows of training data; the same command resumes."""
    from demeanor.data_engine.dry_run import plan
    from demeanor.data_engine.finetune import finetune, prepare
    from demeanor.data_engine.trainers import quietly
    from demeanor.data_engine.tuning import load_tuning

    try:
        with quietly():
            prepared = prepare(load_tuning(config, changes or []), out)
            if dry_run:
                show_foreseen(plan(prepared), as_json)
                return
            title = prepared.config.name
            with counting(_err, title) as move:
                tuned = finetune(
                    prepared, lambda stage, step, of: move(step, of, f"{title}: {stage}")
                )
    except DemeanorError as error:
        raise _refused(error) from error
    _show(tuned, as_json)


def merge_command(adapter: Adapter, out: Into, base: Base = None, as_json: AsJson = False) -> None:
    """Make one model of a base and its adapter; kept only if it answers as they did together."""
    from demeanor.data_engine.merge import merge

    _write(lambda: merge(adapter, out, base, _say), as_json)


def export_base_command(
    adapter: Adapter, out: Into, base: Base = None, as_json: AsJson = False
) -> None:
    """Write the base as a 4-bit adapter knows it, in whole weights, to serve the adapter on."""
    from demeanor.data_engine.merge import export_base

    _write(lambda: export_base(adapter, out, base, _say), as_json)


def _write(work: Any, as_json: bool) -> None:
    from demeanor.data_engine.merge import Disagrees
    from demeanor.data_engine.trainers import quietly

    try:
        with quietly():
            written: Written = work()
    except Disagrees as error:
        _err.print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(1) from error
    except DemeanorError as error:
        raise _refused(error) from error
    if as_json:
        found = {"folder": str(written.folder), "agreement": asdict(written.agreement)}
        print(json.dumps(found, indent=1))
        return
    _say(str(written.agreement))
    print(written.folder)


def _refused(error: DemeanorError) -> typer.Exit:
    _err.print(f"Error: {error}", soft_wrap=True, markup=False)
    return typer.Exit(2)


def _show(tuned: "Tuned", as_json: bool) -> None:
    if as_json:
        print(json.dumps(as_dict(tuned), ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in lines(tuned):
        console.print(line, markup=False)


def as_dict(tuned: "Tuned") -> dict[str, Any]:
    return {
        "folder": str(tuned.folder),
        "adapter": str(tuned.adapter),
        "base": tuned.base,
        "was_done": tuned.was_done,
        "stages": {name: asdict(one) for name, one in tuned.learnt.items()},
        "figures": [asdict(figure) for figure in tuned.figures],
        "notes": list(tuned.notes),
    }


def lines(tuned: "Tuned") -> Iterator[str]:
    from demeanor.data_engine.validation import FIGURES, told

    if tuned.was_done:
        yield "All stages were done before"
    for name, one in tuned.learnt.items():
        best = one.best_validation_loss
        yield (
            f"{name}: {one.steps} steps in {one.seconds:.0f} s, loss {_loss(one.first_loss)} to "
            f"{_loss(one.last_loss)}, on validation {_loss(best)}"
            f"{' (ended early)' if one.stopped_early else ''}"
        )
    for figure in tuned.figures:
        yield f"{FIGURES[figure.name]}: {told(figure)}"
    yield from tuned.notes
    yield str(tuned.adapter)


def _loss(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _say(line: str) -> None:
    _err.print(line, soft_wrap=True, markup=False)
