"""Sounds made from arrays, with speech where a scripted detector says so."""

import dataclasses

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from demeanor.explain.demo import voices
from demeanor.explain.demo.voices import Phrase
from demeanor.explain.perception import voice
from demeanor.explain.perception.voice import (
    ALPHA,
    BACKGROUND,
    HNR,
    JITTER,
    LEVEL,
    PITCH,
    RATE,
    SHIMMER,
    VoiceAnalyser,
    VoiceMeasurement,
    loudness_peaks,
    mask,
    signal_to_noise_db,
)
from demeanor.explain.records import Channel, Span, Unit
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().voice
RATE_HZ = 16000


class Scripted:
    """A detector that hears speech in given spans, whatever sounds there."""

    def __init__(self, *spans: Span) -> None:
        self.spans, self.n_heard = spans, 0

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        times_s = (self.n_heard + np.arange(len(windows))) * 512 / RATE_HZ
        self.n_heard += len(windows)
        return mask(times_s, self.spans).astype(np.float32)


def seconds(duration_s: float) -> np.ndarray:
    return np.arange(round(duration_s * RATE_HZ)) / RATE_HZ


def buzz(duration_s: float, f0_hz: float = 120.0, level: float = 0.1) -> np.ndarray:
    times_s = seconds(duration_s)
    ks = range(1, int(5000 / f0_hz))
    return level * sum(np.sin(2 * np.pi * f0_hz * k * times_s + k * k) / k for k in ks)


def measured(
    sound: np.ndarray, *speech: Span, chunk: int = 1600, settings=SETTINGS
) -> VoiceMeasurement:
    analyser = VoiceAnalyser(settings, Scripted(*speech))
    for start in range(0, len(sound), chunk):
        analyser.add(sound[start : start + chunk].astype(np.float32))
    return analyser.finish()


def within(m: VoiceMeasurement, code: str, start_s: float, end_s: float) -> np.ndarray:
    track = m.track(code)
    return track.values[mask(track.times_s, (Span(start_s, end_s),))]


@pytest.fixture(scope="module")
def one_tone() -> VoiceMeasurement:
    """A steady voice of 2 s with half a second of silence on both sides."""
    silence = np.zeros(RATE_HZ // 2)
    return measured(np.concatenate([silence, buzz(2.0), silence]), Span(0.5, 2.5))


def test_tracks_share_fifty_times_a_second(one_tone):
    codes = [t.code for t in one_tone.tracks]
    assert codes == [PITCH, LEVEL, HNR, JITTER, SHIMMER, ALPHA, RATE]
    times_s = one_tone.tracks[0].times_s
    assert all(t.times_s is times_s for t in one_tone.tracks)
    assert (len(times_s), times_s[50]) == (150, 1.0)
    for track in one_tone.tracks:
        assert (track.person, track.channel, track.side) == (None, Channel.VOICE, None)
        assert (track.values.dtype, track.source.name) == (np.float32, "voice")


def test_pitch_is_in_semitones_and_only_in_speech(one_tone):
    assert within(one_tone, PITCH, 0.6, 2.4) == pytest.approx(12 * np.log2(120 / 27.5), abs=0.02)
    assert np.isnan(within(one_tone, PITCH, 0.0, 0.4)).all()
    assert one_tone.track(PITCH).unit == Unit.SEMITONE


def test_every_gap_has_a_reason(one_tone):
    for track in one_tone.tracks:
        missing = tuple(span for span, _ in track.missing)
        told = mask(track.times_s + 0.001, missing)
        assert (np.isnan(track.values) == told).all(), track.code
    assert one_tone.track(PITCH).missing[0] == (Span(0.0, 0.5), "digital silence")


def test_chunk_size_does_not_matter():
    sound = np.concatenate([buzz(3.0), buzz(4.0, 180.0)])
    whole, drops = (measured(sound, Span(0.0, 7.0), chunk=c) for c in (len(sound), 333))
    for one, other in zip(whole.tracks, drops.tracks, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    assert whole.speech == drops.speech


def test_level_steps_are_the_steps_that_were_made():
    sound = np.concatenate([buzz(1.0, level=0.1), buzz(1.0, level=0.1 / 2)])
    m = measured(sound, Span(0.0, 2.0))
    loud, soft = within(m, LEVEL, 0.1, 0.9).mean(), within(m, LEVEL, 1.1, 1.9).mean()
    assert loud - soft == pytest.approx(20 * np.log10(2), abs=0.05)


def test_level_is_relative_to_full_scale():
    m = measured(0.5 * np.sin(2 * np.pi * 200 * seconds(1.0)), Span(0.0, 1.0))
    expected_db = 20 * np.log10(0.5 / np.sqrt(2))
    assert within(m, LEVEL, 0.1, 0.9) == pytest.approx(expected_db, abs=0.05)


def test_alpha_ratio_is_high_over_low_energy():
    times_s = seconds(1.0)
    low, high = np.sin(2 * np.pi * 200 * times_s), np.sin(2 * np.pi * 3000 * times_s)
    dull = measured(0.1 * low + 0.01 * high, Span(0.0, 1.0))
    bright = measured(0.1 * low + 0.05 * high, Span(0.0, 1.0))
    assert within(dull, ALPHA, 0.1, 0.9) == pytest.approx(-20.0, abs=0.1)
    assert within(bright, ALPHA, 0.1, 0.9) == pytest.approx(20 * np.log10(0.5), abs=0.1)


def test_loudness_peaks_are_swells_of_a_voice_and_give_the_rate():
    swells = 0.55 - 0.45 * np.cos(2 * np.pi * 4 * seconds(3.0))  # four a second
    m = measured(buzz(3.0) * swells, Span(0.0, 3.0))
    assert m.loudness_peaks_s == pytest.approx(0.125 + 0.25 * np.arange(12), abs=0.021)
    assert within(m, RATE, 1.0, 2.0) == pytest.approx(4.0, abs=0.5)


def test_unvoiced_and_shallow_peaks_do_not_count():
    times_s = np.arange(100) * 0.02
    level_db = -20 + 10 * np.sin(2 * np.pi * times_s / 0.5)  # peaks at 0.125, 0.625, 1.125, 1.625
    voiced = times_s < 1.0
    assert loudness_peaks(times_s, level_db, voiced, 2.0) == pytest.approx([0.12, 0.62], abs=0.021)
    assert len(loudness_peaks(times_s, level_db / 20, voiced, 2.0)) == 0
    assert len(loudness_peaks(times_s, np.full(100, -np.inf), voiced, 2.0)) == 0


def test_a_steady_voice_is_one_peak(one_tone):
    assert len(one_tone.loudness_peaks_s) == 1


def test_noise_in_speech_has_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE_HZ)
    m = measured(noise, Span(0.0, 2.0))
    assert np.isnan(m.track(PITCH).values).all()
    assert [n.what for n in m.not_measured] == ["pitch"]
    assert m.track(PITCH).missing == ((Span(0.0, 2.0), "no voiced sound"),)


@pytest.mark.parametrize(
    ("n_samples", "reason"), [(0, "the clip has no sound"), (1600, "the sound is only 0.10 s long")]
)
def test_no_sound_or_too_little_gives_no_tracks(n_samples, reason):
    m = measured(np.ones(n_samples))
    assert (m.tracks, m.speech, m.signal_to_noise_db) == ((), (), None)
    assert [n.reason for n in m.not_measured] == [reason]


def test_digital_silence_is_not_measured_rather_than_quiet():
    m = measured(np.zeros(RATE_HZ))
    assert [n.reason for n in m.not_measured] == ["the sound is digital silence"]
    assert all(np.isnan(t.values).all() for t in m.tracks)


def test_noise_and_music_without_speech_are_told_apart():
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE_HZ)
    assert [n.reason for n in measured(noise).not_measured] == ["nobody is heard speaking"]
    (music,) = measured(buzz(2.0, 220.0)).not_measured
    assert "music or a tone" in music.reason


#  0 s       1 s       2 s       3 s        a tone 20 dB below the voice goes on all the time
#  |--tone---|--voice--|---tone--|
def test_music_behind_speech_is_told():
    silence = np.zeros(RATE_HZ)
    voice_only = np.concatenate([silence, buzz(1.0), silence])
    quiet = measured(voice_only + buzz(3.0, 310.0, 0.0001), Span(1.0, 2.0))
    music = measured(voice_only + buzz(3.0, 310.0, 0.01), Span(1.0, 2.0))
    assert BACKGROUND not in [n.what for n in quiet.not_measured]
    assert BACKGROUND in [n.what for n in music.not_measured]


def test_clipped_sound_keeps_its_pitch_and_loses_its_tone():
    m = measured(np.clip(buzz(2.0, level=3.0), -1, 1), Span(0.0, 2.0))
    assert within(m, PITCH, 0.1, 1.9) == pytest.approx(12 * np.log2(120 / 27.5), abs=0.05)
    for code in (LEVEL, HNR, ALPHA, SHIMMER):
        assert np.isnan(within(m, code, 0.1, 1.9)).all()
        assert "the recording is clipped" in {reason for _, reason in m.track(code).missing}
    assert "100% of the speech is clipped" in m.not_measured[0].reason


def test_hum_in_a_faint_stretch_of_speech_is_no_pitch():
    sound = np.concatenate([buzz(1.0), buzz(1.0, 60.5, 0.1 / 100)])
    m = measured(sound, Span(0.0, 2.0))
    assert np.isnan(within(m, PITCH, 1.1, 1.9)).all()
    assert not np.isnan(within(m, PITCH, 0.1, 0.9)).any()


def test_samples_that_are_not_numbers_are_counted():
    sound = buzz(1.0)
    sound[100:110] = np.nan
    assert "10 samples" in measured(sound, Span(0.0, 1.0)).not_measured[0].reason


def test_stereo_is_refused():
    with pytest.raises(ValueError, match="mono"):
        VoiceAnalyser(SETTINGS).add(np.zeros((10, 2), dtype=np.float32))


def test_signal_to_noise_is_speech_over_the_background():
    times_s = np.arange(200) * 0.02  # 4 s, of which 1..2 speech
    speech = (Span(1.0, 2.0),)
    level_db = np.where(mask(times_s, speech), -20.0, -40.0)
    assert signal_to_noise_db(times_s, level_db, speech) == pytest.approx(19.956, abs=0.01)
    assert signal_to_noise_db(times_s, np.full(200, -20.0), speech) == 0.0
    assert signal_to_noise_db(times_s, np.where(level_db < -30, -np.inf, level_db), speech) == 60.0
    assert signal_to_noise_db(times_s, level_db, ()) is None
    assert signal_to_noise_db(times_s, level_db, (Span(0.0, 4.0),)) is None


def test_a_voice_no_louder_than_the_background_is_told():
    rng = np.random.default_rng(3)
    m = measured(buzz(3.0, level=0.01) + rng.normal(0, 0.1, 3 * RATE_HZ), Span(1.0, 2.0))
    assert "changes of the voice" in [n.what for n in m.not_measured]


def test_lower_pitch_floor_lengthens_the_window():
    deep = dataclasses.replace(SETTINGS, pitch_floor_hz=40.0)
    m = measured(buzz(2.0, 45.0), Span(0.0, 2.0), settings=deep)
    assert np.median(within(m, PITCH, 0.2, 1.8)) == pytest.approx(12 * np.log2(45 / 27.5), abs=0.05)


def test_memory_does_not_grow_with_the_sound():
    analyser = VoiceAnalyser(SETTINGS, Scripted())
    for _ in range(30):
        analyser.add(np.zeros(RATE_HZ, dtype=np.float32))
    kept = analyser._for_frames.rest()
    assert len(kept) < voice.FRAMES_PER_BLOCK * voice.HOP_SAMPLES + 2 * RATE_HZ


def test_a_real_recording(shared):
    raw, _ = soundfile.read(shared / "data/clips/jfk.flac", dtype="float32")
    analyser = VoiceAnalyser(SETTINGS)
    analyser.add(resample_poly(raw.mean(axis=1), 160, 441).astype(np.float32))
    m = analyser.finish()
    pitch_hz = 27.5 * 2 ** (np.nanmedian(m.track(PITCH).values) / 12)
    assert 200 < pitch_hz < 270  # 245 Hz by openSMILE 2.6.0, median of its voiced frames
    assert [round(s.start_s) for s in m.speech] == [0, 3, 4, 5, 8]
    assert 15 < m.signal_to_noise_db < 30
    assert m.not_measured == ()


# What else sounds ----------------------------------------------------------------------------


#  0 s       1 s       2 s       3 s       4 s
#  |-silence-|--voice--|---tone--|--noise--|
def test_each_moment_is_speech_music_noise_or_silence():
    silence, noise = np.zeros(RATE_HZ), np.random.default_rng(0).normal(0, 0.05, RATE_HZ)
    sound = np.concatenate([silence, buzz(1.0), 0.1 * np.sin(2 * np.pi * 330 * seconds(1)), noise])
    parts = measured(sound, Span(1.0, 2.0)).parts
    assert (parts.speech, parts.music) == pytest.approx((0.25, 0.25), abs=0.02)
    assert (parts.noise, parts.silence) == pytest.approx((0.25, 0.25), abs=0.02)
    assert sum(dataclasses.astuple(parts)) == pytest.approx(1.0)


#  st       24 24 24 24 24 24 24.3 24.6 24.9 nan 24 24    five steps of no change are 0.1 s
def test_a_note_holds_still():
    pitch_st = [24.0] * 6 + [24.3, 24.6, 24.9, np.nan, 24.0, 24.0]
    steady = voice.steady_tones(27.5 * 2 ** (np.array(pitch_st) / 12), SETTINGS)
    assert steady.tolist() == [True] * 6 + [False] * 6


def test_other_people_s_talk_is_no_music():
    wandering = voices.say(Phrase((140, 180, 120, 190, 130), 3.0), seed=2)[0]
    near = buzz(3.0, 200.0) * mask(seconds(3.0), (Span(1.0, 2.0),))
    m = measured(near + wandering, Span(1.0, 2.0))
    assert BACKGROUND not in [n.what for n in m.not_measured]


def test_talk_that_is_left_out_is_told():
    noise = np.random.default_rng(0).normal(0, 0.001, 3 * RATE_HZ)
    sound = buzz(3.0) * mask(seconds(3.0), (Span(1.0, 2.0),)) + noise
    m = measured(sound, Span(0.0, 3.0))
    assert len(m.speech) == 1
    (told,) = [n for n in m.not_measured if n.what == "talk in the background"]
    assert "1.7 s" in told.reason or "1.8 s" in told.reason


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0, 30.0])
@pytest.mark.parametrize("colour", ["white", "pink"])
def test_signal_to_noise_is_the_ratio_that_was_mixed(snr_db, colour):
    spoken, _ = voices.say(Phrase((140, 120), 2.0), seed=3)
    gap = np.zeros(RATE_HZ, np.float32)
    sound = np.concatenate([gap, spoken, gap])
    where = mask(seconds(4.0), (Span(1.0, 3.0),))
    mixed = voices.mixed(sound, voices.noise(len(sound), colour, 7), snr_db, where)
    assert measured(mixed, Span(1.0, 3.0)).signal_to_noise_db == pytest.approx(snr_db, abs=3.0)


@pytest.mark.parametrize("pitch_hz", [(62, 72), (80, 95, 75), (120, 160, 110), (320, 420, 300)])
@pytest.mark.parametrize("snr_db", [40.0, 10.0])
def test_few_gross_errors_in_the_pitch_of_known_voices(pitch_hz, snr_db):
    sound, truth_hz = voices.say(Phrase(pitch_hz, 2.0, jitter=0.02), seed=9)
    noisy = voices.mixed(sound, voices.noise(len(sound), "pink"), snr_db, ~np.isnan(truth_hz))
    track = measured(noisy, Span(0.0, 2.0)).track(PITCH)
    found_hz = 27.5 * 2 ** (track.values / 12)
    true_hz = truth_hz[np.minimum((track.times_s * RATE_HZ).astype(int), len(truth_hz) - 1)]
    both = ~np.isnan(found_hz) & ~np.isnan(true_hz)
    assert both.sum() > 0.8 * (~np.isnan(true_hz)).sum()  # ends of syllables are faint
    assert np.mean(np.abs(found_hz[both] / true_hz[both] - 1) > 0.2) <= 0.05
