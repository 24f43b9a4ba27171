"""A voice is compared with itself, as in the real front end."""

import random

import pytest

from demeanor.data_engine.simulate.voice import Phrase, Voice, events
from demeanor.explain.records import Kind, Span

PITCH = "F0semitoneFrom27.5Hz"
USUAL = {
    PITCH: 30.0,
    "F0semitoneFrom27.5Hz_pctlrange0-2": 6.0,
    "loudnessPeaksPerSec": 4.0,
    "equivalentSoundLevel_dBp": -30.0,
    "alphaRatioV": -15.0,
    "jitterLocal": 0.05,
}
VOICE = Voice(USUAL, 25.0)


def phrases(*emotions, strength=3.5):
    return [
        Phrase(Span(2.0 * k, 2.0 * k + 1.5), emotion, strength)
        for k, emotion in enumerate(emotions)
    ]


def pitch_changes(found):
    return [e.change_from_usual for e in found if e.code == PITCH and e.kind is Kind.EVENT]


def test_silence_has_no_events():
    assert events([], VOICE, 5.0, random.Random(0)) == []


def test_one_raised_phrase_among_plain_ones_stands_out():
    draw = random.Random(4)
    n_found = 0
    for _ in range(60):
        found = events(phrases("neutral", "neutral", "fear", "neutral"), VOICE, 8.0, draw)
        n_found += any(change > 0 for change in pitch_changes(found))
    assert n_found > 35  # fear raises the pitch by 3.5 semitones; 2 are reported


def test_somebody_who_is_the_same_throughout_hardly_changes():
    """The clip's own usual is raised as well."""
    draw = random.Random(4)
    plain = sum(
        len(pitch_changes(events(phrases(*["fear"] * 4), VOICE, 8.0, draw))) for _ in range(60)
    )
    assert plain < 70  # of 240 phrases


def test_too_little_voice_is_compared_with_nothing():
    found = events([Phrase(Span(0, 1.5), "anger")], VOICE, 3.0, random.Random(0))
    assert pitch_changes(found) == []
    assert any(e.kind is Kind.STATE for e in found)


def test_a_poor_recording_is_trusted_less_and_says_why():
    poor = Voice(USUAL, 6.0)
    found = events(phrases("neutral", "neutral", "neutral"), poor, 6.0, random.Random(0))
    pitch = next(e for e in found if e.code == PITCH and e.kind is Kind.STATE)
    assert pitch.reliability == pytest.approx(6 / 20)
    assert pitch.caveats == ("the voice is only 6 dB above the background",)


def test_a_long_pause_is_an_event():
    spaced = [Phrase(Span(0, 1.5)), Phrase(Span(3.5, 5.0))]
    found = events(spaced, VOICE, 6.0, random.Random(0))
    pauses = [e for e in found if e.code == "MeanUnvoicedSegmentLength" and e.kind is Kind.EVENT]
    assert [(e.span, e.peak) for e in pauses] == [(Span(1.5, 3.5), 2.0)]
