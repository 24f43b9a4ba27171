"""Valence and arousal over time, by published mappings: of the face, and of the voice.

These are outputs beside the observations, never clues: nothing is looked for in them and no
reasoner is given them. Face and voice are never mixed. Neither mapping was validated here.

Face: an action unit lies where the expressions lie that list it: the mean, over the patterns of
the FACS Investigator's Guide (2002) that hold it, of their places in Russell & Mehrabian 1977
(J. Research in Personality 11, 273-294). au_dimensions.csv has the means. Left out are AU25-27,
which every talking mouth shows, and AU7, which later lists put on both sides (Cordaro et al.
2018). That the squares of intensities add up, and how the sum saturates, is ours.

Voice: Schröder et al. 2001 (Eurospeech) say what pitch, its range and slopes, and loudness do
with activation, evaluation and power, in one set of equations for women and one for men
(speech_dimensions.csv). Which set fits is not guessed: both are solved, for differences from the
speaker's usual, and averaged. Where what is heard hardly narrows a dimension down, it is missing.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from demeanor.explain.perception.voice import LEVEL, PITCH, VoiceMeasurement, mask
from demeanor.explain.records import (
    Channel,
    CueTrack,
    Source,
    SourceKind,
    Span,
    Unit,
)
from demeanor.explain.settings import VoiceSettings

VALENCE, AROUSAL = "valence", "arousal"  # -1 to 1
FACE_SOURCE = Source(SourceKind.MACHINE, "FACS guide x Russell & Mehrabian 1977", "1")
VOICE_SOURCE = Source(SourceKind.MACHINE, "Schröder 2001, differences from usual", "1")

FULL_INTENSITY = 5.0  # a unit at its maximum adds its published place; tanh keeps sums below 1
WINDOW_S, STEP_S = 2.0, 0.5  # a phrase or two: shorter ones tell no range of pitch
MIN_VOICED_S = 0.5  # in a window
SLOPE_S = 0.1  # pitch moves are measured over this long: frame to frame is mostly tremble
FASTEST_ST_PER_S = 61.0  # of a voice: Xu & Sun 2002 (J. Acoust. Soc. Am. 111, 1399-1413)
MIN_SLOPES = 5  # a tenth of a second of rising, or of falling
PRIOR = 40.0  # of -100..100: the emotions in the source lie within 43 of its middle
MAX_SPREAD = 0.75  # of the prior: a wider posterior tells next to nothing
MAX_APART = 40.0  # of -100..100, between the sets: further, it depends on who speaks
RELATIVE_SPREAD = 0.5  # of range and slopes from window to window of ordinary talk; ours
CHUNK = 256  # windows that are solved at a time: two minutes, 5 MB
_SETS = ("female", "male")


def face_dimensions(person: str, tracks: Sequence[CueTrack]) -> tuple[CueTrack, ...]:
    """Valence and arousal of one face; missing where any of the units is that were measured.

    A unit that this backend does not see is left out of the sum and adds to neither side.
    Intensities count by their square: units leak into one another by up to a B, and those leaks
    would pull a broad smile half-way back.
    """
    places = _au_places()
    used = [t for t in tracks if t.side is None and t.code in places]
    if not used:
        return ()
    if any(t.unit is not Unit.FACS_INTENSITY for t in used):
        return _nowhere(person, Channel.FACE, used[0].times_s, "no intensities", FACE_SOURCE)
    levels = np.stack([t.values for t in used]).astype(np.float64)  # (units, frames)
    strong = (levels / FULL_INTENSITY) ** 2  # NaN stays NaN
    missing = tuple(sorted({gap for t in used for gap in t.missing}))
    return tuple(
        CueTrack(
            person,
            Channel.FACE,
            code,
            None,
            Unit.RATIO,
            used[0].times_s,
            np.tanh(np.array([places[t.code][axis] for t in used]) @ strong).astype(np.float32),
            missing,
            FACE_SOURCE,
        )
        for axis, code in enumerate((VALENCE, AROUSAL))
    )


def _nowhere(
    person: str | None, channel: Channel, times_s: np.ndarray, reason: str, source: Source
) -> tuple[CueTrack, ...]:
    """Both tracks, missing throughout: a reason is worth more than an absent column."""
    values = np.full(len(times_s), np.nan, np.float32)
    whole = Span(float(times_s[0]), float(times_s[-1]))
    return tuple(
        CueTrack(
            person, channel, code, None, Unit.RATIO, times_s, values, ((whole, reason),), source
        )
        for code in (VALENCE, AROUSAL)
    )


@cache
def _au_places() -> dict[str, tuple[float, float]]:
    return {
        row["code"]: (float(row["valence"]), float(row["arousal"]))
        for row in _read("au_dimensions.csv")
    }


# The voice ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the equations speak of, of one window or as it is usual; NaN: not measured."""

    f0_hz: float
    range_hz: float
    rise_hz_per_s: float
    fall_hz_per_s: float
    level_db: float

    def as_array(self) -> np.ndarray:
        values = (self.f0_hz, self.range_hz, self.rise_hz_per_s, self.fall_hz_per_s, self.level_db)
        return np.array(values, dtype=np.float64)


def voice_dimensions(voice: VoiceMeasurement, settings: VoiceSettings) -> tuple[CueTrack, ...]:
    """Valence and arousal of the voice, as differences from what is usual for it in this clip."""
    pitch, level = voice.track(PITCH), voice.track(LEVEL)
    if pitch is None or level is None or len(pitch.times_s) < 2 or not voice.speech:
        return ()
    if reason := _too_little(voice, pitch, settings):
        return _nowhere(None, Channel.VOICE, pitch.times_s, reason, VOICE_SOURCE)
    centres_s = np.arange(0.0, voice.duration_s, STEP_S)
    windows = np.stack([_heard(pitch, level, float(t)).as_array() for t in centres_s])
    if np.isnan(windows).all(axis=0).any():
        reason = "no stretch of speech is long enough"
        return _nowhere(None, Channel.VOICE, pitch.times_s, reason, VOICE_SOURCE)
    solved = solve(windows, np.nanmedian(windows, axis=0), settings)
    return tuple(
        _voice_track(code, column, centres_s, pitch.times_s, voice.speech)
        for code, column in zip((VALENCE, AROUSAL), solved.T, strict=True)
    )


def _too_little(voice: VoiceMeasurement, pitch: CueTrack, settings: VoiceSettings) -> str:
    voiced_s = float((~np.isnan(pitch.values)).sum() * (pitch.times_s[1] - pitch.times_s[0]))
    if voiced_s < settings.min_usual_s:
        return f"only {voiced_s:.1f} s of voice to know the speaker's usual by"
    snr_db = voice.signal_to_noise_db
    if snr_db is not None and snr_db < settings.min_snr_db:
        return f"the speech is only {snr_db:.0f} dB above the background"
    return ""


def _heard(pitch: CueTrack, level: CueTrack, centre_s: float) -> Heard:
    """Of the voiced frames around `centre_s`; NaN throughout where there are too few."""
    first, last = np.searchsorted(
        pitch.times_s, (centre_s - WINDOW_S / 2, centre_s + WINDOW_S / 2)
    ).tolist()
    f0_hz = 27.5 * 2 ** (pitch.values[first:last].astype(np.float64) / 12)
    hop_s = float(pitch.times_s[1] - pitch.times_s[0])
    voiced = ~np.isnan(f0_hz)
    if voiced.sum() * hop_s < MIN_VOICED_S:
        return Heard(*[float("nan")] * 5)
    low, middle, high = np.percentile(f0_hz[voiced], [25, 50, 75]).tolist()
    slopes = _slopes(f0_hz, hop_s)
    levels_db = level.values[first:last][voiced]
    known_db = levels_db[~np.isnan(levels_db)]
    return Heard(
        middle,
        high - low,
        _mean(slopes[slopes > 0]),
        _mean(-slopes[slopes < 0]),
        float(np.median(known_db)) if len(known_db) else float("nan"),
    )


def _slopes(f0_hz: np.ndarray, hop_s: float) -> np.ndarray:
    """Hz a second; leaps that no voice can make are errors of an octave, and left out."""
    lag = max(1, round(SLOPE_S / hop_s))
    before, after = f0_hz[:-lag], f0_hz[lag:]
    with np.errstate(invalid="ignore"):
        possible = np.abs(12 * np.log2(after / before)) <= FASTEST_ST_PER_S * lag * hop_s
    return np.asarray((after - before)[possible] / (lag * hop_s))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) >= MIN_SLOPES else float("nan")


def solve(windows: np.ndarray, usual: np.ndarray, settings: VoiceSettings) -> np.ndarray:
    """(n, 2) valence and arousal, -1 to 1, of windows (n, 5) in the order of `Heard`.

    The mean over all places of the three dimensions, weighed by how well the equations fit
    there, less the same for a window that is just as usual: so 0 is the speaker's usual. What a
    window lacks is no evidence. NaN where a dimension is hardly narrowed down, or placed
    elsewhere by the other set.
    """
    n_chunks = -(-len(windows) // CHUNK)  # all at once would take 20 kB a window
    return np.vstack([_solve(c, usual, settings) for c in np.array_split(windows, n_chunks)])


def _solve(windows: np.ndarray, usual: np.ndarray, settings: VoiceSettings) -> np.ndarray:
    places = _places()  # (places, 3): activation, evaluation, power
    solved = []
    for name in _SETS:
        base, predicted = _equations(name)
        spread = _spread(base, settings)
        found = _posterior(_difference(windows, usual, base), predicted, spread, places)
        as_usual = _posterior(np.zeros((1, len(usual))), predicted, spread, places)
        solved.append((found[0] - as_usual[0], found[1]))
    means, widths = (np.stack([s[i] for s in solved])[:, :, [1, 0]] for i in (0, 1))
    told = (widths.mean(axis=0) <= MAX_SPREAD * PRIOR) & (np.ptp(means, axis=0) <= MAX_APART)
    told &= ~np.isnan(windows[:, :1])
    return np.where(told, np.clip(means.mean(axis=0) / 100, -1, 1), np.nan)


def _difference(windows: np.ndarray, usual: np.ndarray, base: np.ndarray) -> np.ndarray:
    """In the units of the equations: shares of the usual become shares of their own middle."""
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = (windows[:, :4] / usual[:4] - 1) * base[:4]
    centibel = 10 * (windows[:, 4:] - usual[4])
    return np.hstack([relative, centibel])


def _spread(base: np.ndarray, settings: VoiceSettings) -> np.ndarray:
    """How far each measure strays in ordinary talk: what is worth a line elsewhere."""
    pitch = base[0] * (2 ** (settings.pitch_change_st / 12) - 1)
    relative = (RELATIVE_SPREAD * base[1:4]).tolist()
    return np.array([pitch, *relative, 10 * settings.level_change_db])


def _posterior(
    observed: np.ndarray, predicted: np.ndarray, spread: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations, (n, 3) each, of the dimensions."""
    known = ~np.isnan(observed)
    x, w = np.where(known, observed, 0.0) / spread, known.astype(np.float64)
    p = predicted / spread  # (places, 5)
    misfit = w @ (p**2).T - 2 * (x * w) @ p.T
    log_weight = -0.5 * (misfit + (places**2).sum(axis=1) / PRIOR**2)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    mean = weight @ places
    return mean, np.sqrt(np.maximum(0.0, weight @ places**2 - mean**2))


@cache
def _places() -> np.ndarray:
    fine, coarse = np.arange(-100.0, 101.0, 10.0), np.arange(-100.0, 101.0, 20.0)
    grid = np.meshgrid(fine, coarse, coarse, indexing="ij")
    return np.stack([axis.ravel() for axis in grid], axis=1)


@cache
def _equations(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values in the middle, (5,), and what each place adds to them, (places, 5)."""
    rows = [row for row in _read("speech_dimensions.csv") if row["set"] == name]
    places = _places()
    terms = np.hstack([places, places**2])
    names = ("A", "E", "P", "A2", "E2", "P2")
    weights = np.array([[float(row[n]) for n in names] for row in rows])
    return np.array([float(row["c0"]) for row in rows]), terms @ weights.T


def _voice_track(
    code: str,
    values: np.ndarray,
    centres_s: np.ndarray,
    times_s: np.ndarray,
    speech: tuple[Span, ...],
) -> CueTrack:
    """At the times of the other voice tracks: each moment of speech has its nearest window's."""
    nearest = np.minimum(np.round(times_s / STEP_S).astype(int), len(centres_s) - 1)
    speaking = mask(times_s, speech)
    kept = np.where(speaking, values[nearest], np.nan).astype(np.float32)
    why = np.select([~speaking, np.isnan(kept)], [1, 2], 0)
    return CueTrack(
        None,
        Channel.VOICE,
        code,
        None,
        Unit.RATIO,
        times_s,
        kept,
        tuple(_gaps(times_s, why)),
        VOICE_SOURCE,
    )


_WHY = {1: "nobody is heard speaking", 2: "the voice tells too little of it here"}


def _gaps(times_s: np.ndarray, why: np.ndarray) -> list[tuple[Span, str]]:
    edges = np.flatnonzero(np.diff(why)) + 1
    starts = [0, *edges.tolist()]
    ends = [*edges.tolist(), len(why) - 1]
    return [
        (Span(float(times_s[start]), float(times_s[end])), _WHY[int(why[start])])
        for start, end in zip(starts, ends, strict=True)
        if why[start]
    ]


def _read(name: str) -> list[dict[str, str]]:
    text = files("demeanor.explain.perception").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
