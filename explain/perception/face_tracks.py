"""From faces, frame by frame, to cue tracks per person: action units, head pose, gaze.

Rows are reduced as they come, so that memory does not grow with the meshes: a frame of a face
leaves some twenty numbers behind. A row that cannot be trusted becomes NaN with a reason.
"""

from dataclasses import dataclass, replace

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
from demeanor.explain.perception.hands import HANDS
from demeanor.explain.perception.neutral import (
    Neutral,
    NeutralWanted,
    choose_neutral,
    population,
)
from demeanor.explain.perception.tracking import Seen, box_of
from demeanor.explain.perception.visibility import VIEW
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
from demeanor.explain.vocabulary import ACTION_UNITS, Region

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
    "it is too dark to read the face",
    "the face is blurred",
)
_NO_HAND = np.full(len(HANDS), np.nan, np.float32)
_NO_VIEW = np.full(len(VIEW), np.nan, np.float32)
_DARK, _BLURRED = 6, 7  # in that list: seen in the face itself, which is looked at now and then
_SHARP = 0.8  # quantile of a face's own detail: what half of it is must be blurred, within limits
_BLURRED_ONCE = 1.6  # of `blurred`, which fits faces that are seen but once
_VIEW_HOLDS_S = 0.5  # a look tells of the frames around it, up to so far away
NOT_SEEN = "the face is not seen"
EYES_CLOSED = "the eyes are closed"
EYES_COVERED = "something dark covers the eyes"
_AROUND_EYES = frozenset({Region.BROW, Region.EYE, Region.GAZE})
HAND_COVERS = "a hand is before this part of the face"
_UNDER_HANDS = (  # places that a hand may lie over, and what cannot be read then
    (("hand_brow", "hand_eye"), _AROUND_EYES),
    (("hand_nose",), frozenset({Region.NOSE})),
    (("hand_mouth", "hand_chin"), frozenset({Region.MOUTH, Region.JAW})),
)
_ALL_ALONG = 0.95  # of the time in which the face is seen: then nothing of it was measured
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
    `rested`: by person, the codes whose rest was seen, not beyond what neutral faces show.
    `neutrals`: by person, None where they were seen for too short a time.
    """

    people: tuple[Person, ...]
    tracks: tuple[CueTrack, ...]
    not_measured: tuple[NotMeasured, ...]
    changes: dict[tuple[str, str], np.ndarray]
    rests: dict[str, Rests]
    rested: dict[str, frozenset[str]]
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
    view: np.ndarray  # (n, len(VIEW)), NaN where the face was not looked at or nothing was to tell
    hand: np.ndarray  # (n, len(HANDS)), NaN where no hand was looked for
    quarters: np.ndarray  # (n,) turns of the picture that set the face upright

    @staticmethod
    def join(parts: list["_Rows"]) -> "_Rows":
        return _Rows(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in _Rows.__slots__)
        )

    def where(self, kept: np.ndarray) -> "_Rows":
        return _Rows(*(getattr(self, name)[kept] for name in _Rows.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class _Cover:
    """Something lies over part of a face, in some of its rows."""

    rows: np.ndarray  # (n,) bool
    regions: frozenset[Region]
    reason: str

    def hides(self, code: str) -> bool:
        region = Region.GAZE if code in GAZE else ACTION_UNITS[code].region
        return region in self.regions


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

    def forget(self, before_s: float) -> None:
        """For a camera, which never ends: `finish` may be called again after more frames."""
        self._frames_s = [time_s for time_s in self._frames_s if time_s >= before_s]
        for track in list(self._pending):
            self._reduce(track)
        for track, parts in list(self._parts.items()):
            rows = _Rows.join(parts)
            self._parts[track] = [rows.where(rows.times_s >= before_s)]
            if not len(self._parts[track][0].times_s):
                del self._parts[track]

    def finish(
        self, settings: Settings, crowd: int = 0, wanted: NeutralWanted | None = None
    ) -> FaceMeasurement:
        """wanted: where a neutral face is shown, if somebody said so."""
        for track in list(self._pending):
            self._reduce(track)
        times_s = np.array(self._frames_s)
        faces = sorted(
            (self._viewed(_Rows.join(parts)) for parts in self._parts.values()),
            key=lambda rows: (-len(rows.times_s), rows.times_s[0]),
        )
        step_s = frame_step_s(times_s)
        kept = [r for r in faces if step_s == 0.0 or len(r.times_s) * step_s >= _MIN_SEEN_S]
        people, tracks, missing = [], [], self._whole_clip(times_s, faces, kept, crowd)
        changes: dict[tuple[str, str], np.ndarray] = {}
        rests: dict[str, Rests] = {}
        rested: dict[str, frozenset[str]] = {}
        neutrals: dict[str, Neutral | None] = {}
        for number, rows in enumerate(kept, start=1):
            name = f"p{number}"
            gaps = self._gaps(times_s, rows)
            people.append(self._person(name, rows, times_s))
            covers = self._covers(rows)
            sheet = _Sheet(name, times_s, rows, gaps, self._source, covers)
            shown = wanted if number == 1 or wanted is None or wanted.shown is None else None
            uncovered = _uncovered(rows, covers)
            neutrals[name] = self._neutral(uncovered, step_s, settings.baseline, shown)
            changes |= self._action_units(sheet, settings, neutrals[name])
            rests[name] = _seen_rests(self._rests(neutrals[name]), sheet.tracks)
            rested[name] = self._rested(neutrals[name])
            _add_posture(sheet)
            tracks += sheet.tracks
            missing += [*_of_person(name, gaps), *_of_covers(sheet, self._model.codes)]
            missing += _turned(name, rows)
        return FaceMeasurement(
            tuple(people), tuple(tracks), tuple(missing), changes, rests, rested, neutrals
        )

    def _reduce(self, track: int) -> None:
        seen = self._pending.pop(track, [])
        if not seen:
            return
        quarters = np.array([s.quarters for s in seen])
        points = _turned_by(quarters, np.stack([s.mesh.points for s in seen]))
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
            np.stack([_NO_VIEW if s.view is None else s.view for s in seen]),
            np.stack([_NO_HAND if s.hand is None else s.hand for s in seen]),
            quarters,
        )
        self._parts.setdefault(track, []).append(rows)

    def _viewed(self, rows: _Rows) -> _Rows:
        """With what was seen now and then told of the frames around it, and judged."""
        s, view = self._settings, _nearest(rows.times_s, rows.view, _VIEW_HOLDS_S)
        hand = _nearest(rows.times_s, rows.hand, s.hand_every_s)
        brightness, detail = view[:, VIEW.index("brightness")], view[:, VIEW.index("detail")]
        own = np.nanquantile(detail, _SHARP) if not np.isnan(detail).all() else 0.0
        blurred = detail < np.clip(own / 2, s.blurred, _BLURRED_ONCE * s.blurred)
        unread = np.select([brightness < s.dark, blurred], [_DARK, _BLURRED], 0)
        reason = np.where(rows.reason == 0, unread, rows.reason)
        return replace(rows, view=view, hand=hand, reason=reason)

    def _covers(self, rows: _Rows) -> tuple[_Cover, ...]:
        """What lies over parts of this face. A head turned away shows its eyes from the side."""
        dark = rows.view[:, VIEW.index("eyes")] < self._settings.covered_eyes
        found = [_Cover(dark & (rows.reason == 0), _AROUND_EYES, EYES_COVERED)]
        for places, regions in _UNDER_HANDS:
            share = rows.hand[:, [HANDS.index(place) for place in places]].max(axis=1)
            hidden = (share >= self._settings.covered_place) & (rows.reason == 0)
            found.append(_Cover(hidden, regions, HAND_COVERS))
        return tuple(cover for cover in found if cover.rows.any())

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

    def _rested(self, neutral: Neutral | None) -> frozenset[str]:
        held = [True] * len(self._model.codes) if neutral is None else neutral.held.tolist()
        return frozenset(c for c, h in zip(self._model.codes, held, strict=False) if not h)

    def _columns(self) -> list[tuple[str, Side | None]]:
        return [*((code, None) for code in self._model.codes), *self._model.sided]

    def _action_units(
        self, sheet: "_Sheet", settings: Settings, neutral: Neutral | None
    ) -> dict[tuple[str, str], np.ndarray]:
        """Adds a track for every action unit to the sheet; returns what changes in each."""
        rows, trusted = sheet.rows, sheet.rows.reason == 0
        levels = self._model.levels_above(rows.levels, neutral.levels if neutral else None)
        closed = levels.intensity[:, self._model.codes.index("AU43")] >= _SHUT
        closed &= trusted & ~sheet.covered("AU43")
        blinks = trusted & _widened(_short(rows.times_s, closed, settings.events.blink_max_s))
        changes = {}
        for k, (code, side) in enumerate(self._columns()):
            hidden = blinks if code in _MOVED_BY_BLINKS else np.zeros_like(blinks)
            if side is None:  # events are looked for in both sides together
                seen = trusted & ~sheet.covered(code)
                change = np.where(seen, levels.change[:, k], np.nan)
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
        covers: tuple[_Cover, ...] = (),
    ) -> None:
        self.person, self.times_s, self.rows, self._gaps = person, times_s, rows, gaps
        self._source, self.covers = source, covers
        self._where = np.searchsorted(times_s, rows.times_s)
        self.tracks: list[CueTrack] = []

    def covered(self, code: str) -> np.ndarray:
        """(n,) rows in which something lies over what this cue is read from."""
        rows = [cover.rows for cover in self.covers if cover.hides(code)]
        return np.asarray(np.any(rows, axis=0)) if rows else np.zeros(len(self._where), bool)

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
        """A cue that is not to be trusted where the row is not, nor where `hidden` is set (the
        eyes are closed), nor where something covers it.
        """
        covers = [cover for cover in self.covers if cover.hides(code)]
        trusted = (self.rows.reason == 0) & ~hidden & ~self.covered(code)
        why = [(hidden, EYES_CLOSED), *((cover.rows, cover.reason) for cover in covers)]
        more = [(span, text) for rows, text in why for span in _runs(self.rows.times_s, rows)]
        missing = tuple(sorted((*self._gaps, *more), key=lambda gap: gap[0].start_s))
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
    if not np.isnan(sheet.rows.hand).all():
        for k, code in enumerate(HANDS):
            if np.nanmax(sheet.rows.hand[:, k]) > 0:
                sheet.add_always(code, Unit.RATIO, sheet.rows.hand[:, k])
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


def _of_covers(sheet: "_Sheet", codes: tuple[str, ...]) -> list[NotMeasured]:
    """What could not be measured for something that lay over it, and for how long."""
    rows = []
    step_s = frame_step_s(sheet.times_s)
    for cover in sheet.covers:
        hidden = ", ".join(code for code in codes if cover.hides(code))
        if not hidden:  # a nose of which this backend measures nothing
            continue
        spans = _runs(sheet.rows.times_s, cover.rows)
        whole = Span(spans[0].start_s, spans[-1].end_s)
        always = cover.rows.mean() >= _ALL_ALONG
        said = f"{cover.reason} (for {cover.rows.sum() * step_s:.1f} s in all)"
        rows.append(NotMeasured(hidden, said, None if always else whole, sheet.person))
    return rows


def _turned(name: str, rows: _Rows) -> list[NotMeasured]:
    """That the picture lies on its side or stands on its head, where that is so."""
    quarters = int(rows.quarters[0])
    if quarters == 0:
        return []
    how = {1: "on its left side", 2: "upside down", 3: "on its right side"}[quarters]
    reason = f"the picture lies {how}: the face was measured as if it were turned upright"
    return [NotMeasured("which way is up", reason, person=name)]


def _turned_by(quarters: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (n, p, 3) as they lie when the picture is turned counter-clockwise by `quarters`."""
    if not quarters.any():
        return points
    angle = quarters * (np.pi / 2)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([cos * x + sin * y, cos * y - sin * x, z], axis=-1).astype(points.dtype)


def _nearest(times_s: np.ndarray, view: np.ndarray, holds_s: float) -> np.ndarray:
    """Each row with the look that is nearest in time; NaN where none is near."""
    (looked,) = np.nonzero(~np.isnan(view[:, 0]))
    if len(looked) == 0:
        return view
    after = np.clip(np.searchsorted(times_s[looked], times_s), 1, max(len(looked) - 1, 1))
    pair = looked[np.minimum(np.stack([after - 1, after]), len(looked) - 1)]
    apart_s = np.abs(times_s[pair] - times_s)
    nearest = pair[np.argmin(apart_s, axis=0), np.arange(len(times_s))]
    near = apart_s.min(axis=0) <= holds_s
    return np.asarray(np.where(near[:, None], view[nearest], np.nan))


def _uncovered(rows: _Rows, covers: tuple[_Cover, ...]) -> _Rows:
    """Without what lies under something, where the face is ever seen whole: rest is a posture."""
    open_ = ~np.any([cover.rows for cover in covers], axis=0) if covers else None
    if open_ is None or not (open_ & (rows.reason == 0)).any():
        return rows
    return rows.where(open_)


def _seen_rests(rests: Rests, tracks: list[CueTrack]) -> Rests:
    """Rest of those cues alone that were seen at all."""
    seen = {(t.code, t.side) for t in tracks if not np.isnan(t.values).all()}
    return {cue: rest for cue, rest in rests.items() if cue in seen}


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
