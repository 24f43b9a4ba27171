"""What the skin shows where points do not move: furrows, folds, the line of pressed lips.

One grey window is cut around the face, eyes level and always the same number of pixels apart.
In boxes that hang on points of the mesh it says how much fine structure there is, across and
along, and how dark the box is, each against the whole face: so light, skin and focus matter
little. Logarithms of brightness are taken first, which turns a shadow into a shift.

A box has four numbers: `lines_across` (horizontal lines: log of the mean squared vertical
gradient), `lines_along` (vertical lines), `slant` (structure that falls outward, -1..1) and
`light` (mean log brightness). The face's own values are subtracted from all but the slant.
"""

import math

import cv2
import numpy as np

from demeanor.explain.perception.geometry import SIDES
from demeanor.explain.perception.picture import Picture

_SIZE_PX, _EYES_PX = 160, 70.0  # of the window; between the outer corners of the eyes in it
_MIN_EYES_PX = 24.0  # in the picture: below it there is no skin to look at
_BELOW = 0.33  # of the eyes' distance, from their middle to the middle of the window
_FLOOR = 1e-3  # squared gradient of log brightness, of 3% a pixel: less is noise and compression
_LOG = np.log(np.arange(256) + 12.0).astype(np.float32)  # 12: noise in the dark is not structure
# Boxes: points they hang on, half width and half height in eyes' distances.
_CENTRAL = {
    "forehead_mid": ((151,), 0.16, 0.12),
    "glabella": ((9, 8), 0.09, 0.10),
    "nose_root": ((168, 6), 0.09, 0.06),
    "lips": ((13, 14), 0.20, 0.07),
    "above_lip": ((164, 0), 0.14, 0.05),
    "below_lip": ((18, 200), 0.16, 0.05),
    "chin": ((199,), 0.16, 0.09),
}
_SIDED = {
    "forehead_side": ((104,), (333,), 0.14, 0.10),
    "upper_lid": ((27, 28), (257, 258), 0.12, 0.04),
    "lower_lid": ((23, 24), (253, 254), 0.12, 0.03),
    "under_eye": ((119, 120), (348, 349), 0.13, 0.06),
    "crow": ((226, 35), (446, 265), 0.06, 0.09),
    "nose_side": ((198, 126), (420, 355), 0.06, 0.08),
    "nasolabial": ((203, 206), (423, 426), 0.09, 0.10),
    "beside_corner": ((57, 43), (287, 273), 0.06, 0.07),
    "below_corner": ((106, 182), (335, 406), 0.07, 0.06),
}
_KINDS = ("lines_across", "lines_along", "slant", "light")
TEXTURE_MEASURES: tuple[str, ...] = tuple(
    f"{box}_{kind}{side}"
    for box, side in [
        *((box, "") for box in _CENTRAL),
        *((box, f"_{side}") for box in _SIDED for side in SIDES),
    ]
    for kind in _KINDS
)
_POINTS = [points for points, _, _ in _CENTRAL.values()]
_HALF = [half for _, *half in _CENTRAL.values()]
_OUTWARD = [1.0 for _ in _CENTRAL]
for _right, _left, *_half in _SIDED.values():
    _POINTS += [_right, _left]
    _HALF += [_half, _half]
    _OUTWARD += [-1.0, 1.0]  # the own right lies to the left of the picture
_FIRST = np.array([points[0] for points in _POINTS])
_LAST = np.array([points[-1] for points in _POINTS])
_HALF_PX = np.array(_HALF) * _EYES_PX
_SIGN = np.array(_OUTWARD)


def texture_measures(picture: Picture, points: np.ndarray) -> np.ndarray:
    """(len(TEXTURE_MEASURES),) float32 of the face with mesh `points` (468 or more, 3), pixels.

    NaN where the face is too small to show its skin, or a box lies beyond the window.
    """
    right, left = points[33], points[263]
    across = left - right
    eyes_px = float(np.linalg.norm(across))  # in three dimensions: a turned head is no nearer
    if eyes_px < _MIN_EYES_PX:
        return np.full(len(TEXTURE_MEASURES), np.nan, np.float32)
    matrix = _to_window((right + left)[:2] / 2, math.atan2(across[1], across[0]), eyes_px)
    sums = cv2.integral(_layers(picture.brightness(matrix, _SIZE_PX)), sdepth=cv2.CV_64F)
    middles = (points[_FIRST, :2] + points[_LAST, :2]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    means, whole = _box_means(sums, middles), sums[-1, -1] / _SIZE_PX**2
    grain, own = np.log(means[:, :2] + _FLOOR), np.log(whole[:2] + _FLOOR)
    slant = _SIGN * means[:, 2] / (means[:, :2].sum(axis=1) / 2 + _FLOOR)
    light = means[:, 3] - whole[3]
    table = np.column_stack([grain - own, slant, light])
    return table.reshape(-1).astype(np.float32)


def _to_window(eyes: np.ndarray, angle: float, eyes_px: float) -> np.ndarray:
    """(2, 3) matrix from the picture to the window, eyes level and `_EYES_PX` apart."""
    scale = _EYES_PX / eyes_px
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    turn = np.array([[cos, sin], [-sin, cos]])
    middle = np.array([_SIZE_PX / 2, _SIZE_PX / 2 - _BELOW * _EYES_PX])
    return np.column_stack([turn, middle - turn @ eyes])


def _layers(grey: np.ndarray) -> np.ndarray:
    """(size, size, 4): squared gradients down and across, their product, log brightness."""
    light = _LOG[grey]
    down = cv2.Sobel(light, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    across = cv2.Sobel(light, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    return np.asarray(cv2.merge([down * down, across * across, down * across, light]))


def _box_means(sums: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """(boxes, 4) means over the boxes, from the integral of the layers; NaN beyond the window."""
    low = np.rint(middles - _HALF_PX).astype(int)
    high = np.rint(middles + _HALF_PX).astype(int)
    inside = np.all((high > 0) & (low < _SIZE_PX), axis=1, keepdims=True)
    (x0, y0), (x1, y1) = np.clip(low, 0, _SIZE_PX - 1).T, np.clip(high, 1, _SIZE_PX).T
    total = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    area = np.maximum((x1 - x0) * (y1 - y0), 1)
    return np.asarray(np.where(inside, total / area[:, None], np.nan))
