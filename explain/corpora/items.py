"""What a benchmark asks about: clips, pictures or texts with their gold labels, from users' files.

Two forms: a table of files with labels (CSV, or a folder with a sub-folder for each label), and
written descriptions of clips with open labels (EMER, as JSON lines).
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from demeanor.explain.corpora.folds import HELD_OUT, folds, identity_key
from demeanor.explain.errors import DemeanorError

FITTED, HELD = "fitted", "held-out"  # splits of a collection whose folds we committed
_NAMES = {  # names under which others keep the same thing; the first is ours
    "path": ("path", "file", "image", "clip", "name"),
    "label": ("label", "labels", "gold", "gt", "emotion"),
    "transcript": ("transcript", "subtitles"),
    "subject": ("subject", "identity", "speaker", "person"),
    "video": ("video", "source", "film"),
    "split": ("split", "partition", "set"),
}
_IMAGES = "images"  # where a table's pictures often lie
_NOT_MEDIA = (".srt", ".vtt", ".txt", ".csv", ".json", ".md")  # beside clips, in folders of them


class CorpusError(DemeanorError):
    """A folder or table of samples that cannot be read."""


@dataclass(frozen=True, slots=True)
class Item:
    """One sample. It has media, or a text; gold is a label or a list of them."""

    item_id: str
    gold: Any
    media: Path | None = None
    text: str | None = None
    transcript: Path | None = None
    subject: str | None = None
    video: str | None = None  # the film or recording that it was cut from
    split: str | None = None
    said: str | None = None  # the words spoken, where the corpus has them as text
    extra: Mapping[str, Any] = field(default_factory=dict)  # what only this corpus has

    @property
    def group(self) -> str | None:
        """Samples of one subject, else of one video, are no independent witnesses."""
        return self.subject or self.video


def read_described(path: Path) -> tuple[Item, ...]:
    """Descriptions with open labels: {"id", "description", "labels"} a line, in `path` or in its
    rows.jsonl. Raises CorpusError.
    """
    file = path / "rows.jsonl" if path.is_dir() else path
    items = [_described(file, number, row) for number, row in enumerate(_json_lines(file), 1)]
    return _checked(file, items)


def _described(file: Path, number: int, row: Mapping[str, Any]) -> Item:
    text, labels = row.get("description"), row.get("labels")
    if not (isinstance(text, str) and text.strip() and isinstance(labels, list)):
        raise CorpusError(f"{file}: line {number}: wanted id, description and a list of labels")
    return Item(
        str(row.get("id") or number),
        [str(label) for label in labels],
        text=text,
        subject=_text(row.get("subject")),
        video=_text(row.get("video")),
        split=_text(row.get("split")),
    )


def read_labelled(path: Path, several: bool = False) -> tuple[Item, ...]:
    """Pictures or clips with labels: a CSV of path,label[,transcript,subject,video,split], or a
    folder with a sub-folder for each label. `several`: a cell holds a list of labels.

    People of a collection whose folds we committed are split as these say, where the table itself
    does not: constants of perception were fitted to the others. Raises CorpusError.
    """
    rows = _folder_rows(path) if path.is_dir() else _table_rows(path)
    if path.is_dir() and (tables := sorted(path.glob("*.csv"))):
        raise CorpusError(
            f"{path}: wanted a folder for each label and nothing else, found {tables[0].name} as "
            f"well. If the labels are in there, name it: {tables[0]}"
        )
    return _checked(path, _with_folds([_labelled(row, several) for row in rows]))


def _folder_rows(folder: Path) -> Iterator[dict[str, str]]:
    for file in sorted(folder.glob("*/*")):
        is_hidden = file.name.startswith(".")
        if file.is_file() and not is_hidden and file.suffix.lower() not in _NOT_MEDIA:
            name = file.relative_to(folder).as_posix()
            yield {"id": name, "path": str(file), "label": file.parent.name}


def _table_rows(file: Path) -> Iterator[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{file}: wanted a CSV of path,label, or a folder ({error})") from error
    for number, row in enumerate(rows, start=2):
        cells = {str(k).strip().lower(): (v or "").strip() for k, v in row.items() if k}
        found = {
            ours: next((cells[name] for name in names if cells.get(name)), "")
            for ours, names in _NAMES.items()
        }
        if not (found["path"] and found["label"]):
            raise CorpusError(f"{file}: line {number}: wanted path and label, found {row}")
        made = {**found, "id": cells.get("id") or found["path"]}
        made["path"] = str(_place(file.parent, found["path"]))
        if found["transcript"]:
            made["transcript"] = str(_place(file.parent, found["transcript"]))
        yield made


def _place(folder: Path, name: str) -> Path:
    """Beside the table, or in its folder of images. What is not there is found out when asked."""
    beside = folder / name
    within = folder / _IMAGES / name
    return within if within.is_file() and not beside.is_file() else beside


def _labelled(row: Mapping[str, str], several: bool) -> Item:
    gold: Any = row["label"]
    if several:
        gold = [label.strip() for label in gold.strip("[]").split(",") if label.strip()]
    transcript = row.get("transcript")
    return Item(
        row["id"],
        gold,
        media=Path(row["path"]),
        transcript=Path(transcript) if transcript else None,
        subject=_text(row.get("subject")),
        video=_text(row.get("video")),
        split=_text(row.get("split")),
    )


def _with_folds(items: list[Item]) -> list[Item]:
    known = folds("faces")
    keys = [identity_key(item.subject) if item.subject else "" for item in items]
    if not items or any(item.split for item in items) or not all(key in known for key in keys):
        return items
    return [
        replace(item, split=HELD if known[key] == HELD_OUT else FITTED)
        for item, key in zip(items, keys, strict=True)
    ]


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _json_lines(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        lines = file.read_text("utf-8-sig").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise CorpusError(f"{file}: wanted JSON lines with id, description, labels: {error}") from (
            error
        )
    for row in rows:
        if not isinstance(row, dict):
            raise CorpusError(f"{file}: wanted an object a line, found {row!r:.60}")
        yield row


def _checked(path: Path, items: list[Item]) -> tuple[Item, ...]:
    if not items:
        raise CorpusError(f"{path}: wanted samples, found none")
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise CorpusError(f"{path}: wanted each sample once, found {item.item_id!r} twice")
        seen.add(item.item_id)
    return tuple(items)
