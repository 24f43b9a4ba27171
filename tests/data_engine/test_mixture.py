"""A mixture is the same bytes however it is made, and goes on where it was stopped."""

import json

import pytest
from typer.testing import CliRunner

from demeanor.data_engine import mixture
from demeanor.data_engine.config import shipped_configs
from demeanor.data_engine.mixture import (
    PARTS,
    ROWS,
    Mixture,
    chunks,
    clip_rows,
    clip_split,
    is_mixture,
    load_mixture,
    make_chunk,
    mix,
)
from demeanor.data_engine.records import from_line, to_line
from demeanor.data_engine.split import assign, groups_of, leaks_between, plain_rows
from demeanor.explain.errors import SettingsError
from demeanor.serve.cli import app

SMALL = ["mixture.rows=60", "mixture.chunk=15", "mixture.processes=1"]


@pytest.fixture(scope="module")
def small():
    return load_mixture("simulate", SMALL)


@pytest.fixture(scope="module")
def made(small, tmp_path_factory):
    return mix(small, tmp_path_factory.mktemp("once"))


def test_shipped_mixtures_load():
    names = [name for name in shipped_configs() if is_mixture(name)]
    assert {"simulate", "mini-mixture"} <= set(names)
    assert load_mixture("simulate").mixture.rows == 200_000


def test_a_key_that_nobody_knows_is_an_error():
    with pytest.raises(SettingsError, match="unknown keys"):
        load_mixture("simulate", ["mixture.rws=3"])
    with pytest.raises(SettingsError, match=r"wanted words\.path"):
        load_mixture("simulate", ["words.rows=10"])


def test_rows_are_counted_and_nobody_is_in_two_splits(made, small):
    rows = list(plain_rows(made.folder / ROWS))
    assert made.manifest["counts"]["rows"] == len(rows) <= 60
    assert leaks_between(rows) == []
    again = assign(rows, small.split).groups
    assert all(again[groups_of(row)[0]] == row["split"] for row in rows)


def test_lines_are_canonical(made):
    for line in (made.folder / ROWS).read_text("utf-8").splitlines(keepends=True)[:20]:
        assert to_line(from_line(line)) == line


def test_a_chunk_is_the_same_whenever_it_is_made(small, tmp_path):
    one, two = chunks(small)[:2]
    make_chunk(small, two, tmp_path)
    make_chunk(small, one, tmp_path)
    assert (tmp_path / one.name).read_text() == "".join(
        to_line(row) for number in range(one.start, one.stop) for row in _kept(small, number)
    )


def _kept(config, number):
    """Rows as a chunk keeps them, but for the checks that some of them carry."""
    return [row for row in clip_rows(config, number) if mixture._wrong(row) is None]


def test_what_was_killed_goes_on_to_the_same_bytes(small, made, tmp_path, monkeypatch):
    """Killed after each of its chunks, and while it was joining them."""
    whole = (made.folder / ROWS).read_bytes()

    class Killed(Exception):
        pass

    real = mixture.make_chunk
    for n_done in range(4):
        left = [n_done]

        def one_less(config, chunk, folder, left=left):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(config, chunk, folder)

        out = tmp_path / str(n_done)
        monkeypatch.setattr(mixture, "make_chunk", one_less)
        with pytest.raises(Killed):
            mix(small, out)
        monkeypatch.setattr(mixture, "make_chunk", real)
        done = mix(small, out)
        assert done.n_resumed == n_done
        assert (done.folder / ROWS).read_bytes() == whole
        assert not (done.folder / PARTS).exists()


def test_two_processes_make_the_same_bytes(small, made, tmp_path):
    two = load_mixture("simulate", [*SMALL, "mixture.processes=2"])
    assert (mix(two, tmp_path).folder / ROWS).read_bytes() == (made.folder / ROWS).read_bytes()


def test_a_finished_mixture_is_not_made_again(small, made, monkeypatch):
    monkeypatch.setattr(mixture, "make_chunk", None)
    assert mix(small, made.folder.parent).manifest == made.manifest


def test_other_settings_are_another_folder(small):
    assert load_mixture("simulate", [*SMALL, "seed=1"]).key != small.key
    assert load_mixture("simulate", [*SMALL, "tasks.label=0"]).key != small.key
    assert load_mixture("simulate", [*SMALL, "mixture.processes=2"]).key == small.key


def test_rows_of_another_build_come_in_with_their_weight(small, made, tmp_path):
    config = load_mixture(
        "simulate",
        ["mixture.rows=6", "mixture.processes=1", f"mixture.parts=['{made.folder} x 3']"],
    )
    rows = list(plain_rows(mix(config, tmp_path).folder / ROWS))
    weights = [row["weight"] for row in rows]
    assert weights.count(3.0) == made.manifest["counts"]["rows"]
    assert weights.count(1.0) == len(rows) - weights.count(3.0)


def test_people_are_split_by_their_name(small):
    splits = {clip_split(small, number) for number in range(400)}
    assert splits == {"train", "validation", "test"}
    assert clip_split(small, 0) == clip_split(small, 3)


def test_shares_of_tasks_are_named_like_tasks():
    assert len(Mixture().tasks.by_task()) == 9


def test_the_command_line_makes_a_mixture_and_splits_it(tmp_path):
    run = CliRunner().invoke
    asked = ["build", "simulate", "mixture.rows=9", "mixture.processes=1", "-o", str(tmp_path)]
    planned = json.loads(run(app, [*asked, "--dry-run", "--json"]).stdout)
    assert planned["rows about drawn clips"] == 9
    result = run(app, [*asked, "--json"])
    assert result.exit_code == 0, result.output
    folder = json.loads(result.stdout)["folder"]
    split = run(app, ["data", "split", folder, "-o", str(tmp_path / "split"), "--json"])
    assert split.exit_code == 0, split.output
    assert json.loads(split.stdout)["leaks"] == []
    assert run(app, ["build", "simulate", "mixture.rws=9"]).exit_code == 2
