"""A camera's frames, one by one: what the last one shows, and what is no frame."""

import cv2
import numpy as np
import pytest
from clips import grey
from hypothesis import given
from hypothesis import strategies as st

from demeanor.explain.demo import demo_clip
from demeanor.explain.perception.live import (
    WINDOW_S,
    LiveFaces,
    NotAFrame,
    jpeg_size,
    read_jpeg,
)
from demeanor.explain.perception.media import Frame, Losses, open_clip, read, written
from demeanor.explain.perception.models import face_backend
from demeanor.explain.perception.picture import Picture
from demeanor.explain.settings import load_settings


def packed(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


#  time_s       5.0    5.8      7.2     9.0        9.6
#  AU12 (truth)  0    onset  4.5 (apex)  offset     0
def test_a_smile_rises_is_told_when_it_is_over_and_a_dark_camera_has_no_face() -> None:
    settings = load_settings()
    clip = open_clip(demo_clip(), settings.media)
    frames = [f for f in read(clip, settings.media, Losses()) if isinstance(f, Frame)]
    shown, told = {}, []
    with LiveFaces(face_backend("mesh"), settings) as live:
        for frame in frames[75:276:3]:  # 3.0 s to 11.0 s, eight frames a second
            face = live.add(frame.time_s, frame.picture)
            shown[round(frame.time_s, 2)] = {u.code: u.intensity for u in face.units}
            told += [(frame.time_s, event) for event in face.events]
        dark = live.add(11.5, Picture(np.zeros_like(frame.picture.rgb)))
    assert shown[7.2]["AU12"] > 3.0
    assert face.n_people == 1
    assert face.pose_deg is not None
    assert max(map(abs, face.pose_deg)) < 10
    ((told_s, smile),) = [(at_s, e) for at_s, e in told if e.code == "AU12" and e.peak > 3.0]
    assert smile.span.start_s == pytest.approx(5.8, abs=0.4)
    assert smile.apex_s == pytest.approx(7.2, abs=0.5)
    assert smile.span.end_s + 0.5 <= told_s <= smile.span.end_s + 2.0
    assert (dark.n_people, dark.units, dark.pose_deg) == (0, (), None)


@pytest.mark.xfail(strict=True, reason="AU12 of mesh is .6 while the person speaks")
def test_a_face_shows_no_smile_before_it_smiles() -> None:
    settings = load_settings()
    clip = open_clip(demo_clip(), settings.media)
    frames = [f for f in read(clip, settings.media, Losses()) if isinstance(f, Frame)]
    with LiveFaces(face_backend("mesh"), settings) as live:
        for frame in frames[75:136:3]:  # 3.0 s to 5.4 s
            face = live.add(frame.time_s, frame.picture)
    assert {u.code: u.intensity for u in face.units}["AU12"] < 0.5


def test_what_is_long_past_is_forgotten() -> None:
    settings = load_settings()
    with LiveFaces(face_backend("mesh"), settings) as live:
        for time_s in (0.0, 1.0, WINDOW_S + 0.5, WINDOW_S + 0.7):
            live.add(time_s, Picture(grey(1)[0]))
        assert live._recorder._frames_s == [1.0, WINDOW_S + 0.5, WINDOW_S + 0.7]


def test_a_frame_s_size_is_read_before_it_is_unpacked() -> None:
    data = packed(np.zeros((48, 64, 3), np.uint8))
    assert jpeg_size(data) == (64, 48)
    assert read_jpeg(data, 64 * 48).rgb.shape == (48, 64, 3)
    with pytest.raises(NotAFrame, match="64 x 48 pixels"):
        read_jpeg(data, 64 * 48 - 1)
    claims = bytearray(data)
    at = data.index(b"\xff\xc0")
    claims[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(NotAFrame, match="65535 x 65535"):
        read_jpeg(bytes(claims), 10_000_000)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n", b"\xff\xd8", b"\xff\xd8\xff\xd9" * 9])
def test_what_is_no_jpeg_is_said(data) -> None:
    with pytest.raises(NotAFrame, match="wanted a"):
        read_jpeg(data, 1000)


@given(st.binary(max_size=60))
def test_no_bytes_do_worse_than_being_refused(data) -> None:
    for frame in (data, b"\xff\xd8\xff" + data):
        try:
            width, height = jpeg_size(frame)
        except NotAFrame:
            continue
        assert 0 <= width <= 65535
        assert 0 <= height <= 65535


#  written at   2.0  2.1  2.35  2.4   (odd sizes lose their last row and column)
#  read at      0.0  0.1  0.35  0.4
def test_a_clip_of_frames_keeps_their_times(tmp_path) -> None:
    times_s, settings = (2.0, 2.1, 2.35, 2.4), load_settings()
    pictures = grey(4, (65, 49))
    path = tmp_path / "a.webm"
    path.write_bytes(written(list(zip(times_s, pictures, strict=True))))
    clip = open_clip(path, settings.media)
    assert (clip.width_px, clip.height_px) == (64, 48)
    back = [f for f in read(clip, settings.media, Losses()) if isinstance(f, Frame)]
    assert [f.time_s for f in back] == pytest.approx([0.0, 0.1, 0.35, 0.4])
    levels = [f.picture.rgb.mean() for f in back]
    assert levels == pytest.approx([p.mean() for p in pictures], abs=2.0)
