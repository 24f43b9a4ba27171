import struct

import pytest

from demeanor.explain.corpora.items import CorpusError
from demeanor.explain.corpora.press_faces import CLASSES, left_out, picture_size, read_faces


def png(width, height):
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)


def jpeg(width, height):
    """Marks as a camera writes them: a segment to pass over, a fill byte, then the frame."""
    frame = b"\xff\xff\xc0" + struct.pack(">HBHH", 11, 8, height, width) + b"\x01\x11\0"
    return b"\xff\xd8\xff\xe0\0\x06JFIF" + frame


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    rows = ["image,identity,label"]
    for name, data, label in (
        ("a.jpg", jpeg(350, 350), "anger"),
        ("b.jpg", jpeg(720, 576), "anger"),
        ("c.jpg", jpeg(350, 350), "disgust"),
        ("d.png", png(350, 350), "neutral"),
    ):
        (tmp_path / "images" / name).write_bytes(data)
        rows.append(f"{name},somebody,{label}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_only_the_five_classes_of_one_size_are_read_and_the_rest_is_counted(folder):
    items = list(read_faces(folder))
    assert [(i.item_id, i.gold, i.subject) for i in items] == [
        ("a.jpg", "anger", "somebody"),
        ("d.png", "neutral", "somebody"),
    ]
    assert sorted(left_out(folder).values()) == [1, 1]
    assert list(read_faces(folder / "labels.csv")) == items


def test_the_size_is_read_from_the_head_of_a_picture(tmp_path):
    for data in (jpeg(640, 480), png(640, 480)):
        (tmp_path / "x").write_bytes(data)
        assert picture_size(tmp_path / "x") == (640, 480)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x06JF"])
def test_what_is_no_picture_is_refused(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(CorpusError, match="JPEG or PNG"):
        picture_size(tmp_path / "x")


def test_the_real_collection_keeps_its_rules(shared):
    """Counts of data/faces/SOURCE.md, and its folds."""
    items = list(read_faces(shared / "data/faces"))
    counts = {label: sum(i.gold == label for i in items) for label in CLASSES}
    assert counts == {"neutral": 1476, "happiness": 691, "surprise": 198, "anger": 109,
                      "sadness": 58}  # fmt: skip
    assert {i.split for i in items} == {"fitted", "held-out"}
    people = {s: {i.subject for i in items if i.split == s} for s in ("fitted", "held-out")}
    assert not people["fitted"] & people["held-out"]
