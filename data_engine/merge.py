"""`demeanor merge` and `demeanor export-base`: a tuned model for servers, and no silent garbage.

Two traps, both met in trials. A 4-bit model that has answered once may have had its weights packed
anew for the processor: merged after that, it is garbage. And an adapter mends the rounding of the
4-bit weights it was tuned on: on the untouched base it says something else. So what is written
comes from a base that was loaded anew and asked nothing, with its 4-bit weights unpacked; then it
is loaded again as a user would, and must answer as the model that was tuned.
"""

import gc
import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demeanor.data_engine.adapter_card import MANIFEST
from demeanor.data_engine.bases import (
    base_of,
    check_extras,
    load_base,
    load_tokenizer,
    readable,
    with_lora,
)
from demeanor.data_engine.drawn import drawn_prompts
from demeanor.data_engine.tuning import NF4, WHOLE, WeightsConfig
from demeanor.explain.errors import DemeanorError, SettingsError
from demeanor.explain.reasoning.template import prompt_text
from demeanor.explain.store import write_atomic

N_PROMPTS, N_TOKENS = 16, 32
TIE = 0.1  # logits: where two tokens are this close, rounding alone may choose the other
MOST_TIES = 4  # of 16: a model whose every answer hangs on rounding agrees with nothing
MOST_DRIFT = 0.05  # nats: a model that answers one thing to all questions is told apart by it
Say = Callable[[str], None]


class Disagrees(DemeanorError):
    """What was written answers otherwise than the tuned model did; it is not kept."""


@dataclass(frozen=True, slots=True)
class Said:
    """A greedy answer: its tokens, how sure the model was of each, and by how much it was ahead
    of the next best."""

    tokens: tuple[int, ...]
    leads: tuple[float, ...]  # logits
    log_probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    same: int
    ties: int  # part at a near tie: rounding
    different: int
    drift: float  # nats: mean change in how sure the model is of a token that both say

    @property
    def n(self) -> int:
        return self.same + self.ties + self.different

    @property
    def holds(self) -> bool:
        few_ties = self.ties <= MOST_TIES * self.n / N_PROMPTS
        return self.n > 0 and not self.different and few_ties and self.drift <= MOST_DRIFT

    def __str__(self) -> str:
        return (
            f"{self.same} of {self.n} greedy answers are the same, {self.ties} part at a near tie, "
            f"{self.different} differ; the tokens' log-probabilities drift by {self.drift:.4f}"
        )


@dataclass(frozen=True, slots=True)
class Written:
    folder: Path
    agreement: Agreement


def compare(before: Sequence[Said], after: Sequence[Said]) -> Agreement:
    pairs = list(zip(before, after, strict=True))
    verdicts = [_verdict(x, y) for x, y in pairs]
    drifts = [drift for x, y in pairs for drift in _drifts(x, y)]
    return Agreement(
        verdicts.count("same"),
        verdicts.count("tie"),
        verdicts.count("different"),
        sum(drifts) / len(drifts) if drifts else math.inf,
    )


def _verdict(before: Said, after: Said) -> str:
    if before.tokens == after.tokens:
        return "same"
    parts = min(_shared(before, after), len(before.tokens) - 1)
    return "tie" if before.leads[parts] < TIE else "different"


def _shared(before: Said, after: Said) -> int:
    """How many tokens both say before they part."""
    both = list(zip(before.tokens, after.tokens, strict=False))
    return next((k for k, (x, y) in enumerate(both) if x != y), len(both))


def _drifts(before: Said, after: Said) -> list[float]:
    n = _shared(before, after)
    both = zip(before.log_probabilities[:n], after.log_probabilities[:n], strict=True)
    return [abs(x - y) for x, y in both]


def greedy(model: Any, tokenizer: Any, n: int = N_PROMPTS) -> list[Said]:
    """Answers to drawn prompts: nobody's data, and the same on every machine."""
    return [_answer(model, tokenizer, prompt_text(tokenizer, m)) for m in drawn_prompts(n)]


def _answer(model: Any, tokenizer: Any, prompt: str) -> Said:
    import torch

    inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).to(model.device)
    with torch.inference_mode():
        output = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=N_TOKENS,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=tokenizer.pad_token_id
            if tokenizer.pad_token_id is not None
            else tokenizer.eos_token_id,
            return_dict_in_generate=True,
            output_scores=True,
        )
    steps = [scores[0].float().log_softmax(-1).topk(2).values.tolist() for scores in output.scores]
    tokens = output.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    leads = tuple(first - second for first, second in steps)
    return Said(tuple(tokens), leads, tuple(first for first, _ in steps))


# Writing --------------------------------------------------------------------------------------


def merge(adapter: Path, out: Path, base: str | None = None, say: Say = print) -> Written:
    """One model of base and adapter. Raises Disagrees, ModelFileError."""
    source = _source(adapter, out, base)
    weights = weights_of(adapter)
    before = _as_tuned(adapter, source, weights, say)

    def write(part: Path) -> None:
        say("merging, on a base loaded anew")
        model = with_lora(_unpacked(source, weights), adapter)
        _save(model.merge_and_unload(safe_merge=True), source, part)
        _note(part, {"merged_from": {"base": source, "adapter": adapter.name}})

    return _checked(out, write, lambda part: _answers(part, None), before, say)


def export_base(adapter: Path, out: Path, base: str | None = None, say: Say = print) -> Written:
    """The base as the adapter knows it, in whole weights. Raises Disagrees, ModelFileError."""
    source = _source(adapter, out, base)
    weights = weights_of(adapter)
    if weights.quantize != NF4:
        raise SettingsError(
            f"{adapter} was tuned on whole weights: wanted one tuned on 4-bit weights. Serve it "
            f"on {source} itself"
        )
    before = _as_tuned(adapter, source, weights, say)

    def write(part: Path) -> None:
        say("unpacking the 4-bit weights of a base loaded anew")
        _save(_unpacked(source, weights), source, part)
        _note(part, {"exported_from": source, "quantize": weights.quantize})

    return _checked(out, write, lambda part: _answers(part, adapter), before, say)


def _source(adapter: Path, out: Path, base: str | None) -> str:
    """The base. What can be refused is refused before a model is loaded."""
    check_extras()
    found = base_of(adapter)
    if out.exists():
        raise SettingsError(f"{out} exists. Name a folder that does not, or remove it")
    return base or found


def weights_of(adapter: Path) -> WeightsConfig:
    """What it was tuned on. An adapter of other programs tells nothing: whole weights then."""
    file = adapter / MANIFEST
    found = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return WeightsConfig(
        quantize=found.get("quantize") or WHOLE, compute=found.get("compute") or "bfloat16"
    )


def _as_tuned(adapter: Path, base: str, weights: WeightsConfig, say: Say) -> list[Said]:
    """This loads a model of its own, which is asked and thrown away: never the one written."""
    say(f"asking the tuned model {N_PROMPTS} questions")
    loaded = load_base(base, weights)
    said = greedy(with_lora(loaded.model, adapter).eval(), loaded.tokenizer)
    del loaded
    gc.collect()
    return said


def _unpacked(base: str, weights: WeightsConfig) -> Any:
    """The base in whole weights, by a model that has not been run."""
    model = load_base(base, weights).model
    return model.dequantize() if weights.quantize == NF4 else model


def _answers(folder: Path, adapter: Path | None) -> list[Said]:
    """Of what was written, as a user would load it."""
    compute = str(json.loads((folder / "config.json").read_text("utf-8")).get("dtype", "float32"))
    loaded = load_base(str(folder), WeightsConfig(quantize=WHOLE, compute=compute))
    model = loaded.model if adapter is None else with_lora(loaded.model, adapter)
    return greedy(model.eval(), loaded.tokenizer)


def _save(model: Any, base: str, part: Path) -> None:
    model.save_pretrained(part)
    load_tokenizer(base).save_pretrained(part)
    readable(part)


def _note(folder: Path, found: dict[str, Any]) -> None:
    write_atomic(folder / MANIFEST, json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def _checked(
    out: Path,
    write: Callable[[Path], None],
    answers: Callable[[Path], list[Said]],
    before: Sequence[Said],
    say: Say,
) -> Written:
    """Written beside its place, asked, and moved there only where it agrees."""
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(part)
        say("asking what was written the same questions")
        agreement = compare(before, answers(part))
        if not agreement.holds:
            raise Disagrees(f"{out} was not kept: {agreement}. Wanted the tuned model's answers")
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Written(out, agreement)
