import json

import numpy as np
import pytest

from demeanor.explain.demo.script import HeadMove, Intent, Truth, TruthEvent
from demeanor.explain.demo.truth import read_truth, srt, truth_json
from demeanor.explain.errors import DemeanorError
from demeanor.explain.records import Span


@pytest.fixture
def known() -> Truth:
    return Truth(
        events=(TruthEvent("AU12", 0.0, 0.1, 0.2, 4.0, Intent.SCRIPTED),),
        times_s=np.array([0.0, 0.1]),
        weights={"mouthSmile": np.array([0.0, 0.8])},
        head_deg=np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]]),
        utterances=((Span(0.05, 3661.5), "Oh [1, 2]!"), (Span(3662.0, 3663.0), "Yes.")),
        head_moves=(HeadMove(0.0, 0.1, 0.2, yaw_deg=1.0),),
        facts={"script_sha256": "ab", "fps": 10},
    )


def test_truth_survives_json(known):
    again = read_truth(truth_json(known))
    assert (again.events, again.utterances, again.head_moves, again.facts) == (
        known.events,
        known.utterances,
        known.head_moves,
        known.facts,
    )
    np.testing.assert_array_equal(again.times_s, known.times_s)
    np.testing.assert_array_equal(again.head_deg, known.head_deg)
    np.testing.assert_array_equal(again.weights["mouthSmile"], known.weights["mouthSmile"])


def test_numbers_of_one_list_stay_on_one_line(known):
    assert '"mouthSmile": [0.0,0.8]' in truth_json(known)


def test_subtitles_carry_hours_and_milliseconds(known):
    assert srt(known) == (
        "1\n00:00:00,050 --> 01:01:01,500\nOh [1, 2]!\n\n2\n01:01:02,000 --> 01:01:03,000\nYes.\n"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"frames": 3}'])
def test_another_layout_is_refused(text):
    with pytest.raises(DemeanorError, match="wanted the truth of a synthetic clip"):
        read_truth(text)


def test_another_schema_is_refused(known):
    other = json.loads(truth_json(known)) | {"schema": 99}
    with pytest.raises(DemeanorError, match="schema 99"):
        read_truth(json.dumps(other))
