"""Asking a chat model: each reply kept by its content, and a budget that stops in time.

What fails is never kept: the same command asks again. What was answered is never paid twice.
"""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from demeanor.data_engine.config import BudgetConfig
from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.chat import ChatModel, Message, Request
from demeanor.explain.store import write_atomic
from demeanor.explain.textualization.timeline import n_tokens


class BudgetSpent(DemeanorError):
    """The next question might pass what may be spent."""


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    n_read: int  # tokens, estimated
    n_written: int


class Budget:
    """Tokens and money of one build. Cached replies count as well: the same build stops at the
    same place, whatever is in the cache."""

    def __init__(self, config: BudgetConfig) -> None:
        self.config = config
        self.n_read = self.n_written = 0
        self._reserved = (0, 0)
        self._lock = threading.Lock()

    @property
    def usd(self) -> float:
        return self._usd(self.n_read, self.n_written)

    def reserve(self, n_read: int, n_written: int) -> None:
        """Raises BudgetSpent where these tokens, with those under way, would pass a limit."""
        with self._lock:
            read = self.n_read + self._reserved[0] + n_read
            written = self.n_written + self._reserved[1] + n_written
            c = self.config
            if c.tokens is not None and read + written > c.tokens:
                raise BudgetSpent(
                    f"the budget of {c.tokens} tokens is spent: {self.n_read + self.n_written} "
                    "are used, and the next question might need more than is left"
                )
            if c.usd is not None and self._usd(read, written) > c.usd:
                raise BudgetSpent(f"the budget of ${c.usd:g} is spent: ${self.usd:.4f} are used")
            self._reserved = (self._reserved[0] + n_read, self._reserved[1] + n_written)

    def settle(self, n_read: int, n_written: int, used: Reply | None) -> None:
        """Gives back what was reserved; `used` is what came of it, None where nothing did."""
        with self._lock:
            self._reserved = (self._reserved[0] - n_read, self._reserved[1] - n_written)
        if used is not None:
            self.add(used.n_read, used.n_written)

    def add(self, n_read: int, n_written: int) -> None:
        with self._lock:
            self.n_read += n_read
            self.n_written += n_written

    def _usd(self, n_read: int, n_written: int) -> float:
        c = self.config
        spent = n_read * c.usd_per_million_read + n_written * c.usd_per_million_written
        return spent / 1e6


class ReplyCache:
    """One small file a reply, named by everything that was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._one_at_a_time = threading.Lock()  # two threads may have asked the same

    def get(self, key: str) -> str | None:
        try:
            data = json.loads(self._path(key).read_text("utf-8"))
            return str(data["reply"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # nothing there, or not readable: ask

    def put(self, key: str, reply: str) -> None:
        text = json.dumps({"reply": reply}, ensure_ascii=False) + "\n"
        with self._one_at_a_time:
            write_atomic(self._path(key), text)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


@dataclass(frozen=True, eq=False)
class Asker:
    """A chat model that reads prompts, with its cache and its budget."""

    model: ChatModel
    cache: ReplyCache
    budget: Budget

    @property
    def name(self) -> str:
        return model_name(self.model)

    def ask(
        self, request: Request, messages: Sequence[Message], schema: dict[str, Any], limit: int
    ) -> Reply:
        """Raises ChatError where the model does not answer, BudgetSpent before it is too late."""
        held = schema if self.model.structured else None
        asked = replace(request, messages=tuple(messages), schema=held, max_tokens=limit)
        n_read = n_tokens("\n".join(m.content for m in messages))
        self.budget.reserve(n_read, limit)
        reply: Reply | None = None
        try:
            text = self._text(asked)
            reply = Reply(text, n_read, n_tokens(text))
        finally:
            self.budget.settle(n_read, limit, reply)
        return reply

    def _text(self, asked: Request) -> str:
        key = self._key(asked)
        text = self.cache.get(key)
        if text is None:
            text = self.model.reply(asked)
            self.cache.put(key, text)
        return text

    def _key(self, asked: Request) -> str:
        said = [[m.role, m.content] for m in asked.messages]
        parts = [self.name, said, asked.schema, asked.max_tokens, asked.seed]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def model_name(model: ChatModel) -> str:
    parts = [model.name, model.version, f"+ {model.adapter}" if model.adapter else ""]
    return " ".join(part for part in parts if part)
