"""What a reasoner is asked, what it must offer, and how one is chosen by name.

A reasoner answers with text; `parse` reads it and `ground` checks it. The rule-based prototype
answers in the same form as a language model, so that nothing after it knows the difference.
`mini`, the default, is the small model that ships with Demeanor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from demeanor.explain.errors import SettingsError, UnknownName
from demeanor.explain.records import LabelSet, NotMeasured, Observation, Timeline

DEFAULT_CHAT = "mini"
BUILT_IN = ("mini", "prototype")
SHIPPED = Path(__file__).parent / "mini_model"  # demeanor-mini, with its card
KNOWN_FORMS = (
    "mini", "prototype", "mini:DIR", "local:DIR_OR_HUB", "http://HOST/v1#MODEL",
    "https://HOST/v1#MODEL",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    role: str  # system, user, assistant
    content: str


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Everything a reasoner may read. Models that read a prompt see `messages` only."""

    clip_id: str
    person: str | None
    timeline: Timeline
    observations: tuple[Observation, ...]
    not_measured: tuple[NotMeasured, ...]
    label_set: LabelSet
    max_tokens: int
    seed: int
    messages: tuple[Message, ...] = ()  # filled by the chain from prompts/
    schema: dict[str, Any] | None = None  # of the reply, for backends that can be held to it
    say: Callable[[str], None] | None = None  # told the words as they come, where a model can


class ChatModel(Protocol):
    """A reasoner. `notes` tells the reader what to know about it, and may grow with use."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def adapter(self) -> str | None: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def languages(self) -> frozenset[str]:
        """Of quoted words that it reads, ISO 639-1; empty: not known, try any."""
        ...

    @property
    def structured(self) -> bool:
        """Can be held to a JSON schema."""
        ...

    @property
    def reads_prompt(self) -> bool: ...

    def reply(self, request: Request) -> str: ...


def chat_model(
    spec: str,
    adapter: Path | None = None,
    *,
    quantize: str | None = None,
    constrain: bool = False,
    timeout_s: float = 120.0,
    max_retries: int = 2,
) -> ChatModel:
    """The reasoner named by `spec`: one of KNOWN_FORMS.

    `adapter`, `quantize` ("4bit") and `constrain` (replies held to a grammar) go with local models
    only. Raises UnknownName for other specs.
    """
    if (adapter or quantize or constrain) and not spec.startswith("local:"):
        raise SettingsError(
            "an adapter, 4-bit weights and a constrained reply go with local:DIR_OR_HUB; found "
            f"them with {spec!r}"
        )
    if spec == "prototype":
        from demeanor.explain.reasoning.prototype import Prototype

        return Prototype()
    if spec == "mini" or (spec.startswith("mini:") and len(spec) > len("mini:")):
        from demeanor.explain.reasoning.mini import Mini

        return Mini(SHIPPED if spec == "mini" else Path(spec.removeprefix("mini:")))
    if spec.startswith("local:") and len(spec) > len("local:"):
        from demeanor.explain.reasoning.local import LocalChat

        return LocalChat(
            spec.removeprefix("local:"), adapter, quantize=quantize, constrain=constrain
        )
    if spec.startswith(("http://", "https://")):
        from demeanor.explain.reasoning.remote import RemoteChat

        return RemoteChat(spec, timeout_s=timeout_s, max_retries=max_retries)
    raise UnknownName("chat model", spec, KNOWN_FORMS)
