"""Follow every face through a clip, each under an id that stays.

A face that is followed needs no detector: the points of one frame give the window for the next.
The detector looks again at a set interval, and at once when a face is lost. A face that comes
back where one was lost is taken to be the same person; we compare places, never identities. So
a cut to another shot ends everybody's stretch: who is seen after it is somebody new, unless the
shot is one that was seen before, with a face of that size in that place.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from demeanor.explain.perception.detector import Box, FaceBox, iou
from demeanor.explain.perception.face import (
    BOTH,
    FaceBackend,
    FaceMesh,
    Roi,
    roi_of_box,
    roi_of_mesh,
)
from demeanor.explain.perception.hands import Hands, covered
from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.shots import Shots
from demeanor.explain.perception.visibility import view
from demeanor.explain.settings import FaceSettings

_SAME_FACE_IOU = 0.5  # two windows on one face
_SAME_PLACE_IOU = 0.2  # a face that returns: heads move while they are away
_JUMP_IOU = 0.2  # from one frame to the next: below it the picture was cut to something else
_EAGER = 0.2  # while nobody is followed, look five times as often
_BY_TURNS_S = 0.055  # 18 frames a second: a blink still has three looks at each eye
_FAR_EVERY = 3  # looks beside somebody who is followed: small faces more seldom, they cost most
_SETTLE = 2  # passes over a new face, until its window fits
_SAME_SIZE = 1.4  # of a face in a shot that returns, either way
_MAX_LOST = 64  # people who may still return: more would be a crowd, not a cast
_TURNED_EVERY = 5  # looks for anybody at all: at one of them the picture is turned
_LIES = 0.67  # quarters, 60 degrees: less is a tilted head
_OTHERWISE = (3, 2, 1)  # upside down first: quarters are counted from the second on


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One face in one frame."""

    track: int  # 0, 1, … in order of appearance
    time_s: float
    mesh: FaceMesh
    view: np.ndarray | None = None  # (len(VIEW),), see visibility.py; None: not looked at now
    hand: np.ndarray | None = None  # (len(HANDS),), see hands.py; None: not looked for now
    quarters: int = 0  # counter-clockwise turns of the picture that set this face upright


@dataclass(slots=True)
class _Track:
    number: int
    roi: Roi
    box: Box
    seen_s: float
    shot: int
    quarters: int
    looked_s: float = -np.inf  # at the eyes, last
    turn: int = 0
    viewed_s: float = -np.inf
    hand_looked_s: float = -np.inf
    hand: np.ndarray | None = None  # (21, 2) at the last look, which another thread takes


@dataclass(frozen=True, slots=True)
class _Attention:
    """What is looked at more closely in one frame of one face."""

    eyes: Sequence[int]
    view: bool
    hand: bool


class Tracker:
    """Feed frames in order; `add` yields what has become ready, `finish` the rest.

    The details of a frame (eyelids, irises, blendshapes) are worked out in a second thread
    while the points of the next are found in the caller's: results come a few frames late.
    """

    _DEPTH = 4  # frames that may wait for their details: bounds the memory

    def __init__(
        self, backend: FaceBackend, settings: FaceSettings, hands: Hands | None = None
    ) -> None:
        self._backend, self._settings, self._hands = backend, settings, hands
        self._hand_looked_s = -np.inf
        self._active: list[_Track] = []
        self._lost: list[_Track] = []
        self._n_tracks = self._n_looks = self._n_vain = 0
        self._looked_s = -np.inf
        self._shots, self._shot, self._quarters = Shots(), 0, 0
        self._only: tuple[float, Picture] | None = None  # while there has been but one
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="face-details")
        self._waiting: deque[Future[list[Seen]]] = deque()
        self.crowd = 0  # most faces that were left out at one time, for lack of places

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def cuts_s(self) -> list[float]:
        """When the picture is cut to another shot."""
        return self._shots.cuts_s

    def add(self, time_s: float, picture: Picture) -> Iterator[Seen]:
        self._only = (time_s, picture) if self._looked_s == -np.inf else None
        shot = self._shots.add(time_s, picture)
        if shot != self._shot:
            self._leave(shot)
        found = self._follow(time_s, picture)
        wait_s = self._settings.redetect_every_s * (1.0 if self._active else _EAGER)
        due = time_s - self._looked_s >= wait_s
        if due or len(found) < len(self._active):
            self._active = [track for track, _, _ in found]
            found += self._look(time_s, picture)
            self._looked_s = time_s
        self._active = [track for track, _, _ in found]
        looks = [self._look_at(track, time_s) for track in self._active]
        self._waiting.append(self._pool.submit(self._details, time_s, picture, found, looks))
        while len(self._waiting) > self._DEPTH:
            yield from self._waiting.popleft().result()

    def finish(self) -> Iterator[Seen]:
        if self._only is not None and not self._n_tracks:
            yield from self._turned_still(*self._only)
        yield from self.waited_for()

    def waited_for(self) -> Iterator[Seen]:
        """What is being worked out still: for a camera, whose frames come one by one."""
        while self._waiting:
            yield from self._waiting.popleft().result()

    def _turned_still(self, time_s: float, picture: Picture) -> Iterator[Seen]:
        """A single picture in which nobody was found may lie on its side, or stand on its head."""
        for self._quarters in (2, 1, 3):
            if found := self._look(time_s, picture):
                self._active = [track for track, _, _ in found]
                looks = [self._look_at(track, time_s) for track in self._active]
                yield from self._details(time_s, picture, found, looks)
                return

    def _details(
        self,
        time_s: float,
        picture: Picture,
        found: list[tuple[_Track, np.ndarray, float]],
        looks: list["_Attention"],
    ) -> list[Seen]:
        return [
            Seen(
                track.number,
                time_s,
                self._backend.details(picture, points, presence, look.eyes),
                view(picture, points) if look.view else None,
                self._hand_at(track, picture, points) if look.hand else None,
                track.quarters,
            )
            for (track, points, presence), look in zip(found, looks, strict=True)
        ]

    def _leave(self, shot: int) -> None:
        """The picture was cut: nobody is followed from one shot into another."""
        self._lost += self._active
        self._active, self._shot = [], shot
        self._looked_s = -1e9  # at once

    def _look_at(self, track: _Track, time_s: float) -> "_Attention":
        due = time_s - track.viewed_s >= self._settings.view_every_s
        if due:
            track.viewed_s = time_s
        return _Attention(self._eyes(track, time_s), due, self._hand_due(track, time_s))

    def _hand_due(self, track: _Track, time_s: float) -> bool:
        """One face at a time, so that a crowd costs no more; more often where a hand is."""
        every_s = self._settings.hand_every_s
        waits = time_s - self._hand_looked_s < (every_s / 3 if track.hand is not None else every_s)
        longest = min(t.hand_looked_s for t in self._active)
        if self._hands is None or waits or track.hand_looked_s > longest:
            return False
        self._hand_looked_s = track.hand_looked_s = time_s
        return True

    def _hand_at(self, track: _Track, picture: Picture, points: np.ndarray) -> np.ndarray | None:
        if self._hands is None:
            return None
        track.hand = self._hands.find(picture, points, track.hand)
        return covered(track.hand, points)

    @staticmethod
    def _eyes(track: _Track, time_s: float) -> Sequence[int]:
        """Which eyes to look at: by turns, which halves what they cost, where frames follow each
        other closely enough for the one between to be read from its neighbours; else both."""
        before_s, track.looked_s = track.looked_s, time_s
        if time_s - before_s > _BY_TURNS_S:
            track.turn = 0
            return BOTH
        track.turn += 1
        return (track.turn % 2,)

    def _follow(self, time_s: float, picture: Picture) -> list[tuple[_Track, np.ndarray, float]]:
        """Faces known from the last frame that are still there; the others go to `_lost`."""
        found: list[tuple[_Track, np.ndarray, float]] = []
        for track in self._active:
            points, presence = self._backend.points(picture, track.roi)
            box = box_of(points)
            gone = presence < self._settings.presence or iou(box, track.box) < _JUMP_IOU
            if gone or any(iou(box, other.box) > _SAME_FACE_IOU for other, _, _ in found):
                self._lost.append(track)
                continue
            self._update(track, points, box, time_s)
            found.append((track, points, presence))
        return found

    def _look(self, time_s: float, picture: Picture) -> list[tuple[_Track, np.ndarray, float]]:
        """Faces that nobody follows yet, each confirmed by the mesh."""
        new: list[tuple[_Track, np.ndarray, float]] = []
        taken = [track.box for track in self._active]
        n_left_out = 0
        far = not self._active or self._n_looks % _FAR_EVERY == 0
        self._n_looks += 1
        for face in self._detect(picture, far):
            if any(iou(face.box, box) > _SAME_PLACE_IOU for box in taken):
                continue
            if len(taken) >= self._settings.max_people:
                n_left_out += 1
                continue
            points, presence, roi = self._settle(picture, roi_of_box(face))
            box = box_of(points)
            if presence < self._settings.presence:
                continue
            if any(iou(box, other) > _SAME_PLACE_IOU for other in taken):
                continue
            track = self._recall(box, time_s) or self._new(roi, box)
            track.shot, track.quarters = self._shot, self._quarters
            self._update(track, points, box, time_s)
            taken.append(box)
            new.append((track, points, presence))
        self.crowd = max(self.crowd, n_left_out)
        return new

    def _detect(self, picture: Picture, far: bool) -> list[FaceBox]:
        """Faces of the picture turned as the first face was found; until there is one, now and
        then otherwise.
        """
        quarters = self._quarters
        if not self._n_tracks:
            self._n_vain += 1
            if self._n_vain % _TURNED_EVERY == 0:
                quarters = (quarters + _OTHERWISE[self._n_vain // _TURNED_EVERY % 3]) % 4
        return _find(self._backend, picture, quarters, self._settings.detector_score, far)

    def _settle(self, picture: Picture, roi: Roi) -> tuple[np.ndarray, float, Roi]:
        """Points, presence and window of a face that was detected. The detector finds faces that
        stand on their heads and takes them for upright ones; the mesh knows. So the first face of
        a clip is tried all four ways, and says how the picture lies.
        """
        if self._n_tracks:
            return self._confirm(picture, roi)
        ways = [replace(roi, angle=roi.angle + k * math.pi / 2) for k in (0, 2, 1, 3)]
        tried = [self._confirm(picture, way) for way in ways]
        best = max(tried, key=lambda found: found[1])  # far from 0.5 there are differences still
        quarters = best[2].angle / (math.pi / 2)
        self._quarters = round(quarters) % 4 if abs(quarters) > _LIES else 0
        return best

    def _confirm(self, picture: Picture, roi: Roi) -> tuple[np.ndarray, float, Roi]:
        for _ in range(_SETTLE):
            points, presence = self._backend.points(picture, roi)
            if presence < self._settings.presence:
                break
            roi = roi_of_mesh(points)
        return points, presence, roi

    def _recall(self, box: Box, time_s: float) -> _Track | None:
        """The person last lost near here. Soon after, nearness is enough; later, overlap. After a
        cut only who was last seen in this very shot can return, and only as large as before.
        """
        self._lost = self._lost[-_MAX_LOST:]
        cut_s = self.cuts_s[-1] if self.cuts_s else -np.inf
        for track in sorted(self._lost, key=lambda t: -t.seen_s):
            soon = time_s - track.seen_s <= self._settings.lost_after_s
            returned = track.seen_s < cut_s
            here = iou(box, track.box) > _SAME_PLACE_IOU
            if returned:
                near = here and _as_large(box, track.box)
            else:
                near = here or (soon and _near(box, track.box))
            if near and track.shot == self._shot:
                self._lost.remove(track)
                return track
        if len(self._lost) == 1 and self._n_tracks == 1 and not self.cuts_s:
            return self._lost.pop()  # the only person this clip has shown
        return None

    def _new(self, roi: Roi, box: Box) -> _Track:
        track = _Track(self._n_tracks, roi, box, -np.inf, self._shot, self._quarters)
        self._n_tracks += 1
        return track

    @staticmethod
    def _update(track: _Track, points: np.ndarray, box: Box, time_s: float) -> None:
        track.roi, track.box, track.seen_s = roi_of_mesh(points), box, time_s


def box_of(points: np.ndarray) -> Box:
    x, y = (
        points[:, 0],
        points[:, 1],
    )  # four plain passes: axis=0 on (n, 2) takes four times as long
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _near(a: Box, b: Box) -> bool:
    """Centres less than a face's width apart."""
    dx = (a[0] + a[2] - b[0] - b[2]) / 2
    dy = (a[1] + a[3] - b[1] - b[3]) / 2
    return bool(np.hypot(dx, dy) < max(a[2] - a[0], b[2] - b[0]))


def _as_large(a: Box, b: Box) -> bool:
    ratio = max(a[2] - a[0], 1.0) / max(b[2] - b[0], 1.0)
    return 1 / _SAME_SIZE < ratio < _SAME_SIZE


def _find(
    backend: FaceBackend, picture: Picture, quarters: int, score: float, far: bool
) -> list[FaceBox]:
    """Faces of the picture as it is when turned, where they lie in the picture itself."""
    if not quarters:
        return backend.detect(picture, score, far)
    turned = picture.turned(quarters)
    size = turned.rgb.shape[1::-1]
    return [_turned_back(face, quarters, size) for face in backend.detect(turned, score, far)]


def _turned_back(face: FaceBox, quarters: int, size: Sequence[int]) -> FaceBox:
    """A face of a turned picture of that width and height, where it lies in the picture itself."""
    ends = ((face.left, face.top), (face.right, face.bottom))
    (x0, y0), (x1, y1) = (_clockwise(*end, quarters, *size) for end in ends)
    right, left = (_clockwise(*eye, quarters, *size) for eye in face.eyes)
    box = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    return FaceBox(*box, (right, left), face.score)


def _clockwise(
    x: float, y: float, quarters: int, width: float, height: float
) -> tuple[float, float]:
    for _ in range(quarters):
        x, y, width, height = height - y, x, height, width
    return x, y
