"""Action units from geometry: how far a face is from neutral, on the FACS scale.

Each unit is a weighted sum of pose-free measures (and of blendshape coefficients, where the
backend has them). Zero and scale come from two places: zero from neutral faces of real people,
scale from a rendered face whose action units are known (docs/calibration.md has the figures).
What geometry cannot tell is not in the list and is declared not measured.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from demeanor.explain.perception.geometry import MEASURES
from demeanor.explain.records import Side

MAX_INTENSITY = 5.0
_GAP_RELIABILITY = 0.9  # AU25 is the gap between the lips itself: nothing was fitted
# Asked for by the field, out of reach of geometry: they need the skin's texture.
_TEXTURE = "need the skin's texture"
_NEIGHBOURS = "geometry does not tell them from other movements of the mouth"
_THIN = "lip thickness is too weak in the mesh"
NOT_MEASURABLE = {
    "AU4": _TEXTURE,
    "AU9": _TEXTURE,
    "AU10": _NEIGHBOURS,
    "AU14": _TEXTURE,
    "AU15": _NEIGHBOURS,
    "AU17": _TEXTURE,
    "AU20": _NEIGHBOURS,
    "AU23": _THIN,
    "AU24": _THIN,
}


@dataclass(frozen=True, slots=True, eq=False)
class Intensities:
    intensity: np.ndarray  # (n, codes) 0-5
    change: np.ndarray  # (n, codes) above the person's own rest, not clipped


@dataclass(frozen=True, slots=True, eq=False)
class ActionUnitModel:
    """Coefficients of one backend."""

    backend: str
    codes: tuple[str, ...]
    weights: np.ndarray  # (features, codes)
    centre: np.ndarray  # (features,) of neutral faces
    neutral_high: np.ndarray  # (codes,) level that few neutral faces exceed
    reliability: dict[str, float]  # 0-1 per code: correlation with the known truth, held out
    sided: tuple[tuple[str, Side], ...] = ()
    neutral_spread: np.ndarray | None = None  # (columns,) standard deviation among neutral people

    def levels(
        self, shape: np.ndarray, eyes: np.ndarray, blendshapes: np.ndarray | None
    ) -> np.ndarray:
        """(n, codes) float32 on the FACS scale, about 0 for neutral faces, not clipped.

        Below 0: the person's rest lies on the other side of the population's.
        """
        parts = [shape, eyes] if blendshapes is None else [shape, eyes, blendshapes[:, 1:]]
        features = np.concatenate(parts, axis=1)
        return np.asarray((features - self.centre) @ self.weights, np.float32)

    def levels_above(self, levels: np.ndarray, rest: np.ndarray | None) -> "Intensities":
        """Levels on the 0-5 scale, and above the person's own rest.

        Zero of the scale is the own rest where that lies in the neutral range of the population,
        else the edge of that range. rest: (columns,) levels of this face at rest, see neutral.py;
        None where they are not known (a picture).
        """
        rest = self.neutral_high if rest is None else rest
        zero = np.minimum(rest, self.neutral_high)
        return Intensities(
            np.clip(levels - zero, 0.0, MAX_INTENSITY).astype(np.float32),
            (levels - rest).astype(np.float32),
        )

    def not_measured(self) -> dict[str, str]:
        return {au: why for au, why in NOT_MEASURABLE.items() if au not in self.codes}


@cache
def action_unit_model(backend: str) -> ActionUnitModel:
    text = files("demeanor.explain.perception").joinpath("calibration.json").read_text("utf-8")
    data = json.loads(text)["backends"][backend]
    if tuple(data["measures"][: len(MEASURES)]) != MEASURES:
        raise ValueError(f"calibration.json of {backend} was made for other measures")
    codes = tuple(data["units"])
    units = [data["units"][code] for code in codes]
    return ActionUnitModel(
        backend,
        codes,
        np.array([unit["weights"] for unit in units]).T,
        np.array(data["centre"]),
        np.array([unit["neutral_high"] for unit in units]),
        {
            c: _GAP_RELIABILITY if u["reliability"] is None else u["reliability"]
            for c, u in zip(codes, units, strict=True)
        },
    )
