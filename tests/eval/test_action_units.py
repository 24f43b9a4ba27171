"""Action units in the form that papers print."""

import math

import numpy as np
import pytest

from demeanor.eval.action_units import means, score_units

NAN = float("nan")


#  gold       0  3  4  1  nan      present from 2: - + + - .
#  predicted  0  3  1  2  3                        - + - + .      TP 1, FP 1, FN 1: F1 1/2
def test_f1_from_the_threshold_and_icc_of_the_levels():
    gold, said = np.array([0, 3, 4, 1, NAN]), np.array([0.0, 3, 1, 2, 3])
    found = score_units({"AU12": (gold, said), "AU4": (gold * 0, said * 0)})
    assert found["AU12"].f1 == pytest.approx(0.5)
    assert (found["AU12"].n, found["AU12"].n_missing) == (4, 1)
    a, b = gold[:4], said[:4]
    wanted = 2 * np.cov(a, b)[0, 1] / (a.var(ddof=1) + b.var(ddof=1))
    assert found["AU12"].icc == pytest.approx(wanted)
    assert math.isnan(found["AU4"].f1)
    assert means(found) == (pytest.approx(0.5), pytest.approx(wanted))


def test_no_units_have_no_mean():
    assert all(map(math.isnan, means({})))
