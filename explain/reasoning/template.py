"""Messages as the text that a causal model reads, with the tokenizer's own chat template.

The same functions serve the running model (`local.py`) and the making of training text, so that
a tuned model is asked what it was tuned on. A stranger's words cannot act as control tokens: in
what is sent, those are broken up before the template adds the real ones.
"""

from collections.abc import Sequence
from typing import Any

from demeanor.explain.reasoning.chat import Message


def prompt_text(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The text up to where the model is to go on. Without a template, a plain one is used."""
    said = [Message(m.role, defused(tokenizer, m.content)) for m in messages]
    if not tokenizer.chat_template:
        return (tokenizer.bos_token or "") + _plain(said)
    return rendered(tokenizer, said, ends=False)


def rendered(tokenizer: Any, messages: Sequence[Message], ends: bool) -> str:
    """By the chat template. ends: the last turn is whole; else the next one is begun."""
    from jinja2 import TemplateError

    try:
        return _templated(tokenizer, messages, ends)
    except TemplateError:  # some templates know no system role
        return _templated(tokenizer, system_in_user(messages), ends)


def defused(tokenizer: Any, content: str) -> str:
    """`content` with the tokenizer's control tokens broken up, so that they are plain text."""
    added = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    for token in sorted({*tokenizer.all_special_tokens, *added}, key=len, reverse=True):
        if len(token) > 2 and not token.isalnum():
            content = content.replace(token, f"{token[0]} {token[1:]}")
    return content


def system_in_user(messages: Sequence[Message]) -> list[Message]:
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    first, *rest = [m for m in messages if m.role != "system"]
    return [Message(first.role, f"{system}\n\n{first.content}"), *rest]


def _templated(tokenizer: Any, messages: Sequence[Message], ends: bool) -> str:
    text = tokenizer.apply_chat_template(
        [{"role": m.role, "content": m.content} for m in messages],
        tokenize=False,
        add_generation_prompt=not ends,
        enable_thinking=False,  # the reasons belong into the reply; others ignore this
    )
    return str(text)


def _plain(messages: Sequence[Message]) -> str:
    turns = [f"{m.role.capitalize()}:\n{m.content}" for m in messages]
    return "\n\n".join([*turns, "Assistant:\n"])
