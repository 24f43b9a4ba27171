"""Drawn voices: three phrases of 2 s, numbers worked out by hand."""

import dataclasses

import numpy as np
import pytest

from demeanor.explain.demo import voices
from demeanor.explain.perception.laughter import Laugh
from demeanor.explain.perception.vad import WINDOW_S
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
    SoundParts,
    VoiceAnalyser,
    VoiceMeasurement,
    mask,
)
from demeanor.explain.perception.voice_events import (
    FALL,
    PAUSE,
    RANGE,
    RISE,
    SPEECH_SHARE,
    phrases,
    reliability,
    voice_events,
    voice_usual,
)
from demeanor.explain.records import Channel, CueTrack, Event, Kind, NotMeasured, Span, Unit
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().voice
USUAL = {PITCH: 24.0, LEVEL: -20.0, HNR: 10.0, JITTER: 0.01, SHIMMER: 0.5, ALPHA: -10.0, RATE: 4.0}
UNITS = {PITCH: Unit.SEMITONE, JITTER: Unit.RATIO, RATE: Unit.PER_SECOND}

#  time_s   0     2     4     6     8    10    12    14
#  speech         |--a--|     |--b--|     |--c--|            (pauses of 2 s: more than usual 0.7)
A, B, C = Span(2, 4), Span(6, 8), Span(10, 12)


def drawn(
    *speech: Span, duration_s: float = 14.0, peaks_s=None, snr_db: float | None = 30.0, **levels
) -> VoiceMeasurement:
    """A voice that is as usual but for `levels`: code=((span, value), ...)."""
    times_s = np.arange(round(duration_s / HOP_S)) * HOP_S
    voiced = mask(times_s, speech)
    tracks = []
    for code, usual in USUAL.items():
        values = np.where(voiced, usual, np.nan).astype(np.float32)
        for span, value in levels.get(code, ()):
            inside = mask(times_s, (span,))
            values[inside] = value(times_s[inside]) if callable(value) else value
        unit = UNITS.get(code, Unit.DECIBEL)
        tracks.append(CueTrack(None, Channel.VOICE, code, None, unit, times_s, values, (), SOURCE))
    if peaks_s is None:
        peaks_s = [s.start_s + 0.125 + 0.25 * i for s in speech for i in range(8)]
    return VoiceMeasurement(tuple(tracks), speech, (), snr_db, np.array(peaks_s), duration_s)


def changes(m: VoiceMeasurement) -> list[Event]:
    found = voice_events(m, voice_usual(m, SETTINGS), SETTINGS)
    return [e for e in found if e.kind is Kind.EVENT and e.code != PAUSE]


def the_change(**levels) -> Event:
    (event,) = changes(drawn(A, B, C, **levels))
    return event


def test_short_gaps_do_not_end_a_phrase():
    speech = (Span(0, 1), Span(1.25, 2), Span(2.5, 3))  # gaps of 0.25 and 0.5 s
    assert phrases(speech, 0.3) == (Span(0, 2), Span(2.5, 3))


def test_an_even_voice_has_no_changes():
    assert changes(drawn(A, B, C)) == []


def test_usual_is_the_median_of_the_voiced_time():
    usual = {u.code: u for u in voice_usual(drawn(A, B, C), SETTINGS)}
    assert {code: usual[code].own for code in USUAL} == pytest.approx(USUAL)
    assert (usual[RANGE].own, usual[PAUSE].own) == (0.0, None)  # two pauses tell no usual one
    assert usual[PITCH].unit == Unit.SEMITONE
    assert all(u.population is None and u.person is None for u in usual.values())


def test_spread_is_half_the_distance_of_the_16th_and_84th_percentile():
    ramp = {PITCH: ((Span(2, 4), lambda t: 20 + 5 * (t - 2)),)}  # 20 to 30 st over one phrase
    usual = {u.code: u for u in voice_usual(drawn(Span(1.99, 4.0), **ramp), SETTINGS)}
    assert usual[PITCH].own is None  # 2 s of voice are too little
    settings = dataclasses.replace(SETTINGS, min_usual_s=1.0)
    usual = {u.code: u for u in voice_usual(drawn(A, **ramp), settings)}
    assert usual[PITCH].own_spread == pytest.approx(10 * (0.84 - 0.16) / 2, abs=0.1)


def test_too_little_voice_has_no_usual_and_no_changes():
    m = drawn(Span(2, 3), Span(4, 5), **{PITCH: ((Span(4, 5), 30.0),)})
    assert {u.own for u in voice_usual(m, SETTINGS) if u.code in USUAL} == {None}
    assert changes(m) == []


@pytest.mark.parametrize(
    ("code", "value", "change"),
    [
        (PITCH, 27.0, 3.0),
        (PITCH, 21.0, -3.0),
        (LEVEL, -16.0, 4.0),
        (HNR, 6.0, -4.0),
        (JITTER, 0.03, 0.02),
        (ALPHA, -6.0, 4.0),
    ],
)
def test_a_phrase_unlike_the_others_is_an_event(code, value, change):
    event = the_change(**{code: ((B, value),)})
    assert (event.code, event.span, event.person) == (code, B, None)
    assert (event.peak, event.change_from_usual) == pytest.approx((value, change))
    assert event.change_from_population is None
    assert event.unit == UNITS.get(code, Unit.DECIBEL)
    assert event.reliability == 1.0


@pytest.mark.parametrize(("code", "value"), [(PITCH, 25.5), (LEVEL, -18.0), (JITTER, 0.02)])
def test_small_differences_are_no_events(code, value):
    assert changes(drawn(A, B, C, **{code: ((B, value),)})) == []


def test_the_apex_is_where_the_phrase_is_most_unusual():
    event = the_change(**{PITCH: ((B, 27.0), (Span(7, 7.3), 28.0))})
    assert event.peak == 28.0
    assert 7.0 <= event.apex_s < 7.3


def test_an_octave_error_of_two_frames_is_no_apex():
    event = the_change(**{PITCH: ((B, 27.0), (Span(7, 7.04), 39.0))})
    assert event.peak == 27.0


def test_a_phrase_far_from_usual_may_be_somebody_else():
    event = the_change(**{PITCH: ((B, 34.0),)})
    assert "somebody else" in event.caveats[0]


#  b swings by 5 st in a sine, of which 60 % lie within 5 * sin(0.3 pi) = 4.05 st; a and c do not
def test_a_phrase_with_a_wider_range():
    event = the_change(**{PITCH: ((B, lambda t: 24 + 5 * np.sin(2 * np.pi * 4.7 * (t - 6))),)})
    assert (event.code, event.span) == (RANGE, B)
    assert (event.peak, event.change_from_usual) == pytest.approx((8.09, 8.09), abs=0.2)


#  8 peaks in a and c, 14 in b: 30 peaks in 6 s, 5 a second; b has 7
def test_a_faster_phrase():
    peaks_s = [t for s, n in ((A, 8), (B, 14), (C, 8)) for t in s.start_s + 2 / n * np.arange(n)]
    (event,) = changes(drawn(A, B, C, peaks_s=peaks_s))
    assert (event.code, event.span) == (RATE, B)
    assert (event.peak, event.change_from_usual) == pytest.approx((7.0, 2.0))


def test_one_peak_more_is_not_faster():
    short = Span(6, 7)  # 4 peaks expected; 5.4 would be needed, and 1.5 more at least
    peaks_s = [*(2 + 0.25 * np.arange(8)), *(6 + 0.2 * np.arange(5)), *(10 + 0.25 * np.arange(8))]
    assert changes(drawn(A, short, C, peaks_s=peaks_s)) == []


@pytest.mark.parametrize(("st_per_s", "code"), [(10.0, RISE), (-10.0, FALL)])
def test_a_glide_at_the_end_of_a_phrase(st_per_s, code):
    glide = {PITCH: ((Span(7.6, 8.0), lambda t: 24 + st_per_s * (t - 7.6)),)}
    event = the_change(**glide)
    assert (event.code, event.change_from_usual) == (code, None)
    assert event.peak == pytest.approx(4.0, abs=0.05)  # 10 st/s over 0.4 s
    assert event.span.start_s == pytest.approx(7.6)
    assert event.span.end_s == pytest.approx(7.98)
    assert event.caveats[0] == "over the last 0.4 s of the phrase"


def test_a_jump_is_no_glide():
    assert changes(drawn(A, B, C, **{PITCH: ((Span(7.9, 8.0), 30.0),)})) == []


def test_long_pauses_between_phrases():
    m = drawn(A, B, Span(8.5, 9.5), C, Span(13, 14))
    found = voice_events(m, voice_usual(m, SETTINGS), SETTINGS)
    pauses = [e for e in found if e.code == PAUSE and e.kind is Kind.EVENT]
    assert [(e.span, e.peak) for e in pauses] == [(Span(4, 6), 2.0), (Span(12, 13), 1.0)]
    assert [e.change_from_usual for e in pauses] == pytest.approx([1.25, 0.25])  # of 0.75 s
    assert [e.apex_s for e in pauses] == [5.0, 12.5]


def test_a_single_phrase_still_has_states():
    found = voice_events(m := drawn(A), voice_usual(m, SETTINGS), SETTINGS)
    assert {e.kind for e in found} == {Kind.STATE}
    levels = {e.code: e.peak for e in found}
    assert levels == pytest.approx({SPEECH_SHARE: 2 / 14, RATE: 4.0, PITCH: 24.0, RANGE: 0.0})
    assert {e.span for e in found} == {Span(0.0, 14.0)}
    assert {e.change_from_usual for e in found} == {None}
    assert {e.apex_s for e in found} == {3.0}


def test_without_speech_there_is_nothing_to_say():
    m = drawn()
    assert voice_usual(m, SETTINGS) == ()
    assert voice_events(m, (), SETTINGS) == ()


def test_events_are_in_time_order_after_the_states():
    m = drawn(A, B, C, **{PITCH: ((C, 27.0), (A, 21.0))})
    found = voice_events(m, voice_usual(m, SETTINGS), SETTINGS)
    kinds = [e.kind for e in found]
    assert kinds == sorted(kinds, reverse=True)  # state, then event
    starts_s = [e.span.start_s for e in found if e.kind is Kind.EVENT]
    assert starts_s == sorted(starts_s)


@pytest.mark.parametrize(
    ("snr_db", "voiced_s", "expected"),
    [
        (30.0, 2.0, 1.0),
        (10.0, 2.0, 0.5),  # half of 20 dB
        (None, 2.0, 0.8),
        (0.0, 2.0, 0.2),
        (30.0, 0.5, 0.5),  # half of the second of voice that is wanted
    ],
)
def test_reliability_falls_with_noise_and_with_little_voice(snr_db, voiced_s, expected):
    m = drawn(A, B, C, snr_db=snr_db)
    assert reliability(m, voiced_s, SETTINGS) == pytest.approx(expected)


def test_music_and_noise_are_told_with_each_event():
    m = drawn(A, B, C, snr_db=5.0, **{PITCH: ((B, 27.0),)})
    m = dataclasses.replace(m, not_measured=(NotMeasured(BACKGROUND, "music"),))
    (event,) = changes(m)
    assert event.reliability == pytest.approx(0.125)
    assert event.caveats == (
        "the voice is only 5 dB above the background",
        "music or a tone sounds in the background",
    )


def test_a_drowned_voice_says_only_how_much_was_spoken():
    m = drawn(A, B, C, snr_db=2.0, **{PITCH: ((B, 27.0),)})
    found = voice_events(m, voice_usual(m, SETTINGS), SETTINGS)
    assert [(e.code, e.peak) for e in found] == [(SPEECH_SHARE, pytest.approx(6 / 14))]


def test_little_voice_to_compare_with_is_told():
    m = drawn(A, Span(6, 7.5), **{LEVEL: ((Span(6, 7.5), -12.0),)})
    (event,) = changes(m)
    assert event.caveats == ("only 3.5 s of voice to compare with",)
    assert event.reliability == pytest.approx(3.5 / 6, abs=0.01)


# Other sounds, and other people's voices -------------------------------------------------------


def told(m: VoiceMeasurement) -> dict[str, Event]:
    return {e.code: e for e in voice_events(m, voice_usual(m, SETTINGS), SETTINGS)}


def test_music_noise_and_the_distance_to_them_are_states():
    parts = SoundParts(speech=0.4, music=0.25, noise=0.05, silence=0.3)
    found = told(dataclasses.replace(drawn(A, B, C, snr_db=12.0), parts=parts))
    assert (found["music_share"].peak, found["signal_to_noise"].peak) == (0.25, 12.0)
    assert found["music_share"].kind is Kind.STATE
    assert found["music_share"].reliability < 1.0
    assert "noise_share" not in found  # less than a tenth of the time


def test_music_without_speech_is_told():
    parts = SoundParts(speech=0.0, music=0.9, noise=0.1, silence=0.0)
    found = voice_events(dataclasses.replace(drawn(snr_db=None), parts=parts), (), SETTINGS)
    assert [(e.code, e.span) for e in found] == [
        ("music_share", Span(0.0, 14.0)),
        ("noise_share", Span(0.0, 14.0)),
    ]


def test_a_laugh_is_an_event_that_is_not_trusted_much():
    laugh = Laugh(Span(4.5, 5.5), 4.7, 5.2)
    found = told(dataclasses.replace(drawn(A, B, C), laughs=(laugh,)))
    event = found["laughter"]
    assert (event.kind, event.span, event.apex_s, event.peak) == (
        Kind.EVENT,
        Span(4.5, 5.5),
        4.7,
        5.2,
    )
    assert event.reliability == 0.5
    assert "over and over" in event.caveats[0]


#  one phrase of 2 s is no usual; 24 st are 110 Hz, within what is published for adults
@pytest.mark.parametrize(
    ("pitch_st", "change", "where"),
    [(24.0, 0.0, "within"), (42.24, 3.0, "above"), (20.71, -2.0, "below")],
)
def test_a_level_is_held_against_published_ranges_where_no_usual_is_known(pitch_st, change, where):
    event = told(drawn(A, **{PITCH: ((A, pitch_st),)}))[PITCH]
    assert event.change_from_population == pytest.approx(change, abs=1e-5)
    assert event.change_from_usual is None
    assert (
        f"too little voice to know what is usual; {where} the range of adults" in event.caveats[-1]
    )


def test_a_known_usual_needs_no_published_range():
    event = told(drawn(A, B, C))[PITCH]
    assert (event.change_from_population, event.caveats) == (None, ())


@pytest.mark.parametrize("kind", ["rise", "fall", "flat"])
@pytest.mark.parametrize("snr_db", [None, 10.0])
def test_ends_of_made_phrases_are_heard(kind, snr_db):
    gap, parts, spans = np.zeros(9600, np.float32), [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        sound, _ = voices.say(voices.intonation(kind, (110.0, 160.0, 220.0)[seed], rng), seed)
        start_s = sum(map(len, parts)) / voices.SAMPLE_RATE_HZ
        spans.append(Span(start_s, start_s + len(sound) / voices.SAMPLE_RATE_HZ))
        parts += [sound, gap]
    whole = np.concatenate(parts)
    if snr_db is not None:
        whole = voices.mixed(whole, voices.noise(len(whole), "pink"), snr_db, whole != 0)
    analyser = VoiceAnalyser(SETTINGS, Windows(spans))
    analyser.add(whole)
    m = analyser.finish()
    found = [e.code for e in voice_events(m, voice_usual(m, SETTINGS), SETTINGS)]
    wanted = {"rise": [RISE] * 3, "fall": [FALL] * 3, "flat": []}[kind]
    assert [code for code in found if code in (RISE, FALL)] == wanted


class Windows:
    """A detector that hears speech in given spans."""

    def __init__(self, spans) -> None:
        self.spans, self.n_heard = tuple(spans), 0

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        times_s = (self.n_heard + np.arange(len(windows))) * WINDOW_S
        self.n_heard += len(windows)
        return mask(times_s, self.spans).astype(np.float32)
