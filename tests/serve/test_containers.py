"""The container files say what the project says: the same install lines, options that `demeanor
serve` has, ports that only this machine reaches. Images are not built here."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from typer.testing import CliRunner

from demeanor.serve import serving
from demeanor.serve.cli import app
from demeanor.serve.engine import Served, command_of

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "serve" / "containers"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
COMPOSE = yaml.safe_load((HERE / "compose.yaml").read_text("utf-8"))
BOTH = pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])


def instructions(name: str) -> list[tuple[str, str]]:
    """(name, rest) of each, with its continued lines joined."""
    text = re.sub(r"^#.*\n", "", (HERE / name).read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line.strip()]


def told(name: str, what: str) -> str:
    return [rest for kind, rest in instructions(name) if kind == what][-1]


def installed(name: str) -> list[str]:
    """What each pip line installs."""
    text = " ".join(rest for kind, rest in instructions(name) if kind == "RUN")
    return re.findall(r'/bin/pip install (?:--no-cache-dir )?"?([^" ]+)', text)


@BOTH
def test_its_python_is_one_that_the_project_takes(name) -> None:
    for kind, rest in instructions(name):
        if kind == "FROM":
            version = re.match(r"python:(\d+\.\d+)", rest)
            assert version, rest
            assert f"{version[1]}.9" in SpecifierSet(PROJECT["requires-python"])


def test_what_is_installed_is_what_the_readme_and_the_docs_install() -> None:
    (wanted,) = installed("Dockerfile")
    extras = re.fullmatch(r"\.\[(.+)\]", wanted)[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    assert "pip install 'demeanor[serve]'" in (ROOT / "README.md").read_text("utf-8")
    assert "serve" in extras
    assert installed("Dockerfile.cuda") == ["vllm"]
    assert "vllm/bin/pip install vllm " in (ROOT / "docs" / "serving.md").read_text("utf-8")


def test_all_that_is_installed_reaches_the_build_and_nothing_else() -> None:
    lines = (HERE / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert lines[1] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert let_in == {
        "pyproject.toml",
        PROJECT["readme"],
        *PROJECT["license-files"],
        *packages["package-dir"].values(),
    }


@BOTH
def test_nobody_is_root_and_health_is_asked_for(name) -> None:
    assert told(name, "USER") == "10001:10001"
    assert "http://127.0.0.1:8000/health" in told(name, "HEALTHCHECK")


@pytest.mark.parametrize("chat", [None, COMPOSE["services"]["demeanor"]["command"]])
def test_demeanor_serve_takes_its_options(monkeypatch, tmp_path, chat) -> None:
    plans, token = [], tmp_path / "token"
    token.write_text("a-token-that-is-long-enough\n")
    monkeypatch.setattr(serving, "run", lambda plan, as_json: plans.append(plan))
    line = json.loads(told("Dockerfile", "ENTRYPOINT"))
    assert line[0] == "/opt/demeanor/bin/demeanor"
    line = [str(token) if part == "/run/secrets/token" else part for part in line[1:]]
    done = CliRunner().invoke(app, [*line, *(chat or json.loads(told("Dockerfile", "CMD")))])
    assert done.exit_code == 0, done.output
    (plan,) = plans
    assert (plan.page, plan.token, plan.port) == (False, "a-token-that-is-long-enough", 8000)
    assert plan.chat == ("http://vllm:8000/v1#demeanor" if chat else "mini")
    assert plan.data == Path("/data/serve")


def test_vllm_is_run_as_demeanor_runs_it(tmp_path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 64}')
    ours = command_of(Served(Path("python"), Path("/models/base"), tmp_path, 8000))
    line = [*json.loads(told("Dockerfile.cuda", "ENTRYPOINT")),
            *json.loads(told("Dockerfile.cuda", "CMD"))]  # fmt: skip
    known = {"127.0.0.1": "0.0.0.0", f"demeanor={tmp_path}": "demeanor=/models/adapter"}  # noqa: S104
    assert line[1:] == [known.get(part, part) for part in ours[1:]]


def test_only_this_machine_reaches_it_and_vllm_reaches_nobody() -> None:
    ours, vllm = COMPOSE["services"]["demeanor"], COMPOSE["services"]["vllm"]
    assert ours["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in vllm
    assert vllm["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert ours["read_only"] is True
    assert ours["secrets"] == list(COMPOSE["secrets"]) == ["token"]
    for service in (ours, vllm):
        assert service["cap_drop"] == ["ALL"]
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert (HERE / service["build"]["context"]).resolve() == ROOT
