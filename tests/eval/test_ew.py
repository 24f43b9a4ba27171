"""Set-level scores by hand, and the older grouping's published example."""

import math

import numpy as np
import pytest

from demeanor.eval.ew import (
    NO_GOLD,
    SetMetric,
    constant_set,
    ew_score,
    f_precision_recall,
    grouped_average,
    grouped_precision_recall,
    score_hits,
    score_sets,
)
from demeanor.eval.scores import NO_PREDICTION


#  gold            predicted          W1: P    R        W2: P    R
#  angry, happy    furious            1/1  1/2          1/1  1/2
#  sad             sad, glad          1/2  1/1          (sad is in no cluster: skipped)
#  annoyed         (empty)            0    0            0    0
#  mean                               .5   .5           .5   .25
#  F of the means                     .5                .3333
def test_f_is_made_of_the_means_over_the_corpus(samples, small_table):
    scored = score_sets(
        samples((["angry", "happy"], ["furious"]), (["sad"], ["sad", "glad"]), (["annoyed"], [])),
        small_table,
    )
    values = scored.values
    assert values["W1L1 F"] == pytest.approx(50.0)
    assert values["W2L1 P"] == pytest.approx(50.0)
    assert values["W2L1 R"] == pytest.approx(25.0)
    assert values["W2L1 F"] == pytest.approx(100 / 3)
    assert values["EW-F L1"] == pytest.approx((50 + 100 / 3) / 2)
    assert scored.rows[:, 2, 2].tolist() == [1, 0, 1]  # W2L1: the second sample is skipped there
    assert scored.n_scored == 3


def test_the_level_asked_for_is_the_headline(samples, small_table):
    scored = score_sets(samples((["angry"], ["annoyed"])), small_table, level=2)
    assert scored.metric.names[0] == "EW-F L2"
    assert scored.values["EW-F L2"] == 0.0  # rage is not irritation
    assert scored.values["EW-F L1"] == 100.0


def test_no_prediction_is_missing_and_an_empty_one_is_wrong(samples, small_table):
    scored = score_sets(
        samples((["angry"], None), (["angry"], []), (["angry"], ["angry"])), small_table
    )
    assert scored.reasons == (NO_PREDICTION, None, None)
    assert scored.values["EW-F L1"] == 50.0


def test_gold_that_no_wheel_holds_is_skipped(samples, small_table):
    scored = score_sets(samples((["serious"], ["angry"]), ([], ["angry"])), small_table)
    assert scored.skipped == {NO_GOLD: 2}
    assert math.isnan(scored.values["EW-F L1"])


def test_unknown_labels_are_counted_the_most_frequent_first(samples, small_table):
    scored = score_sets(
        samples((["serious", "angry"], ["tense", "warm", "tense"]), (["calm"], ["warm", "tense"])),
        small_table,
    )
    assert scored.unknown_gold.labels == (("calm", 1), ("serious", 1))
    assert scored.unknown_predicted.labels == (("tense", 3), ("warm", 2))
    assert (scored.unknown_gold.n_unknown, scored.unknown_gold.n_labels) == (2, 3)


def test_without_any_hit_f_is_0_and_without_samples_it_is_not_known():
    f, _, _ = f_precision_recall(np.array([[0.0, 0.0, 4.0], [0.0, 0.0, 0.0]])).T
    assert f[0] == 0.0
    assert math.isnan(f[1])


def test_m_avg_is_the_mean_of_all_twelve():
    names = ("M1", "M2", *(f"W{k}L{level}" for k in range(1, 6) for level in (1, 2)))
    metric = SetMetric(names, 1)
    sums = np.array([[k, k, 12.0] for k in range(1, 13)])
    figures = dict(zip(metric.names, metric.figures(sums), strict=True))
    assert figures["M-avg"] == pytest.approx(100 * np.mean(np.arange(1, 13) / 12))
    assert figures["EW-F L1"] == pytest.approx(100 * np.mean([3, 5, 7, 9, 11]) / 12)


# Hit rate -------------------------------------------------------------------------------------


def test_a_hit_is_the_gold_label_among_the_words(samples, small_table):
    scored = score_hits(
        samples(
            ("sad", ["angry", "sad"]), ("angry", "happy"), ("neutral", ["angry"]), ("sad", None)
        ),
        small_table,
    )
    assert scored.values == {
        "hit rate": 25.0,  # mean of the wheels: 1 of 2, and 0 of 1
        "W1L1 hit rate": 50.0,
        "W2L1 hit rate": 0.0,
    }
    assert scored.skipped == {NO_GOLD: 1, NO_PREDICTION: 1}


# The older grouping ---------------------------------------------------------------------------


def test_the_published_example_of_mer2024():
    gold = ["pleasurable", "self-deprecating", "relaxed", "complaining", "relieved", "humorous"]
    groups = [
        ["joyful", "happy", "relaxed", "relieved"],
        ["complaining", "confused", "helpless"],
        ["self-deprecating", "humorous"],
        ["pleasurable"],
    ]
    found = grouped_precision_recall([*gold, "joyful", "happy"], ["confused", "helpless"], groups)
    assert found == (1.0, 0.25)


def test_words_in_no_group_are_themselves_and_nothing_is_skipped():
    assert grouped_precision_recall(["calm"], ["calm", "sad"], []) == (0.5, 1.0)
    assert grouped_precision_recall([], ["calm"], []) == (0.0, 0.0)


def test_the_older_average_is_arithmetic():
    assert grouped_average([(1.0, 0.25), (0.0, 0.25)]) == (0.5, 0.25, 0.375)
    assert all(map(math.isnan, grouped_average([])))


# As a function, and the constant --------------------------------------------------------------


def test_ew_score_as_a_function(small_table):
    found = ew_score([["angry"], "sad"], [["furious", "florbish"], None], small_table)
    assert (found.f, found.n_scored, found.skipped) == (100.0, 1, {NO_PREDICTION: 1})
    assert found.per_wheel_f == (100.0, 100.0)
    assert found.unknown == {"florbish": 1}
    assert (found.table, found.level) == ("small", 1)


def test_gold_and_predictions_of_different_length_are_refused(small_table):
    with pytest.raises(ValueError, match="found 0 for 1: one that is missing is None"):
        ew_score([["angry"]], [], small_table)


#  two of three are angry: "angry" alone has F = 2/3 on both wheels; with "happy" P is 1/2, R is 1,
#  and F is 2/3 again, so nothing is added
def test_the_constant_answer_is_the_one_that_scores_highest(samples, small_table):
    gold = samples((["angry"], []), (["annoyed"], []), (["happy"], []))
    assert constant_set(gold, small_table) == ("angry",)


def test_a_constant_without_anything_known_says_nothing(samples, small_table):
    assert constant_set(samples((["serious"], [])), small_table) == ()
