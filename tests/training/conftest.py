"""Tests that tune small models: `make test-training`. They need the extra `train`."""

import pytest

pytest.importorskip("trl", reason="the extra `train` is not installed: make test-training")

from demeanor.data_engine.finetune import finetune, prepare
from demeanor.data_engine.trainers import quietly
from demeanor.data_engine.tuning import load_tuning


@pytest.fixture(scope="session")
def tune():
    """Tunes by a config's name or file, quietly: (what was prepared, what came of it)."""

    def run(name, out, changes=(), tell=lambda stage, step, of: None):
        with quietly():
            prepared = prepare(load_tuning(name, changes), out)
            return prepared, finetune(prepared, tell)

    return run


@pytest.fixture(scope="session")
def tiny(tune, tmp_path_factory):
    """`demeanor finetune tiny-cpu`, as it is shipped; once for all tests that look at it."""
    return tune("tiny-cpu", tmp_path_factory.mktemp("tiny"))
