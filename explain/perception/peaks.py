"""Peaks that stand out from what lies around them."""

import numpy as np


def prominent_peaks(values: np.ndarray, prominence: float) -> np.ndarray:
    """Indices (k,) into values (n,), in order; prominence in the units of `values`."""
    # Importing scipy.signal takes most of a second, and whoever only reasons needs no peaks.
    from scipy.signal import find_peaks

    peaks, _ = find_peaks(values, prominence=prominence)
    return np.asarray(peaks)
