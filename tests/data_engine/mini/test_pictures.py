"""A small linear model and what it is asked about: drawn pictures with known answers."""

import random

import numpy as np
import pytest
from drawn_observations import au, turn

from demeanor.data_engine.mini.pictures import CLASSES, Classes, Picture, features, varied

STILL = (0.0, 0.0)


def smiling(n):
    return Picture(f"a{n}", "happiness", (au("f1", 12, 2.5 + n % 3 / 2, STILL),), ())


def frowning(n):
    return Picture(f"b{n}", "anger", (au("f1", 4, 2.0 + n % 2, STILL),), ())


@pytest.fixture(scope="module")
def classes():
    return Classes([*map(smiling, range(30)), *map(frowning, range(6))])


def test_classes_count_alike_however_rare_they_are(classes):
    assert classes.shares(smiling(1).observations)["happiness"] > 0.6
    assert classes.shares(frowning(1).observations)["anger"] > 0.6
    nothing = classes.shares(())
    assert nothing["anger"] == pytest.approx(nothing["happiness"], abs=0.25)


def test_shares_are_of_all_classes_and_sum_to_one(classes):
    shares = classes.shares(smiling(0).observations)
    assert tuple(shares) == CLASSES
    assert sum(shares.values()) == pytest.approx(1.0)


def test_features_are_level_and_presence_and_degrees_are_scaled():
    found = features((au("f1", 12, 3.0, STILL), turn("f2", 51, 20.0)))
    assert sorted(found[found > 0]) == [1.0, 1.0, 2.0, 3.0]
    assert np.count_nonzero(features(())) == 0


def test_a_variation_is_numbered_anew_and_stays_in_range():
    others = [frowning(0)]
    picture = Picture("p", "happiness", (au("f1", 12, 4.9, STILL), au("f2", 6, 0.9, STILL)), ())
    draw = random.Random(0)
    seen = [varied(picture, others, draw) for _ in range(200)]
    for observations in seen:
        assert [o.obs_id for o in observations] == [f"f{k + 1}" for k in range(len(observations))]
        assert all(0.8 <= o.peak <= 5.0 for o in observations)
    codes = [{o.code for o in observations} for observations in seen]
    assert any("AU4" in c for c in codes)
    assert any("AU12" not in c for c in codes)
