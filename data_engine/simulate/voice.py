"""From what a drawn voice does to the events that our front end would report of it.

Every phrase has its own pitch, level, rate and tone: the speaker's usual, the wobble of plain
talk, and what the emotion of that phrase adds (vocal.csv, scaled by its strength). As in the real
front end the usual is the clip's own, so that somebody who is angry throughout has no event.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from demeanor.data_engine.simulate.tables import NEUTRAL, parameters, value, voice_changes
from demeanor.explain.perception.voice import ALPHA, JITTER, LEVEL, PITCH, RATE
from demeanor.explain.perception.voice_events import (
    FALL,
    GOOD_SNR_DB,
    LAUGH_RELIABILITY,
    LAUGHTER,
    MIN_FACTOR,
    PAUSE,
    POOR_SNR_DB,
    RANGE,
    RISE,
    SNR,
    SPEECH_SHARE,
)
from demeanor.explain.records import Channel, Event, Kind, Source, SourceKind, Span, Unit
from demeanor.explain.settings import load_settings

_SETTINGS = load_settings().voice
_SOURCE = Source(SourceKind.MACHINE, "simulated voice", "1")
_UNITS = {
    PITCH: Unit.SEMITONE,
    RANGE: Unit.SEMITONE,
    LEVEL: Unit.DECIBEL,
    ALPHA: Unit.DECIBEL,
    JITTER: Unit.RATIO,
    RATE: Unit.PER_SECOND,
}
_WOBBLES = {
    PITCH: "phrase_pitch_st",
    RANGE: "phrase_range_st",
    LEVEL: "phrase_level_db",
    ALPHA: "phrase_alpha_db",
    JITTER: "phrase_jitter",
    RATE: "phrase_rate_share",
}
_THRESHOLDS = {
    PITCH: _SETTINGS.pitch_change_st,
    RANGE: _SETTINGS.range_change_st,
    LEVEL: _SETTINGS.level_change_db,
    ALPHA: _SETTINGS.alpha_change_db,
    JITTER: _SETTINGS.jitter_change,
}
_FULL_STRENGTH = 3.5  # FACS-like strength at which a published change is reached; ours
_FALL_SHARE = 0.45  # of plain phrases that end in a fall; ours


@dataclass(frozen=True, slots=True)
class Phrase:
    span: Span
    emotion: str = NEUTRAL
    strength: float = 3.0


@dataclass(frozen=True, slots=True)
class Voice:
    """How a speaker usually sounds, and how well it is heard."""

    usual: dict[str, float]
    snr_db: float

    @classmethod
    def drawn(cls, draw: random.Random) -> "Voice":
        p = parameters()
        height = p[draw.choice(("man_pitch_st", "woman_pitch_st"))]
        usual = {
            PITCH: draw.gauss(height.value, height.spread),
            RANGE: max(2.0, draw.gauss(p["pitch_range_st"].value, p["pitch_range_st"].spread)),
            RATE: max(2.4, draw.gauss(p["syllables_per_s"].value, p["syllables_per_s"].spread)),
            LEVEL: draw.uniform(-40.0, -20.0),
            ALPHA: draw.uniform(-22.0, -12.0),
            JITTER: draw.uniform(0.04, 0.065),
        }
        return cls(usual, max(3.5, draw.gauss(p["snr_db"].value, p["snr_db"].spread)))


def events(
    phrases: Sequence[Phrase],
    voice: Voice,
    duration_s: float,
    draw: random.Random,
    speaker: str | None = None,
) -> list[Event]:
    """Voice events of a clip, as the front end would report them; none without phrases."""
    if not phrases:
        return []
    sounds = [_sound(phrase, voice, draw) for phrase in phrases]
    heard_s = sum(p.span.duration_s for p in phrases)
    teller = _Teller(voice, duration_s, heard_s, speaker)
    found = [*_states(phrases, sounds, teller)]
    if heard_s >= _SETTINGS.min_usual_s:
        own = {code: median(s[code] for s in sounds) for code in _UNITS}
        for phrase, sound in zip(phrases, sounds, strict=True):
            found += _changes(phrase, sound, own, teller, draw)
    for phrase in phrases:
        found += [*_glide(phrase, teller, draw), *_laugh(phrase, teller, draw)]
    found += _pauses(phrases, teller)
    return sorted(found, key=lambda e: (e.span.start_s, e.code))


def _sound(phrase: Phrase, voice: Voice, draw: random.Random) -> dict[str, float]:
    change = voice_changes().get(phrase.emotion, {})
    share = min(1.4, phrase.strength / _FULL_STRENGTH)
    sound = {}
    for code, usual in voice.usual.items():
        by = change.get(code, 0.0) * share * draw.uniform(0.4, 1.4)
        by += draw.gauss(0.0, value(_WOBBLES[code]))
        sound[code] = usual * (1 + by) if code == RATE else usual + by
    return sound


@dataclass(frozen=True, slots=True)
class _Teller:
    """Makes events with the caveats that hold for the whole clip."""

    voice: Voice
    duration_s: float
    heard_s: float
    speaker: str | None

    def event(
        self,
        code: str,
        kind: Kind,
        span: Span,
        apex_s: float,
        peak: float,
        unit: Unit,
        change: float | None,
        caveats: tuple[str, ...],
        trust: float = 1.0,
    ) -> Event:
        return Event(
            person=self.speaker if kind is Kind.EVENT else None,
            channel=Channel.VOICE,
            code=code,
            side=None,
            kind=kind,
            span=Span(round(span.start_s, 2), round(span.end_s, 2)),
            apex_s=round(apex_s, 2),
            peak=round(peak, 4),
            unit=unit,
            change_from_usual=None if change is None else round(change, 4),
            change_from_population=None,
            reliability=round(self.trust * trust, 3),
            caveats=caveats,
            source=_SOURCE,
        )

    @property
    def trust(self) -> float:
        return min(1.0, max(MIN_FACTOR, self.voice.snr_db / GOOD_SNR_DB))

    @property
    def background(self) -> tuple[str, ...]:
        if self.voice.snr_db >= POOR_SNR_DB:
            return ()
        return (f"the voice is only {self.voice.snr_db:.0f} dB above the background",)

    @property
    def caveats(self) -> tuple[str, ...]:
        if self.heard_s >= 2 * _SETTINGS.min_usual_s:
            return self.background
        return (f"only {0.8 * self.heard_s:.1f} s of voice to compare with", *self.background)


def _states(
    phrases: Sequence[Phrase], sounds: Sequence[dict[str, float]], teller: _Teller
) -> Iterator[Event]:
    whole = Span(0.0, teller.duration_s)
    longest = max(phrases, key=lambda p: p.span.duration_s).span
    at_s = (longest.start_s + longest.end_s) / 2
    pauses = _between(phrases)
    levels = {
        PITCH: (median(s[PITCH] for s in sounds), Unit.SEMITONE),
        RANGE: (median(s[RANGE] for s in sounds), Unit.SEMITONE),
        RATE: (median(s[RATE] for s in sounds), Unit.PER_SECOND),
        SPEECH_SHARE: (teller.heard_s / teller.duration_s, Unit.RATIO),
    }
    if pauses:
        mean_s = sum(p.duration_s for p in pauses) / len(pauses)
        levels[PAUSE] = (mean_s, Unit.SECOND)
    for code, (level, unit) in levels.items():
        yield teller.event(code, Kind.STATE, whole, at_s, level, unit, None, teller.background)
    yield teller.event(
        SNR,
        Kind.STATE,
        whole,
        at_s,
        teller.voice.snr_db,
        Unit.DECIBEL,
        None,
        (),
        1.0 / teller.trust,
    )


def _changes(
    phrase: Phrase,
    sound: dict[str, float],
    own: dict[str, float],
    teller: _Teller,
    draw: random.Random,
) -> Iterator[Event]:
    span = phrase.span
    trust = min(1.0, max(MIN_FACTOR, 0.8 * span.duration_s))
    for code, unit in _UNITS.items():
        change = sound[code] - own[code]
        if code == RATE:
            enough = abs(change / own[code]) >= _SETTINGS.rate_change_share and span.duration_s >= 1
        else:
            enough = abs(change) >= _THRESHOLDS[code]
        if enough:
            apex_s = span.start_s + draw.uniform(0.2, 0.8) * span.duration_s
            yield teller.event(
                code, Kind.EVENT, span, apex_s, sound[code], unit, change, teller.caveats, trust
            )


def _glide(phrase: Phrase, teller: _Teller, draw: random.Random) -> Iterator[Event]:
    rises = "rise_surprise_percent" if phrase.emotion == "surprise" else "rise_percent"
    number = draw.random()
    rise = value(rises) / 100
    if number >= rise + _FALL_SHARE:
        return
    code = RISE if number < rise else FALL
    end_s = phrase.span.end_s - 0.05
    start_s = max(phrase.span.start_s, end_s - _SETTINGS.contour_s)
    size_st = _SETTINGS.contour_change_st + draw.expovariate(0.5)
    caveat = f"over the last {_SETTINGS.contour_s:g} s of the phrase"
    yield teller.event(
        code,
        Kind.EVENT,
        Span(start_s, end_s),
        end_s,
        size_st,
        Unit.SEMITONE,
        None,
        (caveat, *teller.background),
        0.7,
    )


def _laugh(phrase: Phrase, teller: _Teller, draw: random.Random) -> Iterator[Event]:
    share = {"amusement": 1.0, "happiness": 0.4, "happily surprised": 0.2}.get(phrase.emotion, 0.0)
    if draw.random() >= share * value("laugh_percent") / 100:
        return
    calls = parameters()["laugh_calls_per_s"]
    start_s = phrase.span.end_s
    end_s = min(teller.duration_s, start_s + draw.uniform(0.8, 2.0))
    if end_s - start_s < 0.6:
        return
    yield teller.event(
        LAUGHTER,
        Kind.EVENT,
        Span(start_s, end_s),
        start_s + 0.4 * (end_s - start_s),
        max(3.4, draw.gauss(calls.value, calls.spread)),
        Unit.PER_SECOND,
        None,
        ("told by its rhythm, as in laughter; a syllable said over and over has the same",),
        LAUGH_RELIABILITY,
    )


def _between(phrases: Sequence[Phrase]) -> list[Span]:
    spans = sorted(p.span for p in phrases)
    return [Span(a.end_s, b.start_s) for a, b in pairwise(spans)]


def _pauses(phrases: Sequence[Phrase], teller: _Teller) -> Iterator[Event]:
    pauses = _between(phrases)
    own_s = median(p.duration_s for p in pauses) if len(pauses) >= 2 else None
    for pause in pauses:
        if pause.duration_s >= _SETTINGS.long_pause_s:
            change = None if own_s is None else pause.duration_s - own_s
            at_s = (pause.start_s + pause.end_s) / 2
            yield teller.event(
                PAUSE,
                Kind.EVENT,
                pause,
                at_s,
                pause.duration_s,
                Unit.SECOND,
                change,
                teller.background,
            )
