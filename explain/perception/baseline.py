"""What is usual for this person in this clip, and what is usual for a neutral population.

Both are kept and labelled, since each fails alone: the clip's own median would erase a smile
that is held for half of it, and a population's rest gives some people a raised brow for life.
"""

import numpy as np

from demeanor.explain.records import CueTrack, Unit, Usual
from demeanor.explain.settings import BaselineSettings


def usual(
    track: CueTrack, settings: BaselineSettings, rest: tuple[float, float] | None = None
) -> Usual:
    """Usual level of one face cue. Intensities: the level at rest where that is known (neutral.py)
    with how much it trembles there; else a low quantile, since rest is the low end. A neutral
    population shows 0 by calibration. Angles: the median, and no norm.
    """
    if rest is not None:
        return Usual(track.person, track.code, track.side, *rest, 0.0, track.unit)
    seen = track.values[~np.isnan(track.values)]
    intensity = track.unit in (Unit.FACS_INTENSITY, Unit.PROBABILITY)
    own = spread = None
    if len(seen) * frame_step_s(track.times_s) >= settings.min_own_s:
        own = float(np.quantile(seen, settings.own_quantile if intensity else 0.5))
        low, high = np.quantile(seen[seen <= np.median(seen)] if intensity else seen, [0.16, 0.84])
        spread = float(high - low) / 2
    return Usual(
        track.person,
        track.code,
        track.side,
        own,
        spread,
        0.0 if intensity else None,
        track.unit,
    )


def frame_step_s(times_s: np.ndarray) -> float:
    """Usual time between frames; 0.0 for a single picture."""
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
