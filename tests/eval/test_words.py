"""Labels out of lists and texts."""

import pytest

from demeanor.eval.words import read_labels


@pytest.mark.parametrize(
    ("said", "labels"),
    [
        (["Happy", " sad "], ("happy", "sad")),
        ("happy, sad", ("happy", "sad")),
        ("['happy', \"sad\"]", ("happy", "sad")),
        ("[happy; very  sad]", ("happy", "very sad")),
        ("happy, happy", ("happy", "happy")),
        ("[]", ()),
        ("", ()),
        ([], ()),
        (["", " "], ()),
        (None, ()),
    ],
)
def test_lists_and_texts_give_the_same_labels(said, labels):
    assert read_labels(said) == labels


def test_only_one_bracket_comes_off_each_end():
    assert read_labels("[[happy]]") == ("[happy]",)
