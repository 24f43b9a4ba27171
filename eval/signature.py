"""What a score was computed with, beside every score, as sacreBLEU has it.

Two scores may be compared where all of it is the same. What is not known is said to be "given":
labels that somebody else extracted carry no extractor of ours.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import demeanor.explain
from demeanor.eval.scores import Sample
from demeanor.explain.errors import DemeanorError

GIVEN = "given"  # by the predictions themselves
NONE = "none"
_SHOWN = 8  # hex digits of a hash


class NotComparable(DemeanorError):
    """Scores computed in different ways."""


@dataclass(frozen=True, slots=True)
class Signature:
    task: str
    metric: str
    level: int | None  # of the wheels; None: the task has none
    tables: str  # v2025, v2026, d1; "none" where words are not grouped
    tables_sha256: str
    preprocessing: str
    extractor: str  # what made labels of text: a rule's or a model's name
    judge: str  # model and hash of its prompt
    gold_sha256: str  # of ids and gold labels: which samples, and which version of their labels
    version: str = demeanor.explain.__version__

    def line(self) -> str:
        """One line, keys in a fixed order, hashes shortened.

        >>> Signature("ovmerd", "ew-f", 1, "d1", "ab" * 32, "lower", "given", "none", "cd" * 32,
        ...           "0.1").line()
        'task:ovmerd|metric:ew-f|level:1|tables:d1.abababab|prep:lower|extractor:given|judge:none|gold:cdcdcdcd|version:demeanor-0.1'
        """
        tables = self.tables + (f".{self.tables_sha256[:_SHOWN]}" if self.tables_sha256 else "")
        parts = {
            "task": self.task,
            "metric": self.metric,
            "level": NONE if self.level is None else self.level,
            "tables": tables,
            "prep": self.preprocessing.replace("|", "+"),
            "extractor": self.extractor,
            "judge": self.judge,
            "gold": self.gold_sha256[:_SHOWN],
            "version": f"demeanor-{self.version}",
        }
        return "|".join(f"{key}:{value}" for key, value in parts.items())

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def differences(self, other: "Signature") -> dict[str, tuple[Any, Any]]:
        """Field -> what each says, where they say different things."""
        mine, theirs = self.as_dict(), other.as_dict()
        return {key: (mine[key], theirs[key]) for key in mine if mine[key] != theirs[key]}


def check_comparable(first: Signature, second: Signature) -> None:
    """Raises NotComparable, naming what differs."""
    if apart := first.differences(second):
        said = "; ".join(f"{key}: {a} and {b}" for key, (a, b) in apart.items())
        raise NotComparable(
            f"scores that were computed in different ways say nothing side by side: {said}. "
            "Score both in the same way, or compare with --force"
        )


def gold_digest(samples: Sequence[Sample]) -> str:
    """The same whatever the order of the samples."""
    rows = sorted(json.dumps([s.sample_id, s.gold], ensure_ascii=False) for s in samples)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def prompt_digest(model: str, prompt: str) -> str:
    """How a judge or an extractor is named: its model, and which words it was asked with."""
    return f"{model}.{hashlib.sha256(prompt.encode()).hexdigest()[:_SHOWN]}"
