"""A local model free and held to the form of a reply, on the same rows.

    python benchmarks/constrained.py local:DIR ROWS [--adapter DIR] [--quantize 4bit] [--rows 100]

Prints a Markdown table: readable replies, claims grounded, ids that do not exist, labels right,
with 95 % intervals over subjects, and tokens a second. Rows of a validation or test split where
they name one; all rows otherwise.
"""

import argparse
import time
from pathlib import Path

from demeanor.data_engine.records import Task
from demeanor.data_engine.rows import read_rows
from demeanor.data_engine.validation import (
    FIGURES,
    answer_rows,
    figures,
    spread_over_groups,
    told,
)
from demeanor.explain.pipeline import load_chat


def main() -> None:
    asked = _arguments()
    rows = [row for row in read_rows(asked.rows_from) if row.task is Task.EXP_COT]
    held_out = [row for row in rows if row.split in ("validation", "test")]
    rows = spread_over_groups(held_out or rows, asked.rows)
    found = {}
    for name, constrain in (("free", False), ("constrained", True)):
        model = load_chat(asked.chat, asked.adapter, None, asked.quantize, constrain)
        started_s = time.monotonic()
        answered = answer_rows(model, rows, asked.tokens, seed=0)
        taken_s = time.monotonic() - started_s
        n_tokens = sum(len(model._tokenizer(a.reply)["input_ids"]) for a in answered)
        found[name] = [told(figure) for figure in figures(answered)]
        found[name].append(f"{n_tokens / taken_s:.0f}")
    names = [*FIGURES.values(), "tokens a second, prompts and all"]
    print(f"{asked.chat}, {len(rows)} rows\n\n| figure | free | constrained |\n|---|---|---|")
    for name, free, held in zip(names, found["free"], found["constrained"], strict=True):
        print(f"| {name} | {free} | {held} |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chat")
    parser.add_argument("rows_from", type=Path)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--quantize")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=900)
    return parser.parse_args()


if __name__ == "__main__":
    main()
