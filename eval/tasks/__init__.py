"""Tasks by name: where gold comes from, how an answer is read, which metric scores it.

A task is added by writing it down in `released.py` (predictions), in `asked.py` (samples that we
ask about), or in a module beside them, and naming that in `_MODULES`. Importing this loads none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from demeanor.eval.scores import Sample, Scored
from demeanor.eval.tables import WordTable
from demeanor.explain.corpora.items import Item
from demeanor.explain.errors import UnknownName

_MODULES = (
    "demeanor.eval.tasks.released",
    "demeanor.eval.tasks.asked",
    "demeanor.eval.tasks.corpora",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a user may choose; a task says which of it concerns it."""

    table: WordTable | None = None
    level: int = 1
    labels: str = "rafdb7"  # label set, for tasks that take anybody's pictures


@dataclass(frozen=True, slots=True)
class Constant:
    """An answer that is the same for every sample, made with the gold labels in view; or a rule
    that looks at nothing but length."""

    said: Any
    how: str
    each: tuple[Any, ...] | None = None  # a rule's answers, one a sample; `said` names the rule


@dataclass(frozen=True, slots=True)
class Asking:
    """How a system is asked about a corpus' pictures or clips, and what of its answer is scored."""

    read: Callable[[Path, Path | None], Iterator[Item]]  # official file, folder of media
    labels: str  # the label set asked for
    is_open: bool  # the open labels are scored; else the best fit of the label set


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    title: str
    metric: str  # as signatures name it
    score: Callable[[Sequence[Sample], Setting], Scored]
    constant: Callable[[Sequence[Sample], Setting], Constant] | None  # None: there is none
    grouped: bool  # needs a word table
    preprocessing: str
    note: str = ""  # what a reader of the number should know
    needs: str = "predictions with gold labels"  # what a user has to name
    read: Callable[[Path], Iterator[Item]] | None = None  # gold from the official file
    asking: Asking | None = None  # None: only predictions are scored


@cache
def tasks() -> Mapping[str, Task]:
    found = [task for module in _MODULES for task in import_module(module).TASKS]
    return {task.name: task for task in found}


def task(name: str) -> Task:
    """Raises UnknownName."""
    if name not in tasks():
        raise UnknownName("task", name, tasks())
    return tasks()[name]
