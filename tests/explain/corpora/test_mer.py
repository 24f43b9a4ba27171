import json

import pytest

from demeanor.explain.corpora.expllm import UNITS, read_expllm
from demeanor.explain.corpora.items import CorpusError
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.corpora.mer import (
    MER6,
    read_descriptions,
    read_emer_v1,
    read_mer,
    read_merr,
    read_open_labels,
    read_preferences,
)


def test_six_emotions_two_spellings_of_one(written):
    assert set(MER6.values()) == set(label_set("mer6").labels)
    file = written(
        "track1_train_disdim.csv", "name,discrete,valence\na,surprise,-0.5\nb,worried,1\n"
    )
    first, second = read_mer(file)
    assert (first.gold, first.extra) == ("surprised", {"valence": -0.5})
    assert second.gold == "worried"


def test_open_labels_in_both_spellings(written):
    file = written(
        "check-openset.csv", "name,openset\na,\"['looking forward to', 'joy']\"\nb,\"sad, low\"\n"
    )
    assert [item.gold for item in read_open_labels(file)] == [
        ["looking forward to", "joy"],
        ["sad", "low"],
    ]


def test_emer(written):
    head = "names,emotions,subtitles,reasons\n"
    (v1,) = read_emer_v1(
        written("gt-eng.csv", head + 'a,happy,"Thank you, all.","He smiles, so …"\n')
    )
    assert (v1.gold, v1.said, v1.text) == (["happy"], "Thank you, all.", "He smiles, so …")
    (v2,) = read_descriptions(written("b.csv", "name,chinese,english\na,在视频中，,She frowns.\n"))
    assert (v2.text, v2.gold, v2.extra["chinese"]) == ("She frowns.", [], "在视频中，")


def test_preferences_and_a_clip_in_two_pairs(written):
    rows = "name,a1,a2,preference\nx,Sad.,Happy.,a2\nx,Calm.,Sad.,same\n"
    first, second = read_preferences(written("track3_emoprefer.csv", rows))
    assert (first.item_id, first.gold, first.extra["a2"]) == ("x", "a2", "Happy.")
    assert (second.item_id, second.gold, second.video) == ("x#2", "same", "x")
    with pytest.raises(
        CorpusError, match="row 2: wanted choice, one of a1, a2, same, found 'both'"
    ):
        list(read_preferences(written("b.csv", "name,a1,a2,preference\nx,A,B,both\n")))


def test_merr_coarse_and_fine(written):
    sample = {"AU_list": ["AU06"], "peak_index": "43", "peak_AU_list": ["AU12"], "text": "Hi."}
    data = {
        "fine": {**sample, "smp_reason_caption": "She smiles.", "pseu_emotion": "happy"},
        "coarse": {**sample, "caption": "A smile."},
    }
    fine, coarse = read_merr(written("MERR_fine_grained.json", json.dumps(data)))
    assert (fine.gold, fine.text, fine.said) == ("happy", "She smiles.", "Hi.")
    assert fine.extra["peak_AU_list"] == ["AU12"]
    assert (coarse.gold, coarse.text) == (None, "A smile.")


def test_merr_as_mer_factory_keeps_it(written, tmp_path):
    peak = {"frame_number": 43, "top_aus_intensities": {"AU12_r": 2.1}}
    data = {"overall_peak_frame_info": peak, "final_summary": "She smiles."}
    written("out/a/a_merr_data.json", json.dumps(data))
    (item,) = read_merr(tmp_path / "out")
    assert (item.item_id, item.text, item.extra["peak_AU_list"]) == ("a", "She smiles.", ["AU12_r"])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "wanted an object of samples by name"),
        ('{"a": {"text": "x"}}', "a: wanted smp_reason_caption or caption, found text"),
        ('{"a": 3}', "a: wanted an object, found 3"),
        ("{", "wanted JSON, found something else"),
    ],
)
def test_merr_of_another_form(written, text, complaint):
    with pytest.raises(CorpusError, match=complaint):
        list(read_merr(written("m.json", text)))


def test_expllm_as_a_vector(written):
    row = {"file_name": "test_0001_aligned.jpg", "emo": "Neutral", "au": [0.0] * 23 + [0.5]}
    file = written("rafdb.json", json.dumps([{**row, "description": "Calm."}]))
    (item,) = read_expllm(file)
    assert (item.gold, item.split, item.text) == ("neutral", "test", "Calm.")
    assert item.extra["au"]["nose_wrinkle"] == 0.5 and len(item.extra["au"]) == len(UNITS)
    with pytest.raises(CorpusError, match="row 1: wanted au: 24 values"):
        list(read_expllm(written("b.json", json.dumps([{**row, "au": [1], "description": "x"}]))))
    with pytest.raises(CorpusError, match="row 1: wanted file_name, emo"):
        list(read_expllm(written("c.json", json.dumps([{**row, "emo": 3, "description": "x"}]))))


def test_expllm_real_rows(shared):
    items = list(read_expllm(shared / "data/expcot_rafdb"))
    assert len(items) == 1534
    assert {item.gold for item in items} == set(label_set("rafdb7").labels)
