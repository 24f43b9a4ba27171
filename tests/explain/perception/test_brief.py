"""Movements of a fifth of a second, drawn at 25 frames a second unless the test says otherwise."""

import numpy as np
import pytest

from demeanor.explain.perception.brief import brief_peaks, too_slow, trembling, wandering
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().events  # .04 to .5 s, .5 high, 6 times the trembling, 25 fps
NAN = float("nan")
NEVER = np.zeros(250, bool)


def clip(fps=25.0, seconds=10.0, noise=0.0, seed=0):
    times_s = np.arange(round(fps * seconds)) / fps
    return times_s, np.random.default_rng(seed).normal(0, noise, len(times_s))


def pulse(times_s, apex_s, length_s, height):
    """A raised cosine."""
    away = np.abs(times_s - apex_s)
    return np.where(
        away < length_s / 2, height * (0.5 + 0.5 * np.cos(2 * np.pi * away / length_s)), 0
    )


def spans(values, times_s, disturbed=None):
    disturbed = np.zeros(len(values), bool) if disturbed is None else disturbed
    return [
        (times_s[first], times_s[apex], times_s[last])
        for first, apex, last in brief_peaks(values, times_s, disturbed, SETTINGS)
    ]


@pytest.mark.parametrize("length_s", [0.16, 0.2, 0.3, 0.4, 0.5])
def test_a_brief_movement_has_its_onset_apex_and_offset(length_s):
    times_s, rest = clip()
    ((start_s, apex_s, end_s),) = spans(rest + pulse(times_s, 5.0, length_s, 2.0), times_s)
    assert apex_s == pytest.approx(5.0, abs=0.041)
    assert (start_s, end_s) == pytest.approx((5 - length_s / 2, 5 + length_s / 2), abs=0.11)
    assert end_s - start_s <= 0.5


def test_it_may_come_on_top_of_something_that_lasts():
    times_s, rest = clip()
    smile = pulse(times_s, 5.0, 8.0, 3.0)
    ((_, apex_s, _),) = spans(rest + smile + pulse(times_s, 6.0, 0.2, 2.0), times_s)
    assert apex_s == pytest.approx(6.0, abs=0.041)


@pytest.mark.parametrize(
    "drawn",
    [
        lambda t: pulse(t, 5.0, 1.0, 4.0),  # an expression of a second
        lambda t: np.where(t > 5.0, 3.0, 0.0),  # one that stays
        lambda t: pulse(t, 5.0, 0.2, 2.0) - 3.0,  # back towards rest, from below it
        lambda t: pulse(t, 5.0, 0.2, 0.4),  # less than a trace
        lambda t: np.where(np.abs(t - 5.0) < 0.01, 4.0, 0.0),  # one frame: a point that jumps
        lambda t: pulse(t, 0.04, 0.2, 2.0),  # cut off by the clip's beginning
    ],
    ids=["long", "a step", "below rest", "too small", "one frame", "cut off"],
)
def test_what_is_none(drawn):
    times_s, rest = clip()
    assert spans(rest + drawn(times_s), times_s) == []


def test_trembling_is_none_and_raises_what_is_asked_for():
    times_s, noise = clip(seconds=120, noise=0.4)
    assert trembling(noise) == pytest.approx(0.4, rel=0.1)
    assert spans(noise, times_s) == []
    assert spans(noise + pulse(times_s, 60.0, 0.2, 1.3), times_s) == []


def test_one_rise_among_many_as_high_is_no_movement():
    times_s, rest = clip()
    twice = rest + sum(pulse(times_s, apex_s, 0.2, 0.9) for apex_s in (3.0, 6.0))
    assert len(spans(twice, times_s)) == 2
    often = rest + sum(pulse(times_s, apex_s, 0.2, 0.9) for apex_s in np.arange(0.6, 9.6, 0.6))
    assert spans(often, times_s) == []
    assert len(spans(often + pulse(times_s, 5.1, 0.2, 4.0), times_s)) == 1


#  a blink at 5 s; what moves within a tenth of a second of it is not believed
def test_what_happens_beside_a_blink_is_not_believed():
    times_s, rest = clip()
    blink = np.abs(times_s - 5.0) < 0.1
    moved = rest + pulse(times_s, 5.1, 0.2, 2.0) + pulse(times_s, 7.0, 0.2, 2.0)
    ((_, apex_s, _),) = spans(moved, times_s, blink)
    assert apex_s == pytest.approx(7.0, abs=0.041)


def test_a_movement_into_a_gap_has_no_known_end():
    times_s, rest = clip()
    values = rest + pulse(times_s, 5.0, 0.3, 2.0)
    values[126:140] = NAN
    assert spans(values, times_s) == []


@pytest.mark.parametrize(("fps", "slow"), [(12.5, True), (24.0, True), (24.98, False), (60, False)])
def test_frames_that_come_too_seldom_tell_nothing(fps, slow):
    times_s, rest = clip(fps)
    assert too_slow(times_s, SETTINGS) is slow
    assert (spans(rest + pulse(times_s, 5.0, 0.3, 3.0), times_s) == []) is slow


def test_a_picture_is_too_slow():
    assert too_slow(np.array([0.0]), SETTINGS)
    assert brief_peaks(np.array([3.0]), np.array([0.0]), np.array([False]), SETTINGS) == []


def test_too_few_frames_tell_no_trembling():
    assert trembling(np.array([0.0, 3.0, 0.0, 3.0])) == 0.0
    assert trembling(np.full(100, NAN)) == 0.0


def test_a_few_movements_hardly_make_a_track_wander():
    times_s, noise = clip(seconds=120, noise=0.4)
    assert wandering(noise, 0.04) == pytest.approx(0.4, rel=0.05)
    moved = noise + pulse(times_s, 20.0, 4.0, 5.0) + pulse(times_s, 60.0, 4.0, 5.0)
    assert wandering(moved, 0.04) == pytest.approx(0.4, rel=0.15)
    assert wandering(np.where(times_s < 60, moved, NAN), 0.04) == pytest.approx(0.4, rel=0.15)
    assert wandering(noise[:100], 0.04) == float("inf")
