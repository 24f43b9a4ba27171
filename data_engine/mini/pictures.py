"""Pictures of the training folds: what people labelled them, as a small linear model says it.

Published tables describe posed faces; pictures of the press are less clear. A softmax regression
on the measured units, fitted on the training folds only, says how likely each of the five classes
is, and demeanor-mini learns to say the same: of the pictures as they were measured, and of
variations of them (a level shaken, a movement left out, one of another picture put in).
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import minimize

from demeanor.explain.records import NotMeasured, Observation, Unit
from demeanor.explain.vocabulary import MOVEMENTS

CLASSES = ("anger", "happiness", "neutral", "sadness", "surprise")
_CODES = tuple(MOVEMENTS)
_RIDGE = 5.0  # chosen of five on the training folds, one of them held out at a time
_SHAKEN, _DROPPED, _ADDED = 0.3, 0.1, 0.25  # FACS levels; shares of movements; ours
_PER_UNIT = {Unit.DEGREE: 10.0, Unit.RATIO: 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One labelled picture as it was measured."""

    identity: str
    label: str  # of CLASSES
    observations: tuple[Observation, ...]
    gaps: tuple[NotMeasured, ...]


class Classes:
    """Shares of the five classes, by a softmax regression with balanced classes."""

    def __init__(self, pictures: Sequence[Picture], ridge: float = _RIDGE) -> None:
        self._x = np.stack([features(p.observations) for p in pictures])
        self._y = np.array([CLASSES.index(p.label) for p in pictures])
        self._ridge = ridge

    @cached_property
    def weights(self) -> np.ndarray:
        """(classes, features + 1); the last column is the intercept."""
        counts = np.bincount(self._y, minlength=len(CLASSES))
        share = len(self._y) / (len(CLASSES) * np.maximum(counts, 1))[self._y]
        x = np.column_stack([self._x, np.ones(len(self._x))])
        gold = np.eye(len(CLASSES))[self._y]
        shape = (len(CLASSES), x.shape[1])

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            w = flat.reshape(shape)
            p = _softmax(x @ w.T)
            small = np.column_stack([w[:, :-1], np.zeros(len(w))])
            value = -(share * np.log(p[np.arange(len(x)), self._y] + 1e-12)).sum()
            slope = (share[:, None] * (p - gold)).T @ x + self._ridge * small
            return value + 0.5 * self._ridge * (small**2).sum(), slope.ravel()

        found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B")
        return np.asarray(found.x).reshape(shape)

    def shares(self, observations: Sequence[Observation]) -> dict[str, float]:
        p = _softmax(np.append(features(observations), 1.0)[None] @ self.weights.T)[0]
        return dict(zip(CLASSES, map(float, p), strict=True))


def features(observations: Sequence[Observation]) -> np.ndarray:
    """(2 * movements,): level and presence of each; sides are taken together."""
    found = np.zeros((len(_CODES), 2))
    for o in observations:
        if o.peak is not None and o.code in MOVEMENTS:
            row = found[_CODES.index(o.code)]
            row[0] = max(row[0], o.peak / _PER_UNIT.get(o.unit, 1.0))
            row[1] = 1.0
    return found.ravel()


def varied(
    picture: Picture, others: Sequence[Picture], draw: random.Random
) -> tuple[Observation, ...]:
    """Much the same face: shaken, with something missing, or with something of another's."""
    kept = [_shaken(o, draw) for o in picture.observations if draw.random() >= _DROPPED]
    known = {o.code for o in kept}
    for o in draw.choice(others).observations:
        if o.code not in known and draw.random() < _ADDED:
            kept.append(_shaken(o, draw))
    return tuple(_numbered(kept))


def _shaken(o: Observation, draw: random.Random) -> Observation:
    if o.peak is None or o.unit is not Unit.FACS_INTENSITY:
        return o
    peak = min(5.0, max(0.8, o.peak + draw.gauss(0.0, _SHAKEN)))
    moved = peak - o.peak
    change = o.change_from_population
    return replace(o, peak=peak, change_from_population=None if change is None else change + moved)


def _numbered(observations: Sequence[Observation]) -> Iterator[Observation]:
    """Ids as the front end gives them: by code within a picture."""
    ordered = sorted(observations, key=lambda o: (o.code, o.side or ""))
    for n, o in enumerate(ordered, start=1):
        yield replace(o, obs_id=f"f{n}")


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    found: np.ndarray = e / e.sum(axis=1, keepdims=True)
    return found
