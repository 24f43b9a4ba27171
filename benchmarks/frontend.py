"""Speed and memory of the front end, without speech recognition.

    python benchmarks/frontend.py [CLIP] [--pairs 7] [--backends mesh landmarker]

For each backend, frames per second of decoding alone, of decoding + mesh (following faces, with
eyelids and irises), and of the whole front end (decoding, mesh, geometry, action units, voice,
events), measured in interleaved rounds on one 720p clip made from the given one (default: our
demo clip). The ratios are taken within a round; the table has their median and a 95% interval
(bootstrap over rounds). The limits are those of the project: whole at most 1.4 times decoding +
mesh, `mesh` at least 120 frames a second; one counts as missed only where its interval lies
beyond the limit. Then the peak memory on a clip of 10 seconds and on one of 10 minutes.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from demeanor.explain.demo import demo_clip
from demeanor.explain.errors import ModelFileError
from demeanor.explain.perception.face import FaceBackend
from demeanor.explain.perception.measure import ahead, measure_clip
from demeanor.explain.perception.media import Frame, Losses, open_clip, read
from demeanor.explain.perception.models import face_backend
from demeanor.explain.perception.tracking import Tracker
from demeanor.explain.settings import Settings, load_settings

MAX_RATIO, MIN_FPS = 1.4, 120.0
HEIGHT, WIDTH = 720, 1280


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path, nargs="?", default=demo_clip())
    parser.add_argument("--pairs", type=int, default=7, help="rounds, at least 7")
    parser.add_argument("--backends", nargs="+", default=["mesh", "landmarker"])
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory_of:
        print_memory(args.memory_of, args.backends[0])
        return
    if args.pairs < 7:
        parser.error("at least 7 pairs: fewer say nothing on a shared machine")
    settings = load_settings()
    with tempfile.TemporaryDirectory() as folder:
        clip = at_720p(args.clip, Path(folder) / "720p.mp4", 1)
        for name in args.backends:
            try:
                speed(face_backend(name), clip, settings, args.pairs)
            except ModelFileError as error:
                print(f"{name}: not measured, {error}")
        scaling("mesh", args.clip, Path(folder), settings)
        short, long = (
            at_720p(args.clip, Path(folder) / f"{s}.mp4", times)
            for s, times in (("10s", 1), ("10min", 42))
        )
        memory("mesh", short, long)


def speed(backend: FaceBackend, clip: Path, settings: Settings, n_pairs: int) -> None:
    runs: dict[str, Callable[[], int]] = {
        "decode": lambda: decode(clip, settings),
        "decode + mesh": lambda: decode_and_mesh(clip, backend, settings),
        "whole": lambda: whole(clip, backend, settings),
    }
    for run in runs.values():  # once for the caches
        run()
    rounds = []
    for number in range(n_pairs):
        names = list(runs) if number % 2 == 0 else list(runs)[::-1]
        rounds.append({name: fps(runs[name]) for name in names})
    print(f"\n{backend.name} ({backend.version}), {clip.stem}, {n_pairs} interleaved rounds")
    print(f"{'stage':<16}{'frames/s':>10}{'95% interval':>20}")
    for name in runs:
        row(name, np.array([r[name] for r in rounds]), "")
    ratio = np.array([r["decode + mesh"] / r["whole"] for r in rounds])
    low, high = row("ratio", ratio, "whole, of decode + mesh")
    verdict(f"at most {MAX_RATIO} times decode + mesh", missed=low > MAX_RATIO)
    if backend.name == "mesh":
        low, high = interval(np.array([r["whole"] for r in rounds]))
        verdict(f"at least {MIN_FPS:.0f} frames/s at 720p", missed=high < MIN_FPS)


def scaling(name: str, source: Path, folder: Path, settings: Settings) -> None:
    """The clip side by side with itself: what more faces cost, each as large as one of four."""
    backend = face_backend(name)
    print(f"\n{name}: frames/s with so many faces in a 720p picture")
    for n_faces in (1, 2, 4):
        clip = at_720p(source, folder / f"{n_faces}.mp4", 1, n_faces)
        whole(clip, backend, settings)
        rates = np.array([fps(lambda clip=clip: whole(clip, backend, settings)) for _ in range(3)])
        print(
            f"{n_faces:<16}{np.median(rates):>10.2f}{f'[{rates.min():.2f}, {rates.max():.2f}]':>20}"
        )


def decode(clip: Path, settings: Settings) -> int:
    """The same reader, in the same thread of its own, with nothing done to the frames."""
    opened = open_clip(clip, settings.media)
    items = ahead(read(opened, settings.media, Losses()))
    return sum(isinstance(item, Frame) for item in items)


def decode_and_mesh(clip: Path, backend: FaceBackend, settings: Settings) -> int:
    opened, n_frames = open_clip(clip, settings.media), 0
    with Tracker(backend, settings.face) as tracker:
        for item in ahead(read(opened, settings.media, Losses())):
            if isinstance(item, Frame):
                n_frames += 1
                for _ in tracker.add(item.time_s, item.picture):
                    pass
        for _ in tracker.finish():
            pass
    return n_frames


def whole(clip: Path, backend: FaceBackend, settings: Settings) -> int:
    measurement = measure_clip(clip, backend, settings)
    return len(measurement.tracks[0].times_s)


def fps(run: Callable[[], int]) -> float:
    started = time.perf_counter()
    return run() / (time.perf_counter() - started)


def interval(values: np.ndarray) -> tuple[float, float]:
    """95% bootstrap interval of the median."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (2000, len(values))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def row(name: str, values: np.ndarray, note: str) -> tuple[float, float]:
    low, high = interval(values)
    print(f"{name:<16}{np.median(values):>10.2f}{f'[{low:.2f}, {high:.2f}]':>20}  {note}")
    return low, high


def verdict(limit: str, missed: bool) -> None:
    print(f"  {'MISSED' if missed else 'held'}: {limit}")


def memory(backend: str, short: Path, long: Path) -> None:
    """Each in a process of its own, since a peak never goes down again."""
    peaks = []
    for clip in (short, long):
        command = [sys.executable, __file__, "--memory-of", str(clip), "--backends", backend]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        peaks.append(float(done.stdout.strip().splitlines()[-1]))
    grown = peaks[1] / peaks[0]
    print(f"\npeak memory ({backend}): {peaks[0]:.0f} MB on {short.stem}, {peaks[1]:.0f} MB on "
          f"{long.stem}, ratio {grown:.2f}")  # fmt: skip


def print_memory(clip: Path, backend: str) -> None:
    settings = load_settings()
    whole(clip, face_backend(backend), settings)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def at_720p(source: Path, target: Path, times: int, n_faces: int = 0) -> Path:
    """The clip, scaled into 1280 x 720 and repeated, with its sound; n_faces: so often side by
    side in one picture, 0: once, as large as it goes."""
    with av.open(str(target), "w") as out, av.open(str(source)) as first:
        rate = first.streams.video[0].average_rate
        video = out.add_stream("libx264", rate=rate, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = out.add_stream("aac", rate=16000, layout="mono")
        resampler = av.AudioResampler("fltp", "mono", 16000)
        n_frames = n_samples = 0
        for _ in range(times):
            with av.open(str(source)) as again:
                for frame in again.decode(video=0, audio=0):
                    if isinstance(frame, av.VideoFrame):
                        out.mux(video.encode(_framed(frame, n_frames, n_faces)))
                        n_frames += 1
                        continue
                    for chunk in resampler.resample(frame):
                        chunk.pts = n_samples
                        n_samples += chunk.samples
                        out.mux(audio.encode(chunk))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))
    return target


def _framed(frame: av.VideoFrame, number: int, n_faces: int) -> av.VideoFrame:
    """In the middle of a 720p picture, as tall as it goes; or so often, half as tall."""
    canvas = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    height, n_across = (HEIGHT // 2, 2) if n_faces else (HEIGHT, 1)
    width = min(round(frame.width * height / frame.height / 2) * 2, WIDTH // n_across)
    inner = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    for k in range(max(1, n_faces)):
        left = WIDTH // n_across * (k % n_across) + (WIDTH // n_across - width) // 2
        top = height * (k // n_across)
        canvas[top : top + height, left : left + width] = inner
    made = av.VideoFrame.from_ndarray(canvas, format="rgb24")
    made.pts = number
    return made


if __name__ == "__main__":
    main()
