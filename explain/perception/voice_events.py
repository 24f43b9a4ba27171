"""What stands out in a voice: phrases unlike the speaker's usual, long pauses, final glides.

A clip is compared with itself: what is a high or a rough voice depends on who speaks and on the
tool that measured it. Only where too little is heard to know the speaker's usual is the level of
the clip held against published ranges (voice_ranges.csv), and the observation says so.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
from scipy.ndimage import median_filter

from demeanor.explain.perception.voice import (
    ALPHA,
    BACKGROUND,
    HNR,
    HOP_S,
    JITTER,
    LEVEL,
    PITCH,
    RATE,
    SHIMMER,
    SOURCE,
    VoiceMeasurement,
    mask,
)
from demeanor.explain.records import Channel, Event, Kind, Source, Span, Unit, Usual
from demeanor.explain.settings import VoiceSettings

RANGE = "F0semitoneFrom27.5Hz_pctlrange0-2"
RISE, FALL = "F0semitoneFrom27.5Hz_meanRisingSlope", "F0semitoneFrom27.5Hz_meanFallingSlope"
PAUSE = "MeanUnvoicedSegmentLength"
SPEECH_SHARE = "speech_share"  # ours: speech over the length of the clip
MUSIC_SHARE, NOISE_SHARE, SNR = "music_share", "noise_share", "signal_to_noise"  # ours
LAUGHTER = "laughter"  # ours: by its rhythm (laughter.py)

MIN_PITCH_S = 0.2  # of voice in a phrase: one stressed syllable
MIN_TONE_S = 0.5  # HNR, jitter and the like differ from vowel to vowel: several are needed
MIN_RATE_S = 1.0  # some four syllables
MIN_RATE_PEAKS = 1.5  # faster or slower by one peak is how the phrase was cut
MIN_PHRASES = 3  # to know what range or pause is usual
GLIDE_VOICED_SHARE = 0.6
GLIDE_RESIDUAL_ST = 1.5  # beyond it the end of the phrase is no glide
OTHER_SPEAKER_ST = 7.0  # three SDs between speakers of one sex (Nautilus: 1.8 to 2.2 st)
GOOD_SNR_DB, POOR_SNR_DB = 20.0, 10.0
UNKNOWN_SNR_FACTOR = 0.8  # no pause long enough to hear the background
MIN_FACTOR = 0.2
MIN_SHARE = 0.1  # of the clip: music or noise that is worth a line
LAUGH_RELIABILITY = 0.5  # the rule was made on generated laughter and never held against real one
MUSIC_RELIABILITY = 0.6  # notes that are held are found; drums and distortion are noise to us


@dataclass(frozen=True, slots=True, eq=False)
class _Phrase:
    """One phrase and where in it the voice is sounding."""

    span: Span
    voiced: np.ndarray  # (n,) bool over the frames of the clip
    speech_s: float  # without the short gaps inside

    @property
    def voiced_s(self) -> float:
        return float(self.voiced.sum() * HOP_S)


def phrases(speech: tuple[Span, ...], gap_s: float) -> tuple[Span, ...]:
    """Speech with silences shorter than `gap_s` closed."""
    joined: list[Span] = []
    for span in speech:
        if joined and span.start_s - joined[-1].end_s < gap_s:
            joined[-1] = Span(joined[-1].start_s, span.end_s)
        else:
            joined.append(span)
    return tuple(joined)


def voice_usual(m: VoiceMeasurement, settings: VoiceSettings) -> tuple[Usual, ...]:
    """What is usual for the voice in this clip; `own` is None where too little was heard.

    All speech is taken together: where two people speak, it is usual for neither.
    """
    if not m.tracks or not m.speech:
        return ()
    cut = _phrases(m, settings)
    enough = _voiced_s(m) >= settings.min_usual_s
    return (
        *(_track_usual(m, code, enough) for code in (PITCH, LEVEL, HNR, JITTER, SHIMMER, ALPHA)),
        _usual_of(RANGE, Unit.SEMITONE, _ranges(m, cut), MIN_PHRASES),
        _rate_usual(m, settings),
        _usual_of(PAUSE, Unit.SECOND, [p.duration_s for p in _pauses(cut)], MIN_PHRASES),
    )


def voice_events(
    m: VoiceMeasurement, usual: tuple[Usual, ...], settings: VoiceSettings
) -> tuple[Event, ...]:
    """Everything worth a line, in time order; the states of the whole clip come first.

    A voice that the background drowns gives no more than how much was spoken.
    """
    if not m.tracks:
        return ()
    if not m.speech:
        return (*_sound_states(m), *_laughs(m))
    cut = _phrases(m, settings)
    if m.signal_to_noise_db is not None and m.signal_to_noise_db < settings.min_snr_db:
        return (_speech_share(m), *_sound_states(m))
    own = {u.code: u.own for u in usual if u.own is not None}
    events = [
        *_long_pauses(m, cut, own.get(PAUSE), settings),
        *(e for phrase in cut for e in _phrase_events(m, phrase, own, settings)),
        *_laughs(m),
    ]
    states = [_against_published(e, own) for e in _states(m, cut)]
    ordered = sorted(events, key=lambda e: (e.span.start_s, e.code))
    return (*states, *_sound_states(m), *ordered)


# --- what is usual ---------------------------------------------------------------------------


def _phrases(m: VoiceMeasurement, settings: VoiceSettings) -> tuple[_Phrase, ...]:
    voiced, times_s = _voiced(m), m.tracks[0].times_s
    return tuple(
        _Phrase(
            span,
            voiced & mask(times_s, (span,)),
            sum(s.overlap_s(span) for s in m.speech),
        )
        for span in phrases(m.speech, settings.phrase_gap_s)
    )


def _values(m: VoiceMeasurement, code: str) -> np.ndarray:
    track = m.track(code)
    if track is None:
        return np.full(len(m.tracks[0].times_s), np.nan, dtype=np.float32)
    return track.values


def _voiced(m: VoiceMeasurement) -> np.ndarray:
    return np.asarray(~np.isnan(_values(m, PITCH)))


def _voiced_s(m: VoiceMeasurement) -> float:
    return float(_voiced(m).sum() * HOP_S)


def _measured(m: VoiceMeasurement, code: str, where: np.ndarray) -> np.ndarray:
    values = _values(m, code)[where]
    return np.asarray(values[~np.isnan(values)])


def _track_usual(m: VoiceMeasurement, code: str, enough: bool) -> Usual:
    track = m.track(code)
    values = _measured(m, code, _voiced(m)).tolist() if enough else []
    return _usual_of(code, track.unit if track else Unit.NONE, values, 1)


def _usual_of(code: str, unit: Unit, values: list[float], n_wanted: int) -> Usual:
    if len(values) < n_wanted:
        return Usual(None, code, None, None, None, None, unit)
    low, own, high = np.percentile(values, [16, 50, 84]).tolist()
    return Usual(None, code, None, own, (high - low) / 2, None, unit)


def _rate_usual(m: VoiceMeasurement, settings: VoiceSettings) -> Usual:
    speech_s = sum(s.duration_s for s in m.speech)
    own = len(m.loudness_peaks_s) / speech_s if speech_s >= settings.min_usual_s else None
    return Usual(None, RATE, None, own or None, None, None, Unit.PER_SECOND)


def _ranges(m: VoiceMeasurement, cut: tuple[_Phrase, ...]) -> list[float]:
    ranges = (_range_st(m, phrase) for phrase in cut)
    return [r for r in ranges if r is not None]


def _range_st(m: VoiceMeasurement, phrase: _Phrase) -> float | None:
    if phrase.voiced_s < MIN_TONE_S:
        return None
    low, high = np.percentile(_values(m, PITCH)[phrase.voiced], [20, 80]).tolist()
    return float(high - low)


def _pauses(cut: tuple[_Phrase, ...]) -> list[Span]:
    """Silences between phrases. Before the first and after the last nobody is pausing."""
    return [Span(a.span.end_s, b.span.start_s) for a, b in pairwise(cut)]


# --- what stands out -------------------------------------------------------------------------


def _phrase_events(
    m: VoiceMeasurement, phrase: _Phrase, own: dict[str, float], settings: VoiceSettings
) -> Iterator[Event]:
    rules = (
        (PITCH, settings.pitch_change_st, MIN_PITCH_S),
        (LEVEL, settings.level_change_db, MIN_PITCH_S),
        (HNR, settings.hnr_change_db, MIN_TONE_S),
        (JITTER, settings.jitter_change, MIN_TONE_S),
        (ALPHA, settings.alpha_change_db, MIN_TONE_S),
    )
    for code, threshold, min_s in rules:
        values = _measured(m, code, phrase.voiced)
        if code not in own or len(values) * HOP_S < min_s:
            continue
        change = float(np.median(values)) - own[code]
        if abs(change) >= threshold:
            yield _unusual(m, phrase, code, change, settings)
    yield from _unusual_range(m, phrase, own.get(RANGE), settings)
    yield from _unusual_rate(m, phrase, own.get(RATE), settings)
    yield from _glide(m, phrase, settings)


def _unusual(
    m: VoiceMeasurement, phrase: _Phrase, code: str, change: float, settings: VoiceSettings
) -> Event:
    """A phrase whose median differs; its apex is the extreme in the direction of the change.

    The outermost tenth does not count as an extreme: octave errors and clicks end up there.
    """
    values, times_s = _values(m, code), m.tracks[0].times_s
    where = np.flatnonzero(phrase.voiced & ~np.isnan(values))
    steady = median_filter(values[where], 3, mode="nearest")  # a single frame is no apex
    extreme = np.percentile(steady, 90 if change > 0 else 10)
    best = int(np.abs(steady - extreme).argmin())
    caveats = _caveats(m, settings)
    if code == PITCH and abs(change) > OTHER_SPEAKER_ST:
        caveats = (*caveats, "so far from usual that somebody else may be speaking")
    track = m.track(code)
    return _event(
        m,
        code,
        Kind.EVENT,
        phrase.span,
        float(times_s[where[best]]),
        float(steady[best]),
        track.unit if track else Unit.NONE,
        change,
        reliability(m, phrase.voiced_s, settings),
        caveats,
    )


def _unusual_range(
    m: VoiceMeasurement, phrase: _Phrase, own_st: float | None, settings: VoiceSettings
) -> Iterator[Event]:
    range_st = _range_st(m, phrase)
    if range_st is None or own_st is None or abs(range_st - own_st) < settings.range_change_st:
        return
    values = np.where(phrase.voiced, _values(m, PITCH), np.nan)
    distance = np.abs(values - np.nanmedian(values))
    yield _event(
        m,
        RANGE,
        Kind.EVENT,
        phrase.span,
        float(m.tracks[0].times_s[int(np.nanargmax(distance))]),
        range_st,
        Unit.SEMITONE,
        range_st - own_st,
        reliability(m, phrase.voiced_s, settings),
        _caveats(m, settings),
    )


def _unusual_rate(
    m: VoiceMeasurement, phrase: _Phrase, own: float | None, settings: VoiceSettings
) -> Iterator[Event]:
    if own is None or phrase.speech_s < MIN_RATE_S:
        return
    peaks_s = m.loudness_peaks_s
    inside_s = peaks_s[(peaks_s >= phrase.span.start_s) & (peaks_s < phrase.span.end_s)]
    rate, expected = len(inside_s) / phrase.speech_s, own * phrase.speech_s
    far_enough = abs(len(inside_s) - expected) >= MIN_RATE_PEAKS
    if not far_enough or abs(rate / own - 1) < settings.rate_change_share:
        return
    yield _event(
        m,
        RATE,
        Kind.EVENT,
        phrase.span,
        (phrase.span.start_s + phrase.span.end_s) / 2,
        rate,
        Unit.PER_SECOND,
        rate - own,
        reliability(m, phrase.voiced_s, settings),
        _caveats(m, settings),
    )


def _glide(m: VoiceMeasurement, phrase: _Phrase, settings: VoiceSettings) -> Iterator[Event]:
    """A rise or a fall at the end of a phrase; `peak` is its size in semitones."""
    times_s = m.tracks[0].times_s
    where = np.flatnonzero(phrase.voiced)
    if len(where) == 0:
        return
    end_s = float(times_s[where[-1]])
    where = where[times_s[where] > end_s - settings.contour_s]
    if len(where) * HOP_S < GLIDE_VOICED_SHARE * settings.contour_s:
        return
    glide_times_s, pitch_st = times_s[where], _values(m, PITCH)[where]
    slope = _slope(glide_times_s, pitch_st)
    residual_st = pitch_st - slope * glide_times_s
    change_st = slope * settings.contour_s
    if (
        abs(change_st) < settings.contour_change_st
        or np.median(np.abs(residual_st - np.median(residual_st))) > GLIDE_RESIDUAL_ST
    ):
        return
    yield _event(
        m,
        RISE if change_st > 0 else FALL,
        Kind.EVENT,
        Span(float(glide_times_s[0]), end_s),
        end_s,
        abs(change_st),
        Unit.SEMITONE,
        None,
        reliability(m, phrase.voiced_s, settings),
        (f"over the last {settings.contour_s:g} s of the phrase", *_background_caveats(m)),
    )


def _slope(times_s: np.ndarray, values: np.ndarray) -> float:
    """Median of the slopes of all pairs (Theil & Sen): a frame an octave off does not tilt it."""
    first, second = np.triu_indices(len(times_s), 1)
    return float(np.median((values[second] - values[first]) / (times_s[second] - times_s[first])))


def _long_pauses(
    m: VoiceMeasurement, cut: tuple[_Phrase, ...], own_s: float | None, settings: VoiceSettings
) -> Iterator[Event]:
    for pause in _pauses(cut):
        if pause.duration_s < settings.long_pause_s:
            continue
        yield _event(
            m,
            PAUSE,
            Kind.EVENT,
            pause,
            (pause.start_s + pause.end_s) / 2,
            pause.duration_s,
            Unit.SECOND,
            None if own_s is None else pause.duration_s - own_s,
            _snr_factor(m),
            _background_caveats(m),
        )


def _states(m: VoiceMeasurement, cut: tuple[_Phrase, ...]) -> Iterator[Event]:
    """What holds for the whole clip, so that a clip of one phrase says something too."""
    speech_s = sum(s.duration_s for s in m.speech)
    pitch_st = _values(m, PITCH)[_voiced(m)]
    voiced_s = len(pitch_st) * HOP_S
    yield _speech_share(m)
    if speech_s >= MIN_RATE_S:
        yield _state(m, RATE, len(m.loudness_peaks_s) / speech_s, Unit.PER_SECOND)
    if voiced_s >= MIN_PITCH_S:
        yield _state(m, PITCH, float(np.median(pitch_st)), Unit.SEMITONE)
    if voiced_s >= MIN_TONE_S:
        low, high = np.percentile(pitch_st, [20, 80]).tolist()
        yield _state(m, RANGE, high - low, Unit.SEMITONE)
    if pauses := _pauses(cut):
        mean_s = sum(p.duration_s for p in pauses) / len(pauses)
        yield _state(m, PAUSE, mean_s, Unit.SECOND)


def _sound_states(m: VoiceMeasurement) -> Iterator[Event]:
    """What else sounds, and how far the speech is above it."""
    if m.parts is None:
        return
    shares = ((MUSIC_SHARE, m.parts.music, MUSIC_RELIABILITY), (NOISE_SHARE, m.parts.noise, 1.0))
    for code, share, trust in shares:
        if share >= MIN_SHARE:
            yield replace(_state(m, code, share, Unit.RATIO), reliability=trust, caveats=())
    if m.signal_to_noise_db is not None:
        state = _state(m, SNR, m.signal_to_noise_db, Unit.DECIBEL)
        yield replace(state, reliability=1.0, caveats=())


def _laughs(m: VoiceMeasurement) -> Iterator[Event]:
    for laugh in m.laughs:
        yield _event(
            m,
            LAUGHTER,
            Kind.EVENT,
            laugh.span,
            laugh.loudest_s,
            laugh.calls_per_s,
            Unit.PER_SECOND,
            None,
            LAUGH_RELIABILITY * (_snr_factor(m) if m.speech else UNKNOWN_SNR_FACTOR),
            ("told by its rhythm, as in laughter; a syllable said over and over has the same",),
        )


@dataclass(frozen=True, slots=True)
class _Published:
    low: float
    high: float
    population: str


@cache
def _published() -> dict[str, _Published]:
    text = files("demeanor.explain.perception").joinpath("voice_ranges.csv").read_text("utf-8")
    return {
        row["code"]: _Published(float(row["low"]), float(row["high"]), row["population"])
        for row in csv.DictReader(text.splitlines())
    }


def _against_published(state: Event, own: dict[str, float]) -> Event:
    """A level that cannot be held against the speaker's own, held against other people's.

    The change is 0 inside the published range, and else how far it lies outside.
    """
    published = _published().get(state.code)
    if published is None or state.code in own:
        return state
    outside = min(0.0, state.peak - published.low) + max(0.0, state.peak - published.high)
    where = "within" if outside == 0 else "above" if outside > 0 else "below"
    said = f"too little voice to know what is usual; {where} the range of {published.population}"
    return replace(state, change_from_population=outside, caveats=(*state.caveats, said))


def _speech_share(m: VoiceMeasurement) -> Event:
    speech_s = sum(s.duration_s for s in m.speech)
    return _state(m, SPEECH_SHARE, speech_s / m.duration_s, Unit.RATIO)


def _state(m: VoiceMeasurement, code: str, level: float, unit: Unit) -> Event:
    heard = m.speech or (Span(0.0, m.duration_s),)
    longest = max(heard, key=lambda s: s.duration_s)
    return _event(
        m,
        code,
        Kind.STATE,
        Span(0.0, m.duration_s),
        (longest.start_s + longest.end_s) / 2,  # a moment at which it can be heard
        level,
        unit,
        None,
        _snr_factor(m),
        _background_caveats(m),
    )


def _event(
    m: VoiceMeasurement,
    code: str,
    kind: Kind,
    span: Span,
    apex_s: float,
    peak: float,
    unit: Unit,
    change: float | None,
    reliability: float,
    caveats: tuple[str, ...],
) -> Event:
    return Event(
        person=None,
        channel=Channel.VOICE,
        code=code,
        side=None,
        kind=kind,
        span=span,
        apex_s=apex_s,
        peak=peak,
        unit=unit,
        change_from_usual=change,
        change_from_population=None,
        reliability=reliability,
        caveats=caveats,
        source=_source(m, code),
    )


def _source(m: VoiceMeasurement, code: str) -> Source:
    """Of the track that the event was read from; pauses come from the voice activity."""
    track = m.track(PITCH if code.startswith(PITCH) else code)
    return track.source if track else SOURCE


# --- how far to trust it ---------------------------------------------------------------------


def reliability(m: VoiceMeasurement, voiced_s: float, settings: VoiceSettings) -> float:
    """0-1, from the background, the voice in the phrase and the voice to compare it with.

    Our own scale: it orders observations, it is not a probability.
    """
    in_phrase = min(1.0, voiced_s / (2 * MIN_TONE_S))
    to_compare = min(1.0, _voiced_s(m) / (2 * settings.min_usual_s))
    return _snr_factor(m) * max(MIN_FACTOR, in_phrase) * max(MIN_FACTOR, to_compare)


def _snr_factor(m: VoiceMeasurement) -> float:
    if m.signal_to_noise_db is None:
        factor = UNKNOWN_SNR_FACTOR
    else:
        factor = min(1.0, max(MIN_FACTOR, m.signal_to_noise_db / GOOD_SNR_DB))
    return factor / 2 if _over_music(m) else factor


def _over_music(m: VoiceMeasurement) -> bool:
    return any(n.what == BACKGROUND for n in m.not_measured)


def _background_caveats(m: VoiceMeasurement) -> tuple[str, ...]:
    caveats = []
    if m.signal_to_noise_db is not None and m.signal_to_noise_db < POOR_SNR_DB:
        caveats.append(f"the voice is only {m.signal_to_noise_db:.0f} dB above the background")
    if _over_music(m):
        caveats.append("music or a tone sounds in the background")
    return tuple(caveats)


def _caveats(m: VoiceMeasurement, settings: VoiceSettings) -> tuple[str, ...]:
    voiced_s = _voiced_s(m)
    if voiced_s >= 2 * settings.min_usual_s:
        return _background_caveats(m)
    return (f"only {voiced_s:.1f} s of voice to compare with", *_background_caveats(m))
