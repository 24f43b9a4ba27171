"""Which statements about a face do action unit values support? For texts without citations.

ExpLLM's descriptions cite nothing, so each sentence is held against all 24 values of its picture.
A statement is one movement that a sentence names: shown, absent, or of a strength. The verdict of
a sentence is the worst of its statements. "Unsupported" means unsupported by these values: they
are a machine's, and a text that disagrees with them need not be wrong.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from demeanor.explain.reasoning.claims import sentences

_HEADING = re.compile(
    r"^\W*(?:\d+[.)]\s*)?\W*(?:key observations?|overall emotional interpretation"
    r"|overall interpretation|interpretation|conclusion)\W*?:\W*",
    re.IGNORECASE,
)
_PART_OF_FACE = re.compile(
    r"\b(?:face|facial|eye\w*|brow\w*|lid\w*|lip\w*|mouth\w*|jaw\w*|cheek\w*|nos\w+|chin\w*|smil\w*"
    r"|frown\w*|grin\w*|squint\w*|pout\w*|grimac\w*|forehead|blink\w*|pucker\w*)\b",
    re.IGNORECASE,
)


class Support(StrEnum):
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported by these values"
    UNKNOWN = "not among the values"
    NOTHING = "no movement is stated"


@dataclass(frozen=True, slots=True)
class Sentence:
    part: str  # observations, interpretation, conclusion
    text: str


def face_sentences(description: str) -> Iterator[Sentence]:
    """Sentences that name a part of the face, whether or not they state a movement of it.

    The filter is wider than the checker's own list, so that what the checker misses is counted.
    """
    part = "observations"
    for line in description.splitlines():
        plain = line.replace("**", "").strip()
        heading = _HEADING.match(plain)
        if heading:
            part = _part(heading[0])
            plain = plain[heading.end() :]
        for text in sentences(plain):
            if _PART_OF_FACE.search(text):
                yield Sentence(part, text.lstrip("-*• ").strip())


def _part(heading: str) -> str:
    words = heading.lower()
    if "conclusion" in words:
        return "conclusion"
    return "interpretation" if "interpretation" in words else "observations"


def told(values: Mapping[str, float]) -> str:
    """The values that are not zero, for people."""
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items() if value > 0) or "none"
