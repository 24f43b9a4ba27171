"""Whole clips measured: with a scripted face where that will do, and the packaged clip for real."""

import threading

import clips
import numpy as np
import pytest
from scripted_face import ScriptedFace

from demeanor.explain.errors import ClipError
from demeanor.explain.perception.measure import _AHEAD as N_AHEAD
from demeanor.explain.perception.measure import SoundOptions, ahead, measure_clip
from demeanor.explain.perception.neutral import NeutralOptions
from demeanor.explain.records import Channel, Kind, Span, Utterance
from demeanor.explain.settings import load_settings

SETTINGS = load_settings()
LIT, DARK = 100, 10


def lit(*levels, size=(160, 160)):
    """Frames of one grey each: a face is seen where they are bright."""
    return [np.full((*size[::-1], 3), level, np.uint8) for level in levels]


def measured(path, **options):
    sound = SoundOptions(**options)
    return measure_clip(path, ScriptedFace(), SETTINGS, sound)


def missing(found):
    return {n.what: n.reason for n in found.not_measured}


# A scripted face ------------------------------------------------------------------------------


#  frames   0-9    10-19   20-39      found again in frame 22: the detector looks every 0.1 s
#  picture  lit    dark    lit
def test_a_clip_with_a_gap(tmp_path):
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 10, *[DARK] * 10, *[LIT] * 20))
    found = measured(path)
    assert [p.n_frames for p in found.people] == [28]
    values = found.track("p1", "AU12").values
    assert np.isnan(values[10:22]).all()
    assert not np.isnan(values[:10]).any()
    (gap,) = [n for n in found.not_measured if n.what == "face"]
    assert (gap.span.start_s, gap.span.end_s) == pytest.approx((0.4, 0.88))
    assert missing(found)["voice"] == "the video has no sound"
    assert "AU23" in " ".join(missing(found))


def test_a_clip_held_sideways_has_its_face_inside_the_picture(tmp_path):
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 10, size=(240, 160)))
    found = measured(clips.turned(path, 90))
    assert (found.clip.width_px, found.clip.height_px) == (160, 240)
    assert not np.isnan(found.track("p1", "AU12").values).any()
    assert all(0 < edge < 1 for edge in found.people[0].box)


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_clips_of_very_few_frames(tmp_path, n_frames):
    found = measured(clips.write(tmp_path / "a.mp4", lit(*[LIT] * n_frames)))
    assert len(found.track("p1", "AU12").times_s) == n_frames if found.people else True
    assert found.clip.duration_s == pytest.approx(n_frames / 25)


def test_a_picture(tmp_path):
    found = measured(clips.picture(tmp_path / "a.png", lit(LIT)[0]))
    assert found.track("p1", "AU12").times_s.tolist() == [0.0]
    assert missing(found)["voice"] == "the picture has no sound"
    assert {e.kind for e in found.events} <= {Kind.STATE}


def test_sound_alone_has_no_face_and_says_so(tmp_path):
    found = measured(clips.write(tmp_path / "a.wav", sound=clips.tone(2.048)))
    assert found.people == ()
    assert missing(found)["face"] == "the clip has no picture"


def test_silence_is_measured_and_found_silent(tmp_path):
    silence = np.zeros(32768, np.float32)
    found = measured(clips.write(tmp_path / "a.mp4", lit(*[LIT] * 50), sound=silence))
    assert [e for e in found.events if e.channel is Channel.VOICE] == []
    assert any("voice" in what for what in missing(found))


def test_sound_that_ends_early_is_told(tmp_path):
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 50), sound=clips.tone(1.024))
    rows = [n for n in measured(path).not_measured if "sound ends at" in n.reason]
    assert [n.span.end_s for n in rows] == [2.0]


def test_a_truncated_clip_gives_what_there_is(tmp_path):
    path = clips.write(tmp_path / "a.mp4", clips.noise(50, size=(160, 160)))
    found = measured(clips.truncated(path, 0.5))
    assert 5 < found.people[0].n_frames < 40
    assert "breaks off" in missing(found)["the end of the clip"]


# Rest that is shown ---------------------------------------------------------------------------


def rested(path, **where):
    return measure_clip(path, ScriptedFace(), SETTINGS, neutral=NeutralOptions(**where))


def test_rest_is_taken_from_where_it_is_shown_and_the_result_says_so(tmp_path):
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 60))
    assert rested(path, at=Span(1.0, 1.0)).settings["neutral"] == {
        "p1": {"origin": "shown at 1.00 s", "seconds": 0.44, "at_rest": True}
    }
    (said,) = rested(path, at=Span(0.5, 2.0)).settings["neutral"].values()
    assert said["origin"] == "shown at 0.50-2.00 s"
    (found,) = measured(path).settings["neutral"].values()
    assert found["origin"] == "found in this clip"


def test_a_calibration_clip_shows_rest(tmp_path):
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 60))
    other = clips.write(tmp_path / "rest.mp4", lit(*[LIT] * 20))
    (said,) = rested(path, clip=other).settings["neutral"].values()
    assert said == {"origin": "shown in rest.mp4", "seconds": 0.8, "at_rest": True}


#  frames   0-9 dark   10-59 lit      rest was to be shown at .1 s
def test_rest_cannot_be_shown_where_no_face_is_seen(tmp_path):
    path = clips.write(tmp_path / "a.mp4", lit(*[DARK] * 15, *[LIT] * 50))
    with pytest.raises(ClipError, match=r"no face .* shown at 0\.10 s.*seen from the front"):
        rested(path, at=Span(0.1, 0.1))


def test_rest_cannot_be_shown_after_the_clip_s_end(tmp_path):
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 20))
    with pytest.raises(ClipError, match=r"lasts 0\.80 s.*at 9\.00 s"):
        rested(path, at=Span(9.0, 9.0))


def test_a_calibration_clip_needs_a_face(tmp_path):
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 20))
    dark = clips.write(tmp_path / "rest.mp4", lit(*[DARK] * 20))
    with pytest.raises(ClipError, match=r"rest\.mp4: no face can be measured"):
        rested(path, clip=dark)


# Words ----------------------------------------------------------------------------------------


def test_a_recogniser_hears_what_a_broken_transcript_beside_the_clip_does_not_tell(tmp_path):
    path = clips.write(tmp_path / "a.wav", sound=clips.tone(2.048))
    path.with_suffix(".srt").write_bytes(b"\x00\x01\x02 no transcript")
    reasons = missing(measured(path, asr=Listener()))
    assert "nobody is heard speaking" in reasons["words"]  # a tone; not: there is no sound


def test_words_come_from_the_subtitle_stream_where_nothing_lies_beside_the_clip(tmp_path):
    entries = [(0.2, 0.8, "Hello"), (1.0, 1.6, "again")]
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 50), subtitles=entries)
    found = measured(path)
    assert [u.text for u in found.utterances] == ["Hello", "again"]
    assert found.settings["words_from"] == "subtitle stream"
    path.with_suffix(".srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nBeside\n")
    assert [u.text for u in measured(path).utterances] == ["Beside"]


class Listener:
    """A recogniser that keeps what it heard."""

    name, version = "listener", "1"

    def transcribe(self, samples, speech, language):
        from demeanor.explain.perception.subtitles import Transcript
        from demeanor.explain.records import Source, SourceKind

        self.heard = np.array(samples)
        said = Utterance(
            Span(0, 1), "hm", (), None, language, None, Source(SourceKind.MACHINE, "listener", "1")
        )
        return Transcript((said,), ())


def test_a_recogniser_hears_the_clip_s_sound_in_its_place(tmp_path, shared):
    listener = Listener()
    found = measured(shared / "data/clips/jfk.flac", asr=listener, language="en")
    assert listener.heard.dtype == np.int16
    assert len(listener.heard) / 16000 == pytest.approx(11.0, abs=0.1)
    assert np.abs(listener.heard).max() > 5000
    assert [u.text for u in found.utterances] == ["hm"]
    assert found.settings["words_from"] == "listener 1"


# Decoding beside ------------------------------------------------------------------------------


def test_an_error_while_decoding_reaches_the_caller(tmp_path):
    path = clips.write(tmp_path / "a.mov", clips.grey(3), codec="png")
    path.write_bytes(path.read_bytes().replace(b"\x89PNG\r\n\x1a\n", b"\x00" * 8))
    with pytest.raises(ClipError, match=r"a\.mov: nothing in it could be decoded"):
        measured(path)


def test_an_error_while_measuring_leaves_no_thread_behind(tmp_path):
    class Broken(ScriptedFace):
        def details(self, picture, points, presence, eyes=(0, 1)):
            raise RuntimeError("model broke")

    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 50))
    with pytest.raises(RuntimeError, match="model broke"):
        measure_clip(path, Broken(), SETTINGS)
    assert not {t.name for t in threading.enumerate()} & {"decode", "face-details_0"}


def test_what_is_ahead_comes_in_order_and_is_bounded():
    made = []

    def items():
        for n in range(100):
            made.append(n)
            yield n

    for n in ahead(items()):
        assert len(made) <= n + N_AHEAD + 3
    assert made == [*range(100)]


def test_progress_is_told_in_seconds_of_the_clip(tmp_path):
    seen_s = []
    path = clips.write(tmp_path / "a.mp4", lit(*[LIT] * 10))
    measure_clip(path, ScriptedFace(), SETTINGS, progress=seen_s.append)
    assert seen_s == pytest.approx([n / 25 for n in range(10)])


# The packaged clip, for real ------------------------------------------------------------------


def test_the_demo_clip_is_measured_whole(demo_measurement):
    found = demo_measurement
    assert [p.person for p in found.people] == ["p1"]
    assert found.people[0].n_frames == 360
    assert {t.channel for t in found.tracks} == {Channel.FACE, Channel.VOICE}
    assert found.utterances
    assert found.settings["face_backend"]["name"] == "mesh"


def test_every_nan_of_the_demo_clip_has_a_reason(demo_measurement):
    for track in demo_measurement.tracks:
        if track.channel is Channel.FACE:
            for time_s in track.times_s[np.isnan(track.values)].tolist():
                assert any(span.contains(time_s) for span, _ in track.missing), track.name


def test_intensities_stay_on_their_scale_and_events_in_their_clip(demo_measurement):
    clip = demo_measurement.clip
    for event in demo_measurement.events:
        assert 0 <= event.span.start_s <= event.apex_s <= event.span.end_s <= clip.duration_s + 0.1
        assert 0 <= event.reliability <= 1
    for track in demo_measurement.tracks:
        if track.unit == "FACS 0-5":
            known = track.values[~np.isnan(track.values)]
            assert ((known >= 0) & (known <= 5)).all()


def test_valence_and_arousal_are_tracks_and_no_clues(demo_measurement):
    found = demo_measurement
    placed = [t for t in found.tracks if t.code in ("valence", "arousal")]
    assert [(t.person, t.channel, t.code) for t in placed] == [
        ("p1", Channel.FACE, "valence"),
        ("p1", Channel.FACE, "arousal"),
        (None, Channel.VOICE, "valence"),
        (None, Channel.VOICE, "arousal"),
    ]
    assert len({t.source.name for t in placed}) == 2
    codes = {e.code for e in found.events} | {u.code for u in found.usual}
    assert not codes & {"valence", "arousal"}


#  the script: brows up at 3.2 s, a broad smile at 7.2 s, a smaller one at 11.6 s
def test_the_demo_clip_s_smiles_are_placed_by_their_strength(demo_measurement):
    valence = demo_measurement.track("p1", "valence")
    at = np.searchsorted(valence.times_s, [0.4, 11.6, 7.2])
    still, small, broad = valence.values[at]
    assert abs(still) < 0.1 < small < broad
    arousal = demo_measurement.track("p1", "arousal").values[np.searchsorted(valence.times_s, 3.2)]
    assert arousal > 0.4
