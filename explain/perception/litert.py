"""The one home of LiteRT: run a .tflite model on one image or array."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


class LiteModel:
    """A loaded model with one input. Calls share one buffer: copy an output to keep it."""

    def __init__(self, data: bytes | Path, n_threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        source = {"model_path": str(data)} if isinstance(data, Path) else {"model_content": data}
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")
            self._interpreter = Interpreter(num_threads=n_threads, **source)
            self._interpreter.allocate_tensors()
        (only,) = self._interpreter.get_input_details()
        self._input = only["index"]
        self.input_shape: tuple[int, ...] = tuple(only["shape"].tolist())
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]

    def __call__(self, x: np.ndarray) -> list[np.ndarray]:
        """All outputs, in the model's order. `x` has the input's shape, float32."""
        self._interpreter.set_tensor(self._input, x)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(i) for i in self._outputs]


@contextmanager
def _quiet() -> Iterator[None]:
    """LiteRT greets from C++ on the process' error stream each time; nobody needs to read it."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
