"""Drawn clips: who is there, what is shown, said and heard, and what is measured of it.

A clip is a function of a seed and its number, so that any stretch of a simulation can be made
anywhere, in any order, by any number of processes. Several clips are of one person, who keeps
face at rest and voice.
"""

import hashlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from demeanor.data_engine.simulate import around, face, voice, words
from demeanor.data_engine.simulate.face import Shown, View
from demeanor.data_engine.simulate.tables import (
    BACKENDS,
    NEUTRAL,
    coarse_names,
    units,
    value,
)
from demeanor.data_engine.simulate.voice import Phrase, Voice
from demeanor.explain.perception.action_units import action_unit_model
from demeanor.explain.perception.laughter import NOT_TOLD, WHY_NOT_TOLD
from demeanor.explain.records import (
    Clip,
    Event,
    Measurement,
    NotMeasured,
    Person,
    Source,
    SourceKind,
    Span,
    Utterance,
)
from demeanor.explain.vocabulary import MOVEMENTS, Region

CLIPS_PER_PERSON = 4
_SYLLABLES_PER_WORD = 1.35  # of plain English; from memory
_TRANSCRIPT = Source(SourceKind.HUMAN, "transcript", "1")
_HEARD = Source(SourceKind.MACHINE, "simulated recogniser", "1")
_NO_WORDS = (
    "no transcript beside the clip, no subtitle stream, and no speech recogniser was chosen "
    "(--asr ...)"
)
_COVERS = {  # what may lie over a part of the face, and the regions that it hides
    "something dark covers the eyes": (Region.BROW, Region.EYE, Region.GAZE),
    "a hand is before this part of the face": (Region.MOUTH, Region.JAW),
}
_SAME, _IDLE = 0.7, 3.0  # of a lively clip: shows its emotion again; moves so much oftener; ours
_COMPOUND_WEIGHT, _STATE_WEIGHT = 0.4, 0.6  # of an emotion's, in drawing; ours

Said = tuple[str, str]  # a sentence, and the emotion that it goes with
Say = Callable[[str, random.Random], Said | None]  # of somebody who shows this emotion


class Scenario(StrEnum):
    """What kind of clip; the names go into files."""

    PICTURE = "picture"
    SHOWN = "shown"  # one expression, with or without talk
    NEUTRAL = "neutral"
    SEQUENCE = "sequence"  # two expressions, one after the other
    CONFLICT = "conflict"  # face against words, or against the voice
    THIN = "thin"  # weak, partial, brief
    UNSEEN = "unseen"  # voice and words only
    SILENT = "silent"  # face only
    TWO_PEOPLE = "two people"
    LIVELY = "lively"  # longer; expressions again and again, and much beside them


WEIGHTS: dict[Scenario, float] = {  # shares of clips; ours
    Scenario.PICTURE: 0.28,
    Scenario.SHOWN: 0.22,
    Scenario.NEUTRAL: 0.12,
    Scenario.SEQUENCE: 0.07,
    Scenario.CONFLICT: 0.08,
    Scenario.THIN: 0.08,
    Scenario.UNSEEN: 0.06,
    Scenario.SILENT: 0.05,
    Scenario.TWO_PEOPLE: 0.04,
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What was drawn. Rows never show it; it is kept to measure against."""

    scenario: Scenario
    face: tuple[str, ...]  # emotions shown, in time order
    voice: tuple[str, ...]  # by phrase
    words: tuple[str, ...]  # by utterance: which emotion its words go with
    strength: float

    @property
    def emotion(self) -> str:
        """What the clip is about: the face first, then what is said, then how."""
        told = (*self.face, *self.words, *self.voice)
        return next((e for e in told if e != NEUTRAL), NEUTRAL)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnClip:
    number: int
    subject: str
    truth: Truth
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class Somebody:
    """What a person keeps from clip to clip."""

    subject: str
    rest: dict[str, float]
    voice: Voice


@cache
def emotions() -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Everything that can be shown, and how often it is drawn."""
    weights = {}
    for emotion, coarse in coarse_names().items():
        weights[emotion] = {0: _STATE_WEIGHT, 1: 1.0}.get(len(coarse), _COMPOUND_WEIGHT)
        if len(coarse) == 1 and emotion != coarse[0]:
            weights[emotion] = _STATE_WEIGHT
    for basic in ("happiness", "sadness", "anger", "fear", "surprise", "disgust"):
        weights[basic] = 2.5
    return tuple(weights), tuple(weights.values())


def draw_clip(
    seed: int,
    number: int,
    weights: dict[Scenario, float] | None = None,
    say: Say = words.said,
) -> DrawnClip:
    """The clip of this number. `say` gives the words: ours, or comments that people wrote."""
    draw = random.Random(f"{seed} clip {number}")
    weights = weights or WEIGHTS
    scenario = draw.choices(tuple(weights), tuple(weights.values()))[0]
    who = _somebody(seed, number // CLIPS_PER_PERSON)
    maker = _Maker(seed, number, scenario, who, draw, say)
    return maker.clip()


def _somebody(seed: int, number: int) -> Somebody:
    draw = random.Random(f"{seed} person {number}")
    share = value("rest_held_percent") / 100
    codes = sorted({*units("mesh"), *units("landmarker")} - {"AU43", "AU25", "AU26"})
    rest = {c: round(1.2 + draw.expovariate(1.2), 2) for c in codes if draw.random() < share}
    return Somebody(f"sim-{seed}-{number}", rest, Voice.drawn(draw))


class _Maker:
    """Draws one clip; holds what all of its parts need."""

    def __init__(
        self,
        seed: int,
        number: int,
        scenario: Scenario,
        who: Somebody,
        draw: random.Random,
        say: Say,
    ) -> None:
        self.seed, self.number, self.scenario = seed, number, scenario
        self.who, self.draw, self.say = who, draw, say
        self.backend = draw.choice(BACKENDS)
        self.strength = draw.uniform(value("strength_low"), value("strength_high"))
        self.emotion = self._emotion()
        self.gaps: list[NotMeasured] = []

    def _emotion(self) -> str:
        if self.scenario is Scenario.NEUTRAL:
            return NEUTRAL
        names, weights = emotions()
        if self.scenario is Scenario.UNSEEN:
            spoken = [(n, w) for n, w in zip(names, weights, strict=True) if _can_be_said(n)]
            names, weights = zip(*[*spoken, (NEUTRAL, 4.0)], strict=True)
        if self.scenario is Scenario.PICTURE and self.draw.random() < 0.25:
            return NEUTRAL
        return self.draw.choices(names, weights)[0]

    # The parts -------------------------------------------------------------------------------

    def clip(self) -> DrawnClip:
        if self.scenario is Scenario.PICTURE:
            return self._picture()
        talked = self._talk()
        duration_s = self._duration_s(talked)
        speakers = tuple(t.span for t in talked) if self._own_mouth() else ()
        shown = [] if self.scenario is Scenario.UNSEEN else self._expressions(duration_s)
        found = self._face(shown, duration_s, speakers)
        phrases = [t.phrase for t in talked]
        found += voice.events(phrases, self.who.voice, duration_s, self.draw, self._speaker(talked))
        if self.scenario is Scenario.LIVELY:
            found += around.in_the_sound([t.span for t in talked], duration_s, self.draw)
        if self.scenario is Scenario.TWO_PEOPLE:
            found += self._other(duration_s)
        utterances = self._utterances(talked)
        self._declare(duration_s, talked, bool(utterances))
        truth = Truth(
            self.scenario,
            tuple(s.emotion for s in shown) or ((NEUTRAL,) if self._is_seen() else ()),
            tuple(t.phrase.emotion for t in talked),
            tuple(t.meant for t in talked) if utterances else (),
            self.strength,
        )
        return self._made(truth, duration_s, found, utterances)

    def _picture(self) -> DrawnClip:
        at = Span(0.0, 0.0)
        shown = [] if self.emotion == NEUTRAL else [self._shown(self.emotion, at)]
        view = self._view(0.0, ())
        moved = [m for s in shown for m in face.movements(s, self.draw)]
        found = face.events(moved, view, self.draw)
        self.gaps += _beyond(self.backend)
        self.gaps.append(NotMeasured("voice", "the picture has no sound"))
        self.gaps.append(NotMeasured("words", _NO_WORDS))
        truth = Truth(self.scenario, (self.emotion,), (), (), self.strength)
        return self._made(truth, 0.0, found, [])

    def _shown(self, emotion: str, span: Span) -> Shown:
        thin = self.scenario is Scenario.THIN
        strength = min(self.strength, 2.8) if thin else self.strength
        everyday = thin or self.draw.random() < value("everyday_percent") / 100
        stays = self.draw.uniform(value("everyday_low"), value("everyday_high"))
        return Shown(emotion, span, strength, stays if everyday else 1.0)

    def _expressions(self, duration_s: float) -> list[Shown]:
        if self.emotion == NEUTRAL:
            return []
        n = 2 if self.scenario is Scenario.SEQUENCE else 1
        names = [self.emotion, *[self._another(self.emotion) for _ in range(n - 1)]]
        if self.scenario is Scenario.LIVELY:
            n = self.draw.randint(3, 9)
            others = (self._another(self.emotion) for _ in range(n))
            names = [self.emotion if self.draw.random() < _SAME else name for name in others]
        part_s = duration_s / n
        shown = []
        for k, name in enumerate(names):
            lasts_s = min(self._lasts_s(), 0.9 * part_s)
            start_s = k * part_s + self.draw.uniform(0.05, 1.0) * (part_s - lasts_s)
            shown.append(self._shown(name, Span(start_s, start_s + lasts_s)))
        return shown

    def _lasts_s(self) -> float:
        if self.scenario is Scenario.THIN and self.draw.random() < 0.4:
            return self.draw.uniform(0.12, value("brief_max_s"))
        lasts_s = self.draw.lognormvariate(math.log(value("expression_s")), 0.55)
        return min(value("expression_max_s"), max(value("expression_min_s"), lasts_s))

    def _another(self, emotion: str) -> str:
        names, weights = emotions()
        coarse = set(coarse_names().get(emotion, ()))
        while True:
            other = self.draw.choices(names, weights)[0]
            if other != emotion and not coarse & set(coarse_names()[other]):
                return other

    def _face(
        self, shown: Sequence[Shown], duration_s: float, talks: tuple[Span, ...]
    ) -> list[Event]:
        if not self._is_seen():
            return []
        view = self._view(duration_s, talks)
        moved = [m for s in shown for m in face.movements(s, self.draw)]
        self.gaps += _talking(view)
        self.gaps += _beyond(self.backend)
        beside = around.at_the_face(view, self.draw) if self.scenario is Scenario.LIVELY else ()
        return [*face.events(moved, view, self.draw), *beside]

    def _view(self, duration_s: float, talks: tuple[Span, ...]) -> View:
        hidden: frozenset[str] = frozenset()
        if self.draw.random() < 0.05:
            reason = self.draw.choice(sorted(_COVERS))
            regions = _COVERS[reason]
            codes = [c for c in units(self.backend) if MOVEMENTS[c].region in regions]
            hidden = frozenset([*codes, *(c for c in MOVEMENTS if MOVEMENTS[c].region in regions)])
            said = f"{reason} (for {duration_s:.1f} s in all)"
            self.gaps.append(NotMeasured(", ".join(codes), said, None, "p1"))
        idle = _IDLE if self.scenario is Scenario.LIVELY else 1.0
        return View(self.backend, duration_s, "p1", talks, self.who.rest, hidden, idle)

    def _other(self, duration_s: float) -> list[Event]:
        """A second face in the picture: its events have ids, and are no evidence about p1."""
        other = _somebody(self.seed, self.number + 1_000_003)
        names, weights = emotions()
        span = Span(0.3 * duration_s, 0.6 * duration_s)
        shown = Shown(self.draw.choices(names, weights)[0], span, self.strength)
        view = View(self.backend, duration_s, "p2", (), other.rest)
        return face.events(face.movements(shown, self.draw), view, self.draw)

    # Talk ------------------------------------------------------------------------------------

    def _talk(self) -> list["_Talked"]:
        """Phrases in time order, each with the words and the emotion of its voice."""
        if self.scenario is Scenario.SILENT:
            return []
        if self.scenario is not Scenario.UNSEEN and self.draw.random() < 0.25:
            return []
        own, spoken = self._channels()
        n = self.draw.choice((1, 2, 2, 3)) if self.scenario is not Scenario.UNSEEN else 3
        telling = {self.draw.randrange(n)} | ({0} if self.draw.random() < 0.4 else set())
        at_s, talked = self.draw.uniform(0.1, 0.6), []
        for k in range(n):
            told = self.say(spoken, self.draw) if k in telling else None
            text, meant = told or words.small_talk(self.draw)
            rate = max(2.4, self.draw.gauss(value("syllables_per_s"), 0.5))
            lasts_s = max(0.5, len(text.split()) * _SYLLABLES_PER_WORD / rate)
            mood = own if k in telling or self.draw.random() < 0.5 else NEUTRAL
            span = Span(round(at_s, 2), round(at_s + lasts_s, 2))
            talked.append(_Talked(span, text, meant, Phrase(span, mood, self.strength)))
            at_s += lasts_s + self.draw.uniform(0.3, 1.4)
        return talked

    def _channels(self) -> tuple[str, str]:
        """Emotion of the voice and of the words."""
        own = self.emotion
        if self.scenario is Scenario.CONFLICT:
            other = self._opposite(own)
            return (own, other) if self.draw.random() < 0.75 else (other, other)
        if own != NEUTRAL and self.draw.random() < 0.35:
            return own if self.draw.random() < 0.5 else NEUTRAL, NEUTRAL  # plain words
        return own, own

    def _opposite(self, emotion: str) -> str:
        pleasant = ("happiness", "amusement", "contentment", "pride", "relief")
        unpleasant = ("anger", "sadness", "fear", "disgust", "frustration", "contempt")
        mine = set(coarse_names().get(emotion, ())) | {emotion}
        return self.draw.choice(unpleasant if mine & set(pleasant) else pleasant)

    def _utterances(self, talked: Sequence["_Talked"]) -> list[Utterance]:
        """The words, where there is a source of them."""
        share = 0.0 if self.scenario is Scenario.UNSEEN else 0.1
        if not talked or self.draw.random() < share:
            return []
        source = _TRANSCRIPT if self.draw.random() < 0.6 else _HEARD
        who = self._speaker(talked)
        return [Utterance(t.span, t.text, (), who, "en", None, source) for t in talked]

    def _speaker(self, talked: Sequence["_Talked"]) -> str | None:
        return "p1" if talked and self._own_mouth() else None

    def _own_mouth(self) -> bool:
        """Whether the voice was matched to the face: by clip, not by call."""
        return self._is_seen() and (self.number * 7919 + self.seed) % 5 < 4

    def _is_seen(self) -> bool:
        return self.scenario is not Scenario.UNSEEN

    def _duration_s(self, talked: Sequence["_Talked"]) -> float:
        said_s = talked[-1].span.end_s + self.draw.uniform(0.2, 1.5) if talked else 0.0
        least_s, most_s = (6.0, 18.0) if self.scenario is Scenario.LIVELY else (2.0, 7.0)
        return round(max(said_s, self.draw.uniform(least_s, most_s)), 2)

    # What could not be measured --------------------------------------------------------------

    def _declare(self, duration_s: float, talked: Sequence["_Talked"], has_words: bool) -> None:
        if not self._is_seen():
            self.gaps.append(NotMeasured("face", "the clip has no picture"))
        elif self.draw.random() < 0.3:
            reason = "they are told against the person's own face at rest, which is not seen here"
            self.gaps.append(NotMeasured("micro-expressions", reason, person="p1"))
        if not talked:
            silent = self.scenario is Scenario.SILENT
            reason = "the video has no sound" if silent else "nobody is heard speaking"
            self.gaps.append(NotMeasured("voice", reason))
        else:
            self.gaps.append(NotMeasured(NOT_TOLD, WHY_NOT_TOLD))
        if not has_words:
            self.gaps.append(NotMeasured("words", _NO_WORDS))

    def _made(
        self, truth: Truth, duration_s: float, found: list[Event], utterances: list[Utterance]
    ) -> DrawnClip:
        name = hashlib.sha256(f"demeanor simulation {self.seed} {self.number}".encode()).hexdigest()
        whole = Span(0.0, duration_s)
        clip = Clip(
            name[:16],
            name[16:28],
            whole,
            Path(f"simulated/{self.seed}/{self.number}"),
            duration_s,
            float(face.FPS) if duration_s and self._is_seen() else None,
            16000 if duration_s and self.scenario is not Scenario.SILENT else None,
        )
        n_people = 2 if self.scenario is Scenario.TWO_PEOPLE else int(self._is_seen())
        people = tuple(
            Person(
                f"p{k}",
                (whole,),
                max(1, round(duration_s * face.FPS)),
                200.0,
                (0.3, 0.2, 0.7, 0.8),
                0.0,
            )
            for k in range(1, n_people + 1)
        )
        measurement = Measurement(
            clip,
            people,
            (),
            tuple(utterances),
            (),
            tuple(sorted(found, key=lambda e: (e.span.start_s, e.channel, e.code))),
            tuple(self.gaps),
            {"face_backend": {"name": self.backend, "simulated": True}},
        )
        return DrawnClip(self.number, self.who.subject, truth, measurement)


@dataclass(frozen=True, slots=True)
class _Talked:
    span: Span
    text: str
    meant: str  # the emotion that the words go with
    phrase: Phrase


@cache
def _can_be_said(emotion: str) -> bool:
    known = words.speaking_emotions()
    return emotion in known or bool(set(coarse_names().get(emotion, ())) & known)


def _talking(view: View) -> list[NotMeasured]:
    """The line about mouths that talk, as events.face_limits writes it."""
    if not view.talks:
        return []
    seconds = sum(t.duration_s for t in view.talks)
    span = Span(view.talks[0].start_s, view.talks[-1].end_s)
    reason = f"the person talks (for {seconds:.1f} s in all): only what is held there counts"
    return [NotMeasured("short movements of the mouth", reason, span, view.person)]


@cache
def _beyond(backend: str) -> tuple[NotMeasured, ...]:
    """Units that this backend cannot see, as measure.py says it."""
    reasons: dict[str, list[str]] = {}
    for code, why in action_unit_model(backend).not_measured().items():
        reasons.setdefault(why, []).append(code)
    return tuple(
        NotMeasured(", ".join(codes), f"{why} (backend {backend})")
        for why, codes in reasons.items()
    )
