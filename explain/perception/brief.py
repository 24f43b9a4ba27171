"""Micro-expressions: movements over within half a second, as movements and nothing more.

The limits are those of the literature: 0.04 to 0.5 s from first to last visible change (Ekman's
popular range ends at 0.2 s, data sets such as CASME II take 0.5 s: Yan et al. 2013). A frame
lasts 0.04 s at 25 fps, so slower video shows none; and only against the person's own rest, since
such a movement is smaller than the differences between people. What one means is not said.
"""

import math

import numpy as np
from scipy.ndimage import maximum_filter1d

from demeanor.explain.perception.baseline import frame_step_s
from demeanor.explain.perception.talking import held
from demeanor.explain.settings import EventSettings

_FPS_SLACK = 0.995  # 24.98 fps is 25
_REACH_S = 0.1  # on both sides of what disturbs
_FOOT = 0.25  # of the height: below it a short rise is lost in the trembling
_BESIDE = 0.35  # of the height: what a frame next to the apex shows of any real movement
_JUMPS = 0.9  # of the frames
_MIN_FRAMES = 25  # fewer do not tell trembling from movement
_MIN_KNOWN_S = 5.0  # less does not tell what wanders from what keeps still
Peak = tuple[int, int, int]  # first, apex, last


def too_slow(times_s: np.ndarray, settings: EventSettings) -> bool:
    step_s = frame_step_s(times_s)
    return step_s <= 0 or 1 / step_s < settings.brief_min_fps * _FPS_SLACK


def brief_peaks(
    change: np.ndarray, times_s: np.ndarray, disturbed: np.ndarray, settings: EventSettings
) -> list[Peak]:
    """Short rises above what came just before and after, in time order.

    change: (n,) above the own rest; disturbed: (n,) frames whose short movements are not
    believed, e.g. around a blink. A rise must stand clear of how much this track trembles, and of
    how high it jumps now and then.
    """
    if len(times_s) < 5 or too_slow(times_s, settings):
        return []
    step_s = frame_step_s(times_s)
    values = np.asarray(change, float)
    above = values - held(values, times_s, settings.brief_max_s)
    blocked = near(disturbed | np.isnan(values), step_s, _REACH_S)
    jumps = settings.brief_jumps * _jumping(above[~blocked])
    least = max(settings.brief_enter, settings.brief_trembles * trembling(change), jumps)
    farthest = round(settings.brief_max_s / step_s)
    found = []
    (high,) = np.nonzero(~blocked & (above >= least))
    for group in np.split(high, np.flatnonzero(np.diff(high) > 1) + 1) if len(high) else []:
        apex = int(group[np.argmax(values[group])])
        peak = _whole(values, apex, blocked, farthest, least)
        if peak is not None and _lasts(times_s, peak, settings):
            found.append(peak)
    return found


def near(flags: np.ndarray, step_s: float, reach_s: float) -> np.ndarray:
    """(n,) bool: frames that lie so close to a flagged one."""
    size = 2 * math.ceil(reach_s / step_s) + 1
    return np.asarray(maximum_filter1d(flags.astype(np.uint8), size) > 0)


def _whole(
    values: np.ndarray, apex: int, blocked: np.ndarray, farthest: int, least: float
) -> Peak | None:
    """The rise from foot to foot; None where it is less than `least` above either side of it or
    above rest, where it runs into a gap or the clip's end, and where one frame stands alone: a
    point that jumps.
    """
    sides = [range(apex, max(apex - farthest, 0) - 1, -1)]
    sides.append(range(apex, min(apex + farthest, len(values) - 1) + 1))
    base = max(float(np.nanmin(values[list(side)])) for side in sides)
    if min(values[apex] - base, values[apex]) < least:
        return None
    low = base + _FOOT * (values[apex] - base)
    first, last = (
        next((i for i in side if blocked[i] or values[i] <= low), None) for side in sides
    )
    if first is None or last is None or blocked[first] or blocked[last]:
        return None
    beside = max(values[max(apex - 1, 0)], values[min(apex + 1, len(values) - 1)])
    if beside < base + _BESIDE * (values[apex] - base):
        return None
    return first, apex, last


def _lasts(times_s: np.ndarray, peak: Peak, settings: EventSettings) -> bool:
    length_s = times_s[peak[2]] - times_s[peak[0]]
    return bool(settings.brief_min_s <= length_s <= settings.brief_max_s)


def _jumping(above: np.ndarray) -> float:
    """What a track's short rises reach in one frame of ten: of a lively face, of points that lose
    hold. 0.0 where there are too few frames to tell."""
    return float(np.quantile(above, _JUMPS)) if len(above) >= _MIN_FRAMES else 0.0


def trembling(change: np.ndarray) -> float:
    """Standard deviation of the track's noise from frame to frame: second differences of white
    noise have six times its variance, and a movement hardly bends within three frames. 0.0 where
    there are too few frames to tell one from the other.
    """
    bend = np.diff(np.asarray(change, float), 2)
    bend = bend[~np.isnan(bend)]
    if len(bend) < _MIN_FRAMES:
        return 0.0
    return float(1.4826 * np.median(np.abs(bend)) / math.sqrt(6))


def wandering(change: np.ndarray, step_s: float) -> float:
    """How far a track strays from its own middle at most times: 1.4826 median absolute deviations,
    which a few movements hardly raise. step_s: from frame to frame. Infinite where it is known for
    less than five seconds, which do not tell.
    """
    known = np.asarray(change, float)
    known = known[~np.isnan(known)]
    if len(known) * step_s < _MIN_KNOWN_S:
        return math.inf
    return float(1.4826 * np.median(np.abs(known - np.median(known))))
