"""What the player draws: which lanes, with which events, and where nothing was measured."""

import json

import numpy as np
from drawn_results import LOST, observation, picture, pitch, result, smile, sound_only, track

from demeanor.explain.records import Channel, Kind, Unit
from demeanor.serve.lanes import N_FACE, timeline, title


def named(lanes):
    return [lane["name"] for lane in lanes]


def test_tracks_with_events_come_first_and_all_others_are_folded():
    drawn = timeline(result(), "p1")
    assert named(drawn["lanes"]) == ["AU1", "AU12", "pitch"]
    assert "face_px" not in named(drawn["more"])
    assert "AU43" in named(drawn["more"])
    assert drawn["duration_s"] == 4.0


def test_a_lane_has_its_line_its_gap_with_the_reason_and_its_bands():
    (lane,) = [lane for lane in timeline(result(), "p1")["lanes"] if lane["name"] == "AU12"]
    assert lane["gaps"] == [{"start_s": 2.5, "end_s": 3.0, "reason": LOST}]
    assert [(b["id"], b["start_s"], b["end_s"]) for b in lane["bands"]] == [("f1", 1.5, 2.4)]
    assert (lane["low"], lane["high"], lane["usual"]) == (0.0, 5.0, 0.0)
    assert len(lane["runs"]) == 2  # the line is broken where nothing was measured
    assert [3.0, 0.0] in lane["runs"][1]


def test_more_than_a_few_lively_tracks_are_ranked_by_what_is_cited_then_by_strength():
    codes = ["AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU12"]
    shown = [
        observation(f"f{n}", code, (1.0, 2.0), change_from_usual=float(n))
        for n, code in enumerate(codes, start=1)
    ]
    made = result(
        tracks=tuple(track(code, np.zeros(41)) for code in codes), observations=tuple(shown)
    )
    # the drawn explanation cites f1 and f2; f3 and f4 are the weakest of the others
    assert named(timeline(made, "p1")["lanes"]) == ["AU1", "AU2", "AU6", "AU7", "AU9", "AU12"]
    assert N_FACE == 6


def test_events_without_a_track_have_lanes_of_their_own():
    pause = observation(
        "v1", "MeanUnvoicedSegmentLength", (2.0, 3.0), person=None, channel=Channel.VOICE,
        unit=Unit.SECOND,
    )  # fmt: skip
    nod = observation("f1", "AU85", (1.0, 2.0))
    noise = observation(
        "v2", "signal_to_noise", (0.0, 4.0), kind=Kind.STATE, person=None, channel=Channel.VOICE,
        unit=Unit.DECIBEL,
    )  # fmt: skip
    drawn = timeline(result(observations=(pause, nod, noise)), "p1")
    bare = {lane["name"]: [b["id"] for b in lane["bands"]] for lane in drawn["lanes"]}
    assert bare == {"pauses": ["v1"], "gestures": ["f1"]}
    assert {o["id"] for o in drawn["observations"]} == {"v1", "f1", "v2"}  # all can be cited


def test_another_person_has_lanes_of_their_own_beside_the_same_voice():
    drawn = timeline(result(tracks=(smile(), pitch())), "p2")
    assert named(drawn["lanes"]) == ["pitch"]


def test_a_picture_has_no_lanes_and_a_sound_has_the_voice():
    assert timeline(picture(), "p1")["lanes"] == []
    assert named(timeline(sound_only(), None)["lanes"]) == ["pitch"]


def test_it_is_plain_data_without_a_number_that_json_does_not_have():
    text = json.dumps(timeline(result(), "p1", ("f1",)), allow_nan=False)
    assert json.loads(text)["off"] == ["f1"]


def test_a_title_says_when_and_what_without_an_emotion_word():
    assert title(observation("f1", "AU12", (1.5, 2.4))).startswith("f1, 1.50–2.40 s: AU12")
    held = observation("f2", "AU1", (0.0, 4.0), kind=Kind.STATE)
    assert title(held).startswith("f2, throughout: ")
