"""Channels left out, orders of asking, and the best of several picked on test."""

import numpy as np
import pytest
from drawn_measurement import drawn_measurement, drawn_words
from scripted_chat import ScriptedChat, good_reply

from demeanor.eval.ablation import ORDERS_ASKED, VARIANTS, ablate, both_orders
from demeanor.eval.answering import OPEN, System
from demeanor.eval.picked import picked
from demeanor.eval.report import evaluate
from demeanor.eval.runs import Options
from demeanor.eval.signature import NotComparable
from demeanor.eval.tasks import Setting, task
from demeanor.eval.tasks.asked import ASKED
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.prototype import Prototype

TASK = ASKED["clips"].task


class Front:
    class backend:
        name, version = "drawn", "1"

    voice, asr = "own", None

    def measure(self, path, transcript=None):
        return drawn_measurement(words=[drawn_words("I am so angry")])


class ByChannel(ScriptedChat):
    """Says glad where it is shown a face, furious where it is shown words alone."""

    def reply(self, request):
        channels = {o.channel.value for o in request.observations}
        said = "glad" if "face" in channels else "furious" if "speech" in channels else "sad"
        return good_reply(labels=[said])


@pytest.fixture
def go(tmp_path, small_table):
    def go(work, chat, n=6, setting=None):
        some = []
        for k in range(n):
            (tmp_path / f"{k}.mp4").write_bytes(bytes([k]))
            some.append(Item(f"c{k}", ["happy" if k % 3 else "angry"], tmp_path / f"{k}.mp4"))
        system = System(chat, label_set("rafdb7"), OPEN, front=Front())
        options = Options(n_folds=200)
        return work(TASK, some, system, Setting(small_table), tmp_path / "runs", options)

    return go


def test_one_command_runs_all_and_each_alone(go):
    done = go(ablate, ByChannel())
    assert done.names == VARIANTS == ("all", "face only", "voice only", "words only")
    said = [{a.predicted[0] for a in made.answers.values()} for made in done.runs]
    assert said == [{"glad"}, {"glad"}, {"sad"}, {"furious"}]
    values = [made.report.scores[0].value for made in done.runs]
    assert values == pytest.approx([200 / 3, 200 / 3, 0.0, 100 / 3], abs=0.1)
    assert len({made.folder for made in done.runs}) == 4


def test_the_table_has_intervals_and_paired_tests(go):
    text = go(ablate, ByChannel()).as_text()
    rows = [line.split() for line in text.splitlines() if " only" in line or "all " in line]
    assert len(rows) >= 4
    assert "-66.67" in text
    assert "constant answer: " in text
    assert "3 comparisons" in text


def test_two_orders_of_asking(go):
    replies = [good_reply(labels=["glad"])] * 6 + ['{"labels": ["furious"], "best_fit": null}'] * 6
    done = go(both_orders, ScriptedChat(*replies))
    assert done.names == ORDERS_ASKED
    first, second = done.differences
    assert first is None
    assert second.difference < 0


def test_the_prototype_says_that_it_has_no_order(go):
    with pytest.raises(DemeanorError, match="prototype has no order of asking"):
        go(both_orders, Prototype())


def reports(small_table, samples, n=40):
    """Three systems of the same skill: which is best on these is luck."""
    found = []
    for seed in range(3):
        right = np.random.default_rng(seed).random(n) < 0.5
        rows = samples(*[(["happy"], ["glad" if r else "sad"]) for r in right])
        found.append(evaluate(task("ovmerd"), rows, Setting(small_table), n_folds=200))
    return found


def test_the_best_of_several_is_said_to_be_picked_here(small_table, samples):
    found = picked(["a", "b", "c"], reports(small_table, samples))
    assert found.best_value == max(found.values)
    assert found.mean < found.best_value
    assert found.elsewhere < found.best_value
    assert found.warning.startswith(f"WARNING: {found.best} (")
    assert "Pick on other samples, or report all." in found.warning
    assert found == picked(["a", "b", "c"], reports(small_table, samples))


def test_few_samples_have_no_halves(small_table, samples):
    assert picked(["a", "b", "c"], reports(small_table, samples, 6)).elsewhere is None


def test_reports_of_two_tasks_are_not_picked_from(small_table, samples):
    rows = samples((["happy"], ["glad"]))
    some = [evaluate(task(t), rows, Setting(small_table)) for t in ("ovmerd", "ovmerdplus")]
    with pytest.raises(NotComparable):
        picked(["a", "b"], some)
