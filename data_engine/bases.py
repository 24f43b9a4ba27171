"""The model that is tuned: loaded as it will be trained on, given LoRA weights, or made small.

peft lives here. 4-bit weights are those of bitsandbytes (NF4), reached through transformers.
Nothing in here runs a loaded model: on some processors that packs 4-bit weights anew, and what is
merged or exported after it is garbage (see `merge.py`).
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from demeanor.data_engine.tuning import NF4, LoraConfig, MadeBase, TuneConfig, WeightsConfig
from demeanor.explain.errors import MissingExtra, ModelFileError
from demeanor.explain.reasoning.local import not_packed

TEMPLATE = (  # of a made base: roles as marks of their own, and one that ends a turn
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_MARKS = ["<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


@dataclass(frozen=True, slots=True)
class Loaded:
    tokenizer: Any
    model: Any


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model's memory follows from, told by its configuration alone."""

    n_linear: int  # parameters that 4-bit weights can hold: linear layers but the output's
    n_other: int  # embeddings, output, norms
    n_lora: int
    layers: int
    hidden: int
    inner: int  # of the feed-forward layers
    vocabulary: int
    max_tokens: int | None

    @property
    def n_all(self) -> int:
        return self.n_linear + self.n_other


def check_extras(training: bool = False) -> None:
    """Raises MissingExtra."""
    wanted = ("transformers", "peft", "bitsandbytes", *(("trl", "datasets") if training else ()))
    for package in wanted:
        if find_spec(package) is None:
            extra = "train" if training else "transformers"
            raise MissingExtra("Tuning a language model", package, extra)


def offline_if_folder(base: str) -> bool:
    return Path(base).expanduser().is_dir()


def load_tokenizer(base: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base, local_files_only=offline_if_folder(base))
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(base, error) from error


def load_base(base: str, weights: WeightsConfig) -> Loaded:
    """Weights as asked for, on this process's GPU or on the CPU. Raises ModelFileError."""
    import torch
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {
        "dtype": getattr(torch, weights.compute),
        "attn_implementation": weights.attention,
        "device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))}
        if torch.cuda.is_available()
        else {"": "cpu"},
        "local_files_only": offline_if_folder(base),
    }
    if weights.quantize == NF4:
        options["quantization_config"] = _four_bit(weights)
    try:
        model = AutoModelForCausalLM.from_pretrained(base, **options)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(base, error) from error
    if weights.quantize == NF4 and weights.compute != "bfloat16":
        not_packed(model, every=True)  # it answers as it was tuned, not in bfloat16
    return Loaded(load_tokenizer(base), model)


def _four_bit(weights: WeightsConfig) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=weights.double_quant,
        bnb_4bit_compute_dtype=getattr(torch, weights.compute),
    )


def _unreadable(base: str, error: Exception) -> ModelFileError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    return ModelFileError(
        f"{base} could not be loaded: {said}. Wanted a folder as transformers saves it, or a hub "
        "name (check the network, and that its licence was accepted there)"
    )


# LoRA -----------------------------------------------------------------------------------------


def with_new_lora(model: Any, config: LoraConfig, seed: int) -> Any:
    """Half of LoRA's weights begin as random numbers: those of the seed."""
    import torch
    from peft import LoraConfig as PeftConfig
    from peft import get_peft_model

    made = PeftConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=_targets(config),
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return get_peft_model(model, made)


def with_lora(model: Any, adapter: Path, trainable: bool = False) -> Any:
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable)


def base_of(adapter: Path) -> str:
    """What the adapter was trained on. Raises ModelFileError for what is no adapter."""
    file = adapter / "adapter_config.json"
    if not file.is_file():
        raise ModelFileError(f"{adapter} holds no adapter_config.json; wanted an adapter's folder")
    base = json.loads(file.read_text("utf-8")).get("base_model_name_or_path")
    if not base:
        raise ModelFileError(
            f"{file} names no base_model_name_or_path; wanted one as PEFT writes it"
        )
    return str(base)


def _targets(config: LoraConfig) -> str | list[str]:
    if config.targets == "all-linear":
        return config.targets
    return [name.strip() for name in config.targets.split(",")]


def save_adapter(model: Any, tokenizer: Any, folder: Path) -> Path:
    """The `default` adapter alone, readable for others too (save_pretrained writes mode 0600)."""
    model.save_pretrained(folder, selected_adapters=["default"])
    tokenizer.save_pretrained(folder)
    readable(folder)
    return folder


def readable(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


# Fingerprints ---------------------------------------------------------------------------------


def digests(model: Any) -> tuple[str, str]:
    """Of the LoRA weights, and of all others: what training may and may not change."""
    lora, rest = hashlib.sha256(), hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest = lora if "lora_" in name else rest
        digest.update(name.encode() + _bytes(tensor))
    return lora.hexdigest(), rest.hexdigest()


def _bytes(tensor: Any) -> bytes:
    import torch

    whole = tensor.detach().cpu().contiguous().reshape(-1)
    return bytes(whole.view(torch.uint8).numpy().tobytes())


# Shape ----------------------------------------------------------------------------------------


def shape_of(base: str, lora: LoraConfig) -> Shape:
    """From the configuration; no weight is read. Raises ModelFileError."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(base, local_files_only=offline_if_folder(base))
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(base, error) from error
    output = model.get_output_embeddings()
    linear = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not output
    }
    n_linear = sum(module.weight.numel() for module in linear.values())
    told = config.get_text_config()
    return Shape(
        n_linear=n_linear,
        n_other=sum(p.numel() for p in model.parameters()) - n_linear,
        n_lora=_n_lora(linear, lora),
        layers=told.num_hidden_layers,
        hidden=told.hidden_size,
        inner=getattr(told, "intermediate_size", None) or 4 * told.hidden_size,
        vocabulary=told.vocab_size,
        max_tokens=getattr(told, "max_position_embeddings", None),
    )


def _n_lora(linear: dict[str, Any], lora: LoraConfig) -> int:
    targets = _targets(lora)
    aimed = [
        module
        for name, module in linear.items()
        if targets == "all-linear" or name.rpartition(".")[2] in targets
    ]
    if not aimed:
        raise ModelFileError(f"lora.targets: the base has no linear layers named {lora.targets!r}")
    return sum(lora.rank * (module.in_features + module.out_features) for module in aimed)


# A base made on the spot ----------------------------------------------------------------------


def base_for(config: TuneConfig, texts: Iterable[str], folder: Path) -> str:
    """The base that the config names, or the folder of one made for it."""
    if config.make is None:
        base = Path(str(config.base)).expanduser()
        return str(base.resolve()) if base.is_dir() else str(config.base)
    if not (folder / "config.json").is_file():
        make_base(config.make, texts, config.seed, folder)
    return str(folder.resolve())


def make_base(make: MadeBase, texts: Iterable[str], seed: int, folder: Path) -> Path:
    """A random LLaMA with a byte-pair tokenizer learnt from `texts`, in one step."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    tokenizer = _tokenizer(make.vocabulary, list(texts))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=make.hidden,
                intermediate_size=2 * make.hidden,
                num_hidden_layers=make.layers,
                num_attention_heads=make.heads,
                max_position_embeddings=make.max_tokens,
                initializer_range=make.hidden**-0.5,  # smaller, and it says the same to everything
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
                tie_word_embeddings=False,
            )
        )
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    readable(part)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return part.rename(folder)


def _tokenizer(vocabulary: int, texts: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=_MARKS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token=_MARKS[0],
        eos_token=_MARKS[1],
        pad_token=_MARKS[0],
        chat_template=TEMPLATE,
    )
