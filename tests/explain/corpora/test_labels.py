import pytest

from demeanor.explain.corpora.labels import COARSE, known_label_sets, label_set, watch_notes
from demeanor.explain.errors import SettingsError, UnknownName

SIZES = {
    "rafdb7": 7, "rafdb_compound11": 11, "affectnet8": 8, "affectnet7": 7, "mer6": 6,
    "ekman6": 6, "du21": 21, "meld7": 7, "dfew7": 7, "ferv39k7": 7, "mafw11": 11,
    "iemocap4": 4, "iemocap6": 6, "fer2013": 7, "ferplus8": 8, "casme2": 5, "casme3": 7,
    "samm8": 8, "smic3": 3, "megc3": 3, "mosei6": 6, "cexpr7": 7, "rafce14": 14, "affwild2_8": 8,
    "bah2": 2, "goemotions28": 28,
}  # fmt: skip


def test_every_set_has_the_size_its_authors_give():
    assert {name: len(label_set(name).labels) for name in known_label_sets()} == SIZES


@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_set_holds_no_label_twice_and_maps_only_to_coarse_emotions(name):
    labels = label_set(name)
    assert len(set(labels.labels)) == len(labels.labels)
    assert set(labels.coarse) <= set(labels.labels)
    assert set(labels.coarse.values()) <= set(COARSE)
    assert labels.source


def test_order_differs_between_sets_so_that_only_names_can_be_trusted():
    assert label_set("fer2013").labels[0] == "angry"
    assert label_set("affectnet8").labels[0] == "neutral"
    assert label_set("rafdb7").labels[0] == "surprise"


def test_labels_without_a_counterpart_map_to_nothing():
    casme = label_set("casme2")
    assert "others" not in casme.coarse and "repression" not in casme.coarse
    assert "negative" not in label_set("smic3").coarse
    assert label_set("rafdb_compound11").coarse == {}


def test_what_the_coarse_map_loses_is_said():
    assert label_set("mer6").coarse["worried"] == "fear"
    assert watch_notes(label_set("mer6")) == (
        "worried: milder than fear and directed at what is to come",
    )


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"rafdb8.*rafdb7"):
        label_set("rafdb8")


def test_a_users_own_labels(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nlabels: [calm, happy, tense]\ncoarse: {tense: fear}\n")
    mine = label_set(path)
    assert mine.name == "mine"
    assert mine.labels == ("calm", "happy", "tense")
    assert mine.coarse == {"happy": "happiness", "tense": "fear"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("labels: [a]", "two or more"),
        ("labels: [a, no]", "quote it"),
        ("labels: [a, A]", "twice"),
        ("labels: [a, b]\ncolor: red", "unknown keys"),
        ("labels: [a, b]\ncoarse: {c: fear}", "not among"),
        ("labels: [a, b]\ncoarse: {a: dread}", "none of happiness"),
        ('labels: [a, "b\\nc"]', "line break"),
        ("labels: [a, b", "not readable"),
        ("just text", "found str"),
    ],
)
def test_a_bad_file_says_what_was_wanted(tmp_path, text, complaint):
    path = tmp_path / "labels.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=complaint):
        label_set(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.yaml does not exist"):
        label_set(tmp_path / "nowhere.yaml")
