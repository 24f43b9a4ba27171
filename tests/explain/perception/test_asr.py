"""Recognisers run for real, with random weights: structure, times and gates, never the words."""

import dataclasses
import os

import numpy as np
import pytest
import tiny_whisper

from demeanor.explain.errors import MissingExtra, ModelFileError, UnknownName
from demeanor.explain.perception import asr
from demeanor.explain.perception.asr import (
    FasterWhisper,
    Piece,
    Segment,
    TransformersWhisper,
    compression_ratio,
    doubt,
    load_asr,
    offline,
    pieces,
    utterances,
)
from demeanor.explain.records import Source, SourceKind, Span
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().speech
OPEN = dataclasses.replace(SETTINGS, max_compression_ratio=1e9)  # random words repeat themselves
SOURCE = Source(SourceKind.MACHINE, "scripted", "1")
SPEECH = (Span(1.0, 2.0), Span(4.0, 5.5))


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """6 s of int16, as it lies in a mapped file."""
    return np.random.default_rng(0).integers(-3000, 3000, 6 * 16000).astype(np.int16)


@pytest.fixture(scope="module")
def hub_folder(tmp_path_factory):
    pytest.importorskip("transformers")
    return tiny_whisper.make(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest.fixture(scope="module")
def ct2_folder(hub_folder):
    pytest.importorskip("faster_whisper")
    return tiny_whisper.convert(hub_folder, hub_folder.with_name("tiny-ct2"))


#  clip     1.0|--a--|2.0      4.0|---b---|5.5
#  piece    0.0|--a--|1.0 1.2|---b---|2.7          (0.2 s of silence between)
def test_pieces_hold_nothing_but_speech():
    (piece,) = pieces(SPEECH)
    assert piece.parts == ((0.0, Span(1.0, 2.0)), (1.2, Span(4.0, 5.5)))
    samples = np.zeros(6 * 16000, dtype=np.int16)
    samples[16000:32000], samples[64000:88000] = 16384, -16384
    samples[32000:64000] = 32767  # between the two: must not be heard
    heard = piece.audio(samples)
    assert len(heard) == round(2.7 * 16000)
    assert np.unique(heard).tolist() == [-0.5, 0.0, 0.5]


@pytest.mark.parametrize(
    ("start_s", "end_s", "span"),
    [
        (0.25, 0.5, Span(1.25, 1.5)),
        (1.7, 2.2, Span(4.5, 5.0)),
        (0.5, 1.1, Span(1.5, 2.0)),  # ends in the silence between
        (1.1, 1.7, Span(2.0, 4.5)),
        (0.5, 1.7, Span(1.5, 4.5)),
        (2.0, 9.0, Span(4.8, 5.5)),  # past the end of the sound
    ],
)
def test_times_come_back_to_the_clip(start_s, end_s, span):
    found = pieces(SPEECH)[0].clip_span(start_s, end_s)
    assert (found.start_s, found.end_s) == pytest.approx((span.start_s, span.end_s))


def test_long_speech_is_packed_and_cut_to_whispers_window():
    spans = [Span(0, 20), Span(21, 30), Span(40, 100)]
    packed = [[(p.start_s, p.end_s) for _, p in piece.parts] for piece in pieces(spans)]
    assert packed == [[(0, 20)], [(21, 30)], [(40, 68)], [(68, 96)], [(96, 100)]]
    assert pieces(()) == []


def segment(text: str = "yes", no_speech: float = 0.0, log_p: float = -0.1, start_s: float = 0.0):
    return Segment(start_s, start_s + 0.5, text, (), no_speech, log_p)


def test_doubtful_segments_have_a_reason():
    assert doubt(segment(), 1.0, SETTINGS) is None
    assert doubt(segment(no_speech=0.9), 1.0, SETTINGS) is None  # improbable as silence
    assert "silence" in doubt(segment(no_speech=0.9, log_p=-1.5), 1.0, SETTINGS)
    assert "repeated" in doubt(segment("thank you " * 30), 1.0, SETTINGS)
    assert "after the end" in doubt(segment(start_s=2.0), 1.0, SETTINGS)
    assert compression_ratio("") == 0.0


def test_words_keep_times_and_hostile_text_is_cleaned():
    piece = Piece(((0.0, Span(2.0, 4.0)),))
    words = ((0.5, 0.75, " a\u202eb", 0.9), (0.75, 0.5, " \x00", 0.1), (1.0, 9.0, " c", None))
    (found,) = utterances(piece, [Segment(0, 2, "a\u202eb c", words, 0.1, -0.2)], "en", SOURCE)
    assert (found.text, found.language, found.no_speech_probability) == ("ab c", "en", 0.1)
    assert [(w.text, w.span, w.probability) for w in found.words] == [
        ("ab", Span(2.5, 2.75), 0.9),
        ("c", Span(3.0, 4.0), None),
    ]
    assert found.span == Span(2.5, 4.0)


def check_structure(transcript, language: str | None) -> None:
    assert transcript.utterances
    for utterance in transcript.utterances:
        inside = [s for s in SPEECH if s.contains(utterance.span.start_s)]
        assert inside
        assert any(s.contains(utterance.span.end_s) for s in SPEECH)
        assert utterance.language == (language or utterance.language)
        assert 0.0 <= utterance.no_speech_probability <= 1.0
        assert utterance.words
        assert all(0.0 <= word.probability <= 1.0 for word in utterance.words)
        assert utterance.span.end_s >= utterance.words[-1].span.end_s


def test_transformers_whisper_runs(hub_folder, sound):
    backend = TransformersWhisper(str(hub_folder), OPEN, "cpu")
    check_structure(backend.transcribe(sound, SPEECH, "de"), "de")
    guessed = backend.transcribe(sound, SPEECH, None)
    check_structure(guessed, None)
    assert any(n.what == "language of the words" for n in guessed.not_measured)


def test_faster_whisper_runs(ct2_folder, sound):
    backend = FasterWhisper(str(ct2_folder), OPEN, "cpu")
    check_structure(backend.transcribe(sound, SPEECH, "de"), "de")


@pytest.mark.parametrize("kind", ["transformers", "whisper"])
def test_what_the_model_doubts_is_dropped_and_told(kind, hub_folder, ct2_folder, sound):
    folder = hub_folder if kind == "transformers" else ct2_folder
    strict = dataclasses.replace(OPEN, max_no_speech=0.0, min_mean_log_probability=0.0)
    found = load_asr(f"{kind}:{folder}", strict, "cpu").transcribe(sound, SPEECH, "en")
    assert found.utterances == ()
    assert {n.what for n in found.not_measured} == {"words"}


def test_a_model_without_alignment_gives_no_word_times(tmp_path, sound):
    pytest.importorskip("transformers")
    folder = tiny_whisper.make(tmp_path / "tiny", alignment=False)
    found = TransformersWhisper(str(folder), OPEN, "cpu").transcribe(sound, SPEECH, "en")
    assert {u.words for u in found.utterances} == {()}
    assert "times of single words" in {n.what for n in found.not_measured}


@pytest.mark.parametrize("kind", ["transformers", "whisper"])
def test_an_english_model_refuses_other_languages(kind, tmp_path, sound):
    pytest.importorskip("faster_whisper")
    folder = tiny_whisper.make(tmp_path / "tiny.en", multilingual=False)
    if kind == "whisper":
        folder = tiny_whisper.convert(folder, tmp_path / "ct2.en")
    backend = load_asr(f"{kind}:{folder}", OPEN, "cpu")
    refused = backend.transcribe(sound, SPEECH, "fr")
    assert refused.utterances == ()
    assert "knows only English" in refused.not_measured[0].reason
    heard = backend.transcribe(sound, SPEECH, None)
    assert {u.language for u in heard.utterances} == {"en"}
    assert "words in other languages than English" in {n.what for n in heard.not_measured}


@pytest.mark.parametrize("kind", ["transformers", "whisper"])
def test_a_folder_that_lacks_files_is_an_error(kind, tmp_path):
    with pytest.raises(ModelFileError, match="lacks"):
        load_asr(f"{kind}:{tmp_path}", SETTINGS)


def test_a_model_that_cannot_be_loaded_says_how_to_get_it(hub_folder, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (broken / name).write_text("{}")
    with pytest.raises(ModelFileError, match="hf download"):
        TransformersWhisper(str(broken), SETTINGS, "cpu")


@pytest.mark.parametrize(
    ("kind", "package"), [("whisper", "faster_whisper"), ("transformers", "transformers")]
)
def test_a_missing_package_is_named(kind, package, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtra, match=package):
        load_asr(f"{kind}:small", SETTINGS)


def test_an_unknown_recogniser_is_named():
    with pytest.raises(UnknownName, match="whisper:MODEL"):
        load_asr("dragon", SETTINGS)


def test_offline_is_set_for_a_folder_and_put_back(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with offline(True):
        assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in os.environ
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with pytest.raises(RuntimeError), offline(True):
        raise RuntimeError
    assert os.environ["HF_HUB_OFFLINE"] == "0"


#  tokens   "␣so"  "␣it"  <half of é>  <other half>  "!"
def test_half_a_letter_waits_for_its_other_half():
    class Tokenizer:
        eos_token_id = 90

        def decode(self, ids):
            pairs = {(1,): " so", (2,): " it", (3,): "\ufffd", (3, 4): "é", (5,): "!"}
            return pairs[tuple(ids)]

    backend = object.__new__(asr.TransformersWhisper)
    backend._tokenizer = Tokenizer()
    ids, starts_s = [95, 1, 2, 3, 4, 5, 96], [0.0, 0.1, 0.4, 0.5, 0.6, 0.7, 0.9]
    words = list(backend._words(ids, starts_s, [0.0] * 7, 0.9, "en"))
    assert words == [(0.1, 0.4, " so", 1.0), (0.4, 0.9, " ité!", 1.0)]
