"""Files of the forms that corpora have, made here."""

from pathlib import Path

import openpyxl
import pytest


@pytest.fixture
def written(tmp_path):
    """Writes a text below tmp_path; gives its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def excel(tmp_path):
    """Writes rows as an .xlsx below tmp_path; gives its path."""

    def write(name: str, *rows, sheet: str = "Sheet1") -> Path:
        book = openpyxl.Workbook()
        book.active.title = sheet
        for row in rows:
            book.active.append(row)
        path = tmp_path / name
        book.save(path)
        return path

    return write
