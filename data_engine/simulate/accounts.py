"""The three parts for a drawn clip: what its observations say, written out in many ways.

Key observations name movements, sounds and words only. Interpretation and conclusion follow the
shares of posterior.py, so that they change when an observation is taken away. Every claim has to
pass `ground` as a language model's would.
"""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

import yaml

from demeanor.data_engine import grammar
from demeanor.data_engine.grammar import Claim, Style, Writer, was_or_were
from demeanor.data_engine.simulate.labelling import PLEASANT, open_labels, place, scores
from demeanor.data_engine.simulate.posterior import Moment, Weighed, asked_units
from demeanor.data_engine.simulate.tables import NEUTRAL, Pattern, coarse_names
from demeanor.explain.reasoning import prose
from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.cues import is_expression
from demeanor.explain.reasoning.prose import MAX_CITES, listed
from demeanor.explain.reasoning.signs import is_held, speech_spans, unmeasured_codes
from demeanor.explain.reasoning.weigh import Reading
from demeanor.explain.records import Channel, Kind, Observation
from demeanor.explain.vocabulary import MOVEMENTS

_SURE = 0.4  # of the best reading: below it the conclusion says that others come close
_LOUD = {  # cues of activation (Schroeder et al. 2001) and the size that counts as one step; ours
    "F0semitoneFrom27.5Hz": 3.0,
    "F0semitoneFrom27.5Hz_pctlrange0-2": 4.0,
    "equivalentSoundLevel_dBp": 4.0,
    "alphaRatioV": 4.0,
    "loudnessPeaksPerSec": 1.0,
}
_MIN_MOMENT = 0.15  # share from which a moment's reading is told
_MAX_MOMENTS = 3
_MAX_LINES = 13  # key observations: an answer stays below what the checks allow
_MAX_MISSING = 2  # more in a row is no sentence that `ground` reads
_TOLD = ("face", "voice", "words")


@cache
def _phrasings() -> dict[str, dict[str, tuple[str, ...]]]:
    text = files("demeanor.data_engine.simulate").joinpath("phrasings.yaml").read_text("utf-8")
    own = yaml.safe_load(text)
    merged = {part: dict(kinds) for part, kinds in grammar.phrasings().items()}
    for part, kinds in own.items():
        merged.setdefault(part, {}).update({k: tuple(v) for k, v in kinds.items()})
    return merged


def account(
    request: Request, weighed: Weighed, draw: random.Random, style: Style | None = None
) -> dict[str, Any]:
    """The reply, in the form that `demeanor explain` asks for. style None: drawn as well."""
    if weighed.abstains:
        return _abstention(weighed, draw)
    style = style or Style.drawn(draw, in_full=draw.random() < 0.15)
    return Account(request, weighed, draw, style).reply()


def _not_measured(text: str) -> str:
    """The same in other words."""
    what, could_not, rest = text.partition(" could not be measured")
    return f"{what} {was_or_were(what)} not measured{rest}" if could_not else text


def _abstention(weighed: Weighed, draw: random.Random) -> dict[str, Any]:
    """Nothing to reason from, in one of several wordings; why, as the product itself says it."""
    reply = prose.abstention((), weighed.not_measured)
    gaps = dict.fromkeys(g.what for g in weighed.not_measured if g.span is None)
    otherwise = draw.random() < 0.5
    claims = [
        {**claim, "text": _not_measured(claim["text"]) if otherwise else claim["text"]}
        for claim in reply["observations"]
    ]
    draw.shuffle(claims)
    reason = draw.choice(_phrasings()["concluded"]["abstained"])
    names = ", ".join(gaps) or "face, voice and words"
    return {
        **reply,
        "observations": claims,
        "abstained_reason": Template(reason).substitute(names=names),
    }


@dataclass(frozen=True, slots=True)
class _Against:
    """The next best reading, and what it would ask for."""

    emotion: str
    share: float
    missing: tuple[str, ...]


class Account(Writer):
    """Writes from shares and moments instead of from the prototype's scores."""

    def __init__(
        self, request: Request, weighed: Weighed, draw: random.Random, style: Style
    ) -> None:
        self.weighed = weighed
        self.request, self.draw, self.style = request, draw, style
        self.scores = scores(weighed, request.label_set)
        self.label = max(request.label_set.labels, key=lambda name: self.scores[name])
        self.speech = speech_spans(weighed.observations)
        self.told = []
        self.reading = _reading(weighed)

    def phrase(self, part: str, kind: str, **slots: str) -> str:
        return Template(self.draw.choice(_phrasings()[part][kind])).substitute(slots)

    def labels(self) -> list[str]:
        return list(open_labels(self.weighed))

    def reply(self) -> dict[str, Any]:
        ranked = sorted(self.scores, key=lambda n: (-self.scores[n], n))
        others = [n for n in ranked if n != self.label]
        valence, arousal = place(self.weighed)
        return {
            "observations": self.observations(),
            "interpretation": self.interpretation(),
            "conclusion": self.conclusion(),
            "labels": self.labels(),
            "best_fit": self.label,
            "confidence": round(self.scores[self.label], 2),
            "alternatives": [
                {"label": n, "confidence": round(self.scores[n], 2)} for n in others[:3]
            ],
            "valence": round(valence, 2),
            "arousal": round(arousal, 2),
            "abstained": False,
            "abstained_reason": None,
        }

    def kept(self) -> list[Observation]:
        """What the argument rests on, then the most marked of the rest."""
        used = [o for m in self.told_moments() for o in m.observations]
        said = [o for o, emotion in self.weighed.words if emotion != NEUTRAL]
        own = [o for o in self.weighed.observations if _worth_telling(o)]
        rest = sorted(own, key=self.mark, reverse=True)
        found = list(dict.fromkeys([*used, *said, *rest]))
        least = min(12, len(set(used)) + len(said))
        return found[: min(_MAX_LINES, max(self.style.n_lines, least))]

    # Overall interpretation -------------------------------------------------------------------

    def told_moments(self) -> list[Moment]:
        """The moments that say most, in time order."""
        telling = sorted(self.weighed.moments, key=lambda m: m.shares[NEUTRAL])
        kept = [m for m in telling if m.is_expression][:_MAX_MOMENTS]
        kept = kept or telling[:1]
        return sorted(kept, key=lambda m: (m.span, m.emotion))

    def interpretation(self) -> list[Claim]:
        told = self.told_moments()
        claims = [self.of_moment(m) for m in told]
        claims += [*self.in_order(told), *self.at_rest(), *self.of_voice(), *self.of_words()]
        claims += [*self.disagreeing(), *self.against(), *self.gaps()]
        if claims:
            return claims
        if not any(map(is_expression, self.weighed.observations)) and self.weighed.face:
            return [self.line("weighed", "nothing", ())]
        return [self.line("weighed", "alone", self.weighed.observations)]

    def of_moment(self, moment: Moment) -> Claim:
        present = {o.code for o in moment.shown}
        asked = [c for c in known_by(moment) if c not in moment.unmeasured]
        n_shown = len(set(asked) & present)
        whole = bool(asked) and n_shown == len(asked)
        if not moment.shown or (not moment.is_expression and n_shown == 0):
            return self.line("weighed", "stray", moment.observations, **self._names(moment))
        if not moment.is_expression:
            kind = "slight"
        elif n_shown == 0:
            kind = "optional"
        elif len(known_by(moment)) == 1 and whole and len(present) == 1:
            kind = "single"
        else:
            kind = "whole" if whole else "part" if len(present) > 1 else "part_one"
        slots = {
            **self._names(moment),
            "pattern": "+".join(c.removeprefix("AU") for c in known_by(moment)),
            "emotion": moment.emotion,
            "source": moment.pattern.source,
            "n_shown": str(n_shown),
            "n_asked": str(len(asked)),
        }
        beside = moment.beside[: MAX_CITES - len(moment.shown[:MAX_CITES])]
        beside = beside if self.style.rest else ()
        claim = self.line("weighed", kind, [*moment.shown[:MAX_CITES], *beside], **slots)
        return {**claim, "text": f"{claim['text'][:-1]}{self._tail(moment, beside)}."}

    def _names(self, moment: Moment) -> dict[str, str]:
        shown = moment.shown or moment.observations
        names = listed(_codes(shown[:MAX_CITES]))
        return {"names": names, "Names": names}

    def _tail(self, moment: Moment, beside: Sequence[Observation]) -> str:
        tail = ""
        if beside:
            tail += self.phrase("weighed", "beside", beside=listed(_codes(beside)))
        if moment.unmeasured and self.style.gaps:
            tail += self.phrase("weighed", "unmeasured", codes=listed(moment.unmeasured))
        return tail

    def in_order(self, told: Sequence[Moment]) -> list[Claim]:
        if len(told) < 2 or told[0].emotion == told[-1].emotion:
            return []
        first, second = told[0], told[-1]
        if first.span.end_s > second.span.start_s:
            return []
        top = min((first, second), key=lambda m: m.shares[NEUTRAL])
        names = {"first": first.emotion, "First": first.emotion, "second": second.emotion}
        both = [*first.observations[:4], *second.observations[:4]]
        claim = self.line("weighed", "sequence", both, **names)
        led = self.phrase("weighed", "sequence_led", top=top.emotion)
        return [{**claim, "text": f"{claim['text'][:-1]}{led}."}]

    def at_rest(self) -> list[Claim]:
        held = [o for o in self.weighed.observations if o.channel is Channel.FACE and is_held(o)]
        return [self.line("weighed", "held", held)] if held and self.style.rest else []

    def of_voice(self) -> list[Claim]:
        heard = [o for o in self.weighed.observations if _is_change(o)]
        if not heard:
            return []
        steps = sum(max(-1.0, min(1.0, _steps(o))) for o in heard)
        kind = "voice_up" if steps > 0.5 else "voice_down" if steps < -0.5 else "voice_plain"
        return [self.line("weighed", kind, heard)]

    def of_words(self) -> list[Claim]:
        claims = []
        for observation, emotion in self.weighed.words:
            quote = grammar.quote(observation.quote or "")
            slots = {"quote": quote, "Quote": quote, "emotion": emotion}
            if emotion != NEUTRAL:
                claims.append(self.line("weighed", "words", [observation], **slots))
            elif self.style.rest and len(self.weighed.words) == 1:
                claims.append(self.line("weighed", "words_plain", [observation], **slots))
        return claims

    def disagreeing(self) -> list[Claim]:
        """Face against words: told, never smoothed over."""
        said = [(o, e) for o, e in self.weighed.words if e != NEUTRAL]
        if not said or not self.weighed.face:
            return []
        words = said[0][1]
        cites = [o for o, _ in said]
        face = max(self.weighed.face, key=lambda e: self.weighed.face[e])
        shown = [o for m in self.told_moments() if m.is_expression for o in m.shown]
        if face == NEUTRAL or not shown:
            return [self.line("weighed", "conflict_masked", cites, words=words)]
        if not opposed(face, words):
            return []
        return [self.line("weighed", "conflict", [*cites, *shown], words=words, face=face)]

    def against(self) -> list[Claim]:
        found = runner_up(self.weighed)
        if found is None or not self.style.contrast:
            return []
        slots = {"other": found.emotion, "Other": found.emotion, "share": f"{found.share:.2f}"}
        if found.missing:
            kind = "missing_one" if len(found.missing) == 1 else "missing"
            return [self.line("weighed", kind, (), codes=listed(found.missing), **slots)]
        return [self.line("weighed", "runner_up", self.support(found.emotion), **slots)]

    def gaps(self) -> list[Claim]:
        """What was out of reach: units in one line, other things where they matter."""
        if not self.style.gaps:
            return []
        whole = [g for g in self.weighed.not_measured if g.span is None]
        codes = [c for g in whole for c in re.findall(r"AU\d+", g.what)]
        names = [g.what for g in whole if g.what in _TOLD]
        told = [listed(sorted(set(codes), key=_number))] if codes else []
        return [
            self.line("seen", "gap", (), what=what, were=was_or_were(what), when="")
            for what in (*told, *names)
        ]

    # Conclusion -------------------------------------------------------------------------------

    def conclusion(self) -> Claim:
        emotion = self.weighed.emotion
        confidence = f"{self.scores[self.label]:.2f}"
        rest = self.phrase("concluded", "rest", label=self.label, confidence=confidence)
        if emotion == NEUTRAL:
            own = self.weighed.observations
            if not own:
                return self.line("concluded", "neutral_nothing", (), rest=rest)
            kind = self.draw.choice(("neutral_signs", "neutral_thin"))
            return self.line("concluded", kind, own, rest=rest)
        also = [e for e in self.labels()[1:] if e not in coarse_names().get(emotion, ())]
        cites = self.support(emotion)
        if also and self.draw.random() < 0.7:
            slots = {"emotion": emotion, "also": also[0], "rest": rest}
            return self.line("concluded", "mixed", [*cites, *self.support(also[0])], **slots)
        if self.weighed.shares[emotion] < _SURE:
            return self.line("concluded", "unsure", cites, emotion=emotion, rest=rest)
        adjective = grammar.ADJECTIVES.get(emotion, f"to show {emotion}")
        slots = {"emotion": emotion, "adjective": adjective, "rest": rest}
        return self.line("concluded", "shown", cites, **slots)

    def support(self, emotion: str) -> list[Observation]:
        """What a reading rests on."""
        return support(self.weighed, emotion)


def support(weighed: Weighed, emotion: str) -> list[Observation]:
    """What speaks for an emotion most: movements of its moment, words; else all there is."""
    family = {emotion, *coarse_names().get(emotion, ())}
    found: list[Observation] = []
    near = [m for m in weighed.moments if family & {m.emotion, *coarse_names()[m.emotion]}]
    if near:
        found += max(near, key=lambda m: m.shares[m.emotion]).shown
    found += [o for o, e in weighed.words if family & {e, *coarse_names().get(e, ())}]
    if not found and weighed.moments:
        found += min(weighed.moments, key=lambda m: m.shares[NEUTRAL]).observations
    return found or [o for o in weighed.observations if _is_change(o)] or [*weighed.observations]


def runner_up(weighed: Weighed) -> _Against | None:
    """The next best reading of the face, with what its best pattern would ask for."""
    ranked = sorted(weighed.shares, key=lambda e: (-weighed.shares[e], e))
    family = {ranked[0], *coarse_names().get(ranked[0], ())}
    others = [
        e
        for e in ranked[1:]
        if e != NEUTRAL and not family & {e, *coarse_names().get(e, ())} and weighed.face
    ]
    if not others:
        return None
    emotion = others[0]
    return _Against(emotion, weighed.shares[emotion], missing_of(weighed, emotion))


def missing_of(weighed: Weighed, emotion: str) -> tuple[str, ...]:
    """Units that this emotion's most usual pattern asks for, measurable here and not observed."""
    present = {o.code for o in weighed.observations}
    hidden = unmeasured_codes(weighed.not_measured)
    asked = asked_units(emotion)
    found = [c for c in asked if c not in present and c not in hidden and c.startswith("AU")]
    return tuple(found[:_MAX_MISSING])


def opposed(one: str, other: str) -> bool:
    """One pleasant, the other not; surprise and neutral are neither."""
    kinds = {_is_pleasant(one), _is_pleasant(other)}
    return kinds == {True, False}


def _is_pleasant(emotion: str) -> bool | None:
    family = {emotion, *coarse_names().get(emotion, ())}
    if family & {NEUTRAL, "interest", "sympathy", "confusion"} or family == {"surprise"}:
        return None
    return bool(family & PLEASANT)


def _reading(weighed: Weighed) -> Reading:
    """The shape that the writer's own lines read; its scores are not used here."""
    face = bool(weighed.face)
    return Reading(
        weighed.observations, (), (), (), {}, {}, {}, {}, {}, 0.0, weighed.not_measured, face
    )


def _worth_telling(observation: Observation) -> bool:
    return observation.kind is not Kind.STATE or observation.channel is not Channel.VOICE


def _is_change(observation: Observation) -> bool:
    return observation.channel is Channel.VOICE and observation.kind is Kind.EVENT


def _steps(observation: Observation) -> float:
    change = observation.change_from_usual
    return 0.0 if change is None else change / _LOUD.get(observation.code, 1e9)


def known_by(moment: Moment) -> list[str]:
    """The units of its pattern that most people show."""
    return core_units(moment.pattern)


def core_units(pattern: Pattern) -> list[str]:
    codes = [c for c, share in pattern.shares if share > 0.7]
    found = list(dict.fromkeys("AU26" if c == "AU27" else c for c in codes))
    return [c for c in found if c in MOVEMENTS]


def _codes(observations: Iterable[Observation]) -> list[str]:
    return sorted({o.code for o in observations}, key=_number)


def _number(code: str) -> int:
    return int(code.removeprefix("AU"))
