"""From points on a face to pose-free shape: head pose, and measures that ignore it.

Each face is laid over a neutral template by a similarity (Umeyama 1991), fitted to points that
expressions hardly move. What is left after that is shape: the face's own, and its expression.
The template is ours: the mean of aligned meshes of neutral faces (docs/calibration.md).

Template coordinates: x to the person's own left, y up, z towards the camera; the unit is the
distance between the outer corners of the eyes.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

import numpy as np

# Forehead, temples, bridge and base of the nose, corners of the eyes, ears: bone is near.
# fmt: off
RIGID = np.array([
    10, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356, 234, 454,
    168, 6, 197, 195, 5, 33, 263, 133, 362, 98, 327, 2,
])
# fmt: on


@cache
def template(backend: str) -> np.ndarray:
    """(468, 3) float32 neutral face of a backend's mesh, left-right symmetric."""
    path = files("demeanor.explain.perception").joinpath("templates.npz")
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
        return np.asarray(data[backend])


def to_person(points: np.ndarray) -> np.ndarray:
    """Picture pixels (…, 3) to x left of the person, y up, z to the camera; still pixels.

    A camera that faces somebody sees his left on its right, so x keeps its sign.
    """
    return np.asarray(points * np.array([1.0, -1.0, -1.0], points.dtype))


def align(
    points: np.ndarray, onto: np.ndarray, rigid: np.ndarray = RIGID
) -> tuple[np.ndarray, np.ndarray]:
    """Lay faces over `onto`: (n, 468, 3) shapes and (n, 3, 3) head rotations.

    `points` (n, 468, 3) as `to_person` gives them. Umeyama 1991, IEEE PAMI 13(4), without
    reflection; fitted to `rigid` alone.
    """
    target = onto[rigid] - onto[rigid].mean(axis=0)
    centre = points[:, rigid].mean(axis=1, keepdims=True)
    source = points[:, rigid] - centre
    u, s, vt = np.linalg.svd(np.einsum("nki,kj->nij", source, target))
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    turn = (u * sign[:, None]) @ vt  # source @ turn ~ target
    scale = (s * sign).sum(axis=1) / (target**2).sum()
    shapes = (points - centre) @ turn / scale[:, None, None] + onto[rigid].mean(axis=0)
    return shapes.astype(np.float32), turn


def pose_deg(turn: np.ndarray) -> np.ndarray:
    """(n, 3) yaw, pitch, roll in degrees, from head rotations of `align`.

    Positive: turned to the person's own left (AU51), tipped back (AU53), tilted to the own
    left shoulder (AU55). Tilted first, then tipped, then turned, as a neck does it.
    """
    facing = turn[:, :, 2]  # where the nose points, in x left, y up, z to the camera
    yaw = np.arctan2(facing[:, 0], facing[:, 2])
    pitch = np.arctan2(facing[:, 1], np.hypot(facing[:, 0], facing[:, 2]))
    across, up = turn[:, :, 0], turn[:, :, 1]  # where the own left side and the crown point
    roll = np.arctan2(-across[:, 1], up[:, 1])
    angles = np.degrees(np.stack([yaw, pitch, roll], axis=1))
    return np.asarray(angles, np.float32)


# Measures ---------------------------------------------------------------------------------
# Right and left points, mirrored; MediaPipe's numbering.
_BROW_INNER = ((55, 107, 66), (285, 336, 296))
_BROW_MID = ((52, 65, 105), (282, 295, 334))
_BROW_OUTER = ((46, 53, 70, 63), (276, 283, 300, 293))
_CHEEK = ((50, 117, 118, 101, 36), (280, 346, 347, 330, 266))
_UNDER_EYE = ((119, 120, 100), (348, 349, 329))
_NASOLABIAL = ((205, 206, 203), (425, 426, 423))
_ALA = ((98, 64, 48), (327, 294, 278))
_LIP_CORNER = ((61,), (291,))
_LIP_INNER_CORNER = ((78,), (308,))
_UPPER_LIP_SIDE = ((40, 39), (270, 269))
_LOWER_LIP_SIDE = ((91, 181), (321, 405))
_OUTER_CANTHUS = ((33,), (263,))
_INNER_CANTHUS = ((133,), (362,))

Pair = tuple[tuple[int, ...], tuple[int, ...]]


def _side(shapes: np.ndarray, points: tuple[int, ...]) -> np.ndarray:
    return np.asarray(shapes[:, list(points)].mean(axis=1))


def _both(shapes: np.ndarray, pair: Pair, axis: int) -> np.ndarray:
    """Mean of the two sides along one axis; x counts outward on both."""
    right, left = _side(shapes, pair[0])[:, axis], _side(shapes, pair[1])[:, axis]
    return np.asarray(left - right if axis == 0 else left + right) / 2


_X, _Y, _Z = 0, 1, 2
Shape = np.ndarray
_SHAPE_MEASURES: dict[str, Callable[[Shape], np.ndarray]] = {
    "brow_inner_height": lambda s: _both(s, _BROW_INNER, _Y) - _both(s, _INNER_CANTHUS, _Y),
    "brow_mid_height": lambda s: _both(s, _BROW_MID, _Y) - _both(s, _INNER_CANTHUS, _Y),
    "brow_outer_height": lambda s: _both(s, _BROW_OUTER, _Y) - _both(s, _OUTER_CANTHUS, _Y),
    "brow_inner_gap": lambda s: _both(s, _BROW_INNER, _X),
    "brow_inner_depth": lambda s: _both(s, _BROW_INNER, _Z),
    "cheek_height": lambda s: _both(s, _CHEEK, _Y),
    "cheek_depth": lambda s: _both(s, _CHEEK, _Z),
    "cheek_width": lambda s: _both(s, _CHEEK, _X),
    "under_eye_height": lambda s: _both(s, _UNDER_EYE, _Y),
    "under_eye_depth": lambda s: _both(s, _UNDER_EYE, _Z),
    "nasolabial_height": lambda s: _both(s, _NASOLABIAL, _Y),
    "nasolabial_depth": lambda s: _both(s, _NASOLABIAL, _Z),
    "ala_height": lambda s: _both(s, _ALA, _Y),
    "ala_width": lambda s: _both(s, _ALA, _X),
    "lip_corner_height": lambda s: _both(s, _LIP_CORNER, _Y),
    "lip_corner_width": lambda s: _both(s, _LIP_CORNER, _X),
    "lip_corner_depth": lambda s: _both(s, _LIP_CORNER, _Z),
    "lip_inner_corner_height": lambda s: _both(s, _LIP_INNER_CORNER, _Y),
    "lip_inner_corner_width": lambda s: _both(s, _LIP_INNER_CORNER, _X),
    "upper_lip_side_height": lambda s: _both(s, _UPPER_LIP_SIDE, _Y),
    "lower_lip_side_height": lambda s: _both(s, _LOWER_LIP_SIDE, _Y),
    "upper_lip_height": lambda s: s[:, 0, _Y],
    "upper_lip_depth": lambda s: s[:, 0, _Z],
    "upper_lip_edge": lambda s: s[:, 13, _Y],
    "lower_lip_edge": lambda s: s[:, 14, _Y],
    "lower_lip_height": lambda s: s[:, 17, _Y],
    "lower_lip_depth": lambda s: s[:, 17, _Z],
    "lip_gap": lambda s: s[:, 13, _Y] - s[:, 14, _Y],
    "upper_lip_thickness": lambda s: s[:, 0, _Y] - s[:, 13, _Y],
    "lower_lip_thickness": lambda s: s[:, 14, _Y] - s[:, 17, _Y],
    "chin_height": lambda s: s[:, 152, _Y],
    "chin_front_height": lambda s: s[:, 199, _Y],
    "chin_depth": lambda s: s[:, 199, _Z],
}
_EYE_MEASURES = (
    "eye_opening",  # between the lids, of the eye's width
    "upper_lid_height",  # above the line between its corners, of the eye's width
    "lower_lid_height",
    "upper_lid_over_iris",  # above the iris' centre, of the iris' radius
    "lower_lid_under_iris",
)
MEASURES: tuple[str, ...] = (*_SHAPE_MEASURES, *_EYE_MEASURES)


def shape_measures(shapes: np.ndarray) -> np.ndarray:
    """(n, len(_SHAPE_MEASURES)) from aligned shapes (n, 468, 3)."""
    return np.stack([measure(shapes) for measure in _SHAPE_MEASURES.values()], axis=1)


def eye_measures(lids: np.ndarray, irises: np.ndarray) -> np.ndarray:
    """(n, 5 + 2): eye measures, mean of both eyes, then gaze to the own left and up.

    lids (n, 2, 16, 2), irises (n, 2, 5, 2) in picture pixels, rows in time order. Lengths are
    taken across the eye's own axis and divided by its width, so they change little with pose
    and distance. An eye that was not looked at in a frame (NaN) is read from the frames before
    and after.
    """
    outer, inner = lids[:, :, 0], lids[:, :, 8]
    axis = np.stack([inner[:, 0] - outer[:, 0], outer[:, 1] - inner[:, 1]], axis=1)
    width = np.linalg.norm(axis, axis=-1)
    along = axis / width[..., None]  # to the picture's right: the person's own left
    up = np.stack([along[..., 1], -along[..., 0]], axis=-1)

    def height(p: np.ndarray, origin: np.ndarray) -> np.ndarray:
        return np.asarray(((p - origin) * up).sum(axis=-1))

    upper, lower = lids[:, :, 11:14].mean(axis=2), lids[:, :, 3:6].mean(axis=2)
    middle = (outer + inner) / 2
    iris = irises[:, :, 0]
    radius = np.linalg.norm(irises[:, :, 1:] - iris[:, :, None], axis=-1).mean(axis=-1)
    rows = [
        (height(upper, lower)) / width,
        height(upper, middle) / width,
        height(lower, middle) / width,
        height(upper, iris) / radius,
        height(lower, iris) / radius,
        ((iris - middle) * along).sum(axis=-1) / width,
        height(iris, middle) / width,
    ]
    each = np.stack(rows, axis=2)  # (n, 2, 7)
    both = np.stack([_filled(each[:, eye]) for eye in (0, 1)])
    return np.asarray(both.mean(axis=0), dtype=np.float32)


def _filled(measures: np.ndarray) -> np.ndarray:
    """(n, k) with rows of NaN read from their neighbours, in straight lines."""
    (known,) = np.nonzero(~np.isnan(measures[:, 0]))
    if len(known) in (0, len(measures)):
        return measures
    rows = np.arange(len(measures))
    return np.stack([np.interp(rows, known, column[known]) for column in measures.T], axis=1)
