"""Calls of a voice drawn frame by frame, and laughs and talk that are really heard."""

import dataclasses

import numpy as np
import pytest

from demeanor.explain.demo import voices
from demeanor.explain.demo.voices import Phrase
from demeanor.explain.perception.laughter import find_laughs
from demeanor.explain.perception.voice import VoiceAnalyser
from demeanor.explain.records import Span
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().voice
HOP_S = 0.02
LOUD_DB, BREATH_DB = -20.0, -32.0


def drawn(calls, n_frames=120, tone_db=(-10.0,), dip_db=LOUD_DB - BREATH_DB):
    """Laughs among `calls`, (first frame, number of frames) each; a frame is 0.02 s."""
    f0_hz, tone = np.full(n_frames, np.nan), np.full(n_frames, -5.0)
    level_db = np.full(n_frames, LOUD_DB - dip_db)
    for number, (start, length) in enumerate(calls):
        f0_hz[start : start + length] = 250.0
        level_db[start : start + length] = LOUD_DB
        tone[start : start + length] = tone_db[number % len(tone_db)]
    return find_laughs(np.arange(n_frames) * HOP_S, f0_hz, level_db, tone, SETTINGS)


EVEN = [(10 + 10 * n, 5) for n in range(6)]  # every 0.2 s a call of 0.1 s


#  time_s  0.2  0.4  0.6  0.8  1.0  1.2
#  voice   |==| |==| |==| |==| |==| |==|
def test_even_calls_with_breath_between_them_are_a_laugh():
    (laugh,) = drawn(EVEN)
    assert (laugh.span.start_s, laugh.span.end_s) == pytest.approx((0.2, 1.3))
    assert laugh.calls_per_s == pytest.approx(5.0)
    assert laugh.loudest_s == pytest.approx(0.2)


@pytest.mark.parametrize(
    "calls",
    [
        EVEN[:4],  # too few
        [(10 + 20 * n, 5) for n in range(5)],  # 2.5 a second
        [(10 + 10 * n, 9) for n in range(6)] + [(70, 20)],  # voiced nearly throughout …
        [(10, 5), (20, 5), (27, 5), (41, 5), (48, 5), (62, 5)],  # uneven
        [(10, 2), (20, 8), (30, 2), (40, 8), (50, 2), (60, 8)],  # short and long in turn
    ],
)
def test_other_rhythms_are_none(calls):
    dip_db = 12.0 if calls[0][1] != 9 else 3.0  # … and without breath
    assert drawn(calls, dip_db=dip_db) == ()


def test_changing_vowels_are_speech():
    assert drawn(EVEN, tone_db=(-10.0, -2.0, -18.0)) == ()
    assert len(drawn(EVEN, tone_db=(-10.0, -9.0, -11.0))) == 1


def test_a_long_vowel_parts_two_laughs():
    calls = [*EVEN[:5], (60, 15), *((80 + 10 * n, 5) for n in range(5))]
    first, second = drawn(calls, n_frames=140)
    assert first.span.end_s < 60 * HOP_S < second.span.start_s


def test_silence_and_nothing_hold_no_laugh():
    silent = np.full(100, -np.inf)
    times_s = np.arange(100) * HOP_S
    assert find_laughs(times_s, np.full(100, np.nan), silent, silent, SETTINGS) == ()
    assert drawn([], n_frames=1) == ()


# Heard ---------------------------------------------------------------------------------------


def laughs_in(sound: np.ndarray) -> tuple[Span, ...]:
    gap = np.zeros(8000, np.float32)
    whole = np.concatenate([gap, sound, gap])
    analyser = VoiceAnalyser(SETTINGS, lambda windows: np.zeros(len(windows), np.float32))
    analyser.add(voices.mixed(whole, voices.noise(len(whole), "pink", 3), 20.0, whole != 0))
    return tuple(laugh.span for laugh in analyser.finish().laughs)


@pytest.mark.parametrize(("calls_per_s", "f0_hz"), [(4.2, 160.0), (5.0, 240.0), (5.8, 380.0)])
def test_made_laughs_are_heard(calls_per_s, f0_hz):
    (span,) = laughs_in(voices.laugh(calls_per_s, 2.0, f0_hz, seed=5))
    assert (span.start_s, span.end_s) == pytest.approx((0.5, 2.5), abs=0.25)


@pytest.mark.parametrize(
    "sound",
    [
        voices.say(Phrase((140, 180, 120), 5.0, 5.0), seed=1)[0],
        voices.music(5.0, 2),
        voices.noise(80000, "pink", 4),
        voices.sob(5.0, 250.0, 6),
        np.concatenate([voices.sigh(1.0, seed) for seed in range(4)]),
    ],
    ids=["syllables", "music", "noise", "sobs", "sighs"],
)
def test_other_sounds_are_no_laughter(sound):
    assert laughs_in(sound) == ()


def test_limits_come_from_the_settings():
    slow = dataclasses.replace(SETTINGS, laugh_min_hz=2.0)
    calls = [(10 + 20 * n, 5) for n in range(5)]
    f0_hz = np.full(120, np.nan)
    level_db = np.full(120, BREATH_DB)
    for start, length in calls:
        f0_hz[start : start + length], level_db[start : start + length] = 250.0, LOUD_DB
    found = find_laughs(np.arange(120) * HOP_S, f0_hz, level_db, np.zeros(120), slow)
    assert [laugh.calls_per_s for laugh in found] == [pytest.approx(2.5)]
