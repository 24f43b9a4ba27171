"""Measurements that other programs made: OpenFace 2 and py-feat CSV files.

Their numbers keep their own meaning: OpenFace's `_r` columns are intensities 0-5, py-feat's AU
columns are probabilities of presence, which are not intensities. Head pose is not read: the
signs of their angles could not be checked against a known clip.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from demeanor.explain.errors import MeasurementsError
from demeanor.explain.perception.baseline import frame_step_s, usual
from demeanor.explain.perception.events import face_events
from demeanor.explain.perception.media import clip_id
from demeanor.explain.records import (
    Channel,
    Clip,
    CueTrack,
    Event,
    Measurement,
    NotMeasured,
    Person,
    Source,
    SourceKind,
    Span,
    Unit,
    Usual,
)
from demeanor.explain.settings import Settings, load_settings
from demeanor.explain.vocabulary import ACTION_UNITS

_MIN_CONFIDENCE = 0.75  # OpenFace's own advice: below it the landmarks are not to be trusted
_RELIABILITY = 0.5  # not known to us: neither the best nor the worst
_OPENFACE = frozenset({"timestamp", "confidence", "success"})
_PYFEAT = frozenset({"FaceScore", "frame"})


def read_measurements(
    path: Path, fps: float | None = None, settings: Settings | None = None
) -> Measurement:
    """Tracks and events from a CSV file; which program wrote it is told from its columns.

    fps: frames per second of the video, where the file has frame numbers but no times.
    Raises MeasurementsError where the file cannot be read or is neither.
    """
    settings = settings or load_settings()
    table = _read(path)
    if set(table.columns) >= _OPENFACE:
        people, source = _openface(table, path), Source(SourceKind.MACHINE, "OpenFace 2 CSV", "2")
        unit = Unit.FACS_INTENSITY
    elif set(table.columns) >= _PYFEAT:
        people, source = _pyfeat(table, path, fps), Source(SourceKind.MACHINE, "py-feat CSV", "?")
        unit = Unit.PROBABILITY
    else:
        raise MeasurementsError(
            f"{path}: wanted the columns of OpenFace 2 {sorted(_OPENFACE)} or of py-feat "
            f"{sorted(_PYFEAT)}, found {list(table.columns)[:8]} …"
        )
    if not people:
        raise MeasurementsError(f"{path}: wanted AU columns with values, found none")
    if not all((part["time_s"] >= 0).all() for part in people):  # NaN: False
        raise MeasurementsError(f"{path}: wanted a time from 0 up in every row")
    return _measurement(path, people, unit, source, settings)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise MeasurementsError(f"{path}: cannot be read as CSV: {error}") from error
    if table.empty:
        raise MeasurementsError(f"{path}: wanted a row per frame, found none")
    return table.rename(columns=str.strip)


def _numbers(table: pd.DataFrame, columns: list[str], path: Path) -> pd.DataFrame:
    try:
        return table[columns].astype(float)
    except ValueError as error:
        raise MeasurementsError(f"{path}: wanted numbers: {error}") from error


def _openface(table: pd.DataFrame, path: Path) -> list[pd.DataFrame]:
    """A table per face: time_s, AU codes; NaN where OpenFace did not trust itself."""
    codes = {
        c: f"AU{int(c[2:4])}" for c in table.columns if c.startswith("AU") and c.endswith("_r")
    }
    values = _numbers(table, list(codes), path).rename(columns=codes)
    judged = _numbers(table, ["timestamp", "confidence", "success"], path)
    values[(judged["success"] != 1) | (judged["confidence"] < _MIN_CONFIDENCE)] = np.nan
    values.insert(0, "time_s", judged["timestamp"])
    faces = table["face_id"] if "face_id" in table else pd.Series(0, index=table.index)
    return _by_face(values.rename(columns={"AU45": "AU43"}), faces)


def _pyfeat(table: pd.DataFrame, path: Path, fps: float | None) -> list[pd.DataFrame]:
    if fps is None or not fps > 0:
        raise MeasurementsError(
            f"{path}: py-feat writes frame numbers without times. Say how many frames a second "
            "the video has:  --fps 25"
        )
    codes = {c: f"AU{int(c[2:])}" for c in table.columns if c[:2] == "AU" and c[2:].isdigit()}
    values = _numbers(table, list(codes), path).rename(columns=codes)
    values.insert(0, "time_s", _numbers(table, ["frame"], path)["frame"] / fps)
    faces = table["Identity"] if "Identity" in table else pd.Series("0", index=table.index)
    return _by_face(values, faces.astype(object).fillna("0").astype(str))


def _by_face(values: pd.DataFrame, faces: "pd.Series[Any]") -> list[pd.DataFrame]:
    """Whoever has most frames first; codes we do not know are left out."""
    known = [c for c in values.columns if c == "time_s" or c in ACTION_UNITS]
    parts = [
        part.drop_duplicates("time_s").sort_values("time_s")
        for _, part in values[known].groupby(faces, sort=False)
    ]
    return sorted((p for p in parts if len(p.columns) > 1), key=lambda p: -len(p))


def _measurement(
    path: Path, people: list[pd.DataFrame], unit: Unit, source: Source, settings: Settings
) -> Measurement:
    times_s = np.unique(np.concatenate([p["time_s"].to_numpy(dtype=float) for p in people]))
    span = Span(0.0, float(times_s[-1]))
    media_id = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    clip = Clip(media_id, clip_id(media_id, span), span, path, span.end_s, None, None)
    tracks: list[CueTrack] = []
    norms: list[Usual] = []
    events: list[Event] = []
    who = []
    for number, part in enumerate(people, start=1):
        name = f"p{number}"
        own = _tracks(name, part, times_s, unit, source)
        own_norms = [usual(track, settings.baseline) for track in own]
        changes = {
            track.code: track.values - (norm.own or 0.0)
            for track, norm in zip(own, own_norms, strict=True)
        }
        events += face_events(own, own_norms, changes, (), _trust(own), settings.events)
        tracks, norms = tracks + own, norms + own_norms
        seen = part["time_s"].to_numpy(dtype=float)
        shown = Span(float(seen[0]), float(seen[-1]))
        who.append(
            Person(name, (shown,), len(part), float("nan"), (0.0, 0.0, 1.0, 1.0), shown.start_s)
        )
    return Measurement(
        clip=clip,
        people=tuple(who),
        tracks=tuple(tracks),
        utterances=(),
        usual=tuple(norms),
        events=tuple(sorted(events, key=lambda e: (e.span.start_s, e.code))),
        not_measured=_not_measured(tracks, source),
        settings={
            "thresholds": settings.as_dict(),
            "face_backend": {"name": source.name, "version": source.version},
            "words_from": None,
        },
    )


def _tracks(
    person: str, part: pd.DataFrame, times_s: np.ndarray, unit: Unit, source: Source
) -> list[CueTrack]:
    where = np.searchsorted(times_s, part["time_s"].to_numpy(dtype=float))
    tracks = []
    for code in part.columns.drop("time_s"):
        values = np.full(len(times_s), np.nan, np.float32)
        values[where] = part[code].to_numpy(dtype=float)
        tracks.append(
            CueTrack(
                person,
                Channel.FACE,
                str(code),
                None,
                unit,
                times_s,
                values,
                _gaps(times_s, values, f"{source.name} has no trusted value here"),
                source,
            )
        )
    return tracks


def _gaps(times_s: np.ndarray, values: np.ndarray, reason: str) -> tuple[tuple[Span, str], ...]:
    edges = np.flatnonzero(np.diff(np.r_[False, np.isnan(values), False].astype(np.int8)))
    step_s = frame_step_s(times_s)
    return tuple(
        (Span(float(times_s[a]), float(times_s[b - 1]) + step_s), reason)
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    )


def _trust(tracks: list[CueTrack]) -> dict[str, float]:
    return {track.code: _RELIABILITY for track in tracks}


def _not_measured(tracks: list[CueTrack], source: Source) -> tuple[NotMeasured, ...]:
    rows = [
        NotMeasured("voice", "only measurements of the face were given"),
        NotMeasured("words", "only measurements of the face were given"),
        NotMeasured("head pose and gaze", f"not read from {source.name}: its signs are unchecked"),
    ]
    lost = sorted({t.code for t in tracks if np.isnan(t.values).all()})
    if lost:
        rows.append(NotMeasured(", ".join(lost), f"{source.name} has no trusted value"))
    return tuple(rows)
