"""Neutral faces of people who went into no constant of perception are not read as emotion."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from demeanor.explain.corpora.folds import HELD_OUT, fold_of
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import ModelFileError
from demeanor.explain.pipeline import load_front, observed, reason
from demeanor.explain.reasoning.chat import chat_model

MAX_SHARE = 0.05


def held_out(identity: str) -> bool:
    return fold_of("faces", identity) == HELD_OUT


def neutral_pictures(folder: Path) -> list[tuple[Path, str]]:
    """350 x 350 only: other sizes give the label away (SOURCE.md of the collection)."""
    found = []
    with (folder / "labels.csv").open() as stream:
        for row in csv.DictReader(stream):
            path = folder / "images" / row["image"]
            if row["label"] == "neutral" and held_out(row["identity"]):
                picture = cv2.imread(str(path))
                if picture is not None and picture.shape[:2] == (350, 350):
                    found.append((path, row["identity"]))
    return found


def interval(flags: np.ndarray, people: np.ndarray) -> tuple[float, float]:
    """95% bootstrap interval of the share, drawn over people, not over pictures."""
    rng = np.random.default_rng(0)
    names = np.unique(people)
    by_name = {name: flags[people == name] for name in names}
    shares = [
        np.concatenate([by_name[n] for n in rng.choice(names, len(names))]).mean()
        for _ in range(1000)
    ]
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("backend", ["mesh", "landmarker"])
def test_few_neutral_faces_are_asserted_to_be_anything_else(shared: Path, backend: str) -> None:
    try:
        front = load_front(backend, cache=False)
    except ModelFileError as error:
        if backend == "mesh":
            raise
        pytest.skip(f"not to be had here: {error}")
    model, labels = chat_model("prototype"), label_set("rafdb7")
    pictures = neutral_pictures(shared / "data/faces")
    assert len(pictures) > 150
    asserted = []
    for path, _ in pictures:
        (explanation,) = reason(observed(front.measure(path)), model, labels).explanations
        wrong = explanation.best_fit not in ("neutral", None)
        asserted.append(wrong and (explanation.confidence or 0.0) > 0.5)
    share = float(np.mean(asserted))
    low, high = interval(np.array(asserted), np.array([name for _, name in pictures]))
    print(f"{backend}: {100 * share:.1f}% of {len(pictures)} [{100 * low:.1f}, {100 * high:.1f}]")
    assert share <= MAX_SHARE, f"{100 * share:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"
