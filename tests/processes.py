"""Processes that tests start, and what is left of them (Linux tells it in /proc)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATE, _PARENT, _GROUP = 0, 1, 2  # fields of stat behind the name


def _stats() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield int(folder.name), (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue


def children_of(pid: int) -> list[int]:
    return [child for child, fields in _stats() if int(fields[_PARENT]) == pid]


def in_group(leader: int) -> list[int]:
    """Processes of one group, the dead left out."""
    return [
        pid for pid, fields in _stats() if int(fields[_GROUP]) == leader and fields[_STATE] != "Z"
    ]


def is_there(pid: int) -> bool:
    return any(found == pid and fields[_STATE] != "Z" for found, fields in _stats())


@contextmanager
def served_page(data: Path, *options: str) -> Iterator[dict[str, str]]:
    """`demeanor serve` on free ports: the addresses of its API and its page, once both answer."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "demeanor.serve.cli", "serve", "--json", "--port", "0",
         "--page-port", "0", "--face-backend", "mesh", "--data", str(data), *options],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, "demeanor serve ended before it told its addresses"
        yield json.loads(told)
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0
