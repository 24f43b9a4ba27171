import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tuned_bases import TAGGED, few_rows, small_base
from typer.testing import CliRunner

from demeanor.data_engine.adapter_card import CARD, CONFIG, MANIFEST
from demeanor.data_engine.bases import digests, load_base, shape_of, with_lora, with_new_lora
from demeanor.data_engine.dry_run import plan
from demeanor.data_engine.finetune import prepare
from demeanor.data_engine.masks import TAGS
from demeanor.data_engine.records import to_line
from demeanor.data_engine.tuning import WeightsConfig, load_tuning
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.pipeline import load_chat, observed, reason
from demeanor.explain.reasoning.chain import prompt_sha256
from demeanor.explain.settings import load_settings
from demeanor.serve.cli import app

SHORT = [  # two steps of one stage on few rows, in whole weights
    "data.drawn=16",
    "weights.quantize=none",
    "stages.labels.skip=true",
    "stages.cot.view=labels",
    "stages.cot.batch=2",
    "stages.cot.steps=4",
    "stages.cot.evaluate_every=2",
    "final.rows=0",
]


# tiny-cpu, as shipped -------------------------------------------------------------------------


def test_the_loss_falls_in_both_stages(tiny):
    _, tuned = tiny
    assert list(tuned.learnt) == ["labels", "cot"]
    for learnt in tuned.learnt.values():
        assert learnt.last_loss < learnt.first_loss - 0.5
        assert learnt.best_validation_loss < learnt.first_loss
        assert not learnt.resumed


def test_lora_weights_change_from_stage_to_stage_and_base_weights_never(tiny):
    prepared, tuned = tiny
    fresh = load_base(prepared.base, prepared.config.weights).model
    fresh_lora, base = digests(with_new_lora(fresh, prepared.config.lora, 0))
    seen = [fresh_lora]
    for place in (prepared.folder / "stages/labels/adapter", tuned.adapter):
        model = with_lora(load_base(prepared.base, prepared.config.weights).model, place)
        lora, rest = digests(model)
        seen.append(lora)
        assert rest == base
    assert len(set(seen)) == 3


def test_the_base_s_files_are_those_that_were_made(tiny, tmp_path):
    """Training holds the base in memory: what is written of it is read only."""
    prepared, _ = tiny
    again = prepare(prepared.config, tmp_path)
    first, second = (Path(p.base, "model.safetensors") for p in (prepared, again))
    assert first.read_bytes() == second.read_bytes()


def test_the_adapter_s_folder_says_what_it_is(tiny):
    prepared, tuned = tiny
    names = {path.name for path in tuned.adapter.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json"} <= names
    assert {"chat_template.jinja", MANIFEST, CONFIG, CARD} <= names
    assert not any(name.endswith((".bin", ".pt", ".pth", ".pkl")) for name in names)
    found = json.loads((tuned.adapter / MANIFEST).read_text())
    assert found["prompt_sha256"] == prompt_sha256()
    assert found["rows_sha256"] == prepared.mixture.sha256
    assert (found["base"], found["quantize"]) == (prepared.base, "nf4")
    resolved = yaml.safe_load((tuned.adapter / CONFIG).read_text())
    assert resolved["stages"]["cot"]["learning_rate"] == 0.005
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in tuned.adapter.iterdir())


def test_the_card_is_filled_in(tiny):
    _, tuned = tiny
    card = (tuned.adapter / CARD).read_text()
    for said in ("**A trial.**", "drawn (Apache-2.0)", "## Limits", "| cot | 12 |", "None"):
        assert (said in card) is (said != "None"), said
    assert "replies that could be read" in card
    assert [figure.n for figure in tuned.figures if figure.name == "readable"] == [4]


def test_the_same_command_finds_that_all_is_done(tune, tiny):
    prepared, tuned = tiny
    steps = []
    _, again = tune("tiny-cpu", prepared.folder.parent, tell=lambda *step: steps.append(step))
    assert again.was_done and steps == []
    assert again.learnt == tuned.learnt and again.figures == tuned.figures


def test_the_product_takes_the_adapter_as_it_is(tiny, demo_measurement, tmp_path):
    prepared, tuned = tiny
    (tmp_path / "short.yaml").write_text(
        "timeline: {max_tokens: 300}\nreasoning: {max_reply_tokens: 24}"
    )
    settings = load_settings(tmp_path / "short.yaml")
    chat = load_chat(f"local:{prepared.base}", tuned.adapter, settings, "4bit")
    assert not any("trained on" in note or "tuned on" in note for note in chat.notes)
    found = reason(observed(demo_measurement), chat, label_set("rafdb7"), None, settings)
    assert found.explanations[0].provenance.adapter == "adapter"
    assert found.explanations[0].raw_reply
    whole = load_chat(f"local:{prepared.base}", tuned.adapter, settings)
    assert any("tuned on nf4 weights" in note for note in whole.notes)


def test_what_the_dry_run_tells_is_what_peft_counts(tiny):
    prepared, _ = tiny
    told = plan(prepared)
    model = load_base(prepared.base, WeightsConfig(quantize="none", compute="float32")).model
    lora = with_new_lora(model, prepared.config.lora, 0)
    learnt, everything = lora.get_nb_trainable_parameters()
    assert told.parameters_learnt == learnt
    assert (
        told.parameters
        == everything - learnt
        == shape_of(prepared.base, prepared.config.lora).n_all
    )
    assert [stage.steps for stage in told.stages] == [8, 12]
    assert '⟦{"observations"' in told.example and "<|end|>⟧" in told.example


# Stages ---------------------------------------------------------------------------------------


class Killed(Exception):
    pass


def test_a_run_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(tune, tmp_path):
    def kill(stage, step, of):
        if step == 3:
            raise Killed

    _, whole = tune("tiny-cpu", tmp_path / "whole", SHORT)
    with pytest.raises(Killed):
        tune("tiny-cpu", tmp_path / "broken", SHORT, kill)
    steps = []
    _, resumed = tune("tiny-cpu", tmp_path / "broken", SHORT, lambda *s: steps.append(s[1]))
    assert steps == [3, 4]
    assert resumed.learnt["cot"].resumed and not whole.learnt["cot"].resumed
    one, two = (t.adapter / "adapter_model.safetensors" for t in (whole, resumed))
    assert one.read_bytes() == two.read_bytes()
    assert resumed.learnt["cot"].last_loss == whole.learnt["cot"].last_loss


def test_packed_rows_do_not_see_one_another(tune, tmp_path):
    import torch

    from demeanor.data_engine import trainers
    from demeanor.data_engine.finetune import work_for

    prepared = prepare(load_tuning("tiny-cpu", [*SHORT, "stages.cot.packing=true"]), tmp_path)
    work = work_for(prepared, "cot", prepared.config.stages["cot"])
    model = with_new_lora(
        load_base(prepared.base, prepared.config.weights).model, prepared.config.lora, 0
    )
    trainer = trainers._sft(work, prepared.config, prepared.tokenizer, model, tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    starts = (batch["position_ids"][0] == 0).nonzero()[:, 0].tolist()
    assert len(starts) > 1
    plain = load_base(prepared.base, prepared.config.weights).model.eval()
    inputs = {k: batch[k] for k in ("input_ids", "position_ids")}
    with torch.inference_mode():
        packed = plain(**inputs, use_cache=False).logits[0, starts[1] : starts[1] + 50]
        alone = plain(input_ids=batch["input_ids"][:, starts[1] : starts[1] + 50]).logits[0]
    assert torch.allclose(packed, alone, atol=1e-4)


def test_pairs_and_rewards_go_on_from_the_stage_before(tune, tmp_path):
    rows = few_rows()
    pairs = [
        {
            "prompt": [{"role": m.role, "content": m.content} for m in row.messages[:-1]],
            "chosen": [{"role": "assistant", "content": row.answer[:300]}],
            "rejected": [{"role": "assistant", "content": row.answer[100:300]}],
            "group": row.group,
        }
        for row in rows[:6]
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(p) + "\n" for p in pairs))
    common = "batch: 2, accumulate: 1, steps: 1, warmup: 0, optimizer: adamw_torch"
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nmake: {vocabulary: 900}\nweights: {quantize: none, compute: float32}\n"
        "data: {drawn: 12, validation: 0.2, pairs: pairs.jsonl, max_tokens: 3000}\n"
        "final: {rows: 0}\nstages:\n"
        f"  cot: {{view: labels, {common}}}\n"
        f"  prefer: {{kind: dpo, evaluate_every: 1, {common}}}\n"
        f"  reward: {{kind: grpo, group: 2, reply_tokens: 8, {common}}}\n"
    )
    prepared, tuned = tune(tmp_path / "mine.yaml", tmp_path / "runs")
    assert tuned.learnt["prefer"].first_loss == pytest.approx(math.log(2), abs=1e-3)
    logged = (prepared.folder / "stages/reward/log.jsonl").read_text()
    scored = json.loads(logged.splitlines()[0])
    assert scored["rewards/label/mean"] == scored["rewards/grounded/mean"] == 0.0
    assert "rewards/form/mean" in scored and "kl" in scored
    weights = [
        (prepared.folder / f"stages/{name}/adapter/adapter_model.safetensors").read_bytes()
        for name in ("cot", "prefer")
    ]
    assert weights[0] != weights[1]
    config = json.loads((tuned.adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == prepared.base
    assert not (tuned.adapter / "ref").exists()


# A user's own base ----------------------------------------------------------------------------


def test_a_base_of_one_s_own_goes_from_rows_to_an_explanation(tmp_path, demo_measurement):
    """Another tokenizer, another template (no system role, generation tags), rows of a file;
    by the command line, then asked about the demo clip."""
    base = small_base(tmp_path / "own", seed=5, template=TAGGED, vocabulary=700, max_tokens=6000)
    rows = [
        replace(row, split="validation" if k < 3 else "train") for k, row in enumerate(few_rows())
    ]
    (tmp_path / "rows.jsonl").write_text("".join(map(to_line, rows)))
    (tmp_path / "own.yaml").write_text(
        "name: own\nbase: ./own\nweights: {quantize: none, compute: float32}\n"
        "lora: {rank: 4, targets: 'q_proj,v_proj'}\n"
        "data: {rows: rows.jsonl, max_tokens: 4000}\nfinal: {rows: 2, reply_tokens: 8}\n"
        "stages: {labels: {view: labels, steps: 3, batch: 2, accumulate: 1, learning_rate: 1e-2,"
        " optimizer: adamw_torch, evaluate_every: 3}}\n"
    )
    command = ["finetune", str(tmp_path / "own.yaml"), "--out", str(tmp_path / "runs"), "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert TAGS in found["notes"][0]
    assert found["base"] == str(base.resolve())
    stage = found["stages"]["labels"]
    assert stage["last_loss"] < stage["first_loss"]
    (tmp_path / "short.yaml").write_text(
        "timeline: {max_tokens: 300}\nreasoning: {max_reply_tokens: 400}"
    )
    settings = load_settings(tmp_path / "short.yaml")
    chat = load_chat(f"local:{base}", found["adapter"], settings, None, True)
    result = reason(observed(demo_measurement), chat, label_set("ekman6"), None, settings)
    explained = result.explanations[0]
    assert explained.provenance.adapter == "adapter"
    assert explained.raw_reply.startswith('{"observations": [')
    known = {o.obs_id for o in result.observations}
    assert {cite for claim in explained.evidence for cite in claim.cites} <= known
