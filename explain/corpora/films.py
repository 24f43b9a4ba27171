"""Faces in films and shows, a label a clip: DFEW, MAFW, FERV39k."""

from collections.abc import Iterator
from pathlib import Path

from demeanor.explain.corpora.files import csv_rows, each_once, line_rows, same_names
from demeanor.explain.corpora.items import Item

# Heading of DFEW's annotation.xlsx: 1happy, 2sad, 3neutral, 4angry, 5surprise, 6disgust, 7fear.
DFEW = {
    "1": "happy",
    "2": "sad",
    "3": "neutral",
    "4": "angry",
    "5": "surprise",
    "6": "disgust",
    "7": "fear",
}
MAFW = same_names(
    *("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt"),
    *("anxiety", "helplessness", "disappointment"),
)
FERV39K = same_names("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def read_dfew(path: Path, media: Path | None = None) -> Iterator[Item]:
    """One fold of DFEW: EmoLabel_DataSplit/test(single-labeled)/set_1.csv.

        video_name,label
        00001,1

    (columns and folders seen in public readers). The folder says whether it is train or test.
    """
    split = (
        path.parent.name.split("(")[0] if path.parent.name.startswith(("train", "test")) else None
    )
    rows = csv_rows(path, {"file": ["video_name"], "label": ["label"]})
    return each_once(
        path,
        (
            Item(
                row.text("file"),
                row.named("label", DFEW),
                media=media / f"{row.text('file')}.mp4" if media else None,
                split=split,
            )
            for row in rows
        ),
    )


def read_mafw(path: Path, media: Path | None = None) -> Iterator[Item]:
    """One fold of MAFW's single labels: Train & Test Set/single/no_caption/set_1/test.txt.

        00001.mp4 anger

    (name, space, label: seen in public readers of these files).
    """
    split = path.stem if path.stem in ("train", "test") else None
    return each_once(
        path,
        (
            Item(
                row.text("file"),
                row.named("label", MAFW),
                media=media / row.text("file") if media else None,
                split=split,
            )
            for row in line_rows(path, ("file", "label"))
        ),
    )


def read_ferv39k(path: Path, media: Path | None = None) -> Iterator[Item]:
    """FERV39k: 4_setups/All_scenes/test_All.csv, a folder of frames and its label, a space between.

        Action/Happy/0267 Happy

    (no heading; form seen in a public reader).
    """
    split = path.stem.split("_")[0] if path.stem.startswith(("train", "test")) else None
    return each_once(
        path,
        (
            Item(
                row.text("file"),
                row.named("label", FERV39K),
                media=media / row.text("file") if media else None,
                split=split,
            )
            for row in line_rows(path, ("file", "label"))
        ),
    )
