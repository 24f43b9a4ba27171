"""Rest as a posture, in drawn levels: four units, a column is a frame of 0.04 s.

The population: every unit 0 in the mean neutral face, with a spread of 0.8.
"""

from pathlib import Path

import numpy as np
import pytest

from demeanor.explain.errors import SettingsError
from demeanor.explain.perception.neutral import (
    FOUND,
    Neutral,
    NeutralOptions,
    NeutralWanted,
    Population,
    choose_neutral,
    find_neutral,
    moment_of,
    population,
    shown_neutral,
)
from demeanor.explain.records import Span
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().baseline  # 2.5 spreads; half-way at .5 s of rest
STEP_S = 0.04
UNITS = ("AU4", "AU6", "AU12", "AU15")  # a smile lifts AU6 and AU12 and lowers AU15
REST, SMILE = (0.0, 0.0, 0.0, 0.0), (0.0, 2.0, 3.5, -2.5)
KNOWN = Population(np.zeros(4), np.full(4, 0.8))


def face(*parts, noise=0.1, seed=0):
    """(n, 4) from (posture, seconds) in turn, with half a second of transition between."""
    rows = []
    for posture, seconds in parts:
        if rows:
            ways = np.linspace(0, 1, 12)[:, None]
            rows.append((1 - ways) * rows[-1][-1] + ways * np.array(posture))
        rows.append(np.tile(np.array(posture, float), (round(seconds / STEP_S), 1)))
    levels = np.concatenate(rows)
    return levels + np.random.default_rng(seed).normal(0, noise, levels.shape)


def found(levels, known=KNOWN, **more):
    return find_neutral(np.arange(len(levels)) * STEP_S, levels, known, SETTINGS, **more)


# Found ----------------------------------------------------------------------------------------


def test_a_face_that_does_nothing_is_at_rest_in_its_own_way():
    neutral = found(face((REST, 10)))
    np.testing.assert_allclose(neutral.levels, 0.0, atol=0.1)
    assert neutral.at_rest
    assert neutral.seconds == pytest.approx(10.0, abs=0.1)
    assert neutral.origin == FOUND


#  Half of the distance from the 16th to the 84th percentile of noise is its standard deviation
def test_spread_is_how_much_the_face_trembles_at_rest():
    np.testing.assert_allclose(found(face((REST, 20))).spread, 0.1, atol=0.02)


@pytest.mark.parametrize("smiling", [0.4, 0.6, 0.9, 0.95])
def test_a_held_smile_is_not_rest_however_long_it_is_held(smiling):
    levels = face((REST, 20 * (1 - smiling) / 2), (SMILE, 20 * smiling), (REST, 1 - smiling))
    neutral = found(levels)
    np.testing.assert_allclose(neutral.levels, 0.0, atol=0.3)
    assert neutral.at_rest


#  AU15 is -2.5 in the smile. Were that its rest, letting go would look like corners pulled down.
def test_the_release_of_a_smile_is_no_frown():
    levels = face((SMILE, 15), (REST, 1.5))
    change = levels - found(levels).levels
    assert change[-20:, UNITS.index("AU15")].mean() == pytest.approx(0.0, abs=0.3)
    assert change[:300, UNITS.index("AU12")].mean() == pytest.approx(3.5, abs=0.3)


def test_a_smile_in_the_middle_of_two_others_does_not_hide_rest():
    levels = face((SMILE, 4), (REST, 1), (SMILE, 3), (REST, 1), (SMILE, 4))
    np.testing.assert_allclose(found(levels).levels, 0.0, atol=0.3)


#  Brows that lie low: AU4 at 1.6, two spreads up, and the face is seen to smile as well
def test_low_brows_are_the_person_s_own_zero():
    low = np.array([1.6, 0, 0, 0])
    neutral = found(face((low, 8), (low + SMILE, 4), (low, 4)))
    np.testing.assert_allclose(neutral.levels, low, atol=0.2)
    assert neutral.at_rest


def test_what_lies_below_neutral_is_how_a_face_is_built():
    flat = np.array([-2.4, -2.4, -1.6, 0])
    neutral = found(face((flat, 8), (flat + SMILE, 6)))
    np.testing.assert_allclose(neutral.levels, flat, atol=0.25)


def test_a_smile_from_the_first_frame_to_the_last_is_held_and_no_rest():
    neutral = found(face((SMILE, 10)))
    assert not neutral.at_rest
    held = dict(zip(UNITS, neutral.held.tolist(), strict=True))
    assert (held["AU12"], held["AU4"]) == (True, False)
    np.testing.assert_allclose(neutral.levels, SMILE, atol=0.2)


#  A low level of a unit, and the posture's: the one nearer to anybody's neutral face
def test_without_rest_the_low_end_of_a_unit_is_what_it_is_held_at():
    stronger = np.array(SMILE) * [1, 1, 1.5, 1]
    neutral = found(face((SMILE, 3), (stronger, 6)))
    assert not neutral.at_rest
    assert neutral.levels[UNITS.index("AU12")] == pytest.approx(3.5, abs=0.3)


#  1.2 is 1.5 spreads up: 0.3 s of it count as .3 x (3 + 1.5^2) / 4 = .39 s, of which the own
#  level gets .39 / (.39 + .5) = 44%; a minute gives it all
def test_the_less_is_seen_of_rest_the_more_it_is_drawn_to_the_population():
    known = Population(np.zeros(1), np.full(1, 0.8))
    for seconds, share in ((0.3, 0.44), (60.0, 1.0)):
        levels = np.full((round(seconds / STEP_S), 1), 1.2)
        levels = np.concatenate([levels, np.full((4, 1), 4.0), np.full((4, 1), -4.0)])
        neutral = found(levels, known)
        assert neutral.levels[0] == pytest.approx(share * 1.2, abs=0.1)


#  Every frame lies at 1.9 or above: a zero below that would make an event of the whole clip
def test_rest_is_drawn_no_lower_than_the_person_ever_gets():
    low = np.array([1.9, 0, 0, 0])
    levels = np.concatenate([face((low, 0.3)), face((low + SMILE, 3))])
    assert found(levels).levels[0] > 1.6


def test_single_sides_follow_the_frames_that_both_chose():
    both = face((REST, 3), (SMILE, 9))
    sides = both[:, [2]] * [1.2]
    neutral = found(np.hstack([both, sides]), Population(np.zeros(5), np.full(5, 0.8)), n_joint=4)
    assert neutral.levels.shape == (5,)
    assert neutral.levels[4] == pytest.approx(0.0, abs=0.2)


def test_who_never_holds_still_is_looked_at_in_the_calmest_frames():
    waves = np.sin(np.arange(250) * STEP_S * 2 * np.pi * 1.5)[:, None] * [0.5, 1.5, 2.0, 0.5]
    neutral = found(np.add(waves, [0, 1.5, 2.0, 0]))
    assert np.isfinite(neutral.levels).all()
    assert neutral.levels[UNITS.index("AU12")] < 2.0


@pytest.mark.parametrize("n", [1, 2, 3])
def test_very_few_frames_have_a_posture_too(n):
    assert np.isfinite(found(np.zeros((n, 4))).levels).all()


def test_an_hour_needs_no_more_postures_than_a_minute():
    levels = np.tile(face((REST, 5), (SMILE, 5)), (60, 1))
    np.testing.assert_allclose(found(levels).levels, 0.0, atol=0.2)


# The population -------------------------------------------------------------------------------


#  1.645 standard deviations up lies one in twenty; a spread below .3 is not believed
def test_the_population_is_that_of_the_calibration():
    known = population(np.array([1.645, 0.1]))
    np.testing.assert_allclose(known.spread, [1.0, 0.3])
    measured = population(np.array([1.645, 0.1]), np.array([0.7, 0.9]))
    np.testing.assert_allclose(measured.spread, [0.7, 0.9])
    assert known.centre.tolist() == [0.0, 0.0]


# Shown ----------------------------------------------------------------------------------------


def chosen(levels, wanted=None, step_s=STEP_S):
    times_s = np.arange(len(levels)) * STEP_S
    return choose_neutral(times_s, levels, KNOWN, SETTINGS, step_s, wanted, 4)


def test_rest_that_is_shown_is_taken_as_it_is():
    levels = face((REST, 6), (SMILE, 2))
    wanted = NeutralWanted(Span(7.0, 8.0), origin="shown at 7.00-8.00 s")
    neutral = chosen(levels, wanted)
    np.testing.assert_allclose(neutral.levels, SMILE, atol=0.1)
    assert (neutral.at_rest, neutral.origin) == (True, "shown at 7.00-8.00 s")
    assert neutral.seconds == pytest.approx(1.0, abs=0.05)


def test_where_the_face_is_not_seen_then_rest_is_looked_for():
    neutral = chosen(face((REST, 6)), NeutralWanted(Span(90.0, 91.0), origin="shown at 90.00 s"))
    assert neutral.origin == FOUND


def test_rest_of_another_clip_is_taken_whatever_is_seen_in_this_one():
    shown = Neutral(np.ones(4), np.zeros(4), 3.0, np.zeros(4, bool), "shown in rest.mp4")
    assert chosen(face((SMILE, 6)), NeutralWanted(shown=shown, origin=shown.origin)) is shown
    assert chosen(np.zeros((0, 4)), NeutralWanted(shown=shown, origin=shown.origin)) is shown


def test_a_glimpse_tells_no_rest_of_its_own():
    assert chosen(face((REST, 1.9))) is None
    assert chosen(face((REST, 2.1))) is not None
    assert chosen(np.zeros((0, 4))) is None
    assert chosen(np.zeros((1, 4)), step_s=0.0) is None


def test_the_middle_of_what_is_shown_outlives_a_blink():
    levels = np.zeros((11, 4))
    levels[4:6] = 5.0
    assert shown_neutral(np.arange(11) * STEP_S, levels, "shown").levels.tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("3", Span(3.0, 3.0)),
        ("3.5", Span(3.5, 3.5)),
        ("00:03", Span(3.0, 3.0)),
        ("1:02:03.5", Span(3723.5, 3723.5)),
        ("00:03-00:04.5", Span(3.0, 4.5)),
        (" 1-2 ", Span(1.0, 2.0)),
    ],
)
def test_times_as_people_write_them(text, span):
    assert moment_of(text) == span


@pytest.mark.parametrize("text", ["", "soon", "-3", "3-", "1:2:3:4", "4-3"])
def test_what_is_no_time(text):
    with pytest.raises(SettingsError, match=r"wanted a time|ends before"):
        moment_of(text)


def test_rest_is_shown_in_one_place():
    with pytest.raises(SettingsError, match="give one of them"):
        NeutralOptions(Span(3.0, 3.0), Path("rest.mp4"))
