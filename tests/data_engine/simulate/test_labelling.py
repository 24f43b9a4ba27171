"""Shares to labels of any set, by name and never by place."""

import random

import pytest
from drawn_observations import SEVEN, au

from demeanor.data_engine.simulate.labelling import drawn_set, open_labels, scores, shipped_sets
from demeanor.data_engine.simulate.posterior import Weighed
from demeanor.data_engine.simulate.tables import NEUTRAL, coarse_names
from demeanor.explain.corpora.labels import label_set


def weighed(**shares):
    every = dict.fromkeys([*coarse_names(), NEUTRAL], 0.0)
    every.update({name.replace("_", " "): share for name, share in shares.items()})
    return Weighed((au("f1", 12, 3.0),), (), (), {}, (), {}, every)


def test_a_finer_state_counts_for_its_coarse_one_where_it_has_no_name():
    found = scores(weighed(amusement=0.6, neutral=0.4), SEVEN)
    assert (found["happiness"], found["neutral"]) == (0.6, 0.4)
    assert scores(weighed(amusement=0.6), label_set("goemotions28"))["amusement"] == 0.6


def test_a_compound_counts_for_both_or_for_itself():
    angry_sad = weighed(sadly_angry=0.8)
    found = scores(angry_sad, SEVEN)
    assert (found["sadness"], found["anger"]) == (0.4, 0.4)
    assert scores(angry_sad, label_set("du21"))["sadly angry"] == 0.8


def test_the_plain_name_of_an_emotion_gets_it():
    assert scores(weighed(fear=0.7), label_set("mer6"))["worried"] == 0.7
    assert scores(weighed(happiness=0.7), label_set("goemotions28"))["joy"] == 0.7
    assert scores(weighed(anger=0.7), label_set("smic3"))["negative"] == 0.7


def test_what_a_set_has_no_place_for_stays_outside():
    found = scores(weighed(confusion=0.9, happiness=0.1), SEVEN)
    assert sum(found.values()) == pytest.approx(0.1)


def test_open_labels_name_all_that_is_likely():
    assert open_labels(weighed(anger=0.5, disgust=0.3, fear=0.1)) == ("anger", "disgust")
    assert open_labels(weighed(neutral=0.9, anger=0.1)) == ("neutral",)


def test_every_shipped_set_gets_shares_of_at_most_one():
    even = weighed(**{n.replace(" ", "_"): 1 / 40 for n in coarse_names()})
    for labels in shipped_sets():
        assert 0 < sum(scores(even, labels).values()) <= 1.0001, labels.name


def test_sets_made_up_for_a_question_hold_each_label_once():
    draw = random.Random(0)
    names = set()
    for _ in range(200):
        labels = drawn_set(draw)
        names.add(labels.name)
        assert len(set(labels.labels)) == len(labels.labels) >= 2
    assert {"rafdb7", "custom"} <= names and len(names) > 10
