"""Emotion words hidden, cues kept. The sentences are the specification."""

import pytest

from demeanor.eval.masking import MASK, mask_of
from demeanor.eval.tables import load_table


@pytest.fixture(scope="module")
def mask():
    return mask_of(load_table("d1"), ["self-deprecating", "heavy"])


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("He looks happy and relaxed.", "He looks ____ and ____."),
        ("She shouts angrily; her ANGER grows.", "She shouts ____; her ____ grows."),
        ("A self-deprecating, heavy tone.", "A ____, ____ tone."),  # gold labels of the set
        ("He frowns with a lowered brow.", "He frowns with a lowered brow."),  # movements
        ("Her voice is raised, she speaks louder.", "Her voice is raised, she speaks louder."),
        ("I am so happy!", "I am so ____!"),  # said in the clip, hidden all the same
        ("The unhappiest man.", "The ____ man."),
        ("Her friendliness, his warmly spoken words.", "Her ____, his ____ spoken words."),
    ],
)
def test_hidden(mask, text, hidden):
    assert mask.hide(text) == hidden


def test_nothing_is_left_but_cues(mask):
    text = mask.hide("Anger, sadness, worry, disgusted, joyful, surprised and a frown.")
    assert [word.lower() for word in mask.left(text)] == ["frown"]
    assert text.count(MASK) == 6


def test_the_name_changes_with_the_words(small_table):
    assert mask_of(small_table).name != mask_of(small_table, ["florbish"]).name
    assert mask_of(small_table).name == mask_of(small_table).name


def test_every_gold_word_is_hidden_in_the_clue_texts(shared, mask):
    """Beside cues, which name a movement: 'frown' and its like."""
    from demeanor.explain.corpora.items import read_described
    from demeanor.explain.reasoning.cues import find_mentions

    items = read_described(shared / "data" / "emer")[:3]
    whole = mask_of(load_table("d1"), [label for item in items for label in item.gold])
    for item in items:
        text = whole.hide(item.text)
        cues = [(m.start, m.end) for m in find_mentions(text)]
        left = [m.start() for m in whole.pattern.finditer(text)]
        assert all(any(a <= at < b for a, b in cues) for at in left)
