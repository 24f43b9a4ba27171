"""Follow-up questions about a clip that was explained, answered by looking them up.

A question is read by patterns, the answer is a query over what was observed, and the ids that it
rests on come with it; no model decides what is true. What no query can answer is said to be
beyond the clip, and that goes for orders as well, whoever gives them: a transcript is only quoted.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import yaml

from demeanor.data_engine import queries
from demeanor.data_engine.queries import Asked, FirstWording, Seen
from demeanor.explain.corpora.labels import COARSE, coarse_of
from demeanor.explain.errors import DemeanorError
from demeanor.explain.pipeline import reason
from demeanor.explain.reasoning.chat import ChatModel
from demeanor.explain.reasoning.tables import prototype_rows
from demeanor.explain.records import (
    Channel,
    Explanation,
    Grounding,
    Kind,
    LabelSet,
    Observation,
)
from demeanor.explain.result import Result
from demeanor.explain.settings import Settings
from demeanor.explain.textualization.phrases import clause, quoted
from demeanor.explain.vocabulary import MOVEMENTS

MAX_QUESTION_CHARS = 1000  # a question, not an upload
BEYOND = (
    "That is beyond this clip: it can be told when and how strongly something was seen, heard or "
    "said in it, and why a label was given, but nothing of who a person is, what they are like, "
    "whether they are honest, or what was not recorded."
)
_ORDER = re.compile(r"^\W*(ignore|disregard|forget|pretend|follow|obey|do what|say that)\b", re.I)
_SECONDS = re.compile(r"\b(?:(\d+):)?(\d+(?:\.\d+)?)\s*(?:s\b|sec|second)|\b(\d+):(\d\d)\b", re.I)
_ID = re.compile(r"\b[fvs]\d+\b", re.I)
_CODE = re.compile(r"\bAU ?(\d+)\b", re.I)
_PRIVATE = re.compile(
    r"\b(lying|lies|liar|honest|truth|old|age|race|ethnic\w*|gender|sex|name|religio\w*|"
    r"personality|genuin\w*|sincer\w*|fak\w*|posed|intelligen\w*|guilty|gay|ill|depress\w*)\b",
    re.I,
)


_DRAW = FirstWording(0)  # the same question has the same answer


@dataclass(frozen=True, slots=True, eq=False)
class Talk:
    """What a question may be answered from. `about` is the person who is talked about."""

    result: Result
    about: str | None
    labels: LabelSet
    model: ChatModel
    settings: Settings

    @property
    def explanation(self) -> Explanation | None:
        """None in cue-only mode."""
        return next((e for e in self.result.explanations if e.person == self.about), None)

    @property
    def seen(self) -> Seen:
        measured, mine = self.result.measurement, (self.about, None)
        return Seen(
            tuple(o for o in self.result.observations if o.person in mine),
            tuple(n for n in measured.not_measured if n.person in mine),
            self.about,
            measured.clip.duration_s,
        )


def answer(talk: Talk, question: str) -> Asked:
    """What the clip tells about it, with the ids that it rests on. Raises DemeanorError."""
    if len(question) > MAX_QUESTION_CHARS:
        raise DemeanorError(
            f"a question of {len(question)} characters; at most {MAX_QUESTION_CHARS} are read. "
            "Ask one thing at a time"
        )
    if not question.strip():
        raise DemeanorError("the question is empty. Ask what was seen, heard or said, and why")
    if not (_ORDER.search(question) or _PRIVATE.search(question)):
        for pattern, query in _QUERIES:
            if re.search(pattern, question, re.I) and (found := query(talk, question)):
                return replace(found, question=question)
    return Asked("beyond", question, BEYOND, ())


def suggestions(talk: Talk) -> tuple[str, ...]:
    """Questions that this clip can answer, for somebody who does not know what to ask."""
    moved = queries.expressions(talk.seen)
    asked = [f"When is {moved[0].name} shown?", "Which movement is the strongest?"] if moved else []
    if explained := talk.explanation:
        first = explained.labels[:1] or ((explained.best_fit,) if explained.best_fit else ())
        asked += [f"Why {label}?" for label in first]
        others = [a.label for a in explained.alternatives if a.label not in explained.labels]
        asked += [f"Why not {label}?" for label in others[:1]]
    return (*asked, "What is said?", "What was not measured?")


# --- what is asked about -------------------------------------------------------------------------


@cache
def _everyday() -> tuple[tuple[re.Pattern[str], str], ...]:
    text = files("demeanor.serve").joinpath("everyday_words.yaml").read_text("utf-8")
    return tuple((re.compile(k, re.I), v) for k, v in yaml.safe_load(text).items())


def codes_in(question: str) -> list[str]:
    """Units that are named or described, in the order in which they are."""
    at = {f"AU{m[1]}": m.start() for m in _CODE.finditer(question) if f"AU{m[1]}" in MOVEMENTS}
    for unit in MOVEMENTS.values():
        if (start := question.casefold().find(unit.name)) >= 0 and unit.code != "AU45":
            at.setdefault(unit.code, start)
    taken: list[tuple[int, int]] = []
    for pattern, code in _everyday():
        found = pattern.search(question)
        if found and not any(a < found.end() and found.start() < b for a, b in taken):
            taken.append(found.span())
            at.setdefault(code, found.start())
    return sorted(at, key=lambda code: at[code])


def moments_in(question: str) -> list[float]:
    """Moments of the clip that are named: "7.2 s", "0:07"."""
    found = []
    for minutes, seconds, m, s in _SECONDS.findall(question):
        found.append(60.0 * int(m) + int(s) if s else 60.0 * int(minutes or 0) + float(seconds))
    return found


def emotions_in(question: str) -> list[str]:
    """Coarse emotions that are named, as a noun or in words of a label set."""
    words = re.findall(r"[a-z]+", question.casefold())
    return [e for w in words if (e := w if w in COARSE else coarse_of(w))]


def ids_in(talk: Talk, question: str) -> tuple[str, ...]:
    """Observations that are named by id, or all that is said where words are."""
    known = [i.lower() for i in _ID.findall(question)]
    if not known and re.search(r"\bwords?\b|\btranscript\b", question, re.I):
        known = [o.obs_id for o in talk.seen.observations if o.channel is Channel.SPEECH]
    if not known:
        codes = codes_in(question)
        known = [o.obs_id for code in codes for o in talk.seen.of(code)]
    return tuple(i for i in dict.fromkeys(known) if talk.result.observation(i) is not None)


# --- queries -------------------------------------------------------------------------------------

Query = Callable[[Talk, str], Asked | None]


def _unit(query: Callable[[Seen, str, random.Random], Asked | None]) -> Query:
    """A query about the one unit that is named; not seen or not measured is said instead."""

    def ask(talk: Talk, question: str) -> Asked | None:
        codes = codes_in(question)
        if not codes:
            return None
        if not talk.seen.of(codes[0]):
            return queries.present(talk.seen, codes[0], _DRAW)
        return query(talk.seen, codes[0], _DRAW)

    return ask


def _all(query: Callable[[Seen, random.Random], Asked | None]) -> Query:
    return lambda talk, question: query(talk.seen, _DRAW)


def _pair(query: Callable[[Observation, Observation, random.Random], Asked | None]) -> Query:
    """Two units by the strongest (compare) or the first (order) of their movements."""

    def ask(talk: Talk, question: str) -> Asked | None:
        found = [seen for code in codes_in(question) if (seen := talk.seen.of(code))]
        if len(found) < 2:
            return None
        if query is queries.order:
            return query(found[0][0], found[1][0], _DRAW)
        one, other = (max(several, key=lambda o: o.peak or 0.0) for several in found[:2])
        return query(one, other, _DRAW) if one.unit is other.unit else None

    return ask


def _at(talk: Talk, question: str) -> Asked | None:
    times = moments_in(question)
    if not times:
        return None
    if outside := [t for t in times if t > talk.seen.duration_s]:
        text = (
            f"The clip ends at {talk.seen.duration_s:.1f} s; nothing is known of {outside[0]:g} s."
        )
        return Asked("beyond", question, text, ())
    return queries.at(talk.seen, times[0], _DRAW)


def _blinks(talk: Talk, question: str) -> Asked | None:
    """The rate, or whether one was seen at the moment that is named."""
    return _at(talk, question) if moments_in(question) else queries.blinks(talk.seen, _DRAW)


def _moments(talk: Talk, question: str) -> Asked | None:
    times = moments_in(question)
    if len(times) < 2 or max(times) > talk.seen.duration_s:
        return _at(talk, question)
    both = [queries.at(talk.seen, time_s, _DRAW) for time_s in times[:2]]
    told = [a for a in both if a is not None]
    cites = tuple(dict.fromkeys(cite for a in told for cite in a.cites))
    return Asked("moments", question, " ".join(a.answer for a in told), cites) if told else None


def _reliable(talk: Talk, question: str) -> Asked | None:
    ids = ids_in(talk, question)
    found = talk.result.observation(ids[0]) if ids else None
    return queries.reliable(talk.seen, found, _DRAW) if found else None


def _voice(talk: Talk, question: str) -> Asked | None:
    """Changes from the speaker's usual before pauses and falling ends, which every phrase has."""
    seen = talk.seen
    heard = [o for o in seen.observations if o.channel is Channel.VOICE and o.kind is Kind.EVENT]
    ordinary = [o for o in heard if o.change_from_usual is None]
    spared = max(0, queries.MAX_LISTED - (len(heard) - len(ordinary)))
    left_out = {o.obs_id for o in ordinary[spared:]}
    kept = tuple(o for o in seen.observations if o.obs_id not in left_out)
    return queries.voice(replace(seen, observations=kept), _DRAW)


def _said(talk: Talk, question: str) -> Asked | None:
    """All that is said, or where the words in quotation marks are said."""
    wanted = re.search(r"[\"“'‘]([^\"”'’]{2,})[\"”'’]", question)
    if wanted is None:
        return queries.said(talk.seen, _DRAW)
    words = [o for o in talk.seen.observations if o.channel is Channel.SPEECH]
    found = [o for o in words if wanted[1].casefold() in (o.quote or "").casefold()]
    if not words:
        return queries.said(talk.seen, _DRAW)
    told = "; ".join(
        f"{quoted(o.quote or '')} from {o.span.start_s:.1f} to {o.span.end_s:.1f} s [{o.obs_id}]"
        for o in found
    )
    text = f"{told}." if found else f"{quoted(wanted[1])} is not among the words of this clip."
    return Asked("said", question, text, tuple(o.obs_id for o in found))


def _who(talk: Talk, question: str) -> Asked | None:
    """Who makes a movement, of all people in the clip; how many there are where none is named."""
    people = [p.person for p in talk.result.measurement.people]
    codes = codes_in(question)
    if not codes:
        text = f"{len(people)} followed by face: {', '.join(people)}." if people else "Nobody seen."
        return Asked("who", question, text, ())
    shown = {p: replace(talk, about=p).seen.of(codes[0]) for p in people}
    cites = [o.obs_id for found in shown.values() for o in found if o.person is not None]
    told = [f"{p} [{', '.join(o.obs_id for o in own)}]" for p, own in shown.items() if own]
    if not told:
        return queries.present(talk.seen, codes[0], _DRAW)
    return Asked("who", question, f"{codes[0]} is shown by {'; '.join(told)}.", tuple(cites))


def _why(talk: Talk, question: str) -> Asked | None:
    """The claims that speak of a label and were found to say what was observed.

    Why somebody moved is another question, which no clip answers: None.
    """
    explained = talk.explanation
    emotions = emotions_in(question)
    if not emotions and codes_in(question):
        return None
    if explained is None:
        return _cue_only(question)
    if explained.abstained:
        return Asked("why", question, f"No label was given: {explained.abstained_reason}.", ())
    emotion = (emotions or [coarse_of(explained.best_fit or "") or explained.best_fit or ""])[0]
    told = [e for e in explained.evidence if emotion in e.claim and e.part != "conclusion"]
    sound = [e for e in told if e.grounding is Grounding.GROUNDED]
    if not sound:
        text = f"Nothing that was observed and checked speaks for {emotion} here."
        return Asked("why", question, text, ())
    last = [e for e in sound if e.part == "interpretation"] or sound
    cites = tuple(dict.fromkeys(cite for e in last for cite in e.cites))
    return Asked("why", question, " ".join(e.claim for e in last), cites)


def _why_not(talk: Talk, question: str) -> Asked | None:
    """What is listed for an emotion and was not observed, and its share."""
    emotions, explained = emotions_in(question), talk.explanation
    if explained is None:
        return _cue_only(question)
    if not emotions:
        return None
    emotion = emotions[0]
    mine = {coarse_of(label) or label for label in explained.labels}
    if emotion in mine:
        because = _why(talk, question)
        said = f"{emotion} is among the labels. {because.answer if because else ''}".strip()
        said = said[:1].upper() + said[1:]
        return Asked("why_not", question, said, because.cites if because else ())
    row = next((r for r in prototype_rows() if r.emotion == emotion), None)
    lacking = [c for c in row.aus if not talk.seen.of(c)] if row else []
    text = (
        f"{emotion[:1].upper()}{emotion[1:]} is not among the labels{_share(explained, emotion)}."
    )
    gaps = [c for c in lacking if talk.seen.why_not(c) is not None]
    absent = [c for c in lacking if c not in gaps]
    if absent and row:
        text += f" Listed for it ({row.source}) and not observed: {', '.join(absent)}."
    if gaps and row:
        text += f" Listed for it ({row.source}) and not measured here: {', '.join(gaps)}."
    return Asked("why_not", question, text, ())


def _share(explained: Explanation, emotion: str) -> str:
    share = {coarse_of(a.label) or a.label: a.confidence for a in explained.alternatives}
    return f"; its confidence is {share[emotion]:.2f}" if emotion in share else ""


def _sure(talk: Talk, question: str) -> Asked | None:
    explained = talk.explanation
    if explained is None:
        return _cue_only(question)
    if explained.best_fit is None or explained.confidence is None:
        text = explained.abstained_reason or "no confidence was given"
        return Asked("sure", question, f"It cannot be told: {text}.", ())
    rest = [f"{a.label} {a.confidence:.2f}" for a in explained.alternatives[:3]]
    text = f"{explained.best_fit} fits best, with a confidence of {explained.confidence:.2f}"
    text += f"; then {', '.join(rest)}." if rest else "."
    return Asked("sure", question, text[:1].upper() + text[1:], ())


def _without(talk: Talk, question: str) -> Asked | None:
    ids, explained = ids_in(talk, question), talk.explanation
    if explained is None:
        return _cue_only(question)
    if not ids:
        return None
    left = without(talk, ids)
    cited = f"[{', '.join(ids)}]"
    now, then = _conclusion(explained), _conclusion(left)
    same = explained.best_fit == left.best_fit
    text = f"Without {cited} the closest label {'stays' if same else 'would be'} {then}; "
    return Asked("without", question, f"{text}with all that was observed it is {now}.", ids)


def without(talk: Talk, ids: Sequence[str]) -> Explanation:
    """Reasoned again as if these had not been observed; the other ids stay as they are."""
    kept = tuple(o for o in talk.result.observations if o.obs_id not in ids)
    less = replace(talk.result, observations=kept)
    again = reason(less, talk.model, talk.labels, talk.about, talk.settings)
    return again.explanations[0]


def _conclusion(explained: Explanation) -> str:
    if explained.best_fit is None:
        return f"none ({explained.abstained_reason})"
    sure = "" if explained.confidence is None else f" ({explained.confidence:.2f})"
    return explained.best_fit + sure


def _cue_only(question: str) -> Asked:
    text = "No emotion was inferred from this clip (cue-only): ask what was seen, heard or said."
    return Asked("cue_only", question, text, ())


def _present(talk: Talk, question: str) -> Asked | None:
    codes = codes_in(question)
    return queries.present(talk.seen, codes[0], _DRAW) if codes else None


def _named(talk: Talk, question: str) -> Asked | None:
    """What an observation is, by its id alone."""
    ids = _ID.findall(question)
    found = talk.result.observation(ids[0].lower()) if ids else None
    if found is None:
        return None
    during = f"from {found.span.start_s:.1f} to {found.span.end_s:.1f} s"
    during = during if found.kind is not Kind.STATE else "all along"
    text = f"{found.obs_id}: {clause(found)}, {during} [{found.obs_id}]."
    return Asked("named", question, text, (found.obs_id,))


# The first pattern that fits, and whose query has an answer, decides.
_QUERIES: tuple[tuple[str, Query], ...] = (
    (r"what if|without|leave out|had not been|absent|switch(ed)? off", _without),
    (r"\b(un|not |n't )\w* ?measured|\bunmeasured|could not be measured", _all(queries.unmeasured)),
    (r"why (not|isn't)|^\W*why\b.*\bnot\b|speaks? against|could (it|this|that) be", _why_not),
    (r"^\W*why\b|speaks for|what makes", _why),
    (r"\breliab\w*|\btrust\w*", _reliable),
    (r"\bsure\b|\bcertain\w*|\bconfiden\w*|what else could", _sure),
    (r"\bwho\b|which (person|one of them)|how many (people|persons)", _who),
    (r"\bblink\w*", _blinks),
    (r"compare|differ\w*|stronger|weaker", _moments),
    (r"stronger|weaker|compare", _pair(queries.compare)),
    (r"(comes?|begins?|starts?|moves?|is) (first|before|earlier)", _pair(queries.order)),
    (r"\bfirst\b", _all(queries.first)),
    (r"\bstrongest|most (marked|strongly|intense)", _all(queries.strongest)),
    (r"how (often|many)|number of times", _unit(queries.often)),
    (r"how long|for how|last\b|lasts\b|duration", _unit(queries.long)),
    (r"one-sided|which side|\bleft\b|\bright\b|symmetr\w*|asymmetr\w*", _unit(queries.side)),
    (r"how (strong\w*|intense\w*|marked\w*|much)|intensity", _unit(queries.strength)),
    (r"\bwhen\b|at what (time|moment)|what second", _unit(queries.when)),
    (r"usual\w* sound|voice as a whole|sound usually|speech rate", _all(queries.level)),
    (r"\b(voice|pitch|loud\w*|quiet\w*|tone|pauses?)\b", _voice),
    (r"\b(said|says?|speaks?|words?|spoken|transcript)\b", _said),
    (r"at rest|held all along|usual for", _all(queries.usual)),
    (r"\d", _at),
    (r"^\W*(is|are|was|were|does|do|did|has|have|can)\b", _present),
    (r"^\W*(is|are|was|were|does|do|did)\b", _why_not),
    (r"\b[fvs]\d+\b", _named),
)
