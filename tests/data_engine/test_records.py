import json

import pytest
from drawn_observations import au, gap, said
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_chat import good_reply

from demeanor.data_engine.records import (
    CheckResult,
    RowError,
    Task,
    example_id,
    from_line,
    to_line,
)
from demeanor.explain.records import Side


@pytest.fixture
def row(draw_row):
    seen = (au("f1", 12, 3.0), au("f2", 6, 0.0, side=Side.LEFT), said("s1", "a “b”\u2028\nc"))
    checks = (
        CheckResult("a", False, "why", {"n": 0}),
        CheckResult("b", None, "nothing"),
        CheckResult("c", True),
    )
    return draw_row(
        seen, good_reply(), gaps=[gap("voice")], checks=checks, related=("x",), split="train"
    )


def test_a_row_comes_back_from_its_line_as_it_was(row):
    line = to_line(row)
    assert line.count("\n") == 1 and line.endswith("\n")
    assert from_line(line) == row
    assert to_line(from_line(line)) == line


def test_zero_and_false_are_kept_and_only_what_is_empty_is_left_out(row):
    data = json.loads(to_line(row))
    assert data["observations"][1]["peak"] == 0.0
    assert "brief" not in data["observations"][1]
    assert data["checks"][0] == {"name": "a", "passed": False, "reason": "why", "counts": {"n": 0}}
    assert data["checks"][1] == {"name": "b", "reason": "nothing"}


@settings(max_examples=30, deadline=None)
@given(peak=st.floats(0, 5), time_s=st.floats(0, 1e4), quote=st.text(max_size=40))
def test_any_number_and_any_text_comes_back(peak, time_s, quote):
    from demeanor.data_engine.records import ExpCoTExample, Origin
    from demeanor.explain.records import Provenance

    seen = (au("f1", 12, peak, (time_s, time_s)), said("s1", quote))
    made = Provenance("m", None, None, 0, {}, "1")
    row = ExpCoTExample(
        "e", "c", Task.WORDS, (), ("joy",), None, seen, (), (), (), made, Origin("folder", "i")
    )
    assert from_line(to_line(row)) == row


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "null", '{"schema": "demeanor-expcot-0"}', '{"a": 1}', '"text"']
)
def test_what_is_no_row_of_this_version_is_refused(line):
    with pytest.raises(RowError):
        from_line(line)


def test_an_unknown_field_is_refused(row):
    data = json.loads(to_line(row))
    with pytest.raises(RowError, match="surplus"):
        from_line(json.dumps({**data, "surplus": 1}))


def test_the_answer_is_the_last_message_and_the_group_a_person_before_a_recording(row):
    assert json.loads(row.answer)["best_fit"] == "happiness"
    assert [check.name for check in row.failed] == ["a"]
    assert row.group is None


def test_ids_differ_by_folder_and_task_and_never_by_run():
    one = example_id("c1", "a/x.jpg", Task.EXP_COT)
    assert one == example_id("c1", "a/x.jpg", Task.EXP_COT)
    others = [
        example_id("c1", "b/x.jpg", Task.EXP_COT),
        example_id("c2", "a/x.jpg", Task.EXP_COT),
        example_id("c1", "a/x.jpg", Task.LABEL),
        example_id("c1", "a/x.jpg", Task.EXP_COT, 1),
    ]
    assert len({one, *others}) == 5
