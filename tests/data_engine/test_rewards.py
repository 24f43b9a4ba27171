import json
from dataclasses import replace

import pytest
from drawn_observations import au
from tuned_bases import few_rows

from demeanor.data_engine.rewards import Reward, reward

SMILE = (au("f1", 6, 3.1), au("f2", 12, 3.6))


@pytest.fixture
def row(draw_row):
    return draw_row(SMILE, answer())


def claim(text, *cites):
    return {"text": text, "cites": list(cites)}


def answer(best_fit="happiness", third="f2", **changes):
    """Three claims; the last cites `third`."""
    return {
        "observations": [claim("AU6 is clear.", "f1")],
        "interpretation": [claim("AU6 and AU12 come together.", "f1", "f2")],
        "conclusion": claim("AU12 leads.", third),
        "labels": [best_fit],
        "best_fit": best_fit,
        "confidence": 0.7,
        "alternatives": [],
        "valence": 0.5,
        "arousal": 0.2,
        "abstained": False,
        "abstained_reason": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (json.dumps(answer()), Reward(1.0, 1.0, 1.0)),
        (json.dumps(answer("anger")), Reward(0.0, 1.0, 1.0)),
        (json.dumps(answer(third="f9")), Reward(1.0, 2 / 3, 1.0)),  # there is no f9
        ("Here: " + json.dumps(answer()), Reward(1.0, 1.0, 0.5)),
        ("no idea", Reward(0.0, 0.0, 0.0)),
        ('{"observations": [', Reward(0.0, 0.0, 0.0)),
        (
            json.dumps(answer(abstained=True, abstained_reason="too little", labels=[])),
            Reward(0.0, 1.0, 0.75),  # one problem: it abstains, and names a best fit
        ),
    ],
)
def test_label_grounds_and_form_are_earned_apart(row, given, wanted):
    assert reward(row, given) == wanted


def test_one_grounded_claim_is_a_third_of_what_three_are(row):
    few = answer(observations=[claim("AU6 is clear.", "f1")], interpretation=[])
    few["conclusion"] = claim("")
    assert reward(row, json.dumps(few)).grounded == pytest.approx(1 / 3)


def test_abstaining_is_right_where_the_row_abstains(row):
    given = answer(abstained=True, abstained_reason="no face", labels=[], best_fit=None)
    assert reward(replace(row, labels=()), json.dumps(given)).label == 1.0


def test_of_open_words_the_share_that_was_said_counts(row):
    gold = replace(row, labels=("Joy", "relief"), label_set=None)
    given = answer(labels=["joy", "pride"], best_fit=None)
    assert reward(gold, json.dumps(given)).label == 0.5


def test_the_teacher_s_own_answers_earn_nearly_all():
    found = [reward(row, row.answer) for row in few_rows()]
    assert all(one.label == 1.0 and one.form == 1.0 for one in found)
    assert min(one.grounded for one in found) > 0.9


def test_reasons_count_as_much_as_the_label():
    assert Reward(1.0, 0.0, 1.0).total < Reward(1.0, 1.0, 1.0).total / 2 + 0.5
    assert Reward(1.0, 1.0, 1.0).total == 2.5
