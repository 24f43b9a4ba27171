"""Confidence: bins and curves worked out by hand."""

import math

import numpy as np
import pytest

from demeanor.eval.calibration import brier_of_all, calibration, risk_coverage


#  bin (.5, 1]: said .6 .8, right 1 of 2: |.5 - .7| = .2
#  bin (0, .5]: said .5, right 1 of 1:    |1 - .5| = .5
#  ECE = (2 * .2 + 1 * .5) / 3
def test_ece_and_brier_by_hand():
    found = calibration([0.6, 0.8, 0.5], [True, False, True], n_bins=2)
    assert found.ece == pytest.approx(0.3)
    assert found.brier == pytest.approx((0.16 + 0.64 + 0.25) / 3)
    assert (found.n, found.n_bins) == (3, 2)


def test_a_confidence_of_0_is_in_the_first_bin():
    assert calibration([0.0, 0.0], [False, False]).ece == 0.0


def test_nothing_is_not_known_and_no_share_is_refused():
    assert math.isnan(calibration([], []).ece)
    with pytest.raises(ValueError, match="from 0 to 1"):
        calibration([1.2], [True])
    with pytest.raises(ValueError, match="found 2 for 1"):
        calibration([0.5, 0.5], [True])


def test_briers_own_score_of_two_labels_is_twice_the_other():
    said = np.array([[0.6, 0.4], [0.8, 0.2], [0.5, 0.5]])
    assert brier_of_all(said, [0, 1, 0]) == pytest.approx(2 * (0.16 + 0.64 + 0.25) / 3)
    assert math.isnan(brier_of_all(np.zeros((0, 2)), []))


#  surest first:  .9 right | .7 wrong, .7 right (together) | abstained
def test_the_risk_of_answering_more():
    curve = risk_coverage([0.7, 0.9, None, 0.7], [False, True, False, True])
    assert curve.coverage == (0.25, 0.75)
    assert curve.risk == (0.0, pytest.approx(1 / 3))
    assert curve.area == pytest.approx(2 / 9)


def test_who_never_answers_has_no_curve():
    assert math.isnan(risk_coverage([None], [False]).area)
