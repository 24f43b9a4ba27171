"""Measurements that other programs made: CSV files of OpenFace 2 and 3, py-feat and LibreFace.

Their numbers keep their own meaning (other_programs.py says which): an intensity 0-5 is one, a
probability of presence is not. From there on they are treated like our own tracks.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from demeanor.explain.errors import MeasurementsError
from demeanor.explain.perception.baseline import frame_step_s, usual
from demeanor.explain.perception.events import face_events
from demeanor.explain.perception.face_tracks import NOT_SEEN, PLACE, FaceMeasurement
from demeanor.explain.perception.media import clip_id
from demeanor.explain.perception.other_programs import BOX, TIME, Reading, read_table
from demeanor.explain.records import (
    Channel,
    Clip,
    CueTrack,
    Event,
    Measurement,
    NotMeasured,
    Person,
    Span,
    Unit,
    Usual,
)
from demeanor.explain.settings import Settings, load_settings

RELIABILITY = 0.5  # not known to us: neither the best nor the worst


def read_measurements(
    path: Path, fps: float | None = None, settings: Settings | None = None
) -> Measurement:
    """Tracks and events from a CSV file; which program wrote it is told from its columns.

    fps: frames per second of the video, where the file has frame numbers but no times.
    Raises MeasurementsError where the file cannot be read, or no program that we know wrote it.
    """
    reading = read_table(_read(path), str(path), fps)
    return _measurement(path, reading, settings or load_settings())


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise MeasurementsError(f"{path}: cannot be read as CSV: {error}") from error
    if table.empty:
        raise MeasurementsError(f"{path}: wanted a row per frame, found none")
    return table


def _measurement(path: Path, reading: Reading, settings: Settings) -> Measurement:
    span = Span(0.0, float(reading.times_s[-1]))
    media_id = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    clip = Clip(media_id, clip_id(media_id, span), span, path, span.end_s, None, None)
    face = face_measurement(reading, reading.times_s, settings)
    norms: list[Usual] = []
    events: list[Event] = []
    for person in face.people:
        own = [t for t in face.tracks if t.person == person.person]
        own_norms = [usual(track, settings.baseline) for track in own]
        changes = {code: c for (who, code), c in face.changes.items() if who == person.person}
        events += face_events(own, own_norms, changes, (), trust(own), settings.events)
        norms += own_norms
    return Measurement(
        clip=clip,
        people=face.people,
        tracks=face.tracks,
        utterances=(),
        usual=tuple(norms),
        events=tuple(sorted(events, key=lambda e: (e.span.start_s, e.code))),
        not_measured=(
            NotMeasured("voice", "only measurements of the face were given"),
            NotMeasured("words", "only measurements of the face were given"),
            *face.not_measured,
        ),
        settings={
            "thresholds": settings.as_dict(),
            "face_backend": {"name": reading.source.name, "version": reading.source.version},
            "words_from": None,
        },
    )


def face_measurement(
    reading: Reading,
    times_s: np.ndarray,
    settings: Settings,
    size_px: tuple[int, int] | None = None,
) -> FaceMeasurement:
    """People and tracks over the moments `times_s`, which hold all those of the reading.

    size_px: width and height of the picture, where it is known: then the faces have a place in it.
    """
    people: list[Person] = []
    tracks: list[CueTrack] = []
    changes: dict[tuple[str, str], np.ndarray] = {}
    for number, face in enumerate(reading.faces, start=1):
        name = f"p{number}"
        own = _tracks(name, face, times_s, reading)
        for track in own:
            norm = usual(track, settings.baseline)
            changes[name, track.code] = track.values - np.float32(norm.own or 0.0)
        if size_px is not None and set(BOX) <= set(face.columns):
            own += _place(name, face, times_s, size_px, reading)
        people.append(_person(name, face, size_px))
        tracks += own
    return without_meshes(people, tracks, [*reading.not_read, *_lost(tracks, reading)], changes)


def without_meshes(
    people: Sequence[Person],
    tracks: Sequence[CueTrack],
    not_measured: Sequence[NotMeasured],
    changes: dict[tuple[str, str], np.ndarray],
) -> FaceMeasurement:
    """What a program that writes no meshes leaves to be known of faces."""
    return FaceMeasurement(
        tuple(people),
        tuple(tracks),
        tuple(not_measured),
        changes,
        rests={p.person: {} for p in people},
        rested={p.person: frozenset() for p in people},
        neutrals={p.person: None for p in people},
    )


def _person(name: str, face: pd.DataFrame, size_px: tuple[int, int] | None) -> Person:
    seen_s = face[TIME].to_numpy(dtype=float)
    shown = Span(float(seen_s[0]), float(seen_s[-1]))
    if not set(BOX) <= set(face.columns):
        nowhere = (0.0, 0.0, 1.0, 1.0)
        return Person(name, (shown,), len(face), float("nan"), nowhere, shown.start_s)
    boxes = np.clip(face[list(BOX)].to_numpy(dtype=float), 0.0, 1.0)
    widths = boxes[:, 2] - boxes[:, 0]
    best = int(np.argmax(widths))
    width_px = float(np.median(widths)) * size_px[0] if size_px else float("nan")
    box = tuple(boxes[best].tolist())
    return Person(name, (shown,), len(face), width_px, box, float(seen_s[best]))


def _tracks(
    person: str, face: pd.DataFrame, times_s: np.ndarray, reading: Reading
) -> list[CueTrack]:
    reason = f"{reading.source.name} has no trusted value here"
    return [
        _track(person, code, unit, _spread(face, face[code], times_s), times_s, reason, reading)
        for code, unit in reading.units.items()
        if code in face.columns
    ]


def _place(
    person: str, face: pd.DataFrame, times_s: np.ndarray, size_px: tuple[int, int], reading: Reading
) -> list[CueTrack]:
    """Centre and width of the face in pixels: where a report looks for it, and blurs it."""
    left, top, right, bottom = (face[edge] for edge in BOX)
    width, height = size_px
    columns = ((left + right) / 2 * width, (top + bottom) / 2 * height, (right - left) * width)
    return [
        _track(person, code, Unit.NONE, _spread(face, column, times_s), times_s, NOT_SEEN, reading)
        for code, column in zip(PLACE, columns, strict=True)
    ]


def _track(
    person: str,
    code: str,
    unit: Unit,
    values: np.ndarray,
    times_s: np.ndarray,
    reason: str,
    reading: Reading,
) -> CueTrack:
    gaps, source = _gaps(times_s, values, reason), reading.source
    return CueTrack(person, Channel.FACE, code, None, unit, times_s, values, gaps, source)


def _spread(face: pd.DataFrame, column: "pd.Series[float]", times_s: np.ndarray) -> np.ndarray:
    """(n,) float32 over all moments; NaN where the face has no row."""
    values = np.full(len(times_s), np.nan, np.float32)
    values[np.searchsorted(times_s, face[TIME].to_numpy(dtype=float))] = column.to_numpy(float)
    return values


def _gaps(times_s: np.ndarray, values: np.ndarray, reason: str) -> tuple[tuple[Span, str], ...]:
    edges = np.flatnonzero(np.diff(np.r_[False, np.isnan(values), False].astype(np.int8)))
    step_s = frame_step_s(times_s)
    return tuple(
        (Span(float(times_s[a]), float(times_s[b - 1]) + step_s), reason)
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    )


def trust(tracks: list[CueTrack]) -> dict[str, float]:
    return {track.code: RELIABILITY for track in tracks}


def _lost(tracks: list[CueTrack], reading: Reading) -> list[NotMeasured]:
    """Cues that have a column and no value."""
    codes = dict.fromkeys(t.code for t in tracks if np.isnan(t.values).all())
    if not codes:
        return []
    return [NotMeasured(", ".join(codes), f"{reading.source.name} has no trusted value")]
