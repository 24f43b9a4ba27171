import pytest

from demeanor.explain.corpora.frames import (
    AFFWILD2,
    BAH,
    COMPOUND,
    read_affwild2_expressions,
    read_affwild2_levels,
    read_affwild2_units,
    read_bah,
    read_cexpr,
    read_recola,
    read_veatic,
)
from demeanor.explain.corpora.items import CorpusError
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.corpora.micro import (
    read_casme2,
    read_casme3,
    read_composite,
    read_samm,
    read_smic,
    units_of,
)
from demeanor.explain.corpora.texts import read_goemotions, read_smile

CASME2 = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
SAMM = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
)
SMIC = (None, "Subject", "Filename", "OnsetF", "OffsetF", "Emotion")


# Excel ----------------------------------------------------------------------------------------


def test_casme2(excel):
    rows = [
        (1, "EP02_01f", None, 46, 59, 86, None, "12", "happiness"),
        (1, "EP03_02", None, 131, "/", 161, None, "4+L10", "others"),
    ]
    first, second = read_casme2(excel("CASME2-coding-20140508.xlsx", CASME2, *rows))
    assert (first.item_id, first.gold, first.subject) == (
        "casme2/01/EP02_01f",
        "happiness",
        "casme2/01",
    )
    assert (first.extra["onset"], first.extra["aus"]) == (46, ("AU12",))
    assert (second.extra["apex"], second.extra["aus"]) == (None, ("AU4", "AU10"))


def test_samm_below_its_thirteen_lines_of_text(excel):
    text = [("SAMM", *[None] * 11)] * 13
    row = ("006", "006_1_2", 1, 5562, 5588, 5632, 71, "Micro - 1/2", "AU4+AU7", "Anger", 7, None)
    (item,) = read_samm(excel("SAMM_Micro_FACS_Codes_v2.xlsx", *text, SAMM, row))
    assert (item.item_id, item.gold, item.extra["aus"]) == (
        "samm/006/006_1_2",
        "anger",
        ("AU4", "AU7"),
    )


def test_casme3_tells_expressions_of_one_clip_apart(excel):
    head = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
    rows = [
        ("spNO.1", "a", 10, 12, 20, "4", 1, "disgust"),
        ("spNO.1", "a", 50, 52, 60, "1+2", 2, "surprise"),
    ]
    items = list(
        read_casme3(excel("cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", head, *rows, sheet="label"))
    )
    assert [item.item_id for item in items] == ["casme3/spNO.1/a/10", "casme3/spNO.1/a/50"]
    assert items[0].group == "casme3/spNO.1"


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("R12B + R15", ("AU12", "AU15")),
        ("AU12 or AU15", None),
        ("?", None),
        (None, None),
        ("4+4", ("AU4",)),
    ],
)
def test_units_that_the_table_leaves_open_are_none(text, units):
    assert units_of(text) == units


def test_three_data_sets_at_once_keep_their_subjects_apart(excel, tmp_path):
    excel("CASME2-coding-20140508.xlsx", CASME2, (1, "a", None, 1, 2, 3, None, "4", "disgust"))
    excel("SAMM_Micro_FACS_Codes_v2.xlsx", SAMM, (1, "a", 1, 1, 2, 3, 3, "", "AU4", "Anger", 7, ""))
    smic = excel("SMIC-HS-E_annotation.xlsx", SMIC, (1, 1, "a", 1, 3, "negative"))
    assert [item.subject for item in read_smic(smic)] == ["smic/01"]
    found = {item.subject for item in read_composite(tmp_path)}
    assert found == {"casme2/01", "samm/001", "smic/01"}
    smic.unlink()
    with pytest.raises(CorpusError, match="wanted one table of smic"):
        list(read_composite(tmp_path))


def test_a_table_without_its_columns(excel):
    with pytest.raises(CorpusError, match="wanted a column Estimated Emotion"):
        list(read_casme2(excel("x.xlsx", ("Subject", "Filename"), (1, "a"))))


def test_what_is_no_excel_file(written):
    with pytest.raises(CorpusError, match=r"cannot be read as a table of \.xlsx"):
        list(read_casme2(written("x.xlsx", "text")))


# Frames ---------------------------------------------------------------------------------------


def test_names_are_those_of_the_label_sets():
    assert tuple(AFFWILD2.values()) == label_set("affwild2_8").labels
    assert label_set("cexpr7").labels == COMPOUND
    assert set(BAH.values()) == set(label_set("bah2").labels)


def test_veatic_with_one_file_shorter(written, tmp_path):
    written("0_valence.csv", "0.1\n0.2\n")
    written("0_arousal.csv", "-0.5\n")
    first, second = read_veatic(tmp_path)
    assert (first.item_id, first.gold, first.group) == ("0/0", [0.1, -0.5], "0")
    assert second.gold == [0.2, None]


def test_recola(written, tmp_path):
    names = ("name string", "time numeric", "level numeric")
    head = "\n".join(["@relation x", *(f"@attribute {name}" for name in names), "@data", ""])
    written("valence/dev_1.arff", head + "'dev_1',0.00,0.25\n")
    written("arousal/dev_1.arff", head + "'dev_1',0.00,-0.125\n")
    (item,) = read_recola(tmp_path)
    assert (item.item_id, item.gold, item.split) == ("dev_1/0", [0.25, -0.125], "dev")


def test_affwild2(written, tmp_path):
    written("va/v1.txt", "valence,arousal\n0.602,0.389\n-5,-5\n")
    assert [item.gold for item in read_affwild2_levels(tmp_path / "va")] == [
        [0.602, 0.389],
        [None, None],
    ]
    written("ex/v1.txt", "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other\n4\n-1\n")
    assert [i.gold for i in read_affwild2_expressions(tmp_path / "ex")] == [
        "happiness",
        "not annotated",
    ]
    written("au/v1.txt", "AU1,AU2,AU4\n0,1,1\n0,-1,0\n")
    assert [i.gold for i in read_affwild2_units(tmp_path / "au")] == [["AU2", "AU4"], None]


def test_affwild2_goes_by_its_heading(written):
    old = written("old.txt", "Neutral,Happiness\n1\n")
    assert [item.gold for item in read_affwild2_expressions(old)] == ["happiness"]
    with pytest.raises(CorpusError, match="row 1: wanted a heading of"):
        list(read_affwild2_expressions(written("new.txt", "Joy,Anger\n1\n")))


def test_cexpr(written, tmp_path):
    head = ",".join(name.title() for name in COMPOUND)
    written("a.csv", f"{head}\n0,1,0,0,0,0,0\n,,,,,,\n")
    assert [i.gold for i in read_cexpr(tmp_path)] == ["happily surprised", "none"]
    with pytest.raises(CorpusError, match="row 2: wanted one expression a frame"):
        list(read_cexpr(written("b/b.csv", f"{head}\n1,1,0,0,0,0,0\n")))


def test_bah_with_commas_in_its_words(written):
    name = "Videos/82593/Visite_1/82593_Question_1_2024-10-02 16-19-36_Video.mp4"
    (item,) = read_bah(written("test.txt", f"{name},1,Well, I could, in a way.\n"))
    assert (item.gold, item.subject, item.split) == ("ambivalence or hesitancy", "82593", "test")
    assert (item.item_id, item.said) == (name, "Well, I could, in a way.")


# Words ----------------------------------------------------------------------------------------


def test_goemotions_real_rows(shared):
    items = list(read_goemotions(shared / "data/goemotions/dev.tsv"))
    assert len(items) == 5426
    assert items[1].gold == ["approval", "neutral"]
    assert items[0].item_id == "edgurhb" and items[0].gold == ["neutral"]


def test_smile(written, tmp_path):
    written("GT_laughter_reason.json", '{"1_80": "She mocks him.", "77": "A pun."}')
    written("data_split.json", '[{"train": ["77"]}, {"test": ["1_80"]}]')
    sitcom, talk = read_smile(tmp_path)
    assert (sitcom.gold, sitcom.split, sitcom.extra["kind"]) == ("She mocks him.", "test", "sitcom")
    assert (talk.split, talk.extra["kind"]) == ("train", "TED")
