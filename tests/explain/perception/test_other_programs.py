"""Tables of other programs, each a small one in its real layout; and the real files we have."""

import numpy as np
import pandas as pd
import pytest

from demeanor.explain.errors import MeasurementsError
from demeanor.explain.perception.geometry import align, pose_deg, template, to_person
from demeanor.explain.perception.other_programs import BOX, POSE, followed, read_table
from demeanor.explain.records import Unit

NAN = float("nan")


def told(reading):
    return {n.what: n.reason for n in reading.not_read}


# OpenFace 3: a row per face and frame, the eight outputs as one nested list ---------------------


def openface3(*rows):
    """Rows of (frame_index, face_id, outputs); no face: (frame_index, None, None)."""
    return pd.DataFrame(
        {
            "timestamp": "2025-06-01 12:00:00",
            "video_path": "clip.mp4",
            "frame_index": [frame for frame, _, _ in rows],
            "face_id": [face for _, face, _ in rows],
            "face_detection": [None if face is None else "[1.0, 2.0]" for _, face, _ in rows],
            "gaze_yaw": 0.1,
            "gaze_pitch": 0.1,
            "action_units": [None if units is None else str([units]) for _, _, units in rows],
        }
    )


def test_openface3_outputs_are_scores_of_presence_in_their_own_order():
    eight = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    reading = read_table(openface3((0, 0, eight), (5, 0, eight)), "faces.csv", fps=10)
    (face,) = reading.faces
    assert face["time_s"].tolist() == [0.0, 0.5]  # not its timestamp, which is the time of day
    row = face.drop(columns="time_s").iloc[0].to_dict()
    codes = ("AU1", "AU2", "AU4", "AU6", "AU9", "AU12", "AU25", "AU26")
    assert row == dict(zip(codes, eight, strict=True))
    assert set(reading.units.values()) == {Unit.PROBABILITY}
    assert "unchecked" in told(reading)["gaze"]


def test_openface3_repeats_one_face_for_all_so_only_the_first_is_read():
    same = [0.5] * 8
    table = openface3((0, 0, same), (0, 1, same), (1, None, None), (2, 0, same), (2, 1, same))
    reading = read_table(table, "faces.csv", fps=10)
    (face,) = reading.faces
    assert face["time_s"].tolist() == [0.0, 0.2]
    assert reading.times_s.tolist() == [0.0, 0.1, 0.2]  # it looked at the frame between
    assert told(reading)["other faces"].startswith("2 rows left out")


@pytest.mark.parametrize(
    ("cell", "why"),
    [("[[0.1, 0.2]]", "wanted 8 numbers in action_units, found 2"), ("none", "wanted numbers")],
)
def test_openface3_outputs_that_are_not_eight_numbers_are_refused(cell, why):
    table = openface3((0, 0, [0.5] * 8))
    table["action_units"] = cell
    with pytest.raises(MeasurementsError, match=rf"faces\.csv: {why}"):
        read_table(table, "faces.csv", fps=10)


def test_outputs_counted_through_are_no_facs_numbers():
    columns = ["timestamp", "confidence", "success", "AU01_r", "AU02_r", "AU03_r", "AU08_r"]
    table = pd.DataFrame([[0.0] * len(columns)], columns=columns)
    with pytest.raises(MeasurementsError, match=r"AU03_r or AU08_r.*OpenFace 3"):
        read_table(table, "faces.csv")


# py-feat --------------------------------------------------------------------------------------


def pyfeat(frames, **columns):
    """The columns that all versions share."""
    return pd.DataFrame({"frame": frames, "FaceScore": 0.99, "AU12": 0.5, **columns})


def test_pyfeat_before_2_has_no_head_pose_we_would_trust():
    reading = read_table(pyfeat([0, 1], Pitch=0.1, Roll=0.0, Yaw=0.0), "faces.csv", fps=10)
    assert reading.source.version == "1 or older"
    assert set(reading.units) == {"AU12"}
    assert "radians in others" in told(reading)["head pose"]


#  radians .1: 5.7 degrees, the other way round than ours
def test_pyfeat_2_turns_the_other_way():
    table = pyfeat([0], Pitch=0.1, Roll=-0.1, Yaw=0.2, mesh_x_0=1.0)
    (face,) = read_table(table, "faces.csv", fps=10).faces
    assert face[list(POSE)].iloc[0].tolist() == pytest.approx([-11.4592, -5.7296, 5.7296], abs=1e-3)


def test_pyfeat_2_head_pose_agrees_with_its_own_meshes(shared):
    """Its meshes, laid over our template, turn as its angles say: they were checked on these."""
    turns, angles = [], []
    for path in sorted((shared / "data/clips/news_pyfeat").glob("*.csv"))[::2]:
        table = pd.read_csv(path)
        points = np.stack([table.filter(regex=rf"^mesh_{axis}_") for axis in "xyz"], axis=-1)
        points[..., 2] *= table[["FaceRectWidth"]].to_numpy()  # what its depth counts in
        turns.append(pose_deg(align(to_person(points[:, :468]), template("mesh"))[1]))
        (face,) = read_table(table, path.name, fps=30).faces
        angles.append(face[list(POSE)].to_numpy())
    ours, theirs = np.concatenate(turns), np.concatenate(angles)
    for k in range(3):
        slope = np.polyfit(theirs[:, k], ours[:, k], 1)[0]
        assert 0.8 < slope < 1.2
        assert np.corrcoef(theirs[:, k], ours[:, k])[0, 1] > 0.9


def test_pyfeat_fills_frames_without_a_face_and_we_do_not_read_them():
    table = pyfeat([0, 1, 2], mesh_x_0=1.0)
    table.loc[1, "FaceScore"] = 0.0
    reading = read_table(table, "faces.csv", fps=10)
    assert reading.faces[0]["time_s"].tolist() == [0.0, 0.2]
    assert reading.times_s.tolist() == pytest.approx([0.0, 0.1, 0.2])


def rect(x):
    return {"FaceRectX": x, "FaceRectY": 0.0, "FaceRectWidth": 50.0, "FaceRectHeight": 50.0}


#  frame      0   0   1   1   2      the order of the two changes in frame 1; the right one leaves
#  left edge  0 100 103   5  10
def test_pyfeat_faces_without_names_are_told_apart_by_place():
    columns = rect([0.0, 100.0, 103.0, 5.0, 10.0])
    units = [0.1, 0.9, 0.8, 0.2, 0.3]
    table = pyfeat([0, 0, 1, 1, 2], Identity=NAN, **columns)
    table["AU12"] = units
    left, right = read_table(table, "faces.csv", fps=1).faces
    assert left["AU12"].tolist() == [0.1, 0.2, 0.3]
    assert right["AU12"].tolist() == [0.9, 0.8]


def test_pyfeat_names_of_faces_are_kept_apart_and_embeddings_are_not_read():
    columns = {"Identity": ["Person_0", "Person_1", "Person_1"], "Identity_1": 0.3}
    reading = read_table(pyfeat([0, 0, 1], **columns), "faces.csv", fps=1)
    assert [len(face) for face in reading.faces] == [2, 1]
    assert not any("Identity" in column for face in reading.faces for column in face)


def test_pyfeat_boxes_count_in_the_picture():
    table = pyfeat([0], FrameWidth=200.0, FrameHeight=100.0, **rect([100.0]))
    (face,) = read_table(table, "faces.csv", fps=1).faces
    assert face[list(BOX)].iloc[0].tolist() == [0.5, 0.0, 0.75, 0.5]


def test_blendshapes_of_pyfeat_are_no_action_units():
    table = pd.DataFrame({"frame": [0], "FaceScore": [1.0], "browInnerUp": [0.5]})
    with pytest.raises(MeasurementsError, match="MPDetector"):
        read_table(table, "faces.csv", fps=25)


@pytest.mark.parametrize("number", [1, 16, 20])
def test_real_pyfeat_files_are_of_version_2(shared, number):
    table = pd.read_csv(shared / f"data/clips/news_pyfeat/{number:03}.csv")
    reading = read_table(table, "faces.csv", fps=30)
    (face,) = reading.faces
    assert reading.source.version == "2"
    assert sum(unit is Unit.PROBABILITY for unit in reading.units.values()) == 20
    assert len(face) == len(table)
    assert not face.isna().any(axis=None)
    assert face[list(BOX)].stack().between(-0.2, 1.2).all()


def test_a_face_that_jumps_is_another_one():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10]], float)
    assert followed(np.array([0, 1, 2]), boxes) == [0, 0, 1]


# LibreFace ------------------------------------------------------------------------------------


def libreface(frames, times, **columns):
    return pd.DataFrame(
        {
            "frame_idx": frames,
            "frame_time_in_ms": times,
            "pitch": 3000.0,  # its angles are multiplied by 360
            "au_1": 0,
            "au_7": 1,
            "au_1_intensity": 0.5,
            "au_12_intensity": 2.5,
            "gaze_yaw": 1.0,
            **columns,
        }
    )


def test_libreface_intensities_are_read_and_its_yes_or_no_is_not():
    reading = read_table(libreface([0, 1], [0.0, 0.04]), "faces.csv")
    (face,) = reading.faces
    assert reading.units == {"AU1": Unit.FACS_INTENSITY, "AU12": Unit.FACS_INTENSITY}
    assert face["AU12"].tolist() == [2.5, 2.5]
    assert "yes or no" in told(reading)["AU7"]
    assert "not degrees" in told(reading)["head pose"]


@pytest.mark.parametrize("times", [[0.0, 0.04, 0.08], [0.0, 40.0, 80.0]])
def test_libreface_times_are_seconds_in_some_versions_and_milliseconds_in_others(times):
    reading = read_table(libreface([0, 1, 2], times), "faces.csv")
    assert reading.times_s.tolist() == pytest.approx([0.0, 0.04, 0.08])


#  frame   0  1  2  .  .  5     frames 3 and 4 showed no face and have no row
def test_frames_that_libreface_left_out_are_gaps():
    reading = read_table(libreface([0, 1, 2, 5], [0, 0.1, 0.2, 0.5]), "faces.csv")
    assert reading.times_s.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert len(reading.faces[0]) == 4


def test_one_picture_of_libreface_has_no_frame_number():
    table = libreface([0], [0.0]).drop(columns=["frame_idx", "frame_time_in_ms"])
    assert read_table(table, "faces.csv").times_s.tolist() == [0.0]


def test_libreface_landmarks_give_the_face_its_place():
    marks = {f"lm_mp_{i}_{axis}": 0.25 + 0.5 * (i == 7) for i in range(478) for axis in "xy"}
    table = pd.concat([libreface([0], [0.0]), pd.DataFrame(marks, index=[0])], axis=1)
    (face,) = read_table(table, "faces.csv").faces
    assert face[list(BOX)].iloc[0].tolist() == [0.25, 0.25, 0.75, 0.75]
