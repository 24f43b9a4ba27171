"""Pitch of sounds whose pitch is known."""

import numpy as np
import pytest

from demeanor.explain.perception.pitch import (
    HOP_SAMPLES,
    PitchBlock,
    harmonics_to_noise_db,
    measure_pitch,
    semitones,
    window_samples,
)

RATE_HZ, FLOOR_HZ, CEILING_HZ = 16000, 60.0, 600.0
TIMES_S = np.arange(RATE_HZ) / RATE_HZ  # one second


def measured(sound: np.ndarray) -> PitchBlock:
    """All frames that lie wholly within the sound."""
    windows = np.lib.stride_tricks.sliding_window_view(
        sound.astype(np.float32), window_samples(FLOOR_HZ)
    )
    return measure_pitch(windows[::HOP_SAMPLES], FLOOR_HZ, CEILING_HZ)


def buzz(f0_hz: float, first: int = 1) -> np.ndarray:
    """Harmonics from `first` on, like a voice: 1/k amplitudes, scattered phases."""
    ks = range(first, int(7000 / f0_hz) + 1)
    return sum(0.1 / k * np.sin(2 * np.pi * f0_hz * k * TIMES_S + k * k) for k in ks)


def pulses(periods: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """A soft click after each period, in samples, placed between samples."""
    sound, grid = np.zeros(RATE_HZ), np.arange(-60, 61)
    for position, height in zip(np.cumsum(periods) + 100, heights, strict=True):
        whole = round(float(position))
        if whole + 61 < RATE_HZ:
            square = ((grid - (position - whole)) / 8) ** 2
            sound[whole - 60 : whole + 61] += height * (1 - 2 * square) * np.exp(-square)
    return sound[: int(np.cumsum(periods)[-1])]


def error_st(found_hz: np.ndarray, true_hz: np.ndarray | float) -> float:
    return float(np.abs(12 * np.log2(found_hz / true_hz)).max())


@pytest.mark.parametrize("f0_hz", [62, 80, 110, 150, 220, 330, 440, 580])
def test_tones_and_buzzes_are_found_within_a_fiftieth_of_a_semitone(f0_hz):
    tone = 0.3 * np.sin(2 * np.pi * f0_hz * TIMES_S)
    for sound in (tone, buzz(f0_hz), buzz(f0_hz) + 0.3):  # the last with an offset
        assert error_st(measured(sound).f0_hz, f0_hz) < 0.02


@pytest.mark.parametrize("f0_hz", [100, 200, 300])
def test_pitch_is_heard_without_its_fundamental(f0_hz):
    assert error_st(measured(buzz(f0_hz, first=3)).f0_hz, f0_hz) < 0.02


def test_a_glide_over_an_octave_is_followed():
    f0_hz = 100 * 2**TIMES_S
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE_HZ
    found_hz = measured(sum(0.1 / k * np.sin(k * phase) for k in range(1, 20))).f0_hz
    centres = window_samples(FLOOR_HZ) // 2 + HOP_SAMPLES * np.arange(len(found_hz))
    assert error_st(found_hz, f0_hz[centres]) < 0.05


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE_HZ)
    for sound in (noise, np.zeros(RATE_HZ), np.full(RATE_HZ, 0.5)):
        block = measured(sound)
        assert np.isnan(block.f0_hz).all()
        assert np.isnan(block.jitter).all()


@pytest.mark.parametrize("ratio_db", [0, 5, 10, 20])
def test_harmonics_to_noise_is_the_ratio_that_was_mixed(ratio_db):
    voice = buzz(150)
    noise = np.random.default_rng(1).normal(0, 1, len(voice))
    noise *= np.sqrt(voice.var() / 10 ** (ratio_db / 10)) / noise.std()
    block = measured(voice + noise)
    assert np.nanmedian(harmonics_to_noise_db(block.regularity)) == pytest.approx(ratio_db, abs=0.7)


@pytest.mark.parametrize("spread", [0.0, 0.005, 0.01])
def test_jitter_is_the_mean_difference_of_neighbouring_periods(spread):
    periods = 120.3 * (1 + spread * np.random.default_rng(2).uniform(-1, 1, 140))
    true = np.mean(np.abs(np.diff(periods))) / periods.mean()
    block = measured(pulses(periods, np.ones(140)))
    assert np.nanmean(block.jitter) == pytest.approx(true, abs=0.0012)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.05])
def test_shimmer_is_the_level_step_between_neighbouring_cycles(share):
    heights = 1 + share * (-1.0) ** np.arange(140)
    true_db = 20 * np.log10((1 + share) / (1 - share))
    block = measured(pulses(np.full(140, 100.3), heights))
    assert np.nanmean(block.shimmer_db) == pytest.approx(true_db, abs=0.03)


def test_semitones_count_from_27_5_hz():
    assert semitones(np.array([27.5, 55.0, 440.0])).tolist() == [0.0, 12.0, 48.0]


def test_harmonics_to_noise_of_equal_parts_is_zero():
    assert harmonics_to_noise_db(np.array([0.5, 1.0])).tolist() == pytest.approx(
        [0.0, 40.0], abs=0.1
    )
