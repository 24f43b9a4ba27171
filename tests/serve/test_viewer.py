"""The page of `demeanor eval view`, without a browser: what stands where, how it is filtered."""

from pathlib import Path

import pytest
from drawn_runs import PICTURE, SCRIPT, broken_run, drawn_runs

from demeanor.eval.tables import WordTable

PAGE = Path(__file__).resolve().parents[2] / "serve" / "viewer.py"
WORDS = {"angry": "anger", "furious": "anger", "happy": "joy", "glad": "joy"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    table = WordTable("small", "ab" * 32, dict.fromkeys(("W1L1", "W1L2"), WORDS))
    folder = drawn_runs(tmp_path_factory.mktemp("runs"), table)
    return broken_run(folder)


@pytest.fixture
def page(monkeypatch):
    testing = pytest.importorskip("streamlit.testing.v1")

    def opened(folder):
        monkeypatch.setenv("DEMEANOR_RUNS", str(folder))
        made = testing.AppTest.from_file(str(PAGE), default_timeout=30).run()
        assert not made.exception
        return made

    return opened


def goto(page, name):
    found = page.sidebar.radio[0].set_value(name).run()
    assert not found.exception
    return found


def texts(page):
    return "\n".join(element.value for element in page.text)


def test_a_folder_without_runs_says_how_to_make_one(page, tmp_path):
    assert "demeanor eval emer" in texts(page(tmp_path))


def test_the_leaderboard_parts_runs_by_signature(page, root):
    shown = page(root)
    assert [list(table.value["run"]) for table in shown.dataframe] == [
        ["first", "second"],
        ["closed"],
    ]
    assert "Not shown: " in texts(shown)  # the run that is not finished
    assert "95% interval" in shown.dataframe[0].value.columns


def test_one_run_is_filtered_by_what_became_of_its_samples(page, root):
    shown = goto(page(root), "One run")
    shown.selectbox[0].set_value("first").run()
    shown.multiselect[0].set_value(["failed", "wrong"]).run()
    assert not shown.exception
    (samples,) = [t.value for t in shown.dataframe if "outcome" in t.value.columns]
    assert sorted(samples["id"]) == ["gone", "wrong"]
    assert list(shown.selectbox[1].options) == ["wrong"]  # "gone" has no answer to be shown
    shown.multiselect[0].set_value([]).run()
    assert not shown.exception


def test_two_runs_are_compared_or_refused(page, root):
    shown = goto(page(root), "Two runs")
    shown.selectbox[0].set_value("first").run()
    assert "over 10 samples that both scored" in texts(shown)
    shown.selectbox[1].set_value("closed").run()
    assert "Not compared" in shown.warning[0].value
    assert "task" in set(shown.dataframe[0].value["of the signature"])
    shown.checkbox[0].check().run()
    assert "one metric" in texts(shown)
    assert not shown.exception


def test_no_text_of_a_stranger_is_read_as_markdown_or_html(page, root):
    shown = goto(page(root), "One run")
    shown.selectbox[0].set_value("first").run()
    said = [
        element.value
        for element in (*shown.markdown, *shown.caption, *shown.header, *shown.subheader)
    ]
    assert not any(PICTURE in text or SCRIPT in text for text in said)
    assert PICTURE in texts(shown)  # a note, as plain text
