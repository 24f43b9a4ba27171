"""What people in drawn clips say: sentences that put an appraisal into words (sayings.yaml)."""

import random
import re
from functools import cache

from demeanor.data_engine.simulate.tables import NEUTRAL, coarse_names, sayings

_SLOT = re.compile(r"\{(\w+)\}")
_NAMED_SHARE = 0.2  # of sentences that name the state itself; the others have to be read; ours
_FILLER_SHARE = 0.2
_ENDS = ("", "", "", "", " Really.", " You know.", " That is how it is.", " I mean it.")
_STARTS = ("", "", "", "", "", "Well, ", "Look, ", "So, ", "Listen, ", "And ")
NAMED = "named"


@cache
def speaking_emotions() -> frozenset[str]:
    """Emotions that there are sentences for."""
    return frozenset(sayings()["emotions"])


def said(emotion: str, draw: random.Random, named: bool | None = None) -> tuple[str, str] | None:
    """A sentence of somebody who shows this, and what it goes with; None where there is none.

    A compound speaks of one of its two. named: whether the sentence may name the state; None: now
    and then.
    """
    known = sayings()["emotions"]
    if emotion not in known:
        halves = [e for e in coarse_names().get(emotion, ()) if e in known]
        if not halves:
            return None
        emotion = draw.choice(halves)
    named = draw.random() < _NAMED_SHARE if named is None else named
    groups = {k: v for k, v in known[emotion].items() if (k == NAMED) == named}
    group = groups or known[emotion]
    kind = draw.choice(sorted(group))
    text = _filled(draw.choice(group[kind]), draw)
    start = draw.choice(_STARTS)
    if start and not text.startswith(("I ", "I'")):
        text = text[0].lower() + text[1:]
    return f"{start}{text}{draw.choice(_ENDS) if emotion != NEUTRAL else ''}", emotion


def small_talk(draw: random.Random) -> tuple[str, str]:
    found = said(NEUTRAL, draw)
    assert found is not None  # noqa: S101 sayings.yaml has sentences for it: a test says so
    return found


def _filled(template: str, draw: random.Random) -> str:
    fillers = sayings()["fillers"]

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        word: str = draw.choice(fillers[name.lower()])
        return word[0].upper() + word[1:] if name[0].isupper() else word

    return _SLOT.sub(fill, template)
