"""Rendered faces whose action units are known: many people, styles, poses and combinations.

    python -m benchmarks.perception.renders ../shared build/perception

ICT-FaceKit (MIT) moves; skin, light and furrows are ours. Five styles: a skin, lamps, and a way
to wrinkle. All people of the last style, and a quarter of the others, are held out from every
fit: of these each action unit is rendered alone once per person.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.perception.wrinkles import Wrinkles
from demeanor.explain.demo.face_model import FaceModel, load_face_model
from demeanor.explain.demo.paint import Look
from demeanor.explain.demo.render import LIPS, FaceRenderer, Lamps

# People per style: some look anywhere, some at the camera as most films have it.
N_PEOPLE = {"turned": 28, "front": 20}
POSE_DEG = {"turned": (11, 7, 5), "front": (4, 4, 3)}
SIZE_PX = 320
# Expressions of ICT-FaceKit for each unit (its SOURCE.md has the mapping).
EXPRESSIONS = {
    "AU1": ("browInnerUp",),
    "AU2": ("browOuterUp",),
    "AU4": ("browDown",),
    "AU5": ("eyeWide",),
    "AU6": ("cheekRaiser",),
    "AU7": ("eyeSquint",),
    "AU9": ("noseSneer",),
    "AU10": ("mouthUpperUp",),
    "AU12": ("mouthSmile",),
    "AU14": ("mouthDimple",),
    "AU15": ("mouthFrown",),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU20": ("mouthStretch",),
    "AU24": ("mouthPress",),
    "AU26": ("jawOpen",),
    "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU43": ("eyeBlink",),
}
UNITS = tuple(EXPRESSIONS)
MIDDLE = frozenset({"AU17", "AU18", "AU26", "AU28"})  # the face has no sides of these
# People per style who are seen from the front, without furrows, noise or compression.
PLAIN, N_PLAIN = "plain", 12
OTHERS = ("mouthLowerDown", "mouthFunnel", "cheekPuff", "jawForward")  # shown, never asked for
COMBINATIONS = (
    "1+2 1+2+5+26 6+12 6+7+12 6+12+10 4+7 4+5+7+24 1+4+15 1+4+15+17 4+9+10 9+10+17 12+26 12+14 "
    "17+24 1+4 5+26 20+5 1+2+4+5+20 15+17 7+43 6+12+26 2+14"
).split()
STYLES: tuple[tuple[Look, Lamps], ...] = (
    (Look(), (((-28, 30, 60), 0.74), ((45, 8, 45), 0.44))),
    (
        Look(
            skin=(132, 92, 70), lips=(122, 66, 64), hair=(26, 20, 18), iris=(70, 48, 34),
            shirt=(90, 90, 96), background=(90, 96, 104), seed=11,
        ),
        (((0, 40, 70), 0.95),),
    ),
    (
        Look(
            skin=(240, 206, 186), lips=(196, 124, 118), hair=(150, 112, 70), iris=(96, 128, 150),
            shirt=(120, 60, 60), background=(210, 206, 198), seed=23,
        ),
        (((-60, 10, 30), 0.7), ((20, 20, 60), 0.35)),
    ),
    (
        Look(
            skin=(186, 136, 104), lips=(150, 84, 80), hair=(40, 32, 28), iris=(60, 44, 32),
            shirt=(60, 100, 80), background=(60, 62, 70), seed=31,
        ),
        (((60, 25, 40), 0.9), ((-40, 0, 60), 0.25)),
    ),
    (
        Look(
            skin=(92, 62, 48), lips=(104, 58, 58), hair=(18, 16, 16), iris=(48, 34, 26),
            shirt=(150, 140, 60), background=(140, 150, 160), seed=43,
        ),
        (((30, 50, 50), 0.9), ((-50, 20, 40), 0.5), ((0, -30, 60), 0.2)),
    ),
)  # fmt: skip
HELD_OUT_STYLE = len(STYLES) - 1
LIDS = ((37, 38, 40, 41), (43, 44, 46, 47))  # of the 68 landmarks: upper, lower; person's right eye


@dataclass(frozen=True)
class Scene:
    kind: str  # rest, single, several
    right: dict[str, float]  # unit -> 0-1
    left: dict[str, float]
    pose: tuple[float, float, float]
    others: dict[str, float]


def held_out(style: int, person: int) -> bool:
    return style == HELD_OUT_STYLE or person % 4 == 0


def scenes(rng: np.random.Generator, test: bool, batch: str) -> Iterator[Scene]:
    """Of one person: at rest from the front, at rest turned, units alone, units together."""
    deg = POSE_DEG[batch]
    yield Scene("rest", {}, {}, (0.0, 0.0, 0.0), {})
    for _ in range(1 if batch == "turned" else 2):
        yield Scene("rest", {}, {}, _pose(rng, deg), {})
    alone = list(UNITS) if test else rng.choice(UNITS, 8, replace=False).tolist()
    one_sided = 0.25 if batch == "turned" else 0.0
    for unit in alone:
        yield _scene("single", [unit], rng, deg, one_sided)
    for number in range(6):
        if number % 2:
            units = [f"AU{n}" for n in COMBINATIONS[rng.integers(len(COMBINATIONS))].split("+")]
        else:
            units = rng.choice(UNITS, rng.integers(2, 6), replace=False).tolist()
        yield _scene("several", units, rng, deg, one_sided)


def plain_scenes(rng: np.random.Generator) -> Iterator[Scene]:
    """Of one person: at rest, then each unit alone, both sides alike, straight from the front."""
    front = (0.0, 0.0, 0.0)
    yield Scene("rest", {}, {}, front, {})
    for unit in UNITS:
        weight = {unit: float(rng.uniform(0.1, 1.0))}
        yield Scene("single", weight, weight, front, {})


def _scene(
    kind: str, units: list[str], rng: np.random.Generator, deg: tuple[int, ...], one_sided: float
) -> Scene:
    right, left = {}, {}
    for unit in units:
        weight = float(rng.uniform(0.1, 1.0))
        one = unit not in MIDDLE and rng.random() < one_sided
        share = (1.0, 0.0) if one and rng.random() < 0.5 else (0.0, 1.0)
        right[unit], left[unit] = (weight * s for s in (share if one else (1.0, 1.0)))
    some = rng.choice(OTHERS, 1) if kind == "several" and rng.random() < 0.2 else []
    others = {str(name): float(rng.uniform(0.2, 0.8)) for name in some}
    look = rng.normal(0, 0.12, 2)
    others |= {"eyeLookUp": max(0.0, look[0]), "eyeLookDown": max(0.0, -look[0])}
    return Scene(kind, right, left, _pose(rng, deg), others)


def _pose(rng: np.random.Generator, deg: tuple[int, ...]) -> tuple[float, float, float]:
    yaw, pitch, roll = np.clip(rng.normal(0, deg), -32, 32).tolist()
    return yaw, pitch, roll


def weights_of(model: FaceModel, scene: Scene) -> dict[str, float]:
    """Weights of the face model's expressions."""
    names, weights = set(model.expression_names), dict(scene.others)
    for side, given in (("_R", scene.right), ("_L", scene.left)):
        for unit, weight in given.items():
            for name in EXPRESSIONS[unit]:
                weights[name + side if name + side in names else name] = weight
    return weights


def render_style(model: FaceModel, style: int, batch: str, folder: Path) -> None:
    """Pictures as JPEG and one JSON line each with what they show."""
    look, lamps = STYLES[style]
    renderer = FaceRenderer(model, look, SIZE_PX, lamps)
    wrinkles = Wrinkles(model, look.seed)
    rng = np.random.default_rng(100 + style if batch == "turned" else [style, 0])
    rows = []
    for person in range(N_PEOPLE[batch]):
        identity = rng.normal(0, 0.8, 60).astype(np.float32)
        furrows = wrinkles.person()
        for number, scene in enumerate(scenes(rng, held_out(style, person), batch)):
            weights = weights_of(model, scene)
            sides = {u: (scene.right[u], scene.left[u]) for u in scene.right}
            renderer.repaint(wrinkles.paint(renderer.skin, furrows, sides))
            picture = _as_filmed(renderer.render(weights, identity, *scene.pose), rng)
            name = f"{batch}-{style}-{person:02d}-{number:02d}.jpg"
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 96))]
            cv2.imwrite(str(folder / name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)
            rows.append(_row(model, name, style, person, batch, scene, weights, identity))
    renderer.close()
    (folder / f"{batch}-{style}.json").write_text(json.dumps(rows))


def render_plain(model: FaceModel, style: int, folder: Path) -> None:
    """As `render_style`, of people whom no fit sees, and as the face model alone has them."""
    look, lamps = STYLES[style]
    renderer = FaceRenderer(model, look, SIZE_PX, lamps)
    rng = np.random.default_rng([77, style])
    rows = []
    for person in range(N_PLAIN):
        identity = rng.normal(0, 0.8, 60).astype(np.float32)
        for number, scene in enumerate(plain_scenes(rng)):
            weights = weights_of(model, scene)
            picture = renderer.render(weights, identity, *scene.pose)
            name = f"{PLAIN}-{style}-{person:02d}-{number:02d}.png"
            cv2.imwrite(str(folder / name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            rows.append(_row(model, name, style, person, PLAIN, scene, weights, identity))
    renderer.close()
    (folder / f"{PLAIN}-{style}.json").write_text(json.dumps(rows))


def _as_filmed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus a little, noisy, brighter or darker."""
    out = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.3, 1.1)).astype(np.float32)
    out = 255 * (out / 255) ** rng.uniform(0.8, 1.25) * rng.uniform(0.8, 1.1)
    return np.clip(out + rng.normal(0, rng.uniform(0, 4), out.shape), 0, 255).astype(np.uint8)


def _row(
    model: FaceModel, name: str, style: int, person: int, batch: str, scene: Scene,
    weights: dict[str, float], identity: np.ndarray,
) -> dict[str, object]:  # fmt: skip
    upper, lower = model.shape(weights, identity)[model.landmarks68[list(LIPS)]]
    rest = lid_gaps_cm(model, {}, identity)
    closed = 1 - lid_gaps_cm(model, weights, identity) / rest
    return {
        "file": name,
        "style": style,
        "batch": batch,
        "person": f"{batch}-{style}-{person:02d}",
        "held_out": batch == PLAIN or held_out(style, person),
        "kind": scene.kind,
        "right": [scene.right.get(u, 0.0) for u in UNITS],
        "left": [scene.left.get(u, 0.0) for u in UNITS],
        "pose": scene.pose,
        "lip_gap_cm": float(upper[1] - lower[1]),
        "lid_closure": np.clip(closed, 0, 1).round(4).tolist(),
    }


def lid_gaps_cm(model: FaceModel, weights: dict[str, float], identity: np.ndarray) -> np.ndarray:
    """Between the lids of the right and of the left eye."""
    lids = model.shape(weights, identity)[model.landmarks68[list(LIDS)]]  # (eyes, 4, xyz)
    return np.asarray((lids[:, :2] - lids[:, 2:]).mean(axis=1)[:, 1])


def render_all(shared: Path, folder: Path) -> None:
    """Renders what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    model = load_face_model(shared / "data" / "face_model" / "ict_face.npz")
    for style in range(len(STYLES)):
        for batch in N_PEOPLE:
            if not (folder / f"{batch}-{style}.json").exists():
                render_style(model, style, batch, folder)
        plain = folder.with_name(PLAIN)
        plain.mkdir(exist_ok=True)
        if not (plain / f"{PLAIN}-{style}.json").exists():
            render_plain(model, style, plain)


if __name__ == "__main__":
    render_all(Path(sys.argv[1]), Path(sys.argv[2]) / "renders")
