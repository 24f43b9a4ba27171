"""A run as HTML: what strangers wrote stays text, and nothing is loaded from elsewhere."""

import re

import pytest
from drawn_runs import PICTURE, drawn_runs

from demeanor.eval.exporting import answer_html, confusion_html, to_html
from demeanor.eval.viewing import read_run


@pytest.fixture(scope="module")
def root(tmp_path_factory, small_table):
    return drawn_runs(tmp_path_factory.mktemp("runs"), small_table)


@pytest.fixture(scope="module")
def page(root):
    return to_html(read_run(root / "first"))


def test_texts_of_strangers_are_escaped(root, page):
    run = read_run(root / "first")
    for text in (page, answer_html(run.answers["right"])):
        assert "&lt;script&gt;alert(1)" in text
        assert "<script" not in text.lower()
    assert PICTURE in page  # as text: Markdown means nothing here


def test_the_page_loads_nothing(page):
    assert "default-src 'none'" in page
    assert re.findall(r"""(?:src|href)\s*=|url\(|@import""", page) == []


def test_the_page_has_all_that_was_asked_for(page):
    for part in (
        "95% interval",
        "What was dropped",
        "What was said instead",
        "right 7",
        "failed 1",
        "there is no observation f9",
        "UNSUPPORTED",
        "task:emer|metric:ew-f|level:1|",
    ):
        assert part in page


def test_the_same_run_has_the_same_page(root, page):
    assert to_html(read_run(root / "first")) == page


def test_a_closed_set_has_a_table_of_gold_by_answer(root):
    run = read_run(root / "closed")
    assert "gold \\ said" in confusion_html(run)
    assert "gold \\ said" in to_html(run)
    assert confusion_html(read_run(root / "first")) == ""
