"""Emotion words of a text hidden, so that a reasoner cannot copy the answer out of its question.

Masked is what a word table knows, in all its forms, and what the gold labels of the whole set
say. Rather too much than too little: `content` and `low` go too. What names a movement or a sound
("a frown", "a raised voice") is a cue and stays, though it may be in the table.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from demeanor.eval.tables import WordTable
from demeanor.eval.words import plain
from demeanor.explain.reasoning.cues import find_mentions
from demeanor.explain.reasoning.tables import phrases

MASK = "____"
_MIN_CHARS = 3
# In the word tables by another sense; as words of body, scene and speech they are clues.
_SCENE = frozenset(
    "seen see wearing bed neck floor long longer past number kick okay know known understand"
    " future leaning crossed pictures low dark engaged engaging engages wild".split()
)


@dataclass(frozen=True, slots=True)
class Mask:
    """`name` says what was masked with; it stands in what a run remembers."""

    name: str
    pattern: re.Pattern[str]

    def hide(self, text: str) -> str:
        """Each emotion word becomes a mark of one length, whatever the word's."""
        cues = [(m.start, m.end) for m in find_mentions(text)]

        def hidden(match: re.Match[str]) -> str:
            at = match.start()
            return match[0] if any(start <= at < end for start, end in cues) else MASK

        return self.pattern.sub(hidden, text)

    def left(self, text: str) -> list[str]:
        """Emotion words that are still in the text."""
        return [match[0] for match in self.pattern.finditer(text)]


def mask_of(table: WordTable, labels: Iterable[str] = ()) -> Mask:
    """A mask of a word table's words, a set's own labels and the prototype's words for states."""
    states = {" ".join(p.words) for p in phrases() if p.is_state}
    words = {w for grouping in table.groupings.values() for w in grouping}
    words |= states | set(map(plain, labels))
    words |= {w[:-1] + end for w in words if w.endswith("y") for end in ("ily", "iness")}
    kept = sorted(
        (w for w in words if len(w) >= _MIN_CHARS and w not in _SCENE),
        key=lambda word: (-len(word), word),
    )
    digest = hashlib.sha256("\n".join(kept).encode()).hexdigest()[:8]
    # Adverbs are in no table: "calmly" follows from "calm", as "angrily" above from "angry".
    body = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in kept)
    return Mask(
        f"{table.version}.{digest}", re.compile(rf"\b(?:{body})(?:ly|ness)?\b", re.IGNORECASE)
    )
