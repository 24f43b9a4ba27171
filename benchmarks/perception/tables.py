"""Small helpers that all sections share."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import rankdata

N_DRAWS = 1000


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def number(value: float, digits: int = 2) -> str:
    """– where there is none; .85 for 0.85."""
    if not np.isfinite(value):
        return "–"
    return f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the ROC curve (Mann-Whitney, ties count half); NaN where a side is empty."""
    n, m = len(positive), len(negative)
    if n == 0 or m == 0:
        return float("nan")
    ranks = rankdata(np.concatenate([positive, negative]))
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def by_people(
    rows: np.ndarray, people: np.ndarray, figure: Callable[[np.ndarray], float]
) -> tuple[float, float]:
    """95% bootstrap interval of `figure(rows)`, drawn over people, not over rows."""
    rng = np.random.default_rng(0)
    order = np.argsort(people, kind="stable")
    groups = np.split(order, np.flatnonzero(people[order][1:] != people[order][:-1]) + 1)
    drawn = []
    for _ in range(N_DRAWS):
        chosen = rng.integers(0, len(groups), len(groups))
        drawn.append(figure(rows[np.concatenate([groups[i] for i in chosen])]))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)
