"""Writes docs/perception.md; with --fit also the coefficients that it speaks of.

    python -m benchmarks.perception --shared ../shared [--fit] [--only faces events …]

Needs the extras `demo` and `benchmarks`, the folder of shared data beside the checkout, and
face_landmarker.task (DEMEANOR_MODELS names its folder). Half an hour on two cores the first
time, minutes after: what was rendered and measured is kept in build/perception.
"""

import argparse
import importlib
import json
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PERCEPTION = ROOT / "explain" / "perception"
SECTIONS = (
    "faces", "plain", "ceiling", "usefulness", "second_opinions", "events", "people", "voice",
    "reasoner",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "perception")
    parser.add_argument("--fit", action="store_true", help="find the coefficients anew")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    args = parser.parse_args()
    from benchmarks.perception.renders import render_all

    render_all(args.shared, args.work / "renders")
    if args.fit:
        fit(args.shared, args.work)
    for name in args.only:
        started = time.perf_counter()
        text = importlib.import_module(f"benchmarks.perception.{name}").section(
            args.shared, args.work
        )
        (args.work / f"{name}.md").write_text(text.strip() + "\n")
        print(f"{name}: {time.perf_counter() - started:.0f} s")
    write(args.work)


def fit(shared: Path, work: Path) -> None:
    """Templates and coefficients of both backends, into the package."""
    from benchmarks.perception import measured
    from benchmarks.perception.faces import BACKENDS
    from benchmarks.perception.fit import WITH_BLENDSHAPES, Fit, make_template, neutral
    from demeanor.explain.corpora.folds import HELD_OUT
    from demeanor.explain.perception.models import face_backend

    names = json.loads((shared / "knowledge" / "mediapipe_blendshapes.json").read_text())["order"]
    templates, fits = {}, {}
    for name in sorted(BACKENDS, key=lambda name: name != WITH_BLENDSHAPES):
        backend = face_backend(name)
        faces, renders = measured.faces(backend, shared, work), measured.renders(backend, work)
        shaken = measured.jitter(backend, shared, work)
        known = neutral(faces) & (faces["fold"] != HELD_OUT)
        templates[name] = make_template(faces["points"][known])
        fits[name] = Fit(
            faces, renders, shaken, templates[name], names[1:], fits.get(WITH_BLENDSHAPES)
        )
    fitted = {name: fits[name].all() for name in BACKENDS}
    np.savez_compressed(PERCEPTION / "templates.npz", **templates)
    note = "made by python -m benchmarks.perception --fit; docs/perception.md says how good it is"
    data = {"note": note, "full_scale": 5.0, "backends": fitted}
    (PERCEPTION / "calibration.json").write_text(json.dumps(data, indent=1) + "\n")


def write(work: Path) -> None:
    """The document: what a person wrote, then every section that has been measured."""
    head = (Path(__file__).parent / "head.md").read_text()
    parts = [work / f"{name}.md" for name in SECTIONS]
    texts = [part.read_text() for part in parts if part.exists()]
    (ROOT / "docs" / "perception.md").write_text("\n".join([head, *texts]))


if __name__ == "__main__":
    main()
