"""What a backend measures on the rendered faces and on the labelled pictures; kept on disk."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from demeanor.explain.corpora.folds import HELD_OUT, fold_of
from demeanor.explain.perception.face import FaceBackend, FaceMesh, mesh, roi_of_box, roi_of_mesh
from demeanor.explain.perception.geometry import (
    align,
    eye_measures,
    head_measures,
    pose_deg,
    shape_measures,
    to_person,
)
from demeanor.explain.perception.picture import Picture

CLASSES = ("anger", "happiness", "neutral", "sadness", "surprise")
N_JITTER = 250  # pictures
Table = dict[str, np.ndarray]  # columns of equal length


def renders(backend: FaceBackend, work: Path, batch: str = "renders") -> Table:
    """Rows of renders.py in which a face was found; `lost` counts the others. batch: or `plain`."""
    folder = work / batch

    def rows() -> Iterator[tuple[dict[str, Any], np.ndarray]]:
        for listing in sorted(folder.glob("*.json")):
            for row in json.loads(listing.read_text()):
                yield row, _read(folder / row.pop("file"))

    return _kept(work / f"{batch}-{backend.name}.npz", lambda: _measure(backend, rows()))


def faces(backend: FaceBackend, shared: Path, work: Path) -> Table:
    """The 350 x 350 pictures of the five classes (SOURCE.md of the collection says why)."""
    folder = shared / "data" / "faces"

    def rows() -> Iterator[tuple[dict[str, Any], np.ndarray]]:
        for row in csv.DictReader((folder / "labels.csv").open()):
            picture = _read(folder / "images" / row["image"])
            if row["label"] in CLASSES and picture.shape[:2] == (350, 350):
                yield {**row, "fold": fold_of("faces", row["identity"])}, picture

    return _kept(work / f"faces-{backend.name}.npz", lambda: _measure(backend, rows()))


def jitter(backend: FaceBackend, shared: Path, work: Path) -> Table:
    """Neutral pictures, each filmed twice: what changes from frame to frame while nothing moves.

    Rows come in pairs, which differ by a pixel's shift, noise and compression.
    """
    folder = shared / "data" / "faces"
    rng = np.random.default_rng(5)

    def rows() -> Iterator[tuple[dict[str, Any], np.ndarray]]:
        n = 0
        for row in csv.DictReader((folder / "labels.csv").open()):
            fold = fold_of("faces", row["identity"])
            if n == N_JITTER or row["label"] != "neutral" or fold == HELD_OUT:
                continue
            picture = _read(folder / "images" / row["image"])
            if picture.shape[:2] == (350, 350):
                n += 1
                for _ in range(2):
                    yield {"image": row["image"]}, _filmed_again(picture, rng)

    return _kept(work / f"jitter-{backend.name}.npz", lambda: _measure(backend, rows()))


def _filmed_again(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scale = 1 + rng.normal(0, 0.004)
    matrix = np.array([[scale, 0, rng.uniform(-1, 1)], [0, scale, rng.uniform(-1, 1)]])
    moved = cv2.warpAffine(rgb, matrix, (350, 350), borderMode=cv2.BORDER_REPLICATE)
    noisy = np.clip(moved + rng.normal(0, 2.0, moved.shape), 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 80))]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", noisy, quality)[1], cv2.IMREAD_COLOR))


def measures(data: Table, template: np.ndarray) -> np.ndarray:
    """(n, measures) as ActionUnitModel.levels takes them, and its blendshapes."""
    shapes, turn = align(to_person(data["points"]), template)
    parts = [shape_measures(shapes), _eyes(data), head_measures(pose_deg(turn)), data["texture"]]
    if "blendshapes" in data:
        parts.append(data["blendshapes"][:, 1:])
    return np.concatenate(parts, axis=1)


def head_pose_deg(data: Table, template: np.ndarray) -> np.ndarray:
    """(n, 3) yaw, pitch, roll."""
    return pose_deg(align(to_person(data["points"]), template)[1])


def _eyes(data: Table) -> np.ndarray:
    """Row by row: pictures have no neighbours in time."""
    return eye_measures(data["lids"], data["irises"])[0]


def largest_face(backend: FaceBackend, rgb: np.ndarray) -> FaceMesh | None:
    picture = Picture(rgb)
    boxes = backend.detect(picture, 0.5)
    if not boxes:
        return None
    roi = roi_of_box(max(boxes, key=lambda box: box.width))
    for _ in range(2):
        points, _ = backend.points(picture, roi)
        roi = roi_of_mesh(points)
    return mesh(backend, picture, roi)


def _measure(backend: FaceBackend, pictures: Iterable[tuple[dict[str, Any], np.ndarray]]) -> Table:
    rows, meshes, lost = [], [], 0
    for row, rgb in pictures:
        found = largest_face(backend, rgb)
        if found is None:
            lost += 1
            continue
        meshes.append(found)
        rows.append(row)
    names = ["points", "lids", "irises", "texture"]
    names += ["blendshapes"] if meshes[0].blendshapes is not None else []
    table = {name: np.stack([getattr(m, name) for m in meshes]) for name in names}
    return table | {k: np.array([r[k] for r in rows]) for k in rows[0]} | {"lost": np.array(lost)}


def _read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    if picture is None:
        raise FileNotFoundError(path)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _kept(path: Path, make: Callable[[], Table]) -> Table:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **make())
    with np.load(path, allow_pickle=False) as data:
        return dict(data)
