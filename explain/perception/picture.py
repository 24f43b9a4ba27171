"""One frame of a clip, whose colours are worked out only where somebody looks.

Most video comes as a plane of brightness and two smaller planes of colour. Turning a whole frame
of it into RGB costs more than finding the points of a face, and the face models look at two or
three small windows: those are cut from the planes, and the whole frame is converted for the
detector alone, which looks once a second.
"""

from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np

_MIDDLE = np.array([0.5, 0.5])  # a sample of colour lies in the middle of its four pixels
_BLACK = (16, 128, 128)  # of studio range, ITU-R BT.601
_PER_CELL = 4
_FULL_RANGE = np.clip((np.arange(256) - 16) * (255 / 219), 0, 255).round().astype(np.uint8)


class Picture:
    """A picture that is RGB already: (h, w, 3) uint8."""

    def __init__(self, rgb: np.ndarray) -> None:
        self._rgb = rgb

    @property
    def rgb(self) -> np.ndarray:
        """(h, w, 3) uint8."""
        return self._rgb

    def turned(self, quarters: int) -> "Picture":
        """Counter-clockwise by `quarters` of a full turn."""
        return Picture(np.ascontiguousarray(np.rot90(self._rgb, quarters)))

    def window(self, matrix: np.ndarray, size_px: int) -> np.ndarray:
        """(size_px, size_px, 3) float32 RGB in 0-1, black beyond the edge of the picture; `matrix`
        (2, 3) leads from the picture to the window, whose size is even."""
        cut = cv2.warpAffine(self._rgb, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR)
        return _to_float(cut)

    def brightness(self, matrix: np.ndarray, size_px: int) -> np.ndarray:
        """(size_px, size_px) uint8 grey, full range, black beyond the edge."""
        size = (size_px, size_px)
        cut = cv2.warpAffine(self._rgb, matrix, size, flags=cv2.INTER_LINEAR)
        return np.asarray(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY))

    def thumbnail(self, size_px: int) -> np.ndarray:
        """(size_px, size_px) uint8 brightness of the whole picture, whatever its shape."""
        return _small(self._rgb, size_px, np.array([0.299, 0.587, 0.114]))


class YuvPicture(Picture):
    """A picture in planes: brightness (h, w), then two of colour (h / 2, w / 2), all uint8."""

    def __init__(self, planes: Sequence[np.ndarray]) -> None:
        self._planes = tuple(planes)

    @cached_property
    def rgb(self) -> np.ndarray:
        height, width = self._planes[0].shape
        packed = np.concatenate([plane.reshape(-1) for plane in self._planes])
        i420 = packed.reshape(height * 3 // 2, width)
        return np.asarray(cv2.cvtColor(i420, cv2.COLOR_YUV2RGB_I420))

    def turned(self, quarters: int) -> Picture:
        return YuvPicture([np.ascontiguousarray(np.rot90(p, quarters)) for p in self._planes])

    def window(self, matrix: np.ndarray, size_px: int) -> np.ndarray:
        half = size_px // 2
        small = matrix.copy()  # the same place, counted in samples of colour on both sides
        small[:, 2] = (matrix[:, 2] + matrix[:, :2] @ _MIDDLE - _MIDDLE) / 2
        cut = np.empty((size_px + half, size_px), np.uint8)  # I420: brightness, then the colours
        into = (cut[:size_px], *cut[size_px:].reshape(2, half, half))
        for plane, part, to, black in zip(
            self._planes, into, (matrix, small, small), _BLACK, strict=True
        ):
            size = part.shape[::-1]
            cv2.warpAffine(plane, to, size, part, cv2.INTER_LINEAR, borderValue=black)
        return _to_float(cv2.cvtColor(cut, cv2.COLOR_YUV2RGB_I420))

    def brightness(self, matrix: np.ndarray, size_px: int) -> np.ndarray:
        size = (size_px, size_px)
        cut = cv2.warpAffine(
            self._planes[0], matrix, size, flags=cv2.INTER_LINEAR, borderValue=_BLACK[0]
        )
        return np.asarray(cv2.LUT(cut, _FULL_RANGE))

    def thumbnail(self, size_px: int) -> np.ndarray:
        return _small(self._planes[0], size_px)


def _small(plane: np.ndarray, size_px: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Means over cells, from some `_PER_CELL` squared of the pixels of each: a tenth of the time
    that reading all pixels takes."""
    some_px = min(_PER_CELL * size_px, *plane.shape[:2])
    some = cv2.resize(plane, (some_px, some_px), interpolation=cv2.INTER_NEAREST)
    grey = some if weights is None else (some @ weights).astype(np.uint8)
    return np.asarray(cv2.resize(grey, (size_px, size_px), interpolation=cv2.INTER_AREA))


def _to_float(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(np.multiply(rgb, np.float32(1.0 / 255.0), dtype=np.float32))
