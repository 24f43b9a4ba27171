"""vLLM behind `demeanor serve --chat vllm`, with a tiny random model and a tiny random adapter:
what it says means nothing, and the whole way to it and back is the real one."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from processes import in_group
from tiny_llama import write_tiny_llama
from vllm_process import count, engine_of, serving, write_adapter

SETTINGS = """
timeline:
  max_tokens: 500
reasoning:
  max_reply_tokens: 48
  timeout_s: 300.0
"""


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("models") / "tiny"
    return write_tiny_llama(folder, n_tokens=1024, width=128, positions=8192, dtype="bfloat16")


@pytest.fixture(scope="module")
def served(base, tmp_path_factory) -> Iterator[tuple[subprocess.Popen, str]]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "settings.yaml").write_text(SETTINGS)
    adapter = write_adapter(base, folder / "tuned")
    options = ("--no-page", "--settings", str(folder / "settings.yaml"))
    with serving(adapter, folder, options) as (process, told):
        yield process, told["api"]


@pytest.fixture(scope="module")
def client(served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served[1], trust_env=False, timeout=600.0) as client:
        begun = client.post("/v1/sessions").json()
        client.headers["X-Demeanor-Session"] = begun["session_id"]
        yield client


def test_words_come_as_they_are_said_and_the_adapter_is_in_the_provenance(client) -> None:
    wanted = {"clip_id": "demo", "stream": True}
    said, result = [], {}
    with client.stream("POST", "/v1/explain", json=wanted) as answer:
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == "text":
                said.append(json.loads(line.removeprefix("data: "))["delta"])
            elif line.startswith("data: ") and name in ("result", "error"):
                result = json.loads(line.removeprefix("data: "))
    assert said
    (told,) = result["result"]["explanations"]
    assert told["provenance"]["model"] == "demeanor"
    assert told["provenance"]["adapter"] == "tuned"
    assert told["raw_reply"]


def test_the_same_timeline_is_read_once(served, client) -> None:
    _, address = engine_of(served[0])
    client.post("/v1/explain", json={"clip_id": "demo"})
    before = count(address, "vllm:prefix_cache_hits_total")
    client.post("/v1/explain", json={"clip_id": "demo"})
    assert count(address, "vllm:prefix_cache_hits_total") > before


def test_openai_s_client_chats_and_history_is_kept(served, client) -> None:
    import openai

    headers = {"X-Demeanor-Session": client.headers["X-Demeanor-Session"]}
    with openai.OpenAI(
        base_url=f"{served[1]}/v1", api_key="none", default_headers=headers,
        http_client=httpx.Client(trust_env=False, timeout=300.0),
    ) as asking:  # fmt: skip
        for question in ("When does she smile?", "What if f11 had not been there?"):
            stream = asking.chat.completions.create(
                model="demeanor",
                messages=[{"role": "user", "content": question}],
                stream=True,
                extra_body={"clip_id": "demo"},
            )
            deltas = [chunk.choices[0].delta for chunk in stream]
            assert "f11" in "".join(delta.content or "" for delta in deltas)
            assert "f11" in deltas[-1].demeanor["cites"]
    assert len(client.get("/v1/clips/demo/turns").json()["data"]) == 4


def test_a_killed_engine_is_said_and_started_again_and_history_is_kept(served, client) -> None:
    process, _ = served
    engine, address = engine_of(process)
    os.killpg(engine, signal.SIGKILL)
    lost = client.post("/v1/explain", json={"clip_id": "demo", "labels": "ekman6"})
    assert lost.status_code == 502
    assert "could not be reached" in lost.json()["error"]["message"]
    assert len(client.get("/v1/clips/demo/turns").json()["data"]) == 4
    for _ in range(600):  # as long as it starts: a minute
        again = client.post("/v1/explain", json={"clip_id": "demo", "labels": "ekman6"})
        if again.status_code == 200:
            break
    assert again.json()["result"]["explanations"][0]["label_set"] == "ekman6"
    assert engine_of(process)[0] != engine
    assert engine_of(process)[1] == address


def test_it_stops_and_nothing_is_left(served) -> None:
    process, _ = served
    engine, _ = engine_of(process)
    assert len(in_group(engine)) > 1  # its workers too
    process.send_signal(signal.SIGTERM)
    assert process.wait(90.0) == 0
    for _ in range(100):  # a killed process is gone a moment later
        if not in_group(engine):
            break
    assert in_group(engine) == []
