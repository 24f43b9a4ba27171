"""Small media files made from arrays, whole and broken, for tests of what reads a clip.

Everything is written with PyAV as a user's camera would write it, then damaged byte by byte
where a test wants damage. All return the path they wrote.
"""

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

SOUND_HZ = 16000
RED, GREEN, BLUE, GREY = (200, 20, 20), (20, 180, 20), (20, 20, 200), (90, 90, 90)
# QuickTime's display matrices (a, b, c, d of x' = ax + cy, y' = bx + dy; y down), by the
# clockwise turn that a player has to make.
_MATRIX = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def grey(n_frames: int, size: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Frames (h, w, 3) that get brighter by two steps each."""
    width, height = size
    return [np.full((height, width, 3), 40 + 2 * n, np.uint8) for n in range(n_frames)]


def noise(n_frames: int, size: tuple[int, int] = (64, 48), seed: int = 0) -> list[np.ndarray]:
    """Frames that pack badly: a file with something in it to damage."""
    width, height = size
    random = np.random.default_rng(seed)
    return [random.integers(0, 255, (height, width, 3), np.uint8) for _ in range(n_frames)]


def quadrants(size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """Top left red, top right green, bottom left blue, bottom right grey."""
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = GREEN
    picture[height // 2 :, : width // 2] = BLUE
    picture[height // 2 :, width // 2 :] = GREY
    return picture


def tone(duration_s: float, hz: float = 440.0, level: float = 0.3) -> np.ndarray:
    """(n,) float32 at 16 kHz."""
    times_s = np.arange(round(duration_s * SOUND_HZ)) / SOUND_HZ
    return (level * np.sin(2 * np.pi * hz * times_s)).astype(np.float32)


def write(
    path: Path,
    frames: Sequence[np.ndarray] = (),
    *,
    fps: int = 25,
    times_s: Sequence[float] | None = None,
    sound: np.ndarray | Sequence[tuple[float, np.ndarray]] | None = None,
    codec: str = "mpeg4",
    subtitles: Sequence[tuple[float, float, str]] = (),
    options: dict[str, str] | None = None,
) -> Path:
    """A clip with the streams that are given; the suffix of `path` chooses the container.

    times_s: when each frame is shown (else a steady `fps`); sound: samples from 0 s, or
    (start_s, samples) pieces, between which the file has a hole. The index lies at the front.
    """
    if options is None:
        options = {"movflags": "+faststart"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=options) as container:
        packets = []
        video = _video_stream(container, frames[0], fps, codec) if len(frames) else None
        audio = _audio_stream(container, path) if sound is not None else None
        words = container.add_mux_stream("mov_text") if subtitles else None
        if video is not None:
            times_s = [n / fps for n in range(len(frames))] if times_s is None else times_s
            packets += list(_pictures(video, frames, times_s))
        if audio is not None and sound is not None:
            pieces = [(0.0, sound)] if isinstance(sound, np.ndarray) else sound
            packets += list(_sounds(audio, pieces))
        if words is not None:
            packets += [_subtitle(words, *entry) for entry in subtitles]
        for packet in sorted(packets, key=lambda p: float(p.dts * p.time_base)):
            container.mux(packet)
    return path


def _video_stream(container, first, fps, codec):
    stream = container.add_stream(codec, rate=fps)
    stream.height, stream.width = first.shape[:2]
    stream.pix_fmt = "yuv420p" if codec != "png" else "rgb24"
    stream.codec_context.time_base = Fraction(1, 1000)
    stream.codec_context.options = {"g": "5"}
    stream.bit_rate = 2_000_000
    return stream


def _audio_stream(container, path):
    codec = {".wav": "pcm_s16le", ".flac": "flac", ".mkv": "flac"}.get(path.suffix.lower(), "aac")
    return container.add_stream(codec, rate=SOUND_HZ, layout="mono")


def _pictures(stream, frames, times_s) -> Iterator:
    for time_s, rgb in zip(times_s, frames, strict=True):
        frame = VideoFrame.from_ndarray(rgb, format="rgb24")
        frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sounds(stream, pieces) -> Iterator:
    for start_s, samples in pieces:
        for at in range(0, len(samples) - len(samples) % 1024, 1024):
            block = samples[None, at : at + 1024]
            if stream.codec_context.name == "aac":
                frame = AudioFrame.from_ndarray(block, "fltp", "mono")
            else:
                frame = AudioFrame.from_ndarray((block * 32767).astype(np.int16), "s16", "mono")
            frame.sample_rate, frame.time_base = SOUND_HZ, Fraction(1, SOUND_HZ)
            frame.pts = round(start_s * SOUND_HZ) + at
            yield from stream.encode(frame)
    yield from stream.encode(None)


def _subtitle(stream, start_s, end_s, text):
    data = text.encode()
    packet = av.Packet(struct.pack(">H", len(data)) + data)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round(start_s * 1000)
    packet.duration = round((end_s - start_s) * 1000)
    return packet


# Pictures and odd files -----------------------------------------------------------------------


def picture(path: Path, rgb: np.ndarray) -> Path:
    """A still, in the format that the suffix names."""
    done, data = cv2.imencode(path.suffix, np.ascontiguousarray(rgb[..., ::-1]))
    assert done
    path.write_bytes(data.tobytes())
    return path


def turned(path: Path, clockwise_deg: int) -> Path:
    """Patch the display matrix of an mp4, as a camera held sideways writes it."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (n << 16 for n in _MATRIX[clockwise_deg])
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def with_cover(path: Path, sound: np.ndarray) -> Path:
    """An mp3 with a cover picture (ID3v2.3, APIC), which is no video."""
    with av.open(str(path), "w", format="mp3", options={"write_xing": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=SOUND_HZ, layout="mono")
        for packet in _sounds(stream, [(0.0, sound)]):
            container.mux(packet)
    cover = cv2.imencode(".png", quadrants())[1].tobytes()
    frame = b"\x00image/png\x00\x03\x00" + cover
    frame = b"APIC" + struct.pack(">I", len(frame)) + b"\x00\x00" + frame
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\x00\x00" + size + frame + path.read_bytes())
    return path


# Damage ---------------------------------------------------------------------------------------


def truncated(path: Path, share: float) -> Path:
    """Only the first `share` of the bytes: a copy that broke off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def bit_flipped(path: Path, n_bits: int, seed: int, after: int = 0) -> Path:
    """Random single bits flipped, none before byte `after`."""
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(after, len(data), n_bits).tolist():
        data[at] ^= 1 << int(random.integers(8))
    path.write_bytes(data)
    return path
