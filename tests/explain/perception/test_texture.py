"""Boxes on a drawn face: lines across and along, shadows, light that is worn like a hat."""

import numpy as np
import pytest

from demeanor.explain.perception.geometry import template
from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.texture import TEXTURE_MEASURES, texture_measures

EYES_PX = 120.0
GLABELLA = (9, 8)


def face(yaw_deg=0.0, at=(320, 260), eyes_px=EYES_PX):
    points = template("mesh").copy()
    cos, sin = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    turned = points @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    return (turned * eyes_px * [1, -1, -1] + [*at, 0]).astype(np.float32)


def skin(seed=0):
    rng = np.random.default_rng(seed)
    return np.clip(140 + rng.normal(0, 3, (520, 640)), 0, 255)


def drawn(grey):
    return Picture(np.repeat(grey[..., None], 3, axis=2).round().astype(np.uint8))


def measured(grey, points=None):
    values = texture_measures(drawn(grey), face() if points is None else points)
    return dict(zip(TEXTURE_MEASURES, values.tolist(), strict=True))


def furrowed(grey, points, *, along, depth=0.35):
    """Three dark lines between the brows: along (AU4 draws them so) or across (AU9)."""
    out = grey.copy()
    x, y = face()[list(points), :2].mean(axis=0).round().astype(int)
    for step in (-6, 0, 6):
        if along:
            out[y - 10 : y + 10, x + step : x + step + 2] *= 1 - depth
        else:
            out[y + step : y + step + 2, x - 8 : x + 8] *= 1 - depth
    return out


def test_lines_along_and_across_are_told_apart():
    plain = measured(skin())
    along = measured(furrowed(skin(), GLABELLA, along=True))
    across = measured(furrowed(skin(), GLABELLA, along=False))
    rise = {kind: along[f"glabella_{kind}"] - plain[f"glabella_{kind}"] for kind in
            ("lines_along", "lines_across")}  # fmt: skip
    assert rise["lines_along"] > 1.5
    assert rise["lines_along"] > rise["lines_across"] + 1
    assert across["glabella_lines_across"] > across["glabella_lines_along"] + 1


def test_light_skin_and_lamp_hardly_matter():
    grey = furrowed(skin(), GLABELLA, along=True)
    bright, dark = measured(grey), measured(grey * 0.45)
    for kind in ("lines_along", "lines_across", "light"):
        assert bright[f"glabella_{kind}"] == pytest.approx(dark[f"glabella_{kind}"], abs=0.45)


def test_a_shadow_on_one_side_is_seen_on_that_side():
    grey = skin()
    x, y = face()[[423, 426], :2].mean(axis=0).round().astype(int)  # the own left
    grey[y - 15 : y + 15, x - 15 : x + 15] *= 0.7
    found = measured(grey)
    assert found["nasolabial_light_L"] < found["nasolabial_light_R"] - 0.15


def test_the_right_side_is_measured_as_the_left_of_a_mirrored_picture():
    grey = furrowed(skin(), (203, 206), along=True)  # beside the own right nostril
    plain, flipped = measured(grey), measured(grey[:, ::-1], face(at=(319, 260)))
    for kind in ("lines_along", "lines_across", "slant", "light"):
        right, left = plain[f"nasolabial_{kind}_R"], flipped[f"nasolabial_{kind}_L"]
        assert right == pytest.approx(left, abs=0.15)
    assert plain["nasolabial_lines_along_R"] > plain["nasolabial_lines_along_L"] + 1


def test_a_face_too_small_to_have_skin_is_not_measured():
    values = texture_measures(drawn(skin()), face(eyes_px=20))
    assert np.isnan(values).all()


def test_boxes_beyond_the_picture_are_dark_not_lost():
    values = texture_measures(drawn(skin()), face(at=(10, 260)))
    assert np.isfinite(values).all()
