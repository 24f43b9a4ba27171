"""Accounts as demeanor-mini is to write them: each fact right behind the id that it is copied from.

`[f1] AU12 C 2.9, 0.2-3.7 s: lip corners pulled up and back` begins as the line does that it is
about. So a small model has only to go on as the text did after the same id, which is the first
thing that such models learn. A pattern stands before what is there of it, unit by unit in its own
order, each with the id of its line or that it is not there, so that every step is one look:
`For disgust 9+10+17 is listed (…): AU9 [f3] – AU10 absent – AU17 [f1]`.
"""

import random
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from demeanor.data_engine.grammar import Claim, Style
from demeanor.data_engine.queries import FirstWording
from demeanor.data_engine.simulate.accounts import Account, core_units, known_by, runner_up
from demeanor.data_engine.simulate.posterior import Moment, Weighed
from demeanor.data_engine.simulate.tables import NEUTRAL, coarse_names, patterns
from demeanor.explain.reasoning import prose
from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.listed import formula, found_of
from demeanor.explain.reasoning.short_form import line_order, missing_channels, seen
from demeanor.explain.reasoning.signs import speech_spans
from demeanor.explain.records import Channel, Kind, NotMeasured, Observation, Span, Unit

STYLE = Style(
    5, "time", times=True, changes=False, sources=True, gaps=True, contrast=True, rest=False
)
_MOST_CITED = 2  # to list many ids a small model has to know where they end
_MOST_LINES, _MOST_CLAIMS = 8, 5  # of key observations, and of what follows from them
_MOST_SAID = 2  # of them


def brief(request: Request, weighed: Weighed) -> dict[str, Any]:
    """The reply of the three parts, in one wording."""
    if weighed.abstains:
        return _abstention(request)
    reply = _Brief(request, weighed, FirstWording(0), STYLE).reply()
    return {
        **reply,
        "observations": reply["observations"][:_MOST_LINES],
        "interpretation": reply["interpretation"][:_MOST_CLAIMS],
    }


def _abstention(request: Request) -> dict[str, Any]:
    """What is missing, as the short form has it; why, stands in the report."""
    missing = missing_channels(request.person, request.not_measured)
    gaps = [NotMeasured(what, "") for what in missing]
    claims = [
        {"text": f"{what.capitalize()} could not be measured.", "cites": []} for what in missing
    ]
    return {**prose.abstention((), gaps), "observations": claims}


class _Brief(Account):
    def seen(self, observation: Observation) -> Claim:
        text = seen(observation, self.speech)
        return {"text": f"{text}.", "cites": [observation.obs_id]}

    def line(self, part: str, kind: str, cites: Iterable[Observation], **slots: str) -> Claim:
        claim = super().line(part, kind, cites, **slots)
        ids = claim["cites"][:_MOST_CITED]
        if not ids or "[" in claim["text"]:
            return {**claim, "cites": ids if "[" not in claim["text"] else claim["cites"]}
        return {"text": f"[{', '.join(ids)}] {claim['text']}", "cites": ids}

    def of_words(self) -> list[Claim]:
        told = [(o, emotion) for o, emotion in self.weighed.words if emotion != NEUTRAL]
        return [
            {"text": f"[{o.obs_id}] The words go with {emotion}.", "cites": [o.obs_id]}
            for o, emotion in told
        ]

    def against(self) -> list[Claim]:
        """The next best reading. What it would ask for and is not there is for larger models."""
        found = runner_up(self.weighed)
        if found is None or not (cites := self.support(found.emotion)):
            return []
        share = f"{found.share:.2f}"
        slots = {"other": found.emotion, "Other": found.emotion, "share": share}
        return [self.line("weighed", "runner_up", cites, **slots)]

    def of_voice(self) -> list[Claim]:
        """The first change stands for all: of two, a small model often names one too many."""
        return [
            {"text": re.sub(r"^\[[^]]*\]", f"[{claim['cites'][0]}]", claim["text"]),
             "cites": claim["cites"][:1]}
            for claim in super().of_voice()
        ]  # fmt: skip

    def told_moments(self) -> list[Moment]:
        return sorted(self._ranked(), key=lambda m: (m.span, m.emotion))

    def _ranked(self) -> list[Moment]:
        """The one that says most, of those that go with the reading if there are any, and one of
        another emotion if all of it has room among the key observations: there a small model finds
        it again, where a lively clip shows the same unit many times."""
        family = {self.weighed.emotion, *coarse_names().get(self.weighed.emotion, ())}

        def rank(moment: Moment) -> tuple[bool, float]:
            goes_with = bool(family & {moment.emotion, *coarse_names().get(moment.emotion, ())})
            return not goes_with, moment.shares[NEUTRAL]

        ranked = sorted(self.weighed.moments, key=rank)
        ranked = [m for m in ranked if m.is_expression] or ranked[:1]
        if not ranked:
            return []
        first, room = ranked[0], _MOST_LINES - len(self._said()[:_MOST_SAID])
        others = [m for m in ranked if m.emotion != first.emotion]
        fit = [m for m in others if len({*self._whole(first), *self._whole(m)}) <= room]
        return [first, *fit[:1]]

    def kept(self) -> list[Observation]:
        """All of each moment, line by line as it is read, so that nothing of a pattern is left out;
        what was said; and the most marked of the rest, each unit of it once, or with its other
        side."""
        moments = [self._whole(m) for m in self._ranked()]
        needed = [*self._said()[:_MOST_SAID], *[o for moment in moments for o in moment]]
        found = list(dict.fromkeys(needed))[:_MOST_LINES]
        for observation in sorted(self.weighed.observations, key=self.mark, reverse=True):
            if observation.channel is Channel.VOICE and observation.kind is Kind.STATE:
                continue
            if len(found) < self.style.n_lines and not _stands_for(observation, found):
                found.append(observation)
        return found

    def _whole(self, moment: Moment) -> list[Observation]:
        """What is cited of it first, then the rest of it, as far as there is room."""
        most = _MOST_LINES - _MOST_SAID
        return list(dict.fromkeys([*self._cited(moment), *moment.observations]))[:most]

    def ordered(self, found: Sequence[Observation]) -> list[Observation]:
        return sorted(found, key=line_order)

    def _said(self) -> list[Observation]:
        return [o for o, emotion in self.weighed.words if emotion != NEUTRAL]

    def _cited(self, moment: Moment) -> list[Observation]:
        return list(self._core(moment).values()) or self._plain(moment)

    def _core(self, moment: Moment) -> dict[str, Observation]:
        """By code, what is there of a pattern of two units or more; empty for anything else."""
        pattern = known_by(moment)
        core = strongest(moment.shown)
        at = [core[code].span for code in pattern if code in core]
        if len(pattern) < 2 or not at or not moment.is_expression:
            return {}
        # and what was there meanwhile: it is not to be called absent
        whole = Span(min(a.start_s for a in at), max(a.end_s for a in at))
        meets = [o for o in self.weighed.observations if o.span.meets(whole)]
        core = {**strongest(o for o in meets if o.channel is Channel.FACE), **core}
        return {code: core[code] for code in pattern if code in core}

    def of_moment(self, moment: Moment) -> Claim:
        ids = {code: o.obs_id for code, o in self._core(moment).items()}
        if not ids:
            return super().of_moment(moment)
        pattern = known_by(moment)
        listed_for = f"For {moment.emotion} {formula(pattern)} is listed ({moment.pattern.source})"
        text = f"{listed_for}: {found_of(pattern, ids, moment.unmeasured)}."
        return {"text": text, "cites": list(ids.values())}

    def _names(self, moment: Moment) -> dict[str, str]:
        names = _named(self._plain(moment))
        return {"names": names, "Names": names}

    def _plain(self, moment: Moment) -> list[Observation]:
        core = [o for o in moment.shown if o.code in known_by(moment)]
        shown = core or list(moment.shown or moment.observations)[:_MOST_CITED]
        return sorted(shown, key=lambda o: (o.span, o.obs_id))


def _named(observations: Iterable[Observation]) -> str:
    return prose.listed([f"[{o.obs_id}] {o.code}" for o in observations])


def _stands_for(observation: Observation, told: Iterable[Observation]) -> bool:
    """Whether it, or the same unit of the same side at another moment, is told."""
    o = observation
    return any(
        t.obs_id == o.obs_id
        or (
            (t.channel is o.channel is Channel.FACE and t.code == o.code)
            and (t.side == o.side or t.span != o.span)
        )
        for t in told
    )


def strongest(observations: Iterable[Observation]) -> dict[str, Observation]:
    """Of each code."""
    return {o.code: o for o in sorted(observations, key=lambda o: abs(o.peak or 0.0))}


def practising(
    observations: Iterable[Observation], unmeasured: Iterable[str], draw: random.Random
) -> tuple[str, str]:
    """The same, asked of one pattern, whose units are named."""
    shown = strongest(o for o in observations if o.channel is Channel.FACE and o.code != "AU45")
    known = listed_patterns()
    least = draw.choice((0, 1, 1, 2, 2, 3))
    some = [p for p in known if len(set(p) & set(shown)) >= least] or known
    pattern = draw.choice(some)
    ids = {code: o.obs_id for code, o in shown.items()}
    return f"What of {formula(pattern)}?", f"{found_of(pattern, ids, set(unmeasured))}."


@cache
def listed_patterns() -> list[tuple[str, ...]]:
    """Formulas of two units or more, each once."""
    found = (core_units(row) for rows in patterns().values() for row in rows)
    return list(dict.fromkeys(tuple(codes) for codes in found if len(codes) > 1))


def reciting(observation: Observation, speech: Iterable[Span]) -> tuple[str, str]:
    """A question that only asks to find a line again."""
    return f"What is {observation.obs_id}?", f"{seen(observation, speech)}."


def worth_reciting(observations: Iterable[Observation]) -> list[Observation]:
    return [o for o in observations if o.unit is not Unit.PER_MINUTE]


def speech_of(observations: Iterable[Observation]) -> list[Span]:
    return list(speech_spans(tuple(observations)))
