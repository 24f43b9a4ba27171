"""Read a clip once: pictures, sound and subtitles in the order of the file, with true times.

PyAV does the decoding. Times come from the file's own time stamps, so variable frame rates are
right; time 0 is the earliest moment that any stream of the file has. What cannot be decoded is
counted and said (`Losses`), never passed over.
"""

import contextlib
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.stream import Disposition

from demeanor.explain.errors import ClipError, NotMedia, TooLong
from demeanor.explain.perception.picture import Picture, YuvPicture
from demeanor.explain.records import Clip, NotMeasured, Span
from demeanor.explain.settings import MediaSettings

SAMPLE_RATE_HZ = 16000  # of the sound we hand on: what voice and speech models expect
# Demuxers that read one media file. Play lists, device and network formats are left out: they
# would open other files than the one that was named.
_FORMATS = (
    "mov,matroska,webm,avi,flv,mpeg,mpegts,mpegvideo,h264,hevc,m4v,ivf,asf,ogg,wav,w64,flac,mp3,"
    "aac,ac3,eac3,amr,aiff,au,caf,gif,apng,image2,image2pipe,jpeg_pipe,png_pipe,webp_pipe,"
    "bmp_pipe,tiff_pipe,mxf,nut,3gp,dv,rm,wv,tta,ape"
)
_PICTURES = ("image2", "image2pipe")
_ROUNDING_S = 0.001  # time stamps of some containers are whole milliseconds
_TICKS_HZ = 1000  # of what we write: the clock of WebM
# Ours: action units are read from lines a pixel wide, so bits are spent; quick, since one waits.
# One thread: several of libvpx's wait for one another by spinning, and took ten times as long.
_NEARLY_AS_IT_WAS = {
    "deadline": "realtime",
    "cpu-used": "15",
    "crf": "10",
    "b": "4M",
    "threads": "1",
}
_FULL_HD = 1920 * 1080  # larger frames are worth the decoder's own threads, beside our models
_MAX_GAP_S = 0.05  # holes in the sound longer than this are filled with silence, and counted
_PICTURE_SUFFIXES = frozenset(".jpg .jpeg .png .bmp .webp .tif .tiff".split())
_VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .flv .mpg .mpeg .ts .mts .wmv .3gp .gif .mxf .ogv".split()
)
_AUDIO_SUFFIXES = frozenset(".wav .flac .mp3 .m4a .aac .ogg .oga .opus .wma .aiff .amr".split())
_OTHER_FILES = {  # what people give us that is no clip, and what to do with it
    ".csv": "Measurements of OpenFace 2 or py-feat are given as --measurements FILE",
    ".json": "A result.json is given as --from FILE",
}
MEDIA_SUFFIXES = _PICTURE_SUFFIXES | _VIDEO_SUFFIXES | _AUDIO_SUFFIXES  # searched for in folders


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    time_s: float
    picture: Picture  # turned upright


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """The next samples; gaps in the file are already filled, so that they lie end to end."""

    samples: np.ndarray  # (n,) float32, -1..1, 16 kHz mono


@dataclass(frozen=True, slots=True)
class Cue:
    """One entry of an embedded subtitle stream."""

    start_s: float
    end_s: float
    text: str


@dataclass(slots=True)
class Losses:
    """What was lost on the way, filled while the clip is read."""

    broken_frames: int = 0
    damaged_frames: int = 0  # decoded, but marked corrupt by the decoder
    broken_sound: int = 0
    untimed_frames: int = 0
    sound_gap_s: float = 0.0
    ended_early_s: float | None = None  # where the file broke off
    n_frames: int = 0
    n_samples: int = 0
    notes: list[str] = field(default_factory=list)

    def not_measured(self, clip: Clip) -> list[NotMeasured]:
        rows = []
        if self.broken_frames or self.damaged_frames:
            lost, n_all = (
                self.broken_frames + self.damaged_frames,
                self.n_frames + self.broken_frames,
            )
            rows.append(
                NotMeasured(
                    "part of the picture", f"{lost} of {n_all} frames are damaged in the file"
                )
            )
        if self.broken_sound:
            rows.append(
                NotMeasured(
                    "part of the sound", f"{self.broken_sound} packets are damaged in the file"
                )
            )
        if self.sound_gap_s:
            rows.append(
                NotMeasured(
                    "part of the sound", f"{self.sound_gap_s:.2f} s are missing in the file"
                )
            )
        if self.untimed_frames:
            rows.append(
                NotMeasured(
                    "part of the picture",
                    f"{self.untimed_frames} frames have no time of their own and were left out",
                )
            )
        if self.ended_early_s is not None:
            end_s = max(self.ended_early_s, clip.duration_s)
            rows.append(
                NotMeasured(
                    "the end of the clip",
                    f"the file breaks off at {self.ended_early_s:.2f} s of {clip.duration_s:.2f} s",
                    Span(self.ended_early_s, end_s),
                )
            )
        return rows


def open_clip(path: Path, settings: MediaSettings) -> Clip:
    """What the file is, without decoding more of it than its first frame.

    Raises NotMedia (empty, unknown, neither picture nor sound), TooLong, ClipError (too large).
    """
    if not path.is_file():
        raise ClipError(path, "no such file", "Check the path")
    if path.stat().st_size == 0:
        raise NotMedia(path, "the file is empty", "Copy it again from its source")
    media_id = _media_id(path)
    with _open(path) as container:
        video, audio = _streams(container)
        if video is None and audio is None:
            raise NotMedia(
                path, "it has neither picture nor sound", "Give a video, a picture or a sound file"
            )
        duration_s = _duration_s(container, video)
        if duration_s > settings.max_duration_s:
            raise TooLong(
                path,
                f"it lasts {duration_s:.0f} s, the limit is {settings.max_duration_s:.0f} s",
                "Cut it, or raise media.max_duration_s in the settings",
            )
        if video is not None and video.width * video.height > settings.max_pixels:
            raise ClipError(
                path,
                f"its frames are {video.width} x {video.height} pixels",
                f"Scale it to at most {settings.max_pixels} pixels a frame",
            )
        still = video is not None and duration_s == 0.0
        span = Span(0.0, duration_s)
        width_px, height_px = _size_px(container, video)
        return Clip(
            media_id=media_id,
            clip_id=clip_id(media_id, span),
            span=span,
            path=path,
            duration_s=duration_s,
            fps=float(video.average_rate) if video and not still and video.average_rate else None,
            sample_rate_hz=audio.rate if audio else None,
            width_px=width_px,
            height_px=height_px,
        )


def clip_id(media_id: str, span: Span) -> str:
    return hashlib.sha256(f"{media_id} {span.start_s:.6f} {span.end_s:.6f}".encode()).hexdigest()[
        :12
    ]


def read(clip: Clip, settings: MediaSettings, losses: Losses) -> Iterator[Frame | Sound | Cue]:
    """Everything in the clip, decoded once, in file order; `losses` is filled on the way.

    Raises ClipError where not a single frame or sample can be decoded.
    """
    with _open(clip.path) as container:
        video, audio = _streams(container)
        subtitles = next(iter(container.streams.subtitles), None)
        wanted = [s for s in (video, audio, subtitles) if s is not None]
        start_s = _start_s(container)
        pictures = _Pictures(start_s, losses)
        sounds = _Sounds(start_s, losses)
        if video is not None and video.width * video.height > _FULL_HD:
            video.thread_type = "AUTO"
        for packet in _packets(container, wanted, losses):
            if _begin_s(packet, start_s) > settings.max_duration_s:
                losses.ended_early_s = settings.max_duration_s
                return
            if packet.stream is video:
                yield from pictures.decode(packet)
            elif packet.stream is audio:
                yield from sounds.decode(packet)
            else:
                yield from _cues(packet, start_s)
    _note_early_end(clip, losses, pictures.last_s, sounds.n_out / SAMPLE_RATE_HZ)
    if losses.n_frames == 0 and losses.n_samples == 0:
        raise ClipError(
            clip.path,
            f"nothing in it could be decoded ({losses.broken_frames + losses.broken_sound} errors)",
            "Copy it again from its source",
        )


def frames_at(clip: Clip, times_s: Sequence[float]) -> Iterator[tuple[float, Frame]]:
    """(wanted time, frame shown then), found by seeking; times whose frame is damaged are left
    out. For looking again at a few moments of a clip that has been measured."""
    with _open(clip.path) as container:
        video, _ = _streams(container)
        if video is None:
            return
        start_s = _start_s(container)
        for time_s in sorted(times_s):
            try:
                if clip.duration_s > 0:
                    container.seek(int((time_s + start_s) * av.time_base))
                shown, shown_s = None, 0.0
                for frame in container.decode(video):
                    at_s = (frame.time or 0.0) - start_s
                    if shown is not None and at_s > time_s + _ROUNDING_S:
                        break
                    shown, shown_s = frame, max(0.0, at_s)
            except av.error.FFmpegError:
                continue
            if shown is not None:
                yield time_s, Frame(shown_s, picture_of(shown))


def written(frames: Sequence[tuple[float, np.ndarray]]) -> bytes:
    """Pictures (h, w, 3) uint8 with their times as a WebM file that browsers play (VP8: its
    encoder is no part of the GPL). Times stay what they are, counted from the first.

    All pictures have the size of the first, less a last odd row or column, which VP8's planes
    of colour have no room for.
    """
    file, first_s = io.BytesIO(), frames[0][0]
    height, width = (n // 2 * 2 for n in frames[0][1].shape[:2])
    mean_s = (frames[-1][0] - first_s) / max(1, len(frames) - 1)
    rate = Fraction(1 / mean_s).limit_denominator(1000) if mean_s else Fraction(1)
    with av.open(file, "w", format="webm") as container:
        video: Any = container.add_stream("libvpx", rate=rate, options=_NEARLY_AS_IT_WAS)
        video.height, video.width, video.pix_fmt = height, width, "yuv420p"
        video.codec_context.time_base = Fraction(1, _TICKS_HZ)
        for time_s, rgb in frames:
            even = np.ascontiguousarray(rgb[:height, :width])
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            frame.time_base = Fraction(1, _TICKS_HZ)
            frame.pts = round((time_s - first_s) * _TICKS_HZ)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return file.getvalue()


def video_codec(path: Path) -> str | None:
    """Name of the codec of the pictures, e.g. "h264"; None without any, or where it is no media."""
    try:
        with _open(path) as container:
            video, _ = _streams(container)
            return str(video.codec_context.codec.canonical_name) if video is not None else None
    except NotMedia:
        return None


class _Pictures:
    """Decodes video packets, turns frames upright, drops what has no place in time."""

    def __init__(self, start_s: float, losses: Losses) -> None:
        self._start_s, self._losses = start_s, losses
        self.last_s = -1.0

    def decode(self, packet: Any) -> Iterator[Frame]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self._losses.broken_frames += 1
            return
        for frame in frames:
            time_s = 0.0 if frame.time is None and self.last_s < 0 else frame.time
            if time_s is None or time_s - self._start_s <= self.last_s:
                self._losses.untimed_frames += 1
                continue
            self.last_s = max(0.0, time_s - self._start_s)
            self._losses.n_frames += 1
            self._losses.damaged_frames += bool(frame.is_corrupt)
            yield Frame(self.last_s, picture_of(frame))


class _Sounds:
    """Decodes audio packets to 16 kHz mono; fills holes, so that sample n is at n / 16000 s."""

    def __init__(self, start_s: float, losses: Losses) -> None:
        self._start_s, self._losses = start_s, losses
        self._resampler: Any = None
        self.n_out = 0

    def decode(self, packet: Any) -> Iterator[Sound]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self._losses.broken_sound += 1
            return
        for frame in frames:
            yield from self._fill_to(frame)
            yield from self._resample(frame)
        if packet.dts is None and not frames and self._resampler is not None:
            yield from self._resample(None)

    def _fill_to(self, frame: Any) -> Iterator[Sound]:
        if frame.time is None:
            return
        gap_s = frame.time - self._start_s - self.n_out / SAMPLE_RATE_HZ
        if gap_s > _MAX_GAP_S:
            if self.n_out:
                self._losses.sound_gap_s += gap_s
            end = self.n_out + round(gap_s * SAMPLE_RATE_HZ)
            while self.n_out < end:  # a second at a time: a hole may be an hour long
                silence = np.zeros(min(SAMPLE_RATE_HZ, end - self.n_out), np.float32)
                self.n_out += silence.size
                yield Sound(silence)

    def _resample(self, frame: Any) -> Iterator[Sound]:
        if self._resampler is None:
            self._resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE_HZ)
        try:
            chunks = self._resampler.resample(frame)
        except (av.error.FFmpegError, ValueError):  # the format changed in mid-file
            self._resampler = None
            self._losses.broken_sound += 1
            return
        for chunk in chunks:
            samples = chunk.to_ndarray().reshape(-1)
            self.n_out += samples.size
            self._losses.n_samples += samples.size
            yield Sound(samples)


def picture_of(frame: Any) -> Picture:
    """Turned upright by the file's display matrix (`rotation` counts counter-clockwise). Plain
    yuv420p stays in its planes, which are looked at where the decoder left them."""
    if frame.format.name == "yuv420p" and frame.width % 2 == 0 and frame.height % 2 == 0:
        picture: Picture = YuvPicture([_plane(plane) for plane in frame.planes])
    else:
        picture = Picture(frame.to_ndarray(format="rgb24"))
    quarters = round(frame.rotation / 90) % 4
    return picture.turned(quarters) if quarters else picture


def _plane(plane: Any) -> np.ndarray:
    """(h, w) uint8, a view: rows in the decoder's memory may be longer than the picture is wide."""
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def find_media(folder: Path) -> list[Path]:
    """Media files below `folder`, by suffix in either case, in a fixed order."""
    return sorted(
        p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in MEDIA_SUFFIXES
    )


def _open(path: Path) -> InputContainer:
    """Opens exactly this file: no other protocol, and no format that names further files.

    pattern_type none: "%03d.png" is a name here, not a row of pictures.
    """
    options = {
        "format_whitelist": _FORMATS,
        "protocol_whitelist": "file",
        "pattern_type": "none",
    }
    try:
        return av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise NotMedia(
            path,
            f"it cannot be read as video, picture or sound ({error.strerror})",
            _OTHER_FILES.get(path.suffix.lower(), "Check that it is a media file, copied whole"),
        ) from error


def _streams(container: InputContainer) -> tuple[Any, Any]:
    """The video stream (cover pictures do not count) and the audio stream, or None."""
    video = next(
        (
            s
            for s in container.streams.video
            if s.codec_context is not None and not s.disposition & Disposition.attached_pic
        ),
        None,
    )
    audio = next((s for s in container.streams.audio if s.codec_context is not None), None)
    return video, audio


def _size_px(container: InputContainer, video: Any) -> tuple[int | None, int | None]:
    """Width and height upright. Only frames carry the display matrix, so one is decoded."""
    if video is None:
        return None, None
    for packet in _packets(container, [video], Losses()):
        with contextlib.suppress(av.error.FFmpegError):
            for frame in packet.decode():
                sideways = round(frame.rotation / 90) % 2 == 1
                return (video.height, video.width) if sideways else (video.width, video.height)
    return video.width, video.height


def _begin_s(packet: Any, start_s: float) -> float:
    """When a packet begins; 0.0 where it does not say."""
    stamp = packet.pts if packet.pts is not None else packet.dts
    return 0.0 if stamp is None else float(stamp * packet.time_base) - start_s


def _packets(container: InputContainer, wanted: list[Any], losses: Losses) -> Iterator[Any]:
    packets = container.demux(*wanted)
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError as error:  # the container itself is damaged from here on
            losses.notes.append(f"reading stopped: {error.strerror}")
            return


def _cues(packet: Any, start_s: float) -> Iterator[Cue]:
    if packet.pts is None or packet.duration is None:
        return
    try:
        entries = packet.decode()
    except av.error.FFmpegError:
        return
    begin_s = _begin_s(packet, start_s)
    end_s = begin_s + float(packet.duration * packet.time_base)
    for entry in entries:
        text = getattr(entry, "dialogue", None) or getattr(entry, "text", None) or b""
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        if text.strip():
            yield Cue(max(0.0, begin_s), max(0.0, end_s), text)


def _start_s(container: InputContainer) -> float:
    return container.start_time / av.time_base if container.start_time is not None else 0.0


def _duration_s(container: InputContainer, video: Any) -> float:
    """0.0 for a still picture. Where the container does not say, the longest stream does."""
    name = container.format.name
    if name in _PICTURES or name.endswith("_pipe"):
        return 0.0
    if container.duration is not None:
        return float(container.duration / av.time_base)
    lengths = [
        float(s.duration * s.time_base) for s in container.streams if s.duration and s.time_base
    ]
    if lengths:
        return max(lengths)
    return 0.0 if video is not None and video.frames == 1 else _walked_s(container)


def _walked_s(container: InputContainer) -> float:
    """Length by walking through the packets: some streams do not say how long they are."""
    end_s = start_s = None
    for packet in container.demux():
        step = packet.time_base
        if packet.pts is None or step is None:
            continue
        time_s = float(packet.pts * step)
        start_s = time_s if start_s is None else min(start_s, time_s)
        length_s = float(packet.duration * step) if packet.duration else 0.0
        end_s = max(end_s or 0.0, time_s + length_s)
    return (end_s or 0.0) - (start_s or 0.0)


def _note_early_end(clip: Clip, losses: Losses, picture_end_s: float, sound_end_s: float) -> None:
    """A file cut off in copying keeps its declared length: say where it really ends."""
    reached_s = max(picture_end_s, sound_end_s)
    frame_s = 1.0 / clip.fps if clip.fps else 0.0
    if clip.duration_s > 0 and reached_s + max(2 * frame_s, 0.25) < clip.duration_s:
        losses.ended_early_s = max(0.0, reached_s)


def _media_id(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
