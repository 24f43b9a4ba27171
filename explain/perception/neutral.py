"""What a person's own face looks like at rest, found in the clip or shown on request.

No quantile of each unit alone finds it: whoever smiles for most of a clip would be at rest in
the smile, and its end would look like lip corners pulled down. So rest is a posture, of all
units at once: one that the person stays in, weighed by how likely a neutral face of anybody
looks like that. A little of it moves the zero a little; a lot of it makes it the person's own.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demeanor.explain.errors import SettingsError
from demeanor.explain.perception.baseline import frame_step_s
from demeanor.explain.records import Span
from demeanor.explain.settings import BaselineSettings

_SMOOTH_S = 0.2  # against the trembling of the points
_FLOOR = 0.3  # FACS levels: a neutral population is never known better than that
_MAX_CANDIDATES = 300  # postures compared with one another: bounds time and memory
_STRANGE = 4.0  # spreads; farther out is not less neutral still
_LIKE_RMS = 0.25  # levels, over all units: as far as two looks at one posture lie apart
_MEMBER_RMS, _MEMBER_MOST = 0.4, 1.0  # levels, over all units and in any one
_STILL_PER_S = 1.0  # levels, over all units: an onset of C in half a second has some 2
_STILL_SHARE = 0.25  # who never holds still: the stillest quarter of the frames
_TIME = r"(?:\d+:){0,2}\d+(?:\.\d+)?"
FOUND = "found in this clip"


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """How neutral faces of many people lie, on the model's own scale."""

    centre: np.ndarray  # (codes,)
    spread: np.ndarray  # (codes,) standard deviation


@dataclass(frozen=True, slots=True, eq=False)
class Neutral:
    """The zero of one person. `held` is True where the person's calmest posture still lies beyond
    what neutral faces show: then it is a level held all along, and no neutral face.
    """

    levels: np.ndarray  # (codes,)
    spread: np.ndarray  # (codes,) half the distance from the 16th to the 84th percentile there
    seconds: float  # of frames that show it
    held: np.ndarray  # (codes,) bool
    origin: str  # FOUND, "shown at 3.00 s", "shown in rest.mp4"

    @property
    def at_rest(self) -> bool:
        return not self.held.any()


def population(high: np.ndarray, spread: np.ndarray | None = None) -> Population:
    """Of the calibration: `high` is the level that one neutral face in twenty exceeds, which
    lies 1.645 standard deviations up; `spread`, where it was measured, is taken instead.
    """
    spread = high / 1.645 if spread is None else spread
    return Population(np.zeros_like(high, dtype=float), np.maximum(spread, _FLOOR))


@dataclass(frozen=True, slots=True)
class NeutralOptions:
    """What a user says about rest: when it is shown, or which clip of this person shows it."""

    at: Span | None = None  # a moment has no length
    clip: Path | None = None

    def __post_init__(self) -> None:
        if self.at is not None and self.clip is not None:
            raise SettingsError(
                "rest is shown at a time of the clip (neutral_at) or in a clip of its own "
                "(neutral_clip): give one of them"
            )


@dataclass(frozen=True, slots=True, eq=False)
class NeutralWanted:
    """Where a neutral face is shown: a stretch of this clip, or one measured in another."""

    span: Span | None = None
    shown: Neutral | None = None  # of p1, from a calibration clip
    origin: str = FOUND


def moment_of(text: str) -> Span:
    """A time, "3.5", "00:03" or "1:02:03", or two with a "-" between. Raises SettingsError."""
    found = re.fullmatch(rf"({_TIME})(?:-({_TIME}))?", text.strip())
    if found is None:
        raise SettingsError(f"wanted a time of the clip like 00:03 or 3.5-4.0, found {text!r}")
    start_s = _seconds(found[1])
    end_s = start_s if found[2] is None else _seconds(found[2])
    if end_s < start_s:
        raise SettingsError(f"{text}: ends before it starts")
    return Span(start_s, end_s)


def _seconds(text: str) -> float:
    total_s = 0.0
    for part in text.split(":"):
        total_s = 60 * total_s + float(part)
    return total_s


def choose_neutral(
    times_s: np.ndarray,
    levels: np.ndarray,
    known: Population,
    settings: BaselineSettings,
    step_s: float,
    wanted: NeutralWanted | None,
    n_joint: int,
) -> Neutral | None:
    """Rest as it was shown, else as it is found; None where too little of the face was seen."""
    if wanted is not None and wanted.shown is not None:
        return wanted.shown
    if wanted is not None and wanted.span is not None:
        inside = (times_s >= wanted.span.start_s) & (times_s <= wanted.span.end_s)
        if inside.any():
            return shown_neutral(times_s[inside], levels[inside], wanted.origin)
    if len(times_s) * step_s < settings.min_own_s or len(times_s) == 0:
        return None
    return find_neutral(times_s, levels, known, settings, n_joint)


def find_neutral(
    times_s: np.ndarray,
    levels: np.ndarray,
    known: Population,
    settings: BaselineSettings,
    n_joint: int | None = None,
) -> Neutral:
    """Rest in this clip. levels: (n, codes), one row per trusted frame, in time order.

    n_joint: so many columns make the posture; the rest (single sides of the same units) would
    count movements twice and only get their level from the frames that were chosen.
    """
    n_joint = levels.shape[1] if n_joint is None else n_joint
    steady = _steady(times_s, levels)
    joint = steady[:, :n_joint]
    (still,) = np.nonzero(_still(times_s, joint))
    candidates = still[np.linspace(0, len(still) - 1, min(len(still), _MAX_CANDIDATES)).astype(int)]
    off = (joint - known.centre[:n_joint]) / known.spread[:n_joint]
    best = candidates[np.argmax(_plausibility(joint[candidates], off[candidates]))]
    members = _members(joint, best)
    chosen = np.median(steady[members], axis=0)
    seconds = float(members.sum() * frame_step_s(times_s))
    beyond = (chosen - known.centre) / known.spread
    held = (beyond > settings.neutral_spreads) & (np.arange(len(beyond)) < n_joint)
    if not held.any():
        weighed = _shrunk(chosen, known, seconds, settings.shrink_s)
        low, middle = np.quantile(steady, [0.05, 0.5], axis=0)
        rest = np.clip(weighed, np.minimum(chosen, low), np.maximum(chosen, middle))
    else:
        low = np.quantile(steady, settings.own_quantile, axis=0)
        nearer = np.abs(low - known.centre) < np.abs(chosen - known.centre)
        rest = np.where(nearer, low, chosen)
    return Neutral(rest, _half_width(levels[members]), seconds, held, FOUND)


def shown_neutral(times_s: np.ndarray, levels: np.ndarray, origin: str) -> Neutral:
    """Rest where somebody said that it is shown: taken as it is, and not weighed against others."""
    seconds = float(len(levels) * frame_step_s(times_s))
    rest = np.median(levels, axis=0)
    return Neutral(rest, _half_width(levels), seconds, np.zeros(len(rest), bool), origin)


def _shrunk(own: np.ndarray, known: Population, seconds: float, half_at_s: float) -> np.ndarray:
    """Between the population's centre and the own level: half-way at `half_at_s` of evidence.

    An own level that is strange in a population says that the population tells little about this
    face: the prior has heavy tails (Student's t, 3 degrees of freedom), and less is asked for.
    """
    strange = (own - known.centre) / known.spread
    evidence = seconds * np.maximum(1.0, (3 + strange**2) / 4)
    return np.asarray(known.centre + (own - known.centre) * evidence / (evidence + half_at_s))


def _steady(times_s: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Moving average of every column over `_SMOOTH_S`; shorter at the ends."""
    step_s = frame_step_s(times_s)
    half = int(_SMOOTH_S / step_s / 2) if step_s > 0 else 0
    total = np.concatenate([np.zeros((1, levels.shape[1])), np.cumsum(levels, axis=0, dtype=float)])
    first = np.maximum(np.arange(len(levels)) - half, 0)
    last = np.minimum(np.arange(len(levels)) + half + 1, len(levels))
    return np.asarray((total[last] - total[first]) / (last - first)[:, None])


def _still(times_s: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """(n,) frames in which little moves; where that is seldom so, the stillest of all."""
    if len(joint) < 3:
        return np.ones(len(joint), bool)
    rate = np.sqrt((np.gradient(joint, times_s, axis=0) ** 2).mean(axis=1))
    return np.asarray(rate <= max(_STILL_PER_S, np.quantile(rate, _STILL_SHARE)))


def _plausibility(postures: np.ndarray, off: np.ndarray) -> np.ndarray:
    """(n,) logarithm of how often the person looks like this, plus that of how often anybody's
    neutral face does. Units count as independent, and a very strange one as merely strange.
    Only what lies above neutral counts: movements raise levels, and a low one is how a face is
    built. (Counted too, a smile would pass for rest in whoever has low cheeks.)
    """
    square = (postures**2).sum(axis=1)
    apart = square[:, None] + square - 2 * postures @ postures.T  # (n, n) squared distance
    alike = np.exp(-0.5 * np.maximum(apart, 0.0) / (postures.shape[1] * _LIKE_RMS**2))
    return np.asarray(
        np.log(alike.mean(axis=1)) - 0.5 * (np.clip(off, 0.0, _STRANGE) ** 2).sum(axis=1)
    )


def _members(joint: np.ndarray, best: int) -> np.ndarray:
    """(n,) frames of the same posture, moving or not."""
    apart = joint - joint[best]
    near = np.sqrt((apart**2).mean(axis=1)) <= _MEMBER_RMS
    return np.asarray(near & (np.abs(apart).max(axis=1) <= _MEMBER_MOST))


def _half_width(levels: np.ndarray) -> np.ndarray:
    low, high = np.quantile(levels, [0.16, 0.84], axis=0)
    return np.asarray((high - low) / 2)
