"""Made sounds are what they claim to be."""

import shutil

import numpy as np
import pytest

from demeanor.explain.demo import voices
from demeanor.explain.demo.script import Line
from demeanor.explain.demo.voices import SAMPLE_RATE_HZ, Phrase


def level_db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2)))


def strongest_hz(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return float(np.argmax(power) * SAMPLE_RATE_HZ / len(sound))


def test_a_glide_is_straight_over_semitones():
    pitch_hz = voices.pitch_of(Phrase((100.0, 400.0), 1.0))
    assert pitch_hz[[0, 8000]] == pytest.approx([100.0, 200.0], rel=1e-3)


def test_a_voice_has_the_pitch_and_the_level_that_were_asked_for():
    steady = Phrase((200.0, 200.0), 1.0, 1.0, -30.0, vowels="u", jitter=0.0, consonants=False)
    sound, truth_hz = voices.say(steady)
    assert (sound.dtype, len(sound)) == (np.float32, 16000)
    assert truth_hz == pytest.approx(200.0)
    assert strongest_hz(sound) == pytest.approx(200.0, abs=1.0)  # the first formant of u: 300 Hz
    assert level_db(sound) == pytest.approx(-30.0, abs=0.01)


#  four syllables of .25 s, the first quarter of each a consonant
def test_consonants_have_no_pitch():
    _, truth_hz = voices.say(Phrase((120.0, 120.0), 1.0, 4.0))
    assert np.isnan(truth_hz).mean() == pytest.approx(0.25)
    assert np.isnan(truth_hz[:900]).all()
    assert truth_hz[1000:3900] == pytest.approx(120.0)


@pytest.mark.parametrize(("kind", "sign"), [("rise", 1), ("fall", -1), ("flat", 0)])
def test_a_phrase_ends_as_it_was_asked_to(kind, sign):
    pitch_hz = voices.intonation(kind, 130.0, np.random.default_rng(0)).pitch_hz
    last_st = 12 * np.log2(pitch_hz[-1] / pitch_hz[-7])
    assert (abs(last_st) > 3) == bool(sign)
    assert np.sign(last_st) == sign or not sign


def test_a_laugh_is_as_many_swells_as_it_has_calls():
    laugh = voices.laugh(5.0, 2.0, 250.0)
    power = np.convolve(laugh.astype(np.float64) ** 2, np.hanning(1600), "same")[::160]
    assert len(laugh) == 2 * SAMPLE_RATE_HZ
    beats_hz = np.fft.rfftfreq(len(power), 0.01)
    swing = np.abs(np.fft.rfft(power - power.mean()))
    assert beats_hz[3:][np.argmax(swing[3:])] == pytest.approx(5.0, abs=0.5)


def test_a_sigh_rises_fast_and_falls_long():
    power = np.convolve(voices.sigh(1.5).astype(np.float64) ** 2, np.ones(1600), "same")
    assert 0.05 < np.argmax(power) / len(power) < 0.35


@pytest.mark.parametrize("made", [voices.music(2.0), voices.sob(2.0, 250.0)])
def test_music_and_sobs_sound_all_along(made):
    assert level_db(made) == pytest.approx(-26.0, abs=0.01)
    assert np.abs(made[-8000:]).max() > 0.01


def test_pink_noise_is_as_strong_in_each_octave_and_has_nothing_below_a_voice():
    power = np.abs(np.fft.rfft(voices.noise(1 << 16, "pink"))) ** 2
    hz = np.fft.rfftfreq(1 << 16, 1 / SAMPLE_RATE_HZ)
    octaves = [power[(hz >= low) & (hz < 2 * low)].sum() for low in (100, 400, 1600)]
    assert max(octaves) / min(octaves) < 1.5
    assert power[hz < 40].sum() < 1e-6 * power.sum()


def test_a_mixture_is_as_far_above_its_background_as_was_asked_for():
    sound = np.where(np.arange(32000) < 16000, 0.1, 0.0).astype(np.float32)
    where = sound > 0
    background = voices.mixed(sound, voices.noise(4000), 10.0, where) - sound
    assert level_db(sound[where]) - level_db(background[where]) == pytest.approx(10.0, abs=0.01)


#  0 s       0.5       1.0    1.1       1.5       2.0       a gap of .1 s is inside a word
#            |--0.1----|      |--0.1----|
def test_what_is_audible_is_known_of_a_clean_sound():
    t = np.arange(32000) / 16000
    sound = 0.1 * (((t >= 0.5) & (t < 1.0)) | ((t >= 1.1) & (t < 1.5)))
    on = voices.audible(sound)
    assert np.flatnonzero(on)[[0, -1]] / 16000 == pytest.approx([0.5, 1.5], abs=0.011)
    assert on[8200:23800].all()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_lines_are_spoken_with_pauses_around_them():
    sound = voices.talk([Line("one", 0.0), Line("two", 0.0)], "en", pause_s=0.5)
    spoken = voices.audible(sound)
    assert not spoken[:7500].any() and not spoken[-7500:].any()
    assert np.diff(spoken.astype(int)).clip(0).sum() == 2
