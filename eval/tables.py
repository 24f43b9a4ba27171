"""Word tables: which words count as the same emotion.

`v2025` and `v2026` are the tables of OV-MER (AffectGPT, MER2025, MER2026). They carry a
non-commercial notice, so they are read from where the user has them. `d1` is ours
(`wheels/README.md`). Scores of different tables cannot be compared; the signature says which.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from demeanor.explain.corpora.files import read_sheet
from demeanor.explain.errors import DemeanorError, UnknownName

OFFICIAL = ("v2025", "v2026")
TABLES = (*OFFICIAL, "d1")
LEVELS = (1, 2)
# Names under which each table's forms are kept: in the repositories, and side by side.
_FORMS = {"v2025": ("format.csv",), "v2026": ("format_mer2026.csv", "format.csv")}
_SYNONYMS = "synonym.xlsx"
_WHEELS = tuple(f"wheel{number}.xlsx" for number in range(1, 6))
_N_RUNS = 8  # language-model runs behind synonym.xlsx
# The one file that tells the versions apart: both are called format.csv where they come from.
FORMS_SHA256 = {
    "v2025": "ba6de7d61db8e129d1d7ef8a2aae22a9e93a2c2e3e683e6f2735d04455f016f2",
    "v2026": "82234299875465ecf6c196ace42ffbe745baaeea72b5e39de955af36929982a4",
}


class TablesError(DemeanorError):
    """Word tables that are not there, or that cannot be read."""


@dataclass(frozen=True, slots=True)
class WordTable:
    """Groupings of words. A word that a grouping does not hold has no cluster there."""

    version: str
    sha256: str  # of everything that was read
    groupings: Mapping[str, Mapping[str, str]]  # "W1L1" -> word -> cluster
    read: Callable[[str], str] = str  # a label as it is looked up

    def cluster(self, grouping: str, label: str) -> str | None:
        return self.groupings[grouping].get(self.read(label))

    def knows(self, label: str) -> bool:
        """Whether the label has a cluster in at least one grouping."""
        word = self.read(label)
        return any(word in clusters for clusters in self.groupings.values())

    def wheels(self, level: int) -> tuple[str, ...]:
        """Groupings of one level, wheel by wheel."""
        if level not in LEVELS:
            raise UnknownName("level of the wheels", str(level), map(str, LEVELS))
        return tuple(name for name in self.groupings if name.endswith(f"L{level}"))


def load_table(version: str, folder: Path | None = None) -> WordTable:
    """A table by name. Raises UnknownName, and TablesError where its files are not to be had."""
    if version not in TABLES:
        raise UnknownName("word table", version, TABLES)
    if version == "d1":
        from demeanor.eval.d1 import load_d1

        return load_d1()
    from demeanor.eval.fetch import pulled

    return _official(version, (folder or pulled(version)).resolve())


@cache
def _official(version: str, folder: Path) -> WordTable:
    forms_file = _forms_file(version, folder)
    files = (forms_file, folder / _SYNONYMS, *(folder / name for name in _WHEELS))
    if missing := [path.name for path in files if not path.is_file()]:
        raise TablesError(
            f"{folder}: wanted the word tables {version}, found no {', '.join(missing)}. "
            "Fetch them with:  demeanor eval tables pull"
        )
    raws = _raws(_forms(forms_file))
    canonicals = _canonicals(files[1])
    wheels = [_wheel(path) for path in files[2:]]
    digest = hashlib.sha256(b"".join(_digest(path) for path in files)).hexdigest()
    return WordTable(version, digest, _groupings(raws, canonicals, wheels))


def _forms_file(version: str, folder: Path) -> Path:
    """The first file of a fitting name. Raises TablesError for the other version's forms."""
    names = _FORMS[version]
    path = next((folder / name for name in names if (folder / name).is_file()), folder / names[-1])
    other = next(v for v in OFFICIAL if v != version)
    if path.is_file() and _digest(path).hex() == FORMS_SHA256[other]:
        raise TablesError(
            f"{path}: wanted the word forms of {version}, found those of {other}. "
            f"Score with --words {other}, or name another folder"
        )
    return path


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


# Files ----------------------------------------------------------------------------------------


def _forms(path: Path) -> list[tuple[str, str]]:
    """(raw word, form) in the file's order; each word is a form of itself."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames is None or not {"name", "format"} <= set(reader.fieldnames):
            raise TablesError(f"{path}: wanted columns name, format; found {reader.fieldnames}")
        rows = [(row["name"] or "", row["format"] or "") for row in reader]
    return [pair for name, forms in rows for pair in _with_itself(_plain(name), forms)]


def _with_itself(name: str, forms: str) -> Iterator[tuple[str, str]]:
    for form in dict.fromkeys([name, *map(_plain, forms.split(","))]):
        if name and form:
            yield name, form


def _plain(text: object) -> str:
    return str(text or "").lower().strip()


def _raws(forms: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    raws: dict[str, set[str]] = {}
    for raw, form in forms:
        raws.setdefault(form, set()).add(raw)
    return raws


def _sheet(path: Path) -> list[tuple[object, ...]]:
    return read_sheet(path, TablesError)


def _canonicals(path: Path) -> dict[str, set[str]]:
    """Word -> the wheel labels that it is a synonym of, itself among them if it is one."""
    head, *rows = _sheet(path)
    wanted = [(f"word_run{run}", f"synonym_run{run}") for run in range(1, _N_RUNS + 1)]
    columns = {_plain(cell): number for number, cell in enumerate(head)}
    if missing := [name for pair in wanted for name in pair if name not in columns]:
        raise TablesError(f"{path}: wanted columns {missing}, found {list(columns)}")
    canonicals: dict[str, set[str]] = {}
    for row in rows:
        for word_column, synonym_column in wanted:
            word = _plain(row[columns[word_column]])
            synonyms = map(_plain, str(row[columns[synonym_column]] or "").split(","))
            for synonym in {word, *synonyms} if word else ():
                if synonym:
                    canonicals.setdefault(synonym, set()).add(word)
    return canonicals


@dataclass(frozen=True, slots=True)
class _Wheel:
    """Label -> its cluster on each ring."""

    level1: dict[str, str]
    level2: dict[str, str]


def _wheel(path: Path) -> _Wheel:
    head, *rows = _sheet(path)
    if [_plain(cell) for cell in head[:3]] != ["level1", "level2", "level3"]:
        raise TablesError(f"{path}: wanted columns level1, level2, level3; found {head[:3]}")
    return wheel_of(_filled(rows))


def _filled(rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[str, str, str]]:
    """A cell that is empty stands for the one above it."""
    above = ["", "", ""]
    for row in rows:
        above = [_plain(cell) or old for cell, old in zip(row[:3], above, strict=True)]
        yield above[0], above[1], above[2]


def wheel_of(rows: Iterable[tuple[str, str, str]]) -> _Wheel:
    """A label that stands in two places belongs where it stands last, as in OV-MER's code. A
    level-1 label's own level 2 is the alphabetically first of its sector.
    """
    level1: dict[str, str] = {}
    level2: dict[str, str] = {}
    sectors: dict[str, set[str]] = {}
    for first, second, third in rows:
        level1 |= dict.fromkeys((third, second, first), first)
        level2 |= dict.fromkeys((third, second), second)
        sectors.setdefault(first, set()).add(second)
    return _Wheel(level1, level2 | {first: min(ring) for first, ring in sectors.items()})


# Groupings ------------------------------------------------------------------------------------


def _groupings(
    raws: Mapping[str, set[str]], canonicals: Mapping[str, set[str]], wheels: list[_Wheel]
) -> dict[str, dict[str, str]]:
    """M1: the first of a form's raw words; M2: the first label of that; wheels: the first of all
    labels of all raw words that the wheel has. First is always first by the alphabet."""
    m1 = {form: min(words) for form, words in raws.items()}
    m2 = {form: min(canonicals[word]) for form, word in m1.items() if word in canonicals}
    labels = {
        form: sorted({label for word in words for label in canonicals.get(word, ())})
        for form, words in raws.items()
    }
    groupings = {"M1": m1, "M2": m2}
    for number, wheel in enumerate(wheels, start=1):
        for level, rings in enumerate((wheel.level1, wheel.level2), start=1):
            groupings[f"W{number}L{level}"] = {
                form: rings[found]
                for form, several in labels.items()
                if (found := next((label for label in several if label in rings), None))
            }
    return groupings
