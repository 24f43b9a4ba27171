"""Word tables: OV-MER's, whole, and small ones worked out by hand."""

import csv
import shutil

import pytest

from demeanor.eval import tables
from demeanor.eval.tables import OFFICIAL, TablesError, WordTable, load_table, wheel_of
from demeanor.explain.errors import MissingExtra, UnknownName

openpyxl = pytest.importorskip("openpyxl")


@pytest.fixture(scope="module")
def raw(shared):
    return shared / "knowledge" / "ov_mer" / "raw"


# The official ones ----------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "n_forms"), [("v2025", 7386), ("v2026", 7356)])
def test_every_form_has_the_clusters_of_the_published_map(shared, raw, version, n_forms):
    table = load_table(version, raw)
    path = shared / "knowledge" / "ov_mer" / f"label_map_{version}.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0])[1:] == list(table.groupings)
    wrong = [
        (row["form"], name)
        for row in rows
        for name in table.groupings
        if (table.cluster(name, row["form"]) or "") != row[name]
    ]
    assert wrong == []
    assert len(rows) == n_forms == len(table.groupings["M1"])


def test_the_fault_of_v2025_and_what_v2026_left(raw):
    old, new = (load_table(version, raw) for version in OFFICIAL)
    assert (old.cluster("W2L1", "fear"), new.cluster("W2L1", "fear")) == ("happy", "fearful")
    assert new.cluster("W5L1", "happy") == "powerful"
    assert new.cluster("W4L1", "surprise") == "fear"
    assert not new.knows("neutral")


def test_a_table_says_which_files_it_was_read_from(raw):
    old, new = (load_table(version, raw) for version in OFFICIAL)
    assert old.sha256 != new.sha256
    assert old.wheels(1) == ("W1L1", "W2L1", "W3L1", "W4L1", "W5L1")
    with pytest.raises(UnknownName, match="level of the wheels"):
        old.wheels(3)


def test_one_folder_per_version_works_too(raw, tmp_path):
    for path in raw.glob("*.xlsx"):
        shutil.copy(path, tmp_path)
    shutil.copy(raw / "format_mer2026.csv", tmp_path / "format.csv")
    assert load_table("v2026", tmp_path).sha256 == load_table("v2026", raw).sha256
    with pytest.raises(TablesError, match=r"word forms of v2025, found those of v2026"):
        load_table("v2025", tmp_path)


# Files that are not right ---------------------------------------------------------------------


def test_files_that_are_missing_are_named(tmp_path):
    with pytest.raises(TablesError, match=r"found no format\.csv, synonym\.xlsx, wheel1\.xlsx"):
        load_table("v2026", tmp_path)


def test_a_table_nobody_knows():
    with pytest.raises(UnknownName, match="word table 'v2027'"):
        load_table("v2027")


@pytest.fixture
def copied(raw, tmp_path):
    for path in raw.iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def test_a_file_that_is_no_table_is_named(copied):
    (copied / "wheel3.xlsx").write_bytes(b"no zip")
    with pytest.raises(TablesError, match=r"wheel3\.xlsx: cannot be read"):
        load_table("v2026", copied)


def test_columns_that_are_missing_are_named(copied):
    (copied / "format_mer2026.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TablesError, match="wanted columns name, format"):
        load_table("v2026", copied)
    book = openpyxl.Workbook()
    book.active.append(["level1", "level2"])
    book.save(copied / "wheel1.xlsx")
    shutil.copyfile(copied / "format.csv", copied / "format_mer2026.csv")
    with pytest.raises(TablesError, match="wanted columns level1, level2, level3"):
        tables._wheel(copied / "wheel1.xlsx")


def test_without_openpyxl_the_extra_is_named(copied, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(MissingExtra, match=r"demeanor\[eval\]"):
        load_table("v2026", copied)


# By hand --------------------------------------------------------------------------------------


#  sad ─ hurt ─ disappointed        `disappointed` is on two rings: where it stands last counts
#      └ low  ─ blue
#  bad ─ disappointed ─ let down
def test_a_label_on_two_rings_belongs_where_it_stands_last():
    wheel = wheel_of(
        [
            ("bad", "disappointed", "let down"),
            ("sad", "low", "blue"),
            ("sad", "hurt", "disappointed"),
        ]
    )
    assert wheel.level1["disappointed"] == "sad"
    assert wheel.level2["disappointed"] == "hurt"
    assert wheel.level2["sad"] == "hurt"  # the first of its sector by the alphabet
    assert wheel.level2["blue"] == wheel.level2["low"] == "low"


def test_a_table_may_read_labels_in_its_own_way():
    table = WordTable(
        "t", "", {"W1L1": {"sad": "sadness"}}, lambda label: label.removeprefix("so ")
    )
    assert table.cluster("W1L1", "so sad") == "sadness"
    assert table.knows("so sad")
    assert not table.knows("sadly")
