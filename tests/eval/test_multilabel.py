import numpy as np
import pytest

from demeanor.eval.multilabel import score_label_lists
from demeanor.eval.overlap import rouge_l, score_texts, word_f1
from demeanor.eval.regression import score_several_levels
from demeanor.eval.scores import Sample


#  a: found once, missed once; b: found once, said wrongly once; c: nowhere
#  F1 a = 2/3, b = 2/3; macro 2/3; micro 2*2 / (2*2 + 1 + 1)
def test_f1_of_labels_by_hand():
    made = [Sample("1", ["a", "b"], ["A ", "b"]), Sample("2", ["a"], "b"), Sample("3", None, "a")]
    scored = score_label_lists([*made, Sample("4", ["a"], None)], ["a", "b", "c"])
    assert scored.values["macro F1"] == pytest.approx(200 / 3)
    assert scored.values["micro F1"] == pytest.approx(200 / 3)
    assert np.isnan(scored.values["F1 c"])
    assert scored.skipped == {"gold is not coded": 1, "no prediction": 1}


def test_an_empty_answer_misses_and_a_foreign_label_is_counted():
    made = [Sample("1", ["a"], []), Sample("2", ["a"], ["a", "zeal"])]
    scored = score_label_lists(made, ["a"])
    assert scored.values["F1 a"] == pytest.approx(200 / 3)
    assert scored.unknown_predicted.labels == (("zeal", 1),)


# Levels ---------------------------------------------------------------------------------------


def test_levels_that_one_side_lacks_do_not_count():
    made = [
        Sample("1", [0.0, None], [0.0, 0.5]),
        Sample("2", [1.0, 0.5], "v=1.0, a=0.1"),
        Sample("3", [0.5, 0.5], "no numbers"),
    ]
    scored = score_several_levels(made, ["v", "a"])
    assert scored.values["CCC v"] == pytest.approx(1.0)
    assert scored.values["CCC a"] == 0.0  # one moment, 0.4 apart: nothing varies together
    assert scored.values["RMSE a"] == pytest.approx(0.4)
    assert scored.skipped == {"gold or prediction is no number": 1}


# Texts ----------------------------------------------------------------------------------------


def slow_lcs(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a, start=1):
        for j, y in enumerate(b, start=1):
            near = max(table[i - 1, j], table[i, j - 1])
            table[i, j] = table[i - 1, j - 1] + 1 if x == y else near
    return int(table[-1, -1])


def test_the_longest_common_subsequence_is_the_one_of_the_table():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = (rng.choice(list("abcd"), rng.integers(1, 40)).tolist() for _ in range(2))
        wanted = 2 * slow_lcs(a, b) / (len(a) + len(b))
        assert rouge_l(" ".join(a), " ".join(b)) == pytest.approx(wanted)


def test_texts():
    assert word_f1("He smiles, he nods.", "he SMILES") == pytest.approx(2 * 2 / 6)
    made = [
        Sample("1", "a b", "a b"),
        Sample("2", "a", ""),
        Sample("3", "", "a"),
        Sample("4", "a", None),
    ]
    scored = score_texts(made)
    assert scored.values["ROUGE-L"] == pytest.approx(50.0)
    assert scored.skipped == {"gold is no text": 1, "no prediction": 1}
