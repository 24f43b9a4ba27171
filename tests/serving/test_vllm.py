"""vLLM behind `demeanor serve --chat vllm`, with a tiny random model and a tiny random adapter:
what it says means nothing, and the whole way to it and back is the real one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demeanor.prompts import load_prompt

PYTHON = Path(os.environ.get("DEMEANOR_VLLM_PYTHON", "build/vllm-venv/bin/python"))
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SETTINGS = """
timeline:
  max_tokens: 500
reasoning:
  max_reply_tokens: 48
  timeout_s: 300.0
"""
OPTIONS = ("--enforce-eager", "--dtype=bfloat16", "--max-model-len=8192", "--block-size=128")
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "2",
}


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator([load_prompt(name).text for name in ("system", "explain")], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token="<s>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        chat_template=TEMPLATE,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=1024,
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=8192,
            bos_token_id=0,
            eos_token_id=1,
        )
    )
    folder: Path = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer.save_pretrained(folder)
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapter(base, tmp_path_factory) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    kind = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    folder: Path = tmp_path_factory.mktemp("adapters") / "tuned"
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), kind).save_pretrained(folder)
    return folder


def in_session(sid: int) -> list[int]:
    """Processes of one session (/proc: stat's sixth field), the dead left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == sid and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def children_of(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children")
    threads = told.parent.parent.glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


@pytest.fixture(scope="module")
def served(base, adapter, tmp_path_factory) -> Iterator[tuple[subprocess.Popen, str]]:
    assert PYTHON.is_file(), f"{PYTHON} is not there: make test-serving makes it"
    folder = tmp_path_factory.mktemp("served")
    (folder / "settings.yaml").write_text(SETTINGS)
    options = [part for option in OPTIONS for part in ("--vllm-option", option)]
    log = (folder / "log").open("w")
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "demeanor.serve.cli", "serve", "--json", "--no-page", "--port", "0",
         "--face-backend", "mesh", "--data", str(folder / "data"), "--chat", "vllm",
         "--adapter", str(adapter), "--settings", str(folder / "settings.yaml"),
         "--vllm-python", str(PYTHON.absolute()), *options],
        stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **ENVIRONMENT},
    )  # fmt: skip
    told = process.stdout.readline()
    assert told, (folder / "log").read_text()[-3000:]
    yield process, json.loads(told)["api"]
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def client(served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served[1], trust_env=False, timeout=600.0) as client:
        begun = client.post("/v1/sessions").json()
        client.headers["X-Demeanor-Session"] = begun["session_id"]
        yield client


def engine_of(process: subprocess.Popen) -> tuple[int, str]:
    """The engine's process, and its address."""
    for child in children_of(process.pid):
        line = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        if "--port" in line:
            return child, f"http://127.0.0.1:{line[line.index('--port') + 1]}"
    raise AssertionError("there is no engine")


def count(address: str, name: str) -> float:
    text = httpx.get(f"{address}/metrics", trust_env=False).text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


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
        for question in ("When does she smile?", "What if f9 had not been there?"):
            stream = asking.chat.completions.create(
                model="demeanor",
                messages=[{"role": "user", "content": question}],
                stream=True,
                extra_body={"clip_id": "demo"},
            )
            deltas = [chunk.choices[0].delta for chunk in stream]
            assert "f9" in "".join(delta.content or "" for delta in deltas)
            assert "f9" in deltas[-1].demeanor["cites"]
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
    assert in_session(engine)
    process.send_signal(signal.SIGTERM)
    assert process.wait(90.0) == 0
    for _ in range(100):  # a killed process is gone a moment later
        if not in_session(engine):
            break
    assert in_session(engine) == []
