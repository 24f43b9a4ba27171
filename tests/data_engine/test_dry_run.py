import json

import pytest

pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

from demeanor.data_engine.bases import Shape, shape_of
from demeanor.data_engine.dry_run import memory_gib
from demeanor.data_engine.tuning import LoraConfig, StageConfig, TuneConfig, load_tuning
from demeanor.explain.errors import ModelFileError

LLAMA_8B = {  # shapes of Llama 3.1 8B (Llama team 2024, table 3)
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}


@pytest.fixture
def eight_billion(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_8B))
    return str(tmp_path)


def test_the_shape_of_eight_billion_parameters_is_read_without_a_weight(eight_billion):
    shape = shape_of(eight_billion, LoraConfig(rank=16))
    assert shape.n_all == 8_030_261_248
    # per layer: q, o 2 x 16 x 8192; k, v 2 x 16 x 5120; gate, up, down 3 x 16 x 18432
    assert shape.n_lora == 32 * 16 * (2 * 8192 + 2 * 5120 + 3 * 18432)


def test_targets_that_the_base_has_not_are_refused(eight_billion):
    with pytest.raises(ModelFileError, match="no linear layers named 'qkv'"):
        shape_of(eight_billion, LoraConfig(targets="qkv"))


def test_the_shipped_8b_tuning_fits_a_24_gb_card(eight_billion):
    config = load_tuning("llama-3.1-8b-qlora", ["data.rows=x"])
    shape = shape_of(eight_billion, config.lora)
    for stage in config.running.values():
        assert memory_gib(shape, config, stage, config.data.max_tokens)["all"] < 20


#  100 linear weights at 4 bits and 0.127 of constants, 10 others at 2 bytes, in GiB / 1e9:
def test_memory_by_part_worked_out_by_hand():
    shape = Shape(100 * 10**9, 10 * 10**9, 10**9, 2, 64, 128, 1000, None)
    config = TuneConfig(name="x", stages={})
    stage = StageConfig(batch=2, gradient_checkpointing=True, optimizer="paged_adamw_8bit")
    found = memory_gib(shape, config, stage, longest=100)
    gib = 1024**3
    assert found["base"] == pytest.approx((100e9 * 0.515875 + 20e9) / gib, abs=0.001)
    assert found["LoRA and gradients"] == pytest.approx(4e9 / gib, abs=0.001)
    assert found["optimizer"] == pytest.approx(2e9 / gib, abs=0.001)
    layer = 200 * (16 * 64 + 4 * 128) * 2
    assert found["activations"] == pytest.approx((200 * 64 * 2 * 2 + layer) / gib, abs=0.001)
    parts = [size for part, size in found.items() if part != "all"]
    assert found["all"] == pytest.approx(sum(parts), abs=0.003)
