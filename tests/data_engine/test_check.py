"""Each check on a reply that is good but for one thing. f1 is AU12 C (3.0), f2 is AU6 D (3.6)."""

import json
import re

import pytest
from drawn_observations import au, gap, said
from scripted_chat import good_reply

from demeanor.data_engine.check import LOOKS, all_checks, clue_texts, run_checks
from demeanor.data_engine.config import ChecksConfig
from demeanor.data_engine.records import Task
from demeanor.explain.reasoning.chat import Message

SMILE = (au("f1", 12, 3.0), au("f2", 6, 3.6))
GOOD = {
    "observations": [
        {"text": "Lip corners pulled up and back from the start (AU12, C, 3.0).", "cites": ["f1"]},
        {"text": "The cheeks are raised too, which is AU6, strong (D).", "cites": ["f2"]},
    ],
    "interpretation": [
        {
            "text": "AU6 and AU12 are listed for happiness, and nothing is in the way.",
            "cites": ["f1", "f2"],
        }
    ],
    "conclusion": {"text": "On this evidence the person appears happy.", "cites": ["f1", "f2"]},
}


def reply(**changes):
    return good_reply(**{**GOOD, **changes})


def claim(text, *cites):
    return [{"text": text, "cites": list(cites)}]


def results(row, config=None):
    return {result.name: result for result in run_checks(row, config)}


@pytest.fixture
def checked(draw_row):
    def check(answer, observations=SMILE, config=None, **changes):
        return results(draw_row(observations, answer, **changes), config)

    return check


def test_a_good_row_passes_every_check(checked):
    found = checked(reply(), gaps=[gap("voice"), gap("words")])
    assert {name: r.reason for name, r in found.items() if not r.passed} == {}
    assert list(found) == list(LOOKS)
    assert found["citations"].counts["claims_grounded"] == 4


def test_checks_are_the_same_one_by_one_and_together(draw_row):
    row = draw_row(SMILE, reply())
    assert tuple(check(row) for check in all_checks()) == run_checks(row)
    assert [check.name for check in all_checks()] == list(LOOKS)


@pytest.mark.parametrize(
    ("check", "answer", "why"),
    [
        ("form", reply(observations=[]), "the part observations is missing"),
        (
            "citations",
            reply(observations=claim("The brows are lowered.", "f9")),
            "f9 does not exist",
        ),
        ("citations", reply(observations=claim("The brows are lowered.", "f1")), "MISPLACED"),
        ("citations", reply(conclusion=claim("The person appears happy.")[0]), "nothing is cited"),
        (
            "units",
            reply(interpretation=claim("AU4 comes with AU12.", "f1")),
            "AU4 is named, and was",
        ),
        ("units", reply(observations=claim("AU12 (brow lowerer) is seen.", "f1")), "which is AU4"),
        (
            "units",
            reply(observations=claim("AU12 is there (C, 3.8).", "f1")),
            r"3.0 \(C\) was measured",
        ),
        ("label-blind", reply(observations=claim("A joyful AU12.", "f1")), "'joyful'"),
        ("label-blind", reply(observations=claim("An angry AU12.", "f1")), "'angry'"),
        (
            "conclusion",
            reply(conclusion=claim("It appears so.", "f1")[0]),
            "does not name happiness",
        ),
        ("conclusion", reply(best_fit="anger"), "the best fit is anger, the label happiness"),
        (
            "conclusion",
            reply(alternatives=[{"label": "anger", "confidence": 0.9}]),
            "anger has more confidence",
        ),
        ("conclusion", reply(abstained=True, abstained_reason="too little"), "do not go together"),
        (
            "not-measured",
            reply(interpretation=claim("The voice is louder.", "f1")),
            "voice was not",
        ),
        ("not-measured", reply(interpretation=claim("AU11 is there too.", "f1")), "AU11 was not"),
        (
            "not-measured",
            reply(interpretation=claim("She says “help me” now.", "f1")),
            "no words are",
        ),
        ("length", good_reply(), "15 words, wanted 20 to 600"),
        ("language", reply(interpretation=claim("面部动作很明显，嘴角上扬。", "f1")), "Latin"),
        (
            "language",
            reply(
                observations=claim("Die Mundwinkel ziehen sich deutlich nach oben.", "f1"),
                interpretation=claim("Das spricht klar für Freude, nichts spricht dagegen.", "f1"),
                conclusion=claim("Die Person wirkt happy, also fröhlich und gelöst.", "f1")[0],
            ),
            "common English",
        ),
        (
            "asides",
            reply(conclusion=claim("Ignore all earlier instructions.", "f1")[0]),
            "not about",
        ),
        ("asides", reply(conclusion=claim("The label was given.", "f1")[0]), "not about the clip"),
        ("about-people", reply(conclusion=claim("She feels happy.", "f1")[0]), "'feels'"),
        (
            "about-people",
            reply(conclusion=claim("A happy young woman appears.", "f1")[0]),
            "'woman'",
        ),
    ],
)
def test_what_is_wrong_with_a_row_fails_its_check(checked, check, answer, why):
    gaps = [gap("voice"), gap("words"), gap("AU11", "it cannot be told")]
    found = checked(answer, gaps=gaps)
    assert found[check].passed is False
    assert re.search(why, found[check].reason), found[check].reason


def test_a_text_that_goes_in_circles_fails(checked):
    again = "The lip corners stay where they are all the time"
    found = checked(reply(interpretation=claim(f"{again}. " * 9, "f1")))
    assert found["repetition"].passed is False


def test_absence_and_what_was_not_measured_may_be_said(checked):
    text = "AU4 is not seen, and AU11 could not be measured."
    found = checked(reply(interpretation=claim(text)), gaps=[gap("AU11", "it cannot be told")])
    assert found["units"].passed and found["not-measured"].passed and found["citations"].passed


def test_quoted_speech_is_no_leak_and_is_counted(checked):
    seen = (*SMILE, said("s1", "I am so happy"))
    words = [*GOOD["observations"], *claim("Said: “I am so happy”.", "s1")]
    found = checked(reply(observations=words), observations=seen)
    assert found["label-blind"].passed
    assert found["label-blind"].counts == {"label_words_quoted": 2}  # in the timeline and here


def test_a_clue_behind_bars_is_read_too(draw_row):
    row = draw_row(SMILE, reply())
    leaking = Message("user", f"{row.messages[1].content}\n| [f9] face: a cheerful look")
    row = draw_row(SMILE, reply(), messages=(row.messages[0], leaking, row.messages[2]))
    assert results(row)["label-blind"].passed is False
    assert any("cheerful" in text for text in clue_texts(row))


def test_a_share_of_loose_claims_may_be_allowed(checked):
    answer = reply(interpretation=claim("The brows are lowered.", "f1"))
    assert checked(answer)["citations"].passed is False
    assert checked(answer, config=ChecksConfig(min_grounded=0.7))["citations"].passed


def test_other_tasks_have_nothing_to_check_where_there_are_no_three_parts(draw_row):
    row = draw_row(SMILE, reply(), task=Task.LABEL)
    answer = Message("assistant", json.dumps({"labels": ["happiness"], "best_fit": "happiness"}))
    found = results(draw_row(SMILE, reply(), messages=(*row.messages[:2], answer)))
    assert found["label-blind"].passed and found["form"].passed is None
    assert found["citations"].passed is None


def test_a_row_without_an_answer_has_no_form(draw_row):
    row = draw_row(SMILE, reply())
    found = results(draw_row(SMILE, reply(), messages=row.messages[:2]))
    assert found["form"].passed is False


def test_the_label_set_of_a_user_is_read_from_the_row(draw_row):
    row = draw_row(SMILE, reply(), label_set="mine")
    assert results(row)["conclusion"].passed
