"""A camera's stream without HTTP: frames kept for a while, the newest one measured, the last
seconds made into a clip of the session.

Frames lie in memory, in a ring of bounded length and size; nothing is written to disk before
somebody asks for an explanation, which needs a clip. While a frame is measured, the one that came
last waits and those between are left out of the live numbers, which is counted and said.
"""

import math
import secrets
import struct
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from demeanor.explain.errors import DemeanorError
from demeanor.explain.perception.live import (
    WINDOW_S,
    LiveFace,
    LiveFaces,
    NotAFrame,
    jpeg_size,
    read_jpeg,
)
from demeanor.explain.perception.measure import AnyBackend
from demeanor.explain.perception.media import written
from demeanor.explain.records import Event
from demeanor.explain.settings import Settings
from demeanor.explain.textualization.observations import from_event
from demeanor.explain.textualization.phrases import clause
from demeanor.explain.vocabulary import ACTION_UNITS, intensity_letter

FRAME_BYTES = 500_000  # a JPEG of 640 x 480 has a tenth of it
FRAME_PIXELS = 1280 * 720
RING_BYTES = 60_000_000  # of one stream; half a minute of usual frames has 15 MB
STREAMS = 2  # at once, over all sessions: each keeps a core busy
_MAX_TICKETS = 1000
_TIME = struct.Struct(">d")  # before each JPEG: seconds by the camera's clock
_LEAST_S = 1.0  # of what is explained


class StreamTaken(DemeanorError):
    """The session streams already, or the machine has its hands full."""


class NothingSeen(DemeanorError):
    def __init__(self) -> None:
        super().__init__("there are no frames to explain yet: wait a moment, then ask again")


@dataclass(frozen=True, slots=True)
class LiveFrame:
    time_s: float
    jpeg: bytes


def read_frame(data: bytes) -> LiveFrame:
    """A message of the camera page: eight bytes of time, then a JPEG. Raises NotAFrame."""
    if len(data) > FRAME_BYTES:
        raise NotAFrame(f"a frame of {len(data)} bytes: wanted at most {FRAME_BYTES}")
    if len(data) < _TIME.size:
        raise NotAFrame("a frame without its time: wanted eight bytes of it, then a JPEG")
    (time_s,) = _TIME.unpack_from(data)
    if not math.isfinite(time_s) or not 0 <= time_s < 1e9:
        raise NotAFrame("a frame whose time is no number of seconds")
    jpeg = data[_TIME.size :]
    width, height = jpeg_size(jpeg)
    if not 0 < width * height <= FRAME_PIXELS:
        raise NotAFrame(
            f"a frame of {width} x {height} pixels: wanted at most {FRAME_PIXELS} in all"
        )
    return LiveFrame(time_s, jpeg)


class Ring:
    """The frames of the last half minute, in order. One thread adds, another may look."""

    def __init__(self) -> None:
        self._frames: deque[LiveFrame] = deque()
        self._n_bytes = 0
        self._lock = threading.Lock()

    def add(self, frame: LiveFrame) -> None:
        """Raises NotAFrame where time runs backwards."""
        with self._lock:
            if self._frames and frame.time_s <= self._frames[-1].time_s:
                raise NotAFrame("a frame that is older than the one before it")
            self._frames.append(frame)
            self._n_bytes += len(frame.jpeg)
            oldest_s = frame.time_s - WINDOW_S
            while self._frames[0].time_s < oldest_s or self._n_bytes > RING_BYTES:
                self._n_bytes -= len(self._frames.popleft().jpeg)

    def last(self, seconds: float) -> list[LiveFrame]:
        with self._lock:
            if not self._frames:
                return []
            since_s = self._frames[-1].time_s - seconds
            return [frame for frame in self._frames if frame.time_s >= since_s]


def clip_of(frames: Sequence[LiveFrame]) -> bytes:
    """A WebM file of these frames, without sound. Raises NothingSeen, NotAFrame.

    A frame that is not as large as the last one is left out, with all before it: the camera was
    turned or changed.
    """
    if len(frames) < 2:
        raise NothingSeen
    size = jpeg_size(frames[-1].jpeg)
    n_alike = sum(1 for _ in _while_alike(frames, size))
    kept = list(islice(frames, len(frames) - n_alike, None))
    if len(kept) < 2:
        raise NothingSeen
    return written([(f.time_s, read_jpeg(f.jpeg, FRAME_PIXELS).rgb) for f in kept])


def _while_alike(frames: Sequence[LiveFrame], size: tuple[int, int]) -> Iterator[LiveFrame]:
    for frame in reversed(frames):
        if jpeg_size(frame.jpeg) != size:
            return
        yield frame


def seconds_wanted(told: Any) -> float:
    """Raises NotAFrame's kin for what is no number within the ring."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        raise DemeanorError(f"wanted a number of seconds to explain, found {str(told)[:20]!r}")
    if not _LEAST_S <= told <= WINDOW_S:
        raise DemeanorError(f"wanted {_LEAST_S:g} to {WINDOW_S:g} seconds, found {told:g}")
    return float(told)


class Camera:
    """One stream: frames are `put`; a thread measures the newest and `tell`s what it shows."""

    def __init__(
        self,
        backend: AnyBackend,
        settings: Settings,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self.ring, self.n_left_out = Ring(), 0
        self._faces, self._tell = LiveFaces(backend, settings), tell
        self._newest: LiveFrame | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)

    def __enter__(self) -> "Camera":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def put(self, frame: LiveFrame) -> None:
        self.ring.add(frame)
        with self._changed:
            self.n_left_out += self._newest is not None
            self._newest = frame
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            self._measure()
        except Exception:
            self._tell({"type": "error", "message": "measuring has stopped: see the server's log"})
            raise

    def _measure(self) -> None:
        with self._faces as faces:
            while (frame := self._next()) is not None:
                try:
                    picture = read_jpeg(frame.jpeg, FRAME_PIXELS)
                except NotAFrame as error:
                    self._tell({"type": "error", "message": str(error)})
                    continue
                face = faces.add(frame.time_s, picture)
                self._tell(told(face, self.n_left_out))
                for event in face.events:
                    self._tell(told_event(event))

    def _next(self) -> LiveFrame | None:
        with self._changed:
            while self._newest is None and not self._ended:
                self._changed.wait()
            frame, self._newest = self._newest, None
            return None if self._ended else frame


def told(face: LiveFace, n_left_out: int) -> dict[str, Any]:
    """As the page gets it."""
    units = [
        {
            "code": unit.code,
            "name": ACTION_UNITS[unit.code].name,
            "intensity": None if unit.intensity is None else round(unit.intensity, 2),
            "letter": None if unit.intensity is None else intensity_letter(unit.intensity),
            "why": unit.why,
        }
        for unit in face.units
    ]
    pose = dict(zip(("yaw", "pitch", "roll"), face.pose_deg or (), strict=False))
    return {
        "type": "face",
        "time_s": face.time_s,
        "seen": face.n_people > 0,
        "people": face.n_people,
        "units": units,
        "pose_deg": {name: round(value, 1) for name, value in pose.items()} or None,
        "left_out": n_left_out,
    }


def told_event(event: Event) -> dict[str, Any]:
    """A movement that is over, in the words of a timeline."""
    return {
        "type": "event",
        "code": event.code,
        "text": clause(from_event("live", event)),
        "onset_s": round(event.span.start_s, 2),
        "apex_s": round(event.apex_s, 2),
        "offset_s": round(event.span.end_s, 2),
    }


class Streams:
    """Who may stream: a ticket stands for a session in the page's address and in the handshake,
    so that the session's own name is in neither. Tickets end with the process."""

    def __init__(self, backend: Callable[[], AnyBackend], settings: Settings) -> None:
        self.backend, self.settings = backend, settings
        self._tickets: OrderedDict[str, str] = OrderedDict()  # ticket -> session
        self._streaming: set[str] = set()
        self._lock = threading.Lock()

    def ticket(self, session_id: str) -> str:
        made = secrets.token_urlsafe(24)
        with self._lock:
            self._tickets[made] = session_id
            while len(self._tickets) > _MAX_TICKETS:
                self._tickets.popitem(last=False)
        return made

    def session_of(self, ticket: str) -> str | None:
        with self._lock:
            return self._tickets.get(ticket)

    @contextmanager
    def place(self, session_id: str) -> Iterator[None]:
        """One stream of a session at a time. Raises StreamTaken."""
        with self._lock:
            if session_id in self._streaming:
                raise StreamTaken("this session streams already: close the other page")
            if len(self._streaming) >= STREAMS:
                raise StreamTaken(f"{STREAMS} cameras are measured already: try again later")
            self._streaming.add(session_id)
        try:
            yield
        finally:
            with self._lock:
                self._streaming.discard(session_id)
