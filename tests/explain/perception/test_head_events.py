"""Heads that nod, shake, look about and come nearer, drawn at 25 frames a second."""

import numpy as np
import pytest

from demeanor.explain.perception.head_events import head_events, without_parts
from demeanor.explain.records import Unit
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().body
FPS, N = 25, 250  # 10 s
T = np.arange(N) / FPS
STILL = np.zeros(N)


@pytest.fixture
def found(draw_track):
    """(code, start_s, end_s, peak, repeats) of what a head does with these angles."""

    def events(yaw=STILL, pitch=STILL, gaze=None, px=None, noise=0.3):
        rng = np.random.default_rng(0)
        rows = {"pose_yaw": yaw, "pose_pitch": pitch, "pose_roll": STILL}
        tracks = [
            draw_track(code, values + rng.normal(0, noise, N), step_s=1 / FPS, unit=Unit.DEGREE)
            for code, values in rows.items()
        ]
        if gaze is not None:
            tracks += [
                draw_track("gaze_yaw", gaze, step_s=1 / FPS, unit=Unit.DEGREE),
                draw_track("gaze_pitch", STILL, step_s=1 / FPS, unit=Unit.DEGREE),
            ]
        if px is not None:
            tracks.append(draw_track("face_px", px, step_s=1 / FPS, unit=Unit.NONE))
        return head_events(tracks, SETTINGS)

    return events


def to_and_fro(hertz, times, size_deg, start_s=3.0):
    """Down and up again, `times` times, from 0 to -size_deg."""
    inside = (start_s <= T) & (start_s + times / hertz > T)
    return -size_deg / 2 * (1 - np.cos(2 * np.pi * hertz * (T - start_s))) * inside


def ramp(start_s, lasts_s, to_deg):
    x = np.clip((T - start_s) / lasts_s, 0, 1)
    return to_deg * x * x * (3 - 2 * x)


#  pitch  --\/\/\/--    three times down and up in 1.5 s, by 8 degrees
def test_a_nod_is_counted_and_measured(found):
    (nod,) = found(pitch=to_and_fro(2.0, 3, 8.0))
    assert nod.code == "AU85"
    assert (nod.span.start_s, nod.span.end_s) == pytest.approx((3.0, 4.5), abs=0.15)
    assert nod.repeats == 3.0
    assert nod.peak == pytest.approx(8.0, abs=1.0)


def test_the_same_of_yaw_is_a_shake(found):
    (shake,) = found(yaw=to_and_fro(2.5, 4, 12.0))
    assert (shake.code, shake.repeats) == ("AU84", 4.0)


def test_a_shake_that_tips_the_head_a_little_is_no_nod(found):
    wave = to_and_fro(2.0, 3, 12.0)
    assert [e.code for e in found(yaw=wave, pitch=wave / 3)] == ["AU84"]


@pytest.mark.parametrize(
    "pitch",
    [
        STILL,
        ramp(2, 0.3, -20),  # a look down
        ramp(2, 0.3, -20) + ramp(2.6, 0.3, 20),  # and back
        ramp(2, 0.3, -20) + ramp(3, 0.3, 30) + ramp(4, 0.3, -10),  # down, up, straight on
        to_and_fro(0.5, 4, 15.0, 1.0),  # the head sways
        to_and_fro(2.0, 3, 1.0),  # and trembles
        to_and_fro(2.0, 1, 8.0),  # once down and up: that may be a look
    ],
    ids=["still", "down", "back", "about", "sway", "tremble", "once"],
)
def test_what_is_no_nod(found, pitch):
    assert found(pitch=pitch) == []


def test_a_nod_in_a_head_that_turns_is_still_found(found):
    (nod,) = found(pitch=to_and_fro(2.0, 3, 8.0), yaw=ramp(2.5, 2.5, 25))
    assert nod.code == "AU85"


#  pitch  ``--..__\/\/__..--``   twice in .6 s, from where it had drifted for seconds
def test_two_quick_nods_of_a_head_that_drifts_are_found(found):
    drift = 4 * np.cos(2 * np.pi * T / 6.6)  # lowest at 3.3 s
    (nod,) = found(pitch=drift + to_and_fro(3.3, 2, 6.0))
    assert (nod.span.start_s, nod.span.end_s) == pytest.approx((3.0, 3.6), abs=0.15)
    assert nod.repeats == 2.0


def test_where_a_pose_trembles_more_a_nod_has_to_be_larger(draw_track):
    """Five minutes at 15 frames a second; with the least way of a calm head it nods 49 times."""
    rng = np.random.default_rng(0)
    tracks = [
        draw_track(code, rng.normal(0, 1.2, 4500), step_s=1 / 15, unit=Unit.DEGREE)
        for code in ("pose_yaw", "pose_pitch", "pose_roll")
    ]
    assert len(head_events(tracks, SETTINGS)) <= 5


def test_a_gap_ends_a_nod(found):
    pitch = to_and_fro(2.0, 4, 8.0)
    pitch[90:95] = np.nan  # from 3.6 s: one time before, two after
    (nod,) = found(pitch=pitch)
    assert nod.span.start_s >= 3.8


def test_turns_that_a_nod_is_made_of_are_not_told_again(found, draw_track):
    (nod,) = found(pitch=to_and_fro(2.0, 3, 14.0))
    from dataclasses import replace

    from demeanor.explain.records import Span

    inside = replace(nod, code="AU54", span=Span(3.1, 3.4))
    around = replace(nod, code="AU54", span=Span(1.0, 8.0))
    other = replace(nod, code="AU51", span=Span(3.1, 3.4))
    assert without_parts([inside, around, other], [nod]) == [around, other]


#  gaze   0 ......... 20 (4-5 s) ... 0 ... 20 (8-8.3 s: too short)
def test_eyes_that_look_away_for_some_time(found):
    gaze = np.where((T >= 4) & (T < 5) | (T >= 8) & (T < 8.3), 20.0, 0.0)
    (away,) = found(gaze=gaze)
    assert away.code == "gaze_away"
    assert (away.span.start_s, away.span.end_s) == pytest.approx((4.0, 5.0), abs=0.1)
    assert away.peak == pytest.approx(20.0, abs=0.5)
    assert away.reliability < 0.5
    assert away.caveats == ("gaze is not validated",)


#  px     100 ... 130 (3-6 s) ... 80 (8-10 s)
def test_a_face_that_comes_nearer_and_goes_further(found):
    px = np.select([(T >= 3) & (T < 6), T >= 8], [130.0, 80.0], 100.0)
    near, far = found(px=px)
    assert (near.code, far.code) == ("AU57", "AU58")
    assert (near.span.start_s, near.span.end_s) == pytest.approx((3.0, 6.0), abs=0.6)
    assert near.peak == pytest.approx(1.3, abs=0.03)
    assert far.peak == pytest.approx(0.8, abs=0.03)
    assert "camera" in near.caveats[0]


def test_a_turned_head_is_not_further(found):
    yaw = ramp(3, 0.5, 40) + ramp(7, 0.5, -40)
    assert [e.code for e in found(yaw=yaw, px=100 * np.cos(np.radians(yaw)))] == []


def test_a_picture_and_a_glimpse_have_no_usual(draw_track):
    tracks = [
        draw_track(code, [0.0, 40.0, 0.0], step_s=0.5, unit=Unit.DEGREE)
        for code in ("pose_yaw", "pose_pitch", "gaze_yaw", "gaze_pitch", "face_px")
    ]
    assert head_events(tracks, SETTINGS) == []
