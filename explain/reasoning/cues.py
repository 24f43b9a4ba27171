"""Find which measured cues a sentence names: by code ("AU12") or by plain phrase.

The phrases are in `cue_phrases.csv`, specific before general: a stretch of text that one row has
taken is not read again, so that "inner brows raised" is AU1 and not any raised brow.
"""

import csv
import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files

from demeanor.explain.records import Channel, NotMeasured, Observation
from demeanor.explain.vocabulary import MOVEMENTS, VOICE_WORDS, Region

ANY = {"@face": Channel.FACE, "@voice": Channel.VOICE, "@words": Channel.SPEECH}
# Pose, gaze, hands, and blinks are no expression of the face.
_NOT_FACE = (Region.HEAD, Region.GAZE, Region.HAND)
_AUS = re.compile(r"\bAU\s?(\d{1,2})([LR])?((?:\s?\+\s?(?:AU)?\d{1,2})*)\b")
_CLAUSE_END = r"[,;:]|\s[–—]\s|\b(?:but|while|whereas|although|though|however|yet|so|and then)\b"
_NEXT_OF_LIST = re.compile(r"\s[–—]\s(?=AU\d)")  # "AU9 [f2] – AU10 absent"
_NO_BEFORE = re.compile(  # at most five words before the cue: "no lowered or knitted brows"
    r"\b(?:no|not|without|lacks?|lacking|neither|nor|never|absence of|free of|absent|missing"
    r"|\w+n['’]t)\b"
    r"(?!\s+(?:only|just|agree|fit|match|support|explain|outweigh|doubt|other|further|more"
    r"|(?:contradict|conflict)\w*)\b)"
    r"(?:\W+\w+){0,5}\W*$",
    re.IGNORECASE,
)
_NO_AFTER = re.compile(  # "AU5 is not seen", "AU5, which was not observed", "AU5 stays absent"
    r"^(?:[^.,;:]{0,40}?\b|,? (?:which|that) )(?:(?:is|are|was|were) (?:also |both |all )?)?(?:"
    r"(?:not|never) (?:seen|visible|present|observed|noted|shown|found|there)|absent|missing)\b",
    re.IGNORECASE,
)


_NUMBERS = re.compile(r"\d+\.\d+|(?<=[\[ ][fvs])\d+")  # times and levels; ids
_UNMEASURED = re.compile(  # "AU9 was not measured", "AU9 and AU15 could not be measured"
    r"^(?:[\s,]*(?:and\s)?AU\d+[LR]?)*[^.,;:]{0,30}?\b(?:not|never|\w+n['’]t|cannot)\b"
    r"[^.,;:]{0,20}?\bmeasur",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A cue named in a claim. Any of `codes` will do; a sign wants that direction of change."""

    text: str
    start: int
    end: int
    codes: tuple[str, ...]  # "AU12", "AU12L", "F0semitoneFrom27.5Hz+", "@face"
    negated: bool
    unmeasured: bool  # "AU9 was not measured": neither present nor absent

    def shown_by(self, observation: Observation) -> bool:
        return any(_shows(code, observation) for code in self.codes)

    def same_cue_as(self, observation: Observation) -> bool:
        """The same cue, whatever its direction or side."""
        return any(_bare(code) == observation.code for code in self.codes)


def find_mentions(masked: str) -> list[Mention]:
    """The cues named in a claim (its quotes masked), in the order of the text."""
    found = _found(_NUMBERS.sub(_same_length, masked))
    return [replace(m, text=masked[m.start : m.end]) for m in found]


def _same_length(number: re.Match[str]) -> str:
    return re.sub(r"\d", "0", number[0])


@lru_cache(maxsize=16384)  # many claims differ in times, levels and ids alone: no cue is in these
def _found(masked: str) -> tuple[Mention, ...]:
    found, taken = [], masked
    for match in _AUS.finditer(masked):
        for code in _codes_of(match):
            found.append(_mention(masked, match, (code,)))
        taken = _blanked(taken, match)
    taken = _lower(taken)
    for phrase, codes in _phrases():
        for match in phrase.finditer(taken):
            found.append(_mention(masked, match, codes))
            taken = _blanked(taken, match)
    return tuple(sorted(found, key=lambda mention: mention.start))


def _lower(text: str) -> str:
    """In small letters and as long as before: faster than to search without regard to case."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(map(_small, text))


def _small(char: str) -> str:
    return char.lower() if len(char.lower()) == 1 else char


def is_expression(observation: Observation) -> bool:
    """A movement of the face itself: neither a blink nor a turn of head or eyes."""
    unit = MOVEMENTS.get(observation.code)
    return unit is not None and unit.region not in _NOT_FACE and unit.code != "AU45"


def hides_face(gap: NotMeasured, person: str | None) -> bool:
    """Whether no movement of this person's face could be measured in the whole clip.

    For a person who was followed, a gap that names nobody tells of other faces.
    """
    names_face = re.search(r"\bface\b|\baction units\b", gap.what, re.IGNORECASE) is not None
    return names_face and gap.span is None and gap.person == person


def direction(observation: Observation) -> float | None:
    """Change against the usual, else against the population; None where neither is known."""
    change = observation.change_from_usual
    return observation.change_from_population if change is None else change


@cache
def _phrases() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    text = files("demeanor.explain.reasoning").joinpath("cue_phrases.csv").read_text("utf-8")
    return tuple(
        (re.compile(rf"\b(?:{row['phrase']})\b"), tuple(row["codes"].split()))
        for row in csv.DictReader(text.splitlines())
    )


def _codes_of(match: re.Match[str]) -> list[str]:
    more = re.findall(r"\d{1,2}", match[3])
    return [f"AU{match[1]}{match[2] or ''}", *(f"AU{number}" for number in more)]


def _mention(masked: str, match: re.Match[str], codes: tuple[str, ...]) -> Mention:
    before = re.split(_CLAUSE_END, masked[: match.start()], flags=re.IGNORECASE)[-1]
    after = _NEXT_OF_LIST.split(masked[match.end() :])[0]
    inside = re.search(r"\b(?:not|never|hardly)\b", match[0], re.IGNORECASE)  # "brows not raised"
    negated = bool(inside or _NO_BEFORE.search(before) or _NO_AFTER.search(after))
    unmeasured = bool(_UNMEASURED.search(after))
    return Mention(match[0], match.start(), match.end(), codes, negated, unmeasured)


def _blanked(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + "\0" * len(match[0]) + text[match.end() :]


def _shows(code: str, observation: Observation) -> bool:
    if code == "@face":
        return is_expression(observation)
    if code in ANY:
        return observation.channel is ANY[code]
    if _bare(code) != observation.code:
        return False
    if code[-1] in "LR":
        return code[-1] == observation.side
    change = direction(observation)
    return change is None or code[-1] not in "+-" or (change > 0) == (code[-1] == "+")


def _bare(code: str) -> str:
    if code.startswith("AU"):
        return code.rstrip("LR")
    return code[:-1] if code not in VOICE_WORDS and code[-1] in "+-" else code
