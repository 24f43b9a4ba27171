"""Check every claim of an explanation against the observations it cites.

GROUNDED means: what is cited exists, and says so as far as can be read. MISPLACED: it exists, but
is another cue, another time, side, strength, direction or person. UNSUPPORTED: nothing is cited,
or what is cited does not exist. A claim is kept either way; the report shows the verdict.

A claim that something was absent or not measured has nothing to cite. It is checked against all
observations, and against what could not be measured.
"""

import re
from collections.abc import Iterable, Sequence

from demeanor.explain.reasoning.claims import Claim, read_cites, split_claims
from demeanor.explain.reasoning.cues import ANY, Mention, find_mentions, hides_face, is_expression
from demeanor.explain.reasoning.parse import Parts
from demeanor.explain.reasoning.signs import unmeasured_codes
from demeanor.explain.records import (
    Channel,
    Evidence,
    Grounding,
    NotMeasured,
    Observation,
    Span,
    Unit,
)
from demeanor.explain.vocabulary import INTENSITY_LETTERS, intensity_letter

TIME_SLACK_S = 0.5  # times are written with one decimal, and onsets are soft
LETTER_SLACK = 1  # neighbouring FACS letters: human coders agree no closer
WORD_REACH = 20  # characters: "strong" belongs to a cue this close, further off to something else
_LETTER_OF_WORD = {
    **dict.fromkeys(("very slight", "very slightly", "trace", "faint", "barely"), 1),
    **dict.fromkeys(("slight", "slightly", "mild", "mildly", "weak", "subtle", "subtly"), 2),
    **dict.fromkeys(("clear", "clearly", "moderate", "moderately", "marked", "markedly"), 3),
    **dict.fromkeys(("pronounced", "strong", "strongly", "intense", "intensely", "severe"), 4),
    **dict.fromkeys(("very strong", "very strongly", "maximum", "maximal"), 5),
}
_WORD = re.compile(
    r"\b(" + "|".join(sorted(_LETTER_OF_WORD, key=len, reverse=True)) + r")\b(?! that\b)",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"\(\s*([A-E])\b|\bintensity\s+(?:of\s+)?([A-E])\b|\b(?:at|level)\s+([A-E])\b|\b([A-E])[,)]"
)
_CODE_LETTER = re.compile(r"\bAU\s?(\d{1,2})[LR]?,?\s*\(?(?:at |intensity )?([A-E])\b")
_SEGMENT = re.compile(r"[,;](?![^()]*\))|\b(?:and|with|while|but|whereas|before|after)\b")
_NUMBER = r"(\d+(?:\.\d+)?)"
_SECONDS = r"\s?(?:s\b|sec\b|seconds?\b)"
_TIMES = (
    re.compile(
        rf"\b(?:from|between)\s+{_NUMBER}(?:{_SECONDS})?\s+(?:to|and|until)\s+{_NUMBER}{_SECONDS}"
    ),
    re.compile(rf"{_NUMBER}\s?[–-]\s?{_NUMBER}{_SECONDS}"),
    re.compile(rf"\b(?:at|around|near|by|until|since)\s+(?:about\s+)?{_NUMBER}{_SECONDS}"),
)
_SIDE = re.compile(
    r"\b(left|right)(?:-sided|\s+(?:side|(?:inner\s+|outer\s+)?(?:eye)?brow|eye|(?:eye)?lid|cheek"
    r"|nostril|(?:lip|mouth)(?:\s+corner)?|corner|part))\b"
    r"|\bon\s+(?:the|his|her|their)\s+(?:person['’]s\s+)?(?:own\s+)?(left|right)\b",
    re.IGNORECASE,
)
_NOT_MEASURED = re.compile(
    r"\b(?:not|never|cannot|could not|\w+n['’]t)\s(?:\w+\s){0,3}?(?:measured|available|seen|heard"
    r"|visible|read|transcribed|detected|recorded|known|given|there)\b|\bunavailable\b|\bmissing\b"
    r"|\b(?:no|without)\s(?:\w+\s){0,2}?(?:words?|transcript|speech|voice|sound|audio|face)\b"
    r"|\bnothing (?:was|is) (?:measured|heard|seen|said)\b",
    re.IGNORECASE,
)
_PATTERN = re.compile(r"(?<![\d+.])(\d{1,2}(?:\+\d{1,2})+)(?![\d+])")
_RIGHT_BEHIND = re.compile(r"\s*\[[^\]]*\]")
_PART = re.compile(r"\b(\d+) of (?:the |its )?\d+ (?:movements|units|action units)\b")
_WHOLE = re.compile(r"\b(?:together make up|make up the|complete|all of)\b")
_SAME = {  # words of `NotMeasured.what`, and how a claim may name them
    "voice": ("voice", "sound", "audio", "prosody"),
    "words": ("word", "transcript", "said", "speech"),
    "face": ("face", "facial"),
}


def ground(
    parts: Parts,
    observations: Sequence[Observation],
    not_measured: Sequence[NotMeasured] = (),
    person: str | None = None,
) -> tuple[Evidence, ...]:
    """Every claim of the three parts with its verdict, in the order of the text."""
    checker = _Checker(observations, not_measured, person)
    texts = {
        "observations": parts.observations,
        "interpretation": parts.interpretation,
        "conclusion": parts.conclusion,
    }
    return tuple(
        checker.evidence(claim, part)
        for part, text in texts.items()
        for claim in split_claims(text)
    )


class _Checker:
    """Holds what all claims of one explanation are checked against."""

    def __init__(
        self,
        observations: Sequence[Observation],
        not_measured: Sequence[NotMeasured],
        person: str | None,
    ) -> None:
        self.by_id = {observation.obs_id: observation for observation in observations}
        self.own = [o for o in observations if _is_about(o.person, person)]
        self.not_measured = [gap for gap in not_measured if _is_about(gap.person, person)]
        self.person = person

    def evidence(self, claim: Claim, part: str) -> Evidence:
        cited = [self.by_id[cite] for cite in claim.cites if cite in self.by_id]
        verdict, reason = self._verdict(claim, cited)
        return Evidence(claim.text, claim.cites, _together(cited), verdict, reason, part)

    def _verdict(self, claim: Claim, cited: list[Observation]) -> tuple[Grounding, str | None]:
        if unknown := [cite for cite in claim.cites if cite not in self.by_id]:
            return Grounding.UNSUPPORTED, f"{', '.join(unknown)} does not exist"
        mentions = find_mentions(claim.masked)
        if not cited:
            return self._uncited(claim, mentions)
        reasons = [
            *(
                f"{o.obs_id} is about {o.person}, not {self.person}"
                for o in cited
                if not _is_about(o.person, self.person)
            ),
            *self._absences(mentions, _together(cited)),
            *_cues(claim, mentions, cited),
            *_sides(claim, mentions, cited),
            *_intensities(claim, mentions, cited),
            *_times(claim, cited),
            *self._patterns(claim, cited),
            *_quotes(claim, cited),
        ]
        if reasons:
            return Grounding.MISPLACED, "; ".join(reasons)
        return Grounding.GROUNDED, None

    def _uncited(self, claim: Claim, mentions: list[Mention]) -> tuple[Grounding, str | None]:
        """Only what was absent, or could not be measured, may be said without a citation."""
        if not all(mention.negated or mention.unmeasured for mention in mentions):
            return Grounding.UNSUPPORTED, "nothing is cited"
        if self._says_not_measured(claim):
            return Grounding.GROUNDED, None
        if not any(mention.negated for mention in mentions):
            return Grounding.UNSUPPORTED, "nothing is cited"
        if reasons := tuple(self._absences(mentions, None)):
            return Grounding.MISPLACED, "; ".join(reasons)
        return Grounding.GROUNDED, None

    def _says_not_measured(self, claim: Claim) -> bool:
        return bool(_NOT_MEASURED.search(claim.masked)) and any(
            _names(claim.masked, gap.what) for gap in self.not_measured
        )

    def _patterns(self, claim: Claim, cited: list[Observation]) -> Iterable[str]:
        """A pattern that is named by its units has to be there, as far as the claim says so."""
        found = _PATTERN.findall(claim.masked)
        if len(found) != 1:  # two at once: what belongs to which is not to be told
            return
        named = {_as_seen(f"AU{number}") for number in found[0].split("+")}
        shown = named & {_as_seen(o.code) for o in cited}
        ids = ", ".join(o.obs_id for o in cited)
        if not shown:
            yield f"nothing of {found[0]} is what {ids} shows"
        elif part := _PART.search(claim.masked):
            if len(shown) < int(part[1]):
                yield f"{part[1]} movements of {found[0]} are claimed, and {ids} shows {len(shown)}"
        elif _WHOLE.search(claim.masked):
            hidden = {_as_seen(code) for code in unmeasured_codes(self.not_measured)}
            if missing := sorted(named - shown - hidden):
                yield f"all of {found[0]} is claimed, and {', '.join(missing)} is not cited"

    def _absences(self, mentions: list[Mention], span: Span | None) -> Iterable[str]:
        """What speaks against cues said to be absent: within `span`, or in the whole clip."""
        for mention in mentions:
            gap = next((g for g in self.not_measured if _hides(g, mention, self.person)), None)
            if mention.unmeasured and gap is None:
                yield f"nothing says that {mention.text!r} was not measured"
            if mention.unmeasured or not mention.negated:
                continue
            shown = next((o for o in self.own if mention.shown_by(o) and _meets(o, span)), None)
            if shown is not None:
                yield f"{mention.text!r} is said to be absent, and {shown.obs_id} shows it"
            elif gap is not None:
                yield f"{gap.what} was not measured, so that its absence cannot be told"


def _as_seen(code: str) -> str:
    """A jaw that is stretched is measured as one that drops."""
    return "AU26" if code == "AU27" else code


def _is_about(person: str | None, wanted: str | None) -> bool:
    return person is None or wanted is None or person == wanted


def _together(observations: Sequence[Observation]) -> Span | None:
    if not observations:
        return None
    starts = [o.span.start_s for o in observations]
    return Span(min(starts), max(o.span.end_s for o in observations))


def _meets(observation: Observation, span: Span | None) -> bool:
    return span is None or observation.span.meets(span)


def _names(text: str, what: str) -> bool:
    """Whether a claim speaks of what was not measured: "words", "AU12", "face of p1"."""
    if codes := re.findall(r"AU\d+", what):
        return any(re.search(rf"\b{code}\b", text) for code in codes)
    words = [word for key, same in _SAME.items() if key in what.lower() for word in same]
    return any(re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE) for word in words or [what])


def _hides(gap: NotMeasured, mention: Mention, person: str | None) -> bool:
    """Whether a gap over the whole clip makes the absence of a cue unknowable."""
    if gap.span is not None:
        return False
    if codes := re.findall(r"AU\d+", gap.what):
        return any(code.rstrip("LR") in codes for code in mention.codes)
    channels = {_channel(code) for code in mention.codes}
    if Channel.FACE in channels:
        return hides_face(gap, person)
    return Channel.VOICE in channels and gap.what.lower() == "voice"


def _channel(code: str) -> Channel:
    if code in ANY:
        return ANY[code]
    return Channel.FACE if code.startswith(("AU", "gaze_", "hand_")) else Channel.VOICE


# --- one check each: yields what speaks against the claim ---------------------------------------


def _cues(claim: Claim, mentions: list[Mention], all_cited: list[Observation]) -> Iterable[str]:
    for mention in mentions:
        cited = _behind(mention, claim.masked, all_cited)
        absent = mention.negated or mention.unmeasured
        if absent or any(mention.shown_by(o) for o in cited):
            continue
        ids = ", ".join(o.obs_id for o in cited)
        same = next((o for o in cited if mention.same_cue_as(o)), None)
        if same is not None:
            yield f"{mention.text!r} does not agree with {same.obs_id} in direction or side"
        else:
            yield f"{mention.text!r} is not what {ids} shows"


def _behind(mention: Mention, masked: str, cited: list[Observation]) -> list[Observation]:
    """What a code is said to rest on: the ids right behind it, else all that the claim cites."""
    behind = _RIGHT_BEHIND.match(masked, mention.end)
    ids = read_cites(behind[0]) if behind and mention.text.startswith("AU") else ()
    return [o for o in cited if o.obs_id in ids] or cited


def _sides(claim: Claim, mentions: list[Mention], cited: list[Observation]) -> Iterable[str]:
    text = claim.masked
    for mention in mentions:  # "head turned to the left" is a code, not a side
        if not any(map(_may_have_side, mention.codes)):
            text = text[: mention.start] + " " * len(mention.text) + text[mention.end :]
    wanted = {(left or right)[0].upper() for left, right in _SIDE.findall(text)}
    sides = {o.side for o in cited if o.side is not None}
    for side in sorted(wanted):
        if side not in sides and any(is_expression(o) for o in cited):
            found = ", ".join(sorted(sides)) or "no side"
            yield f"the side {side} is named, and what is cited tells {found}"


def _may_have_side(code: str) -> bool:
    return code.startswith("AU") and not re.fullmatch(r"AU(5[1-8]|6[1-4])", code)


def _intensities(claim: Claim, mentions: list[Mention], cited: list[Observation]) -> Iterable[str]:
    measured = [o for o in cited if o.unit is Unit.FACS_INTENSITY and o.peak is not None]
    for number, letter in _CODE_LETTER.findall(claim.masked):
        of_code = [o for o in measured if o.code == f"AU{number}"]
        yield from _off_by_steps(INTENSITY_LETTERS.index(letter), of_code)
    for start, end in _segments(claim.masked):
        inside = [m for m in mentions if start <= m.start < end and not m.negated]
        for match in _LETTER.finditer(claim.masked, start, end):
            step = INTENSITY_LETTERS.index(next(letter for letter in match.groups() if letter))
            yield from _off_by_steps(step, _shown_by(inside, measured))
        for match in _WORD.finditer(claim.masked, start, end):
            near = [m for m in inside if _distance(match, m) <= WORD_REACH]
            step = _LETTER_OF_WORD[match[1].lower()]
            yield from _off_by_steps(step, _shown_by(near, measured))


def _shown_by(mentions: list[Mention], measured: list[Observation]) -> list[Observation]:
    return [o for o in measured if any(mention.shown_by(o) for mention in mentions)]


def _distance(word: re.Match[str], mention: Mention) -> int:
    """Characters between a word and a cue: in "a strong hint from the smile" it is not its."""
    return max(mention.start - word.end(), word.start() - mention.end)


def _segments(text: str) -> Iterable[tuple[int, int]]:
    start = 0
    for match in _SEGMENT.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _off_by_steps(step: int, shown: list[Observation]) -> Iterable[str]:
    """A complaint when no cited observation comes within one letter of the named intensity."""
    letters = {o.obs_id: intensity_letter(o.peak) for o in shown if o.peak is not None}
    steps = [abs(INTENSITY_LETTERS.index(letter) - step) for letter in letters.values()]
    if steps and min(steps) > LETTER_SLACK:
        found = ", ".join(f"{obs_id} is {letter}" for obs_id, letter in letters.items())
        yield f"intensity {INTENSITY_LETTERS[step]} is named, and {found}"


def _times(claim: Claim, cited: list[Observation]) -> Iterable[str]:
    for pattern in _TIMES:
        for match in pattern.finditer(claim.masked):
            for time_s in map(float, match.groups()):
                if not any(o.span.contains(time_s, TIME_SLACK_S) for o in cited):
                    yield f"{time_s:g} s lies outside {_spans(cited)}"


def _spans(cited: list[Observation]) -> str:
    return ", ".join(f"{o.obs_id} ({o.span.start_s:.1f}–{o.span.end_s:.1f} s)" for o in cited)


def _quotes(claim: Claim, cited: list[Observation]) -> Iterable[str]:
    said = " ".join(_plain(o.quote) for o in cited if o.quote)
    for quote in claim.quotes:
        if (words := _plain(quote)) and f" {words} " not in f" {said} ":
            yield f"“{quote}” is not said in what is cited"


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold().replace("’", "").replace("'", "")))
