"""A line of bounded length before a worker; whoever finds it full is told when to come again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from demeanor.explain.errors import DemeanorError

Cancelled = Callable[[], bool]
_LOOK_S = 0.2  # how often whoever waits looks whether they are still wanted
_FIRST_GUESS_S = 10.0  # of a piece of work, before one was done; ours
_LEAST_S, _MOST_S = 1, 600


class Busy(DemeanorError):
    """The line is full."""

    def __init__(self, what: str, places: int, retry_after_s: int) -> None:
        super().__init__(
            f"{what}: all {places} places of the queue are taken. Try again in {retry_after_s} s"
        )
        self.retry_after_s = retry_after_s


class NoLongerWanted(DemeanorError):
    """Whoever asked has gone: the work was stopped, and nobody reads this."""

    def __init__(self) -> None:
        super().__init__("stopped, since whoever asked has gone")


def unless(cancelled: Cancelled) -> None:
    if cancelled():
        raise NoLongerWanted


@dataclass(frozen=True, slots=True)
class State:
    working: int
    waiting: int
    places: int


class Line:
    """At most `workers` work and `places` wait; in the order in which they came."""

    def __init__(self, what: str, workers: int = 1, places: int = 8) -> None:
        self.what, self.workers, self.places = what, workers, places
        self._changed = threading.Condition()
        self._inside: list[Ticket] = []  # the first `workers` of it work
        self._took_s = _FIRST_GUESS_S

    def join(self) -> "Ticket":
        """A place in the line, to be entered with `with`. Raises Busy."""
        with self._changed:
            if len(self._inside) >= self.workers + self.places:
                raise Busy(self.what, self.places, self._retry_after_s())
            ticket = Ticket(self)
            self._inside.append(ticket)
            return ticket

    @property
    def state(self) -> State:
        with self._changed:
            working = min(self.workers, len(self._inside))
            return State(working, len(self._inside) - working, self.places)

    def _retry_after_s(self) -> int:
        """Until the first of those who wait will have been served, by what the last ones took."""
        return int(min(max(self._took_s / self.workers + 1, _LEAST_S), _MOST_S))

    def _wait(self, ticket: "Ticket", cancelled: Cancelled) -> None:
        with self._changed:
            while ticket not in self._inside[: self.workers]:
                unless(cancelled)
                self._changed.wait(_LOOK_S)

    def _leave(self, ticket: "Ticket", took_s: float | None) -> None:
        with self._changed:
            if ticket in self._inside:
                self._inside.remove(ticket)
            if took_s is not None:
                self._took_s = 0.5 * self._took_s + 0.5 * took_s
            self._changed.notify_all()


class Ticket:
    """A place in a line, given back however its `with` ends."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def __enter__(self) -> "Ticket":
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()

    def leave(self) -> None:
        self.line._leave(self, None)

    @contextmanager
    def turn(self, cancelled: Cancelled = lambda: False) -> Iterator[None]:
        """Waits until it is this one's turn. Raises NoLongerWanted."""
        try:
            self.line._wait(self, cancelled)
        except NoLongerWanted:
            self.leave()
            raise
        begun_s = time.monotonic()
        try:
            yield
        finally:
            self.line._leave(self, time.monotonic() - begun_s)
