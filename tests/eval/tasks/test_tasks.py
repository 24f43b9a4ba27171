"""The registry of tasks: what can be scored by name, and what not looking would score."""

import pytest

from demeanor.eval.scores import Sample
from demeanor.eval.tasks import Setting, task, tasks
from demeanor.explain.errors import UnknownName
from demeanor.serve.scoring import TASK_NAMES


def test_every_task_is_a_command():
    assert tuple(tasks()) == TASK_NAMES


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
