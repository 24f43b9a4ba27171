"""A face before a camera: what its last frame shows, measured as a clip's frames are.

The front end is the one for clips: the same tracker follows the face, and the frames of the last
half minute go through the same recorder as if they were a clip that ends now. So the face's own
rest is found in what was seen of it lately, and a live value is what a clip cut here would have
had for its last frame. Events are looked for once a second and told when they are over: half a
second later, since a face that moves again might go on with the same one.
"""

import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from demeanor.explain.errors import DemeanorError, SettingsError
from demeanor.explain.perception.action_units import action_unit_model
from demeanor.explain.perception.face import FaceBackend
from demeanor.explain.perception.face_tracks import NOT_SEEN, POSE, FaceMeasurement, FaceRecorder
from demeanor.explain.perception.measure import AnyBackend, person_events
from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.second_opinion import TableBackend
from demeanor.explain.perception.tracking import Tracker
from demeanor.explain.records import Clip, CueTrack, Event, Kind, Source, SourceKind, Span
from demeanor.explain.settings import Settings

_LOOK_S, _SETTLED_S = 1.0, 0.5  # ours
_MOST_TOLD = 200  # more than half a minute has
WINDOW_S = 30.0  # long enough that most faces were at rest for a while (BaselineSettings)
_JPEG, _END = b"\xff\xd8", b"\xff\xd9"
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers that tell width and height
_BARE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length


class NotAFrame(DemeanorError):
    """What was sent for a frame of the camera is none."""


@dataclass(frozen=True, slots=True)
class LiveUnit:
    """One action unit in one frame."""

    code: str
    intensity: float | None  # FACS 0-5, estimated; None: `why`
    why: str | None = None


@dataclass(frozen=True, slots=True)
class LiveFace:
    """What one frame shows of the face that was seen longest. Nothing but `time_s` where none is
    seen."""

    time_s: float
    n_people: int  # in this frame
    units: tuple[LiveUnit, ...] = ()
    pose_deg: tuple[float, float, float] | None = None  # yaw, pitch, roll
    events: tuple[Event, ...] = ()  # that were over lately; each is told once


class LiveFaces:
    """Feed frames in order, from one thread; each is answered before the next is taken."""

    def __init__(self, backend: AnyBackend, settings: Settings) -> None:
        if isinstance(backend, TableBackend):
            raise SettingsError(
                f"{backend.name} measures whole files, no camera. Choose --face-backend mesh or "
                "landmarker"
            )
        self._backend: FaceBackend = backend
        self._settings = settings
        self._model = action_unit_model(backend.name)
        self._source = Source(SourceKind.MACHINE, backend.name, backend.version)
        self._size: tuple[int, int] = (0, 0)
        self._looked_s, self._told = -math.inf, deque[Event](maxlen=_MOST_TOLD)
        self._begin()

    def _begin(self) -> None:
        hands = getattr(self._backend, "hands", None)
        self._tracker = Tracker(self._backend, self._settings.face, hands)
        clip = Clip("live", "live", Span(0.0, 0.0), Path("live"), 0.0, None, None, *self._size)
        self._recorder = FaceRecorder(self._model, self._source, clip, self._settings.face)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tracker.__exit__()

    def add(self, time_s: float, picture: Picture) -> LiveFace:
        """A camera that was turned begins anew: its pixels are others."""
        height, width = picture.rgb.shape[:2]
        if self._size != (width, height):
            self._tracker.__exit__()
            self._size = (width, height)
            self._begin()
        self._recorder.frame(time_s)
        n_people = 0
        for seen in (*self._tracker.add(time_s, picture), *self._tracker.waited_for()):
            self._recorder.add(seen)
            n_people += 1
        self._recorder.forget(time_s - WINDOW_S)
        return self._shown(time_s, n_people) if n_people else LiveFace(time_s, 0)

    def _shown(self, time_s: float, n_people: int) -> LiveFace:
        found = self._recorder.finish(self._settings)
        tracks = found.tracks
        here = [t.person for t in tracks if t.code == "face_px" and not math.isnan(t.values[-1])]
        own = [t for t in tracks if here and t.person == here[0] and t.side is None]
        units = tuple(_unit(t) for t in own if t.code.startswith("AU"))
        turned = {t.code: float(t.values[-1]) for t in own if t.code in POSE}
        pose = (turned[POSE[0]], turned[POSE[1]], turned[POSE[2]]) if turned else None
        events = self._over(found, here[0], time_s) if here and here[0] else ()
        return LiveFace(time_s, n_people, units, pose, events)

    def _over(self, found: FaceMeasurement, person: str, time_s: float) -> tuple[Event, ...]:
        if time_s - self._looked_s < _LOOK_S:
            return ()
        self._looked_s = time_s
        _, events = person_events(found, person, (), self._model.reliability, self._settings)
        over = [
            e
            for e in events
            if e.kind is Kind.EVENT
            and e.span.end_s <= time_s - _SETTLED_S
            and not any(_same(e, told) for told in self._told)
        ]
        self._told += over
        return tuple(over)


def _same(event: Event, told: Event) -> bool:
    """Its onset may have moved since: what is usual is found anew all the time."""
    alike = (event.code, event.side) == (told.code, told.side)
    return alike and event.span.start_s < told.span.end_s and told.span.start_s < event.span.end_s


def _unit(track: CueTrack) -> LiveUnit:
    value = float(track.values[-1])
    if not math.isnan(value):
        return LiveUnit(track.code, value)
    at_s = float(track.times_s[-1])
    why = [text for span, text in track.missing if span.start_s <= at_s <= span.end_s]
    return LiveUnit(track.code, None, why[-1] if why else NOT_SEEN)


def read_jpeg(data: bytes, max_pixels: int) -> Picture:
    """A frame as the browser sends it. Its size is read before it is unpacked: a small file may
    claim to be a very large picture. Raises NotAFrame."""
    width, height = jpeg_size(data)
    if not 0 < width * height <= max_pixels:
        raise NotAFrame(f"a frame of {width} x {height} pixels: wanted at most {max_pixels} in all")
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise NotAFrame("a frame that cannot be unpacked: wanted a whole JPEG")
    return Picture(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height out of a JPEG's header. Raises NotAFrame."""
    if data[:2] != _JPEG:
        raise NotAFrame(f"a frame that begins with {data[:4]!r}: wanted a JPEG")
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _SIZES:
            height, width = (int.from_bytes(data[i : i + 2], "big") for i in (at + 5, at + 7))
            return width, height
        at += 2 if marker in _BARE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise NotAFrame("a frame whose header says no size: wanted a whole JPEG")
