"""Shares of labels by words, told by what never saw the text."""

import numpy as np
import pytest

from demeanor.data_engine.mini.bag import N_FOLDS, Bags

LABELS = ("joy", "anger")
SAID = [*(["what a lovely day"] * 10), *(["what a hateful day"] * 10)]
GOLD = np.repeat(np.eye(2), 10, axis=0)


def test_shares_of_a_word_are_those_of_the_other_texts_with_it():
    bags = Bags(SAID, LABELS, GOLD)
    for text, label in (("lovely", "joy"), ("such a HATEFUL thing", "anger")):
        shares = bags.shares(3, text)
        assert tuple(shares) == LABELS and sum(shares.values()) == pytest.approx(1.0)
        assert max(shares, key=shares.get) == label and shares[label] > 0.9


def test_a_text_s_own_labels_say_nothing_of_it():
    """One label more or less of text 0 changes what is told of the others, and not of itself."""
    other = GOLD.copy()
    other[0] = (0.0, 1.0)
    before, after = Bags(SAID, LABELS, GOLD), Bags(SAID, LABELS, other)
    assert before.shares(0, SAID[0]) == after.shares(0, SAID[0])
    assert before.shares(N_FOLDS, SAID[0]) == after.shares(N_FOLDS, SAID[0])  # of the same fold
    assert before.shares(1, SAID[0])["joy"] > after.shares(1, SAID[0])["joy"]


def test_unknown_words_and_none_at_all_have_the_shares_of_all_texts():
    bags = Bags([*SAID, *SAID[:10]], LABELS, np.concatenate([GOLD, GOLD[:10]]))
    for text in ("zebra", ""):
        assert bags.shares(0, text)["joy"] == pytest.approx(2 / 3, abs=0.2)


def test_a_word_that_stands_in_one_text_only_is_not_learnt():
    bags = Bags([*SAID, "lovely quux"], LABELS, np.concatenate([GOLD, [[0.0, 1.0]]]))
    assert bags.shares(0, "quux lovely") == bags.shares(0, "lovely")
