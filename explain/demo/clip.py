"""Make a clip of known truth: pictures, speech, subtitles and the truth itself."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from demeanor.explain.demo.face_model import FaceModel, load_face_model
from demeanor.explain.demo.paint import Look
from demeanor.explain.demo.render import FaceRenderer
from demeanor.explain.demo.script import Script, Truth, load_script
from demeanor.explain.demo.script import truth as truth_of
from demeanor.explain.demo.speech import SAMPLE_RATE_HZ, Soundtrack, speak
from demeanor.explain.demo.truth import srt, truth_json
from demeanor.explain.errors import DemeanorError

TITLE = "Demeanor demonstration clip: SYNTHETIC, no real person"
COMMENT = (
    "Rendered from ICT-FaceKit (MIT, Copyright (c) 2020 USC Institute for Creative "
    "Technologies); voice by espeak-ng. Nobody is shown."
)
CRF = "20"  # about 0.6 MB for the shipped script; the package is to stay small


@dataclass(frozen=True, slots=True)
class ClipFiles:
    video: Path
    subtitles: Path
    truth: Path


def render_clip(script: Script, out: Path, face_model: FaceModel) -> ClipFiles:
    """Write `out` (an .mp4) with an .srt and a _truth.json beside it.

    A script without speech makes a clip without sound, and needs no espeak-ng.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    sound = speak(script) if script.speech else None
    known = truth_of(script, sound.spoken if sound else ())
    made_by = {"generator": _generator(), "face_model_sha256": face_model.sha256}
    known = replace(known, facts={**known.facts, **made_by})
    _write_video(out, pictures(script, known, face_model), script, sound)
    files = ClipFiles(out, out.with_suffix(".srt"), out.with_name(f"{out.stem}_truth.json"))
    files.subtitles.write_text(srt(known), "utf-8")
    files.truth.write_text(truth_json(known), "utf-8")
    return files


def pictures(script: Script, known: Truth, face_model: FaceModel) -> Iterator[np.ndarray]:
    """The marked pictures in order, (size_px, size_px, 3) uint8 RGB."""
    renderer = FaceRenderer(face_model, Look(seed=script.seed), script.size_px)
    identity = np.array(script.identity) if script.identity else None
    try:
        for i, (yaw_deg, pitch_deg, roll_deg) in enumerate(known.head_deg.tolist()):
            weights = {name: float(values[i]) for name, values in known.weights.items()}
            yield marked(renderer.render(weights, identity, yaw_deg, pitch_deg, roll_deg))
    finally:
        renderer.close()


def marked(picture: np.ndarray) -> np.ndarray:
    """The picture with SYNTHETIC written into its lower left corner, away from the face."""
    result, scale = picture.copy(), picture.shape[0] / 480
    at = (round(8 * scale), picture.shape[0] - round(9 * scale))
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.42 * scale
    for grey, width in ((30, 3), (245, 1)):  # a dark edge around light letters
        width_px = max(1, round(width * scale))
        cv2.putText(result, "SYNTHETIC", at, font, size, (grey,) * 3, width_px, cv2.LINE_AA)
    return result


def _write_video(
    out: Path, frames: Iterator[np.ndarray], script: Script, sound: Soundtrack | None
) -> None:
    import av

    with av.open(str(out), "w", options={"movflags": "+faststart"}) as container:
        container.metadata.update(title=TITLE, comment=COMMENT)
        video: Any = container.add_stream("libx264", rate=script.fps)
        video.width = video.height = script.size_px
        video.pix_fmt = "yuv420p"
        video.options = {"crf": CRF, "preset": "slow"}
        audio: Any = container.add_stream("aac", rate=SAMPLE_RATE_HZ) if sound else None
        if audio is not None and sound is not None:
            audio.bit_rate, audio.layout = 64_000, "mono"
            _encode_sound(container, audio, sound.samples)
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, script.fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def _encode_sound(container: Any, stream: Any, samples: np.ndarray) -> None:
    import av

    for start in range(0, len(samples), 1024):  # the frame size of AAC
        block = samples[None, start : start + 1024].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, start
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _generator() -> str:
    try:
        return f"demeanor.explain.demo {version('demeanor')}"
    except PackageNotFoundError:
        return "demeanor.explain.demo (not installed)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Render the demonstration clip, or another script, and print what was written."""
    parser = argparse.ArgumentParser(prog="python -m demeanor.explain.demo.render")
    parser.add_argument("--face-model", type=Path, required=True, help="packed ICT-FaceKit, .npz")
    parser.add_argument("--script", type=Path, help="a script.yaml; default: the shipped one")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(arguments)
    try:
        script, model = load_script(given.script), load_face_model(given.face_model)
        files = render_clip(script, given.out / "demo.mp4", model)
    except DemeanorError as error:
        print(error, file=sys.stderr)
        return 1
    print(files.video, files.subtitles, files.truth, sep="\n")
    return 0
