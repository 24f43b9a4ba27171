"""Other programs as backends: stand-ins hand out what the real ones wrote, on clips made here."""

import sys
import types

import clips
import numpy as np
import pandas as pd
import pytest

from demeanor.explain.errors import DemeanorError, MeasurementsError, MissingExtra, UnknownName
from demeanor.explain.perception.measure import measure_clip
from demeanor.explain.perception.models import any_backend
from demeanor.explain.perception.second_opinion import (
    LIBREFACE_COMMAND,
    second_opinion,
)
from demeanor.explain.records import Unit
from demeanor.explain.settings import load_settings

SETTINGS = load_settings()
torch = pytest.importorskip("torch")


def grey(n_frames, size=(160, 160)):
    return [np.full((*size[::-1], 3), 100, np.uint8)] * n_frames


def missing(found):
    return {n.what: n.reason for n in found.not_measured}


# py-feat --------------------------------------------------------------------------------------


class ScriptedDetector:
    """Answers as Detectorv2 does, from rows by frame; keeps what it was asked."""

    def __init__(self, rows):
        self.rows, self.asked, self.n_seen = rows, [], 0

    def __call__(self, **options):
        self.options = options
        return self

    def detect(self, batch, data_type, batch_size, progress_bar):
        self.asked.append((tuple(batch.shape), batch.dtype, data_type))
        number = range(self.n_seen, self.n_seen + len(batch))
        self.n_seen += len(batch)
        parts = [self.rows[self.rows["frame"] == k].assign(frame=k - number[0]) for k in number]
        return pd.concat(parts, ignore_index=True)


@pytest.fixture
def pyfeat(monkeypatch):
    """The backend, with a stand-in for the package that answers from these rows."""

    def load(rows):
        detector = ScriptedDetector(rows)
        module = types.ModuleType("feat")
        module.__version__, module.Detectorv2 = "2.1.5", detector
        monkeypatch.setitem(sys.modules, "feat", module)
        return second_opinion("pyfeat"), detector

    return load


def rows_of(n_frames, **columns):
    table = {"frame": range(n_frames), "FaceScore": 0.99, "AU12": 0.5, "AU43": 0.0}
    rect = {"FaceRectX": 40.0, "FaceRectY": 30.0, "FaceRectWidth": 80.0, "FaceRectHeight": 100.0}
    size = {"FrameWidth": 160.0, "FrameHeight": 160.0, "mesh_x_0": 1.0, "Identity_1": 0.7}
    pose = {"Pitch": 0.1, "Roll": 0.0, "Yaw": 0.0}
    return pd.DataFrame({**table, **rect, **size, **pose, **columns})


def test_pyfeat_sees_upright_frames_in_batches_and_never_who_somebody_is(pyfeat, tmp_path):
    backend, detector = pyfeat(rows_of(20))
    path = clips.turned(clips.write(tmp_path / "a.mp4", grey(20, (240, 160))), 90)
    measure_clip(path, backend, SETTINGS)
    assert detector.options["identity_model"] is None
    assert [shape for shape, _, _ in detector.asked] == [(16, 3, 240, 160), (4, 3, 240, 160)]
    assert {(dtype, kind) for _, dtype, kind in detector.asked} == {(torch.uint8, "tensor")}


#  frame    0 … 9    10 … 19   20 … 29
#  AU12     .02        .9       .02      probabilities; the face is lost in frame 29
def test_pyfeat_rows_become_tracks_on_the_times_of_the_clip_and_events(pyfeat, tmp_path):
    rows = rows_of(30, AU12=[0.02] * 10 + [0.9] * 10 + [0.02] * 10)
    rows.loc[29, "FaceScore"] = 0.0
    backend, _ = pyfeat(rows)
    found = measure_clip(clips.write(tmp_path / "a.mp4", grey(30)), backend, SETTINGS)
    track = found.track("p1", "AU12")
    assert track.unit is Unit.PROBABILITY
    assert (track.source.name, track.source.version) == ("pyfeat", "2.1.5")
    assert track.times_s.tolist() == pytest.approx([k / 25 for k in range(30)])
    assert track.values[[0, 10, 28]].tolist() == pytest.approx([0.02, 0.9, 0.02])
    assert np.isnan(track.values[29])
    assert found.track("p1", "pose_pitch").values[0] == pytest.approx(-5.73, abs=0.01)
    (event,) = found.events
    assert (event.code, event.unit) == ("AU12", Unit.PROBABILITY)
    assert event.peak == pytest.approx(0.9, abs=0.01)
    assert (event.span.start_s, event.span.end_s) == pytest.approx((0.4, 0.8), abs=0.05)


def test_pyfeat_faces_have_a_place_so_that_a_report_can_blur_them(pyfeat, tmp_path):
    backend, _ = pyfeat(rows_of(5))
    found = measure_clip(clips.write(tmp_path / "a.mp4", grey(5)), backend, SETTINGS)
    assert found.people[0].box == (0.25, 0.1875, 0.75, 0.8125)
    place = [found.track("p1", code).values[0] for code in ("face_x", "face_y", "face_px")]
    assert place == [80.0, 80.0, 80.0]


def test_the_result_names_the_program_its_licence_and_what_it_does_not_measure(pyfeat, tmp_path):
    backend, _ = pyfeat(rows_of(5))
    found = measure_clip(clips.write(tmp_path / "a.mp4", grey(5)), backend, SETTINGS)
    assert "non-commercial" in found.settings["face_backend"]["licence"]
    (beyond,) = [n for n in found.not_measured if "does not measure it" in n.reason]
    assert "AU1, AU2" in beyond.what
    assert "AU12" not in beyond.what.split(", ")
    assert {e.reliability for e in found.events if e.unit is Unit.PROBABILITY} <= {0.5}


def test_nobody_seen_is_said(pyfeat, tmp_path):
    backend, _ = pyfeat(rows_of(5, FaceScore=0.0))
    found = measure_clip(clips.write(tmp_path / "a.mp4", grey(5)), backend, SETTINGS)
    assert found.people == ()
    assert missing(found)["face"] == "pyfeat saw no face"


def test_sound_alone(pyfeat, tmp_path):
    backend, _ = pyfeat(rows_of(0))
    found = measure_clip(
        clips.write(tmp_path / "a.wav", sound=clips.tone(1.024)), backend, SETTINGS
    )
    assert missing(found)["face"] == "the clip has no picture"


def test_a_fault_of_pyfeat_is_called_that(pyfeat, tmp_path):
    backend, detector = pyfeat(rows_of(5))
    detector.rows = None
    with pytest.raises(MeasurementsError, match=r"a\.mp4: py-feat failed"):
        measure_clip(clips.write(tmp_path / "a.mp4", grey(5)), backend, SETTINGS)


def test_recorded_rows_of_pyfeat_go_the_whole_way(pyfeat, shared, tmp_path):
    """As it wrote them for a news clip: every second frame."""
    rows = pd.read_csv(shared / "data/clips/news_pyfeat/016.csv")
    rows = rows[[c for c in rows if c == "mesh_x_0" or not c.startswith(("mesh_", "Identity_"))]]
    n_frames = int(rows["frame"].max()) + 1
    backend, _ = pyfeat(rows)
    found = measure_clip(clips.write(tmp_path / "a.mp4", grey(n_frames)), backend, SETTINGS)
    track = found.track("p1", "AU12")
    np.testing.assert_allclose(track.values[::2], rows["AU12"], rtol=1e-5)
    assert np.isnan(track.values[1::2]).all()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "feat", None)
    with pytest.raises(MissingExtra, match=r"demeanor\[pyfeat\]"):
        any_backend("pyfeat")


def test_unknown_names_are_told_what_there_is():
    with pytest.raises(UnknownName, match="libreface, mesh, pyfeat"):
        any_backend("openface")
    with pytest.raises(UnknownName, match="libreface, pyfeat"):
        second_opinion("mesh")


# LibreFace ------------------------------------------------------------------------------------

STAND_IN = """#!{python}
import sys
given = dict(arg[2:].split("=", 1) for arg in sys.argv[1:])
assert given["input_path"].endswith("a.mp4")
{act}
"""


@pytest.fixture
def libreface(tmp_path, monkeypatch):
    """The backend, with a stand-in for LibreFace's command that does what `act` says."""

    def load(act):
        command = tmp_path / "bin" / "libreface"
        command.parent.mkdir()
        command.write_text(STAND_IN.format(python=sys.executable, act=act))
        command.chmod(0o755)
        monkeypatch.setenv(LIBREFACE_COMMAND, str(command))
        folder = "demeanor.explain.perception.second_opinion.user_cache_path"
        monkeypatch.setattr(folder, lambda name: tmp_path / "cache")
        return second_opinion("libreface")

    return load


#  frames 0, 1 and 3; none in frame 2, where no face was found. Times are seconds, for all its name
TABLE = """frame_idx,frame_time_in_ms,pitch,au_1,au_7,au_12_intensity,au_1_intensity
0,0.0,812.1,0,1,0.5,0.0
1,0.04,811.0,0,1,2.5,0.0
3,0.12,810.2,0,1,3.5,0.0"""


def test_libreface_rows_become_tracks(libreface, tmp_path):
    backend = libreface(f"open(given['output_path'], 'w').write('''{TABLE}''')")
    found = measure_clip(clips.write(tmp_path / "a.mp4", grey(4)), backend, SETTINGS)
    track = found.track("p1", "AU12")
    assert track.unit is Unit.FACS_INTENSITY
    np.testing.assert_allclose(track.values, [0.5, 2.5, np.nan, 3.5])
    assert found.settings["face_backend"]["licence"].startswith("USC Research Licence")
    assert "yes or no" in missing(found)["AU7"]
    assert not any(t.code.startswith("pose") for t in found.tracks)


def test_libreface_without_a_face_writes_no_table(libreface, tmp_path):
    backend = libreface("print('No face detected in the video')")
    found = measure_clip(clips.write(tmp_path / "a.mp4", grey(4)), backend, SETTINGS)
    assert missing(found)["face"] == "libreface saw no face"


@pytest.mark.parametrize("act", ["sys.exit('no ffmpeg')", "print('no ffmpeg')"])
def test_a_fault_of_libreface_is_called_that(libreface, tmp_path, act):
    backend = libreface(act)
    with pytest.raises(MeasurementsError, match=r"a\.mp4: LibreFace wrote no table: no ffmpeg"):
        measure_clip(clips.write(tmp_path / "a.mp4", grey(4)), backend, SETTINGS)


def test_a_missing_command_says_how_to_have_it(monkeypatch):
    monkeypatch.setenv(LIBREFACE_COMMAND, "no-such-command")
    with pytest.raises(DemeanorError, match=r"environment of its own.*--measurements"):
        any_backend("libreface")
