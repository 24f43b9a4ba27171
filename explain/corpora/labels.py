"""Closed label sets by name, and the lossy way from each label to a coarse emotion.

A set is mapped by name, never by index. The coarse map is our own suggestion: results keep the
original label beside it, and `watch_notes` says what the map loses ("worried" is milder than
fear). A label that stands for nothing coarse ("others", "repression") is left out of the map.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from demeanor.explain.errors import SettingsError, UnknownName
from demeanor.explain.records import LabelSet

COARSE = (
    "happiness",
    "sadness",
    "anger",
    "fear",
    "surprise",
    "disgust",
    "contempt",
    "neutral",
)
MAX_LABEL_CHARS = 60  # a label goes into prompts and tables: longer is a mistake or a sentence
_USER_KEYS = {"name", "labels", "coarse", "source"}


def known_label_sets() -> tuple[str, ...]:
    return tuple(sorted(_shipped()["sets"]))


def label_set(name_or_path: str | Path) -> LabelSet:
    """A shipped set by its name, or the user's own from a .yaml file.

    Raises UnknownName for a name nobody knows, SettingsError for a file that cannot be read.
    """
    if name_or_path in (sets := _shipped()["sets"]):
        name = str(name_or_path)
        return _built(name, sets[name]["labels"], sets[name]["source"])
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        return _from_file(path)
    raise UnknownName("label set", str(name_or_path), (*known_label_sets(), "FILE.yaml"))


def watch_notes(labels: LabelSet) -> tuple[str, ...]:
    """What the coarse map loses for this set, one sentence a label."""
    watch = _shipped()["watch"]
    return tuple(f"{label}: {watch[label]}" for label in labels.labels if label in watch)


def coarse_of(label: str) -> str | None:
    """The coarse emotion of a label by its word alone; None where there is no counterpart."""
    return _coarse_by_word().get(label.casefold())


def _built(name: str, labels: list[str], source: str) -> LabelSet:
    coarse = {label: found for label in labels if (found := coarse_of(label)) is not None}
    return LabelSet(name, tuple(labels), coarse, source)


@cache
def _shipped() -> dict[str, Any]:
    text = files("demeanor.explain.corpora").joinpath("labels.yaml").read_text("utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data


@cache
def _coarse_by_word() -> dict[str, str]:
    return {word: coarse for coarse, words in _shipped()["coarse"].items() for word in words}


def _from_file(path: Path) -> LabelSet:
    data = _read(path)
    if unknown := sorted(set(map(str, data)) - _USER_KEYS):
        raise SettingsError(f"{path}: unknown keys {unknown}; known: {sorted(_USER_KEYS)}")
    labels = _checked_labels(path, data.get("labels"))
    found = _built(str(data.get("name", path.stem)), labels, str(data.get("source", path.name)))
    coarse = _checked_coarse(path, data.get("coarse") or {}, labels)
    return LabelSet(found.name, found.labels, {**found.coarse, **coarse}, found.source)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError(f"label file {path} does not exist; give a file or a set's name")
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: wanted name: and labels:, found {type(data).__name__}")
    return data


def _checked_labels(path: Path, labels: Any) -> list[str]:
    if not isinstance(labels, list) or len(labels) < 2:
        raise SettingsError(f"{path}: labels: wanted a list of two or more, found {labels!r}")
    for label in labels:  # YAML reads a bare `no` as False: quote it
        if not isinstance(label, str) or not label.strip():
            raise SettingsError(f"{path}: labels: wanted text, found {label!r}; quote it")
        if len(label) > MAX_LABEL_CHARS or not label.isprintable():
            raise SettingsError(
                f"{path}: labels: {label[:MAX_LABEL_CHARS]!r} … is longer than"
                f" {MAX_LABEL_CHARS} characters or holds a line break"
            )
    names: list[str] = [label.strip() for label in labels]
    if len({name.casefold() for name in names}) < len(names):
        raise SettingsError(f"{path}: labels: the same label stands there twice")
    return names


def _checked_coarse(path: Path, coarse: Any, labels: list[str]) -> dict[str, str]:
    if not isinstance(coarse, dict):
        raise SettingsError(f"{path}: coarse: wanted label: emotion, found {coarse!r}")
    for label, emotion in coarse.items():
        if label not in labels:
            raise SettingsError(f"{path}: coarse: {label!r} is not among the labels")
        if emotion not in COARSE:
            raise SettingsError(
                f"{path}: coarse: {label}: {emotion!r} is none of {', '.join(COARSE)}"
            )
    return dict(coarse)
