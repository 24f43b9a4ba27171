"""Tracks from faces drawn on the neutral template: what is gated, and what a gap says."""

import numpy as np
import pytest

from demeanor.explain.perception import face_tracks
from demeanor.explain.perception.action_units import MEASURES, ActionUnitModel
from demeanor.explain.perception.face import FaceMesh
from demeanor.explain.perception.face_tracks import EYES_CLOSED, NOT_SEEN, FaceRecorder
from demeanor.explain.perception.geometry import SHAPE_MEASURES, template
from demeanor.explain.perception.tracking import Seen
from demeanor.explain.records import Clip, Span
from demeanor.explain.settings import load_settings

SETTINGS = load_settings()
STEP_S = 0.04
FACE_PX = 100.0  # between the outer corners of the eyes; the whole face is 157 px wide
CODES = ("AU1", "AU12", "AU43")
# AU12 is the width of the lips, AU43 the lids' opening, AU1 the height of the brows; each from
# one measure alone, so that a test can draw it.
_SOURCE = {"AU1": "brow_inner_height_R", "AU12": "lip_corner_width_R", "AU43": "eye_opening_R"}
_PER_UNIT = {"AU1": 100.0, "AU12": 100.0, "AU43": -10.0}  # levels per unit of the measure


def drawn_model():
    weights = np.zeros((len(MEASURES), len(CODES)))
    for k, code in enumerate(CODES):
        weights[MEASURES.index(_SOURCE[code]), k] = _PER_UNIT[code]
    centre = np.zeros(len(MEASURES))
    for name, value in _neutral().items():
        centre[MEASURES.index(name)] = value
    return ActionUnitModel("mesh", CODES, weights, centre, np.full(3, 0.5), {})


def _neutral():
    from demeanor.explain.perception.geometry import shape_measures

    values = shape_measures(template("mesh")[None])[0]
    return {**dict(zip(SHAPE_MEASURES, values.tolist(), strict=True)), "eye_opening_R": 0.4}


def seen(
    n, *, track=0, at=(320, 240), size=FACE_PX, yaw=0.0, pitch=0.0, smile=0.0, shut=0.0, noise=0.0
):
    """A face in frame n, in picture pixels. smile, shut: FACS levels of AU12 and AU43."""
    face = template("mesh").copy()
    face[61, 0] -= smile / 100
    face[291, 0] += smile / 100
    face += np.random.default_rng(0).normal(0, noise, face.shape)
    (cy, sy), (cp, sp) = ((np.cos(a), np.sin(a)) for a in np.radians([yaw, pitch]))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ [[1, 0, 0], [0, cp, sp], [0, -sp, cp]]
    points = (face @ turn.T * size * [1, -1, -1] + [*at, 0]).astype(np.float32)
    return Seen(track, n * STEP_S, FaceMesh(points, *_eyes(0.4 - shut / 10), 1.0, None))


def _eyes(opening):
    """Lids (2, 16, 2) with this opening in eye widths, and irises looking straight ahead."""
    lids, irises = np.zeros((2, 16, 2), np.float32), np.zeros((2, 5, 2), np.float32)
    for side, (outer, inner) in enumerate([(0, 100), (300, 200)]):
        lids[side, :, 0] = (outer + inner) / 2
        lids[side, 1:8, 1], lids[side, 9:, 1] = opening * 50, -opening * 50
        lids[side, 0], lids[side, 8] = (outer, 0), (inner, 0)
        rim = np.array([[0, 0], [10, 0], [0, 10], [-10, 0], [0, -10]])
        irises[side] = np.array([(outer + inner) / 2, 0]) + rim
    return lids, irises


def record(faces, n_frames, crowd=0, size=(640, 480)):
    clip = Clip("m", "c", Span(0, n_frames * STEP_S), None, n_frames * STEP_S, 25, None, *size)
    recorder = FaceRecorder(drawn_model(), None, clip, SETTINGS.face)
    for n in range(n_frames):
        recorder.frame(n * STEP_S)
    for face in sorted(faces, key=lambda s: s.time_s):
        recorder.add(face)
    return recorder.finish(SETTINGS, crowd)


def track(found, code, person="p1"):
    return next(t for t in found.tracks if (t.person, t.code) == (person, code))


def missing(found, code, person="p1"):
    """{reason: [(first frame, frame after the last)]}"""
    out = {}
    for span, reason in track(found, code, person).missing:
        frames = (round(span.start_s / STEP_S), round(span.end_s / STEP_S))
        out.setdefault(reason, []).append(frames)
    return out


# What is measured -----------------------------------------------------------------------------


def test_a_neutral_face_is_measured_and_absent_is_zero():
    found = record([seen(n) for n in range(60)], 60)
    for code in CODES:
        np.testing.assert_allclose(track(found, code).values, 0.0, atol=1e-3)
        assert track(found, code).missing == ()
    np.testing.assert_allclose(track(found, "pose_yaw").values, 0.0, atol=0.1)
    np.testing.assert_allclose(track(found, "gaze_yaw").values, 0.0, atol=0.1)
    np.testing.assert_allclose(track(found, "face_px").values, 156.9, atol=0.1)


def test_a_smile_of_3_is_3():
    found = record([seen(n, smile=3.0 if n >= 40 else 0.0) for n in range(60)], 60)
    np.testing.assert_allclose(track(found, "AU12").values[:40], 0.0, atol=0.01)
    np.testing.assert_allclose(track(found, "AU12").values[40:], 3.0, atol=0.01)
    np.testing.assert_allclose(found.changes["p1", "AU12"][40:], 3.0, atol=0.01)


def test_a_unit_that_is_held_all_along_has_no_rest_of_its_own_and_the_others_have():
    assert record([seen(n, smile=3.0) for n in range(80)], 80).rested["p1"] == {"AU1", "AU43"}
    assert record([seen(n) for n in range(80)], 80).rested["p1"] == set(CODES)
    glimpse = record([seen(n) for n in range(20)], 80)
    assert glimpse.rested["p1"] == set()


def test_a_change_goes_on_where_the_scale_ends():
    found = record([seen(n, smile=7.0 if n >= 40 else 0.0) for n in range(60)], 60)
    assert track(found, "AU12").values[50] == 5.0
    assert found.changes["p1", "AU12"][50] == pytest.approx(7.0, abs=0.01)


#  Iris a tenth of the eye's width to the own left: 3 mm of a ball of 12 mm radius, asin(.25)
def test_gaze_is_an_angle():
    assert face_tracks._gaze_deg(np.array([[0.1, -0.1]])) == pytest.approx(
        np.array([[14.48, -14.48]]), abs=0.01
    )


# What is not to be trusted --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "reason"),
    [
        ({"size": 30}, "the face is smaller than 48 pixels"),
        ({"yaw": 50}, "the head is turned by more than 35 degrees"),
        ({"yaw": -50}, "the head is turned by more than 35 degrees"),
        ({"pitch": 40}, "the head is tipped by more than 30 degrees"),
        ({"at": (20, 240)}, "the face is partly outside the picture"),
        ({"at": (320, 470)}, "the face is partly outside the picture"),
        ({"noise": 0.15}, "the points do not fit a face here"),
    ],
)
def test_a_row_that_cannot_be_trusted_is_nan_with_its_reason(drawn, reason):
    faces = [seen(n, **(drawn if 20 <= n < 30 else {})) for n in range(60)]
    found = record(faces, 60)
    for code in (*CODES, "gaze_yaw"):
        values = track(found, code).values
        assert np.isnan(values[20:30]).all()
        assert not np.isnan(values[:20]).any()
        ((said, frames),) = missing(found, code).items()
        assert said.startswith(reason)
        assert frames == [(20, 30)]
    assert not np.isnan(track(found, "pose_yaw").values).any()  # pose is what told us
    (row,) = [n for n in found.not_measured if n.what == "action units"]
    assert row.reason == f"{said} (for 0.4 s in all)"
    assert row.person == "p1"


def test_a_measured_0_and_nothing_measured_are_not_the_same():
    found = record([seen(n, yaw=50.0) for n in range(60)], 60)
    for code in CODES:
        assert np.isnan(track(found, code).values).all()


#  frames   0-19  20-39        40-59
#  face     seen  not there    seen
def test_while_nobody_is_seen_there_is_a_gap_with_a_reason():
    found = record([seen(n) for n in range(60) if not 20 <= n < 40], 60)
    assert missing(found, "AU12") == {NOT_SEEN: [(20, 40)]}
    assert missing(found, "pose_yaw") == {NOT_SEEN: [(20, 40)]}
    assert np.isnan(track(found, "face_px").values[20:40]).all()
    (gap,) = found.not_measured
    assert (gap.what, gap.reason) == ("face", "no face was seen")
    assert (gap.span.start_s, gap.span.end_s) == pytest.approx((0.8, 1.6))
    assert [(s.start_s, s.end_s) for s in found.people[0].spans] == [
        pytest.approx((0.0, 0.8)),
        pytest.approx((1.6, 2.36)),
    ]


# Eyes -----------------------------------------------------------------------------------------


#  frames   0-29   30-34    35-59      a blink of .2 s: brows jump along with the lids
#  AU43      0       4       0
def test_a_blink_hides_the_brows_and_their_change_is_bridged():
    found = record([seen(n, shut=4.0 if 30 <= n < 35 else 0.0) for n in range(60)], 60)
    np.testing.assert_allclose(track(found, "AU43").values[30:35], 4.0, atol=0.01)
    assert missing(found, "AU1") == {EYES_CLOSED: [(28, 37)]}  # two more frames on either side
    assert np.isnan(track(found, "AU1").values[28:37]).all()
    np.testing.assert_allclose(found.changes["p1", "AU1"], 0.0, atol=0.01)
    assert missing(found, "AU12") == {}


def test_eyes_closed_for_long_do_not_hide_the_brows():
    found = record([seen(n, shut=4.0 if 20 <= n < 50 else 0.0) for n in range(60)], 60)
    assert missing(found, "AU1") == {}


def test_a_face_lost_in_a_blink_stays_unmeasured():
    faces = [seen(n, shut=4.0 if 30 <= n < 35 else 0.0) for n in range(60) if n < 35]
    found = record(faces, 60)
    assert np.isnan(found.changes["p1", "AU1"][35:]).all()


#  frames   20-29 turned away, 24-26 eyes shut: nobody could see that
def test_what_is_not_trusted_is_not_bridged():
    faces = [
        seen(n, yaw=50.0 if 20 <= n < 30 else 0.0, shut=4.0 if 24 <= n < 27 else 0.0)
        for n in range(60)
    ]
    found = record(faces, 60)
    assert np.isnan(found.changes["p1", "AU1"][20:30]).all()
    assert list(missing(found, "AU1").values()) == [[(20, 30)]]


# People ---------------------------------------------------------------------------------------


def test_p1_is_whoever_was_seen_longest():
    brief = [seen(n, track=0, at=(150, 240)) for n in range(20)]
    long = [seen(n, track=1, at=(450, 240)) for n in range(60)]
    found = record(brief + long, 60)
    assert [(p.person, p.n_frames) for p in found.people] == [("p1", 60), ("p2", 20)]
    assert found.people[0].box[0] > 0.5 > found.people[1].box[2]
    assert missing(found, "AU12", "p2") == {NOT_SEEN: [(20, 59)]}


def test_a_flicker_is_dropped_and_told():
    flicker = [seen(n, track=1, at=(150, 240)) for n in range(3)]  # 0.12 s
    found = record([seen(n, at=(450, 240)) for n in range(60)] + flicker, 60)
    assert [p.person for p in found.people] == ["p1"]
    assert [n.reason for n in found.not_measured] == ["1 more seen for less than 0.2 s, left out"]


def test_the_best_view_is_large_frontal_and_trusted():
    faces = [seen(n, size=100 + n, yaw=0 if n <= 40 else 30) for n in range(60)]
    best = record(faces, 60).people[0]
    assert best.best_s == pytest.approx(40 * STEP_S)
    left, top, right, bottom = best.box
    assert (right - left) * 640 == pytest.approx(156.9 * 1.4, abs=0.5)
    assert (0 < left < right < 1) and (0 < top < bottom < 1)


def test_a_crowd_is_told():
    found = record([seen(n) for n in range(60)], 60, crowd=3)
    assert found.not_measured[-1].reason == "up to 3 more at a time than face.max_people allows"


def test_nobody_and_nothing():
    nobody = record([], 60)
    assert (nobody.people, nobody.tracks) == ((), ())
    assert [(n.what, n.reason) for n in nobody.not_measured] == [("face", "no face was seen")]
    sound_only = record([], 0, size=(None, None))
    assert [n.reason for n in sound_only.not_measured] == ["the clip has no picture"]


def test_a_picture_is_measured_against_the_population():
    found = record([seen(0, smile=3.0)], 1)
    assert track(found, "AU12").values.tolist() == pytest.approx([2.5], abs=0.01)  # its edge: .5
    assert found.people[0].n_frames == 1


# Memory ---------------------------------------------------------------------------------------


def test_faces_are_reduced_in_chunks_as_they_come(monkeypatch):
    whole = record([seen(n, smile=n / 20) for n in range(60)], 60)
    monkeypatch.setattr(face_tracks, "_CHUNK", 7)
    recorder = FaceRecorder(drawn_model(), None, whole_clip(), SETTINGS.face)
    for n in range(60):
        recorder.frame(n * STEP_S)
        recorder.add(seen(n, smile=n / 20))
        assert len(recorder._pending.get(0, [])) < 7
    chunked = recorder.finish(SETTINGS)
    for one, other in zip(whole.tracks, chunked.tracks, strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-4)


def whole_clip():
    return Clip("m", "c", Span(0, 2.4), None, 2.4, 25, None, 640, 480)
