"""Published mappings to valence and arousal: worked by hand, and monotone in what is shown."""

import csv
import math
import shutil
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from demeanor.explain.demo import voices
from demeanor.explain.demo.script import Line
from demeanor.explain.perception.dimensions import (
    AROUSAL,
    FACE_SOURCE,
    VALENCE,
    VOICE_SOURCE,
    face_dimensions,
    solve,
    voice_dimensions,
)
from demeanor.explain.perception.voice import LEVEL, PITCH, SOURCE, VoiceAnalyser, VoiceMeasurement
from demeanor.explain.records import Channel, CueTrack, Span, Unit
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().voice


def rows(package: str, name: str) -> list[dict[str, str]]:
    text = files(package).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


# The face ------------------------------------------------------------------------------------


def on_face(draw_track, **levels):
    found = face_dimensions("p1", [draw_track(code, values) for code, values in levels.items()])
    return {track.code: track for track in found}


#  AU12 at E: .81 and .51 in full; at 2.5 a quarter of it; with AU4 at E .81 - .59 and .51 + .31
def test_places_are_those_of_the_table(draw_track):
    found = on_face(draw_track, AU12=[0, 2.5, 5, 5], AU4=[0, 0, 0, 5])
    valence, arousal = (0, 0.81 / 4, 0.81, 0.22), (0, 0.51 / 4, 0.51, 0.82)
    assert found[VALENCE].values == pytest.approx([math.tanh(v) for v in valence], abs=1e-6)
    assert found[AROUSAL].values == pytest.approx([math.tanh(a) for a in arousal], abs=1e-6)
    for track in found.values():
        assert (track.person, track.channel, track.unit) == ("p1", Channel.FACE, Unit.RATIO)
        assert track.source == FACE_SOURCE
        assert track.values.dtype == np.float32


@pytest.mark.parametrize(
    ("codes", "valence", "arousal"),
    [
        (("AU6", "AU12"), 1, 1),
        (("AU4", "AU15"), -1, 1),
        (("AU15",), -1, -1),
        (("AU1", "AU2", "AU5"), -1, 1),
        (("AU9", "AU10", "AU17"), -1, 1),
    ],
)
def test_the_face_is_monotone_in_the_script(draw_track, codes, valence, arousal):
    found = on_face(draw_track, **dict.fromkeys(codes, (0, 1, 2, 3, 4, 5)))
    assert (valence * np.diff(found[VALENCE].values) > 0).all()
    assert (arousal * np.diff(found[AROUSAL].values) > 0).all()


def test_no_sum_leaves_the_scale(draw_track):
    codes = [row["code"] for row in rows("demeanor.explain.perception", "au_dimensions.csv")]
    found = on_face(draw_track, **dict.fromkeys(codes, (5,)))
    assert all(-1 < track.values[0] < 1 for track in found.values())


#  AU4     0   nan   0      the eyes are closed in the second frame
#  AU12    5    5    5
def test_a_unit_that_is_missing_leaves_a_gap_with_its_reason(draw_track):
    brows = draw_track("AU4", [0, np.nan, 0])
    gap = (Span(0.1, 0.2), "the eyes are closed")
    brows = CueTrack(*[getattr(brows, n) for n in brows.__slots__[:7]], (gap,), brows.source)
    found = face_dimensions("p1", [brows, draw_track("AU12", [5, 5, 5])])
    for track in found:
        assert np.isnan(track.values).tolist() == [False, True, False]
        assert track.missing == (gap,)


def test_what_has_no_intensity_is_not_placed(draw_track):
    likely = draw_track("AU12", [0.9], unit=Unit.PROBABILITY)
    for track in face_dimensions("p1", [likely]):
        assert np.isnan(track.values).all()
        assert track.missing == ((Span(0.0, 0.0), "no intensities"),)
    assert face_dimensions("p1", [draw_track("pose_yaw", [3.0], unit=Unit.DEGREE)]) == ()


def test_the_table_of_units_follows_from_the_patterns_and_places_it_names():
    """Each unit: the mean place of the expressions whose pattern in the guide holds it."""
    reasoning = "demeanor.explain.reasoning"
    places = {r["emotion"]: r for r in rows(reasoning, "coordinates.csv")}
    holding: dict[str, set[str]] = {}
    for row in rows(reasoning, "prototypes.csv"):
        if row["source"] == "FACS Investigator's Guide 2002" and row["emotion"] in places:
            for number in row["aus"].split("+"):
                holding.setdefault(f"AU{number}", set()).add(row["emotion"])
    for row in rows("demeanor.explain.perception", "au_dimensions.csv"):
        emotions = holding[row["code"]]
        for axis in (VALENCE, AROUSAL):
            mean = sum(float(places[e][axis]) for e in emotions) / len(emotions)
            assert float(row[axis]) == pytest.approx(mean, abs=0.0051), row["code"]
        assert int(row["patterns"]) == len(emotions)


# The voice -----------------------------------------------------------------------------------

USUAL = np.array([150.0, 25.0, 70.0, 75.0, -25.0])  # Hz, Hz, Hz/s, Hz/s, dB


def solved(**shares):
    """Arousal of windows in which pitch, range, slopes (shares of the usual) or level change."""
    names = ("pitch", "range", "rise", "fall")
    n = len(next(iter(shares.values())))
    windows = np.tile(USUAL, (n, 1))
    for column, name in enumerate(names):
        windows[:, column] *= shares.get(name, [1.0] * n)
    windows[:, 4] += shares.get("level_db", [0.0] * n)
    return solve(windows, USUAL, SETTINGS)


def test_the_usual_is_zero():
    assert solved(pitch=[1.0])[0, 1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        {"pitch": [0.8, 0.9, 1.0, 1.15, 1.3, 1.5]},
        {"range": [0.5, 0.75, 1.0, 1.5, 2.0]},
        {"rise": [0.5, 1.0, 1.5, 2.0], "fall": [0.5, 1.0, 1.5, 2.0]},
        {"level_db": [-6.0, -3.0, 0.0, 3.0, 6.0]},
    ],
)
def test_arousal_rises_with_pitch_range_slopes_and_level(change):
    arousal = solved(**change)[:, 1]
    assert not np.isnan(arousal).any()
    assert (np.diff(arousal) > 0).all()
    assert arousal[0] < 0 < arousal[-1] <= 1


def test_valence_is_missing_where_the_voice_hardly_tells_it():
    assert np.isnan(solved(pitch=[0.8, 1.0, 1.3], level_db=[-4.0, 0.0, 4.0])[:, 0]).all()


def test_what_a_window_lacks_is_no_evidence():
    window = USUAL.copy()
    window[0] *= 1.3
    as_loud_as_usual = window.copy()
    window[4] = np.nan  # clipped: no level
    ((_, lacking), (_, usual)) = solve(np.stack([window, as_loud_as_usual]), USUAL, SETTINGS)
    assert lacking == pytest.approx(usual, abs=0.05)
    assert 0 < lacking != usual
    assert np.isnan(solve(np.full((1, 5), np.nan), USUAL, SETTINGS)).all()


def drawn_voice(pitch_st, snr_db=30.0, speech=None) -> VoiceMeasurement:
    times_s = np.arange(len(pitch_st)) * 0.02
    pitch_st = np.asarray(pitch_st, np.float32)
    level_db = np.full(len(times_s), -25.0, np.float32)
    tracks = tuple(
        CueTrack(None, Channel.VOICE, code, None, unit, times_s, values, (), SOURCE)
        for code, unit, values in (
            (PITCH, Unit.SEMITONE, pitch_st),
            (LEVEL, Unit.DECIBEL, level_db),
        )
    )
    duration_s = len(times_s) * 0.02
    spoken = speech or (Span(0.0, duration_s),)
    return VoiceMeasurement(tracks, spoken, (), snr_db, np.zeros(0), duration_s)


#  0 s        6 s        12 s      18 s     pitch waves by a semitone, and is 5 higher at the end
#  |---24 st---|          |--29 st--|
def test_tracks_share_the_voice_s_times_and_say_why_they_are_missing():
    times_s = np.arange(900) * 0.02
    pitch_st = 24 + np.sin(2 * np.pi * times_s) + 5.0 * (times_s > 12)
    silent = (times_s >= 6) & (times_s < 12)
    pitch_st[silent] = np.nan
    m = drawn_voice(pitch_st, speech=(Span(0.0, 6.0), Span(12.0, 18.0)))
    tracks = {t.code: t for t in voice_dimensions(m, SETTINGS)}
    arousal = tracks[AROUSAL]
    assert arousal.times_s is m.tracks[0].times_s
    assert arousal.source == VOICE_SOURCE
    assert np.isnan(arousal.values).tolist() == silent.tolist()
    assert arousal.missing == ((Span(6.0, 12.0), "nobody is heard speaking"),)
    assert arousal.values[700:880].mean() - arousal.values[20:280].mean() > 0.15
    assert "too little of it" in tracks[VALENCE].missing[0][1]


@pytest.mark.parametrize(
    ("seconds", "snr_db", "reason"),
    [(2.0, 30.0, "only 2.0 s of voice"), (10.0, 1.0, "only 1 dB above the background")],
)
def test_too_little_or_drowned_voice_is_missing_throughout(seconds, snr_db, reason):
    m = drawn_voice(np.full(round(seconds / 0.02), 24.0), snr_db)
    for track in voice_dimensions(m, SETTINGS):
        assert np.isnan(track.values).all()
        ((span, why),) = track.missing
        assert reason in why
        assert span.contains(float(track.times_s[-1]))


def test_without_speech_there_are_no_tracks():
    m = drawn_voice(np.full(100, np.nan))
    quiet = VoiceMeasurement(m.tracks, (), (), None, np.zeros(0), m.duration_s)
    assert voice_dimensions(quiet, SETTINGS) == ()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_arousal_is_monotone_in_a_spoken_script():
    """Pitch, rate and level rise together over three steps."""
    steps = ((30, 135, 45), (50, 170, 80), (75, 200, 140))
    text = "I left the keys on the kitchen table yesterday."
    parts = [
        voices.talk([Line(text, 0.0, pitch, wpm, level)], "en-us+m3", 0.6)
        for pitch, wpm, level in steps
    ]
    sound = np.concatenate(parts) + voices.noise(sum(map(len, parts))) / 100
    analyser = VoiceAnalyser(SETTINGS)
    analyser.add(sound.astype(np.float32))
    arousal = next(t for t in voice_dimensions(analyser.finish(), SETTINGS) if t.code == AROUSAL)
    edges_s = np.cumsum([0, *map(len, parts)]) / voices.SAMPLE_RATE_HZ
    place = np.searchsorted(arousal.times_s, edges_s)
    means = [np.nanmean(arousal.values[a:b]) for a, b in pairwise(place)]
    assert means[0] < means[1] < means[2]
