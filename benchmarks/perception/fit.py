"""Finds the coefficients of the action units: calibration.json and templates.npz.

    python -m benchmarks.perception --fit      (see __main__.py)

Zero comes from neutral pictures of real people, scale from rendered faces with known units. A
unit is a ridge regression of its weight on the change of the measures of its part of the face,
shrunk along the directions in which neutral people differ, so that faces are not mistaken for
expressions. Skin that we painted ourselves teaches less about people than its figures say: pictures
of people without labels have a say in what is left out, and one backend teaches the other on them.
That is the strict fit. The weights that are used are shrunk little, but held on pictures of people
to what the strict fit says there: renders decide only where people have not been heard.
Labels of emotions go into nothing here.
"""

from typing import Any

import numpy as np
from scipy.optimize import lsq_linear

from benchmarks.perception.measured import Table, measures
from benchmarks.perception.renders import MIDDLE, UNITS
from demeanor.explain.corpora.folds import HELD_OUT
from demeanor.explain.perception.action_units import MEASURES, mirrored
from demeanor.explain.perception.geometry import RIGID, align, to_person
from demeanor.explain.perception.texture import TEXTURE_MEASURES

FULL = 5.0  # FACS E: weight 1 of the rendered face's expression
# Shrinkage along what varies between neutral people, what varies from frame to frame, and in all.
REAL_SHARE, JITTER_SHARE = 0.05, 1.0
# Of the last, the strongest that costs this share of the correlation at most where a style is
# left out: what is painted here teaches less about real faces than its own figures say.
RIDGES, WORTH = (2_000.0, 4_000.0, 8_000.0), 0.05
# How much pictures without labels count beside the renders, on which a fit is held to what another
# says: a backend that has less to go on to the other, the weights that are used to the strict ones.
TAUGHT_SHARE = 0.5
LOOSE = 100.0  # shrinkage of the weights that are used, beside being held so
# In the strict fit a backend is taught, and slanted structure left out, where it brings the unit
# nearer to the blendshape of its name, which knows real faces, by this r, and costs no more than
# this r of a style left out.
GAIN, COST = 0.02, 0.06
SLANT = frozenset(name for name in TEXTURE_MEASURES if "_slant" in name)
NOTHING: frozenset[str] = frozenset()
ALARM_RATE, ALARM_LEVEL = 0.05, 1.5  # of neutral faces may show intensity B or more
# Of other units rendered alone 98%, of any one of them 90%, of several at once 95%
# stay below this: else the unit is reported too low, though never below this share of E.
CROSS_TALK, LEAST_SHARE = 1.1, 0.45
CROSS_TALK_SHARE, CROSS_TALK_SHARE_OF_ONE, CROSS_TALK_SHARE_TOGETHER = 0.98, 0.9, 0.95
# Smiles are the more common by far: a dimpler read as one does not make all smiles smaller.
SPARED = {("AU12", "AU14")}
NEARLY_FRONTAL_DEG = 12
LIP_GAP_FULL = 0.18  # of the eyes' distance, about 16 mm: AU25 at E
WITH_BLENDSHAPES = "landmarker"
# The mesh alone reads a broad smile as these, too: seen on our demo clip and on a real one.
ONLY_WITH_BLENDSHAPES = frozenset({"AU9", "AU28"})
MIN_RELIABILITY = 0.35  # a unit that follows known faces less well is not reported at all
MIN_SIDE_R = 0.6  # correlation of the difference of sides: below it sides are not reported
# Units that move the same parts in the same way: one beside the other is no mistake to count.
RELATED = (
    {"AU1", "AU2"}, {"AU1", "AU4"}, {"AU4", "AU9"}, {"AU5", "AU43"}, {"AU5", "AU7"},
    {"AU6", "AU7"}, {"AU7", "AU43"}, {"AU6", "AU12"}, {"AU6", "AU43"}, {"AU9", "AU10"},
    {"AU10", "AU25"}, {"AU9", "AU25"}, {"AU25", "AU26"}, {"AU25", "AU12"}, {"AU25", "AU20"},
    {"AU15", "AU17"}, {"AU24", "AU28"}, {"AU17", "AU24"},
)  # fmt: skip
BLENDSHAPES = {
    "AU1": "browInnerUp", "AU2": "browOuterUp", "AU4": "browDown", "AU5": "eyeWide",
    "AU6": "cheekSquint", "AU7": "eyeSquint", "AU9": "noseSneer", "AU10": "mouthUpperUp",
    "AU12": "mouthSmile", "AU14": "mouthDimple", "AU15": "mouthFrown", "AU17": "mouthShrugLower",
    "AU18": "mouthPucker", "AU20": "mouthStretch", "AU24": "mouthPress", "AU25": "jawOpen",
    "AU26": "jawOpen", "AU28": "mouthRoll", "AU43": "eyeBlink",
}  # fmt: skip
_UPPER = "brow eye upper_lid lower_lid forehead glabella nose_root crow under_eye cheekSquint"
_MOUTH = (
    "lip upper_lip lower_lip chin jaw nasolabial beside_corner below_corner above_lip below_lip "
    "mentolabial ala cheek_height mouth cheekPuff"
)
PARTS = {
    **dict.fromkeys(("AU1", "AU2", "AU4", "AU5", "AU7", "AU43"), _UPPER),
    "AU6": f"{_UPPER} cheek nasolabial lip_corner mouthSmile nose",
    "AU9": f"{_UPPER} nose ala nasolabial upper_lip above_lip mouthUpper mouthShrugUpper",
    "AU10": f"{_MOUTH} nose",
    **dict.fromkeys(
        ("AU12", "AU14", "AU15", "AU17", "AU18", "AU20", "AU24", "AU26", "AU28"), _MOUTH
    ),
}


def make_template(points: np.ndarray) -> np.ndarray:
    """Generalised Procrustes mean of neutral meshes, made symmetric, outer eye corners at ±.5."""
    points = to_person(points)
    shape = points[0] - points[0].mean(axis=0)
    for turn in range(6):
        aligned, _ = align(points, shape, np.arange(len(shape)) if turn < 2 else RIGID)
        shape = _upright(np.median(aligned, axis=0))
        flipped = shape * np.array([-1, 1, 1])
        twin = ((flipped[:, None] - shape[None]) ** 2).sum(axis=-1).argmin(axis=1)
        shape = (shape + flipped[twin]) / 2
    return shape.astype(np.float32)


def _upright(shape: np.ndarray) -> np.ndarray:
    """x through the outer corners of the eyes, y from chin to forehead, origin between the eyes."""
    right, left = shape[33], shape[263]
    x = (left - right) / np.linalg.norm(left - right)
    y = shape[10] - shape[152]
    y = y - x * (x @ y)
    y /= np.linalg.norm(y)
    axes = np.stack([x, y, np.cross(x, y)], axis=1)
    return (shape - (left + right) / 2) @ axes / np.linalg.norm(left - right)


def neutral(faces: Table) -> np.ndarray:
    return faces["label"] == "neutral"


def filled(x: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(x), centre, x)


def rest_of_each(x: np.ndarray, renders: Table) -> np.ndarray:
    """For every row the measures of the same person at rest, all but from the front; NaN where
    there are none."""
    people, which = np.unique(renders["person"], return_inverse=True)
    rest = (renders["kind"] == "rest") & (np.abs(renders["pose"]).max(axis=1) < NEARLY_FRONTAL_DEG)
    own = np.full((len(people), x.shape[1]), np.nan)
    for i in range(len(people)):
        if (rows := rest & (which == i)).any():
            own[i] = x[rows].mean(axis=0)
    return own[which]


def _differences(x: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Of rows that show the same picture, second less first."""
    pairs = np.flatnonzero(image[1:] == image[:-1])
    return x[pairs + 1] - x[pairs]


def true_weights(renders: Table) -> tuple[np.ndarray, np.ndarray]:
    """(n, units) of the right and the left side, 0-1.

    AU43 is how far the lids are shut, from the vertices: one weight shuts large eyes less.
    """
    right, left = renders["right"].copy(), renders["left"].copy()
    k = UNITS.index("AU43")
    for i, side in enumerate((right, left)):
        side[:, k] = np.where(side[:, k] > 0, renders["lid_closure"][:, i], 0.0)
    return right, left


How = tuple[frozenset[str], np.ndarray | None]  # the last two arguments of `Fit.solve`


class Fit:
    """One backend's data, prepared once."""

    def __init__(
        self,
        faces: Table,
        renders: Table,
        jitter: Table,
        template: np.ndarray,
        blendshapes: list[str],
        teacher: "Fit | None" = None,
    ) -> None:
        """teacher: the fit of a backend with blendshapes; None: this one has them."""
        self.faces, self.renders, self.teacher = faces, renders, teacher
        self.names = [*MEASURES, *(blendshapes if "blendshapes" in renders else [])]
        self.mirror = mirrored(self.names)
        x_real, x = measures(faces, template), measures(renders, template)
        self.seen = faces["fold"] != HELD_OUT
        self.known = neutral(faces) & self.seen  # people whom zero is set on
        centre = np.nanmedian(x_real[self.known], axis=0)
        self.centre = (centre + centre[self.mirror]) / 2
        self.x_real, self.x = filled(x_real, self.centre), filled(x, self.centre)
        self.jitter = _differences(filled(measures(jitter, template), self.centre), jitter["image"])
        own = rest_of_each(self.x, renders)
        self.has_rest = ~np.isnan(own[:, 0])
        self.change = np.where(self.has_rest[:, None], self.x - own, 0.0)
        self.train = self.has_rest & ~renders["held_out"]
        self.right, self.left = true_weights(renders)
        both = np.concatenate([self.change[self.train], self.change[self.train][:, self.mirror]])
        self.scale = both.std(axis=0) + 1e-6

    def columns(self, unit: str) -> np.ndarray:
        starts = (*PARTS[unit].split(), "head_")
        return np.array([i for i, name in enumerate(self.names) if name.startswith(starts)])

    def ridge(self, unit: str) -> float:
        """Chosen among the people of the fit, each style of theirs left out once."""
        follows = np.array([self._follows(unit, ridge) for ridge in RIDGES])
        return RIDGES[int(np.flatnonzero(follows >= (1 - WORTH) * follows.max())[-1])]

    def weights(self, unit: str) -> np.ndarray:
        """Over all measures for the right side (the middle), before scaling to 0-5.

        What the renders need no shrinkage for is left to them; people are read as the strict fit
        reads them.
        """
        strict = self.strict(unit)
        held = self._levels(strict / self._slope(unit, strict), self)
        return self.solve(unit, LOOSE, self.train, NOTHING, held)

    def strict(self, unit: str) -> np.ndarray:
        """Weights that trust renders little, before scaling."""
        ridge = self.ridge(unit)
        left_out, taught = NOTHING, None
        if self._is_better(unit, ridge, (left_out, taught), (SLANT, taught)):
            left_out = SLANT
        if self.teacher:
            told = self._levels(self.teacher.strict(unit), self.teacher)
            if self._is_better(unit, ridge, (left_out, taught), (left_out, told)):
                taught = told
        return self.solve(unit, ridge, self.train, left_out, taught)

    def _is_better(self, unit: str, ridge: float, now: How, other: How) -> bool:
        """Whether real pictures, of people of the fit, gain by the other way of fitting more than
        renders lose."""
        known = self.teacher or self
        rows, theirs = self._same_pictures(known)
        rows, theirs = rows[self.seen[rows]], theirs[self.seen[rows]]
        names = known.names[len(MEASURES) :]
        same = [1 + i for i, name in enumerate(names) if name.startswith(BLENDSHAPES[unit])]
        blendshape = known.faces["blendshapes"][theirs][:, same].mean(axis=1)
        near, follows = [], []
        for how in (now, other):
            weights = self.solve(unit, ridge, self.train, *how)
            level = self.x_real[rows] @ (weights + weights[self.mirror])
            near.append(np.corrcoef(level, blendshape)[0, 1])
            follows.append(self._follows(unit, ridge, *how))
        return bool(near[1] - near[0] >= GAIN and follows[0] - follows[1] <= COST)

    def _follows(self, unit: str, ridge: float, *how: Any) -> float:
        """Correlation with the truth, mean over styles left out."""
        truth = (self.right + self.left)[:, UNITS.index(unit)] / 2
        r = []
        for style in np.unique(self.renders["style"][self.train]):
            other = self.renders["style"] == style
            weights = self.solve(unit, ridge, self.train & ~other, *how)
            rows = self.train & other
            level = self.change[rows] @ (weights + weights[self.mirror])
            r.append(np.corrcoef(level, truth[rows])[0, 1])
        return float(np.mean(r))

    def _levels(self, weights: np.ndarray, known: "Fit") -> np.ndarray:
        """(faces, 2) level of the right and of the left side by weights of a fit, this or another,
        on the same pictures of people of the fit; NaN elsewhere."""
        rows, theirs = self._same_pictures(known)
        levels = np.full((len(self.x_real), 2), np.nan)
        off = (known.x_real - known.centre)[theirs]
        levels[rows] = off @ np.stack([weights, weights[known.mirror]], axis=1)
        return np.where(self.seen[:, None], levels, np.nan)

    def _same_pictures(self, known: "Fit") -> tuple[np.ndarray, np.ndarray]:
        """Rows of pictures here, and in the table of another fit."""
        place = {image: i for i, image in enumerate(known.faces["image"].tolist())}
        there = np.array([place.get(image, -1) for image in self.faces["image"].tolist()])
        return np.flatnonzero(there >= 0), there[there >= 0]

    def solve(
        self,
        unit: str,
        ridge: float,
        train: np.ndarray,
        left_out: frozenset[str] = NOTHING,
        taught: np.ndarray | None = None,
    ) -> np.ndarray:
        """Weights over all measures for the right side (the middle), before scaling to 0-5.

        left_out: measures that get none. taught: see `_levels`.
        """
        k = UNITS.index(unit)
        columns = np.array([i for i in self.columns(unit) if self.names[i] not in left_out])
        a = np.concatenate([self.change[train], self.change[train][:, self.mirror]])
        y = np.concatenate([self.right[train, k], self.left[train, k]])
        real = self.x_real - self.centre

        def counted(rows: np.ndarray, share: float) -> tuple[np.ndarray, float]:
            factor = np.sqrt(share * len(y) / len(rows))
            return factor * rows[:, columns] / self.scale[columns], factor

        rows = [a[:, columns] / self.scale[columns], counted(real[self.known], REAL_SHARE)[0]]
        rows.append(counted(self.jitter, JITTER_SHARE)[0])
        rows.append(np.sqrt(ridge) * np.eye(len(columns)))
        target = [y, np.zeros(sum(len(part) for part in rows[1:]))]
        if taught is not None:
            told = ~np.isnan(taught[:, 0])
            both = np.concatenate([real[told], real[told][:, self.mirror]])
            pictures, factor = counted(both, TAUGHT_SHARE)
            rows.append(pictures)
            target.append(factor * taught[told].T.reshape(-1))
        solved = lsq_linear(np.concatenate(rows), np.concatenate(target)).x
        weights = np.zeros(len(self.names))
        weights[columns] = solved / self.scale[columns]
        if unit in MIDDLE:
            weights = (weights + weights[self.mirror]) / 2
        return weights

    def unit(self, unit: str) -> dict[str, object]:
        weights = self.weights(unit)
        weights = weights * self._to_full(unit, weights)
        return self.describe(unit, weights, report_sides=self._side_r(unit, weights) >= MIN_SIDE_R)

    def _to_full(self, unit: str, weights: np.ndarray) -> float:
        """Factor to FACS steps, as far as cross-talk allows."""
        single, slope = self.train & (self.renders["kind"] == "single"), self._slope(unit, weights)
        both = (weights + weights[self.mirror]) / 2
        level, truth = self.change @ both, (self.right + self.left) / 2
        related = [
            UNITS.index(u)
            for u in UNITS
            if {u, unit} in RELATED or u == unit or (unit, u) in SPARED
        ]
        without = self.train & (truth[:, related].sum(axis=1) == 0)
        others, together = without & single, without & (self.renders["kind"] == "several")
        noise = [
            np.quantile(level[others], CROSS_TALK_SHARE),
            np.quantile(level[together], CROSS_TALK_SHARE_TOGETHER),
        ]
        for other in set(range(len(UNITS))) - set(related):
            shown = others & (truth[:, other] > 0)
            noise.append(np.quantile(level[shown], CROSS_TALK_SHARE_OF_ONE))
        quiet = CROSS_TALK / max(*noise, 1e-9)
        return float(min(FULL, max(quiet * slope, LEAST_SHARE * FULL)) / slope)

    def _slope(self, unit: str, weights: np.ndarray) -> float:
        """Level of both sides for a weight of 1 on renders of the unit alone."""
        truth = (self.right + self.left)[:, UNITS.index(unit)] / 2
        own = self.train & (self.renders["kind"] == "single") & (truth > 0)
        level = self.change[own] @ (weights + weights[self.mirror]) / 2
        return float(level @ truth[own] / (truth[own] @ truth[own]))

    def _side_r(self, unit: str, weights: np.ndarray) -> float:
        if unit in MIDDLE:
            return 0.0
        k, rows = UNITS.index(unit), self.train & (self.renders["kind"] == "single")
        rows = rows & ((self.right + self.left)[:, k] > 0)
        difference = self.change[rows] @ (weights - weights[self.mirror])
        return float(np.corrcoef(difference, (self.right - self.left)[rows, k])[0, 1])

    def describe(self, unit: str, weights: np.ndarray, report_sides: bool) -> dict[str, object]:
        two_sides = unit not in MIDDLE and unit != "AU25"
        both = (weights + weights[self.mirror]) / 2 if two_sides else weights
        real = self.x_real[self.known] - self.centre
        kept = np.flatnonzero(weights)
        row: dict[str, object] = {
            "two_sides": two_sides,
            "report_sides": bool(report_sides and two_sides),
            **_spread("", real @ both),
            **_spread("_of_a_side", real @ weights),
            "reliability": self._reliability(unit, both),
            "weights": {self.names[i]: float(f"{weights[i]:.4g}") for i in kept},
        }
        return row

    def _reliability(self, unit: str, both: np.ndarray) -> float:
        """Correlation with the known truth on people held out, neutral known, all renders."""
        test = self.has_rest & self.renders["held_out"]
        if unit == "AU25":
            truth = np.maximum(self.renders["lip_gap_cm"] - 0.05, 0.0)
        else:
            truth = (self.right + self.left)[:, UNITS.index(unit)] / 2
        return round(float(np.corrcoef(self.change[test] @ both, truth[test])[0, 1]), 2)

    def lip_gap(self) -> dict[str, object]:
        """AU25 is the gap between the lips itself: nothing is fitted."""
        weights = np.zeros(len(self.names))
        weights[self.names.index("lip_gap")] = FULL / LIP_GAP_FULL
        return self.describe("AU25", weights, report_sides=False)

    def all(self) -> dict[str, object]:
        without = frozenset() if "blendshapes" in self.renders else ONLY_WITH_BLENDSHAPES
        units = {u: self.unit(u) for u in UNITS if u not in without} | {"AU25": self.lip_gap()}
        units = {u: unit for u, unit in units.items() if unit["reliability"] >= MIN_RELIABILITY}  # type: ignore[operator]
        order = sorted(units, key=lambda u: int(u[2:]))
        return {
            "measures": self.names,
            "centre": [round(float(c), 5) for c in self.centre],
            "units": {u: units[u] for u in order},
        }


def _spread(suffix: str, levels: np.ndarray) -> dict[str, float]:
    """Above which level few neutral faces lie, and how far they scatter."""
    high = max(0.0, float(np.quantile(levels, 1 - ALARM_RATE)) - ALARM_LEVEL)
    return {
        f"neutral_high{suffix}": round(high, 3),
        f"neutral_spread{suffix}": round(float(levels.std()), 3),
    }
