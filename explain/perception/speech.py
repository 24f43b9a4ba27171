"""What was said, from the best source there is.

A transcript that the user names, then one that lies beside the clip, then the clip's own
subtitle stream, and only then, if asked for, a speech recogniser, which sees nothing but speech.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demeanor.explain.errors import TranscriptError
from demeanor.explain.perception.asr import AsrBackend
from demeanor.explain.perception.subtitles import (
    Transcript,
    find_sidecar,
    read_transcript,
    utterances_from_cues,
)
from demeanor.explain.records import NotMeasured, Span, Utterance

NOTHING_CHOSEN = NotMeasured(
    "words",
    "no transcript beside the clip, no subtitle stream, and no speech recogniser was chosen "
    "(--asr ...)",
)
LATIN = frozenset({"en", "es", "de", "fr", "it", "pt", "nl", "pl", "tr", "sv"})


@dataclass(frozen=True, slots=True)
class SpeechResult:
    utterances: tuple[Utterance, ...]
    not_measured: tuple[NotMeasured, ...]
    source: str | None  # "transcript clip.srt", "subtitle stream", a recogniser; None: no words


def transcribe(
    clip_path: Path,
    duration_s: float,
    *,
    start_s: float = 0.0,
    transcript: Path | None = None,
    cues: Iterable[tuple[float, float, str]] = (),
    asr: AsrBackend | None = None,
    samples: np.ndarray | None = None,
    speech: Sequence[Span] = (),
    language: str | None = None,
) -> SpeechResult:
    """The words of a clip with times from its start.

    `start_s` is where in its file the clip begins, `cues` are (start_s, end_s, text) of an
    embedded subtitle stream, `samples` (n,) int16 or float32 at 16 kHz and may be mapped from a
    file, `speech` is where somebody is heard. `language` tells a recogniser what to expect.
    A transcript that the user named must be readable; another that is not is reported.
    """
    if transcript is not None:
        return _from_file(transcript, duration_s, start_s)
    lost: tuple[NotMeasured, ...] = ()
    if sidecar := find_sidecar(clip_path):
        try:
            return _from_file(sidecar, duration_s, start_s)
        except TranscriptError as error:
            lost = (NotMeasured("words of the transcript beside the clip", str(error)),)
    if cues := list(cues):
        found = utterances_from_cues(cues, duration_s)
        if found.utterances:
            return _result(found, "subtitle stream", lost)
        lost = (*lost, *found.not_measured)
    if asr is None:
        return SpeechResult((), (*lost, NOTHING_CHOSEN), None)
    return _recognised(asr, samples, speech, language, lost)


def _from_file(path: Path, duration_s: float, start_s: float) -> SpeechResult:
    return _result(read_transcript(path, duration_s, start_s), f"transcript {path.name}", ())


def _recognised(
    asr: AsrBackend,
    samples: np.ndarray | None,
    speech: Sequence[Span],
    language: str | None,
    lost: tuple[NotMeasured, ...],
) -> SpeechResult:
    """Without speech the recogniser is not even asked: it would write something."""
    if samples is None or len(samples) == 0:
        return SpeechResult((), (*lost, NotMeasured("words", "the clip has no sound")), None)
    if not speech:
        return SpeechResult((), (*lost, NotMeasured("words", "nobody is heard speaking")), None)
    found = asr.transcribe(samples, speech, language)
    if not found.utterances and not found.not_measured:
        lost = (*lost, NotMeasured("words", "the speech recogniser found no words"))
    return _result(found, f"{asr.name} {asr.version}", lost)


def _result(found: Transcript, source: str, lost: tuple[NotMeasured, ...]) -> SpeechResult:
    return SpeechResult(
        found.utterances, (*lost, *found.not_measured), source if found.utterances else None
    )


def readable(
    utterances: Sequence[Utterance], languages: frozenset[str]
) -> tuple[tuple[Utterance, ...], tuple[NotMeasured, ...]]:
    """The utterances that a reasoner knowing `languages` can read; what it cannot, declared.

    Where a transcript does not say its language, its letters decide as far as they can: Chinese
    is not taken for English, Spanish is.
    """
    used = tuple(u for u in utterances if _is_readable(u, languages))
    unread = [u for u in utterances if not _is_readable(u, languages)]
    known = ", ".join(sorted(languages))
    notes = []
    for spoken in sorted({_spoken(u) for u in unread}):
        among = [u for u in unread if _spoken(u) == spoken]
        notes.append(
            NotMeasured(
                "meaning of the words",
                f"{len(among)} utterances are in {spoken}; this reasoner reads {known}",
                Span(among[0].span.start_s, max(u.span.end_s for u in among)),
            )
        )
    return used, tuple(notes)


def _spoken(utterance: Utterance) -> str:
    return utterance.language or "another script"


def _is_readable(utterance: Utterance, languages: frozenset[str]) -> bool:
    if utterance.language is not None:
        return utterance.language in languages
    letters = [c for c in utterance.text if c.isalpha()]
    if not letters or not languages <= LATIN:
        return True
    n_latin = sum(unicodedata.name(c, "").startswith("LATIN") for c in letters)
    return n_latin >= len(letters) / 2
