import shutil

import numpy as np
import pytest

from demeanor.explain.demo import speech
from demeanor.explain.demo.script import parse_script
from demeanor.explain.errors import DemeanorError

HZ = speech.SAMPLE_RATE_HZ
SCRIPT = """
duration_s: 2.0
fps: 10
size_px: 64
seed: 3
expressions: []
speech:
  - {text: quiet, start_s: 0.2, lips: 1.0}
  - {text: loud, start_s: 1.0, lips: 2.0}
"""


def _tone(line, voice):
    """Half a second of 200 Hz with silence before and after, as espeak-ng would say it."""
    size = {"quiet": 0.1, "loud": 0.4}[line.text]
    tone = size * np.sin(2 * np.pi * 200 * np.arange(HZ // 2) / HZ + np.pi / 2)
    return np.concatenate([np.zeros(500), tone, np.zeros(500)]).astype(np.float32)


@pytest.fixture
def sound(monkeypatch):
    monkeypatch.setattr(speech, "_espeak", _tone)
    return speech.speak(parse_script(SCRIPT))


def test_lines_start_when_the_script_says_and_silence_is_trimmed(sound):
    quiet, loud = sound.spoken
    assert quiet.span.start_s == 0.2
    assert (loud.span.start_s, loud.span.end_s) == (1.0, pytest.approx(1.5, abs=0.005))
    assert len(sound.samples) == 2 * HZ


def test_the_loudest_line_sets_the_level_and_distances_are_kept(sound):
    quiet = np.abs(sound.samples[: HZ // 2 + HZ // 5]).max()
    assert np.abs(sound.samples).max() == pytest.approx(speech.PEAK, rel=0.02)
    assert quiet == pytest.approx(speech.PEAK / 4, rel=0.05)


def test_pauses_are_quiet_but_not_absent(sound):
    pause = sound.samples[round(0.75 * HZ) : round(0.95 * HZ)]
    rms_db = 20 * np.log10(np.sqrt((pause**2).mean()))
    assert rms_db == pytest.approx(speech.ROOM_DB, abs=0.5)


def test_the_same_script_gives_the_same_sound(sound):
    again = speech.speak(parse_script(SCRIPT))
    np.testing.assert_array_equal(again.samples, sound.samples)


#  frame      0    1    2    3    4    5    6    7   ...      0.2 to 0.7 s
#  loudness   0    0    <----- up to 1 ----->    0
def test_loudness_is_measured_only_where_somebody_speaks(sound):
    loudness = sound.spoken[0].loudness
    assert loudness.max() == 1.0
    assert (loudness[2:7] > 0.4).all()
    assert not loudness[:2].any() and not loudness[8:].any()


def test_a_line_that_does_not_fit_is_named(monkeypatch):
    monkeypatch.setattr(speech, "_espeak", _tone)
    with pytest.raises(DemeanorError, match=r"'loud' lasts 0\.50 s from 1\.6 s"):
        speech.speak(parse_script(SCRIPT.replace("start_s: 1.0", "start_s: 1.6")))


def test_without_espeak_the_remedy_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DemeanorError, match="apt-get install espeak-ng"):
        speech.speak(parse_script(SCRIPT))


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_espeak_really_speaks_and_a_higher_pitch_is_higher():
    low, high = _spoken_aloud(20), _spoken_aloud(90)
    assert _pitch_hz(high) > 1.2 * _pitch_hz(low)


def _spoken_aloud(pitch):
    text = SCRIPT.partition("speech:")[0] + (
        f"speech: [{{text: 'aah', start_s: 0.2, pitch: {pitch}}}]\n"
    )
    return speech.speak(parse_script(text))


def _pitch_hz(sound):
    """From the highest autocorrelation between 60 and 400 Hz in the middle of the line."""
    span = sound.spoken[0].span
    middle = round((span.start_s + span.end_s) / 2 * HZ)
    x = sound.samples[middle - 1024 : middle + 1024].astype(float)
    lags = np.arange(HZ // 400, HZ // 60)
    return HZ / lags[np.argmax([(x[lag:] * x[:-lag]).sum() / (len(x) - lag) for lag in lags])]
