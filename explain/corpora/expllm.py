"""ExpLLM's data: a picture's label, 24 action unit values of its model, and its description."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demeanor.explain.corpora.files import Row, each_once, json_lines, read_json, same_names
from demeanor.explain.corpora.items import CorpusError, Item

# FEAFA's 24, in the order of the vector; others checked the order against the descriptions.
UNITS = (
    *("left_eye_close", "right_eye_close", "left_lid_raise", "right_lid_raise"),
    *("left_brow_lower", "right_brow_lower", "left_brow_raise", "right_brow_raise"),
    *("jaw_drop", "jaw_slide_left", "jaw_slide_right"),
    *("left_lip_corner_pull", "right_lip_corner_pull"),
    *("left_lip_corner_stretch", "right_lip_corner_stretch"),
    *("upper_lip_suck", "lower_lip_suck", "jaw_thrust", "upper_lip_raise", "lower_lip_depress"),
    *("chin_raise", "lip_pucker", "cheeks_puff", "nose_wrinkle"),
)
_LABELS = same_names(
    *("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral", "contempt")
)


def read_expllm(path: Path, media: Path | None = None) -> Iterator[Item]:
    """rafdb_emo_au_val_mini_description.json of ExpLLM, or the same as JSON lines with named units.

        [{"file_name": "test_0001_aligned.jpg", "emo": "Neutral", "au": [0.0, … 24 of them],
          "description": "**Key Observations:** …"}]
        {"id": "test_0002_aligned.jpg", "label": "Surprise", "au": {"left_eye_close": 0.0, …}, …}

    Gold is the label; the description is the item's text, the units are in `extra["au"]`.
    """
    if path.is_dir():
        path = path / "rows.jsonl"
    rows = json_lines(path) if path.suffix == ".jsonl" else _listed(path)
    return each_once(path, (_item(Row(path, n, {}), value, media) for n, value in rows))


def _listed(path: Path) -> Iterator[tuple[int, Any]]:
    data = read_json(path)
    if not isinstance(data, list):
        raise CorpusError(f"{path}: wanted a list of samples, found {data!r:.60}")
    yield from enumerate(data, start=1)


def _item(row: Row, value: Any, media: Path | None) -> Item:
    if not isinstance(value, dict):
        raise row.error("an object", value)
    name = value.get("file_name") or value.get("id")
    label = _LABELS.get(str(value.get("emo", value.get("label"))).lower())
    if not name or label is None or not value.get("description"):
        raise row.error(f"file_name, emo ({', '.join(_LABELS)}) and description", value)
    return Item(
        str(name),
        label,
        media=media / str(name) if media else None,
        text=str(value["description"]),
        split=str(name).split("_")[0] if str(name).startswith(("train_", "test_")) else None,
        extra={"au": _units(row, value.get("au"))},
    )


def _units(row: Row, found: Any) -> dict[str, float]:
    if isinstance(found, list) and len(found) == len(UNITS):
        found = dict(zip(UNITS, found, strict=True))
    if not isinstance(found, dict) or set(found) != set(UNITS):
        raise row.error(f"au: {len(UNITS)} values, or one for each of {UNITS[0]} …", found)
    return {unit: float(found[unit]) for unit in UNITS}
