"""Talking mouths in drawn openings, 25 frames a second."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demeanor.explain.perception.talking import held, mouth_rhythm, talking
from demeanor.explain.records import Span
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().events  # 1.8 to 7.5 openings a second, three of them, .5 deep
STEP_S = 0.04
NAN = float("nan")
TIMES_S = np.arange(250) * STEP_S  # ten seconds


def syllables(hz, start_s=2.0, end_s=8.0, depth=1.5):
    """Lips that open `depth` and close, `hz` times a second, from start_s to end_s."""
    open_now = 0.5 - 0.5 * np.cos(2 * np.pi * hz * (TIMES_S - start_s))
    return np.where((start_s <= TIMES_S) & (end_s >= TIMES_S), depth * open_now, 0.0)


def stretch(flags):
    """(first, last) second with the flag set."""
    (which,) = np.nonzero(flags)
    return TIMES_S[which[[0, -1]]].tolist() if len(which) else None


# Rhythm ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("hz", [2.2, 3.0, 4.0, 5.0, 6.0])
def test_syllables_have_a_rhythm_from_the_first_to_the_last(hz):
    first_s, last_s = stretch(mouth_rhythm(TIMES_S, syllables(hz), SETTINGS))
    assert first_s == pytest.approx(2.0, abs=0.35)
    assert last_s == pytest.approx(8.0, abs=0.35)


@pytest.mark.parametrize(
    "opening",
    [
        syllables(0.8),  # a mouth that opens and closes slowly
        syllables(4.0, 2.0, 2.5),  # twice
        syllables(4.0, depth=0.2),  # the trembling of the points
        np.where((TIMES_S > 3) & (TIMES_S < 4), 3.0, 0.0),  # one expression
        np.zeros(250),
        np.full(250, NAN),
    ],
    ids=["slow", "twice", "shallow", "once", "closed", "never seen"],
)
def test_no_rhythm(opening):
    assert not mouth_rhythm(TIMES_S, opening, SETTINGS).any()


def test_trembling_alone_is_no_rhythm():
    noise = np.random.default_rng(1).normal(0, 0.15, 250)
    assert mouth_rhythm(TIMES_S, noise, SETTINGS).mean() == 0.0


def test_what_was_not_seen_has_no_rhythm():
    opening = syllables(4.0)
    opening[100:150] = NAN
    assert not mouth_rhythm(TIMES_S, opening, SETTINGS)[100:150].any()


# Whose voice it is ----------------------------------------------------------------------------


#  voice          2 ──────────── 8      9 ── 10
#  this mouth     2 ──────────── 8
def test_a_voice_and_this_mouth_are_talking():
    talk = talking(TIMES_S, syllables(4.0), [Span(2.0, 8.0), Span(9.0, 10.0)], SETTINGS)
    first_s, last_s = stretch(talk.heard)
    assert (first_s, last_s) == pytest.approx((1.8, 8.2), abs=0.05)
    assert not talk.unheard.any()


def test_a_voice_without_this_mouth_is_somebody_else_s():
    assert not talking(TIMES_S, np.zeros(250), [Span(2.0, 8.0)], SETTINGS).either.any()


def test_a_mouth_in_the_rhythm_without_a_voice_is_told_apart():
    talk = talking(TIMES_S, syllables(4.0), [], SETTINGS)
    assert not talk.heard.any()
    assert stretch(talk.unheard) == pytest.approx([2.0, 8.0], abs=0.35)


def test_a_mouth_that_is_not_measured_is_not_known_to_talk():
    assert not talking(TIMES_S, None, [Span(0, 10)], SETTINGS).either.any()


# What is held ---------------------------------------------------------------------------------


#  values   0 3 0 0 2 2 2 2 0 5 0     width 3 frames
#  held     0 0 0 0 2 2 2 2 0 0 0
def test_short_rises_vanish_and_a_plateau_keeps_its_ends():
    values = np.array([0, 3, 0, 0, 2, 2, 2, 2, 0, 5, 0], float)
    kept = held(values, np.arange(11) * 0.1, 0.3)
    assert kept.tolist() == [0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0]


def test_a_wobble_on_a_plateau_is_cut_to_its_lower_edge():
    values = np.array([0, 3, 4, 3, 4, 3, 4, 3, 0], float)
    assert held(values, np.arange(9) * 0.1, 0.3).tolist() == [0, 3, 3, 3, 3, 3, 3, 3, 0]


def test_a_gap_shortens_nothing_and_stays_one():
    values = np.array([0, 2, 2, NAN, 2, 2, 0], float)
    np.testing.assert_array_equal(held(values, np.arange(7) * 0.1, 0.5), [0, 2, 2, NAN, 2, 2, 0])


@given(
    st.lists(st.one_of(st.just(NAN), st.floats(-2, 8, width=32)), min_size=2, max_size=40),
    st.sampled_from([0.1, 0.3, 0.7]),
)
def test_nothing_is_held_that_was_not_there(values, width_s):
    values = np.array(values, float)
    kept = held(values, np.arange(len(values)) * 0.1, width_s)
    np.testing.assert_array_equal(np.isnan(kept), np.isnan(values))
    known = ~np.isnan(values)
    assert (kept[known] <= values[known]).all()
