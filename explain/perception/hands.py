"""Hands at a face: a palm is looked for around it, then the hand's points say what they cover.

The two models are those of MediaPipe Hands (Zhang et al. 2020, arXiv:2006.10214), run in LiteRT.
Looking for a palm costs as much as following a face through five to ten frames, so it is done
seldom (the smaller model would be hardly cheaper, and takes a tenth of ordinary faces for palms).
Only whether, where and when a hand lies over or beside a face is kept. In the picture's plane: how
far before the face it is held, and whether it touches it, is not known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from demeanor.explain.perception.detector import anchor_centres
from demeanor.explain.perception.face import Roi
from demeanor.explain.perception.litert import LiteModel
from demeanor.explain.perception.picture import Picture
from demeanor.explain.records import Channel, CueTrack, Event, Kind, Span, Unit

# Places of a face, and points of the mesh that lie in each.
PLACES: dict[str, tuple[int, ...]] = {
    "hand_brow": (70, 105, 107, 300, 334, 336, 109, 10, 338, 151),
    "hand_eye": (33, 159, 133, 145, 263, 386, 362, 374),
    "hand_nose": (1, 4, 5, 98, 327, 195),
    "hand_cheek": (50, 205, 117, 280, 425, 346, 207, 427),
    "hand_mouth": (61, 291, 0, 17, 13, 14, 39, 269, 181, 405),
    "hand_chin": (152, 199, 148, 377, 171, 396),
}
NEAR = "hand_near"
HANDS = (*PLACES, NEAR)
_WINDOW = 2.0  # widths of the face that are searched, about its middle
COARSE = "hands are looked for every few seconds, about once a second where one is"
_RELIABILITY = 0.5  # ours: right where it was looked at (docs/perception.md), on few pictures
_PALM_SCORE, _HAND_SCORE = 0.5, 0.5
_HAND_SIZE, _HAND_SHIFT = 2.6, 0.5  # from a palm to its hand, MediaPipe's own
_AGAIN_SIZE = 2.0  # of the points of a hand that is followed, likewise
_WRIST, _MIDDLE = 0, 9  # of its points: where it begins, and the knuckle of the middle finger
_FINGER = 0.18  # of the face's width: a hand is wider than its points


@dataclass(frozen=True, slots=True)
class _Palm:
    x: float
    y: float
    size: float
    angle: float  # radians, of the direction from the wrist to the fingers, 0 upward


class Hands:
    """Looks at one face at a time. Not shared between threads."""

    def __init__(self, palm: LiteModel, hand: LiteModel) -> None:
        self._palm, self._hand = palm, hand
        self._anchors = anchor_centres(palm.input_shape[1], "palm")

    def find(
        self, picture: Picture, face: np.ndarray, before: np.ndarray | None = None
    ) -> np.ndarray | None:
        """(21, 2) points of the surest hand around the face with mesh points `face`, or None. A
        palm whose hand the second model does not confirm is none. before: where the hand was; it
        is looked for there first, since before a face the first model loses many.
        """
        if before is not None:
            again = self._points(picture, _window_again(before))
            if again is not None:
                return again
        palm = self._search(picture, face)
        return None if palm is None else self._points(picture, _window_of(palm))

    def _search(self, picture: Picture, face: np.ndarray) -> _Palm | None:
        size_px = self._palm.input_shape[1]
        low, high = face[:, :2].min(axis=0), face[:, :2].max(axis=0)
        x, y = ((low + high) / 2).tolist()
        width = float((high - low).max())
        matrix = Roi(x, y, _WINDOW * width, 0.0).to_crop(size_px)
        boxes, logits = self._palm(picture.window(matrix, size_px)[None])
        best = int(np.argmax(logits[0, :, 0]))
        if 1 / (1 + math.exp(-float(np.clip(logits[0, best, 0], -50, 50)))) < _PALM_SCORE:
            return None
        scale = _WINDOW * width
        raw = boxes[0, best].reshape(-1, 2) / size_px
        corner = np.array([x, y]) - scale / 2
        centre = (raw[0] + self._anchors[best]) * scale + corner
        wrist, middle = ((raw[2 + k] + self._anchors[best]) * scale + corner for k in (0, 2))
        dx, dy = (middle - wrist).tolist()
        size = float(raw[1].max()) * scale
        return _Palm(float(centre[0]), float(centre[1]), size, math.atan2(dx, -dy))

    def _points(self, picture: Picture, roi: Roi) -> np.ndarray | None:
        size_px = self._hand.input_shape[1]
        matrix = roi.to_crop(size_px)
        raw, score, _, _ = self._hand(picture.window(matrix, size_px)[None])
        if float(score.item()) < _HAND_SCORE:
            return None
        inverse = cv2.invertAffineTransform(matrix)
        return np.asarray(raw.reshape(21, 3)[:, :2] @ inverse[:, :2].T + inverse[:, 2])


def covered(hand: np.ndarray | None, face: np.ndarray) -> np.ndarray:
    """(len(HANDS),) float32: share of each place of a face that a hand lies over, then whether
    it lies beside the face only. All 0 without a hand."""
    out = np.zeros(len(HANDS), np.float32)
    if hand is None:
        return out
    width = float(np.ptp(face[:, 0]))
    hull = cv2.convexHull(hand.astype(np.float32))
    reach = _FINGER * width / 2
    for k, points in enumerate(PLACES.values()):
        inside = [
            cv2.pointPolygonTest(hull, (float(x), float(y)), measureDist=True) >= -reach
            for x, y in face[list(points), :2]
        ]
        out[k] = sum(inside) / len(points)
    out[-1] = float(out[:-1].max() == 0)
    return out


def _window_of(palm: _Palm) -> Roi:
    """The window of a whole hand, fingers up."""
    shift = _HAND_SHIFT * palm.size
    x = palm.x + math.sin(palm.angle) * shift
    y = palm.y - math.cos(palm.angle) * shift
    return Roi(x, y, _HAND_SIZE * palm.size, palm.angle)


def _window_again(hand: np.ndarray) -> Roi:
    """The window in which a hand with these points is found again."""
    dx, dy = (hand[_MIDDLE] - hand[_WRIST]).tolist()
    low, high = hand.min(axis=0), hand.max(axis=0)
    x, y = ((low + high) / 2).tolist()
    return Roi(x, y, _AGAIN_SIZE * max(float((high - low).max()), 1.0), math.atan2(dx, -dy))


# What follows from it ----------------------------------------------------------------------


def hand_events(tracks: Sequence[CueTrack], least: float, least_s: float) -> list[Event]:
    """Hands at a face, from tracks with codes of `HANDS`: from when to when, and how much of the
    place is covered. Looks lie apart in time, so that onset and offset are known to seconds.
    """
    events = []
    for track in (t for t in tracks if t.code in HANDS):
        there = np.nan_to_num(track.values) >= least
        edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
        for first, after in zip(edges[::2], edges[1::2], strict=True):
            span = Span(float(track.times_s[first]), float(track.times_s[after - 1]))
            if span.duration_s >= least_s:
                events.append(_event(track, span, first, after))
    return events


def _event(track: CueTrack, span: Span, first: int, after: int) -> Event:
    peak = int(first + np.argmax(track.values[first:after]))
    return Event(
        person=track.person,
        channel=Channel.FACE,
        code=track.code,
        side=None,
        kind=Kind.EVENT,
        span=span,
        apex_s=float(track.times_s[peak]),
        peak=float(track.values[peak]),
        unit=Unit.RATIO,
        change_from_usual=None,
        change_from_population=None,
        reliability=_RELIABILITY,
        caveats=(COARSE,),
        source=track.source,
    )
