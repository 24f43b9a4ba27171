"""Speech recognisers: faster-whisper, and Whisper in transformers.

Whisper writes fluent sentences for silence and noise. So it is given nothing but speech that the
voice activity detector found, does not read its own previous text, and what it doubts itself is
dropped and counted.
"""

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from demeanor.explain.errors import MissingExtra, ModelFileError, UnknownName
from demeanor.explain.perception.subtitles import Transcript, clean
from demeanor.explain.records import NotMeasured, Source, SourceKind, Span, Utterance, Word
from demeanor.explain.settings import SpeechSettings

SAMPLE_RATE_HZ = 16000
MAX_PIECE_S = 28.0  # Whisper hears 30 s at a time; the rest is for the silences between
SILENCE_S = 0.2  # put between two stretches of speech, so that words do not run together
MIN_LANGUAGE_PROBABILITY = 0.5  # below it the language is told to be a guess
UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})  # written without spaces


class AsrBackend(Protocol):
    """`samples` may be mapped from a file: (n,) int16 or float32 at 16 kHz. `spans` hold speech."""

    name: str
    version: str

    def transcribe(
        self, samples: np.ndarray, spans: Sequence[Span], language: str | None
    ) -> Transcript: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """Stretches of speech that are recognised together, and where each starts in the piece."""

    parts: tuple[tuple[float, Span], ...]

    @property
    def duration_s(self) -> float:
        start_s, span = self.parts[-1]
        return start_s + span.duration_s

    def audio(self, samples: np.ndarray) -> np.ndarray:
        """(n,) float32 in -1..1: only speech, with short silences between the stretches."""
        heard = np.zeros(_sample(self.duration_s), dtype=np.float32)
        for start_s, span in self.parts:
            part = samples[_sample(span.start_s) : _sample(span.end_s)]
            first = _sample(start_s)
            heard[first : first + len(part)] = _as_float(part)[: len(heard) - first]
        return heard

    def clip_span(self, start_s: float, end_s: float) -> Span:
        """From times in the piece to times in the clip, kept within speech."""
        first, _ = self._place(start_s)
        last, within_s = self._place(end_s)
        if first.start_s < last.start_s and within_s <= 0.0:
            last, within_s = first, first.duration_s  # it ended in the silence between two
        begin_s = self._clip_s(start_s)
        return Span(begin_s, max(begin_s, min(last.end_s, last.start_s + within_s)))

    def _clip_s(self, time_s: float) -> float:
        span, within_s = self._place(time_s)
        return min(span.end_s, span.start_s + max(0.0, within_s))

    def _place(self, time_s: float) -> tuple[Span, float]:
        begun = [part for part in self.parts if part[0] <= time_s] or [self.parts[0]]
        start_s, span = begun[-1]
        return span, time_s - start_s


@dataclass(frozen=True, slots=True)
class Segment:
    """What a recogniser wrote for a part of a piece; times are within the piece."""

    start_s: float
    end_s: float
    text: str
    words: tuple[tuple[float, float, str, float | None], ...]  # start, end, text, probability
    no_speech_probability: float
    mean_log_probability: float


@dataclass(frozen=True, slots=True)
class _Language:
    code: str
    probability: float


def load_asr(name: str, settings: SpeechSettings, device: str = "auto") -> AsrBackend:
    """`whisper:MODEL` (faster-whisper) or `transformers:MODEL`; a model is a name or a folder."""
    kind, _, model = name.partition(":")
    if kind == "whisper":
        return FasterWhisper(model or "small", settings, device)
    if kind == "transformers":
        return TransformersWhisper(model or "openai/whisper-small", settings, device)
    raise UnknownName("speech recogniser", name, ("whisper:MODEL", "transformers:MODEL"))


def pieces(spans: Sequence[Span]) -> list[Piece]:
    """Speech packed into as few pieces as Whisper's window allows, in time order."""
    packed: list[Piece] = []
    parts: list[tuple[float, Span]] = []
    used_s = 0.0
    for span in _cut(spans):
        if parts and used_s + span.duration_s > MAX_PIECE_S:
            packed.append(Piece(tuple(parts)))
            parts, used_s = [], 0.0
        parts.append((used_s, span))
        used_s += span.duration_s + SILENCE_S
    return [*packed, Piece(tuple(parts))] if parts else packed


def _cut(spans: Sequence[Span]) -> Iterator[Span]:
    """Speech without a pause for half a minute is cut where it must be."""
    for span in spans:
        start_s = span.start_s
        while span.end_s - start_s > MAX_PIECE_S:
            yield Span(start_s, start_s + MAX_PIECE_S)
            start_s += MAX_PIECE_S
        yield Span(start_s, span.end_s)


def _sample(time_s: float) -> int:
    return round(time_s * SAMPLE_RATE_HZ)


def _as_float(samples: np.ndarray) -> np.ndarray:
    if samples.dtype == np.int16:
        return samples.astype(np.float32) / 32768
    return samples.astype(np.float32, copy=False)


# --- what is kept ----------------------------------------------------------------------------


def utterances(
    piece: Piece, segments: Sequence[Segment], language: str, source: Source
) -> list[Utterance]:
    """Segments as utterances with times in the clip; words that say nothing are left out."""
    found = []
    for segment in segments:
        words = tuple(
            Word(piece.clip_span(start_s, max(start_s, end_s)), text, probability)
            for start_s, end_s, raw, probability in segment.words
            if (text := clean(raw))
        )
        span = piece.clip_span(segment.start_s, max(segment.start_s, segment.end_s))
        if words:
            span = Span(words[0].span.start_s, max(w.span.end_s for w in words))
        if text := clean(segment.text):
            found.append(
                Utterance(span, text, words, None, language, segment.no_speech_probability, source)
            )
    return found


def doubt(segment: Segment, sound_s: float, settings: SpeechSettings) -> str | None:
    """Why this is likely invented; None: keep it. The last two rules are Whisper's own."""
    if segment.start_s >= sound_s:
        return "the recogniser wrote on after the end of the sound"
    if (
        segment.no_speech_probability > settings.max_no_speech
        and segment.mean_log_probability < settings.min_mean_log_probability
    ):
        return "the recogniser took the sound for silence"
    if compression_ratio(segment.text) > settings.max_compression_ratio:
        return "the recogniser repeated itself"
    return None


def compression_ratio(text: str) -> float:
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


class _Listener:
    """What both backends share: piece by piece, gated, with what was dropped."""

    def __init__(self, source: Source, settings: SpeechSettings) -> None:
        self._source, self._settings = source, settings
        self._utterances: list[Utterance] = []
        self._not_measured: list[NotMeasured] = []

    def hear(self, piece: Piece, segments: Sequence[Segment], language: _Language) -> None:
        reach = Span(piece.parts[0][1].start_s, piece.parts[-1][1].end_s)
        kept = []
        for segment in segments:
            reason = doubt(segment, piece.duration_s, self._settings)
            if reason is None:
                kept.append(segment)
                continue
            span = piece.clip_span(segment.start_s, max(segment.start_s, segment.end_s))
            self._not_measured.append(NotMeasured("words", reason, span))
        if kept and language.probability < MIN_LANGUAGE_PROBABILITY:
            guess = f"a guess: {language.code}, with a probability of {language.probability:.2f}"
            self._not_measured.append(NotMeasured("language of the words", guess, reach))
        self._utterances += utterances(piece, kept, language.code, self._source)

    def transcript(self) -> Transcript:
        in_order = sorted(self._utterances, key=lambda u: u.span)
        return Transcript(tuple(in_order), tuple(self._not_measured))


def _english_only(language: str | None) -> NotMeasured:
    if language is None:
        return NotMeasured(
            "words in other languages than English",
            "the recogniser knows only English and writes English for whatever it hears",
        )
    return NotMeasured(
        "words",
        f"the recogniser knows only English, and {language!r} was asked for. "
        "Choose a multilingual model (without .en)",
    )


# --- backends --------------------------------------------------------------------------------


class FasterWhisper:
    """Whisper in CTranslate2. `model` is a size ("small"), a hub name or a local folder."""

    def __init__(self, model: str, settings: SpeechSettings, device: str = "auto") -> None:
        try:
            import faster_whisper
        except ImportError as error:
            raise MissingExtra("Transcribing speech", "faster_whisper", "whisper") from error

        self.name, self.version = f"faster-whisper {Path(model).name}", faster_whisper.__version__
        self._settings = settings
        _check_folder(model, ("model.bin", "tokenizer.json"))
        try:
            with offline(Path(model).is_dir()):
                self._model: Any = faster_whisper.WhisperModel(
                    model, device=device, compute_type="auto"
                )
        except (OSError, RuntimeError, ValueError) as error:
            raise _cannot_load(model, "Systran/faster-whisper-small", error) from error

    def transcribe(
        self, samples: np.ndarray, spans: Sequence[Span], language: str | None
    ) -> Transcript:
        multilingual = self._model.model.is_multilingual
        if not multilingual and language not in (None, "en"):
            return Transcript((), (_english_only(language),))
        listener = _Listener(Source(SourceKind.MACHINE, self.name, self.version), self._settings)
        for piece in pieces(spans):
            found, about = self._model.transcribe(
                piece.audio(samples),
                language=language if multilingual else "en",
                temperature=0.0,  # the same words each time; doubtful ones are dropped instead
                condition_on_previous_text=False,
                word_timestamps=True,
                vad_filter=False,  # it has been given speech only
                no_speech_threshold=None,  # gated here, where what is dropped is counted
                log_prob_threshold=None,
                compression_ratio_threshold=None,
            )
            segments = [_from_faster_whisper(s) for s in found]
            heard = _Language(about.language, float(about.language_probability))
            listener.hear(piece, segments, heard)
        return _with_note(listener.transcript(), multilingual, language)


def _from_faster_whisper(segment: Any) -> Segment:
    words = tuple(
        (float(w.start), float(w.end), str(w.word), float(w.probability))
        for w in segment.words or ()
    )
    return Segment(
        float(segment.start),
        float(segment.end),
        segment.text,
        words,
        float(segment.no_speech_prob),
        float(segment.avg_logprob),
    )


class TransformersWhisper:
    """Whisper in transformers. `model` is a hub name or a local folder."""

    def __init__(self, model: str, settings: SpeechSettings, device: str = "auto") -> None:
        try:
            import torch
            import transformers
        except ImportError as error:
            raise MissingExtra("Transcribing speech", "transformers", "transformers") from error

        self.name, self.version = f"whisper {Path(model).name}", transformers.__version__
        self._settings = settings
        local = Path(model).is_dir()
        _check_folder(model, ("config.json", "preprocessor_config.json"))
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            with offline(local):
                kind = transformers.WhisperForConditionalGeneration
                loaded = kind.from_pretrained(model, local_files_only=local)
                self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                    model, local_files_only=local
                )
                self._features: Any = transformers.WhisperFeatureExtractor.from_pretrained(
                    model, local_files_only=local
                )
        except (OSError, RuntimeError, ValueError) as error:
            raise _cannot_load(model, "openai/whisper-small", error) from error
        self._model: Any = loaded.to(device).eval()

    def transcribe(
        self, samples: np.ndarray, spans: Sequence[Span], language: str | None
    ) -> Transcript:
        multilingual = bool(getattr(self._model.generation_config, "is_multilingual", False))
        if not multilingual and language not in (None, "en"):
            return Transcript((), (_english_only(language),))
        listener = _Listener(Source(SourceKind.MACHINE, self.name, self.version), self._settings)
        for piece in pieces(spans):
            segments, heard = self._hear(piece.audio(samples), language, multilingual)
            listener.hear(piece, segments, heard)
        transcript = _with_note(listener.transcript(), multilingual, language)
        if transcript.utterances and not self._has_alignment:
            note = NotMeasured("times of single words", "the model has no alignment heads")
            return Transcript(transcript.utterances, (*transcript.not_measured, note))
        return transcript

    @property
    def _has_alignment(self) -> bool:
        return bool(getattr(self._model.generation_config, "alignment_heads", None))

    def _hear(
        self, audio: np.ndarray, language: str | None, multilingual: bool
    ) -> tuple[list[Segment], _Language]:
        import torch

        given = self._features(
            audio,
            sampling_rate=SAMPLE_RATE_HZ,
            return_tensors="pt",
            return_attention_mask=True,
        ).to(self._model.device)
        with torch.inference_mode():
            encoded = self._model.get_encoder()(given.input_features)
            no_speech, heard = self._first_step(encoded, language, multilingual)
            asked = {"language": heard.code, "task": "transcribe"} if multilingual else {}
            written = self._model.generate(
                **given,
                **asked,
                do_sample=False,
                num_beams=1,
                condition_on_prev_tokens=False,
                return_timestamps=True,
                return_segments=True,
                return_token_timestamps=self._has_alignment,
            )
            prompt = self._prompt(heard.code if multilingual else None)
            segments = [
                self._segment(s, encoded, prompt, heard.code, no_speech)
                for s in written["segments"][0]
            ]
        return segments, heard

    def _prompt(self, language: str | None) -> list[int]:
        config = self._model.generation_config
        start = [config.decoder_start_token_id]
        if language is None:
            return start
        return [*start, config.lang_to_id[f"<|{language}|>"], config.task_to_id["transcribe"]]

    def _first_step(
        self, encoded: Any, language: str | None, multilingual: bool
    ) -> tuple[float, _Language]:
        """What the decoder expects first: no speech at all, or which language."""
        shares = self._log_probabilities(encoded, self._prompt(None))[0].exp()
        tokens = ("<|nospeech|>", "<|nocaptions|>")  # renamed between the first models and v3
        ids = [self._tokenizer.convert_tokens_to_ids(t) for t in tokens]
        unknown = self._tokenizer.unk_token_id
        no_speech = max((float(shares[i]) for i in ids if i not in (None, unknown)), default=0.0)
        if language is not None or not multilingual:
            return no_speech, _Language(language or "en", 1.0)
        among = {
            token.strip("<|>"): float(shares[index])
            for token, index in self._model.generation_config.lang_to_id.items()
        }
        best = max(among, key=lambda code: among[code])
        return no_speech, _Language(best, among[best] / max(sum(among.values()), 1e-9))

    def _segment(
        self, raw: Any, encoded: Any, prompt: list[int], language: str, no_speech: float
    ) -> Segment:
        """The log probability is read again from the finished text, so that it is one number
        for every version of transformers; suppressed tokens are not taken out of it."""
        ids = [int(i) for i in raw["tokens"]]
        log_p = self._log_probabilities(encoded, [*prompt, *ids])[len(prompt) - 1 : -1]
        chosen = [float(log_p[row, index]) for row, index in enumerate(ids)]
        starts_s = [float(t) for t in raw["token_timestamps"]] if self._has_alignment else []
        return Segment(
            float(raw["start"]),
            float(raw["end"]),
            self._tokenizer.decode(ids, skip_special_tokens=True),
            tuple(self._words(ids, starts_s, chosen, float(raw["end"]), language)),
            no_speech,
            sum(chosen) / len(chosen) if chosen else 0.0,
        )

    def _words(
        self,
        ids: list[int],
        starts_s: list[float],
        log_p: list[float],
        end_s: float,
        language: str,
    ) -> Iterator[tuple[float, float, str, float | None]]:
        """Tokens joined to words: a space begins one; half a letter waits for its other half."""
        if not starts_s:
            return
        first_special = self._tokenizer.eos_token_id  # Whisper's text tokens come before it
        word, begun = "", 0
        pending: list[int] = []
        said = [i for i, token in enumerate(ids) if token < first_special]
        for i in said:
            text = self._tokenizer.decode([*(ids[j] for j in pending), ids[i]])
            pending.append(i)
            if text.endswith("\ufffd"):
                continue
            if word.strip() and (text.startswith(" ") or language in UNSPACED):
                yield starts_s[begun], starts_s[pending[0]], word, _mean_share(log_p[begun:i])
                word = ""
            begun = begun if word else pending[0]
            word, pending = word + text, []
        if word.strip():
            last_s = max(end_s, starts_s[begun])
            yield starts_s[begun], last_s, word, _mean_share(log_p[begun : said[-1] + 1])

    def _log_probabilities(self, encoded: Any, ids: list[int]) -> Any:
        """(n, vocabulary): row i is what is expected after token i."""
        import torch

        given = torch.tensor([ids], device=self._model.device)
        scores = self._model(encoder_outputs=encoded, decoder_input_ids=given).logits[0]
        return scores.float().log_softmax(dim=-1)


def _mean_share(log_p: list[float]) -> float | None:
    return float(np.exp(np.mean(log_p))) if log_p else None


def _with_note(transcript: Transcript, multilingual: bool, language: str | None) -> Transcript:
    if multilingual or not transcript.utterances or language is not None:
        return transcript
    note = _english_only(None)
    return Transcript(transcript.utterances, (*transcript.not_measured, note))


def _check_folder(model: str, wanted: tuple[str, ...]) -> None:
    """A local folder must be complete, or the library would look for the rest on the hub."""
    folder = Path(model)
    if not folder.is_dir():
        return
    if missing := [name for name in wanted if not (folder / name).is_file()]:
        raise ModelFileError(
            f"{folder} lacks {', '.join(missing)}, which a speech recogniser needs. "
            "Download the whole folder of the model anew."
        )


def _cannot_load(model: str, example: str, error: Exception) -> ModelFileError:
    reason = str(error).strip().split("\n")[0][:200]
    return ModelFileError(
        f"the speech recogniser {model!r} cannot be loaded ({reason}). On a machine with a "
        f"network run  hf download {example} --local-dir whisper-small  then give that folder "
        "in place of the name."
    )


@contextmanager
def offline(local: bool) -> Iterator[None]:
    """Keeps the hub client from trying the network for a folder that is already here."""
    key = "HF_HUB_OFFLINE"
    before = os.environ.get(key)
    if local:
        os.environ[key] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = before
