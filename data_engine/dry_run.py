"""`demeanor finetune --dry-run`: what a tuning would be, from rows and a configuration alone.

No weight is read. The memory is an estimate of ours from the shapes: weights, LoRA, gradients and
optimizer are counted; activations are a rough guess, not yet held against a GPU.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from demeanor.data_engine.bases import Shape, shape_of
from demeanor.data_engine.finetune import Prepared, encoded, notes_on, work_for
from demeanor.data_engine.masks import Encoded, shown
from demeanor.data_engine.trainers import Work
from demeanor.data_engine.tuning import NF4, Kind, StageConfig, TuneConfig
from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.template import prompt_text

_NF4_BYTES = 0.5 + 0.127 / 8  # QLoRA with double quantisation: 4 bits, and 0.127 of constants
_OPTIMIZER_BYTES = {"8bit": 2, "adafactor": 1}  # a parameter; Adam in 32 bits: 8
_LAYER_HIDDEN, _LAYER_INNER = 16, 4  # values a token that one layer keeps for its gradient; ours
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class StagePlan:
    name: str
    kind: str
    rows: int  # seen in an epoch
    validation: int
    too_long: int  # rows left out
    tokens: int | None  # an epoch; None: the stage writes its own
    learnt: int | None  # of those, in the loss
    longest: int | None
    steps: int  # on one device
    memory_gib: dict[str, float]  # by part, with "all"


@dataclass(frozen=True, slots=True)
class Plan:
    name: str
    folder: str
    base: str
    parameters: int
    parameters_learnt: int
    notes: tuple[str, ...]
    stages: tuple[StagePlan, ...]
    example: str  # one row as it is learnt

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        share = self.parameters_learnt / self.parameters
        yield f"{self.name}: {self.base}"
        yield f"parameters: {self.parameters:,}; learnt: {self.parameters_learnt:,} ({share:.2%})"
        yield from self.notes
        for stage in self.stages:
            yield ""
            yield from _stage_lines(stage)
        yield ""
        yield "One row; what is learnt stands in ⟦ ⟧:"
        yield self.example
        yield ""
        yield f"It would be in {self.folder}"


def _stage_lines(stage: StagePlan) -> Iterator[str]:
    yield (
        f"stage {stage.name} ({stage.kind}): {stage.rows} rows an epoch, {stage.validation} to "
        f"validate on, {stage.too_long} too long and left out; {stage.steps} steps on one device"
    )
    if stage.tokens is not None:
        yield (
            f"  {stage.tokens:,} tokens an epoch, {stage.learnt:,} of them learnt; "
            f"the longest row has {stage.longest}"
        )
    parts = ", ".join(f"{part} {gib:.2f}" for part, gib in stage.memory_gib.items())
    yield f"  memory in GiB, estimated: {parts}"


def plan(prepared: Prepared) -> Plan:
    """Raises DemeanorError for what `finetune` would refuse as well."""
    config = prepared.config
    shape = shape_of(prepared.base, config.lora)
    longest_allowed = shape.max_tokens or config.data.max_tokens
    if config.data.max_tokens > longest_allowed:
        raise DemeanorError(
            f"data.max_tokens is {config.data.max_tokens}; {prepared.base} reads {longest_allowed}"
        )
    works = [work_for(prepared, name, stage) for name, stage in config.running.items()]
    return Plan(
        name=config.name,
        folder=str(prepared.folder),
        base=prepared.base,
        parameters=shape.n_all,
        parameters_learnt=shape.n_lora,
        notes=(*notes_on(prepared), *_unended(prepared, works)),
        stages=tuple(_stage(prepared, work, shape) for work in works),
        example=_example(prepared, works),
    )


def _stage(prepared: Prepared, work: Work, shape: Shape) -> StagePlan:
    config, stage = prepared.config, work.stage
    seen = work.train or work.pairs or work.asked
    held = work.validation or work.pairs_validation or work.asked_validation
    lengths = _lengths(prepared, work)
    all_rows = prepared.mixture.repeated(stage, config.seed) if work.train else []
    _, too_long = encoded(prepared.tokenizer, all_rows, config.data.max_tokens)
    return StagePlan(
        name=work.name,
        kind=stage.kind.value,
        rows=len(seen),
        validation=len(held),
        too_long=len(too_long),
        tokens=sum(lengths) if work.train else None,
        learnt=sum(row.n_learnt for row in work.train) if work.train else None,
        longest=max(lengths) if work.train else None,
        steps=_steps(stage, len(seen), sum(lengths), config.data.max_tokens),
        memory_gib=memory_gib(shape, config, stage, _longest(stage, lengths, config)),
    )


def _lengths(prepared: Prepared, work: Work) -> list[int]:
    if work.train:
        return [len(row.ids) for row in work.train]
    messages = [p.messages for p in work.pairs] or [row.messages[:-1] for row in work.asked]
    texts = [prompt_text(prepared.tokenizer, asked) for asked in messages]
    return [len(prepared.tokenizer(t, add_special_tokens=False)["input_ids"]) for t in texts]


def _longest(stage: StageConfig, lengths: Sequence[int], config: TuneConfig) -> int:
    """Tokens of the longest sequence that the stage will hold at once."""
    if stage.packing:
        return config.data.max_tokens
    if stage.kind is Kind.GRPO:
        return max(lengths) + stage.reply_tokens
    return max(lengths) if stage.kind is Kind.SFT else config.data.max_tokens


def _steps(stage: StageConfig, n_rows: int, n_tokens: int, max_tokens: int) -> int:
    if stage.steps is not None:
        return stage.steps
    n = n_rows * (stage.group if stage.kind is Kind.GRPO else 1)
    if stage.packing:
        n = -(-n_tokens // max_tokens)
    return max(1, round(stage.epochs * -(-n // (stage.batch * stage.accumulate))))


def memory_gib(
    shape: Shape, config: TuneConfig, stage: StageConfig, longest: int
) -> dict[str, float]:
    """By part, of one device. longest: tokens of the longest sequence."""
    whole = 4 if config.weights.compute == "float32" else 2
    held = _NF4_BYTES if config.weights.quantize == NF4 else whole
    of_state = next((n for k, n in _OPTIMIZER_BYTES.items() if k in stage.optimizer), 8)
    at_once = stage.batch * (2 if stage.kind is Kind.DPO else 1)  # chosen and rejected
    tokens = at_once * longest
    layer = tokens * (_LAYER_HIDDEN * shape.hidden + _LAYER_INNER * shape.inner) * whole
    kept = tokens * shape.hidden * whole * shape.layers
    activations = kept + layer if stage.gradient_checkpointing else layer * shape.layers
    # TRL gives each answer's tokens to the output layer in tiles; one tile is a few hundred MB.
    output = min(tokens, 1024) * shape.vocabulary * 4 * 2
    lora = whole if config.weights.quantize == NF4 else 4
    parts = {
        "base": shape.n_linear * held + shape.n_other * whole,
        "LoRA and gradients": shape.n_lora * 2 * lora,
        "optimizer": float(shape.n_lora * of_state),
        "activations": float(activations),
        "output": float(output),
    }
    parts["all"] = sum(parts.values())
    return {name: round(size / _GIB, 3) for name, size in parts.items()}


# For people -----------------------------------------------------------------------------------


def _example(prepared: Prepared, works: Sequence[Work]) -> str:
    rows = [row for work in works for row in work.train[:1]]
    if rows:
        return shown(prepared.tokenizer, rows[-1])
    asked = [pair.messages for work in works for pair in work.pairs]
    asked += [row.messages[:-1] for work in works for row in work.asked]
    return prompt_text(prepared.tokenizer, asked[0])


def _unended(prepared: Prepared, works: Sequence[Work]) -> tuple[str, ...]:
    """A model that never learns an end mark writes on until it is cut."""
    rows: list[Encoded] = [work.train[0] for work in works if work.train]
    marks = {prepared.tokenizer.eos_token_id, *prepared.tokenizer.added_tokens_decoder}
    ends = [[label for label in row.labels if label >= 0][-1] for row in rows]
    if all(end in marks for end in ends):
        return ()
    return ("answers do not end with a mark that is learnt: the model will not know where to stop",)
