"""Pitch, and how regular it is, frame by frame.

F0 and the harmonics-to-noise ratio come from the autocorrelation of a Hann-windowed frame
divided by that of the window, with a least-cost path through the candidates of neighbouring
frames, after Boersma 1993 (Proc. Inst. Phonetic Sciences Amsterdam 17, 97-110); his constants.
Jitter and shimmer compare the cycle in the middle of a frame with the one before and the one
after, found by waveform matching (Titze & Liang 1993, J. Speech Hear. Res. 36, 1120-1133).
Definitions: GeMAPS (Eyben et al. 2016, IEEE Trans. Affective Computing 7, 190-202). Written
anew: values are not openSMILE's nor Praat's and must not be compared with norms from either.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import fft

from demeanor.explain.perception.vad import SAMPLE_RATE_HZ

HOP_SAMPLES = 320  # 50 frames a second: syllables last some ten frames
N_CANDIDATES = 6
PERIODS_PER_WINDOW = 3.6  # of the lowest pitch; Boersma: at least 3 for pitch
VOICING_THRESHOLD = 0.45  # Boersma 1993
OCTAVE_COST = 0.01  # Boersma 1993: between equal peaks, the higher pitch
# Boersma 1993 per 10 ms, and would halve both for our 20 ms. Not halved: on running speech that
# left half the octave jumps against openSMILE (4 of 233 frames, where halved costs left 7).
OCTAVE_JUMP_COST = 0.35
VOICED_UNVOICED_COST = 0.14
SINC_FACTOR = 4  # the autocorrelation is interpolated this finely before the parabola
MAX_REGULARITY = 0.9999  # 40 dB: more than a window of a few periods can tell
SEMITONE_REFERENCE_HZ = 27.5  # eGeMAPS counts semitones from A0
CYCLE_SEARCH = 0.2  # a neighbouring cycle is looked for within 20 % of the period


@dataclass(frozen=True, slots=True, eq=False)
class PitchBlock:
    """One value per frame; NaN where no pitch was found."""

    f0_hz: np.ndarray  # (n,) float32
    regularity: np.ndarray  # (n,) float32, autocorrelation at the period, 0-1
    jitter: np.ndarray  # (n,) float32, ratio
    shimmer_db: np.ndarray  # (n,) float32


def window_samples(floor_hz: float) -> int:
    """Length of a frame, even, so that frames have a middle sample."""
    return 2 * round(PERIODS_PER_WINDOW / 2 * SAMPLE_RATE_HZ / floor_hz)


def measure_pitch(
    frames: np.ndarray, floor_hz: float, ceiling_hz: float, previous_hz: float = math.nan
) -> PitchBlock:
    """Pitch of consecutive frames, (n, window) float32; `previous_hz` is the frame before."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    f0_hz, regularity = _candidates(centred, floor_hz, ceiling_hz)
    chosen = _best_path(f0_hz, regularity, floor_hz, previous_hz)
    rows = np.arange(len(frames))
    f0_chosen_hz, regularity_chosen = f0_hz[rows, chosen], regularity[rows, chosen]
    jitter, shimmer_db = cycle_differences(centred, f0_chosen_hz)
    return PitchBlock(
        f0_chosen_hz.astype(np.float32),
        regularity_chosen.astype(np.float32),
        jitter,
        shimmer_db,
    )


def semitones(f0_hz: np.ndarray) -> np.ndarray:
    return np.asarray(12.0 * np.log2(f0_hz / SEMITONE_REFERENCE_HZ))


def harmonics_to_noise_db(regularity: np.ndarray) -> np.ndarray:
    """Energy of what repeats over energy of what does not (Boersma 1993, eq. 4)."""
    bounded = np.clip(regularity, 1.0 - MAX_REGULARITY, MAX_REGULARITY)
    return np.asarray(10.0 * np.log10(bounded / (1.0 - bounded)))


def _candidates(
    frames: np.ndarray, floor_hz: float, ceiling_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """(n, candidates + 1) pitches and their regularity; the last column is "unvoiced"."""
    fine_hz = SAMPLE_RATE_HZ * SINC_FACTOR
    first, last = math.floor(fine_hz / ceiling_hz), math.ceil(fine_hz / floor_hz)
    curve = _autocorrelation(frames, last + 2)[:, first - 1 :]
    before, middle, after = curve[:, :-2], curve[:, 1:-1], curve[:, 2:]
    is_peak = (middle > before) & (middle >= after) & (middle > VOICING_THRESHOLD / 2)
    lags = np.arange(first, first + middle.shape[1])
    strength = np.where(is_peak, middle - OCTAVE_COST * np.log2(lags * floor_hz / fine_hz), -np.inf)
    best = np.argpartition(-strength, N_CANDIDATES, axis=1)[:, :N_CANDIDATES]

    left, top, right = (np.take_along_axis(c, best, axis=1) for c in (before, middle, after))
    bend = left - 2 * top + right
    shift = 0.5 * (left - right) / np.where(bend < 0, bend, -np.inf)
    height = top - 0.25 * (left - right) * shift
    found = np.take_along_axis(is_peak, best, axis=1)
    f0_hz = np.where(found, fine_hz / (best + first + shift), np.nan)
    height = np.where(height > 1, 1 / np.maximum(height, 1), height)  # Boersma: reflect about 1
    unvoiced = np.full((len(frames), 1), np.nan)
    return np.hstack([f0_hz, unvoiced]), np.hstack([np.where(found, height, np.nan), unvoiced])


def _autocorrelation(frames: np.ndarray, n_lags: int) -> np.ndarray:
    """(n, n_lags), 1 at lag 0, on a grid SINC_FACTOR times finer than the samples."""
    n = frames.shape[1]
    n_fft = fft.next_fast_len(n + n_lags // SINC_FACTOR + 2, real=True)
    n_fft += n_fft % 2
    window = np.hanning(n).astype(np.float32)

    def correlate(rows: np.ndarray) -> np.ndarray:
        power = np.abs(fft.rfft(rows, n_fft)) ** 2
        fine: np.ndarray = fft.irfft(power, n_fft * SINC_FACTOR)[:, :n_lags]
        return np.asarray(fine / np.maximum(fine[:, :1], 1e-20))

    return np.asarray(correlate(frames * window) / correlate(window[None, :]))


def _best_path(
    f0_hz: np.ndarray, regularity: np.ndarray, floor_hz: float, previous_hz: float
) -> np.ndarray:
    """Column of the chosen candidate of each frame: strong, and near its neighbours.

    This is what keeps pitch from leaping an octave for a frame or two.
    """
    octave = np.log2(f0_hz / floor_hz)
    strength = regularity + OCTAVE_COST * octave
    strength[:, -1] = VOICING_THRESHOLD
    strength[:, :-1][np.isnan(f0_hz[:, :-1])] = -np.inf

    previous = np.full((1, f0_hz.shape[1]), math.log2(previous_hz / floor_hz))
    cost = _transition_cost(np.vstack([previous, octave[:-1]]), octave)
    score, came_from = np.zeros(f0_hz.shape[1]), np.zeros(f0_hz.shape, dtype=np.intp)
    for row in range(len(f0_hz)):
        reach = score[:, None] - cost[row]
        came_from[row] = reach.argmax(axis=0)
        score = reach.max(axis=0) + strength[row]

    path = np.zeros(len(f0_hz), dtype=np.intp)
    column = int(score.argmax())
    for row in range(len(f0_hz) - 1, -1, -1):
        path[row] = column
        column = int(came_from[row, column])
    return path


def _transition_cost(octave_from: np.ndarray, octave_to: np.ndarray) -> np.ndarray:
    """(n, from, to). NaN is unvoiced: no cost between two of them."""
    leap = np.abs(octave_from[:, :, None] - octave_to[:, None, :])
    both_unvoiced = np.isnan(octave_from)[:, :, None] & np.isnan(octave_to)[:, None, :]
    cost = np.where(np.isnan(leap), VOICED_UNVOICED_COST, OCTAVE_JUMP_COST * leap)
    return np.where(both_unvoiced, 0.0, cost)


def cycle_differences(frames: np.ndarray, f0_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Jitter (ratio) and shimmer (dB) of each frame, (n,) float32; NaN without pitch."""
    jitter = np.full(len(frames), np.nan, dtype=np.float32)
    shimmer_db = np.full(len(frames), np.nan, dtype=np.float32)
    for row in np.flatnonzero(~np.isnan(f0_hz)):
        period = SAMPLE_RATE_HZ / float(f0_hz[row])
        jitter[row], shimmer_db[row] = _frame_cycles(frames[row], period)
    return jitter, shimmer_db


def _frame_cycles(frame: np.ndarray, period: float) -> tuple[float, float]:
    """Compare three cycles: the middle one with its neighbours. `period` is in samples.

    The middle cycle is centred on its strongest sample: a cut through it would mix neighbours.
    """
    first = math.floor((len(frame) - period) / 2)
    mark = first + int(np.abs(frame[first : first + round(period)]).argmax())
    next_period = _distance_to_next(frame, mark, period)
    last_period = _distance_to_next(frame[::-1], len(frame) - 1 - mark, period)
    if math.isnan(next_period) or math.isnan(last_period):
        return math.nan, math.nan
    jitter = 2 * abs(next_period - last_period) / (next_period + last_period)
    centres = (mark - last_period, mark, mark + next_period)
    levels = [_cycle_level(frame, centre, period) for centre in centres]
    if min(levels) <= 0.0:
        return jitter, math.nan
    before_db, after_db = np.abs(20 * np.diff(np.log10(levels))).tolist()
    return jitter, (before_db + after_db) / 2


def _distance_to_next(frame: np.ndarray, mark: int, period: float) -> float:
    """Samples from the cycle around `mark` to the following one, between samples."""
    length = round(period)
    start = mark - length // 2
    first = start + math.floor(period * (1 - CYCLE_SEARCH))
    last = start + math.ceil(period * (1 + CYCLE_SEARCH)) + length
    if start < 0 or last > len(frame):  # the lowest voices do not always fit
        return math.nan
    cycle, ahead = frame[start : start + length], frame[first:last]
    squares = np.concatenate([[0.0], np.cumsum(ahead.astype(np.float64) ** 2)])
    energy = squares[length:] - squares[:-length]
    match = np.correlate(ahead, cycle, "valid") / np.sqrt(np.maximum(energy, 1e-20))
    best = int(match.argmax())
    if best in (0, len(match) - 1):  # the best match is not a peak: this is no cycle
        return math.nan
    left, top, right = (float(m) for m in match[best - 1 : best + 2])
    return first - start + best + 0.5 * (left - right) / min(left - 2 * top + right, -1e-20)


def _cycle_level(frame: np.ndarray, centre: float, period: float) -> float:
    """RMS of one cycle. Not its peak, which at 16 kHz falls between two samples."""
    start = max(0, round(centre - period / 2))
    cycle = frame[start : start + round(period)]
    return float(np.sqrt(np.mean(cycle**2)))
