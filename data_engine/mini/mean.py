"""python -m demeanor.data_engine.mini.mean --out OUT MODEL=0.7 MODEL=0.3: the mean of models."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demeanor.data_engine.mini.make import MANIFEST, save
from demeanor.data_engine.mini.tokens import read_tokenizer
from demeanor.data_engine.mini.train import read_model

_OF_ONE_RUN = ("training", "lessons", "lesson_tokens", "before", "mean")


def mean(folders: Sequence[Path], shares: Sequence[float], out: Path) -> dict[str, Any]:
    """Writes the mean of models that were made one from the other. shares sum to 1."""
    if abs(sum(shares) - 1.0) > 1e-6:
        raise ValueError(f"wanted shares that sum to 1, found {', '.join(map(str, shares))}")
    before = [json.loads((folder / MANIFEST).read_text("utf-8")) for folder in folders]
    own = {key: value for key, value in before[0].items() if key not in _OF_ONE_RUN}
    manifest = {**own, "mean": list(shares), "before": before}
    save(read_model(folders, shares), read_tokenizer(folders[0]), manifest, out)
    return manifest


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demeanor.data_engine.mini.mean")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("parts", nargs="+", metavar="MODEL=SHARE")
    asked = parser.parse_args()
    parts = [part.rpartition("=") for part in asked.parts]
    mean([Path(folder) for folder, _, _ in parts], [float(s) for _, _, s in parts], asked.out)


if __name__ == "__main__":
    main()
