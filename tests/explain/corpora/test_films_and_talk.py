import pytest

from demeanor.explain.corpora.films import DFEW, FERV39K, MAFW, read_dfew, read_ferv39k, read_mafw
from demeanor.explain.corpora.items import CorpusError
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.corpora.talk import IEMOCAP, MELD, read_iemocap, read_meld, read_sentiment

MELD_HEAD = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,"
    "StartTime,EndTime"
)
DIALOG = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M001\txxx\t[2.5000, 3.0000, 2.5000]
"""


def test_official_names_are_those_of_the_label_sets():
    assert tuple(DFEW.values()) == label_set("dfew7").labels
    assert set(MAFW) == set(label_set("mafw11").labels)
    assert set(FERV39K) == set(label_set("ferv39k7").labels)
    assert set(MELD) == set(label_set("meld7").labels)
    assert set(label_set("iemocap6").labels) < set(IEMOCAP.values())


def test_dfew_knows_its_split_by_its_folder(written, tmp_path):
    file = written("test(single-labeled)/set_1.csv", "video_name,label\n00001,1\n00002,6\n")
    first, second = read_dfew(file, media=tmp_path)
    assert (first.gold, first.split, first.media) == ("happy", "test", tmp_path / "00001.mp4")
    assert second.gold == "disgust"


def test_dfew_with_another_heading(written):
    with pytest.raises(CorpusError, match=r"row 1: wanted a column video_name, found \['clip'"):
        list(read_dfew(written("set_1.csv", "clip,label\n1,1\n")))


def test_dfew_twice_the_same_clip(written):
    with pytest.raises(CorpusError, match="wanted each sample once, found '1' twice"):
        list(read_dfew(written("set_1.csv", "video_name,label\n1,1\n1,2\n")))


def test_mafw_and_ferv39k(written):
    (mafw,) = read_mafw(written("set_1/test.txt", "00001.mp4 helplessness\n"))
    assert (mafw.item_id, mafw.gold, mafw.split) == ("00001.mp4", "helplessness", "test")
    (ferv,) = read_ferv39k(written("test_All.csv", "Action/Happy/0267 Happy\n"))
    assert (ferv.item_id, ferv.gold, ferv.split) == ("Action/Happy/0267", "happy", "test")


def test_meld_names_samples_as_mer_unibench_does(written):
    row = '1,"Oh, no",Ross,fear,negative,7,3,4,12,"00:14:38,127","00:14:40,378"'
    (item,) = read_meld(written("test_sent_emo.csv", f"{MELD_HEAD}\n{row}\n"))
    assert (item.item_id, item.gold, item.said) == ("test_dia7_utt3", "fear", "Oh, no")
    assert (item.subject, item.video, item.split) == ("Ross", "season 4 episode 12", "test")


def test_a_row_with_fewer_cells_is_named(written):
    with pytest.raises(CorpusError, match="row 2: wanted 11 cells as in the heading"):
        list(read_meld(written("dev_sent_emo.csv", f"{MELD_HEAD}\n1,Oh,Ross\n")))


#  Ses01F…M001: the dialogue was recorded with her motion; he speaks
def test_iemocap(written, tmp_path):
    written("Session1/dialog/EmoEvaluation/Ses01F_impro01.txt", DIALOG)
    words = "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\n"
    written("Session1/dialog/transcriptions/Ses01F_impro01.txt", words)
    hers, his = read_iemocap(tmp_path)
    assert (hers.gold, hers.subject, hers.said) == ("neutral", "Ses01F", "Excuse me.")
    assert hers.extra["start_s"] == 6.2901 and hers.video == "Ses01F_impro01"
    assert (his.gold, his.subject, his.said) == ("no agreement", "Ses01M", None)
    assert his.extra["session"] == "Ses01" and his.extra["activation"] == 3.0


def test_iemocap_with_a_line_of_another_form(written):
    with pytest.raises(CorpusError, match=r"row 1: wanted \[start - end\] turn label"):
        list(read_iemocap(written("a.txt", "[6.2 - 8.2] Ses01F_impro01_F000 neu\n")))


def test_sentiment_whatever_the_order_of_its_columns(written):
    mosi = "video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode\n"
    (item,) = read_sentiment(written("a.csv", mosi + "k5Y_838nuGo,1,A,-1.6,,,,Negative,test\n"))
    assert (item.item_id, item.gold, item.split) == ("k5Y_838nuGo_1", -1.6, "test")
    mosei = "video_id,clip_id,text,label,annotation,mode,label_T,label_A,label_V\n"
    (item,) = read_sentiment(written("b.csv", mosei + "x,2,B,0.0,Neutral,valid,,,\n"))
    assert (item.gold, item.split, item.said, item.group) == (0.0, "valid", "B", "x")


def test_a_sentiment_that_is_no_number(written):
    with pytest.raises(CorpusError, match="row 2: wanted level, a number, found 'high'"):
        list(read_sentiment(written("a.csv", "video_id,clip_id,label\nx,1,high\n")))
