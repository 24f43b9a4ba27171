"""Figures of agreement: published worked examples, and small ones worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from demeanor.eval.agreement import (
    MIN_GROUPS,
    consistency,
    crossed,
    event_f1,
    f1,
    interval,
    intraclass,
    kappa,
    matched,
    mean_absolute_error,
    mean_error,
    pearson,
    ranked,
    runs,
    sums,
)
from demeanor.explain.records import Span

# Shrout & Fleiss 1979, Psychological Bulletin 86, Table 2: six targets, four judges.
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def nan(value):
    return np.isnan(value)


# Presence -------------------------------------------------------------------------------------


#  truth  1 1 1 0 0      TP 2, FN 1, FP 1: 2*2 / (2*2 + 1 + 1)
#  found  1 1 0 1 0
def test_f1_by_hand():
    truth, found = np.array([1, 1, 1, 0, 0], bool), np.array([1, 1, 0, 1, 0], bool)
    assert crossed(truth, found).tolist() == [[1, 1], [1, 2]]
    assert f1(crossed(truth, found)) == pytest.approx(4 / 6)


def test_f1_without_anything_to_find_is_not_known():
    nothing, something = np.zeros(4, bool), np.array([0, 1, 0, 0], bool)
    assert nan(f1(crossed(nothing, something)))
    assert f1(crossed(something, nothing)) == 0.0


def test_kappa_of_cohen_1960():
    """Table 2 of Cohen 1960 (Educ. Psychol. Meas. 20): 200 cases, p_o .70, p_c .41, kappa .49."""
    counts = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert kappa(counts) == pytest.approx(0.29 / 0.59)


def test_kappa_of_two_who_always_say_the_same_one_thing_is_not_known():
    assert nan(kappa(np.array([[0, 0], [0, 5]])))
    assert kappa(np.array([[0, 0], [2, 3]])) == 0.0  # one varies: no better than chance
    assert nan(kappa(np.zeros((2, 2), int)))


def test_presence_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, found = rng.random((2, 200)) < 0.3
    assert f1(crossed(truth, found)) == pytest.approx(metrics.f1_score(truth, found))
    assert kappa(crossed(truth, found)) == pytest.approx(metrics.cohen_kappa_score(truth, found))


# Intensity ------------------------------------------------------------------------------------


def test_intraclass_correlations_of_shrout_and_fleiss_1979():
    """Their Table 4: ICC(1,1) .17, ICC(2,1) .29, ICC(3,1) .71."""
    icc = intraclass(JUDGES)
    found = (icc.one_way, icc.agreement, icc.consistency)
    assert [round(value, 2) for value in found] == [0.17, 0.29, 0.71]


def test_of_two_raters_consistency_comes_from_sums():
    two = JUDGES[:, [0, 3]]
    assert consistency(sums(*two.T)) == pytest.approx(intraclass(two).consistency)


def test_consistency_forgives_an_offset_and_agreement_does_not():
    ratings = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]])
    icc = intraclass(ratings)
    assert icc.consistency == pytest.approx(1.0)
    assert icc.agreement < 0.9
    assert mean_error(sums(*ratings.T)) == 1.0


@pytest.mark.parametrize("ratings", [np.ones((1, 2)), np.full((5, 2), 3.1), np.ones((0, 2))])
def test_intraclass_of_what_does_not_vary_is_not_known(ratings):
    assert nan(intraclass(ratings).consistency)
    assert nan(consistency(sums(*ratings.T)))


def test_correlations_agree_with_scipy_and_ties_share_their_rank():
    a, b = np.array([0, 0, 1, 3, 5.0]), np.array([0, 1, 1, 2, 2.5])
    assert pearson(sums(a, b)) == pytest.approx(stats.pearsonr(a, b).statistic)
    assert pearson(sums(ranked(a), ranked(b))) == pytest.approx(stats.spearmanr(a, b).statistic)


@pytest.mark.parametrize("a", [[], [1.0], [2.1, 2.1, 2.1]])
def test_correlation_with_what_does_not_vary_is_not_known(a):
    assert nan(pearson(sums(np.array(a), np.arange(float(len(a))))))


def test_errors_by_hand():
    s = sums(np.array([0.0, 2.0, 4.0]), np.array([1.0, 2.0, 2.0]))
    assert mean_error(s) == pytest.approx(-1 / 3)
    assert mean_absolute_error(s) == pytest.approx(1.0)
    assert nan(mean_error(np.zeros(7)))


# Events ---------------------------------------------------------------------------------------


#  time_s   0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7
#  present   .   1   1   .   1   .   .   1
@pytest.mark.parametrize(
    ("bridge_s", "wanted"),
    [
        (0.0, [(0.1, 0.3), (0.4, 0.5), (0.7, 0.8)]),
        (0.1, [(0.1, 0.5), (0.7, 0.8)]),
        (0.2, [(0.1, 0.8)]),
    ],
)
def test_short_absences_are_bridged(bridge_s, wanted):
    present = np.array([0, 1, 1, 0, 1, 0, 0, 1], bool)
    spans = runs(np.arange(8) / 10, present, 0.1, bridge_s)
    assert [(s.start_s, s.end_s) for s in spans] == [pytest.approx(w) for w in wanted]


def test_a_hole_in_what_was_seen_ends_an_event():
    times_s = np.array([0.0, 0.1, 0.2, 0.5, 0.6])
    spans = runs(times_s, np.ones(5, bool), 0.1, bridge_s=1.0)
    assert [(s.start_s, s.end_s) for s in spans] == [
        pytest.approx((0.0, 0.3)),
        pytest.approx((0.5, 0.7)),
    ]


def test_nothing_present_is_no_event():
    assert runs(np.zeros(0), np.zeros(0, bool), 0.0) == []
    assert runs(np.arange(3.0), np.zeros(3, bool), 1.0) == []


#  truth   |--0--|      |--1--|              |2|
#  found     |--0--| |1|   |----2----|             |3|
def test_each_event_is_matched_once_and_the_larger_overlap_first():
    truth = [Span(0, 2), Span(4, 6), Span(10, 11)]
    found = [Span(0.5, 2.5), Span(3.5, 4.2), Span(4.5, 8), Span(11.3, 12)]
    assert sorted(matched(truth, found, 0.2)) == [(0, 0), (1, 2)]
    assert sorted(matched(truth, found, 0.4)) == [(0, 0), (1, 2), (2, 3)]


def test_event_f1_by_hand():
    assert event_f1(np.array([3, 1, 1])) == pytest.approx(6 / 8)  # found, false, missed
    assert nan(event_f1(np.array([0, 3, 0])))


# Intervals ------------------------------------------------------------------------------------


def test_an_interval_holds_the_figure_and_needs_enough_groups():
    rng = np.random.default_rng(1)
    truths = rng.random((8, 50)) < 0.4
    groups = np.array([crossed(t, t ^ (rng.random(50) < 0.1)) for t in truths])
    low, high = interval(groups, f1)
    assert low < f1(groups.sum(axis=0)) < high
    assert interval(groups[: MIN_GROUPS - 1], f1) is None


def test_no_interval_where_the_figure_is_seldom_defined():
    nothing, seen = np.array([[5, 0], [0, 0]]), np.array([[0, 0], [0, 5]])
    assert interval(np.array([seen, *[nothing] * 40]), f1) is not None  # in 63% of resamples
    assert interval(np.array([nothing] * 40), f1) is None
