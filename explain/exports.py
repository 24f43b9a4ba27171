"""Results as tables and cues that other tools read: CSV as OpenFace 2 writes it, WebVTT, summaries.

What was not measured is an empty cell, or no column where it was measured nowhere; it is never 0.
Signs and columns are explained in docs/report.md.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from demeanor.explain.records import (
    Channel,
    CueTrack,
    Explanation,
    Kind,
    Observation,
    Unit,
)
from demeanor.explain.result import Result
from demeanor.explain.textualization.phrases import clause, quoted
from demeanor.explain.vocabulary import NOT_VALIDATED

Row = dict[str, Any]
_FORMULA = tuple("=+-@\t\r")  # how a spreadsheet recognises a formula
_MIN_CUE_S = 0.1  # a moment has to be on the screen for some time, and VTT allows no empty cue
_PRESENT = 1.0  # intensity from which OpenFace's AU.._c would say 1: a trace (A)
_CLOSURE, _BLINK = "AU43", "AU45"


# OpenFace 2 --------------------------------------------------------------------------------


def openface_csv(result: Result) -> str:
    """Columns and signs as OpenFace 2 has them, one block of rows per person (face_id 0 = p1).

    AU45_r is our lid closure (AU43). An action unit that was not measured has no column.
    """
    people = [p.person for p in result.measurement.people]
    codes = sorted(
        {t.code for t in result.measurement.tracks if _graded(t) and t.person in people},
        key=_au_number,
    )
    rows = [
        row
        for face_id, person in enumerate(people)
        for row in _openface_rows(result, person, face_id, codes)
    ]
    pose = [f"pose_R{axis}" for axis in "xyz"]
    columns = [
        *("frame", "face_id", "timestamp", "confidence", "success"),
        *("gaze_angle_x", "gaze_angle_y", *pose),
        *(f"AU{_openface_number(code):02d}_r" for code in codes),
        *(f"AU{_openface_number(code):02d}_c" for code in codes),
    ]
    return table_csv(rows, columns)


def _openface_rows(
    result: Result, person: str, face_id: int, codes: Sequence[str]
) -> Iterable[Row]:
    tracks = [t for t in result.measurement.tracks if t.person == person]
    if not tracks:
        return
    times_s = tracks[0].times_s
    yaw, pitch, roll = (_radians(tracks, f"pose_{axis}") for axis in ("yaw", "pitch", "roll"))
    gaze_x, gaze_y = (_radians(tracks, f"gaze_{axis}") for axis in ("yaw", "pitch"))
    levels = {code: _level(tracks, code) for code in codes}
    for i, time_s in enumerate(times_s.tolist()):
        trusted = any(not math.isnan(_value(values, i)) for values in levels.values())
        row: Row = {
            "frame": i + 1,
            "face_id": face_id,
            "timestamp": round(time_s, 3),
            "confidence": float(trusted),
            "success": int(not math.isnan(_value(yaw, i))),
            # ours is of the eye in the head; OpenFace's angle is of the gaze in the room
            "gaze_angle_x": _value(gaze_x, i) + _value(yaw, i),
            "gaze_angle_y": -(_value(gaze_y, i) + _value(pitch, i)),
            "pose_Rx": -_value(pitch, i),
            "pose_Ry": -_value(yaw, i),
            "pose_Rz": _value(roll, i),
        }
        for code, values in levels.items():
            level = float(np.clip(_value(values, i), 0.0, 5.0))  # NaN stays NaN
            name = f"AU{_openface_number(code):02d}"
            row[f"{name}_r"] = level
            row[f"{name}_c"] = math.nan if math.isnan(level) else int(level >= _PRESENT)
        yield row


def _graded(track: CueTrack) -> bool:
    return track.channel is Channel.FACE and track.unit is Unit.FACS_INTENSITY


def _au_number(code: str) -> int:
    return int(code.removeprefix("AU"))


def _openface_number(code: str) -> int:
    return _au_number(_BLINK if code == _CLOSURE else code)


def _radians(tracks: Sequence[CueTrack], code: str) -> np.ndarray | None:
    track = next((t for t in tracks if t.code == code), None)
    return None if track is None else np.radians(track.values.astype(float))


def _level(tracks: Sequence[CueTrack], code: str) -> np.ndarray | None:
    """The intensity of a unit; the stronger side where sides were measured apart."""
    found = [t.values.astype(float) for t in tracks if t.code == code and _graded(t)]
    if not found:
        return None
    level = found[0]
    for other in found[1:]:
        level = np.fmax(level, other)
    return level


def _value(values: np.ndarray | None, i: int) -> float:
    return math.nan if values is None else float(values[i])


# Tracks ------------------------------------------------------------------------------------


def tracks_csv(result: Result) -> str:
    """Every track: a row per moment and person, a column per cue."""
    frame = result.to_frame()
    if frame.empty:
        return "person,time_s\n"
    return frame.to_csv(index=False, float_format="%.7g", lineterminator="\n")


# WebVTT ------------------------------------------------------------------------------------


def webvtt(result: Result) -> str:
    """A cue per observation, for any player to show over the clip; the ids are the same."""
    name = _vtt_text(result.measurement.clip.path.name)
    note = f"NOTE\nObservations in {name}. Intensities are {NOT_VALIDATED}.\n"
    ordered = sorted(result.observations, key=lambda o: (o.span, o.obs_id))
    cues = [_cue(o) for o in ordered]
    return "\n".join(["WEBVTT\n", note, *cues])


def _cue(o: Observation) -> str:
    end_s = max(o.span.end_s, o.span.start_s + _MIN_CUE_S)
    text = quoted(o.quote or "") if o.channel is Channel.SPEECH else clause(o)
    who = f"{o.person}: " if o.person else ""
    return f"{o.obs_id}\n{_stamp(o.span.start_s)} --> {_stamp(end_s)}\n{_vtt_text(who + text)}\n"


def _vtt_text(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _stamp(time_s: float) -> str:
    ms = round(time_s * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


# Summary -----------------------------------------------------------------------------------


def summary_rows(result: Result) -> list[Row]:
    """One row per person; one without a person where nobody was seen."""
    asked: dict[str | None, Explanation | None] = {e.person: e for e in result.explanations}
    people: list[str | None] = [p.person for p in result.measurement.people]
    return [_summary(result, person, asked.get(person)) for person in people or [None]]


def _summary(result: Result, person: str | None, explanation: Explanation | None) -> Row:
    m = result.measurement
    own = [o for o in result.observations if o.person in (person, None)]
    row: Row = {
        "clip": m.clip.path.name,
        "clip_id": m.clip.clip_id,
        "person": person,
        "duration_s": m.clip.duration_s,
        **_presence(result, person),
        "n_observations": len(own),
        "n_not_measured": sum(n.person in (person, None) for n in m.not_measured),
        "blinks_per_min": _peak_of(own, _BLINK, Unit.PER_MINUTE),
        "speech_share": _peak_of(own, "speech_share", None),
        **_conclusion(explanation),
    }
    for track in m.tracks:
        if track.person == person and _graded(track):
            known = track.values[~np.isnan(track.values)].astype(float)
            row[f"mean_{track.name}"] = float(known.mean()) if len(known) else None
            row[f"max_{track.name}"] = float(known.max()) if len(known) else None
    return row


def _presence(result: Result, person: str | None) -> Row:
    seen = next((p for p in result.measurement.people if p.person == person), None)
    if seen is None:
        return {"n_frames": None, "seen_s": None}
    return {"n_frames": seen.n_frames, "seen_s": sum(s.duration_s for s in seen.spans)}


def _peak_of(observations: Iterable[Observation], code: str, unit: Unit | None) -> float | None:
    return next(
        (
            o.peak
            for o in observations
            if o.code == code and o.kind is Kind.STATE and unit in (None, o.unit)
        ),
        None,
    )


def _conclusion(explanation: Explanation | None) -> Row:
    """Empty cells where no emotion was inferred."""
    e = explanation
    return {
        "labels": "; ".join(e.labels) if e else None,
        "label_set": e.label_set if e else None,
        "best_fit": e.best_fit if e else None,
        "confidence": e.confidence if e else None,
        "valence": e.valence if e else None,
        "arousal": e.arousal if e else None,
        "abstained": (int(e.abstained)) if e else None,
        "n_claims": len(e.evidence) if e else None,
        "grounded_share": e.grounded_share if e else None,
        "model": e.provenance.model if e else None,
    }


def summary_csv(rows: Sequence[Row]) -> str:
    """Rows of one or of many clips; action units that only some have are empty in the others."""
    names = dict.fromkeys(name for row in rows for name in row)
    fixed = [n for n in names if not n.startswith(("mean_AU", "max_AU"))]
    units = sorted(set(names) - set(fixed), key=_unit_order)
    return table_csv(rows, [*fixed, *units])


def _unit_order(column: str) -> tuple[int, str, bool]:
    number = re.search(r"\d+", column)
    side = column[number.end() :] if number else ""
    return int(number[0]) if number else 0, side, column.startswith("max")


# CSV ---------------------------------------------------------------------------------------


def table_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    """Text of a cell; text that a spreadsheet would run as a formula gets an apostrophe."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
