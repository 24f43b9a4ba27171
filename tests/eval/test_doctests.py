"""The worked examples in the docstrings are true."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "demeanor.eval",
    "demeanor.eval.calibration",
    "demeanor.eval.ew",
    "demeanor.eval.signature",
    "demeanor.eval.words",
)


@pytest.mark.parametrize("name", MODULES)
def test_worked_examples(name):
    done = doctest.testmod(import_module(name))
    assert done.attempted > 0
    assert done.failed == 0
