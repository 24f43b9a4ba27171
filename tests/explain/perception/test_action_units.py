"""Levels on the FACS scale, worked out by hand with a model of two features and two units."""

from dataclasses import replace

import numpy as np
import pytest

from demeanor.explain.perception.action_units import (
    MAX_INTENSITY,
    MEASURES,
    ActionUnitModel,
    action_unit_model,
    mirrored,
    model_of,
    stretched,
)
from demeanor.explain.perception.geometry import EYE_MEASURES, SHAPE_MEASURES
from demeanor.explain.perception.texture import TEXTURE_MEASURES
from demeanor.explain.records import Side
from demeanor.explain.vocabulary import ACTION_UNITS

N = len(MEASURES)
A, B = MEASURES.index("brow_inner_height_R"), MEASURES.index("eye_opening_R")


def weights(*entries, n=N):
    table = np.zeros((n, 2))
    for row, column, value in entries:
        table[row, column] = value
    return table


MODEL = ActionUnitModel(
    backend="drawn",
    codes=("AU12", "AU43"),
    weights=weights((A, 0, 10.0), (B, 1, 5.0)),  # (features, codes)
    centre=weights((A, 0, 0.1), (B, 0, 0.3))[:, 0],
    neutral_high=np.array([1.0, 0.5]),
    reliability={"AU12": 0.9, "AU43": 0.8},
)


def face(brow, eye):
    """Measures of one face: shape and eyes, at 0 but for two, and a level head."""
    whole = np.zeros((1, N))
    whole[0, [A, B]] = brow, eye
    n_shape = len(SHAPE_MEASURES)
    return whole[:, :n_shape], whole[:, n_shape : n_shape + len(EYE_MEASURES)], np.zeros((1, 3))


def test_levels_are_weighted_distances_from_neutral():
    np.testing.assert_allclose(MODEL.levels(*face(0.1, 0.3)), [[0, 0]], atol=1e-6)
    np.testing.assert_allclose(MODEL.levels(*face(0.4, 0.1)), [[3, -1]], atol=1e-6)


def test_the_first_blendshape_is_not_one():
    model = replace(
        MODEL, weights=weights((N, 0, 2.0), n=N + 1), centre=np.zeros(N + 1), codes=("AU12",)
    )
    found = model.levels(*face(0, 0), blendshapes=np.array([[99.0, 0.5]]))
    assert found[0, 0] == 1.0


def test_texture_that_was_not_seen_counts_as_that_of_a_neutral_face():
    row = MEASURES.index("chin_light")
    model = replace(MODEL, weights=weights((row, 0, 2.0)), centre=np.full(N, 0.5))
    assert model.levels(*face(0, 0)).tolist() == [[0.0, 0.0]]
    seen = np.full((1, len(TEXTURE_MEASURES)), 1.0)
    assert model.levels(*face(0, 0), texture=seen).tolist() == [[1.0, 0.0]]
    seen[:] = np.nan
    assert model.levels(*face(0, 0), texture=seen).tolist() == [[0.0, 0.0]]


def test_the_left_side_is_the_mirror_image_of_the_right():
    data = {
        "measures": list(MEASURES),
        "centre": [0.0] * N,
        "units": {
            "AU12": {
                **{"two_sides": True, "report_sides": True, "reliability": 0.9},
                **{"neutral_high": 1.0, "neutral_high_of_a_side": 1.2},
                **{"neutral_spread": 0.5, "neutral_spread_of_a_side": 0.7},
                "weights": {"lip_corner_height_R": 4.0, "lip_bow": 1.0},
            },
            "AU17": {
                **{"two_sides": False, "report_sides": False, "reliability": 0.8},
                **{"neutral_high": 0.0, "neutral_high_of_a_side": 0.0},
                **{"neutral_spread": 0.2, "neutral_spread_of_a_side": 0.2},
                "weights": {"chin_height": 3.0},
            },
        },
    }
    model = model_of("drawn", data)
    assert model.codes == ("AU12", "AU17")
    assert model.sided == (("AU12", Side.RIGHT), ("AU12", Side.LEFT))
    shape, eyes, pose = face(0, 0)
    shape[0, SHAPE_MEASURES.index("lip_corner_height_L")] = 0.5
    shape[0, SHAPE_MEASURES.index("lip_bow")] = 0.25
    #  both: (4 x 0.5) / 2 + 0.25; AU17: 0; right: 0.25 alone; left: 4 x 0.5 + 0.25
    np.testing.assert_allclose(model.levels(shape, eyes, pose), [[1.25, 0.0, 0.25, 2.25]])
    assert model.neutral_high.tolist() == [1.0, 0.0, 1.2, 1.2]
    assert model.neutral_spread.tolist() == [0.5, 0.2, 0.7, 0.7]


def test_mirrored_names():
    names = ["a_R", "a_L", "eyeBlinkLeft", "eyeBlinkRight", "lip_gap"]
    assert mirrored(names).tolist() == [1, 0, 3, 2, 4]


#  AU26 at D (4) is the most that a jaw drops; from there to E the mouth is stretched.
def test_a_stretched_mouth_is_told_from_a_dropped_jaw_by_degree():
    assert stretched(np.array([0.0, 4.0, 4.5, 5.0])).tolist() == [0.0, 0.0, 2.5, 5.0]


def test_nobody_s_usual_is_known_so_zero_is_the_edge_of_the_neutral_range():
    found = MODEL.levels_above(np.array([[3.0, 0.2]]), None)
    np.testing.assert_allclose(found.intensity, [[2.0, 0.0]])
    np.testing.assert_allclose(found.change, [[2.0, -0.3]], atol=1e-6)


#  Own rest 0.5: it is neutral (below 1.0), so zero
def test_an_own_rest_in_the_neutral_range_is_zero():
    found = MODEL.levels_above(np.array([[3.0, 0.0]]), np.array([0.5, 0.0]))
    np.testing.assert_allclose(found.intensity[0], [2.5, 0.0])
    np.testing.assert_allclose(found.change[0], [2.5, 0.0])


#  Own rest 3, beyond the neutral range: a held smile keeps its intensity, and changes by little
def test_a_held_expression_is_intense_and_does_not_change():
    found = MODEL.levels_above(np.array([[3.2, 0.0]]), np.array([3.0, 0.0]))
    np.testing.assert_allclose(found.intensity[0], [2.2, 0.0], atol=1e-6)
    np.testing.assert_allclose(found.change[0], [0.2, 0.0], atol=1e-6)


def test_intensities_end_at_5_and_changes_do_not():
    found = MODEL.levels_above(np.array([[9.0, -4.0]]), None)
    assert found.intensity.tolist() == [[MAX_INTENSITY, 0.0]]
    assert found.change.tolist() == [[8.0, -4.5]]


@pytest.mark.parametrize("backend", ["mesh", "landmarker"])
def test_the_shipped_calibration(backend):
    model = action_unit_model(backend)
    assert set(model.codes) <= set(ACTION_UNITS)
    assert "AU43" in model.codes
    assert model.weights.shape == (len(model.centre), len(model.codes) + len(model.sided))
    assert model.neutral_high.shape == model.neutral_spread.shape == model.weights.shape[1:]
    assert all(0 <= value <= 1 for value in model.reliability.values())
    assert set(model.reliability) == set(model.codes)


@pytest.mark.parametrize("backend", ["mesh", "landmarker"])
def test_what_a_backend_does_not_measure_is_declared_with_a_reason(backend):
    model = action_unit_model(backend)
    missing = model.not_measured()
    assert "AU23" in missing
    assert not set(missing) & set(model.codes)
    assert all(missing.values())
