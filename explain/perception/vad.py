"""When somebody speaks: silero-vad in 512-sample windows, and spans from its probabilities.

The network hears any speech. A crowd that talks behind somebody is speech to it, so what lies
far below the loudest voice and near the floor of the recording is taken out again.

The network is read from the silero-vad wheel without importing that package, because importing
it sets torch's number of threads for the whole process.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter1d

from demeanor.explain.errors import ModelFileError
from demeanor.explain.records import Span
from demeanor.explain.settings import VoiceSettings
from demeanor.explain.threads import one_thread

SAMPLE_RATE_HZ = 16000  # what silero-vad, Whisper and our pitch windows expect
WINDOW_SAMPLES = 512  # silero-vad 5 and later take nothing else at 16 kHz
CONTEXT_SAMPLES = 64  # of the window before, which the network reads along
WINDOW_S = WINDOW_SAMPLES / SAMPLE_RATE_HZ
LEAVE_BELOW_ENTER = 0.15  # silero-vad's own hysteresis: speech ends below threshold - 0.15
PAD_S = 0.03  # silero-vad's own: soft onsets and endings lie just outside
LEVEL_WINDOW_S = 0.2  # a syllable: single ones of a crowd stand out, its words do not
SOFT_ENDING_S = 0.06  # what a voice needs to fade from the threshold into the floor

SpeechDetector = Callable[[np.ndarray], np.ndarray]  # (n, 512) float32 -> (n,) probabilities


def silero() -> SpeechDetector:
    """A detector with a state of its own: windows must come in order, from one clip.

    The network's parts are run over many windows at once: the extractor and the encoder as a
    batch, the recurrent cell as a sequence. Same numbers as window by window (to 2e-6), in an
    eighth of the time, which is what the front end's speed needs.
    """
    import torch

    network, recurrent = _network()
    context, state = torch.zeros(CONTEXT_SAMPLES), None

    def detect(windows: np.ndarray) -> np.ndarray:
        nonlocal context, state
        if len(windows) == 0:
            return np.zeros(0, np.float32)
        with torch.inference_mode(), one_thread():
            given = torch.from_numpy(np.ascontiguousarray(windows, dtype=np.float32))
            sound = torch.cat([context, given.reshape(-1)])
            context = sound[-CONTEXT_SAMPLES:]
            overlapping = sound.unfold(0, CONTEXT_SAMPLES + WINDOW_SAMPLES, WINDOW_SAMPLES)
            features = network.encoder(network.run_extractors(overlapping.contiguous()))
            hidden, state = recurrent(features.squeeze(-1)[:, None], state)
            scores = network.decoder.decoder(hidden[:, 0, :, None])
            return np.asarray(scores.squeeze(1).mean(1).numpy())

    return detect


@cache
def _network() -> tuple[Any, Any]:
    """The network for 16 kHz, and its recurrent part; loaded once, they keep no state."""
    import torch

    with warnings.catch_warnings():  # torch is bounded below the release that drops the format
        warnings.simplefilter("ignore", DeprecationWarning)
        whole = torch.jit.load(str(_model_file()), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    return whole._model, _as_sequence(whole._model.decoder.rnn)


def _as_sequence(cell: Any) -> Any:
    """The recurrent cell's weights in a layer that takes a whole sequence at a time."""
    import torch

    n_hidden = cell.weight_hh.shape[1]
    layer = torch.nn.LSTM(cell.weight_ih.shape[1], n_hidden)
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(layer, f"{name}_l0").copy_(getattr(cell, name))
    return layer


def _model_file() -> Path:
    spec = find_spec("silero_vad")
    if spec is None or spec.origin is None:
        raise ModelFileError(
            "Finding speech needs silero-vad's model, and the package is not installed. "
            "Install it with:  pip install 'silero-vad>=6.0'"
        )
    path = Path(spec.origin).parent / "data" / "silero_vad.jit"
    if not path.is_file():
        raise ModelFileError(
            f"Finding speech needs {path}, which this silero-vad does not carry. "
            "Install a version that does:  pip install 'silero-vad>=6.0,<7'"
        )
    return path


def speech_spans(
    probabilities: np.ndarray, duration_s: float, settings: VoiceSettings
) -> tuple[Span, ...]:
    """Stretches of speech, in time order.

    Speech begins at `vad_threshold` and ends when the probability stays below it (less the
    hysteresis) for `min_silence_s`; what is shorter than `min_speech_s` is dropped as a click
    or a cough.
    """
    spans, onset_s, quiet_s = [], None, None
    for index, probability in enumerate(probabilities.tolist()):
        time_s = index * WINDOW_S
        if probability >= settings.vad_threshold:
            onset_s, quiet_s = (time_s if onset_s is None else onset_s), None
        elif onset_s is not None and probability < settings.vad_threshold - LEAVE_BELOW_ENTER:
            quiet_s = time_s if quiet_s is None else quiet_s
            if time_s + WINDOW_S - quiet_s >= settings.min_silence_s:
                spans.append(Span(onset_s, quiet_s))
                onset_s, quiet_s = None, None
    if onset_s is not None:
        spans.append(Span(onset_s, duration_s if quiet_s is None else quiet_s))
    long_enough = [s for s in spans if s.duration_s >= settings.min_speech_s]
    return _padded(long_enough, duration_s)


def _padded(spans: list[Span], duration_s: float) -> tuple[Span, ...]:
    """Each span a little wider, never into its neighbour nor out of the clip."""
    padded: list[Span] = []
    for span in spans:
        earliest_s = padded[-1].end_s if padded else 0.0
        start_s = max(earliest_s, span.start_s - PAD_S)
        padded.append(Span(start_s, min(duration_s, span.end_s + PAD_S)))
    return tuple(padded)


def foreground(
    speech: tuple[Span, ...], times_s: np.ndarray, level_db: np.ndarray, settings: VoiceSettings
) -> tuple[Span, ...]:
    """Speech without what is near the floor of the recording for longer than a gap in a phrase.

    The floor is what a tenth of the clip stays below, so nothing is taken out where there are
    true pauses: only under noise, music or talk that never stops. `level_db` is (n,), one value
    for each of `times_s`, -inf in digital silence.
    """
    if not speech or len(times_s) < 2:
        return speech
    hop_s = float(times_s[1] - times_s[0])
    smooth_db = _smoothed_db(level_db, max(1, round(LEVEL_WINDOW_S / hop_s)))
    inside = [slice(*np.searchsorted(times_s, (s.start_s, s.end_s)).tolist()) for s in speech]
    spoken_db = np.concatenate([smooth_db[here] for here in inside])
    if len(spoken_db) == 0:
        return speech
    floor_db, top_db = np.percentile(smooth_db, 10), np.percentile(spoken_db, 95)
    if top_db - floor_db < 2 * settings.foreground_lift_db:
        return speech  # all as loud: nothing tells a near voice from a far one
    lift_db = max(settings.foreground_lift_db, settings.foreground_share * (top_db - floor_db))
    loud = smooth_db >= floor_db + lift_db
    kept = [
        part
        for span, here in zip(speech, inside, strict=True)
        for part in _loud_parts(span, times_s[here][loud[here]], hop_s, settings)
    ]
    return tuple(kept)


def _smoothed_db(level_db: np.ndarray, n_frames: int) -> np.ndarray:
    energy = uniform_filter1d(10 ** (np.maximum(level_db, -100.0) / 10).astype(float), n_frames)
    return np.asarray(10 * np.log10(np.maximum(energy, 1e-10)))


def _loud_parts(
    span: Span, loud_s: np.ndarray, hop_s: float, settings: VoiceSettings
) -> Iterator[Span]:
    """Stretches of `span` around its loud moments, which gaps inside a phrase do not part."""
    if len(loud_s) == 0:
        return
    cuts = np.flatnonzero(np.diff(loud_s) > settings.phrase_gap_s) + 1
    for part_s in np.split(loud_s, cuts):
        start_s = max(span.start_s, float(part_s[0]) - SOFT_ENDING_S)
        end_s = min(span.end_s, float(part_s[-1]) + hop_s + SOFT_ENDING_S)
        if part_s[0] == loud_s[0] and start_s - span.start_s <= settings.phrase_gap_s:
            start_s = span.start_s
        if part_s[-1] == loud_s[-1] and span.end_s - end_s <= settings.phrase_gap_s:
            end_s = span.end_s
        if end_s - start_s >= settings.min_speech_s:
            yield Span(start_s, end_s)
