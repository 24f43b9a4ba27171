"""A face backend for tests: finds one face wherever the picture is bright, and draws it there.

The whole path from a clip to observations can be run with it in a second, without a model.
"""

import numpy as np

from demeanor.explain.perception.detector import FaceBox
from demeanor.explain.perception.face import FaceMesh
from demeanor.explain.perception.geometry import template

BRIGHT = 60  # mean grey from which on a face is seen


class ScriptedFace:
    """A neutral, frontal face of the given size in the middle of every bright frame."""

    name, has_blendshapes = "mesh", False

    def __init__(self, eyes_px=40.0, version="scripted"):
        self.eyes_px, self.version = eyes_px, version
        self.n_frames = 0

    def detect(self, picture, min_score, far=True):
        if picture.rgb.mean() < BRIGHT:
            return []
        points = self._points(picture)
        left, top = points[:, :2].min(axis=0).tolist()
        right, bottom = points[:, :2].max(axis=0).tolist()
        eyes = tuple(map(tuple, points[[33, 263], :2].tolist()))
        return [FaceBox(left, top, right, bottom, eyes, 0.9)]

    def points(self, picture, roi):
        return self._points(picture), float(picture.rgb.mean() >= BRIGHT)

    def details(self, picture, points, presence, eyes=(0, 1)):
        self.n_frames += 1
        lids, irises = np.zeros((2, 16, 2), np.float32), np.zeros((2, 5, 2), np.float32)
        for side, (outer, inner) in enumerate([(0, 100), (300, 200)]):
            lids[side, :, 0] = (outer + inner) / 2
            lids[side, 1:8, 1], lids[side, 9:, 1] = 15, -15
            lids[side, 0], lids[side, 8] = (outer, 0), (inner, 0)
            irises[side] = [[(outer + inner) / 2 + 10 * (n > 0), 0] for n in range(5)]
        return FaceMesh(points, lids, irises, presence, None)

    def _points(self, picture):
        height, width = picture.rgb.shape[:2]
        face = template("mesh") * self.eyes_px * [1, -1, -1]
        return np.add(face, [width / 2, height / 2, 0]).astype(np.float32)
