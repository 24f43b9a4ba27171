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
Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of one invented person. They stand for nobody and no group."""

    skin: Rgb = (214, 164, 138)
    lips: Rgb = (178, 92, 86)
    hair: Rgb = (58, 38, 26)
    iris: Rgb = (86, 112, 92)
    shirt: Rgb = (62, 84, 112)
    background: Rgb = (176, 184, 190)
    seed: int = 7  # of the mottling of the skin and of the strands of hair


def uv_positions(model: FaceModel) -> tuple[np.ndarray, np.ndarray]:
    """Where on the neutral head each texel of the skin lies: (TILE_PX, 2 * TILE_PX, 3), cm.

    The second array says which texels were hit; the others take the value of a neighbour, so
    that no seam shows.
    """
    chosen = model.triangles_of(*SKIN_PARTS)
    steps = 20
    a, b = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    keep = a + b <= steps
    bary = np.stack([a[keep], b[keep], steps - a[keep] - b[keep]], axis=1) / steps
    uv = np.einsum("kc,tcd->tkd", bary, model.uv[model.triangles_uv[chosen]]).reshape(-1, 2)
    xyz = np.einsum("kc,tcd->tkd", bary, model.neutral[model.triangles[chosen]]).reshape(-1, 3)
    col = np.clip((uv[:, 0] * TILE_PX).astype(int), 0, 2 * TILE_PX - 1)
    row = np.clip(((1 - uv[:, 1]) * TILE_PX).astype(int), 0, TILE_PX - 1)
    positions = np.zeros((TILE_PX, 2 * TILE_PX, 3), np.float32)
    hit = np.zeros((TILE_PX, 2 * TILE_PX), bool)
    positions[row, col], hit[row, col] = xyz, True
    return _fill(positions, hit), hit


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
    grid = np.random.default_rng(seed).uniform(-1, 1, (64, 64, 64)).astype(np.float32)
    scaled = positions / np.array(cell_cm, np.float32)
    low = np.floor(scaled).astype(int)
    part = scaled - low
    part = part * part * (3 - 2 * part)
    total = np.zeros(positions.shape[:-1], np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, part, 1 - part), axis=-1)
        total += weight * grid[tuple(((low + corner) % 64)[..., i] for i in range(3))]
    return total


def hairiness(positions: np.ndarray) -> np.ndarray:
    """How much a point of the head is under hair, 0-1: above a hairline, not on the ears."""
    x, y, z = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    line = 9.6 - 0.028 * x**2 - 1.1 * smoothstep(4.5, 7.5, x) * smoothstep(9, 4, z)
    line = np.where(z < 4.5, line - (4.5 - z) * 2.0, line)  # falls towards the nape
    line = np.maximum(line, -5.5)
    ear = (x > 7.0) & (z < 4.2) & (z > -2.5) & (y < 4.6) & (y > -3.5)
    return np.where(ear, 0.0, smoothstep(-0.25, 0.25, y - line))


def paint_skin(model: FaceModel, look: Look) -> np.ndarray:
    """The texture, (TILE_PX, 2 * TILE_PX, 3) uint8."""
    positions, _ = uv_positions(model)
    face = np.zeros(positions.shape[:2], bool)
    face[:, :TILE_PX] = True
    colour = _bare_skin(positions, look)
    colour = _mix(colour, look.lips, _lips(model, positions) * face)
    colour = _mix(colour, (70, 30, 28), _inside_mouth(model, positions) * face)
    colour = _mix(colour, look.hair, _brows(model, positions, look) * face)
    colour = _mix(colour, (48, 28, 22), _lid_line(model, positions) * face)
    strands = 1 + 0.35 * noise(positions, (0.12, 1.5, 0.5), look.seed + 1)
    hair = np.array(look.hair, np.float32) * strands[..., None]
    colour = _mix(colour, hair, hairiness(positions))
    colour = _mix(colour, look.shirt, _shirt(positions) * 1.0)
    return np.clip(colour, 0, 255).astype(np.uint8)


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
    half_cm = np.interp(along, [0, 0.15, 0.5, 1], [0.30, 0.36, 0.34, 0.10])
    hairs = 1 + 0.25 * noise(positions, (0.07, 0.22, 0.3), look.seed + 3)
    inside = smoothstep(1.25, 0.75, distance / (half_cm * hairs))
    return 0.92 * inside * (positions[..., 2] > 5)


def _lips(model: FaceModel, positions: np.ndarray) -> np.ndarray:
    ring = model.neutral[model.landmarks68[48:60]][:, :2]
    inside = _inside_polygon(positions, _rounded(ring))
    return 0.9 * inside * (positions[..., 2] > 9.3)


def _inside_mouth(model: FaceModel, positions: np.ndarray) -> np.ndarray:
    """The wall of the mouth lies behind the lips, which part of the face's own mesh."""
    x, y, z = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    near = (x < 4.2) & (y > -7) & (y < 0.5)
    surface = 11.0 - 0.14 * x**2
    return near * smoothstep(0.6, 1.2, surface - z) * (y < -1.0)


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
    eye = model.neutral[model.landmarks68[42:48]].astype(np.float32)
    points = _mirrored(positions)
    upper, _ = _polyline_distance(points, eye[[0, 1, 2, 3]])
    lower, _ = _polyline_distance(points, eye[[3, 4, 5, 0]])
    return np.maximum(0.9 * smoothstep(0.24, 0.10, upper), 0.45 * smoothstep(0.18, 0.06, lower))


def _shirt(positions: np.ndarray) -> np.ndarray:
    """A round neckline, lower in front than behind."""
    y, z = positions[..., 1], positions[..., 2]
    line = -14.0 + 0.30 * np.clip(6.0 - z, 0, 20) + 0.012 * positions[..., 0] ** 2
    return smoothstep(0.12, -0.12, y - line)


def paint_eye(offsets: np.ndarray, look: Look) -> np.ndarray:
    """Colours of the eyeball's vertices from their direction, (n, 3) uint8."""
    unit = offsets / np.linalg.norm(offsets, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip(unit[:, 2], -1, 1)))
    white = (
        np.array([232, 226, 220], np.float32) * (1 - 0.004 * np.clip(angle - 30, 0, 60))[:, None]
    )
    colour = _mix(white, look.iris, smoothstep(25.5, 23.5, angle))
    colour = _mix(colour, (34, 34, 30), 0.8 * smoothstep(20, 23, angle) * smoothstep(26, 24, angle))
    colour = _mix(colour, (10, 9, 9), smoothstep(10.5, 9.0, angle))
    return np.clip(colour, 0, 255).astype(np.uint8)
