import json
from dataclasses import replace

import numpy as np
import pytest
from scripted_chat import ScriptedChat
from tuned_bases import few_rows

from demeanor.data_engine.validation import (
    answer_rows,
    figures,
    interval,
    judged,
    spread_over_groups,
    told,
)
from demeanor.explain.errors import ChatError


def by_name(answered):
    return {figure.name: figure for figure in figures(answered)}


def test_good_answers_and_unreadable_ones_are_counted_over_their_own_numbers():
    rows = few_rows()[:8]
    answered = [judged(row, row.answer) for row in rows[:6]] + [judged(r, "?") for r in rows[6:]]
    found = by_name(answered)
    assert found["label_right"].value == found["readable"].value == 6 / 8
    assert found["ids_unknown"].value == 0.0
    assert found["grounded"].n == sum(len(row.evidence) for row in rows[:6])
    assert found["grounded"].value > 0.9
    assert found["abstained"].value == 0.0  # what cannot be read has not abstained
    assert found["label_right"].groups == 8


def test_ids_that_do_not_exist_are_counted_among_all_citations():
    row = few_rows()[0]
    reply = json.loads(row.answer)
    reply["conclusion"]["cites"] = ["f77"]
    before, after = (by_name([judged(row, text)]) for text in (row.answer, json.dumps(reply)))
    assert before["ids_unknown"].value == 0.0
    assert after["ids_unknown"].value == 1 / after["ids_unknown"].n


def test_nothing_to_count_is_no_zero():
    row = replace(few_rows()[0], label_set=None)
    found = by_name([judged(row, "?")])
    assert found["label_right"].value is None and found["grounded"].value is None
    assert told(found["grounded"]) == "nothing to count"
    assert "no interval" in told(found["readable"])


def test_an_interval_draws_whole_subjects():
    one_each = np.tile([[1.0, 1.0], [0.0, 1.0]], (20, 1))
    clustered = np.array([[10.0, 10.0], [0.0, 10.0]] * 3)
    narrow, wide = interval(one_each), interval(clustered)
    assert narrow[0] < 0.5 < narrow[1]
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
    assert interval(np.ones((4, 2))) is None  # four subjects
    assert interval(np.zeros((9, 2))) is None


def test_rows_are_taken_of_as_many_subjects_as_there_are():
    rows = [replace(r, origin=replace(r.origin, subject="a")) for r in few_rows()[:3]]
    rows += [replace(r, origin=replace(r.origin, subject=f"b{k}")) for k, r in enumerate(rows)]
    assert [r.group for r in spread_over_groups(rows, 5)] == ["a", "b0", "b1", "b2", "a"]
    assert spread_over_groups([], 3) == []


def test_the_model_is_asked_the_row_s_own_question_and_a_row_too_long_is_left_out():
    row = few_rows()[0]
    model = ScriptedChat(row.answer)
    (answered,) = answer_rows(model, [row], 100, 0)
    assert answered.reply == row.answer
    assert model.asked[0].messages == row.messages[:-1]

    class Full(ScriptedChat):
        def reply(self, request):
            raise ChatError("too long")

    assert answer_rows(Full(), [row], 100, 0) == []
    assert [figure.value for figure in figures([])] == [None] * 5


@pytest.mark.parametrize("structured", [True, False])
def test_a_model_that_can_be_held_gets_the_schema(structured):
    model = ScriptedChat(few_rows()[0].answer)
    model.structured = structured
    answer_rows(model, few_rows()[:1], 100, 0)
    assert (model.asked[0].schema is not None) is structured
