"""Everything perception finds in one clip, in one pass over its file."""

import contextlib
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from demeanor.explain.errors import ClipError, SettingsError, UnknownName
from demeanor.explain.perception.action_units import action_unit_model
from demeanor.explain.perception.asr import AsrBackend
from demeanor.explain.perception.baseline import usual
from demeanor.explain.perception.dimensions import face_dimensions, voice_dimensions
from demeanor.explain.perception.events import face_events, face_limits
from demeanor.explain.perception.face import FaceBackend
from demeanor.explain.perception.face_tracks import FaceMeasurement, FaceRecorder
from demeanor.explain.perception.hands import hand_events
from demeanor.explain.perception.head_events import head_events, without_parts
from demeanor.explain.perception.laughter import NOT_TOLD, WHY_NOT_TOLD
from demeanor.explain.perception.media import (
    SAMPLE_RATE_HZ,
    Cue,
    Frame,
    Losses,
    Sound,
    open_clip,
    read,
)
from demeanor.explain.perception.neutral import Neutral, NeutralOptions, NeutralWanted
from demeanor.explain.perception.second_opinion import (
    TableBackend,
    TableRecorder,
    TableWatcher,
    table_pass,
)
from demeanor.explain.perception.shots import unsure_identities
from demeanor.explain.perception.speakers import (
    OPENINGS,
    turns,
    unclear_speech,
    voiced_by,
    with_speakers,
)
from demeanor.explain.perception.speech import SpeechResult, transcribe
from demeanor.explain.perception.tracking import Tracker
from demeanor.explain.perception.voice import VoiceAnalyser, VoiceMeasurement
from demeanor.explain.perception.voice_events import voice_events, voice_usual
from demeanor.explain.records import (
    Clip,
    CueTrack,
    Event,
    Measurement,
    NotMeasured,
    Source,
    SourceKind,
    Span,
    Usual,
)
from demeanor.explain.settings import Settings

OWN_VOICE = "own"
VOICE_BACKENDS = (OWN_VOICE, "opensmile")
_AHEAD = 8  # decoded items that may wait: bounds the memory
Progress = Callable[[float], None]  # seconds of the clip that are done
AnyBackend = FaceBackend | TableBackend


@dataclass(frozen=True, slots=True)
class SoundOptions:
    """What is made of the sound: how the voice is measured, where words come from."""

    voice_backend: str = OWN_VOICE
    transcript: Path | None = None
    asr: AsrBackend | None = None
    language: str | None = None

    @property
    def listens(self) -> bool:
        """Whether a recogniser may have to hear the sound. A transcript that was named must be
        readable; one that lies beside the clip may turn out not to be.
        """
        return self.asr is not None and self.transcript is None


def measure_clip(
    path: Path,
    backend: AnyBackend,
    settings: Settings,
    sound: SoundOptions | None = None,
    progress: Progress = lambda done_s: None,
    neutral: NeutralOptions | None = None,
) -> Measurement:
    """Measure one video, picture or sound file. Raises ClipError where it cannot be read, and
    where the rest that `neutral` speaks of cannot be seen.

    Memory does not grow with the clip but for the tracks themselves (some 200 bytes a frame).
    """
    options = sound or SoundOptions()
    check_voice_backend(options.voice_backend)
    clip = open_clip(path, settings.media)
    losses = Losses()
    wanted = _neutral_wanted(neutral or NeutralOptions(), clip, backend, settings)
    with tempfile.TemporaryFile() as spool:
        sink = spool if options.listens else None
        voice = voice_analyser(options.voice_backend, settings) if clip.sample_rate_hz else None
        pass_ = _one_pass(clip, backend, voice, settings, losses, sink, progress, wanted)
        samples = _map(spool) if sink is not None else None
        words = transcribe(
            path,
            clip.duration_s,
            transcript=options.transcript,
            cues=pass_.cues,
            asr=options.asr,
            samples=samples,
            speech=pass_.voice.speech if pass_.voice else (),
            language=options.language,
        )
    return _assemble(clip, backend, settings, losses, pass_, words, wanted)


def _neutral_wanted(
    options: NeutralOptions, clip: Clip, backend: AnyBackend, settings: Settings
) -> NeutralWanted | None:
    """What of this clip, or of a calibration clip, is to be taken for rest; None: find it."""
    if isinstance(backend, TableBackend):
        if options != NeutralOptions():
            raise SettingsError(
                f"rest can be shown to the backends mesh and landmarker only, not to {backend.name}"
            )
        return None
    if options.clip is not None:
        return NeutralWanted(
            shown=_shown_in(options.clip, backend, settings),
            origin=f"shown in {options.clip.name}",
        )
    if options.at is None:
        return None
    start_s, end_s = options.at.start_s, options.at.end_s
    if start_s > clip.duration_s:
        found = f"lasts {clip.duration_s:.2f} s, and rest was to be shown at {start_s:.2f} s"
        raise ClipError(clip.path, found, "Name a time within the clip")
    if start_s == end_s:
        half_s = settings.baseline.moment_s / 2
        span, said = Span(max(0.0, start_s - half_s), start_s + half_s), f"{start_s:.2f} s"
    else:
        span, said = options.at, f"{start_s:.2f}-{end_s:.2f} s"
    return NeutralWanted(span=span, origin=f"shown at {said}")


def _shown_in(path: Path, backend: FaceBackend, settings: Settings) -> Neutral:
    """Rest of whoever is seen longest in a clip that shows nothing else."""
    clip = open_clip(path, settings.media)
    everything = NeutralWanted(Span(0.0, clip.duration_s), origin=f"shown in {path.name}")
    losses = Losses()
    face = _one_pass(clip, backend, None, settings, losses, None, lambda _: None, everything).face
    neutral = face.neutrals.get("p1")
    if neutral is None or neutral.origin != everything.origin:
        raise ClipError(
            path, "no face can be measured in it", "Rest needs a clip in which it is seen"
        )
    return neutral


def _not_shown(
    face: FaceMeasurement, wanted: NeutralWanted | None, clip: Clip
) -> list[NotMeasured]:
    """Who was not seen where rest was to be shown. Raises ClipError where nobody was."""
    if wanted is None or not face.people:
        return []
    shown = {who for who, n in face.neutrals.items() if n is not None and n.origin == wanted.origin}
    if not shown:
        raise ClipError(
            clip.path,
            f"no face can be measured where rest was to be {wanted.origin}",
            "Name a time at which the face is seen from the front",
        )
    return [
        NotMeasured("the face at rest", f"not {wanted.origin}, so looked for in this clip", None, p)
        for p in face.neutrals
        if p not in shown
    ]


class Listener(Protocol):
    """Takes 16 kHz mono samples in order, in chunks of any size."""

    def add(self, samples: np.ndarray) -> None: ...

    def finish(self) -> VoiceMeasurement: ...


def check_voice_backend(name: str) -> None:
    if name not in VOICE_BACKENDS:
        raise UnknownName("voice backend", name, VOICE_BACKENDS)


def voice_analyser(name: str, settings: Settings) -> Listener:
    """`own`, or `opensmile`: eGeMAPS from the reference code, under its own licence."""
    if name == "opensmile":
        from demeanor.explain.perception.opensmile_voice import OpensmileAnalyser

        return OpensmileAnalyser(settings.voice)
    return VoiceAnalyser(settings.voice)


@dataclass(frozen=True, slots=True)
class _Pass:
    face: FaceMeasurement
    voice: VoiceMeasurement | None  # None: the file has no sound
    cues: list[tuple[float, float, str]]
    cuts_s: tuple[float, ...]  # when the picture is cut to another shot


def _one_pass(
    clip: Clip,
    backend: AnyBackend,
    voice: Listener | None,
    settings: Settings,
    losses: Losses,
    spool: IO[bytes] | None,
    progress: Progress,
    wanted: NeutralWanted | None = None,
) -> _Pass:
    cues = []
    recorder, follower = _followers(backend, clip, settings)
    with follower as tracker:
        for item in ahead(read(clip, settings.media, losses)):
            if isinstance(item, Frame):
                recorder.frame(item.time_s)
                for seen in tracker.add(item.time_s, item.picture):
                    recorder.add(seen)
                progress(item.time_s)
            elif isinstance(item, Sound) and voice is not None:
                voice.add(item.samples)
                if spool is not None:
                    spool.write((np.clip(item.samples, -1, 1) * 32767).astype("<i2").tobytes())
                if clip.width_px is None:
                    progress(losses.n_samples / SAMPLE_RATE_HZ)
            elif isinstance(item, Cue):
                cues.append((item.start_s, item.end_s, item.text))
        for seen in tracker.finish():
            recorder.add(seen)
        crowd, cuts_s = tracker.crowd, tuple(tracker.cuts_s)
    face = recorder.finish(settings, crowd, wanted)
    return _Pass(face, voice.finish() if voice is not None else None, cues, cuts_s)


def _followers(
    backend: AnyBackend, clip: Clip, settings: Settings
) -> tuple[FaceRecorder, Tracker] | tuple[TableRecorder, TableWatcher]:
    if isinstance(backend, TableBackend):
        return table_pass(backend, clip)
    source = Source(SourceKind.MACHINE, backend.name, backend.version)
    model = action_unit_model(backend.name)
    hands = getattr(backend, "hands", None)  # of our own backends, where their files are here
    recorder = FaceRecorder(model, source, clip, settings.face)
    return recorder, Tracker(backend, settings.face, hands)


def _reliability(backend: AnyBackend) -> Mapping[str, float]:
    """Empty for other people's programs: how good they are is not ours to say."""
    return {} if isinstance(backend, TableBackend) else action_unit_model(backend.name).reliability


def _assemble(
    clip: Clip,
    backend: AnyBackend,
    settings: Settings,
    losses: Losses,
    pass_: _Pass,
    words: SpeechResult,
    wanted: NeutralWanted | None = None,
) -> Measurement:
    face, voice = pass_.face, pass_.voice
    norms: list[Usual] = []
    events: list[Event] = []
    limits: list[NotMeasured] = []
    reliability = _reliability(backend)
    speech = voice.speech if voice is not None else ()
    for person in face.people:
        own, shown = person_events(face, person.person, speech, reliability, settings)
        norms += own
        events += shown
        limits += _person_limits(face, person.person, speech, settings)
    frames_s, mouths = _mouths(face)
    spoken = turns(frames_s, mouths, speech, settings.speakers, _loudness_db(voice, frames_s))
    if voice is not None:
        own_voice = voice_usual(voice, settings.voice)
        norms += own_voice
        events += voiced_by(
            voice_events(voice, own_voice, settings.voice), spoken, settings.speakers
        )
    missing = [
        *losses.not_measured(clip),
        *face.not_measured,
        *unsure_identities(pass_.cuts_s, len(face.people)),
        *_not_shown(face, wanted, clip),
        *limits,
        *_beyond_backend(backend, face),
        *_no_hands(backend, face),
        *(voice.not_measured if voice is not None else [_no_sound(clip)]),
        *(_sound_ends_early(clip, voice) if voice is not None else []),
        *(_not_told(voice) if voice is not None else []),
        *words.not_measured,
        *unclear_speech(spoken, len(face.people)),
    ]
    return Measurement(
        clip=clip,
        people=face.people,
        tracks=(
            *face.tracks,
            *(voice.tracks if voice is not None else ()),
            *_dimensions(face, voice, settings),
        ),
        utterances=with_speakers(words.utterances, spoken, settings.speakers),
        usual=tuple(norms),
        events=tuple(sorted(events, key=lambda e: (e.span.start_s, e.channel, e.code))),
        not_measured=tuple(missing),
        settings={
            "thresholds": settings.as_dict(),
            "face_backend": _named(backend),
            "neutral": {who: _said(n) for who, n in face.neutrals.items() if n is not None},
            "voice_notes": list(voice.notes) if voice is not None else [],
            "words_from": words.source,
        },
    )


def person_events(
    face: FaceMeasurement,
    person: str,
    speech: Sequence[Span],
    reliability: Mapping[str, float],
    settings: Settings,
) -> tuple[list[Usual], list[Event]]:
    """What is usual for one person here, and what face, head and hands do beyond that."""
    tracks, changes = _own(face, person)
    rests = face.rests[person]
    own = [usual(t, settings.baseline, rests.get((t.code, t.side))) for t in tracks]
    heads = head_events(tracks, settings.body)
    shown = face_events(
        tracks, own, changes, speech, reliability, settings.events, face.rested[person]
    )
    hands = hand_events(tracks, settings.face.covered_place, settings.events.min_duration_s)
    return own, [*without_parts(shown, heads), *heads, *hands]


def _person_limits(
    face: FaceMeasurement, person: str, speech: Sequence[Span], settings: Settings
) -> list[NotMeasured]:
    tracks, changes = _own(face, person)
    rested = face.rested[person]
    return face_limits(person, tracks, changes, speech, settings.events, rested)


def _own(face: FaceMeasurement, person: str) -> tuple[list[CueTrack], dict[str, np.ndarray]]:
    changes = {code: change for (who, code), change in face.changes.items() if who == person}
    return [t for t in face.tracks if t.person == person], changes


def _dimensions(
    face: FaceMeasurement, voice: VoiceMeasurement | None, settings: Settings
) -> list[CueTrack]:
    """Valence and arousal by published mappings. They are made after all events were looked for:
    they are no clues.
    """
    tracks: list[CueTrack] = []
    for person in face.people:
        own = [t for t in face.tracks if t.person == person.person]
        tracks += face_dimensions(person.person, own)
    if voice is not None:
        tracks += voice_dimensions(voice, settings.voice)
    return tracks


def _not_told(voice: VoiceMeasurement) -> list[NotMeasured]:
    return [NotMeasured(NOT_TOLD, WHY_NOT_TOLD)] if voice.speech else []


def _mouths(face: FaceMeasurement) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Times of the frames, and by person how far the lips are open."""
    times_s = face.tracks[0].times_s if face.tracks else np.zeros(0)
    openings = {}
    for person in (p.person for p in face.people):
        known = [face.changes[person, c] for c in OPENINGS if (person, c) in face.changes]
        if known:
            openings[person] = np.fmax.reduce(known)
    return times_s, openings


def _loudness_db(voice: VoiceMeasurement | None, frames_s: np.ndarray) -> np.ndarray | None:
    """(n,) level of the sound at each frame."""
    track = voice.track("equivalentSoundLevel_dBp") if voice is not None else None
    if track is None or len(track.times_s) == 0:
        return None
    return np.asarray(np.interp(frames_s, track.times_s, np.nan_to_num(track.values, nan=-90.0)))


def _named(backend: AnyBackend) -> dict[str, str]:
    named = {"name": backend.name, "version": backend.version}
    return named | ({"licence": backend.licence} if isinstance(backend, TableBackend) else {})


def _said(neutral: Neutral) -> dict[str, Any]:
    """Where a person's zero comes from, for whoever wants to measure again."""
    return {
        "origin": neutral.origin,
        "seconds": round(neutral.seconds, 2),
        "at_rest": neutral.at_rest,
    }


def _beyond_backend(backend: AnyBackend, face: FaceMeasurement) -> list[NotMeasured]:
    """Action units that this backend cannot see, grouped by the reason."""
    if not face.people:
        return []
    if isinstance(backend, TableBackend):
        unseen = backend.not_measured(face)
    else:
        unseen = action_unit_model(backend.name).not_measured()
    reasons: dict[str, list[str]] = {}
    for code, why in unseen.items():
        reasons.setdefault(why, []).append(code)
    return [
        NotMeasured(", ".join(codes), f"{why} (backend {backend.name})")
        for why, codes in reasons.items()
    ]


def _no_hands(backend: AnyBackend, face: FaceMeasurement) -> list[NotMeasured]:
    if not face.people or getattr(backend, "hands", None) is not None:
        return []
    return [NotMeasured("hands at the face", "their models are not here (demeanor models pull)")]


def _no_sound(clip: Clip) -> NotMeasured:
    kind = "picture" if clip.duration_s == 0 else "video"
    return NotMeasured("voice", f"the {kind} has no sound")


def _sound_ends_early(clip: Clip, voice: VoiceMeasurement) -> list[NotMeasured]:
    if voice.duration_s + 0.5 >= clip.duration_s:
        return []
    span = Span(voice.duration_s, clip.duration_s)
    return [NotMeasured("voice", f"the sound ends at {voice.duration_s:.2f} s", span)]


def ahead(items: Iterator[Any]) -> Iterator[Any]:
    """`items`, made in a thread of their own: decoding runs beside the face models."""
    waiting: queue.Queue[Any] = queue.Queue(_AHEAD)
    done, stop = object(), threading.Event()

    def put(item: Any) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=0.1)
                break

    def work() -> None:
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
            put(done)
        except BaseException as error:  # raised again where the items are used
            put(error)

    thread = threading.Thread(target=work, name="decode", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not done:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _map(spool: IO[bytes]) -> np.ndarray:
    """(n,) int16 at 16 kHz, mapped from the file, not read into memory."""
    spool.flush()
    if spool.tell() == 0:
        return np.zeros(0, np.int16)
    return np.memmap(spool, dtype="<i2", mode="r")
