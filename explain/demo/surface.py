"""Geometry that the painter of the synthetic person needs: all of it plain numpy.

Positions are points on the neutral head in cm; functions of position give masks from 0 to 1.
"""

import cv2
import numpy as np
from numpy.typing import ArrayLike

from demeanor.explain.demo.face_model import FaceModel

TILE_PX = 768  # 26 px per cm of face; the picture itself has 16
SKIN_PARTS = ("M_Face", "M_BackHead")  # one tile of texture each, side by side
EYEBALLS = ("M_ScleraLeft", "M_ScleraRight")


def smoothstep(low: float, high: float, x: ArrayLike) -> np.ndarray:
    """0 at `low`, 1 at `high` and beyond, smooth between; falls where low > high."""
    t = np.clip((np.asarray(x) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def noise(positions: np.ndarray, cell_cm: tuple[float, float, float], seed: int) -> np.ndarray:
    """Smooth noise in -1..1 over space; a long cell makes strands."""
    from scipy.ndimage import map_coordinates

    grid = np.random.default_rng(seed).uniform(-1, 1, (48, 48, 48)).astype(np.float32)
    at = (positions / np.array(cell_cm, np.float32)).reshape(-1, 3).T
    values: np.ndarray = map_coordinates(grid, at, order=1, mode="grid-wrap")
    return values.reshape(positions.shape[:-1])


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals (n, 3) float32: the sum over the triangles around each vertex."""
    corners = points[triangles]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    around = triangles.ravel()
    sums = [np.bincount(around, np.repeat(facing[:, i], 3), len(points)) for i in range(3)]
    total = np.stack(sums, axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.where(length > 0, length, 1), np.float32)


def uv_map(model: FaceModel, values: np.ndarray) -> np.ndarray:
    """Values of the vertices (n, k) spread over the skin: (TILE_PX, 2 * TILE_PX, k).

    Texels that no triangle covers take the value of a neighbour, so that no seam shows.
    """
    chosen = model.triangles_of(*SKIN_PARTS)
    steps = 12  # points along an edge: more than texels along nearly all of them
    a, b = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    keep = a + b <= steps
    bary = np.stack([a[keep], b[keep], steps - a[keep] - b[keep]], axis=1) / steps
    uv = np.einsum("kc,tcd->tkd", bary, model.uv[model.triangles_uv[chosen]]).reshape(-1, 2)
    spread = np.einsum("kc,tcd->tkd", bary, values[model.triangles[chosen]])
    col = np.clip((uv[:, 0] * TILE_PX).astype(int), 0, 2 * TILE_PX - 1)
    row = np.clip(((1 - uv[:, 1]) * TILE_PX).astype(int), 0, TILE_PX - 1)
    texels = np.zeros((TILE_PX, 2 * TILE_PX, values.shape[1]), np.float32)
    hit = np.zeros((TILE_PX, 2 * TILE_PX), bool)
    texels[row, col], hit[row, col] = spread.reshape(-1, values.shape[1]), True
    return _fill(texels, hit)


def _fill(values: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Each texel that was not hit takes the value of the nearest that was."""
    _, labels = cv2.distanceTransformWithLabels(
        (~hit).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    lookup = np.zeros((labels.max() + 1, values.shape[-1]), values.dtype)
    lookup[labels[hit]] = values[hit]
    filled: np.ndarray = lookup[labels]
    return filled


def openness(model: FaceModel, n_directions: int = 48) -> np.ndarray:
    """Share of the sky that each vertex of the neutral head sees, (n,), 1 = all of it.

    Crevices (nostrils, the line between the lips, under the chin) are dark on any face; lamps
    alone do not show that. Each direction is a small depth map made of points on the triangles.
    """
    triangles = model.neutral[model.triangles[model.triangles_of(*SKIN_PARTS, *EYEBALLS)]]
    bary = np.array([(a, b, 2 - a - b) for a in range(3) for b in range(3 - a)]) / 2
    cover = np.einsum("kc,tcd->tkd", bary, triangles).reshape(-1, 3)
    normals = vertex_normals(model.neutral, model.triangles)
    seen = np.zeros(len(model.neutral))
    total = np.full(len(model.neutral), 1e-6)
    for direction in _directions(n_directions):
        facing = np.clip(normals @ direction, 0, None)
        seen += facing * _unhidden(model.neutral, cover, direction)
        total += facing
    return np.asarray(_smoothed(np.clip(seen / total, 0.0, 1.0), model.triangles), np.float32)


def _smoothed(values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Averaged twice over neighbours: the depth maps are coarse."""
    around = triangles.ravel()
    count = np.maximum(np.bincount(around, minlength=len(values)), 1)
    for _ in range(2):
        mean = np.repeat(values[triangles].mean(axis=1), 3)
        values = np.bincount(around, mean, len(values)) / count
    return values


def _directions(n: int) -> np.ndarray:
    """Points spread evenly over the sphere on a golden spiral."""
    y = 1 - 2 * (np.arange(n) + 0.5) / n
    angle = np.arange(n) * np.pi * (3 - np.sqrt(5))
    around = np.sqrt(1 - y**2)
    return np.stack([around * np.cos(angle), y, around * np.sin(angle)], axis=1)


def _unhidden(points: np.ndarray, cover: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Which points see the sky along `direction`, past the points of `cover`."""
    cell_cm, slack_cm = (
        0.22,
        0.25,
    )  # about the size of a triangle; what lies closer is the same skin
    side = np.cross(direction, [0.31, 0.87, 0.38])
    side /= np.linalg.norm(side)
    plane = np.stack([side, np.cross(direction, side)], axis=1)
    low = (cover @ plane).min(0)
    cell = ((cover @ plane - low) / cell_cm).astype(int)
    height = cover @ direction
    order = np.argsort(height)  # of several writes to one cell the last, highest, stays
    depth = np.full(cell.max(0) + 2, -np.inf)
    depth[tuple(cell[order].T)] = height[order]
    at = np.clip(((points @ plane - low) / cell_cm).astype(int), 0, np.array(depth.shape) - 1)
    return np.asarray(points @ direction > depth[tuple(at.T)] - slack_cm)


def polyline_distance(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to a polyline, and how far along it the nearest point lies, 0-1."""
    best = np.full(points.shape[:-1], np.inf, np.float32)
    along = np.zeros_like(best)
    n = len(line) - 1
    for i in range(n):
        step = line[i + 1] - line[i]
        t = np.clip(((points - line[i]) @ step) / (step @ step), 0, 1)
        distance = np.linalg.norm(points - line[i] - t[..., None] * step, axis=-1)
        nearer = distance < best
        best = np.where(nearer, distance, best)
        along = np.where(nearer, (i + t) / n, along)
    return best, along


def rounded(ring: np.ndarray) -> np.ndarray:
    """The ring with points put between by a closed Catmull-Rom spline."""
    before, after, beyond = np.roll(ring, 1, 0), np.roll(ring, -1, 0), np.roll(ring, -2, 0)
    bend, pull = 2 * before - 5 * ring + 4 * after - beyond, 3 * (ring - after) - before + beyond
    pieces = [
        ring + ((after - before) * t + bend * t**2 + pull * t**3) / 2 for t in (0, 0.25, 0.5, 0.75)
    ]
    return np.stack(pieces, axis=1).reshape(-1, 2)


def inside_polygon(positions: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """1 inside, 0 outside, soft over 0.1 cm: drawn at 100 px per cm and looked up."""
    low, scale = ring.min(0) - 1, 100
    size = np.ceil((ring.max(0) + 1 - low) * scale).astype(int)
    canvas = np.zeros((size[1], size[0]), np.float32)
    cv2.fillPoly(canvas, [np.round((ring - low) * scale).astype(np.int32)], 1.0)
    canvas = cv2.GaussianBlur(canvas, (0, 0), 5)
    at = np.round((positions[..., :2] - low) * scale).astype(int)
    valid = ((at >= 0) & (at < size)).all(-1)
    at = np.where(valid[..., None], at, 0)
    return np.asarray(np.where(valid, canvas[at[..., 1], at[..., 0]], 0.0))
