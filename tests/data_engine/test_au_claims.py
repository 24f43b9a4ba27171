"""Sentences in the manner of ExpLLM's, made for these tests; values chosen by hand."""

import pytest

from demeanor.data_engine.au_claims import Against, Support, check_sentence, face_sentences
from demeanor.explain.corpora.expllm import UNITS

ZERO = dict.fromkeys(UNITS, 0.0)


def values(**shown):
    return {**ZERO, **shown}


BROWS = values(left_brow_raise=0.6, right_brow_raise=0.6)


@pytest.mark.parametrize(
    ("text", "shown", "wanted"),
    [
        ("Both eyebrows are raised.", BROWS, Support.SUPPORTED),
        ("The brows are lowered.", BROWS, Support.UNSUPPORTED),
        ("A moderate elevation of the eyebrows is seen.", BROWS, Support.SUPPORTED),
        ("The brows are raised slightly.", values(left_brow_raise=0.9), Support.UNSUPPORTED),
        ("The brows are raised slightly.", values(left_brow_raise=0.2), Support.SUPPORTED),
        ("A pronounced jaw drop shows.", values(jaw_drop=0.3), Support.UNSUPPORTED),
        ("The jaw drops (0.31).", values(jaw_drop=0.3), Support.SUPPORTED),
        ("The jaw drops strongly (0.8).", values(jaw_drop=0.3), Support.UNSUPPORTED),
        ("The jaw remains closed.", values(jaw_drop=0.02), Support.SUPPORTED),
        ("The jaw remains closed.", values(jaw_drop=0.7), Support.UNSUPPORTED),
        ("There is no smile.", ZERO, Support.SUPPORTED),
        ("There is no smile.", values(left_lip_corner_pull=0.8), Support.UNSUPPORTED),
        ("The left lip corner is pulled up.", values(right_lip_corner_pull=0.8),
         Support.UNSUPPORTED),
        ("The upper lip is raised, the lower lip is depressed.",
         values(upper_lip_raise=0.4, lower_lip_depress=0.4), Support.SUPPORTED),
        ("The cheeks are raised.", ZERO, Support.UNKNOWN),
        ("The jaw is tense.", values(jaw_drop=0.5), Support.UNKNOWN),
        ("These facial cues convey joy.", BROWS, Support.NOTHING),
        ("It conveys calm rather than a furrowed brow.", ZERO, Support.NOTHING),
        ("Raised brows and a wrinkled nose.", BROWS, Support.UNSUPPORTED),
    ],
)  # fmt: skip
def test_a_sentence_is_as_good_as_its_worst_statement(text, shown, wanted):
    assert check_sentence(text, shown)[0] is wanted


@pytest.mark.parametrize(
    ("text", "shown", "against"),
    [
        ("The brows are raised.", ZERO, Against.NOT_THERE),
        ("The brows are raised.", values(left_brow_raise=0.06), Against.WEAKER),
        ("Minimal brow raising.", BROWS, Against.STRONGER),
        ("No brow raising.", BROWS, Against.THERE),
        ("Brow raising at 0.25.", BROWS, Against.NUMBER),
    ],
)
def test_what_speaks_against_it_is_told_apart(text, shown, against):
    _, (statement,) = check_sentence(text, shown)
    assert statement.against is against


def test_sentences_come_with_their_part_and_without_headings():
    text = (
        "**Key Observations:** The brows are raised. It is late.\n\n"
        "**Overall Emotional Interpretation:** The smile fits.\n\n**Conclusion:** The face is calm."
    )
    found = [(s.part, s.text) for s in face_sentences(text)]
    assert found == [
        ("observations", "The brows are raised."),
        ("interpretation", "The smile fits."),
        ("conclusion", "The face is calm."),
    ]


def test_the_checker_agrees_with_what_was_read_by_hand(shared):
    import importlib.util
    from pathlib import Path

    path = Path(__file__).resolve().parents[2] / "benchmarks/data_engine/expllm_claims.py"
    spec = importlib.util.spec_from_file_location("expllm_claims", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    rows = made.drawn(made.all_sentences(list(made.read_expllm(shared / "data/expcot_rafdb"))))
    hand = made.read_by_hand(rows)
    assert sum(h is made.verdict(row) for h, row in zip(hand, rows, strict=True)) >= 95
