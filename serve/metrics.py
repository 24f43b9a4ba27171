"""Counts for /metrics, in the text that Prometheus reads. No names, no texts, no addresses."""

import threading
from collections import defaultdict
from collections.abc import Mapping

from demeanor.serve.waiting import State

_HELP = {
    "requests_total": ("counter", "Requests by route and status."),
    "request_seconds_sum": ("counter", "Seconds until a response was sent, added up."),
    "request_seconds_count": ("counter", "Requests whose seconds were added up."),
    "stage_seconds_sum": ("counter", "Seconds of a stage of explaining, added up."),
    "stage_seconds_count": ("counter", "Stages whose seconds were added up."),
    "answers_total": ("counter", "Answers by the kind of query."),
    "queue_working": ("gauge", "How many are being served."),
    "queue_waiting": ("gauge", "How many wait."),
}
Labels = tuple[tuple[str, str], ...]


class Metrics:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, Labels], float] = defaultdict(float)

    def add(self, name: str, by: float = 1.0, **labels: str) -> None:
        with self._lock:
            self._counts[name, tuple(sorted(labels.items()))] += by

    def took(self, name: str, seconds: float, **labels: str) -> None:
        self.add(f"{name}_seconds_sum", seconds, **labels)
        self.add(f"{name}_seconds_count", 1.0, **labels)

    def text(self, lines: Mapping[str, State]) -> str:
        with self._lock:
            counts = dict(self._counts)
        for line, state in lines.items():
            counts["queue_working", (("line", line),)] = state.working
            counts["queue_waiting", (("line", line),)] = state.waiting
        told = []
        for name, (kind, said) in _HELP.items():
            told += [f"# HELP demeanor_{name} {said}", f"# TYPE demeanor_{name} {kind}"]
            own = sorted((labels, n) for (of, labels), n in counts.items() if of == name)
            told += [f"demeanor_{name}{_braces(labels)} {n:.10g}" for labels, n in own]
        return "\n".join(told) + "\n"


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
