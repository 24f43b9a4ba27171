"""Where the picture is cut from one shot to another, and which shot comes back.

A frame is looked at as a thumbnail of brightness, in 16 cells. Somebody who moves changes some of
them and leaves others as they were; a cut leaves hardly any. Fast movement, seen at few frames a
second, does that too: so a cut must also stand out from the changes just before it. Fades and
dissolves are not found, nor a cut between two people before the same ground.

A shot returns where its first or its last frame is found again, in its light and in its edges.
What is kept is a thumbnail of 24 x 24 pixels of each of the last `_REMEMBERED` shots, until the
clip has been read.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from demeanor.explain.perception.picture import Picture
from demeanor.explain.records import NotMeasured

_SIZE_PX, _CELL_PX = 24, 6
_CELL_STAYS = 0.8  # correlation of a cell with itself, a frame later
_FLAT_CELL, _FLAT_STAYS = 3.0, 8.0  # grey levels: a cell without structure stays by its brightness
_CUT_STAYS = 0.27  # share of cells, 4 of 16: 98% of pairs of frames of different clips stay below,
# and no pair of neighbours of the 12 clips without a cut, at their own rate
_STANDS_OUT = 0.15  # below the least share of the last frames: a head that is thrown about
_BEFORE = 5  # frames
_SAME_LIGHT, _SAME_EDGES = 0.9, 0.7  # a shot that returns: 95% of pairs of frames of one still shot
_REMEMBERED = 32
_FLAT = 2.0  # grey levels of standard deviation: black, white, a title's ground; nothing to compare
_MAX_SAID = 12
_MEAN = np.full(_CELL_PX**2, 1 / _CELL_PX**2, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A thumbnail, and its cells: what tells two neighbours apart is worked out for each frame,
    what finds a shot again only when it is asked for."""

    grey: np.ndarray  # (24, 24) levels
    cells: np.ndarray  # (16, 36) levels about the mean of each cell
    means: np.ndarray  # (16,)
    spreads: np.ndarray  # (16,) standard deviations
    flat: bool

    def light(self) -> np.ndarray:
        """(576,) of length 1, so that a product of two is their correlation."""
        return _unit((self.grey - self.grey.mean()).ravel())

    def edges(self) -> np.ndarray:
        """(1104,) likewise."""
        steps = [np.diff(self.grey, axis=axis).ravel() for axis in (0, 1)]
        return _unit(np.concatenate(steps))


@dataclass(slots=True, eq=False)
class _Shot:
    number: int
    first: _Look
    last: _Look


class Shots:
    """Feed frames in order: `add` says in which shot each lies, by number. A shot that returns has
    the number it had; `cuts_s` has the times at which a frame lies in another shot than the last.
    """

    def __init__(self) -> None:
        self.cuts_s: list[float] = []
        self._known: deque[_Shot] = deque(maxlen=_REMEMBERED)
        self._shot: _Shot | None = None
        self._stayed: deque[float] = deque(maxlen=_BEFORE)
        self._n_shots = 0

    def add(self, time_s: float, picture: Picture) -> int:
        look = _look(picture.thumbnail(_SIZE_PX))
        if self._shot is None:
            self._shot = self._new(look)
        elif not look.flat:  # a black frame is a frame of the shot before
            self._compare(self._shot, look, time_s)
        return self._shot.number

    def _compare(self, shot: _Shot, look: _Look, time_s: float) -> None:
        if shot.last.flat:  # a clip that begins in black
            shot.first = shot.last = look
            return
        stays = _stays(shot.last, look)
        stands_out = stays < min(self._stayed, default=0.0) - _STANDS_OUT  # a shot has two frames
        self._stayed.append(stays)
        if stays < _CUT_STAYS:
            other = self._known_as(look) or (self._new(look) if stands_out else shot)
            if other is not shot:
                self.cuts_s.append(time_s)
                self._shot = shot = other
                self._stayed.clear()
        shot.last = look

    def _known_as(self, look: _Look) -> _Shot | None:
        """The shot whose first or last frame is found again; of several the one most alike."""
        found = [
            (sum(alike), shot)
            for shot in self._known
            for alike in (_alike(shot.first, look), _alike(shot.last, look))
            if alike[0] > _SAME_LIGHT and alike[1] > _SAME_EDGES
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def _new(self, look: _Look) -> _Shot:
        shot = _Shot(self._n_shots, look, look)
        self._n_shots += 1
        self._known.append(shot)
        return shot


def unsure_identities(cuts_s: Sequence[float], n_people: int) -> list[NotMeasured]:
    """That nobody is known again by looks: what is assumed about people where there are cuts."""
    if not cuts_s or not n_people:
        return []
    said = ", ".join(f"{time_s:.2f}" for time_s in cuts_s[:_MAX_SAID])
    more = f" and {len(cuts_s) - _MAX_SAID} more" if len(cuts_s) > _MAX_SAID else ""
    return [
        NotMeasured(
            "who is who after a cut",
            f"the picture is cut at {said}{more} s, and nobody is known again by looks: a face "
            "after a cut counts as another person, except where an earlier shot returns with a "
            "face of that size in that place, which counts as the same",
        )
    ]


def _look(thumbnail: np.ndarray) -> _Look:
    grey = thumbnail.astype(np.float32)
    n = _SIZE_PX // _CELL_PX
    cells = grey.reshape(n, _CELL_PX, n, _CELL_PX).swapaxes(1, 2).reshape(n * n, -1)
    means = cells @ _MEAN
    about = cells - means[:, None]
    spreads = np.sqrt(np.einsum("ij,ij->i", about, about) / about.shape[1])
    # of the whole: what differs within the cells, and between them
    whole = float(np.mean(spreads**2) + np.var(means))
    return _Look(grey, about, means, spreads, whole < _FLAT**2)


def _stays(one: _Look, other: _Look) -> float:
    """Share of the cells in which the same is seen, brighter or darker."""
    together = np.einsum("ij,ij->i", one.cells, other.cells) / one.cells.shape[1]
    same = together > _CELL_STAYS * np.maximum(one.spreads * other.spreads, 1e-6)
    flat = (one.spreads < _FLAT_CELL) & (other.spreads < _FLAT_CELL)
    if flat.any():
        apart = one.cells - other.cells + (one.means - other.means)[:, None]
        same[flat] = np.abs(apart[flat]).mean(axis=1) < _FLAT_STAYS
    return float(np.count_nonzero(same)) / len(same)


def _unit(row: np.ndarray) -> np.ndarray:
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-6))


def _alike(one: _Look, other: _Look) -> tuple[float, float]:
    """Correlation of the light and of the edges, -1 to 1."""
    return float(one.light() @ other.light()), float(one.edges() @ other.edges())
