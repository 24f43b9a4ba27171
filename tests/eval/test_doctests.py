"""The worked examples in the docstrings are true."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

MODULES = (
    "demeanor.eval",
    "demeanor.eval.calibration",
    "demeanor.eval.ew",
    "demeanor.eval.extraction",
    "demeanor.eval.judge",
    "demeanor.eval.overlap",
    "demeanor.eval.regression",
    "demeanor.eval.signature",
    "demeanor.eval.tasks.kinds",
    "demeanor.eval.words",
    "demeanor.explain.corpora.mapping",
    "demeanor.explain.corpora.mer",
    "demeanor.explain.corpora.micro",
)


@pytest.mark.parametrize("name", MODULES)
def test_worked_examples(name):
    done = doctest.testmod(import_module(name))
    assert done.attempted > 0
    assert done.failed == 0


def test_the_examples_of_the_documentation():
    page = Path(__file__).resolve().parents[2] / "docs" / "evaluation.md"
    done = doctest.testfile(str(page), module_relative=False)
    assert done.attempted > 0
    assert done.failed == 0
