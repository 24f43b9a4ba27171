"""What demeanor-mini need not find itself: what stands behind an id that it names; a published
pattern, named by its units, then each unit in its turn, with the id of its line or that it is not
there; and what it says of its label, which is to go with the label and its share.

`For disgust 9+10+17 is listed (Du, Tao & Martinez 2014): AU9 [f3] – AU10 absent – AU17 [f1]`
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from demeanor.explain.reasoning.cues import is_expression
from demeanor.explain.reasoning.short_form import seen
from demeanor.explain.reasoning.weigh import EMOTIONS
from demeanor.explain.records import Channel, Observation, Span

_NAMED = re.compile(r"\bFor [^\[\]:]+ (\d{1,2}(?:\+\d{1,2})+) is listed \([^()]*\):$")
_IDS = re.compile(r"\[(f\d+)\]")
_KEY, _LAST = re.compile(r"\n- \[(f\d+)\] $"), re.compile(r"\[(f\d+)\] $")
_AFTER_KEY = "\nInterpretation:"
_BEGUN = re.compile(r"\nConclusion:( \[?|)$")
_CONCLUDED = re.compile(r"\nConclusion: \[[fvs\d, ]+\] $")
_WEIGHED = re.compile(r"\n- \[[fvs\d, ]+\] $")
_NO_ORDER = re.compile(r"\bFirst come the signs of (\w+), then those of \1\b")
_ORDER = re.compile(r"(\bFirst come the signs of (\w+), then those of (\w+)); those of \w+ weigh")
_NEXT = re.compile(r"(?<=\] )[\w ]+ comes next, with a share of \d\.\d+")
_CITED = re.compile(r"\[([fvs]\d+(?:, [fvs]\d+)+)\]")
_BESIDE = re.compile(r"comes next|First come|may hint|may go along|core of that pattern|no clear")
_ANY_ID = re.compile(r"\b([fvs]\d+)\b(?=[],])")
_MOST_CITED = 4
_MOST_OF_A_UNIT = 2  # among the key observations; moments of a pattern in the interpretation
_SURE, _AHEAD = 0.4, 0.1  # of the best label, and before the next: below these others come close
_NEUTRAL = "neutral"


def formula(pattern: Iterable[str]) -> str:
    return "+".join(code.removeprefix("AU") for code in pattern)


def found_of(pattern: Iterable[str], ids: Mapping[str, str], unmeasured: Collection[str]) -> str:
    """ids: of what is shown, by code."""

    def told(code: str) -> str:
        if code in ids:
            return f"{code} [{ids[code]}]"
        return f"{code} {'not measured' if code in unmeasured else 'absent'}"

    return " – ".join(map(told, pattern))


def looked_up(
    reply: str, observations: Iterable[Observation], unmeasured: Collection[str]
) -> str | None:
    """What follows a reply that has just named a pattern, looked up in one person's observations:
    the moment at which most of it is there, another one each time. None for every other reply."""
    before, _, line = reply.rpartition("\n")
    named = _NAMED.search(line)
    if named is None:
        return None
    pattern = [f"AU{number}" for number in named[1].split("+")]
    told = {i for old in before.splitlines() if f" {named[1]} is" in old for i in _IDS.findall(old)}
    there = [o for o in observations if o.channel is Channel.FACE and o.code in pattern]
    moment = _best_moment([o for o in there if o.obs_id not in told]) or _best_moment(there)
    return found_of(pattern, {o.code: o.obs_id for o in moment}, unmeasured)


def recited(reply: str, observations: Iterable[Observation], speech: Sequence[Span]) -> str | None:
    """What follows a reply whose key observations have just come to the id of a movement."""
    named = _KEY.search(reply)
    by_id = {o.obs_id: o for o in observations}
    if named is None or _AFTER_KEY in reply or named[1] not in by_id:
        return None
    return f"{seen(by_id[named[1]], speech)}.".removeprefix(f"[{named[1]}] ")


def stands_out(
    reply: str, observations: Iterable[Observation], speech: Sequence[Span]
) -> str | None:
    """What follows a reply that is about to say, among the key observations, that no movement of
    the face stands out, where one does: the strongest one that it has not told, or else whatever
    it has not told."""
    own = list(observations)
    if not reply.endswith("\n- ") or _AFTER_KEY in reply or not any(map(is_expression, own)):
        return None
    told = _ANY_ID.findall(reply)
    others = [o for o in own if o.obs_id not in told]
    best = max(
        others,
        key=lambda o: (is_expression(o), o.channel is Channel.FACE, _level(o)),
        default=None,
    )
    return f"{seen(best, speech)}." if best else None


def worn(reply: str, observations: Iterable[Observation]) -> set[str]:
    """Ids that the next key observation is not to be: each is told once, and of a unit that is
    shown again and again no more than two. Empty where nothing else is left to tell."""
    if _AFTER_KEY in reply:
        return set()
    told, by_id = _ANY_ID.findall(reply), {o.obs_id: o for o in observations}
    often = Counter(by_id[i].code for i in told if i in by_id)
    found = {
        i
        for i, o in by_id.items()
        if i in told or (o.channel is Channel.FACE and often[o.code] >= _MOST_OF_A_UNIT)
    }
    return found if found < by_id.keys() else set()


def unit_of(reply: str, observations: Iterable[Observation]) -> str | None:
    """The unit that a reply has to name behind the id that it ends with."""
    named = _LAST.search(reply)
    return next((o.code for o in observations if named and o.obs_id == named[1]), None)


def concluded(reply: str, shares: Mapping[str, float]) -> str | None:
    """What follows `Conclusion:` or the ids behind it. shares: of the labels, the likeliest first.
    It cites what the first line cites that speaks for the label; where none does, the ids are left
    to the model. None for labels that are no emotions, and where nothing is concluded yet."""
    (best, sure), (_, second), *_ = [*shares.items(), ("", 0.0), ("", 0.0)]
    if best not in (*EMOTIONS, _NEUTRAL):
        return None
    begun = _BEGUN.search(reply)
    head = _support(reply, best).removeprefix(begun[1]) if begun else ""
    if not head and _CONCLUDED.search(reply) is None:
        return None
    if best == _NEUTRAL:
        told = "What was noted carries no clear sign of an emotion, and the person appears neutral"
    elif sure >= _SURE and sure - second >= _AHEAD:
        told = f"Taken together, the person appears to show {best}"
    else:
        told = f"The person may appear to show {best}, though other readings come close"
    rest = f"the closest label of the set is {best}, with a confidence of {sure:.2f}."
    return f"{head}{told}; {rest}"


def _support(reply: str, emotion: str) -> str:
    """` [f9, f10] `: of the first line of the interpretation that speaks for it."""
    _, _, lines = reply.partition(_AFTER_KEY)
    for line in lines.splitlines():
        said = line.removeprefix("- ")
        if re.search(rf"\b{emotion}\b", said) and not _BESIDE.search(said):
            ids = dict.fromkeys(_ANY_ID.findall(said))
            if ids:
                return f" [{', '.join(list(ids)[:_MOST_CITED])}] "
    return ""


def runner_up(reply: str, goes_on: str, shares: Mapping[str, float]) -> str | None:
    """What follows the ids of a line that is about to name another reading: the next best one."""
    is_line = _AFTER_KEY in reply and _WEIGHED.search(reply) is not None
    if not is_line or goes_on.lower() not in EMOTIONS or len(shares) < 2:
        return None
    return f"{_next(shares)}."


def _next(shares: Mapping[str, float]) -> str:
    _, (label, share), *_ = shares.items()
    return f"{label.capitalize()} comes next, with a share of {share:.2f}"


def once(reply: str, shares: Mapping[str, float] | None = None) -> str:
    """Its interpretation without lines that stand there already or say less, each id of a line
    once. shares: of the labels, the likeliest first, which is its own: of two readings that follow
    each other that one weighs more, and what comes next is the second. A last line is held back
    until it is whole: nothing is taken back."""
    before, after, lines = reply.partition(_AFTER_KEY)
    kept: list[str] = []
    *whole, last = lines.split("\n")
    for line in (_settled(line, shares or {}) for line in whole):
        if not line.startswith("- ") or not (line in kept or _says_less(line, kept)):
            kept.append(line)
    if not whole or last[:2] not in ("", "-", "- "):
        kept.append(last)
    return before + after + "\n".join(kept)


def _settled(line: str, shares: Mapping[str, float]) -> str:
    if not line.startswith("- "):
        return line
    line = _CITED.sub(lambda ids: f"[{', '.join(dict.fromkeys(ids[1].split(', ')))}]", line)
    if len(shares) > 1:
        line = _NEXT.sub(_next(shares), line)
    order, best = _ORDER.search(line), next(iter(shares), "")
    if order is None or best not in order.groups()[1:]:
        return line
    return line.replace(order[0], f"{order[1]}; those of {best} weigh")


def _says_less(line: str, before: Iterable[str]) -> bool:
    """An order of one reading with itself, less of a pattern than was told of it before, or one
    more moment of it."""
    head, is_pattern, found = line.partition(" is listed ")
    again = sum(old.startswith(f"{head} is listed ") for old in before) if is_pattern else 0
    less = again and " absent" in found
    return bool(_NO_ORDER.search(line) or less or again >= _MOST_OF_A_UNIT)


def _best_moment(there: Sequence[Observation]) -> list[Observation]:
    """The strongest of each code, of those that are there at the same time."""
    moments = [_around(o, there) for o in there]
    return max(moments, key=lambda m: (len(m), sum(map(_level, m))), default=[])


def _around(one: Observation, there: Iterable[Observation]) -> list[Observation]:
    found = {one.code: one}
    for other in sorted(there, key=_level, reverse=True):
        whole = Span(
            min(o.span.start_s for o in found.values()), max(o.span.end_s for o in found.values())
        )
        if other.span.meets(whole):
            found.setdefault(other.code, other)
    return list(found.values())


def _level(observation: Observation) -> float:
    return abs(observation.peak or 0.0)
