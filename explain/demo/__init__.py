"""A synthetic demonstration clip with known action units, and the script that renders it.

Nobody real is shown: a 3-D face (ICT-FaceKit, MIT) follows `script.yaml`, espeak-ng speaks the
lines. What the clip shows is therefore known exactly, and measurements can be held against it.
"""

from importlib.resources import files
from pathlib import Path

from demeanor.explain.demo.script import Truth
from demeanor.explain.demo.truth import read_truth
from demeanor.explain.errors import DemeanorError


def demo_clip() -> Path:
    """The packaged clip, demo.mp4; demo.srt lies beside it."""
    path = Path(str(files("demeanor.explain.demo").joinpath("demo.mp4")))
    if not path.is_file():
        raise DemeanorError(
            f"{path}: the demonstration clip is not in this installation. Install demeanor anew, "
            "or render it with:  python -m demeanor.explain.demo.render"
        )
    return path


def demo_truth() -> Truth:
    """What the packaged clip shows, and when."""
    return read_truth(demo_clip().with_name("demo_truth.json").read_text("utf-8"))
