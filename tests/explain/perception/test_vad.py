"""Speech from probabilities drawn by hand, and the real network on sounds that are none."""

import shutil

import numpy as np
import pytest

from demeanor.explain.demo import voices
from demeanor.explain.demo.script import Line
from demeanor.explain.errors import ModelFileError
from demeanor.explain.perception import vad
from demeanor.explain.perception.vad import WINDOW_S, speech_spans
from demeanor.explain.perception.voice import VoiceAnalyser, mask
from demeanor.explain.records import Span
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().voice  # 0.5 to begin, 0.35 to end, 0.25 s of speech, 0.1 s of silence


def drawn(picture: str) -> tuple[Span, ...]:
    """One window of 32 ms per letter: # speech, ~ between the two thresholds, . none."""
    probabilities = np.array([{"#": 0.9, "~": 0.4, ".": 0.1}[letter] for letter in picture])
    return speech_spans(probabilities, len(picture) * WINDOW_S, SETTINGS)


def windows(first: int, last: int) -> tuple[float, float]:
    return first * WINDOW_S - vad.PAD_S, last * WINDOW_S + vad.PAD_S


def test_speech_is_padded_and_short_dips_are_bridged():
    (span,) = drawn(".....####..####~~####.....")
    assert (span.start_s, span.end_s) == pytest.approx(windows(5, 21))


def test_silence_parts_two_stretches():
    first, second = drawn("....#########....#########....")
    assert (first.start_s, first.end_s) == pytest.approx(windows(4, 13))
    assert (second.start_s, second.end_s) == pytest.approx(windows(17, 26))


def test_a_click_is_no_speech_and_wavering_does_not_begin_one():
    assert drawn("....####.....") == ()
    assert drawn("....~~~~~~~~~~~~~.....") == ()
    assert drawn("") == ()


def test_speech_at_both_ends_stays_within_the_clip():
    assert drawn("##########") == (Span(0.0, 10 * WINDOW_S),)


def test_silero_hears_no_speech_in_silence_noise_and_tones():
    import torch

    n_threads = torch.get_num_threads()
    rng = np.random.default_rng(0)
    tone = 0.2 * np.sin(2 * np.pi * 200 * np.arange(94 * 512) / 16000)
    for sound in (np.zeros(94 * 512), rng.normal(0, 0.1, 94 * 512), tone):
        probabilities = vad.silero()(sound.astype(np.float32).reshape(-1, 512))
        assert speech_spans(probabilities, 3.0, SETTINGS) == ()
    assert torch.get_num_threads() == n_threads


def test_a_missing_model_says_what_to_install(monkeypatch):
    vad._network.cache_clear()
    monkeypatch.setattr(vad, "find_spec", lambda name: None)
    with pytest.raises(ModelFileError, match="pip install 'silero-vad"):
        vad.silero()


def test_many_windows_at_once_say_what_the_network_says_window_by_window():
    import torch

    rng = np.random.default_rng(0)
    hum = np.sin(2 * np.pi * 140 * np.arange(512 * 40) / 16000) * np.hanning(512 * 40)
    windows = (0.3 * hum + 0.02 * rng.normal(size=hum.size)).astype(np.float32).reshape(-1, 512)
    detect = vad.silero()
    ours = np.concatenate([detect(windows[:7]), detect(windows[7:7]), detect(windows[7:])])
    network = torch.jit.load(str(vad._model_file())).eval()
    with torch.inference_mode():
        theirs = [network(torch.from_numpy(w)[None], 16000).item() for w in windows]
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert max(theirs) - min(theirs) > 0.05


# Near and far --------------------------------------------------------------------------------


def near(picture: str, *speech: Span) -> tuple[Span, ...]:
    """A tenth of a second per letter: # -20 dB, + -32 dB, - -40 dB, . digital silence."""
    levels = {"#": -20.0, "+": -32.0, "-": -40.0, ".": -np.inf}
    level_db = np.repeat([levels[letter] for letter in picture], 5)
    return vad.foreground(speech, np.arange(len(level_db)) * 0.02, level_db, SETTINGS)


#  0 s       1 s       2 s       3 s
#  ----------##########----------     the floor is -40 dB, and speech has to be 7 dB above it
def test_talk_near_the_floor_is_background():
    (span,) = near("-" * 10 + "#" * 10 + "-" * 10, Span(0.0, 3.0))
    assert (span.start_s, span.end_s) == pytest.approx((1.0, 2.0), abs=0.17)  # levels of 0.2 s


def test_a_quieter_voice_above_the_floor_is_kept():
    picture = "-" * 10 + "#" * 10 + "-" * 5 + "+" * 10
    assert len(near(picture, Span(1.0, 2.0), Span(2.5, 3.5))) == 2


def test_a_dip_inside_a_phrase_does_not_part_it():
    picture = "-" * 10 + "####--####" + "-" * 10
    (span,) = near(picture, Span(1.0, 2.0))
    assert span == Span(1.0, 2.0)


def test_where_there_are_true_pauses_speech_is_as_it_was_heard():
    speech = (Span(1.0, 2.0), Span(2.4, 3.0))
    assert near("." * 10 + "##########" + "...." + "++++++" + "....", *speech) == speech


def test_steady_sound_has_neither_near_nor_far():
    assert near("#" * 20, Span(0.0, 2.0)) == (Span(0.0, 2.0),)
    assert near("#" * 20) == ()
    assert vad.foreground((Span(0, 1),), np.zeros(1), np.zeros(1), SETTINGS) == (Span(0, 1),)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize("background", ["white", "pink", "talk"])
def test_speech_is_found_10_db_above_noise_and_above_other_talk(background):
    """F1 of .9 and more over frames of 10 ms; benchmarks/perception/voice.py has more of it."""
    lines = [Line("I left the keys on the kitchen table.", 0.0), Line("It rained all week.", 0.0)]
    sound = voices.talk(lines, "en-us+m3", pause_s=1.2)
    truth = voices.audible(sound)
    analyser = VoiceAnalyser(SETTINGS)
    analyser.add(voices.mixed(sound, behind(background, len(sound)), 10.0, truth))
    found = analyser.finish()
    times_s = np.arange(len(truth) // 160) * 0.01
    heard, spoken = mask(times_s, found.speech), truth[::160][: len(times_s)]
    assert 2 * np.sum(heard & spoken) / (heard.sum() + spoken.sum()) >= 0.9
    assert found.signal_to_noise_db == pytest.approx(10.0, abs=3.0)


def behind(name: str, n: int) -> np.ndarray:
    if name != "talk":
        return voices.noise(n, name)
    texts = (
        "Nine of the twelve boxes were already open before noon.",
        "The meeting starts at ten and ends before lunch.",
        "Could you read me the second line again?",
    )
    crowd = []
    for place, voice in enumerate(("en+f2", "de+f4", "fr", "es", "en+m1", "en-us")):
        lines = [Line(texts[(place + k) % 3], 0.0, 35 + 5 * place) for k in range(3)]
        talk = np.resize(voices.talk(lines, voice, 0.01), n)
        crowd.append(np.roll(talk, 7919 * place) / talk.std())
    return np.asarray(0.05 * np.sum(crowd, axis=0), dtype=np.float32)
