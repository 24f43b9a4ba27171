"""Fixtures for all tests: where the shared test data lies, drawn tracks, clips made from arrays."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data folder beside the checkout; CI has it, a user's clone does not."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("DEMEANOR_SHARED", default))
    if not (folder / "data").is_dir():
        pytest.skip(f"test data not found at {folder} (set DEMEANOR_SHARED to its folder)")
    return folder
