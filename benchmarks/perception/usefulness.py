"""What the action units are good for: five labels from one picture, people kept apart.

Linear models, all fitted in the same run on the same folds: logistic regression with balanced
classes on standardised features, its strength chosen inside the training folds. The figure is
balanced accuracy (UAR, chance .20), its interval drawn over people.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.perception.faces import BACKENDS, Seen, seen
from benchmarks.perception.tables import by_people, markdown, number
from demeanor.explain.corpora.folds import N_FOLDS
from demeanor.explain.perception.geometry import align, template, to_person

STRENGTHS = (0.001, 0.01, 0.1)
PAIRS = {  # what each backend's units must not lose against
    "mesh": ("raw mesh", "HOG"),
    "landmarker": ("blendshapes", "raw mesh"),
}


def section(shared: Path, work: Path) -> str:
    tables = {name: seen(name, shared, work) for name in BACKENDS}
    common, rows_of = in_common(tables)
    first, rows = tables["mesh"].faces, rows_of["mesh"]
    label, people, fold = (first[k][rows] for k in ("label", "identity", "fold"))
    patches = hog_of(shared, common, first["points"][rows])
    shapes = align(to_person(first["points"][rows]), template("mesh"))[0].reshape(len(rows), -1)
    inputs = {
        "AUs, mesh": _units(tables["mesh"], rows),
        "AUs, landmarker": _units(tables["landmarker"], rows_of["landmarker"]),
        "raw mesh": shapes,
        "HOG": patches,
        "raw mesh + HOG": np.hstack([shapes, patches]),
        "blendshapes": tables["landmarker"].faces["blendshapes"][rows_of["landmarker"]],
        "border of the picture only": _borders(shared, common),
    }
    guesses = {name: _predict(x, label, fold) for name, x in inputs.items()}
    return _report(guesses, label, people)


def in_common(tables: dict[str, Seen]) -> tuple[list[str], dict[str, np.ndarray]]:
    """Pictures in which every backend found a face, and their rows in each one's table."""
    common = sorted(set.intersection(*(set(s.faces["image"].tolist()) for s in tables.values())))
    rows_of = {
        name: np.array([{k: i for i, k in enumerate(s.faces["image"].tolist())}[k] for k in common])
        for name, s in tables.items()
    }
    return common, rows_of


def _units(s, rows: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Levels above the neutral range, both sides together."""
    return (s.real - s.model.neutral_high[: len(s.model.codes)])[rows]


def _predict(x: np.ndarray, label: np.ndarray, fold: np.ndarray) -> np.ndarray:
    guess = np.empty_like(label)
    for test, model in fitted(x, label, fold):
        guess[test] = model.predict(x[test])
    return guess


def fitted(
    x: np.ndarray, label: np.ndarray, fold: np.ndarray
) -> Iterator[tuple[np.ndarray, Pipeline]]:
    """Of each fold its rows and a model of the others, its strength chosen among those."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(N_FOLDS):
            test, inner = fold == k, fold == (k + 1) % N_FOLDS
            fitting = ~test & ~inner
            scores = [
                balanced_accuracy_score(
                    label[inner], _model(c).fit(x[fitting], label[fitting]).predict(x[inner])
                )
                for c in STRENGTHS
            ]
            best = STRENGTHS[int(np.argmax(scores))]
            yield test, _model(best).fit(x[~test], label[~test])


def _model(strength: float) -> Pipeline:
    return make_pipeline(
        StandardScaler(),
        LogisticRegression(C=strength, class_weight="balanced", max_iter=300, tol=1e-3),
    )


def _report(guesses: dict[str, np.ndarray], label: np.ndarray, people: np.ndarray) -> str:
    rows = []
    for name, guess in guesses.items():
        low, high = by_people(np.c_[label, guess], people, _uar)
        accuracy = number(float(np.mean(label == guess)))
        rows.append([name, number(_uar(np.c_[label, guess])), f"[{low:.2f}, {high:.2f}]", accuracy])
    differences = []
    for backend, others in PAIRS.items():
        for other in others:
            three = np.c_[label, guesses[f"AUs, {backend}"], guesses[other]]
            gap = lambda t: _uar(t[:, :2]) - _uar(t[:, [0, 2]])  # noqa: E731
            low, high = by_people(three, people, gap)
            differences.append([backend, other, f"{gap(three):+.3f}", f"[{low:+.3f}, {high:+.3f}]"])
    names = sorted(set(label.tolist()))
    confusion = []
    for wanted in names:
        guess = guesses["AUs, landmarker"][label == wanted]
        confusion.append([wanted, *(int((guess == g).sum()) for g in names)])
    return "\n".join([
        "## Five labels from the action units alone", "",
        f"{len(label)} pictures of {len(np.unique(people))} people, five folds by person "
        "(explain/corpora/folds/faces.csv).", "",
        markdown(["features", "UAR", "95% by people", "accuracy"], rows), "",
        "Paired differences in UAR, AUs less the other:", "",
        markdown(["backend", "other", "difference", "95% by people"], differences), "",
        "Confusion of `landmarker` AUs (rows: label):", "",
        markdown(["", *names], confusion),
    ])  # fmt: skip


def _uar(table: np.ndarray) -> float:
    label, guess = table.T
    return float(np.mean([np.mean(guess[label == c] == c) for c in np.unique(label)]))


def hog_of(
    shared: Path, images: list[str], points: np.ndarray, rows: slice = slice(None)
) -> np.ndarray:
    """HOG of an aligned grey patch of 96 x 96 around eyes and mouth, or of some of its rows."""
    height = len(range(96)[rows])
    hog = cv2.HOGDescriptor((96, height), (32, 32), (16, 16), (16, 16), 8)
    found = []
    for image, face in zip(images, points, strict=True):
        grey = cv2.imread(str(shared / "data/faces/images" / image), cv2.IMREAD_GRAYSCALE)
        across = face[263, :2] - face[33, :2]
        scale, angle = 46 / np.linalg.norm(across), np.arctan2(across[1], across[0])
        turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        middle = (face[33, :2] + face[263, :2]) / 2
        matrix = np.c_[turn, np.array([48, 32]) - turn @ middle]
        patch = cv2.warpAffine(grey, matrix, (96, 96))[rows]
        found.append(hog.compute(np.ascontiguousarray(patch)).ravel())
    return np.array(found)


def _borders(shared: Path, images: list[str]) -> np.ndarray:
    """The outermost 20 pixels of each picture, made small: what labels leak through."""
    rows = []
    for image in images:
        grey = cv2.imread(str(shared / "data/faces/images" / image), cv2.IMREAD_GRAYSCALE)
        strips = (grey[:20], grey[-20:], grey[:, :20].T, grey[:, -20:].T)
        rows.append(np.concatenate([cv2.resize(s, (35, 2)).ravel() for s in strips]))
    return np.array(rows, np.float32)
