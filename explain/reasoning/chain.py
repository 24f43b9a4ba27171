"""The chain: prompt | model | parse, then ground. LangChain is imported here and nowhere else, and
only for models that read a prompt.

The timeline goes into the prompt behind bars: every line of it begins with "| ", whatever line
breaks a stranger's words contain, so that no text inside can end it or stand outside it.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import demeanor.explain
from demeanor.explain.reasoning.chat import ChatModel, Message, Request
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import Parts, parse, reply_schema
from demeanor.explain.records import Explanation, Provenance
from demeanor.explain.settings import Settings, load_settings
from demeanor.prompts import load_prompt

PROMPTS = ("system", "explain")
RETRY_MARK = "\n\n--- second reply, after a complaint about the first ---\n\n"
# Marks that chat templates give a meaning; in data they get a look-alike of the same length.
_TEMPLATE_MARKS = re.compile(
    r"<(?=\||/?s>|/?(?:start|end)_of_turn>|</?SYS>>|/?SYS>>|bos>|eos>|pad>|/?think>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\])"
)


def explain_person(
    request: Request, model: ChatModel, settings: Settings | None = None
) -> Explanation:
    """Ask the model about one person, read its reply, and check every claim of it.

    A model that reads prompts is asked once more, with the parser's complaint, when its reply
    cannot be read. The raw reply is kept in any case.
    """
    settings = settings or load_settings()
    ready = with_prompt(request, model)
    raw, parts = _ask(ready, model)
    notes: tuple[str, ...] = ()
    if not parts.readable and model.reads_prompt:
        second, parts = _ask(with_complaint(ready, raw, parts.problems), model)
        raw, notes = f"{raw}{RETRY_MARK}{second}", ("asked twice: the first reply was unreadable",)
    parts = _unless_unsure(parts, settings.reasoning.min_confidence)
    return _explanation(request, parts, raw, _provenance(request, model, settings, notes))


def _ask(request: Request, model: ChatModel) -> tuple[str, Parts]:
    """model | parse: the raw reply, and what was read from it."""

    def read(raw: str) -> tuple[str, Parts]:
        return raw, parse(raw, request.label_set)

    if not model.reads_prompt:  # no chain, and LangChain takes most of a second to import
        return read(model.reply(request))
    from langchain_core.runnables import RunnableLambda

    return (RunnableLambda(model.reply) | RunnableLambda(read)).invoke(request)


def warm_up(model: ChatModel) -> None:
    """Loads what the first explanation would wait for: LangChain, or a model in the box."""
    if model.reads_prompt:
        from langchain_core.runnables import RunnableLambda

        RunnableLambda(str).invoke("")
    if (load := getattr(model, "load", None)) is not None:
        load()


def with_prompt(request: Request, model: ChatModel) -> Request:
    """The request with its messages and, where the model can be held to one, a schema."""
    if not model.reads_prompt:
        return request
    schema = reply_schema(request.label_set) if model.structured else None
    return replace(request, messages=messages_of(request), schema=schema)


def messages_of(request: Request) -> tuple[Message, ...]:
    """What a model that reads prompts is shown: training rows ask the same."""
    return (
        Message("system", load_prompt("system").fill()),
        Message(
            "user",
            load_prompt("explain").fill(
                person=request.person or "nobody in particular; voice and words only",
                timeline=behind_bars(request.timeline.text),
                label_set=request.label_set.name,
                labels=", ".join(request.label_set.labels),
            ),
        ),
    )


def with_complaint(request: Request, reply: str, problems: Sequence[str]) -> Request:
    complaint = load_prompt("retry").fill(problems="; ".join(problems) or "no answer was found")
    # The reply may be very long (a model that went in circles); its beginning is enough.
    said = Message("assistant", reply[:2000] or "(empty)")
    return replace(request, messages=(*request.messages, said, Message("user", complaint)))


def behind_bars(text: str) -> str:
    """Every line with a bar before it, and marks of chat templates made harmless."""
    lines = _TEMPLATE_MARKS.sub(_look_alike, text).splitlines() or [""]
    return "\n".join(f"| {line}" for line in lines)


def prompt_sha256() -> str:
    """One hash over the templates that every request uses."""
    joined = "\0".join(load_prompt(name).sha256 for name in PROMPTS)
    return hashlib.sha256(joined.encode()).hexdigest()


def openai_reply(
    base_url: str, model: str, api_key: str, timeout_s: float, max_retries: int
) -> Callable[[Request, bool], str]:
    """A function that sends a request to an OpenAI-compatible address, held to its schema or not,
    and waits for the whole reply (remote.py reads those that come in pieces).

    Errors of the `openai` package pass through: the caller knows the address's story.
    """
    from langchain_openai import ChatOpenAI
    from langchain_openai.chat_models.base import BaseChatOpenAI

    # OpenAI itself renamed max_tokens; the servers that copy its interface mostly did not.
    kind = ChatOpenAI if "api.openai.com" in base_url else BaseChatOpenAI

    def send(request: Request, held: bool) -> str:
        llm: Any = kind(
            model=model,
            base_url=base_url,
            api_key=api_key,
            timeout=timeout_s,
            max_retries=max_retries,
            temperature=0.0,
            seed=request.seed,
            max_tokens=request.max_tokens,
        )
        if held and request.schema is not None:
            form = {"name": "explanation", "schema": request.schema}
            # Not as response_format=: the client would then raise away a reply cut at max_tokens.
            llm = llm.bind(
                extra_body={"response_format": {"type": "json_schema", "json_schema": form}}
            )
        return str(llm.invoke([(m.role, m.content) for m in request.messages]).text)

    return send


def _look_alike(match: re.Match[str]) -> str:
    return "‹" if match[0] == "<" else "("


def _unless_unsure(parts: Parts, min_confidence: float) -> Parts:
    """The parts, abstaining where the model's own confidence is below what the settings ask.

    What counts is that something is shown: where several labels share the confidence, as in a
    clip of several expressions, it is their sum, and only which one fits best is unsure.
    """
    if parts.abstained or parts.confidence is None:
        return parts
    shared = sum(a.confidence for a in parts.alternatives if a.label in parts.labels)
    if parts.confidence + shared >= min_confidence:
        return parts
    reason = (
        f"the best fit, {parts.best_fit}, reaches a confidence of {parts.confidence:.2f};"
        f" {min_confidence:.2f} is asked for"
    )
    return Parts(abstained=True, abstained_reason=reason, **_reasons(parts))


def _reasons(parts: Parts) -> dict[str, Any]:
    kept = ("observations", "interpretation", "conclusion", "problems")
    return {name: getattr(parts, name) for name in kept}


def _provenance(
    request: Request, model: ChatModel, settings: Settings, notes: tuple[str, ...]
) -> Provenance:
    labels = {"name": request.label_set.name, "labels": list(request.label_set.labels)}
    return Provenance(
        model=f"{model.name} {model.version}".strip(),
        adapter=model.adapter,
        prompt_sha256=prompt_sha256() if model.reads_prompt else None,
        seed=request.seed,
        settings={**settings.as_dict(), "label_set": labels},
        version=demeanor.explain.__version__,
        notes=(*model.notes, *notes),
    )


def _explanation(request: Request, parts: Parts, raw: str, provenance: Provenance) -> Explanation:
    return Explanation(
        clip_id=request.clip_id,
        person=request.person,
        observations_part=parts.observations,
        interpretation=parts.interpretation,
        conclusion=parts.conclusion,
        evidence=ground(parts, request.observations, request.not_measured, request.person),
        labels=parts.labels,
        label_set=request.label_set.name,
        best_fit=parts.best_fit,
        confidence=parts.confidence,
        alternatives=parts.alternatives,
        valence=parts.valence,
        arousal=parts.arousal,
        abstained=parts.abstained,
        abstained_reason=parts.abstained_reason,
        provenance=provenance,
        raw_reply=raw,
        problems=parts.problems,
    )
