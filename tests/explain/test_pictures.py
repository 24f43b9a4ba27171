"""Which moments get a picture, and that a blurred face is really gone."""

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from drawn_results import clip, observation, picture, result, track

from demeanor.explain import pictures
from demeanor.explain.errors import ClipError
from demeanor.explain.records import Kind, Person, Span, Unit

BOX = (40.0, 20.0, 100.0, 101.0)


def checked(size=(160, 120)):
    """A picture full of detail: squares of four pixels."""
    y, x = np.mgrid[: size[1], : size[0]]
    squares = ((x // 4 + y // 4) % 2 * 255).astype(np.uint8)
    return np.dstack([squares] * 3)


def write_clip(path: Path, n_frames=41, fps=10) -> Path:
    """A clip of squares whose brightness falls, so that frames can be told apart."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for n in range(n_frames):
            frame = av.VideoFrame.from_ndarray(checked() - (checked() // 255) * 5 * n, "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def detail(rgb, box):
    """Variance of the Laplacian: high where there are edges."""
    left, top, right, bottom = map(int, box)
    inside = cv2.cvtColor(np.ascontiguousarray(rgb[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    return cv2.Laplacian(inside, cv2.CV_64F).var()


def decoded(shown):
    return cv2.imdecode(np.frombuffer(shown.jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_blur_takes_all_detail_from_the_face_and_its_margin_and_none_from_the_rest():
    before = checked()
    after = pictures.blur_faces(before, [BOX])
    grown = (23, 0, 117, 120)  # 30% of 60 and 81 pixels more on every side
    assert detail(before, BOX) > 5000
    assert detail(after, BOX) < 1
    assert detail(after, grown) < 1
    assert np.array_equal(after[:, 125:], before[:, 125:])
    assert np.array_equal(before, checked())  # the picture that was given is left alone


def test_a_box_outside_the_picture_is_left_out():
    assert np.array_equal(pictures.blur_faces(checked(), [(500, 500, 600, 600)]), checked())


def test_the_face_is_where_its_tracks_say():
    m = result().measurement
    place = [
        track("face_x", np.full(41, 80.0), unit=Unit.NONE),
        track("face_y", np.full(41, 60.0), unit=Unit.NONE),
    ]
    followed = replace(m, tracks=(*m.tracks, *place))
    assert pictures.face_box(followed, "p1", 1.0) == (50.0, 19.5, 110.0, 100.5)
    assert pictures.face_box(m, "p1", 1.0) is None  # its width alone says nothing
    assert pictures.face_box(m, "p1", 2.0) == pytest.approx((48.0, 24.0, 112.0, 96.0))  # best_s


def test_what_is_cited_comes_first_and_near_peaks_share_a_picture():
    seen = [observation(f"f{i}", "AU12", (i, i + 0.5), peak=5.0) for i in range(1, 9)]
    weak = observation("f20", "AU4", (3.0, 3.5), peak=1.5)  # at the same time as f3
    far = observation("f21", "AU4", (20.0, 20.5), peak=1.5)
    blink = observation("f22", "AU45", (30.0, 30.2), peak=5.0)
    held = observation("f23", "AU1", (0.0, 40.0), kind=Kind.STATE, peak=5.0)
    found = pictures.moments(
        result().measurement, [*seen, weak, far, blink, held], frozenset({"f21"})
    )
    told = [tuple(o.obs_id for o in moment.observations) for moment in found]
    assert told == [("f1",), ("f2",), ("f3", "f20"), ("f4",), ("f5",), ("f21",)]


def test_a_still_face_gets_its_clearest_view():
    (moment,) = pictures.moments(result().measurement, (), frozenset())
    assert (moment.time_s, moment.observations) == (2.0, ())


def test_peaks_name_each_movement_once():
    twice = [observation(f"f{i}", "AU12", (1.0, 1.2)) for i in (1, 2)]
    shown = pictures.Picture(pictures.Moment("p1", 1.1, tuple(twice)), b"", 1, 1)
    assert shown.peaks == [("AU12", ["f1", "f2"])]


def test_a_picture_of_states_shows_them():
    still = picture()
    (moment,) = pictures.moments(still.measurement, still.observations, frozenset())
    assert [o.obs_id for o in moment.observations] == ["f1"]


def test_frames_are_taken_at_their_times_and_blurred_on_request(tmp_path):
    drawn = result(path=write_clip(tmp_path / "drawn.mp4"))
    wanted = [pictures.Moment("p1", 0.5, ()), pictures.Moment("p1", 3.0, ())]
    early, late = pictures.take(drawn.measurement, wanted, blur=False)
    assert decoded(early).shape == (120, 160, 3)  # where the face is, is not known: all of it
    bright = [int(decoded(p).max()) for p in (early, late)]  # 255 - 5 a frame, 10 frames a second
    assert bright == pytest.approx([230, 105], abs=12)
    (blurred, _) = pictures.take(drawn.measurement, wanted, blur=True)
    assert detail(decoded(early), BOX) > 1000
    assert detail(decoded(blurred), BOX) < 20  # all of it is blurred, then packed as JPEG


def test_a_blurred_picture_of_two_hides_both(tmp_path):
    m = result(path=write_clip(tmp_path / "drawn.mp4")).measurement
    first = Person("p1", (Span(0.0, 4.0),), 41, 40.0, (0.1, 0.2, 0.4, 0.8), 2.0)
    second = Person("p2", (Span(0.0, 4.0),), 41, 40.0, (0.6, 0.2, 0.9, 0.8), 2.0)
    (shown,) = pictures.take(
        replace(m, people=(first, second)), [pictures.Moment("p1", 2.0, ())], blur=True
    )
    assert detail(decoded(shown), (16, 24, 64, 96)) < 20
    elsewhere = replace(second, best_s=1.0)  # seen too, but nobody knows where
    (shown,) = pictures.take(
        replace(m, people=(first, elsewhere)), [pictures.Moment("p1", 2.0, ())], blur=True
    )
    assert detail(decoded(shown), (0, 0, shown.width_px, shown.height_px)) < 20


def test_a_clip_that_is_gone_is_an_error(tmp_path):
    gone = result(path=tmp_path / "gone.mp4").measurement
    with pytest.raises(ClipError, match="not there any more"):
        pictures.take(gone, [pictures.Moment("p1", 0.5, ())], blur=False)


def test_a_small_clip_is_played_from_inside_the_page_a_large_one_from_its_place(tmp_path):
    path = write_clip(tmp_path / "a clip.mp4", n_frames=3)
    inside = pictures.media(clip(path), tmp_path / "out", max_bytes=10**6)
    assert (inside.kind, inside.note) == ("video", None)
    assert inside.src.startswith("data:video/mp4;base64,")
    linked = pictures.media(clip(path), tmp_path / "out", max_bytes=10)
    assert (linked.kind, linked.src) == ("video", "../a%20clip.mp4")
    assert "not inside this file" in linked.note


def test_what_browsers_do_not_play_is_linked_with_a_note(tmp_path):
    path = tmp_path / "drawn.avi"
    path.write_bytes(b"RIFF")
    shown = pictures.media(clip(path), tmp_path, max_bytes=10**6)
    assert (shown.kind, shown.src) == (None, "drawn.avi")
    assert "do not play" in shown.note


# Portraits ------------------------------------------------------------------------------------


def several(path):
    """Two people, seen in the left and in the right half of a clip, best at .5 and at 2 s."""
    people = tuple(
        Person(name, (Span(0.0, 4.0),), 40, 40.0, box, best_s)
        for name, box, best_s in (
            ("p1", (0.1, 0.2, 0.4, 0.8), 0.5),
            ("p2", (0.6, 0.2, 0.9, 0.8), 2.0),
        )
    )
    one = result().measurement
    return replace(one, clip=replace(clip(), path=path, width_px=160, height_px=120), people=people)


def test_several_people_each_have_a_small_portrait(tmp_path):
    found = pictures.portraits(several(write_clip(tmp_path / "a.mp4")), blur=False)
    assert list(found) == ["p1", "p2"]
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in found.values())
    assert found["p1"] != found["p2"]


def test_a_portrait_is_blurred_on_request(tmp_path):
    import base64

    seen = several(write_clip(tmp_path / "a.mp4"))
    sharp, blurred = (
        cv2.imdecode(
            np.frombuffer(
                base64.b64decode(pictures.portraits(seen, blur)["p1"].split(",")[1]), np.uint8
            ),
            cv2.IMREAD_GRAYSCALE,
        )
        for blur in (False, True)
    )
    assert cv2.Laplacian(sharp, cv2.CV_64F).var() > 20 * cv2.Laplacian(blurred, cv2.CV_64F).var()


def test_one_person_needs_no_portrait(tmp_path):
    seen = several(write_clip(tmp_path / "a.mp4"))
    assert pictures.portraits(replace(seen, people=seen.people[:1]), blur=False) == {}
