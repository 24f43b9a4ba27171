"""How far two sources agree on action units: presence, intensity, events; with intervals.

Pure functions of arrays. Without anything to judge by, the answer is NaN, never 0 or 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from demeanor.explain.records import Span

N_RESAMPLES = 500  # enough for two digits of a 95% interval
MIN_GROUPS = 5  # fewer clips or blocks make no interval worth printing


# Presence -----------------------------------------------------------------------------------


def f1_score(truth: np.ndarray, found: np.ndarray) -> float:
    """2 TP / (2 TP + FP + FN) of two boolean arrays; NaN where there was nothing to find."""
    if not truth.any():
        return float("nan")
    both = int(np.sum(truth & found))
    return 2 * both / (int(truth.sum()) + int(found.sum()))


def kappa(a: np.ndarray, b: np.ndarray) -> float:
    """Cohen's kappa (1960) of two nominal codings, (n,) each: (p_o - p_e) / (1 - p_e).

    NaN where both always say the same one thing: then chance alone agrees too.
    """
    if len(a) == 0:
        return float("nan")
    observed = float(np.mean(a == b))
    by_chance = sum(float(np.mean(a == v) * np.mean(b == v)) for v in np.union1d(a, b))
    return float("nan") if by_chance >= 1.0 else (observed - by_chance) / (1.0 - by_chance)


# Intensity ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Intraclass:
    """Single-rater intraclass correlations, as Shrout & Fleiss (1979) number them."""

    one_way: float  # ICC(1,1)
    agreement: float  # ICC(2,1); McGraw & Wong's ICC(A,1)
    consistency: float  # ICC(3,1); McGraw & Wong's ICC(C,1): an offset between raters is forgiven


def intraclass(ratings: np.ndarray) -> Intraclass:
    """Of (n targets, k raters). NaN with fewer than two targets, or where nothing varies."""
    n, k = ratings.shape
    total = float(((ratings - ratings.mean()) ** 2).sum()) if n > 1 else 0.0
    if total == 0.0:
        return Intraclass(*[float("nan")] * 3)
    rows = k * float(((ratings.mean(axis=1) - ratings.mean()) ** 2).sum())
    columns = n * float(((ratings.mean(axis=0) - ratings.mean()) ** 2).sum())
    between, within = rows / (n - 1), (total - rows) / (n * (k - 1))
    raters, error = columns / (k - 1), (total - rows - columns) / ((n - 1) * (k - 1))
    return Intraclass(
        _share(between - within, between + (k - 1) * within),
        _share(between - error, between + (k - 1) * error + k * (raters - error) / n),
        _share(between - error, between + (k - 1) * error),
    )


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """NaN where one of them does not vary."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    return pearson(rankdata(a), rankdata(b)) if len(a) else float("nan")


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


# Events -------------------------------------------------------------------------------------


def runs(
    times_s: np.ndarray, present: np.ndarray, step_s: float, bridge_s: float = 0.0
) -> list[Span]:
    """Stretches in which a unit is present; an absence of at most `bridge_s` does not end one.

    `times_s` (n,) may have holes: where more than 1.5 steps have no frame a stretch ends, since
    nobody saw what was between.
    """
    holes = np.flatnonzero(np.diff(times_s) > 1.5 * step_s) + 1
    near_s = max(bridge_s, step_s / 2) + 1e-9
    spans: list[Span] = []
    for rows in np.split(np.arange(len(times_s)), holes):
        piece: list[Span] = []
        for time_s in times_s[rows][present[rows]].tolist():
            if piece and time_s - piece[-1].end_s <= near_s:
                piece[-1] = Span(piece[-1].start_s, time_s + step_s)
            else:
                piece.append(Span(time_s, time_s + step_s))
        spans += piece
    return spans


def matched(
    truth: Sequence[Span], found: Sequence[Span], tolerance_s: float
) -> list[tuple[int, int]]:
    """Pairs (index of `truth`, index of `found`), each event once: those that overlap most first;
    events that do not overlap match if they are at most `tolerance_s` apart.
    """
    pairs = sorted(
        (
            (overlap_s, i, j)
            for i, a in enumerate(truth)
            for j, b in enumerate(found)
            if (overlap_s := min(a.end_s, b.end_s) - max(a.start_s, b.start_s)) >= -tolerance_s
        ),
        key=lambda pair: (-pair[0], pair[1:]),
    )
    taken: list[tuple[int, int]] = []
    for _, i, j in pairs:
        if all(i != one and j != other for one, other in taken):
            taken.append((i, j))
    return taken


def event_f1(counts: np.ndarray) -> float:
    """2 TP / (2 TP + FP + FN) of (n, 3) counts: found, false, missed. NaN: nothing to find."""
    n_found, n_false, n_missed = counts.sum(axis=0).tolist()
    if n_found + n_missed == 0:
        return float("nan")
    return float(2 * n_found / (2 * n_found + n_false + n_missed))


# Intervals ----------------------------------------------------------------------------------

Columns = tuple[np.ndarray, ...]  # of one length


def interval(
    groups: Sequence[Columns], metric: Callable[..., float], seed: int = 0
) -> tuple[float, float] | None:
    """95% of a metric over resamples of whole groups (clips, or blocks of time), with replacement:
    frames that follow each other are no independent witnesses. None with too few groups.
    """
    if len(groups) < MIN_GROUPS:
        return None
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(N_RESAMPLES):
        drawn = [groups[k] for k in rng.integers(0, len(groups), len(groups))]
        values.append(metric(*(np.concatenate(column) for column in zip(*drawn, strict=True))))
    known = np.array(values)[~np.isnan(values)]
    if len(known) < N_RESAMPLES / 2:  # too seldom defined: the unit is in one clip or two
        return None
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
