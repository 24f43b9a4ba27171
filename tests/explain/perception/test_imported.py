"""CSV files of other programs: two real ones, and small ones written by hand."""

import numpy as np
import pytest

from demeanor.explain.errors import MeasurementsError
from demeanor.explain.exports import openface_csv
from demeanor.explain.perception.imported import read_measurements
from demeanor.explain.perception.other_programs import GAZE, POSE
from demeanor.explain.records import Unit

NAN = float("nan")


@pytest.fixture
def csv(tmp_path):
    """Writes a CSV from lines of text, and reads its measurements."""

    def read(*lines, fps=None):
        path = tmp_path / "faces.csv"
        path.write_text("\n".join(lines))
        return read_measurements(path, fps)

    return read


def openface(rows, columns="AU12_r, AU45_r"):
    """A file as OpenFace writes it, with spaces in its header; rows: everything after frame."""
    return [
        f"frame, face_id, timestamp, confidence, success, {columns}",
        *(f"{n}, {row}" for n, row in enumerate(rows)),
    ]


# OpenFace -------------------------------------------------------------------------------------


#  face_id, timestamp, confidence, success, AU12, AU45
def test_openface_intensities_keep_their_scale_and_its_lids_are_au43(csv):
    found = csv(*openface(["0, 0.00, .98, 1, 0.5, 0", "0, 0.04, .98, 1, 3.5, 2.0"]))
    assert [(t.code, t.unit) for t in found.tracks] == [
        ("AU12", Unit.FACS_INTENSITY),
        ("AU43", Unit.FACS_INTENSITY),
    ]
    assert found.track("p1", "AU12").values.tolist() == [0.5, 3.5]
    assert found.track("p1", "AU12").times_s.tolist() == [0.0, 0.04]
    assert found.clip.duration_s == 0.04


def test_rows_openface_did_not_trust_are_nan_with_a_reason(csv):
    rows = [
        "0, 0.00, .98, 1, 1.0, 0",
        "0, 0.04, .74, 1, 5.0, 0",  # not confident
        "0, 0.08, .98, 0, 5.0, 0",  # no success
        "0, 0.12, .75, 1, 1.0, 0",
    ]
    track = csv(*openface(rows)).track("p1", "AU12")
    np.testing.assert_array_equal(track.values, [1.0, NAN, NAN, 1.0])
    ((span, reason),) = track.missing
    assert (span.start_s, span.end_s) == pytest.approx((0.04, 0.12))
    assert reason == "OpenFace 2 CSV has no trusted value here"


def test_a_cue_never_trusted_is_declared(csv):
    found = csv(*openface(["0, 0.00, .1, 1, 5.0, 0", "0, 0.04, .1, 1, 5.0, 0"]))
    assert [n.reason for n in found.not_measured if n.what == "AU12, AU43"] == [
        "OpenFace 2 CSV has no trusted value"
    ]
    assert found.events == ()


ANGLES = "pose_Rx, pose_Ry, pose_Rz, gaze_angle_x, gaze_angle_y"


#  lowered by 20 degrees, turned 10 to the own left, tilted 5 to it; gaze 14 left and 20 down in
#  the room, which is 4 left and level in the head
def test_openface_angles_become_ours(csv):
    rows = ["0, 0.0, .98, 1, 1, .349066, -.174533, .087266, .244346, .349066"]
    found = csv(*openface(rows, columns=f"AU12_r, {ANGLES}"))
    angles = {t.code: t.values.item() for t in found.tracks if t.unit is Unit.DEGREE}
    wanted = {"pose_yaw": 10, "pose_pitch": -20, "pose_roll": 5, "gaze_yaw": 4, "gaze_pitch": 0}
    assert angles == pytest.approx(wanted, abs=1e-3)


def test_openface_angles_stay_where_only_the_action_units_are_not_trusted(csv):
    rows = ["0, 0.00, .1, 1, 1, .1, 0, 0, 0, 0", "0, 0.04, .1, 0, 1, .1, 0, 0, 0, 0"]
    found = csv(*openface(rows, columns=f"AU12_r, {ANGLES}"))
    np.testing.assert_allclose(found.track("p1", "pose_pitch").values, [-5.72958, NAN], rtol=1e-5)
    assert np.isnan(found.track("p1", "AU12").values).all()


def test_a_file_without_angles_says_so(csv):
    found = csv(*openface(["0, 0.0, .98, 1, 1.0, 0"]))
    assert {n.what for n in found.not_measured} == {"voice", "words", "head pose", "gaze"}


def test_what_we_write_for_openface_comes_back_as_it_was(tmp_path):
    from drawn_results import result

    drawn = result()
    (tmp_path / "ours.csv").write_text(openface_csv(drawn))
    back = read_measurements(tmp_path / "ours.csv")
    codes = {t.code for t in back.tracks}
    assert codes == {"AU1", "AU12", "AU43", *POSE, *GAZE}
    for code in codes:
        wanted = drawn.measurement.track("p1", code)
        found = back.track("p1", code)
        np.testing.assert_allclose(found.times_s, wanted.times_s, atol=5e-4)
        np.testing.assert_allclose(found.values, wanted.values, atol=1e-3, err_msg=code)


#  face 7 is there for three frames, face 3 for one
def test_whoever_is_seen_longest_is_p1(csv):
    rows = [
        "3, 0.00, .98, 1, 2.0, 0",
        "7, 0.00, .98, 1, 1.0, 0",
        "7, 0.04, .98, 1, 1.0, 0",
        "7, 0.08, .98, 1, 1.0, 0",
    ]
    found = csv(*openface(rows))
    assert [(p.person, p.n_frames) for p in found.people] == [("p1", 3), ("p2", 1)]
    np.testing.assert_array_equal(found.track("p2", "AU12").values, [2.0, NAN, NAN])
    assert np.isnan(found.people[0].face_px)


def test_an_event_is_found_in_what_was_imported(csv):
    levels = [0.0] * 60 + [4.0] * 20 + [0.0] * 20
    rows = [f"0, {n / 25}, .98, 1, {level}, 0" for n, level in enumerate(levels)]
    (event,) = csv(*openface(rows)).events
    assert (event.code, event.peak, event.change_from_usual) == ("AU12", 4.0, 4.0)
    assert (event.span.start_s, event.span.end_s) == pytest.approx((60 / 25, 80 / 25), abs=0.05)


def test_codes_nobody_knows_are_left_out(csv):
    found = csv(*openface(["0, 0.0, .98, 1, 1.0, 2.0"], columns="AU12_r, AU99_r"))
    assert [t.code for t in found.tracks] == ["AU12"]


def test_a_real_openface_file(shared):
    found = read_measurements(shared / "data/clips/OpenFace_Test.csv")
    assert sum(t.unit is Unit.FACS_INTENSITY for t in found.tracks) == 17
    assert {len(t.times_s) for t in found.tracks} == {100}
    assert found.clip.duration_s == pytest.approx(0.099)
    assert [n.what for n in found.not_measured] == ["voice", "words"]
    # Rx .348 rad: lowered by 20 degrees; eyes 4 below level in the room: up in the head
    assert found.track("p1", "pose_pitch").values.mean() == pytest.approx(-19.93, abs=0.01)
    assert found.track("p1", "gaze_pitch").values.mean() == pytest.approx(15.75, abs=0.01)


# py-feat --------------------------------------------------------------------------------------


def test_pyfeat_probabilities_stay_probabilities(csv):
    found = csv("frame,FaceScore,AU01,AU12", "0,1,0.1,0.9", "5,1,0.2,0.8", fps=25)
    track = found.track("p1", "AU12")
    assert track.unit is Unit.PROBABILITY
    assert track.times_s.tolist() == [0.0, 0.2]
    assert track.values.tolist() == pytest.approx([0.9, 0.8])


@pytest.mark.parametrize("fps", [None, 0, -25, NAN])
def test_pyfeat_without_a_frame_rate_is_refused_with_the_flag(csv, fps):
    with pytest.raises(MeasurementsError, match=r"faces\.csv: .*--fps 25"):
        csv("frame,FaceScore,AU12", "0,1,0.9", fps=fps)


def test_a_frame_without_a_face_is_missing(csv):
    found = csv("frame,FaceScore,AU12", "0,1,0.9", "1,,", "2,1,0.7", fps=10)
    np.testing.assert_allclose(found.track("p1", "AU12").values, [0.9, NAN, 0.7])


def test_a_real_pyfeat_file(shared):
    found = read_measurements(shared / "data/clips/news_pyfeat/001.csv", fps=25)
    assert [p.n_frames for p in found.people] == [20]
    assert {t.unit for t in found.tracks} == {Unit.PROBABILITY, Unit.DEGREE}
    assert [n.what for n in found.not_measured] == ["voice", "words", "gaze"]
    assert found.track("p1", "AU12").values.mean() == pytest.approx(0.996, abs=0.001)
    assert found.clip.duration_s == pytest.approx(38 / 25)


# What cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([""], "cannot be read as CSV"),
        (["time,level", "0,1"], r"wanted the columns of OpenFace 2 .* found \['time', 'level'\]"),
        (openface([]), "wanted a row per frame, found none"),
        (openface(["0, 0.0, .98, 1, 1, 2"], columns="AU98_r, AU99_r"), "wanted AU columns"),
        (openface(["0, 0.0, .98, 1, high, 2"]), "wanted numbers"),
        (openface(["0, soon, .98, 1, 1, 2"]), "wanted numbers"),
        (openface(["0, , .98, 1, 1, 2"]), "wanted a time from 0 up in every row"),
        (openface(["0, -1.0, .98, 1, 1, 2"]), "wanted a time from 0 up in every row"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(csv, lines, told):
    with pytest.raises(MeasurementsError, match=rf"faces\.csv: {told}"):
        csv(*lines)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MeasurementsError, match=r"none\.csv: cannot be read"):
        read_measurements(tmp_path / "none.csv")


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x01" * 50)
    with pytest.raises(MeasurementsError, match=r"a\.csv: "):
        read_measurements(tmp_path / "a.csv")
