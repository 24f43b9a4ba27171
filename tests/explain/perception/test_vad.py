"""Speech from probabilities drawn by hand, and the real network on sounds that are none."""

import numpy as np
import pytest

from demeanor.explain.errors import ModelFileError
from demeanor.explain.perception import vad
from demeanor.explain.perception.vad import WINDOW_S, speech_spans
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
