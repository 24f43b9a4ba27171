"""What our API costs in front of an engine, and how soon the first words of an explanation come.

    python -m benchmarks.serve --vllm-python build/vllm-venv/bin/python [--pairs 7] [--docs]
    python -m benchmarks.serve --chat mini [--only first]

Through `POST /v1/explain` of `demeanor serve --chat vllm` (the one route that hands a chat to the
engine: follow-up questions are looked up, not generated) against the very same requests sent
straight to the same vLLM, in pairs whose order alternates, at 1, 8 and 32 chats at once. The clip
was measured before. The models are small LLaMAs made here that say one well-formed reply, whatever
they are asked, with the arithmetic of any model of their shape: both sides generate the same
tokens. Time to first words is counted alike on both sides: until the reply's JSON has a word in it.

Engine, API and client share this machine's cores, so that all the API does is taken from the
engine. A limit is missed only where its interval lies beyond it. --docs writes the tables into
docs/serving.md.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.eval_runs import with_runs
from benchmarks.perception.tables import markdown
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.demo import demo_clip
from demeanor.explain.pipeline import load_front, observed, reason
from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.prototype import Prototype
from demeanor.explain.reasoning.remote import streaming_body
from demeanor.prompts import load_prompt
from demeanor.serve.engine import SERVED
from demeanor.serve.telling import Telling

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "serving.md"
LEAST_RATIO, MOST_LATER_MS = 0.95, 20.0
LEVELS = (1, 8, 32)
N_CHATS = {1: 2}  # of one run at a level; others: one each
TOKEN_CHARS = 5  # of a reply's token: about what vocabularies of today have in English
ENGINE = ("--dtype=bfloat16", "--max-model-len=8192", "--max-num-seqs=64", "--enforce-eager",
          "--block-size=128")  # fmt: skip
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "2",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",  # more of them wait for each other where the cores are shared
}
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MARKS = ("<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>")


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the model. More layers take longer, and the API's share of the whole gets smaller."""

    width: int = 256
    layers: int = 2
    heads: int = 4
    inner: int = 512


SHAPES = {"smallest": Shape(), "small": Shape(width=512, layers=8, heads=8, inner=1408)}


@dataclass(frozen=True, slots=True)
class Asked:
    """One chat: when its first word came and when it was over, from its sending on."""

    first_s: float
    whole_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """Chats of one side, at one level."""

    took_s: float
    chats: tuple[Asked, ...]
    cpu_ms: tuple[float, float] = (0.0, 0.0)  # per chat: of the API, of the engine

    @property
    def per_s(self) -> float:
        return len(self.chats) / self.took_s

    @property
    def first_s(self) -> float:
        return float(np.median([chat.first_s for chat in self.chats]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vllm-python", type=Path, default=ROOT / "build/vllm-venv/bin/python")
    parser.add_argument("--chat", default="mini", help="of the first explanation")
    parser.add_argument("--pairs", type=int, default=7, help="at least 7")
    parser.add_argument("--levels", type=int, nargs="+", default=LEVELS, help="chats at once")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--only", choices=("engine", "first"))
    parser.add_argument("--docs", action="store_true", help="write into docs/serving.md")
    args = parser.parse_args()
    if args.pairs < 7:
        parser.error("at least 7 pairs: fewer say nothing on a shared machine")
    tables = {}
    with tempfile.TemporaryDirectory(prefix="demeanor-bench-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # the clip is measured here, and nowhere else
        if args.only != "engine":
            tables["first"] = first_words(args.chat, args.pairs, Path(folder))
        if args.only != "first":
            tables["engine"] = against_the_engine(args, Path(folder))
    for name, text in tables.items():
        print(f"\n{text}\n", flush=True)
        if args.docs:
            write_docs(name, text)


def write_docs(name: str, text: str) -> None:
    begin = f"<!-- {name}: python -m benchmarks.serve --docs -->"
    end = f"<!-- end of {name} -->"
    page = with_runs(DOCS.read_text("utf-8"), f"{begin}\n{text}\n{end}", begin, end)
    DOCS.write_text(page, "utf-8")


# The first explanation --------------------------------------------------------------------------


def first_words(chat: str, n_times: int, folder: Path) -> str:
    """Of a clip that was measured before: right after the server's start, and from then on."""
    load_front("mesh").measure(demo_clip())
    cold, warm = [], []
    for number in range(n_times):
        with served(["--chat", chat], folder / f"first{number}") as (api, _):
            cold.append(asyncio.run(one_at_a_time(explaining(api), 1))[0].first_s)
            warm.append(asyncio.run(one_at_a_time(explaining(api), 3))[1].first_s)
    rows = [
        (f"`{chat}`, the first one after the server's start", *seconds(cold)),
        (f"`{chat}`, a new session later on", *seconds(warm)),
    ]
    return markdown(("first words of a cached clip", "median", "95% interval"), rows)


def seconds(found: Sequence[float]) -> tuple[str, str]:
    low, high = interval(np.array(found))
    return f"{np.median(found):.3f} s", f"{low:.3f} to {high:.3f} s"


# Against the engine -----------------------------------------------------------------------------


def against_the_engine(args: argparse.Namespace, folder: Path) -> str:
    reply, body = reply_and_request()
    rows, asked = [], ""
    for name in args.shapes:
        base = folder / name
        n_weights = write_model(base, reply, SHAPES[name])
        options = [f"--vllm-option={option}" for option in ENGINE]
        line = ["--chat", "vllm", "--base", str(base), "--vllm-python",
                str(args.vllm_python.absolute()), *options]  # fmt: skip
        with served(line, folder / f"served-{name}") as (api, process):
            leader, engine = engine_of(process)
            sides = {"api": explaining(api), "engine": straight(engine, body)}
            n_prompt, n_tokens = check_sides(sides, engine)
            pids = (process.pid, leader)
            for n in args.levels:
                row = level_row(sides, n, args.pairs, n_tokens, pids)
                rows.append((f"{n_weights / 1e6:.0f} million", *row))
        asked = f"{n_prompt} tokens asked (cached from the second time on), {n_tokens} answered"
    head = ("weights", "chats at once", "engine alone", "through the API", "ratio of throughput",
            "first words later by", "processor time a chat: engine, API",
            "within the limits")  # fmt: skip
    about = (
        f"LLaMAs that are small beside any that is used; {asked}; {os.cpu_count()} cores for all; "
        f"medians of {args.pairs} pairs, 95% intervals."
    )
    return f"{about}\n\n{markdown(head, rows)}"


def level_row(
    sides: dict[str, "Chat"], level: int, n_pairs: int, n_tokens: int, pids: tuple[int, int]
) -> tuple[str, ...]:
    pairs = []
    for number in range(n_pairs):
        order = list(sides) if number % 2 == 0 else list(sides)[::-1]
        pairs.append({name: asyncio.run(run(sides[name], level, pids)) for name in order})
        told = {name: f"{pairs[-1][name].per_s:.2f}/s" for name in sides}
        print(f"{level} at once, pair {number + 1}: {told}", file=sys.stderr, flush=True)
    ratio = np.array([p["api"].per_s / p["engine"].per_s for p in pairs])
    later_ms = np.array([1000 * (p["api"].first_s - p["engine"].first_s) for p in pairs])
    (low, high), (soon, late) = interval(ratio), interval(later_ms)
    speed = {n: np.median([p[n].per_s for p in pairs]) * n_tokens for n in sides}
    ours, theirs = (float(np.median([p["api"].cpu_ms[i] for p in pairs])) for i in (0, 1))
    missed = [
        *(["throughput"] if high < LEAST_RATIO else []),
        *(["first words"] if soon > MOST_LATER_MS else []),
    ]
    return (
        str(level),
        f"{speed['engine']:.0f} tokens/s",
        f"{speed['api']:.0f} tokens/s",
        f"{np.median(ratio):.2f} ({low:.2f} to {high:.2f})",
        f"{np.median(later_ms):.0f} ms ({soon:.0f} to {late:.0f})",
        f"{theirs:.0f} ms, {ours:.0f} ms",
        f"no: {', '.join(missed)}" if missed else "yes",
    )


def interval(values: np.ndarray) -> tuple[float, float]:
    """95% bootstrap interval of the median."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (2000, len(values))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def check_sides(sides: dict[str, "Chat"], engine: str) -> tuple[int, int]:
    """Both have the engine read and write the same, or the comparison is none. Also warms up."""
    asked = {}
    for name, chat in sides.items():
        asyncio.run(one_at_a_time(chat, 1))
        before = counts(engine)
        asyncio.run(one_at_a_time(chat, 1))
        asked[name] = [n - b for n, b in zip(counts(engine), before, strict=True)]
    if asked["api"] != asked["engine"]:
        raise SystemExit(f"the sides differ in tokens read and written: {asked}")
    n_read, n_written = asked["api"]
    return int(n_read), int(n_written)


def counts(engine: str) -> list[float]:
    """Tokens that were read and written since the engine's start."""
    text = httpx.get(f"{engine}/metrics", trust_env=False).text
    names = ("vllm:prompt_tokens_total", "vllm:generation_tokens_total")
    return [
        sum(float(row.rsplit(" ", 1)[1]) for row in text.splitlines() if row.startswith(f"{n}{{"))
        for n in names
    ]


# Two ways to ask --------------------------------------------------------------------------------

Chat = Callable[[httpx.AsyncClient], AsyncIterator[bytes]]


def explaining(api: str) -> Chat:
    """Events of /v1/explain in a session of its own; yields the first word, then the rest."""

    async def chat(client: httpx.AsyncClient) -> AsyncIterator[bytes]:
        begun = await client.post(f"{api}/v1/sessions")
        headers = {"X-Demeanor-Session": begun.json()["session_id"]}
        yield b""  # from here on it is timed
        wish = {"clip_id": "demo", "stream": True}
        ended = False
        async with client.stream("POST", f"{api}/v1/explain", json=wish, headers=headers) as told:
            if told.status_code != 200:
                raise SystemExit(f"{told.status_code}: {(await told.aread())[:500]!r}")
            seen = b""
            async for piece in told.aiter_raw():
                seen = seen[-40:] + piece
                ended = ended or b"event: result" in seen
                if b"event: text" in seen:
                    yield piece
        if not ended:
            raise SystemExit("the API ended a stream without a result")

    return chat


def straight(engine: str, body: bytes) -> Chat:
    """The same request to vLLM itself; read as JSON until its first word, then no more."""

    async def chat(client: httpx.AsyncClient) -> AsyncIterator[bytes]:
        yield b""
        words: list[str] = []
        telling, seen = Telling(words.append), b""
        headers = {"Content-Type": "application/json"}
        address = f"{engine}/v1/chat/completions"
        async with client.stream("POST", address, content=body, headers=headers) as told:
            if told.status_code != 200:
                raise SystemExit(f"{told.status_code}: {(await told.aread())[:500]!r}")
            async for piece in told.aiter_raw():
                if words:
                    seen = piece
                    yield piece
                    continue
                *rows, seen = (seen + piece).split(b"\n")
                for row in rows:
                    if row.startswith(b"data: {"):
                        delta = json.loads(row[6:])["choices"][0]["delta"]
                        telling(delta.get("content") or "")
                if words:
                    yield piece
        if b"[DONE]" not in seen:
            raise SystemExit("the engine ended a stream before its end")

    return chat


async def run(chat: Chat, level: int, pids: tuple[int, int]) -> Run:
    """So many at once, each asking again when it was answered."""
    n_each = max(1, N_CHATS.get(level, level) // level)
    before, begun_s = [cpu_ms(pid) for pid in pids], time.perf_counter()
    several = await asyncio.gather(*(one_at_a_time(chat, n_each) for _ in range(level)))
    took_s = time.perf_counter() - begun_s
    chats = tuple(asked for some in several for asked in some)
    ours, theirs = ((cpu_ms(pid) - was) / len(chats) for pid, was in zip(pids, before, strict=True))
    return Run(took_s, chats, (ours, theirs))


def cpu_ms(leader: int) -> float:
    """Processor time so far of a process with those of its group (/proc: fields 5, 14, 15)."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[2]) == leader or stat.parent.name == str(leader):
            ticks += int(fields[11]) + int(fields[12])
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


async def one_at_a_time(chat: Chat, n_chats: int) -> list[Asked]:
    found = []
    async with httpx.AsyncClient(timeout=600.0, trust_env=False) as client:
        for _ in range(n_chats):
            pieces = chat(client)
            await anext(pieces)
            begun_s = time.perf_counter()
            await anext(pieces)
            first_s = time.perf_counter() - begun_s
            async for _ in pieces:
                pass
            found.append(Asked(first_s, time.perf_counter() - begun_s))
    return found


# What is asked, and a model that answers it -----------------------------------------------------


class _Kept:
    """Stands for a model behind an address, and keeps what it is asked."""

    name, version, adapter, notes = SERVED, "", None, ()
    languages: frozenset[str] = frozenset()
    structured = reads_prompt = True

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def reply(self, request: Request) -> str:
        self.asked.append(request)
        return Prototype().reply(request)


def reply_and_request() -> tuple[str, bytes]:
    """A reply about the demo clip that can be read, a few claims long, and the body that makes
    vLLM say it: as our reasoner behind an address sends it."""
    kept = _Kept()
    reason(observed(load_front("mesh").measure(demo_clip())), kept, label_set("rafdb7"))
    (request,) = kept.asked
    told = json.loads(Prototype().reply(request))
    for part in ("observations", "interpretation"):
        told[part] = told[part][:2]
    body = streaming_body(SERVED, "", request, held=True)
    return json.dumps(told), json.dumps(body).encode()


def write_model(folder: Path, reply: str, shape: Shape) -> int:
    """How many weights it has. Each token of the reply occurs once in it, so that which one follows
    can stand in the last matrix; the layers compute what they would, and add 0."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    words = vocabulary()
    chain = [len(MARKS) - 1, *add_pieces(words, reply), 1]  # after <|assistant|>, until </s>
    n_words = len(words["model"]["vocab"])
    write_tokenizer(folder, words)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=n_words,
            hidden_size=shape.width,
            intermediate_size=shape.inner,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads,
            max_position_embeddings=8192,
            bos_token_id=0,
            eos_token_id=1,
        )
    )
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        known = model.model.embed_tokens.weight.normal_()
        model.lm_head.weight.zero_()
        for token, following in pairwise(chain):
            model.lm_head.weight[following] = known[token]
    model.to(torch.bfloat16).save_pretrained(folder)
    return sum(p.numel() for p in model.parameters())


def vocabulary() -> dict[str, Any]:
    """A tokenizer of our prompts, as `tokenizers` writes it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=list(MARKS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator([load_prompt(name).text for name in ("system", "explain")], trainer)
    told: dict[str, Any] = json.loads(words.to_str())
    return told


def add_pieces(words: dict[str, Any], reply: str) -> list[int]:
    """The reply cut into words that are in no merge, each longer where it was there before."""
    vocab, ids, rest = words["model"]["vocab"], [], reply.replace(" ", "Ġ")
    while rest:
        n_chars = TOKEN_CHARS
        while rest[:n_chars] in vocab and n_chars < len(rest):
            n_chars += 1
        vocab[rest[:n_chars]] = len(vocab)
        ids.append(vocab[rest[:n_chars]])
        rest = rest[n_chars:]
    return ids


def write_tokenizer(folder: Path, words: dict[str, Any]) -> None:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(words)),
        bos_token="<s>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        chat_template=TEMPLATE,
    ).save_pretrained(folder)


# `demeanor serve` -------------------------------------------------------------------------------


@contextmanager
def served(options: Sequence[str], folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Its API's address. What it logs is shown where it does not start."""
    folder.mkdir(parents=True)
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "demeanor.serve.cli", "serve", "--json", "--no-page",
             "--port", "0", "--face-backend", "mesh", "--data", str(folder / "data"), *options],
            stdout=subprocess.PIPE, stderr=log, text=True, env={**ENVIRONMENT, **os.environ},
        )  # fmt: skip
        try:
            told = process.stdout.readline() if process.stdout else ""
            if not told:
                raise SystemExit((folder / "log").read_text("utf-8")[-4000:])
            yield json.loads(told)["api"], process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120.0)


def engine_of(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """vLLM's process, and where it listens, as its command line says."""
    for threads in Path(f"/proc/{process.pid}/task").iterdir():
        for child in (threads / "children").read_text().split():
            line = Path(f"/proc/{child}/cmdline").read_bytes().decode().replace("\0", " ")
            if found := re.search(r"--port (\d+) --model", line):
                return int(child), f"http://127.0.0.1:{found[1]}"
    raise SystemExit("there is no engine among the children of demeanor serve")


if __name__ == "__main__":
    main()
