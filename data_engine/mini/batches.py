"""Lessons as tensors: the questions of a situation share its text and do not see each other.

Each question stands right after the text by its positions and by what it attends to, as if it
were alone; one pass over the text serves them all.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from demeanor.data_engine.mini.lessons import Lesson
from demeanor.explain.reasoning.short_form import SAY, ask_label, ask_open

_FOR_LABELS = (ask_label([]).removesuffix(SAY), ask_open())
MAX_TOKENS = 1024  # of a lesson; questions beyond it are left out
_LABEL = 4  # tokens that one of a label counts for: they are few beside those of reasons
_STEP = 16  # lengths are rounded up to this


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One lesson. All arrays (n,): parts 0 is the text, 1… the questions."""

    ids: np.ndarray  # uint16
    parts: np.ndarray  # uint8
    learnt: np.ndarray  # uint8: how much each token counts; 0 but for tokens of replies
    first: bool  # read before the others

    def __len__(self) -> int:
        return len(self.ids)


def encoded(lessons: Sequence[Lesson], tokenizer: Any) -> Iterator[Encoded]:
    """As `encode_prompt` and a reply after it would be."""
    raw, end = tokenizer.backend_tokenizer, tokenizer.eos_token_id
    for lesson in lessons:
        shown = raw.encode(lesson.shown).ids
        ids, parts, learnt = [*shown], [0] * len(shown), [0] * len(shown)
        often = Counter(lesson.asked)  # what stands there more than once counts so much more
        for n, ((question, reply), times) in enumerate(often.items(), start=1):
            asked, said = raw.encode(question).ids, [*raw.encode(reply).ids, end]
            if len(ids) + len(asked) + len(said) > MAX_TOKENS:
                continue
            ids += [*asked, *said]
            parts += [n] * (len(asked) + len(said))
            counts = times * (_LABEL if question.startswith(_FOR_LABELS) else 1)
            learnt += [0] * len(asked) + [counts] * len(said)
        if any(learnt):
            yield Encoded(
                np.array(ids, np.uint16),
                np.array(parts, np.uint8),
                np.array(learnt, np.uint8),
                lesson.first,
            )


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    ids: Any  # (b, t) int64
    positions: Any  # (b, t) int64
    mask: Any  # (b, 1, t, t) bool: what each token sees
    learnt: Any  # (b, t) uint8, of the token itself


def batches(rows: Sequence[Encoded], n_tokens: int, draw: random.Random) -> Iterator[Batch]:
    """All rows once, in drawn order, those of like length together."""
    order = list(range(len(rows)))
    draw.shuffle(order)
    pools = [order[i : i + 512] for i in range(0, len(order), 512)]
    groups: list[list[int]] = []
    for pool in pools:
        group: list[int] = []
        for index in sorted(pool, key=lambda i: len(rows[i])):
            if group and _width(len(rows[index])) * (len(group) + 1) > n_tokens:
                groups.append(group)
                group = []
            group.append(index)
        groups.append(group)
    draw.shuffle(groups)
    for group in groups:
        yield _batch([rows[i] for i in group])


def _width(n: int) -> int:
    return -(-n // _STEP) * _STEP


def _batch(rows: Sequence[Encoded]) -> Batch:
    import torch

    width = _width(max(map(len, rows)))
    ids = np.zeros((len(rows), width), np.int64)
    parts = np.full((len(rows), width), 255, np.int64)
    learnt = np.zeros((len(rows), width), np.uint8)
    positions = np.zeros((len(rows), width), np.int64)
    for k, row in enumerate(rows):
        n = len(row)
        ids[k, :n], parts[k, :n], learnt[k, :n] = row.ids, row.parts, row.learnt
        positions[k, :n] = _positions(row.parts)
    same = parts[:, :, None] == parts[:, None, :]
    sees = (same | (parts[:, None, :] == 0)) & np.tri(width, dtype=bool)
    return Batch(*map(torch.from_numpy, (ids, positions, sees[:, None], learnt)))


def _positions(parts: np.ndarray) -> np.ndarray:
    """Each question counts on from the end of the text."""
    n_text = int((parts == 0).sum())
    first = np.searchsorted(parts, np.arange(int(parts.max()) + 1))
    return np.where(
        parts == 0, np.arange(len(parts)), n_text + np.arange(len(parts)) - first[parts]
    )
