"""Our own pass through a LLaMA, held against that of transformers."""

import json

import pytest

from demeanor.explain.errors import ModelFileError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from demeanor.explain.reasoning.llama import Reading, SmallLlama  # noqa: E402
from demeanor.explain.reasoning.mini import Following  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=97,
        hidden_size=48,
        intermediate_size=80,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        tie_word_embeddings=True,
        rope_theta=5000.0,
        bos_token_id=None,
        eos_token_id=1,
    )
    model = transformers.LlamaForCausalLM(config)
    for name, weight in model.named_parameters():  # norms of one would hide a forgotten one
        if "norm" in name:
            torch.nn.init.uniform_(weight, 0.5, 1.5)
    found = tmp_path_factory.mktemp("llama")
    model.save_pretrained(found)
    return found


@pytest.fixture(scope="module")
def theirs(folder):
    return transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def test_every_logit_is_that_of_transformers(folder, theirs):
    ids = torch.randint(0, 97, (40,), generator=torch.Generator().manual_seed(1)).tolist()
    with torch.inference_mode():
        wanted = theirs(torch.tensor([ids])).logits[0]
    assert torch.allclose(Reading(SmallLlama(folder)).read(ids), wanted, atol=1e-4)


def test_in_pieces_and_after_a_cut_it_is_the_same(folder):
    model = SmallLlama(folder)
    ids = list(range(20, 50))
    whole = Reading(model).read(ids)
    pieces = Reading(model)
    pieces.read(ids[:7])
    pieces.read([90, 91, 92])
    pieces.cut(7)
    pieces.read(ids[7:20])
    for k in range(20, 30):
        (last,) = pieces.read([ids[k]])
        assert torch.allclose(last, whole[k], atol=1e-4)


def test_reading_ahead_tells_the_same_and_takes_fewer_passes(folder, monkeypatch):
    """What is taken repeats itself in part, goes on otherwise, and fills all positions."""
    asked = [*range(20, 40)]
    taken = [*range(22, 30), 70, *range(31, 36), 71, 72, 22, 23, 24, 25, *range(50, 74)]
    assert len(asked) + len(taken) == 64
    model = SmallLlama(folder)
    whole = Reading(model).read([*asked, *taken])
    reading, passes = Reading(model), []
    following = Following(reading, reading.read(asked)[-1], asked, 64)
    read = reading.read
    monkeypatch.setattr(reading, "read", lambda ids: passes.append(len(ids)) or read(ids))
    for n, token in enumerate(taken):
        assert torch.allclose(following.logits, whole[len(asked) + n - 1], atol=1e-4)
        if n == 6:
            assert following.settled()[0].n_read == len(asked) + n
        following.take(token)
    assert torch.allclose(following.logits, whole[-1], atol=1e-4)
    assert len(passes) < len(taken) - 8


def test_no_more_is_read_than_it_has_positions_for(folder):
    with pytest.raises(ValueError, match="reads 64"):
        Reading(SmallLlama(folder)).read([0] * 65)


def test_another_architecture_is_refused_and_not_run_wrongly(folder, tmp_path):
    config = json.loads((folder / "config.json").read_text())
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_key_value_heads": 2}))
    with pytest.raises(ModelFileError, match="num_key_value_heads"):
        SmallLlama(tmp_path)


def test_a_folder_without_weights_says_what_to_do(tmp_path):
    with pytest.raises(ModelFileError, match="Install demeanor anew"):
        SmallLlama(tmp_path)
