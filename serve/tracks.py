"""Tracks of a result as a page draws them: few points, and no peak lost."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from demeanor.explain.records import CueTrack
from demeanor.explain.result import Result
from demeanor.explain.vocabulary import MOVEMENTS

MAX_POINTS = 400
_NOT_DRAWN = frozenset(("face_px", "face_x", "face_y"))  # where the face is: no cue


def track_rows(result: Result) -> Iterator[dict[str, Any]]:
    for track in result.measurement.tracks:
        if track.code not in _NOT_DRAWN:
            yield _row(track)


def _row(track: CueTrack) -> dict[str, Any]:
    kept = thinned(track.values, MAX_POINTS)
    values = track.values[kept].astype(float)
    unit = MOVEMENTS.get(track.code)
    return {
        "name": track.name,
        "code": track.code,
        "side": track.side.value if track.side else None,
        "what": unit.name if unit else None,
        "unit": track.unit.value,
        "channel": track.channel.value,
        "person": track.person,
        "t_s": np.round(track.times_s[kept], 3).tolist(),
        "values": [None if np.isnan(v) else round(v, 4) for v in values.tolist()],
        "reason": "; ".join(dict.fromkeys(why for _, why in track.missing)) or None,
        "source": track.source.name,
    }


def thinned(values: np.ndarray, n_most: int) -> np.ndarray:
    """(m,) int, indices in order: of each stretch the value farthest from the track's middle, so
    that a short peak stays; a stretch without any value keeps its gap."""
    n = len(values)
    if n <= n_most:
        return np.arange(n)
    known = values[~np.isnan(values)]
    middle = float(np.median(known)) if known.size else 0.0
    away = np.nan_to_num(np.abs(values - middle), nan=-1.0)
    edges = np.linspace(0, n, n_most + 1).astype(int)
    return np.array([a + int(away[a:b].argmax()) for a, b in pairwise(edges)])
