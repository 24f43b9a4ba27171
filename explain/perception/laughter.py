"""Laughter by its rhythm: short voiced calls of one vowel, evenly spaced, with breath between.

Calls, their pace and the breath between them: Bachorowski, Smoski & Owren 2001 (J. Acoust. Soc.
Am. 110, 1581-1597). Laughter without voice, or of a single call, is not found. Syllables that are
said over and over ("ta ta ta ta") have the same rhythm, and are found along with it.

Sighs and weeping are not looked for: a breath out and any noise that fades are the same to these
measures, and weeping has no rhythm of its own that talk, song and wind do not share.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from demeanor.explain.records import Span
from demeanor.explain.settings import VoiceSettings

NOT_TOLD = "sighs and weeping"
WHY_NOT_TOLD = "a breath cannot be told from other fading noise, nor weeping from other wails"


@dataclass(frozen=True, slots=True)
class Laugh:
    span: Span
    loudest_s: float
    calls_per_s: float


@dataclass(frozen=True, slots=True)
class _Call:
    """One stretch of voice. Indices count frames; `end` is the first one after it."""

    start: int
    peak: int  # its loudest frame
    end: int
    level_db: float
    tone_db: float  # mean alpha ratio: the vowel's brightness


def find_laughs(
    times_s: np.ndarray,
    f0_hz: np.ndarray,
    level_db: np.ndarray,
    tone_db: np.ndarray,
    settings: VoiceSettings,
) -> tuple[Laugh, ...]:
    """All arrays (n,): pitch NaN where no voice sounds, level -inf in digital silence."""
    if len(times_s) < 2:
        return ()
    hop_s = float(times_s[1] - times_s[0])
    level_db = np.maximum(level_db, -100.0)
    calls = list(_calls(f0_hz, level_db, tone_db))
    rows = _rows(calls, level_db, hop_s, settings)
    return tuple(_laugh(row, times_s, hop_s) for row in rows if _is_laugh(row, settings))


def _calls(f0_hz: np.ndarray, level_db: np.ndarray, tone_db: np.ndarray) -> Iterator[_Call]:
    voiced = np.concatenate([[False], ~np.isnan(f0_hz), [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(voiced))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        peak = start + int(level_db[start:end].argmax())
        yield _Call(start, peak, end, float(level_db[peak]), float(np.mean(tone_db[start:end])))


def _rows(
    calls: list[_Call], level_db: np.ndarray, hop_s: float, settings: VoiceSettings
) -> Iterator[list[_Call]]:
    """Short calls that follow one another at the pace of laughter, parted by breath."""
    row: list[_Call] = []
    for call in calls:
        short = (call.end - call.start) * hop_s <= settings.laugh_call_s + 1e-9
        if row and not (short and _follows(row[-1], call, level_db, hop_s, settings)):
            yield row
            row = []
        if short:
            row.append(call)
    if row:
        yield row


def _follows(
    last: _Call, call: _Call, level_db: np.ndarray, hop_s: float, settings: VoiceSettings
) -> bool:
    period_s = (call.peak - last.peak) * hop_s
    quietest_db = float(level_db[last.peak : call.peak + 1].min())
    in_pace = 1 / settings.laugh_max_hz <= period_s <= 1 / settings.laugh_min_hz
    return in_pace and min(last.level_db, call.level_db) - quietest_db >= settings.laugh_dip_db


def _is_laugh(row: list[_Call], settings: VoiceSettings) -> bool:
    if len(row) < settings.laugh_calls:
        return False
    periods = np.diff([call.peak for call in row])
    lengths = np.array([call.end - call.start for call in row])
    even = all(
        float(v.std()) <= settings.laugh_spread * float(v.mean()) for v in (periods, lengths)
    )
    tones_db = [call.tone_db for call in row if np.isfinite(call.tone_db)]
    return even and bool(tones_db) and float(np.std(tones_db)) <= settings.laugh_tone_db


def _laugh(row: list[_Call], times_s: np.ndarray, hop_s: float) -> Laugh:
    loudest = max(row, key=lambda call: call.level_db)
    pace = (len(row) - 1) / ((row[-1].peak - row[0].peak) * hop_s)
    span = Span(float(times_s[row[0].start]), float(times_s[row[-1].end - 1]) + hop_s)
    return Laugh(span, float(times_s[loudest.peak]), pace)
