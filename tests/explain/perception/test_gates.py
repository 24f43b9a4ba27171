"""Every gate on a real picture: what cannot be seen is NaN with a reason, and the rest stays.

The picture is turned, darkened, blurred and covered here; nothing about it is drawn.
"""

import clips
import cv2
import numpy as np
import pytest

from demeanor.explain.perception.measure import measure_clip
from demeanor.explain.perception.models import face_backend
from demeanor.explain.settings import load_settings

SETTINGS = load_settings()
EYES = ("AU1", "AU2", "AU4", "AU5", "AU7", "AU43", "gaze_yaw")
MOUTH = ("AU12", "AU25", "AU26")


@pytest.fixture(scope="module")
def backend():
    return face_backend("mesh")


@pytest.fixture(scope="module")
def smiling(shared):
    """(562, 572, 3) RGB, a man who smiles; his face is 190 pixels wide."""
    return np.ascontiguousarray(cv2.imread(str(shared / "data/clips/single_face.jpg"))[..., ::-1])


@pytest.fixture
def measured(tmp_path, backend):
    def measure(rgb):
        path = clips.picture(tmp_path / "a.png", rgb)
        return measure_clip(path, backend, SETTINGS)

    return measure


def value(found, code, person="p1"):
    return float(found.track(person, code).values[0])


def reasons(found, code, person="p1"):
    return [reason for _, reason in found.track(person, code).missing]


def eyes_of(found):
    """Where the eyes are: the middle of each, from the box of the face."""
    clip, (left, top, right, bottom) = found.clip, found.people[0].box
    at = [(left + share * (right - left), top + 0.33 * (bottom - top)) for share in (0.3, 0.7)]
    return [(round(x * clip.width_px), round(y * clip.height_px)) for x, y in at]


def test_the_picture_as_it_is_passes_every_gate(measured, smiling):
    found = measured(smiling)
    assert value(found, "AU12") > 2.5
    for code in (*EYES, *MOUTH):
        assert not np.isnan(value(found, code)), reasons(found, code)


def test_dark_glasses_hide_the_eyes_and_leave_the_mouth(measured, smiling):
    dark = smiling.copy()
    for x, y in eyes_of(measured(smiling)):
        cv2.ellipse(dark, (x, y), (38, 30), 0, 0, 360, (20, 22, 24), -1, cv2.LINE_AA)
    found = measured(dark)
    for code in EYES:
        assert np.isnan(value(found, code))
        assert reasons(found, code) == ["something dark covers the eyes"]
    assert value(found, "AU12") > 2.5
    (row,) = [n for n in found.not_measured if "dark covers" in n.reason]
    assert row.what.startswith("AU1, AU2, AU4")
    assert row.span is None  # all along: so no claim may rest on their absence


def test_real_sunglasses_are_found_and_only_they(shared, backend):
    found = measure_clip(shared / "data/clips/multi_face.jpg", backend, SETTINGS)
    covered = [p.person for p in found.people if np.isnan(value(found, "AU4", p.person))]
    assert len(found.people) == 5
    assert len(covered) == 1  # the man on the left
    assert next(p for p in found.people if p.person == covered[0]).box[0] < 0.3


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_hand_at_the_mouth_hides_it_and_leaves_the_brows(measured, shared, backend, mirrored):
    if backend.hands is None:
        pytest.skip("the models of hands are not here")
    rgb = cv2.imread(str(shared / "data/faces/images/Rod_Bryden_0001.jpg"))[..., ::-1]
    found = measured(np.ascontiguousarray(rgb[:, ::-1] if mirrored else rgb))
    for code in MOUTH:
        assert np.isnan(value(found, code))
        assert reasons(found, code) == ["a hand is before this part of the face"]
    assert not np.isnan(value(found, "AU4"))
    assert value(found, "hand_mouth") >= 0.3


def test_what_is_very_dark_is_not_read(measured, smiling):
    noise = np.random.default_rng(0).normal(0, 2, smiling.shape)
    found = measured(np.clip(smiling * 0.1 + noise, 0, 255).astype(np.uint8))
    assert np.isnan(value(found, "AU12"))
    assert reasons(found, "AU12") == ["it is too dark to read the face"]


@pytest.mark.parametrize(
    "kernel", [np.ones((1, 29)), np.ones((43, 1))], ids=["sideways", "up and down"]
)
def test_what_is_blurred_by_movement_is_not_read(measured, smiling, kernel):
    found = measured(cv2.filter2D(smiling, -1, kernel / kernel.sum()))
    assert np.isnan(value(found, "AU12"))
    assert reasons(found, "AU12") == ["the face is blurred"]


def test_a_face_of_24_pixels_is_not_read(measured, smiling):
    small = cv2.resize(smiling, None, fx=24 / 190, fy=24 / 190, interpolation=cv2.INTER_AREA)
    rgb = np.full_like(smiling, 128)
    rgb[100 : 100 + small.shape[0], 100 : 100 + small.shape[1]] = small
    found = measured(rgb)
    if not found.people:  # then it is not found at all, and that is said
        assert [n.reason for n in found.not_measured if n.what == "face"] == ["no face was seen"]
        return
    assert 16 < found.people[0].face_px < 32
    assert np.isnan(value(found, "AU12"))
    assert reasons(found, "AU12") == ["the face is smaller than 48 pixels"]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_that_lies_wrongly_is_measured_upright_and_told(measured, smiling, quarters):
    found = measured(np.ascontiguousarray(np.rot90(smiling, quarters)))
    upright = measured(smiling)
    for code in ("AU12", "AU6", "pose_yaw", "pose_pitch", "pose_roll"):
        slack = 6.0 if code.startswith("pose") else 0.6
        assert value(found, code) == pytest.approx(value(upright, code), abs=slack), code
    (row,) = [n for n in found.not_measured if n.what == "which way is up"]
    assert "measured as if it were turned upright" in row.reason


def test_a_phone_video_that_says_how_it_was_held_is_upright(tmp_path, backend, smiling):
    square = np.ascontiguousarray(smiling[:480, 40:520])
    frames = [np.ascontiguousarray(square[::-1, ::-1])] * 8
    path = clips.turned(clips.write(tmp_path / "a.mp4", frames), 180)
    found = measure_clip(path, backend, SETTINGS)
    assert abs(float(np.nanmedian(found.track("p1", "pose_roll").values))) < 15
    assert [n for n in found.not_measured if n.what == "which way is up"] == []


def test_a_frame_that_is_blurred_among_sharp_ones_is_not_read(tmp_path, backend, smiling):
    kernel = np.ones((29, 1)) / 29  # too little to be told from a soft picture alone
    square = np.ascontiguousarray(smiling[:480, 40:520])
    blurred = cv2.filter2D(square, -1, kernel)
    path = clips.write(tmp_path / "a.mp4", [square] * 20 + [blurred] * 20 + [square] * 20)
    values = measure_clip(path, backend, SETTINGS).track("p1", "AU12").values
    assert np.isnan(values[24:36]).all()
    assert not np.isnan(values[[*range(16), *range(44, 60)]]).any()


#  frames   0-9         10-19        20-29
#  picture  one person  another one  the first again, where he was
def test_a_cut_ends_a_person_and_a_shot_that_returns_brings_them_back(
    tmp_path, backend, shared, smiling
):
    other = cv2.imread(str(shared / "data/clips/multi_face.jpg"))[..., ::-1]
    one = np.ascontiguousarray(smiling[:480, 40:520])
    scale = 480 / min(other.shape[:2])
    two = cv2.resize(np.ascontiguousarray(other), None, fx=scale, fy=scale)[:480, :480]
    path = clips.write(tmp_path / "a.mp4", [one] * 10 + [two] * 10 + [one] * 10)
    found = measure_clip(path, backend, SETTINGS)
    frames = {p.person: [round(25 * t) for s in p.spans for t in (s.start_s, s.end_s)]
              for p in found.people}  # fmt: skip
    assert [0, 10, 20, 29] in frames.values()
    assert all(f == [10, 20] for f in frames.values() if f != [0, 10, 20, 29])
    assert len(frames) >= 2
    (row,) = [n for n in found.not_measured if n.what == "who is who after a cut"]
    assert "cut at 0.40, 0.80 s" in row.reason
