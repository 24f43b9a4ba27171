"""Films of rendered people whose movements are known, for the section on events.

Faces, skins and furrows are those of renders.py, of the style that no fit has seen. Kept in the
work folder by the hash of what they show.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.perception.renders import EXPRESSIONS, HELD_OUT_STYLE, STYLES
from benchmarks.perception.wrinkles import Wrinkles
from demeanor.explain.demo.face_model import FaceModel
from demeanor.explain.demo.render import FaceRenderer

SIZE_PX = 288
CRF = "20"


@dataclass(frozen=True)
class Film:
    """What is shown, frame by frame. Weights are 0-1; units by the names of renders.py."""

    fps: int
    seed: int  # whose face
    units: dict[str, np.ndarray]  # (n,) each
    shapes: dict[str, np.ndarray] = field(default_factory=dict)  # of the face model itself
    head_deg: np.ndarray | None = None  # (n, 3) yaw, pitch, roll
    sound: tuple[np.ndarray, int] | None = None  # samples, rate

    @property
    def n_frames(self) -> int:
        return len(next(iter({**self.units, **self.shapes}.values())))

    @property
    def key(self) -> str:
        digest = hashlib.sha256(json.dumps([self.fps, self.seed, SIZE_PX, CRF]).encode())
        for name, values in sorted({**self.units, **self.shapes}.items()):
            digest.update(name.encode() + np.round(values, 4).tobytes())
        digest.update(b"" if self.head_deg is None else np.round(self.head_deg, 3).tobytes())
        digest.update(b"" if self.sound is None else self.sound[0].tobytes())
        return digest.hexdigest()[:16]


def filmed(film: Film, model: FaceModel, folder: Path) -> Path:
    """The film as an .mp4 in the folder, rendered where it is not there yet."""
    path = folder / f"{film.key}.mp4"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.mp4")
        _write(film, model, part)
        part.rename(path)
    return path


def without_sound(path: Path) -> Path:
    """The same pictures in a file of their own."""
    import av

    silent = path.with_suffix(".silent.mp4")
    with av.open(str(path)) as given, av.open(str(silent), "w") as out:
        video = given.streams.video[0]
        copy = out.add_stream_from_template(video)
        for packet in given.demux(video):
            if packet.dts is not None:
                packet.stream = copy
                out.mux(packet)
    return silent


def _write(film: Film, model: FaceModel, path: Path) -> None:
    import av

    look, lamps = STYLES[HELD_OUT_STYLE]
    renderer = FaceRenderer(model, look, SIZE_PX, lamps)
    wrinkles = Wrinkles(model, look.seed)
    rng = np.random.default_rng([film.seed, 77])
    identity = rng.normal(0, 0.8, 60).astype(np.float32)
    furrows = wrinkles.person()
    shown = None
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=film.fps)
        video.width = video.height = SIZE_PX
        video.pix_fmt = "yuv420p"
        video.options = {"crf": CRF, "preset": "veryfast"}
        audio: Any = container.add_stream("aac", rate=film.sound[1]) if film.sound else None
        if film.sound is not None:
            audio.layout = "mono"
            _add_sound(container, audio, *film.sound)
        for i in range(film.n_frames):
            now = {unit: float(values[i]) for unit, values in film.units.items()}
            if now != shown:
                sides = {unit: (weight, weight) for unit, weight in now.items()}
                renderer.repaint(wrinkles.paint(renderer.skin, furrows, sides))
                shown = now
            shapes = {name: float(values[i]) for name, values in film.shapes.items()}
            pose = (0.0, 0.0, 0.0) if film.head_deg is None else tuple(film.head_deg[i])
            picture = renderer.render(_weights(model, now, shapes), identity, *pose)
            grain = rng.normal(0, 2, picture.shape)
            picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, film.fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    renderer.close()


def _weights(
    model: FaceModel, units: Mapping[str, float], shapes: Mapping[str, float]
) -> dict[str, float]:
    names, weights = set(model.expression_names), dict[str, float]()
    given = {name: weight for unit, weight in units.items() for name in EXPRESSIONS[unit]
             for weight in [weight]}  # fmt: skip
    for name, weight in [*given.items(), *shapes.items()]:
        for one in (name,) if name in names else (f"{name}_L", f"{name}_R"):
            weights[one] = min(1.0, weights.get(one, 0.0) + weight)
    return {name: weight for name, weight in weights.items() if weight > 0}


def _add_sound(container: Any, stream: Any, samples: np.ndarray, rate_hz: int) -> None:
    import av

    for start in range(0, len(samples), 1024):
        block = samples[None, start : start + 1024].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, start
        frame.time_base = Fraction(1, rate_hz)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
