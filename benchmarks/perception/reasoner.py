"""What the built-in reasoner makes of single pictures of people whom no weight was fitted to."""

import csv
from pathlib import Path

import cv2
import numpy as np

from benchmarks.perception.measured import CLASSES
from benchmarks.perception.tables import by_people, markdown
from demeanor.explain.corpora.folds import HELD_OUT, fold_of
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.pipeline import load_front, observed, reason
from demeanor.explain.reasoning.chat import chat_model

SURE = 0.5
BACKENDS = ("mesh", "landmarker")


def section(shared: Path, work: Path) -> str:
    rows = []
    for name in BACKENDS:
        label, people, best, sure = _read(name, shared / "data" / "faces")
        for wanted in CLASSES:
            own = label == wanted
            share = [100 * float(np.mean(best[own] == c)) for c in CLASSES]
            asserted = own & sure & (best != "neutral")
            low, high = by_people(asserted[own].astype(float), people[own], np.mean)
            rows.append([
                name, wanted, int(own.sum()), *(f"{s:.0f}" for s in share),
                f"{100 * asserted.sum() / own.sum():.1f} [{100 * low:.1f}, {100 * high:.1f}]",
            ])  # fmt: skip
    return "\n".join([
        "## What the reasoner makes of pictures", "",
        "The `prototype` reasoner on 350 x 350 pictures of held-out people: a picture has no own "
        "usual, no voice and no words: the thinnest evidence there is (label set `rafdb7`). "
        "Percent of the pictures of a label (rows) that are read as another (columns); others are "
        "fear or disgust. *asserted*: percent read as an emotion with a confidence above .5; the "
        "limit that is tested is 5% of neutral faces. How far an intensity counts was chosen on "
        "the other people; an earlier choice had been made with these in view.", "",
        markdown(["backend", "label", "n", *CLASSES, "asserted, 95% by people"], rows),
    ])  # fmt: skip


def _read(backend: str, folder: Path) -> tuple[np.ndarray, ...]:
    front, model = load_front(backend, cache=False), chat_model("prototype")
    labels = label_set("rafdb7")
    found = []
    with (folder / "labels.csv").open() as stream:
        for row in csv.DictReader(stream):
            path = folder / "images" / row["image"]
            if row["label"] not in CLASSES or fold_of("faces", row["identity"]) != HELD_OUT:
                continue
            picture = cv2.imread(str(path))
            if picture is None or picture.shape[:2] != (350, 350):
                continue
            said = reason(observed(front.measure(path)), model, labels).explanations
            best = said[0].best_fit if said else "none"
            sure = bool(said) and (said[0].confidence or 0.0) > SURE
            found.append((row["label"], row["identity"], best or "none", sure))
    return tuple(np.array(column) for column in zip(*found, strict=True))
