"""The ring of frames, and frames that are left out while another one is measured."""

import threading

import cv2
import numpy as np
import pytest

from demeanor.explain.perception.live import LiveFace, LiveUnit, NotAFrame
from demeanor.explain.records import Channel, Event, Kind, Source, SourceKind, Span, Unit
from demeanor.explain.settings import load_settings
from demeanor.serve import camera
from demeanor.serve.camera import (
    Camera,
    LiveFrame,
    NothingSeen,
    Ring,
    Streams,
    StreamTaken,
    clip_of,
    told,
    told_event,
)


def jpeg(width: int = 64, height: int = 48) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()


#  time_s    0   10   20   30   40
#  kept            |--------------|   (half a minute, and what is as old as that)
def test_the_ring_holds_half_a_minute_in_order(monkeypatch) -> None:
    ring = Ring()
    for time_s in (0.0, 10.0, 20.0, 30.0, 40.0):
        ring.add(LiveFrame(time_s, b"x" * 10))
    assert [f.time_s for f in ring.last(100.0)] == [10.0, 20.0, 30.0, 40.0]
    assert [f.time_s for f in ring.last(10.0)] == [30.0, 40.0]
    with pytest.raises(NotAFrame, match="older"):
        ring.add(LiveFrame(40.0, b"x"))
    monkeypatch.setattr(camera, "RING_BYTES", 25)
    ring.add(LiveFrame(41.0, b"x" * 10))
    assert [f.time_s for f in ring.last(100.0)] == [40.0, 41.0]


def test_frames_of_another_size_are_another_clip() -> None:
    turned = [LiveFrame(0.1 * n, jpeg(48, 64) if n < 3 else jpeg()) for n in range(6)]
    assert clip_of(turned)[:4] == b"\x1a\x45\xdf\xa3"  # EBML: WebM
    for few in ([], turned[:1], turned[:4]):  # the last of these is the only one of its size
        with pytest.raises(NothingSeen):
            clip_of(few)


def test_who_cannot_keep_up_leaves_frames_out_and_counts_them(monkeypatch) -> None:
    begun, go, heard = threading.Event(), threading.Event(), []

    class Slow:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def add(self, time_s, picture):
            begun.set()
            assert go.wait(10.0)
            return LiveFace(time_s, 0)

    monkeypatch.setattr(camera, "LiveFaces", Slow)
    done = threading.Event()

    def tell(message):
        heard.append(message)
        if message["time_s"] == 4.0:
            done.set()

    with Camera(None, load_settings(), tell) as running:
        running.put(LiveFrame(0.0, jpeg()))
        assert begun.wait(10.0)
        for time_s in (1.0, 2.0, 3.0, 4.0):
            running.put(LiveFrame(time_s, jpeg()))
        go.set()
        assert done.wait(10.0)
        assert len(running.ring.last(100.0)) == 5  # all of them are there to be explained
    assert [(m["time_s"], m["left_out"]) for m in heard][-1] == (4.0, 3)
    assert [m["time_s"] for m in heard] == [0.0, 4.0]
    assert not running._thread.is_alive()


def test_numbers_have_letters_and_gaps_have_reasons() -> None:
    units = (LiveUnit("AU12", 2.6), LiveUnit("AU5", None, "the eyes are closed"))
    message = told(LiveFace(1.0, 2, units, (1.04, -2.0, 3.0)), 7)
    assert [(u["letter"], u["why"]) for u in message["units"]] == [
        ("C", None),
        (None, "the eyes are closed"),
    ]
    assert message["pose_deg"] == {"yaw": 1.0, "pitch": -2.0, "roll": 3.0}
    assert (message["people"], message["left_out"]) == (2, 7)
    assert told(LiveFace(1.0, 0), 0)["pose_deg"] is None


def test_places_are_few_and_given_back() -> None:
    streams = Streams(lambda: None, load_settings())
    with streams.place("a"), streams.place("b"):
        for session in ("a", "c"):
            with pytest.raises(StreamTaken), streams.place(session):
                pass
    with streams.place("c"):
        pass
    first = streams.ticket("a")
    assert streams.session_of(first) == "a"
    for _ in range(camera._MAX_TICKETS):
        streams.ticket("b")
    assert streams.session_of(first) is None


def test_a_movement_that_is_over_is_told_as_a_timeline_tells_it() -> None:
    source = Source(SourceKind.MACHINE, "mesh", "1")
    event = Event(
        "p1", Channel.FACE, "AU12", None, Kind.EVENT, Span(3.018, 5.2), 4.0, 2.9,
        Unit.FACS_INTENSITY, 2.9, 2.9, 0.9, (), source,
    )  # fmt: skip
    message = told_event(event)
    assert message["type"] == "event"
    assert (message["onset_s"], message["apex_s"], message["offset_s"]) == (3.02, 4.0, 5.2)
    assert message["text"] == (
        "AU12 lip corner puller: lip corners pulled up and back, clear (C, 2.9)"
    )
