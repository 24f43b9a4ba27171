"""Written words: GoEmotions' comments, and SMILE's reasons why people laugh."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demeanor.explain.corpora.files import Row, each_once, line_rows, read_json, read_text
from demeanor.explain.corpora.items import CorpusError, Item


def read_goemotions(path: Path, media: Path | None = None) -> Iterator[Item]:
    """GoEmotions: dev.tsv (text, numbers of labels, comment id), with labels.txt beside it.

        Is this in New Orleans?? I really feel like this is New Orleans.	27	edgurhb

    labels.txt has a name a line; the numbers count from 0. Several labels a row.
    """
    names = read_text(path.parent / "labels.txt").split()
    table = {str(k): name for k, name in enumerate(names)}
    rows = line_rows(path, ("text", "labels", "id"), "\t")
    return each_once(path, (_comment(row, table, path.stem) for row in rows))


def _comment(row: Row, names: dict[str, str], split: str) -> Item:
    numbers = row.text("labels").split(",")
    labels = [Row(row.path, row.number, {"labels": n}).named("labels", names) for n in numbers]
    return Item(row.text("id"), labels, text=row.text("text"), split=split)


def read_smile(path: Path, media: Path | None = None) -> Iterator[Item]:
    """SMILE's folder annotations: GT_laughter_reason.json, data_split.json.

        {"1_10004": "The audience laughed because …"}

    (names of the files, and that keys are clips: SMILE-data/SMILE's README and public readers).
    Gold is the reason. Sitcoms have an underscore in the id, TED talks do not.
    """
    file = path / "GT_laughter_reason.json" if path.is_dir() else path
    reasons = read_json(file)
    if not isinstance(reasons, dict):
        raise CorpusError(f"{file}: wanted an object of reasons by clip, found {reasons!r:.60}")
    splits = _splits(file.with_name("data_split.json"))
    return each_once(
        file,
        (
            Item(
                name,
                _reason(file, name, reason),
                media=media / f"{name}.mp4" if media else None,
                split=splits.get(name),
                extra={"kind": "sitcom" if "_" in name else "TED"},
            )
            for name, reason in reasons.items()
        ),
    )


def _reason(file: Path, name: str, found: Any) -> str:
    if not isinstance(found, str) or not found.strip():
        raise CorpusError(f"{file}: {name}: wanted a text, found {found!r:.60}")
    return found


def _splits(file: Path) -> dict[str, str]:
    """{"train": [ids], …}, or a list of such objects."""
    if not file.is_file():
        return {}
    data = read_json(file)
    parts = data if isinstance(data, list) else [data]
    if not all(isinstance(part, dict) for part in parts):
        raise CorpusError(f"{file}: wanted lists of clips by split, found {data!r:.60}")
    return {str(name): split for part in parts for split, names in part.items() for name in names}
