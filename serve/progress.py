"""What commands that count their samples, steps or rows have in common on the screen."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Move = Callable[[int, int, str], None]  # done, of how many, what stands before the bar


class Foreseen(Protocol):
    """What a dry run says."""

    def as_dict(self) -> dict[str, Any]: ...

    def lines(self) -> Iterator[str]: ...


@contextmanager
def counting(console: Console, title: str) -> Iterator[Move]:
    """A bar that is moved; nothing where nobody looks on."""
    if not console.is_terminal:
        yield lambda done, n, said: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(title, total=None)

        def move(done: int, n: int, said: str) -> None:
            progress.update(bar, completed=done, total=n, description=said)

        yield move


def with_failures(said: str, failed: int) -> str:
    return f"{said} ({failed} failed)" if failed else said


def show_foreseen(found: Foreseen, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in found.lines():
        console.print(line, markup=False)
