"""Pictures that are nearly the same: a difference hash of 16 x 16 steps of brightness.

Of a clip the first frame that has a pattern is compared.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from demeanor.explain.errors import DemeanorError
from demeanor.explain.perception.media import frames_at, open_clip
from demeanor.explain.settings import load_settings

SIDE = 16  # a hash has 16 x 16 bits
# Of 256. Of 400 pictures made smaller, brighter, JPEG at quality 40 or cut by 3%, 99% differ from
# the original by 30 bits at most; a cut of 6% is not found (median 37). Of the 3.2 million pairs of
# 2,548 aligned faces, two of different people always differ by 37 or more.
MAX_BITS = 30
_FLAT = 4.0  # grey levels of spread below which a picture has no pattern to compare
_LOOK_S = (0.0, 0.5, 1.0, 2.0)  # a clip may begin black
_CHUNK = 4_000_000


def picture_hash(path: Path) -> np.ndarray | None:
    """(4,) uint64 of a picture or of a clip's first frame with a pattern; None without any.

    Raises DemeanorError for a file without a picture.
    """
    clip = open_clip(path, load_settings().media)
    times = [t for t in _LOOK_S if t <= clip.duration_s] if clip.duration_s else [0.0]
    found, n_frames = None, 0
    for _, frame in frames_at(clip, times):
        n_frames += 1
        found = hash_of(frame.picture.rgb)
        if found is not None:
            break
    if not n_frames:
        raise DemeanorError(f"{path}: no picture could be decoded")
    return found


def hash_of(rgb: np.ndarray) -> np.ndarray | None:
    """(4,) uint64 from (h, w, 3) uint8: whether brightness rises from each field to the next."""
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype(float)
    if small.std() < _FLAT:
        return None
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return np.packbits(bits).view(np.uint64)


def near_pairs(one: np.ndarray, other: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """(row, row, bits that differ) of pairs that are near copies; some rows at a time."""
    at_once = max(1, _CHUNK // (4 * len(other)))
    for start in range(0, len(one), at_once):
        apart = one[start : start + at_once, None] ^ other[None]
        bits = np.bitwise_count(apart).sum(axis=-1)
        for i, j in np.argwhere(bits <= MAX_BITS):
            yield start + int(i), int(j), int(bits[i, j])
