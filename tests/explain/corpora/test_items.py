"""Users' own tables, folders and texts, as tiny files of the same form."""

import json

import pytest

from demeanor.explain.corpora.items import CorpusError, read_described, read_labelled

ROWS = [
    {"id": "a", "description": "He smiles.", "labels": ["happy", "calm"], "video": "film 1"},
    {"id": "b", "description": "She frowns.", "labels": []},
]


@pytest.fixture
def described(tmp_path):
    def write(*rows):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def table(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return path


def test_descriptions_are_read_from_a_file_or_its_folder(described, tmp_path):
    path = described(*ROWS)
    first, second = read_described(path)
    assert (first.item_id, first.gold, first.text) == ("a", ["happy", "calm"], "He smiles.")
    assert (first.group, second.gold) == ("film 1", [])
    assert read_described(tmp_path) == (first, second)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "a", "labels": ["x"]}], "line 1: wanted id, description"),
        ([{"id": "a", "description": "x", "labels": "happy"}], "a list of labels"),
        ([ROWS[0], ROWS[0]], "each sample once, found 'a' twice"),
        ([], "found none"),
        ([["a"]], "wanted an object a line"),
    ],
)
def test_what_is_no_description_is_named(described, rows, said):
    with pytest.raises(CorpusError, match=said):
        read_described(described(*rows))


def test_a_table_of_files_by_any_of_the_usual_names(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"")
    path = table(tmp_path, "Image,Identity,Label,Partition\na.jpg,ann,anger,test\nb.jpg,,fear,\n")
    one, other = read_labelled(path)
    assert one.media == tmp_path / "images" / "a.jpg"  # where its pictures lie
    assert other.media == tmp_path / "b.jpg"  # not there: found out when it is asked about
    assert (one.item_id, one.gold, one.subject, one.split) == ("a.jpg", "anger", "ann", "test")
    assert (other.subject, other.split) == (None, None)


def test_a_cell_may_hold_several_labels_and_a_transcript_lies_beside_the_table(tmp_path):
    path = table(tmp_path, 'path,label,transcript\na.mp4,"[happy, calm]",a.srt\n')
    (item,) = read_labelled(path, several=True)
    assert item.gold == ["happy", "calm"]
    assert item.transcript == tmp_path / "a.srt"


def test_a_folder_has_a_folder_for_each_label(tmp_path):
    for name in ("anger/1.jpg", "anger/.hidden", "fear/2.mp4", "fear/2.srt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [(i.item_id, i.gold) for i in read_labelled(tmp_path)] == [
        ("anger/1.jpg", "anger"),
        ("fear/2.mp4", "fear"),
    ]


def test_people_whose_folds_are_committed_are_split_by_them(shared):
    items = read_labelled(shared / "data" / "faces" / "labels.csv")
    assert {item.split for item in items} == {"fitted", "held-out"}
    by_split = {s: {i.subject for i in items if i.split == s} for s in ("fitted", "held-out")}
    assert not by_split["fitted"] & by_split["held-out"]


@pytest.mark.parametrize("text", ["path,label\n,anger\n", "path,label\na.jpg,\n", "a,b\n1,2\n", ""])
def test_a_table_without_paths_or_labels_is_refused(tmp_path, text):
    with pytest.raises(CorpusError):
        read_labelled(table(tmp_path, text))


def test_a_folder_with_a_table_in_it_is_not_read_as_folders_of_labels(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("path,label\na.jpg,anger\n")
    with pytest.raises(CorpusError, match=r"found labels\.csv as well\. .*name it: "):
        read_labelled(tmp_path)
    assert read_labelled(tmp_path / "labels.csv")[0].gold == "anger"
