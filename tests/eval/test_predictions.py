"""Files of predictions: what is read, what is refused, and that nothing is unpickled."""

import json
import os
import pickle

import numpy as np
import pytest

from demeanor.eval.predictions import PredictionsError, read_predictions


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        path.write_text(content, encoding="utf-8")
        return path

    return write


def plain(found):
    return [(s.sample_id, s.gold, s.predicted) for s in found.samples]


def test_json_lines_as_they_were_released(written):
    path = written(
        "p.jsonl", [{"id": "a", "gt": ["joy"], "pred": ["happy"]}, {"id": "b", "gt": []}]
    )
    assert plain(read_predictions(path)) == [("a", ["joy"], ["happy"]), ("b", [], None)]


def test_null_is_no_prediction_and_empty_is_one(written):
    rows = [{"id": k, "gt": "x", "pred": said} for k, said in enumerate([None, [], ""])]
    found = read_predictions(written("p.jsonl", rows))
    assert [s.predicted for s in found.samples] == [None, [], ""]


def test_gold_of_its_own_decides_what_is_scored(written):
    said = written("p.csv", 'filename,openset\nb,"happy, glad"\nstray,sad\n')
    gold = written("g.jsonl", [{"id": "a", "gt": ["joy"], "video": 7}, {"id": "b", "gt": ["joy"]}])
    found = read_predictions(said, gold)
    assert plain(found) == [("a", ["joy"], None), ("b", ["joy"], "happy, glad")]
    assert found.without_gold == ("stray",)
    assert found.samples[0].group == "7"


def test_npz_of_plain_strings(tmp_path):
    path = tmp_path / "p.npz"
    np.savez(
        path, filenames=np.array(["a", "b"]), fileitems=np.array(["[happy]", ""]), gt=["x", "y"]
    )
    assert plain(read_predictions(path)) == [("a", "x", "[happy]"), ("b", "y", "")]


class Trap:
    """Makes a folder if it is ever unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_npz_of_objects_is_refused_and_never_run(tmp_path):
    path, sprung = tmp_path / "p.npz", tmp_path / "sprung"
    np.savez(path, id=np.array(["a"]), pred=np.array([Trap(sprung)], dtype=object))
    with pytest.raises(PredictionsError, match=r"'pred' holds Python objects.*write it anew as"):
        read_predictions(path)
    assert not sprung.exists()


def test_a_pickle_by_another_name_is_refused_and_never_run(tmp_path):
    path, sprung = tmp_path / "p.npz", tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(PredictionsError, match="cannot be read as npz"):
        read_predictions(path)
    assert not sprung.exists()


def test_npz_that_does_not_fit_is_told(tmp_path):
    path = tmp_path / "p.npz"
    np.savez(path, id=np.array(["a", "b"]), pred=np.array(["x"]))
    with pytest.raises(PredictionsError, match="one length"):
        read_predictions(path)
    np.savez(path, id=np.array([["a"]]), pred=np.array([["x"]]))
    with pytest.raises(PredictionsError, match=r"wanted rows, found 'id' with shape \(1, 1\)"):
        read_predictions(path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.jsonl", "{", "line 1 is no JSON"),
        ("p.jsonl", '["a"]', 'wanted {"id"'),
        ("p.jsonl", '{"id": "a", "gt": NaN}', "NaN is no value"),
        ("p.jsonl", "", "found no rows"),
        ("p.jsonl", '{"gt": "x"}', "row 1 has no id"),
        ("p.jsonl", '{"id": "a", "gt": "x"}\n{"id": "a", "gt": "x"}', "found 'a' twice"),
        ("p.jsonl", '{"id": "a", "pred": "x"}', "wanted a gold label"),
        (
            "p.jsonl",
            '{"id": "a", "gt": "x", "pred": {"joy": 1}}',
            "wanted a text or a list of texts",
        ),
        ("p.jsonl", '{"id": "a", "gt": [["x"]]}', "wanted a text or a list of texts"),
        ("p.csv", "", "empty file"),
        ("p.csv", "id,gt,pred\na,x\n", "line 2 has another number of cells"),
        ("p.csv", "id,gt,pred\na,x,happy,glad\n", "line 2 has another number of cells"),
        ("p.txt", "a", "wanted a file in .jsonl, .csv, .npz"),
    ],
)
def test_what_cannot_be_read_is_told(written, name, content, told):
    with pytest.raises(PredictionsError, match=told.replace("{", r"\{")):
        read_predictions(written(name, content))


def test_files_that_are_not_there_or_are_no_text(tmp_path):
    with pytest.raises(PredictionsError, match="no such file"):
        read_predictions(tmp_path / "p.jsonl")
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PredictionsError, match="cannot be read as text"):
        read_predictions(tmp_path / "p.csv")


def test_gold_that_does_not_belong_is_told(written):
    said = written("p.jsonl", [{"id": "a", "pred": "x"}])
    with pytest.raises(PredictionsError, match=r"none of its ids \(a\)"):
        read_predictions(said, written("g.jsonl", [{"id": "b", "gt": "x"}]))
    with pytest.raises(PredictionsError, match=r"g\.jsonl: wanted a gold label \(gt\) for 'a'"):
        read_predictions(said, written("g.jsonl", [{"id": "a"}]))
