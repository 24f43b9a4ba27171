"""Classes and sentiment: by hand, and beside scikit-learn."""

import math

import numpy as np
import pytest

from demeanor.eval.classification import (
    DROPPED,
    NEUTRAL_SENTIMENT,
    NO_GOLD_LABEL,
    NO_GOLD_NUMBER,
    accuracy,
    commonest_label,
    commonest_sentiment,
    confusion,
    f1_by_class,
    macro_f1,
    mean_recall,
    score_classes,
    score_sentiment,
    weighted_f1,
)
from demeanor.eval.scores import NO_PREDICTION

LABELS = ("happy", "sad", "angry")


#  gold      said
#  happy     happy
#  happy     sad
#  sad       sad
#  sad       calm      outside the set: wrong, and no class's false positive
def test_figures_by_hand():
    counts = confusion(["happy", "happy", "sad", "sad"], ["happy", "sad", "sad", "calm"], LABELS)
    assert counts.tolist() == [[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    assert accuracy(counts) == 0.5
    assert mean_recall(counts) == 0.5  # nobody is angry in gold: no recall, not one of 0
    happy, sad, angry = f1_by_class(counts)
    assert (happy, sad) == (pytest.approx(2 / 3), pytest.approx(0.5))
    assert math.isnan(angry)
    assert macro_f1(counts) == pytest.approx((2 / 3 + 0.5) / 2)
    assert weighted_f1(counts) == pytest.approx((2 / 3 + 0.5) / 2)


def test_without_samples_nothing_is_known():
    nothing = np.zeros((3, 4))
    assert all(math.isnan(f(nothing)) for f in (accuracy, mean_recall, macro_f1, weighted_f1))


def test_figures_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    gold, said = (rng.choice(LABELS, 300).tolist() for _ in range(2))
    counts = confusion(gold, said, LABELS)
    assert accuracy(counts) == pytest.approx(metrics.accuracy_score(gold, said))
    assert mean_recall(counts) == pytest.approx(metrics.balanced_accuracy_score(gold, said))
    assert macro_f1(counts) == pytest.approx(metrics.f1_score(gold, said, average="macro"))
    assert weighted_f1(counts) == pytest.approx(metrics.f1_score(gold, said, average="weighted"))


def test_an_unknown_answer_is_wrong_or_dropped(samples):
    made = samples(("happy", ["Happy", "sad"]), ("sad", ["calm"]), ("sad", None), ("calm", ["sad"]))
    static, dynamic = (score_classes(made, LABELS, drop_unknown=drop) for drop in (False, True))
    assert static.values["accuracy"] == 50.0
    assert static.skipped == {NO_GOLD_LABEL: 1, NO_PREDICTION: 1}
    assert dynamic.values["accuracy"] == 100.0
    assert dynamic.skipped == {NO_GOLD_LABEL: 1, NO_PREDICTION: 1, DROPPED: 1}
    assert static.unknown_predicted.labels == (("calm", 1),)
    assert static.unknown_gold.labels == (("calm", 1),)


def test_an_empty_answer_is_an_answer_outside_the_set(samples):
    scored = score_classes(samples(("happy", []), ("happy", "")), LABELS)
    assert (scored.values["accuracy"], scored.n_scored) == (0.0, 2)
    assert scored.unknown_predicted.labels == (("(empty)", 2),)


def test_sentiment_is_scored_where_gold_takes_sides(samples):
    said = (1.2, "positive"), (-0.4, "neutral"), (0.0, "positive"), (2.0, ["mixed"]), (1, None)
    scored = score_sentiment(samples(*said, ("glad", "positive")))
    assert scored.skipped == {NEUTRAL_SENTIMENT: 1, NO_PREDICTION: 1, NO_GOLD_NUMBER: 1}
    assert scored.values["accuracy"] == pytest.approx(200 / 3)
    assert scored.unknown_predicted.labels == (("mixed", 1), ("neutral", 1))


def test_the_commonest_answers(samples):
    made = samples(("sad", "x"), ("sad", "x"), ("happy", "x"), ("happy", None))
    assert commonest_label(made, LABELS) == "sad"
    assert commonest_sentiment(samples((-1.0, "x"), (-1.0, "x"), (2.0, "x"))) == "negative"
