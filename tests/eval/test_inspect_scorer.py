"""Our tasks as scorers of inspect_ai: one small run there has the figures that we print."""

import json

import pytest

from demeanor.eval.report import evaluate
from demeanor.eval.scores import Sample
from demeanor.eval.tables import load_table
from demeanor.eval.tasks import Setting, task
from demeanor.explain.errors import DemeanorError, UnknownName

pytest.importorskip("inspect_ai")

#  id  gold               said
ROWS = (
    ("a", ["angry"], "furious, tense"),
    ("b", ["happy", "calm"], "joyful"),
    ("c", ["sad"], "unhappy"),
    ("d", ["serious"], "calm"),  # gold that no wheel holds
    ("e", ["proud"], "sad"),
    ("f", ["surprised"], ""),
    ("g", ["happy"], "happy"),
)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample as Asked
    from inspect_ai.model import ModelOutput
    from inspect_ai.solver import solver

    from demeanor.eval.inspect_scorer import demeanor_scorer

    @solver
    def answers():
        """Instead of a model: inspect_ai's own stand-in looks for a tokenizer on the network."""

        async def solve(state, generate):
            state.output = ModelOutput.from_content("nobody", state.metadata["said"])
            return state

        return solve

    asked = [
        Asked(input="?", target=gold, id=name, metadata={"said": said}) for name, gold, said in ROWS
    ]
    (done,) = eval(
        Task(dataset=asked, solver=answers(), scorer=demeanor_scorer("ovmerd")),
        model="mockllm/model",
        log_dir=str(tmp_path_factory.mktemp("logs")),
        display="none",
    )
    assert done.status == "success", done.error
    return done


def test_a_run_of_inspect_has_the_figures_that_we_print(log):
    found = {name: m.value for name, m in log.results.scores[0].metrics.items()}
    samples = [Sample(name, gold, said) for name, gold, said in ROWS]
    ours = evaluate(task("ovmerd"), samples, Setting(load_table("d1")))
    wanted = {score.name: score.value for score in ours.scores[:12]}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    assert (found["95% from"], found["95% to"]) == pytest.approx(ours.scores[0].interval)
    assert found["scored"] == ours.n_scored == 6


def test_what_cannot_be_scored_keeps_its_reason_and_is_no_zero(log):
    (score,) = next(s for s in log.samples if s.id == "d").scores.values()
    assert score.value != score.value
    assert score.explanation == "gold has no label that a wheel holds"
    (empty,) = next(s for s in log.samples if s.id == "f").scores.values()
    assert empty.value == 0.0  # an answer without a label


def test_a_sample_has_its_own_figure_and_its_row_is_plain_data(log):
    (score,) = next(s for s in log.samples if s.id == "g").scores.values()
    assert score.value == 100.0
    assert json.loads(json.dumps(score.metadata))["tables"].startswith("d1.")


def test_no_prediction_is_unscored():
    from demeanor.eval.inspect_scorer import corpus_figures, scored_sample

    score = scored_sample(task("rafdb"), Sample("a", "anger", None), Setting())
    assert (score.reason, score.explanation) == ("no_response", "no prediction")
    assert corpus_figures()([]) == {}


def test_what_is_not_known_is_said_before_anything_is_run():
    from demeanor.eval.inspect_scorer import demeanor_scorer

    with pytest.raises(UnknownName, match="there is no task 'mosi'"):
        demeanor_scorer("mosi")
    with pytest.raises(DemeanorError, match="wanted 'rule'"):
        demeanor_scorer("rafdb", extract="rule")
    with pytest.raises(DemeanorError, match="wanted 'rule'"):
        demeanor_scorer("ovmerd", extract="vibes")


def test_labels_are_taken_out_of_free_text():
    from demeanor.eval.inspect_scorer import _reader

    setting = Setting(load_table("d1"))
    assert _reader("rule", task("ovmerd"), setting)("She is happy, not sad.") == ["happy"]
