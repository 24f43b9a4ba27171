"""Heads that are put in before training look where a copy has to look."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from demeanor.data_engine.mini.leanings import leanings  # noqa: E402
from demeanor.data_engine.mini.start import fits, put_in, put_in_words  # noqa: E402
from demeanor.data_engine.mini.tokens import closed_ids, made_tokenizer  # noqa: E402
from demeanor.data_engine.mini.train import Shape, new_model  # noqa: E402

SHOWN = (
    "[f1] AU12 C 2.9, 0.2-3.7 s at 1.2\n"
    "[f2] AU4 C 2.9, 0.2-1.1 s at 0.7\n"
    "[f3] AU12 B 1.6, 2.0-3.1 s"
)


@pytest.fixture(scope="module")
def tokenizer():
    return made_tokenizer([SHOWN, "Key observations:\n- [f2] AU4 C 2.9, 0.2-1.1 s."])


@pytest.fixture(scope="module")
def looks(tokenizer):
    """From the last token of a text: (layer, head) -> the token looked at most, as a place."""
    model = new_model(
        Shape(layers=2), len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id, 0
    )
    put_in(model, closed_ids(tokenizer))
    model.set_attn_implementation("eager")

    def looked(text, layer, head):
        ids = tokenizer.backend_tokenizer.encode(text).ids
        with torch.no_grad():
            weights = model(torch.tensor([ids]), output_attentions=True).attentions
        return int(weights[layer][0, head, -1].argmax())

    return looked


def places(tokenizer, text, token):
    ids = tokenizer.backend_tokenizer.encode(text).ids
    return [n for n, i in enumerate(ids) if tokenizer.decode([i]) == token]


def test_only_the_shape_that_it_is_written_for_fits():
    assert fits(Shape())
    assert not fits(Shape(width=32, heads=2))
    assert not fits(Shape(heads=8))


def test_one_head_looks_at_the_token_before_and_one_at_the_id_of_the_line(tokenizer, looks):
    text = f"{SHOWN}\n- [f2] AU4 C 2.9"
    last = len(tokenizer.backend_tokenizer.encode(text).ids) - 1
    assert looks(text, 0, 0) == last - 1
    assert looks(text, 0, 1) == places(tokenizer, text, "f2] ")[-1]


def test_a_copy_mostly_looks_behind_the_same_token_under_the_same_id(tokenizer, looks):
    """Alike tokens stand in other lines: the id decides. Codes of tokens are short and drawn, so
    that some are mistaken; training sharpens them."""
    encode = tokenizer.backend_tokenizer.encode
    lines, right = SHOWN.splitlines(), []
    for number, line in enumerate(lines):
        head = encode("\n".join([*lines[:number], "["]) if number else "[").ids
        own = encode(line).ids
        for n in range(2, len(own)):
            text = f"{SHOWN}\n- {tokenizer.decode(own[:n])}"
            right.append(looks(text, 1, 0) == len(head) - 1 + n)
    assert len(right) > 30
    assert sum(right) / len(right) > 0.7


def test_a_unit_that_is_named_is_looked_for_in_the_lines(tokenizer, looks):
    """Behind `AU4 [` the head looks at AU4 of the line, not at the one just named."""
    text = f"{SHOWN}\n- AU4 ["
    assert looks(text, 1, 2) == places(tokenizer, text, "AU4")[0]


def test_words_already_lean_to_their_labels(tokenizer):
    """Three labels, each with a word of its own: before any step, the label whose word is said is
    likelier than the others."""
    tokens = [tokenizer.backend_tokenizer.encode(text).ids[0] for text in ("AU12", "AU4", "f2] ")]
    rest = tokenizer.backend_tokenizer.encode("0.2-3.7 s at 1.2").ids
    texts = [[*rest, tokens[n % 3], *rest] for n in range(60)]
    found = leanings(texts, np.eye(3)[np.arange(60) % 3], len(tokenizer))
    assert found.shape == (len(tokenizer), 3)
    assert [int(found[token].argmax()) for token in tokens] == [0, 1, 2]
    assert np.abs(found[rest]).max() < 0.1 * np.abs(found[tokens]).max()
    model = new_model(
        Shape(layers=2), len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id, 0
    )
    put_in(model, closed_ids(tokenizer))
    labels = tokenizer.backend_tokenizer.encode(" talk low held").ids[:3]
    put_in_words(model, found, labels)
    for n in range(3):
        with torch.no_grad():
            logits = model(torch.tensor([[*rest, tokens[n], *rest]])).logits[0, -1, labels]
        assert int(logits.argmax()) == n
