"""What one unit tells of an emotion, beside what its part of the picture tells a model of its own.

The ceiling is a linear model on HOG of the upper or the lower half of the face, fitted to the very
labels, people kept apart. Where a unit is above it, the unit knows what HOG does not.
"""

from pathlib import Path

import numpy as np

from benchmarks.perception.faces import BACKENDS, MEANING, blendshape_names, seen
from benchmarks.perception.fit import BLENDSHAPES
from benchmarks.perception.tables import auc, by_people, markdown, number
from benchmarks.perception.usefulness import fitted, hog_of, in_common

UPPER, LOWER = slice(0, 64), slice(32, 96)  # of the aligned patch, whose eyes lie at 32
OF_THE_EYES = ("AU1", "AU2", "AU4", "AU5", "AU6", "AU7")


def section(shared: Path, work: Path) -> str:
    tables = {name: seen(name, shared, work) for name in BACKENDS}
    common, rows_of = in_common(tables)
    first, own = tables["mesh"].faces, rows_of["mesh"]
    label, people, fold = (first[k][own] for k in ("label", "identity", "fold"))
    halves = {
        part.start: hog_of(shared, common, first["points"][own], part) for part in (UPPER, LOWER)
    }
    blendshapes = tables["landmarker"].faces["blendshapes"][rows_of["landmarker"]]
    names = blendshape_names()
    rows = []
    for unit, emotion in MEANING:
        here = np.isin(label, [emotion, "neutral"])
        levels = [
            s.real[rows_of[name], s.column(unit)] if unit in s.model.codes else None
            for name, s in tables.items()
        ]
        same = [i for i, name in enumerate(names) if name.startswith(BLENDSHAPES[unit])]
        half = halves[(UPPER if unit in OF_THE_EYES else LOWER).start]
        levels += [blendshapes[:, same].mean(axis=1), _ceiling(half, label == emotion, here, fold)]
        told = []
        for level in levels:
            if level is None:
                told.append("–")
                continue
            both = np.c_[label == emotion, level][here].astype(float)
            low, high = by_people(both, people[here], _auc_of)
            told.append(f"{number(_auc_of(both))} [{number(low)}, {number(high)}]")
        rows.append([unit, emotion, *told])
    head = ["unit", "emotion", *(f"`{name}`" for name in tables), "blendshape alone", "HOG, fitted"]
    return "\n".join([
        "## One unit and one emotion, beside what the picture holds", "",
        f"AUC of one emotion against neutral, {len(common)} pictures, the person's rest unknown; "
        "95% intervals by people. *HOG, fitted*: a linear model of the upper (AU1 to AU7) or the "
        "lower half of the face, fitted to these labels on other people: what that half holds for "
        "such a model. Units and blendshapes were fitted to no label.",
        "", markdown(head, rows),
    ])  # fmt: skip


def _ceiling(half: np.ndarray, is_it: np.ndarray, here: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """(n,) scores of rows `here`, each by a model of other folds."""
    scores, x = np.full(len(is_it), np.nan), half[here]
    own = np.full(here.sum(), np.nan)
    for test, model in fitted(x, is_it[here], fold[here]):
        own[test] = model.decision_function(x[test])
    scores[here] = own
    return scores


def _auc_of(table: np.ndarray) -> float:
    return auc(table[table[:, 0] == 1, 1], table[table[:, 0] == 0, 1])
