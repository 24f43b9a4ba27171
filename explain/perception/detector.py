"""Find faces in a picture: MediaPipe's BlazeFace, run in LiteRT.

Anchors and scales are those of MediaPipe's published graphs: one centre per cell, boxes as
offsets in units of the input size (Bazarevsky et al. 2019, BlazeFace, arXiv:1907.05047).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from demeanor.explain.perception.litert import LiteModel

# of what, input size -> (stride, anchors per cell) of each layer
_LAYERS = {
    ("face", 128): ((8, 2), (16, 6)),
    ("face", 192): ((4, 1),),
    ("palm", 192): ((8, 2), (16, 6)),
}
_LOGIT_LIMIT = 80.0  # keeps exp() finite in float32; scores are 0 or 1 there anyway


Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A detected face, in pixels of the picture."""

    left: float
    top: float
    right: float
    bottom: float
    eyes: tuple[tuple[float, float], tuple[float, float]]  # image left, image right
    score: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def box(self) -> Box:
        return self.left, self.top, self.right, self.bottom


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes; 0.0 for boxes without area."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def anchor_centres(size: int, of: str = "face") -> np.ndarray:
    """(n, 2) centres in 0-1 of the input, for an input of `size` pixels."""
    rows = []
    for stride, per_cell in _LAYERS[of, size]:
        cells = size // stride
        ys, xs = np.mgrid[0:cells, 0:cells]
        centres = np.stack([xs, ys], axis=-1).reshape(-1, 2)
        rows.append(np.repeat((centres + 0.5) / cells, per_cell, axis=0))
    return np.concatenate(rows).astype(np.float32)


class FaceDetector:
    def __init__(self, model: LiteModel) -> None:
        self._model = model
        self._size = model.input_shape[1]
        self._anchors = anchor_centres(self._size)

    def __call__(self, rgb: np.ndarray, min_score: float) -> list[FaceBox]:
        """Faces in `rgb` (h, w, 3) uint8, best first, overlaps removed."""
        square, scale, left, top = letterbox(rgb, self._size)
        x = square.astype(np.float32)[None] / 127.5 - 1.0
        raw_boxes, raw_scores = self._model(x)
        logits = np.clip(raw_scores[0, :, 0], -_LOGIT_LIMIT, _LOGIT_LIMIT)
        scores = 1.0 / (1.0 + np.exp(-logits))
        (keep,) = np.nonzero(scores >= min_score)
        boxes = [
            self._decode(raw_boxes[0, i], self._anchors[i], float(scores[i]), scale, left, top)
            for i in keep
        ]
        return suppress(boxes)

    def _decode(
        self, raw: np.ndarray, anchor: np.ndarray, score: float, scale: float, left: int, top: int
    ) -> FaceBox:
        points = raw.reshape(-1, 2) / self._size  # centre offset, size, then six keypoints
        centre, size, keypoints = points[0] + anchor, points[1], points[2:4] + anchor

        def to_picture(p: np.ndarray) -> tuple[float, float]:
            x, y = (p * self._size - (left, top)) / scale
            return float(x), float(y)

        return FaceBox(
            *to_picture(centre - size / 2),
            *to_picture(centre + size / 2),
            (to_picture(keypoints[0]), to_picture(keypoints[1])),
            score,
        )


def letterbox(rgb: np.ndarray, size: int) -> tuple[np.ndarray, float, int, int]:
    """`rgb` scaled into a black square of `size` pixels; its scale, and its left and top edge."""
    height, width = rgb.shape[:2]
    scale = size / max(height, width)
    size_px = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(rgb, size_px, interpolation=cv2.INTER_LINEAR)  # as MediaPipe samples
    square = np.zeros((size, size, 3), np.uint8)
    top, left = (size - small.shape[0]) // 2, (size - small.shape[1]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square, scale, left, top


def suppress(boxes: list[FaceBox], max_iou: float = 0.3) -> list[FaceBox]:
    """Non-maximum suppression: of boxes that overlap, the best. 0.3 is MediaPipe's value."""
    kept: list[FaceBox] = []
    for box in sorted(boxes, key=lambda b: -b.score):
        if all(iou(box.box, other.box) < max_iou for other in kept):
            kept.append(box)
    return kept
