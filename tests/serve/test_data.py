import json
import shutil

import pytest
from drawn_build import build_drawn, write_corpus
from typer.testing import CliRunner

from demeanor.data_engine.records import from_line, to_line
from demeanor.serve.cli import app


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_drawn(tmp_path_factory.mktemp("data"))


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_a_build_says_what_it_made_and_resumes(tmp_path):
    corpus = write_corpus(tmp_path / "corpus")
    command = ("build", "expllm", f"source.path={corpus}", "-o", tmp_path / "builds")
    first = run(*command)
    assert first.exit_code == 0, first.output
    assert "3 samples: 2 rows, 0 rejected, 1 refused by the teacher, 0 failed" in first.output
    assert "perception took 0% of the time" in first.output
    again = json.loads(run(*command, "--json").stdout)
    assert (again["resumed"], again["complete"]) == (3, True)
    assert again["speed"]["built"] == 0


def test_a_dry_run_counts_and_writes_nothing(tmp_path):
    corpus = write_corpus(tmp_path / "corpus")
    out = tmp_path / "builds"
    said = run("build", "expllm", f"source.path={corpus}", "-o", out, "--dry-run", "--json")
    found = json.loads(said.stdout)
    assert found["n_samples"] == 3 and found["labels"] == {"surprise": 1, "neutral": 1, "anger": 1}
    assert found["tokens_read"] == [0, 0] and not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "no-such-build"),
        ("build", "expllm", "source.pth=x"),
        ("build", "expllm", "source.path=/nowhere"),
        ("data", "stats", "/nowhere"),
        ("data", "curate", "/nowhere"),
    ],
)
def test_what_cannot_be_carried_out_ends_with_two(arguments):
    assert run(*arguments).exit_code == 2


def test_rows_are_counted_and_checked_again(built):
    found = json.loads(run("data", "stats", built, "--json").stdout)
    assert (found["rows"], found["tasks"]) == (2, {"exp-cot": 2})
    assert found["checks"]["citations"] == {"passed": 2}
    checked = run("data", "check", built, "--json")
    assert checked.exit_code == 0 and json.loads(checked.stdout)["failed"] == []
    assert "2 rows, 0 of them fail a check" in run("data", "check", built).output


def test_a_row_that_fails_is_named(built, tmp_path):
    row = from_line((built / "rows.jsonl").open().readline())
    leaking = to_line(row).replace("AU26", "happy AU26")
    (tmp_path / "rows.jsonl").write_text(leaking)
    checked = run("data", "check", tmp_path / "rows.jsonl")
    assert checked.exit_code == 1 and "label-blind" in checked.output


@pytest.mark.parametrize("form", ["messages", "sharegpt", "alpaca", "parquet"])
def test_rows_are_exported_with_a_card(built, tmp_path, form):
    said = json.loads(run("data", "export", built, "-o", tmp_path, "--as", form, "--json").stdout)
    assert any(path.endswith("card.md") for path in said["written"])
    assert run("data", "export", built, "-o", tmp_path, "--as", "xml").exit_code == 2
    shutil.rmtree(tmp_path)
