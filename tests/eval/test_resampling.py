"""Intervals and paired tests, where the truth is known."""

import numpy as np
import pytest

from demeanor.eval.resampling import MIN_GROUPS, by_group, intervals, paired


def mean(sums):
    """Rows: value, 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums[..., 0] / sums[..., 1])[..., None]


def rows(values):
    return np.column_stack([values, np.ones(len(values))])


def test_the_interval_of_a_mean_is_that_of_theory():
    """400 values of variance 1: standard error 0.05, so 0.098 to either side."""
    values = np.random.default_rng(1).normal(size=400)
    ((low, high),) = intervals(rows(values), mean, 4000)
    spread = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - spread, abs=0.01)
    assert high == pytest.approx(values.mean() + spread, abs=0.01)


def test_samples_of_one_group_are_one_witness():
    """Ten groups of forty equal values: no more is known than from ten values."""
    values = np.repeat(np.random.default_rng(2).normal(size=10), 40)
    groups = np.repeat(list("abcdefghij"), 40).tolist()
    ((low, high),) = intervals(rows(values), mean, 2000)
    ((wide_low, wide_high),) = intervals(by_group(rows(values), groups), mean, 2000)
    assert wide_high - wide_low > 4 * (high - low)


def test_a_sample_without_a_group_is_its_own():
    sums = by_group(rows([1.0, 2.0, 4.0, 8.0]), ["a", "a", None, None])
    assert sorted(sums[:, 0].tolist()) == [3.0, 4.0, 8.0]
    assert by_group(rows([1.0, 2.0]), [None, None])[:, 0].tolist() == [1.0, 2.0]


def test_too_few_samples_have_no_interval():
    assert intervals(rows([1.0] * (MIN_GROUPS - 1)), mean) == [None]
    assert intervals(np.zeros((0, 2)), mean) == [None]


def test_a_figure_that_most_folds_do_not_have_has_no_interval():
    """Where one row of thirty counts, it is drawn in 64% of folds."""
    seldom = np.zeros((30, 2))
    assert intervals(seldom, mean, 100) == [None]
    seldom[0] = 1.0
    assert intervals(seldom, mean, 100) == [(1.0, 1.0)]


def test_the_same_seed_gives_the_same_interval_and_chunks_change_nothing(monkeypatch):
    values = rows(np.random.default_rng(3).normal(size=50))
    whole = intervals(values, mean, 500)
    assert intervals(values, mean, 500) == whole
    monkeypatch.setattr("demeanor.eval.resampling._CHUNK", 50 * 100)
    assert intervals(values, mean, 500) == whole


def test_two_systems_are_drawn_together():
    """The second is better by .1 on every sample: each alone is unsure, their difference is not."""
    first = np.random.default_rng(4).normal(size=60)
    (found,) = paired(rows(first), rows(first + 0.1), mean, ("mean",), 1000)
    assert found.difference == pytest.approx(0.1)
    assert found.interval == (pytest.approx(0.1), pytest.approx(0.1))
    assert found.p == pytest.approx(2 / 1001)  # never 0


def test_a_system_beside_itself_is_no_different():
    first = rows(np.random.default_rng(5).normal(size=60))
    (found,) = paired(first, first, mean, ("mean",), 500)
    assert (found.difference, found.p) == (0.0, 1.0)


def test_rows_of_other_samples_are_refused():
    with pytest.raises(ValueError, match="rows of the same samples"):
        paired(rows([1.0]), rows([1.0, 2.0]), mean, ("mean",))
