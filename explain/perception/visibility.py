"""What can be seen of a face: whether there is light, whether it is in focus, and its eyes.

The points of a mesh look sure of themselves whatever they lie on: behind sunglasses they find
eyes, in the dark a mouth. So now and then the face is looked at for itself, in one small grey
window with the eyes level and always as far apart.

Thresholds were chosen on 120 pictures that were darkened, blurred and given dark glasses, where
action units had moved by a letter on average, and on 1,465 ordinary ones, which show real
sunglasses now and then (docs/perception.md has both tables).
"""

import math

import cv2
import numpy as np

from demeanor.explain.perception.face import EYE_CORNERS
from demeanor.explain.perception.picture import Picture

VIEW = ("brightness", "detail", "eyes")
_CUT_PX, _SIZE_PX = 160, 80  # cut twice as fine as looked at: cells are means, not samples
_EYES_PX = 35.0  # between the outer corners of the eyes, in the smaller window
_MIDDLE = 0.45  # of that, from the eyes down to the middle of the window
_FACE = (0.5, 0.6, 0.35)  # half width, half height and depth below the eyes of the inner face
_EYE = (0.5, 0.3)  # half width and half height about an eye, of the distance between its corners
_SKIN = ((50, 280, 101, 330), (151,), (4,))  # cheeks, forehead, tip of the nose
_SKIN_HALF = (0.1, 0.08)
_FLAT = 3.0  # grey levels of standard deviation: no face, or not the light to see it by


def view(picture: Picture, points: np.ndarray) -> np.ndarray:
    """(len(VIEW),) float32 of the face with mesh `points` (468 or more, 3), in picture pixels.

    brightness: grey level, 0-255, that a twentieth of the face exceeds; detail: how much the grey
    changes its slope from pixel to pixel, along the direction in which it does so least, of the
    contrast of the face; eyes: how bright the brighter parts of the better eye are, of the skin.
    The last two are NaN where there is too little contrast to tell.
    """
    matrix = _to_window(points)
    cut = picture.brightness(matrix, _CUT_PX)
    grey = cv2.resize(cut, (_SIZE_PX, _SIZE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    at = (points[:, :2] @ matrix[:, :2].T + matrix[:, 2]) * (_SIZE_PX / _CUT_PX)
    between = at[[EYE_CORNERS[0][0], EYE_CORNERS[1][0]]].mean(axis=0)
    half_w, half_h, below = (share * _EYES_PX for share in _FACE)
    face = _box(grey, between + np.array([0.0, below]), half_w, half_h)
    brightness, contrast = _high(face, 0.95), float(face.std())
    if contrast < _FLAT:
        return np.array([brightness, np.nan, np.nan], np.float32)
    return np.array([brightness, _bend(face) / contrast, _eyes(grey, at)], np.float32)


def _to_window(points: np.ndarray) -> np.ndarray:
    """(2, 3) from the picture to the finer window."""
    right, left = points[EYE_CORNERS[0][0]], points[EYE_CORNERS[1][0]]
    across = left - right
    scale = _EYES_PX * _CUT_PX / _SIZE_PX / max(float(np.linalg.norm(across)), 1.0)
    angle = math.atan2(across[1], across[0])
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    turn = np.array([[cos, sin], [-sin, cos]])
    middle = np.array([0.5, 0.5]) * _CUT_PX - (0, _MIDDLE * _EYES_PX * _CUT_PX / _SIZE_PX)
    return np.column_stack([turn, middle - turn @ ((right + left)[:2] / 2)])


def _bend(face: np.ndarray) -> float:
    """Root mean square of the second difference, least of four directions: blur by a movement
    takes it from one of them, blur out of focus from all."""
    inner = 2 * face[1:-1, 1:-1]
    slants = (
        face[1:-1, 2:] - inner + face[1:-1, :-2],
        face[2:, 1:-1] - inner + face[:-2, 1:-1],
        (face[2:, 2:] - inner + face[:-2, :-2]) / 1.6,  # over a longer step; 1.6 was measured
        (face[2:, :-2] - inner + face[:-2, 2:]) / 1.6,
    )
    return math.sqrt(min(float(np.vdot(s, s)) / s.size for s in slants))


def _eyes(grey: np.ndarray, at: np.ndarray) -> float:
    bright = []
    for corners in EYE_CORNERS:
        ends = at[list(corners)]
        width = float(np.linalg.norm(ends[0] - ends[1]))
        eye = _box(grey, ends.mean(axis=0), _EYE[0] * width, _EYE[1] * width)
        bright.append(_high(eye, 0.9))
    half_w, half_h = (share * _EYES_PX for share in _SKIN_HALF)
    sums = [[float(_box(grey, at[p], half_w, half_h).mean()) for p in place] for place in _SKIN]
    skin = sorted(sum(row) / len(row) for row in sums)[1]  # hair or a beard may hide one of three
    return max(bright) / max(skin, 1.0)


def _high(box: np.ndarray, share: float) -> float:
    """The value that `share` of the pixels do not exceed; np.quantile takes ten times as long."""
    row = box.ravel()
    k = int(share * (row.size - 1))
    return float(np.partition(row, k)[k])


def _box(grey: np.ndarray, middle: np.ndarray, half_w: float, half_h: float) -> np.ndarray:
    """What lies about `middle`, at least one pixel of the window."""
    x, y = middle.tolist()
    left, right = (min(max(round(e), 0), _SIZE_PX - 1) for e in (x - half_w, x + half_w))
    top, bottom = (min(max(round(e), 0), _SIZE_PX - 1) for e in (y - half_h, y + half_h))
    return grey[top : bottom + 1, left : right + 1]
