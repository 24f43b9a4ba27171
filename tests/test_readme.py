"""Every command of the README runs, every link in it leads somewhere."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demeanor.explain import store
from demeanor.explain.demo import demo_clip
from demeanor.serve.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
OPENFACE = "frame, timestamp, confidence, success, AU12_r\n" + "".join(
    f"{i}, {i / 25}, 0.98, 1, {2.5 if 30 < i < 60 else 0.1}\n" for i in range(100)
)


def commands() -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("demeanor ")]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds every file the README's commands name."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "clip.mp4").write_bytes(demo_clip().read_bytes())
    (folder / "clip.srt").write_bytes(demo_clip().with_suffix(".srt").read_bytes())
    (folder / "interviews").mkdir()
    (folder / "interviews" / "one.mp4").write_bytes(demo_clip().read_bytes())
    (folder / "openface.csv").write_text(OPENFACE)
    (folder / "codes.csv").write_text("start_s,end_s,code\n6.0,7.0,6C+12D\n")
    (folder / "mine.jsonl").write_text('{"id": "a", "gt": ["happy", "calm"], "pred": ["joyful"]}\n')
    (folder / "labels.csv").write_text('path,label\nclip.mp4,"surprised, happy"\n')
    (folder / "labelled.csv").write_text("path,label\nclip.mp4,happiness\n")
    source = "{corpus: folder, path: labelled.csv, labels: rafdb7}"
    (folder / "my.yaml").write_text(f"name: mine\nsource: {source}\n")
    from demeanor.explain.pipeline import explain

    store.save_result(explain(demo_clip()), folder / "out/clip-1a2b/result.json")
    return folder


def test_the_readme_opens_with_its_two_commands() -> None:
    head = README.split("```")[1].split()
    assert head[:2] == ["make", "demo"]
    assert "make test" in README.split("```")[1]


@pytest.mark.parametrize("command", commands())
def test_every_command_runs(command: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    done = CliRunner().invoke(app, shlex.split(command)[1:])
    allowed = (
        {0, 1} if "models pull" in command else {0}
    )  # the official address may be out of reach
    assert done.exit_code in allowed, done.output


def test_the_python_lines_run(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    monkeypatch.chdir(workplace)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  our own README
    assert len(names["tracks"]) > 300  # type: ignore[arg-type]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    from demeanor.explain import __version__

    assert project["version"] == __version__
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()


def test_the_published_schema_is_the_one_in_force() -> None:
    published = json.loads((ROOT / "docs/result.schema.json").read_text())
    assert published == store.json_schema(), "run: demeanor schema > docs/result.schema.json"
