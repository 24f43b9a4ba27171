"""`demeanor build` of a mixture: drawn clips, words, and rows of other builds, in one file."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from demeanor.data_engine.mixture import CARD, MANIFEST, ROWS, Mixed, Mixture, load_mixture, mix
from demeanor.serve.progress import counting

_err = Console(stderr=True, highlight=False)


def run(config: str, changes: Sequence[str], out: Path, dry_run: bool, as_json: bool) -> None:
    """Raises DemeanorError where the configuration cannot be carried out."""
    wanted = load_mixture(config, changes)
    if dry_run:
        _print(planned(wanted, out), as_json)
        return
    start_s = time.perf_counter()
    done = _mixed(wanted, out)
    _print(made(done, time.perf_counter() - start_s), as_json)


def planned(config: Mixture, out: Path) -> dict[str, Any]:
    """What would be made: nothing is drawn yet, and no model is asked."""
    return {
        "folder": str(out / config.folder_name),
        "rows about drawn clips": config.mixture.rows,
        "rows about words": config.words.rows,
        "rows of other builds": [f"{path} x {weight:g}" for path, weight in config.other_rows],
        "tokens asked of a model": 0,
    }


def made(done: Mixed, took_s: float) -> dict[str, Any]:
    counts = done.manifest["counts"]
    return {
        "folder": str(done.folder),
        "rows": counts.get("rows", 0),
        "rejected": sum(n for name, n in counts.items() if name.startswith("rejected")),
        "checked in full": counts.get("checked", 0),
        "of them failed": {n[6:]: k for n, k in counts.items() if n.startswith("fails ")},
        "parts that were there": done.n_resumed,
        "seconds": round(took_s, 1),
        "files": [str(done.folder / name) for name in (ROWS, CARD, MANIFEST)],
    }


def _mixed(config: Mixture, out: Path) -> Mixed:
    with counting(_err, config.name) as move:
        return mix(config, out, lambda done, n: move(done, n, config.name))


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    for name, value in found.items():
        if name == "files":
            for path in value:
                console.print(path, markup=False)
        elif value not in ([], {}):
            told = value
            if isinstance(value, dict):
                told = ", ".join(f"{k} {n}" for k, n in value.items())
            elif isinstance(value, list):
                told = ", ".join(value)
            console.print(f"{name}: {told}", markup=False)
