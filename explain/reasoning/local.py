"""A language model in this process: transformers, from a folder or by its hub name.

Greedy by default, so that the same timeline gives the same reply. A folder is loaded without
asking any server. How messages become text is in `template.py`; how a reply is held to its form,
in `held.py`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from demeanor.explain.errors import ChatError, MissingExtra, ModelFileError, UnknownName
from demeanor.explain.reasoning.chat import Message, Request
from demeanor.explain.reasoning.held import Holder
from demeanor.explain.reasoning.template import prompt_text

_HELD = "held to the form of a reply: it could cite only ids of the timeline"
_TRAINED = "demeanor.json"  # what tuning left in an adapter's folder, or beside an exported base
_BLOCK = 64  # weights that bitsandbytes scales together
_PACKED_ROWS = 32  # rows that it packs together


class LocalChat:
    """`local:DIR_OR_HUB`, with an optional LoRA adapter and 4-bit weights."""

    languages: frozenset[str] = frozenset()
    reads_prompt = True

    def __init__(
        self,
        source: str,
        adapter: Path | None = None,
        *,
        quantize: str | None = None,
        temperature: float = 0.0,
        constrain: bool = False,
    ) -> None:
        _check_extras(adapter, quantize)
        folder = _folder(source)
        if adapter is not None:
            _check_adapter(adapter)
        self.name = folder.name if folder else source
        self.adapter = adapter.name if adapter else None
        self._temperature = temperature
        with _no_hub(folder is not None):
            self._tokenizer, self._model, notes = _load(folder or source, quantize)
            if adapter is not None:
                self._model, more = _with_adapter(self._model, adapter, folder, source)
                notes += (*more, *_other_weights(adapter, folder, quantize))
        self.version = _version(folder, self._model)
        self.structured = constrain  # asks the chain for a schema
        self._holder = self._made_holder() if constrain else None
        self.notes = (*notes, _HELD) if constrain else notes

    def _made_holder(self) -> Holder:
        width = self._model.get_output_embeddings().weight.shape[0]
        return Holder(self._tokenizer, width, self._end_ids())

    def _end_ids(self) -> list[int]:
        """Whatever ends a turn: chat models often have an end of turn beside the end of text."""
        ends = self._model.generation_config.eos_token_id
        ends = [ends] if isinstance(ends, int) else list(ends or ())
        return list(dict.fromkeys([*ends, *_known([self._tokenizer.eos_token_id])]))

    def reply(self, request: Request) -> str:
        import torch

        inputs = self._tokenizer(
            self._prompt(request.messages), return_tensors="pt", add_special_tokens=False
        ).to(self._model.device)
        n_prompt = inputs["input_ids"].shape[1]
        self._check_length(n_prompt, request.max_tokens)
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(request.seed)
            output = self._model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=request.max_tokens,
                pad_token_id=self._pad_id(),
                **self._sampling(),
                **self._held(request, n_prompt),
                **self._aloud(request),
            )
        return str(self._tokenizer.decode(output[0][n_prompt:], skip_special_tokens=True))

    def _prompt(self, messages: Sequence[Message]) -> str:
        return prompt_text(self._tokenizer, messages)

    def _held(self, request: Request, n_prompt: int) -> dict[str, Any]:
        if self._holder is None or request.schema is None:
            return {}
        return {"logits_processor": [self._holder.hold(request, n_prompt)]}

    def _aloud(self, request: Request) -> dict[str, Any]:
        return {"streamer": _speaker(self._tokenizer, request.say)} if request.say else {}

    def _check_length(self, n_prompt: int, n_reply: int) -> None:
        n_most = getattr(self._model.config, "max_position_embeddings", None)
        if n_most is not None and n_prompt + n_reply > n_most:
            raise ChatError(
                f"{self.name} reads {n_most} tokens; the prompt has {n_prompt} and the reply may"
                f" have {n_reply}. Lower timeline.max_tokens or reasoning.max_reply_tokens"
            )

    def _pad_id(self) -> int | None:
        pad: int | None = self._tokenizer.pad_token_id
        end: int | None = self._tokenizer.eos_token_id
        return end if pad is None else pad

    def _sampling(self) -> dict[str, Any]:
        if self._temperature > 0.0:
            return {"do_sample": True, "temperature": self._temperature}
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}


def _speaker(tokenizer: Any, say: Callable[[str], None]) -> Any:
    """Says whole words; an exception of the listener ends the generation."""
    from transformers import TextStreamer

    class Speaker(TextStreamer):  # type: ignore[misc]
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text:
                say(text)

    return Speaker(tokenizer, skip_prompt=True, skip_special_tokens=True)


def _check_extras(adapter: Path | None, quantize: str | None) -> None:
    if quantize not in (None, "4bit"):
        raise UnknownName("quantization", quantize or "", ("4bit",))
    needed = [
        "transformers",
        *(["peft"] if adapter else []),
        *(["bitsandbytes"] if quantize else []),
    ]
    for package in needed:
        if find_spec(package) is None:
            raise MissingExtra("Running a language model here", package, "transformers")


def _folder(source: str) -> Path | None:
    """The folder that `source` names; None for a hub name, which is "owner/model"."""
    path = Path(source).expanduser()
    if not path.is_dir():
        if path.exists() or path.is_absolute() or source.startswith((".", "~")):
            raise ModelFileError(f"{source} is no folder; wanted one with config.json and weights")
        return None
    if (path / "config.json").is_file():
        return path.resolve()
    if (path / "adapter_config.json").is_file():
        raise ModelFileError(
            f"{source} holds an adapter only; give the base model, and this folder as adapter"
        )
    raise ModelFileError(f"{source} holds no config.json; wanted a model as transformers saves it")


def _check_adapter(adapter: Path) -> None:
    if not (adapter / "adapter_config.json").is_file():
        raise ModelFileError(
            f"{adapter} holds no adapter_config.json; wanted a PEFT adapter's folder"
        )


@contextmanager
def _no_hub(offline: bool) -> Iterator[None]:
    """For a folder: no request to the hub meanwhile; what was set before is put back after.

    The hub library copies the variable when it is imported, so that both have to be set.
    """
    if not offline:
        yield
        return
    from huggingface_hub import constants

    before, in_environment = constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE")
    constants.HF_HUB_OFFLINE = True
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        os.environ.pop("HF_HUB_OFFLINE")
        if in_environment is not None:
            os.environ["HF_HUB_OFFLINE"] = in_environment


def _load(source: Path | str, quantize: str | None) -> tuple[Any, Any, tuple[str, ...]]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    on_gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if on_gpu else torch.float32
    options: dict[str, Any] = {"dtype": dtype, "local_files_only": isinstance(source, Path)}
    if on_gpu:
        options["device_map"] = "auto"
    if quantize:
        options["quantization_config"] = _four_bit()
        options.setdefault("device_map", {"": "cpu"})
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=isinstance(source, Path))
        model = AutoModelForCausalLM.from_pretrained(source, **options)
    except (OSError, ValueError, KeyError) as error:
        remedy = (
            "Save it anew with save_pretrained, tokenizer and all"
            if isinstance(source, Path)
            else "Check the name and the network, or download it and give its folder"
        )
        raise ModelFileError(
            f"{source} could not be loaded: {_first_line(error)}. {remedy}"
        ) from error
    if quantize:
        not_packed(model)
    weights = "4-bit NF4" if quantize else str(dtype).removeprefix("torch.")
    return tokenizer, model.eval(), (f"{weights} weights on {'GPU' if on_gpu else 'CPU'}",)


def not_packed(model: Any, every: bool = False) -> None:
    """On processors with AVX512-BF16 bitsandbytes packs 4-bit weights when a model first answers,
    and answers in bfloat16 whatever was asked for. Here it leaves those alone whose rows are no
    whole blocks, which it cannot pack and fails with; or every one."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            odd = module.in_features % _BLOCK or module.out_features % _PACKED_ROWS
            module.support_avx512bf16_for_cpu &= not (every or odd)


def _four_bit() -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _with_adapter(
    model: Any, adapter: Path, folder: Path | None, source: str
) -> tuple[Any, tuple[str, ...]]:
    """The model with its adapter; a note where the adapter was trained on another base."""
    from peft import PeftModel

    base = json.loads((adapter / "adapter_config.json").read_text("utf-8")).get(
        "base_model_name_or_path"
    )
    try:
        adapted = PeftModel.from_pretrained(model, str(adapter)).eval()
    except (RuntimeError, ValueError, OSError, KeyError) as error:
        raise ModelFileError(
            f"adapter {adapter} does not fit {source}: {_first_line(error)}."
            f" It was trained on {base}"
        ) from error
    if base is None or _is_same_base(base, folder, source):
        return adapted, ()
    return adapted, (f"the adapter was trained on {base}, and runs on {source}",)


def _is_same_base(base: str, folder: Path | None, source: str) -> bool:
    if folder is None:
        return base == source
    exported_from = _trained(folder).get("exported_from")
    return base == exported_from or Path(base).expanduser().resolve() == folder


def _other_weights(adapter: Path, folder: Path | None, quantize: str | None) -> tuple[str, ...]:
    """An adapter that was tuned on 4-bit weights mends their rounding: others are another base."""
    tuned_on = _trained(adapter).get("quantize")
    if tuned_on is None or quantize or (folder and "exported_from" in _trained(folder)):
        return ()
    return (
        f"the adapter was tuned on {tuned_on} weights and runs on whole ones: use --quantize 4bit,"
        " or `demeanor export-base` once",
    )


def _trained(folder: Path) -> dict[str, Any]:
    file = folder / _TRAINED
    data = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return data if isinstance(data, dict) else {}


def _known(ids: Sequence[int | None]) -> list[int]:
    return [token for token in ids if token is not None]


def _version(folder: Path | None, model: Any) -> str:
    """The hub's commit, or of a folder the hash of its configuration and of its file sizes."""
    if folder is None:
        return str(getattr(model.config, "_commit_hash", None) or "")
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name} {path.stat().st_size}".encode())
    return digest.hexdigest()[:12]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
