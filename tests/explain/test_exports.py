"""Tables and cues, read back by other readers than ours."""

import csv
import io
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn_results import (
    explanation,
    observation,
    observations,
    picture,
    result,
    sound_only,
    track,
    tracks,
)

from demeanor.explain import exports
from demeanor.explain.records import Kind, Person, Span, Unit

EVIL = "=1+2 --> </v><script>\n\nNOTE x & y"


def openface(drawn):
    return pd.read_csv(io.StringIO(exports.openface_csv(drawn)))


def test_openface_has_a_column_for_what_was_measured_and_none_for_the_rest():
    text = exports.openface_csv(result())
    assert " " not in text.splitlines()[0]
    assert text.splitlines()[0].split(",") == [
        *("frame", "face_id", "timestamp", "confidence", "success"),
        *("gaze_angle_x", "gaze_angle_y", "pose_Rx", "pose_Ry", "pose_Rz"),
        *("AU01_r", "AU12_r", "AU45_r", "AU01_c", "AU12_c", "AU45_c"),
    ]


def test_openface_leaves_what_was_not_measured_empty():
    frame = openface(result())
    assert frame["AU12_r"].isna().tolist() == [25 <= i < 30 for i in range(41)]
    assert frame["AU12_c"].isna().sum() == 5
    assert (frame["AU12_r"][:15] == 0).all()  # 0 was measured there


def test_openface_numbers_frames_from_one_and_says_present_from_a_trace():
    frame = openface(result())
    assert frame["frame"].tolist() == list(range(1, 42))
    assert frame["timestamp"][20] == 2.0
    assert (frame["AU12_r"][20], frame["AU12_c"][20], frame["AU45_c"][20]) == (3, 1, 0)


def test_openface_angles_are_in_radians_with_openface_signs():
    # turned 10 degrees to the own left, lowered by 20, tilted by 5 to the own left, eyes 4 left
    first = openface(result()).iloc[0]
    assert np.degrees(first["pose_Rx"]) == pytest.approx(20, abs=0.01)
    assert np.degrees(first["pose_Ry"]) == pytest.approx(-10, abs=0.01)
    assert np.degrees(first["pose_Rz"]) == pytest.approx(5, abs=0.01)
    assert np.degrees(first["gaze_angle_x"]) == pytest.approx(14, abs=0.01)
    assert np.degrees(first["gaze_angle_y"]) == pytest.approx(20, abs=0.01)


def test_openface_signs_agree_with_a_real_openface_file(shared):
    """In its own 3-D points: lowering moves the chin away, a turn left the image's right side."""
    real = pd.read_csv(shared / "data/clips/OpenFace_Test.csv", skipinitialspace=True)
    chin_away = np.arctan2(real["Z_8"] - real["Z_27"], real["Y_8"] - real["Y_27"])
    right_away = np.arctan2(real["Z_45"] - real["Z_36"], real["X_45"] - real["X_36"])
    right_low = np.arctan2(real["Y_45"] - real["Y_36"], real["X_45"] - real["X_36"])
    assert np.corrcoef(real["pose_Rx"], chin_away)[0, 1] > 0.9
    assert np.corrcoef(real["pose_Ry"], right_away)[0, 1] < -0.9
    assert np.corrcoef(real["pose_Rz"], right_low)[0, 1] > 0.7


def test_openface_has_a_block_of_rows_per_person_and_says_when_nobody_was_seen():
    m = result().measurement
    other = Person("p2", (Span(0.0, 2.0),), 20, 50.0, (0, 0, 1, 1), 1.0)
    lost = [replace(t, values=np.full(41, np.nan, np.float32)) for t in tracks("p2")]
    both = replace(m, people=(*m.people, other), tracks=(*m.tracks, *lost))
    frame = openface(replace(result(), measurement=both))
    assert frame["face_id"].tolist() == [0] * 41 + [1] * 41
    assert frame["success"].tolist() == [1] * 41 + [0] * 41
    assert frame.loc[frame["face_id"] == 1, "AU12_r"].isna().all()


def test_openface_takes_the_stronger_side():
    left, right = track("AU14", np.full(41, 1.0)), track("AU14", np.full(41, 3.0))
    sides = (replace(left, side="L"), replace(right, side="R"))
    assert (openface(result(tracks=sides))["AU14_r"] == 3).all()


def test_tracks_have_a_row_per_moment_and_a_column_per_cue():
    frame = pd.read_csv(io.StringIO(exports.tracks_csv(result())))
    face = frame[frame["person"] == "p1"]
    assert len(face) == 41
    assert face["AU12"].isna().sum() == 5
    assert frame[frame["person"].isna()]["F0semitoneFrom27.5Hz"].eq(24).all()


def test_tracks_of_nothing_are_a_header():
    assert exports.tracks_csv(result(tracks=())) == "person,time_s\n"


def cues(text):
    """A small reader of WebVTT: id -> (start, end, text); refuses what the format forbids."""
    head, *blocks = re.split(r"\n\n+", text.strip("\n"))
    assert head == "WEBVTT"
    found = {}
    for block in blocks:
        if block.startswith("NOTE"):
            assert "-->" not in block
            continue
        name, times, *payload = block.split("\n")
        start, end = re.fullmatch(r"(\S+) --> (\S+)", times).groups()
        assert "-->" not in "\n".join(payload)
        assert not re.search(r"<|&(?!amp;|lt;|gt;)", "\n".join(payload))
        found[name] = (start, end, "\n".join(payload))
    return found


def test_webvtt_has_a_cue_per_observation_in_time_order():
    read = cues(exports.webvtt(result()))
    assert list(read) == ["f2", "s1", "v1", "f1"]
    assert read["f1"][:2] == ("00:00:01.500", "00:00:02.400")
    assert read["f1"][2].startswith("p1: AU12 lip corner puller")


def test_webvtt_survives_what_a_stranger_says():
    shown = result(EVIL, observations=observations(EVIL))
    clip = replace(
        shown.measurement.clip, path=shown.measurement.clip.path.with_name("a --> b.mp4")
    )
    shown = replace(shown, measurement=replace(shown.measurement, clip=clip))
    read = cues(exports.webvtt(shown))
    assert len(read) == 4
    assert "&lt;/v&gt;&lt;script&gt; NOTE x &amp; y" in read["s1"][2]


def test_webvtt_gives_a_moment_some_time_and_counts_hours():
    moment = observation("f1", "AU45", (3661.25, 3661.25))
    read = cues(exports.webvtt(result(observations=(moment,))))
    assert read["f1"][:2] == ("01:01:01.250", "01:01:01.350")


def test_summary_has_a_row_per_person():
    (row,) = exports.summary_rows(result())
    assert (row["person"], row["n_frames"], row["seen_s"]) == ("p1", 36, 3.5)
    assert row["max_AU12"] == 3.0
    assert row["mean_AU12"] == pytest.approx(20 / 36)  # 36 measured moments, 5 are skipped
    assert (row["labels"], row["best_fit"], row["confidence"]) == ("happiness", "happiness", 0.6)
    assert row["grounded_share"] == 3 / 5


def test_summary_counts_blinks_and_speech_where_they_are_known():
    blinks = observation("f9", "AU45", (0, 4), kind=Kind.STATE, peak=15.0, unit=Unit.PER_MINUTE)
    speech = observation(
        "v9", "speech_share", (0, 4), kind=Kind.STATE, peak=0.5, unit=Unit.RATIO, person=None
    )
    (row,) = exports.summary_rows(result(observations=(blinks, speech)))
    assert (row["blinks_per_min"], row["speech_share"]) == (15.0, 0.5)
    (row,) = exports.summary_rows(result(observations=()))
    assert (row["blinks_per_min"], row["speech_share"]) == (None, None)


def test_summary_without_reasoning_has_empty_cells_not_neutral():
    rows = exports.summary_rows(result(explanations=()))
    read = next(csv.DictReader(io.StringIO(exports.summary_csv(rows))))
    assert (read["labels"], read["best_fit"], read["confidence"], read["abstained"]) == ("",) * 4


def test_summary_of_a_voice_has_a_row_without_a_person():
    (row,) = exports.summary_rows(sound_only())
    assert (row["person"], row["n_frames"], row["best_fit"]) == (None, None, "happiness")


def test_summaries_of_several_clips_share_their_columns():
    rows = [*exports.summary_rows(result()), *exports.summary_rows(picture())]
    read = list(csv.DictReader(io.StringIO(exports.summary_csv(rows))))
    assert [r["mean_AU5"] for r in read] == ["", ""]  # not measured in either
    assert [r["mean_AU1"] for r in read] == ["2", ""]
    units = [name for name in read[0] if name.startswith(("mean_", "max_"))]
    assert units[:4] == ["mean_AU1", "max_AU1", "mean_AU5", "max_AU5"]


@pytest.mark.parametrize("text", ["=1+2", "+1", "-1", "@x", "\tx"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    rows = [{"a": text, "b": -1.5, "c": math.nan, "d": None}]
    (_, cells) = csv.reader(io.StringIO(exports.table_csv(rows, ["a", "b", "c", "d"])))
    assert cells == [f"'{text}", "-1.5", "", ""]


def test_labels_of_a_model_are_no_formula():
    rows = exports.summary_rows(result(explanations=(explanation(labels=("=cmd()",)),)))
    read = next(csv.DictReader(io.StringIO(exports.summary_csv(rows))))
    assert read["labels"] == "'=cmd()"
