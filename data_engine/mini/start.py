"""What demeanor-mini's weights begin as: copying behind an id, and what words lean to.

Small models come to copy what stood behind the same token by way of two heads in a row (Olsson et
al. 2022, induction heads), which form late. So these heads are set here before the first step, by
hand: in layer 0 one looks at the token before, one at the id of the line; in layer 1 one looks for
the same token under the same id, one for the same token anywhere, and both tell what came next.
They are weights like all others and are trained on; all the rest begins at random. Of the tokens
of first lessons that it had not read .56 were told rightly before the first step and .89 after
98,000 tokens, .00 and .69 without these heads; of decimals .9 against .1 (one seed each; 270
decimals).

Put in later (the figures above are without them): in layer 0, a head that takes the mean of what
the words lean to (leanings.py), to which the tokens of labels answer; in layer 1, one that looks
from behind a unit that a pattern names, `AU12 [`, to the line that shows it, and tells its id.
Without that one, a model of 12.5 million tokens named the wrong line in nearly every claim of
drawn clips that was not grounded (48 of 48 in 24 lively ones), and else hardly a wrong fact.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from demeanor.data_engine.mini.train import Shape

_CONSTANT, _FLAG = 0, 255  # coordinates of embeddings: alike for all tokens; tells ids
_SIZE = 0.1  # of those two; other coordinates are drawn with 0.02
_DRAWN = 0.02  # as transformers draws them
_TOKEN = range(1, 37)  # coordinates that tell a token from others
_LEANS = range(37, 65)  # what it leans to, a label each
_TOLD = range(65, 129)  # those that are copied on: what comes next
_BEFORE = range(129, 165)  # where the token before is noted
_LINE = range(165, 201)  # where the id of the line is noted
_MEAN = range(201, 229)  # where the mean of that is noted
_BEHIND = 229  # whether the token before is an id
_QUIET = 0.2  # how loud a token itself is where others are noted
_HUSHED = 0.1  # what all else adds to a token at first: else it drowns what is noted
_SHARP_BEFORE, _SHARP_LINE, _SHARP_SAME, _TELLS = 11.0, 5.0, 2.4, 0.1
_SHARP_BEHIND, _NAMES = 1.5, 0.3
_LEANING, _MEANS, _ANSWERS = 0.02, 1.5, 0.3  # sizes in embedding, note and answering label
_NEAR = (1.0, 1.0, 1.0, 0.6, 0.6)  # of rotations, from the fastest: they tell neighbours apart
_LINE_ROTATION, _SLOW_ROTATION = (0.025, 0.13), 0.0026  # radians per token


def fits(shape: Shape) -> bool:
    """Smaller ones, as tests make them, begin at random."""
    return shape.width > _FLAG and shape.width // shape.heads == len(_TOLD) and shape.layers > 1


def put_in(model: Any, ids: Iterable[int]) -> None:
    """Sets five heads of `model` (LlamaForCausalLM). ids: tokens that close an id (`f3] `)."""
    import torch

    with torch.no_grad():
        embedding = model.model.embed_tokens.weight
        embedding[:, _CONSTANT], embedding[:, _FLAG] = _SIZE, -_SIZE
        embedding[:, list(_TOKEN)] = _DRAWN * embedding[:, list(_TOKEN)].sign()
        embedding[:, list(_BEFORE)] *= _QUIET
        embedding[:, list(_LINE)] *= _QUIET
        embedding[:, _BEHIND] *= _QUIET
        embedding[list(ids), _FLAG] = _SIZE
        for layer in model.model.layers:
            for weight in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):
                weight *= _HUSHED
        norm = float(embedding.pow(2).mean(-1).sqrt().mean())
        first, second = (_Heads(model, layer) for layer in (0, 1))
        for heads in (first, second):
            heads.clear(0)
            heads.clear(1)
        second.clear(2)
        _look_before(first, _SIZE / norm)
        _look_at_line(first, _SIZE / norm)
        for head, noted in ((0, _BEFORE), (1, _LINE)):
            first.pass_on(head, _TOKEN, noted, norm)
        slow = second.rotations(0.0, _SLOW_ROTATION)
        both = [*slow, *(r + second.size // 2 for r in slow)][: len(_TOKEN)]
        half = len(both) // 2
        second.match(0, both[:half], _LINE, _LINE)
        second.match(0, both[half:], _TOKEN, _BEFORE)
        second.match(1, both, _TOKEN, _BEFORE)
        first.pass_on(0, [_FLAG], [_BEHIND], norm)
        second.match(2, both[:-1], _BEFORE, _TOKEN)
        second.prefer(2, both[-1], _BEHIND, _SHARP_BEHIND)
        for head in (0, 1):
            second.pass_on(head, _TOLD, _TOLD, _TELLS)
        second.pass_on(2, _LINE, _TOKEN, _NAMES)


def put_in_words(model: Any, leanings: np.ndarray, labels: Sequence[int]) -> None:
    """After `put_in`. leanings: (tokens, labels); labels: the token that each label begins with."""
    import torch

    n = len(labels)
    with torch.no_grad():
        embedding = model.model.embed_tokens.weight
        embedding[:, list(_LEANS)[:n]] = _LEANING * torch.from_numpy(leanings).to(embedding.dtype)
        embedding[:, list(_MEAN)] *= _QUIET
        embedding[list(labels), list(_MEAN)[:n]] = _ANSWERS
        first = _Heads(model, 0)
        first.look_everywhere(2)
        first.pass_on(2, _LEANS, _MEAN, _MEANS)


class _Heads:
    """One layer's attention, by head. `rates`: how far each pair of coordinates turns a token."""

    def __init__(self, model: Any, layer: int) -> None:
        attention = model.model.layers[layer].self_attn
        self.q, self.k, self.v, self.o = (
            getattr(attention, f"{part}_proj").weight for part in "qkvo"
        )
        self.size = model.config.hidden_size // model.config.num_attention_heads
        theta = model.config.rope_parameters["rope_theta"]
        half = self.size // 2
        self._passed: dict[int, int] = {}  # coordinates of each head that are taken
        self.rates = [theta ** (-n / half) for n in range(half)]

    def clear(self, head: int) -> None:
        own = slice(head * self.size, (head + 1) * self.size)
        for part in (self.q, self.k, self.v):
            part[own] = 0.0
        self.o[:, own] = 0.0

    def look_everywhere(self, head: int) -> None:
        """Queries stay as they were drawn: training can sharpen what it looks at."""
        own = slice(head * self.size, (head + 1) * self.size)
        self.k[own] = self.v[own] = 0.0
        self.o[:, own] = 0.0

    def rotations(self, least: float, most: float) -> list[int]:
        return [n for n, rate in enumerate(self.rates) if least < rate < most]

    def match(self, head: int, rows: Sequence[int], mine: range, theirs: range) -> None:
        """Looks for tokens whose coordinates `theirs` are as one's own in `mine`."""
        for row, own, other in zip(rows, mine, theirs, strict=False):
            self.q[head * self.size + row, own] = _SHARP_SAME
            self.k[head * self.size + row, other] = _SHARP_SAME

    def prefer(self, head: int, row: int, theirs: int, sharp: float) -> None:
        """Tokens that have much in this coordinate."""
        self.q[head * self.size + row, _CONSTANT] = sharp
        self.k[head * self.size + row, theirs] = sharp

    def pass_on(self, head: int, read: Sequence[int], noted: Sequence[int], size: float) -> None:
        """Adds what is read of the token looked at, `size` times, to where it is noted."""
        free = self._passed.get(head, 0)
        self._passed[head] = free + len(read)
        for k, (source, goal) in enumerate(zip(read, noted, strict=True), start=free):
            self.v[head * self.size + k, source] = 1.0
            self.o[goal, head * self.size + k] = size


def _look_before(heads: _Heads, constant: float) -> None:
    """Head 0: one turn of the positions ahead, so that it fits the token before best."""
    sharp = _SHARP_BEFORE / constant
    for n, (rate, share) in enumerate(zip(heads.rates, _NEAR, strict=False)):
        heads.q[n, _CONSTANT] = sharp * share
        heads.k[n, _CONSTANT] = sharp * math.cos(rate)
        heads.k[n + heads.size // 2, _CONSTANT] = sharp * math.sin(rate)


def _look_at_line(heads: _Heads, constant: float) -> None:
    """Head 1: ids only, near ones best."""
    for n in heads.rotations(*_LINE_ROTATION):
        heads.q[heads.size + n, _CONSTANT] = _SHARP_LINE / constant
        heads.k[heads.size + n, _FLAG] = _SHARP_LINE / constant
