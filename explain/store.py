"""Records to JSON and back, with a schema version and a published JSON Schema.

NaN becomes null and comes back as NaN. Tracks that share their times share one list of them.
Files are put in place in one step: a crash leaves the old file or the new one, never half.
"""

import dataclasses
import gzip
import json
import math
import os
import types
import typing
import zlib
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import demeanor.explain
from demeanor.explain.errors import DemeanorError
from demeanor.explain.records import CueTrack
from demeanor.explain.result import Result

SCHEMA_VERSION = "1"
T = TypeVar("T")
_NAMES: dict[type, tuple[str, ...] | None] = {}
_AS_THEY_ARE = frozenset((str, int, bool))
_DECIMALS = 4  # of track values and times: finer than anything we measure


# Files ----------------------------------------------------------------------------------------


def write_atomic(path: Path, data: str | bytes) -> Path:
    """Write `data` to `path` in one step; makes the folder. Returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data.encode() if isinstance(data, str) else data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # still there only where something failed
    return path


def save_result(result: Result, path: Path) -> Path:
    return write_atomic(path, result_text(result))


def result_plain(result: Result) -> dict[str, Any]:
    """What a result.json holds, before it is text."""
    return {
        "schema_version": SCHEMA_VERSION,
        "generator": f"demeanor {demeanor.explain.__version__}",
        **to_plain(result),
    }


def result_text(result: Result) -> str:
    """What a result.json holds."""
    return json.dumps(result_plain(result), ensure_ascii=False, allow_nan=False) + "\n"


def load_result(path: Path) -> Result:
    """Raises DemeanorError for a file that is no result, or of another schema version."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _no_result(path, error) from error
    return result_from(data, path)


def result_from(data: Any, origin: Path) -> Result:
    """What a result.json holds, wherever it was read. Raises DemeanorError, as `load_result`."""
    try:
        fields = {k: v for k, v in data.items() if k not in ("schema_version", "generator")}
        version = data["schema_version"]
    except (KeyError, AttributeError, TypeError) as error:
        raise _no_result(origin, error) from error
    if version != SCHEMA_VERSION:
        raise DemeanorError(
            f"{origin}: wanted schema version {SCHEMA_VERSION}, found {version!r}. "
            "Explain the clip again with this version"
        )
    return _read(Result, fields, origin)


def _no_result(origin: Path, error: Exception) -> DemeanorError:
    return DemeanorError(
        f"{origin}: wanted a result.json of Demeanor, found something else ({error})"
    )


def save_gzip(value: Any, path: Path) -> Path:
    text = json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False)
    return write_atomic(path, gzip.compress(text.encode(), compresslevel=3, mtime=0))


def load_gzip(kind: type[T], path: Path) -> T:
    """Raises DemeanorError for a file that holds no such record, or only part of one."""
    try:
        data = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DemeanorError(
            f"{path}: wanted JSON in gzip, found something else ({error})"
        ) from error
    return _read(kind, data, path)


def _read(kind: type[T], data: Any, path: Path) -> T:
    try:
        return typing.cast(T, from_plain(kind, data))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise DemeanorError(f"{path}: not a valid {kind.__name__}: {error}") from error


# Plain data -----------------------------------------------------------------------------------


def to_plain(value: Any) -> Any:
    """Records to what JSON has: dicts, lists, strings, numbers, None."""
    kind: type = type(value)
    if value is None or kind in _AS_THEY_ARE:  # most values by far: asked first
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if isinstance(value, tuple) and value and isinstance(value[0], CueTrack):
        return _tracks_to_plain(value)
    if (names := _field_names(kind)) is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray):
        numbers = np.round(value.astype(float), _DECIMALS).tolist()
        if value.ndim == 1:  # thousands of them in a result: not one by one
            whole = np.isfinite(value).all()
            return numbers if whole else [v if math.isfinite(v) else None for v in numbers]
        return [to_plain(v) for v in numbers]
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        return [to_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _field_names(kind: type) -> tuple[str, ...] | None:
    """Of a record type; None for what is none. Asked of every value, so remembered."""
    if kind not in _NAMES:
        _NAMES[kind] = _names_of(kind)
    return _NAMES[kind]


def _names_of(kind: type) -> tuple[str, ...] | None:
    return (
        tuple(f.name for f in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None
    )


def from_plain(kind: Any, data: Any) -> Any:
    """The inverse of `to_plain` for a record type.

    Raises AttributeError, LookupError, TypeError or ValueError for data of another kind.
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return data
    if origin in (typing.Union, types.UnionType):
        return None if data is None else from_plain(_but_none(args), data)
    if origin is tuple:
        if args[0] is CueTrack:
            return _tracks_from_plain(data)
        members = [args[0]] * len(data) if args[-1] is Ellipsis else list(args)
        return tuple(from_plain(m, v) for m, v in zip(members, data, strict=True))
    if origin is dict:
        return {k: from_plain(args[1], v) for k, v in data.items()}
    if kind is np.ndarray:
        return np.array([np.nan if v is None else v for v in data], dtype=float)
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
        if unknown := set(data) - set(hints):
            raise ValueError(f"unknown fields {sorted(unknown)} in {kind}")
        return typing.cast(Any, kind)(**{k: from_plain(hints[k], v) for k, v in data.items()})
    if isinstance(kind, type) and issubclass(kind, Enum | Path):
        return kind(data)
    if kind is float and (data is None or isinstance(data, int | float)):
        return math.nan if data is None else float(data)
    if not isinstance(data, kind):
        raise TypeError(f"wanted {kind.__name__}, found {data!r}")
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Reading them anew for every record takes longer than all the rest."""
    return typing.get_type_hints(kind)


def _but_none(args: tuple[Any, ...]) -> Any:
    (only,) = (a for a in args if a is not type(None))
    return only


def _tracks_to_plain(tracks: tuple[CueTrack, ...]) -> dict[str, Any]:
    axes: list[np.ndarray] = []
    rows = []
    for track in tracks:
        number = next(
            (
                i
                for i, a in enumerate(axes)
                if a is track.times_s or np.array_equal(a, track.times_s)
            ),
            None,
        )
        if number is None:
            axes.append(track.times_s)
            number = len(axes) - 1
        row = {f.name: to_plain(getattr(track, f.name)) for f in dataclasses.fields(track)}
        rows.append({**row, "times_s": number})
    return {"times_s": [to_plain(axis) for axis in axes], "tracks": rows}


def _tracks_from_plain(data: Any) -> tuple[CueTrack, ...]:
    if data == []:
        return ()
    axes = [np.array(axis, dtype=np.float64) for axis in data["times_s"]]
    hints = _hints(CueTrack)
    tracks = []
    for row in data["tracks"]:
        fields = {k: from_plain(hints[k], v) for k, v in row.items() if k != "times_s"}
        fields["values"] = fields["values"].astype(np.float32)
        tracks.append(CueTrack(times_s=axes[row["times_s"]], **fields))
    return tuple(tracks)


# Schema ---------------------------------------------------------------------------------------


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of result.json, made from the record types themselves."""
    definitions: dict[str, Any] = {}
    body = _schema(Result, definitions)
    name = body["$ref"].rsplit("/", 1)[1]
    root = definitions.pop(name)
    head = {"schema_version": {"const": SCHEMA_VERSION}, "generator": {"type": "string"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Demeanor result",
        "type": "object",
        "properties": {**head, **root["properties"]},
        "required": [*head, *root["required"]],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    Path: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": ["number", "null"]},  # null: NaN
}
_NUMBERS = {"type": "array", "items": _PLAIN[float]}


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return {}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_schema(_but_none(args), definitions), {"type": "null"}]}
    if origin is tuple and args[0] is CueTrack:
        return _tracks_schema(definitions)
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": _schema(args[0], definitions)}
    if origin is tuple:
        items = [_schema(a, definitions) for a in args]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(args[1], definitions)}
    if kind is np.ndarray:
        return _NUMBERS
    if dataclasses.is_dataclass(kind):
        return _record_schema(kind, definitions)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    return dict(_PLAIN[kind])


def _record_schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    if name not in definitions:
        definitions[name] = {}  # a place, so that a record may hold its like
        hints = typing.get_type_hints(kind)
        definitions[name] = {
            "type": "object",
            "properties": {k: _schema(v, definitions) for k, v in hints.items()},
            "required": list(hints),
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def _tracks_schema(definitions: dict[str, Any]) -> dict[str, Any]:
    _record_schema(CueTrack, definitions)
    definitions["CueTrack"]["properties"]["times_s"] = {
        "type": "integer",
        "description": "index into times_s of the enclosing object",
    }
    shared = {
        "type": "object",
        "properties": {
            "times_s": {"type": "array", "items": _NUMBERS},
            "tracks": {"type": "array", "items": {"$ref": "#/$defs/CueTrack"}},
        },
        "required": ["times_s", "tracks"],
        "additionalProperties": False,
    }
    return {"anyOf": [shared, {"type": "array", "maxItems": 0}]}
