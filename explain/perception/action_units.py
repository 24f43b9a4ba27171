"""Action units: how far a face is from neutral, on the FACS scale.

Each unit is a weighted sum of measures: pose-free shape, eyelids, the skin's texture, and
blendshape coefficients where the backend has them. Zero and scale come from two places: zero
from neutral faces of real people, scale from a rendered face whose action units are known
(docs/perception.md has the figures and says how weights were found). What none of these can tell
is not in the list and is declared not measured.

Weights of a unit with two sides are written for the right one; the left is its mirror image.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from demeanor.explain.perception.geometry import (
    EYE_MEASURES,
    HEAD_MEASURES,
    SHAPE_MEASURES,
    head_measures,
)
from demeanor.explain.perception.texture import TEXTURE_MEASURES
from demeanor.explain.records import Side

MAX_INTENSITY = 5.0
_EDGE_SPREADS = 1.645  # one neutral face in twenty lies beyond
MEASURES = (*SHAPE_MEASURES, *EYE_MEASURES, *HEAD_MEASURES, *TEXTURE_MEASURES)  # + blendshapes
_STRETCHED_FROM = 4.0  # AU26 beyond which a jaw is stretched open (AU27): told apart by degree
# Asked for by the field, and out of reach of both backends.
NOT_MEASURABLE = {
    "AU11": "it cannot be told from AU10 by what is measured here",
    "AU16": "it cannot be told from AU25 by what is measured here",
    "AU22": "it cannot be told from AU18 by what is measured here",
    "AU23": "no face with a known AU23 was at hand to measure it on",
}
_WEAK = "it did not follow known faces well enough with this backend"
_WANTED = ("AU1 AU2 AU4 AU5 AU6 AU7 AU9 AU10 AU12 AU14 AU15 AU17 AU18 AU20 AU24 AU28").split()


@dataclass(frozen=True, slots=True, eq=False)
class Intensities:
    intensity: np.ndarray  # (n, columns) 0-5
    change: np.ndarray  # (n, columns) above the person's own rest, not clipped


@dataclass(frozen=True, slots=True, eq=False)
class ActionUnitModel:
    """Coefficients of one backend. Columns: `codes`, each for both sides together, then `sided`."""

    backend: str
    codes: tuple[str, ...]
    weights: np.ndarray  # (features, columns)
    centre: np.ndarray  # (features,) of neutral faces
    neutral_high: np.ndarray  # (columns,) level that few neutral faces exceed
    reliability: dict[str, float]  # 0-1 per code: correlation with the known truth, held out
    sided: tuple[tuple[str, Side], ...] = ()
    neutral_spread: np.ndarray | None = None  # (columns,) standard deviation among neutral people

    def levels(
        self,
        shape: np.ndarray,
        eyes: np.ndarray,
        pose_deg: np.ndarray,
        texture: np.ndarray | None = None,
        blendshapes: np.ndarray | None = None,
    ) -> np.ndarray:
        """(n, columns) float32 on the FACS scale, about 0 for neutral faces, not clipped.

        Below 0: the person's rest lies on the other side of the population's. A measure that is
        missing (NaN, or no texture at all) counts as that of a neutral face.
        """
        n = len(shape)
        if texture is None:
            texture = np.full((n, len(TEXTURE_MEASURES)), np.nan, np.float32)
        parts = [shape, eyes, head_measures(pose_deg), texture]
        if blendshapes is not None:
            parts.append(blendshapes[:, 1:])
        off = np.concatenate(parts, axis=1) - self.centre
        return np.asarray(np.where(np.isnan(off), 0.0, off) @ self.weights, np.float32)

    def levels_above(self, levels: np.ndarray, rest: np.ndarray | None) -> "Intensities":
        """Levels on the 0-5 scale, and above the person's own rest.

        Zero of the scale is the own rest where that lies in the neutral range of the population,
        else the edge of that range. rest: (columns,) levels of this face at rest, see neutral.py;
        None where they are not known (a picture): then it is the level that few exceed.
        """
        edge = self.neutral_high
        if rest is None:
            rest = edge
        elif self.neutral_spread is not None:
            edge = np.maximum(edge, _EDGE_SPREADS * self.neutral_spread)
        zero = np.minimum(rest, edge)
        return Intensities(
            np.clip(levels - zero, 0.0, MAX_INTENSITY).astype(np.float32),
            (levels - rest).astype(np.float32),
        )

    def not_measured(self) -> dict[str, str]:
        weak = {au: _WEAK for au in _WANTED if au not in self.codes}
        return {**NOT_MEASURABLE, **weak}


def stretched(jaw_drop: np.ndarray) -> np.ndarray:
    """AU27 from AU26 (0-5): beyond D a dropped jaw is a stretched mouth, E where AU26 is E."""
    top = MAX_INTENSITY - _STRETCHED_FROM
    return np.asarray(np.clip(jaw_drop - _STRETCHED_FROM, 0.0, top) * (MAX_INTENSITY / top))


@cache
def action_unit_model(backend: str) -> ActionUnitModel:
    text = files("demeanor.explain.perception").joinpath("calibration.json").read_text("utf-8")
    return model_of(backend, json.loads(text)["backends"][backend])


def model_of(backend: str, data: dict[str, object]) -> ActionUnitModel:
    """From the part of calibration.json that belongs to one backend.

    Raises ValueError where it was made for other measures than the code has.
    """
    measures: list[str] = data["measures"]  # type: ignore[assignment]
    if tuple(measures[: len(MEASURES)]) != MEASURES:
        raise ValueError(f"calibration.json of {backend} was made for other measures")
    units: dict[str, dict[str, object]] = data["units"]  # type: ignore[assignment]
    mirror = mirrored(measures)
    both, one_side, sided = [], [], []
    for code, unit in units.items():
        right = np.zeros(len(measures))
        for name, weight in unit["weights"].items():  # type: ignore[attr-defined]
            right[measures.index(name)] = weight
        if not unit["two_sides"]:
            both.append(right)
            continue
        both.append((right + right[mirror]) / 2)
        if unit["report_sides"]:
            one_side += [right, right[mirror]]
            sided += [(code, Side.RIGHT), (code, Side.LEFT)]
    return ActionUnitModel(
        backend,
        tuple(units),
        np.array(both + one_side).T,
        np.array(data["centre"]),
        _per_column(units, sided, "neutral_high"),
        {code: float(unit["reliability"]) for code, unit in units.items()},  # type: ignore[arg-type]
        tuple(sided),
        _per_column(units, sided, "neutral_spread"),
    )


def _per_column(
    units: dict[str, dict[str, object]], sided: list[tuple[str, Side]], name: str
) -> np.ndarray:
    """A number for both sides, then the one for a single side, which varies more."""
    one = f"{name}_of_a_side"
    return np.array([unit[name] for unit in units.values()] + [units[c][one] for c, _ in sided])


def mirrored(measures: list[str]) -> np.ndarray:
    """Index of the mirror image of each measure: …_R for …_L, eyeBlinkLeft for eyeBlinkRight."""
    pairs = (("_R", "_L"), ("_L", "_R"), ("Right", "Left"), ("Left", "Right"))
    found = list(range(len(measures)))
    for i, name in enumerate(measures):
        for end, other in pairs:
            if name.endswith(end):
                found[i] = measures.index(name[: -len(end)] + other)
                break
    return np.array(found)
