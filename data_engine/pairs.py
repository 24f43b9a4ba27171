"""Preference pairs: one question, an answer that was taken and one that was not.

A file of them is JSON lines {"prompt": [messages], "chosen": [message], "rejected": [message]}, as
curating writes them (`curate.py`). A build's folder holds pairs as well: where a row was taken at a
later attempt, the earlier text to the same question failed a check, and which one is known.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demeanor.data_engine.records import RowError
from demeanor.explain.reasoning.chat import Message

OUTCOMES, PREFERENCES = "outcomes.jsonl", "preferences.jsonl"


@dataclass(frozen=True, slots=True)
class Pair:
    messages: tuple[Message, ...]  # ends with the question
    chosen: str
    rejected: str
    group: str  # subject, video or clip: what may not stand on both sides of a split


def read_pairs(path: Path) -> list[Pair]:
    """Raises RowError with the line's number, and where there are none."""
    if path.is_dir():
        files = [f for f in (path / PREFERENCES, path / OUTCOMES) if f.is_file()]
        found = [pair for file in files for pair in _pairs(file)]
    else:
        found = _pairs(path)
    if not found:
        raise RowError(f"{path}: wanted preference pairs, found none")
    return found


def _pairs(file: Path) -> list[Pair]:
    read = _from_build if file.name == OUTCOMES else _from_line
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(
            f"{file}: wanted preference pairs, found nothing to read ({error})"
        ) from error
    found: list[Pair] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                found += list(read(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RowError(f"{file}: line {number}: no preference pair: {error}") from error
    return found


def _from_line(line: str) -> Iterator[Pair]:
    data = json.loads(line)
    messages = _messages(data["prompt"])
    (chosen,), (rejected,) = _messages(data["chosen"]), _messages(data["rejected"])
    if chosen == rejected:
        raise ValueError("chosen and rejected are the same")
    group = str(data.get("group") or messages[-1].content)
    yield Pair(messages, chosen.content, rejected.content, group)


def _from_build(line: str) -> Iterator[Pair]:
    data = json.loads(line)
    row = data.get("row")
    if data["status"] != "accepted" or row is None:
        return
    *asked, answer = _messages(row["messages"])
    origin = row["origin"]
    group = origin.get("subject") or origin.get("video") or row["clip_id"]
    for earlier in data["tries"]:
        if earlier["reply"] and earlier["reply"] != answer.content:
            yield Pair(tuple(asked), answer.content, earlier["reply"], group)


def _messages(plain: Any) -> tuple[Message, ...]:
    return tuple(Message(str(m["role"]), str(m["content"])) for m in plain)
