"""The two silent traps, met on purpose: what is written the wrong way is caught."""

import json

import pytest

from demeanor.data_engine import merge as merging
from demeanor.data_engine.bases import load_base, load_tokenizer, with_lora
from demeanor.data_engine.merge import Disagrees, compare, export_base, greedy, merge
from demeanor.data_engine.tuning import WeightsConfig
from demeanor.explain.errors import ModelFileError, SettingsError
from demeanor.explain.reasoning.local import LocalChat

WHOLE = WeightsConfig(quantize="none", compute="float32")


def quiet(line):
    pass


@pytest.fixture(scope="module")
def before(tiny):
    prepared, tuned = tiny
    return merging._as_tuned(tuned.adapter, prepared.base, prepared.config.weights, quiet)


def test_merged_and_adapter_agree_on_16_of_16(tiny, tmp_path):
    _, tuned = tiny
    written = merge(tuned.adapter, tmp_path / "merged", say=quiet)
    assert (written.agreement.same, written.agreement.n) == (16, 16)
    names = {path.name for path in written.folder.iterdir()}
    assert "model.safetensors" in names and "adapter_config.json" not in names
    assert "quantization_config" not in json.loads((written.folder / "config.json").read_text())
    assert LocalChat(str(written.folder)).notes


def test_the_exported_base_agrees_on_16_of_16_and_was_never_asked_before(
    tiny, tmp_path, monkeypatch
):
    """Whether weights are packed anew depends on the processor; that it never comes to it, not."""
    _, tuned = tiny
    watched = Watched(merging.load_base)
    monkeypatch.setattr(merging, "load_base", watched)
    written = export_base(tuned.adapter, tmp_path / "base", say=quiet)
    assert (written.agreement.same, written.agreement.n) == (16, 16)
    assert watched.unpacked and watched.asked
    assert not set(watched.unpacked) & set(watched.asked)
    notes = LocalChat(str(written.folder), tuned.adapter).notes
    assert not any("trained on" in note or "tuned on" in note for note in notes)


class Watched:
    """Loads bases, and keeps which of them were asked and which were unpacked."""

    def __init__(self, loading):
        self.loading = loading
        self.models, self.asked, self.unpacked = [], [], []

    def __call__(self, base, weights):
        loaded = self.loading(base, weights)
        number = len(self.models)
        self.models.append(loaded.model)
        generate, dequantize = loaded.model.generate, loaded.model.dequantize
        loaded.model.generate = lambda **k: (self.asked.append(number), generate(**k))[1]
        loaded.model.dequantize = lambda: (self.unpacked.append(number), dequantize())[1]
        return loaded


def test_the_adapter_on_the_untouched_base_is_caught(tiny, before):
    """Trap two: it mends the rounding of weights that are not there."""
    prepared, tuned = tiny
    model = with_lora(load_base(prepared.base, WHOLE).model, tuned.adapter).eval()
    found = compare(before, greedy(model, load_tokenizer(prepared.base)))
    assert not found.holds
    assert found.drift > merging.MOST_DRIFT


def test_weights_that_were_packed_anew_are_caught_and_nothing_is_left(tiny, tmp_path, monkeypatch):
    """Trap one. Processors with AVX512-BF16 pack 4-bit weights anew when a model first answers;
    here it is done by hand, by turning each weight's bytes around before they are unpacked."""
    _, tuned = tiny
    unpacked = merging._unpacked

    def after_answering(base, weights):
        model = load_base(base, weights).model
        for module in model.modules():
            if hasattr(getattr(module, "weight", None), "quant_state"):
                module.weight.data = module.weight.data.flip(0)
        return model.dequantize()

    monkeypatch.setattr(merging, "_unpacked", after_answering)
    with pytest.raises(Disagrees, match="was not kept"):
        merge(tuned.adapter, tmp_path / "out" / "merged", say=quiet)
    assert list((tmp_path / "out").iterdir()) == []
    monkeypatch.setattr(merging, "_unpacked", unpacked)


def test_what_cannot_be_written_says_why(tiny, tmp_path):
    _, tuned = tiny
    with pytest.raises(SettingsError, match="exists"):
        merge(tuned.adapter, tmp_path, say=quiet)
    with pytest.raises(ModelFileError, match=r"no adapter_config\.json"):
        merge(tmp_path, tmp_path / "out", say=quiet)
