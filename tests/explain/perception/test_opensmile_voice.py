"""openSMILE, where it is installed, against what it says of whole files and against our own."""

import sys

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from demeanor.explain.errors import MissingExtra
from demeanor.explain.perception.opensmile_voice import LICENCE_NOTE, OpensmileAnalyser
from demeanor.explain.perception.voice import ALPHA, HNR, LEVEL, PITCH, VoiceAnalyser
from demeanor.explain.perception.voice_events import voice_events, voice_usual
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().voice
RATE_HZ = 16000


def always(windows: np.ndarray) -> np.ndarray:
    return np.ones(len(windows), dtype=np.float32)


def buzz(duration_s: float, f0_hz: float) -> np.ndarray:
    times_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    ks = range(1, int(5000 / f0_hz))
    return sum(0.1 / k * np.sin(2 * np.pi * f0_hz * k * times_s + k * k) for k in ks)


def measured(sound: np.ndarray, chunk: int = 4000):
    analyser = OpensmileAnalyser(SETTINGS, always)
    for start in range(0, len(sound), chunk):
        analyser.add(sound[start : start + chunk].astype(np.float32))
    return analyser.finish()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(MissingExtra, match=r"demeanor\[opensmile\]"):
        OpensmileAnalyser(SETTINGS)


def test_tracks_say_who_measured_them():
    pytest.importorskip("opensmile")
    m = measured(buzz(1.0, 150.0))
    sources = {t.code: t.source.name for t in m.tracks}
    assert (sources[PITCH], sources[LEVEL]) == ("opensmile eGeMAPSv02", "voice")
    assert m.notes == (LICENCE_NOTE,)
    names = {e.code: e.source.name for e in voice_events(m, voice_usual(m, SETTINGS), SETTINGS)}
    assert names[PITCH] == "opensmile eGeMAPSv02"


#  0 s        29 s  30 s      33 s      the step lies just before the seam between two blocks
#  |--120 Hz---|--180 Hz-------|
def test_blocks_join_without_a_seam():
    opensmile = pytest.importorskip("opensmile")
    sound = np.concatenate([buzz(29.0, 120.0), buzz(4.0, 180.0)]).astype(np.float32)
    m = measured(sound)
    pitch = m.track(PITCH)
    assert len(pitch.values) == 33 * 50
    steps = np.where(pitch.times_s < 29.0, 12 * np.log2(120 / 27.5), 12 * np.log2(180 / 27.5))
    clear = (np.abs(pitch.times_s - 29.0) > 0.1) & (pitch.times_s > 0.1) & (pitch.times_s < 32.9)
    assert np.abs(pitch.values - steps)[clear].max() < 0.2

    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
    )
    whole = smile.process_signal(sound, RATE_HZ)["alphaRatio_sma3"].to_numpy()
    ours = m.track(ALPHA).values[clear]
    rows = 2 * np.flatnonzero(clear) - 1
    assert np.abs(ours - whole[rows]).max() < 0.1


@pytest.mark.parametrize("duration_s", [0.5, 29.99, 30.0, 30.5, 31.0])
def test_every_frame_is_measured_around_a_seam(duration_s):
    pytest.importorskip("opensmile")
    pitch = measured(buzz(duration_s, 150.0)).track(PITCH)
    clear = (pitch.times_s > 0.1) & (pitch.times_s < duration_s - 0.1)
    assert not np.isnan(pitch.values[clear]).any()


def test_no_sound_is_no_tracks():
    pytest.importorskip("opensmile")
    assert measured(np.zeros(0)).tracks == ()


def test_both_tools_hear_the_same_pitch(shared):
    pytest.importorskip("opensmile")
    raw, _ = soundfile.read(shared / "data/clips/jfk.flac", dtype="float32")
    samples = resample_poly(raw.mean(axis=1), 160, 441).astype(np.float32)
    theirs, ours = OpensmileAnalyser(SETTINGS), VoiceAnalyser(SETTINGS)
    for analyser in (theirs, ours):
        analyser.add(samples)
    theirs, ours = theirs.finish(), ours.finish()
    difference_st = ours.track(PITCH).values - theirs.track(PITCH).values
    both = ~np.isnan(difference_st)
    assert both.sum() > 200
    assert np.median(np.abs(difference_st[both])) < 0.1
    assert (np.abs(difference_st[both]) > 1).mean() < 0.1  # octave errors of the one or the other
    hnr = np.array([ours.track(HNR).values[both], theirs.track(HNR).values[both]])
    assert np.corrcoef(hnr)[0, 1] > 0.5
