"""What the page of the chat shows and asks for, without Streamlit: texts, choices, blocks.

A block is plain data that page/cited.js draws: a sentence, a list of claims, a turn of the talk.
Words of strangers travel in them as words, with the ids they cite beside them, never as markup.
"""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from demeanor.explain import report
from demeanor.explain.records import Explanation, Grounding, Observation
from demeanor.explain.report import Claim, Part
from demeanor.explain.result import Result
from demeanor.explain.vocabulary import NOT_VALIDATED
from demeanor.serve.lanes import timeline, title

Block = dict[str, Any]
WHAT_IT_IS = (
    "Describes what a person in a clip appears to show, and what that rests on. It does not say "
    "what anybody feels, detects no lies and identifies nobody. In the EU it may not be used to "
    "infer the emotions of people at work or in education. No decision about a person may rest "
    "on it alone."
)
SHOWN_NOT_FELT = f"What is shown, not what is felt. Intensities are {NOT_VALIDATED}."
NOTHING_SAID = "Nothing was said here."
_CITED = re.compile(r"\s*\[\s*([fvs]\d+(?:\s*[,;]\s*[fvs]\d+)*)\s*\]", re.IGNORECASE)
_TOLD_FROM = 0.005  # smaller changes of a confidence vanish in two digits
_SHORT = 64  # characters of an observation among others that are chosen
_FEW = 6  # ids that are named one by one
_NAMED_FIRST = ("mp4", "mov", "webm", "mkv", "wav", "mp3", "jpg", "png")  # of many types
_STAGES = {
    "media": "Clip",
    "face": "Faces",
    "voice": "Voice",
    "words": "Words",
    "observations": "Observations",
    "reasoning": "Reasoning",
}
LANGUAGES = {  # that a speech recogniser may be told; None: it listens for itself
    None: "told by the recogniser",
    "en": "English",
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pt": "Portuguese",
    "zh": "Chinese",
}


@dataclass(frozen=True, slots=True)
class Purpose:
    """What somebody wants to use it for, stored with the session."""

    value: str
    name: str
    why: str
    cue_only: bool = False


_BANNED = (
    "Movements, voice and words are listed; no emotion is inferred from them. Inferring emotions "
    "of people {where} is prohibited in the EU, except for medical or safety reasons "
    "(AI Act, Art. 5(1)(f))."
)
PURPOSES = (
    Purpose("research", "Research", "With people who were told and agreed."),
    Purpose("personal", "Personal", "Your own recordings, or those of people who agreed."),
    Purpose("accessibility", "Accessibility", "To describe a clip to somebody who cannot see it."),
    Purpose("workplace", "Workplace", _BANNED.format(where="at work"), cue_only=True),
    Purpose("education", "Education", _BANNED.format(where="in education"), cue_only=True),
)


def purpose(value: str) -> Purpose:
    """An unknown one is treated as the strictest: a newer server may know more than this page."""
    known = {p.value: p for p in PURPOSES}
    return known.get(value, Purpose(value, value.capitalize(), "", cue_only=True))


@dataclass(frozen=True, slots=True)
class Export:
    form: str
    name: str
    suffix: str
    mime: str


EXPORTS = (
    Export("html", "Page (HTML)", "html", "text/html"),
    Export("md", "Text (Markdown)", "md", "text/markdown"),
    Export("json", "Data (JSON)", "json", "application/json"),
    Export("rows", "Rows for curation (ZIP)", "zip", "application/zip"),
)


# What is said before a clip is chosen ---------------------------------------------------------


def limits_line(limits: Mapping[str, Any]) -> str:
    """Which clips are taken, before somebody waits for an upload that is refused."""
    types = [str(t).lstrip(".").lower() for t in limits.get("types", ())]
    named = [t.upper() for t in _NAMED_FIRST if t in types]
    more = " and others" if len(types) > len(named) else ""
    parts = [", ".join(named) + more] if named else []
    if n_bytes := limits.get("upload_bytes"):
        parts.append(f"at most {megabytes(n_bytes)}")
    if seconds := limits.get("duration_s"):
        parts.append(f"at most {length(seconds)} long")
    return " · ".join(parts)


def megabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:.0f} kB"


def length(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds >= 120 else f"{seconds:g} s"


def too_large(name: str, n_bytes: int, limits: Mapping[str, Any]) -> str | None:
    """Why a file will be refused, said before it is sent on; None where nothing speaks against."""
    most = limits.get("upload_bytes")
    if most is None or n_bytes <= most:
        return None
    found = megabytes(n_bytes)
    return f"{name} has {found}; an upload may have {megabytes(most)}. Cut the clip and try again."


def clip_name(clip: Mapping[str, Any]) -> str:
    """A clip as a choice: its name with how long it is."""
    seconds = clip.get("duration_s")
    told = f" · {seconds:.1f} s" if isinstance(seconds, int | float) and seconds > 0 else ""
    name = "Demo clip" if clip.get("clip_id") == "demo" else str(clip.get("name", "unnamed"))
    return f"{name}{told}"


# While it is explained ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StageLine:
    name: str
    done: bool
    found: str
    took_s: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """What was told so far: a line per stage, and the reasoner's words."""

    lines: tuple[StageLine, ...] = ()
    words: str = ""

    def with_stage(self, data: Mapping[str, Any]) -> "Progress":
        took_s = data.get("took_s")
        line = StageLine(
            str(data.get("name", "")),
            bool(data.get("done")),
            str(data.get("found") or ""),
            float(took_s) if isinstance(took_s, int | float) else None,
        )
        others = tuple(old for old in self.lines if old.name != line.name)
        place = next((i for i, old in enumerate(self.lines) if old.name == line.name), len(others))
        return replace(self, lines=(*others[:place], line, *others[place:]))

    def with_words(self, data: Mapping[str, Any]) -> "Progress":
        return replace(self, words=self.words + str(data.get("delta") or ""))

    def as_html(self) -> str:
        rows = "".join(_stage_html(line) for line in self.lines)
        words = f'<p class="dm-words">{html.escape(self.words)}</p>' if self.words else ""
        return f'<ol class="dm-stages" aria-live="polite">{rows}</ol>{words}'


def _stage_html(line: StageLine) -> str:
    name = html.escape(_STAGES.get(line.name, line.name))
    took = f"{line.took_s:.1f} s" if line.took_s is not None and line.done else ""
    mark, state = ("✓", "done") if line.done else ("…", "going")
    return (
        f'<li class="{state}"><span aria-hidden="true">{mark}</span><b>{name}</b>'
        f"<span>{html.escape(line.found)}</span><small>{took}</small></li>"
    )


# The explanation ------------------------------------------------------------------------------


def explanation_of(result: Result, person: str | None) -> Explanation | None:
    return next((e for e in result.explanations if e.person == person), None)


def first_person(result: Result) -> str | None:
    """Whom the page shows at first: who was explained, else who was seen longest."""
    explained = [e.person for e in result.explanations]
    seen = [p.person for p in result.measurement.people]
    return (explained or seen or [None])[0]


def explanation_blocks(result: Result, person: str | None) -> list[Block]:
    """Answer, labels with their confidence, then the three parts: the reasoning folded."""
    e = explanation_of(result, person)
    if e is None:
        return _no_explanation(result)
    blocks = [
        _block("lead", text=report.answer(result, e)),
        _block("quiet", text=f"{report.maker(e.provenance)} {SHOWN_NOT_FELT}"),
        *answer_blocks(e),
    ]
    blocks += [_note("The reply could not be read in full:", problem) for problem in e.problems]
    blocks += [
        _part(number, part) for number, part in enumerate(report.parts_of(result, e), start=1)
    ]
    return [*blocks, _block("quiet", text=report.grounded_line(e))]


def answer_blocks(e: Explanation) -> list[Block]:
    """Labels, and how sure of each of the set."""
    scores = [{"label": s.label, "confidence": round(s.confidence, 4)} for s in report.scores_of(e)]
    return [_block("answer", labels=list(e.labels), set=e.label_set, scores=scores)]


def _no_explanation(result: Result) -> list[Block]:
    if result.cue_only:
        found = _block("lead", text=report.no_answer(result))
        told = [_claim_like(o) for o in result.observations]
        listed = _block("claims", number=0, title="Observations", open=True, claims=told, text="")
        return [found, _block("quiet", text=f"Intensities are {NOT_VALIDATED}."), listed]
    return [_note("Not explained yet.", "The explanation was made for another person.")]


def _claim_like(o: Observation) -> Block:
    text = title(o).split(", ", 1)[1]
    return {"number": 0, "pieces": [text], "cites": [o.obs_id], "unknown": [], "status": ""}


def _part(number: int, part: Part) -> Block:
    """The reasoning is folded, unless something in it is not backed by what it cites."""
    doubtful = sum(not claim.quiet for claim in part.claims)
    return _block(
        "claims",
        number=number,
        title=part.title,
        open=number == 3,
        claims=[_claim(claim) for claim in part.claims],
        text="" if part.claims else part.text or NOTHING_SAID,
        doubtful=doubtful,
    )


def _claim(claim: Claim) -> Block:
    evidence = claim.evidence
    quiet = evidence.grounding is Grounding.GROUNDED
    return {
        "number": claim.number,
        "pieces": [claim.text],
        "cites": list(claim.cites),
        "unknown": list(claim.unknown),
        "status": "" if quiet else evidence.grounding.value,
        "reason": "" if quiet else (evidence.reason or "no reason was stated"),
    }


def not_measured(result: Result, person: str | None) -> list[Block]:
    """What nobody may take for calm: nothing is known of it."""
    several = len(result.measurement.people) > 1
    rows = [n for n in result.measurement.not_measured if n.person in (person, None)]
    return [
        _block(
            "gap",
            what=n.what + (f" of {n.person}" if n.person and several else ""),
            when=report.span_of(n.span),
            reason=n.reason,
        )
        for n in rows
    ]


def _note(title_: str, text: str) -> Block:
    return _block("note", title=title_, text=text)


def _block(kind: str, **data: Any) -> Block:
    return {"kind": kind, **data}


# Talk -----------------------------------------------------------------------------------------


def pieces(text: str, cites: Sequence[str]) -> list[str | Block]:
    """Words and the citations in them, in order: "raised [f3]." is "raised", f3, ".".

    Only ids that the answer rests on become chips; others stay words.
    """
    found: list[str | Block] = []
    end = 0
    for match in _CITED.finditer(text):
        ids = [i.lower() for i in re.split(r"\s*[,;]\s*", match[1])]
        if not all(i in cites for i in ids):
            continue
        found += [text[end : match.start()], *({"id": i} for i in ids)]
        end = match.end()
    found.append(text[end:])
    return [piece for piece in found if piece]


def turn_block(turn: Mapping[str, Any]) -> Block:
    cites = [str(c) for c in turn.get("cites") or ()]
    text = str(turn.get("text", ""))
    told = pieces(report.claim_words(text) if cites and text.startswith("[") else text, cites)
    inside = {piece["id"] for piece in told if isinstance(piece, dict)}
    beside = [c for c in cites if c not in inside]
    return _block("turn", role=str(turn.get("role", "")), pieces=told, cites=beside)


# Without some observations, and two clips -----------------------------------------------------


def switchable(result: Result, person: str | None) -> dict[str, str]:
    """Observations that can be switched off, cited ones first: id to words."""
    e = explanation_of(result, person)
    cited = {c for v in e.evidence if v.part == "conclusion" for c in v.cites} if e else set()
    mine = [o for o in result.observations if o.person in (person, None)]
    return {o.obs_id: _short(title(o)) for o in sorted(mine, key=lambda o: o.obs_id not in cited)}


def without_line(off: Sequence[str]) -> str:
    named = ", ".join(off) if len(off) <= _FEW else f"{len(off)} observations"
    return f"Without {named}"


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


@dataclass(frozen=True, slots=True)
class Change:
    """One label's confidence before and after; None where it was not among those told."""

    label: str
    before: float | None
    after: float | None

    @property
    def moved(self) -> float:
        return abs((self.before or 0.0) - (self.after or 0.0))

    @property
    def sentence(self) -> str:
        """What was not told before may have been low: no number is made up for it."""
        if self.before is None:
            return f"{self.label} now {self.after:.2f}"
        if self.after is None:
            return f"{self.label} was {self.before:.2f} and is not told any more"
        return f"{self.label} {self.before:.2f} → {self.after:.2f}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of the conclusion."""

    lost: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    closest: str | None = None  # label of the set, where another one fits best now
    changes: tuple[Change, ...] = field(default=())

    @property
    def sentence(self) -> str:
        told = [f"no longer shown: {', '.join(self.lost)}"] if self.lost else []
        told += [f"now also: {', '.join(self.new)}"] if self.new else []
        told += [f"{self.closest} now fits best"] if self.closest else []
        first = max(self.changes, key=lambda change: change.moved, default=None)
        if first is not None and first.moved >= _TOLD_FROM:
            told.append(first.sentence)
        if not told:
            return "The conclusion stays the same: it did not rest on these alone."
        said = "; ".join(told)
        return f"{said[:1].upper()}{said[1:]}."


def difference(before: Explanation | None, after: Explanation | None) -> Difference:
    if before is None or after is None:
        return Difference()
    old, new = _confidences(before), _confidences(after)
    both = dict.fromkeys((*old, *new))
    return Difference(
        tuple(label for label in before.labels if label not in after.labels),
        tuple(label for label in after.labels if label not in before.labels),
        after.best_fit if after.best_fit != before.best_fit else None,
        tuple(Change(label, old.get(label), new.get(label)) for label in both),
    )


def _confidences(e: Explanation) -> dict[str, float]:
    return {s.label: s.confidence for s in report.scores_of(e)}


def conclusion_blocks(result: Result, person: str | None, heading: str) -> list[Block]:
    """A conclusion short enough to stand beside another."""
    e = explanation_of(result, person)
    head = _block("heading", text=heading)
    if e is None:
        return [head, _block("lead", text=report.no_answer(result))]
    last = [part for part in report.parts_of(result, e) if part.claims][-1:]
    told = [_claim(claim) for part in last for claim in part.claims]
    claims = _block("claims", number=0, title="", open=True, claims=told, text="", doubtful=0)
    return [head, _block("lead", text=report.answer(result, e)), *answer_blocks(e), claims]


# Corrections ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be corrected: a label, or one claim."""

    name: str
    was: str
    choices: tuple[str, ...]  # of a label: those of its set; of a claim: none
    fields: dict[str, Any]

    def correction(self, now: str, note: str, person: str | None) -> dict[str, Any]:
        told = {**self.fields, "was": self.was, "now": now.strip(), "note": note.strip()}
        return {**told, **({"person": person} if person else {})}


def targets(result: Result, person: str | None, labels: Iterable[str]) -> list[Target]:
    e = explanation_of(result, person)
    if e is None:
        return []
    found = []
    if e.best_fit is not None:
        others = tuple(label for label in labels if label != e.best_fit)
        name = f"The label “{e.best_fit}” of {e.label_set}"
        found.append(Target(name, e.best_fit, others, {"label": e.best_fit}))
    for index, evidence in enumerate(e.evidence):
        name = f"Claim {index + 1}: {_short(evidence.claim)}"
        found.append(Target(name, evidence.claim, (), {"evidence_index": index}))
    return found


def correction_line(kept: Mapping[str, Any]) -> str:
    """A correction that was kept, on one line."""
    told = f"{kept.get('kind', 'claim')}: {kept.get('was', '')} → {kept.get('now', '')}"
    note = f" ({kept['note']})" if kept.get("note") else ""
    return f"{told}{note}"


# The player -----------------------------------------------------------------------------------


def player_data(
    clip: Mapping[str, Any],
    result: Result,
    person: str | None,
    off: Sequence[str],
    link: Callable[[str], str],
) -> dict[str, Any]:
    """What page/player.js draws. `link` makes an address of a path of the API."""
    measured = result.measurement
    face = clip.get("thumbnail_url")
    people = [
        {
            "id": p.person,
            "seen": report.seen(p, measured.clip),
            "thumbnail": link(f"{face}&person={quote(p.person)}") if face else None,
        }
        for p in measured.people
    ]
    return {
        "clip_id": clip["clip_id"],
        "name": clip.get("name", ""),
        "kind": clip.get("kind", "video"),
        "src": link(str(clip.get("media_url", ""))),
        "people": people,
        "person": person,
        "timeline": timeline(result, person, off),
    }


def titles(result: Result) -> dict[str, str]:
    """What a citation stands for, told where the pointer rests on it."""
    return {o.obs_id: title(o) for o in result.observations}


def alert(text: str) -> str:
    """What went wrong, as HTML: Markdown would make links of addresses that others wrote."""
    return f'<p class="dm-alert" role="alert">{html.escape(text)}</p>'


def plain(text: str) -> str:
    """A stranger's words in a place that reads Markdown."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!<>|$~:" else c for c in text)
