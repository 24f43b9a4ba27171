import av
import numpy as np
import pytest

from demeanor.explain.demo.clip import marked, render_clip
from demeanor.explain.demo.face_model import load_face_model
from demeanor.explain.demo.script import parse_script
from demeanor.explain.demo.truth import read_truth

pytest.importorskip("pyvista", reason="rendering needs the extra `demo`")
from demeanor.explain.demo.render import FaceRenderer

SIZE_PX = 160


@pytest.fixture(scope="module")
def model(shared):
    return load_face_model(shared / "data/face_model/ict_face.npz")


@pytest.fixture(scope="module")
def renderer(model):
    renderer = FaceRenderer(model, size_px=SIZE_PX)
    yield renderer
    renderer.close()


def test_the_same_arguments_give_the_same_picture_whatever_came_between(renderer):
    first = renderer.render({"jawOpen": 0.4}, yaw_deg=5.0)
    other = renderer.render({"mouthSmile": 0.9, "eyeLookUp": 1.0}, np.full(10, 0.5), roll_deg=-9.0)
    again = renderer.render({"jawOpen": 0.4}, yaw_deg=5.0)
    assert first.shape == (SIZE_PX, SIZE_PX, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_picture_shows_a_large_face_before_a_plain_ground(renderer):
    picture = renderer.render({}).astype(int)
    ground = np.abs(picture - picture[:, :1]).max(axis=2) < 6  # it changes from row to row only
    assert ground[:40, :20].all() and ground[:40, -20:].all()
    middle_row = ~ground[SIZE_PX // 2]
    assert 0.4 * SIZE_PX < middle_row.sum() < 0.65 * SIZE_PX  # about half the width


def _dark_row(picture, rows, columns):
    """Mean row of the dark pixels in a part of the picture."""
    part = picture[rows, columns].mean(axis=2)
    return float(np.nonzero(part < part.min() + 25)[0].mean())


def test_brows_rise_with_their_action_units(renderer):
    brow = slice(40, 56), slice(45, 75)  # the person's right brow, above the eye
    at_rest = renderer.render({})
    raised = renderer.render({"browInnerUp": 0.8, "browOuterUp": 0.8})
    assert _dark_row(raised, *brow) < _dark_row(at_rest, *brow) - 1


def test_a_closed_eye_hides_its_white(renderer):
    eye = slice(60, 70), slice(53, 70)
    at_rest = renderer.render({})[eye].min(axis=2)
    closed = renderer.render({"eyeBlink": 1.0})[eye].min(axis=2)
    assert at_rest.max() > closed.max() + 10


def test_a_dropped_jaw_shows_a_dark_mouth(renderer):
    mouth = slice(100, 130), slice(65, 95)
    dark = [(p[mouth].mean(axis=2) < 70).sum() for p in map(renderer.render, _jaws())]
    assert dark[1] > dark[0] + 60


def _jaws():
    return {}, {"jawOpen": 0.7}


def test_the_mark_lies_in_the_lower_left_corner():
    grey = np.full((480, 480, 3), 128, np.uint8)
    changed = np.argwhere((marked(grey) != grey).any(axis=2))
    assert changed[:, 0].min() > 440 and changed[:, 1].max() < 120
    assert (grey == 128).all()


def test_a_clip_without_speech_needs_no_voice(model, tmp_path):
    script = parse_script(
        f"duration_s: 0.3\nfps: 10\nsize_px: {SIZE_PX}\nseed: 1\nexpressions:\n"
        "  - {au: AU12, onset_s: 0.0, apex_s: 0.1, offset_s: 0.3, intensity: 4}\n"
    )
    files = render_clip(script, tmp_path / "new" / "smile.mp4", model)
    with av.open(str(files.video)) as container:
        assert not container.streams.audio
        assert sum(1 for _ in container.decode(video=0)) == 3
    known = read_truth(files.truth.read_text())
    assert known.weights["mouthSmile"].tolist() == pytest.approx([0, 0.8, 0.4])
    assert known.facts["face_model_sha256"] == model.sha256
    assert files.subtitles.read_text() == ""
