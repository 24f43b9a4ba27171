"""Pictures for the report: the moments at which movements peak, cut out, blurred on request.

A face is cut out and blurred where it was followed: tracks `face_x`, `face_y` (its centre) and
`face_px` (its width), in pixels. Where these do not say where a face is, nothing is guessed: the
whole frame is shown, and a blurred report blurs all of it.
"""

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np

from demeanor.explain.errors import ClipError
from demeanor.explain.perception.media import Frame, frames_at, video_codec
from demeanor.explain.records import Clip, Kind, Measurement, Observation, Unit

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels
_N_ALONE, _N_EACH = 6, 3  # pictures of one person, and of each of several
_APART_S = 0.4  # movements that peak within it share a picture
_SHOWN_PX = 280  # height of a picture on the page
_PORTRAIT_PX = 72  # of the small one beside a person's name
_FACE_HEIGHT = 1.35  # heights per width of the box that a mesh fills
_BLUR_MARGIN = 0.3  # of the box, on every side: hair and ears identify too
_CUT_MARGIN = 0.45
_JPEG_QUALITY = 82
# What browsers play without help; others are linked, with a note.
_PLAYABLE = {".mp4", ".m4v", ".webm"}
_CODECS = {"h264", "vp8", "vp9", "av1"}
_SOUNDS = {
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment worth a picture, and what peaks in it."""

    person: str
    time_s: float
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    moment: Moment
    jpeg: bytes
    width_px: int
    height_px: int

    @property
    def peaks(self) -> list[tuple[str, list[str]]]:
        """What peaks here, each movement once, with the ids of its observations."""
        found: dict[str, list[str]] = {}
        for o in self.moment.observations:
            found.setdefault(o.name, []).append(o.obs_id)
        return list(found.items())

    @property
    def data_uri(self) -> str:
        return data_uri(self.jpeg, "image/jpeg")


@dataclass(frozen=True, slots=True)
class Media:
    """The clip itself on the page: inside it (`data:`) or linked, and what to say about it."""

    kind: str | None  # "video", "audio"; None: it cannot be played from the page
    src: str | None
    note: str | None


def data_uri(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


# Which moments -----------------------------------------------------------------------------


def moments(
    measurement: Measurement, observations: Sequence[Observation], cited: frozenset[str]
) -> list[Moment]:
    """For each person the strongest peaks of action units, what is cited first; in time order.

    A person in whom nothing peaks gets the clearest view of the face.
    """
    people = measurement.people
    n_most = _N_ALONE if len(people) == 1 else _N_EACH
    found = []
    for person in people:
        own = [o for o in observations if o.person == person.person and _is_peak(o)]
        ranked = sorted(own, key=lambda o: (o.obs_id not in cited, -_strength(o), o.apex_s))
        found += _grouped(person.person, ranked, n_most) or [
            Moment(person.person, person.best_s, ())
        ]
    return found


def _is_peak(o: Observation) -> bool:
    moving = o.kind is Kind.EVENT or o.span.duration_s == 0  # a picture holds states only
    return moving and o.unit is Unit.FACS_INTENSITY and o.code != "AU45"


def _strength(o: Observation) -> float:
    return (o.peak or 0.0) * o.reliability


def _grouped(person: str, ranked: Sequence[Observation], n_most: int) -> list[Moment]:
    groups: list[list[Observation]] = []
    for o in ranked:
        near = next((g for g in groups if abs(g[0].apex_s - o.apex_s) < _APART_S), None)
        if near is not None:
            near.append(o)
        elif len(groups) < n_most:
            groups.append([o])
    return sorted((Moment(person, g[0].apex_s, tuple(g)) for g in groups), key=lambda m: m.time_s)


# Taking them -------------------------------------------------------------------------------


def take(measurement: Measurement, wanted: Sequence[Moment], blur: bool) -> list[Picture]:
    """The pictures in the order of `wanted`.

    Raises ClipError where the clip cannot be read any more.
    """
    if not wanted:
        return []
    clip = measurement.clip
    if not clip.path.is_file():
        raise ClipError(clip.path, "the clip is not there any more", "Put it back for pictures")
    by_time = dict(frames_at(clip, sorted({m.time_s for m in wanted})))
    return [
        _picture(measurement, m, by_time[m.time_s], blur) for m in wanted if m.time_s in by_time
    ]


def portraits(measurement: Measurement, blur: bool) -> dict[str, str]:
    """By person, the clearest view of each as a small `data:` picture: so that a reader knows who
    p2 is, and whom to name after --person. Nothing where there is but one.

    Raises ClipError where the clip cannot be read any more.
    """
    if len(measurement.people) < 2:
        return {}
    wanted = [Moment(p.person, p.best_s, ()) for p in measurement.people]
    taken = take(measurement, wanted, blur)
    return {p.moment.person: data_uri(smaller(p, _PORTRAIT_PX), "image/jpeg") for p in taken}


def _picture(measurement: Measurement, moment: Moment, frame: Frame, blur: bool) -> Picture:
    rgb = frame.picture.rgb
    if blur:
        people = [p.person for p in measurement.people]
        boxes = [
            face_box(measurement, p, moment.time_s)
            for p in people
            if _seen(measurement, p, moment.time_s)
        ]
        known = [box for box in boxes if box is not None]
        rgb = blur_faces(rgb, known if len(known) == len(boxes) and boxes else [_whole(rgb)])
    box = face_box(measurement, moment.person, moment.time_s)
    if box is not None:
        rgb = _cut(rgb, box)
    return _packed(measurement.clip, moment, rgb)


def _packed(clip: Clip, moment: Moment, rgb: np.ndarray) -> Picture:
    rgb = _scaled(rgb)
    ok, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    if not ok:
        raise ClipError(clip.path, "a frame could not be packed as JPEG", "Try --embed none")
    return Picture(moment, jpeg.tobytes(), rgb.shape[1], rgb.shape[0])


def face_box(measurement: Measurement, person: str, time_s: float) -> Box | None:
    """Where the face of `person` is at that moment, in pixels; None where that is not known."""
    clip = measurement.clip
    known = next((p for p in measurement.people if p.person == person), None)
    if known is not None and known.best_s == time_s and clip.width_px and clip.height_px:
        w, h = clip.width_px, clip.height_px
        left, top, right, bottom = known.box
        return left * w, top * h, right * w, bottom * h
    values = [_at(measurement, person, code, time_s) for code in ("face_x", "face_y", "face_px")]
    if any(v is None for v in values):
        return None
    x, y, width = (v for v in values if v is not None)
    half_h = width * _FACE_HEIGHT / 2
    return x - width / 2, y - half_h, x + width / 2, y + half_h


def _seen(measurement: Measurement, person: str, time_s: float) -> bool:
    known = next(p for p in measurement.people if p.person == person)
    return any(span.contains(time_s, 0.1) for span in known.spans) or known.best_s == time_s


def _at(measurement: Measurement, person: str, code: str, time_s: float) -> float | None:
    track = measurement.track(person, code)
    if track is None or len(track.times_s) == 0:
        return None
    value = float(track.values[np.abs(track.times_s - time_s).argmin()])
    return None if np.isnan(value) else value


# What is done to them ----------------------------------------------------------------------


def blur_faces(rgb: np.ndarray, boxes: Iterable[Box]) -> np.ndarray:
    """A copy of the picture in which nothing inside the boxes, and near them, can be recognised.

    First made coarse, then smoothed: smoothing alone can be undone in part.
    """
    out = rgb.copy()
    for box in boxes:
        left, top, right, bottom = _grown(rgb, box, _BLUR_MARGIN)
        if right <= left or bottom <= top:
            continue
        face = out[top:bottom, left:right]
        coarse = cv2.resize(face, (8, 8), interpolation=cv2.INTER_AREA)
        again = cv2.resize(coarse, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
        out[top:bottom, left:right] = cv2.GaussianBlur(again, (0, 0), max(1.0, (right - left) / 12))
    return out


def _cut(rgb: np.ndarray, box: Box) -> np.ndarray:
    left, top, right, bottom = _grown(rgb, box, _CUT_MARGIN)
    return rgb[top:bottom, left:right] if right > left and bottom > top else rgb


def _grown(rgb: np.ndarray, box: Box, margin: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    dx, dy = margin * (right - left), margin * (bottom - top)
    h, w = rgb.shape[:2]
    return (
        max(0, int(left - dx)),
        max(0, int(top - dy)),
        min(w, int(right + dx) + 1),
        min(h, int(bottom + dy) + 1),
    )


def _whole(rgb: np.ndarray) -> Box:
    return 0.0, 0.0, float(rgb.shape[1]), float(rgb.shape[0])


def _scaled(rgb: np.ndarray) -> np.ndarray:
    """Twice the height shown, for fine screens; never larger than it was."""
    scale = 2 * _SHOWN_PX / rgb.shape[0]
    if scale >= 1:
        return np.ascontiguousarray(rgb)
    return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


# The clip itself ---------------------------------------------------------------------------


def media(clip: Clip, folder: Path, max_bytes: int) -> Media:
    """How the page plays the clip: from inside it if small and playable, else from its place."""
    if not clip.path.is_file():
        return Media(None, None, f"The clip is not at {clip.path} any more and cannot be played.")
    kind, mime = _playable(clip)
    n_bytes = clip.path.stat().st_size
    if kind is not None and mime is not None and n_bytes <= max_bytes:
        return Media(kind, data_uri(clip.path.read_bytes(), mime), None)
    src = _link(clip.path, folder)
    if kind is None:
        note = "Browsers do not play this format; the link opens the clip in another program."
        return Media(None, src, note)
    note = (
        f"The clip ({n_bytes / 1e6:.0f} MB) is not inside this file "
        f"(limit {max_bytes / 1e6:.0f} MB): it is played from its place on disk, and is lost to "
        "this page when either is moved."
    )
    return Media(kind, src, note)


def _link(path: Path, folder: Path) -> str:
    try:
        return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix())
    except ValueError:  # another drive
        return path.resolve().as_uri()


def _playable(clip: Clip) -> tuple[str | None, str | None]:
    suffix = clip.path.suffix.lower()
    if clip.width_px is None:
        return ("audio", _SOUNDS[suffix]) if suffix in _SOUNDS else (None, None)
    if suffix in _PLAYABLE and video_codec(clip.path) in _CODECS:
        return "video", "video/webm" if suffix == ".webm" else "video/mp4"
    return None, None


def quoted_path(path: Path) -> str:
    """A relative path as a link."""
    return quote(path.as_posix())


def frame(clip: Clip, time_s: float, height_px: int) -> bytes:
    """What a clip shows at a moment, as a small JPEG. Raises ClipError where nothing is seen."""
    for _, shown in frames_at(clip, [time_s]):
        return smaller(_packed(clip, Moment("", time_s, ()), shown.picture.rgb), height_px)
    raise ClipError(clip.path, f"no picture at {time_s:.2f} s", "Ask for another moment")


def smaller(picture: Picture, height_px: int) -> bytes:
    """A picture that is already cut and blurred, as a small JPEG."""
    bgr = np.asarray(cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR))
    scale = min(1.0, height_px / bgr.shape[0])
    small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small)[1].tobytes()
