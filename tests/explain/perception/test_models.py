"""Where model files come from, with small files of known hashes and no network.

Every test gets its own empty cache, an address that fails, and a pip that fails; a test that
wants one of them to work says so.
"""

import hashlib
import http.client
import os
import subprocess
import urllib.error
import urllib.request
import zipfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from demeanor.explain.errors import ModelFileError, UnknownName
from demeanor.explain.perception import models
from demeanor.explain.perception.models import ModelFile, face_backend, find_model, get_model, pull


def zipped(members):
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


MESH, TASK = "mesh.tflite", "face_landmarker.task"
FAR = "face_detection_full_range_sparse.tflite"
TASK_MEMBERS = {
    "face_detector.tflite": b"near",
    "face_landmarks_detector.tflite": b"mesh",
    "face_blendshapes.tflite": b"blend",
}
CONTENT = {MESH: b"four models in a wheel", TASK: zipped(TASK_MEMBERS)}
OTHER = b"something else"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No cache, no folder, no mediapipe, no network; small files in place of the real ones."""
    files = {
        MESH: ModelFile(MESH, sha(MESH), 22, "Apache-2.0", "points", "mediapipe/m/mesh.tflite"),
        TASK: ModelFile(
            TASK, sha(TASK), len(CONTENT[TASK]), "Apache-2.0", "all", url="https://example.org/t"
        ),
    }
    monkeypatch.setattr(models, "MODEL_FILES", files)
    monkeypatch.setattr(models, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(subprocess, "run", pip_that_fails)
    monkeypatch.delenv(models.MODELS_FOLDER, raising=False)
    monkeypatch.delenv(models.OFFLINE, raising=False)


def sha(name):
    return hashlib.sha256(CONTENT[name]).hexdigest()


def refuse(url, timeout):
    raise urllib.error.URLError("name not known")


def pip_that_fails(command, **_):
    return SimpleNamespace(returncode=1, stderr="WARNING: old pip\nERROR: no such wheel\n")


def pip_with(members):
    """A pip that downloads a wheel with these members."""

    def run(command, **_):
        folder = Path(command[command.index("--dest") + 1])
        (folder / "mediapipe-0.10.21-cp312.whl").write_bytes(zipped(members))
        return SimpleNamespace(returncode=0, stderr="")

    return run


def put(folder, name, data=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(CONTENT[name] if data is None else data)
    return folder / name


def install_mediapipe(monkeypatch, site):
    put(site / "mediapipe" / "m", MESH)
    spec = SimpleNamespace(submodule_search_locations=[str(site / "mediapipe")])
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: spec)


# Where they are looked for --------------------------------------------------------------------


def test_the_named_folder_comes_first_then_the_cache_then_mediapipe(monkeypatch, tmp_path):
    assert find_model(MESH) is None
    install_mediapipe(monkeypatch, tmp_path / "site")
    assert find_model(MESH) == tmp_path / "site" / "mediapipe" / "m" / MESH
    cached = put(models.cache_folder(), MESH)
    assert find_model(MESH) == cached
    named = put(tmp_path / "mine", MESH)
    monkeypatch.setenv(models.MODELS_FOLDER, str(tmp_path / "mine"))
    assert find_model(MESH) == named
    named.unlink()
    assert find_model(MESH) == cached


def test_a_wrong_file_in_the_named_folder_is_refused(monkeypatch, tmp_path):
    put(tmp_path / "mine", MESH, OTHER)
    put(models.cache_folder(), MESH)
    monkeypatch.setenv(models.MODELS_FOLDER, str(tmp_path / "mine"))
    with pytest.raises(ModelFileError, match=f"wanted SHA-256 {sha(MESH)}, found") as told:
        find_model(MESH)
    assert str(tmp_path / "mine" / MESH) in str(told.value)


def test_a_wrong_file_in_the_cache_is_passed_over():
    put(models.cache_folder(), MESH, OTHER)
    assert find_model(MESH) is None


# Fetching -------------------------------------------------------------------------------------


def test_files_of_the_wheel_come_through_pip(monkeypatch):
    wheel = pip_with({"mediapipe/m/mesh.tflite": CONTENT[MESH], "mediapipe/other.txt": b"x"})
    monkeypatch.setattr(subprocess, "run", wheel)
    said = []
    path = get_model(MESH, said.append)
    assert path == models.cache_folder() / MESH
    assert path.read_bytes() == CONTENT[MESH]
    assert [p.name for p in models.cache_folder().iterdir()] == [MESH]  # no part is left
    assert "mediapipe==0.10.21" in said[0]


def test_pip_is_asked_for_the_wheel_of_any_python_and_installs_nothing(monkeypatch):
    asked = []
    monkeypatch.setattr(subprocess, "run", lambda c, **_: asked.append(c) or pip_that_fails(c))
    with pytest.raises(ModelFileError):
        get_model(MESH)
    (command,) = asked
    assert command[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "mediapipe==0.10.21"} <= set(command)


def test_a_pip_that_fails_is_told_with_the_way_by_hand():
    with pytest.raises(ModelFileError) as told:
        get_model(MESH)
    text = str(told.value)
    assert "mesh.tflite could not be fetched by pip: ERROR: no such wheel" in text
    assert "By hand: pip download --no-deps" in text
    assert "copy mediapipe/m/mesh.tflite" in text
    assert models.MODELS_FOLDER in text


@pytest.mark.parametrize("wheel", [zipped({"mediapipe/other.txt": b"x"}), b"no zip"])
def test_a_wheel_without_the_file_is_told(monkeypatch, wheel):
    def run(command, **_):
        Path(command[command.index("--dest") + 1], "a.whl").write_bytes(wheel)
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ModelFileError, match=r"mesh\.tflite could not be .* By hand"):
        get_model(MESH)


def test_a_cache_that_cannot_be_written_is_told():
    put(models.cache_folder().parent, MESH).rename(models.cache_folder())  # a file in its place
    with pytest.raises(ModelFileError, match=r"mesh\.tflite could not be .* By hand"):
        get_model(MESH)


@pytest.mark.parametrize("name", [MESH, TASK])
def test_what_was_fetched_is_checked_before_it_is_kept(monkeypatch, name):
    monkeypatch.setattr(subprocess, "run", pip_with({"mediapipe/m/mesh.tflite": OTHER}))
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: BytesIO(OTHER))
    with pytest.raises(ModelFileError, match="wanted SHA-256"):
        get_model(name)
    assert list(models.cache_folder().iterdir()) == []


def test_a_file_with_an_address_is_downloaded(monkeypatch):
    asked = []
    monkeypatch.setattr(
        urllib.request, "urlopen", lambda url, timeout: asked.append(url) or BytesIO(CONTENT[TASK])
    )
    assert get_model(TASK).read_bytes() == CONTENT[TASK]
    assert get_model(TASK) == models.cache_folder() / TASK
    assert asked == ["https://example.org/t"]  # the second time it is there


@pytest.mark.parametrize("error", [http.client.BadStatusLine("?"), TimeoutError("timed out")])
def test_a_connection_that_breaks_is_told(monkeypatch, error):
    def breaks(url, timeout):
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", breaks)
    with pytest.raises(ModelFileError, match="could not be fetched"):
        get_model(TASK)


def test_an_address_that_fails_is_told_with_the_way_by_hand():
    with pytest.raises(ModelFileError, match=r"name not known.*download https://example\.org/t"):
        get_model(TASK)


@pytest.mark.parametrize("name", [MESH, TASK])
def test_offline_nothing_is_fetched(monkeypatch, name):
    def never(*_, **__):
        raise AssertionError("asked for a file")

    monkeypatch.setenv(models.OFFLINE, "1")
    monkeypatch.setattr(subprocess, "run", never)
    monkeypatch.setattr(urllib.request, "urlopen", never)
    with pytest.raises(ModelFileError, match="DEMEANOR_OFFLINE=1 forbids fetching"):
        get_model(name)
    put(models.cache_folder(), name)
    assert get_model(name) == models.cache_folder() / name


def test_pull_goes_on_after_a_failure(monkeypatch):
    monkeypatch.setattr(subprocess, "run", pip_with({"mediapipe/m/mesh.tflite": CONTENT[MESH]}))
    mesh, task = pull(lambda line: None)
    assert mesh == (MESH, models.cache_folder() / MESH, "")
    assert task[:2] == (TASK, None)
    assert "name not known" in task[2]


# Backends -------------------------------------------------------------------------------------


def test_an_unknown_backend_names_those_there_are():
    with pytest.raises(
        UnknownName, match=r"there is no face backend 'eyes'.*auto.*landmarker.*mesh"
    ):
        face_backend("eyes")


@pytest.fixture
def auto(monkeypatch):
    """The name of the backend that `auto` becomes; no model is run."""

    class Landmarker:
        name = "landmarker"

        def __init__(self, near, mesh, blendshapes, far, version):
            assert (near, mesh, blendshapes, far) == (b"near", b"mesh", b"blend", None)

    class Mesh:
        name = "mesh"

        def __init__(self, *models_and_version): ...

    monkeypatch.setattr(models, "LiteModel", lambda source: source)
    monkeypatch.setattr(models, "LandmarkerBackend", Landmarker)
    monkeypatch.setattr(models, "MeshBackend", Mesh)
    monkeypatch.setitem(models.MODEL_FILES, FAR, ModelFile(FAR, "0", 0, "", "", None))
    monkeypatch.setattr(models, "_BACKENDS", {"mesh": (MESH,) * 4, "landmarker": (TASK,)})
    return lambda: face_backend("auto").name


def test_auto_takes_the_landmarker_where_it_is(auto):
    put(models.cache_folder(), TASK)
    assert auto() == "landmarker"


def test_auto_falls_back_to_the_mesh_and_does_not_try_again_for_a_day(auto, monkeypatch):
    asked = []
    monkeypatch.setattr(
        urllib.request, "urlopen", lambda url, timeout: asked.append(url) or refuse(url, timeout)
    )
    put(models.cache_folder(), MESH)
    assert (auto(), auto(), len(asked)) == ("mesh", "mesh", 1)
    marker = models.cache_folder() / f"{TASK}.unreachable"
    yesterday_s = marker.stat().st_mtime - 86401
    os.utime(marker, (yesterday_s, yesterday_s))
    assert (auto(), len(asked)) == ("mesh", 2)


def test_offline_leaves_no_marker(auto, monkeypatch):
    monkeypatch.setenv(models.OFFLINE, "1")
    put(models.cache_folder(), MESH)
    assert auto() == "mesh"
    assert [p.name for p in models.cache_folder().iterdir()] == [MESH]


def test_the_landmarker_asked_for_by_name_is_not_replaced(auto):
    put(models.cache_folder(), MESH)
    with pytest.raises(ModelFileError, match="By hand"):
        face_backend("landmarker")


# Hands ----------------------------------------------------------------------------------------


def test_hands_are_taken_where_both_files_are_here(monkeypatch):
    palm, hand = models.HAND_FILES
    backend = SimpleNamespace(hands=None, version="abc")
    monkeypatch.setattr(models, "LiteModel", lambda source: source)
    monkeypatch.setattr(models, "Hands", lambda *paths: paths)
    for name in (palm, hand):
        file = ModelFile(
            name, hashlib.sha256(OTHER).hexdigest(), 1, "Apache-2.0", "", "mediapipe/x"
        )
        monkeypatch.setitem(models.MODEL_FILES, name, file)
    models.cache_folder().mkdir(parents=True, exist_ok=True)
    (models.cache_folder() / palm).write_bytes(OTHER)
    assert models._with_hands(backend).hands is None
    assert backend.version == "abc"
    (models.cache_folder() / hand).write_bytes(OTHER)
    assert [path.name for path in models._with_hands(backend).hands] == [palm, hand]
    assert backend.version == "abc+hands"  # measured with hands is measured otherwise
