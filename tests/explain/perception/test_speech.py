"""Where the words come from, and that a recogniser is asked about speech only."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from demeanor.explain.errors import TranscriptError
from demeanor.explain.perception.speech import NOTHING_CHOSEN, readable, transcribe
from demeanor.explain.perception.subtitles import Transcript
from demeanor.explain.perception.voice import VoiceAnalyser
from demeanor.explain.records import Source, SourceKind, Span, Utterance
from demeanor.explain.settings import load_settings

SRT = "1\n00:00:01,000 --> 00:00:02,000\nFrom {}.\n"
SOURCE = Source(SourceKind.MACHINE, "inventor", "1")
CUES = [(0.0, 1.0, "From the stream.")]
SOUND = np.zeros(16000, dtype=np.float32)
SPEECH = (Span(0.0, 0.5),)
FIRST_SECOND = Span(0.0, 1.0)


class Inventor:
    """Writes words whatever it is given, as Whisper does on silence; keeps what it was asked."""

    name, version = "inventor", "1"

    def __init__(self) -> None:
        self.asked: list[Span] = []

    def transcribe(
        self, samples: np.ndarray, spans: Sequence[Span], language: str | None
    ) -> Transcript:
        self.asked += spans
        return Transcript(tuple(said("Thanks for watching!", span=s) for s in spans), ())


def said(text: str, language: str | None = "en", span: Span = FIRST_SECOND) -> Utterance:
    return Utterance(span, text, (), None, language, None, SOURCE)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "named.srt").write_text(SRT.format("the named"), "utf-8")
    (tmp_path / "clip.srt").write_text(SRT.format("beside"), "utf-8")
    return tmp_path / "clip.mp4"


def test_the_named_transcript_comes_first(clip):
    found = transcribe(clip, 5.0, transcript=clip.with_name("named.srt"), cues=CUES)
    assert ([u.text for u in found.utterances], found.source) == (
        ["From the named."],
        "transcript named.srt",
    )


def test_then_the_sidecar_then_the_stream_then_the_recogniser(clip):
    inventor = Inventor()
    given = {"cues": CUES, "asr": inventor, "samples": SOUND, "speech": SPEECH}
    assert transcribe(clip, 5.0, **given).source == "transcript clip.srt"
    clip.with_suffix(".srt").unlink()
    assert transcribe(clip, 5.0, **given).source == "subtitle stream"
    assert inventor.asked == []
    found = transcribe(clip, 5.0, **{**given, "cues": ()})
    assert (found.source, inventor.asked) == ("inventor 1", [Span(0.0, 0.5)])


def test_nothing_to_read_and_nobody_to_ask_is_said(tmp_path):
    found = transcribe(tmp_path / "clip.mp4", 5.0, samples=SOUND, speech=SPEECH)
    assert (found.utterances, found.not_measured, found.source) == ((), (NOTHING_CHOSEN,), None)


def test_a_broken_sidecar_is_told_and_the_next_source_is_used(clip):
    clip.with_suffix(".srt").write_text("1\n00:00:01 -> 00:00:02\nHi\n", "utf-8")
    found = transcribe(clip, 5.0, cues=CUES)
    assert found.source == "subtitle stream"
    assert "clip.srt, line 2" in found.not_measured[0].reason


def test_a_broken_transcript_that_was_asked_for_is_an_error(clip):
    with pytest.raises(TranscriptError, match=r"none\.srt"):
        transcribe(clip, 5.0, transcript=clip.with_name("none.srt"))


@pytest.mark.parametrize(
    ("samples", "speech", "reason"),
    [
        (None, (), "no sound"),
        (SOUND[:0], (), "no sound"),
        (SOUND, (), "nobody is heard speaking"),
    ],
)
def test_without_speech_the_recogniser_is_not_asked(tmp_path, samples, speech, reason):
    inventor = Inventor()
    found = transcribe(tmp_path / "x.mp4", 1.0, asr=inventor, samples=samples, speech=speech)
    assert (found.utterances, inventor.asked) == ((), [])
    assert reason in found.not_measured[0].reason


def speech_in(samples: np.ndarray) -> tuple[Span, ...]:
    analyser = VoiceAnalyser(load_settings().voice)
    analyser.add(samples)
    return analyser.finish().speech


@pytest.mark.parametrize("level", [0.0, 0.001, 0.1])
def test_silence_and_noise_are_never_transcribed(tmp_path, level):
    noise = np.random.default_rng(1).normal(0, level, 5 * 16000).astype(np.float32)
    inventor = Inventor()
    transcribe(tmp_path / "x.mp4", 5.0, asr=inventor, samples=noise, speech=speech_in(noise))
    assert inventor.asked == []


def test_in_a_real_recording_only_speech_is_transcribed(tmp_path, shared):
    raw, rate_hz = soundfile.read(shared / "data/clips/jfk.flac", dtype="float32")
    assert rate_hz == 44100
    samples = resample_poly(raw.mean(axis=1), 160, 441).astype(np.float32)
    inventor = Inventor()
    transcribe(tmp_path / "x.mp4", 11.0, asr=inventor, samples=samples, speech=speech_in(samples))
    pauses = [Span(0.0, 0.25), Span(2.4, 3.2), Span(4.55, 5.3), Span(7.75, 8.1)]  # by ear and level
    assert len(inventor.asked) >= 4
    assert not any(asked.overlap_s(pause) for asked in inventor.asked for pause in pauses)


def test_other_languages_are_declared_and_not_used():
    given = [said("Hello"), said("Hola", "es", Span(1, 2)), said("¿Sí?", "es", Span(4, 5))]
    used, notes = readable(given, frozenset({"en"}))
    assert used == (given[0],)
    assert (notes[0].reason, notes[0].span) == (
        "2 utterances are in es; this reasoner reads en",
        Span(1, 5),
    )


@pytest.mark.parametrize(
    ("text", "is_used"), [("Hello", True), ("42!", True), ("你好", False), ("привет, ok", False)]
)
def test_without_a_language_the_letters_decide(text, is_used):
    used, notes = readable([said(text, None)], frozenset({"en", "de"}))
    assert (len(used) == 1, len(notes) == 0) == (is_used, is_used)


def test_a_reasoner_of_other_scripts_gets_what_has_no_language():
    used, notes = readable([said("你好", None)], frozenset({"en", "zh"}))
    assert (len(used), notes) == (1, ())
