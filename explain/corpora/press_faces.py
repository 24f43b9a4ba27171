"""A public collection of labelled face pictures, muxspace/facial_expressions, with its rules.

Labels are students'. Nearly all of its disgust is one actor, half of sadness two, and the size of
a picture alone gives much of the label away: only pictures of one size and five classes can be
told apart by what the face shows, and people are split by name (see `folds`).
"""

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from demeanor.explain.corpora.items import CorpusError, Item, read_labelled

CLASSES = ("anger", "happiness", "neutral", "sadness", "surprise")
SIDE_PX = 350
_TABLE = "labels.csv"
_JPEG_SIZES = frozenset(
    {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
)  # start of frame; not DHT, JPG, DAC
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG marks without a length


def read_faces(path: Path, media: Path | None = None) -> Iterator[Item]:
    """The folder with labels.csv (image, identity, label) and images/, or that table.

        image,identity,label
        Somebody_0001.jpg,somebody,anger

    Only what the rules keep: five classes, 350 × 350 pixels. `left_out` counts the rest.
    """
    return (item for item, why in _sorted_out(path) if why is None)


def left_out(path: Path) -> dict[str, int]:
    """How many rows of the table the rules leave out, by reason."""
    return dict(sorted(Counter(why for _, why in _sorted_out(path) if why).items()))


def _sorted_out(path: Path) -> Iterator[tuple[Item, str | None]]:
    for item in read_labelled(path / _TABLE if path.is_dir() else path):
        if item.gold not in CLASSES:
            yield item, f"label {item.gold}: nearly all of it is a few people"
        elif picture_size(item.media or path) != (SIDE_PX, SIDE_PX):
            yield item, f"not {SIDE_PX} x {SIDE_PX} pixels: its size gives the label away"
        else:
            yield item, None


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels of a JPEG or PNG, from its head. Raises CorpusError."""
    try:
        data = path.read_bytes()
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            return struct.unpack(">II", data[16:24])
        return _jpeg_size(data)
    except (OSError, struct.error, IndexError) as error:
        raise CorpusError(f"{path}: wanted a JPEG or PNG picture ({error})") from error


def _jpeg_size(data: bytes) -> tuple[int, int]:
    if data[:2] != b"\xff\xd8":
        raise IndexError("its first bytes are neither's")
    at = 2
    while True:
        mark = data[at + 1]
        if mark == 0xFF or mark in _BARE:  # fill bytes, marks without anything behind them
            at += 1 if mark == 0xFF else 2
            continue
        if mark in _JPEG_SIZES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
