"""Rows as others read them: messages, ShareGPT, Alpaca (with LLaMA-Factory's dataset_info.json),
and parquet with a data card.

`messages` JSONL is canonical: the other forms are made from it and hold less.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from demeanor.data_engine.card import check_counts, counted, rows_card
from demeanor.data_engine.records import ExpCoTExample, RowError, from_line, to_line
from demeanor.explain.errors import MissingExtra
from demeanor.explain.store import write_atomic

ROWS, CARD, INFO = "rows.jsonl", "card.md", "dataset_info.json"
_ROLES = {"system": "system", "user": "human", "assistant": "gpt"}


class Form(StrEnum):
    MESSAGES = "messages"
    SHAREGPT = "sharegpt"
    ALPACA = "alpaca"
    PARQUET = "parquet"


def read_rows(path: Path) -> Iterator[ExpCoTExample]:
    """The rows of a file, or of a build's folder. Raises RowError with the line's number."""
    file = path / ROWS if path.is_dir() else path
    try:
        stream = file.open(encoding="utf-8", newline="\n")
    except OSError as error:
        raise RowError(f"{file}: wanted rows, found nothing to read ({error})") from error
    with stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                yield from_line(line)
            except RowError as error:
                raise RowError(f"{file}: line {number}: {error}") from error


def export(
    rows: Sequence[ExpCoTExample], form: Form, out: Path, name: str = "demeanor"
) -> list[Path]:
    """Write rows into the folder `out`, a file for each split; returns the paths written."""
    if not rows:
        raise RowError("wanted rows to export, found none")
    written = []
    for split, members in by_split(rows).items():
        stem = f"{name}-{split}" if split else name
        written.append(_WRITERS[form](members, out, stem))
    if form in (Form.SHAREGPT, Form.ALPACA):
        stems = [path.stem for path in written]
        written.append(_write_info(out / INFO, form, stems))
    return [*written, write_atomic(out / CARD, rows_card(rows, name))]


def by_split(rows: Iterable[ExpCoTExample]) -> dict[str, list[ExpCoTExample]]:
    found: dict[str, list[ExpCoTExample]] = {}
    for row in rows:
        found.setdefault(row.split or "", []).append(row)
    return dict(sorted(found.items()))


# Forms ----------------------------------------------------------------------------------------


def _messages(rows: Sequence[ExpCoTExample], out: Path, stem: str) -> Path:
    return write_atomic(out / f"{stem}.jsonl", "".join(map(to_line, rows)))


def sharegpt(row: ExpCoTExample) -> dict[str, Any]:
    """system apart, then human and gpt in turn."""
    system = [m.content for m in row.messages if m.role == "system"]
    turns = [m for m in row.messages if m.role != "system"]
    return {
        "id": row.example_id,
        "conversations": [{"from": _ROLES[m.role], "value": m.content} for m in turns],
        "system": "\n\n".join(system),
    }


def alpaca(row: ExpCoTExample) -> dict[str, Any]:
    """The last question and its answer; what was said before is the history."""
    system = [m.content for m in row.messages if m.role == "system"]
    turns = [m.content for m in row.messages if m.role != "system"]
    if len(turns) % 2:
        raise RowError(f"row {row.example_id}: wanted a question before each answer")
    pairs = [[turns[k], turns[k + 1]] for k in range(0, len(turns), 2)]
    (question, answer), history = pairs[-1], pairs[:-1]
    return {
        "instruction": question,
        "input": "",
        "output": answer,
        "system": "\n\n".join(system),
        "history": history,
    }


def _listed(made: Callable[[ExpCoTExample], dict[str, Any]]) -> Callable[..., Path]:
    def write(rows: Sequence[ExpCoTExample], out: Path, stem: str) -> Path:
        text = json.dumps([made(row) for row in rows], ensure_ascii=False, indent=1)
        return write_atomic(out / f"{stem}.json", text + "\n")

    return write


def _write_info(path: Path, form: Form, stems: Sequence[str]) -> Path:
    """What LLaMA-Factory reads (data/README.md there). Entries of others in the file stay."""
    known: dict[str, Any] = {}
    if path.is_file():
        known = json.loads(path.read_text("utf-8"))
    known.update({stem: _info(form, stem) for stem in stems})
    return write_atomic(path, json.dumps(known, ensure_ascii=False, indent=1) + "\n")


def _info(form: Form, stem: str) -> dict[str, Any]:
    if form is Form.SHAREGPT:
        columns = {"messages": "conversations", "system": "system"}
        return {"file_name": f"{stem}.json", "formatting": "sharegpt", "columns": columns}
    columns = {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
    }
    return {"file_name": f"{stem}.json", "formatting": "alpaca", "columns": columns}


def flat(row: ExpCoTExample) -> dict[str, Any]:
    """A row of a table: what people filter and count by, and the whole row as its line."""
    return {
        "example_id": row.example_id,
        "clip_id": row.clip_id,
        "task": row.task.value,
        "labels": list(row.labels),
        "label_set": row.label_set,
        "split": row.split,
        "subject": row.origin.subject,
        "video": row.origin.video,
        "corpus": row.origin.corpus,
        "licence": row.origin.licence,
        "teacher": row.provenance.model,
        "seed": row.provenance.seed,
        "prompt_sha256": row.provenance.prompt_sha256,
        "weight": row.weight,
        "attempts": row.attempts,
        "checks_failed": [check.name for check in row.failed],
        "messages": [{"role": m.role, "content": m.content} for m in row.messages],
        "row": to_line(row).rstrip("\n"),
    }


def _parquet(rows: Sequence[ExpCoTExample], out: Path, stem: str) -> Path:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("Writing parquet", "pyarrow", "data") from error
    table = pyarrow.Table.from_pylist([flat(row) for row in rows], schema=_columns(pyarrow))
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    return write_atomic(out / f"{stem}.parquet", sink.getvalue().to_pybytes())


def _columns(pyarrow: Any) -> Any:
    """Told, not guessed: a column that is empty in one file has its type all the same."""
    text, texts = pyarrow.string(), pyarrow.list_(pyarrow.string())
    message = pyarrow.struct([("role", text), ("content", text)])
    others = {
        "labels": texts,
        "checks_failed": texts,
        "seed": pyarrow.int64(),
        "weight": pyarrow.float64(),
        "attempts": pyarrow.int64(),
        "messages": pyarrow.list_(message),
    }
    names = (
        "example_id clip_id task labels label_set split subject video corpus licence teacher seed "
        "prompt_sha256 weight attempts checks_failed messages row"
    ).split()
    return pyarrow.schema([(name, others.get(name, text)) for name in names])


_WRITERS: Mapping[Form, Callable[[Sequence[ExpCoTExample], Path, str], Path]] = {
    Form.MESSAGES: _messages,
    Form.SHAREGPT: _listed(sharegpt),
    Form.ALPACA: _listed(alpaca),
    Form.PARQUET: _parquet,
}


# Counts ---------------------------------------------------------------------------------------


def stats(rows: Iterable[ExpCoTExample]) -> dict[str, Any]:
    """Everything that can be counted without reading a text again."""
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("tasks", "labels", "splits", "corpora", "teachers")
    }
    clips, groups, checks, words = set(), set(), [], []
    weight = 0.0
    for row in rows:
        counts["tasks"][row.task.value] += 1
        counts["labels"].update(row.labels or ["none"])
        counts["splits"][row.split or "none"] += 1
        counts["corpora"][row.origin.corpus] += 1
        counts["teachers"][row.provenance.model] += 1
        clips.add(row.clip_id)
        groups.add(row.group)
        checks.append(row.checks)
        words.append(len(row.answer.split()))
        weight += row.weight
    return {
        "rows": len(words),
        "clips": len(clips),
        "groups": len(groups - {None}),
        "weight": round(weight, 3),
        "answer_words": _spread(words),
        **{name: dict(found.most_common()) for name, found in counts.items()},
        "checks": check_counts(checks),
        "counted": counted(checks),
    }


def _spread(values: Sequence[int]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    middle = ordered[len(ordered) // 2]
    return {"least": ordered[0], "median": middle, "most": ordered[-1]}
