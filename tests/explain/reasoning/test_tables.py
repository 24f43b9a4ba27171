import pytest

from demeanor.explain.reasoning.tables import (
    compounds,
    coordinates,
    phrases,
    prototype_rows,
    vocal_rows,
)
from demeanor.explain.reasoning.weigh import EMOTIONS
from demeanor.explain.vocabulary import ACTION_UNITS, VOICE_WORDS

NOT_MEASURED = {"AU19"}  # tongue show: stands in a published pattern, and no backend measures it


def test_every_pattern_has_a_source_a_weight_and_known_movements():
    rows = prototype_rows()
    assert len(rows) > 90
    for row in rows:
        assert row.source and 0 < row.weight <= 1
        assert set(row.coarse) <= set(EMOTIONS)
        assert {*row.aus, *row.optional, *row.strong} <= set(ACTION_UNITS) | NOT_MEASURED


@pytest.mark.parametrize(
    ("emotion", "pattern"),
    [
        ("happiness", "6+12"),
        ("surprise", "1+2+5+26"),
        ("fear", "1+2+4+5+20"),
        ("anger", "4+5+7+23"),
        ("sadness", "1+4+15"),
        ("disgust", "9+17"),
        ("happily surprised", "1+2+12+25"),
    ],
)
def test_the_guides_own_patterns_are_there(emotion, pattern):
    assert any((row.emotion, row.pattern) == (emotion, pattern) for row in prototype_rows())


def test_the_fifteen_compounds_of_du_and_colleagues_have_two_emotions_each():
    assert len(compounds()) == 15
    assert compounds()["happily surprised"] == ("happiness", "surprise")


def test_vocal_correlates_name_known_cues_and_sources():
    for row in vocal_rows():
        assert row.code in VOICE_WORDS and row.sign in (1, -1) and row.source
        assert row.emotion in (*EMOTIONS, "activation")


def test_phrases_are_plain_lower_case_words_longest_first():
    found = phrases()
    assert len({phrase.words for phrase in found}) == len(found)
    for phrase in found:
        assert phrase.emotion in EMOTIONS and 0 < phrase.weight <= 1
        assert all(word.isalpha() and word.islower() for word in phrase.words), phrase.words
    assert [len(p.words) for p in found] == sorted((len(p.words) for p in found), reverse=True)


def test_coordinates_lie_between_minus_one_and_one():
    assert set(coordinates()) == {*EMOTIONS, "neutral"} - {"contempt"}
    assert all(-1 <= value <= 1 for place in coordinates().values() for value in place)
