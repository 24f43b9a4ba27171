"""Levels: Lin's concordance by hand and beside its definition."""

import math

import numpy as np
import pytest

from demeanor.eval.regression import NO_NUMBER, score_levels
from demeanor.eval.scores import NO_PREDICTION


def test_concordance_by_its_definition(samples):
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    b = 0.5 * a + rng.normal(size=200) + 1
    values = score_levels(samples(*zip(a, b, strict=True))).values
    wanted = 2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    assert values["CCC"] == pytest.approx(wanted)
    assert values["Pearson r"] == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert values["RMSE"] == pytest.approx(np.sqrt(((a - b) ** 2).mean()))


#  gold 0 1 2, said 1 2 3: r is 1; CCC = 2 * 2/3 / (2/3 + 2/3 + 1)
def test_an_offset_costs_concordance_and_not_correlation(samples):
    values = score_levels(samples((0, 1), (1, 2), (2, 3))).values
    assert values["CCC"] == pytest.approx(4 / 7)
    assert values["Pearson r"] == pytest.approx(1.0)


def test_what_does_not_vary_has_no_correlation(samples):
    values = score_levels(samples((0.1, 0.7), (0.2, 0.7), (0.3, 0.7))).values
    assert values["CCC"] == 0.0
    assert math.isnan(values["Pearson r"])
    assert math.isnan(score_levels(samples((0.1, 0.1), (0.1, 0.1))).values["CCC"])


def test_missing_and_unreadable_numbers_are_told_apart(samples):
    scored = score_levels(samples((0.5, None), (0.5, "high"), (float("nan"), 0.5), (0.5, "0.5")))
    assert scored.skipped == {NO_NUMBER: 2, NO_PREDICTION: 1}
    assert scored.n_scored == 1
