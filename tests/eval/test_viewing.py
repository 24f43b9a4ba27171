"""What the viewer shows of run folders, worked out by hand from a few samples."""

import json

import pytest
from drawn_runs import PICTURE, SCRIPT, broken_run, drawn_runs

from demeanor.eval import viewing
from demeanor.eval.report import ReportError
from demeanor.eval.signature import NotComparable
from demeanor.eval.viewing import Outcome, RunFolderError, read_run, read_runs


@pytest.fixture(scope="module")
def root(tmp_path_factory, small_table):
    return drawn_runs(tmp_path_factory.mktemp("runs"), small_table)


@pytest.fixture(scope="module")
def runs(root):
    found, refused = read_runs(root)
    assert refused == []
    return found


def test_runs_are_found_below_a_folder_and_in_it(root, runs):
    assert list(runs) == ["closed", "first", "second"]
    assert viewing.find_runs(root / "first") == [root / "first"]
    assert viewing.find_runs(root / "nowhere") == []


def test_a_folder_that_is_no_whole_run_is_named_and_hides_no_other(root, tmp_path):
    found, refused = read_runs(broken_run(tmp_path))
    assert found == {}
    assert "predictions.jsonl: cannot be read; is the run finished?" in refused[0]
    (tmp_path / "run.json").write_text('{"schema": "another"}')
    with pytest.raises(RunFolderError, match="wanted a run of schema demeanor-run-1"):
        read_run(tmp_path)


#  "partly": two golds of which one is said; "nowhere": gold is in no wheel
def test_what_became_of_each_sample(runs):
    found = {name: viewing.outcome(runs["first"], name) for name in runs["first"].said}
    assert found == {
        "right": Outcome.RIGHT,
        "partly": Outcome.PARTLY,
        "wrong": Outcome.WRONG,
        "silent": Outcome.ABSTAINED,
        "gone": Outcome.FAILED,
        "nowhere": Outcome.NOT_SCORED,
        SCRIPT: Outcome.RIGHT,
        **{f"plain {k}": Outcome.RIGHT for k in range(5)},
    }
    assert viewing.outcome_counts(runs["first"]) == {
        Outcome.RIGHT: 7,
        Outcome.PARTLY: 1,
        Outcome.WRONG: 1,
        Outcome.ABSTAINED: 1,
        Outcome.FAILED: 1,
        Outcome.NOT_SCORED: 1,
    }


#  said one of two golds: P 1, R 1/2, F 2/3 on both wheels
def test_a_sample_has_its_own_figure(runs):
    assert viewing.own_figure(runs["first"], "partly") == pytest.approx(200 / 3)
    assert viewing.own_figure(runs["first"], "gone") is None


def test_samples_are_filtered_by_what_became_of_them(runs):
    rows = viewing.sample_rows(runs["first"], {Outcome.FAILED, Outcome.ABSTAINED})
    assert [(row["id"], row["said"]) for row in rows] == [
        ("silent", "(no label)"),
        ("gone", viewing.NOTHING),
    ]
    assert [row["why"] for row in rows] == ["too little", f"no answer {SCRIPT}"]
    assert len(viewing.sample_rows(runs["first"])) == 12


def test_boards_rank_runs_of_one_signature_alone(runs):
    boards = viewing.boards(runs.values())
    assert [[run.name for run in same] for same in boards.values()] == [
        ["first", "second"],
        ["closed"],
    ]
    (row, _) = viewing.board_rows(next(iter(boards.values())))
    assert row["scored"] == "10 of 12"
    assert row["constant answer"] != viewing.NOTHING
    point = viewing.interval_points([runs["first"]])[0]
    assert point["low"] <= point["value"] <= point["high"]


def test_gold_by_answer_of_a_closed_set(runs):
    found = viewing.confusion(runs["closed"])
    rows = dict(zip(found.golds, found.counts, strict=True))
    said = found.answers.index("happiness")
    assert (rows["anger"][said], rows["happiness"][said], sum(rows["fear"])) == (6, 6, 0)
    assert found.share(found.golds.index("anger"), said) == 1.0
    assert found.share(found.golds.index("fear"), 0) == 0.0
    assert viewing.confusion(runs["first"]) is None


def test_what_was_said_instead_of_open_labels(runs):
    rows = viewing.confused_pairs(runs["first"])
    pairs = {(row["gold"], row["said"]): row["samples"] for row in rows}
    assert pairs[("happy", "glad")] == 1  # words as they stand, though the table groups them
    assert pairs[("happy", "(nothing else)")] == 1  # an answer without a label
    assert ("happy", "happy") not in pairs


def test_what_was_dropped_and_why(runs):
    rows = {(row["what"], row["why"]): row["times"] for row in viewing.dropped(runs["first"])}
    assert rows[("sample not scored", "no prediction")] == 1
    assert rows[("sample not scored", "gold has no label that a wheel holds")] == 1
    assert rows[("no answer", "ChatError")] == 1
    assert rows[("answer without a label", "it abstains")] == 1
    assert rows[("unknown label, gold", "serious 1")] == 1
    (said,) = [why for what, why in rows if what == "unknown label, predicted"]
    assert f"angry {PICTURE.lower()} 1" in said


def test_claims_stand_beside_what_they_cite(runs):
    claims = viewing.claim_rows(runs["first"].answers["right"])
    cited = dict(claims[1]["cites"])
    assert "AU12 lip corner puller" in cited["f1"]
    assert cited["f9"] == "there is no observation f9"
    assert claims[1]["grounding"] == "UNSUPPORTED"


def test_an_observation_that_the_budget_dropped_says_so():
    answer = {
        "observations": [{"obs_id": "f1"}, {"obs_id": "f2"}],
        "timeline": "x\n[f2] 1 s face: y",
    }
    assert viewing.cited_lines(answer) == {
        "f1": "measured, and left out of the text that the model read",
        "f2": "1 s face: y",
    }


def test_two_runs_are_paired(runs):
    compared = viewing.beside(runs["first"], runs["second"])
    assert (compared.n_both, compared.n_one) == (10, 1)  # "gone" has no answer in the first
    assert viewing.difference_rows(compared)[0]["score"] == "EW-F L1"
    rows = viewing.both_rows(runs["first"], runs["second"])
    alike = [row["first"] == row["second"] for row in rows]
    assert alike == sorted(alike)
    assert viewing.apart(runs["first"], runs["second"]) == []


def test_runs_of_two_signatures_refuse_and_say_in_what_they_differ(runs):
    with pytest.raises(NotComparable):
        viewing.beside(runs["first"], runs["closed"])
    with pytest.raises(ReportError, match="one metric"):
        viewing.beside(runs["first"], runs["closed"], force=True)
    rows = {row["of the signature"]: row for row in viewing.apart(runs["first"], runs["closed"])}
    assert rows["task"]["second"] == "faces"
    assert len(rows["gold_sha256"]["first"]) == 8


def test_what_judges_said_stands_with_the_run(root):
    folder = root / "second" / "judge-clues-x"
    folder.mkdir()
    report = json.loads((root / "second" / "report.json").read_text())
    (folder / "report.json").write_text(json.dumps(report))
    row = viewing.judged_rows(read_run(root / "second"))[0]
    assert (row["judged by"], row["score"]) == ("judge-clues-x", "EW-F L1")
