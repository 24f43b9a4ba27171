"""Mouths and a voice, drawn at 25 frames a second: whose lips go with it."""

from dataclasses import replace

import numpy as np
import pytest

from demeanor.explain.perception.speakers import (
    Turn,
    speaker_in,
    turns,
    unclear_speech,
    voiced_by,
    with_speakers,
)
from demeanor.explain.records import (
    Channel,
    Event,
    Kind,
    Source,
    SourceKind,
    Span,
    Unit,
    Utterance,
)
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().speakers
FPS, N = 25, 250  # 10 s
T = np.arange(N) / FPS
DRAWN = Source(SourceKind.MACHINE, "drawn", "1")
VOICE = [Span(1.0, 4.0), Span(5.0, 8.0)]


def syllables(start_s, end_s, depth=1.5, hertz=4.0):
    """Lips that open to `depth` four times a second within a stretch."""
    inside = (start_s <= T) & (end_s > T)
    return depth / 2 * (1 - np.cos(2 * np.pi * hertz * (T - start_s))) * inside


def noise(seed, size=0.1):
    return np.random.default_rng(seed).normal(0, size, N)


LOUD_DB = 20 * np.log10(1e-3 + syllables(1, 4) + syllables(5, 8))


def who(openings, loudness_db=None, speech=VOICE, times_s=T):
    found = turns(times_s, openings, speech, SETTINGS, loudness_db)
    return [(t.person, round(t.span.start_s, 1), round(t.span.end_s, 1)) for t in found]


@pytest.mark.parametrize("loudness_db", [None, LOUD_DB], ids=["mouths alone", "with the sound"])
def test_two_people_who_take_turns(loudness_db):
    openings = {"p1": syllables(1, 4) + noise(0), "p2": syllables(5, 8) + noise(1)}
    assert who(openings, loudness_db) == [("p1", 1.0, 4.0), ("p2", 5.0, 8.0)]


#  voice  |-------------------|      without a pause between the two
#  p1     ~~~~~~~~~~
#  p2                ~~~~~~~~~
def test_a_voice_is_parted_where_the_speaker_changes():
    openings = {"p1": syllables(1, 4), "p2": syllables(4, 8)}
    found = [turn for turn in who(openings, speech=[Span(1.0, 8.0)]) if turn[0] is not None]
    (first, _, ends_s), (second, starts_s, _) = found
    assert (first, second) == ("p1", "p2")
    assert 3.4 <= ends_s <= starts_s <= 4.6  # what lies between, if anything, is nobody's


def test_a_voice_of_nobody_who_is_seen_is_nobodys():
    assert who({"p1": noise(0, 0.02), "p2": noise(1, 0.02)}) == [
        (None, 1.0, 4.0),
        (None, 5.0, 8.0),
    ]


def test_two_mouths_alike_name_nobody_but_the_sound_may():
    both = {"p1": syllables(1, 4), "p2": syllables(1, 4, hertz=3.1)}
    assert who(both, speech=VOICE[:1])[0][0] is None
    assert who(both, LOUD_DB, speech=VOICE[:1])[0][0] == "p1"


def test_a_mouth_that_opens_once_is_no_speaker():
    laugh = 3 * np.exp(-(((T - 2.5) / 0.6) ** 2))
    openings = {"p1": laugh, "p2": syllables(1, 4)}
    assert who(openings, LOUD_DB, speech=VOICE[:1]) == [("p2", 1.0, 4.0)]


def test_a_mouth_that_is_not_seen_speaks_for_nobody():
    hidden = np.where(T < 4.5, np.nan, syllables(5, 8))
    assert [person for person, _, _ in who({"p1": hidden})] == [None, "p1"]
    assert who({"p1": np.full(N, np.nan)}) == [(None, 1.0, 4.0), (None, 5.0, 8.0)]


def test_too_few_frames_show_no_syllables():
    few = {"p1": syllables(1, 4)[::5]}
    assert who(few, speech=VOICE[:1], times_s=T[::5]) == [(None, 1.0, 4.0)]
    assert who({}) == [(None, 1.0, 4.0), (None, 5.0, 8.0)]


# What follows ---------------------------------------------------------------------------------

FOUND = [Turn(Span(1, 3), "p1"), Turn(Span(3, 4), None), Turn(Span(5, 8), "p2")]


@pytest.mark.parametrize(
    ("span", "person"),
    [
        (Span(1, 3), "p1"),
        (Span(1, 4), None),  # two thirds are not enough
        (Span(4, 6), "p2"),  # of the voice in it, all
        (Span(8, 9), None),
    ],
)
def test_who_speaks_in_a_stretch(span, person):
    assert speaker_in(span, FOUND, SETTINGS.share) == person


def test_words_get_their_speaker_and_keep_a_name_they_have():
    words = Utterance(Span(5, 7), "Good day", (), None, "en", None, DRAWN)
    named = replace(words, speaker="ANN")
    assert [u.speaker for u in with_speakers([words, named], FOUND, SETTINGS)] == ["p2", "ANN"]


def test_changes_of_the_voice_get_their_speaker():
    event = Event(None, Channel.VOICE, "F0semitoneFrom27.5Hz", None, Kind.EVENT, Span(1.5, 2.5),
                  2.0, 30.0, Unit.SEMITONE, 3.0, None, 0.8, (), DRAWN)  # fmt: skip
    assert [e.person for e in voiced_by([event], FOUND, SETTINGS)] == ["p1"]


def test_what_is_not_clear_is_said():
    rows = {n.what: n.reason for n in unclear_speech(FOUND, 2)}
    assert rows["who speaks"].startswith("for 1.0 s of 6.0 s of voice no mouth")
    assert rows["each voice by itself"].startswith("p1 and p2 speak")
    assert unclear_speech([Turn(Span(1, 3), "p1")], 1) == []
    assert unclear_speech([Turn(Span(1, 3), None)], 0) == []  # nobody is seen: that is said already
