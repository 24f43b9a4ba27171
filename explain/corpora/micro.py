"""Micro-expressions, coded in Excel tables: CASME, CASME II, CAS(ME)3, SAMM, SMIC, MMEW, 4DME.

Labels are those of each table, in lower case. Columns are those that public readers of the tables
use (tvaranka/meb, meb/datasets/datasets.py, for all of them).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from demeanor.explain.corpora.files import Columns, Row, each_once, files_in, sheet_rows
from demeanor.explain.corpora.items import CorpusError, Item

_UNIT = re.compile(r"[LR]?\s*(?:AU)?\s*[LR]?(\d{1,2})[A-E]?[LR]?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """How one data set's table names things. `file`: a word of its official name."""

    file: str
    columns: Columns
    optional: Columns
    subject_digits: int = 0
    worksheet: str | None = None


def _columns(
    onset: str, apex: str, offset: str, units: str | None, emotion: str
) -> tuple[Columns, Columns]:
    """Wanted and optional columns; frames are kept where they are numbers."""
    wanted = {"subject": ["Subject", "sub_ID"], "clip": ["Filename", "fold_name"]}
    optional = {"onset": [onset], "apex": [apex], "offset": [offset]}
    both = {**optional, "units": [units]} if units else optional
    return {**wanted, "label": [emotion]}, both


SHEETS: Mapping[str, Sheet] = {
    "casme": Sheet("casme", *_columns("OnsetF", "ApexF1", "OffsetF", "AU", "Emotion"), 2),
    "casme2": Sheet(
        "casme2",
        *_columns("OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"),
        2,
    ),
    "samm": Sheet(
        "samm",
        *_columns("Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion"),
        3,
    ),
    "smic": Sheet("smic", *_columns("OnsetF", "ApexF", "OffsetF", None, "Emotion"), 2),
    "mmew": Sheet(
        "mmew",
        *_columns("OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"),
    ),
    "4dme": Sheet("4dme", *_columns("Onset", "Apex", "Offset", "AUs", "Emotion")),
    "casme3": Sheet(
        "cas(me)3", *_columns("Onset", "Apex", "Offset", "AU", "emotion"), worksheet="label"
    ),
}


def read_sheet_of(data_set: str, path: Path, media: Path | None = None) -> Iterator[Item]:
    """One data set's table. Ids are set/subject/clip, and for CAS(ME)3, where a clip has several
    expressions, set/subject/clip/onset; a subject carries its data set's name.

    `extra` has onset, apex and offset (frames, where they are coded), `aus` (AU4, AU7 …; None where
    the table leaves it open, as in "12 or 15") and the data set.
    """
    sheet = SHEETS[data_set]
    rows = sheet_rows(path, sheet.columns, sheet.optional, sheet.worksheet)
    return each_once(path, (_item(row, data_set, sheet, media) for row in rows))


def _item(row: Row, data_set: str, sheet: Sheet, media: Path | None) -> Item:
    number, clip = row.text("subject"), row.text("clip")
    subject = f"{data_set}/{number.zfill(sheet.subject_digits)}"
    several = data_set == "casme3"
    frames = {k: _frame(row.maybe(k)) for k in ("onset", "apex", "offset")}
    text = row.maybe("units")
    return Item(
        "/".join([subject, clip, *([str(frames["onset"])] if several else [])]),
        row.text("label").lower(),
        media=media / number.zfill(sheet.subject_digits) / clip if media else None,
        subject=subject,
        video=f"{subject}/{clip}" if several else None,
        extra={**frames, "aus": units_of(text), "aus_text": text, "data_set": data_set},
    )


def _frame(text: str | None) -> int | None:
    """None for `/`, which CASME II has where an apex could not be told."""
    return int(text) if text and text.isdigit() else None


def units_of(text: str | None) -> tuple[str, ...] | None:
    """
    >>> units_of("R4+12"), units_of("AU4+AU7"), units_of("12 or 15")
    (('AU4', 'AU12'), ('AU4', 'AU7'), None)
    """
    if text is None:
        return None
    parts = [_UNIT.fullmatch(part.strip()) for part in re.split(r"[+,]", text)]
    if any(part is None for part in parts):
        return None
    return tuple(dict.fromkeys(f"AU{int(part[1])}" for part in parts if part))


read_casme = partial(read_sheet_of, "casme")
read_casme2 = partial(read_sheet_of, "casme2")
read_casme3 = partial(read_sheet_of, "casme3")
read_samm = partial(read_sheet_of, "samm")
read_smic = partial(read_sheet_of, "smic")

# Several data sets at once --------------------------------------------------------------------

COMPOSITE = ("casme2", "samm", "smic")  # MEGC 2019
CROSS = ("casme", "casme2", "samm", "mmew", "4dme", "casme3")  # CD6ME (Varanka et al. 2023)


def read_several(
    data_sets: tuple[str, ...], path: Path, media: Path | None = None
) -> Iterator[Item]:
    """A folder with a table for each data set, named as handed out or after the set (samm.xlsx)."""
    found = {name: _table_of(name, path) for name in data_sets}
    return each_once(
        path, (item for name, file in found.items() for item in read_sheet_of(name, file, media))
    )


def _table_of(name: str, folder: Path) -> Path:
    files = files_in(folder, "*.xlsx", f"tables of {name}")
    named = [file for file in files if file.stem.lower() == name] or [
        file for file in files if _is_of(name, file.stem.lower())
    ]
    if len(named) != 1:
        names = [file.name for file in files]
        raise CorpusError(f"{folder}: wanted one table of {name} (say {name}.xlsx), found {names}")
    return named[0]


def _is_of(name: str, stem: str) -> bool:
    """CASME2-coding-20140508 is CASME II, and not CASME."""
    others = [sheet.file for key, sheet in SHEETS.items() if key != name]
    longer = [other for other in others if other.startswith(SHEETS[name].file)]
    return SHEETS[name].file in stem and not any(other in stem for other in longer)


read_composite: Callable[..., Iterator[Item]] = partial(read_several, COMPOSITE)
read_cross: Callable[..., Iterator[Item]] = partial(read_several, CROSS)
