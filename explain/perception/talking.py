"""When a face talks, and what its mouth shows in the meantime.

Two signs together: a voice is heard, and this mouth opens and closes as often as syllables do.
One alone is not enough: the voice may be somebody else's, and a single opening is an expression.
A mouth in that rhythm without a voice is told as well, since a silent video may show talking.
While a face talks, only what is held through several syllables counts as an expression.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from demeanor.explain.perception.baseline import frame_step_s
from demeanor.explain.perception.peaks import prominent_peaks
from demeanor.explain.records import Span
from demeanor.explain.settings import EventSettings

_BLUR_S = 0.03  # against the trembling of the points; halves what moves 6 times a second
_PAD_S = 0.2  # lips part before the first sound and close after the last
_PHRASE_GAP_S = 0.5  # a shorter silence does not end the talking


@dataclass(frozen=True, slots=True, eq=False)
class Talking:
    """Frames in which this face talks: (n,) bool each, never both."""

    heard: np.ndarray
    unheard: np.ndarray  # the mouth's rhythm alone

    @property
    def either(self) -> np.ndarray:
        return np.asarray(self.heard | self.unheard)


def talking(
    times_s: np.ndarray,
    opening: np.ndarray | None,
    speech: Sequence[Span],
    settings: EventSettings,
) -> Talking:
    """opening: (n,) FACS levels of the parted lips; None where they are not measured. Then
    nobody is known to talk: a voice alone does not say whose mouth moves.
    """
    nobody = np.zeros(len(times_s), bool)
    if opening is None or len(times_s) < 2:
        return Talking(nobody, nobody)
    rhythm = mouth_rhythm(times_s, opening, settings)
    heard = nobody.copy()
    for phrase in _phrases(speech):
        a, b = np.searchsorted(times_s, [phrase.start_s - _PAD_S, phrase.end_s + _PAD_S])
        if b > a and rhythm[a:b].mean() >= settings.talk_share:
            heard[a:b] = True
    return Talking(heard, rhythm & ~heard)


def mouth_rhythm(times_s: np.ndarray, opening: np.ndarray, settings: EventSettings) -> np.ndarray:
    """(n,) frames within a row of openings that follow each other as syllables do."""
    step_s = frame_step_s(times_s)
    inside = np.zeros(len(times_s), bool)
    known = ~np.isnan(opening)
    if step_s <= 0 or not known.any():
        return inside
    whole = np.interp(times_s, times_s[known], opening[known])
    smooth = gaussian_filter1d(whole, _BLUR_S / step_s)
    peaks = prominent_peaks(smooth, settings.talk_depth)
    peaks = peaks[known[peaks]]
    gaps_s = np.diff(times_s[peaks])
    shortest_s, longest_s = 1 / settings.talk_max_hz, 1 / settings.talk_min_hz
    steady = (gaps_s >= shortest_s) & (gaps_s <= longest_s)
    for first, last in _runs(steady):
        if last - first + 1 >= settings.talk_min_openings:
            start_s, end_s = times_s[peaks[first]], times_s[peaks[last]]
            a, b = np.searchsorted(times_s, [start_s - longest_s / 2, end_s + longest_s / 2])
            inside[a:b] = True
    return np.asarray(inside & known)


def held(values: np.ndarray, times_s: np.ndarray, width_s: float) -> np.ndarray:
    """What is kept up for at least `width_s`: a morphological opening. Shorter rises vanish, a
    plateau keeps its height and its ends. NaN stays NaN and shortens nothing.
    """
    step_s = frame_step_s(times_s)
    width = round(width_s / step_s) | 1 if step_s > 0 else 1  # odd: as far back as ahead
    if width <= 1:
        return values
    lost = np.isnan(values)
    low = minimum_filter1d(np.where(lost, np.inf, values), width, mode="constant", cval=np.inf)
    low = np.where(np.isinf(low), -np.inf, low)  # in the middle of a long gap
    back = maximum_filter1d(low, width, mode="constant", cval=-np.inf)
    return np.where(lost, np.nan, np.minimum(back, values))


def _phrases(speech: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in speech:
        if joined and span.start_s - joined[-1].end_s < _PHRASE_GAP_S:
            joined[-1] = Span(joined[-1].start_s, span.end_s)
        else:
            joined.append(span)
    return joined


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last item of what a run of flagged gaps joins."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
