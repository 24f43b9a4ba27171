"""Our own word table: where words stand, and what is left unknown."""

import csv
from importlib.resources import files

import pytest

from demeanor.eval.d1 import load_d1
from demeanor.eval.tables import load_table

WHEELS = files("demeanor.eval").joinpath("wheels")


@pytest.fixture(scope="module")
def d1():
    return load_d1()


def rows(name):
    return list(csv.DictReader(WHEELS.joinpath(name).read_text("utf-8").splitlines()))


def inner(table, word):
    return [table.cluster(f"W{k}L1", word) for k in range(1, 6)]


@pytest.mark.parametrize(
    ("words", "parrott"),
    [
        (["angry", "anger", "furious", "annoyed", "irritated", "frustrated"], "anger"),
        (["happy", "Happiness", "joyful", "excited", "proud", "amused", "humorous"], "joy"),
        (["sad", "unhappy", "disappointed", "lonely", "guilty", "ashamed"], "sadness"),
        (["afraid", "worried", "worries", "anxious", "nervous", "tension", "scared"], "fear"),
        (["surprised", "astonished", "amazement"], "surprise"),
        (["loving", "friendly", "caring"], "love"),
    ],
)
def test_words_stand_with_their_primary_emotion(d1, words, parrott):
    assert {word: d1.cluster("W2L1", word) for word in words} == dict.fromkeys(words, parrott)


def test_every_word_of_a_wheel_stands_where_the_wheel_has_it(d1):
    wrong = []
    for row in rows("wheels.csv"):
        found = tuple(d1.cluster(f"{row['wheel']}L{level}", row["word"]) for level in (1, 2))
        if found != (row["level1"], row["level2"]):
            wrong.append(row)
    assert wrong == []


def test_neutral_is_a_cluster_of_its_own(d1):
    assert inner(d1, "neutral") == inner(d1, "no emotion") == ["neutral"] * 5


def test_negation_is_the_opposite_or_unknown(d1):
    assert inner(d1, "not happy") == inner(d1, "unhappy")
    assert inner(d1, "not very happy") == inner(d1, "unhappy")
    assert not d1.knows("not angry")
    assert not d1.knows("lack of interest")
    assert not d1.knows("not")


@pytest.mark.parametrize("label", ["very angry", "a bit angry", "Slightly  Angry", "feeling angry"])
def test_words_of_degree_are_passed_over(d1, label):
    assert inner(d1, label) == inner(d1, "angry")


@pytest.mark.parametrize("label", ["serious", "warning", "advice", "florbish", "", "very"])
def test_what_nothing_supports_is_unknown(d1, label):
    assert not d1.knows(label)


def test_a_wheel_without_a_word_takes_its_kind_of_emotion(d1):
    """Plutchik has no worry; Parrott files it under fear, which Plutchik has."""
    assert "worried" not in {row["word"] for row in rows("wheels.csv") if row["wheel"] == "W1"}
    assert d1.cluster("W1L1", "lonely") == "sadness"


def test_every_addition_names_a_source_and_a_word_that_is_there(d1):
    words = {row["word"] for row in rows("words.csv")}
    for row in rows("added.csv"):
        assert row["as"] in words, row
        assert row["source"].startswith(("GoEmotions", "EMOTIC", "WordNet")), row
        assert d1.knows(row["word"]), row


def test_every_label_in_words_is_on_its_wheel():
    on = {(row["wheel"], row["word"]) for row in rows("wheels.csv")}
    named = {
        (wheel, label)
        for row in rows("words.csv")
        for wheel, label in row.items()
        if wheel.startswith("W") and label
    }
    assert named <= on


def test_the_table_is_told_by_its_files(d1):
    assert (d1.version, len(d1.sha256)) == ("d1", 64)
    assert load_table("d1") is d1
