"""What real clips hold beside expressions: eyes turned away, hands at the face, music, noise.

It goes with no emotion. How often it comes is ours: so that a reader of drawn clips has met it.
"""

import random
from collections.abc import Iterator, Sequence

from demeanor.data_engine.simulate.face import View
from demeanor.explain.perception.hands import COARSE, HANDS
from demeanor.explain.perception.head_events import NOT_VALIDATED
from demeanor.explain.perception.voice_events import MUSIC_SHARE, NOISE_SHARE
from demeanor.explain.records import Channel, Event, Kind, Source, SourceKind, Span, Unit
from demeanor.explain.settings import load_settings

_VOICE = Source(SourceKind.MACHINE, "simulated voice", "1")
_HNR, _SHIMMER = "HNRdBACF", "shimmerLocaldB"
_GAZES = (0, 0, 1, 1, 2, 3)
_HANDS_SHARE, _MUSIC_SHARE, _NOISE_SHARE, _TONE_SHARE = 0.15, 0.3, 0.5, 0.2


def at_the_face(view: View, draw: random.Random) -> Iterator[Event]:
    """Gaze in degrees; hands as the share of looks in which one was there."""
    least = load_settings().events.gaze_enter_deg
    for _ in range(draw.choice(_GAZES)):
        level = least + draw.expovariate(0.15)
        yield _event(
            "gaze_away", _some(view.duration_s, draw), level, level, Unit.DEGREE, 0.4,
            (NOT_VALIDATED,), view.source, view.person,
        )  # fmt: skip
    if draw.random() < _HANDS_SHARE:
        span = _some(view.duration_s, draw)
        for code in draw.sample(HANDS, draw.randint(1, 3)):
            share = draw.choice((0.375, 0.5, 0.75, 1.0))
            yield _event(
                code, span, share, None, Unit.RATIO, 0.5, (COARSE,), view.source, view.person
            )


def in_the_sound(
    phrases: Sequence[Span], duration_s: float, draw: random.Random
) -> Iterator[Event]:
    """Shares of the clip, 0-1, and phrases whose tone is another (dB against the usual)."""
    whole = Span(0.0, duration_s)
    for code, often in ((MUSIC_SHARE, _MUSIC_SHARE), (NOISE_SHARE, _NOISE_SHARE)):
        if draw.random() < often:
            share = draw.uniform(0.05, 0.8)
            yield _event(code, whole, share, None, Unit.RATIO, 0.8, (), _VOICE, None, Kind.STATE)
    for span in phrases:
        for code, usual, least in ((_HNR, 14.0, 3.0), (_SHIMMER, 1.0, 0.3)):
            if draw.random() < _TONE_SHARE:
                change = draw.choice((-1, 1)) * (least + draw.expovariate(1 / least))
                yield _event(code, span, usual + change, change, Unit.DECIBEL, 0.8, (), _VOICE)


def _some(duration_s: float, draw: random.Random) -> Span:
    start_s = draw.uniform(0.0, 0.8 * duration_s)
    return Span(round(start_s, 2), round(min(duration_s, start_s + draw.uniform(0.4, 3.0)), 2))


def _event(
    code: str,
    span: Span,
    peak: float,
    change: float | None,
    unit: Unit,
    reliability: float,
    caveats: tuple[str, ...],
    source: Source,
    person: str | None = None,
    kind: Kind = Kind.EVENT,
) -> Event:
    return Event(
        person=person,
        channel=Channel.VOICE if source is _VOICE else Channel.FACE,
        code=code,
        side=None,
        kind=kind,
        span=span,
        apex_s=round((span.start_s + span.end_s) / 2, 2),
        peak=round(peak, 4),
        unit=unit,
        change_from_usual=None if change is None else round(change, 4),
        change_from_population=None,
        reliability=reliability,
        caveats=caveats,
        source=source,
    )
