import pytest

from demeanor.explain.corpora.catalogue import CORPORA, corpus
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import known_label_sets
from demeanor.explain.corpora.mapping import LossyMapping, relabelled
from demeanor.explain.errors import UnknownName

ITEMS = [Item("a", "excited"), Item("b", "happy"), Item("c", "other")]


def test_two_labels_made_one_only_if_asked():
    mapping = {"excited": "happy", "happy": "happy", "other": None}
    with pytest.raises(LossyMapping, match="excited and happy → happy; other → left out"):
        list(relabelled(ITEMS, mapping))
    assert [i.gold for i in relabelled(ITEMS, mapping, lossy=True)] == ["happy", "happy"]


def test_other_names_for_the_same_lose_nothing():
    assert [i.gold for i in relabelled(ITEMS, {"happy": "joy"})] == ["excited", "joy", "other"]


def test_every_corpus_says_what_it_wants_and_gives():
    kinds = {"open words", "a level", "levels", "a text", "action units", "any", "a1, a2, same"}
    for known in CORPORA.values():
        assert known.wants and known.title
        assert known.gold in {*known_label_sets(), *kinds}, known.name


def test_a_corpus_nobody_knows():
    with pytest.raises(UnknownName, match="no corpus 'rafdb8'"):
        corpus("rafdb8")


def test_anybody_s_files_are_a_corpus_too(tmp_path):
    (tmp_path / "joy").mkdir()
    (tmp_path / "joy/a.jpg").touch()
    assert [(i.item_id, i.gold) for i in corpus("folder").read(tmp_path)] == [("joy/a.jpg", "joy")]
