"""What a tuning is asked for: a YAML file, with `key=value` on the command line over it.

A file names a base (or has a small one made), rows, and stages that follow one another, each from
the adapter that the one before left. Every key but base, rows and stages has a default; a key
that nobody knows is an error. Paths in a file are looked for from the file's folder.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from demeanor.data_engine.config import (
    change_data,
    shipped_configs,
    shipped_mapping,
    typed_section,
    yaml_mapping,
)
from demeanor.data_engine.records import Task
from demeanor.explain.errors import SettingsError

_EXPONENT = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+")  # YAML 1.1 takes 2e-4 for a word
NF4, WHOLE = "nf4", "none"


class Kind(StrEnum):
    SFT = "sft"  # say what the rows say
    DPO = "dpo"  # prefer one answer of a pair to the other
    GRPO = "grpo"  # write, be scored, do more of what scored better than its siblings


class View(StrEnum):
    ROWS = "rows"  # as they stand
    LABELS = "labels"  # the labels alone, asked for by prompts/label_first.md


@dataclass(frozen=True, slots=True)
class MadeBase:
    """A random LLaMA with a tokenizer learnt from the rows: for trials and tests."""

    layers: int = 2
    hidden: int = 64  # a multiple of 64: bitsandbytes quantises blocks of that many
    heads: int = 4
    vocabulary: int = 1024
    max_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class Mixed:
    """Rows of one file or build folder, and how often they are seen in an epoch."""

    path: Path
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class DataConfig:
    rows: tuple[Mixed, ...] = ()  # YAML: a path, or a list of paths or of {path, weight}
    drawn: int = 0  # so many drawn rows instead: for trials, they teach nothing true
    pairs: Path | None = None  # preference pairs, or a build's folder: what was taken and what not
    validation: float = 0.1  # share of subjects, where the rows name no validation split
    max_tokens: int = 4096  # longer rows are left out, and counted: half an answer teaches a break


@dataclass(frozen=True, slots=True)
class WeightsConfig:
    quantize: str = NF4  # nf4, or none
    double_quant: bool = True
    compute: str = "bfloat16"  # what 4-bit weights are unpacked to, and whole ones loaded as
    attention: str = "sdpa"


@dataclass(frozen=True, slots=True)
class LoraConfig:
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    targets: str = "all-linear"  # or names, with commas between them


@dataclass(frozen=True, slots=True)
class StageConfig:
    kind: Kind = Kind.SFT
    view: View = View.ROWS
    tasks: tuple[Task, ...] = ()  # none: all
    skip: bool = False
    epochs: float = 1.0
    steps: int | None = None  # instead of epochs
    learning_rate: float = 2e-4
    warmup: float = 0.03  # share of the steps
    schedule: str = "cosine"
    weight_decay: float = 0.0
    clip: float = 0.3  # of the gradient's norm, as in QLoRA (Dettmers et al. 2023)
    batch: int = 1  # sequences at once, a device
    accumulate: int = 16
    optimizer: str = "paged_adamw_8bit"
    packing: bool = False  # several rows in one sequence; none of them sees the others
    gradient_checkpointing: bool = True
    evaluate_every: int = 50  # steps; a checkpoint is kept at each
    patience: int = 3  # evaluations without a better loss, until it ends; 0: never
    beta: float = 0.1  # DPO, GRPO: how far from the stage before
    group: int = 8  # GRPO: answers to one prompt
    reply_tokens: int = 900  # GRPO: of one answer
    temperature: float = 0.9  # GRPO


@dataclass(frozen=True, slots=True)
class FinalConfig:
    """What is measured on the validation rows when all stages are done."""

    rows: int = 64  # answered in full; 0: none
    reply_tokens: int = 900
    constrain: bool = False


@dataclass(frozen=True, slots=True)
class TuneConfig:
    name: str
    stages: dict[str, StageConfig]
    base: str | None = None  # a folder, or a hub name
    make: MadeBase | None = None
    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    weights: WeightsConfig = field(default_factory=WeightsConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    final: FinalConfig = field(default_factory=FinalConfig)

    @property
    def running(self) -> dict[str, StageConfig]:
        return {name: stage for name, stage in self.stages.items() if not stage.skip}


def shipped_tunings() -> tuple[str, ...]:
    return shipped_configs(tunings=True)


def load_tuning(name_or_path: str | Path, changes: Sequence[str] = ()) -> TuneConfig:
    """A shipped tuning by its name, or a file, with `section.key=value` over it.

    Raises SettingsError for unknown keys, wrong types, no base, no rows, no stage.
    """
    data = _read(name_or_path)
    for change in changes:
        change_data(data, change)
    config = _typed(_numbers(data))
    _check(config, str(name_or_path))
    return config


def _read(name_or_path: str | Path) -> dict[str, Any]:
    if str(name_or_path) in shipped_tunings():
        return shipped_mapping(str(name_or_path))
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(shipped_tunings())
        raise SettingsError(f"{path}: no such file, and no shipped tuning. Shipped: {known}")
    try:
        data = yaml_mapping(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not readable as text: {error}") from error
    return _from_its_folder(data, path.parent)


def _from_its_folder(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    found = data.get("data")
    if isinstance(found, dict):
        if "rows" in found:
            found["rows"] = [
                {**row, "path": _beside(folder, row["path"])} for row in _mixed(found["rows"])
            ]
        if isinstance(found.get("pairs"), str):
            found["pairs"] = _beside(folder, found["pairs"])
    base = data.get("base")
    if isinstance(base, str) and base.startswith("."):  # else it may be a hub's owner/name
        data["base"] = _beside(folder, base)
    return data


def _beside(folder: Path, path: Any) -> str:
    return str(folder / Path(str(path)).expanduser())


def _mixed(rows: Any) -> list[dict[str, Any]]:
    """A path, or a list of paths or of {path, weight}, as a list of the latter."""
    rows = rows if isinstance(rows, list | tuple) else [rows] if rows else []
    found = [{"path": str(r)} if isinstance(r, str | Path) else r for r in rows]
    if bad := [row for row in found if not isinstance(row, dict) or "path" not in row]:
        raise SettingsError(f"data.rows: wanted a path, or path and weight, found {bad[0]!r}")
    return found


def _numbers(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _numbers(value) for key, value in data.items()}
    if isinstance(data, str) and _EXPONENT.fullmatch(data):
        return float(data)
    return data


def _typed(data: Mapping[str, Any]) -> TuneConfig:
    kinds = {f.name: f.type for f in fields(TuneConfig)}
    if unknown := sorted(set(data) - set(kinds)):
        raise SettingsError(f"unknown keys {unknown}; known: {sorted(kinds)}")
    values = {name: _section(name, kinds[name], value) for name, value in data.items()}
    return TuneConfig(**{"name": "tuning", "stages": {}, **values})


def _section(name: str, kind: Any, value: Any) -> Any:
    if name == "stages":
        return _stages(value)
    if name == "make" and value is not None:
        return typed_section(name, MadeBase, value)
    if name == "data" and isinstance(value, dict) and "rows" in value:
        rows = tuple(
            typed_section(f"data.rows[{n}]", Mixed, row)
            for n, row in enumerate(_mixed(value["rows"]))
        )
        rest = {key: v for key, v in value.items() if key != "rows"}
        made: DataConfig = typed_section(name, DataConfig, rest)
        return DataConfig(rows, made.drawn, made.pairs, made.validation, made.max_tokens)
    return typed_section(name, kind, value)


def _stages(value: Any) -> dict[str, StageConfig]:
    if not isinstance(value, dict):
        raise SettingsError(f"stages: wanted name: settings for each, found {value!r}")
    return {
        str(name): typed_section(f"stages.{name}", StageConfig, stage or {})
        for name, stage in value.items()
    }


def _check(config: TuneConfig, name: str) -> None:
    if (config.base is None) == (config.make is None):
        raise SettingsError(f"{name}: wanted a base or make, one of them. base=DIR_OR_HUB")
    if not config.running:
        raise SettingsError(f"{name}: wanted stages, found none to run")
    if not config.data.rows and not config.data.drawn:
        raise SettingsError(f"{name}: wanted data.rows. Name them: data.rows=BUILD_FOLDER")
    if config.weights.quantize not in (NF4, WHOLE):
        raise SettingsError(
            f"weights.quantize: wanted {NF4} or {WHOLE}, found {config.weights.quantize!r}"
        )
    if not 0 < config.data.validation < 1:
        raise SettingsError(
            f"data.validation: wanted a share above 0 and below 1, found {config.data.validation}"
        )
    preferring = [n for n, s in config.running.items() if s.kind is Kind.DPO]
    if preferring and config.data.pairs is None:
        raise SettingsError(
            f"stages.{preferring[0]}: wanted data.pairs, a file of pairs or a build's folder"
        )
    for stage_name, stage in config.running.items():
        _check_stage(f"stages.{stage_name}", stage)


def _check_stage(name: str, stage: StageConfig) -> None:
    if min(stage.batch, stage.accumulate, stage.evaluate_every, stage.group) < 1:
        raise SettingsError(f"{name}: batch, accumulate, evaluate_every and group start at 1")
    if stage.kind is Kind.GRPO and stage.group < 2:
        raise SettingsError(f"{name}: wanted a group of 2 or more: answers are compared in it")
    if stage.packing and stage.kind is not Kind.SFT:
        raise SettingsError(f"{name}: packing goes with kind sft")
