"""Which statements about a face do action unit values support? For texts without citations.

ExpLLM's descriptions cite nothing, so each sentence is held against all 24 values of its picture.
A statement is one movement that a sentence names: shown, absent, or of a strength. The verdict of
a sentence is the worst of its statements. "Unsupported" means unsupported by these values: they
are a machine's, and a text that disagrees with them need not be wrong.

How strong a word may be follows `reasoning/ground.py`: a word stands for a FACS letter, letters
are fifths of a value (explain/corpora/feafa.py), and a neighbouring letter will do. A number that
is written beside the movement decides alone: it is the value, or it is not.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

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
_CLAUSE = re.compile(
    r"[;:—–](?!\s*(?:\d|left\b|right\b|both\b))"
    r"|,(?! (?:and )?(?:left|right|minimal|subtle|slight|moderate|valued|measur\w*)\b)"
    r"|\b(?:while|whereas|but|although|though|despite|contrasting|suggest\w*|indicat\w*|reflect\w*"
    r"|signal\w*|hint\w*|convey\w*|imply|implies|implying|typically|often|enhanc\w*)\b"
    r"|\b(?:rather than|instead of|differs? from|as opposed to)\b.*",  # what it is not
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])(?:0?\.\d+|1\.0+|0\.\d+)(?!\w)")
_NO = re.compile(
    r"\b(?:no|not|without|lack\w*|absence|absent|devoid|free of|neither|nor|never)\b(?!\s+only)",
    re.IGNORECASE,
)
_REACH = 6  # words between what moves and how
_WORDS_BEFORE = 4  # a strength stands this close before either of them,
_WORDS_AFTER = 2  # or this close behind: "the brows are raised slightly"
_BARELY_MOST = 0.3
_STRENGTHS = (  # words, least and greatest value that they may stand for: a letter off will do
    (
        r"minimal\w*|barely|negligible|limited|hardly|scarcely|mostly|muted|subdued|reduced",
        -1.0,
        _BARELY_MOST,
    ),
    (r"slight\w*|subtl\w*|mild\w*|minor\w*|gentl\w*|faint\w*|small|low|weak\w*", 0.05, 0.7),
    (r"moderate\w*", 0.3, 0.9),
    (r"partial\w*|somewhat", 0.05, 0.9),
    (r"notabl\w*|significant\w*|marked\w*|clear\w*|noticeabl\w*|considerabl\w*", 0.3, 1.0),
    (
        r"strong\w*|pronounced|intens\w*|prominent\w*|high|full\w*|substantial\w*|extreme\w*",
        0.5,
        1.0,
    ),
)
_PLAIN = (0.1, 1.0)  # no word of strength: half of an A, below which FACS' letter is 0
_NUMBER_SLACK = 0.02
_NOTHING = 0.02  # the model behind the values seldom writes an exact zero


class Support(StrEnum):
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"  # by these values
    UNKNOWN = "unknown"  # a movement that is not among the values
    NOTHING = "nothing"  # no movement is stated


@dataclass(frozen=True, slots=True)
class Sentence:
    part: str  # observations, interpretation, conclusion
    text: str


class Against(StrEnum):
    """How the values speak against a statement."""

    NOT_THERE = "nothing is there"  # less than 0.02
    WEAKER = "it is weaker than said"
    STRONGER = "it is stronger than said"
    THERE = "it is there, and is denied"
    NUMBER = "another number"


@dataclass(frozen=True, slots=True)
class Statement:
    text: str  # what moves and how, as it stands there
    support: Support
    reason: str
    against: Against | None = None  # only where it is unsupported


@dataclass(frozen=True, slots=True)
class _Rule:
    noun: re.Pattern[str]
    movement: re.Pattern[str]
    values: tuple[str, ...]  # any of them will do; none: the values do not tell
    absent: bool


@dataclass(frozen=True, slots=True)
class _Named:
    """A part of the face in a clause, with the nearest way in which it is said to move."""

    rule: _Rule
    start: int
    end: int
    noun: str


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


def check_sentence(text: str, values: Mapping[str, float]) -> tuple[Support, list[Statement]]:
    """The worst of what the sentence states, and each statement with its reason."""
    found = [s for clause in _clauses(text) for s in _statements(clause, values)]
    kinds = {statement.support for statement in found}
    for kind in (Support.UNSUPPORTED, Support.SUPPORTED, Support.UNKNOWN):
        if kind in kinds:
            return kind, found
    return Support.NOTHING, found


def told(values: Mapping[str, float]) -> str:
    """The values that are not zero, for people."""
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items() if value > 0) or "none"


def _part(heading: str) -> str:
    words = heading.lower()
    if "conclusion" in words:
        return "conclusion"
    return "interpretation" if "interpretation" in words else "observations"


def _clauses(text: str) -> Iterator[str]:
    """What stands in brackets stays with what it explains."""
    plain = re.sub(r"\(([^()]*)\)", lambda m: f"({re.sub('[,;:]', ' ', m[1])})", text)
    yield from (clause for clause in _CLAUSE.split(plain) if clause and clause.strip())


def _statements(clause: str, values: Mapping[str, float]) -> Iterator[Statement]:
    for named in _named(clause):
        text = clause[named.start : named.end].strip()
        if not named.rule.values:
            yield Statement(text, Support.UNKNOWN, "not among the values")
            continue
        measured = _measured(named, clause, values)
        yield _judged(text, named, clause, measured)


def _named(clause: str) -> list[_Named]:
    """Each part of the face once, longest names first, with its nearest movement."""
    found: list[_Named] = []
    taken = clause
    for noun in _nouns():
        for match in noun.finditer(taken):
            best = _nearest(clause, noun, match)
            if best is not None:
                found.append(best)
                taken = taken[: match.start()] + "\0" * len(match[0]) + taken[match.end() :]
    return sorted(found, key=lambda named: named.start)


def _nearest(clause: str, noun: re.Pattern[str], at: re.Match[str]) -> _Named | None:
    best: tuple[int, _Named] | None = None
    for rule in _rules():
        if rule.noun.pattern != noun.pattern:
            continue
        for movement in rule.movement.finditer(clause):
            start, end = min(at.start(), movement.start()), max(at.end(), movement.end())
            between = clause[min(at.end(), movement.end()) : max(at.start(), movement.start())]
            n_words = len(between.split())
            if n_words <= _REACH and (best is None or n_words < best[0]):
                best = (n_words, _Named(rule, start, end, at[0]))
    return best[1] if best else None


def _measured(named: _Named, clause: str, values: Mapping[str, float]) -> dict[str, float]:
    """The values in question: of the side that is named, where one side alone is."""
    before = clause[max(0, named.start - 25) : named.end].lower()
    sides = {side for side in ("left", "right") if re.search(rf"\b{side}\b", before)}
    names = named.rule.values
    if len(sides) == 1:
        (side,) = sides
        names = tuple(n for n in names if n.startswith(side)) or names
    return {name: values[name] for name in names}


def _judged(text: str, named: _Named, clause: str, measured: Mapping[str, float]) -> Statement:
    most = max(measured.values())
    said = f"{', '.join(f'{name} {value:.2f}' for name, value in measured.items())}"
    numbers = [float(n) for n in _NUMBER.findall(clause[named.start : named.end + 45])]
    if numbers:
        right = any(abs(n - v) <= _NUMBER_SLACK for n in numbers for v in measured.values())
        against = None if right else Against.NUMBER
        return _statement(text, f"numbers {numbers}; {said}", against)
    if named.rule.absent or _NO.search(clause[max(0, named.start - 30) : named.end]):
        against = None if most < _BARELY_MOST else Against.THERE
        return _statement(text, f"said to be absent; {said}", against)
    least, greatest, word = _strength(named, clause)
    return _statement(text, f"{word}; {said}", _beyond(most, least, greatest))


def _beyond(most: float, least: float, greatest: float) -> Against | None:
    if most > greatest:
        return Against.STRONGER
    if most >= least:
        return None
    return Against.NOT_THERE if most < _NOTHING else Against.WEAKER


def _statement(text: str, reason: str, against: Against | None) -> Statement:
    support = Support.UNSUPPORTED if against else Support.SUPPORTED
    return Statement(text, support, reason, against)


def _strength(named: _Named, clause: str) -> tuple[float, float, str]:
    """The nearest word of strength: between what moves and how, shortly before or behind both."""
    before = clause[: named.start].split()[-_WORDS_BEFORE:]
    behind = re.split(r"\band\b|,", clause[named.end :])[0].split()[:_WORDS_AFTER]
    if not behind or not re.fullmatch(r"\w+ly|is|are|remains?", behind[0].strip(".!?"), re.I):
        behind = []  # "raises a slight question" is no strength of the brow
    near = " ".join([*before, clause[named.start : named.end], *behind])
    found = [
        (match.start(), least, most, match[0])
        for words, least, most in _STRENGTHS
        for match in re.finditer(rf"\b(?:{words})\b", near, re.IGNORECASE)
    ]
    if not found:
        return (*_PLAIN, "without a word of strength")
    _, least, most, word = max(found)  # the last one stands nearest
    return least, most, word


@cache
def _rules() -> tuple[_Rule, ...]:
    text = files("demeanor.data_engine").joinpath("au_claim_words.csv").read_text("utf-8")
    return tuple(
        _Rule(
            re.compile(rf"\b(?:{row['noun']})\b", re.IGNORECASE),
            re.compile(rf"\b(?:{row['movement']})\b", re.IGNORECASE),
            tuple(row["values"].split()),
            row["absent"] == "yes",
        )
        for row in csv.DictReader(text.splitlines())
    )


@cache
def _nouns() -> Sequence[re.Pattern[str]]:
    """Long names before short ones: "upper lip" is not any lip."""
    unique = {rule.noun.pattern: rule.noun for rule in _rules()}
    return sorted(unique.values(), key=lambda noun: -len(noun.pattern))
