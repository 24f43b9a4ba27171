"""`demeanor eval judge`: a judge asked how far texts name the clues, or the labels, of others."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demeanor.explain.errors import DemeanorError

if TYPE_CHECKING:
    from demeanor.eval.judge import Judge, Pair
    from demeanor.eval.report import Report

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user said on the command line."""

    source: Path  # a run folder, or JSON lines of pairs
    references: Path | None
    judge: str
    kind: str
    teachers: tuple[str, ...]
    repeat: bool
    turn: bool
    other: bool
    force: bool
    out: Path | None


def carry_out(wanted: Wanted) -> "tuple[Report, Path]":
    """Raises DemeanorError where nothing can be judged."""
    from demeanor.eval.judge import Judging, judge_pairs

    answered_by, pairs = _pairs(wanted)
    judge = _judge(wanted)
    beside = wanted.source if wanted.source.is_dir() else wanted.source.parent
    name = re.sub(r"[^A-Za-z0-9.]+", "-", judge.name).strip("-")
    folder = wanted.out or beside / f"judge-{wanted.kind}-{name}"
    judging = Judging(
        repeat=wanted.repeat,
        turn=wanted.turn,
        other=wanted.other,
        workers=_AT_ONCE if "://" in wanted.judge else 1,
        answered_by=answered_by,
        teachers=wanted.teachers,
        force=wanted.force,
    )
    report, _ = judge_pairs(pairs, judge, wanted.kind, folder, judging)
    return report, folder


def _judge(wanted: Wanted) -> "Judge":
    from demeanor.eval.judge import BUILTIN, BuiltinJudge, ChatJudge
    from demeanor.explain.pipeline import load_chat

    if wanted.judge == BUILTIN:
        return BuiltinJudge(wanted.kind)
    return ChatJudge(load_chat(wanted.judge), wanted.kind)


def _pairs(wanted: Wanted) -> "tuple[str, list[Pair]]":
    """Who answered, as far as that is known, and the pairs."""
    from demeanor.eval.judge import Pair, explained
    from demeanor.eval.runs import ANSWERS, RUN

    known = _references(wanted.references) if wanted.references else {}
    if not wanted.source.is_dir():
        rows = [_with(row, known) for row in _rows(wanted.source)]
        return "", [
            Pair(str(row["id"]), row["reference"], row["candidate"], row.get("group"))
            for row in rows
        ]
    try:
        answered_by = json.loads((wanted.source / RUN).read_text("utf-8"))["system"]["model"]
    except (OSError, ValueError, KeyError) as error:
        raise DemeanorError(f"{wanted.source}: wanted a run folder with {RUN}: {error}") from error
    if not known:
        raise DemeanorError(
            "a run folder has no reference texts: name them with --references FILE (JSON lines "
            "with id and reference, or EMER's rows.jsonl)"
        )
    pairs = [
        Pair(row["item_id"], known[row["item_id"]], explained(row["explanation"]))
        for row in _rows(wanted.source / ANSWERS)
        if row["item_id"] in known and row["explanation"]
    ]
    if not pairs:
        raise DemeanorError(f"{wanted.source}: no answer of it has a reference and reasons")
    return answered_by, pairs


def _with(row: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    found = {**row, "reference": row.get("reference") or known.get(str(row.get("id")), "")}
    if not all(isinstance(found.get(k), str) and found[k] for k in ("reference", "candidate")):
        raise DemeanorError(f"{row.get('id')!r}: wanted id, reference and candidate as texts")
    return found


def _references(path: Path) -> dict[str, str]:
    return {
        str(row.get("id")): str(row.get("reference") or row.get("description") or "")
        for row in _rows(path)
    }


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise DemeanorError(f"{path}: wanted JSON lines: {error}") from error
    if not rows or not all(
        isinstance(row, dict) and ("id" in row or "item_id" in row) for row in rows
    ):
        raise DemeanorError(f"{path}: wanted an object with an id a line")
    return rows
