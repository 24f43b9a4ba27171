import json
from dataclasses import replace

import pytest
from drawn_corpus import FILES

from demeanor.data_engine.build import build
from demeanor.data_engine.curate import (
    DECISIONS,
    Curation,
    Decision,
    candidates,
    mended,
    told,
    write_curated,
)
from demeanor.data_engine.records import RowError
from demeanor.data_engine.rows import read_rows
from demeanor.data_engine.teach import Reading, RuleReader


class Stubborn(RuleReader):
    """Takes every face at rest for anger."""

    def read(self, request, parts):
        if not request.observations:
            return Reading("anger", "it says so")
        return super().read(request, parts)


@pytest.fixture
def folder(drawn_samples, drawn_engine, tmp_path):
    """Two rows of drawn files, and a reject with a text: its blind reader never agrees."""
    names = ("anna/clip.jpg", "anna/b.jpg", "dora/e.jpg", "carl/d.jpg")
    engine = drawn_engine(drawn_samples({n: FILES[n] for n in names}), reader=Stubborn())
    build(engine, tmp_path / "out")
    return tmp_path / "out"


def ids(curation):
    return [c.row.example_id for c in curation.candidates]


def test_rows_and_rejects_with_a_text_are_read_and_refusals_are_not(folder):
    found = candidates(folder)
    assert len(found) == 3
    assert [c.row.origin.path for c in found if c.rejected_for] == ["dora/e.jpg"]


def test_the_last_decision_counts_and_outlives_the_page(folder):
    curation = Curation(folder)
    one, two, *_ = ids(curation)
    curation.accept(one)
    curation.reject(two, "wrong label")
    curation.reject(one)
    again = Curation(folder)
    assert again.state(one).decision is Decision.REJECT
    assert (again.state(two).note, again.first_open()) == ("wrong label", 2)


def test_a_line_cut_short_is_passed_over(folder):
    curation = Curation(folder)
    one, two, *_ = ids(curation)
    curation.accept(one)
    curation.accept(two)
    text = (folder / DECISIONS).read_text()
    (folder / DECISIONS).write_text(text[:-20])
    assert set(Curation(folder).decided) == {one}


def test_a_mended_row_is_kept_with_its_pair_and_checked_anew(folder):
    curation = Curation(folder)
    one = ids(curation)[0]
    before = curation.candidates[0].row
    text = told(before)
    better = replace(text, observations=text.observations + "\n- AU12 is seen [f2].")
    assert curation.mend(one, better) == ()
    curation.accept(ids(curation)[1])
    rows, pairs, counts = write_curated(curation)
    kept = list(read_rows(rows))
    assert [row.extra["curated"]["decision"] for row in kept] == ["mend", "accept"]
    assert "AU12 is seen." in kept[0].answer and kept[0].failed == ()
    assert "blind-reader" not in [check.name for check in kept[0].checks]
    (pair,) = map(json.loads, pairs.open())
    answers = [pair[side][0]["content"] for side in ("rejected", "chosen")]
    assert answers == [before.answer, kept[0].answer]
    assert [m["role"] for m in pair["prompt"]] == ["system", "user"]
    assert counts == {"accept": 1, "reject": 0, "mend": 1, "undecided": 1}


def test_a_mended_row_that_fails_a_check_is_not_kept(folder):
    curation = Curation(folder)
    one = ids(curation)[0]
    text = replace(told(curation.candidates[0].row), observations="- A happy look [f1].")
    failed = curation.mend(one, text)
    assert "label-blind" in [check.name for check in failed]
    assert curation.state(one) is None


def test_mending_nothing_changes_no_answer(folder):
    row = Curation(folder).candidates[0].row
    assert mended(row, told(row)).answer == row.answer


def test_a_row_of_elsewhere_is_refused(folder):
    with pytest.raises(RowError):
        Curation(folder).accept("nobody")


def test_a_folder_without_rows_is_refused(tmp_path):
    with pytest.raises(RowError, match=r"rows\.jsonl"):
        Curation(tmp_path)
