"""`demeanor finetune`: stages of tuning, one after another, in a folder that resumes.

    rows → tokens and masks → stage → stage → … → adapter, with figures and a card

Each stage starts on a base loaded anew, with the adapter that the stage before left. So a run that
was killed goes on as if it had not been: the same command finds the same folder by what it is
made of, skips the stages that are done, and takes up the broken one at its last checkpoint.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from demeanor.data_engine import adapter_card
from demeanor.data_engine.bases import (
    base_for,
    check_extras,
    load_base,
    load_tokenizer,
    save_adapter,
    with_lora,
    with_new_lora,
)
from demeanor.data_engine.masks import Encoded, encode, method
from demeanor.data_engine.pairs import Pair, read_pairs
from demeanor.data_engine.records import ExpCoTExample, RowError
from demeanor.data_engine.trainers import Learnt, Tell, Work, is_first_process, run_stage
from demeanor.data_engine.tune_rows import Mixture, read_mixture
from demeanor.data_engine.tuning import NF4, Kind, StageConfig, TuneConfig
from demeanor.data_engine.validation import (
    Figure,
    answer_rows,
    figures,
    spread_over_groups,
    write_answers,
)
from demeanor.explain.pipeline import load_chat
from demeanor.explain.store import from_plain, to_plain, write_atomic

ADAPTER, BASE, STAGES, DONE = "adapter", "base", "stages", "done.json"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    folder: Path
    adapter: Path
    base: str
    learnt: dict[str, Learnt]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    was_done: bool  # everything was there already


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything but the weights: what `--dry-run` looks at, and what tuning starts from."""

    config: TuneConfig
    folder: Path
    base: str
    tokenizer: Any
    mixture: Mixture
    pairs: tuple[Pair, ...]


def prepare(config: TuneConfig, out: Path) -> Prepared:
    """Raises DemeanorError for rows that cannot be used and bases that cannot be had."""
    check_extras()
    mixture = read_mixture(config.data, config.seed)
    pairs = tuple(read_pairs(config.data.pairs)) if _prefers(config) and config.data.pairs else ()
    folder = folder_of(config, mixture, pairs, out)
    texts = (m.content for row in mixture.train for m in row.messages)
    base = base_for(config, texts, folder / BASE)
    return Prepared(config, folder, base, load_tokenizer(base), mixture, pairs)


def _prefers(config: TuneConfig) -> bool:
    return any(stage.kind is Kind.DPO for stage in config.running.values())


def folder_of(config: TuneConfig, mixture: Mixture, pairs: Sequence[Pair], out: Path) -> Path:
    """Named by what is learnt from what; where the rows lie does not matter."""
    told = to_plain(replace(config, data=replace(config.data, rows=(), pairs=None)))
    told["final"] = None  # measured anew, nothing is learnt from it
    prefer = [[m.content for m in p.messages] + [p.chosen, p.rejected] for p in pairs]
    text = json.dumps([told, mixture.sha256, prefer], sort_keys=True)
    name = re.sub(r"[^A-Za-z0-9.]+", "-", config.name).strip("-")[:40] or "tuning"
    return out / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def finetune(prepared: Prepared, tell: Tell = lambda stage, step, of: None) -> Tuned:
    """All stages, then the adapter's folder. Raises DemeanorError."""
    check_extras(training=True)
    adapter, learnt, ran = None, {}, False
    for name, stage in prepared.config.running.items():
        place = prepared.folder / STAGES / name
        done = _done(place)
        if done is None:
            ran = True
            done = _run(prepared, name, stage, adapter, place, tell)
        learnt[name], adapter = done, place / ADAPTER
    if adapter is None:
        raise RowError("wanted a stage to run, found none")
    return _finished(prepared, adapter, learnt, tell, ran)


def _done(place: Path) -> Learnt | None:
    file = place / DONE
    if not file.is_file():
        return None
    made: Learnt = from_plain(Learnt, json.loads(file.read_text("utf-8")))
    return made


def _run(
    prepared: Prepared,
    name: str,
    stage: StageConfig,
    adapter: Path | None,
    place: Path,
    tell: Tell,
) -> Learnt:
    config = prepared.config
    work = work_for(prepared, name, stage)
    loaded = load_base(prepared.base, config.weights)
    if adapter is None:
        model = with_new_lora(loaded.model, config.lora, config.seed)
    else:
        model = with_lora(loaded.model, adapter, trainable=True)
    learnt = run_stage(work, config, loaded.tokenizer, model, place, tell)
    if is_first_process():
        save_adapter(model, loaded.tokenizer, place / ADAPTER)
        text = json.dumps(to_plain(learnt), indent=1)
        write_atomic(place / DONE, text + "\n")
        for checkpoint in place.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
    return learnt


# A stage's rows -------------------------------------------------------------------------------


def work_for(prepared: Prepared, name: str, stage: StageConfig) -> Work:
    """Raises RowError where a stage would have nothing to learn from, or to be validated on."""
    mixture, seed = prepared.mixture, prepared.config.seed
    if stage.kind is Kind.DPO:
        return _preferring(prepared, name, stage)
    rows, held_out = mixture.repeated(stage, seed), mixture.held_out(stage)
    _refuse_empty(name, rows, held_out)
    if stage.kind is Kind.GRPO:
        return Work(name, stage, asked=rows, asked_validation=held_out)
    most = prepared.config.data.max_tokens
    train, _ = encoded(prepared.tokenizer, rows, most)
    validation, _ = encoded(prepared.tokenizer, held_out, most)
    _refuse_empty(name, train, validation)
    return Work(name, stage, train, validation)


def encoded(
    tokenizer: Any, rows: Iterable[ExpCoTExample], most: int
) -> tuple[list[Encoded], list[ExpCoTExample]]:
    """Rows as tokens, and the rows that are too long: they are left out, not cut."""
    found, left_out = [], []
    known: dict[str, Encoded] = {}  # a row that is seen several times is made into tokens once
    for row in rows:
        if row.example_id not in known:
            known[row.example_id] = encode(tokenizer, row.messages)
        one = known[row.example_id]
        (found.append(one) if len(one.ids) <= most else left_out.append(row))
    return found, left_out


def _preferring(prepared: Prepared, name: str, stage: StageConfig) -> Work:
    """Pairs about a validation subject, or a clip of theirs, validate; others teach."""
    held = {row.group or row.clip_id for row in prepared.mixture.validation}
    held |= {row.messages[-2].content for row in prepared.mixture.validation}
    validation = [p for p in prepared.pairs if {p.group, p.messages[-1].content} & held]
    train = [p for p in prepared.pairs if p not in validation]
    if not validation and len(train) > 1:  # pairs of other people: hold back some of them
        n = max(1, round(prepared.config.data.validation * len(train)))
        ordered = sorted(train, key=lambda p: hashlib.sha256(p.group.encode()).digest())
        last = {p.group for p in ordered[:n]}
        validation = [p for p in train if p.group in last]
        train = [p for p in train if p.group not in last]
    _refuse_empty(name, train, validation)
    return Work(name, stage, pairs=train, pairs_validation=validation)


def _refuse_empty(name: str, train: Sequence[Any], validation: Sequence[Any]) -> None:
    if not train or not validation:
        raise RowError(
            f"stage {name}: wanted rows to learn from and to validate on, found {len(train)} and "
            f"{len(validation)} of its kind and length. See tasks, view and data.max_tokens"
        )


# The adapter's folder -------------------------------------------------------------------------


def _finished(
    prepared: Prepared, last: Path, learnt: dict[str, Learnt], tell: Tell, ran: bool
) -> Tuned:
    folder = prepared.folder / ADAPTER
    notes = notes_on(prepared)
    if is_first_process() and (ran or not (folder / adapter_card.MANIFEST).is_file()):
        _copy(last, folder)
        measured = _measured(prepared, folder, tell)
        found = adapter_card.manifest(
            prepared.config, prepared.base, prepared.mixture, learnt, measured, notes
        )
        adapter_card.write_folder(folder, prepared.config, found)
    kept = _kept_figures(folder)
    return Tuned(prepared.folder, folder, prepared.base, learnt, kept, notes, not ran)


def _copy(source: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part, ignore=shutil.ignore_patterns("README.md"))
    part.rename(folder)


def notes_on(prepared: Prepared) -> tuple[str, ...]:
    return (f"loss on answers alone, {method(prepared.tokenizer)}",)


def _measured(prepared: Prepared, folder: Path, tell: Tell) -> list[Figure]:
    final = prepared.config.final
    rows = spread_over_groups(prepared.mixture.validation, final.rows)
    if not rows:
        return []
    bits = "4bit" if prepared.config.weights.quantize == NF4 else None
    model = load_chat(f"local:{prepared.base}", folder, None, bits, final.constrain)
    answered = answer_rows(
        model,
        rows,
        final.reply_tokens,
        prepared.config.seed,
        lambda done, n: tell("validation", done, n),
    )
    write_answers(answered, prepared.folder / "validation.jsonl")
    return figures(answered, prepared.config.seed)


def _kept_figures(folder: Path) -> tuple[Figure, ...]:
    file = folder / adapter_card.MANIFEST
    found = json.loads(file.read_text("utf-8"))["figures"] if file.is_file() else []
    return tuple(from_plain(Figure, one) for one in found)
