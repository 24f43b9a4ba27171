"""A row as tokens, and which of them are learnt: the answers and the mark that ends them.

A template with generation tags says itself what is an answer. Most have none: there, what the
text of a turn adds to the text before it is the answer (prefix comparison). Questions and answers
are made into tokens apart, as in use, where the question is all that there is; so the mask is
exact, and no token straddles its edge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demeanor.explain.reasoning.chat import Message
from demeanor.explain.reasoning.template import defused, prompt_text, rendered, system_in_user

IGNORED = -100  # what torch's loss leaves out
TAGS, PREFIX, PLAIN = (
    "by the template's generation tags",
    "by prefix comparison: the template has no generation tags",
    "by prefix comparison: the tokenizer has no template, a plain one is used",
)
_TAG = re.compile(r"\{%-?\s*generation\s*-?%\}")
Piece = tuple[str, bool]  # text, and whether it is learnt


@dataclass(frozen=True, slots=True)
class Encoded:
    ids: list[int]
    labels: list[int]  # the same ids, IGNORED where nothing is learnt

    @property
    def n_learnt(self) -> int:
        return sum(label != IGNORED for label in self.labels)

    @property
    def prompt(self) -> list[int]:
        """What stands before the last answer."""
        last = len(self.ids)
        while last and self.labels[last - 1] == IGNORED:
            last -= 1
        while last and self.labels[last - 1] != IGNORED:
            last -= 1
        return self.ids[:last]


def method(tokenizer: Any) -> str:
    if not tokenizer.chat_template:
        return PLAIN
    return TAGS if _TAG.search(tokenizer.chat_template) else PREFIX


def encode(tokenizer: Any, messages: Sequence[Message]) -> Encoded:
    ids: list[int] = []
    labels: list[int] = []
    for text, learnt in pieces(tokenizer, messages):
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids += tokens
        labels += tokens if learnt else [IGNORED] * len(tokens)
    return Encoded(ids, labels)


def pieces(tokenizer: Any, messages: Sequence[Message]) -> list[Piece]:
    """The whole conversation in order; the last message is an answer."""
    said = [Message(m.role, defused(tokenizer, m.content)) for m in messages]
    if method(tokenizer) == TAGS and (tagged := _tagged(tokenizer, said)):
        return tagged
    if method(tokenizer) == PREFIX and (found := _every_answer(tokenizer, said)):
        return found
    return _last_answer(tokenizer, said)


def _every_answer(tokenizer: Any, said: Sequence[Message]) -> list[Piece]:
    """[] where the template writes earlier turns otherwise once later ones follow."""
    found: list[Piece] = []
    text = ""
    for k, message in enumerate(said):
        if message.role != "assistant":
            continue
        before, whole = prompt_text(tokenizer, said[:k]), rendered(tokenizer, said[: k + 1], True)
        if not before.startswith(text) or not whole.startswith(before):
            return []
        found += [(before[len(text) :], False), *_ended(tokenizer, whole[len(before) :])]
        text = whole
    return found


def _last_answer(tokenizer: Any, said: Sequence[Message]) -> list[Piece]:
    end = tokenizer.eos_token or ""
    return [(prompt_text(tokenizer, said[:-1]), False), (said[-1].content + end, True)]


def _ended(tokenizer: Any, answer: str) -> list[Piece]:
    """White space behind the end mark is never written by a model that stops at the mark."""
    learnt = answer.rstrip()
    rest = answer[len(learnt) :]
    marks = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    if not any(learnt.endswith(mark) for mark in {*marks, *tokenizer.all_special_tokens}):
        learnt += tokenizer.eos_token or ""  # a template that ends no turn teaches no stop
    return [(learnt, True), (rest, False)] if rest else [(learnt, True)]


def _tagged(tokenizer: Any, said: Sequence[Message]) -> list[Piece]:
    from jinja2 import TemplateError

    try:
        text, spans = _with_spans(tokenizer, said)
    except TemplateError:  # some templates know no system role
        text, spans = _with_spans(tokenizer, system_in_user(said))
    found: list[Piece] = []
    last = 0
    for start, end in spans:
        found += [(text[last:start], False), (text[start:end], True)]
        last = end
    return [piece for piece in (*found, (text[last:], False)) if piece[0]] if found else []


def _with_spans(tokenizer: Any, said: Sequence[Message]) -> tuple[str, list[tuple[int, int]]]:
    """The text, and which characters of it the template calls generated."""
    from transformers.utils.chat_template_utils import render_jinja_template

    (text,), (spans,) = render_jinja_template(
        [[{"role": m.role, "content": m.content} for m in said]],
        chat_template=tokenizer.chat_template,
        return_assistant_tokens_mask=True,
        enable_thinking=False,
        **tokenizer.special_tokens_map,
    )
    return text, spans


def shown(tokenizer: Any, encoded: Encoded, most: int = 700) -> str:
    """For people: what is learnt stands in ⟦ ⟧; long stretches that are not are cut short."""
    parts, start = [], 0
    for k in range(1, len(encoded.ids) + 1):
        ends = k == len(encoded.ids)
        learnt = encoded.labels[start] != IGNORED
        if ends or (encoded.labels[k] != IGNORED) != learnt:
            text = tokenizer.decode(encoded.ids[start:k])
            parts.append(f"⟦{text}⟧" if learnt else _cut(text, most))
            start = k
    return "".join(parts)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} … {len(text) - most} characters … {text[-half:]}"
