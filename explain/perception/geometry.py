"""From points on a face to pose-free shape: head pose, and measures that ignore it.

Each face is laid over a neutral template by a similarity (Umeyama 1991), fitted to points that
expressions hardly move. What is left after that is shape: the face's own, and its expression.
The template is ours: the mean of aligned meshes of neutral faces (docs/perception.md).

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
_PAIRS = {
    "brow_inner": ((55, 107, 66), (285, 336, 296)),
    "brow_mid": ((52, 65, 105), (282, 295, 334)),
    "brow_outer": ((46, 53, 70, 63), (276, 283, 300, 293)),
    "cheek": ((50, 117, 118, 101, 36), (280, 346, 347, 330, 266)),
    "under_eye": ((119, 120, 100), (348, 349, 329)),
    "nasolabial": ((205, 206, 203), (425, 426, 423)),
    "ala": ((98, 64, 48), (327, 294, 278)),
    "lip_corner": ((61,), (291,)),
    "lip_inner_corner": ((78,), (308,)),
    "upper_lip_side": ((40, 39), (270, 269)),
    "lower_lip_side": ((91, 181), (321, 405)),
    "jaw_side": ((149, 150, 170), (378, 379, 395)),
    "beside_corner": ((57, 186, 212), (287, 410, 432)),
}
_OUTER_CANTHUS, _INNER_CANTHUS = (33, 263), (133, 362)
_X, _Y, _Z = 0, 1, 2
# Of each pair: which coordinates, and what height is counted from (None: the eyes' line).
_SIDED = {
    "brow_inner": ("height gap depth", _INNER_CANTHUS),
    "brow_mid": ("height", _INNER_CANTHUS),
    "brow_outer": ("height", _OUTER_CANTHUS),
    "cheek": ("height depth width", None),
    "under_eye": ("height depth", None),
    "nasolabial": ("height depth width", None),
    "ala": ("height width", None),
    "lip_corner": ("height width depth", None),
    "lip_inner_corner": ("height width", None),
    "upper_lip_side": ("height depth", None),
    "lower_lip_side": ("height depth", None),
    "jaw_side": ("height", None),
    "beside_corner": ("height width depth", None),
}
_AXES = {"height": _Y, "gap": _X, "width": _X, "depth": _Z}
_CENTRAL: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "upper_lip_height": lambda s: s[:, 0, _Y],
    "upper_lip_depth": lambda s: s[:, 0, _Z],
    "upper_lip_edge": lambda s: s[:, 13, _Y],
    "lower_lip_edge": lambda s: s[:, 14, _Y],
    "lower_lip_height": lambda s: s[:, 17, _Y],
    "lower_lip_depth": lambda s: s[:, 17, _Z],
    "lip_gap": lambda s: s[:, 13, _Y] - s[:, 14, _Y],
    "upper_lip_thickness": lambda s: s[:, 0, _Y] - s[:, 13, _Y],
    "lower_lip_thickness": lambda s: s[:, 14, _Y] - s[:, 17, _Y],
    "lip_bow": lambda s: s[:, [61, 291], _Y].mean(axis=1) - s[:, [13, 14], _Y].mean(axis=1),
    "chin_height": lambda s: s[:, 152, _Y],
    "chin_front_height": lambda s: s[:, 199, _Y],
    "chin_depth": lambda s: s[:, 199, _Z],
    "mentolabial_depth": lambda s: s[:, 200, _Z] - s[:, 17, _Z],
}
_EYE = (
    "eye_opening",  # between the lids, of the eye's width
    "upper_lid_height",  # above the line between its corners, of the eye's width
    "lower_lid_height",
    "upper_lid_over_iris",  # above the iris' centre, of the iris' radius
    "lower_lid_under_iris",
)
SIDES = ("R", "L")  # the person's own
SHAPE_MEASURES: tuple[str, ...] = (
    *(
        f"{pair}_{name}_{side}"
        for pair, (names, _) in _SIDED.items()
        for name in names.split()
        for side in SIDES
    ),
    *_CENTRAL,
)
EYE_MEASURES: tuple[str, ...] = tuple(f"{name}_{s}" for s in SIDES for name in _EYE)

HEAD_MEASURES = tuple(f"head_{how}" for how in ("up", "down", "turned_R", "turned_L")) + tuple(
    f"head_{how}_square" for how in ("up", "down", "turned_sides")
)


def head_measures(pose: np.ndarray) -> np.ndarray:
    """(n, len(HEAD_MEASURES)) from pose (n, 3) in degrees, of 30 degrees each: meshes change a
    little with the head's pose, and a unit may subtract that."""
    yaw, pitch = pose[:, 0] / 30, pose[:, 1] / 30
    up, down, right, left = (np.maximum(v, 0) for v in (pitch, -pitch, -yaw, yaw))
    return np.stack([up, down, right, left, up**2, down**2, yaw**2], axis=1)


def shape_measures(shapes: np.ndarray) -> np.ndarray:
    """(n, len(SHAPE_MEASURES)) from aligned shapes (n, 468, 3); widths count outward."""
    columns = []
    for pair, (names, origin) in _SIDED.items():
        points = [shapes[:, list(side)].mean(axis=1) for side in _PAIRS[pair]]
        for name in names.split():
            axis = _AXES[name]
            for k, point in enumerate(points):
                value = point[:, axis]
                if axis == _X:
                    value = -value if k == 0 else value
                elif axis == _Y and origin is not None:
                    value = value - shapes[:, origin[k], _Y]
                columns.append(value)
    columns += [measure(shapes) for measure in _CENTRAL.values()]
    return np.stack(columns, axis=1)


def eye_measures(lids: np.ndarray, irises: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, len(EYE_MEASURES)) and (n, 2) gaze to the own left and up, mean of both eyes.

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
    right, left = (_filled(each[:, eye]) for eye in (0, 1))
    n_lids = len(_EYE)
    measures = np.concatenate([right[:, :n_lids], left[:, :n_lids]], axis=1)
    gaze = (right[:, n_lids:] + left[:, n_lids:]) / 2
    return measures.astype(np.float32), gaze.astype(np.float32)


def _filled(measures: np.ndarray) -> np.ndarray:
    """(n, k) with rows of NaN read from their neighbours, in straight lines."""
    (known,) = np.nonzero(~np.isnan(measures[:, 0]))
    if len(known) in (0, len(measures)):
        return measures
    rows = np.arange(len(measures))
    return np.stack([np.interp(rows, known, column[known]) for column in measures.T], axis=1)
