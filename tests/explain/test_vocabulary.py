"""The names of the field, and the promise that observations name no emotion."""

import re

import pytest
from emotion_words import EMOTION_WORDS

from demeanor.explain.vocabulary import (
    ACTION_UNITS,
    VOICE_WORDS,
    intensity_letter,
    intensity_word,
)


#  level   0   .49  .5  1.49  2.5  3.49  4.5  5   7
#  letter  0    0   A    A    C     C    E   E   E
@pytest.mark.parametrize(
    ("level", "letter"),
    [
        (-1, "0"),
        (0, "0"),
        (0.49, "0"),
        (0.5, "A"),
        (1.49, "A"),
        (2.5, "C"),
        (3.49, "C"),
        (4.5, "E"),
        (7, "E"),
    ],
)
def test_intensity_letters(level, letter):
    assert intensity_letter(level) == letter


def test_intensity_words_follow_the_letters():
    assert [intensity_word(level) for level in range(6)] == [
        "absent",
        "very slight",
        "slight",
        "clear",
        "strong",
        "very strong",
    ]


@pytest.mark.parametrize("say", [intensity_letter, intensity_word])
def test_what_was_not_measured_has_no_letter(say):
    with pytest.raises(ValueError, match="not measured"):
        say(float("nan"))


def test_codes_are_facs_codes_and_clauses_are_plain():
    for code, unit in ACTION_UNITS.items():
        assert re.fullmatch(r"AU\d{1,2}", code)
        assert unit.clause
        assert unit.clause[0].islower()
        assert not unit.clause.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        *(f"{u.name}; {u.clause}" for u in ACTION_UNITS.values()),
        *map("; ".join, VOICE_WORDS.values()),
    ],
)
def test_no_clause_names_an_emotion(text):
    assert not set(re.findall(r"[a-z]+", text.lower())) & EMOTION_WORDS
