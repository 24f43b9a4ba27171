"""Faces followed through drawn frames: a scripted backend knows where each face is.

A frame is a tiny picture whose first pixel holds its number; the script says which faces are
there then, as (x, y) centres of squares 40 px wide.
"""

from dataclasses import replace

import numpy as np
import pytest

from demeanor.explain.perception.detector import FaceBox
from demeanor.explain.perception.face import EYE_CORNERS, FaceMesh
from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.tracking import Tracker, box_of
from demeanor.explain.settings import load_settings

# Looks for new faces every 0.5 s; at most 8 people.
SETTINGS = replace(load_settings().face, redetect_every_s=0.5)
FPS, HALF = 10, 20


class ScriptedBackend:
    """`faces`: one list of centres per frame. `n_looks` counts what the detector was asked."""

    name, version, has_blendshapes = "scripted", "1", False

    def __init__(self, faces, hidden_from_detector=()):
        self.faces, self.hidden = faces, hidden_from_detector
        self.n_looks = 0

    def detect(self, picture, min_score, far=True):
        self.n_looks += 1
        n = int(picture.rgb[0, 0, 0])
        if n in self.hidden:
            return []
        return [
            FaceBox(x - HALF, y - HALF, x + HALF, y + HALF, ((x - 10, y), (x + 10, y)), 0.9)
            for x, y in self.faces[n]
        ]

    def points(self, picture, roi):
        """The face nearest to the window's middle, if it lies in the window."""
        here = self.faces[int(picture.rgb[0, 0, 0])]
        near = sorted(here, key=lambda c: abs(c[0] - roi.x) + abs(c[1] - roi.y))
        if not near or max(abs(near[0][0] - roi.x), abs(near[0][1] - roi.y)) > roi.size / 2:
            return square(roi.x, roi.y), 0.0
        return square(*near[0]), 1.0

    def details(self, picture, points, presence, eyes=(0, 1)):
        return FaceMesh(points, np.zeros((2, 16, 2)), np.zeros((2, 5, 2)), presence, None)


def square(x, y):
    """468 points in a square about (x, y), with level eyes."""
    points = np.zeros((468, 3), np.float32)
    points[:, :2] = (x, y)
    points[0, :2], points[1, :2] = (x - HALF, y - HALF), (x + HALF, y + HALF)
    points[EYE_CORNERS[0][0], :2], points[EYE_CORNERS[1][0], :2] = (x - 10, y), (x + 10, y)
    return points


def follow(faces, fps=FPS, settings=SETTINGS, **backend):
    """(frame, track, x) of every face seen, and the tracker with its backend."""
    script = ScriptedBackend(faces, **backend)
    with Tracker(script, settings) as tracker:
        seen = []
        for n in range(len(faces)):
            seen += tracker.add(n / fps, Picture(np.full((4, 4, 3), n, np.uint8)))
        seen += tracker.finish()
    rows = [
        (round(s.time_s * fps), s.track, int(sum(box_of(s.mesh.points)[::2]) / 2)) for s in seen
    ]
    return rows, tracker, script


def tracks(rows):
    """Frames in which each track was seen."""
    out = {}
    for frame, track, _ in rows:
        out.setdefault(track, []).append(frame)
    return out


def test_a_face_that_moves_keeps_its_id_and_is_seen_in_every_frame():
    rows, _, _ = follow([[(50 + 5 * n, 60)] for n in range(20)])
    assert rows == [(n, 0, 50 + 5 * n) for n in range(20)]


def test_a_followed_face_needs_the_detector_only_at_its_interval():
    _, _, script = follow([[(50, 60)]] * 21)  # 2 s: at 0, 0.5, 1, 1.5 and 2 s
    assert script.n_looks == 5


#  p0 walks right, p1 left; their faces pass with a gap of more than a face's height between them
def test_two_people_who_pass_each_other_keep_their_ids():
    rows, _, _ = follow([[(50 + 5 * n, 40), (150 - 5 * n, 90)] for n in range(21)])
    assert [x for _, track, x in rows if track == 0] == [50 + 5 * n for n in range(21)]
    assert [x for _, track, x in rows if track == 1] == [150 - 5 * n for n in range(21)]


#  frame    0-4    5-7    8-12
#  face     there  away   there, a little further on
def test_a_face_that_returns_soon_is_the_same_person():
    faces = [[(50, 60)]] * 5 + [[]] * 3 + [[(60, 60)]] * 5
    rows, _, _ = follow(faces)
    assert tracks(rows) == {0: [*range(5), *range(8, 13)]}


def test_a_lost_face_is_looked_for_at_once():
    faces = [[(50, 60)]] * 3 + [[(150, 60)]] * 3  # jumps: in one frame it is elsewhere
    rows, _, _ = follow(faces, fps=100)  # far below the interval for new faces
    assert [frame for frame, _, _ in rows] == list(range(6))


#  two people are known, then the picture is cut to a third somewhere else, long after
def test_a_cut_to_somebody_elsewhere_is_somebody_new():
    both = [(50, 60), (150, 60)]
    rows, _, _ = follow([both] * 10 + [[]] * 10 + [[(250, 160)]] * 5)
    assert tracks(rows) == {0: [*range(10)], 1: [*range(10)], 2: [*range(20, 25)]}


def test_the_only_person_of_a_clip_may_return_anywhere():
    rows, _, _ = follow([[(50, 60)]] * 5 + [[]] * 20 + [[(250, 160)]] * 5)
    assert tracks(rows) == {0: [*range(5), *range(25, 30)]}


#  a second face comes in frame 2; the next look is at 0.5 s
def test_a_new_face_is_found_at_the_next_look():
    rows, _, _ = follow([[(50, 60)]] * 2 + [[(50, 60), (150, 60)]] * 8)
    assert tracks(rows)[1] == [*range(5, 10)]


def test_while_nobody_is_seen_the_detector_looks_five_times_as_often():
    _, _, script = follow([[]] * 9, fps=8)  # 1 s: every frame, since 0.125 s have passed
    assert script.n_looks == 9


def test_more_people_than_allowed_are_counted_not_followed():
    row = [(50 + 60 * k, 60) for k in range(11)]
    rows, tracker, _ = follow([row] * 3)
    assert len(tracks(rows)) == SETTINGS.max_people == 8
    assert tracker.crowd == 3


#  Two faces come so close that both windows find one of them: one of the two is lost, and when
#  they part it is found again, under its own id.
def test_two_windows_on_one_face_are_merged():
    apart, together = [(50, 60), (100, 60)], [(75, 60)]
    faces = [apart, [(60, 60), (90, 60)], together, together, [(60, 60), (90, 60)], apart, apart]
    rows, _, _ = follow(faces, fps=2)
    for n in range(7):
        seen = [track for frame, track, _ in rows if frame == n]
        assert len(seen) == len(set(seen)) == len(faces[n])
    assert set(tracks(rows)) == {0, 1}


def test_what_the_mesh_does_not_confirm_is_no_face():
    class Doubtful(ScriptedBackend):
        def points(self, picture, roi):
            return square(roi.x, roi.y), SETTINGS.presence - 0.01

    with Tracker(Doubtful([[(50, 60)]]), SETTINGS) as tracker:
        assert [*tracker.add(0.0, Picture(np.zeros((4, 4, 3), np.uint8))), *tracker.finish()] == []


def test_faces_come_in_order_though_details_are_worked_out_beside():
    rows, _, _ = follow([[(50, 60), (150, 60)]] * 30)
    assert [frame for frame, _, _ in rows] == sorted([*range(30)] * 2)


def test_an_error_in_the_details_reaches_the_caller():
    class Broken(ScriptedBackend):
        def details(self, picture, points, presence, eyes=(0, 1)):
            raise RuntimeError("model broke")

    with Tracker(Broken([[(50, 60)]]), SETTINGS) as tracker:
        rest = [*tracker.add(0.0, Picture(np.zeros((4, 4, 3), np.uint8)))]
        with pytest.raises(RuntimeError, match="model broke"):
            rest += tracker.finish()


def test_a_box_holds_all_points():
    assert box_of(square(50, 60)) == (30, 40, 70, 80)


# Cuts -----------------------------------------------------------------------------------------

GROUNDS = [
    np.kron(np.random.default_rng(seed).uniform(40, 200, (12, 12)), np.ones((8, 8)))
    for seed in (1, 2)
]


def follow_shots(rows):
    """Frames in which each track was seen; a row: (which ground, centre of the one face)."""
    script = ScriptedBackend([[centre] for _, centre in rows])
    with Tracker(script, SETTINGS) as tracker:
        seen = []
        for n, (ground, _) in enumerate(rows):
            grey = GROUNDS[ground].astype(np.uint8)
            rgb = np.repeat(grey[..., None], 3, axis=2)
            rgb[0, 0] = n  # what the scripted backend reads
            seen += tracker.add(n / FPS, Picture(rgb))
        seen += tracker.finish()
    return tracks([(round(s.time_s * FPS), s.track, 0) for s in seen])


HERE, THERE = (50, 60), (150, 60)


def test_after_a_cut_a_face_in_the_same_place_is_somebody_new():
    found = follow_shots([(0, HERE)] * 4 + [(1, HERE)] * 4)
    assert found == {0: [0, 1, 2, 3], 1: [4, 5, 6, 7]}


#  shot   A A A A  B B B  A A A      the first shot returns, with a face where it was
def test_a_shot_that_returns_brings_back_its_face():
    found = follow_shots([(0, HERE)] * 4 + [(1, HERE)] * 3 + [(0, HERE)] * 3)
    assert found == {0: [0, 1, 2, 3, 7, 8, 9], 1: [4, 5, 6]}


def test_in_a_shot_that_returns_a_face_elsewhere_is_somebody_new():
    found = follow_shots([(0, HERE)] * 4 + [(1, HERE)] * 3 + [(0, THERE)] * 3)
    assert found == {0: [0, 1, 2, 3], 1: [4, 5, 6], 2: [7, 8, 9]}


# A picture that lies wrongly --------------------------------------------------------------------


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_box_of_a_turned_picture_is_put_back(quarters):
    from demeanor.explain.perception.tracking import _turned_back

    rgb = np.zeros((60, 100, 3), np.uint8)
    rgb[10:20, 70:90] = 255  # the face, in the picture as it is
    turned = np.rot90(rgb, quarters)
    ys, xs = np.nonzero(turned[..., 0])
    box = float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)
    face = FaceBox(*box, ((box[0], box[1]), (box[2], box[1])), 0.9)
    back = _turned_back(face, quarters, turned.shape[1::-1])
    assert back.box == (70, 10, 90, 20)
