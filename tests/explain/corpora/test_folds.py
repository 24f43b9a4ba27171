"""People stay together, and no name is kept."""

import csv

import pytest

from demeanor.explain.corpora.folds import HELD_OUT, N_FOLDS, fold_of, folds, identity_key
from demeanor.explain.errors import UnknownName


def test_every_fold_has_about_a_fifth_of_the_people():
    found = list(folds("faces").values())
    for fold in range(N_FOLDS):
        assert 0.15 < found.count(fold) / len(found) < 0.25
    assert HELD_OUT in found


def test_keys_are_hashes():
    assert all(len(key) == 12 and int(key, 16) >= 0 for key in folds("faces"))
    assert identity_key("somebody") == identity_key("somebody") != identity_key("somebody_else")


def test_somebody_unknown_and_a_collection_unknown():
    with pytest.raises(UnknownName, match="nobody_at_all"):
        fold_of("faces", "nobody_at_all")
    with pytest.raises(UnknownName, match="no collection with folds 'voices'"):
        folds("voices")


def test_everybody_of_the_collection_is_in_one_fold(shared):
    with (shared / "data/faces/labels.csv").open() as stream:
        people = {row["identity"] for row in csv.DictReader(stream)}
    assert len(people) == len(folds("faces"))
    assert {fold_of("faces", name) for name in people} == set(range(N_FOLDS))
