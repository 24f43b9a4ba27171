"""A published pattern as demeanor-mini tells it: named by its units, then each unit in its turn,
with the id of its line or that it is not there.

`For disgust 9+10+17 is listed (Du, Tao & Martinez 2014): AU9 [f3] – AU10 absent – AU17 [f1]`
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from demeanor.explain.records import Span

_NAMED = re.compile(r"\bFor [^\[\]:]+ (\d{1,2}(?:\+\d{1,2})+) is listed \([^()]*\):$")
_LINE = re.compile(
    r"^\[(f\d+)\] (AU\d+)[LR]?(?: [A-E] (\d\.\d)| (\d+) degrees)?(?:, (\d+\.\d)(?:-(\d+\.\d))? s)?",
    re.MULTILINE,
)
_IDS = re.compile(r"\[(f\d+)\]")
_UNMEASURED = re.compile(r"^no: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Shown:
    obs_id: str
    code: str
    level: float
    span: Span


def formula(pattern: Iterable[str]) -> str:
    return "+".join(code.removeprefix("AU") for code in pattern)


def found_of(pattern: Iterable[str], ids: Mapping[str, str], unmeasured: Collection[str]) -> str:
    """ids: of what is shown, by code."""

    def told(code: str) -> str:
        if code in ids:
            return f"{code} [{ids[code]}]"
        return f"{code} {'not measured' if code in unmeasured else 'absent'}"

    return " – ".join(map(told, pattern))


def looked_up(reply: str, shown: str) -> str | None:
    """What follows a reply that has just named a pattern, looked up in the short form: the moment
    at which most of it is there, another one each time. None for every other reply."""
    before, _, line = reply.rpartition("\n")
    named = _NAMED.search(line)
    if named is None:
        return None
    pattern = [f"AU{number}" for number in named[1].split("+")]
    gaps = _UNMEASURED.search(shown)
    told = {i for old in before.splitlines() if f" {named[1]} is" in old for i in _IDS.findall(old)}
    lines = _lines(shown, pattern)
    moment = _best_moment([s for s in lines if s.obs_id not in told]) or _best_moment(lines)
    ids = {s.code: s.obs_id for s in moment}
    return found_of(pattern, ids, gaps[1].split(", ") if gaps else ())


def _lines(shown: str, pattern: Collection[str]) -> list[_Shown]:
    found = []
    for obs_id, code, level, degrees, start, end in _LINE.findall(shown):
        if code in pattern:
            start_s = float(start or 0)
            span = Span(start_s, float(end) if end else start_s)
            found.append(_Shown(obs_id, code, float(level or degrees or 0), span))
    return found


def _best_moment(lines: Sequence[_Shown]) -> list[_Shown]:
    """The strongest of each code, of those that are there at the same time."""
    moments = [_around(line, lines) for line in lines]
    return max(moments, key=lambda m: (len(m), sum(s.level for s in m)), default=[])


def _around(line: _Shown, lines: Sequence[_Shown]) -> list[_Shown]:
    found = {line.code: line}
    for other in sorted(lines, key=lambda s: -s.level):
        whole = Span(
            min(s.span.start_s for s in found.values()), max(s.span.end_s for s in found.values())
        )
        if other.span.meets(whole):
            found.setdefault(other.code, other)
    return list(found.values())
