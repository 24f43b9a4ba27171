"""The neutral template turned by known angles, and eyes drawn with a ruler."""

import numpy as np
import pytest

from demeanor.explain.perception.geometry import (
    EYE_MEASURES,
    SHAPE_MEASURES,
    align,
    eye_measures,
    head_measures,
    pose_deg,
    shape_measures,
    template,
    to_person,
)

NEUTRAL = template("mesh")  # x to the own left, y up, z to the camera


def turned(points, yaw=0.0, pitch=0.0, roll=0.0):
    """The head tilted to the own left, then tipped back, then turned left, in degrees."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in np.radians([yaw, pitch, roll]))
    to_left = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])  # nose (0, 0, 1) goes to +x
    back = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])  # nose goes to +y
    tilt = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])  # the left ear (1, 0, 0) goes to -y
    return points @ (to_left @ back @ tilt).T


def pose(points):
    return pose_deg(align(points[None], NEUTRAL)[1])[0]


# Pose -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [-30.0, -5.0, 12.0, 40.0])
@pytest.mark.parametrize("axis", [0, 1, 2], ids=["yaw", "pitch", "roll"])
def test_a_known_turn_comes_back(axis, angle):
    wanted = np.eye(3)[axis] * angle
    np.testing.assert_allclose(pose(turned(NEUTRAL, *wanted)), wanted, atol=0.1)


@pytest.mark.parametrize("angles", [(20, 15, 10), (-30, 20, -25), (35, -30, 40)])
def test_turns_about_three_axes_at_once_come_back(angles):
    np.testing.assert_allclose(pose(turned(NEUTRAL, *angles)), angles, atol=0.1)


def test_size_place_and_expression_of_the_lips_do_not_turn_the_head():
    moved = turned(NEUTRAL, yaw=20) * 180 + [300, -200, 15]
    moved[[61, 291]] += [0, 40, 0]  # the corners of the lips are not bone
    np.testing.assert_allclose(pose(moved), [20, 0, 0], atol=0.1)


#  A face in a picture: y counts down, z away from the camera. Its left is the picture's right.
def test_the_sides_of_a_picture():
    picture = turned(NEUTRAL, yaw=20, pitch=10) * [1, -1, -1] * 100 + [320, 240, 0]
    np.testing.assert_allclose(pose(to_person(picture)), [20, 10, 0], atol=0.1)
    assert picture[1, 0] > 320  # the tip of the nose points to the picture's right


# Shape ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("angles", [(0, 0, 0), (25, 0, 0), (0, -20, 0), (0, 0, 30), (25, 20, -30)])
def test_measures_do_not_change_with_pose_size_and_place(angles):
    face = NEUTRAL.copy()
    face[[61, 291], 1] += 0.05  # with a smile on it
    shapes, _ = align((turned(face, *angles) * 230 + [10, 20, 30])[None], NEUTRAL)
    np.testing.assert_allclose(shapes[0], face, atol=1e-4)
    np.testing.assert_allclose(shape_measures(shapes), shape_measures(face[None]), atol=1e-4)


def test_one_measure_moves_with_what_it_is_named_for():
    smiling = NEUTRAL.copy()
    smiling[[61, 291]] += np.array([[-0.02, 0.05, 0], [0.02, 0.05, 0]])  # outward and up
    change = (shape_measures(smiling[None]) - shape_measures(NEUTRAL[None]))[0]
    named = zip(SHAPE_MEASURES, change.tolist(), strict=True)
    moved = {name: round(value, 3) for name, value in named if abs(value) > 1e-6}
    assert moved == {
        "lip_corner_height_R": 0.05,
        "lip_corner_height_L": 0.05,
        "lip_corner_width_R": 0.02,
        "lip_corner_width_L": 0.02,
        "lip_bow": 0.05,
    }


def test_the_sides_are_the_person_s_own():
    lopsided = NEUTRAL.copy()
    lopsided[291] += [0, 0.05, 0]  # the own left corner
    change = (shape_measures(lopsided[None]) - shape_measures(NEUTRAL[None]))[0]
    moved = {n for n, c in zip(SHAPE_MEASURES, change, strict=True) if abs(c) > 1e-6}
    assert moved == {"lip_corner_height_L", "lip_bow"}


def test_the_head_s_pose_as_measures_of_thirty_degrees():
    found = head_measures(np.array([[15.0, -30.0, 7.0], [-30.0, 15.0, 0.0]]))
    assert found.tolist() == [
        [0.0, 1.0, 0.0, 0.5, 0.0, 1.0, 0.25],
        [0.5, 0.0, 1.0, 0.0, 0.25, 0.0, 1.0],
    ]


def test_a_mirrored_face_is_turned_never_reflected():
    mirrored = NEUTRAL * [-1, 1, 1] + np.linspace(0, 0.02, 468)[:, None]
    _, turn = align(mirrored[None], NEUTRAL)
    assert np.linalg.det(turn[0]) == pytest.approx(1.0)


@pytest.mark.parametrize("backend", ["mesh", "landmarker"])
def test_templates_are_symmetric_and_one_eye_distance_wide(backend):
    points = template(backend)
    assert points.shape == (468, 3)
    assert points[263] - points[33] == pytest.approx([1, 0, 0], abs=1e-5)
    mirrored = points * [-1, 1, 1]
    nearest = np.linalg.norm(points[:, None] - mirrored[None], axis=-1).min(axis=0)
    assert nearest.max() < 1e-4


# Eyes -----------------------------------------------------------------------------------------


#          upper lid: y 90        width 40, opening 14, iris of radius 8 with its centre at y 98
#   outer ________________ inner  y 100
#          lower lid: y 104
def eyes(iris_dx=0.0):
    """Lids (1, 2, 16, 2) and irises (1, 2, 5, 2): right eye at x 100-140, left at 200-240."""
    lids, irises = np.zeros((1, 2, 16, 2)), np.zeros((1, 2, 5, 2))
    for side, (outer, inner) in enumerate([(100, 140), (240, 200)]):
        lids[0, side, :, 0] = (outer + inner) / 2
        lids[0, side, 1:8, 1], lids[0, side, 9:, 1] = 104, 90
        lids[0, side, 0], lids[0, side, 8] = (outer, 100), (inner, 100)
        centre = np.array([(outer + inner) / 2 + iris_dx, 98])
        irises[0, side] = centre + np.array([[0, 0], [8, 0], [0, 8], [-8, 0], [0, -8]])
    return lids, irises


#  opening 14/40, upper lid 10/40, lower -4/40, lid over iris 8/8, under it -6/8; right, left
MEASURED = [0.35, 0.25, -0.1, 1.0, -0.75] * 2


def test_measures_of_a_drawn_eye():
    measures, gaze = eye_measures(*eyes())
    np.testing.assert_allclose(measures[0], MEASURED, atol=1e-6)
    np.testing.assert_allclose(gaze[0], [0.0, 0.05], atol=1e-6)  # 2/40 above the corners
    assert len(EYE_MEASURES) == len(MEASURED)


def test_irises_at_the_picture_s_right_look_to_the_own_left():
    np.testing.assert_allclose(eye_measures(*eyes(iris_dx=4))[1][0], [0.1, 0.05], atol=1e-6)


@pytest.mark.parametrize(("angle_deg", "scale"), [(30, 1.0), (-45, 3.0), (0, 0.2)])
def test_eyes_measure_the_same_tilted_and_from_afar(angle_deg, scale):
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turn = scale * np.array([[cos, -sin], [sin, cos]])
    lids, irises = eyes()
    np.testing.assert_allclose(eye_measures(lids @ turn, irises @ turn)[0][0], MEASURED, atol=1e-5)
