"""Errors say what was wanted, what was found and what to do, and the tree is the one drawn."""

import inspect
from pathlib import Path

import pytest

from demeanor.explain import errors
from demeanor.explain.errors import DemeanorError, MissingExtra, NotMedia, UnknownName


def test_a_clip_error_names_the_clip_and_the_remedy():
    error = NotMedia(Path("a/b.mp4"), "the file is empty", "Copy it again")
    assert str(error) == f"{Path('a/b.mp4')}: the file is empty. Copy it again"
    assert isinstance(error, errors.ClipError)
    assert error.path == Path("a/b.mp4")


def test_a_missing_package_comes_with_its_command():
    error = MissingExtra("Transcribing speech", package="faster_whisper", extra="whisper")
    assert str(error) == (
        "Transcribing speech needs faster_whisper. "
        "Install it with:  pip install 'demeanor[whisper]'"
    )


def test_an_unknown_name_lists_the_known_ones_in_order():
    assert str(UnknownName("label set", "x", {"b", "a"})) == (
        "there is no label set 'x'. Known: a, b"
    )


TREE = [e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, Exception)]


@pytest.mark.parametrize("error", TREE)
def test_the_docstring_draws_every_error(error):
    assert issubclass(error, DemeanorError)
    assert error.__name__ in errors.__doc__
