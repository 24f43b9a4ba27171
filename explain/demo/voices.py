"""Sounds whose pitch, level and kind are known: voices, laughs, sighs, music and noise.

A voice is a sum of harmonics under the resonances of a vowel (Peterson & Barney 1952, J. Acoust.
Soc. Am. 24, 175-184: means of men), so that its pitch is known at every sample and owes nothing
to how pitch is measured. All arrays are (n,) float32 at 16 kHz.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

from demeanor.explain.demo.script import Line
from demeanor.explain.demo.speech import say_line

SAMPLE_RATE_HZ = 16000
FORMANTS_HZ = {
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}
_BANDWIDTHS_HZ = (60.0, 90.0, 150.0)
_TOP_HZ = 6000.0  # higher harmonics are too faint to matter
_TILT = 1.2  # harmonics fall by 7 dB an octave: source and radiation together
_SWELL_S = 0.03  # a syllable neither begins nor ends with a click


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a voice does in one breath. Pitch moves in straight lines over semitones."""

    pitch_hz: tuple[float, ...]  # at evenly spaced moments; two: a glide
    duration_s: float
    syllables_per_s: float = 4.0
    level_db: float = -26.0  # of full scale
    vowels: str = "aeiou"
    jitter: float = 0.005  # relative difference of neighbouring periods
    consonants: bool = True


def times(duration_s: float) -> np.ndarray:
    return np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def pitch_of(phrase: Phrase) -> np.ndarray:
    """(n,) Hz: what the voice is asked for, before jitter."""
    t = times(phrase.duration_s) / phrase.duration_s
    knots = np.linspace(0.0, 1.0, len(phrase.pitch_hz))
    return np.asarray(2.0 ** np.interp(t, knots, np.log2(phrase.pitch_hz)))


def say(phrase: Phrase, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The sound, and its pitch in Hz at every sample: NaN where no vowel sounds."""
    rng = np.random.default_rng(seed)
    n_syllables = max(1, round(phrase.duration_s * phrase.syllables_per_s))
    edges = np.linspace(0, round(phrase.duration_s * SAMPLE_RATE_HZ), n_syllables + 1).astype(int)
    f0_hz = _jittered(pitch_of(phrase), phrase.jitter, rng)
    phase = np.cumsum(f0_hz) / SAMPLE_RATE_HZ
    sound, truth = np.zeros(edges[-1]), np.full(edges[-1], np.nan)
    for number, (start, end) in enumerate(pairwise(edges.tolist())):
        onset = start + ((end - start) // 4 if phrase.consonants else 0)
        vowel = phrase.vowels[int(rng.integers(len(phrase.vowels)))]
        body = _vowel(phase[onset:end], f0_hz[onset:end], vowel) * _swell(end - onset)
        sound[onset:end] = body / max(1e-9, float(body.std()))
        truth[onset:end] = pitch_of(phrase)[onset:end]
        if phrase.consonants and number:
            sound[start:onset] += 0.2 * _hiss(onset - start, rng)
    return _at_level(sound, phrase.level_db), truth


def intonation(kind: str, base_hz: float, rng: np.random.Generator) -> Phrase:
    """A phrase that drifts down by two semitones and ends in a `rise`, a `fall`, or `flat`."""
    duration_s = float(rng.uniform(1.2, 2.5))
    n = round(duration_s / 0.1)
    pitch_st = np.linspace(0, -2, n) + 0.5 * np.sin(1.9 * np.arange(n) + rng.uniform(0, 6))
    if kind != "flat":
        size_st = float(rng.uniform(4, 9)) * (1 if kind == "rise" else -1)
        last = max(2, round(float(rng.uniform(0.3, 0.5)) / 0.1))
        pitch_st[-last:] = pitch_st[-last - 1] + np.linspace(0, size_st, last + 1)[1:]
    pitch_hz = (base_hz * 2 ** (pitch_st / 12)).tolist()
    return Phrase(tuple(pitch_hz), duration_s, float(rng.uniform(3, 5)), jitter=0.008)


def _jittered(f0_hz: np.ndarray, jitter: float, rng: np.random.Generator) -> np.ndarray:
    """Each cycle a little longer or shorter than was asked for."""
    cycle = np.floor(np.cumsum(f0_hz) / SAMPLE_RATE_HZ).astype(int)
    shares = 1.0 + jitter * rng.standard_normal(cycle[-1] + 1) * np.sqrt(np.pi) / 2
    return np.asarray(f0_hz * shares[cycle])


def _vowel(phase: np.ndarray, f0_hz: np.ndarray, vowel: str) -> np.ndarray:
    sound = np.zeros(len(phase))
    for k in range(1, int(_TOP_HZ / float(f0_hz.min())) + 1):
        hz = k * f0_hz
        gain = _resonance(hz, FORMANTS_HZ[vowel]) * (hz < _TOP_HZ)
        sound += gain * k**-_TILT * np.sin(2 * np.pi * k * phase + k * k)
    return sound


def _resonance(hz: np.ndarray, formants_hz: Sequence[float]) -> np.ndarray:
    """Gain of resonators in a row, 1 at 0 Hz."""
    gain = np.ones(len(hz))
    for centre_hz, width_hz in zip(formants_hz, _BANDWIDTHS_HZ, strict=True):
        real, imaginary = centre_hz**2 - hz**2, hz * width_hz
        gain *= centre_hz**2 / np.sqrt(real**2 + imaginary**2)
    return gain


def _swell(n: int) -> np.ndarray:
    ramp = min(n // 3, round(_SWELL_S * SAMPLE_RATE_HZ))
    shape = np.ones(n)
    if ramp:
        rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(ramp) / ramp)
        shape[:ramp], shape[-ramp:] = rise, rise[::-1]
    return shape


def _hiss(n: int, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(band(rng.standard_normal(n), 2500.0, 7000.0) * _swell(n))


def band(sound: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """What lies between two frequencies."""
    edges = butter(2, [low_hz, high_hz], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    return np.asarray(sosfilt(edges, sound))


def _at_level(sound: np.ndarray, level_db: float) -> np.ndarray:
    """With this level over all its samples, in dB below full scale."""
    rms = float(np.sqrt(np.mean(sound**2)))
    return np.asarray(sound * 10 ** (level_db / 20) / max(rms, 1e-12), dtype=np.float32)


def talk(lines: Sequence[Line], voice: str, pause_s: float = 0.8) -> np.ndarray:
    """Lines by espeak-ng, with pauses of digital silence around them. Raises without espeak-ng."""
    pause = np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.float32)
    parts = [pause]
    for line in lines:
        spoken = say_line(line, voice)
        parts += [resample_poly(spoken, 320, 441).astype(np.float32), pause]  # from 22050 Hz
    return np.concatenate(parts)


def audible(sound: np.ndarray, below_peak_db: float = 40.0, gap_s: float = 0.2) -> np.ndarray:
    """(n,) bool: where a clean voice sounds, gaps inside words closed: the truth of its speech."""
    window = round(0.02 * SAMPLE_RATE_HZ)
    power = np.convolve(sound.astype(np.float64) ** 2, np.ones(window) / window, "same")
    on = power > power.max() * 10 ** (-below_peak_db / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    for end, start in zip(edges[1:-1:2], edges[2::2], strict=True):
        if start - end < gap_s * SAMPLE_RATE_HZ:
            on[end:start] = True
    return np.asarray(on)


# Sounds that are no words ------------------------------------------------------------------


def laugh(
    bursts_per_s: float, duration_s: float, f0_hz: float, seed: int = 0, level_db: float = -24.0
) -> np.ndarray:
    """Voiced bursts with breath between them, falling in pitch and level (Bachorowski, Smoski &
    Owren 2001, J. Acoust. Soc. Am. 110, 1581-1597: some 4.4 calls a second, fricated gaps)."""
    rng = np.random.default_rng(seed)
    n_bursts = max(3, round(duration_s * bursts_per_s))
    period = round(SAMPLE_RATE_HZ / bursts_per_s)
    sound = np.zeros(n_bursts * period)
    for number in range(n_bursts):
        pitch = f0_hz * (1.0 - 0.25 * number / n_bursts) * 2 ** (rng.normal(0, 0.06))
        long = round(period * rng.uniform(0.4, 0.55))
        glide = (pitch * 1.06, pitch, pitch * 0.88)
        call, _ = say(
            Phrase(glide, long / SAMPLE_RATE_HZ, 0.1, vowels="a", consonants=False, jitter=0.01),
            seed + number,
        )
        fade = 10 ** (-6 * number / n_bursts / 20)
        start = number * period + round(0.04 * period * rng.uniform(-1, 1)) * (number > 0)
        sound[start : start + len(call)] += fade * call / max(1e-9, float(call.std()))
        gap = slice(start + len(call), min(len(sound), (number + 1) * period))
        breath = band(rng.standard_normal(gap.stop - gap.start), 500, 5000)
        sound[gap] += 0.15 * fade * breath * _swell(len(breath)) / max(1e-9, float(breath.std()))
    return _at_level(sound, level_db)


def sigh(duration_s: float, seed: int = 0, level_db: float = -34.0) -> np.ndarray:
    """One breath out: noise under the open mouth's resonances that rises fast and falls long."""
    rng = np.random.default_rng(seed)
    t = times(duration_s) / duration_s
    breath = band(rng.standard_normal(len(t)), 400, 3500) + 0.3 * band(
        rng.standard_normal(len(t)), 3500, 7000
    )
    shape = np.minimum(1.0, t / 0.15) * np.exp(-2.2 * np.maximum(0.0, t - 0.15)) * (1 - t) ** 0.5
    return _at_level(breath * shape, level_db)


def sob(duration_s: float, f0_hz: float, seed: int = 0, level_db: float = -26.0) -> np.ndarray:
    """Convulsive breaths in, then a wavering voiced wail: what some weeping sounds like."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * SAMPLE_RATE_HZ)
    sound = np.zeros(n)
    at = 0
    while at < n:
        for _ in range(int(rng.integers(2, 5))):
            gasp = sigh(float(rng.uniform(0.12, 0.2)), int(rng.integers(1 << 30)), -30.0)[::-1]
            sound[at : at + len(gasp)] += gasp[: max(0, n - at)]
            at += len(gasp) + round(0.06 * SAMPLE_RATE_HZ)
        wail = (f0_hz, f0_hz * 1.2, f0_hz * 1.05, f0_hz * 1.15, f0_hz * 0.8)
        voice, _ = say(Phrase(wail, 0.9, 0.1, vowels="au", consonants=False, jitter=0.02), at)
        sound[at : at + len(voice)] += voice[: max(0, n - at)]
        at += len(voice) + round(0.15 * SAMPLE_RATE_HZ)
    return _at_level(sound, level_db)


def music(duration_s: float, seed: int = 0, level_db: float = -26.0) -> np.ndarray:
    """Chords of decaying harmonic tones over a beat."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(round(duration_s * SAMPLE_RATE_HZ))
    beat = round(SAMPLE_RATE_HZ * float(rng.choice([0.25, 0.333, 0.5])))
    for start in range(0, len(sound), beat):
        t = np.arange(min(2 * beat, len(sound) - start)) / SAMPLE_RATE_HZ
        root_hz = 220.0 * 2 ** (int(rng.choice([0, 2, 4, 5, 7, 9])) / 12)
        for step in (0, 4, 7, -12):
            for k in range(1, 7):
                hz = root_hz * 2 ** (step / 12) * k
                tone = np.sin(2 * np.pi * hz * t + rng.uniform(0, 6)) * np.exp(-3 * t) / k
                sound[start : start + len(t)] += tone * np.minimum(1, t / 0.01)
    return _at_level(sound, level_db)


def noise(n: int, colour: str = "white", seed: int = 0) -> np.ndarray:
    """`white`, or `pink`: as strong in each octave, from 50 Hz on, below which no voice sounds."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    if colour == "pink":
        hz = np.fft.rfftfreq(n, 1 / SAMPLE_RATE_HZ)
        spectrum *= np.where(hz >= 50, 1 / np.sqrt(np.maximum(hz, 1)), 0.0)
    return _at_level(np.fft.irfft(spectrum, n), -26.0)


def mixed(
    sound: np.ndarray, background: np.ndarray, snr_db: float, where: np.ndarray
) -> np.ndarray:
    """`sound` over `background`, `snr_db` louder where it sounds: `where`, bool."""
    looped = np.resize(background, len(sound)).astype(np.float64)
    ratio = np.mean(sound[where].astype(np.float64) ** 2) / np.mean(looped[where] ** 2)
    return np.asarray(sound + looped * np.sqrt(ratio / 10 ** (snr_db / 10)), dtype=np.float32)
