"""Muon (Jordan et al. 2024): momentum of a matrix, made nearly orthogonal by Newton-Schulz steps.

torch has it as well (torch.optim.Muon), in bfloat16 throughout: on processors without that format
its steps took a third of the time here. This one computes in float32, and scales as that one does
with adjust_lr_fn="match_rms_adamw" (Liu et al. 2025), so that a rate fits both kinds of weights.
"""

from collections.abc import Iterable
from typing import Any

import torch

_A, _B, _C = 3.4445, -4.7750, 2.0315  # the published quintic
_N_STEPS, _MOMENTUM, _DECAY = 5, 0.95, 0.05


class Muon(torch.optim.Optimizer):
    def __init__(self, weights: Iterable[Any], rate: float) -> None:
        super().__init__(weights, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """weights: (m, n) each, with a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                mean = state.setdefault("mean", torch.zeros_like(weight))
                mean.lerp_(weight.grad, 1 - _MOMENTUM)
                ahead = weight.grad.lerp(mean, _MOMENTUM)
                weight.mul_(1 - group["lr"] * _DECAY)
                scale = 0.2 * max(weight.shape) ** 0.5
                weight.add_(_orthogonal(ahead), alpha=-group["lr"] * scale)


def _orthogonal(matrix: Any) -> Any:
    """Oblong ones by their square, which is smaller: what they are multiplied with is gathered."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    if x.shape[0] == x.shape[1]:
        for _ in range(_N_STEPS):
            x = _factor(x @ x.T) @ x
        return x
    square = x @ x.T
    whole = factor = _factor(square)
    for _ in range(_N_STEPS - 1):
        square = factor @ square @ factor
        factor = _factor(square)
        whole = factor @ whole
    x = whole @ x
    return x.T if tall else x


def _factor(square: Any) -> Any:
    found = torch.addmm(square, square, square, beta=_B, alpha=_C)
    found.diagonal().add_(_A)
    return found
