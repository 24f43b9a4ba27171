"""Tokens, batches and steps: a question is answered as if it stood alone, and a model learns."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from demeanor.data_engine.mini.batches import (  # noqa: E402
    MAX_TOKENS,
    _positions,
    batches,
    encoded,
)
from demeanor.data_engine.mini.lessons import Lesson, drawn_lessons, word_lesson  # noqa: E402
from demeanor.data_engine.mini.make import save  # noqa: E402
from demeanor.data_engine.mini.tokens import made_tokenizer  # noqa: E402
from demeanor.data_engine.mini.train import (  # noqa: E402
    Shape,
    Steps,
    loss_of,
    new_model,
    train,
)
from demeanor.data_engine.simulate import words as sentences  # noqa: E402
from demeanor.data_engine.words import COARSE_OF  # noqa: E402
from demeanor.explain.corpora.items import Item  # noqa: E402
from demeanor.explain.corpora.labels import label_set  # noqa: E402
from demeanor.explain.reasoning.mini import Mini  # noqa: E402
from demeanor.explain.reasoning.short_form import ask, ask_label  # noqa: E402

SAID = (
    ("thank you so much", "gratitude"),
    ("I am furious", "anger"),
    ("haha so funny", "amusement"),
)
TINY = Shape(width=32, layers=2, heads=2, inner=48, positions=1024)


@pytest.fixture(scope="module")
def lessons():
    return [x for n in range(40) for x in drawn_lessons(2, n, sentences.said)]


@pytest.fixture(scope="module")
def tokenizer(lessons):
    return made_tokenizer(
        ["\n".join((x.shown, *(t for pair in x.asked for t in pair))) for x in lessons]
    )


def tiny(tokenizer, seed=0):
    return new_model(TINY, len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id, seed)


def test_every_text_comes_back_from_its_tokens(lessons, tokenizer):
    raw = tokenizer.backend_tokenizer
    strange = ask("où est “ça”? \U0001f600 12.345 AU12LX f1x")
    for text in [*(x.shown for x in lessons), *(r for x in lessons for _, r in x.asked), strange]:
        assert raw.decode(raw.encode(text).ids, skip_special_tokens=False) == text


def test_ids_codes_and_numbers_are_whole(tokenizer):
    said = [tokenizer.decode([i]) for i in tokenizer.backend_tokenizer.encode("[f12, s3] 12.3").ids]
    assert "f12" in said
    assert "s3] " in said
    assert said[-2:] == ["12", ".3"]


@pytest.mark.parametrize(
    ("text", "wanted"), [("AU12R B", ["AU12", "R"]), ("AU1L B", ["AU1", "L"]), ("AU1 [", ["AU1"])]
)
def test_a_code_is_one_token_whatever_its_side(tokenizer, text, wanted):
    ids = tokenizer.backend_tokenizer.encode(text).ids
    assert [tokenizer.decode([i]) for i in ids][: len(wanted)] == wanted


def test_a_question_neither_sees_the_others_nor_stands_elsewhere(tokenizer):
    """The loss of each reply is the same alone and beside two others."""
    pairs = ((ask("When?"), "Never."), (ask("Where?"), "Here [f1]."), (ask("Why?"), "So."))
    model = tiny(tokenizer).eval()

    def total(asked):
        (row,) = encoded([Lesson("[f1] AU12 D 3.9, 0.2-3.0 s", tuple(asked))], tokenizer)
        (batch,) = batches([row], 512, random.Random(0))
        with torch.no_grad():
            return float(loss_of(model, batch)) * int(row.learnt.sum())

    assert total(pairs) == pytest.approx(sum(total([pair]) for pair in pairs), rel=1e-4)


def test_a_label_counts_for_more_than_a_word_of_reasons(tokenizer):
    asked = ((ask_label(["joy"]), "joy"), (ask("Why?"), "So."))
    (row,) = encoded([Lesson("nothing", asked)], tokenizer)
    assert sorted(set(row.learnt[row.parts == 1])) == [0, 4]
    assert sorted(set(row.learnt[row.parts == 2])) == [0, 1]


def test_questions_that_do_not_fit_are_left_out(tokenizer):
    long = (ask("Tell."), "word " * 2 * MAX_TOKENS)
    (row,) = encoded([Lesson("nothing", (long, (ask("Short?"), "Yes.")))], tokenizer)
    assert len(row) < 40
    assert list(encoded([Lesson("nothing", (long,))], tokenizer)) == []


def test_what_is_asked_twice_counts_twice_and_stands_there_once(tokenizer):
    once, other = (ask_label(["rafdb7"]), "anger"), (ask_label(["rafdb7"]), "fear")
    one, two = (
        next(encoded([Lesson("[f1] AU4 D 3.9", asked)], tokenizer))
        for asked in ((once, other), (once, other, once))
    )
    assert one.ids.tolist() == two.ids.tolist()
    assert set(two.learnt[two.parts == 1]) == {0, 8}
    assert set(two.learnt[two.parts == 2]) == set(one.learnt[one.parts == 1]) == {0, 4}


def test_every_row_is_in_one_batch_and_none_is_too_large(lessons, tokenizer):
    rows = list(encoded(lessons, tokenizer))
    found = list(batches(rows, 2048, random.Random(0)))
    assert sum(len(b.ids) for b in found) == len(rows)
    assert sum(int(b.learnt.sum()) for b in found) == sum(int(r.learnt.sum()) for r in rows)
    assert all(b.ids.numel() <= 2048 or len(b.ids) == 1 for b in found)


def test_a_tiny_model_learns_comments_and_can_be_asked(tokenizer, tmp_path):
    items = [Item(f"c{n}", [label], text=text) for n, (text, label) in enumerate(SAID * 12)]
    draw = random.Random(0)
    shares = {label: dict.fromkeys(COARSE_OF, 0.0) | {label: 1.0} for _, label in SAID}
    rows = list(
        encoded([word_lesson(i, lambda _, i=i: shares[i.gold[0]], draw) for i in items], tokenizer)
    )
    model = tiny(tokenizer)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    done = train(model, rows, Steps(steps=120, batch_tokens=512, rate=1e-2), tmp_path)
    assert done["steps"] == 120
    assert all(not torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    manifest = {"version": "0", "weights": sum(p.numel() for p in model.parameters())}
    save(model, tokenizer, manifest, tmp_path / "model")
    small = Mini(tmp_path / "model")
    for text, label in SAID:
        shares = small.word_shares(text, label_set("goemotions28"))
        assert sum(shares.values()) == pytest.approx(1.0)
        assert max(shares, key=shares.get) == label


def test_positions_go_on_from_the_text():
    assert _positions(np.array([0, 0, 0, 1, 1, 2, 2, 2])).tolist() == [0, 1, 2, 3, 4, 3, 4, 5]
