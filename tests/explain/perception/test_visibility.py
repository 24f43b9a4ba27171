"""Light, focus and eyes of faces drawn in plain grey on the neutral template."""

import cv2
import numpy as np
import pytest

from demeanor.explain.perception.geometry import template
from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.visibility import VIEW, view

POINTS = np.add(template("mesh") * 120.0 * [1, -1, -1], [200, 200, 0]).astype(np.float32)
SKIN = 160


def face(skin=SKIN, lids=40):
    """Skin with brows, lids, nostrils and a mouth: dark strokes on the points."""
    grey = np.full((400, 400), skin, np.uint8)
    for row in ((33, 159, 133), (263, 386, 362), (61, 13, 291), (70, 105, 107), (300, 334, 336)):
        line = POINTS[list(row), :2].round().astype(np.int32)
        cv2.polylines(grey, [line], False, lids, 5, cv2.LINE_AA)
    return grey


def seen(grey):
    rgb = np.repeat(grey[..., None], 3, axis=2)
    return dict(zip(VIEW, view(Picture(rgb), POINTS).tolist(), strict=True))


def test_brightness_is_that_of_the_brighter_skin():
    assert seen(face())["brightness"] == pytest.approx(SKIN, abs=2)
    assert seen((face() * 0.15).astype(np.uint8))["brightness"] == pytest.approx(24, abs=1)


def test_a_darker_face_has_the_same_detail_and_eyes():
    plain, dark = seen(face()), seen((face() * 0.5).astype(np.uint8))
    assert dark["detail"] == pytest.approx(plain["detail"], rel=0.05)
    assert dark["eyes"] == pytest.approx(plain["eyes"], abs=0.02)


@pytest.mark.parametrize("kernel", [np.eye(31), np.fliplr(np.eye(31)), np.ones((1, 31))])
def test_blur_along_any_direction_takes_the_detail(kernel):
    kernel = kernel / kernel.sum()
    assert seen(cv2.filter2D(face(), -1, kernel))["detail"] < 0.6 * seen(face())["detail"]


def test_eyes_behind_dark_glass_are_darker_than_skin():
    grey = face()
    for corners in ((33, 133), (263, 362)):
        x, y = POINTS[list(corners), :2].mean(axis=0).round().astype(int).tolist()
        cv2.ellipse(grey, (x, y), (48, 38), 0, 0, 360, 30, -1)
    assert seen(face())["eyes"] == pytest.approx(1.0, abs=0.05)
    assert seen(grey)["eyes"] == pytest.approx(30 / SKIN, abs=0.02)


def test_where_nothing_is_to_be_seen_only_the_light_is_told():
    blank = seen(np.full((400, 400), 90, np.uint8))
    assert blank["brightness"] == 90
    assert np.isnan([blank["detail"], blank["eyes"]]).all()
