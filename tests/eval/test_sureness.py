"""Confidences of a run against what came of its answers, worked out by hand."""

import json

import pytest
from scripted_chat import ScriptedChat, good_reply

from demeanor.eval.answering import CLOSED, OPEN, System
from demeanor.eval.runs import Options, run
from demeanor.eval.sureness import sureness
from demeanor.eval.tasks import Setting
from demeanor.eval.tasks.asked import ASKED
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import label_set


def reply(confidence, abstained=False):
    reason = {"abstained": True, "abstained_reason": "too little", "best_fit": None, "labels": []}
    return good_reply(confidence=confidence, **(reason if abstained else {}))


@pytest.fixture
def done(tmp_path):
    """All say happiness. Gold: three times so, once not; one abstains."""
    golds = ("happiness", "happiness", "anger", "happiness", "anger")
    items = tuple(Item(f"i{k}", gold, text="She smiles.") for k, gold in enumerate(golds))
    said = (reply(0.9), reply(0.9), reply(0.9), reply(0.5), reply(None, True))
    system = System(ScriptedChat(*said), label_set("rafdb7"), CLOSED)
    task = ASKED["faces"].scored_with(system.labels)
    return run(task, items, system, Setting(), tmp_path / "r", Options(n_folds=50))


#  sure   right             ECE: 3/4 |0.9 - 2/3| + 1/4 |0.5 - 1| = 0.3
#  0.9    yes yes no        Brier: (0.01 + 0.01 + 0.81 + 0.25) / 4 = 0.27
#  0.5    yes               risk: 1/3 over three quarters, 1/4 over the last: 0.3125
def test_by_hand(done):
    found = sureness(done.report, done.answers)
    assert (found.ece, found.brier, found.n) == (pytest.approx(30.0), pytest.approx(0.27), 4)
    assert found.risk == pytest.approx(31.25)
    assert found.line() in done.report.notes


def test_the_run_keeps_it(done):
    data = json.loads((done.folder / "run.json").read_text())
    assert data["confidence"]["n"] == 4


def test_open_labels_have_none(tmp_path, small_table):
    items = (Item("a", ["happy"], text="She smiles."),)
    system = System(ScriptedChat(good_reply()), label_set("rafdb7"), OPEN)
    done = run(ASKED["emer"].task, items, system, Setting(small_table), tmp_path / "r")
    assert sureness(done.report, done.answers) is None
