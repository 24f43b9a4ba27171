"""Windows on faces and the way back to the picture, with models that answer what is drawn."""

import math

import numpy as np
import pytest

from demeanor.explain.perception.detector import FaceBox
from demeanor.explain.perception.face import (
    BLENDSHAPE_POINTS,
    EYE_CORNERS,
    LIDS,
    N_POINTS,
    LandmarkerBackend,
    MeshBackend,
    Roi,
    both_ranges,
    mesh,
    roi_of_box,
    roi_of_mesh,
)
from demeanor.explain.perception.picture import Picture

BLACK = Picture(np.zeros((240, 320, 3), np.uint8))


class DrawnModel:
    """Gives the same answers whatever it is shown; remembers what that was."""

    def __init__(self, size, *answers):
        self.input_shape = (1, size, size, 3)
        self.answers = [np.array(answer, np.float32) for answer in answers]
        self.seen = []

    def __call__(self, x):
        self.seen.append(x)
        return self.answers


def eyes_at(right, left, n=N_POINTS):
    """Points of which only the corners of the eyes are drawn; the others lie between them."""
    points = np.zeros((n, 3), np.float32)
    points[:, :2] = (np.array(right) + left) / 2
    points[EYE_CORNERS[0][0], :2], points[EYE_CORNERS[1][0], :2] = right, left
    return points


def apply(matrix, x, y):
    return (matrix @ [x, y, 1]).tolist()


# Windows --------------------------------------------------------------------------------------


#  A window of 100 px about (50, 60), shown on 200: twice as large
def test_a_level_window():
    matrix = Roi(50, 60, 100, 0.0).to_crop(200)
    assert apply(matrix, 50, 60) == pytest.approx([100, 100])
    assert apply(matrix, 100, 60) == pytest.approx([200, 100])


#  Eyes that fall to the right by 90 degrees: what lies below the middle comes to lie right of it
def test_a_turned_window_levels_the_eyes():
    matrix = Roi(50, 60, 100, math.pi / 2).to_crop(100)
    assert apply(matrix, 50, 60) == pytest.approx([50, 50])
    assert apply(matrix, 50, 80) == pytest.approx([70, 50])


def test_the_window_of_a_box_is_half_as_large_again_and_turned_like_the_eyes():
    roi = roi_of_box(FaceBox(100, 50, 200, 130, ((120, 80), (160, 120)), 0.9))
    assert (roi.x, roi.y, roi.size) == (150, 90, 150)
    assert roi.angle == pytest.approx(math.pi / 4)


#  eyes at (100, 100) and (200, 100), the chin 120 below them
def test_the_window_of_a_mesh():
    points = eyes_at((100, 100), (200, 100))
    points[152, :2] = (150, 220)
    roi = roi_of_mesh(points)
    assert (roi.x, roi.y, roi.angle) == pytest.approx((150, 160, 0))
    assert roi.size == pytest.approx(1.5 * 120)


def test_the_window_turns_with_the_head():
    points = eyes_at((100, 100), (200, 100))
    points[152, :2] = (150, 220)
    cos, sin = math.cos(0.5), math.sin(0.5)
    tilted = points.copy()
    tilted[:, :2] = points[:, :2] @ np.array([[cos, sin], [-sin, cos]], np.float32)
    level, turned = roi_of_mesh(points), roi_of_mesh(tilted)
    assert turned.angle == pytest.approx(0.5)
    assert turned.size == pytest.approx(level.size, rel=1e-5)
    assert (turned.x, turned.y) == pytest.approx(
        (cos * level.x - sin * level.y, sin * level.x + cos * level.y), rel=1e-4
    )


# Backends -------------------------------------------------------------------------------------


def mesh_backend(points, outline=((32, 32),) * 71, logit=0.0):
    outline = np.hstack([np.array(outline, float), np.zeros((71, 1))])
    iris = np.hstack([np.array([[32, 32]] * 5, float), np.zeros((5, 1))])
    far = near = DrawnModel(128, np.zeros((1, 896, 16)), np.full((1, 896, 1), -100))
    return MeshBackend(
        near,
        far,
        DrawnModel(192, points, [[[[logit]]]]),
        DrawnModel(64, outline, iris),
        "v",
    )


#  The middle of the model's window of 192 is the middle of the window on the picture; a window
#  of 96 px is shown twice as large, so depth is halved.
def test_points_come_back_in_pixels_of_the_picture():
    points = np.zeros((N_POINTS, 3))
    points[0], points[1] = (96, 96, 10), (192, 96, 0)
    found, presence = mesh_backend(points, logit=0.0).points(BLACK, Roi(150, 100, 96, 0.0))
    assert found[0] == pytest.approx([150, 100, 5])
    assert found[1] == pytest.approx([198, 100, 0])
    assert presence == 0.5


def test_presence_is_a_probability_whatever_the_model_says():
    backend = mesh_backend(np.zeros((N_POINTS, 3)), logit=-1e6)
    assert backend.points(BLACK, Roi(50, 50, 96, 0.0))[1] == pytest.approx(0, abs=1e-9)


#  The iris model knows right eyes. What it sees at the outer side is at the picture's left of a
#  right eye, and at the picture's right of a left one.
def test_the_left_eye_is_shown_mirrored():
    points = eyes_at((100, 100), (200, 100))
    points[EYE_CORNERS[0][1], :2], points[EYE_CORNERS[1][1], :2] = (130, 100), (170, 100)
    backend = mesh_backend(points, outline=((10, 32),) * 71)
    face = backend.details(BLACK, points, 0.9)
    offset = (32 - 10) * 30 * 2.3 / 64  # the window is 2.3 eyes wide and 64 px across
    assert face.lids[0, 0] == pytest.approx([115 - offset, 100], abs=0.01)
    assert face.lids[1, 0] == pytest.approx([185 + offset, 100], abs=1.1)  # a pixel of the crop
    assert (face.presence, face.blendshapes) == (0.9, None)


def test_both_steps_at_once():
    points = np.tile([96.0, 96.0, 0.0], (N_POINTS, 1))
    points[EYE_CORNERS[0][0]], points[EYE_CORNERS[1][0]] = (60, 96, 0), (130, 96, 0)
    face = mesh(mesh_backend(points, logit=100.0), BLACK, Roi(150, 100, 192, 0.0))
    assert face.points.shape == (468, 3)
    assert face.lids.shape == (2, 16, 2)
    assert face.irises.shape == (2, 5, 2)
    assert face.presence == pytest.approx(1.0)


def test_the_landmarker_reads_lids_irises_and_blendshapes_from_its_own_points():
    points = np.arange(478 * 3, dtype=np.float32).reshape(478, 3)
    blendshapes = DrawnModel(0, np.linspace(0, 1, 52))
    near = DrawnModel(128, np.zeros((1, 896, 16)), np.full((1, 896, 1), -100))
    backend = LandmarkerBackend(near, DrawnModel(256), blendshapes, None, "v")
    face = backend.details(BLACK, points, 0.9)
    assert face.points.shape == (468, 3)
    assert face.lids[1, 8].tolist() == points[LIDS[1][8], :2].tolist()
    assert face.irises[1, 0].tolist() == points[473, :2].tolist()
    assert face.blendshapes.shape == (52,)
    assert blendshapes.seen[0].shape == (1, 146, 2)
    assert len(set(BLENDSHAPE_POINTS.tolist())) == 146


def test_the_far_detector_adds_only_what_the_near_one_did_not_see():
    def boxes(*lefts):
        return lambda rgb, score: [
            FaceBox(x, 0, x + 10, 10, ((x, 0), (x + 10, 0)), 0.9) for x in lefts
        ]

    assert [b.left for b in both_ranges(boxes(0), boxes(2, 50), BLACK, 0.5)] == [0, 50]
    assert [b.left for b in both_ranges(boxes(0), None, BLACK, 0.5)] == [0]
