"""Labelled pictures of faces: RAF-DB, AffectNet, FER2013 and FER+."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from demeanor.explain.corpora.files import Row, csv_rows, each_once, line_rows, same_names
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.mapping import LossyMapping

# RAF-DB's own README: 1 Surprise … 7 Neutral, 1 Happily Surprised … 11 Disgustedly Surprised.
RAFDB = {
    "1": "surprise",
    "2": "fear",
    "3": "disgust",
    "4": "happiness",
    "5": "sadness",
    "6": "anger",
    "7": "neutral",
}
RAFDB_COMPOUND = {
    "1": "happily surprised",
    "2": "happily disgusted",
    "3": "sadly fearful",
    "4": "sadly angry",
    "5": "sadly surprised",
    "6": "sadly disgusted",
    "7": "fearfully angry",
    "8": "fearfully surprised",
    "9": "angrily surprised",
    "10": "angrily disgusted",
    "11": "disgustedly surprised",
}
# AffectNet's README (Mollahosseini et al. 2019), the last three are no expressions.
AFFECTNET = {
    "0": "neutral",
    "1": "happiness",
    "2": "sadness",
    "3": "surprise",
    "4": "fear",
    "5": "disgust",
    "6": "anger",
    "7": "contempt",
    "8": "none",
    "9": "uncertain",
    "10": "no-face",
}
_AFFECTNET_KAGGLE = same_names(
    "neutral", "surprise", "fear", "disgust", "anger", "contempt", happy="happiness", sad="sadness"
)
# The challenge's page (Goodfellow et al. 2013).
FER2013 = {
    "0": "angry",
    "1": "disgust",
    "2": "fear",
    "3": "happy",
    "4": "sad",
    "5": "surprise",
    "6": "neutral",
}
_FERPLUS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
_LABELS_FILE = "list_patition_label.txt"  # spelt so
_USAGE = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}


def read_rafdb(path: Path, media: Path | None = None) -> Iterator[Item]:
    """RAF-DB, basic: its folder, or EmoLabel/list_patition_label.txt.

        train_00001.jpg 5

    (form seen in many public readers: name, space, 1 to 7). Pictures: Image/aligned.
    """
    return _rafdb(path, media, RAFDB)


def read_rafdb_compound(path: Path, media: Path | None = None) -> Iterator[Item]:
    """RAF-DB, compound: the same form with 1 to 11."""
    return _rafdb(path, media, RAFDB_COMPOUND)


def _rafdb(path: Path, media: Path | None, names: Mapping[str, str]) -> Iterator[Item]:
    inside = path / "EmoLabel" / _LABELS_FILE
    file = path if path.is_file() else inside if inside.is_file() else path / _LABELS_FILE
    pictures = media or file.parent.parent / "Image" / "aligned"
    return each_once(
        file,
        (_rafdb_item(row, pictures, names) for row in line_rows(file, ("file", "label"))),
    )


def _rafdb_item(row: Row, pictures: Path, names: Mapping[str, str]) -> Item:
    name = row.text("file")
    split = name.split("_")[0]
    if split not in ("train", "test"):
        raise row.error("a name that begins with train_ or test_", name)
    file = pictures / f"{Path(name).stem}_aligned.jpg"
    return Item(name, row.named("label", names), media=file, split=split)


def read_affectnet(path: Path, media: Path | None = None) -> Iterator[Item]:
    """AffectNet's training.csv or validation.csv.

        subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal

    (heading seen in a public pre-processing script). 8 to 10 are kept by their names: none,
    uncertain, no-face; a task of eight expressions does not score them.
    """
    wanted = {"file": ["subDirectory_filePath"], "label": ["expression"]}
    optional = {"valence": ["valence"], "arousal": ["arousal"]}
    split = "train" if path.stem.startswith("training") else "valid"
    pictures = media or path.parent
    rows = csv_rows(path, wanted, optional)
    return each_once(path, (_affectnet_item(row, pictures, split) for row in rows))


def _affectnet_item(row: Row, pictures: Path, split: str) -> Item:
    name = row.text("file")
    levels = {k: row.number_in(k) for k in ("valence", "arousal") if row.maybe(k)}
    label = row.named("label", AFFECTNET)
    return Item(name, label, media=pictures / name, split=split, extra=levels)


def read_affectnet_kaggle(path: Path, media: Path | None = None) -> Iterator[Item]:
    """The smaller AffectNet of Kaggle: labels.csv with pth, label and relFCs.

    Columns seen in public readers, which say too that the folder a picture lies in is not always
    its label.
    """
    rows = csv_rows(path, {"file": ["pth"], "label": ["label"]}, {"confidence": ["relFCs"]})
    pictures = media or path.parent
    return each_once(
        path,
        (
            Item(
                row.text("file"),
                row.named("label", _AFFECTNET_KAGGLE),
                media=pictures / row.text("file"),
                extra={"relFCs": row.number_in("confidence")} if row.maybe("confidence") else {},
            )
            for row in rows
        ),
    )


def read_fer2013(path: Path, media: Path | None = None) -> Iterator[Item]:
    """fer2013.csv; a sample is named as FER+ names it, by its place in the file.

        0,70 80 82 72 58 …,Training

    Its pixels are not taken along: `media` may name a folder with fer0000000.png and on.
    """
    wanted = {"label": ["emotion"], "usage": ["Usage"]}
    return each_once(
        path,
        (
            Item(
                name := f"fer{k:07}.png",
                row.named("label", FER2013),
                media=media / name if media else None,
                split=row.named("usage", _USAGE),
            )
            for k, row in enumerate(csv_rows(path, wanted))
        ),
    )


def read_ferplus(path: Path, media: Path | None = None, *, lossy: bool = False) -> Iterator[Item]:
    """FER+'s fer2013new.csv, votes of ten people.

        Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF
        Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0

    One label of ten votes loses the others: asked for with `lossy`, it is the one with most votes;
    where two have as many, or most are for unknown or NF, there is none ("no majority"), and a
    task does not score it. The votes stay in `extra`.
    """
    if not lossy:
        raise LossyMapping("FER+ keeps ten votes a picture; one label loses them: lossy=True")
    wanted = {"usage": ["Usage"], **{name: [name] for name in _FERPLUS}}
    rows = csv_rows(path, wanted, {"file": ["Image name"]})
    return each_once(path, (_ferplus_item(row, media) for row in rows if row.maybe("file")))


def _ferplus_item(row: Row, media: Path | None) -> Item:
    votes = {name: row.number_in(name) for name in _FERPLUS}
    most = max(votes.values())
    winners = [name for name, n in votes.items() if n == most]
    is_clear = len(winners) == 1 and winners[0] not in ("unknown", "NF")
    name = row.text("file")
    return Item(
        name,
        winners[0] if is_clear else "no majority",
        media=media / name if media else None,
        split=row.named("usage", _USAGE),
        extra={"votes": votes},
    )
