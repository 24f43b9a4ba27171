"""Rows read by a person: accepted, mended or rejected, one decision a line.

Decisions are appended to curation.jsonl in the build's folder and change nothing else; the last
one about a row counts. `write_curated` makes files of them: the rows that stay, and for each mended
row a pair that says which answer is better. A mended answer has to pass the same checks.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from demeanor.data_engine.build import canonical_answer
from demeanor.data_engine.check import read, run_checks
from demeanor.data_engine.records import CheckResult, ExpCoTExample, RowError, from_line, to_line
from demeanor.data_engine.rows import ROWS, read_rows
from demeanor.explain.reasoning.chat import Message
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import Parts
from demeanor.explain.store import write_atomic

DECISIONS, CURATED, PREFERENCES = "curation.jsonl", "curated.jsonl", "preferences.jsonl"
_REJECTS = "rejects.jsonl"
_BLIND = "blind-reader"


class Decision(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    MEND = "mend"


@dataclass(frozen=True, slots=True)
class Decided:
    example_id: str
    decision: Decision
    answer: str | None = None  # of a mended row
    note: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as the build left it: taken, or rejected with its reasons."""

    row: ExpCoTExample
    rejected_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as lines that a person can edit; each ends with its citations."""

    observations: str
    interpretation: str
    conclusion: str


class Curation:
    """A build's folder under a person's eyes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.candidates = candidates(folder)
        self._by_id = {c.row.example_id: c for c in self.candidates}
        self.decided = read_decisions(folder / DECISIONS)

    def accept(self, example_id: str, note: str = "") -> None:
        self._decide(Decided(self._known(example_id), Decision.ACCEPT, None, note))

    def reject(self, example_id: str, note: str = "") -> None:
        self._decide(Decided(self._known(example_id), Decision.REJECT, None, note))

    def mend(self, example_id: str, told: Told, note: str = "") -> tuple[CheckResult, ...]:
        """Keeps the mended answer where it passes every check; gives those that it fails."""
        row = mended(self._by_id[self._known(example_id)].row, told)
        if not row.failed:
            self._decide(Decided(example_id, Decision.MEND, row.answer, note))
        return row.failed

    def state(self, example_id: str) -> Decided | None:
        return self.decided.get(example_id)

    def first_open(self) -> int:
        """Number of the first candidate without a decision; 0 where all are decided."""
        for number, candidate in enumerate(self.candidates):
            if candidate.row.example_id not in self.decided:
                return number
        return 0

    def _known(self, example_id: str) -> str:
        if example_id not in self._by_id:
            raise RowError(f"wanted a row of {self.folder}, found {example_id!r}")
        return example_id

    def _decide(self, decided: Decided) -> None:
        self.decided[decided.example_id] = decided
        line = json.dumps(
            {
                "example_id": decided.example_id,
                "decision": decided.decision.value,
                "answer": decided.answer,
                "note": decided.note,
            },
            ensure_ascii=False,
        )
        with (self.folder / DECISIONS).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
            stream.flush()
            os.fsync(stream.fileno())  # an hour of reading is worth it


def candidates(folder: Path) -> tuple[Candidate, ...]:
    """Rows, then rejects that came as far as a text. Raises RowError."""
    found = [Candidate(row) for row in read_rows(folder / ROWS)]
    rejects = folder / _REJECTS
    if rejects.is_file():
        for line in filter(None, rejects.read_text("utf-8").split("\n")):
            data = json.loads(line)
            if data.get("row"):
                row = from_line(json.dumps(data["row"]))
                found.append(Candidate(row, tuple(data["reasons"])))
    return tuple(found)


def read_decisions(path: Path) -> dict[str, Decided]:
    """The last decision about each row; a line that was cut short is passed over."""
    found: dict[str, Decided] = {}
    if not path.is_file():
        return found
    for line in path.read_text("utf-8", errors="replace").split("\n"):
        try:
            data = json.loads(line)
            decided = Decided(
                str(data["example_id"]), Decision(data["decision"]), data["answer"], data["note"]
            )
        except (ValueError, KeyError, TypeError):
            continue
        found[decided.example_id] = decided
    return found


def told(row: ExpCoTExample) -> Told:
    parts = read(row).parts or Parts()
    return Told(parts.observations, parts.interpretation, parts.conclusion)


def mended(row: ExpCoTExample, told: Told) -> ExpCoTExample:
    """The row with another text: its labels and numbers stay, its evidence and checks are new."""
    parts = read(row).parts or Parts()
    parts = replace(
        parts,
        observations=told.observations,
        interpretation=told.interpretation,
        conclusion=told.conclusion,
    )
    return _with_answer(row, canonical_answer(parts))


def _with_answer(row: ExpCoTExample, answer: str) -> ExpCoTExample:
    messages = (*row.messages[:-1], Message("assistant", answer))
    changed = replace(row, messages=messages)
    parts = read(changed).parts or Parts()
    evidence = ground(parts, row.observations, row.not_measured, row.extra.get("person"))
    return replace(changed, evidence=evidence, checks=run_checks(changed))


def write_curated(curation: Curation) -> tuple[Path, Path, dict[str, int]]:
    """curated.jsonl, preferences.jsonl, and how many rows had which decision."""
    kept: list[ExpCoTExample] = []
    pairs: list[dict[str, Any]] = []
    counts = dict.fromkeys([*(d.value for d in Decision), "undecided"], 0)
    for candidate in curation.candidates:
        decided = curation.state(candidate.row.example_id)
        counts[decided.decision.value if decided else "undecided"] += 1
        if decided is None or decided.decision is Decision.REJECT:
            continue
        row = candidate.row
        if decided.decision is Decision.MEND and decided.answer is not None:
            row = _with_answer(row, decided.answer)
            if row.answer != candidate.row.answer:
                pairs.append(preference(candidate.row, row))
        kept.append(_marked(row, decided))
    folder = curation.folder
    rows = write_atomic(folder / CURATED, "".join(map(to_line, kept)))
    text = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
    return rows, write_atomic(folder / PREFERENCES, text), counts


def _marked(row: ExpCoTExample, decided: Decided) -> ExpCoTExample:
    """Says that a person looked at it. What no longer holds of a mended text is left out."""
    checks: Sequence[CheckResult] = row.checks
    if decided.decision is Decision.MEND:
        checks = [check for check in checks if check.name != _BLIND]
    curated = {"decision": decided.decision.value, "note": decided.note}
    return replace(row, checks=tuple(checks), extra={**row.extra, "curated": curated})


def preference(before: ExpCoTExample, after: ExpCoTExample) -> dict[str, Any]:
    """One question, the answer that a person made better, and the one it was made of: messages,
    as trainers on preferences read them (TRL)."""
    return {
        "example_id": before.example_id,
        "prompt": _plain(before.messages[:-1]),
        "chosen": _plain(after.messages[-1:]),
        "rejected": _plain(before.messages[-1:]),
    }


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]
