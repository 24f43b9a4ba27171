"""Clips annotated frame by frame: VEATIC, RECOLA, Aff-Wild2, C-EXPR-DB; and BAH, clip by clip.

A frame is a sample, and its video is the group that it belongs to.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from demeanor.explain.corpora.files import (
    Row,
    csv_rows,
    each_once,
    files_in,
    line_rows,
    read_text,
)
from demeanor.explain.corpora.items import Item

LEVELS = ("valence", "arousal")
COMPOUND = (
    "fearfully surprised",
    "happily surprised",
    "sadly surprised",
    "disgustedly surprised",
    "angrily surprised",
    "sadly fearful",
    "sadly angry",
)
# BAH's dataset-splits/frame-level/BAH_DB/split-0/class_id.yaml: With A-H: 1, No A-H: 0.
BAH = {"1": "ambivalence or hesitancy", "0": "none"}
# Heading of Aff-Wild2's EXPR files as participants write them; -1 is not annotated.
AFFWILD2 = {
    "0": "neutral",
    "1": "anger",
    "2": "disgust",
    "3": "fear",
    "4": "happiness",
    "5": "sadness",
    "6": "surprise",
    "7": "other",
}
_NO_LEVEL = -5.0


def read_veatic(path: Path, media: Path | None = None) -> Iterator[Item]:
    """VEATIC's rating_averaged: 0_valence.csv and 0_arousal.csv, a level a line, -1 to 1.

    No heading (form seen in public readers). Gold is valence, arousal; None where one file has
    fewer lines.
    """
    files = files_in(path, "*_valence.csv", "VEATIC's folder rating_averaged")
    videos = sorted((file.stem.removesuffix("_valence") for file in files), key=_by_number)
    return each_once(path, (item for name in videos for item in _veatic(path, name, media)))


def _veatic(folder: Path, video: str, media: Path | None) -> Iterator[Item]:
    tracks = [line_rows(folder / f"{video}_{level}.csv", ("level",), ",") for level in LEVELS]
    for frame, rows in enumerate(zip_longest(*tracks)):
        gold = [row.number_in("level") if row else None for row in rows]
        yield _frame(video, frame, gold, media)


def read_recola(path: Path, media: Path | None = None) -> Iterator[Item]:
    """RECOLA's gold standard of AVEC 2016: ratings_gold_standard with arousal/dev_1.arff and
    valence/dev_1.arff. Lines after @data are name, time, level (read so by public readers).
    """
    files = files_in(path, "valence/*.arff", "RECOLA's folder ratings_gold_standard")
    return each_once(path, (item for file in files for item in _recola(path, file.stem, media)))


def _recola(folder: Path, video: str, media: Path | None) -> Iterator[Item]:
    tracks = [_arff(folder / level / f"{video}.arff") for level in LEVELS]
    for frame, rows in enumerate(zip_longest(*tracks)):
        gold = [row.number_in("level") if row else None for row in rows]
        yield _frame(video, frame, gold, media, split=video.split("_")[0])


def _arff(file: Path) -> Iterator[Row]:
    lines = read_text(file).splitlines()
    starts = [k for k, line in enumerate(lines) if line.strip().lower() == "@data"]
    if not starts:
        raise Row(file, 1, {}).error("a line @data", lines[:1])
    for number, line in enumerate(lines[starts[0] + 1 :], start=starts[0] + 2):
        if line.strip():
            cells = line.split(",")
            if len(cells) < 3:
                raise Row(file, number, {}).error("name, time, level", line)
            yield Row(file, number, {"level": cells[-1].strip()})


def read_affwild2_levels(path: Path, media: Path | None = None) -> Iterator[Item]:
    """Aff-Wild2, VA_Set/Validation_Set: a text a video, a line a frame.

        valence,arousal
        0.602,0.389

    (heading and a row as participants quote them). -5 is not annotated: that level is None.
    """
    wanted = {level: [level] for level in LEVELS}

    def levels(row: Row) -> list[float | None]:
        values = [row.number_in(level) for level in LEVELS]
        return [None if value == _NO_LEVEL else value for value in values]

    files = files_in(path, "*.txt", "Aff-Wild2's folder of a set")
    return each_once(
        path,
        (
            _frame(file.stem, frame, levels(row), media)
            for file in files
            for frame, row in enumerate(csv_rows(file, wanted), start=1)
        ),
    )


def read_affwild2_expressions(path: Path, media: Path | None = None) -> Iterator[Item]:
    """Aff-Wild2, EXPR_Set: a text a video; the heading names the classes, a line is a number.

        Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other
        4

    Which number is which is read from the heading. -1 is kept as "not annotated".
    """
    files = files_in(path, "*.txt", "Aff-Wild2's folder of a set")
    return each_once(path, (item for file in files for item in _expressions(file, media)))


def _expressions(file: Path, media: Path | None) -> Iterator[Item]:
    head, *lines = read_text(file).splitlines() or [""]
    names = [name.strip().lower() for name in head.split(",") if name.strip()]
    known = set(AFFWILD2.values())
    if set(names) - known or len(names) < 2:
        raise Row(file, 1, {}).error(f"a heading of {', '.join(sorted(known))}", head)
    table = {**{str(k): name for k, name in enumerate(names)}, "-1": "not annotated"}
    for number, line in enumerate(lines, start=2):
        if line.strip():
            row = Row(file, number, {"class": line.strip()})
            yield _frame(file.stem, number - 1, row.named("class", table), media)


def read_affwild2_units(path: Path, media: Path | None = None) -> Iterator[Item]:
    """Aff-Wild2, AU_Set: a text a video, a line of 0 and 1 a frame; -1 is not annotated.

        AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26
        0,0,0,0,1,0,0,0,0,0,0,0

    Gold is the units that are there; a frame with any unit not annotated has None.
    """
    files = files_in(path, "*.txt", "Aff-Wild2's folder of a set")
    return each_once(path, (item for file in files for item in _units(file, media)))


def _units(file: Path, media: Path | None) -> Iterator[Item]:
    head, *lines = read_text(file).splitlines() or [""]
    units = [name.strip().upper() for name in head.split(",") if name.strip()]
    if not units or not all(unit.startswith("AU") and unit[2:].isdigit() for unit in units):
        raise Row(file, 1, {}).error("a heading of action units", head)
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(",") if cell.strip()]
        if len(cells) != len(units) or set(cells) - {"0", "1", "-1"}:
            raise Row(file, number, {}).error(f"{len(units)} times 0, 1 or -1", line)
        there = [unit for unit, cell in zip(units, cells, strict=True) if cell == "1"]
        yield _frame(file.stem, number - 1, None if "-1" in cells else there, media)


def read_cexpr(path: Path, media: Path | None = None) -> Iterator[Item]:
    """C-EXPR-DB as annotated for ABAW: a CSV a video with a column for each compound expression, in
    which 1 says that it is shown in that frame (form seen in a public reader of `annotation/`).

    A frame with none is kept as "none"; one with two is an error.
    """
    files = files_in(path, "*.csv", "C-EXPR-DB's folder annotation")
    wanted = {name: [name] for name in COMPOUND}
    return each_once(
        path,
        (
            _frame(file.stem, frame, _compound(row), media)
            for file in files
            for frame, row in enumerate(csv_rows(file, wanted), start=1)
        ),
    )


def _compound(row: Row) -> str:
    shown = [name for name in COMPOUND if (row.maybe(name) or "0") in ("1", "1.0")]
    if len(shown) > 1:
        raise row.error("one expression a frame", shown)
    return shown[0] if shown else "none"


def read_bah(path: Path, media: Path | None = None) -> Iterator[Item]:
    """BAH's splits of videos, dataset-splits/video-level/BAH_DB/split-0/test.txt.

        Videos/82729/Visite_1/82729_Question_1_2024-11-19_19-40-18_Video.mp4,0,An activity that …

    (path, 1 or 0, transcript: the repository sbelharbi/bah-dataset). The number after Videos/ is
    the person.
    """
    split = path.stem if path.stem in ("train", "val", "test") else None
    rows = line_rows(path, ("file", "label", "words"), ",")
    return each_once(path, (_bah(row, split, media) for row in rows))


def _bah(row: Row, split: str | None, media: Path | None) -> Item:
    name = row.text("file")
    parts = Path(name).parts
    return Item(
        name,
        row.named("label", BAH),
        media=media / name if media else None,
        subject=parts[1] if len(parts) > 2 else None,
        split=split,
        said=row.maybe("words"),
    )


def _frame(
    video: str,
    frame: int,
    gold: str | Sequence[object] | None,
    media: Path | None,
    split: str | None = None,
) -> Item:
    extra = {"frame": frame}
    clip = media / f"{video}.mp4" if media else None
    return Item(f"{video}/{frame}", gold, media=clip, video=video, split=split, extra=extra)


def _by_number(name: str) -> tuple[int, str]:
    return (int(name) if name.isdigit() else -1, name)
