"""vLLM as a child: what is run, on which base, and how often it is started again. No vLLM here:
`make test-serving` has it."""

import json
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from demeanor.explain.errors import DemeanorError, ModelFileError
from demeanor.serve.engine import Engine, Served, base_of, command_of, ended, launched


def model(folder: Path, **manifest) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    if manifest:
        (folder / "demeanor.json").write_text(json.dumps(manifest))
    return folder


def adapter(folder: Path, base: object, rank: int = 16, **manifest) -> Path:
    folder.mkdir()
    config = {"r": rank, "base_model_name_or_path": str(base)}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    if manifest:
        (folder / "demeanor.json").write_text(json.dumps({"base": str(base), **manifest}))
    return folder


# Which base -----------------------------------------------------------------------------------


def test_the_base_is_the_one_that_the_adapter_was_tuned_on(tmp_path) -> None:
    base = model(tmp_path / "base")
    told = adapter(tmp_path / "told", base, quantize=None)
    bare = adapter(tmp_path / "bare", base)  # PEFT's own file says it as well
    assert base_of(told, None) == base_of(bare, None) == base
    assert base_of(None, base) == base


def test_an_adapter_of_4_bit_weights_needs_the_exported_base(tmp_path) -> None:
    whole = model(tmp_path / "whole")
    exported = model(tmp_path / "exported", exported_from=str(whole))
    tuned = adapter(tmp_path / "tuned", whole, quantize="nf4")
    assert base_of(tuned, exported) == exported
    for base in (None, whole):
        with pytest.raises(DemeanorError, match="demeanor export-base"):
            base_of(tuned, base)


def test_what_is_no_model_is_said(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DemeanorError, match="--adapter DIR, or --base DIR"):
        base_of(None, None)
    with pytest.raises(ModelFileError, match=r"no config\.json"):
        base_of(None, tmp_path / "empty")
    with pytest.raises(ModelFileError, match="PEFT adapter's folder"):
        base_of(tmp_path / "empty", None)


# What is run ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("rank", "allowed"), [(4, "8"), (16, "16"), (24, "32"), (64, "64")])
def test_the_adapter_is_served_beside_its_base(tmp_path, rank, allowed) -> None:
    base, tuned = model(tmp_path / "base"), adapter(tmp_path / "tuned", "base", rank)
    line = command_of(Served(Path("py"), base, tuned, 8123, ("--dtype", "bfloat16")))
    assert line[:3] == ["py", "-m", "vllm.entrypoints.openai.api_server"]
    told = dict(pairwise(line))
    assert told["--host"] == "127.0.0.1"
    assert told["--model"] == str(base)
    assert told["--lora-modules"] == f"demeanor={tuned}"
    assert told["--max-lora-rank"] == allowed
    assert "--enable-prefix-caching" in line
    assert int(told["--stream-interval"]) > 1
    assert line[-2:] == ["--dtype", "bfloat16"]


def test_without_an_adapter_the_base_bears_the_name(tmp_path) -> None:
    served = Served(Path("py"), model(tmp_path / "base"), None, 8123)
    line = command_of(served)
    assert line[line.index("--served-model-name") + 1] == "demeanor"
    assert "--enable-lora" not in line
    assert served.spec == "http://127.0.0.1:8123/v1#demeanor"


# How it is kept -------------------------------------------------------------------------------


class Child:
    """Ends when `codes` says so; there is no process of this number."""

    pid = 2**22 + 1  # above Linux' highest

    def __init__(self, *codes: int | None) -> None:
        self.codes = list(codes)

    def poll(self) -> int | None:
        return self.codes.pop(0) if self.codes else None

    def wait(self, timeout_s: float | None = None) -> int:
        return 0


class Scripted:
    """An engine over children that are given, and a clock that its waiting moves on."""

    def __init__(self, *children: Child, healthy_after: int = 0, ends_after: int = 1000) -> None:
        self.children, self.said, self.waited = list(children), [], []
        self.now_s, self.asked, self.stop = 0.0, 0, threading.Event()
        self.healthy_after, self.ends_after = healthy_after, ends_after
        self.engine = Engine(
            lambda: self.children.pop(0),
            self.is_healthy,
            self.said.append,
            self.stop,
            lambda: self.now_s,
            self.wait,
        )

    def is_healthy(self) -> bool:
        self.asked += 1
        return self.asked > self.healthy_after

    def wait(self, pause_s: float) -> bool:
        self.waited.append(pause_s)
        self.now_s += pause_s
        return len(self.waited) >= self.ends_after


def test_one_that_ends_while_it_starts_is_said() -> None:
    scripted = Scripted(Child(None, 7), healthy_after=10)
    with pytest.raises(DemeanorError, match="exit code 7"):
        scripted.engine.begin()


def test_one_that_never_answers_is_said() -> None:
    with pytest.raises(DemeanorError, match="within 3 s"):
        Scripted(Child(), healthy_after=1000).engine.begin(timeout_s=3.0)


#  child   1 ends   2 ends   3 ends    4 runs
#  pause      1        2        4
def test_pauses_double_while_it_keeps_ending_at_once() -> None:
    scripted = Scripted(Child(-9), Child(1), Child(1), Child(), ends_after=9)
    scripted.engine._launch()
    scripted.engine.keep()
    assert [s for s in scripted.waited if s != 0.5] == [1.0, 2.0, 4.0]
    assert scripted.children == []
    assert scripted.said[0] == "vLLM ended (exit code -9): started again in 1 s"


def test_after_a_steady_minute_pauses_begin_anew() -> None:
    steady = Child(*[None] * 200, 1)  # 200 looks, half a second apart
    scripted = Scripted(Child(1), steady, Child(), ends_after=206)
    scripted.engine._launch()
    scripted.engine.keep()
    assert [s for s in scripted.waited if s != 0.5] == [1.0, 1.0]


def test_a_child_is_ended_with_all_that_it_started() -> None:
    script = (
        "import subprocess, sys; s = subprocess.Popen([sys.executable, '-c', 'input()'],"
        "stdin=subprocess.PIPE); print(s.pid, flush=True); s.wait()"
    )
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True
    )
    assert int(child.stdout.readline()) > 0
    ended(child)
    assert child.returncode is not None
    assert child.stdout.read() == b""  # ends when nobody holds it any more: the grandchild neither


def test_it_makes_way_for_the_api(tmp_path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nsleep 0.3\nnice\n")
    program.chmod(0o755)
    said: list[str] = []
    served = Served(program, model(tmp_path / "base"), None, 1)
    with (
        pytest.raises(DemeanorError, match="ended while it started"),
        launched(served, lambda address: False, said.append, threading.Event()),
    ):
        pytest.fail("this is no server")
    wanted = f"vLLM: {os.getpriority(os.PRIO_PROCESS, 0) + 5}"
    for _ in range(100):  # its log is passed on by a thread
        if said[-1] == wanted:
            break
        time.sleep(0.1)
    assert said[-1] == wanted


def test_its_log_is_passed_on_and_its_end_is_said(tmp_path) -> None:
    """Our own Python has no vLLM: it says so and ends."""
    said: list[str] = []
    served = Served(Path(sys.executable), model(tmp_path / "base"), None, 1)
    stop = threading.Event()
    with (
        pytest.raises(DemeanorError, match="ended while it started"),
        launched(served, lambda address: False, said.append, stop),
    ):
        pytest.fail("there is no vLLM in this environment")
    assert stop.is_set()
    assert any("vllm" in line for line in said[1:])


def test_a_python_that_is_not_there_is_said(tmp_path) -> None:
    served = Served(tmp_path / "none", model(tmp_path / "base"), None, 1)
    with (
        pytest.raises(DemeanorError, match="no such program"),
        launched(served, lambda address: False, lambda line: None, threading.Event()),
    ):
        pytest.fail("there is no such program")
