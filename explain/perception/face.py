"""Face backends: from a picture to points on each face.

Two are shipped, both MediaPipe models run in LiteRT. `mesh` needs nothing but a package
registry: detector, 468 points, eyelids and irises. `landmarker` uses `face_landmarker.task`:
its own detector, 478 points and 52 blendshape coefficients.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from demeanor.explain.perception.detector import FaceBox, FaceDetector, iou
from demeanor.explain.perception.litert import LiteModel
from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.texture import texture_measures

# Corners of the eyes in the mesh; right and left are the person's own, right first throughout.
EYE_CORNERS = ((33, 133), (263, 362))  # (outer, inner)
# One eye's outline: outer corner, lower lid, inner corner, then the upper lid from outside in.
LIDS = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398),
)
_ROI_MARGIN = 1.5  # MediaPipe's own: the window is half as large again as the face
_IRIS_MARGIN = 2.3  # likewise, times the distance between the corners of the eye
# The 146 points that MediaPipe's blendshape model reads (face_blendshapes_graph, in its order).
# fmt: off
BLENDSHAPE_POINTS = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65,
    66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136,
    144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168,
    172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276,
    282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380,
    381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466,
    468, 469, 470, 471, 472, 473, 474, 475, 476, 477
])
# fmt: on
BOTH = (0, 1)  # eyes: right, left
N_POINTS = 468  # what both meshes share, with the same numbering


@dataclass(frozen=True, slots=True)
class Roi:
    """A square window on the picture, turned so that the eyes are level. Pixels, radians."""

    x: float
    y: float
    size: float
    angle: float

    def to_crop(self, crop_px: int) -> np.ndarray:
        """(2, 3) matrix from picture to crop coordinates."""
        scale = crop_px / self.size
        cos, sin = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        half = crop_px / 2
        return np.array(
            [
                [cos, sin, half - cos * self.x - sin * self.y],
                [-sin, cos, half + sin * self.x - cos * self.y],
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh:
    """Points on one face, in pixels of the picture; z grows away from the camera."""

    points: np.ndarray  # (468, 3) float32
    lids: np.ndarray  # (2, 16, 2) float32, right then left, order as LIDS; NaN: not looked at
    irises: np.ndarray  # (2, 5, 2) float32: centre, then four points of the rim
    presence: float  # 0-1, the model's own score that this is a face
    blendshapes: np.ndarray | None  # (52,) 0-1, ARKit order; None: this backend has none
    texture: np.ndarray | None = None  # (len(TEXTURE_MEASURES),); None: not looked at


class FaceBackend(Protocol):
    """`points` is all that following a face needs; `details` may run beside the next frame's
    `points` in one other thread, which is what makes two cores worth having."""

    name: str
    version: str  # of the models: first digits of their hashes
    has_blendshapes: bool

    def detect(self, picture: Picture, min_score: float, far: bool = True) -> list[FaceBox]:
        """Faces in `picture`, best first; small ones too where `far` is set, which
        costs three times as much."""

    def points(self, picture: Picture, roi: Roi) -> tuple[np.ndarray, float]:
        """(468 or 478, 3) float32 points of the face in `roi`, and 0-1 whether there is one."""

    def details(
        self, picture: Picture, points: np.ndarray, presence: float, eyes: Sequence[int] = BOTH
    ) -> FaceMesh:
        """Eyelids, irises, texture and blendshapes added to `points`. A backend that pays for
        each eye looks only at `eyes` (0 right, 1 left); the other is NaN."""


def mesh(backend: FaceBackend, picture: Picture, roi: Roi) -> FaceMesh:
    """Both steps at once, for a single picture."""
    return backend.details(picture, *backend.points(picture, roi))


def roi_of_box(box: FaceBox) -> Roi:
    (x0, y0), (x1, y1) = box.eyes
    size = max(box.width, box.bottom - box.top) * _ROI_MARGIN
    return Roi(
        (box.left + box.right) / 2,
        (box.top + box.bottom) / 2,
        size,
        math.atan2(y1 - y0, x1 - x0),
    )


def roi_of_mesh(points: np.ndarray) -> Roi:
    """The window for the next frame, from the points of this one."""
    right, left = points[EYE_CORNERS[0][0], :2], points[EYE_CORNERS[1][0], :2]
    dx, dy = (left - right).tolist()
    angle = math.atan2(dy, dx)
    cos, sin = math.cos(angle), math.sin(angle)
    along = cos * points[:, 0] + sin * points[:, 1]
    across = cos * points[:, 1] - sin * points[:, 0]
    left_end, right_end = float(along.min()), float(along.max())
    top, bottom = float(across.min()), float(across.max())
    u, v = (left_end + right_end) / 2, (top + bottom) / 2
    size = max(right_end - left_end, bottom - top) * _ROI_MARGIN
    return Roi(cos * u - sin * v, sin * u + cos * v, size, angle)


def _to_picture(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Crop coordinates (…, 2 or 3) back to the picture; z is scaled along."""
    inverse = cv2.invertAffineTransform(matrix).astype(np.float32)
    out = np.empty_like(points)
    out[..., :2] = points[..., :2] @ inverse[:, :2].T + inverse[:, 2]
    if points.shape[-1] == 3:
        out[..., 2] = points[..., 2] * math.hypot(inverse[0, 0], inverse[0, 1])
    return out


class MeshBackend:
    """Detector, 468-point mesh and irises of the mediapipe wheel (Kartynnik et al. 2019)."""

    name = "mesh"
    has_blendshapes = False

    def __init__(
        self, near: LiteModel, far: LiteModel, mesh: LiteModel, iris: LiteModel, version: str
    ) -> None:
        self.version = version
        self.hands: object | None = None
        self._near, self._far = FaceDetector(near), FaceDetector(far)
        self._mesh, self._iris = mesh, iris

    def detect(self, picture: Picture, min_score: float, far: bool = True) -> list[FaceBox]:
        return both_ranges(self._near, self._far if far else None, picture, min_score)

    def points(self, picture: Picture, roi: Roi) -> tuple[np.ndarray, float]:
        crop_px = self._mesh.input_shape[1]
        matrix = roi.to_crop(crop_px)
        raw, presence = self._mesh(picture.window(matrix, crop_px)[None])
        return _to_picture(raw.reshape(N_POINTS, 3), matrix), _sigmoid(presence.item())

    def details(
        self, picture: Picture, points: np.ndarray, presence: float, eyes: Sequence[int] = BOTH
    ) -> FaceMesh:
        angle = roi_of_mesh(points).angle
        lids, irises = np.full((2, 16, 2), np.nan, "f4"), np.full((2, 5, 2), np.nan, "f4")
        for side in eyes:
            lids[side], irises[side] = self._eye(picture, points, side, angle)
        texture = texture_measures(picture, points)
        return FaceMesh(points, lids, irises, presence, None, texture)

    def _eye(
        self, picture: Picture, points: np.ndarray, side: int, angle: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Outline (16, 2) and iris (5, 2). The model knows right eyes: left ones are mirrored."""
        outer, inner = points[EYE_CORNERS[side][0], :2], points[EYE_CORNERS[side][1], :2]
        x, y = ((outer + inner) / 2).tolist()
        crop_px = self._iris.input_shape[1]
        size = float(np.linalg.norm(outer - inner)) * _IRIS_MARGIN
        matrix = Roi(x, y, max(size, 1.0), angle).to_crop(crop_px)
        if side == 1:
            matrix = np.array([[-1, 0, crop_px - 1], [0, 1, 0]]) @ np.vstack([matrix, [0, 0, 1]])
        eye, iris = self._iris(picture.window(matrix, crop_px)[None])
        outline = eye.reshape(71, 3)[:16, :2].astype(np.float32)
        rim = iris.reshape(5, 3)[:, :2].astype(np.float32)
        return _to_picture(outline, matrix), _to_picture(rim, matrix)


class LandmarkerBackend:
    """The three models of face_landmarker.task; `far` adds the wheel's detector for small faces."""

    name = "landmarker"
    has_blendshapes = True

    def __init__(
        self,
        near: LiteModel,
        mesh: LiteModel,
        blendshapes: LiteModel,
        far: LiteModel | None,
        version: str,
    ) -> None:
        self.version = version
        self.hands: object | None = None
        self._near = FaceDetector(near)
        self._far = FaceDetector(far) if far else None
        self._mesh, self._blendshapes = mesh, blendshapes

    def detect(self, picture: Picture, min_score: float, far: bool = True) -> list[FaceBox]:
        return both_ranges(self._near, self._far if far else None, picture, min_score)

    def points(self, picture: Picture, roi: Roi) -> tuple[np.ndarray, float]:
        crop_px = self._mesh.input_shape[1]
        matrix = roi.to_crop(crop_px)
        raw, presence, _ = self._mesh(picture.window(matrix, crop_px)[None])
        return _to_picture(raw.reshape(-1, 3), matrix), _sigmoid(presence.item())

    def details(
        self, picture: Picture, points: np.ndarray, presence: float, eyes: Sequence[int] = BOTH
    ) -> FaceMesh:
        (coefficients,) = self._blendshapes(points[BLENDSHAPE_POINTS, :2][None])
        return FaceMesh(
            points[:N_POINTS],
            points[np.array(LIDS), :2],
            points[N_POINTS:, :2].reshape(2, 5, 2),
            presence,
            coefficients,
            texture_measures(picture, points),
        )


def both_ranges(
    near: FaceDetector, far: FaceDetector | None, picture: Picture, min_score: float
) -> list[FaceBox]:
    """Faces of either detector: the near one sees large faces, the far one small ones."""
    boxes = near(picture.rgb, min_score)
    for box in far(picture.rgb, min_score) if far else ():
        if all(iou(box.box, other.box) < 0.3 for other in boxes):
            boxes.append(box)
    return boxes


def _sigmoid(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, logit))))
