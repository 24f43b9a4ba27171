from pathlib import Path

import pytest

from demeanor.data_engine.config import BuildConfig, load_config, shipped_configs
from demeanor.data_engine.mixture import is_mixture
from demeanor.explain.errors import SettingsError


@pytest.mark.parametrize("name", [n for n in shipped_configs() if not is_mixture(n)])
def test_every_shipped_build_is_read(name):
    config = load_config(name, ["source.path=somewhere"])
    assert isinstance(config, BuildConfig)
    assert config.source.path == Path("somewhere")


def test_the_command_line_goes_over_the_file_and_paths_of_a_file_start_in_its_folder(tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("seed: 3\nsource: {corpus: folder, path: data, labels: ekman6}\n")
    config = load_config(file, ["seed=4", "teacher.attempts=2", "source.splits=[a, b]"])
    assert (config.seed, config.teacher.attempts) == (4, 2)
    assert config.source.path == tmp_path / "data"
    assert config.source.splits == ("a", "b")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("sead=1", r"unknown keys \['sead'\]"),
        ("source.pth=x", r"source: unknown keys \['pth'\]"),
        ("seed=one", "seed: wanted int, found 'one'"),
        ("seed=true", "seed: wanted int, found True"),
        ("checks.max_words=", "checks.max_words: wanted a value, found none"),
        ("teacher.attempts=[1]", "teacher.attempts: wanted int"),
        ("seed", r"wanted section\.key=value"),
        ("source=1", "source: wanted key: value"),
        ("seed.deep=1", "seed is no section"),
        ("source.path={", "not readable as YAML"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(tmp_path, change, said):
    file = tmp_path / "my.yaml"
    file.write_text("seed: 3\nsource: {corpus: folder, path: data}\n")
    with pytest.raises(SettingsError, match=said):
        load_config(file, [change])


@pytest.mark.parametrize("text", ["- a\n", "a: {", "seed: 1\n"])
def test_a_file_that_is_no_build_is_refused(tmp_path, text):
    file = tmp_path / "my.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError):
        load_config(file)


def test_an_unknown_build_names_those_there_are():
    with pytest.raises(SettingsError, match="press-faces"):
        load_config("prss-faces")
