"""Levels on the FACS scale, worked out by hand with a model of two features and two units."""

import numpy as np
import pytest

from demeanor.explain.perception.action_units import (
    MAX_INTENSITY,
    NOT_MEASURABLE,
    ActionUnitModel,
    action_unit_model,
)
from demeanor.explain.vocabulary import ACTION_UNITS

MODEL = ActionUnitModel(
    backend="drawn",
    codes=("AU12", "AU43"),
    weights=np.array([[10.0, 0.0], [0.0, 5.0]]),  # (features, codes)
    centre=np.array([0.1, 0.3]),
    neutral_high=np.array([1.0, 0.5]),
    reliability={"AU12": 0.9, "AU43": 0.8},
)


def test_levels_are_weighted_distances_from_neutral():
    shape, eyes = np.array([[0.1], [0.4]]), np.array([[0.3], [0.1]])
    np.testing.assert_allclose(MODEL.levels(shape, eyes, None), [[0, 0], [3, -1]], atol=1e-6)


def test_the_first_blendshape_is_not_one():
    model = ActionUnitModel(
        "drawn", ("AU12",), np.array([[1.0], [1.0], [2.0]]), np.zeros(3), np.zeros(1), {}
    )
    found = model.levels(np.array([[1.0]]), np.array([[1.0]]), np.array([[99.0, 0.5]]))
    assert found.tolist() == [[3.0]]


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
    assert model.weights.shape == (len(model.centre), len(model.codes))
    assert all(0 <= value <= 1 for value in model.reliability.values())
    assert set(model.reliability) == set(model.codes)


@pytest.mark.parametrize("backend", ["mesh", "landmarker"])
def test_what_a_backend_does_not_measure_is_declared_with_a_reason(backend):
    model = action_unit_model(backend)
    assert set(model.not_measured()) == set(NOT_MEASURABLE) - set(model.codes)
    assert all(model.not_measured().values())
