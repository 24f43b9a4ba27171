"""The registry of tasks: what can be scored by name, and what not looking would score."""

import pytest

from demeanor.eval.scores import Sample
from demeanor.eval.tasks import Setting, task, tasks
from demeanor.eval.tasks.asked import asked_about
from demeanor.explain.corpora.items import CorpusError
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import UnknownName
from demeanor.serve.scoring import TASK_NAMES
from demeanor.serve.task_names import ASKABLE


def test_every_task_is_a_command():
    assert tuple(tasks()) == TASK_NAMES


def test_tasks_that_can_be_asked_are_known_without_loading_them():
    assert tuple(t.name for t in tasks().values() if t.asking) == ASKABLE


def test_who_is_asked_for_what():
    rafdb, ovmerd = asked_about("rafdb"), asked_about("ovmerd")
    assert (rafdb.labels, rafdb.is_open, ovmerd.is_open) == ("rafdb7", False, True)
    assert rafdb.scored_with(label_set("affectnet8")) is task("rafdb")
    assert asked_about("faces").labels == "rafdb7"
    with pytest.raises(CorpusError, match="casme2: its samples are no whole pictures"):
        asked_about("casme2")


def test_a_corpus_without_its_media_is_refused(tmp_path):
    path = tmp_path / "check-openset.csv"
    path.write_text("name,openset\nsample_1,\"['happy']\"\n")
    with pytest.raises(CorpusError, match="ovmerd needs --media"):
        asked_about("ovmerd").read(path, None)
    (item,) = asked_about("ovmerd").read(path, tmp_path)
    assert item.media == tmp_path / "sample_1.mp4"
    with pytest.raises(CorpusError, match="ovmerd needs --data"):
        asked_about("ovmerd").read(None, tmp_path)


def test_a_task_nobody_knows():
    with pytest.raises(UnknownName, match="there is no task 'mosi'"):
        task("mosi")


def test_grouping_tasks_want_a_table():
    with pytest.raises(ValueError, match="needs a word table"):
        task("ovmerd").score([Sample("a", ["joy"], ["joy"])], Setting())


#  answers of one and of two labels: two, rounded up from 1.5
def test_the_constant_of_a_hit_rate_is_as_long_as_the_mean_answer(small_table):
    rows = [("angry", ["sad"]), ("angry", ["sad", "glad"]), ("happy", None), ("neutral", None)]
    made = [Sample(str(k), gold, said) for k, (gold, said) in enumerate(rows)]
    constant = task("meld").constant(made, Setting(small_table))
    assert constant.said == ("angry", "happy")


def test_constants_of_classes():
    made = [Sample("a", "sad", "happy"), Sample("b", "sad", "sad"), Sample("c", "happy", "sad")]
    assert task("dfew-gpt4v").constant(made, Setting()).said == "sad"
    levels = [Sample("a", 0.4, "x"), Sample("b", -1.0, "x"), Sample("c", -0.2, "x")]
    assert task("cmumosi").constant(levels, Setting()).said == "negative"
