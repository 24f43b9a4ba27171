"""How far two sources agree on action units: presence, intensity, events; with intervals.

Each figure is computed from sums over moments (counts, moments of second order), so that resampling
clips means adding up their sums anew. Figures take any leading axes and give NaN, never 0 or 1,
where there is nothing to judge by.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from demeanor.explain.records import Span

N_RESAMPLES = 1000
MIN_GROUPS = 5  # fewer clips or blocks make no interval worth printing
_NOTHING = 1e-12  # variance, of values around 1: what rounding leaves where nothing varies

Figure = Callable[[np.ndarray], np.ndarray]


def _divided(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where `whole` is 0."""
    nowhere = np.full(np.shape(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=nowhere, where=whole != 0))


# Presence -----------------------------------------------------------------------------------


def crossed(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(2, 2) counts of two boolean arrays: rows truth, columns found, absent first."""
    return np.bincount(2 * truth.astype(int) + found, minlength=4).reshape(2, 2)


def f1(counts: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of (..., 2, 2) counts; NaN where there was nothing to find."""
    true, false, missed = counts[..., 1, 1], counts[..., 0, 1], counts[..., 1, 0]
    whole = np.where(true + missed > 0, 2 * true + false + missed, 0)
    return _divided(2.0 * true, whole)


def kappa(counts: np.ndarray) -> np.ndarray:
    """Cohen's kappa (1960) of (..., k, k) counts: (p_o - p_e) / (1 - p_e).

    NaN where both always say the same one thing: then chance alone agrees too.
    """
    n = counts.sum(axis=(-2, -1))
    observed = _divided(np.trace(counts, axis1=-2, axis2=-1).astype(float), n)
    by_chance = (counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1)
    by_chance = _divided(by_chance.astype(float), n.astype(float) ** 2)
    return _divided(observed - by_chance, 1.0 - by_chance)


# Intensity ----------------------------------------------------------------------------------


def sums(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(7,) of two arrays: how many, then the sums of a, b, a a, b b, a b and |a - b|."""
    return np.array(
        [len(a), a.sum(), b.sum(), a @ a, b @ b, a @ b, np.abs(a - b).sum()], dtype=float
    )


def ranked(a: np.ndarray) -> np.ndarray:
    """Ranks in 0-1; ties share theirs."""
    from scipy.stats import rankdata  # a second to load, and most commands rank nothing

    return np.asarray(rankdata(a) / max(len(a), 1))


def _spread(s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances and covariance, times n; 0 where nothing varies."""
    n = np.maximum(s[..., 0], 1.0)
    parts = (
        s[..., 3] - s[..., 1] ** 2 / n,
        s[..., 4] - s[..., 2] ** 2 / n,
        s[..., 5] - s[..., 1] * s[..., 2] / n,
    )
    scale = s[..., 3] + s[..., 4]
    a, b, both = (np.where(np.abs(part) > _NOTHING * scale, part, 0.0) for part in parts)
    return a, b, both


def pearson(s: np.ndarray) -> np.ndarray:
    """r from `sums`; of the sums of ranks it is Spearman's rho. NaN where one does not vary."""
    a, b, both = _spread(s)
    return _divided(both, np.sqrt(np.maximum(a, 0.0) * np.maximum(b, 0.0)))


def consistency(s: np.ndarray) -> np.ndarray:
    """ICC(3,1) of two raters, from `sums`: for two it is 2 cov / (var + var)."""
    a, b, both = _spread(s)
    return _divided(2.0 * both, a + b)


def mean_error(s: np.ndarray) -> np.ndarray:
    """Of b from a; positive: b is higher."""
    return _divided(s[..., 2] - s[..., 1], s[..., 0])


def mean_absolute_error(s: np.ndarray) -> np.ndarray:
    return _divided(s[..., 6], s[..., 0])


@dataclass(frozen=True, slots=True)
class Intraclass:
    """Single-rater intraclass correlations, as Shrout & Fleiss (1979) number them."""

    one_way: float  # ICC(1,1)
    agreement: float  # ICC(2,1); McGraw & Wong's (1996) ICC(A,1)
    consistency: float  # ICC(3,1); their ICC(C,1): an offset between raters is forgiven


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


def event_f1(counts: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of (..., 3) counts: found, false, missed. NaN: nothing to find."""
    found, false, missed = np.moveaxis(counts, -1, 0)
    return _divided(2.0 * found, np.where(found + missed > 0, 2 * found + false + missed, 0))


# Intervals ----------------------------------------------------------------------------------


def interval(groups: np.ndarray, figure: Figure, seed: int = 0) -> tuple[float, float] | None:
    """95% of a figure over resamples of whole groups (clips, or blocks of time), with replacement:
    moments that follow each other are no independent witnesses.

    groups: (g, ...) what the figure is computed from, for each. None with too few of them.
    """
    n = len(groups)
    if n < MIN_GROUPS:
        return None
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), N_RESAMPLES)
    values = figure(np.tensordot(drawn, groups, axes=1))
    known = values[~np.isnan(values)]
    if len(known) < N_RESAMPLES / 2:  # too seldom defined: the unit is in one clip or two
        return None
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
