"""Everything drawn from has a source, and nothing names what the vocabulary does not know."""

import random

import pytest

from demeanor.data_engine.simulate import words
from demeanor.data_engine.simulate.tables import (
    BACKENDS,
    NEUTRAL,
    cross_talk,
    parameters,
    patterns,
    read,
    sayings,
    units,
    voice_changes,
)
from demeanor.explain.vocabulary import MOVEMENTS, VOICE_WORDS


def test_published_proportions_are_read_as_they_stand():
    sad = next(p for p in patterns()["sadness"] if p.has_proportions)
    assert dict(sad.shares) == {
        "AU4": 0.85,  # core: more than 70% of people
        "AU15": 0.85,
        "AU1": 0.60,
        "AU6": 0.50,
        "AU11": 0.26,
        "AU17": 0.67,
    }
    assert sad.coarse == ("sadness",)


def test_a_list_that_stands_in_two_tables_is_drawn_once():
    sources = [p.source for p in patterns()["anger"]]
    assert sources.count("Du, Tao & Martinez 2014") == 1


def test_every_unit_has_a_place_in_the_vocabulary():
    codes = {c for rows in patterns().values() for p in rows for c, _ in p.shares}
    assert codes | {c for rows in patterns().values() for p in rows for c in p.one_of} <= set(
        MOVEMENTS
    )
    assert {c for changes in voice_changes().values() for c in changes} <= set(VOICE_WORDS)


@pytest.mark.parametrize("name", ["proportions.csv", "states.csv", "parameters.csv", "vocal.csv"])
def test_every_row_says_where_it_comes_from_and_how_sure_it_is(name):
    rows = read(name)
    assert rows
    for row in rows:
        assert row["source"].strip(), row
        assert row["confidence"] in ("high", "medium", "low"), row


def test_a_number_of_our_own_says_so():
    assert "ours" in parameters()["idle_per_s"].source


@pytest.mark.parametrize("backend", BACKENDS)
def test_noise_of_the_front_end_is_there_for_every_unit_it_measures(backend):
    known = units(backend)
    assert {"AU1", "AU12", "AU25", "AU43"} <= set(known)
    assert ("AU9" in known) == (backend == "landmarker")
    for code, unit in known.items():
        assert unit.gain > 0 and unit.noise > 0, code
        assert unit.noise_unknown_rest >= unit.noise, code
        assert 0 < unit.false_alarm < 0.15, code
    assert dict(cross_talk("landmarker")["AU26"])["AU25"] == 0.99


def test_sentences_fill_all_their_gaps():
    draw = random.Random(0)
    for emotion in sayings()["emotions"]:
        for _ in range(40):
            found = words.said(emotion, draw)
            assert found is not None
            text, meant = found
            assert meant == emotion
            assert "{" not in text and '"' not in text, text


def test_a_compound_speaks_of_one_of_its_two():
    draw = random.Random(0)
    meant = {words.said("sadly angry", draw)[1] for _ in range(40)}
    assert meant == {"sadness", "anger"}
    assert words.said("triumph", draw) is None
    assert words.small_talk(draw)[1] == NEUTRAL
