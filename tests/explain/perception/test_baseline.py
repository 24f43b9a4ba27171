"""What is usual, from drawn tracks: a person's own level, and that of a population."""

import numpy as np
import pytest

from demeanor.explain.perception.baseline import frame_step_s, usual
from demeanor.explain.records import Unit
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().baseline  # a quarter of the way up; 2 s at least


#  AU12     0 for 1 s, 2 for 3 s: held for most of the clip, and yet rest is near 0
def test_rest_is_the_low_end_so_that_a_held_smile_is_not_erased(draw_track):
    found = usual(draw_track("AU12", [0.0] * 11 + [2.0] * 29), SETTINGS)
    assert found.own == 0.0
    assert found.population == 0.0


def test_a_face_that_never_rests_is_its_own_usual(draw_track):
    assert usual(draw_track("AU1", [1.5] * 30), SETTINGS).own == 1.5


#  spread of the lower half 0 .1 .2 .3 .4 (16th to 84th percentile: .064 to .336), halved
def test_spread_is_that_of_the_resting_half(draw_track):
    values = [0.0, 0.1, 0.2, 0.3, 0.4, 3.0, 4.0, 5.0, 5.0]
    found = usual(draw_track("AU1", values, step_s=0.5), SETTINGS)
    assert found.own_spread == pytest.approx((0.336 - 0.064) / 2, abs=1e-3)


def test_an_angle_is_usual_at_its_median_and_has_no_norm(draw_track):
    track = draw_track("pose_yaw", [-10.0] * 21 + [40.0] * 9, unit=Unit.DEGREE)
    found = usual(track, SETTINGS)
    assert (found.own, found.population) == (-10.0, None)


#  1.9 s visible of 4: too little, whatever the clip's length
def test_too_little_to_tell(draw_track):
    values = [1.0] * 19 + [float("nan")] * 21
    found = usual(draw_track("AU12", values), SETTINGS)
    assert (found.own, found.own_spread, found.population) == (None, None, 0.0)
    assert usual(draw_track("AU12", [1.0] * 20 + values[20:]), SETTINGS).own == 1.0


def test_a_picture_has_no_usual(draw_track):
    assert usual(draw_track("AU12", [3.0]), SETTINGS).own is None


def test_frame_step_is_the_usual_one_and_0_for_a_picture():
    assert frame_step_s(np.array([0.0, 0.04, 0.08, 2.0, 2.04])) == pytest.approx(0.04)
    assert frame_step_s(np.array([3.0])) == 0.0
    assert frame_step_s(np.array([])) == 0.0
