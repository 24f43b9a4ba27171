"""Colours of the synthetic person, painted on the skin of the neutral head.

Colour is a function of where a point lies on the neutral head, in cm, and is carried along by
the texture coordinates: brows and lips therefore move exactly as the action units move them.
"""

from dataclasses import dataclass

import numpy as np

from demeanor.explain.demo.face_model import FaceModel
from demeanor.explain.demo.surface import (
    TILE_PX,
    inside_polygon,
    noise,
    openness,
    polyline_distance,
    rounded,
    smoothstep,
    uv_map,
)

# From the model's brow landmarks, which mark the upper edge of the ridge, to where brows lie at
# rest on people: there the mesh models read no raised brow. Inner to outer end.
BROW_DROP_CM = (0.5, 0.5, 0.5, 0.4, 0.3)
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


def above_hairline_cm(positions: np.ndarray) -> np.ndarray:
    """How far a point of the head lies above the hairline; negative on bare skin."""
    x, y, z = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    front = 9.7 + 0.25 * np.cos(x * 1.1) - 0.5 * smoothstep(5.0, 7.5, x)
    sideburn = smoothstep(4.8, 6.8, x) * smoothstep(6.4, 3.2, z)
    line = front * (1 - sideburn) + 1.6 * sideburn
    nape = smoothstep(0.5, -2.5, z)
    line = line * (1 - nape) - 5.0 * nape
    ear = np.hypot((z + 0.1) / 2.4, (y - 0.9) / 3.4)  # hair is cut around the ear
    return np.asarray(np.minimum(y - line, np.where(x > 5.0, 3.0 * (ear - 1.0), 9.0)))


def hair_thickness_cm(positions: np.ndarray) -> np.ndarray:
    """Short at the sides and at the hairline, full above."""
    height = above_hairline_cm(positions)
    full = 0.35 + 0.85 * smoothstep(5.0, 12.0, positions[..., 1])
    return np.asarray(smoothstep(-0.1, 2.6, height) * full)


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
    return np.asarray(np.clip(colour * shade, 0, 255), np.uint8)


def _hair(positions: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray]:
    """Colour of the hair and how much it covers: single hairs at its edge."""
    strands = noise(positions, (0.09, 1.6, 0.7), look.seed + 1)
    locks = noise(positions, (0.45, 3.0, 1.6), look.seed + 4)
    colour = np.array(look.hair, np.float32) * (1 + 0.30 * strands + 0.22 * locks)[..., None]
    cover = smoothstep(-0.15, 0.75, above_hairline_cm(positions) + 0.35 * strands)
    return colour, cover


def _mix(below: np.ndarray, above: np.ndarray | Rgb, share: np.ndarray) -> np.ndarray:
    share = share[..., None].astype(np.float32)
    return np.asarray(below * (1 - share) + np.asarray(above, np.float32) * share)


def _bare_skin(positions: np.ndarray, look: Look) -> np.ndarray:
    x, y, z = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    mottled = 0.02 * noise(positions, (0.25,) * 3, look.seed)
    mottled += 0.025 * noise(positions, (1.4,) * 3, look.seed + 2)
    colour = np.array(look.skin, np.float32) * (1 + mottled)[..., None]
    cheek = np.exp(-(((x - 4.6) / 1.8) ** 2) - ((y - 0.2) / 1.6) ** 2)
    nose = np.exp(-((x / 1.3) ** 2) - ((y - 0.3) / 1.2) ** 2) * (z > 9)
    warm = np.clip(0.55 * cheek + 0.4 * nose, 0, 1)
    return np.asarray(colour * (1 - warm[..., None] * np.array([0.01, 0.11, 0.10], np.float32)))


def _mirrored(positions: np.ndarray) -> np.ndarray:
    return np.concatenate([np.abs(positions[..., :1]), positions[..., 1:]], axis=-1)


def _brows(model: FaceModel, positions: np.ndarray, look: Look) -> np.ndarray:
    line = model.neutral[model.landmarks68[22:27]].astype(np.float32)  # inner to outer
    line[:, 1] -= BROW_DROP_CM
    distance, along = polyline_distance(_mirrored(positions)[..., :2], line[:, :2])
    half_cm = np.interp(along, [0, 0.15, 0.5, 1], [0.24, 0.31, 0.29, 0.08])
    hairs = 1 + 0.25 * noise(positions, (0.07, 0.22, 0.3), look.seed + 3)
    inside = smoothstep(1.25, 0.75, distance / (half_cm * hairs))
    gaps = 0.82 + 0.18 * noise(positions, (0.05, 0.3, 0.3), look.seed + 5)
    return np.asarray(gaps * inside * (positions[..., 2] > 5))


def _lips(model: FaceModel, positions: np.ndarray) -> np.ndarray:
    ring = model.neutral[model.landmarks68[48:60]][:, :2]
    inside = inside_polygon(positions, rounded(ring))
    return np.asarray(0.9 * inside * (positions[..., 2] > 9.3))


def _inside_mouth(model: FaceModel, positions: np.ndarray) -> np.ndarray:
    """The wall of the mouth lies behind the lips, which part of the face's own mesh."""
    x, y, z = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    near = (x < 2.9) & (y > -5.2) & (y < -1.5)
    surface = 11.0 - 0.14 * x**2
    return np.asarray(near * smoothstep(0.6, 1.2, surface - z))


def _lid_line(model: FaceModel, positions: np.ndarray) -> np.ndarray:
    """The edge of the lids, dark as lashes make it: more above than below."""
    eye = model.neutral[model.landmarks68[42:48]]
    ring = rounded(eye[:, :2])  # four points to a stretch: 12 above, 12 below
    points = _mirrored(positions)[..., :2]
    upper, _ = polyline_distance(points, ring[:13])
    lower, _ = polyline_distance(points, ring[12:])
    edge = np.maximum(0.95 * smoothstep(0.20, 0.07, upper), 0.45 * smoothstep(0.14, 0.05, lower))
    return np.asarray(edge * (positions[..., 2] > eye[:, 2].min() - 0.4))


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
