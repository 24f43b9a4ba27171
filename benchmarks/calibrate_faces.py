"""Makes explain/perception/templates.npz and calibration.json, and prints how good they are.

    python benchmarks/calibrate_faces.py --faces ../shared/data/faces \
        --face-model ../shared/data/face_model/ict_face.npz \
        --blendshape-names ../shared/knowledge/mediapipe_blendshapes.json

Zero comes from neutral faces of real people, scale from a rendered face with known action units
(ICT-FaceKit, MIT). One fold of the people and a quarter of the rendered identities are held out;
all printed figures are on these. Ten minutes on two cores; needs the extra `demo`.
"""

import argparse
import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import lsq_linear

from demeanor.explain.demo.face_model import load_face_model
from demeanor.explain.demo.render import FaceRenderer
from demeanor.explain.perception.face import FaceBackend, FaceMesh, mesh, roi_of_box, roi_of_mesh
from demeanor.explain.perception.geometry import (
    MEASURES,
    RIGID,
    align,
    eye_measures,
    shape_measures,
    to_person,
)
from demeanor.explain.perception.models import face_backend
from demeanor.explain.perception.picture import Picture

PERCEPTION = Path(__file__).resolve().parents[1] / "explain" / "perception"
BACKENDS = ("mesh", "landmarker")
CLASSES = ("anger", "happiness", "neutral", "sadness", "surprise")
N_RENDERS, N_PER_IDENTITY = 1800, 12
FULL = 5.0  # FACS E: weight 1 of the rendered face's expression
# A weak measure is not blown up to full scale: renders without the unit stay below this level
# in 95%, and where that and full scale cannot both be had, intensities come out too low.
CROSS_TALK = 1.75
# What moves with a unit in most real expressions is not counted as cross-talk of it.
COMPANIONS = {"AU1": ("AU2",), "AU6": ("AU12",), "AU5": ("AU43",)}
REAL_SHARE, RIDGE = 0.05, 10.0  # shrinkage along what varies between neutral people; and in all
ALARM_RATE, ALARM_LEVEL = 0.05, 1.5  # of neutral faces may show intensity B or more
LIP_GAP_FULL = 0.18  # of the eyes' distance, about 16 mm: AU25 at E

# Expressions of ICT-FaceKit for each unit (SOURCE.md of the model has the mapping).
EXPRESSIONS = {
    "AU1": ("browInnerUp_L", "browInnerUp_R"),
    "AU2": ("browOuterUp_L", "browOuterUp_R"),
    "AU4": ("browDown_L", "browDown_R"),
    "AU5": ("eyeWide_L", "eyeWide_R"),
    "AU6": ("cheekRaiser_L", "cheekRaiser_R"),
    "AU7": ("eyeSquint_L", "eyeSquint_R"),
    "AU9": ("noseSneer_L", "noseSneer_R"),
    "AU10": ("mouthUpperUp_L", "mouthUpperUp_R"),
    "AU12": ("mouthSmile_L", "mouthSmile_R"),
    "AU14": ("mouthDimple_L", "mouthDimple_R"),
    "AU15": ("mouthFrown_L", "mouthFrown_R"),
    "AU16": ("mouthLowerDown_L", "mouthLowerDown_R"),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU20": ("mouthStretch_L", "mouthStretch_R"),
    "AU24": ("mouthPress_L", "mouthPress_R"),
    "AU26": ("jawOpen",),
    "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU43": ("eyeBlink_L", "eyeBlink_R"),
}
UNITS = tuple(EXPRESSIONS)
COMBINATIONS = (
    "1+2 1+2+5+26 6+12 6+12+10 4+7 1+4+15 4+9+10 12+26 17+24 1+4 5+26 6+12+16 10 20+5 16+10"
).split()

# What each unit is read from: measure -> sign its weight must have (0: either). Few and signed,
# so that a coefficient can be read, and so that the rendered face's quirks are not learnt.
BROW = {"brow_inner_height": 0, "brow_mid_height": 0, "brow_outer_height": 0, "brow_inner_gap": 0}
MOUTH = {name: 0 for name in MEASURES if "lip" in name or name.startswith(("chin", "nasolabial"))}
SHAPE = {
    "AU1": {"brow_inner_height": 1},
    "AU2": BROW,
    "AU4": BROW,
    "AU5": {"eye_opening": 1, "upper_lid_height": 1, "upper_lid_over_iris": 1},
    "AU6": {
        "cheek_height": 1,
        "cheek_depth": -1,
        "under_eye_height": 1,
        "under_eye_depth": -1,
        "lower_lid_height": 1,
        "eye_opening": -1,
    },
    "AU7": {"eye_opening": -1, "lower_lid_height": 1, "lower_lid_under_iris": 1},
    "AU9": {**BROW, "ala_height": 1, "ala_width": 0, "cheek_height": 1, "nasolabial_height": 0},
    "AU10": MOUTH,
    "AU12": MOUTH,
    "AU15": MOUTH,
    "AU17": MOUTH,
    "AU20": MOUTH,
    "AU26": MOUTH,
    "AU43": {"eye_opening": -1, "upper_lid_height": -1, "upper_lid_over_iris": -1},
}
BLENDSHAPES = {
    "AU1": "brow",
    "AU2": "brow",
    "AU4": "brow",
    "AU5": "eyeWide eyeBlink eyeSquint",
    "AU6": "cheekSquint eyeSquint mouthSmile",
    "AU7": "eyeSquint eyeBlink eyeWide",
    "AU9": "nose mouth brow",
    "AU10": "mouth nose",
    "AU12": "mouth",
    "AU15": "mouth",
    "AU17": "mouth",
    "AU20": "mouth",
    "AU26": "jawOpen mouth",
    "AU43": "eyeBlink eyeSquint eyeLookDown",
}
# The mesh alone does not tell these from their neighbours (the printed table has the figures).
ONLY_WITH_BLENDSHAPES = frozenset({"AU4", "AU9", "AU10", "AU15", "AU17", "AU20"})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--blendshape-names", type=Path, required=True, help="JSON with `order`")
    parser.add_argument("--cache", type=Path, default=Path("build/calibration"))
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    names = json.loads(args.blendshape_names.read_text())["order"][1:]
    templates, fitted = {}, {}
    for name in BACKENDS:
        backend = face_backend(name, print)
        faces = _cached(
            args.cache / f"faces-{name}.npz", lambda b=backend: measure_faces(b, args.faces)
        )
        renders = _cached(
            args.cache / f"renders-{name}.npz",
            lambda b=backend: measure_renders(b, args.face_model),
        )
        templates[name] = make_template(faces["points"][_neutral(faces) & ~held_out(faces)])
        fitted[name] = fit(name, faces, renders, templates[name], names)
    np.savez_compressed(PERCEPTION / "templates.npz", **templates)
    note = "made by benchmarks/calibrate_faces.py; docs/calibration.md says on what and how good"
    data = {"note": note, "full_scale": FULL, "backends": fitted}
    (PERCEPTION / "calibration.json").write_text(json.dumps(data, indent=1) + "\n")


# Data ---------------------------------------------------------------------------------------


def measure_faces(backend: FaceBackend, folder: Path) -> dict[str, np.ndarray]:
    """Meshes of the 350 x 350 pictures of the five classes (see the collection's SOURCE.md)."""
    rows, meshes = [], []
    for row in csv.DictReader((folder / "labels.csv").open()):
        picture = cv2.imread(str(folder / "images" / row["image"]))
        if row["label"] not in CLASSES or picture is None or picture.shape[:2] != (350, 350):
            continue
        rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        if found := largest_face(backend, rgb):
            meshes.append(found)
            rows.append(row)
    return _pack(meshes) | {
        k: np.array([r[k] for r in rows]) for k in ("identity", "label", "image")
    }


def largest_face(backend: FaceBackend, rgb: np.ndarray) -> FaceMesh | None:
    picture = Picture(rgb)
    boxes = backend.detect(picture, 0.5)
    if not boxes:
        return None
    roi = roi_of_box(max(boxes, key=lambda box: box.width))
    for _ in range(3):
        found = mesh(backend, picture, roi)
        roi = roi_of_mesh(found.points)
    return found


def measure_renders(backend: FaceBackend, path: Path) -> dict[str, np.ndarray]:
    """Meshes of rendered faces, with the weights they were made of. The first picture of an
    identity is at rest."""
    renderer = FaceRenderer(load_face_model(path), size_px=320)
    meshes, weights, identities, poses = [], [], [], []
    for number, (weight, identity, pose) in enumerate(_scenes()):
        expressions = {e: v for u, v in weight.items() for e in EXPRESSIONS[u] if v}
        rgb = renderer.render(expressions, identity, *pose)
        if found := largest_face(backend, rgb):
            meshes.append(found)
            weights.append([weight.get(u, 0.0) for u in UNITS])
            identities.append(number // N_PER_IDENTITY)
            poses.append(pose)
    renderer.close()
    return _pack(meshes) | {
        "weights": np.array(weights),
        "identity": np.array(identities),
        "pose": np.array(poses),
    }


def _scenes() -> Iterator[tuple[dict[str, float], np.ndarray, tuple[float, float, float]]]:
    rng = np.random.default_rng(1)
    for number in range(N_RENDERS):
        if number % N_PER_IDENTITY == 0:
            identity = rng.normal(0, 0.8, 60).astype(np.float32)
            yield {}, identity, (0.0, 0.0, 0.0)
            continue
        if rng.random() < 0.5:
            chosen = [f"AU{n}" for n in COMBINATIONS[rng.integers(len(COMBINATIONS))].split("+")]
        else:
            chosen = rng.choice(UNITS, rng.integers(1, 4), replace=False).tolist()
        yaw, pitch, roll = np.clip(rng.normal(0, [10, 7, 5]), -30, 30).tolist()
        yield {u: float(rng.uniform(0.2, 1.0)) for u in chosen}, identity, (yaw, pitch, roll)


def _pack(meshes: list[FaceMesh]) -> dict[str, np.ndarray]:
    packed = {k: np.stack([getattr(m, k) for m in meshes]) for k in ("points", "lids", "irises")}
    if meshes[0].blendshapes is not None:
        packed["blendshapes"] = np.stack([m.blendshapes for m in meshes])
    return packed


def _cached(path: Path, make) -> dict[str, np.ndarray]:  # type: ignore[no-untyped-def]
    if not path.exists():
        np.savez_compressed(path, **make())
    with np.load(path, allow_pickle=False) as data:
        return dict(data)


def held_out(faces: dict[str, np.ndarray]) -> np.ndarray:
    """One person in five, by a hash of the name: the same people wherever this is asked."""
    digests = [
        hashlib.sha256(f"demeanor {name}".encode()).hexdigest() for name in faces["identity"]
    ]
    return np.array([int(digest, 16) % 5 == 0 for digest in digests])


def _neutral(faces: dict[str, np.ndarray]) -> np.ndarray:
    return faces["label"] == "neutral"


# Fitting --------------------------------------------------------------------------------------


def make_template(points: np.ndarray) -> np.ndarray:
    """Generalised Procrustes mean of neutral meshes, made symmetric, outer eye corners at ±.5."""
    points = to_person(points)
    shape = points[0] - points[0].mean(axis=0)
    for turn in range(6):
        aligned, _ = align(points, shape, np.arange(len(shape)) if turn < 2 else RIGID)
        shape = _upright(np.median(aligned, axis=0))
        flipped = shape * np.array([-1, 1, 1])
        twin = ((flipped[:, None] - shape[None]) ** 2).sum(axis=-1).argmin(axis=1)
        shape = (shape + flipped[twin]) / 2
    return shape.astype(np.float32)


def _upright(shape: np.ndarray) -> np.ndarray:
    """x through the outer corners of the eyes, y from chin to forehead, origin between the eyes."""
    right, left = shape[33], shape[263]
    x = (left - right) / np.linalg.norm(left - right)
    y = shape[10] - shape[152]
    y = y - x * (x @ y)
    y /= np.linalg.norm(y)
    axes = np.stack([x, y, np.cross(x, y)], axis=1)
    return (shape - (left + right) / 2) @ axes / np.linalg.norm(left - right)


def features(data: dict[str, np.ndarray], template: np.ndarray) -> np.ndarray:
    shapes, _ = align(to_person(data["points"]), template)
    eyes = eye_measures(data["lids"], data["irises"])[:, :5]
    parts = [shape_measures(shapes), eyes]
    if "blendshapes" in data:
        parts.append(data["blendshapes"][:, 1:])
    return np.concatenate(parts, axis=1)


def fit(
    name: str,
    faces: dict[str, np.ndarray],
    renders: dict[str, np.ndarray],
    template: np.ndarray,
    blendshape_names: list[str],
) -> dict[str, object]:
    """Coefficients of one backend; prints how they do on what was held out."""
    x_real, x = features(faces, template), features(renders, template)
    measures = [*MEASURES, *(blendshape_names if "blendshapes" in renders else [])]
    rest = _neutral(faces) & ~held_out(faces)
    test_real = _neutral(faces) & held_out(faces)
    centre = np.median(x_real[rest], axis=0)
    own = np.stack([x[renders["identity"] == i][0] for i in renders["identity"]])
    test = renders["identity"] % 4 == 0
    scale = (x - own)[~test].std(axis=0) + 1e-6
    change, spread = (x - own) / scale, (x_real - centre) / scale
    print(f"\n{name}: figures on held-out identities; level = 0-5")
    print("unit   r     AUC   on   off95 | neutral people: high  alarms% | AUC happy surprise")
    units: dict[str, object] = {}
    for unit in (u for u in UNITS if u in SHAPE):
        if unit in ONLY_WITH_BLENDSHAPES and "blendshapes" not in renders:
            continue
        columns, low, high = _columns(unit, measures)
        y = renders["weights"][:, UNITS.index(unit)]
        w = _solve(change[~test][:, columns], y[~test], spread[rest][:, columns], low, high)
        companions = [UNITS.index(c) for c in COMPANIONS.get(unit, ())]
        alone = renders["weights"][:, companions].sum(axis=1) == 0
        weights = np.zeros(len(measures))
        weights[columns] = w * _to_full(change[:, columns] @ w, y, ~test, alone)
        levels, real = change @ weights, spread @ weights
        units[unit] = _unit(
            unit, weights / scale, levels[test], y[test], real, rest, test_real, faces
        )
    gap = np.zeros(len(measures))
    gap[measures.index("lip_gap")] = FULL / LIP_GAP_FULL
    real = (x_real - centre) @ gap
    units["AU25"] = _unit("AU25", gap, None, None, real, rest, test_real, faces)
    order = sorted(units, key=lambda u: int(u[2:]))
    return {
        "measures": measures,
        "centre": [round(float(c), 5) for c in centre],
        "units": {u: units[u] for u in order},
    }


def _columns(unit: str, measures: list[str]) -> tuple[list[int], list[float], list[float]]:
    """Columns that a unit is read from, with the bounds of their weights."""
    signs = dict(SHAPE[unit])
    if len(measures) > len(MEASURES):
        starts = tuple(BLENDSHAPES[unit].split())
        signs |= {m: 0 for m in measures[len(MEASURES) :] if m.startswith(starts)}
    columns = [measures.index(m) for m in signs]
    low = [0.0 if s > 0 else -np.inf for s in signs.values()]
    high = [0.0 if s < 0 else np.inf for s in signs.values()]
    return columns, low, high


def _solve(
    a: np.ndarray, y: np.ndarray, spread: np.ndarray, low: list[float], high: list[float]
) -> np.ndarray:
    """Bounded ridge regression, shrunk also along the directions in which neutral faces differ."""
    tall = np.concatenate([a, np.sqrt(REAL_SHARE) * spread, np.sqrt(RIDGE) * np.eye(a.shape[1])])
    target = np.concatenate([y, np.zeros(len(spread) + a.shape[1])])
    return np.asarray(lsq_linear(tall, target, bounds=(low, high)).x)


def _to_full(prediction: np.ndarray, y: np.ndarray, train: np.ndarray, alone: np.ndarray) -> float:
    """Factor that undoes the shrinkage, as far as cross-talk allows, and counts in FACS steps."""
    slope = np.polyfit(y[train], prediction[train], 1)[0]
    noise = np.quantile(prediction[train & alone & (y == 0)], 0.95)
    return float(min(FULL / slope, CROSS_TALK / noise))


def _unit(unit, weights, levels, y, real, rest, test_real, faces) -> dict[str, object]:  # type: ignore[no-untyped-def]
    neutral_high = max(0.0, float(np.quantile(real[rest], 1 - ALARM_RATE)) - ALARM_LEVEL)
    alarms = float(np.mean(real[test_real] - neutral_high >= ALARM_LEVEL))
    r = a = on = off95 = float("nan")
    if levels is not None:
        r = float(np.corrcoef(levels, y)[0, 1])
        on, off95 = levels[y > 0.5].mean(), np.quantile(levels[y == 0], 0.95)
        a = auc(levels[y > 0.5], levels[y == 0])
    real_auc = [auc(real[faces["label"] == c], real[test_real]) for c in ("happiness", "surprise")]
    print(
        f"{unit:5s} {r:5.2f} {a:5.2f} {on:5.1f} {off95:5.1f}  | {neutral_high:15.2f} "
        f"{100 * alarms:8.1f}  | {real_auc[0]:9.2f} {real_auc[1]:8.2f}"
    )
    return {
        "reliability": None if np.isnan(r) else round(r, 2),
        "neutral_high": round(neutral_high, 3),
        "weights": [round(float(w), 4) for w in weights],
    }


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the ROC curve (Mann-Whitney)."""
    ranks = np.concatenate([positive, negative]).argsort().argsort()
    n, m = len(positive), len(negative)
    return float((ranks[:n].sum() - n * (n - 1) / 2) / (n * m))


if __name__ == "__main__":
    main()
