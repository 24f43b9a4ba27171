"""What is drawn from: published patterns and proportions, and what our front end makes of faces.

proportions.csv   Du, Tao & Martinez 2014: which share of people shows a unit, by emotion
states.csv        patterns of states that the prototype reasoner has no row for
parameters.csv    durations, rates, spreads; "ours" where no source gives the number
vocal.csv         by how much a voice departs from the speaker's usual, by emotion
front_end.csv, cross_talk.csv    noise of our measurement, fitted by `benchmarks.simulate --fit`
sayings.yaml      sentences by emotion and appraisal, with what fills their gaps

The lists without proportions (FACS Investigator's Guide, Matsumoto, Cordaro, Keltner) are read
from the prototype reasoner's own table: one row, one place.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from demeanor.explain.perception.action_units import action_unit_model
from demeanor.explain.reasoning.tables import PrototypeRow, prototype_rows
from demeanor.explain.vocabulary import MOVEMENTS

BACKENDS = ("mesh", "landmarker")
NEUTRAL = "neutral"
OPENINGS = ("AU26", "AU27")
# Rules of FACS: never scored together (knowledge of FACS 2002, via jmgirard/facs). The first stays.
EXCLUDE = (
    ("AU5", "AU43"),
    ("AU24", "AU25"),
    ("AU18", "AU28"),
    ("AU51", "AU52"),
    ("AU53", "AU54"),
    ("AU55", "AU56"),
    ("AU57", "AU58"),
    ("AU61", "AU62"),
    ("AU63", "AU64"),
)
_DU = "Du, Tao & Martinez 2014"
_SURPRISE_B = "surprise"  # the Investigator's Guide: AU5 of surprise at about B only
_GUIDE = "FACS Investigator's Guide 2002"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One published way in which an emotion is shown."""

    emotion: str
    coarse: tuple[str, ...]
    shares: tuple[tuple[str, float], ...]  # (unit, share of people that show it)
    one_of: tuple[str, ...]  # at most one of these beside it
    strong: frozenset[str]  # at D or more
    slight: frozenset[str]  # at B or less
    one_sided: bool
    source: str
    has_proportions: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """What becomes of one unit between face and timeline: measured = gain x true - offset."""

    gain: float
    offset: float
    noise: float
    noise_unknown_rest: float
    false_alarm: float  # share of neutral pictures
    reliability: float
    sided: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    value: float
    spread: float
    source: str


@cache
def patterns() -> dict[str, tuple[Pattern, ...]]:
    """By emotion, those with proportions first."""
    rows = [*_with_proportions(), *map(_listed, prototype_rows()), *_states()]
    found: dict[str, list[Pattern]] = {}
    for row in rows:
        if row.source != _DU or row.has_proportions:
            found.setdefault(row.emotion, []).append(row)
    return {emotion: tuple(several) for emotion, several in found.items()}


@cache
def coarse_names() -> dict[str, tuple[str, ...]]:
    """Coarse emotions of each state; none for those that stand beside them, like confusion."""
    return {emotion: rows[0].coarse for emotion, rows in patterns().items()}


@cache
def parameters() -> dict[str, Parameter]:
    return {
        row["name"]: Parameter(float(row["value"]), float(row["spread"] or 0), row["source"])
        for row in read("parameters.csv")
    }


def value(name: str) -> float:
    return parameters()[name].value


@cache
def voice_changes() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in read("vocal.csv"):
        found.setdefault(row["emotion"], {})[row["code"]] = float(row["change"])
    return found


@cache
def units(backend: str) -> dict[str, Unit]:
    model = action_unit_model(backend)
    sided = {code for code, _ in model.sided}
    found = {}
    for row in read("front_end.csv"):
        code = row["code"]
        if row["backend"] == backend and code in model.reliability:
            found[code] = Unit(
                float(row["gain"]),
                float(row["offset"]),
                float(row["noise"]),
                float(row["noise_unknown_rest"]),
                float(row["false_alarm_percent"]) / 100,
                model.reliability[code],
                code in sided,
            )
    return found


@cache
def cross_talk(backend: str) -> dict[str, tuple[tuple[str, float], ...]]:
    """By unit that is shown: the others that fire, and in what share of faces."""
    found: dict[str, list[tuple[str, float]]] = {}
    for row in read("cross_talk.csv"):
        if row["backend"] == backend:
            found.setdefault(row["shown"], []).append((row["fires"], float(row["percent"]) / 100))
    return {shown: tuple(several) for shown, several in found.items()}


@cache
def sayings() -> dict[str, Any]:
    text = files("demeanor.data_engine.simulate").joinpath("sayings.yaml").read_text("utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def read(name: str) -> list[dict[str, str]]:
    text = files("demeanor.data_engine.simulate").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


# --- patterns ------------------------------------------------------------------------------------


def _with_proportions() -> list[Pattern]:
    rows: dict[str, list[dict[str, str]]] = {}
    for row in read("proportions.csv"):
        rows.setdefault(row["emotion"], []).append(row)
    core = value("core_percent") / 100
    return [
        Pattern(
            emotion,
            tuple(several[0]["coarse"].split("+")),
            tuple(
                (r["code"], float(r["percent"]) / 100 if r["percent"] else core) for r in several
            ),
            (),
            frozenset(),
            frozenset(),
            False,
            _DU,
            True,
        )
        for emotion, several in rows.items()
    ]


def _listed(row: PrototypeRow) -> Pattern:
    """Of a list without proportions: all of its units, and half of those that may be beside."""
    openings = tuple(code for code in sorted(row.optional) if code in ("AU25", "AU26", "AU27"))
    half = value("optional_percent") / 100
    others = [(code, half) for code in sorted(row.optional) if code not in openings]
    slight = {"AU5"} if row.emotion == _SURPRISE_B and row.source == _GUIDE else set()
    return Pattern(
        row.emotion,
        row.coarse,
        tuple([(code, 1.0) for code in row.aus if code in MOVEMENTS] + others),
        openings,
        row.strong,
        frozenset(slight),
        row.one_sided,
        row.source,
        False,
    )


def _states() -> list[Pattern]:
    return [
        Pattern(
            row["emotion"],
            (),
            tuple([(f"AU{n}", 1.0) for n in row["aus"].split("+")] + _optional(row)),
            tuple(f"AU{n}" for n in row["optional"].split("+") if n in ("25", "26", "27")),
            frozenset(),
            frozenset(),
            False,
            row["source"],
            False,
        )
        for row in read("states.csv")
    ]


def _optional(row: dict[str, str]) -> list[tuple[str, float]]:
    known = dict(pair.split(":") for pair in row["percents"].split(",") if pair)
    half = value("optional_percent")
    return [
        (f"AU{n}", float(known.get(n, half)) / 100)
        for n in row["optional"].split("+")
        if n and n not in ("25", "26", "27")
    ]
