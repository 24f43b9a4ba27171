"""What lies in an adapter's folder beside its weights: how it was made, and a card for people."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

import demeanor.explain
from demeanor.data_engine.card import versions
from demeanor.data_engine.trainers import Learnt
from demeanor.data_engine.tune_rows import Mixture
from demeanor.data_engine.tuning import NF4, TuneConfig
from demeanor.data_engine.validation import FIGURES, Figure, told
from demeanor.explain.reasoning.chain import prompt_sha256
from demeanor.explain.store import to_plain, write_atomic
from demeanor.prompts import load_prompt

SCHEMA = "demeanor-adapter-1"
MANIFEST, CONFIG, CARD = "demeanor.json", "config.yaml", "README.md"
_LIMITS = (
    "Labels say what observers perceived, not what anybody felt. The model says what a person "
    "appears to show in one clip, from a timeline of estimates; it is no measure of emotion, "
    "health, character or honesty, and no ground for a decision about anybody.",
    "It has learnt from texts that a teacher wrote and checks let pass. What the teacher's rules "
    "or the perception get wrong, it has learnt as well.",
    "The figures are of rows made in the same way as those it learnt from. They do not tell how it "
    "does on other cameras, languages, cultures or ages.",
    "Its grounding is checked by `demeanor explain` at every use; whoever runs it elsewhere runs "
    "it unchecked.",
)


def manifest(
    config: TuneConfig,
    base: str,
    mixture: Mixture,
    learnt: Mapping[str, Learnt],
    figures: Sequence[Figure],
    notes: Sequence[str],
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "demeanor": demeanor.explain.__version__,
        "name": config.name,
        "base": base,
        "quantize": config.weights.quantize if config.weights.quantize == NF4 else None,
        "compute": config.weights.compute,
        "prompt_sha256": prompt_sha256(),
        "label_first_sha256": load_prompt("label_first").sha256,
        "rows_sha256": mixture.sha256,
        "data_cards": dict(mixture.cards),
        "data": counts(mixture),
        "stages": {name: to_plain(one) for name, one in learnt.items()},
        "figures": [to_plain(figure) for figure in figures],
        "notes": list(notes),
        "seed": config.seed,
        "versions": versions(),
    }


def counts(mixture: Mixture) -> dict[str, Any]:
    rows = mixture.train
    return {
        "train": len(rows),
        "validation": len(mixture.validation),
        "test_left_alone": mixture.n_test,
        "subjects": len({row.group or row.clip_id for row in rows}),
        "tasks": dict(Counter(row.task.value for row in rows).most_common()),
        "labels": dict(Counter(", ".join(row.labels) or "none" for row in rows).most_common()),
        "sources": dict(Counter(_source(row.origin) for row in rows).most_common()),
        "teachers": dict(Counter(row.provenance.model for row in rows).most_common()),
        "drawn": mixture.drawn,
    }


def _source(origin: Any) -> str:
    return f"{origin.corpus} ({origin.licence or 'licence not named'})"


def write_folder(folder: Path, config: TuneConfig, found: Mapping[str, Any]) -> list[Path]:
    """The resolved configuration, the card, and the manifest last: it says that all is here."""
    text = json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    resolved = yaml.safe_dump(to_plain(config), sort_keys=False, allow_unicode=True)
    return [
        write_atomic(folder / CONFIG, resolved),
        write_atomic(folder / CARD, card(found)),
        write_atomic(folder / MANIFEST, text),
    ]


def file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Card -----------------------------------------------------------------------------------------


def card(found: Mapping[str, Any]) -> str:
    data = found["data"]
    quantized = f", {found['quantize']} weights" if found["quantize"] else ""
    head = {
        "Base": f"`{found['base']}`{quantized}: its licence holds for what is made from it",
        "Made with": f"Demeanor {found['demeanor']}, seed {found['seed']}",
        "Rows": f"{data['train']} of {data['subjects']} subjects to learn from, "
        f"{data['validation']} of other subjects to validate on, {data['test_left_alone']} of a "
        "test split left alone",
        "Sources and licences": _counted(data["sources"]),
        "Teachers": _counted(data["teachers"]),
        "Tasks": _counted(data["tasks"]),
        "Labels": _counted(data["labels"]),
        "Rows (SHA-256)": f"`{found['rows_sha256']}`",
        "Data cards (SHA-256)": _counted(found["data_cards"]) or "none",
        "Prompts (SHA-256)": f"`{found['prompt_sha256']}`",
    }
    limits = list(_LIMITS)
    if data["drawn"]:
        limits.insert(0, "**A trial.** Its rows are drawn, not observed: it knows nothing true.")
    parts = [
        f"---\nlibrary_name: peft\nbase_model: {json.dumps(found['base'])}\n"
        "tags: [demeanor, lora]\n---",
        f"# {found['name']}: a Demeanor adapter",
        "\n".join(f"- **{name}**: {value}" for name, value in head.items()),
        "## Stages",
        _stages(found["stages"]),
        "## On the validation rows",
        _figures(found["figures"]),
        "\n".join(f"- {note}" for note in found["notes"]),
        "## Use",
        _use(found),
        "## Limits",
        "\n".join(f"- {limit}" for limit in limits),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _counted(found: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {n}" for name, n in found.items())


def _stages(stages: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        "| stage | steps | loss, first | last | validation, best | seconds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in stages.items():
        losses = (one["first_loss"], one["last_loss"], one["best_validation_loss"])
        shown = " | ".join("–" if x is None else f"{x:.3f}" for x in losses)
        early = " (early)" if one["stopped_early"] else ""
        lines.append(f"| {name} | {one['steps']}{early} | {shown} | {one['seconds']:.0f} |")
    return "\n".join(lines)


def _figures(found: Sequence[Mapping[str, Any]]) -> str:
    """With 95 % intervals over subjects."""
    if not found:
        return "No row was answered in full (`final.rows=0`)."
    lines = ["| figure | value (95 % interval over subjects) |", "|---|---|"]
    for one in found:
        interval = tuple(one["interval"]) if one["interval"] else None
        figure = Figure(one["name"], one["value"], interval, one["n"], one["groups"])
        lines.append(f"| {FIGURES[figure.name]} | {told(figure)} |")
    return "\n".join(lines)


def _use(found: Mapping[str, Any]) -> str:
    bits = " --quantize 4bit" if found["quantize"] else ""
    lines = [
        "```sh",
        f"demeanor explain CLIP --chat local:{found['base']} --adapter THIS_FOLDER{bits}",
        "demeanor merge THIS_FOLDER -o MERGED        # one model, no adapter",
        "demeanor export-base THIS_FOLDER -o BASE    # the base as it was tuned on, whole weights",
        "vllm serve BASE --enable-lora --lora-modules demeanor=THIS_FOLDER",
        "```",
    ]
    if found["quantize"]:
        lines.append(
            "It was tuned on 4-bit weights and mends their rounding: on the untouched base it says "
            "something else. Serve it on the exported base, or merged."
        )
    return "\n".join(lines)
