"""Preferences: two and three classes, turned pairs, and the judge that only measures length."""

import math

import pytest

from demeanor.eval.preference import GOLD_SAME, longer_text, score_preferences
from demeanor.eval.scores import NO_PREDICTION


def test_two_classes_drop_a_gold_same_and_count_a_predicted_one_as_the_first(samples):
    made = samples(("a1", "same"), ("a2", "a2"), ("same", "a1"), ("a2", None))
    scored = score_preferences(made)
    assert scored.values["accuracy 2-class"] == 100.0
    assert scored.skipped == {GOLD_SAME: 1, NO_PREDICTION: 1}
    assert score_preferences(made, n_classes=3).values["accuracy 3-class"] == pytest.approx(100 / 3)


def test_a_choice_that_is_none_is_wrong_and_told(samples):
    scored = score_preferences(samples(("a1", "both"), ("a1", "a1")))
    assert scored.values["accuracy 2-class"] == 50.0
    assert scored.unknown_predicted.labels == (("both", 1),)


#  said      turned    the same text?
#  a1        a2        yes
#  a1        a1        no: whatever stands first
#  a2        (none)    not asked
def test_swap_consistency_is_over_pairs_that_were_asked_both_ways(samples):
    made = samples(("a1", "a1"), ("a2", "a1"), ("a2", "a2"))
    assert score_preferences(made, ["a2", "a1", None]).values["swap consistency"] == 50.0
    assert math.isnan(score_preferences(made).values["swap consistency"])


def test_the_longer_text_in_characters_and_in_words():
    pairs = [("a b c", "abcdef"), ("abc", "ab"), ("ab", "cd")]
    assert longer_text(pairs) == ["a2", "a1", "same"]
    assert longer_text(pairs, words=True) == ["a1", "same", "same"]
