"""Named checks of a row: each passes, fails with its reason, or has nothing to look at.

They read the row's own messages and observations, nothing else, so that `demeanor data check`
says of a file what `demeanor build` said when it wrote it. What stands in quotation marks was
said in the clip: it is no claim and no leak, and is counted.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from demeanor.data_engine.config import ChecksConfig
from demeanor.data_engine.label_words import find_label_words
from demeanor.data_engine.records import Check, CheckResult, ExpCoTExample
from demeanor.explain.corpora.labels import coarse_of, known_label_sets, label_set
from demeanor.explain.reasoning.chat import Message
from demeanor.explain.reasoning.claims import Claim, mask_quotes, split_claims, without_cites
from demeanor.explain.reasoning.cues import ANY, Mention, find_mentions, hides_face
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import MAX_CLAIM_CHARS, MAX_CLAIMS, Parts, parse
from demeanor.explain.records import (
    Channel,
    Evidence,
    Grounding,
    LabelSet,
    NotMeasured,
    Observation,
    Unit,
)
from demeanor.explain.vocabulary import (
    ACTION_UNITS,
    INTENSITY_WORDS,
    MOVEMENTS,
    intensity_letter,
)

BAR = "| "  # what a model may read of a clip stands behind it
_REST = ("other", "others")  # rest classes: the words are no clue to anything
_SHOWN = 80  # characters of a claim in a reason
_RUN = 5  # words in a row that make a repetition
_PEAK_SLACK = 0.25  # a written level may be rounded, not another one
_LEVEL = re.compile(r"\b(AU\d{1,2}[LR]?)\b[^.;]{0,40}?\b(\d\.\d)(?: of 5\b|\s*\))")
_NAMED = re.compile(r"\b(AU\d{1,2})[LR]?\b\s*[(,:]\s*(?:the )?([a-z]+(?: [a-z]+){1,3})")
# Frequent English words that are seldom words of its neighbours.
_ENGLISH = frozenset(
    "the of and to in is are was were with this that not for on by from which what here could"
    " appears shows no be it at as an there one up back out or its together than nor".split()
)
_MIN_ENGLISH = 0.12  # of the words; real English, ours and ExpLLM's, has .25 to .5
_LONG_SENTENCE = 8  # words; one without a single common English word is in another language
_ASIDE = re.compile(  # a text that talks to its reader, of its task, or of machines
    r"\b(?:ignor|disregard|forget|follow)\w*\b[^.]{0,40}\b(?:instruction|prompt|rule|above)\w*"
    r"|\b(?:system|user) prompt\b|\bas an? (?:ai|assistant|language model)\b|\blanguage model\b"
    r"|\byou (?:must|should|are|will|can)\b|\bplease\b|\b(?:i|i'm|i'll|my)\b"
    r"|\b(?:given|provided|assigned|told|gave)\b[^.]{0,30}\blabel\b|\bground truth\b"
    r"|\blabel (?:was|is) (?:given|provided|assigned)\b|https?://|<\w+>|```",
    re.IGNORECASE,
)
_FOREIGN = re.compile(r"[^\W\d_]")
_ABOUT_PEOPLE = re.compile(  # what is never said of a person: docs/data-card.md, language
    r"\b(?:feels?|feeling|felt|genuine(?:ly)?|sincere(?:ly)?|insincere|honest(?:ly)?|dishonest"
    r"|fak(?:e|ed|ing)|pretend(?:s|ing)?|lying|lies|deceptive|he|she|him|her|his|hers|man|woman"
    r"|men|women|boy|girl|male|female|gentleman|lady|caucasian|asian|african|hispanic|latino"
    r"|middle-aged|elderly|years? old|introvert\w*|extrovert\w*|personality)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Read:
    """A row's answer, read once for all checks."""

    example: ExpCoTExample
    label_set: LabelSet | None

    @cached_property
    def parts(self) -> Parts | None:
        """None where the row has no three-part reply: other tasks have other answers."""
        answer = self.example.answer
        if '"observations"' not in answer:
            return None
        return parse(answer, self.label_set or _set_asked_for(self.example))

    @cached_property
    def claims(self) -> list[Claim]:
        parts = self.parts or Parts()
        texts = (parts.observations, parts.interpretation, parts.conclusion)
        return [claim for text in texts for claim in split_claims(text)]

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        if self.parts is None:
            return ()
        row = self.example
        return ground(self.parts, row.observations, row.not_measured, _person(row))

    @property
    def text(self) -> str:
        """All that the answer says in words."""
        if self.parts is None:
            return self.example.answer
        parts = (self.parts.observations, self.parts.interpretation, self.parts.conclusion)
        return "\n".join(part for part in parts if part)


def read(example: ExpCoTExample) -> Read:
    return Read(example, _set_of(example))


def _set_of(example: ExpCoTExample) -> LabelSet | None:
    """By its name, else (a user's own) by the labels that the row's provenance keeps."""
    if example.label_set is None:
        return None
    if example.label_set in known_label_sets():
        return label_set(example.label_set)
    return _set_asked_for(example)


def _set_asked_for(example: ExpCoTExample) -> LabelSet:
    """The labels that the row's messages name, also where its own label is open words."""
    labels = tuple(example.provenance.settings.get("labels") or example.labels)
    coarse = {label: found for label in labels if (found := coarse_of(label))}
    return LabelSet(example.label_set or "open", labels, coarse, "kept in the row")


def _person(example: ExpCoTExample) -> str | None:
    """Whom the row is about: the one whose face was followed."""
    known = [o.person for o in example.observations if o.person]
    told: str | None = example.extra.get("person")
    return told or (known[0] if known else None)


# What is looked at -----------------------------------------------------------------------------


def clue_texts(example: ExpCoTExample) -> tuple[str, ...]:
    """What a reader of the row gets as clues: every line behind bars, and the key observations.

    An answer's interpretation and conclusion name labels, and are no clues.
    """
    asked = [m.content for m in example.messages if m.role != "assistant"]
    lines = [
        line.removeprefix(BAR)
        for text in asked
        for line in text.splitlines()
        if line.startswith(BAR)
    ]
    parts = [read(replace(example, messages=(m,))).parts for m in _answers(example)]
    return (*lines, *(p.observations for p in parts if p and p.observations))


def _answers(example: ExpCoTExample) -> Iterable[Message]:
    return (m for m in example.messages if m.role == "assistant")


# The checks ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """A check by its name. `run_checks` reads the row once for all of them."""

    name: str
    look: Callable[[Read, ChecksConfig], CheckResult]
    config: ChecksConfig

    def __call__(self, example: ExpCoTExample) -> CheckResult:
        return self.look(read(example), self.config)


def all_checks(config: ChecksConfig | None = None) -> tuple[Check, ...]:
    config = config or ChecksConfig()
    return tuple(Named(name, look, config) for name, look in LOOKS.items())


def run_checks(
    example: ExpCoTExample, config: ChecksConfig | None = None
) -> tuple[CheckResult, ...]:
    config, once = config or ChecksConfig(), read(example)
    return tuple(look(once, config) for look in LOOKS.values())


def _result(name: str, problems: Sequence[str], **counts: int) -> CheckResult:
    return CheckResult(name, not problems, "; ".join(problems[:5]) or None, counts)


def _nothing(name: str, reason: str) -> CheckResult:
    return CheckResult(name, None, reason)


_NO_PARTS = "the answer has no three parts"


def form(row: Read, config: ChecksConfig) -> CheckResult:
    """The answer is read without a complaint, fits the form that a model can be held to, and the
    row ends with it."""
    if not row.example.answer:
        return _result("form", ["the row does not end with an answer"])
    if row.parts is None:
        return _nothing("form", _NO_PARTS)
    return _result("form", [*row.parts.problems, *_beyond_form(row.parts)])


def _beyond_form(parts: Parts) -> Iterable[str]:
    """What `reply_schema` would not let a model write."""
    for name in ("observations", "interpretation"):
        claims = split_claims(getattr(parts, name))
        if len(claims) > MAX_CLAIMS:
            yield f"{len(claims)} claims in {name}, wanted {MAX_CLAIMS} at most"
        if any(len(without_cites(claim.text)) > MAX_CLAIM_CHARS for claim in claims):
            yield f"a claim of more than {MAX_CLAIM_CHARS} characters in {name}"


def citations(row: Read, config: ChecksConfig) -> CheckResult:
    """Every claim cites observations that exist and say so."""
    if row.parts is None:
        return _nothing("citations", _NO_PARTS)
    counts = Counter(e.grounding for e in row.evidence)
    n_grounded = counts[Grounding.GROUNDED]
    problems = []
    if n_grounded < config.min_grounded * len(row.evidence):
        wrong = [e for e in row.evidence if e.grounding is not Grounding.GROUNDED]
        problems = [f"{e.claim[:_SHOWN]!r}: {e.grounding}, {e.reason}" for e in wrong]
    if not row.evidence and not row.parts.abstained:
        problems = ["no claim is made"]
    told = {f"claims_{name.lower()}": counts[name] for name in Grounding}
    return _result("citations", problems, **told)


def units(row: Read, config: ChecksConfig) -> CheckResult:
    """Action units by their code, name and level, against what was measured."""
    if row.parts is None:
        return _nothing("units", _NO_PARTS)
    problems = [p for claim in row.claims for p in _unit_problems(claim, row.example)]
    return _result("units", problems)


def _unit_problems(claim: Claim, example: ExpCoTExample) -> Iterable[str]:
    measured = {o.code for o in example.observations}
    for mention in find_mentions(claim.masked):
        told = mention.negated or mention.unmeasured
        codes = {code.rstrip("LR") for code in mention.codes if code.startswith("AU")}
        if mention.text.startswith("AU") and codes and not told and not codes & measured:
            yield f"{mention.text} is named, and was not observed"
    for code, name in _NAMED.findall(claim.masked):
        yield from _name_problems(code, name)
    cited = [o for o in example.observations if o.obs_id in claim.cites]
    for name, level in _LEVEL.findall(claim.masked):
        peaks = [o.peak for o in cited if _is_level_of(o, name) and o.peak is not None]
        if peaks and min(abs(peak - float(level)) for peak in peaks) > _PEAK_SLACK:
            yield f"{name} is written as {level}, and {_levels(peaks)} was measured"


def _name_problems(code: str, name: str) -> Iterable[str]:
    """A FACS name behind a code has to be that code's own."""
    known = {au.name: au.code for au in ACTION_UNITS.values()}
    for full, own in known.items():
        if name.startswith(full) and own != code and not ACTION_UNITS[code].name.startswith(full):
            yield f"{code} is called {full}, which is {own}"
            return


def _is_level_of(observation: Observation, name: str) -> bool:
    return observation.unit is Unit.FACS_INTENSITY and name in (observation.name, observation.code)


def _levels(peaks: Sequence[float]) -> str:
    return ", ".join(f"{peak:.1f} ({intensity_letter(peak)})" for peak in peaks)


def label_blind(row: Read, config: ChecksConfig) -> CheckResult:
    """No clue contains a label of the set, or a word that means the same."""
    example = row.example
    every = (*(row.label_set.labels if row.label_set else ()), *example.labels)
    labels = tuple(n for n in dict.fromkeys(every) if n not in _REST)
    said: list[str] = []
    n_quoted = 0
    for text in clue_texts(example):
        found = find_label_words(text, labels)
        said += [f"{word!r} in {text[:_SHOWN]!r}" for word in found.said]
        n_quoted += len(found.quoted)
    return _result("label-blind", said, label_words_quoted=n_quoted)


def conclusion(row: Read, config: ChecksConfig) -> CheckResult:
    """The rule: the best fit is the row's label, no other has more confidence, and the conclusion
    names it or a word that means the same."""
    parts, labels = row.parts, row.example.labels
    if parts is None:
        return _nothing("conclusion", _NO_PARTS)
    if parts.abstained or not labels:
        agrees = parts.abstained and not labels
        return _result("conclusion", [] if agrees else ["abstention and label do not go together"])
    problems = []
    if row.label_set and parts.best_fit != labels[0]:
        problems.append(f"the best fit is {parts.best_fit}, the label {labels[0]}")
    if not row.label_set and not means_one_of(" ".join(parts.labels), labels):
        problems.append(f"the labels are {', '.join(parts.labels)}, wanted {', '.join(labels)}")
    higher = [a for a in parts.alternatives if a.confidence > (parts.confidence or 0.0)]
    if higher:
        problems.append(f"{higher[0].label} has more confidence than the label")
    if not find_label_words(parts.conclusion, labels).said:
        problems.append(f"the conclusion does not name {', '.join(labels)}")
    return _result("conclusion", problems)


def means_one_of(said: str, labels: tuple[str, ...]) -> bool:
    """Whether words name one of the labels, or mean the same."""
    return bool(find_label_words(said, labels).said)


def not_measured(row: Read, config: ChecksConfig) -> CheckResult:
    """Nothing is claimed of what was not measured, nor quoted where no words are known."""
    if row.parts is None:
        return _nothing("not-measured", _NO_PARTS)
    gaps = [gap for gap in row.example.not_measured if gap.span is None]
    has_words = any(o.channel is Channel.SPEECH for o in row.example.observations)
    problems = []
    for claim in row.claims:
        for mention in find_mentions(claim.masked):
            gap = _gap_of(mention, gaps, row.example)
            if gap is not None:
                problems.append(f"{mention.text!r} is claimed, and {gap.what} was not measured")
        if claim.quotes and not has_words:
            problems.append(f"“{claim.quotes[0][:_SHOWN]}” is quoted, and no words are known")
    return _result("not-measured", problems)


def _gap_of(
    mention: Mention, gaps: Sequence[NotMeasured], example: ExpCoTExample
) -> NotMeasured | None:
    """What was not measured of a cue that is claimed; None where it was, or where it is said."""
    if mention.unmeasured or any(mention.shown_by(o) for o in example.observations):
        return None
    return next((gap for gap in gaps if _covers(gap, mention, _person(example))), None)


def _covers(gap: NotMeasured, mention: Mention, person: str | None) -> bool:
    channels = {ANY.get(code) or _channel(code) for code in mention.codes}
    if codes := re.findall(r"AU\d+", gap.what):
        return {code.rstrip("LR") for code in mention.codes} <= set(codes)
    if gap.what.lower() in ("voice", "words"):
        wanted = Channel.VOICE if gap.what.lower() == "voice" else Channel.SPEECH
        return channels == {wanted}
    return channels == {Channel.FACE} and hides_face(gap, person)


def _channel(code: str) -> Channel:
    return Channel.FACE if code.startswith(("AU", "gaze_", "hand_")) else Channel.VOICE


def length(row: Read, config: ChecksConfig) -> CheckResult:
    if row.parts is None:
        return _nothing("length", _NO_PARTS)
    n_words = len(without_cites(row.text).split())
    problems = []
    if not config.min_words <= n_words <= config.max_words:
        problems.append(f"{n_words} words, wanted {config.min_words} to {config.max_words}")
    return _result("length", problems, words=n_words)


def repetition(row: Read, config: ChecksConfig) -> CheckResult:
    """A text that goes in circles. What names movements repeats itself by nature: codes and
    what stands in brackets are left out."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"\([^)]*\)|\[[^\]]*\]", "", row.text).casefold())
    runs = [tuple(words[k : k + _RUN]) for k in range(len(words) - _RUN + 1)]
    if len(runs) < _RUN:
        return _nothing("repetition", "too short to repeat itself")
    share = 1.0 - len(set(runs)) / len(runs)
    problems = []
    if share > config.max_repeated:
        problems.append(f"{share:.0%} of its runs of {_RUN} words stand in it before")
    return _result("repetition", problems)


def language(row: Read, config: ChecksConfig) -> CheckResult:
    if config.language != "en":
        return _nothing("language", f"no list of words for {config.language!r}")
    if row.parts is None:
        return _nothing("language", _NO_PARTS)
    text = mask_quotes(row.text)
    letters = _FOREIGN.findall(text)
    words = re.findall(r"[^\W\d_]+", text.casefold())
    if not words:
        return _nothing("language", "no words")
    latin = sum(letter.isascii() for letter in letters) / len(letters)
    english = sum(word in _ENGLISH for word in words) / len(words)
    problems = []
    if latin < 0.95:
        problems.append(f"{1 - latin:.0%} of its letters are not of the Latin alphabet")
    if english < _MIN_ENGLISH:
        problems.append(f"{english:.0%} of its words are common English ones")
    problems += [f"{told!r} is not English" for told in _foreign_sentences(row)]
    return _result("language", problems)


def _foreign_sentences(row: Read) -> Iterable[str]:
    for claim in row.claims:
        words = re.findall(r"[^\W\d_]+", without_cites(claim.masked).casefold())
        if len(words) >= _LONG_SENTENCE and not _known_words() & set(words):
            yield claim.text[:_SHOWN]


@cache
def _known_words() -> frozenset[str]:
    """Common words, and those for movements, which stand in lines of little else."""
    told = " ".join(f"{m.name} {m.clause}" for m in MOVEMENTS.values())
    words = set(re.findall(r"[a-z]{4,}", f"{told} {' '.join(INTENSITY_WORDS)}"))
    return (_ENGLISH | words) - {"person"}  # German has it too


def asides(row: Read, config: ChecksConfig) -> CheckResult:
    """The text is about the clip: it neither instructs anybody, nor speaks of labels given."""
    if row.parts is None:
        return _nothing("asides", _NO_PARTS)
    found = dict.fromkeys(match[0] for match in _ASIDE.finditer(mask_quotes(row.text)))
    return _result("asides", [f"{said[:_SHOWN]!r} is not about the clip" for said in found])


def about_people(row: Read, config: ChecksConfig) -> CheckResult:
    """Nobody is said to feel, nor to be of a sex, age, origin, character or honesty."""
    text = mask_quotes(row.text)
    found = dict.fromkeys(match[0].lower() for match in _ABOUT_PEOPLE.finditer(text))
    return _result("about-people", [f"{word!r} is said of a person" for word in found])


LOOKS: dict[str, Callable[[Read, ChecksConfig], CheckResult]] = {
    "form": form,
    "citations": citations,
    "units": units,
    "label-blind": label_blind,
    "conclusion": conclusion,
    "not-measured": not_measured,
    "length": length,
    "repetition": repetition,
    "language": language,
    "asides": asides,
    "about-people": about_people,
}
