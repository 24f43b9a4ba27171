"""What a score was computed with, and when two may be compared."""

import dataclasses

import pytest

from demeanor.eval.scores import Sample
from demeanor.eval.signature import (
    NotComparable,
    Signature,
    check_comparable,
    gold_digest,
    prompt_digest,
)

ONE = Signature(
    "ovmerd", "ew-f", 1, "v2026", "ab" * 32, "lower|strip", "given", "none", "cd" * 32, "0.1.0"
)


def test_the_line_has_every_part_and_keeps_its_own_separator():
    assert ONE.line() == (
        "task:ovmerd|metric:ew-f|level:1|tables:v2026.abababab|prep:lower+strip|extractor:given"
        "|judge:none|gold:cdcdcdcd|version:demeanor-0.1.0"
    )
    bare = dataclasses.replace(ONE, level=None, tables="none", tables_sha256="")
    assert "|level:none|tables:none|" in bare.line()


def test_whatever_differs_is_named():
    check_comparable(ONE, dataclasses.replace(ONE))
    other = dataclasses.replace(ONE, tables="v2025", judge="m.1234")
    with pytest.raises(NotComparable, match=r"tables: v2026 and v2025; judge: none and m\.1234"):
        check_comparable(ONE, other)


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Signature)])
def test_every_part_counts(name):
    changed = 2 if name == "level" else "another"
    with pytest.raises(NotComparable, match=name):
        check_comparable(ONE, dataclasses.replace(ONE, **{name: changed}))


def test_the_gold_labels_are_told_apart_and_their_order_is_not():
    a, b = Sample("a", ["joy"], ["joy"]), Sample("b", 1.5, None)
    assert gold_digest([a, b]) == gold_digest([b, a])
    assert gold_digest([a]) == gold_digest([Sample("a", ["joy"], ["fear"])])
    assert gold_digest([a]) != gold_digest([Sample("a", ["fear"], ["joy"])])


def test_a_judge_is_named_with_its_words():
    assert prompt_digest("m", "How good?") != prompt_digest("m", "How good is it?")
    assert prompt_digest("m", "How good?").startswith("m.")
