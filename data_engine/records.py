"""One row of training data, frozen, and what a check says of it.

A row is one JSON line. The line is canonical: the same row is always the same bytes, whoever
wrote it, so that two runs can be compared and a run that was killed can go on. A row carries the
observations that it is about, so that it can be checked again without the clip.

What a model may read of the clip stands behind bars in the messages ("| …", see
`explain/reasoning/chain.py`); the reply is in the form that `demeanor explain` asks for.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Protocol

from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.chat import Message
from demeanor.explain.records import Evidence, NotMeasured, Observation, Provenance
from demeanor.explain.store import from_plain, to_plain

SCHEMA = "demeanor-expcot-1"


class RowError(DemeanorError):
    """A line that is no row of ours, or of another schema version."""


class Task(StrEnum):
    """What a row teaches. The names go into files: whoever changes one changes `SCHEMA`."""

    EXP_COT = "exp-cot"  # key observations, interpretation, conclusion, then labels
    LABEL = "label"  # the label alone
    OPEN_LABELS = "open-labels"
    FOLLOW_UP = "follow-up"  # a question about a clip that was explained
    ABSTAIN = "abstain"
    CONFLICT = "conflict"  # channels that disagree
    COMPARE = "compare"  # two clips
    COUNTERFACTUAL = "counterfactual"  # an observation removed, the conclusion changed with it
    MISSING = "missing-modality"
    WORDS = "words"  # text alone


@dataclass(frozen=True, slots=True)
class CheckResult:
    """passed None: the check has nothing to look at in this row, and `reason` says why."""

    name: str
    passed: bool | None
    reason: str | None = None  # always there where it failed
    counts: dict[str, int] = field(default_factory=dict)  # {"quoted": 2}; added up on the card


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row's clip comes from. Paths are relative to the corpus: machines differ."""

    corpus: str
    item_id: str
    path: str | None = None
    licence: str | None = None
    subject: str | None = None  # rows of one subject, or one video, stay in one split
    video: str | None = None


@dataclass(frozen=True, slots=True)
class ExpCoTExample:
    """One row: what is asked, what is answered, what it rests on, and how it was made."""

    example_id: str  # see `example_id`
    clip_id: str  # of content and span; several rows may be about one clip
    task: Task
    messages: tuple[Message, ...]  # system, user, assistant, …; the last one is the answer
    labels: tuple[str, ...]  # gold: one of `label_set`, or open words; empty for abstention
    label_set: str | None  # None: open words
    observations: tuple[Observation, ...]  # all that the messages may cite
    not_measured: tuple[NotMeasured, ...]
    evidence: tuple[Evidence, ...]
    checks: tuple[CheckResult, ...]
    provenance: Provenance  # `settings` holds the key of the run; its manifest has them all
    origin: Origin
    split: str | None = None
    weight: float = 1.0  # share in the mixture
    attempts: int = 1  # of the teacher, until the row was taken
    related: tuple[str, ...] = ()  # example_ids: the other half of a pair
    extra: dict[str, Any] = field(default_factory=dict)  # plain JSON

    @property
    def group(self) -> str | None:
        return self.origin.subject or self.origin.video

    @property
    def answer(self) -> str:
        """What the model is to say; "" where the row ends with a question."""
        last = self.messages[-1] if self.messages else None
        return last.content if last is not None and last.role == "assistant" else ""

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        return tuple(check for check in self.checks if check.passed is False)


class Check(Protocol):
    """One named question about a row. Pure: the same row has the same result."""

    @property
    def name(self) -> str: ...

    def __call__(self, example: ExpCoTExample) -> CheckResult: ...


def example_id(clip_id: str, path: str, task: Task, number: int = 0) -> str:
    """By content, relative path and task, never by the file's bare name: two files of one name
    in two folders are two rows, and the same row has the same id in every run."""
    key = "\0".join((clip_id, path, task.value, str(number)))
    return hashlib.sha256(key.encode()).hexdigest()[:16]


# One row, one line ----------------------------------------------------------------------------

_SPARSE = {  # records of which most fields are empty: those fields are left out of the line
    "observations": Observation,
    "not_measured": NotMeasured,
    "evidence": Evidence,
    "checks": CheckResult,
}


def to_line(example: ExpCoTExample) -> str:
    """Canonical JSON with its line break: fixed order, no spaces, nothing that is not finite."""
    data: dict[str, Any] = {"schema": SCHEMA}
    for f in dataclasses.fields(example):
        value = to_plain(getattr(example, f.name))
        data[f.name] = [_sparse(f.name, row) for row in value] if f.name in _SPARSE else value
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def from_line(line: str) -> ExpCoTExample:
    """The row that `to_line` wrote. Raises RowError."""
    try:
        data = json.loads(line)
        schema = data.pop("schema")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise RowError(f"wanted a row of training data, found {line[:60]!r}") from error
    if schema != SCHEMA:
        raise RowError(f"wanted rows of {SCHEMA}, found {schema!r}. Build them again")
    try:
        for name, kind in _SPARSE.items():
            data[name] = [{**_blank(kind), **row} for row in data[name]]
        made: ExpCoTExample = from_plain(ExpCoTExample, data)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise RowError(f"row {data.get('example_id')}: {error}") from error
    return made


def _sparse(name: str, row: dict[str, Any]) -> dict[str, Any]:
    blank = _blank(_SPARSE[name])
    return {k: v for k, v in row.items() if not _is_blank(v, blank[k])}


def _is_blank(value: Any, blank: Any) -> bool:
    """0 and 0.0 are values; None, False and nothing in a list are what `_blank` gives back."""
    return value is blank or (isinstance(blank, tuple | dict) and not value)


@cache
def _blank(kind: type) -> dict[str, Any]:
    """What stands for the fields that were left out."""
    return {f.name: _blank_of(str(f.type)) for f in dataclasses.fields(kind)}


def _blank_of(kind: str) -> Any:
    if "None" in kind:
        return None
    if kind.startswith("tuple"):
        return ()
    if kind.startswith("dict"):
        return {}
    return False if "bool" in kind else None
