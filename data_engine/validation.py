"""What a tuned model is worth on rows that it has not seen: full answers, read and checked.

The model is loaded and asked as `demeanor explain` would, so that the figures are of what people
will run. Intervals draw whole subjects anew (bootstrap): rows of one person are not independent.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demeanor.data_engine.records import ExpCoTExample
from demeanor.data_engine.rewards import set_of
from demeanor.explain.errors import ChatError
from demeanor.explain.reasoning.chat import ChatModel, Request
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import parse, reply_schema
from demeanor.explain.records import Grounding, Timeline
from demeanor.explain.store import write_atomic

N_FOLDS = 2000
MIN_GROUPS = 5  # fewer say nothing about how a figure would vary
FIGURES = {  # name -> what it is, for people
    "label_right": "label of the closed set right, of rows that have one",
    "readable": "replies that could be read",
    "grounded": "claims grounded, of all claims",
    "ids_unknown": "citations of ids that do not exist, of all citations",
    "abstained": "replies that abstained",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """Sums of one row: figure -> (counted, out of)."""

    example_id: str
    group: str
    counts: dict[str, tuple[float, float]]
    reply: str


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float | None  # None: nothing to count
    interval: tuple[float, float] | None  # 95 %; None: too few subjects
    n: int  # what it is out of
    groups: int


def answer_rows(
    model: ChatModel,
    rows: Sequence[ExpCoTExample],
    max_tokens: int,
    seed: int,
    tell: Callable[[int, int], None] = lambda done, n: None,
) -> list[Answered]:
    """Rows that are too long for the model are left out: `Figure.n` shows it."""
    found = []
    for number, row in enumerate(rows, start=1):
        try:
            reply = model.reply(request_of(row, model, max_tokens, seed))
        except ChatError:
            continue
        found.append(judged(row, reply))
        tell(number, len(rows))
    return found


def request_of(row: ExpCoTExample, model: ChatModel, max_tokens: int, seed: int) -> Request:
    """The row's own question, word for word."""
    labels = set_of(row)
    ids = tuple(o.obs_id for o in row.observations)
    return Request(
        clip_id=row.clip_id,
        person=row.extra.get("person"),
        timeline=Timeline(row.extra.get("person"), "", (), 0, 0),
        observations=tuple(o for o in row.observations if o.obs_id in ids),
        not_measured=row.not_measured,
        label_set=labels,
        max_tokens=max_tokens,
        seed=seed,
        messages=row.messages[:-1],
        schema=reply_schema(labels)
        if model.structured and '"observations"' in row.answer
        else None,
    )


def judged(row: ExpCoTExample, reply: str) -> Answered:
    parts = parse(reply, set_of(row))
    evidence = ground(parts, row.observations, row.not_measured, row.extra.get("person"))
    known = {o.obs_id for o in row.observations}
    cites = [cite for claim in evidence for cite in claim.cites]
    has_label = bool(row.labels) and row.label_set is not None
    counts = {
        "label_right": (float(parts.best_fit in row.labels), 1.0) if has_label else (0.0, 0.0),
        "readable": (float(parts.readable), 1.0),
        "grounded": (
            float(sum(e.grounding is Grounding.GROUNDED for e in evidence)),
            float(len(evidence)),
        ),
        "ids_unknown": (float(sum(c not in known for c in cites)), float(len(cites))),
        "abstained": (float(parts.abstained and parts.readable), 1.0),
    }
    return Answered(row.example_id, row.group or row.clip_id, counts, reply)


def figures(answered: Sequence[Answered], seed: int = 0) -> list[Figure]:
    return [_figure(name, answered, seed) for name in FIGURES]


def _figure(name: str, answered: Sequence[Answered], seed: int) -> Figure:
    groups = sorted({a.group for a in answered})
    sums = np.zeros((len(groups), 2))  # (groups, counted and out of)
    for one in answered:
        sums[groups.index(one.group)] += one.counts[name]
    n = int(sums[:, 1].sum()) if len(groups) else 0
    value = float(sums[:, 0].sum() / n) if n else None
    return Figure(name, value, interval(sums, seed), n, len(groups))


def interval(sums: np.ndarray, seed: int = 0) -> tuple[float, float] | None:
    """95 % of counted over out-of, whole groups drawn anew. sums: (groups, 2)"""
    n = len(sums)
    if n < MIN_GROUPS or not sums[:, 1].sum():
        return None
    drawn = np.random.default_rng(seed).integers(0, n, (N_FOLDS, n))
    totals = sums[drawn].sum(axis=1)  # (folds, 2)
    totals = totals[totals[:, 1] > 0]
    low, high = np.quantile(totals[:, 0] / totals[:, 1], (0.025, 0.975))
    return float(low), float(high)


def spread_over_groups(rows: Sequence[ExpCoTExample], n: int) -> list[ExpCoTExample]:
    """At most `n` rows, of as many subjects as there are: one of each in turn."""
    by_group: dict[str, list[ExpCoTExample]] = {}
    for row in rows:
        by_group.setdefault(row.group or row.clip_id, []).append(row)
    found: list[ExpCoTExample] = []
    for turn in range(max(map(len, by_group.values()), default=0)):
        found += [members[turn] for members in by_group.values() if turn < len(members)]
    return found[:n]


def write_answers(answered: Iterable[Answered], path: Path) -> Path:
    lines = [
        json.dumps(
            {"example_id": a.example_id, "counts": a.counts, "reply": a.reply}, ensure_ascii=False
        )
        for a in answered
    ]
    return write_atomic(path, "".join(line + "\n" for line in lines))


def told(figure: Figure) -> str:
    """0.48 (0.40 to 0.57; 350 from 44 subjects)"""
    if figure.value is None or math.isnan(figure.value):
        return "nothing to count"
    low_high = figure.interval
    span = f"{low_high[0]:.3f} to {low_high[1]:.3f}" if low_high else "no interval: few subjects"
    people = "one subject" if figure.groups == 1 else f"{figure.groups} subjects"
    return f"{figure.value:.3f} ({span}; {figure.n} from {people})"
