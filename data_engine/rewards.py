"""What an answer earns in the reward stage: its label, its grounds, its form.

Three parts, each from 0 to 1, each reported apart. They are the product's own tests: `parse` reads
the answer and `ground` checks every claim of it. An answer that cannot be read earns nothing, and
a right label without grounded reasons earns less than half.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from demeanor.data_engine.records import ExpCoTExample
from demeanor.data_engine.tune_rows import labels_of
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import Parts, parse
from demeanor.explain.records import Grounding, LabelSet

LABEL, GROUNDED, FORM = 1.0, 1.0, 0.5  # ours: reasons count as much as the label
_MIN_CLAIMS = 3  # fewer are cheap to ground; a share is taken of at least so many


@dataclass(frozen=True, slots=True)
class Reward:
    label: float
    grounded: float
    form: float

    @property
    def total(self) -> float:
        return LABEL * self.label + GROUNDED * self.grounded + FORM * self.form


def reward(row: ExpCoTExample, answer: str) -> Reward:
    """Of an answer to the row's question; the row's own labels are the gold."""
    parts = parse(answer, set_of(row))
    if not parts.readable:
        return Reward(0.0, 0.0, 0.0)
    return Reward(_label(row, parts), _grounded(row, parts), _form(answer, parts))


def set_of(row: ExpCoTExample) -> LabelSet:
    names = labels_of(row) or row.labels
    return LabelSet(row.label_set or "open", names, {}, "of the row")


def _label(row: ExpCoTExample, parts: Parts) -> float:
    """Abstaining is right where the row abstains. Open words: the share of gold that was said."""
    if not row.labels or parts.abstained:
        return float(parts.abstained and not row.labels)
    if row.label_set is not None:
        return float(parts.best_fit in row.labels)
    said = {label.casefold() for label in parts.labels}
    return len(said & {label.casefold() for label in row.labels}) / len(row.labels)


def _grounded(row: ExpCoTExample, parts: Parts) -> float:
    found = ground(parts, row.observations, row.not_measured, row.extra.get("person"))
    good = sum(e.grounding is Grounding.GROUNDED for e in found)
    return good / max(_MIN_CLAIMS, len(found))


def _form(answer: str, parts: Parts) -> float:
    """All of it where the reply is one JSON object and `parse` has nothing to say against it."""
    bare = answer.strip()
    is_object = bare.startswith("{") and bare.endswith("}")
    return max(0.0, 1.0 - 0.25 * len(parts.problems)) * (1.0 if is_object else 0.5)


def rewards(rows: Sequence[ExpCoTExample], answers: Sequence[str]) -> list[Reward]:
    return [reward(row, answer) for row, answer in zip(rows, answers, strict=True)]
