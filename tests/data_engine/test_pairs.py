import json
from dataclasses import replace

import pytest
from tuned_bases import few_rows

from demeanor.data_engine.build import Outcome, outcome_line
from demeanor.data_engine.curate import preference
from demeanor.data_engine.pairs import read_pairs
from demeanor.data_engine.records import RowError
from demeanor.data_engine.teach import Try
from demeanor.explain.reasoning.chat import Message

ASKED = [{"role": "user", "content": "what?"}]


def line(chosen, rejected, **changes):
    pair = {"prompt": ASKED, "chosen": said(chosen), "rejected": said(rejected), **changes}
    return json.dumps(pair) + "\n"


def said(text):
    return [{"role": "assistant", "content": text}]


def outcome(row, *tries, status="accepted"):
    made = tuple(Try(reply, None, ("citations: f9 does not exist",)) for reply in tries)
    return outcome_line(Outcome("i", "k", status, (), made, 1, 1, row))


def test_pairs_of_a_file(tmp_path):
    (tmp_path / "pairs.jsonl").write_text(line("this", "that") + "\n")
    (pair,) = read_pairs(tmp_path / "pairs.jsonl")
    assert (pair.messages[0].content, pair.chosen, pair.rejected) == ("what?", "this", "that")


def test_what_a_person_mended_is_a_pair(tmp_path):
    row = few_rows()[0]
    mended = replace(row, messages=(*row.messages[:-1], Message("assistant", "better")))
    text = json.dumps(preference(row, mended)) + "\n"
    (tmp_path / "preferences.jsonl").write_text(text)
    (pair,) = read_pairs(tmp_path)
    assert (pair.messages, pair.chosen, pair.rejected) == (row.messages[:-1], "better", row.answer)


def test_a_build_holds_what_was_taken_and_what_failed_before(tmp_path):
    one, two, three = few_rows()[:3]
    text = (
        outcome(one, "first", "", one.answer)
        + outcome(two)
        + outcome(three, "x", status="rejected")
    )
    (tmp_path / "outcomes.jsonl").write_text(text)
    (pair,) = read_pairs(tmp_path)
    assert (pair.chosen, pair.rejected) == (one.answer, "first")
    assert pair.messages == one.messages[:-1]
    assert pair.group == one.origin.subject


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1: no preference pair"),
        ('{"prompt": [{"role": "user", "content": "x"}]}', "line 1: no preference pair: 'chosen'"),
        (line("a", "a"), "are the same"),
        ("", "found none"),
    ],
)
def test_what_is_no_pair_is_named_by_its_line(tmp_path, text, said):
    (tmp_path / "pairs.jsonl").write_text(text)
    with pytest.raises(RowError, match=said):
        read_pairs(tmp_path / "pairs.jsonl")


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(RowError, match="wanted preference pairs, found nothing to read"):
        read_pairs(tmp_path / "none.jsonl")
