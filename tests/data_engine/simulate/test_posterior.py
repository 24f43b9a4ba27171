"""What observations say: worked by hand where it can be, calibrated over many clips else."""

import math

import pytest
from drawn_observations import au, gap, held, said, turn, voice

from demeanor.data_engine.simulate.clips import draw_clip
from demeanor.data_engine.simulate.posterior import weigh
from demeanor.data_engine.simulate.tables import NEUTRAL
from demeanor.data_engine.tasks import case_of
from demeanor.explain.settings import load_settings


def weighed(*observations, gaps=(), meant=None, person="p1"):
    return weigh(observations, tuple(gaps), person, meant or {}, "landmarker")


def test_a_smile_with_raised_cheeks_is_happiness():
    found = weighed(au("f1", 12, 3.5), au("f2", 6, 3.0))
    assert found.emotion == "happiness"
    assert math.isclose(sum(found.shares.values()), 1.0)
    (moment,) = found.moments
    assert moment.is_expression
    assert {o.obs_id for o in moment.shown} == {"f1", "f2"}


def test_raised_brows_wide_eyes_and_a_dropped_jaw_are_surprise():
    units = [au(f"f{k}", n, 3.0) for k, n in enumerate((1, 2, 5, 25, 26), start=1)]
    assert weighed(*units).emotion == "surprise"


def test_nothing_seen_is_neutral_and_nothing_measured_abstains():
    assert weighed().emotion == NEUTRAL
    assert not weighed().abstains
    assert weighed(gaps=[gap("face", "no face was seen")], person=None).abstains


def test_one_slight_movement_is_not_believed():
    """Faces at rest show as much one time in twenty."""
    assert weighed(au("f1", 15, 1.6)).emotion == NEUTRAL


def test_what_is_held_all_along_and_blinks_say_nothing():
    same = weighed().shares
    assert weighed(held("f1", 12, 3.0)).shares == same
    assert weighed(au("f1", 45, 4.0)).shares == same


def test_a_unit_that_could_not_be_measured_does_not_count_as_absent():
    """Happiness shows parted lips more often than not: their absence speaks against it."""
    smile = au("f1", 12, 3.0)
    absent = weighed(smile).shares["happiness"]
    unknown = weighed(smile, gaps=[gap("AU25", "a hand is before it")]).shares["happiness"]
    assert unknown > absent


def test_without_what_carried_it_the_reading_changes():
    smile, cheeks, head = au("f1", 12, 3.5), au("f2", 6, 3.0), turn("f3", 51, 15)
    assert weighed(smile, cheeks, head).emotion == "happiness"
    assert weighed(head).emotion == NEUTRAL


def test_words_count_beside_a_face_that_shows_nothing():
    words = said("s1", "They gave me the job!")
    found = weighed(words, meant={"s1": "happiness"})
    assert found.shares["happiness"] > weighed().shares["happiness"]
    assert found.said["happiness"] > found.said["sadness"]


def test_a_low_voice_is_rather_sad_than_angry():
    face = [gap("face", "no face was seen")]
    low_pitch = voice("v1", "F0semitoneFrom27.5Hz", -3.0, person=None)
    low = weighed(low_pitch, gaps=face, person=None).shares
    assert (
        low["sadness"] / low["anger"]
        > weighed(gaps=face, person=None).shares["sadness"]
        / (weighed(gaps=face, person=None).shares["anger"])
    )


#  time_s  0    1    2    3    4    5    6
#  AU12    |---------|
#  AU4                         |---------|
def test_movements_apart_in_time_are_two_moments():
    found = weighed(au("f1", 12, 3.5, (0, 2)), au("f2", 4, 3.5, (5, 6)))
    assert [tuple(o.obs_id for o in m.observations) for m in found.moments] == [("f1",), ("f2",)]


def test_other_people_are_no_evidence():
    theirs = au("f1", 12, 5.0, person="p2")
    assert weighed(theirs).shares == weighed().shares


@pytest.fixture(scope="module")
def answers():
    settings = load_settings().timeline
    found = []
    for number in range(900):
        case = case_of(draw_clip(11, number), settings)
        top = case.weighed.emotion
        found.append((case.weighed.shares[top], top == case.clip.truth.emotion))
    return found


def test_shares_are_as_often_right_as_they_say(answers):
    for low, high in ((0.3, 0.6), (0.6, 1.01)):
        inside = [(share, right) for share, right in answers if low <= share < high]
        said_ = sum(share for share, _ in inside) / len(inside)
        right = sum(right for _, right in inside) / len(inside)
        assert right == pytest.approx(said_, abs=0.1), (low, len(inside))
