import pytest

from demeanor.explain.corpora.items import CorpusError
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.corpora.mapping import LossyMapping
from demeanor.explain.corpora.pictures import (
    AFFECTNET,
    FER2013,
    RAFDB,
    RAFDB_COMPOUND,
    read_affectnet,
    read_affectnet_kaggle,
    read_fer2013,
    read_ferplus,
    read_rafdb,
    read_rafdb_compound,
)

FERPLUS = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)


def test_official_numbers_are_the_order_of_the_label_sets():
    assert tuple(RAFDB.values()) == label_set("rafdb7").labels
    assert tuple(RAFDB_COMPOUND.values()) == label_set("rafdb_compound11").labels
    assert tuple(AFFECTNET.values())[:8] == label_set("affectnet8").labels
    assert tuple(FER2013.values()) == label_set("fer2013").labels


def test_rafdb_as_its_folder_lies(written, tmp_path):
    written("EmoLabel/list_patition_label.txt", "train_00001.jpg 5\ntest_0001.jpg 7\n")
    first, second = read_rafdb(tmp_path)
    assert (first.item_id, first.gold, first.split) == ("train_00001.jpg", "sadness", "train")
    assert first.media == tmp_path / "Image/aligned/train_00001_aligned.jpg"
    assert (second.gold, second.split) == ("neutral", "test")


def test_rafdb_compound(written):
    file = written("list_patition_label.txt", "test_0001.jpg 11\n")
    assert [item.gold for item in read_rafdb_compound(file)] == ["disgustedly surprised"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("train_00001.jpg 8", r"row 1: wanted label, one of 1, 2, .*7, found '8'"),
        ("train_00001.jpg", r"row 1: wanted file and label, found 'train_00001.jpg'"),
        ("00001.jpg 3", r"row 1: wanted a name that begins with train_ or test_, found '00001"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(written, line, wanted):
    with pytest.raises(CorpusError, match=wanted):
        list(read_rafdb(written("list_patition_label.txt", f"{line}\n")))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CorpusError, match="no such file"):
        list(read_rafdb(tmp_path))


def test_affectnet_keeps_what_is_no_expression(written, tmp_path):
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks"
    rows = ["689/a.jpg,1,2,3,4,1;2,1,0.7,-0.1", "392/b.jpg,1,2,3,4,1;2,10,-2,-2"]
    text = "\n".join([f"{head},expression,valence,arousal", *rows])
    happy, nobody = read_affectnet(written("validation.csv", text))
    assert (happy.gold, happy.split, happy.media) == ("happiness", "valid", tmp_path / "689/a.jpg")
    assert happy.extra == {"valence": 0.7, "arousal": -0.1}
    assert nobody.gold == "no-face"


def test_affectnet_of_kaggle_goes_by_its_column_not_its_folder(written):
    file = written("labels.csv", ",pth,label,relFCs\n0,anger/image1.jpg,surprise,0.87\n")
    (item,) = read_affectnet_kaggle(file)
    assert (item.gold, item.extra) == ("surprise", {"relFCs": 0.87})


def test_fer2013_is_named_as_ferplus_is(written):
    fer = written("fer2013.csv", "emotion,pixels,Usage\n0,70 80,Training\n6,1 2,PrivateTest\n")
    assert [(i.item_id, i.gold, i.split) for i in read_fer2013(fer)] == [
        ("fer0000000.png", "angry", "train"),
        ("fer0000001.png", "neutral", "test"),
    ]


#  votes: most for neutral; two as many; most for NF, and no name, as the file has for these
def test_ferplus_by_most_votes_if_asked(written):
    rows = [
        "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
        "PublicTest,fer0000001.png,4,4,0,0,0,0,0,0,0,2",
    ]
    rows.append("PublicTest,,0,0,0,0,0,0,0,0,0,10")
    file = written("fer2013new.csv", "\n".join([FERPLUS, *rows]))
    with pytest.raises(LossyMapping, match="lossy=True"):
        read_ferplus(file)
    first, second = read_ferplus(file, lossy=True)
    assert (first.gold, second.gold) == ("neutral", "no majority")
    assert first.extra["votes"]["anger"] == 3
