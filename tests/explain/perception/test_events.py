"""Events in drawn tracks. A column is a tenth of a second unless the test says otherwise."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demeanor.explain.perception.events import (
    TURNED,
    WITHOUT_VOICE,
    Bout,
    EventRule,
    face_events,
    face_limits,
    feigned,
    find_bouts,
    smooth,
)
from demeanor.explain.records import Kind, Side, Span, Unit, Usual
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().events  # enter 1.5 (calm: .8), shortest .12 s, smoothed over .1 s
RULE = EventRule(enter=2.0, leave=1.0, min_duration_s=0.12)
NAN = float("nan")


def bouts(values, rule=RULE):
    return find_bouts(np.array(values, float), np.arange(len(values)) * 0.1, rule)


def events(track, *, own=0.0, change=None, speech=(), others=(), reliability=None):
    """Events of one track whose usual level is `own`; change: what it does above that."""
    intensity = track.unit in (Unit.FACS_INTENSITY, Unit.PROBABILITY)
    tracks = [track, *others]
    norms = [Usual(t.person, t.code, t.side, own, 0.1, None, t.unit) for t in tracks]
    if intensity:
        norms[0] = dataclasses.replace(norms[0], population=0.0)
    above = track.values - (own or 0.0) if change is None else np.array(change, np.float32)
    changes = {t.code: np.zeros_like(t.values) for t in others} | {track.code: above}
    return face_events(tracks, norms, changes, speech, reliability or {}, SETTINGS)


# Smoothing ------------------------------------------------------------------------------------


def test_smoothing_keeps_a_gap_and_does_not_average_it_in():
    values = np.array([0.0, 3.0, NAN, 6.0, 0.0])
    smoothed = smooth(values, np.arange(5) * 0.04, 0.1)  # three frames of 25 a second
    np.testing.assert_allclose(smoothed, [1.5, 1.5, NAN, 3.0, 3.0])


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_track_shorter_than_the_window_keeps_its_length(n):
    assert smooth(np.ones(n), np.arange(n) * 0.01, 0.1).tolist() == [1.0] * n


# Bouts ----------------------------------------------------------------------------------------


#  index    0    1    2    3    4    5    6    7
#  level    0    1    2    1    3   nan   0    2
#  bout          |--------------|              (one last frame: too short)
def test_a_bout_outlives_a_dip_and_ends_where_the_face_is_lost():
    assert bouts([0, 1, 2, 1, 3, NAN, 0, 2]) == [Bout(1, 4, 4)]


#  index    0    1    2    3    4    5    6    7
#  level    0    .2   .9   2    4   .9   .5   .3   foot: a tenth of 4
#  bout               |------------------|
def test_onset_and_offset_move_out_to_a_tenth_of_the_height():
    assert bouts([0, 0.2, 0.9, 2, 4, 0.9, 0.5, 0.3]) == [Bout(2, 4, 6)]


#  index    0    1    2    3    4    5    6
#  level    0    3    3   .8   .9    3    3
#  first         |---------|  the second reaches back no further than the first's end
def test_two_bouts_share_no_frame():
    assert bouts([0, 3, 3, 0.8, 0.9, 3, 3]) == [Bout(1, 1, 3), Bout(4, 5, 6)]


def test_the_foot_stops_where_the_level_turns_up_again():
    assert bouts([0.9, 0.6, 2, 2, 0.5, 0.9, 0]) == [Bout(1, 2, 4)]


#  index   0    1    2    3    4    5    6    7    8    9
#  level   0    3   4.3  4.6  4.8  4.9  4.8  5.0  4.3   3     the highest sample is noise: the
#  apex                             |--|                      vertex of a parabola through it all
def test_the_apex_of_a_broad_summit_is_its_middle_not_its_highest_sample():
    (bout,) = bouts([0, 3, 4.3, 4.6, 4.8, 4.9, 4.8, 5.0, 4.3, 3])
    assert bout.apex in (5, 6)


def test_the_apex_of_a_sharp_rise_is_its_highest_sample():
    assert bouts([0, 3, 5, 3, 3, 3, 3, 3, 3, 0])[0].apex == 2


#  index   0  1  2  3  4  5  6  7  8  9     falls by 2 and rises by 2: an end and a beginning,
#  level   0  2  4  5  4  3  3  5  5  2     at the lowest between them
#  bouts      |---------------||-------|
def test_what_falls_and_rises_by_as_much_as_begins_an_event_begins_a_new_one():
    assert bouts([0, 2, 4, 5, 4, 3, 3, 5, 5, 2]) == [Bout(1, 3, 5), Bout(6, 7, 9)]


def test_a_wobble_on_an_expression_begins_none():
    assert len(bouts([0, 2, 4, 5, 4, 3.5, 4, 5, 5, 2])) == 1


def test_many_in_a_row_are_as_many():
    assert len(bouts([0, 4, 4, 1.5] * 5)) == 5


levels = st.lists(st.one_of(st.just(NAN), st.floats(0, 8, width=32)), max_size=40)


@given(levels)
def test_bouts_are_in_order_apart_and_measured_throughout(values):
    found = bouts(values)
    for bout in found:
        inside = np.array(values[bout.first : bout.last + 1])
        assert bout.first <= bout.apex <= bout.last
        assert inside.max() >= RULE.enter
        assert values[bout.apex] >= 0.85 * inside.max()
    assert all(a.last < b.first for a, b in pairwise(found))


@given(levels, st.sampled_from([0.0, 0.1, 0.5]))
def test_smoothing_invents_nothing(values, width_s):
    values = np.array(values, float)
    smoothed = smooth(values, np.arange(len(values)) * 0.04, width_s)
    np.testing.assert_array_equal(np.isnan(smoothed), np.isnan(values))
    if not np.isnan(values).all():
        assert np.nanmin(values) - 1e-9 <= np.nanmin(smoothed)
        assert np.nanmax(smoothed) <= np.nanmax(values) + 1e-9


@pytest.mark.parametrize(
    "values",
    [[], [NAN] * 5, [1.9] * 5, [0, 5, 0, 0, 5, 0], [NAN, 2, NAN, 2, NAN]],
    ids=["nothing", "never seen", "below enter", "too short", "cut to pieces"],
)
def test_no_bout(values):
    assert bouts(values) == []


def test_a_bout_may_fill_the_clip():
    assert bouts([2, 2, 3, 2]) == [Bout(0, 2, 3)]


# Expressions ----------------------------------------------------------------------------------


#  time_s   0.0  0.1  0.2  0.3  0.4  0.5  0.6
#  AU12     .5   .5   1.5   3    2   .5   .5     own usual .5
def test_an_event_has_onset_apex_offset_and_what_it_is_measured_against(draw_track):
    track = draw_track("AU12", [0.5, 0.5, 1.5, 3, 2, 0.5, 0.5])
    (event,) = events(track, own=0.5, reliability={"AU12": 0.97})
    assert (event.code, event.kind, event.reliability) == ("AU12", Kind.EVENT, 0.97)
    assert (event.span.start_s, event.span.end_s) == pytest.approx((0.2, 0.4))
    assert event.apex_s == pytest.approx(0.3)
    assert event.peak == pytest.approx(3.0)
    assert event.change_from_usual == pytest.approx(2.5)
    assert event.change_from_population == pytest.approx(3.0)


def test_beyond_the_scale_the_apex_is_found_in_the_change_and_the_peak_stays_at_5(draw_track):
    track = draw_track("AU12", [0, 5, 5, 5, 0])
    (event,) = events(track, change=[0, 6, 8, 6, 0])
    assert event.apex_s == pytest.approx(0.2)
    assert (event.peak, event.change_from_usual) == (5.0, 5.0)


#  AU12 at 2 all along: own usual is 2, so that nothing changes, and yet it is there
def test_what_is_held_all_along_is_a_state_not_an_event(draw_track):
    (state,) = events(draw_track("AU12", [2.0] * 30), own=2.0)
    assert (state.kind, state.peak) == (Kind.STATE, 2.0)
    assert (state.change_from_usual, state.change_from_population) == (0.0, 2.0)
    assert (state.span.start_s, state.span.end_s) == pytest.approx((0.0, 2.9))


def test_a_held_level_with_a_rise_on_it_is_both(draw_track):
    track = draw_track("AU12", [2.0] * 20 + [4.0] * 5 + [2.0] * 5)
    assert [e.kind for e in events(track, own=2.0)] == [Kind.STATE, Kind.EVENT]


def test_nothing_is_held_where_it_shows_for_less_than_most_of_the_time(draw_track):
    track = draw_track("AU12", [2.0] * 5 + [0.0] * 25)
    assert [e.kind for e in events(track, own=0.0)] == [Kind.EVENT]


def test_a_face_never_seen_has_no_events(draw_track):
    assert events(draw_track("AU12", [NAN] * 30), own=None) == []


def test_a_picture_shows_states_and_compares_with_nobodys_usual(draw_track):
    (state,) = events(draw_track("AU12", [3.0]), own=None)
    assert (state.kind, state.span, state.apex_s) == (Kind.STATE, Span(0.0, 0.0), 0.0)
    assert (state.peak, state.change_from_usual, state.change_from_population) == (3.0, None, 3.0)
    assert events(draw_track("AU12", [1.4]), own=None) == []


#  probability  .1   .1   .6   .9   .6   .1    even odds above usual begin it
def test_a_probability_stays_one(draw_track):
    track = draw_track("AU12", [0.1, 0.1, 0.7, 0.9, 0.7, 0.1], unit=Unit.PROBABILITY)
    (event,) = events(track, own=0.1)
    assert event.unit is Unit.PROBABILITY
    assert event.peak == pytest.approx(0.9)
    assert event.change_from_usual == pytest.approx(0.8)
    assert [e.peak for e in events(track, change=[0, 0, 1.2, 1.4, 1.2, 0])] == [1.0]


# Eyes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("closed_s", "code"), [(0.2, "AU45"), (0.4, "AU45"), (1.0, "AU43")])
def test_a_short_closure_is_a_blink_a_long_one_closed_eyes(draw_track, closed_s, code):
    closed = [4.0] * (1 + round(closed_s / 0.1))
    (event,) = events(draw_track("AU43", [0, 0, *closed, 0, 0]))
    assert (event.code, event.kind, event.unit) == (code, Kind.EVENT, Unit.FACS_INTENSITY)
    assert event.span.duration_s == pytest.approx(closed_s)


def test_a_squint_is_no_blink(draw_track):
    assert events(draw_track("AU43", [0, 2, 2, 2, 0])) == []


#  20 s at 10 a second with 4 blinks: 12 a minute
def test_how_often_a_person_blinks_is_a_state(draw_track):
    rate, *blinks = events(draw_track("AU43", ([0] * 47 + [4, 4, 4]) * 4))
    assert [b.code for b in blinks] == ["AU45"] * 4
    assert (rate.code, rate.kind, rate.unit) == ("AU45", Kind.STATE, Unit.PER_MINUTE)
    assert rate.peak == pytest.approx(12.0)
    assert (rate.change_from_usual, rate.change_from_population) == (None, None)


def test_no_blink_rate_is_told_from_a_few_seconds(draw_track):
    assert [e.unit for e in events(draw_track("AU43", [0] * 47 + [4, 4, 4]))] == [
        Unit.FACS_INTENSITY
    ]


def test_closed_eyes_in_a_picture(draw_track):
    (state,) = events(draw_track("AU43", [4.0]), own=None)
    assert (state.code, state.kind) == ("AU43", Kind.STATE)


def test_closed_eyes_as_a_probability(draw_track):
    track = draw_track("AU43", [0, 0.9, 0.9, 0.9, 0], unit=Unit.PROBABILITY)
    (event,) = events(track)
    assert (event.code, event.unit) == ("AU45", Unit.PROBABILITY)
    assert event.peak == pytest.approx(0.9)


# Head and gaze --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("angle", "positive", "negative"),
    [
        ("pose_yaw", "AU51", "AU52"),
        ("pose_pitch", "AU53", "AU54"),
        ("pose_roll", "AU55", "AU56"),
        ("gaze_yaw", "AU61", "AU62"),
        ("gaze_pitch", "AU63", "AU64"),
    ],
)
def test_the_sign_of_an_angle_says_which_way(draw_track, angle, positive, negative):
    for sign, code in ((1, positive), (-1, negative)):
        turned = [0.0] * 3 + [sign * 20.0] * 5 + [0.0] * 3
        (event,) = events(draw_track(angle, turned, unit=Unit.DEGREE))
        assert (event.code, event.peak, event.change_from_usual) == (code, 20.0, 20.0)
        assert event.change_from_population is None
        assert (event.span.start_s, event.span.end_s) == pytest.approx((0.3, 0.7))


#  yaw -30 for most of the clip, then straight ahead: a turn to the left of where it mostly is
def test_a_head_is_turned_from_where_it_mostly_is(draw_track):
    track = draw_track("pose_yaw", [-30.0] * 20 + [0.0] * 5, unit=Unit.DEGREE)
    (event,) = events(track, own=-30.0)
    assert (event.code, event.peak) == ("AU51", 30.0)


def test_small_turns_are_none_and_gaze_needs_larger_ones(draw_track):
    turned = [0.0] * 3 + [12.0] * 5 + [0.0] * 3
    assert len(events(draw_track("pose_yaw", turned, unit=Unit.DEGREE))) == 1
    assert events(draw_track("gaze_yaw", turned, unit=Unit.DEGREE)) == []


def test_gaze_is_marked_as_not_validated(draw_track):
    track = draw_track("gaze_yaw", [0.0] * 3 + [20.0] * 5, unit=Unit.DEGREE)
    (event,) = events(track)
    assert event.caveats == ("gaze is not validated",)
    assert event.reliability < 0.5


def test_a_turned_head_in_a_picture(draw_track):
    (state,) = events(draw_track("pose_yaw", [-25.0], unit=Unit.DEGREE), own=None)
    assert (state.code, state.kind, state.peak) == ("AU52", Kind.STATE, 25.0)


# Caveats --------------------------------------------------------------------------------------


def test_a_mouth_that_speaks_is_marked_and_brows_are_not(draw_track):
    values = [0, 0, 3, 3, 3, 0, 0]  # 0.2 to 0.4 s
    mouth, brow = draw_track("AU12", values), draw_track("AU1", values)
    (spoken,) = events(mouth, speech=[Span(0.3, 1.0)])
    assert spoken.caveats == ("the mouth moves with speech here",)
    assert events(mouth, speech=[Span(0.35, 1.0)])[0].caveats == ()  # less than half of it
    assert events(brow, speech=[Span(0.0, 1.0)])[0].caveats == ()


def test_eyes_under_a_lowered_head_are_marked(draw_track):
    eyes = draw_track("AU43", [0] + [4] * 10 + [0])
    low = draw_track("pose_pitch", [-20.0] * 12, unit=Unit.DEGREE)
    found = events(eyes, others=[low])
    closed = next(e for e in found if e.code == "AU43")
    assert closed.caveats == ("the head is lowered, which makes eyes look closed",)
    straight = draw_track("pose_pitch", [0.0] * 12, unit=Unit.DEGREE)
    assert events(eyes, others=[straight])[0].caveats == ()


# Talking --------------------------------------------------------------------------------------

FRAME_S = 0.04
SECONDS = np.arange(200) * FRAME_S  # eight seconds
TALK = np.where((SECONDS > 2) & (SECONDS < 6), 1 - np.cos(2 * np.pi * 4 * SECONDS), 0.0)


def faces(draw, speech=(), rested=(), **drawn):
    """Events of several units drawn at once at 25 fps, all with a usual of 0."""
    tracks = [
        draw(
            c, v, step_s=FRAME_S, unit=Unit.DEGREE if c.startswith("pose") else Unit.FACS_INTENSITY
        )
        for c, v in drawn.items()
    ]
    norms = [Usual("p1", t.code, None, 0.0, 0.1, 0.0, t.unit) for t in tracks]
    changes = {t.code: t.values for t in tracks}
    return face_events(tracks, norms, changes, speech, {}, SETTINGS, rested)


def test_lips_that_talk_show_no_expression(draw_track):
    drawn = {"AU25": TALK, "AU26": TALK, "AU18": 1.5 * np.roll(TALK, 3)}
    assert faces(draw_track, [Span(2, 6)], drawn, **drawn) == []


def test_lips_that_talk_without_a_voice_show_none_either(draw_track):
    assert faces(draw_track, AU25=TALK, AU26=TALK) == []


#  AU12   0 ── 3 from 1 s to 7 s ── 0, with the syllables on it
def test_a_smile_held_over_talking_is_kept_whole(draw_track):
    smile = np.where((SECONDS >= 1) & (SECONDS <= 7), 3.0, 0.0) + 0.5 * TALK
    (event,) = faces(draw_track, [Span(2, 6)], AU25=TALK, AU12=smile)
    assert (event.code, event.peak) == ("AU12", pytest.approx(3.0, abs=0.3))
    assert (event.span.start_s, event.span.end_s) == pytest.approx((1.0, 7.0), abs=0.1)
    assert event.caveats == ("the mouth moves with speech here",)


def test_a_smile_held_over_silent_talking_says_what_it_is_seen_in(draw_track):
    smile = np.where((SECONDS >= 1) & (SECONDS <= 7), 3.0, 0.0)
    (event,) = faces(draw_track, AU25=TALK, AU12=smile)
    assert event.caveats == (WITHOUT_VOICE,)


def test_brows_that_rise_while_lips_talk_are_seen(draw_track):
    brows = np.where((SECONDS > 3) & (SECONDS < 3.5), 3.0, 0.0)
    (event,) = faces(draw_track, [Span(2, 6)], AU25=TALK, AU1=brows)
    assert event.code == "AU1"


def test_what_a_talking_mouth_may_hide_is_declared(draw_track):
    tracks = [draw_track("AU25", TALK, step_s=FRAME_S)]
    changes = {"AU25": TALK}
    (row,) = face_limits("p1", tracks, changes, [Span(2, 6)], SETTINGS, changes)
    assert (row.what, row.person) == ("short movements of the mouth", "p1")
    assert "talks (for 4.4 s in all)" in row.reason
    assert (row.span.start_s, row.span.end_s) == pytest.approx((1.8, 6.2), abs=0.05)
    (row,) = face_limits("p1", tracks, changes, [], SETTINGS, changes)
    assert "no voice is heard" in row.reason


# Brief movements ------------------------------------------------------------------------------


def blip(apex_s, height, length_s=0.2):
    away = np.abs(SECONDS - apex_s)
    return np.where(
        away < length_s / 2, height * (0.5 + 0.5 * np.cos(2 * np.pi * away / length_s)), 0.0
    )


def test_a_brief_movement_is_one_event_and_marked(draw_track):
    for height in (1.6, 4.0):  # too short for the smoothed track, and not
        (event,) = faces(draw_track, rested=["AU4"], AU4=blip(4.0, height))
        assert (event.brief, event.kind) == (True, Kind.EVENT)
        assert event.apex_s == pytest.approx(4.0)
        assert event.peak == pytest.approx(height, abs=0.1)
        assert 0.04 <= event.span.duration_s <= 0.5


def test_without_a_rest_of_the_person_s_own_none_is_told(draw_track):
    assert faces(draw_track, AU4=blip(4.0, 1.6)) == []
    (event,) = faces(draw_track, AU4=blip(4.0, 4.0))
    assert not event.brief


def test_an_expression_is_not_brief(draw_track):
    (event,) = faces(draw_track, rested=["AU4"], AU4=blip(4.0, 3.0, 1.2))
    assert not event.brief


def test_a_brow_that_jumps_with_a_blink_is_no_brief_movement(draw_track):
    lids = np.where(np.abs(SECONDS - 4) < 0.1, 4.0, 0.0)
    found = faces(draw_track, rested=["AU4"], AU43=lids, AU4=blip(4.1, 1.6))
    assert [e.code for e in found] == ["AU45"]


def test_lips_move_briefly_in_silence_only(draw_track):
    drawn = {"AU14": blip(4.0, 1.6)}
    assert [e.brief for e in faces(draw_track, rested=drawn, **drawn)] == [True]
    assert faces(draw_track, [Span(3.5, 5)], drawn, **drawn) == []


def test_the_first_syllable_is_no_brief_movement(draw_track):
    lips = TALK + blip(1.7, 2.0)  # before the rhythm is there
    assert not any(e.brief for e in faces(draw_track, rested=["AU25"], AU25=lips))
    alone = blip(0.8, 2.0)
    assert [e.brief for e in faces(draw_track, rested=["AU25"], AU25=alone)] == [True]


# Calm tracks -----------------------------------------------------------------------------------


def test_a_weak_movement_is_seen_where_the_unit_is_calm_and_its_rest_is_known(draw_track):
    """Some units are measured weaker than they are."""
    weak = blip(4.0, 1.2, 1.6)
    (event,) = faces(draw_track, rested=["AU14"], AU14=weak)
    assert (event.code, event.brief) == ("AU14", False)
    assert event.apex_s == pytest.approx(4.0, abs=0.05)
    assert event.peak == pytest.approx(1.2, abs=0.1)
    assert faces(draw_track, AU14=weak) == []
    assert faces(draw_track, rested=["AU14"], AU14=blip(4.0, 0.7, 1.6)) == []


def test_a_brief_movement_on_a_slight_one_is_told_not_hidden_in_it(draw_track):
    slight = blip(4.0, 1.0, 2.0)
    (event,) = faces(draw_track, rested=["AU4"], AU4=slight + blip(4.0, 1.4))
    assert (event.brief, event.apex_s) == (True, pytest.approx(4.0))
    strong = blip(4.0, 3.0, 2.0)
    (event,) = faces(draw_track, rested=["AU4"], AU4=strong + blip(4.0, 1.4))
    assert not event.brief


#  strays by .4 at most times: four times that is more than 1.5
def test_it_is_not_where_the_unit_wanders(draw_track):
    wander = 0.4 * np.sin(2 * np.pi * 0.3 * SECONDS)
    assert faces(draw_track, rested=["AU14"], AU14=blip(4.0, 1.0, 1.6) + wander) == []
    (event,) = faces(draw_track, rested=["AU14"], AU14=blip(4.0, 3.0, 1.6) + wander)
    assert event.apex_s == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (blip(4.1, 4.0, 1.6), {"AU12"}),  # more than three times as high at the same time
        (blip(4.1, 2.0, 1.6), {"AU12", "AU14"}),
        (blip(4.8, 4.0, 1.6), {"AU12", "AU14"}),  # at another time
    ],
)
def test_a_weak_one_beside_a_strong_one_is_its_echo(draw_track, other, found):
    drawn = {"AU14": blip(4.0, 1.2, 1.6), "AU12": other}
    assert {e.code for e in faces(draw_track, rested=drawn, **drawn)} == found


def smile(first_s, last_s, height=4.0):
    return np.where(np.abs(SECONDS - (first_s + last_s) / 2) < (last_s - first_s) / 2, height, 0.0)


@pytest.mark.parametrize(
    ("drawn", "found"),
    [
        ({"AU12": blip(4.0, 2.0), "AU14": blip(4.04, 1.2)}, {"AU12"}),
        ({"AU12": blip(4.0, 2.0), "AU6": blip(4.0, 1.8)}, {"AU6", "AU12"}),  # as strong
        ({"AU12": blip(4.0, 2.0), "AU4": blip(4.4, 1.2)}, {"AU4", "AU12"}),  # at another time
        ({"AU25": blip(4.0, 3.0), "AU26": blip(4.0, 1.5)}, {"AU25", "AU26"}),  # one opens with both
        ({"AU25": blip(4.0, 3.0), "AU10": blip(4.0, 1.5)}, {"AU25", "AU10"}),  # which parts lips
        ({"AU25": blip(4.0, 3.0), "AU17": blip(4.0, 1.5)}, {"AU25"}),
        ({"AU12": smile(4.0, 6.0), "AU17": blip(4.2, 1.5)}, set()),  # as the smile begins
        ({"AU12": smile(4.0, 6.0), "AU17": blip(6.2, 1.5)}, set()),  # as it ends
        ({"AU12": smile(4.0, 6.0), "AU4": blip(5.0, 1.5)}, {"AU4"}),  # while it is held
    ],
)
def test_what_goes_with_a_stronger_movement_is_no_brief_one(draw_track, drawn, found):
    events = faces(draw_track, rested=drawn, **drawn)
    assert {e.code for e in events if e.brief} == found


#  yaw -4 ── 4 within .4 s, which is 20 degrees a second; within .8 s it is 10
@pytest.mark.parametrize(("turn_s", "n_found"), [(0.4, 0), (0.8, 1)])
def test_while_the_head_turns_no_brief_movement_is_told(draw_track, turn_s, n_found):
    yaw = np.interp(SECONDS, [4 - turn_s / 2, 4 + turn_s / 2], [-4, 4])
    found = faces(draw_track, rested=["AU4"], AU4=blip(4.0, 1.4), pose_yaw=yaw)
    assert sum(e.brief for e in found) == n_found


def test_an_event_within_half_a_second_is_the_brief_one_in_it(draw_track):
    leaning = blip(4.0, 3.0) + np.where(np.abs(SECONDS - 3.9) < 0.2, 1.0, 0.0)
    (event,) = faces(draw_track, rested=["AU17"], AU17=leaning)
    assert event.brief


@pytest.mark.parametrize(
    ("step_s", "rested", "reason"),
    [
        (0.08, ("AU4", "AU12"), "12.5 frames a second: movements of 0.04 to 0.5 s need 25 or more"),
        (0.04, (), "they are told against the person's own face at rest, which is not seen here"),
        (0.04, ("AU4",), "they are told against the person's own face at rest, which is not seen "
         "here in AU12"),
        (0.04, ("AU4", "AU12"), None),
    ],
)  # fmt: skip
def test_where_no_brief_movement_can_be_told_it_is_said(draw_track, step_s, rested, reason):
    tracks = [draw_track(code, [0.0] * 100, step_s=step_s) for code in ("AU4", "AU12", "AU27")]
    changes = {track.code: track.values for track in tracks}
    rows = face_limits("p1", tracks, changes, (), SETTINGS, rested)
    assert [(r.what, r.reason) for r in rows] == [("micro-expressions", reason)] * bool(reason)


def test_of_a_picture_nothing_more_is_said(draw_track):
    track = draw_track("AU4", [0.0])
    assert face_limits("p1", [track], {"AU4": track.values}, (), SETTINGS, ()) == []


# Turned heads ---------------------------------------------------------------------------------


#  yaw 0 ── 34 ── 0, and 2 of AU12 with it: what a turned head may feign; 4 is more than that
def test_a_turned_head_has_to_show_more(draw_track):
    turned = np.interp(SECONDS, [2, 3.5, 4.5, 6], [0, 34, 34, 0])
    found = faces(draw_track, AU12=turned / 17, pose_yaw=turned)
    assert [e.code for e in found] == ["AU51"]
    codes = {e.code: e.caveats for e in faces(draw_track, AU12=turned / 8.5, pose_yaw=turned)}
    assert codes["AU12"] == (TURNED,)


def test_a_head_held_straight_has_to_show_no_more(draw_track):
    smile = np.interp(SECONDS, [2, 3.5, 4.5, 6], [0, 2, 2, 0])
    (event,) = faces(draw_track, AU12=smile, pose_yaw=np.full(200, 8.0))
    assert (event.code, event.caveats) == ("AU12", ())


#  corners drawn up by 3, and 2 of AU14 with them; alone, and the stronger of the two, it is AU14
@pytest.mark.parametrize(
    "smile, caveats", [(3.0, (feigned("AU12"),)), (1.0, ()), (0.0, ())], ids=["more", "less", "no"]
)
def test_a_unit_that_a_stronger_one_can_look_like_says_so(draw_track, smile, caveats):
    shape = np.interp(SECONDS, [2, 3, 4, 5], [0, 1, 1, 0])
    found = faces(draw_track, AU14=2 * shape, AU12=smile * shape)
    assert [e.caveats for e in found if e.code == "AU14"] == [caveats]


#  yaw 0 ── 12 within .2 s, which is 60 degrees a second, and .2 s of AU6 in the meantime
def test_what_is_over_before_a_fast_head_holds_still_is_no_expression(draw_track):
    turned = np.interp(SECONDS, [3.9, 4.1], [-4, 8])
    assert faces(draw_track, AU6=blip(4.0, 4.0), pose_yaw=turned) == []
    (event,) = faces(draw_track, AU6=blip(4.0, 4.0, 1.2), pose_yaw=turned)
    assert event.code == "AU6"


# Sides ----------------------------------------------------------------------------------------


def sided(draw, both, left, right, lead_own=0.0):
    """Events of AU12 with its two sides beside it."""
    tracks = [draw("AU12", both)]
    for side, values in ((Side.LEFT, left), (Side.RIGHT, right)):
        tracks.append(dataclasses.replace(draw("AU12", values), side=side))
    norms = [Usual("p1", "AU12", t.side, lead_own, 0.1, 0.0, t.unit) for t in tracks]
    return face_events(tracks, norms, {"AU12": tracks[0].values}, (), {}, SETTINGS)


#  left 3.5, right 0.5 at the apex: 3 apart, and B (1.5) is enough; it is the left one's level
def test_the_side_that_leads_at_the_apex_is_the_event_s(draw_track):
    left, right = [0, 2, 3.5, 2, 0], [0, 0.5, 0.5, 0.5, 0]
    (event,) = sided(draw_track, [0, 1.5, 2, 1.5, 0], left, right, lead_own=0.5)
    assert event.side is Side.LEFT
    assert (event.peak, event.change_from_usual) == (3.5, 3.0)
    (event,) = sided(draw_track, [0, 1.5, 2, 1.5, 0], right, left)
    assert event.side is Side.RIGHT


def test_two_sides_nearly_alike_are_one_movement(draw_track):
    (event,) = sided(draw_track, [0, 2, 3, 2, 0], [0, 2, 3.7, 2, 0], [0, 2, 2.3, 2, 0])
    assert event.side is None
    assert event.peak == pytest.approx(3.0)


def test_a_side_that_was_not_seen_does_not_lead(draw_track):
    (event,) = sided(draw_track, [0, 2, 3, 2, 0], [0, 2, 3, 2, 0], [NAN] * 5)
    assert event.side is None


def test_a_side_gives_no_event_of_its_own(draw_track):
    assert sided(draw_track, [0.0] * 5, [0, 3, 3, 3, 0], [0.0] * 5) == []


# Long clips -----------------------------------------------------------------------------------


def test_half_an_hour_is_found_whole(draw_track):
    """54 000 frames of 18 units: an expression a minute, a blink every 4 s, talk half the time."""
    step_s = 1 / 30
    times_s = np.arange(30 * 60 * 30) * step_s
    rng = np.random.default_rng(0)
    minute = np.clip(3 * np.sin(np.pi * ((times_s % 60) - 30) / 2), 0, 3) * (
        np.abs((times_s % 60) - 31) < 1
    )
    drawn = {f"AU{n}": minute for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 24)}
    drawn["AU25"] = (times_s % 60 < 20) * (1 - np.cos(2 * np.pi * 4 * times_s))
    drawn["AU43"] = 5.0 * (times_s % 4 < 0.15)
    drawn["pose_yaw"] = 5 * np.sin(times_s)
    tracks = [
        draw_track(
            code,
            values + rng.normal(0, 0.05, len(values)),
            step_s=step_s,
            unit=Unit.DEGREE if code == "pose_yaw" else Unit.FACS_INTENSITY,
        )
        for code, values in drawn.items()
    ]
    norms = [Usual("p1", t.code, None, 0.0, 0.1, 0.0, t.unit) for t in tracks]
    changes = {t.code: t.values for t in tracks}
    speech = [Span(60 * m + s, 60 * m + s + 0.9) for m in range(30) for s in range(20)]
    found = face_events(tracks, norms, changes, speech, {}, SETTINGS, changes)
    assert sum(e.code == "AU12" for e in found) == 30
    assert sum(e.code == "AU45" and e.kind is Kind.EVENT for e in found) == 450
    assert not any(e.code == "AU25" for e in found)


# Order ----------------------------------------------------------------------------------------


def test_events_come_in_time_order(draw_track):
    early, late = draw_track("AU4", [3, 3, 3, 0, 0, 0, 0]), draw_track("AU1", [0, 0, 0, 0, 3, 3, 3])
    norms = [Usual("p1", t.code, None, 0.0, 0.1, 0.0, t.unit) for t in (late, early)]
    changes = {t.code: t.values for t in (late, early)}
    found = face_events([late, early], norms, changes, (), {}, SETTINGS)
    assert [e.code for e in found] == ["AU4", "AU1"]
