"""Predictions of any system, read from JSON lines, CSV or npz; gold beside them or in its own file.

Nothing is ever unpickled: an npz of Python objects is a program that would run here.
"""

import csv
import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from demeanor.eval.scores import Sample
from demeanor.explain.errors import DemeanorError

# Names under which others keep the same thing; the first is ours.
_IDS = ("id", "name", "names", "filename", "filenames")
_PREDICTED = ("pred", "prediction", "predicted", "openset", "fileitems", "gpt4v")
_GOLD = ("gt", "gold", "label", "emotion")
_GROUPS = ("group", "subject", "video")
# Of pairs: what was said when the pair was turned round, and the two texts themselves.
_ABOUT = {"swapped": ("swapped", "turned"), "a1": ("a1",), "a2": ("a2",)}
_FIELDS = {"id": _IDS, "pred": _PREDICTED, "gt": _GOLD, "group": _GROUPS, **_ABOUT}
_ABSENT = object()


class PredictionsError(DemeanorError):
    """A file of predictions or of gold labels that cannot be read."""


@dataclass(frozen=True, slots=True)
class Predictions:
    samples: tuple[Sample, ...]  # in the order of the gold labels
    without_gold: tuple[str, ...]  # ids that were predicted and that gold does not have


def read_predictions(path: Path, gold: Path | None = None) -> Predictions:
    """Every gold sample with what was predicted for it, None where nothing was.

    null is no prediction; [] and "" are answers without a label. Raises PredictionsError.
    """
    said = _by_id(path, _rows(path))
    if gold is None:
        if without := [key for key, row in said.items() if "gt" not in row]:
            raise PredictionsError(
                f"{path}: wanted a gold label (gt) in every row, found none for {without[0]!r}. "
                "Add it, or name a file that has them with --gold FILE"
            )
        return Predictions(tuple(_sample(key, row, row) for key, row in said.items()), ())
    known = _by_id(gold, _rows(gold))
    if without := [key for key, row in known.items() if "gt" not in row]:
        raise PredictionsError(f"{gold}: wanted a gold label (gt) for {without[0]!r}, found none")
    if not said.keys() & known.keys():
        raise PredictionsError(
            f"{path}: none of its ids ({_some(said)}) is one of {gold} ({_some(known)})"
        )
    samples = tuple(_sample(key, row, said.get(key, {})) for key, row in known.items())
    return Predictions(samples, tuple(key for key in said if key not in known))


def read_answers(path: Path, gold: Sequence[Sample]) -> Predictions:
    """As `read_predictions`, with gold labels that a corpus reader has read."""
    said = _by_id(path, _rows(path))
    known = {sample.sample_id: sample for sample in gold}
    if not said.keys() & known.keys():
        raise PredictionsError(
            f"{path}: none of its ids ({_some(said)}) is one of the gold labels' ({_some(known)})"
        )
    samples = tuple(_answered(sample, said.get(key, {})) for key, sample in known.items())
    return Predictions(samples, tuple(key for key in said if key not in known))


def _answered(sample: Sample, said: Mapping[str, Any]) -> Sample:
    return replace(sample, predicted=said.get("pred"), about={**sample.about, **_about(said)})


def _about(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _ABOUT if row.get(name) is not None}


def _some(names: Mapping[str, object]) -> str:
    return ", ".join(list(names)[:3]) + (" …" if len(names) > 3 else "")


def _sample(key: str, gold: Mapping[str, Any], said: Mapping[str, Any]) -> Sample:
    group = gold.get("group", said.get("group"))
    about = {**_about(gold), **_about(said)}
    return Sample(key, gold["gt"], said.get("pred"), None if group is None else str(group), about)


def _by_id(path: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        fields = _fields(row)
        if fields.get("id") in (None, ""):
            raise PredictionsError(f"{path}: row {number} has no id (columns: {list(row)[:8]})")
        key = str(fields["id"])
        if key in found:
            raise PredictionsError(
                f"{path}: wanted each id once, found {key!r} twice (row {number})"
            )
        found[key] = {name: _plain(path, key, value) for name, value in fields.items()}
    if not found:
        raise PredictionsError(f"{path}: wanted predictions, found no rows")
    return found


def _plain(path: Path, key: str, value: Any) -> Any:
    """Text, a number, a list of those, or None. Raises PredictionsError for anything else."""
    parts = value if isinstance(value, list) else [value]
    if all(part is None or isinstance(part, str | int | float) for part in parts):
        return value
    raise PredictionsError(
        f"{path}: {key!r}: wanted a text or a list of texts, found {value!r:.60}"
    )


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Our names for what is there; the first name that fits wins."""
    lower = {str(key).strip().lower(): value for key, value in row.items()}
    found = {
        ours: next((lower[name] for name in names if name in lower), _ABSENT)
        for ours, names in _FIELDS.items()
    }
    return {key: value for key, value in found.items() if value is not _ABSENT}


# Files ----------------------------------------------------------------------------------------


def _rows(path: Path) -> list[dict[str, Any]]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise PredictionsError(f"{path}: wanted a file in {', '.join(_READERS)}")
    if not path.is_file():
        raise PredictionsError(f"{path}: no such file. Check the path")
    return list(reader(path))


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_refuse)
        except ValueError as error:
            raise PredictionsError(f"{path}: line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise PredictionsError(f'{path}: line {number}: wanted {{"id": …}}, found {line[:40]}')
        yield row


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no value; a prediction that is missing is null")


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    """An empty cell is an answer without a label; a column that is not there is no answer."""
    reader = csv.DictReader(_text(path).splitlines())
    if reader.fieldnames is None:
        raise PredictionsError(f"{path}: wanted columns id, pred (and gt), found an empty file")
    for number, row in enumerate(reader, start=2):
        if None in row or None in row.values():
            raise PredictionsError(
                f"{path}: line {number} has another number of cells than the header. "
                'A list of labels is one cell: "happy, calm"'
            )
        yield row


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionsError(f"{path}: cannot be read as text: {error}") from error


def _npz(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: _plain_array(path, name, archive) for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise PredictionsError(f"{path}: cannot be read as npz: {error}") from error
    if len({len(array) for array in arrays.values()}) != 1:
        sizes = {name: len(array) for name, array in arrays.items()}
        raise PredictionsError(f"{path}: wanted arrays of one length, found {sizes}")
    for values in zip(*arrays.values(), strict=True):
        row = dict(zip(arrays, values, strict=True))
        yield {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}


def _plain_array(path: Path, name: str, archive: Any) -> list[Any]:
    try:
        array = archive[name]
    except ValueError as error:
        raise PredictionsError(
            f"{path}: its array {name!r} holds Python objects. Reading those would run whatever "
            "program is in the file, so they are refused. Where you trust it, write it anew as "
            'JSON lines ({"id": …, "pred": […]}), or with np.array(…, dtype=str)'
        ) from error
    if array.ndim != 1:
        raise PredictionsError(f"{path}: wanted rows, found {name!r} with shape {array.shape}")
    values: list[Any] = array.tolist()
    return values


_READERS = {".jsonl": _json_lines, ".csv": _csv, ".npz": _npz}
