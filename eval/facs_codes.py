"""A researcher's own FACS codes, read from the files in which they are kept.

Per frame: a CSV with a column `frame` or `time_s` and one per unit (AU1, AU2L, 12 …), BP4D's
tables (numbers for names, 9 for not coded), DISFA's folder (a file per unit, `frame,intensity`).
Events: a CSV `start_s,end_s,code[,intensity]`, an ELAN .eaf. Codes are FACS strings: `1B+2C+12D`,
`R12B`, `AU14L`. Values are 0-5, 0 and 1, letters A-E; an empty cell, `NA` and 9 mean not coded.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

from demeanor.explain.errors import DemeanorError
from demeanor.explain.records import Span
from demeanor.explain.vocabulary import INTENSITY_LETTERS

_NOT_CODED = {"", "na", "nan", "n/a", "9", "9.0", "999", "?"}  # 9: BP4D; 999: its intensity files
_ABSENT = {"0", "-"}
# FACS 2002 modifiers before the number (list as in jmgirard/facs). Only L and R say which side;
# the others (unilateral, top, bottom, asymmetrical) are read as the unit without a side.
_CODE = re.compile(
    r"(?:AU)?\s*_?(?P<before>[A-Z]?)\s*(?P<number>0?[1-9]\d?)(?:(?P<letter>[A-E])?(?P<after>[LR])?"
    r"|(?P<side>[LR])(?P<last>[A-E]))",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?:AU)?[\s_]*(?P<before>[LR]?)[\s_]*(?P<number>0?[1-9]\d?)[\s_]*(?P<after>L|R|left|right)?",
    re.IGNORECASE,
)
_UNIT_IN_FILE = re.compile(r"(?P<clip>.*?)[_\-. ]*au[_\- ]?(?P<number>0?[1-9]\d?)$", re.IGNORECASE)
_FACS_TIER = re.compile(r"\b(facs|aus?|action units?)\b", re.IGNORECASE)
_HIGHEST = 5.0


class CodesError(DemeanorError):
    """A file of FACS codes that cannot be read."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """One unit coded at moments. NaN: not coded then."""

    moments: np.ndarray  # (n,) increasing: frame numbers, or seconds
    values: np.ndarray  # (n,) 0-5, or 0 and 1
    in_seconds: bool


@dataclass(frozen=True, slots=True)
class Coded:
    """One event. intensity None: present, and how strong was not coded."""

    span: Span
    intensity: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """What one person coded of one clip, by unit: AU12, or AU12L where a side was coded."""

    clip: str  # as the file is called
    units: dict[str, "Frames | tuple[Coded, ...]"]
    notes: tuple[str, ...] = ()

    @property
    def has_intensities(self) -> bool:
        """Whether anything was coded beyond absent and present."""
        return any(_beyond_presence(unit) for unit in self.units.values())


def _beyond_presence(unit: "Frames | tuple[Coded, ...]") -> bool:
    if isinstance(unit, Frames):
        return bool(np.nanmax(unit.values, initial=0.0) > 1.0)
    return any(event.intensity is not None for event in unit)


def read_codes(path: Path) -> list[Coding]:
    """All codings in a file or below a folder, by name. Raises CodesError."""
    if not path.exists():
        raise CodesError(f"{path}: no such file or folder of FACS codes. Check the path")
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    codings = list(_joined(_read_file(p) for p in files if p.suffix.lower() in _READERS))
    if not codings:
        raise CodesError(f"{path}: wanted FACS codes as {', '.join(_READERS)}, found none")
    return codings


def _joined(parts: Iterable[Coding]) -> Iterator[Coding]:
    """One coding per clip: DISFA and BP4D keep a file per unit."""
    by_clip: dict[str, list[Coding]] = {}
    for part in parts:
        by_clip.setdefault(part.clip, []).append(part)
    for clip, several in sorted(by_clip.items()):
        units = {name: unit for part in several for name, unit in part.units.items()}
        yield Coding(clip, units, tuple(note for part in several for note in part.notes))


def _read_file(path: Path) -> Coding:
    return _READERS[path.suffix.lower()](path)


# Codes and values ---------------------------------------------------------------------------


def parse_facs(text: str) -> dict[str, float | None]:
    """Units of a FACS string: {"AU1": 2.0, "AU12L": None}. None: present, no letter given.

    Raises ValueError for anything else.
    """
    found: dict[str, float | None] = {}
    for part in re.split(r"[+,;\s]+", text.strip()):
        match = _CODE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no FACS code such as 12, AU12, 12C or L14B")
        letter = match["letter"] or match["last"]
        found[_unit(match["number"], match["before"], match["after"] or match["side"])] = (
            float(INTENSITY_LETTERS.index(letter.upper())) if letter else None
        )
    return found


def unit_name(text: str) -> str | None:
    """AU12 or AU12L from a column's or a tier's name; None where it names no unit."""
    match = _NAME.fullmatch(text.strip())
    return _unit(match["number"], match["before"], match["after"]) if match else None


def _unit(number: str, before: str | None, after: str | None) -> str:
    side = ((after or before or " ")[0]).upper()
    return f"AU{int(number)}{side if side in 'LR' else ''}"


def parse_value(text: str) -> float:
    """An intensity 0-5, or NaN where it was not coded. Raises ValueError for anything else."""
    text = text.strip()
    if text.lower() in _NOT_CODED:
        return float("nan")
    if text in _ABSENT:
        return 0.0
    if len(text) == 1 and text.upper() in INTENSITY_LETTERS[1:]:
        return float(INTENSITY_LETTERS.index(text.upper()))
    value = float(text)
    if not 0.0 <= value <= _HIGHEST:
        raise ValueError(f"{text} is no intensity from 0 to 5")
    return value


# Tables -------------------------------------------------------------------------------------


def _table(path: Path) -> Coding:
    rows = _rows(path)
    header = [cell.strip() for cell in rows[0]]
    low = [cell.lower() for cell in header]
    if {"start_s", "end_s", "code"} <= set(low):
        return _events_table(path, low, rows[1:])
    if _is_value(header[0]) and len(header) == 2 and (unit := _UNIT_IN_FILE.fullmatch(path.stem)):
        clip = unit["clip"] or path.parent.name
        return Coding(clip, {f"AU{int(unit['number'])}": _frames(path, rows, 1, False)})
    clock = low[0]
    units = {unit_name(cell): k for k, cell in enumerate(header) if k > 0}
    named = {name: k for name, k in units.items() if name is not None}
    if (clock in ("frame", "time_s") or _is_value(clock)) and named:
        return Coding(
            path.stem,
            {name: _frames(path, rows[1:], k, clock == "time_s") for name, k in named.items()},
        )
    raise CodesError(
        f"{path}: wanted a column `frame` or `time_s` and one per unit (AU1, AU2L …), or the "
        f"columns start_s, end_s, code; found {header[:8]}. A file of one unit without a header "
        "(frame,intensity) has the unit in its name, as in SN001_au12.txt"
    )


def _rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CodesError(f"{path}: cannot be read as text: {error}") from error
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(row)]
    if not rows:
        raise CodesError(f"{path}: wanted FACS codes, found an empty file")
    return rows


def _is_value(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _frames(path: Path, rows: Sequence[Sequence[str]], column: int, in_seconds: bool) -> Frames:
    moments, values = [], []
    for number, row in enumerate(rows, start=1):
        try:
            moments.append(float(row[0]))
            values.append(parse_value(row[column] if column < len(row) else ""))
        except ValueError as error:
            raise CodesError(f"{path}: row {number}: {error}") from error
    order = np.argsort(moments, kind="stable")
    known = np.array(moments)[order]
    if not np.isfinite(known).all() or (np.diff(known) == 0).any():
        raise CodesError(f"{path}: wanted each frame once, found one twice or without a number")
    return Frames(known, np.array(values)[order], in_seconds)


def _events_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Coding:
    units: dict[str, list[Coded]] = {}
    for number, row in enumerate(rows, start=1):
        cells = dict(zip(header, row, strict=False))
        try:
            span = Span(float(cells["start_s"]), float(cells["end_s"]))
            given = parse_value(cells.get("intensity", ""))
            for name, letter in parse_facs(cells["code"]).items():
                level = letter if letter is not None or np.isnan(given) else given
                units.setdefault(name, []).append(Coded(span, level))
        except (KeyError, ValueError) as error:
            raise CodesError(f"{path}: row {number}: {error}") from error
    return Coding(path.stem, {name: tuple(events) for name, events in units.items()})


# ELAN ---------------------------------------------------------------------------------------


def _elan(path: Path) -> Coding:
    """Tiers named after a unit (values: intensities, or nothing), and tiers with FACS, AU or
    action units in their name (values: FACS strings). Times are those of the medium: ELAN's own
    clock and the TIME_ORIGIN of the file's first medium.
    """
    root = _elan_xml(path)
    slots = {
        slot.get("TIME_SLOT_ID"): float(slot.get("TIME_VALUE", "nan")) / 1000.0
        for slot in root.iter("TIME_SLOT")
    }
    medium = root.find("./HEADER/MEDIA_DESCRIPTOR")
    origin_s = float(medium.get("TIME_ORIGIN", "0")) / 1000.0 if medium is not None else 0.0
    units: dict[str, list[Coded]] = {}
    passed_over = []
    for tier in root.iter("TIER"):
        name = tier.get("TIER_ID", "")
        unit = unit_name(name)
        if unit is None and not _FACS_TIER.search(name.replace("_", " ")):
            passed_over.append(name)
            continue
        if unit is not None:
            units.setdefault(unit, [])  # a tier without annotations: coded, and never seen
        for annotation in tier.iter("ALIGNABLE_ANNOTATION"):
            start_s, end_s = (slots.get(annotation.get(f"TIME_SLOT_REF{k}")) for k in (1, 2))
            where = f"{path}: tier {name!r} at {start_s} s"
            text = annotation.findtext("ANNOTATION_VALUE") or ""
            try:
                span = Span(start_s + origin_s, end_s + origin_s)  # type: ignore[operator]
                found = _annotation(text, unit)
            except (TypeError, ValueError) as error:
                raise CodesError(f"{where}: {error}") from error
            for code, level in found.items():
                units.setdefault(code, []).append(Coded(span, level))
    if not units:
        raise CodesError(
            f"{path}: wanted tiers named after units (AU12) or called FACS, found {passed_over}"
        )
    notes = (f"{path.name}: tiers passed over: {', '.join(passed_over)}",) if passed_over else ()
    return Coding(path.stem, {name: tuple(events) for name, events in units.items()}, notes)


def _annotation(text: str, unit: str | None) -> dict[str, float | None]:
    """In the tier of a unit a value alone is its intensity; an empty one says: present."""
    text = text.strip()
    if unit is None:
        return parse_facs(text)
    if not text:
        return {unit: None}
    try:
        value = parse_value(text)
    except ValueError:
        return parse_facs(text)
    return {} if np.isnan(value) else {unit: value}


def _elan_xml(path: Path) -> Element:
    """The document's root. A document type is refused: ELAN writes none, and entities could be
    declared in one that grow without end or name other files.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise CodesError(f"{path}: wanted an ELAN file, found a document type with declarations")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(path.read_bytes(), True)
        root = builder.close()
    except (OSError, expat.ExpatError, AssertionError) as error:
        raise CodesError(f"{path}: cannot be read as XML: {error}") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise CodesError(f"{path}: wanted an ELAN ANNOTATION_DOCUMENT, found {root.tag}")
    return root


_READERS = {".csv": _table, ".txt": _table, ".tsv": _table, ".eaf": _elan}
