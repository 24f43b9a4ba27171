"""Reports: what stands in them, that a file of one is enough to compare, and what is refused."""

import dataclasses
import json

import pytest

from demeanor.eval.report import ReportError, compare, evaluate, load, to_json
from demeanor.eval.scores import Sample
from demeanor.eval.signature import NotComparable
from demeanor.eval.tasks import Setting, task

GOLD = [["angry"], ["happy"], ["sad", "angry"], ["glad"], ["annoyed"], ["serious"], ["sad"]]
GOOD = [["furious"], ["glad"], ["sad"], ["happy"], ["angry"], ["tense"], None]
POOR = [["happy"], ["glad"], ["happy"], ["happy"], [], ["tense"], ["sad"]]


@pytest.fixture
def setting(small_table):
    return Setting(small_table)


def made(said, groups=None):
    return [
        Sample(f"s{k}", gold, answer, groups[k] if groups else None)
        for k, (gold, answer) in enumerate(zip(GOLD, said, strict=True))
    ]


@pytest.fixture
def saved(setting, tmp_path):
    def save(name, said, groups=None, using=setting):
        report = evaluate(task("ovmerd"), made(said, groups), using, n_folds=200)
        path = tmp_path / f"{name}.json"
        path.write_text(to_json(report))
        return load(path)

    return save


def test_a_report_says_what_the_number_is_worth(setting):
    report = evaluate(task("ovmerd"), made(GOOD), setting, n_folds=200, notes=["a note"])
    head = report.scores[0]
    assert head.name == "EW-F L1"
    assert head.interval[0] <= head.value <= head.interval[1]
    assert (report.n_scored, len(report.rows)) == (5, 7)
    assert report.skipped == {"gold has no label that a wheel holds": 1, "no prediction": 1}
    assert report.unknown_gold.labels == (("serious", 1),)
    assert report.unknown_predicted.labels == (("tense", 1),)
    assert report.baseline.said == "angry, glad"
    assert report.notes == ("a note",)
    assert report.signature.line().startswith("task:ovmerd|metric:ew-f|level:1|tables:small.")


def test_nothing_predicted_is_nothing_scored(setting):
    report = evaluate(task("ovmerd"), made([None] * 7), setting, n_folds=50)
    data = json.loads(to_json(report))
    assert (data["n_scored"], data["baseline"]) == (0, None)
    assert data["scores"][0] == {"name": "EW-F L1", "value": None, "low": None, "high": None}


def test_the_same_input_gives_the_same_bytes_and_order_gives_the_same_score(setting):
    one, again = (evaluate(task("ovmerd"), made(GOOD), setting, n_folds=200) for _ in range(2))
    assert to_json(one) == to_json(again)
    turned = evaluate(task("ovmerd"), made(GOOD)[::-1], setting, n_folds=200)
    assert turned.scores[0].value == pytest.approx(one.scores[0].value)
    assert turned.signature == one.signature


def test_intervals_are_over_groups_where_there_are_some(setting):
    groups = ["a", "a", "b", "c", "d", "e", "f"]
    report = evaluate(task("ovmerd"), made(GOOD, groups), setting, n_folds=50)
    assert report.intervals_over == "groups"
    assert report.scores[0].interval is None  # four groups that are scored: too few


# Two systems ----------------------------------------------------------------------------------


def test_two_reports_are_compared_over_what_both_scored(saved):
    found = compare(saved("poor", POOR), saved("good", GOOD), n_folds=200)
    assert (found.first, found.second) == ("poor", "good")
    assert (found.n_both, found.n_one) == (5, 1)  # the last sample: only one answered
    head = found.differences[0]
    assert head.name == "EW-F L1"
    assert head.difference == pytest.approx(head.second - head.first) and head.difference > 0
    assert found.forced == {}


def test_a_file_keeps_every_figure(saved, setting):
    report = evaluate(task("ovmerd"), made(GOOD), setting, n_folds=200)
    back = saved("good", GOOD)
    assert back.signature == report.signature
    assert back.metric == report.metric
    values = [score.value for score in report.scores]
    assert [score.value for score in back.scores] == pytest.approx(values, nan_ok=True)


def test_another_table_is_refused_unless_forced(saved, small_table):
    other = Setting(dataclasses.replace(small_table, version="other"))
    one, two = saved("one", GOOD), saved("two", GOOD, using=other)
    with pytest.raises(NotComparable, match="tables: small and other"):
        compare(one, two)
    assert compare(one, two, force=True, n_folds=50).forced == {"tables": ("small", "other")}


def test_other_gold_is_refused(saved):
    one, two = saved("one", GOOD), saved("two", POOR)
    two = dataclasses.replace(
        two, signature=dataclasses.replace(two.signature, gold_sha256="other")
    )
    with pytest.raises(NotComparable, match="gold_sha256"):
        compare(one, two)


def test_reports_of_two_metrics_are_never_compared(saved, tmp_path):
    levels = evaluate(task("cmumosi"), [Sample("s0", 1.0, "positive")], Setting(), n_folds=50)
    (tmp_path / "other.json").write_text(to_json(levels))
    with pytest.raises(ReportError, match="two reports of one metric"):
        compare(saved("one", GOOD), load(tmp_path / "other.json"), force=True)


def test_nothing_in_common_is_told(saved):
    with pytest.raises(ReportError, match="no sample that both scored"):
        compare(saved("one", [*GOOD[:3], *[None] * 4]), saved("two", [*[None] * 3, *GOOD[3:]]))


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "else"}', "[]", '{"schema": 3}'])
def test_a_file_that_is_no_report_is_told(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ReportError, match=r"a\.json: wanted what `demeanor eval"):
        load(tmp_path / "a.json")
