"""The three kinds of stage, run by TRL. trl and datasets live here.

Rows come in as tokens with their mask (`masks.py`), so that TRL tokenizes and masks nothing of
its own. A checkpoint is kept at every evaluation; the same call goes on from the last one.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demeanor.data_engine.masks import Encoded, pieces
from demeanor.data_engine.pairs import Pair
from demeanor.data_engine.records import ExpCoTExample, from_line, to_line
from demeanor.data_engine.rewards import FORM, GROUNDED, LABEL, Reward, rewards
from demeanor.data_engine.tuning import Kind, StageConfig, TuneConfig
from demeanor.explain.reasoning.chat import Message
from demeanor.explain.reasoning.template import prompt_text

LOG = "log.jsonl"
_WEIGHTS = [LABEL, GROUNDED, FORM]
Tell = Callable[[str, int, int], None]  # stage, step, of how many


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """One stage's rows, ready to be learnt from. `pairs` and `asked` are for their kinds alone."""

    name: str
    stage: StageConfig
    train: Sequence[Encoded] = ()
    validation: Sequence[Encoded] = ()
    pairs: Sequence[Pair] = ()
    pairs_validation: Sequence[Pair] = ()
    asked: Sequence[ExpCoTExample] = ()
    asked_validation: Sequence[ExpCoTExample] = ()


@dataclass(frozen=True, slots=True)
class Learnt:
    steps: int
    seconds: float
    first_loss: float | None  # of the first logged step; None: nothing was logged
    last_loss: float | None
    best_validation_loss: float | None
    stopped_early: bool
    resumed: bool


def run_stage(
    work: Work, config: TuneConfig, tokenizer: Any, model: Any, folder: Path, tell: Tell
) -> Learnt:
    """Trains `model` in place; what it learnt is in its `default` adapter."""
    from transformers import PrinterCallback, set_seed
    from transformers.trainer_utils import get_last_checkpoint

    set_seed(config.seed)
    maker = {Kind.SFT: _sft, Kind.DPO: _dpo, Kind.GRPO: _grpo}[work.stage.kind]
    trainer = maker(work, config, tokenizer, model, folder)
    trainer.remove_callback(PrinterCallback)  # it writes to where --json is written
    trainer.add_callback(_callback(work, folder, tell))
    folder.mkdir(parents=True, exist_ok=True)
    last = get_last_checkpoint(str(folder))
    started_s = time.monotonic()
    trainer.train(resume_from_checkpoint=last)
    return _learnt(trainer, work.stage, time.monotonic() - started_s, last is not None)


def _learnt(trainer: Any, stage: StageConfig, seconds: float, resumed: bool) -> Learnt:
    state = trainer.state
    losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
    validation = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
    return Learnt(
        steps=state.global_step,
        seconds=round(seconds, 2),
        first_loss=losses[0] if losses else None,
        last_loss=losses[-1] if losses else None,
        best_validation_loss=min(validation) if validation else None,
        stopped_early=state.global_step < state.max_steps,
        resumed=resumed,
    )


# Settings -------------------------------------------------------------------------------------


def _common(work: Work, config: TuneConfig, folder: Path) -> dict[str, Any]:
    import torch

    stage, on_gpu = work.stage, torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "seed": config.seed,
        "data_seed": config.seed,
        "num_train_epochs": stage.epochs,
        "max_steps": stage.steps or -1,
        "learning_rate": stage.learning_rate,
        "warmup_steps": stage.warmup,  # a share of all steps where it is below 1
        "lr_scheduler_type": stage.schedule,
        "weight_decay": stage.weight_decay,
        "max_grad_norm": stage.clip,
        "per_device_train_batch_size": stage.batch,
        "per_device_eval_batch_size": stage.batch,
        "gradient_accumulation_steps": stage.accumulate,
        "optim": stage.optimizer,
        "gradient_checkpointing": stage.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": stage.evaluate_every,
        "save_total_limit": 2,
        "bf16": on_gpu and config.weights.compute == "bfloat16",
        "use_cpu": not on_gpu,
        "report_to": "none",
        "disable_tqdm": True,
        "ddp_find_unused_parameters": False,
        "dataloader_num_workers": 0,
    }


def _validated(stage: StageConfig) -> dict[str, Any]:
    """Validation at every checkpoint; with patience, the best of them is what remains."""
    return {
        "eval_strategy": "steps",
        "eval_steps": stage.evaluate_every,
        "load_best_model_at_end": stage.patience > 0,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
    }


def _stopper(stage: StageConfig) -> list[Any]:
    from transformers import EarlyStoppingCallback

    return [EarlyStoppingCallback(stage.patience)] if stage.patience > 0 else []


def _callback(work: Work, folder: Path, tell: Tell) -> Any:
    from transformers import TrainerCallback

    class Told(TrainerCallback):  # type: ignore[misc]
        """Every logged figure as a line of log.jsonl, and the step to who waits."""

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero and logs:
                line = {"step": state.global_step, **{k: _finite(v) for k, v in logs.items()}}
                with (folder / LOG).open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(line) + "\n")

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero:
                tell(work.name, state.global_step, state.max_steps)

    return Told()


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def quietly() -> Iterator[None]:
    """Without the bars and the notices of the libraries: our own tells how far it is."""
    import warnings
    from importlib.util import find_spec

    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if find_spec("datasets") is not None:
        from datasets import disable_progress_bars

        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def is_first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"


# Kinds ----------------------------------------------------------------------------------------


def _sft(work: Work, config: TuneConfig, tokenizer: Any, model: Any, folder: Path) -> Any:
    from trl import SFTConfig, SFTTrainer

    stage = work.stage
    return SFTTrainer(
        model=model,
        args=SFTConfig(
            **_common(work, config, folder),
            **_validated(stage),
            max_length=config.data.max_tokens,
            packing=stage.packing,
            eval_packing=False,
        ),
        train_dataset=_tokens(work.train),
        eval_dataset=_tokens(work.validation),
        processing_class=tokenizer,
        callbacks=_stopper(stage),
    )


def _tokens(rows: Sequence[Encoded]) -> Any:
    from datasets import Dataset

    return Dataset.from_dict(
        {"input_ids": [row.ids for row in rows], "labels": [row.labels for row in rows]}
    )


def _dpo(work: Work, config: TuneConfig, tokenizer: Any, model: Any, folder: Path) -> Any:
    from trl import DPOConfig, DPOTrainer

    stage = work.stage
    return DPOTrainer(
        model=model,
        args=DPOConfig(
            **_common(work, config, folder),
            **_validated(stage),
            max_length=config.data.max_tokens,
            beta=stage.beta,
        ),
        train_dataset=_preferences(tokenizer, work.pairs),
        eval_dataset=_preferences(tokenizer, work.pairs_validation),
        processing_class=tokenizer,
        callbacks=_stopper(stage),
    )


def _preferences(tokenizer: Any, pairs: Sequence[Pair]) -> Any:
    """As text that our template made; TRL makes tokens of it and ends the answers."""
    from datasets import Dataset

    return Dataset.from_list(
        [
            {
                "prompt": asked_text(tokenizer, pair.messages),
                "chosen": _answer(tokenizer, pair, pair.chosen),
                "rejected": _answer(tokenizer, pair, pair.rejected),
            }
            for pair in pairs
        ]
    )


def _answer(tokenizer: Any, pair: Pair, answer: str) -> str:
    """The answer with what ends a turn."""
    found = pieces(tokenizer, (*pair.messages, Message("assistant", answer)))
    return next(text for text, learnt in reversed(found) if learnt)


def asked_text(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The prompt without the mark that the tokenizer sets before any text: TRL lets it set one."""
    text = prompt_text(tokenizer, messages)
    begin = tokenizer.bos_token
    sets_it = bool(begin) and tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id
    return text.removeprefix(begin) if sets_it else text


def _grpo(work: Work, config: TuneConfig, tokenizer: Any, model: Any, folder: Path) -> Any:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    stage = work.stage
    rows = [
        {"prompt": asked_text(tokenizer, row.messages[:-1]), "row": to_line(row)}
        for row in work.asked
    ]
    return GRPOTrainer(
        model=model,
        reward_funcs=[_scored("label"), _scored("grounded"), _scored("form")],
        args=GRPOConfig(
            **_common(work, config, folder),
            num_generations=stage.group,
            max_completion_length=stage.reply_tokens,
            temperature=stage.temperature,
            beta=stage.beta,
            reward_weights=_WEIGHTS,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )


def _scored(part: str) -> Callable[..., list[float]]:
    """TRL adds the parts by their weights, and logs each by its function's name."""

    def score(completions: Sequence[str], row: Sequence[str], **_: Any) -> list[float]:
        found: list[Reward] = rewards([from_line(line) for line in row], completions)
        return [float(getattr(one, part)) for one in found]

    score.__name__ = part
    return score
