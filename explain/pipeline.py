"""The stages in order: measure, observe, reason. What people call from Python.

from demeanor.explain import explain, measure

result = explain("clip.mp4")
print(result.explanations[0].conclusion)
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

import demeanor.explain
from demeanor.explain import store
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import DemeanorError, TranscriptError, UnknownName
from demeanor.explain.perception.asr import AsrBackend, load_asr
from demeanor.explain.perception.measure import (
    OWN_VOICE,
    AnyBackend,
    SoundOptions,
    check_voice_backend,
    measure_clip,
)
from demeanor.explain.perception.media import open_clip
from demeanor.explain.perception.models import any_backend
from demeanor.explain.perception.neutral import NeutralOptions, moment_of
from demeanor.explain.perception.speech import readable
from demeanor.explain.perception.subtitles import find_sidecar
from demeanor.explain.reasoning.chain import explain_person
from demeanor.explain.reasoning.chat import DEFAULT_CHAT, ChatModel, Request, chat_model
from demeanor.explain.records import LabelSet, Measurement, NotMeasured, Span
from demeanor.explain.result import Result
from demeanor.explain.settings import Settings, load_settings
from demeanor.explain.textualization.observations import observe
from demeanor.explain.textualization.timeline import timeline

EVERYBODY = "all"
Say = Callable[[str], None]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """What measuring needs, loaded once and used for many clips."""

    backend: AnyBackend
    settings: Settings
    voice: str = OWN_VOICE
    asr: AsrBackend | None = None
    language: str | None = None
    cache: bool = True
    neutral: NeutralOptions | None = None  # None: rest is looked for in each clip
    cache_in: Path | None = None  # None: the user's own cache folder

    def measure(
        self, path: Path, transcript: Path | None = None, progress: Progress = lambda done_s: None
    ) -> Measurement:
        """Measure a clip, or take from the cache what was measured of the same content."""
        clip = open_clip(path, self.settings.media)
        if transcript is not None and not transcript.is_file():
            raise TranscriptError(f"{transcript}: no such transcript. Check the path")
        kept = self.cache_path(clip.clip_id, path, transcript)
        if self.cache and kept.is_file():
            try:
                return _at(store.load_gzip(Measurement, kept), path)
            except DemeanorError:
                kept.unlink(missing_ok=True)  # half a file, or of an older layout: measure anew
        options = SoundOptions(self.voice, transcript, self.asr, self.language)
        measurement = measure_clip(
            path, self.backend, self.settings, options, progress, self.neutral
        )
        if self.cache:
            with contextlib.suppress(OSError):  # a full or read-only disk costs time, no result
                store.save_gzip(measurement, kept)
        return measurement

    def cache_path(self, clip_id: str, path: Path, transcript: Path | None) -> Path:
        """Where what was measured is kept; the name changes with all that it depends on."""
        words = transcript or find_sidecar(path)
        asr = f"{self.asr.name} {self.asr.version}" if self.asr else None
        key = [
            demeanor.explain.__version__,
            store.SCHEMA_VERSION,
            clip_id,
            [self.backend.name, self.backend.version],
            self.settings.as_dict(),
            [words.name, hashlib.sha256(words.read_bytes()).hexdigest()] if words else None,
            [self.voice, asr, self.language],
            _neutral_key(self.neutral),
            code_hash("perception"),
        ]
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        return (self.cache_in or cache_folder()) / f"{name}.json.gz"


def _neutral_key(neutral: NeutralOptions | None) -> list[object]:
    """Rest shown elsewhere is known by its content, as the clip itself is."""
    neutral = neutral or NeutralOptions()
    at = [neutral.at.start_s, neutral.at.end_s] if neutral.at else None
    if neutral.clip is None or not neutral.clip.is_file():
        return [at, str(neutral.clip)]
    return [at, neutral.clip.name, hashlib.sha256(neutral.clip.read_bytes()).hexdigest()]


def cache_folder() -> Path:
    return user_cache_path("demeanor") / "perception"


def load_front(
    face: str = "auto",
    voice: str = OWN_VOICE,
    asr: str | None = None,
    language: str | None = None,
    settings: Settings | None = None,
    cache: bool = True,
    say: Say = lambda line: None,
    neutral: NeutralOptions | None = None,
) -> Front:
    """Load the face backend and, where one is named, the speech recogniser."""
    settings = settings or load_settings()
    check_voice_backend(voice)
    listener = load_asr(asr, settings.speech) if asr else None
    return Front(any_backend(face, say), settings, voice, listener, language, cache, neutral)


def neutral_options(
    at: str | float | None = None, clip: str | Path | None = None
) -> NeutralOptions:
    """What was said about rest: a time ("00:03", 3.0, "3-4"), or a clip. Raises SettingsError."""
    span = moment_of(str(at)) if at is not None else None
    return NeutralOptions(span, Path(clip) if clip is not None else None)


def explain(
    path: str | Path,
    *,
    chat: str | ChatModel = DEFAULT_CHAT,
    labels: str = "rafdb7",
    person: str | None = None,
    transcript: str | Path | None = None,
    asr: str | None = None,
    face: str = "auto",
    voice: str = OWN_VOICE,
    adapter: str | Path | None = None,
    settings: Settings | None = None,
    cache: bool = True,
    neutral_at: str | float | None = None,
    neutral_clip: str | Path | None = None,
) -> Result:
    """Explain what a person in a clip appears to show, and why.

    chat: "mini", "prototype", "mini:DIR", "local:DIR_OR_HUB", an OpenAI-style address, or a
    model already loaded; labels: name of a closed label set, or a labels.yaml; person: "p1", "all",
    default whoever was seen longest; neutral_at, neutral_clip: where their face is at rest
    ("00:03", "3-4"; another clip of theirs), else that is found. Raises ClipError for what is no
    clip, UnknownName, MissingExtra, ChatError.
    """
    measured = measure(
        path,
        transcript=transcript,
        asr=asr,
        face=face,
        voice=voice,
        settings=settings,
        cache=cache,
        neutral_at=neutral_at,
        neutral_clip=neutral_clip,
    )
    model = load_chat(chat, adapter, settings) if isinstance(chat, str) else chat
    return reason(measured, model, label_set(labels), person, settings)


def load_chat(
    spec: str,
    adapter: str | Path | None = None,
    settings: Settings | None = None,
    quantize: str | None = None,
    constrain: bool = False,
) -> ChatModel:
    """The reasoner of this name, with the time limits in force."""
    limits = (settings or load_settings()).reasoning
    return chat_model(
        spec,
        Path(adapter) if adapter else None,
        quantize=quantize,
        constrain=constrain,
        timeout_s=limits.timeout_s,
        max_retries=limits.max_retries,
    )


def measure(
    path: str | Path,
    *,
    transcript: str | Path | None = None,
    asr: str | None = None,
    face: str = "auto",
    voice: str = OWN_VOICE,
    settings: Settings | None = None,
    cache: bool = True,
    neutral_at: str | float | None = None,
    neutral_clip: str | Path | None = None,
) -> Result:
    """Measure a clip without inferring any emotion: tracks, events, observations."""
    neutral = neutral_options(neutral_at, neutral_clip)
    front = load_front(face, voice, asr, settings=settings, cache=cache, neutral=neutral)
    words = Path(transcript) if transcript else None
    return observed(front.measure(Path(path), words))


def observed(measurement: Measurement) -> Result:
    """Observations of what was measured; nothing is explained yet."""
    return Result(measurement, observe(measurement), (), ())


def reason(
    measured: Result,
    model: ChatModel,
    labels: LabelSet,
    person: str | None = None,
    settings: Settings | None = None,
    say: Say | None = None,
) -> Result:
    """Explain what was measured, now or earlier (`demeanor explain --from RESULT.json`).

    `say` is told the reasoner's words as they come, by those that can; raising ends it.
    """
    settings = settings or load_settings()
    measurement, unread = _readable(measured.measurement, model)
    timelines, explanations = [], []
    for name in chosen_people(measurement, person):
        # Ids are fixed: words that the model cannot read are left out, not renumbered.
        observations = tuple(o for o in measured.observations if (o.span, o.quote) not in unread)
        text = timeline(measurement, observations, name, settings.timeline)
        request = Request(
            clip_id=measurement.clip.clip_id,
            person=name,
            timeline=text,
            observations=tuple(o for o in observations if o.person in (name, None)),
            not_measured=tuple(n for n in measurement.not_measured if n.person in (name, None)),
            label_set=labels,
            max_tokens=settings.reasoning.max_reply_tokens,
            seed=settings.reasoning.seed,
            say=say,
        )
        timelines.append(text)
        explanations.append(explain_person(request, model, settings))
    return Result(measurement, measured.observations, tuple(timelines), tuple(explanations))


def chosen_people(measurement: Measurement, person: str | None) -> Sequence[str | None]:
    """Names of those to explain; (None,) where nobody was seen. Raises UnknownName."""
    known = [p.person for p in measurement.people]
    if person == EVERYBODY:
        return known or (None,)
    if person is None:
        return known[:1] or (None,)
    if person not in known:
        raise UnknownName(f"person in {measurement.clip.path.name}", person, [*known, EVERYBODY])
    return (person,)


def _readable(
    measurement: Measurement, model: ChatModel
) -> tuple[Measurement, frozenset[tuple[Span, str | None]]]:
    """Words that the model cannot read are declared unused; when they are said, and what."""
    if not model.languages:
        return measurement, frozenset()
    used, lost = readable(measurement.utterances, model.languages)
    unread = frozenset((u.span, u.text) for u in measurement.utterances if u not in used)
    missing: tuple[NotMeasured, ...] = (*measurement.not_measured, *lost)
    return replace(measurement, not_measured=missing), unread


def _at(measurement: Measurement, path: Path) -> Measurement:
    """The same content may lie elsewhere now."""
    return replace(measurement, clip=replace(measurement.clip, path=path))


@cache
def code_hash(part: str) -> str:
    """Of our own code in one folder, "perception" or "reasoning": what was kept of an earlier run
    must not outlive what made it."""
    digest = hashlib.sha256()
    for file in sorted((Path(demeanor.explain.__file__).parent / part).iterdir()):
        if file.suffix in (".py", ".json", ".npz", ".csv"):
            digest.update(file.read_bytes())
    return digest.hexdigest()
