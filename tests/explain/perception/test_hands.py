"""Where a drawn hand lies on the neutral face, and what comes of it over time."""

import numpy as np
import pytest

from demeanor.explain.perception.geometry import template
from demeanor.explain.perception.hands import COARSE, HANDS, PLACES, Hands, covered, hand_events
from demeanor.explain.perception.picture import Picture
from demeanor.explain.records import Unit

FACE = np.add(template("mesh") * 100.0 * [1, -1, -1], [200, 200, 0]).astype(np.float32)


def hand_at(x, y, size=60.0):
    """21 points in a square about (x, y)."""
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 7), np.linspace(-0.5, 0.5, 3)), axis=-1)
    return grid.reshape(21, 2) * size + [x, y]


def middle(code):
    return FACE[list(PLACES[code]), :2].mean(axis=0).tolist()


def shares(hand):
    return dict(zip(HANDS, covered(hand, FACE).tolist(), strict=True))


@pytest.mark.parametrize("code", ["hand_mouth", "hand_chin", "hand_nose", "hand_brow"])
def test_the_place_under_a_hand_is_covered(code):
    found = shares(hand_at(*middle(code), size=90))
    assert found[code] > 0.7
    assert found["hand_near"] == 0


def test_a_hand_at_the_mouth_is_not_at_the_brow():
    found = shares(hand_at(*middle("hand_mouth")))
    assert found["hand_mouth"] > 0.7
    assert found["hand_brow"] == found["hand_eye"] == 0


def test_a_hand_on_one_cheek_covers_half_of_the_cheeks():
    x, y = FACE[[50, 205, 117, 207], :2].mean(axis=0).tolist()
    assert shares(hand_at(x, y, size=40))["hand_cheek"] == pytest.approx(0.5)


def test_a_hand_beside_the_face_is_near_and_covers_nothing():
    found = shares(hand_at(FACE[:, 0].max() + 60, 200))
    assert found.pop("hand_near") == 1
    assert set(found.values()) == {0.0}


def test_no_hand_is_measured_and_absent():
    assert set(shares(None).values()) == {0.0}


#  share  nan nan 0 .6 .6 .6 0 .2 0      one stretch; what is not looked at is no hand
def test_a_hand_is_an_event_from_when_to_when(draw_track):
    nan = np.nan
    values = [nan, nan, 0, 0.6, 0.7, 0.6, 0, 0.2, 0]
    track = draw_track("hand_mouth", values, step_s=0.5, unit=Unit.RATIO)
    (event,) = hand_events([track, draw_track("AU12", values)], 0.3, 0.1)
    assert (event.span.start_s, event.span.end_s, event.apex_s) == (1.5, 2.5, 2.0)
    assert event.peak == pytest.approx(0.7)
    assert event.caveats == (COARSE,)


class Model:
    """Answers from a list and keeps how often it was asked."""

    def __init__(self, size_px, *answers):
        self.input_shape, self.answers, self.n_asked = (1, size_px, size_px, 3), answers, 0

    def __call__(self, x):
        self.n_asked += 1
        return self.answers[min(self.n_asked, len(self.answers)) - 1]


def points_of(score):
    return [np.full((1, 63), 112.0), np.array([[score]]), np.array([[1.0]]), np.zeros((1, 63))]


def palm_of(logit):
    scores = np.full((1, 2016, 1), -9.0)
    scores[0, 900] = logit
    return [np.full((1, 2016, 18), 20.0), scores]


BLANK = Picture(np.zeros((400, 400, 3), np.uint8))


def test_a_palm_needs_a_hand_to_be_believed():
    assert Hands(Model(192, palm_of(3.0)), Model(224, points_of(0.9))).find(BLANK, FACE).shape == (
        21,
        2,
    )
    assert Hands(Model(192, palm_of(3.0)), Model(224, points_of(0.1))).find(BLANK, FACE) is None
    hand = Model(224, points_of(0.9))
    assert Hands(Model(192, palm_of(-3.0)), hand).find(BLANK, FACE) is None
    assert hand.n_asked == 0


def test_a_hand_that_was_there_is_looked_for_first_and_then_anew():
    palm = Model(192, palm_of(3.0))
    followed = Hands(palm, Model(224, points_of(0.9))).find(BLANK, FACE, hand_at(200, 200))
    assert followed is not None
    assert palm.n_asked == 0
    lost = Hands(palm, Model(224, points_of(0.1), points_of(0.9)))
    assert lost.find(BLANK, FACE, hand_at(200, 200)) is not None
    assert palm.n_asked == 1
