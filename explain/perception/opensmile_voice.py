"""The voice measured by openSMILE's own eGeMAPSv02, for whoever needs its exact values.

openSMILE is under terms of its own (audEERING: research and other non-commercial use), which is
why it is never the default and why each result that used it says so. Its level descriptors hold
no sound level and no peaks; those, the voice activity and the noise estimate stay ours, each
track under its own source. Values of the two tools are never mixed within a track.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from demeanor.explain.errors import MissingExtra
from demeanor.explain.perception.vad import SAMPLE_RATE_HZ, SpeechDetector
from demeanor.explain.perception.voice import (
    ALPHA,
    HNR,
    HOP_S,
    JITTER,
    LEVEL,
    PITCH,
    RATE,
    SHIMMER,
    Blocks,
    VoiceAnalyser,
    VoiceMeasurement,
    Why,
    make_track,
    mask,
)
from demeanor.explain.records import CueTrack, Source, SourceKind, Unit
from demeanor.explain.settings import VoiceSettings

LICENCE_NOTE = (
    "voice measured by openSMILE (audEERING), whose licence allows research and other "
    "non-commercial use only"
)
BLOCK_S, CONTEXT_S = 30, 1  # its smoothing and its pitch path look less than a second around
FRAMES_PER_S = round(1 / HOP_S)
PITCH_LEAD = 3  # its 60 ms frames start every 10 ms: the one centred on t started 30 ms before
SPECTRUM_LEAD = 1  # 20 ms frames

_COLUMNS = (
    (PITCH, "F0semitoneFrom27.5Hz_sma3nz", Unit.SEMITONE, PITCH_LEAD),
    (HNR, "HNRdBACF_sma3nz", Unit.DECIBEL, PITCH_LEAD),
    (JITTER, "jitterLocal_sma3nz", Unit.RATIO, PITCH_LEAD),
    (SHIMMER, "shimmerLocaldB_sma3nz", Unit.DECIBEL, PITCH_LEAD),
    (ALPHA, "alphaRatio_sma3", Unit.DECIBEL, SPECTRUM_LEAD),
)


class OpensmileAnalyser:
    """Used like VoiceAnalyser: takes 16 kHz mono float32 in order, in chunks of any size."""

    def __init__(self, settings: VoiceSettings, detector: SpeechDetector | None = None) -> None:
        try:
            import opensmile
        except ImportError as error:
            raise MissingExtra("--voice-backend opensmile", "opensmile", "opensmile") from error

        self._smile: Any = opensmile.Smile(
            feature_set=opensmile.FeatureSet.eGeMAPSv02,
            feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
        )
        self._source = Source(SourceKind.MACHINE, "opensmile eGeMAPSv02", opensmile.__version__)
        self._ours = VoiceAnalyser(settings, detector)
        size, step = (BLOCK_S + 2 * CONTEXT_S) * SAMPLE_RATE_HZ, BLOCK_S * SAMPLE_RATE_HZ
        self._blocks = Blocks(size, step, np.zeros(CONTEXT_S * SAMPLE_RATE_HZ, dtype=np.float32))
        self._columns: list[np.ndarray] = []  # (frames, columns) of each block

    def add(self, samples: np.ndarray) -> None:
        self._ours.add(samples)
        for block in self._blocks.add(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)):
            self._columns.append(self._measure(block, BLOCK_S * FRAMES_PER_S))

    def finish(self) -> VoiceMeasurement:
        ours = self._ours.finish()
        if not ours.tracks:
            return ours
        times_s = ours.tracks[0].times_s
        n_left = len(times_s) - len(self._columns) * BLOCK_S * FRAMES_PER_S
        if n_left > 0:
            rest = np.pad(self._blocks.rest(), (0, CONTEXT_S * SAMPLE_RATE_HZ))
            self._columns.append(self._measure(rest, n_left))
        tracks = self._tracks(ours, times_s, np.vstack(self._columns))
        return replace(ours, tracks=tracks, notes=(LICENCE_NOTE,))

    def _measure(self, block: np.ndarray, n_frames: int) -> np.ndarray:
        """(frames, columns) float32 of the block without its context, at our 50 Hz."""
        table = self._smile.process_signal(block, SAMPLE_RATE_HZ)
        starts = 2 * (CONTEXT_S * FRAMES_PER_S + np.arange(n_frames))  # of every second 10 ms frame
        columns = []
        for _, name, _, lead in _COLUMNS:
            values = table[name].to_numpy(dtype=np.float32)
            rows = starts - lead
            columns.append(values[np.minimum(rows, len(values) - 1)])
        return np.stack(columns, axis=1)

    def _tracks(
        self, ours: VoiceMeasurement, times_s: np.ndarray, columns: np.ndarray
    ) -> tuple[CueTrack, ...]:
        speaking = mask(times_s, ours.speech)
        unvoiced = columns[:, 0] <= 0.0  # openSMILE writes 0 for "no pitch"
        why = np.select([~speaking, unvoiced], [Why.NO_SPEECH, Why.UNVOICED], Why.MEASURED)
        measured = (
            make_track(times_s, code, unit, columns[:, index], why, self._source)
            for index, (code, _, unit, _) in enumerate(_COLUMNS)
        )
        kept = (t for t in ours.tracks if t.code in (LEVEL, RATE))
        return (*measured, *kept)
