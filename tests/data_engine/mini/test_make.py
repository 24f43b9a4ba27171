"""All of it, in small: a model that is made, kept, and gone on with."""

import json

import pytest
from corpus_files import write

pytest.importorskip("torch")
pytest.importorskip("transformers")

from demeanor.data_engine.mini.make import Wanted, make
from demeanor.data_engine.mini.train import Shape, Steps
from demeanor.explain.reasoning.mini import Mini

SAID = (("what a lovely day", 0), ("leave me alone now", 1), ("the train is at nine", 2))
TINY = Shape(width=32, layers=2, heads=2, inner=48, positions=1024)


def test_a_model_is_made_and_another_one_goes_on_with_it(tmp_path):
    heard = []
    texts = tmp_path / "texts"
    write(texts / "labels.txt", "joy", "anger", "neutral")
    rows = (f"{text} number {n}\t{label}\tc{n}" for n, (text, label) in enumerate(SAID * 9))
    write(texts / "train.tsv", *rows)
    wanted = Wanted(texts, None, clips=30, shape=TINY, steps=Steps(steps=2))
    made = make(wanted, tmp_path / "one", heard.append)
    assert made["lessons"]["drawn clip"] > 30
    assert (made["before"], made["training"]["steps"]) == ([], 2)
    assert Mini(tmp_path / "one" / "model").version.startswith(f"{made['version']} ")
    again = make(wanted, tmp_path / "one", heard.append)  # lessons are not drawn again
    assert again["lessons"] == made["lessons"]
    assert sum("lessons written" in line for line in heard) == 1
    on = Wanted(
        wanted.goemotions, None, clips=30, steps=Steps(steps=1, first=0.0),
        begin=tmp_path / "one" / "model",
    )  # fmt: skip
    after = make(on, tmp_path / "two", heard.append)
    assert after["before"] == [again]
    assert after["weights"] == made["weights"]
    kept = json.loads((tmp_path / "two" / "model" / "demeanor.json").read_text())
    assert kept == after
