"""Rows to learn from: read, mixed by weight, held out by subject, and seen as a stage asks.

What is held out for validation shares no subject, video or clip with what is learnt from. Where
rows name their splits, those are kept (rows of a test split are never looked at); else subjects
are drawn by a hash of their name, so that adding rows moves nobody.
"""

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from demeanor.data_engine.drawn import drawn_rows
from demeanor.data_engine.records import ExpCoTExample, RowError, Task, to_line
from demeanor.data_engine.rows import read_rows
from demeanor.data_engine.tuning import DataConfig, StageConfig, View
from demeanor.explain.corpora.labels import known_label_sets, label_set
from demeanor.explain.reasoning.chat import Message
from demeanor.prompts import load_prompt

TRAIN, VALIDATION, TEST = "train", "validation", "test"
CARD = "card.md"
_BAR = "| "
NOBODY = "nobody in particular; voice and words only"


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    train: tuple[ExpCoTExample, ...]  # each once; `weights` says how often it is seen
    weights: tuple[float, ...]
    validation: tuple[ExpCoTExample, ...]
    n_test: int  # left alone
    drawn: bool
    sha256: str  # of all rows with their weights
    cards: tuple[tuple[str, str], ...]  # name of a source, sha256 of its data card

    def repeated(self, stage: StageConfig, seed: int) -> list[ExpCoTExample]:
        """One epoch's rows as the stage sees them: 2.5 is twice, and once more for half of them."""
        draw = random.Random(seed)  # noqa: S311 no secrets
        found = []
        for row, weight in zip(self.train, self.weights, strict=True):
            times = int(weight) + (draw.random() < weight % 1)
            if times and (seen := as_seen(row, stage)) is not None:
                found.extend([seen] * times)
        return found

    def held_out(self, stage: StageConfig) -> list[ExpCoTExample]:
        return [seen for row in self.validation if (seen := as_seen(row, stage)) is not None]


def read_mixture(config: DataConfig, seed: int) -> Mixture:
    """Raises RowError for rows that cannot be read, or that leave one side empty."""
    rows, weights = _rows(config, seed)
    sides = _sides(rows, config.validation)
    train = [k for k, side in enumerate(sides) if side == TRAIN]
    validation = tuple(row for row, side in zip(rows, sides, strict=True) if side == VALIDATION)
    if not train or not validation:
        raise RowError(
            f"wanted rows to learn from and rows to validate on, found {len(train)} and "
            f"{len(validation)} of {len(rows)}. More subjects, or another data.validation"
        )
    return Mixture(
        train=tuple(rows[k] for k in train),
        weights=tuple(weights[k] for k in train),
        validation=validation,
        n_test=sides.count(TEST),
        drawn=not config.rows,
        sha256=_digest(rows, weights),
        cards=tuple(_card(mixed.path) for mixed in config.rows),
    )


def _rows(config: DataConfig, seed: int) -> tuple[list[ExpCoTExample], list[float]]:
    if not config.rows:
        rows = list(drawn_rows(config.drawn, seed))
        return rows, [row.weight for row in rows]
    found = [(row, m.weight * row.weight) for m in config.rows for row in read_rows(m.path)]
    without = [row for row, _ in found if not row.answer]
    if without:
        raise RowError(f"row {without[0].example_id}: wanted an answer at its end, found none")
    return [row for row, _ in found], [weight for _, weight in found]


def _digest(rows: Sequence[ExpCoTExample], weights: Sequence[float]) -> str:
    digest = hashlib.sha256()
    for row, weight in zip(rows, weights, strict=True):
        digest.update(f"{to_line(row)}{weight}\n".encode())
    return digest.hexdigest()


def _card(path: Path) -> tuple[str, str]:
    """Of the data card beside the rows; "no card" where there is none."""
    card = (path if path.is_dir() else path.parent) / CARD
    if not card.is_file():
        return path.name, "no card"
    return path.name, hashlib.sha256(card.read_bytes()).hexdigest()


# Splits ---------------------------------------------------------------------------------------


def _sides(rows: Sequence[ExpCoTExample], share: float) -> list[str]:
    told = [row.split if row.split in (TRAIN, VALIDATION, TEST) else None for row in rows]
    if VALIDATION in told:
        sides = [side or TRAIN for side in told]
    else:
        open_ = [side != TEST for side in told]
        held = _held_out(
            (g for row, o in zip(rows, open_, strict=True) if o for g in [_of(row)]), share
        )
        sides = [
            TEST if not o else VALIDATION if _of(row) in held else TRAIN
            for row, o in zip(rows, open_, strict=True)
        ]
    _refuse_shared(rows, sides)
    return sides


def _of(row: ExpCoTExample) -> str:
    return row.group or row.clip_id


def _held_out(groups: Iterable[str], share: float) -> set[str]:
    """The groups of least hash, `share` of them and at least one."""
    ordered = sorted(set(groups), key=lambda name: hashlib.sha256(name.encode()).digest())
    return set(ordered[: max(1, round(share * len(ordered)))])


def _refuse_shared(rows: Sequence[ExpCoTExample], sides: Sequence[str]) -> None:
    """One person on both sides would make the validation a test of memory."""
    for name in ("subject", "video", "clip_id"):
        seen: dict[str, set[str]] = {}
        for row, side in zip(rows, sides, strict=True):
            value = row.clip_id if name == "clip_id" else getattr(row.origin, name)
            if value is not None:
                seen.setdefault(value, set()).add(side)
        shared = [value for value, found in seen.items() if {TRAIN, VALIDATION} <= found]
        if shared:
            raise RowError(
                f"{len(shared)} {name}s are in train and in validation, {shared[0]} among them."
                " Split the rows anew by subject"
            )


# Views ----------------------------------------------------------------------------------------


def as_seen(row: ExpCoTExample, stage: StageConfig) -> ExpCoTExample | None:
    """None: the stage does not learn from rows of this kind."""
    if stage.tasks and row.task not in stage.tasks:
        return None
    return label_first(row) if stage.view is View.LABELS else row


def label_first(row: ExpCoTExample) -> ExpCoTExample | None:
    """The same clip, asked for labels alone. None for rows that have no label of a set."""
    if row.task is Task.LABEL:
        return row
    names = labels_of(row)
    timeline = _timeline(row.messages)
    if row.task is not Task.EXP_COT or not names or not row.labels or timeline is None:
        return None
    question = load_prompt("label_first").fill(
        person=row.extra.get("person") or NOBODY,
        timeline=timeline,
        label_set=str(row.label_set),
        labels=", ".join(names),
    )
    answer = {"labels": _open_labels(row), "best_fit": row.labels[0]}
    system = tuple(m for m in row.messages if m.role == "system")
    asked = (*system, Message("user", question))
    said = Message("assistant", json.dumps(answer, ensure_ascii=False))
    return replace(row, task=Task.LABEL, messages=(*asked, said))


def labels_of(row: ExpCoTExample) -> tuple[str, ...]:
    """The closed set that the row chooses from; () for open words."""
    if row.label_set is None:
        return ()
    if row.label_set in known_label_sets():
        return label_set(row.label_set).labels
    return tuple(row.provenance.settings.get("labels") or row.labels)


def _timeline(messages: Sequence[Message]) -> str | None:
    """What stands behind bars in the question, bars and all."""
    asked = next((m.content for m in messages if m.role == "user"), "")
    lines = [line for line in asked.splitlines() if line.startswith(_BAR)]
    return "\n".join(lines) or None


def _open_labels(row: ExpCoTExample) -> list[str]:
    try:
        found = json.loads(row.answer).get("labels")
    except (ValueError, AttributeError):
        found = None
    return [str(label) for label in found] if found else list(row.labels)
