"""Furrows painted on the rendered face, as deep as the action unit that makes them is strong.

The face model moves smoothly: its skin never creases. Where furrows run when a unit is at work
is taken from the description of its appearance changes in FACS 2002 (table in
../shared/knowledge/action_units.csv); how deep, how wide and whether at all differs by person
and is drawn at random, so that no measure can rely on a furrow being there.
"""

import cv2
import numpy as np

from demeanor.explain.demo.face_model import FaceModel
from demeanor.explain.demo.surface import TILE_PX, polyline_distance, uv_map

_DARKEST = 0.42  # of the light that the deepest furrow takes away
Line = np.ndarray  # (points, 2) in cm on the neutral head, right half mirrored from the left


class Wrinkles:
    """Depth maps by action unit, over the texture's tile of the face."""

    def __init__(self, model: FaceModel, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._rng = rng
        position = uv_map(model, model.neutral)[:, :TILE_PX]
        self._front = position[..., 2] > 4.0
        self._position = position
        mark = model.neutral[model.landmarks68]
        self._layers = {unit: self._draw(lines, rng) for unit, lines in _lines(mark).items()}
        self._layers["AU17"] = np.maximum(self._layers["AU17"], self._pebbles(mark, rng))

    def person(self) -> dict[str, float]:
        """How deep each unit's furrows get in one person, and how deep they are at rest."""
        units = list(self._layers)
        deep = self._rng.uniform(0.0, 1.0, len(units)) * (self._rng.random(len(units)) < 0.85)
        rest = self._rng.uniform(0.0, 0.35, len(units)) * self._rng.random()
        return {u: float(d) for u, d in zip(units, deep, strict=True)} | {
            f"rest {u}": float(r) for u, r in zip(units, rest, strict=True)
        }

    def paint(
        self, skin: np.ndarray, person: dict[str, float], weights: dict[str, tuple[float, float]]
    ) -> np.ndarray:
        """`skin` with furrows for weights (right, left), 0-1 each."""
        light = np.ones((TILE_PX, TILE_PX), np.float32)
        own_left = np.clip(self._position[..., 0] / 0.6, -0.5, 0.5) + 0.5  # 1 on the own left
        for unit, layer in self._layers.items():
            right, left = weights.get(unit, (0.0, 0.0))
            strength = person[unit] * (right * (1 - own_left) + left * own_left)
            light *= 1 - _DARKEST * layer * (strength + person[f"rest {unit}"])
        painted = skin.copy()
        face = painted[:, :TILE_PX]
        painted[:, :TILE_PX] = np.clip(face * light[..., None], 0, 255).astype(np.uint8)
        return painted

    def _draw(self, lines: list[Line], rng: np.random.Generator) -> np.ndarray:
        points = self._position[..., :2].copy()
        points[..., 0] = np.abs(points[..., 0])
        layer = np.zeros(self._front.shape, np.float32)
        for line in lines:
            bent = line + rng.normal(0, 0.06, line.shape)
            distance, _ = polyline_distance(points, bent)
            width_cm = rng.uniform(0.08, 0.20)
            layer = np.maximum(layer, np.exp(-((distance / width_cm) ** 2)))
        return np.asarray(cv2.GaussianBlur(layer * self._front, (0, 0), 1.0), np.float32)

    def _pebbles(self, mark: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The chin's skin puckers into small dents."""
        x, y = self._position[..., 0], self._position[..., 1]
        chin = np.exp(-((x / 1.6) ** 2) - ((y - mark[8, 1] - 1.4) / 1.0) ** 2) * self._front
        dents = cv2.GaussianBlur(rng.normal(0, 1, x.shape).astype(np.float32), (0, 0), 4)
        return np.asarray(chin * np.clip(dents / dents.std() - 0.4, 0, 1.5) / 1.5, np.float32)


def _lines(mark: np.ndarray) -> dict[str, list[Line]]:
    """Furrows of the left half of the face (x > 0) by unit; those on the middle line too."""
    brow_in, brow_out = mark[22, :2], mark[26, :2]
    root, canthus = mark[27, :2], mark[45, :2]
    ala, corner, lip_low, chin = mark[35, :2], mark[54, :2], mark[57, :2], mark[8, :2]
    eye_low, eye_top = mark[[46, 47], :2].mean(axis=0), mark[[43, 44], :2].mean(axis=0)

    def across(y: float, x0: float, x1: float, sag: float = 0.0) -> Line:
        x = np.linspace(x0, x1, 5)
        return np.stack([x, y - sag * np.sin(np.pi * (x - x0) / (x1 - x0))], axis=1)

    def path(*points: tuple[float, float]) -> Line:
        return np.array(points, float)

    def near(mark: np.ndarray, dx: float, dy: float) -> tuple[float, float]:
        return float(mark[0] + dx), float(mark[1] + dy)

    top, wide, fold = brow_in[1], brow_out[0], (ala + corner) / 2
    fan = [(1.3, 0.7), (1.5, 0.0), (1.3, -0.7)]
    return {
        "AU1": [across(top + dy, 0.0, 0.4 * wide) for dy in (1.3, 2.2, 3.1)],
        "AU2": [across(brow_out[1] + dy, 0.45 * wide, 0.95 * wide, -0.3) for dy in (1.7, 2.6)],
        "AU4": [
            path((0.55, root[1] + 0.1), (0.75, top), (0.7, top + 1.2)),
            path((0.15, root[1] + 0.3), (0.2, top + 0.7)),
        ],
        "AU6": [path(near(canthus, 0.4, 0.0), near(canthus, *step)) for step in fan]
        + [across(eye_low[1] - 0.9, eye_low[0] - 1.3, eye_low[0] + 1.5, 0.25)],
        "AU7": [across(eye_low[1] - 0.4, eye_low[0] - 1.0, eye_low[0] + 1.2, 0.15)],
        "AU5": [across(eye_top[1] + 0.5, eye_top[0] - 1.1, eye_top[0] + 1.1, -0.25)],
        "AU9": [across(root[1] + dy, 0.0, 0.7) for dy in (-0.1, -0.5)]
        + [path((0.6, root[1] - 0.6), (1.3, root[1] - 1.5))]
        + [path(near(ala, 0.2, 0.9), near(ala, 0.6, 0.1))],
        "AU10": [path(near(ala, 0.1, 0.5), near(ala, 0.8, -0.4), near(fold, 0.9, 0.2))],
        "AU12": [path(near(ala, 0.1, 0.3), near(fold, 1.0, 0.2), near(corner, 0.9, -0.2))],
        "AU14": [path(near(corner, 0.45, 0.5), near(corner, 0.6, 0.0), near(corner, 0.45, -0.5))],
        "AU15": [path(near(corner, 0.1, -0.2), near(corner, 0.5, -1.1))],
        "AU17": [across(lip_low[1] - 0.8, 0.0, 1.5, -0.25)],
        "AU18": [path((x, mark[51, 1] + 0.2), (x, mark[51, 1] + 0.9)) for x in (0.3, 0.9, 1.4)],
        "AU20": [across((lip_low[1] + chin[1]) / 2 + 0.3, 0.6, 2.2)],
        "AU24": [path((x, lip_low[1] - 0.1), (x, lip_low[1] - 0.7)) for x in (0.5, 1.1)]
        + [path(near(corner, 0.1, 0.3), near(corner, 0.2, -0.4))],
        "AU28": [across(lip_low[1] - 0.5, 0.0, 1.8, 0.2)],
    }  # fmt: skip
