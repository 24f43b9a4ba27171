"""Tables as corpora keep them: CSV, lines of text, JSON, Excel. Never a pickle.

Rows come one at a time and know where they stand, so that whatever is wrong with one can be said
with its file, its row, what was wanted and what was found.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from demeanor.explain.corpora.items import CorpusError, Item
from demeanor.explain.errors import DemeanorError, MissingExtra

_SHOWN = 60  # characters of what was found
# Ours -> the names under which files have the column, the first that is there wins.
Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Row:
    path: Path
    number: int  # as an editor counts lines; the heading is 1
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Raises CorpusError for an empty cell."""
        if found := self.maybe(column):
            return found
        raise self.error(f"{column}, which is not empty", "")

    def maybe(self, column: str) -> str | None:
        return self.cells.get(column) or None

    def number_in(self, column: str) -> float:
        try:
            return float(self.text(column))
        except ValueError as error:
            raise self.error(f"{column}, a number", self.text(column)) from error

    def named(self, column: str, names: Mapping[str, str]) -> str:
        """A label's name by the official table; for tables of names, whatever their case."""
        found = self.text(column)
        name = names.get(found, names.get(found.lower()))
        if name is None:
            raise self.error(f"{column}, one of {', '.join(names)}", found)
        return name

    def error(self, wanted: str, found: object) -> CorpusError:
        shown = repr(found)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} …"
        return CorpusError(f"{self.path}: row {self.number}: wanted {wanted}, found {shown}")


def same_names(*names: str, **others: str) -> dict[str, str]:
    """A table for labels that are written out: each is its own name, but for those told apart."""
    return {**{name: name for name in names}, **others}


# Tables with a heading ------------------------------------------------------------------------


def csv_rows(
    path: Path, wanted: Columns, optional: Columns | None = None, separator: str = ","
) -> Iterator[Row]:
    """Raises CorpusError where a wanted column is missing, or a row has more or fewer cells."""
    with _opened(path) as stream:
        reader = csv.reader(stream, delimiter=separator)
        head = next(reader, [])
        places = _places(path, head, wanted, optional or {})
        for cells in reader:
            if not cells:  # a line with nothing in it
                continue
            if len(cells) != len(head):
                row = Row(path, reader.line_num, {})
                raise row.error(f"{len(head)} cells as in the heading", f"{len(cells)} cells")
            yield _row(path, reader.line_num, cells, places)


def sheet_rows(
    path: Path, wanted: Columns, optional: Columns | None = None, worksheet: str | None = None
) -> Iterator[Row]:
    """Of an Excel file; text above the heading is passed over, as SAMM has it."""
    sheet = [
        ["" if c is None else _cell(c) for c in row] for row in read_sheet(path, None, worksheet)
    ]
    starts = (k for k, row in enumerate(sheet) if not _missing(row, wanted))
    start = next(starts, 0)
    places = _places(path, sheet[start] if sheet else [], wanted, optional or {})
    for number, cells in enumerate(sheet[start + 1 :], start=start + 2):
        if any(cells[k] for k in places.values()):
            yield _row(path, number, cells, places)


def _cell(value: object) -> str:
    """Excel keeps 1 as 1.0."""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip()  # type: ignore[call-overload]


def _places(path: Path, head: Sequence[str], wanted: Columns, optional: Columns) -> dict[str, int]:
    if missing := _missing(head, wanted):
        names = ", ".join(" or ".join(wanted[name]) for name in missing)
        raise CorpusError(f"{path}: row 1: wanted a column {names}, found {list(head)[:12]}")
    plain = [_plain(cell) for cell in head]
    both = {**wanted, **optional}
    found = {ours: _first(plain, names) for ours, names in both.items()}
    return {ours: place for ours, place in found.items() if place is not None}


def _missing(head: Sequence[str], wanted: Columns) -> list[str]:
    plain = [_plain(cell) for cell in head]
    return [ours for ours, names in wanted.items() if _first(plain, names) is None]


def _first(plain: Sequence[str], names: Sequence[str]) -> int | None:
    return next((plain.index(_plain(name)) for name in names if _plain(name) in plain), None)


def _plain(name: str) -> str:
    """`Onset Frame`, `OnsetFrame` and `onset_frame` are one column."""
    return "".join(name.lower().replace("_", "").split())


def _row(path: Path, number: int, cells: Sequence[str], places: Mapping[str, int]) -> Row:
    return Row(path, number, {ours: cells[k].strip() for ours, k in places.items()})


# Lines without a heading ----------------------------------------------------------------------


def line_rows(path: Path, columns: Sequence[str], separator: str | None = None) -> Iterator[Row]:
    """One row a line; the last column takes what is left of it. separator None: spaces and tabs."""
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            cells = line.strip().split(separator, len(columns) - 1)
            if len(cells) != len(columns):
                raise Row(path, number, {}).error(" and ".join(columns), line.strip())
            yield Row(path, number, dict(zip(columns, map(str.strip, cells), strict=True)))


# Whole files ----------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """Raises CorpusError for what goes wrong while it is open, too."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except OSError as error:
        raise CorpusError(f"{path}: no such file can be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path}: wanted text in UTF-8, found other bytes. Save it anew"
        ) from error
    except csv.Error as error:
        raise CorpusError(f"{path}: wanted a table of cells: {error}") from error


def read_text(path: Path) -> str:
    with _opened(path) as stream:
        return stream.read()


def read_json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise CorpusError(f"{path}: wanted JSON, found something else: {error}") from error


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise Row(path, number, {}).error("a JSON object", line) from error


def read_sheet(
    path: Path, error_type: type[DemeanorError] | None = None, worksheet: str | None = None
) -> list[tuple[object, ...]]:
    """Rows of one worksheet of an .xlsx file, the first unless named (and there)."""
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtra("Reading Excel tables", "openpyxl", "eval") from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book[worksheet] if worksheet in book.sheetnames else book.worksheets[0]
        rows: list[tuple[object, ...]] = [tuple(row) for row in sheet.iter_rows(values_only=True)]
        book.close()
    except Exception as error:  # openpyxl raises what zip, XML and its own readers raise
        kind = error_type or CorpusError
        raise kind(f"{path}: cannot be read as a table of .xlsx: {error}") from error
    return rows


def files_in(path: Path, pattern: str, what: str) -> list[Path]:
    """The file itself, or all that match in a folder, by name. Raises CorpusError for none."""
    found = [path] if path.is_file() else sorted(path.glob(pattern))
    if not found:
        raise CorpusError(f"{path}: wanted {what}, found no {pattern}")
    return found


# Samples --------------------------------------------------------------------------------------


def each_once(path: Path, items: Iterable[Item]) -> Iterator[Item]:
    """Raises CorpusError for an id that comes twice, and where nothing comes at all."""
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise CorpusError(f"{path}: wanted each sample once, found {item.item_id!r} twice")
        seen.add(item.item_id)
        yield item
    if not seen:
        raise CorpusError(f"{path}: wanted samples, found none")
