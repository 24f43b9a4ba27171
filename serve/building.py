"""`demeanor build CONFIG`: training rows out of labelled clips, in a folder that resumes.

Exit codes: 0 every sample became a row, a reject or a refusal; 1 some failed, or the budget was
spent (the same command goes on); 2 the command itself cannot be carried out.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from demeanor.explain.errors import DemeanorError
from demeanor.serve.progress import counting, show_foreseen, with_failures

if TYPE_CHECKING:
    from demeanor.data_engine.build import Built

_err = Console(stderr=True, highlight=False)
_N_FAILURES = 5  # shown; failures.jsonl has all


def build_command(
    config: Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped build.")],
    changes: Annotated[
        list[str] | None, typer.Argument(help="section.key=value, over what the file says.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for builds.")] = Path("builds"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many, how many tokens, what cost.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document for scripts.")
    ] = False,
) -> None:
    """Build Exp-CoT training rows from labelled clips; what is wrong with a row rejects it."""
    from demeanor.data_engine.build import build, folder_of, load_engine
    from demeanor.data_engine.config import load_config
    from demeanor.data_engine.estimate import estimate
    from demeanor.data_engine.mixture import is_mixture
    from demeanor.data_engine.sources import read_source
    from demeanor.serve import mixing

    try:
        if is_mixture(config):
            mixing.run(config, changes or [], out, dry_run, as_json)
            return
        wanted = load_config(config, changes or [])
        source = read_source(wanted.source)
        engine = load_engine(wanted, source, out, _say)
        if dry_run:
            show_foreseen(estimate(engine), as_json)
            return
        with counting(_err, wanted.name) as move:

            def tell(stage: str, done: int, n: int, failed: int) -> None:
                move(done, n, with_failures(f"{wanted.name}: {stage}", failed))

            built = build(engine, folder_of(out, engine), tell)
    except DemeanorError as error:
        _err.print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    _show(built, as_json)
    raise typer.Exit(0 if built.manifest["complete"] else 1)


def _show(built: "Built", as_json: bool) -> None:
    if as_json:
        print(json.dumps(as_dict(built), ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in lines(built):
        console.print(line, markup=False)


def as_dict(built: "Built") -> dict[str, Any]:
    speed = built.speed
    return {
        "folder": str(built.folder),
        "complete": built.manifest["complete"],
        "stopped": built.stopped,
        "resumed": built.n_resumed,
        "counts": built.manifest["counts"],
        "tokens": built.manifest["tokens"],
        "usd": built.manifest["usd"],
        "speed": {
            "measured": speed.n_measured,
            "measuring_s": round(speed.measuring_s, 2),
            "built": speed.n_built,
            "building_s": round(speed.building_s, 2),
            "built_per_s": speed.built_per_s,
            "measuring_share": speed.measuring_share,
        },
        "files": [str(built.folder / name) for name in (*built.manifest["files"], "manifest.json")],
    }


def lines(built: "Built") -> Iterator[str]:
    counts, speed = built.manifest["counts"], built.speed
    yield (
        f"{counts['samples']} samples: {counts['accepted']} rows, {counts['rejected']} rejected, "
        f"{counts['refused']} refused by the teacher, {counts['failed']} failed"
    )
    if built.n_resumed:
        yield f"{built.n_resumed} of them were done before"
    if speed.n_built:
        yield (
            f"measured {speed.n_measured} in {speed.measuring_s:.1f} s, wrote {speed.n_built} in "
            f"{speed.building_s:.1f} s ({speed.built_per_s or 0.0:.0f} a second); perception took "
            f"{speed.measuring_share or 0.0:.0%} of the time"
        )
    if built.manifest["tokens"]["read"]:
        tokens = built.manifest["tokens"]
        yield (
            f"about {tokens['read']} tokens read, {tokens['written']} written, "
            f"${built.manifest['usd']:g}"
        )
    for failure in built.failures[:_N_FAILURES]:
        yield f"failed: {failure.path}: {failure.reason}"
    if built.stopped:
        yield f"Stopped: {built.stopped}. The same command goes on from there"
    for name in (*built.manifest["files"], "manifest.json"):
        yield str(built.folder / name)


def _say(line: str) -> None:
    _err.print(line, soft_wrap=True, markup=False)
