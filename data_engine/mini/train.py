"""Makes demeanor-mini from nothing: a small LLaMA, its batches, and steps until the time is up.

Matrices are stepped by Muon (orthogonalised momentum), which gets further in few steps; embeddings
and norms by AdamW. It begins with lessons of a few lines: finding a line again by its id is learnt
first, and everything else stands on it. The rate is warmed up and falls to zero at the end, after
so many minutes or, to have the same model again, after so many steps.
"""

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demeanor.data_engine.mini.batches import Batch, Encoded, batches


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the model; sizes are in hidden units."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    inner: int = 704
    positions: int = 2048
    theta: float = 1e6  # slow rotations: what is copied may stand far back


@dataclass(frozen=True, slots=True)
class Steps:
    minutes: float = 60.0
    steps: int | None = None  # instead of the minutes
    batch_tokens: int = 3072  # Muon takes 0.3 s a step on two cores, a third of one of 2048
    rate: float = 4e-3
    warmup: float = 0.03  # share of the whole
    first: float = 0.1  # share in which only the first lessons are read
    seed: int = 0
    threads: int = 1


Tell = Callable[[float, int, float], None]  # share of the whole, steps, mean loss


def new_model(shape: Shape, n_tokens: int, end: int, pad: int, seed: int) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=n_tokens,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=shape.positions,
        rope_parameters={"rope_type": "default", "rope_theta": shape.theta},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        attn_implementation="sdpa",
    )
    return LlamaForCausalLM(config)


def read_model(folder: Path) -> Any:
    import torch
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")


def train(
    model: Any, rows: Sequence[Encoded], steps: Steps, folder: Path, tell: Tell = lambda *_: None
) -> dict[str, Any]:
    """Steps until the end; how it went is written into `folder`/training.jsonl."""
    import torch

    torch.set_num_threads(steps.threads)
    optimizers = _optimizers(model, steps.rate)
    draw = random.Random(steps.seed)  # noqa: S311 order of batches
    model.train()
    started, lately, n_steps, n_seen = time.monotonic(), 0.0, 0, 0
    with (folder / "training.jsonl").open("w", encoding="utf-8") as log:
        first = [row for row in rows if row.first] or rows
        rest = [row for row in rows if not row.first] or rows
        early, late = (_endless(part, steps.batch_tokens, draw) for part in (first, rest))
        while (share := _share(steps, n_steps, time.monotonic() - started)) < 1.0:
            batch = next(early if share < steps.first else late)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["most"] * _rate(share, steps.warmup)
            loss = _step(model, batch, optimizers)
            n_steps, n_seen = n_steps + 1, n_seen + int(batch.learnt.numel())
            lately = loss if n_steps == 1 else 0.98 * lately + 0.02 * loss
            if n_steps % 50 == 0:
                line = {"step": n_steps, "share": round(share, 4), "loss": round(lately, 4)}
                log.write(json.dumps({**line, "tokens": n_seen}) + "\n")
                log.flush()
                tell(share, n_steps, lately)
    model.eval()
    done = {"tokens": n_seen, "loss": round(lately, 4), **asdict(steps), "steps": n_steps}
    return {**done, "seconds": round(time.monotonic() - started, 1)}


def _share(steps: Steps, n_steps: int, seconds: float) -> float:
    return n_steps / steps.steps if steps.steps else seconds / (60 * steps.minutes)


def loss_of(model: Any, batch: Batch) -> Any:
    """Mean over tokens of replies, as far as they count, each told by what stands before it."""
    from torch.nn.functional import cross_entropy

    hidden = model.model(
        input_ids=batch.ids, position_ids=batch.positions, attention_mask=batch.mask
    ).last_hidden_state
    wanted = batch.learnt[:, 1:] > 0
    losses = cross_entropy(
        model.lm_head(hidden[:, :-1][wanted]), batch.ids[:, 1:][wanted], reduction="none"
    )
    counts = batch.learnt[:, 1:][wanted].float()
    return (losses * counts).sum() / counts.sum()


def _step(model: Any, batch: Batch, optimizers: Sequence[Any]) -> float:
    import torch

    loss = loss_of(model, batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def _optimizers(model: Any, rate: float) -> list[Any]:
    import torch

    hidden = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    taken = {id(p) for p in hidden}
    rest = [p for p in model.parameters() if id(p) not in taken]
    from demeanor.data_engine.mini.muon import Muon

    found = [Muon(hidden, rate), torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98))]
    for optimizer in found:
        for group in optimizer.param_groups:
            group["most"] = rate
    return found


def _rate(share: float, warmup: float) -> float:
    if share < warmup:
        return share / warmup
    return 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))


def _endless(rows: Sequence[Encoded], n_tokens: int, draw: random.Random) -> Iterator[Batch]:
    while True:
        yield from batches(rows, n_tokens, draw)
