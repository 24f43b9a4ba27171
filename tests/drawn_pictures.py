"""Pictures with a pattern of their own, for tests of what looks alike."""

import cv2
import numpy as np


def drawn(seed, size_px=120):
    """A picture with a pattern of its own: blurred noise."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (12, 12, 3)).astype(np.uint8)
    return cv2.resize(small, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
