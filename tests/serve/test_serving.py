"""`demeanor serve`: what it refuses, what it starts, and that nothing is left when it stops."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from processes import children_of, is_there
from typer.testing import CliRunner

from demeanor.explain.errors import DemeanorError
from demeanor.serve import serving
from demeanor.serve.cli import app
from demeanor.serve.serving import Plan, check, is_healthy, read_token


def told(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["serve", *arguments])
    return done.exit_code, done.output


def test_answers_do_not_wait_for_the_client_to_confirm() -> None:
    """asyncio turns Nagle's algorithm off where a socket says that it is TCP, nowhere else."""

    async def sent_at_once() -> int:
        met: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
        with serving._bound(serving.HERE, 0, "--port") as bound:
            server = await asyncio.start_server(lambda _, there: met.set_result(there), sock=bound)
            _, here = await asyncio.open_connection(*bound.getsockname())
            there = await asyncio.wait_for(met, 10)
            accepted = there.get_extra_info("socket")
            option: int = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            here.close()
            there.close()
            server.close()
        return option

    assert asyncio.run(sent_at_once())


# What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [[], ["--allow-remote"], ["--token-file", "TOKEN"]])
def test_another_address_needs_a_token_and_a_flag(tmp_path, more) -> None:
    (tmp_path / "token").write_text("a-token-that-is-long-enough\n")
    more = [str(tmp_path / "token") if part == "TOKEN" else part for part in more]
    code, output = told("--host", "0.0.0.0", "--no-page", *more)  # noqa: S104
    assert code == 2
    assert "--token-file and --allow-remote" in " ".join(output.split())


def test_with_both_another_address_is_let_through() -> None:
    check(Plan(host="0.0.0.0", page=False, token="x" * 16), allow_remote=True)  # noqa: S104


def test_a_camera_is_measured_on_its_own_machine_only() -> None:
    with pytest.raises(DemeanorError, match="stay on this machine"):
        check(Plan(host="0.0.0.0", token="x" * 16, webcam=True), allow_remote=True)  # noqa: S104
    check(Plan(page=False, webcam=True), allow_remote=False)


def test_a_taken_port_is_said_before_anything_is_loaded(tmp_path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        code, output = told("--port", port, "--no-page", "--data", str(tmp_path / "data"))
    assert code == 2
    assert f"127.0.0.1:{port} cannot be listened at" in output
    assert not (tmp_path / "data").exists()


def test_a_page_that_is_not_there_is_said(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(serving, "PAGE", tmp_path / "none.py")
    with pytest.raises(DemeanorError, match="--no-page"):
        check(Plan(), allow_remote=False)


@pytest.mark.parametrize("text", ["", "short", "with a line\nbreak", "ü" * 20, "a\tb" * 10])
def test_a_token_that_can_be_tried_out_is_refused(tmp_path, text) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(DemeanorError, match="token of at least 16"):
        read_token(path)
    with pytest.raises(DemeanorError, match="wanted a file with a token"):
        read_token(tmp_path / "none")


def test_a_token_is_the_first_line(tmp_path) -> None:
    (tmp_path / "token").write_text("a-token-that-is-long-enough \nmore\n")
    assert read_token(tmp_path / "token") == "a-token-that-is-long-enough"


def test_nobody_there_is_not_healthy() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not is_healthy(f"http://127.0.0.1:{free.getsockname()[1]}/health")


# Started and stopped ---------------------------------------------------------------------------


@pytest.fixture
def started(tmp_path, cache_home):
    """Starts `demeanor serve`; ends what a failed test left."""
    running = []

    def start(*more: str) -> tuple[subprocess.Popen, dict]:
        command = [sys.executable, "-m", "demeanor.serve.cli", "serve", "--json"]
        options = ["--port", "0", "--page-port", "0", "--face-backend", "mesh",
                   "--data", str(tmp_path / "data")]  # fmt: skip
        environment = {**os.environ, "XDG_CACHE_HOME": str(cache_home)}
        process = subprocess.Popen(  # noqa: S603
            [*command, *options, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        running.append(process)
        first = process.stdout.readline()
        assert first, process.stderr.read()
        return process, json.loads(first)

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@pytest.mark.parametrize(
    ("host", "near"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.0.0.5", "10.0.0.5")],  # noqa: S104
)
def test_the_page_reaches_an_api_that_listens_everywhere(host, near) -> None:
    assert serving._near(host) == near


def test_both_signals_are_a_wish_to_stop() -> None:
    before = signal.getsignal(signal.SIGTERM)
    for kind in (signal.SIGINT, signal.SIGTERM):
        with serving._signals() as stop:
            assert not stop.is_set()
            signal.raise_signal(kind)
            assert stop.is_set()
    assert signal.getsignal(signal.SIGTERM) == before


def test_api_and_page_answer_and_stop_with_nothing_left_while_somebody_is_served(
    started, long_clip
) -> None:
    pytest.importorskip("streamlit")
    process, where = started()
    assert is_healthy(f"{where['page']}/_stcore/health")
    (child,) = children_of(process.pid)
    with httpx.Client(base_url=where["api"], trust_env=False) as client:
        assert client.get("/health").json()["chat"] == "demeanor-mini"
        begun = client.post("/v1/sessions").json()
        client.headers["X-Demeanor-Session"] = begun["session_id"]
        clip = client.post("/v1/clips", files={"file": ("long.mp4", long_clip)}).json()
        wanted = {"clip_id": clip["clip_id"], "stream": True}
        with client.stream("POST", "/v1/explain", json=wanted) as answer:
            assert any("face" in line for line in answer.iter_lines())
            process.send_signal(signal.SIGTERM)
            assert process.wait(30.0) == 0
    assert not is_there(child)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{where['api']}/health", trust_env=False)


def test_a_page_that_ends_takes_the_rest_along_and_is_said(started) -> None:
    pytest.importorskip("streamlit")
    process, _ = started()
    (child,) = children_of(process.pid)
    os.kill(child, signal.SIGKILL)
    assert process.wait(30.0) == 1
    assert "the page has ended" in process.stderr.read()
