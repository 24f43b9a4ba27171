"""What a build is asked for: a YAML file, with `key=value` on the command line over it.

Every key has a default but the source; a key that nobody knows is an error. Paths in a file are
looked for from the file's folder, paths on the command line from where the command is given.
"""

import dataclasses
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from demeanor.explain.errors import SettingsError
from demeanor.explain.store import from_plain

_PATHS = (
    ("source", "path"),
    ("source", "media"),
    ("teacher", "adapter"),
    ("perception", "settings"),
)


@dataclass(frozen=True, slots=True)
class SourceConfig:
    corpus: str = ""  # `demeanor eval tasks` and docs/data_engine.md name them
    path: Path | None = None
    media: Path | None = None  # where the pictures or clips lie, if not where the corpus says
    labels: str | None = None  # label set; None: the corpus's own
    licence: str | None = None  # written on the card and into every row
    splits: tuple[str, ...] = ()  # only these; none: all
    limit: int | None = None  # so many samples, evenly over the table: a trial
    lossy: bool = False  # labels that the set does not tell apart become one, or are left out


@dataclass(frozen=True, slots=True)
class PerceptionConfig:
    face: str = "auto"
    voice: str = "own"
    asr: str | None = None
    language: str | None = None
    settings: Path | None = None  # YAML of thresholds
    processes: int = 1  # clips measured at once, each in a process with models of its own


@dataclass(frozen=True, slots=True)
class TeacherConfig:
    chat: str = "prototype"
    adapter: Path | None = None
    attempts: int = 3  # the first one, and those after the blind reader's answer
    max_tokens: int = 1600  # of one reply
    workers: int = 4  # requests at once, to an address; anything else answers one at a time


@dataclass(frozen=True, slots=True)
class ReaderConfig:
    """Who reads the text without its label. None: rules for the prototype, else the teacher's
    model in a conversation of its own."""

    chat: str | None = None


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    chat: str | None = None  # None: nobody; never the teacher's model


@dataclass(frozen=True, slots=True)
class ChecksConfig:
    min_grounded: float = 1.0  # share of claims that have to be GROUNDED
    min_words: int = 20
    max_words: int = 600  # about 1,000 tokens with citations: within reasoning.max_reply_tokens
    max_repeated: float = 0.25  # share of the text's 5-word runs that stand in it before
    language: str = "en"
    again: bool = True  # what fails a check is written anew, within `teacher.attempts`


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """Estimated from the text (tokens of 3.6 characters), and stopped at before it is passed."""

    tokens: int | None = None
    usd: float | None = None
    usd_per_million_read: float = 0.0
    usd_per_million_written: float = 0.0


@dataclass(frozen=True, slots=True)
class BuildConfig:
    name: str = "build"
    seed: int = 0
    source: SourceConfig = field(default_factory=SourceConfig)
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    reader: ReaderConfig = field(default_factory=ReaderConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    checks: ChecksConfig = field(default_factory=ChecksConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)


def shipped_configs(tunings: bool = False) -> tuple[str, ...]:
    """Names of the shipped files: builds, or tunings, which are those that have stages."""
    folder = files("demeanor.data_engine").joinpath("configs")
    names = [f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")]
    return tuple(sorted(n for n in names if ("stages" in shipped_mapping(n)) is tunings))


def shipped_mapping(name: str) -> dict[str, Any]:
    shipped = files("demeanor.data_engine").joinpath("configs", f"{name}.yaml")
    return yaml_mapping(shipped.read_text("utf-8"), name)


def load_config(name_or_path: str | Path, changes: Sequence[str] = ()) -> BuildConfig:
    """A shipped config by its name, or a file, with `section.key=value` over it.

    Raises SettingsError for unknown keys, wrong types, and a build without a source.
    """
    data = read_data(name_or_path)
    for change in changes:
        change_data(data, change)
    config = _typed(data)
    if not config.source.corpus or config.source.path is None:
        raise SettingsError(
            f"{name_or_path}: wanted source.corpus and source.path. Write them into the file, or "
            "name them behind it: source.path=FOLDER"
        )
    return config


def read_data(name_or_path: str | Path) -> dict[str, Any]:
    path = Path(name_or_path)
    if str(name_or_path) in shipped_configs():
        return shipped_mapping(str(name_or_path))
    if not path.is_file():
        known = ", ".join(shipped_configs())
        raise SettingsError(f"{path}: no such file, and no shipped build. Shipped: {known}")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not readable as text: {error}") from error
    return _from_its_folder(yaml_mapping(text, str(path)), path.parent)


def yaml_mapping(text: str, name: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise SettingsError(f"{name}: not readable as YAML: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"{name}: wanted sections of key: value, found {type(data).__name__}")
    return data


def _from_its_folder(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    for section, key in _PATHS:
        values = data.get(section)
        if isinstance(values, dict) and isinstance(values.get(key), str):
            values[key] = str(folder / Path(values[key]).expanduser())
    return data


def change_data(data: dict[str, Any], change: str) -> None:
    name, sign, text = change.partition("=")
    if not sign:
        raise SettingsError(f"{change!r}: wanted section.key=value")
    *sections, key = name.strip().split(".")
    place = data
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise SettingsError(f"{change!r}: {section} is no section")
    try:
        place[key] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{change!r}: the value is not readable as YAML: {error}") from error


def _typed(data: dict[str, Any]) -> BuildConfig:
    sections = {f.name: f for f in dataclasses.fields(BuildConfig)}
    if unknown := sorted(set(data) - set(sections)):
        raise SettingsError(f"unknown keys {unknown}; known: {sorted(sections)}")
    values: dict[str, Any] = {}
    for name, value in data.items():
        values[name] = typed_section(name, sections[name].type, value)
    return BuildConfig(**values)


def typed_section(name: str, kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise SettingsError(f"{name}: wanted key: value, found {value!r}")
        fields = {f.name: f.type for f in dataclasses.fields(kind)}
        if unknown := sorted(set(map(str, value)) - set(fields)):
            raise SettingsError(f"{name}: unknown keys {unknown}; known: {sorted(fields)}")
        found = {key: typed_section(f"{name}.{key}", fields[key], v) for key, v in value.items()}
        return typing.cast(Any, kind)(**found)
    if value is None and "None" not in str(kind):
        raise SettingsError(f"{name}: wanted a value, found none")
    if isinstance(value, bool) and kind is not bool:
        raise SettingsError(f"{name}: wanted {_told(kind)}, found {value!r}")
    try:
        return from_plain(
            kind, [value] if kind == tuple[str, ...] and isinstance(value, str) else value
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise SettingsError(f"{name}: wanted {_told(kind)}, found {value!r}") from error


def _told(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("pathlib.", "")


def as_lines(config: BuildConfig) -> Iterator[str]:
    """Every key with its value, for people."""
    for section, value in dataclasses.asdict(config).items():
        rows = value.items() if isinstance(value, dict) else ((None, value),)
        for key, found in rows:
            yield f"{section}.{key}={found}" if key else f"{section}={found}"
