"""`demeanor eval`, through the command line, with our own table and OV-MER's."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from demeanor.serve.cli import app
from demeanor.serve.scoring import TASK_NAMES

ROWS = [
    {"id": "a", "gt": ["angry"], "pred": ["furious", "tense"]},
    {"id": "b", "gt": ["happy"], "pred": ["florbish"]},
    {"id": "c", "gt": ["serious"], "pred": ["calm"]},
    {"id": "d", "gt": ["worried"], "pred": None},
    {"id": "e", "gt": ["sad"], "pred": ["unhappy"]},
    {"id": "f", "gt": ["surprised"], "pred": ["astonished"]},
    {"id": "g", "gt": ["proud"], "pred": ["proud", "happy"]},
]


def run(*args):
    done = CliRunner().invoke(app, ["eval", *map(str, args)])
    return done.exit_code, done.stdout, done.output


@pytest.fixture
def predictions(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_the_text_has_score_interval_skipped_unknown_constant_and_signature(predictions):
    code, text, _ = run("ovmerd", "--predictions", predictions)
    assert code == 0
    for part in (
        "EW-F L1",
        "95% interval",
        "5 of 7 samples scored",
        "skipped: 1 (no prediction)",
        "skipped: 1 (gold has no label that a wheel holds)",
        "unknown labels, gold: 1 of 7 (14.3%): serious 1",
        "florbish 1",
        "constant answer: ",
        "signature: task:ovmerd|metric:ew-f|level:1|tables:d1.",
    ):
        assert part in text


def test_the_same_command_twice_gives_the_same_bytes(predictions):
    for options in ((), ("--json",), ("--level", "2", "--words", "d1")):
        command = ("ovmerd", "--predictions", predictions, *options)
        assert run(*command)[1] == run(*command)[1]


def test_another_process_prints_the_same_bytes(predictions):
    """Sets are walked in another order in each process: no output may follow it."""
    command = ("ovmerd", "--predictions", str(predictions))
    code = "from demeanor.serve.cli import main; main()"
    other = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, "eval", *command],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
    )
    assert other.stdout.decode() == run(*command)[1]


def test_json_holds_every_sample(predictions):
    code, text, _ = run("ovmerd", "--predictions", predictions, "--json")
    data = json.loads(text)
    assert code == 0
    assert [row["id"] for row in data["samples"]] == list("abcdefg")
    assert data["samples"][3]["reason"] == "no prediction"
    assert data["signature_line"].startswith("task:ovmerd|")


def test_nothing_scored_is_a_failure(tmp_path):
    (tmp_path / "p.csv").write_text("id,gt,pred\na,serious,happy\n")
    code, text, _ = run("ovmerd", "--predictions", tmp_path / "p.csv")
    assert code == 1
    assert "0 of 1 samples scored" in text


def test_errors_end_the_command(tmp_path, predictions):
    code, _, text = run("ovmerd", "--predictions", tmp_path / "none.jsonl")
    assert (code, "no such file" in text) == (2, True)
    code, _, text = run("ovmerd", "--predictions", predictions, "--tables", tmp_path)
    assert (code, "wanted the word tables v2026" in text) == (2, True)


def test_tables_of_two_versions_are_not_compared_without_force(shared, predictions, tmp_path):
    pytest.importorskip("openpyxl")
    raw = shared / "knowledge" / "ov_mer" / "raw"
    for words in ("v2025", "v2026"):
        options = ("--tables", raw, "--words", words, "--json")
        (tmp_path / f"{words}.json").write_text(
            run("ovmerd", "--predictions", predictions, *options)[1]
        )
    files = tmp_path / "v2025.json", tmp_path / "v2026.json"
    code, _, text = run("compare", *files)
    assert (code, "tables: v2025 and v2026" in text) == (2, True)
    code, text, _ = run("compare", *files, "--force")
    assert code == 0
    assert "forced: tables: v2025 and v2026" in text


def test_compare_as_text_and_json(predictions, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(run("ovmerd", "--predictions", predictions, "--json")[1])
    code, text, _ = run("compare", path, path)
    assert (code, "Over 5 samples that both scored" in text) == (0, True)
    code, text, _ = run("compare", path, path, "--json")
    assert json.loads(text)["differences"][0]["difference"] == 0.0


def test_predictions_without_gold_are_counted(predictions, tmp_path):
    (tmp_path / "g.jsonl").write_text('{"id": "a", "gt": ["angry"]}\n')
    _, text, _ = run("ovmerd", "--predictions", predictions, "--gold", tmp_path / "g.jsonl")
    assert "6 predictions have no gold label and are passed over." in text


def test_the_tasks_are_listed_one_a_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, text, _ = run("tasks")
    lines = text.splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 80
    rows = {line.split()[0]: line for line in lines}
    assert set(TASK_NAMES) < rows.keys()
    assert rows["rafdb-compound"].split()[1] == "accuracy.rafdb_compound11"
    monkeypatch.setenv("COLUMNS", "200")
    assert "a folder of their .xlsx" in run("tasks")[1]


def test_all_of_one_task():
    code, text, _ = run("tasks", "rafdb")
    assert (code, "its folder (EmoLabel, Image)" in text) == (0, True)
    assert "demeanor eval rafdb --data CORPUS --media FOLDER --chat …" in text
    assert json.loads(run("tasks", "casme2", "--json")[1])[0]["ask"] == "–"
    code, _, output = run("tasks", "mosi")
    assert (code, "there is no task 'mosi'" in output) == (2, True)


def test_gold_from_the_corpus_itself(tmp_path):
    (tmp_path / "list_patition_label.txt").write_text("test_0001.jpg 4\ntrain_00001.jpg 5\n")
    (tmp_path / "p.csv").write_text("id,pred\ntest_0001.jpg,Happy\n")
    gold = ("--gold", tmp_path / "list_patition_label.txt")
    code, text, _ = run("rafdb", "--predictions", tmp_path / "p.csv", *gold)
    assert code == 0
    assert "1 of 1 samples scored" in text
    assert "metric:accuracy.rafdb7" in text and "prep:first label+lower+strip+forms-1" in text
    gold[1].write_text("test_0001.jpg 9\n")
    code, _, text = run("rafdb", "--predictions", tmp_path / "p.csv", *gold)
    assert code == 2
    assert "list_patition_label.txt: row 1: wanted label, one of 1, 2" in text


def test_eight_reports_are_no_unibench(predictions, tmp_path):
    path = tmp_path / "r.json"
    path.write_text(run("ovmerdplus", "--predictions", predictions, "--json")[1])
    code, _, text = run("unibench", path)
    assert code == 2
    assert "missing: mer2023, mer2024, meld" in text


def test_pulling_tables_offline_fails_and_shows_the_terms(monkeypatch, tmp_path):
    monkeypatch.setenv("DEMEANOR_OFFLINE", "1")
    monkeypatch.setattr("demeanor.eval.fetch.user_cache_path", lambda name: tmp_path)
    code, _, text = run("tables", "pull")
    assert code == 1
    assert "non-commercial" in text
    assert "By hand: https://raw.githubusercontent.com/" in text
