"""vLLM behind `demeanor serve`, as tests start it and look at it (make test-serving)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from processes import children_of

PYTHON = Path(os.environ.get("DEMEANOR_VLLM_PYTHON", "build/vllm-venv/bin/python"))
OPTIONS = ("--enforce-eager", "--dtype=bfloat16", "--max-model-len=8192", "--block-size=128")
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",  # two of them wait for each other where the cores are shared
}


def write_adapter(base: Path, folder: Path) -> Path:
    """A small random one. Its folder's name is the adapter's."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    kind = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), kind).save_pretrained(folder)
    return folder


@contextmanager
def serving(
    adapter: Path, folder: Path, options: Sequence[str]
) -> Iterator[tuple[subprocess.Popen, dict[str, Any]]]:
    """`demeanor serve --chat vllm`, with the addresses that it told."""
    assert PYTHON.is_file(), f"{PYTHON} is not there: make test-serving makes it"
    passed = [part for option in OPTIONS for part in ("--vllm-option", option)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "demeanor.serve.cli", "serve", "--json", "--port", "0",
             "--face-backend", "mesh", "--data", str(folder / "data"), "--chat", "vllm",
             "--adapter", str(adapter), "--vllm-python", str(PYTHON.absolute()),
             *options, *passed],
            stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **ENVIRONMENT},
        )  # fmt: skip
    try:
        told = process.stdout.readline() if process.stdout else ""
        assert told, (folder / "log").read_text()[-3000:]
        yield process, json.loads(told)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(90.0)
            except subprocess.TimeoutExpired:
                process.kill()
        process.communicate()


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
