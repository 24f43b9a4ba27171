"""Runs: what is kept, what is asked again, what is written. A scripted model answers."""

import json
import threading

import pytest
from drawn_measurement import drawn_measurement, drawn_words
from scripted_chat import ScriptedChat, good_reply

from demeanor.eval import runs
from demeanor.eval.answering import CLOSED, LABEL_FIRST, OPEN, System, without_channels
from demeanor.eval.extraction import RuleExtractor
from demeanor.eval.predictions import read_predictions
from demeanor.eval.report import compare, evaluate, load
from demeanor.eval.runs import Options, RunStopped, folder_of, run
from demeanor.eval.tasks import Setting
from demeanor.eval.tasks.asked import ASKED
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import ChatError, DemeanorError
from demeanor.explain.pipeline import observed, reason
from demeanor.explain.reasoning.prototype import Prototype
from demeanor.explain.records import Channel

TASK = ASKED["emer"].task
QUICK = Options(n_folds=200)


class Keyed(ScriptedChat):
    """Says the label that the text names, or raises; safe for several threads."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fails, self.lock = set(), threading.Lock()

    def reply(self, request):
        with self.lock:
            self.asked.append(request.clip_id)
        if request.clip_id in self.fails:
            raise ChatError(f"no answer about {request.clip_id}")
        label = "angry" if "frown" in request.timeline.text else "happy"
        return good_reply(labels=[label])


def items(n=6):
    texts = ("She smiles.", "He frowns.")
    return tuple(
        Item(f"i{k}", [("glad", "furious")[k % 2]], text=texts[k % 2], subject=f"p{k // 2}")
        for k in range(n)
    )


ITEMS = items()


@pytest.fixture
def chat():
    return Keyed()


@pytest.fixture
def go(tmp_path, small_table, chat):
    def go(some=None, model=None, options=QUICK, **changes):
        system = System(model or chat, label_set("rafdb7"), OPEN, **changes)
        return run(TASK, some or items(), system, Setting(small_table), tmp_path / "r", options)

    return go


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_folder_holds_what_the_documentation_says(go):
    done = go()
    assert done.report.scores[0].value == 100.0
    assert done.report.signature.extractor == "answer-labels-1"
    names = {path.name for path in done.folder.iterdir()}
    assert names == {
        "answers.jsonl",
        "failures.jsonl",
        "predictions.jsonl",
        "report.json",
        "report.txt",
        "run.json",
        "card.md",
        "run.log",
    }
    data = json.loads((done.folder / "run.json").read_text())
    assert data["schema"] == "demeanor-run-1"
    assert data["counts"] == {"answered": 6, "failed": 0, "abstained": 0, "unreadable": 0}
    assert data["data"]["n_groups"] == 3
    assert sum(data["claims"].values()) == 18
    answer = lines(done.folder / "answers.jsonl")[0]
    assert answer["explanation"]["evidence"]
    assert answer["observations"]
    assert "description:" in answer["timeline"]


def test_predictions_score_alike_when_they_are_read_again(go, small_table):
    done = go()
    samples = read_predictions(done.folder / "predictions.jsonl").samples
    again = evaluate(TASK, samples, Setting(small_table), n_folds=200)
    assert [s.interval for s in again.scores] == [s.interval for s in done.report.scores]


def test_the_same_run_twice_asks_once_and_writes_the_same_bytes(go, chat):
    done = go()
    before = {p.name: p.read_bytes() for p in done.folder.iterdir() if p.name != "run.log"}
    again = go()
    assert len(chat.asked) == 6
    assert again.n_resumed == 6
    after = {p.name: p.read_bytes() for p in again.folder.iterdir() if p.name != "run.log"}
    assert before == after


def test_a_killed_run_goes_on_where_it_was(go, chat):
    done = go()
    path = done.folder / "answers.jsonl"
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:3]) + whole[3][:50])  # cut short while it was written
    (done.folder / "report.json").unlink()
    chat.asked.clear()
    again = go()
    assert sorted(chat.asked) == ["i3", "i4", "i5"]
    assert again.n_resumed == 3
    assert sorted(path.read_text().splitlines(keepends=True)) == sorted(whole)
    assert again.report.n_scored == 6


def test_an_interrupted_run_keeps_its_answers(go, chat, monkeypatch):
    def interrupted(item, future):
        if item.item_id == "i3":
            raise KeyboardInterrupt
        return outcome(item, future)

    outcome = runs._outcome
    monkeypatch.setattr(runs, "_outcome", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go()
    monkeypatch.setattr(runs, "_outcome", outcome)
    assert go().n_resumed == 3


def test_failures_are_kept_apart_and_asked_about_again(go, chat):
    chat.fails = {"i1", "i4"}
    done = go()
    assert [(f.item_id, f.kind) for f in done.failures] == [
        ("i1", "ChatError"),
        ("i4", "ChatError"),
    ]
    assert lines(done.folder / "failures.jsonl")[0]["reason"] == "no answer about i1"
    assert done.report.skipped == {"no prediction": 2}
    assert done.report.n_scored == 4
    chat.fails, chat.asked = set(), []
    again = go()
    assert sorted(chat.asked) == ["i1", "i4"]
    assert not again.failures
    assert (again.folder / "failures.jsonl").read_text() == ""


def test_a_server_that_is_gone_ends_the_run_and_keeps_what_was_said(go, chat):
    chat.fails = {f"i{k}" for k in range(2, 100)}
    with pytest.raises(RunStopped, match="20 samples failed one after another"):
        go(items(40))
    assert len(chat.asked) < 40
    chat.fails = set()
    assert go(items(40)).n_resumed == 2


def test_a_fault_of_ours_fails_one_sample_and_not_the_run(go):
    class Broken(Keyed):
        def reply(self, request):
            return 3 if request.clip_id == "i2" else super().reply(request)

    (failure,) = go(model=Broken()).failures
    assert failure.item_id == "i2"
    assert "please report it" in failure.reason


def test_several_threads_give_the_same_figures(go):
    one = go()
    many = go(options=Options(workers=4, n_folds=200), model=Keyed())
    assert [s.value for s in one.report.scores] == [s.value for s in many.report.scores]


def test_an_answer_holds_only_while_nothing_that_it_depends_on_has_changed(go, chat):
    go()
    chat.asked.clear()
    go((*items()[:-1], Item("i5", ["furious"], text="He frowns, twice.", subject="p2")))
    assert chat.asked == ["i5"]
    chat.version = "2"
    assert go().n_resumed == 0


def test_an_unreadable_reply_is_an_answer_without_a_label(go):
    class Mute(Keyed):
        def reply(self, request):
            return "no idea" if request.clip_id == "i0" else super().reply(request)

    done = go(model=Mute())
    assert done.answers["i0"].predicted == []
    assert done.answers["i0"].reply.startswith("no idea")
    assert done.report.n_scored == 6
    assert "1 replies could not be read: answers without a label" in done.report.notes


def test_labels_by_rule_from_the_text(go, small_table):
    done = go(extractor=RuleExtractor(small_table))
    assert done.answers["i0"].predicted == ["happy"]  # "The person appears happy."
    assert done.report.signature.extractor.startswith("rule-1.small.")


def test_labels_before_reasons(go):
    chat = ScriptedChat(*['{"labels": ["glad"], "best_fit": "happiness"}'] * 5, "glad")
    done = go(model=chat, order=LABEL_FIRST)
    assert done.answers["i0"].explanation is None
    assert "Give no reasons now" in chat.asked[0].messages[1].content
    assert done.answers["i5"].predicted == []
    assert done.answers["i5"].problems == ("the reply is no JSON object",)


def test_labels_asked_for_alone_are_not_extracted(chat, small_table):
    rule = RuleExtractor(small_table)
    with pytest.raises(DemeanorError, match="nothing is left to extract"):
        System(chat, label_set("rafdb7"), order=LABEL_FIRST, extractor=rule)


def test_the_prototype_has_no_order():
    with pytest.raises(DemeanorError, match="no order of asking"):
        System(Prototype(), label_set("rafdb7"), order=LABEL_FIRST)


def test_a_channel_cannot_be_cut_out_of_prose_for_a_language_model(go):
    done = go(without=frozenset([Channel.FACE]))
    assert "mixes face, voice and words in one sentence" in done.failures[0].reason


def test_a_folder_is_named_by_what_is_asked(tmp_path, small_table, chat):
    setting = Setting(small_table)

    def name(some=ITEMS, labels="rafdb7", **changes):
        system = System(chat, label_set(labels), OPEN, **changes)
        return folder_of(tmp_path, TASK, system, some, setting).name

    assert name() == name()
    assert name().startswith("emer-scripted-1-")
    others = {name(items(4)), name(labels="mer6"), name(order=LABEL_FIRST)}
    assert len({name(), *others}) == 4


def test_runs_compare_like_any_reports(go, tmp_path):
    done = go()
    saved = load(done.folder / "report.json")
    assert compare(saved, saved).differences[0].difference == 0.0


def test_the_card_is_filled_in_and_a_label_cannot_make_a_link(go):
    strange = (Item("i0", ["glad", "[x](http://evil)<b>|"], text="She smiles."), *items()[1:])
    card = (go(strange).folder / "card.md").read_text()
    for part in ("## Figures", "| EW-F L1 | 100.00 |", "6 of 6; 0 failed", "`task:emer|"):
        assert part in card
    assert r"\[x\](http://evil)\<b\>\|" in card


class Front:
    """Measures nothing: gives what was drawn, and knows which file is no media."""

    class backend:
        name, version = "drawn", "1"

    voice, asr = "own", None

    def __init__(self):
        self.asked = []

    def measure(self, path, transcript=None):
        self.asked.append(path.stem)
        if path.stem != "good":
            raise DemeanorError(f"{path}: no media")
        return drawn_measurement()


def test_media_go_through_the_pipeline_once_and_fail_by_name(tmp_path, small_table, chat):
    (tmp_path / "good.mp4").write_bytes(b"good")
    some = tuple(Item(name, ["glad"], tmp_path / f"{name}.mp4") for name in ("good", "bad"))
    front = Front()
    system = System(chat, label_set("rafdb7"), OPEN, front=front)
    done = run(TASK, some, system, Setting(small_table), tmp_path / "r", QUICK)
    assert [f.item_id for f in done.failures] == ["bad"]
    assert done.answers["good"].observations
    run(TASK, some, system, Setting(small_table), tmp_path / "r", QUICK)
    assert front.asked == ["good", "bad", "bad"]
    (tmp_path / "good.mp4").write_bytes(b"other bytes")
    run(TASK, some, system, Setting(small_table), tmp_path / "r", QUICK)
    assert front.asked.count("good") == 2


def test_labels_before_reasons_for_media(tmp_path, small_table):
    (tmp_path / "good.mp4").write_bytes(b"good")
    chat = ScriptedChat('{"labels": ["glad"], "best_fit": null}')
    system = System(chat, label_set("rafdb7"), OPEN, front=Front(), order=LABEL_FIRST)
    some = (Item("good", ["glad"], tmp_path / "good.mp4"),)
    done = run(TASK, some, system, Setting(small_table), tmp_path / "r", QUICK)
    assert done.answers["good"].predicted == ["glad"]


def test_a_left_out_channel_is_declared_and_gone():
    words = [drawn_words("I hate this letter")]
    result = observed(drawn_measurement(words=words))
    assert {o.channel for o in result.observations} >= {Channel.FACE, Channel.SPEECH}
    fewer = without_channels(result, {Channel.FACE, Channel.SPEECH})
    assert not {o.channel for o in fewer.observations} & {Channel.FACE, Channel.SPEECH}
    said = reason(fewer, Prototype(), label_set("rafdb7"))
    assert "Not measured: face: left out of this run." in said.timelines[0].text
    assert "Not measured: words: left out of this run." in said.timelines[0].text
    assert "letter" not in said.timelines[0].text
    assert without_channels(result, ()) is result


def test_a_closed_set_scores_the_best_fit(tmp_path, chat):
    asked = ASKED["faces"]
    some = tuple(Item(f"i{k}", "happiness", text="She smiles.") for k in range(3))
    system = System(chat, label_set("rafdb7"), CLOSED)
    task = asked.scored_with(system.labels)
    done = run(task, some, system, Setting(labels="rafdb7"), tmp_path / "r", QUICK)
    assert done.report.scores[0].value == 100.0
    assert done.report.signature.metric == "uar.rafdb7"
