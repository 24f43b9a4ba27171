"""Colours of the synthetic person, painted on the skin of the neutral head.

Colour is a function of where a point lies on the neutral head, in cm, and is carried along by
the texture coordinates: brows and lips therefore move exactly as the action units move them.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from demeanor.explain.demo.face_model import FaceModel

TILE_PX = 1024  # 34 px per cm of face; the picture itself has 16
SKIN_PARTS = ("M_Face", "M_BackHead")  # one tile of texture each, side by side
EYEBALLS = ("M_ScleraLeft", "M_ScleraRight")
Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of one invented person. They stand for nobody and no group."""

    skin: Rgb = (226, 178, 152)
    lips: Rgb = (176, 96, 90)
    hair: Rgb = (58, 38, 26)
    iris: Rgb = (86, 112, 92)
    shirt: Rgb = (62, 84, 112)
    background: Rgb = (176, 184, 190)
    seed: int = 7  # of the mottling of the skin and of the strands of hair


def uv_map(model: FaceModel, values: np.ndarray) -> np.ndarray:
    """Values of the vertices (n, k) spread over the skin: (TILE_PX, 2 * TILE_PX, k).

    Texels that no triangle covers take the value of a neighbour, so that no seam shows.
    """
    chosen = model.triangles_of(*SKIN_PARTS)
    steps = 20
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
    _, labels = cv2.distanceTransformWithLabels(
        (~hit).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    lookup = np.zeros((labels.max() + 1, values.shape[-1]), values.dtype)
    lookup[labels[hit]] = values[hit]
    return lookup[labels]


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def noise(positions: np.ndarray, cell_cm: tuple[float, float, float], seed: int) -> np.ndarray:
    """Smooth noise in -1..1 over space; a long cell makes strands."""
    from scipy.ndimage import map_coordinates

    grid = np.random.default_rng(seed).uniform(-1, 1, (48, 48, 48)).astype(np.float32)
    at = (positions / np.array(cell_cm, np.float32)).reshape(-1, 3).T
    values: np.ndarray = map_coordinates(grid, at, order=1, mode="grid-wrap")
    return values.reshape(positions.shape[:-1])


def above_hairline_cm(positions: np.ndarray) -> np.ndarray:
    """How far a point of the head lies above the hairline; negative on bare skin."""
    x, y, z = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    front = 9.7 + 0.25 * np.cos(x * 1.1) - 0.5 * smoothstep(5.0, 7.5, x)
    sideburn = smoothstep(4.8, 6.8, x) * smoothstep(6.4, 3.2, z)
    line = front * (1 - sideburn) + 1.6 * sideburn
    nape = smoothstep(0.5, -2.5, z)
    line = line * (1 - nape) - 5.0 * nape
    ear = np.hypot((z + 0.1) / 2.4, (y - 0.9) / 3.4)  # hair is cut around the ear
    return np.minimum(y - line, np.where(x > 5.0, 3.0 * (ear - 1.0), 9.0))


def hair_thickness_cm(positions: np.ndarray) -> np.ndarray:
    """Short at the sides and at the hairline, full above."""
    height = above_hairline_cm(positions)
    full = 0.35 + 0.85 * smoothstep(5.0, 12.0, positions[..., 1])
    return smoothstep(-0.1, 2.6, height) * full


def paint_skin(model: FaceModel, look: Look) -> np.ndarray:
    """The texture, (TILE_PX, 2 * TILE_PX, 3) uint8."""
    drawn = uv_map(model, np.c_[model.neutral, openness(model)])
    positions, light = drawn[..., :3], drawn[..., 3:]
    face = np.zeros(positions.shape[:2], bool)
    face[:, :TILE_PX] = True
    colour = _bare_skin(positions, look)
    colour = _mix(colour, look.lips, _lips(model, positions) * face)
    colour = _mix(colour, (70, 30, 28), _inside_mouth(model, positions) * face)
    colour = _mix(colour, look.hair, _brows(model, positions, look) * face)
    colour = _mix(colour, (48, 28, 22), _lid_line(model, positions) * face)
    colour = _mix(colour, *_hair(positions, look))
    colour = _mix(colour, look.shirt, _shirt(positions) * 1.0)
    shade = light ** np.array([0.75, 0.95, 1.0], np.float32)  # light inside skin is reddish
    return np.clip(colour * shade, 0, 255).astype(np.uint8)


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
    return _smoothed(np.clip(seen / total, 0.0, 1.0), model.triangles).astype(np.float32)


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
    cell_cm, slack_cm = 0.22, 0.25
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
    return points @ direction > depth[tuple(at.T)] - slack_cm


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals (n, 3) float32: the sum over the triangles around each vertex."""
    corners = points[triangles]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    around = triangles.ravel()
    sums = [np.bincount(around, np.repeat(facing[:, i], 3), len(points)) for i in range(3)]
    total = np.stack(sums, axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.where(length > 0, length, 1)).astype(np.float32)


def _hair(positions: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray]:
    """Colour of the hair and how much it covers: single hairs at its edge."""
    strands = noise(positions, (0.09, 1.6, 0.7), look.seed + 1)
    locks = noise(positions, (0.45, 3.0, 1.6), look.seed + 4)
    colour = np.array(look.hair, np.float32) * (1 + 0.30 * strands + 0.22 * locks)[..., None]
    cover = smoothstep(-0.15, 0.75, above_hairline_cm(positions) + 0.35 * strands)
    return colour, cover


def _mix(below: np.ndarray, above: np.ndarray | Rgb, share: np.ndarray) -> np.ndarray:
    share = share[..., None].astype(np.float32)
    return below * (1 - share) + np.asarray(above, np.float32) * share


def _bare_skin(positions: np.ndarray, look: Look) -> np.ndarray:
    x, y, z = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    mottled = 0.02 * noise(positions, (0.25,) * 3, look.seed)
    mottled += 0.025 * noise(positions, (1.4,) * 3, look.seed + 2)
    colour = np.array(look.skin, np.float32) * (1 + mottled)[..., None]
    cheek = np.exp(-(((x - 4.6) / 1.8) ** 2) - ((y - 0.2) / 1.6) ** 2)
    nose = np.exp(-((x / 1.3) ** 2) - ((y - 0.3) / 1.2) ** 2) * (z > 9)
    warm = np.clip(0.55 * cheek + 0.4 * nose, 0, 1)
    return colour * (1 - warm[..., None] * np.array([0.01, 0.11, 0.10], np.float32))


def _polyline_distance(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _mirrored(positions: np.ndarray) -> np.ndarray:
    return np.concatenate([np.abs(positions[..., :1]), positions[..., 1:]], axis=-1)


def _brows(model: FaceModel, positions: np.ndarray, look: Look) -> np.ndarray:
    line = model.neutral[model.landmarks68[22:27]].astype(np.float32)  # inner to outer
    line = line + np.array([0, 0.05, 0], np.float32)
    distance, along = _polyline_distance(_mirrored(positions)[..., :2], line[:, :2])
    half_cm = np.interp(along, [0, 0.15, 0.5, 1], [0.24, 0.31, 0.29, 0.08])
    hairs = 1 + 0.25 * noise(positions, (0.07, 0.22, 0.3), look.seed + 3)
    inside = smoothstep(1.25, 0.75, distance / (half_cm * hairs))
    gaps = 0.82 + 0.18 * noise(positions, (0.05, 0.3, 0.3), look.seed + 5)
    return gaps * inside * (positions[..., 2] > 5)


def _lips(model: FaceModel, positions: np.ndarray) -> np.ndarray:
    ring = model.neutral[model.landmarks68[48:60]][:, :2]
    inside = _inside_polygon(positions, _rounded(ring))
    return 0.9 * inside * (positions[..., 2] > 9.3)


def _inside_mouth(model: FaceModel, positions: np.ndarray) -> np.ndarray:
    """The wall of the mouth lies behind the lips, which part of the face's own mesh."""
    x, y, z = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    near = (x < 2.9) & (y > -5.2) & (y < -1.5)
    surface = 11.0 - 0.14 * x**2
    return near * smoothstep(0.6, 1.2, surface - z)


def _rounded(ring: np.ndarray) -> np.ndarray:
    """The ring with points put between by a closed Catmull-Rom spline."""
    before, after, beyond = np.roll(ring, 1, 0), np.roll(ring, -1, 0), np.roll(ring, -2, 0)
    pieces = []
    for t in (0.0, 0.25, 0.5, 0.75):
        pieces.append(
            0.5
            * (
                2 * ring
                + (after - before) * t
                + (2 * before - 5 * ring + 4 * after - beyond) * t**2
                + (3 * ring - before - 3 * after + beyond) * t**3
            )
        )
    return np.stack(pieces, axis=1).reshape(-1, 2)


def _inside_polygon(positions: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """1 inside, 0 outside, soft over 0.1 cm: drawn at 100 px per cm and looked up."""
    low, scale = ring.min(0) - 1, 100
    size = np.ceil((ring.max(0) + 1 - low) * scale).astype(int)
    canvas = np.zeros((size[1], size[0]), np.float32)
    cv2.fillPoly(canvas, [np.round((ring - low) * scale).astype(np.int32)], 1.0)
    canvas = cv2.GaussianBlur(canvas, (0, 0), 5)
    at = np.round((positions[..., :2] - low) * scale).astype(int)
    valid = ((at >= 0) & (at < size)).all(-1)
    at = np.where(valid[..., None], at, 0)
    return np.where(valid, canvas[at[..., 1], at[..., 0]], 0.0)


def _lid_line(model: FaceModel, positions: np.ndarray) -> np.ndarray:
    """The edge of the lids, dark as lashes make it: more above than below."""
    eye = model.neutral[model.landmarks68[42:48]]
    ring = _rounded(eye[:, :2])  # four points to a stretch: 12 above, 12 below
    points = _mirrored(positions)[..., :2]
    upper, _ = _polyline_distance(points, ring[:13])
    lower, _ = _polyline_distance(points, ring[12:])
    edge = np.maximum(0.95 * smoothstep(0.20, 0.07, upper), 0.45 * smoothstep(0.14, 0.05, lower))
    return edge * (positions[..., 2] > eye[:, 2].min() - 0.4)


def _shirt(positions: np.ndarray) -> np.ndarray:
    """A round neckline, lower in front than behind."""
    y, z = positions[..., 1], positions[..., 2]
    line = -14.0 + 0.30 * np.clip(6.0 - z, 0, 20) + 0.012 * positions[..., 0] ** 2
    return smoothstep(0.12, -0.12, y - line)


def paint_eye(offsets: np.ndarray, look: Look) -> np.ndarray:
    """Colours of the eyeball's vertices from their direction, (n, 3) float32, 0-255."""
    unit = offsets / np.linalg.norm(offsets, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip(unit[:, 2], -1, 1)))
    around = np.arctan2(unit[:, 1], unit[:, 0])
    fibres = 1 + 0.18 * np.sin(17 * around) * np.sin(angle / 2.5)
    iris = (
        np.array(look.iris, np.float32) * (fibres * np.interp(angle, [8, 22], [1.25, 0.8]))[:, None]
    )
    white = np.array([226, 219, 212], np.float32)
    colour = _mix(np.broadcast_to(white, unit.shape), iris, smoothstep(24.5, 22.5, angle))
    colour = _mix(
        colour, (38, 36, 32), 0.75 * smoothstep(19, 22, angle) * smoothstep(25, 23, angle)
    )
    return _mix(colour, (10, 9, 9), smoothstep(9.5, 8.0, angle))
