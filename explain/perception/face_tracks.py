"""From faces, frame by frame, to cue tracks per person: action units, head pose, gaze.

Rows are reduced as they come, so that memory does not grow with the meshes: a frame of a face
leaves some twenty numbers behind. A row that cannot be trusted becomes NaN with a reason.
"""

from dataclasses import dataclass

import numpy as np

from demeanor.explain.perception.action_units import ActionUnitModel, stretched
from demeanor.explain.perception.baseline import frame_step_s
from demeanor.explain.perception.geometry import (
    RIGID,
    align,
    eye_measures,
    pose_deg,
    shape_measures,
    template,
    to_person,
)
from demeanor.explain.perception.neutral import (
    Neutral,
    NeutralWanted,
    choose_neutral,
    population,
)
from demeanor.explain.perception.tracking import Seen, box_of
from demeanor.explain.records import (
    Channel,
    Clip,
    CueTrack,
    NotMeasured,
    Person,
    Side,
    Source,
    Span,
    Unit,
)
from demeanor.explain.settings import BaselineSettings, FaceSettings, Settings

_CHUNK = 256  # faces reduced at once: enough to make numpy worth while
_MIN_SEEN_S = 0.2  # a face seen for less is a passer-by, or none at all
_MAX_FIT_ERROR = 0.075  # of the eyes' distance; 99.5% of the neutral pictures lie below .058
_EYE_WIDTH_MM, _EYEBALL_MM = 30.0, 12.0  # textbook means: turn an offset into an angle
POSE = ("pose_yaw", "pose_pitch", "pose_roll")
GAZE = ("gaze_yaw", "gaze_pitch")
PLACE = ("face_x", "face_y", "face_px")  # centre and width in pixels: no cue, but where to look

_REASONS = (
    "",
    "the face is smaller than {min_face_px:.0f} pixels",
    "the head is turned by more than {reliable_yaw_deg:.0f} degrees",
    "the head is tipped by more than {reliable_pitch_deg:.0f} degrees",
    "the face is partly outside the picture",
    "the points do not fit a face here (something hides it, or it is blurred)",
)
NOT_SEEN = "the face is not seen"
EYES_CLOSED = "the eyes are closed"
_NEED_OPEN_EYES = ("AU5", "AU7")  # what the lids do cannot be read from closed eyes
# The mesh's brows and cheeks jump along with the lids in a blink: not measured during one.
_MOVED_BY_BLINKS = ("AU1", "AU2", "AU4", "AU5", "AU6", "AU7")
_SHUT = 2.0  # AU43 from which on they count as closed


Rests = dict[tuple[str, Side | None], tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class FaceMeasurement:
    """`changes`: by person and code, (frames,) intensity above the person's own rest, not
    clipped at E and bridged over blinks: what events are looked for in. `rests`: by person, of
    each track of theirs the level at rest, on its own scale, and how much it trembles there.
    `neutrals`: by person, None where they were seen for too short a time.
    """

    people: tuple[Person, ...]
    tracks: tuple[CueTrack, ...]
    not_measured: tuple[NotMeasured, ...]
    changes: dict[tuple[str, str], np.ndarray]
    rests: dict[str, Rests]
    neutrals: dict[str, Neutral | None]


@dataclass(slots=True, eq=False)
class _Rows:
    """What is kept of one face: parallel arrays over the frames in which it was seen."""

    times_s: np.ndarray  # (n,)
    levels: np.ndarray  # (n, action units), see ActionUnitModel.levels
    pose: np.ndarray  # (n, 3) degrees
    gaze: np.ndarray  # (n, 2) degrees
    centre_px: np.ndarray  # (n, 2)
    face_px: np.ndarray  # (n,)
    reason: np.ndarray  # (n,) index into _REASONS
    box: np.ndarray  # (n, 4) 0-1 of the picture

    @staticmethod
    def join(parts: list["_Rows"]) -> "_Rows":
        return _Rows(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in _Rows.__slots__)
        )


class FaceRecorder:
    """Takes frame times and seen faces in order; `finish` gives tracks over all frames."""

    def __init__(
        self, model: ActionUnitModel, source: Source, clip: Clip, settings: FaceSettings
    ) -> None:
        self._model, self._source, self._clip, self._settings = model, source, clip, settings
        self._template = template(model.backend)
        self._frames_s: list[float] = []
        self._pending: dict[int, list[Seen]] = {}
        self._parts: dict[int, list[_Rows]] = {}

    def frame(self, time_s: float) -> None:
        self._frames_s.append(time_s)

    def add(self, seen: Seen) -> None:
        pending = self._pending.setdefault(seen.track, [])
        pending.append(seen)
        if len(pending) >= _CHUNK:
            self._reduce(seen.track)

    def finish(
        self, settings: Settings, crowd: int = 0, wanted: NeutralWanted | None = None
    ) -> FaceMeasurement:
        """wanted: where a neutral face is shown, if somebody said so."""
        for track in list(self._pending):
            self._reduce(track)
        times_s = np.array(self._frames_s)
        faces = sorted(
            (_Rows.join(parts) for parts in self._parts.values()),
            key=lambda rows: (-len(rows.times_s), rows.times_s[0]),
        )
        step_s = frame_step_s(times_s)
        kept = [r for r in faces if step_s == 0.0 or len(r.times_s) * step_s >= _MIN_SEEN_S]
        people, tracks, missing = [], [], self._whole_clip(times_s, faces, kept, crowd)
        changes: dict[tuple[str, str], np.ndarray] = {}
        rests: dict[str, Rests] = {}
        neutrals: dict[str, Neutral | None] = {}
        for number, rows in enumerate(kept, start=1):
            name = f"p{number}"
            gaps = self._gaps(times_s, rows)
            people.append(self._person(name, rows, times_s))
            sheet = _Sheet(name, times_s, rows, gaps, self._source)
            shown = wanted if number == 1 or wanted is None or wanted.shown is None else None
            neutrals[name] = self._neutral(rows, step_s, settings.baseline, shown)
            changes |= self._action_units(sheet, settings, neutrals[name])
            rests[name] = self._rests(neutrals[name])
            _add_posture(sheet)
            tracks += sheet.tracks
            missing += _of_person(name, gaps)
        return FaceMeasurement(
            tuple(people), tuple(tracks), tuple(missing), changes, rests, neutrals
        )

    def _reduce(self, track: int) -> None:
        seen = self._pending.pop(track, [])
        if not seen:
            return
        points = np.stack([s.mesh.points for s in seen])
        shapes, turn = align(to_person(points), self._template)
        pose = pose_deg(turn)
        lids = np.stack([s.mesh.lids for s in seen])
        irises = np.stack([s.mesh.irises for s in seen])
        eyes, gaze = eye_measures(lids, irises)
        shapes_rest = shapes[:, RIGID] - self._template[RIGID]
        fit = np.sqrt((shapes_rest**2).sum(axis=-1).mean(axis=-1))
        boxes = np.array([box_of(s.mesh.points) for s in seen])
        size = np.array([self._clip.width_px or 1, self._clip.height_px or 1] * 2)
        rows = _Rows(
            np.array([s.time_s for s in seen]),
            self._model.levels(
                shape_measures(shapes),
                eyes,
                pose,
                _stacked([s.mesh.texture for s in seen]),
                _stacked([s.mesh.blendshapes for s in seen]),
            ),
            pose,
            _gaze_deg(gaze),
            (boxes[:, :2] + boxes[:, 2:]) / 2,
            boxes[:, 2] - boxes[:, 0],
            self._judge(boxes, pose, fit),
            boxes / size,
        )
        self._parts.setdefault(track, []).append(rows)

    def _judge(self, boxes: np.ndarray, pose: np.ndarray, fit: np.ndarray) -> np.ndarray:
        """Index of the first reason not to trust a row; 0: trust it."""
        s, width = self._settings, boxes[:, 2] - boxes[:, 0]
        w, h = self._clip.width_px or np.inf, self._clip.height_px or np.inf
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        inside_x = np.minimum(boxes[:, 2], w) - np.maximum(boxes[:, 0], 0)
        inside_y = np.minimum(boxes[:, 3], h) - np.maximum(boxes[:, 1], 0)
        share = inside_x * inside_y / (width * (boxes[:, 3] - boxes[:, 1]))
        outside = (share < 0.8) | (x < 0) | (y < 0) | (x > w) | (y > h)
        tests = (
            width < s.min_face_px,
            np.abs(pose[:, 0]) > s.reliable_yaw_deg,
            np.abs(pose[:, 1]) > s.reliable_pitch_deg,
            outside,
            fit > _MAX_FIT_ERROR,
        )
        return np.select(tests, range(1, 1 + len(tests)), default=0)

    def _person(self, name: str, rows: _Rows, times_s: np.ndarray) -> Person:
        view = rows.face_px * np.cos(np.radians(rows.pose[:, 0])) * (rows.reason == 0)
        best = int(np.argmax(view if view.any() else rows.face_px))
        return Person(
            person=name,
            spans=_runs(times_s, np.isin(times_s, rows.times_s)),
            n_frames=len(rows.times_s),
            face_px=float(np.median(rows.face_px)),
            box=tuple(rows.box[best].tolist()),
            best_s=float(rows.times_s[best]),
        )

    def _gaps(self, times_s: np.ndarray, rows: _Rows) -> tuple[tuple[Span, str], ...]:
        """When the action units of this face could not be measured, and why."""
        reason = np.full(len(times_s), -1)
        reason[np.searchsorted(times_s, rows.times_s)] = rows.reason
        settings = {k: getattr(self._settings, k) for k in FaceSettings.__slots__}
        gaps = []
        for code in np.unique(reason[reason != 0]):
            text = NOT_SEEN if code == -1 else _REASONS[code].format(**settings)
            gaps += [(span, text) for span in _runs(times_s, reason == code)]
        return tuple(sorted(gaps, key=lambda gap: gap[0].start_s))

    def _neutral(
        self, rows: _Rows, step_s: float, settings: BaselineSettings, wanted: NeutralWanted | None
    ) -> Neutral | None:
        """This face at rest; None where it was seen for too short a time to tell."""
        trusted = rows.reason == 0
        return choose_neutral(
            rows.times_s[trusted],
            rows.levels[trusted],
            population(self._model.neutral_high, self._model.neutral_spread),
            settings,
            step_s,
            wanted,
            len(self._model.codes),
        )

    def _rests(self, neutral: Neutral | None) -> Rests:
        """Rest on the scale of the tracks: 0 in the neutral range, beyond it what is held."""
        if neutral is None:
            return {}
        levels = self._model.levels_above(neutral.levels[None], neutral.levels).intensity[0]
        pairs = zip(levels.tolist(), neutral.spread.tolist(), strict=True)
        return dict(zip(self._columns(), pairs, strict=True))

    def _columns(self) -> list[tuple[str, Side | None]]:
        return [*((code, None) for code in self._model.codes), *self._model.sided]

    def _action_units(
        self, sheet: "_Sheet", settings: Settings, neutral: Neutral | None
    ) -> dict[tuple[str, str], np.ndarray]:
        """Adds a track for every action unit to the sheet; returns what changes in each."""
        rows, trusted = sheet.rows, sheet.rows.reason == 0
        levels = self._model.levels_above(rows.levels, neutral.levels if neutral else None)
        closed = trusted & (levels.intensity[:, self._model.codes.index("AU43")] >= _SHUT)
        blinks = trusted & _widened(_short(rows.times_s, closed, settings.events.blink_max_s))
        changes = {}
        for k, (code, side) in enumerate(self._columns()):
            hidden = blinks if code in _MOVED_BY_BLINKS else np.zeros_like(blinks)
            if side is None:  # events are looked for in both sides together
                change = np.where(trusted, levels.change[:, k], np.nan)
                changes[sheet.person, code] = sheet.spread(_bridged(rows.times_s, change, hidden))
            if code in _NEED_OPEN_EYES:
                hidden = hidden | (trusted & _widened(closed))
            sheet.add(code, Unit.FACS_INTENSITY, levels.intensity[:, k], hidden, side)
            if code == "AU26":
                level = stretched(levels.intensity[:, k])
                sheet.add("AU27", Unit.FACS_INTENSITY, level, hidden)
        return changes

    def _whole_clip(
        self, times_s: np.ndarray, faces: list[_Rows], kept: list[_Rows], crowd: int
    ) -> list[NotMeasured]:
        if len(times_s) == 0:
            return [NotMeasured("face", "the clip has no picture")]
        rows = []
        if not kept:
            rows.append(NotMeasured("face", "no face was seen"))
        else:
            seen = np.isin(times_s, np.concatenate([r.times_s for r in kept]))
            rows += [
                NotMeasured("face", "no face was seen", span)
                for span in _runs(times_s, ~seen)
                if span.duration_s >= _MIN_SEEN_S
            ]
        if n_short := len(faces) - len(kept):
            rows.append(
                NotMeasured("face", f"{n_short} more seen for less than {_MIN_SEEN_S} s, left out")
            )
        if crowd:
            rows.append(
                NotMeasured("face", f"up to {crowd} more at a time than face.max_people allows")
            )
        return rows


class _Sheet:
    """The tracks of one person over all frames of the clip."""

    def __init__(
        self,
        person: str,
        times_s: np.ndarray,
        rows: _Rows,
        gaps: tuple[tuple[Span, str], ...],
        source: Source,
    ) -> None:
        self.person, self.times_s, self.rows, self._gaps = person, times_s, rows, gaps
        self._source = source
        self._where = np.searchsorted(times_s, rows.times_s)
        self.tracks: list[CueTrack] = []

    def spread(self, column: np.ndarray) -> np.ndarray:
        """A column of this face's rows laid out over all frames; NaN where it is not seen."""
        values = np.full(len(self.times_s), np.nan, np.float32)
        values[self._where] = column
        return values

    def add(
        self,
        code: str,
        unit: Unit,
        column: np.ndarray,
        hidden: np.ndarray,
        side: Side | None = None,
    ) -> None:
        """A cue that is not to be trusted where the row is not, nor where `hidden` is set."""
        trusted = (self.rows.reason == 0) & ~hidden
        shut = tuple((span, EYES_CLOSED) for span in _runs(self.rows.times_s, hidden))
        missing = tuple(sorted((*self._gaps, *shut), key=lambda gap: gap[0].start_s))
        self._append(code, unit, np.where(trusted, column, np.nan), missing, side)

    def add_always(self, code: str, unit: Unit, column: np.ndarray) -> None:
        """A cue that is good for as long as the face is seen at all."""
        self._append(code, unit, column, tuple(g for g in self._gaps if g[1] == NOT_SEEN))

    def _append(
        self,
        code: str,
        unit: Unit,
        column: np.ndarray,
        missing: tuple[tuple[Span, str], ...],
        side: Side | None = None,
    ) -> None:
        self.tracks.append(
            CueTrack(
                self.person,
                Channel.FACE,
                code,
                side,
                unit,
                self.times_s,
                self.spread(column),
                missing,
                self._source,
            )
        )


def _add_posture(sheet: _Sheet) -> None:
    """Head, gaze and size of the face."""
    for k, code in enumerate(POSE):
        sheet.add_always(code, Unit.DEGREE, sheet.rows.pose[:, k])
    never = np.zeros(len(sheet.rows.times_s), bool)
    for k, code in enumerate(GAZE):
        sheet.add(code, Unit.DEGREE, sheet.rows.gaze[:, k], never)
    for code, column in zip(PLACE, (*sheet.rows.centre_px.T, sheet.rows.face_px), strict=True):
        sheet.add_always(code, Unit.NONE, column)


def _of_person(name: str, gaps: tuple[tuple[Span, str], ...]) -> list[NotMeasured]:
    """One row per reason: how long the action units of one person were out of reach."""
    rows = []
    for reason in dict.fromkeys(text for _, text in gaps if text != NOT_SEEN):
        spans = [span for span, text in gaps if text == reason]
        whole = Span(spans[0].start_s, max(span.end_s for span in spans))
        total_s = sum(span.duration_s for span in spans)
        rows.append(
            NotMeasured("action units", f"{reason} (for {total_s:.1f} s in all)", whole, name)
        )
    return rows


def _stacked(rows: list[np.ndarray | None]) -> np.ndarray | None:
    """A backend has a measure in every frame, or in none."""
    found = [row for row in rows if row is not None]
    return np.stack(found) if found else None


def _short(times_s: np.ndarray, flags: np.ndarray, longest_s: float) -> np.ndarray:
    """Of the stretches with the flag set, those that last `longest_s` at most."""
    out = np.zeros(len(flags), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        if times_s[min(after, len(times_s) - 1)] - times_s[first] <= longest_s:
            out[first:after] = True
    return out


def _widened(flags: np.ndarray) -> np.ndarray:
    """With two more frames on either side: lids are on their way there."""
    return np.convolve(flags, np.ones(5), mode="same") > 0 if len(flags) >= 5 else flags


def _bridged(times_s: np.ndarray, values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Straight lines over what is hidden, so that a blink does not cut an expression in two."""
    known = ~hidden & ~np.isnan(values)
    if not hidden.any() or not known.any():
        return values
    out = values.copy()
    out[hidden] = np.interp(times_s[hidden], times_s[known], values[known])
    return out


def _gaze_deg(offsets: np.ndarray) -> np.ndarray:
    """Turn of the eyes in the head, from the iris' offset in the eye's width. Not validated."""
    ratio = np.clip(offsets * _EYE_WIDTH_MM / _EYEBALL_MM, -1.0, 1.0)
    return np.degrees(np.arcsin(ratio)).astype(np.float32)


def _runs(times_s: np.ndarray, flags: np.ndarray) -> tuple[Span, ...]:
    """Stretches of frames with the flag set; a stretch ends where the next frame begins."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    last = len(times_s) - 1
    return tuple(
        Span(float(times_s[a]), float(times_s[min(b, last)]))
        for a, b in zip(starts, ends, strict=True)
    )
