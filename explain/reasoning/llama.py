"""A small LLaMA run one token at a time: what `mini.py` needs, and quick to start.

transformers runs the same folder, and the tests hold this against it; but importing it takes
longer than a whole explanation does here, and its `generate` spends most of a small model's time
around the model. Weights are float32: processors without bfloat16 are slower with it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

from demeanor.explain.errors import ModelFileError

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """Matrices as they are multiplied: query, key and value in one, gate and up in one."""

    before: torch.Tensor  # norms (d,)
    between: torch.Tensor
    qkv: torch.Tensor  # (3d, d)
    out: torch.Tensor  # (d, d)
    gate_up: torch.Tensor  # (2m, d)
    down: torch.Tensor  # (d, m)


class SmallLlama:
    """Weights and shapes of one model. Holds no text: see `Reading`."""

    def __init__(self, folder: Path) -> None:
        from safetensors.torch import load_file

        try:
            config = json.loads((folder / CONFIG).read_text("utf-8"))
            weights = {k: v.float() for k, v in load_file(folder / WEIGHTS).items()}
        except (OSError, ValueError) as error:
            raise ModelFileError(
                f"{folder}: wanted {CONFIG} and {WEIGHTS} of a LLaMA, found {error}. "
                "Install demeanor anew"
            ) from error
        _check(config, folder)
        self.heads: int = config["num_attention_heads"]
        self.width: int = config["hidden_size"]
        self.eps: float = config["rms_norm_eps"]
        self.positions: int = config["max_position_embeddings"]
        self.embedding = weights["model.embed_tokens.weight"]  # (vocabulary, d), tied
        self.norm = weights["model.norm.weight"]
        self.layers = [_layer(weights, n) for n in range(config["num_hidden_layers"])]
        self.rope = _rope(self.positions, self.width // self.heads, _theta(config))

    @property
    def n_tokens(self) -> int:
        return len(self.embedding)


class Reading:
    """What a model has read so far. `read` adds to it, `cut` forgets the end of it."""

    def __init__(self, model: SmallLlama) -> None:
        self.model, self.n_read = model, 0
        shape = (len(model.layers), model.heads, model.positions, model.width // model.heads)
        self._keys, self._values = torch.empty(shape), torch.empty(shape)

    @torch.inference_mode()
    def read(self, ids: Sequence[int]) -> torch.Tensor:
        """Logits of what follows each of `ids`: (n, vocabulary)."""
        model, start = self.model, self.n_read
        stop = start + len(ids)
        if stop > model.positions:
            raise ValueError(f"{stop} tokens; this model reads {model.positions}")
        x = model.embedding[torch.tensor(list(ids))]
        turn = model.rope[:, start:stop]
        mask = None
        if len(ids) > 1:  # each sees what stands before it
            mask = torch.ones(len(ids), stop, dtype=torch.bool).tril(start)
        for number, layer in enumerate(model.layers):
            x = x + self._attended(number, layer, x, turn, mask)
            gate, up = (
                rms_norm(x, x.shape[-1:], layer.between, model.eps) @ layer.gate_up.T
            ).chunk(2, dim=-1)
            x = x + (silu(gate) * up) @ layer.down.T
        self.n_read = stop
        return rms_norm(x, x.shape[-1:], model.norm, model.eps) @ model.embedding.T

    def cut(self, n_read: int) -> None:
        self.n_read = n_read

    def _attended(
        self, number: int, layer: _Layer, x: torch.Tensor, turn: torch.Tensor, mask: Any
    ) -> torch.Tensor:
        model, start, stop = self.model, self.n_read, self.n_read + len(x)
        qkv = rms_norm(x, x.shape[-1:], layer.before, model.eps) @ layer.qkv.T
        q, k, v = qkv.view(len(x), 3, model.heads, -1).permute(1, 2, 0, 3)
        self._keys[number, :, start:stop] = _turned(k, turn)
        self._values[number, :, start:stop] = v
        seen = scaled_dot_product_attention(
            _turned(q, turn)[None],
            self._keys[number, :, :stop][None],
            self._values[number, :, :stop][None],
            attn_mask=mask,
        )[0]
        return seen.transpose(0, 1).reshape(len(x), -1) @ layer.out.T


def _layer(weights: dict[str, torch.Tensor], number: int) -> _Layer:
    def named(name: str) -> torch.Tensor:
        return weights[f"model.layers.{number}.{name}.weight"]

    return _Layer(
        named("input_layernorm"),
        named("post_attention_layernorm"),
        torch.cat([named(f"self_attn.{part}_proj") for part in "qkv"]),
        named("self_attn.o_proj"),
        torch.cat([named("mlp.gate_proj"), named("mlp.up_proj")]),
        named("mlp.down_proj"),
    )


def _check(config: dict[str, Any], folder: Path) -> None:
    """Only what this file computes; anything else would be run wrongly without a word."""
    wanted: dict[str, Any] = {
        "model_type": "llama",
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "num_key_value_heads": config.get("num_attention_heads"),
    }
    other = {k: config.get(k) for k, v in wanted.items() if config.get(k) != v}
    if other:
        raise ModelFileError(
            f"{folder}: a LLaMA as demeanor-mini is one was wanted, found {other}. "
            f"Other models run with --chat local:{folder}"
        )


def _theta(config: dict[str, Any]) -> float:
    rope = config.get("rope_parameters") or config
    return float(rope.get("rope_theta", 10000.0))


def _rope(positions: int, width: int, theta: float) -> torch.Tensor:
    """(2, positions, width): cosines and sines, each half twice, as LLaMA turns its heads."""
    rates = theta ** -(torch.arange(0, width, 2).float() / width)
    angles = torch.arange(positions).float()[:, None] * rates
    angles = torch.cat([angles, angles], dim=-1)
    return torch.stack([angles.cos(), angles.sin()])


def _turned(x: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * turn[0] + torch.cat([-second, first], dim=-1) * turn[1]
