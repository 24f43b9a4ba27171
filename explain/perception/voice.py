"""How the voice sounds over time: pitch, level, tone, roughness and pace, 50 values a second.

Names and definitions follow GeMAPS (Eyben et al. 2016, IEEE Trans. Affective Computing 7,
190-202). The measurements are our own and go under the source "voice": never compare them with
openSMILE's, with Praat's or with published norms; compare a speaker with himself.

Sound arrives in chunks while the file is decoded once; what is kept is the tracks.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter1d

from demeanor.explain.perception import pitch, vad
from demeanor.explain.perception.laughter import Laugh, find_laughs
from demeanor.explain.perception.peaks import prominent_peaks
from demeanor.explain.perception.pitch import HOP_SAMPLES
from demeanor.explain.perception.vad import SAMPLE_RATE_HZ, SpeechDetector
from demeanor.explain.records import (
    Channel,
    CueTrack,
    NotMeasured,
    Source,
    SourceKind,
    Span,
    Unit,
)
from demeanor.explain.settings import VoiceSettings

SOURCE = Source(SourceKind.MACHINE, "voice", "1")
PITCH, LEVEL, HNR = "F0semitoneFrom27.5Hz", "equivalentSoundLevel_dBp", "HNRdBACF"
JITTER, SHIMMER, ALPHA = "jitterLocal", "shimmerLocaldB", "alphaRatioV"
RATE = "loudnessPeaksPerSec"
BACKGROUND = "voice apart from the background"  # what is not measured over music

HOP_S = HOP_SAMPLES / SAMPLE_RATE_HZ
FRAMES_PER_BLOCK = 250  # 5 s: some 10 MB of work space
LEVEL_SAMPLES = 2 * HOP_SAMPLES  # 40 ms: two cycles of a 50 Hz voice
FULL_SCALE = 0.99  # decoders and resamplers smooth a clipped peak a little below 1
RATE_WINDOW_S = 2.0  # some eight syllables
MIN_RATE_SPEECH_S = 0.5
MIN_SOUND_S = 0.3  # a syllable; nothing is said about less
MIN_NOISE_S = 0.5  # of non-speech, to tell how loud the background is
GUARD_S = 0.2  # around speech: reverberation and breath are not background
MAX_SNR_DB = 60.0  # gaps of digital silence would give infinity
FAINT_DB = 25.0  # below the loudest of a stretch of speech: hum and echo there, no vowel
TONAL_SHARE = 0.3  # of the background: breath, noise and other people's talk hold no notes
TONAL_BELOW_SPEECH_DB = 25.0  # fainter tones do not disturb the pitch of the voice


@dataclass(frozen=True, slots=True)
class SoundParts:
    """How much of the clip's time is what, by what sounds loudest then; together 1."""

    speech: float
    music: float  # music or tones, while nobody speaks
    noise: float
    silence: float


@dataclass(frozen=True, slots=True, eq=False)
class VoiceMeasurement:
    """What the sound of one clip gave. Voices are not told apart: person is None throughout."""

    tracks: tuple[CueTrack, ...]  # all with the same times; empty without sound
    speech: tuple[Span, ...]
    not_measured: tuple[NotMeasured, ...]
    signal_to_noise_db: float | None  # speech over background; None: no background was heard
    loudness_peaks_s: np.ndarray  # (n,) float64, the peaks that the rate counts
    duration_s: float
    notes: tuple[str, ...] = ()  # what the reader should know about the tool: its licence
    parts: SoundParts | None = None
    laughs: tuple[Laugh, ...] = ()

    def track(self, code: str) -> CueTrack | None:
        return next((t for t in self.tracks if t.code == code), None)


class Why(IntEnum):
    """Why a frame has no value."""

    MEASURED = 0
    SILENCE = 1
    NO_SPEECH = 2
    UNVOICED = 3
    CLIPPED = 4
    IRREGULAR = 5
    LITTLE_SPEECH = 6


_REASONS = {
    Why.SILENCE: "digital silence",
    Why.NO_SPEECH: "nobody is heard speaking",
    Why.UNVOICED: "no voiced sound",
    Why.CLIPPED: "the recording is clipped",
    Why.IRREGULAR: "neighbouring cycles could not be compared",
    Why.LITTLE_SPEECH: "too little speech nearby",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """Raw values of consecutive frames, before it is known where speech is."""

    f0_hz: np.ndarray  # (n,) float32, as are the others
    regularity: np.ndarray
    jitter: np.ndarray
    shimmer_db: np.ndarray
    level_db: np.ndarray  # -inf: digital silence
    alpha_db: np.ndarray
    clipped: np.ndarray  # (n,) bool


class VoiceAnalyser:
    """Takes 16 kHz mono float32 in -1..1, in order, in chunks of any size.

    `detector` says where speech is; None: silero-vad. Tests put their own.
    """

    def __init__(self, settings: VoiceSettings, detector: SpeechDetector | None = None) -> None:
        self._settings = settings
        self._detect = detector
        self._window = pitch.window_samples(settings.pitch_floor_hz)
        block_samples = (FRAMES_PER_BLOCK - 1) * HOP_SAMPLES + self._window
        lead_in = np.zeros(self._window // 2, dtype=np.float32)  # frame 0 is centred on time 0
        self._for_frames = Blocks(block_samples, FRAMES_PER_BLOCK * HOP_SAMPLES, lead_in)
        vad_samples = 128 * vad.WINDOW_SAMPLES
        self._for_vad = Blocks(vad_samples, vad_samples, np.zeros(0, dtype=np.float32))
        self._frames: list[_Frames] = []
        self._probabilities: list[np.ndarray] = []
        self._n_samples = 0
        self._n_not_numbers = 0

    def add(self, samples: np.ndarray) -> None:
        """The next samples, (n,) float32. What is not a number is counted and silenced."""
        if samples.ndim != 1:
            raise ValueError(f"wanted mono samples (n,), found shape {samples.shape}")
        finite = np.isfinite(samples)
        if not finite.all():
            self._n_not_numbers += int((~finite).sum())
            samples = np.where(finite, samples, 0.0)
        self._n_samples += len(samples)
        samples = samples.astype(np.float32, copy=False)
        for block in self._for_frames.add(samples):
            self._measure(block)
        for block in self._for_vad.add(samples):
            self._listen(block)

    def finish(self) -> VoiceMeasurement:
        duration_s = self._n_samples / SAMPLE_RATE_HZ
        if self._n_samples == 0:
            return _nothing("the clip has no sound", 0.0)
        if duration_s < MIN_SOUND_S:
            return _nothing(f"the sound is only {duration_s:.2f} s long", duration_s)
        self._finish_frames()
        rest = self._for_vad.rest()
        self._listen(np.pad(rest, (0, -len(rest) % vad.WINDOW_SAMPLES)))
        frames = _join(self._frames)
        probabilities = np.concatenate(self._probabilities)
        speech = vad.speech_spans(probabilities, duration_s, self._settings)
        return _assemble(frames, speech, duration_s, self._n_not_numbers, self._settings)

    def _finish_frames(self) -> None:
        n_left = math.ceil(self._n_samples / HOP_SAMPLES) - sum(len(f.f0_hz) for f in self._frames)
        if n_left > 0:
            rest = self._for_frames.rest()
            n_wanted = (n_left - 1) * HOP_SAMPLES + self._window
            self._measure(np.pad(rest, (0, max(0, n_wanted - len(rest))))[:n_wanted])

    def _measure(self, block: np.ndarray) -> None:
        frames = np.lib.stride_tricks.sliding_window_view(block, self._window)[::HOP_SAMPLES]
        previous_hz = float(self._frames[-1].f0_hz[-1]) if self._frames else math.nan
        self._frames.append(_measure_frames(frames, previous_hz, self._settings))

    def _listen(self, block: np.ndarray) -> None:
        if len(block) == 0:
            return
        self._detect = self._detect or vad.silero()
        self._probabilities.append(self._detect(block.reshape(-1, vad.WINDOW_SAMPLES)))


class Blocks:
    """Chunks of any size in, blocks of `size` out, each beginning `step` after the last."""

    def __init__(self, size: int, step: int, lead_in: np.ndarray) -> None:
        self._size, self._step = size, step
        self._kept, self._n_kept = [lead_in], len(lead_in)

    def add(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        self._kept.append(samples)
        self._n_kept += len(samples)
        if self._n_kept < self._size:
            return
        joined = np.concatenate(self._kept)
        start = 0
        while len(joined) - start >= self._size:
            yield joined[start : start + self._size]
            start += self._step
        self._kept, self._n_kept = [joined[start:].copy()], len(joined) - start

    def rest(self) -> np.ndarray:
        """What no block has begun with yet."""
        return np.concatenate(self._kept)


def _measure_frames(frames: np.ndarray, previous_hz: float, settings: VoiceSettings) -> _Frames:
    heard = pitch.measure_pitch(
        frames, settings.pitch_floor_hz, settings.pitch_ceiling_hz, previous_hz
    )
    return _Frames(
        heard.f0_hz,
        heard.regularity,
        heard.jitter,
        heard.shimmer_db,
        _level_db(frames),
        _alpha_ratio_db(frames),
        (np.abs(frames) >= FULL_SCALE).mean(axis=1) > settings.clipped_share,
    )


def _level_db(frames: np.ndarray) -> np.ndarray:
    """Root mean square in dB below full scale (a square wave at full scale is 0 dB).

    Uncalibrated: distance and gain are unknown, so it says nothing between recordings.
    """
    start = (frames.shape[1] - LEVEL_SAMPLES) // 2
    middle = frames[:, start : start + LEVEL_SAMPLES]
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(middle.var(axis=1)), dtype=np.float32)


def _alpha_ratio_db(frames: np.ndarray) -> np.ndarray:
    """Energy in 1-5 kHz over energy in 50-1000 Hz; less negative: more highs."""
    n_fft = fft.next_fast_len(frames.shape[1], real=True)
    window = np.hanning(frames.shape[1]).astype(np.float32)
    power = np.abs(fft.rfft(frames * window, n_fft)) ** 2
    hz = fft.rfftfreq(n_fft, 1 / SAMPLE_RATE_HZ)
    low = power[:, (hz >= 50) & (hz < 1000)].sum(axis=1)
    high = power[:, (hz >= 1000) & (hz <= 5000)].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(10 * np.log10(high / low), dtype=np.float32)


def _join(frames: list[_Frames]) -> _Frames:
    names = _Frames.__slots__
    return _Frames(*(np.concatenate([getattr(f, name) for f in frames]) for name in names))


def _nothing(reason: str, duration_s: float) -> VoiceMeasurement:
    none = np.zeros(0)
    return VoiceMeasurement((), (), (NotMeasured("voice", reason),), None, none, duration_s)


def _assemble(
    frames: _Frames,
    speech: tuple[Span, ...],
    duration_s: float,
    n_not_numbers: int,
    settings: VoiceSettings,
) -> VoiceMeasurement:
    times_s = np.arange(len(frames.f0_hz)) * HOP_S
    heard, speech = speech, vad.foreground(speech, times_s, frames.level_db, settings)
    speaking = mask(times_s, speech)
    steady = steady_tones(frames.f0_hz, settings)
    laughs = find_laughs(times_s, frames.f0_hz, frames.level_db, frames.alpha_db, settings)
    frames = _without_faint_pitch(times_s, frames, speech)
    peaks_s = loudness_peaks(
        times_s, frames.level_db, speaking & ~np.isnan(frames.f0_hz), settings.peak_prominence_db
    )
    snr_db = signal_to_noise_db(times_s, frames.level_db, speech)
    return VoiceMeasurement(
        _tracks(times_s, frames, speaking, peaks_s),
        speech,
        (
            *_not_measured(times_s, frames, speech, steady, n_not_numbers),
            *_behind(heard, speech),
            *_drowned(snr_db, settings),
        ),
        snr_db,
        peaks_s,
        duration_s,
        parts=sound_parts(speaking, steady, frames.level_db, settings),
        laughs=laughs,
    )


def steady_tones(f0_hz: np.ndarray, settings: VoiceSettings) -> np.ndarray:
    """Frames, (n,) bool, in which a note is held: its pitch stays still for `tone_s`."""
    with np.errstate(invalid="ignore"):
        still = np.abs(np.diff(pitch.semitones(f0_hz))) <= settings.tone_drift_st  # NaN: False
    steady = np.zeros(len(f0_hz), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if (last - first + 1) * HOP_S >= settings.tone_s - 1e-9:
            steady[first : last + 1] = True
    return steady


def sound_parts(
    speaking: np.ndarray, steady: np.ndarray, level_db: np.ndarray, settings: VoiceSettings
) -> SoundParts:
    audible = level_db > settings.silence_db
    music = ~speaking & steady & audible
    noise = ~speaking & ~steady & audible
    silence = ~speaking & ~audible
    return SoundParts(*(float(part.mean()) for part in (speaking, music, noise, silence)))


def _without_faint_pitch(times_s: np.ndarray, frames: _Frames, speech: tuple[Span, ...]) -> _Frames:
    """Speech too faint to be a vowel loses its pitch: there it would be that of the hum."""
    f0_hz = frames.f0_hz.copy()
    for span in speech:
        inside = mask(times_s, (span,))
        level_db = frames.level_db[inside]
        if len(level_db):
            faint = level_db < np.percentile(level_db, 95) - FAINT_DB
            f0_hz[inside] = np.where(faint, np.nan, f0_hz[inside])
    return replace(frames, f0_hz=f0_hz)


def _tracks(
    times_s: np.ndarray, frames: _Frames, speaking: np.ndarray, peaks_s: np.ndarray
) -> tuple[CueTrack, ...]:
    silent = np.isneginf(frames.level_db)
    why_level = np.select([silent, frames.clipped], [Why.SILENCE, Why.CLIPPED], Why.MEASURED)
    unvoiced = np.isnan(frames.f0_hz)
    why_pitch = np.select(
        [silent, ~speaking, unvoiced],
        [Why.SILENCE, Why.NO_SPEECH, Why.UNVOICED],
        Why.MEASURED,
    )
    why_tone = np.where((why_pitch == 0) & frames.clipped, Why.CLIPPED, why_pitch)
    rate, enough = _rate(times_s, speaking, peaks_s)
    why_rate = np.select([~speaking, ~enough], [Why.NO_SPEECH, Why.LITTLE_SPEECH], Why.MEASURED)
    with np.errstate(invalid="ignore"):
        pitch_st, hnr_db = (
            pitch.semitones(frames.f0_hz),
            pitch.harmonics_to_noise_db(frames.regularity),
        )
    columns = (
        (PITCH, Unit.SEMITONE, pitch_st, why_pitch),
        (LEVEL, Unit.DECIBEL, frames.level_db, why_level),
        (HNR, Unit.DECIBEL, hnr_db, why_tone),
        (JITTER, Unit.RATIO, frames.jitter, why_tone),
        (SHIMMER, Unit.DECIBEL, frames.shimmer_db, why_tone),
        (ALPHA, Unit.DECIBEL, frames.alpha_db, why_tone),
        (RATE, Unit.PER_SECOND, rate, why_rate),
    )
    return tuple(make_track(times_s, *column) for column in columns)


def make_track(
    times_s: np.ndarray,
    code: str,
    unit: Unit,
    values: np.ndarray,
    why: np.ndarray,
    source: Source = SOURCE,
) -> CueTrack:
    """A track of the voice; NaN where `why` (a Why per frame) or the value itself says so."""
    why = np.where((why == 0) & ~np.isfinite(values), Why.IRREGULAR, why)
    kept = np.where(why == 0, values, np.nan).astype(np.float32)
    return CueTrack(None, Channel.VOICE, code, None, unit, times_s, kept, _missing(why), source)


def _missing(why: np.ndarray) -> tuple[tuple[Span, str], ...]:
    """Runs of one reason as spans, each frame standing for one hop from its time on."""
    edges = np.flatnonzero(np.diff(why)) + 1
    starts = np.concatenate([[0], edges]).astype(int).tolist()
    ends = np.concatenate([edges, [len(why)]]).astype(int).tolist()
    return tuple(
        (Span(start * HOP_S, end * HOP_S), _REASONS[Why(int(why[start]))])
        for start, end in zip(starts, ends, strict=True)
        if why[start] != Why.MEASURED
    )


def mask(times_s: np.ndarray, spans: tuple[Span, ...], margin_s: float = 0.0) -> np.ndarray:
    """Which times lie in any of the spans, each widened by `margin_s`."""
    inside = np.zeros(len(times_s), dtype=bool)
    for span in spans:
        first, last = np.searchsorted(times_s, (span.start_s - margin_s, span.end_s + margin_s))
        inside[first:last] = True
    return inside


def loudness_peaks(
    times_s: np.ndarray, level_db: np.ndarray, voiced: np.ndarray, prominence_db: float
) -> np.ndarray:
    """Times of voiced peaks of the smoothed level: an estimate of syllables, not a count.

    After de Jong & Wempe 2009 (Behavior Research Methods 41, 385-390): a peak counts if it is
    voiced and a dip of some 2 dB parts it from the next. Level stands in for eGeMAPS loudness.
    """
    finite = level_db[np.isfinite(level_db)]
    if len(finite) == 0:
        return np.zeros(0)
    filled = np.where(np.isfinite(level_db), level_db, finite.min())
    smooth_db = gaussian_filter1d(filled.astype(np.float64), sigma=1.5)  # 30 ms: under a syllable
    peaks = prominent_peaks(smooth_db, prominence_db)
    parted = _parted(peaks.tolist(), smooth_db, prominence_db)
    return np.asarray([times_s[p] for p in parted if voiced[p]], dtype=np.float64)


def _parted(peaks: list[int], level_db: np.ndarray, dip_db: float) -> list[int]:
    """Of neighbours without a dip between them, the higher one.

    Prominence alone does not see to it: equal peaks are all as prominent as the silence around.
    """
    kept: list[int] = []
    for peak in peaks:
        if kept:
            lower_db = min(level_db[kept[-1]], level_db[peak])
            if lower_db - level_db[kept[-1] : peak].min() < dip_db:
                kept[-1] = max(kept[-1], peak, key=lambda p: float(level_db[p]))
                continue
        kept.append(peak)
    return kept


def _rate(
    times_s: np.ndarray, speaking: np.ndarray, peaks_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Peaks per second of speech around each frame, and whether there was enough of it."""
    half = round(RATE_WINDOW_S / 2 / HOP_S)
    is_peak = np.zeros(len(times_s))
    is_peak[np.searchsorted(times_s, peaks_s)] = 1
    n_peaks, speech_s = (_moving_sum(x, half) for x in (is_peak, speaking * HOP_S))
    enough = speech_s >= MIN_RATE_SPEECH_S
    return n_peaks / np.maximum(speech_s, MIN_RATE_SPEECH_S), enough


def _moving_sum(values: np.ndarray, half: int) -> np.ndarray:
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    last = np.minimum(index + half + 1, len(values))
    return np.asarray(total[last] - total[np.maximum(index - half, 0)])


def signal_to_noise_db(
    times_s: np.ndarray, level_db: np.ndarray, speech: tuple[Span, ...]
) -> float | None:
    """Speech over what is heard between it, at most 60 dB; None where either is lacking."""
    background = ~mask(times_s, speech, GUARD_S)
    if not speech or background.sum() * HOP_S < MIN_NOISE_S:
        return None
    energy = 10 ** (level_db.astype(np.float64) / 10)
    noise, both = energy[background].mean(), energy[mask(times_s, speech)].mean()
    if both <= noise:
        return 0.0
    if noise <= 0.0:
        return MAX_SNR_DB
    return float(min(MAX_SNR_DB, max(0.0, 10 * math.log10((both - noise) / noise))))


def _not_measured(
    times_s: np.ndarray,
    frames: _Frames,
    speech: tuple[Span, ...],
    steady: np.ndarray,
    n_not_numbers: int,
) -> Iterator[NotMeasured]:
    if n_not_numbers:
        yield NotMeasured("voice", f"{n_not_numbers} samples of the sound are not numbers")
    if np.isneginf(frames.level_db).all():
        yield NotMeasured("voice", "the sound is digital silence")
        return
    tonal = _tonal_share(times_s, frames, speech, steady)
    if not speech:
        heard = "; there is music or a tone" if tonal and tonal >= TONAL_SHARE else ""
        yield NotMeasured("voice", f"nobody is heard speaking{heard}")
        return
    speaking = mask(times_s, speech)
    if np.isnan(frames.f0_hz[speaking]).all():
        yield NotMeasured("pitch", "the speech holds no voiced sound")
    clipped_share = frames.clipped[speaking].mean()
    if clipped_share > 0.01:
        yield NotMeasured(
            "loudness and tone of voice", f"{clipped_share:.0%} of the speech is clipped"
        )
    if tonal is not None and tonal >= TONAL_SHARE:
        yield NotMeasured(
            BACKGROUND,
            f"music or a tone is heard in {tonal:.0%} of the time without speech; "
            "pitch and loudness may include it",
        )


def _drowned(snr_db: float | None, settings: VoiceSettings) -> Iterator[NotMeasured]:
    if snr_db is not None and snr_db < settings.min_snr_db:
        yield NotMeasured(
            "changes of the voice", f"the speech is only {snr_db:.0f} dB above the background"
        )


def _behind(heard: tuple[Span, ...], kept: tuple[Span, ...]) -> Iterator[NotMeasured]:
    """Speech that was taken for background: whoever talks there is not described."""
    left_s = sum(s.duration_s for s in heard) - sum(s.duration_s for s in kept)
    if left_s >= MIN_NOISE_S:
        yield NotMeasured(
            "talk in the background",
            f"{left_s:.1f} s of speech are no louder than what sounds all the time",
        )


def _tonal_share(
    times_s: np.ndarray, frames: _Frames, speech: tuple[Span, ...], steady: np.ndarray
) -> float | None:
    """How much of the background holds notes; None: too little background to tell."""
    background = ~mask(times_s, speech, GUARD_S)
    if background.sum() * HOP_S < MIN_NOISE_S:
        return None
    audible = np.isfinite(frames.level_db)
    if speech:
        speaking = mask(times_s, speech)
        audible = frames.level_db > np.median(frames.level_db[speaking]) - TONAL_BELOW_SPEECH_DB
    return float((steady & audible)[background].mean())
