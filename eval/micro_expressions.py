"""Micro-expressions over several data sets at once, each subject left out in turn.

UF1 and UAR are made of counts pooled over all subjects (MEGC 2019; CD6ME of Varanka et al. 2023
leaves a whole data set out instead). The mean of each subject's own figures is another number: most
subjects lack a class, and a class that is not there is not one at which a system failed.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from demeanor.eval.classification import macro_f1, mean_recall, score_classes
from demeanor.eval.scores import Sample, Scored
from demeanor.explain.errors import DemeanorError

# MEGC 2019: what the classes of CASME II, SAMM and SMIC become; others are dropped.
COMPOSITE = ("negative", "positive", "surprise")
COMPOSITE_OF: Mapping[str, str] = {
    **dict.fromkeys(("disgust", "repression", "anger", "contempt", "fear", "sadness"), "negative"),
    **{"negative": "negative", "positive": "positive", "happiness": "positive"},
    "surprise": "surprise",
}


class FoldsError(DemeanorError):
    """Folds in which the same subject would train and be scored."""


def score_composite(samples: Sequence[Sample], labels: Sequence[str] = COMPOSITE) -> Scored:
    """Pooled UF1 and UAR. A sample's group is its subject, so that intervals are over subjects."""
    return score_classes(samples, labels, ("UF1", "UAR", "accuracy"))


def composite_label(label: str) -> str | None:
    """One of three; None for classes that MEGC 2019 leaves out."""
    return COMPOSITE_OF.get(label.strip().lower())


def leave_one_out(units: Sequence[str]) -> dict[str, tuple[list[int], list[int]]]:
    """Unit -> (rows to train on, rows to score). Units are subjects (LOSO) or data sets (CD6ME).

    A subject is named with its data set: sub01 of CASME II is nobody in SAMM.
    """
    names = sorted(set(units))
    if len(names) < 2:
        raise FoldsError(f"wanted at least two to leave one out, found {names}")
    return {
        name: (
            [row for row, unit in enumerate(units) if unit != name],
            [row for row, unit in enumerate(units) if unit == name],
        )
        for name in names
    }


def check_folds(folds: Sequence[tuple[Sequence[str], Sequence[str]]]) -> None:
    """(subjects trained on, subjects scored) of each fold. Raises FoldsError where any is in both,
    or is scored in two folds."""
    seen: set[str] = set()
    for trained, scored in folds:
        if both := sorted(set(trained) & set(scored)):
            raise FoldsError(f"subjects on both sides of a fold: {', '.join(both)}. Split anew")
        if twice := sorted(seen & set(scored)):
            raise FoldsError(f"subjects scored in two folds: {', '.join(twice)}. Split anew")
        seen |= set(scored)


def per_data_set(
    counts: Mapping[str, np.ndarray],
) -> dict[str, tuple[float, float]]:
    """(UF1, UAR) of each data set's own pooled counts, as shares, and of all together."""
    whole = {**counts, "all": np.sum(list(counts.values()), axis=0)}
    return {name: (float(macro_f1(c)), float(mean_recall(c))) for name, c in whole.items()}
