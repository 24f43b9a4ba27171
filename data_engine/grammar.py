"""The offline teacher's prose: one reading of the signs, written out in many ways.

The same sample with the same seed gives the same text. What varies is the phrasing of each line,
their order (time, strength, place in the face), how much is told, and whether times, sources and
changes are named. A model that is tuned on it cannot lean on one form of words.
"""

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

import yaml

from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.cues import direction, is_expression
from demeanor.explain.reasoning.parse import MAX_CLAIMS
from demeanor.explain.reasoning.prose import (
    MAX_CITES,
    leading,
    opposed,
    support_of,
    told_patterns,
)
from demeanor.explain.reasoning.signs import Match, Saying, in_speech, is_held, speech_spans
from demeanor.explain.reasoning.weigh import EMOTIONS, Reading, label_scores, open_labels, place
from demeanor.explain.records import Channel, Kind, LabelSet, Observation, Side, Span, Unit
from demeanor.explain.vocabulary import (
    MOVEMENTS,
    VOICE_SOUNDS,
    VOICE_WORDS,
    Region,
    intensity_letter,
    intensity_word,
    voice_level,
)

Claim = dict[str, Any]  # {"text": …, "cites": […]}, as in the reply schema
_REGIONS = tuple(Region)
_SIDES = {Side.LEFT: " on the person's own left", Side.RIGHT: " on the person's own right"}
ADJECTIVES = {
    "happiness": "happy",
    "sadness": "sad",
    "anger": "angry",
    "fear": "fearful",
    "surprise": "surprised",
    "disgust": "disgusted",
    "contempt": "contemptuous",
}
_N_QUOTED = 120  # characters of an utterance that a key observation repeats
_NO_MARKS = str.maketrans({'"': "'", "“": "'", "”": "'", "«": "'", "»": "'", "„": "'"})
_MIN_FULL_CHANGE = 0.5  # of an intensity against the usual: less is not worth a clause; ours


@dataclass(frozen=True, slots=True)
class Style:
    """How one text is written. `Style.drawn` makes it of a seed."""

    n_lines: int  # key observations; the most telling ones
    order: str  # time, strength, place
    times: bool
    changes: bool
    sources: bool
    gaps: bool
    contrast: bool
    rest: bool

    @classmethod
    def drawn(cls, draw: random.Random, in_full: bool) -> "Style":
        if in_full:
            return cls(MAX_CLAIMS, draw.choice(("time", "strength", "place")), *[True] * 6)
        flags = [draw.random() < share for share in (0.7, 0.4, 0.6, 0.5, 0.5, 0.5)]
        return cls(draw.choice((3, 5, 8, 12)), draw.choice(("time", "strength", "place")), *flags)


def write(
    request: Request, reading: Reading, label: str, seed: int, in_full: bool = False
) -> dict[str, Any]:
    """The reply that argues for `label`, in the form that `demeanor explain` asks for.

    in_full: everything is told that was noted, as after a reader who took it for something else.
    """
    draw = random.Random(_seed(request, label, seed, in_full))  # noqa: S311 phrasings, no secrets
    writer = Writer(request, reading, label, Style.drawn(draw, in_full), draw)
    return writer.reply()


def _seed(request: Request, label: str, seed: int, in_full: bool) -> int:
    key = f"{seed}\0{request.clip_id}\0{request.person}\0{label}\0{in_full}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")


@cache
def phrasings() -> dict[str, dict[str, tuple[str, ...]]]:
    text = files("demeanor.data_engine").joinpath("grammar.yaml").read_text("utf-8")
    data = yaml.safe_load(text)
    return {part: {k: tuple(v) for k, v in kinds.items()} for part, kinds in data.items()}


class Writer:
    """Holds what every line needs: the reading, the style, the draw."""

    def __init__(
        self, request: Request, reading: Reading, label: str, style: Style, draw: random.Random
    ) -> None:
        self.request, self.reading, self.label = request, reading, label
        self.style, self.draw = style, draw
        self.scores = label_scores(reading, request.label_set)
        self.speech = speech_spans(reading.observations)
        self.told = told_patterns(reading)

    def reply(self) -> dict[str, Any]:
        others = sorted((n for n in self.scores if n != self.label), key=lambda n: -self.scores[n])
        valence, arousal = place(self.reading)
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

    def labels(self) -> list[str]:
        """The words that open labels would have, the argued one first."""
        coarse = self.emotion or self.label
        return list(dict.fromkeys([coarse, *open_labels(self.reading)]))[:4]

    @property
    def emotion(self) -> str | None:
        return self.request.label_set.coarse.get(self.label)

    def line(self, part: str, kind: str, cites: Iterable[Observation], **slots: str) -> Claim:
        text = self.phrase(part, kind, **slots)
        ids = list(dict.fromkeys(o.obs_id for o in cites))[:MAX_CITES]
        return {"text": text[0].upper() + text[1:] + ".", "cites": ids}

    def phrase(self, part: str, kind: str, **slots: str) -> str:
        return Template(self.draw.choice(phrasings()[part][kind])).substitute(slots)

    # Key observations -------------------------------------------------------------------------

    def observations(self) -> list[Claim]:
        lines = [self.seen(o) for o in self.ordered(self.kept())]
        shows = any(map(is_expression, self.reading.observations))
        if not shows and self.reading.face_measured:
            lines.append(self.line("seen", "nothing", ()))
        if self.reading.unread:
            lines.append(self.line("seen", "unread", self.reading.unread))
        return lines

    def kept(self) -> list[Observation]:
        """What the argument rests on first, then the most marked of the rest."""
        shown = [o for match in self.told for o in match.shown]
        said = [s.observation for s in self.reading.sayings]
        rest = sorted(self.reading.observations, key=self.mark, reverse=True)
        found = [o for o in dict.fromkeys([*shown, *said, *rest]) if o not in self.reading.unread]
        n_needed = max(self.style.n_lines, len(dict.fromkeys([*shown, *said])))
        return found[: min(n_needed, self.room)]

    @property
    def room(self) -> int:
        """Lines for observations: what the reply's form allows, less those that stand for none."""
        shows = any(map(is_expression, self.reading.observations))
        return MAX_CLAIMS - bool(self.reading.unread) - (not shows)

    def mark(self, observation: Observation) -> float:
        size = abs(observation.peak or 0.0)
        if observation.channel is Channel.VOICE:
            return 2.0 + observation.reliability
        if observation.code == "AU45" or in_speech(observation, self.speech):
            return 0.1
        return size / 8.0 if observation.unit is Unit.DEGREE else size

    def ordered(self, found: Sequence[Observation]) -> list[Observation]:
        if self.style.order == "strength":
            return sorted(found, key=lambda o: (-self.mark(o), o.obs_id))
        if self.style.order == "place":
            return sorted(found, key=lambda o: (_place(o), o.span, o.obs_id))
        return sorted(found, key=lambda o: (o.span, o.obs_id))

    def seen(self, observation: Observation) -> Claim:
        kind, slots = self.described(observation)
        return self.line("seen", kind, [observation], when=self.when(observation.span), **slots)

    def described(self, observation: Observation) -> tuple[str, dict[str, str]]:
        if observation.channel is Channel.SPEECH:
            return "words", {"quote": quote(observation.quote or "")}
        if observation.channel is Channel.VOICE:
            return _voice(observation)
        if observation.code == "AU45":
            return "blink", {}
        unit = MOVEMENTS[observation.code]
        clause = unit.clause + (_SIDES[observation.side] if observation.side else "")
        slots = {"clause": clause, "Clause": clause, "name": observation.name, "title": unit.name}
        slots["reserve"] = self.reserve(observation)
        if observation.peak is None or not observation.code.startswith("AU"):
            return "other", slots
        if observation.unit is Unit.FACS_INTENSITY:
            return "graded", {
                **slots,
                **_grade(observation.peak),
                "change": self.change(observation),
            }
        if observation.unit is Unit.PROBABILITY:
            return "present", {**slots, "peak": f"{observation.peak:.2f}"}
        return "degrees", {**slots, "size": _size(observation)}

    def when(self, span: Span) -> str:
        if span == Span(0.0, 0.0) or not self.style.times:
            return ""
        if span.duration_s < 0.05:
            return f" at {span.start_s:.1f} s"
        return f" from {span.start_s:.1f} to {span.end_s:.1f} s"

    def change(self, observation: Observation) -> str:
        delta = observation.change_from_usual
        if not self.style.changes or delta is None or abs(delta) < _MIN_FULL_CHANGE:
            return ""
        return f", {abs(delta):.1f} {'above' if delta > 0 else 'below'} this person's usual"

    def reserve(self, observation: Observation) -> str:
        if is_held(observation):
            return "; it is held all along and counts less"
        is_mouth = MOVEMENTS[observation.code].region in (Region.MOUTH, Region.JAW)
        if is_mouth and in_speech(observation, self.speech):
            return "; it falls within talking and counts less"
        return "; it is measured with little certainty" if observation.reliability < 0.5 else ""

    # Overall interpretation -------------------------------------------------------------------

    def interpretation(self) -> list[Claim]:
        claims = [self.pattern(match) for match in self.told]
        claims += [*self.dominating(), *self.rest(), *self.voice(), *self.words()]
        claims += [*self.conflict(), *self.contrast(), *self.gaps()]
        if claims:
            return claims[:MAX_CLAIMS]
        if not self.reading.observations:
            return [self.line("weighed", "nothing", ())]
        return [self.line("weighed", "plain", self.reading.observations)]

    def pattern(self, match: Match) -> Claim:
        names = _listed(_codes(match.shown))
        kind = "whole"
        if len(match.row.aus) == 1:
            kind = "single"
        elif match.n_shown < match.n_asked:
            kind = "part"
        slots = {
            "names": names,
            "Names": names,
            "pattern": match.row.pattern,
            "emotion": match.row.emotion,
            "source": match.row.source,
            "n_shown": str(match.n_shown),
            "n_asked": str(match.n_asked),
        }
        claim = self.line("weighed", kind, [*match.shown, *match.beside], **slots)
        if not self.style.sources:
            claim["text"] = claim["text"].replace(f" ({match.row.source})", "")
        tail = ""
        if match.beside:
            tail += self.phrase("weighed", "beside", beside=_listed(_codes(match.beside)))
        if match.unmeasured and self.style.gaps:
            tail += self.phrase("weighed", "unmeasured", codes=_listed(list(match.unmeasured)))
        return {**claim, "text": f"{claim['text'][:-1]}{tail}."}

    def dominating(self) -> list[Claim]:
        if len(self.told) < 2:
            return []
        top = max(self.told, key=lambda match: match.score)
        names = _listed([match.row.emotion for match in self.told])
        shown = [o for match in self.told for o in match.shown]
        return [self.line("weighed", "dominates", shown, emotions=names, first=top.row.emotion)]

    def rest(self) -> list[Claim]:
        used = {o for match in self.told for o in (*match.shown, *match.beside)}
        rest = [o for o in self.reading.observations if is_expression(o) and o not in used]
        if not rest or not (self.style.rest or not self.told):
            return []
        return [self.line("weighed", "rest" if self.told else "rest_alone", rest)]

    def voice(self) -> list[Claim]:
        activation = self.reading.voice.get("activation")
        heard = [o for o in self.reading.observations if o.channel is Channel.VOICE]
        if activation is None or not heard:
            return []
        level = "raised" if activation > 0.1 else "lowered" if activation < -0.1 else "ordinary"
        return [self.line("weighed", "voice", heard, level=level)]

    def words(self) -> list[Claim]:
        claims = []
        for emotion in EMOTIONS:
            said = [
                s for s in self.reading.sayings if s.phrase.emotion == emotion and not s.negated
            ]
            if said:
                claim = self.line(
                    "weighed", "wording", _of(said), quote=_excerpts(said), emotion=emotion
                )
                claims.append(claim)
        if denied := [s for s in self.reading.sayings if s.negated]:
            claims.append(self.line("weighed", "denied", _of(denied), quote=_excerpts(denied)))
        return claims

    def conflict(self) -> list[Claim]:
        face, words = leading(self.reading.face), leading(self.reading.words)
        if face is None or words is None or not opposed(face, words):
            return []
        shown = [o for match in self.told if face in match.row.coarse for o in match.shown]
        cites = [*_of(self.reading.sayings)[:4], *shown[:4]]
        return [self.line("weighed", "conflict", cites, words=words, face=face)]

    def contrast(self) -> list[Claim]:
        """Why not the next best."""
        coarse = self.request.label_set.coarse
        others = [n for n in self.scores if coarse.get(n) in EMOTIONS and n != self.label]
        if not self.style.contrast or not others or not self.reading.observations:
            return []
        other = max(others, key=lambda n: self.scores[n])
        emotion = coarse[other]
        shown = [o for match in self.told if emotion in match.row.coarse for o in match.shown]
        kind = "against" if shown else "against_none"
        return [self.line("weighed", kind, shown or self.reading.observations, other=emotion)]

    def gaps(self) -> list[Claim]:
        if not self.style.gaps:
            return []
        found = dict.fromkeys((gap.what, gap.span) for gap in self.reading.gaps)
        return [
            self.line("seen", "gap", (), what=what, when=_during(span))
            for what, span in list(found)[:4]
        ]

    # Conclusion -------------------------------------------------------------------------------

    def conclusion(self) -> Claim:
        rest = self.phrase(
            "concluded", "rest", label=self.label, confidence=f"{self.scores[self.label]:.2f}"
        )
        if self.emotion == "neutral":
            own = self.reading.observations
            kind = "neutral_signs" if own else "neutral_nothing"
            return self.line("concluded", kind, own, rest=rest)
        emotion = self.emotion or self.label
        cites = support_of(self.reading, emotion)
        also = [e for e in open_labels(self.reading) if e in EMOTIONS and e != emotion][:1]
        if also and self.draw.random() < 0.5:
            cites = [*cites, *support_of(self.reading, also[0])]
            slots = {"emotion": emotion, "also": also[0]}
            return self.line("concluded", "also", cites, rest=rest, **slots)
        adjective = ADJECTIVES.get(emotion, f"to show {emotion}")
        return self.line(
            "concluded", "shown", cites, rest=rest, emotion=emotion, adjective=adjective
        )


# Words ----------------------------------------------------------------------------------------


def supported(reading: Reading, label_set: LabelSet, label: str, least_share: float) -> bool:
    """Whether the cues give this label at least a share of what they give the best one."""
    scores = label_scores(reading, label_set)
    return scores[label] >= least_share * max(scores.values())


def _place(observation: Observation) -> int:
    if observation.channel is not Channel.FACE:
        return len(_REGIONS) + list(Channel).index(observation.channel)
    return _REGIONS.index(MOVEMENTS[observation.code].region)


def _grade(peak: float) -> dict[str, str]:
    word = intensity_word(peak)
    letter = intensity_letter(peak)
    return {"letter": letter, "word": word, "Word": word, "peak": f"{peak:.1f}"}


def _size(observation: Observation) -> str:
    peak = observation.peak or 0.0
    if observation.unit is Unit.DEGREE:
        return f"{abs(peak):.0f} degrees"
    if observation.unit is Unit.RATIO:
        return f"{100 * abs(peak - 1):.0f}%"
    return f"{peak:.1f} {observation.unit}".strip()


def _voice(observation: Observation) -> tuple[str, dict[str, str]]:
    words, change = VOICE_WORDS.get(observation.code), direction(observation)
    by_level = observation.kind is Kind.STATE or observation.code in VOICE_SOUNDS
    if words is None or by_level or (change is None and not observation.code.endswith("Slope")):
        level = voice_level(observation.code, observation.peak or 0.0) or observation.code
        return "voice_level", {"what": level}
    by = observation.peak or 0.0 if change is None else change
    what = words[0 if change is None or change > 0 else 1]
    size = f"{by:+.1f} {observation.unit}".strip()
    return "voice_change", {"what": what, "What": what, "size": size}


def quote(text: str) -> str:
    clean = " ".join(text.translate(_NO_MARKS).split())
    cut = clean if len(clean) <= _N_QUOTED else clean[:_N_QUOTED].rsplit(" ", 1)[0]
    return f"“{cut}”"


def _excerpts(said: Sequence[Saying]) -> str:
    clean = dict.fromkeys(" ".join(s.excerpt.translate(_NO_MARKS).split()) for s in said)
    return _listed([f"“{excerpt}”" for excerpt in list(clean)[:4]])


def _of(said: Sequence[Saying]) -> list[Observation]:
    return [s.observation for s in said]


def _codes(observations: Iterable[Observation]) -> list[str]:
    return sorted({o.code for o in observations}, key=lambda code: int(code.removeprefix("AU")))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _during(span: Span | None) -> str:
    return "" if span is None else f" from {span.start_s:.1f} to {span.end_s:.1f} s"
