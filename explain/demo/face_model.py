"""A 3-D face whose expressions are known: ICT-FaceKit light (USC ICT, MIT licence).

The packed file holds what the OBJ files of the kit hold: a neutral head, one delta per
expression (ARKit-like names, left and right apart) and one per identity component. A shape is
the neutral head plus weight times delta, so that what a face shows is known exactly.
"""

import hashlib
import io
import json
import os
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from demeanor.explain.demo.obj import ObjMesh, read_obj
from demeanor.explain.errors import ModelFileError, UnknownName

KIT_URL = "https://raw.githubusercontent.com/USC-ICT/ICT-FaceKit/master/FaceXModel/"
N_IDENTITIES = 60  # of the kit's identity meshes, in order of variance: enough to vary a face
MORE_EXPRESSIONS = ("PupilDilate_L", "PupilDilate_R", "cheekRaiser_L", "cheekRaiser_R")
ARRAYS = {  # name -> number of dimensions
    "neutral": 2,
    "uv": 2,
    "triangles": 2,
    "triangles_uv": 2,
    "part": 1,
    "part_names": 1,
    "expression_names": 1,
    "expressions": 3,
    "identities": 3,
    "landmarks68": 1,
}


@dataclass(frozen=True, slots=True, eq=False)
class FaceModel:
    neutral: np.ndarray  # (n, 3) float32, cm; x to the person's left, y up, z forward
    uv: np.ndarray  # (m, 2) float32; the whole part counts tiles
    triangles: np.ndarray  # (t, 3) int, into neutral
    triangles_uv: np.ndarray  # (t, 3) int, into uv
    part: np.ndarray  # (t,) int, into part_names
    part_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    expressions: np.ndarray  # (e, n, 3) float16, cm at weight 1
    identities: np.ndarray  # (i, n, 3) float16, cm at coefficient 1
    landmarks68: np.ndarray  # (68,) int, the usual 68 points
    sha256: str = field(default="")  # of the packed file; "" for a model built in memory

    def shape(
        self, expression_weights: Mapping[str, float], identity: np.ndarray | None = None
    ) -> np.ndarray:
        """Vertices (n, 3) in cm. A name without its side, "mouthSmile", moves both sides.

        Raises UnknownName for an expression that the model does not have.
        """
        points = self.neutral.astype(np.float32, copy=True)
        for name, weight in expression_weights.items():
            for index in self.indices(name):
                if weight:
                    points += np.float32(weight) * self.expressions[index]
        if identity is not None:
            self._check_identity(identity)
            for index in np.flatnonzero(identity).tolist():
                points += np.float32(identity[index]) * self.identities[index]
        return points

    def indices(self, name: str) -> list[int]:
        """Which expressions `name` stands for: itself, or its left and right form."""
        found = [i for i, n in enumerate(self.expression_names) if n == name or n[:-2] == name]
        if not found:
            raise UnknownName("expression of the face model", name, self.expression_names)
        return found

    def triangles_of(self, *names: str) -> np.ndarray:
        """Indices of the triangles of the named parts."""
        return np.flatnonzero(np.isin(self.part, [self.part_names.index(n) for n in names]))

    def vertices_of(self, *names: str) -> np.ndarray:
        return np.unique(self.triangles[self.triangles_of(*names)])

    def _check_identity(self, identity: np.ndarray) -> None:
        if identity.ndim != 1 or len(identity) > len(self.identities):
            raise ValueError(
                f"identity: wanted up to {len(self.identities)} coefficients, "
                f"found shape {identity.shape}"
            )


def load_face_model(path: Path) -> FaceModel:
    """Read the packed npz. Nothing in it is executed: pickled arrays are refused.

    Raises ModelFileError when the file is missing or laid out otherwise.
    """
    if not path.is_file():
        raise ModelFileError(
            f"{path}: there is no face model here. Pack one with fetch_face_model(folder)."
        )
    data = path.read_bytes()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS if name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise _unknown_layout(path, "a file that numpy does not read as npz") from error
    _check_layout(path, arrays)
    return _from_arrays(arrays, hashlib.sha256(data).hexdigest())


def _check_layout(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    if lacking := sorted(set(ARRAYS) - set(arrays)):
        raise _unknown_layout(path, f"no {', '.join(lacking)}")
    if wrong := [n for n, ndim in ARRAYS.items() if arrays[n].ndim != ndim]:
        raise _unknown_layout(path, f"{wrong[0]} of shape {arrays[wrong[0]].shape}")
    n = len(arrays["neutral"])
    for name, names in (("expressions", len(arrays["expression_names"])), ("identities", None)):
        shape = arrays[name].shape
        if shape[1:] != (n, 3) or names not in (None, shape[0]):
            raise _unknown_layout(path, f"{name} of shape {shape} for {n} vertices")
    for name, limit in (("triangles", n), ("triangles_uv", len(arrays["uv"])), ("landmarks68", n)):
        if arrays[name].size and not 0 <= arrays[name].min() <= arrays[name].max() < limit:
            raise _unknown_layout(path, f"{name} that point outside the {limit} vertices")


def _unknown_layout(path: Path, found: str) -> ModelFileError:
    return ModelFileError(
        f"{path}: wanted a face model packed from ICT-FaceKit, found {found}. "
        "Pack it anew with fetch_face_model(folder)."
    )


def _from_arrays(arrays: Mapping[str, np.ndarray], sha256: str) -> FaceModel:
    return FaceModel(
        neutral=arrays["neutral"].astype(np.float32),
        uv=arrays["uv"].astype(np.float32),
        triangles=arrays["triangles"].astype(np.int64),
        triangles_uv=arrays["triangles_uv"].astype(np.int64),
        part=arrays["part"].astype(np.int64),
        part_names=tuple(str(n) for n in arrays["part_names"]),
        expression_names=tuple(str(n) for n in arrays["expression_names"]),
        expressions=arrays["expressions"],
        identities=arrays["identities"],
        landmarks68=arrays["landmarks68"].astype(np.int64),
        sha256=sha256,
    )


def fetch_face_model(cache_dir: Path, fetch: Callable[[str], bytes] | None = None) -> Path:
    """Download ICT-FaceKit's OBJ files (about 120, some 300 MB in all) and pack them into one npz.

    Not run by its makers on the real files: the machine it was written on reaches no network.
    The names of the files were taken from public descriptions of the kit; the reading and the
    packing are tested on small meshes. A file that is packed already is kept.
    """
    path = cache_dir / "ict_face.npz"
    if not path.is_file():
        arrays = _read_kit(fetch or _download)
        _check_layout(path, arrays)
        cache_dir.mkdir(parents=True, exist_ok=True)
        _write_npz(path, arrays)
    return path


def _read_kit(fetch: Callable[[str], bytes]) -> dict[str, np.ndarray]:
    names = _kit_names(fetch("vertex_indices.json"))
    neutral = read_obj(_text(fetch("generic_neutral_mesh.obj")), "generic_neutral_mesh.obj")
    expressions = sorted({*names["expressions"], *MORE_EXPRESSIONS})
    identities = [f"identity{i:03d}" for i in range(N_IDENTITIES)]
    return {
        "neutral": neutral.vertices.astype(np.float32),
        "uv": neutral.uv.astype(np.float32),
        "triangles": neutral.triangles.astype(np.int32),
        "triangles_uv": neutral.triangles_uv.astype(np.int32),
        "part": neutral.part.astype(np.int16),
        "part_names": np.array([n.rpartition(":")[2] for n in neutral.part_names]),
        "expression_names": np.array(expressions),
        "expressions": np.stack([_delta(fetch, n, neutral) for n in expressions]),
        "identities": np.stack([_delta(fetch, n, neutral) for n in identities]),
        "landmarks68": np.array(names["idx_to_landmark_verts"], np.int32),
    }


def _kit_names(data: bytes) -> dict[str, list[Any]]:
    """The kit's own list of expressions and of the 68 landmarks."""
    try:
        names = json.loads(data)
        return {key: list(names[key]) for key in ("expressions", "idx_to_landmark_verts")}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            "vertex_indices.json: wanted ICT-FaceKit's lists `expressions` and "
            f"`idx_to_landmark_verts`, found {error!r}. The kit may have changed."
        ) from error


def _delta(fetch: Callable[[str], bytes], name: str, neutral: ObjMesh) -> np.ndarray:
    mesh = read_obj(_text(fetch(f"{name}.obj")), f"{name}.obj")
    if mesh.vertices.shape != neutral.vertices.shape:
        raise ModelFileError(
            f"{name}.obj: wanted {len(neutral.vertices)} vertices like the neutral mesh, "
            f"found {len(mesh.vertices)}. Files of two versions of the kit were mixed."
        )
    return np.asarray(mesh.vertices - neutral.vertices, np.float16)


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _download(name: str) -> bytes:
    try:
        with urllib.request.urlopen(KIT_URL + name, timeout=60) as reply:  # noqa: S310 (https)
            data: bytes = reply.read()
            return data
    except (urllib.error.URLError, TimeoutError) as error:
        raise ModelFileError(
            f"{KIT_URL}{name} could not be fetched ({error}). Where there is a network, clone "
            "github.com/USC-ICT/ICT-FaceKit; then, with `folder` its FaceXModel: "
            "fetch_face_model(cache_dir, lambda name: (folder / name).read_bytes())"
        ) from error


def _write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Under another name first: a broken-off run leaves no half file behind."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
