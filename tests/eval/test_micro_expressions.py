"""Pooled figures over subjects, and folds that leave them out."""

import numpy as np
import pytest

from demeanor.eval.micro_expressions import (
    FoldsError,
    check_folds,
    composite_label,
    leave_one_out,
    per_data_set,
    score_composite,
)


#  subject   gold       said          own UAR
#  a         negative   negative      1
#  a         negative   negative
#  b         positive   negative      0
#  b         positive   positive  ->  .5
#  pooled: negative 2/2, positive 1/2: UAR .75, and nobody was surprised
def test_counts_are_pooled_over_subjects(samples):
    scored = score_composite(
        samples(
            ("negative", "negative"),
            ("negative", "negative"),
            ("positive", "negative"),
            ("positive", "positive"),
            groups="aabb",
        )
    )
    assert scored.values["UAR"] == pytest.approx(75.0)
    assert scored.values["UF1"] == pytest.approx(100 * (4 / 5 + 2 / 3) / 2)


def test_classes_of_the_composite():
    assert composite_label("Repression") == "negative"
    assert composite_label("happiness") == "positive"
    assert composite_label("others") is None


def test_each_unit_is_left_out_once():
    folds = leave_one_out(["s1", "s2", "s1", "s3"])
    assert folds["s1"] == ([1, 3], [0, 2])
    assert sorted(row for _, scored in folds.values() for row in scored) == [0, 1, 2, 3]
    with pytest.raises(FoldsError, match="at least two"):
        leave_one_out(["s1", "s1"])


def test_a_subject_on_both_sides_is_named():
    check_folds([(["a", "b"], ["c"]), (["b", "c"], ["a"])])
    with pytest.raises(FoldsError, match="both sides of a fold: b"):
        check_folds([(["a", "b"], ["b", "c"])])
    with pytest.raises(FoldsError, match="scored in two folds: c"):
        check_folds([(["a"], ["c"]), (["b"], ["c"])])


def test_data_sets_and_all_of_them():
    one = np.array([[2.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    two = np.array([[0.0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    found = per_data_set({"one": one, "two": two})
    assert found["one"] == (1.0, 1.0)
    assert found["two"] == (0.0, 0.0)
    assert found["all"] == (pytest.approx((4 / 6 + 0) / 2), 0.5)
