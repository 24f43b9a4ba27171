"""Fixtures for all tests: where the shared test data lies, drawn tracks, clips made from arrays."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from demeanor.explain.records import Channel, CueTrack, Source, SourceKind, Unit

DRAWN = Source(SourceKind.MACHINE, "drawn", "1")


def shared_folder() -> Path:
    default = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("DEMEANOR_SHARED", default))


def pytest_configure() -> None:
    """No example has a deadline: machines are slow now and then, and speed is not tested here.
    face_landmarker.task cannot be fetched everywhere; a copy lies among the shared data."""
    hypothesis.settings.register_profile("unhurried", deadline=None)
    hypothesis.settings.load_profile("unhurried")
    models = shared_folder() / "data" / "models"
    if models.is_dir():
        os.environ.setdefault("DEMEANOR_MODELS", str(models))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data folder beside the checkout; CI has it, a user's clone does not."""
    folder = shared_folder()
    if not (folder / "data").is_dir():
        pytest.skip(f"test data not found at {folder} (set DEMEANOR_SHARED to its folder)")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a window and without asking anybody anything."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium on this machine")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=path, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def draw_track():
    """Makes a face track from the values of a picture, `step_s` apart, starting at 0."""

    def draw(code, values, *, step_s=0.1, unit=Unit.FACS_INTENSITY, person="p1") -> CueTrack:
        times_s = np.arange(len(values)) * step_s
        values = np.array(values, np.float32)
        return CueTrack(person, Channel.FACE, code, None, unit, times_s, values, (), DRAWN)

    return draw


@pytest.fixture(scope="session")
def demo_measurement():
    """The packaged clip, really measured: once for all tests that look at a whole measurement."""
    from demeanor.explain.demo import demo_clip
    from demeanor.explain.perception.measure import measure_clip
    from demeanor.explain.perception.models import face_backend
    from demeanor.explain.settings import load_settings

    return measure_clip(demo_clip(), face_backend("mesh"), load_settings())
