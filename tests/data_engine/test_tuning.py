from pathlib import Path

import pytest

from demeanor.data_engine.config import shipped_configs
from demeanor.data_engine.tuning import (
    Kind,
    Mixed,
    StageConfig,
    TuneConfig,
    View,
    load_tuning,
    shipped_tunings,
)
from demeanor.explain.errors import SettingsError

MINE = "base: owner/model\ndata: {rows: data}\nstages: {cot: {epochs: 2}}\n"


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize("name", shipped_tunings())
def test_every_shipped_tuning_is_read(name):
    config = load_tuning(name, ["data.rows=somewhere"])
    assert isinstance(config, TuneConfig)
    assert config.data.rows == (Mixed(Path("somewhere")),)
    assert list(config.running) == ["labels", "cot"]
    assert config.stages["labels"].view is View.LABELS


def test_builds_and_tunings_are_told_apart():
    assert set(shipped_tunings()) == {
        "llama-3.1-8b-qlora",
        "llama-3.2-1b-qlora",
        "multi-gpu",
        "qwen2.5-7b-qlora",
        "tiny-cpu",
    }
    assert not set(shipped_tunings()) & set(shipped_configs())


@pytest.mark.parametrize("name", ["llama-3.1-8b-qlora", "qwen2.5-7b-qlora"])
def test_the_optional_stages_are_there_to_be_switched_on(name):
    changes = ["data.rows=x", "data.pairs=y", "stages.preference.skip=false"]
    config = load_tuning(name, [*changes, "stages.reward.skip=false"])
    assert [stage.kind for stage in config.running.values()] == [
        Kind.SFT,
        Kind.SFT,
        Kind.DPO,
        Kind.GRPO,
    ]


def test_paths_start_in_the_file_s_folder_and_mixtures_have_weights(mine, tmp_path):
    assert load_tuning(mine).data.rows == (Mixed(tmp_path / "data"),)
    mixed = load_tuning(mine, ["data.rows=[{path: a, weight: 2}, b]"]).data.rows
    assert mixed == (Mixed(Path("a"), 2.0), Mixed(Path("b")))


def test_a_number_with_an_exponent_is_a_number(mine):
    assert load_tuning(mine, ["stages.cot.learning_rate=2e-5"]).stages["cot"] == StageConfig(
        epochs=2.0, learning_rate=2e-5
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("sead=1", r"unknown keys \['sead'\]"),
        ("lora.rnk=1", r"lora: unknown keys \['rnk'\]"),
        ("stages.cot.epoch=1", r"stages\.cot: unknown keys \['epoch'\]"),
        ("stages.cot.kind=rl", r"stages\.cot\.kind: wanted Kind, found 'rl'"),
        ("stages.cot.tasks=[dance]", r"stages\.cot\.tasks"),
        ("stages.cot.skip=true", "found none to run"),
        ("stages.cot.batch=0", "start at 1"),
        ("stages=[]", "stages: wanted name: settings"),
        ("make={}", "wanted a base or make, one of them"),
        ("base=null", "wanted a base or make, one of them"),
        ("data.rows=", r"wanted data\.rows"),
        ("data.rows=[{weight: 1}]", "wanted a path, or path and weight"),
        ("data.validation=1.0", "above 0 and below 1"),
        ("weights.quantize=int8", "wanted nf4 or none, found 'int8'"),
        ("stages.cot={kind: dpo}", r"wanted data\.pairs"),
        ("stages.cot={kind: grpo, group: 1}", "wanted a group of 2"),
        ("stages.cot={kind: grpo, packing: true}", "packing goes with kind sft"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(mine, change, said):
    with pytest.raises(SettingsError, match=said):
        load_tuning(mine, [change])


def test_an_unknown_tuning_names_those_there_are():
    with pytest.raises(SettingsError, match="tiny-cpu"):
        load_tuning("tiny-gpu")
