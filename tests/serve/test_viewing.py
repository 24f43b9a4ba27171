"""`demeanor eval view` and `export`: what is run, what is written, what is refused."""

import subprocess

import pytest
from drawn_runs import broken_run
from typer.testing import CliRunner

from demeanor.serve import viewing
from demeanor.serve.cli import app


def run(*args):
    done = CliRunner().invoke(app, ["eval", *map(str, args)])
    return done.exit_code, done.stdout, done.output


def test_the_page_is_for_this_machine_alone():
    line = viewing.view_line(8600, browser=False)
    assert line[line.index("--server.address") + 1] == "127.0.0.1"
    assert line[line.index("--server.port") + 1] == "8600"
    assert line[line.index("--browser.gatherUsageStats") + 1] == "false"
    assert line[line.index("--server.headless") + 1] == "true"


def test_view_runs_our_page_over_the_folder(monkeypatch, tmp_path):
    pytest.importorskip("streamlit")
    ran = []

    def instead(line, env, check):
        ran.append((line, env))
        return subprocess.CompletedProcess(line, 3)

    monkeypatch.setattr(viewing.subprocess, "run", instead)
    code, _, _ = run("view", tmp_path, "--port", "8600")
    assert code == 3
    line, env = ran[0]
    assert env["DEMEANOR_RUNS"] == str(tmp_path)
    assert line[4].endswith("viewer.py")


def test_what_view_cannot_show_is_refused(monkeypatch, tmp_path):
    pytest.importorskip("streamlit")
    code, _, output = run("view", tmp_path / "none")
    assert (code, "wanted a folder of runs" in output) == (2, True)
    monkeypatch.setattr(viewing, "find_spec", lambda name: None)
    code, _, output = run("view", tmp_path)
    assert (code, "pip install 'demeanor[serve]'" in output) == (2, True)


def test_export_refuses_what_is_no_run(tmp_path):
    code, _, output = run("export", tmp_path)
    assert (code, "run.json: cannot be read" in output) == (2, True)
    code, _, output = run("export", broken_run(tmp_path) / "broken")
    assert (code, "is the run finished?" in output) == (2, True)


def test_a_run_of_the_command_line_is_exported(tmp_path):
    rows = '{"id": "a", "description": "She smiles.", "labels": ["happy"]}\n'
    (tmp_path / "rows.jsonl").write_text(rows)
    run("emer", "--data", tmp_path / "rows.jsonl", "-o", tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    code, text, _ = run("export", folder, "-o", tmp_path / "page.html")
    assert (code, text.strip()) == (0, str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "EMER: written clues" in page
    code, _, output = run("export", folder, "-o", tmp_path)
    assert (code, "cannot be written" in output) == (2, True)
