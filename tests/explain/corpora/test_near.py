"""Near copies of texts, by shingles and by MinHash."""

import random

import pytest

from demeanor.explain.corpora.near import near_texts, overlap, shingles


def test_overlap_of_two_texts_worked_by_hand():
    """Six words in common give two runs of five; the other runs differ."""
    one = shingles("a b c d e f x1 x2 x3")  # 5 runs, 2 of them in both
    other = shingles("a b c d e f y1 y2 y3")
    assert overlap(one, other) == pytest.approx(2 / 8)
    assert overlap(one, one) == 1.0
    assert overlap(shingles(""), one) == 0.0


def test_a_short_text_is_compared_whole():
    assert overlap(shingles("Yes, exactly that one"), shingles("yes exactly THAT one!")) == 1.0
    assert overlap(shingles("Yes, exactly that one"), shingles("yes exactly that")) == 0.0


def test_copies_are_found_among_many_and_strangers_are_not():
    draw = random.Random(0)
    words = [f"w{k}" for k in range(400)]
    texts = {f"t{k}": " ".join(draw.choices(words, k=30)) for k in range(300)}
    texts["copy"] = texts["t7"]
    texts["nearly"] = " ".join([*texts["t9"].split()[:-2], "other", "end"])
    found = {frozenset(pair[:2]): pair[2] for pair in near_texts(texts, 0.4)}
    assert set(found) == {frozenset({"t7", "copy"}), frozenset({"t9", "nearly"})}
    assert found[frozenset({"t7", "copy"})] == 1.0


def test_a_pair_is_told_once():
    texts = {"a": "one two three four five six seven", "b": "one two three four five six seven"}
    assert len(list(near_texts(texts, 0.4))) == 1
