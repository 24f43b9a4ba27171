"""Tables that other programs write about faces, read into our codes, units and signs.

Which program wrote a table is told from its columns. A value keeps its own meaning: an intensity
stays 0-5, a probability of presence stays a probability. What a table holds and we do not take is
said with the reason. Embeddings of a face's identity are never read.

Columns were looked up in the programs' own code: OpenFace 2.2 (wiki "Output Format"), OpenFace 3
(openface-test 0.1.26, demo.py), py-feat 0.3 to 2.1.5 (detector.py, detector_v2.py), LibreFace
0.2.0 (__init__.py, utils.py).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from demeanor.explain.errors import MeasurementsError
from demeanor.explain.perception.detector import Box, iou
from demeanor.explain.records import NotMeasured, Source, SourceKind, Unit
from demeanor.explain.vocabulary import ACTION_UNITS

TIME = "time_s"
BOX = ("left", "top", "right", "bottom")  # of the face, in 0-1 of the picture
POSE = ("pose_yaw", "pose_pitch", "pose_roll")
GAZE = ("gaze_yaw", "gaze_pitch")
_MIN_CONFIDENCE = 0.75  # OpenFace's own advice: below it the landmarks are not to be trusted
_SAME_FACE_IOU = 0.3  # from one frame to the next: heads move, and some write every second frame
# OpenFace 3's eight outputs have no names. This order gives F1 of .42 to .93 for each of them on
# DISFA+ in py-feat's comparison (benchmarks/competitors/openface3_disfaplus.json); another that is
# in use (1, 6, 12, 15, 17, 2, 9, 10) is a guess.
OPENFACE3_ORDER = ("AU1", "AU2", "AU4", "AU6", "AU9", "AU12", "AU25", "AU26")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What another program wrote of one clip, in our codes."""

    source: Source
    times_s: np.ndarray  # (n,) float64, increasing: every moment that it looked at
    faces: tuple[pd.DataFrame, ...]  # columns time_s, codes, perhaps BOX; NaN: not to be trusted
    units: dict[str, Unit]  # of each code
    not_read: tuple[NotMeasured, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """A table as it came, the clip's frame rate where the user knows it, and its name."""

    rows: pd.DataFrame
    fps: float | None
    name: str

    def numbers(self, columns: list[str]) -> pd.DataFrame:
        try:
            return self.rows[columns].astype(float)
        except (TypeError, ValueError) as error:
            raise MeasurementsError(f"{self.name}: wanted numbers: {error}") from error

    def column(self, name: str) -> "pd.Series[float]":
        return self.numbers([name])[name]

    def has(self, *names: str) -> bool:
        return set(names) <= set(self.rows.columns)

    def frame_times_s(self, column: str, program: str) -> "pd.Series[float]":
        if self.fps is None or not self.fps > 0:
            raise MeasurementsError(
                f"{self.name}: {program} writes frame numbers without times. Say how many frames "
                "a second the video has:  --fps 25"
            )
        return self.column(column) / self.fps


def read_table(rows: pd.DataFrame, name: str, fps: float | None = None) -> Reading:
    """The reading of a table that holds a face. Raises MeasurementsError, as `recognised` does."""
    reading = recognised(rows, name, fps)
    if not reading.faces:
        raise MeasurementsError(f"{name}: wanted AU columns with values, found none")
    return reading


def recognised(rows: pd.DataFrame, name: str, fps: float | None = None) -> Reading:
    """The reading of a table, whichever program wrote it; faces: those seen most first.

    fps: frames per second, where the table has frame numbers but no times.
    Raises MeasurementsError where no program we know writes such columns, or values are no numbers.
    """
    table = _Table(rows.rename(columns=str.strip), fps, name)
    reading = _reader(table)(table)
    if not ((reading.times_s >= 0) & np.isfinite(reading.times_s)).all():
        raise MeasurementsError(f"{name}: wanted a time from 0 up in every row")
    return replace(reading, faces=_longest_first(reading.faces))


def _reader(table: _Table) -> Callable[[_Table], Reading]:
    if table.has("AU03_r") or table.has("AU08_r"):
        raise MeasurementsError(
            f"{table.name}: wanted action units by their FACS number, found AU03_r or AU08_r: "
            "these are the outputs of OpenFace 3, counted through. Give the table that it wrote "
            "itself (face_analysis_….csv, with a column action_units)"
        )
    for columns, reader in _READERS.items():
        if table.has(*columns):
            return reader
    known = "; ".join(f"{_NAMES[columns]} {sorted(columns)}" for columns in _READERS)
    raise MeasurementsError(
        f"{table.name}: wanted the columns of {known}; found {list(table.rows.columns)[:8]} …"
    )


def _longest_first(faces: tuple[pd.DataFrame, ...]) -> tuple[pd.DataFrame, ...]:
    """Whoever has most frames first, each moment once; codes that we do not know are left out."""
    known = {TIME, *BOX, *POSE, *GAZE, *ACTION_UNITS}
    parts = []
    for face in faces:
        part = face[[c for c in face.columns if c in known]]
        if any(c in ACTION_UNITS for c in part.columns):
            parts.append(part.drop_duplicates(TIME).sort_values(TIME))
    return tuple(sorted((part for part in parts if len(part)), key=lambda part: -len(part)))


def _source(name: str, version: str) -> Source:
    return Source(SourceKind.MACHINE, name, version)


def _moments(times_s: "pd.Series[float]") -> np.ndarray:
    return np.unique(times_s.to_numpy(dtype=float))


# OpenFace 2 ---------------------------------------------------------------------------------


def _openface2(table: _Table) -> Reading:
    """Rows that OpenFace did not trust are NaN; angles only where it followed a face at all."""
    codes = {
        c: f"AU{int(c[2:4])}"
        for c in table.rows.columns
        if c.startswith("AU") and c.endswith("_r") and c[2:4].isdigit()
    }
    values = table.numbers(list(codes)).rename(columns=codes).rename(columns={"AU45": "AU43"})
    judged = table.numbers(["timestamp", "confidence", "success"])
    values[(judged["success"] != 1) | ~(judged["confidence"] >= _MIN_CONFIDENCE)] = np.nan
    units = dict.fromkeys(values.columns, Unit.FACS_INTENSITY)
    for code, column in _openface2_angles(table):
        values[code] = column.where(judged["success"] == 1)
        units[code] = Unit.DEGREE
    values.insert(0, TIME, judged["timestamp"])
    faces = table.rows["face_id"] if table.has("face_id") else pd.Series(0, table.rows.index)
    parts = tuple(part for _, part in values.groupby(faces, sort=False))
    lost = tuple(
        NotMeasured(what, "the OpenFace 2 file has no columns for it")
        for what, codes in (("head pose", POSE), ("gaze", GAZE))
        if codes[0] not in units
    )
    return Reading(
        _source("OpenFace 2 CSV", "2"), _moments(judged["timestamp"]), parts, units, lost
    )


def _openface2_angles(table: _Table) -> Iterator[tuple[str, "pd.Series[float]"]]:
    """Our angles in degrees; exports.openface_csv writes them the other way round.

    Its angles are radians in camera axes (x right, y down, z away), its gaze is that in the room;
    ours is of the eyes in the head. Older files have one vector per eye in place of the angles:
    OpenFace takes the angles from the mean of both (GazeEstimation.cpp, GetGazeAngle).
    """
    if not table.has("pose_Rx", "pose_Ry", "pose_Rz"):
        return
    turn = np.degrees(table.numbers(["pose_Rx", "pose_Ry", "pose_Rz"]))
    yaw, pitch = -turn["pose_Ry"], -turn["pose_Rx"]
    yield from zip(POSE, (yaw, pitch, turn["pose_Rz"]), strict=True)
    gaze = _openface2_gaze_rad(table)
    if gaze is not None:
        across, down = (np.degrees(angle) for angle in gaze)
        yield from zip(GAZE, (across - yaw, -down - pitch), strict=True)


def _openface2_gaze_rad(
    table: _Table,
) -> tuple["pd.Series[float]", "pd.Series[float]"] | None:
    if table.has("gaze_angle_x", "gaze_angle_y"):
        return table.column("gaze_angle_x"), table.column("gaze_angle_y")
    eyes = [f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"]
    if not table.has(*eyes):
        return None
    both = table.numbers(eyes)
    x, y, z = (both[f"gaze_0_{axis}"] + both[f"gaze_1_{axis}"] for axis in "xyz")
    return pd.Series(np.arctan2(x, -z), x.index), pd.Series(np.arctan2(y, -z), x.index)


# OpenFace 3 ---------------------------------------------------------------------------------


def _openface3(table: _Table) -> Reading:
    """The eight outputs as scores of presence: its network ends in a similarity of 0 to 1, which
    its README calls an intensity (model/AU_model.py; the head of ME-GraphAU, Luo et al. 2022).

    Only face 0 is read: its process_video writes the outputs of one face for every face of a
    frame. Its `timestamp` is the time of day at which it ran.
    """
    if table.has("frame_index"):
        times_s = table.frame_times_s("frame_index", "OpenFace 3")
    else:
        times_s = pd.Series(0.0, table.rows.index)  # one picture
    values = pd.DataFrame(
        [_eight(cell, table.name) for cell in table.rows["action_units"]],
        index=table.rows.index,
        columns=list(OPENFACE3_ORDER),
    )
    values.insert(0, TIME, times_s)
    first = values[table.column("face_id") == 0]
    n_others = int((table.column("face_id") > 0).sum())
    not_read = [NotMeasured("gaze", "not read from OpenFace 3: its signs and units are unchecked")]
    not_read.append(NotMeasured("head pose", "OpenFace 3 does not write it"))
    if n_others:
        why = f"{n_others} rows left out: OpenFace 3 repeats the outputs of the first face for them"
        not_read.append(NotMeasured("other faces", why))
    units = dict.fromkeys(OPENFACE3_ORDER, Unit.PROBABILITY)
    return Reading(
        _source("OpenFace 3 CSV", "3"), _moments(times_s), (first,), units, tuple(not_read)
    )


def _eight(cell: object, name: str) -> list[float]:
    """The numbers of a cell like "[[0.1, …, 0.8]]"; NaN where no face was found."""
    if not isinstance(cell, str):
        return [np.nan] * len(OPENFACE3_ORDER)
    try:
        found = np.array(json.loads(cell), dtype=float).reshape(-1)
    except (TypeError, ValueError, RecursionError) as error:
        raise MeasurementsError(f"{name}: wanted numbers in action_units: {error}") from error
    if len(found) != len(OPENFACE3_ORDER):
        raise MeasurementsError(
            f"{name}: wanted {len(OPENFACE3_ORDER)} numbers in action_units, found {len(found)}"
        )
    return [float(value) for value in found]


# py-feat ------------------------------------------------------------------------------------

_PYFEAT_RECT = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"]


def _pyfeat(table: _Table) -> Reading:
    """Probabilities of presence. Rows without a face are NaN: version 2 fills their units too,
    from a black picture.
    """
    codes = {c: f"AU{int(c[2:])}" for c in table.rows.columns if c[:2] == "AU" and c[2:].isdigit()}
    if not codes and table.has("browInnerUp"):
        raise MeasurementsError(
            f"{table.name}: wanted AU columns, found blendshapes: py-feat's MPDetector measures "
            "no action units. Use its Detector or Detectorv2"
        )
    second = table.has("mesh_x_0")
    values = table.numbers(list(codes)).rename(columns=codes)
    times_s = table.frame_times_s("frame", "py-feat")
    values.insert(0, TIME, times_s)
    units = dict.fromkeys(codes.values(), Unit.PROBABILITY)
    for code, column in _pyfeat_angles(table) if second else ():
        values[code], units[code] = column, Unit.DEGREE
    for edge, column in _pyfeat_box(table):
        values[edge] = column
    seen = table.column("FaceScore") > 0  # NaN: False
    faces = tuple(part for _, part in values[seen].groupby(_pyfeat_faces(table)[seen], sort=False))
    not_read = [
        NotMeasured("gaze", "not read from py-feat: its signs could not be checked"),
        *([] if second else [NotMeasured("head pose", _POSE_UNIT_UNKNOWN)]),
    ]
    source = _source("py-feat CSV", "2" if second else "1 or older")
    return Reading(source, _moments(times_s), faces, units, tuple(not_read))


_POSE_UNIT_UNKNOWN = "not read from py-feat before 2: degrees in some versions, radians in others"


def _pyfeat_angles(table: _Table) -> Iterator[tuple[str, "pd.Series[float]"]]:
    """Version 2 writes radians that turn the other way on all three axes, as its own meshes show:
    slopes of -1.0 against their pose over 20 clips (docs/perception.md)."""
    if table.has("Yaw", "Pitch", "Roll"):
        turn = -np.degrees(table.numbers(["Yaw", "Pitch", "Roll"]))
        yield from zip(POSE, (turn["Yaw"], turn["Pitch"], turn["Roll"]), strict=True)


def _pyfeat_box(table: _Table) -> Iterator[tuple[str, "pd.Series[float]"]]:
    if table.has(*_PYFEAT_RECT, "FrameWidth", "FrameHeight"):
        rect = table.numbers([*_PYFEAT_RECT, "FrameWidth", "FrameHeight"])
        left, top = rect["FaceRectX"], rect["FaceRectY"]
        right, bottom = left + rect["FaceRectWidth"], top + rect["FaceRectHeight"]
        width, height = rect["FrameWidth"], rect["FrameHeight"]
        yield from zip(
            BOX, (left / width, top / height, right / width, bottom / height), strict=True
        )


def _pyfeat_faces(table: _Table) -> "pd.Series[str]":
    """Which face a row is of: as py-feat named it, else by where it is in the picture."""
    if table.has("Identity") and table.rows["Identity"].notna().any():
        return table.rows["Identity"].astype(object).fillna("unnamed").astype(str)
    frames = table.column("frame")
    if not frames.duplicated().any() or not table.has(*_PYFEAT_RECT):
        return pd.Series("only", table.rows.index)
    rect = table.numbers(_PYFEAT_RECT).to_numpy()
    boxes = np.concatenate([rect[:, :2], rect[:, :2] + rect[:, 2:]], axis=1)
    return pd.Series(followed(frames.to_numpy(), boxes), table.rows.index).astype(str)


def followed(frames: np.ndarray, boxes: np.ndarray) -> list[int]:
    """A number per row that stays with a face from frame to frame: places are compared, never
    who somebody is. frames (n,) in order; boxes (n, 4) left, top, right, bottom."""
    last: dict[int, Box] = {}
    numbers = [0] * len(frames)
    for frame in np.unique(frames):
        free = dict(last)
        for row in np.flatnonzero(frames == frame):
            box: Box = tuple(boxes[row].tolist())
            near = max(free, key=lambda number: iou(free[number], box), default=None)
            if near is None or iou(free[near], box) < _SAME_FACE_IOU:
                near = len(last)
            free.pop(near, None)
            last[near], numbers[row] = box, near
    return numbers


# LibreFace ----------------------------------------------------------------------------------


def _libreface(table: _Table) -> Reading:
    """Intensities of twelve units. Frames without a face are no rows in it; here they are NaN."""
    suffix = "_intensity"
    codes = {
        c: f"AU{int(c.removeprefix('au_').removesuffix(suffix))}"
        for c in table.rows.columns
        if c.startswith("au_") and c.endswith(suffix)
    }
    values = table.numbers(list(codes)).rename(columns=codes)
    values.insert(0, TIME, _libreface_times_s(table))
    for edge, column in _libreface_box(table):
        values[edge] = column
    decided = {f"AU{c[3:]}" for c in table.rows.columns if c[:3] == "au_" and c[3:].isdigit()}
    only_decided = sorted(decided - set(codes.values()), key=lambda code: int(code[2:]))
    not_read = [
        NotMeasured("head pose", "not read from LibreFace: its numbers are not degrees"),
        NotMeasured("gaze", "not read from LibreFace: its signs could not be checked"),
    ]
    if only_decided:
        why = "LibreFace says only yes or no, without intensity or probability"
        not_read.append(NotMeasured(", ".join(only_decided), why))
    return Reading(
        _source("LibreFace CSV", "0.2"),
        _with_gaps(values[TIME].to_numpy(dtype=float)),
        (values,),
        dict.fromkeys(codes.values(), Unit.FACS_INTENSITY),
        tuple(not_read),
    )


def _libreface_times_s(table: _Table) -> "pd.Series[float]":
    """Seconds. `frame_time_in_ms` holds seconds in 0.2.0 (frame / rate), milliseconds before: steps
    below one millisecond would be a thousand frames a second, so they are seconds."""
    if not table.has("frame_idx"):
        return pd.Series(0.0, table.rows.index)  # one picture
    if table.fps is not None or not table.has("frame_time_in_ms"):
        return table.frame_times_s("frame_idx", "LibreFace")
    times = table.column("frame_time_in_ms")
    frames = table.column("frame_idx")
    step = (times.iloc[-1] - times.iloc[0]) / max(frames.iloc[-1] - frames.iloc[0], 1.0)
    return times if step < 1.0 else times / 1000.0


def _with_gaps(times_s: np.ndarray) -> np.ndarray:
    """Moments with those that were left out between them, at the usual step."""
    moments = np.unique(times_s)
    if len(moments) < 3 or np.isnan(moments).any():
        return moments
    step_s = float(np.median(np.diff(moments)))
    inserted = [
        np.linspace(a, b, round((b - a) / step_s) + 1)[1:-1]
        for a, b in pairwise(moments.tolist())
        if b - a > 1.5 * step_s
    ]
    return np.unique(np.concatenate([moments, *inserted]))


def _libreface_box(table: _Table) -> Iterator[tuple[str, "pd.Series[float]"]]:
    """Around its 478 landmarks, which count in widths and heights of the picture."""
    xs, ys = ([f"lm_mp_{i}_{axis}" for i in range(478)] for axis in "xy")
    if table.has(*xs, *ys):
        x, y = table.numbers(xs), table.numbers(ys)
        edges = (x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1))
        yield from zip(BOX, edges, strict=True)


_READERS: dict[frozenset[str], Callable[[_Table], Reading]] = {
    frozenset({"timestamp", "confidence", "success"}): _openface2,
    frozenset({"action_units", "face_id", "face_detection"}): _openface3,
    frozenset({"FaceScore", "frame"}): _pyfeat,
    frozenset({"au_1_intensity", "au_12_intensity"}): _libreface,
}
_NAMES = dict(zip(_READERS, ("OpenFace 2", "OpenFace 3", "py-feat", "LibreFace"), strict=True))
