"""What calls of the API mean, without HTTP: clips, explanations, answers, corrections, exports.

Everything belongs to a session. Measuring and reasoning go through a line of bounded length; a
session whose purpose allows cues only gets no explanation, whatever it asks.
"""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from demeanor.data_engine.queries import Asked
from demeanor.explain import pictures, pipeline, store
from demeanor.explain.corpora.labels import known_label_sets, label_set
from demeanor.explain.demo import demo_clip
from demeanor.explain.errors import ClipError, DemeanorError, UnknownName
from demeanor.explain.perception.media import open_clip
from demeanor.explain.pipeline import Front
from demeanor.explain.reasoning.chat import ChatModel, Request
from demeanor.explain.records import Clip, Explanation, LabelSet, Measurement, Timeline
from demeanor.explain.result import Result
from demeanor.explain.settings import MediaSettings
from demeanor.serve import followups, session_export, stages
from demeanor.serve.corrections import Correction, Wanted, corrected
from demeanor.serve.followups import Talk
from demeanor.serve.notice import cue_only_notice
from demeanor.serve.session_export import Exported, Form, ReportForm, Told
from demeanor.serve.sessions import Session, Sessions, Turn
from demeanor.serve.stages import Stage, Steps
from demeanor.serve.telling import Telling
from demeanor.serve.tracks import track_rows
from demeanor.serve.waiting import Cancelled, Line, Ticket, unless

DEMO = "demo"
DEFAULT = "default"  # as a model's name: whichever is the first
_EMOTION_TRACKS = frozenset(("valence", "arousal"))  # outputs of a mapping, no cues
_THUMB_PX = 240
_KEPT_IN_MEMORY = 8  # measurements, read from disk; a short clip's has some megabytes
_UNHEARD = "The language is used by a speech recogniser, and none is running (--asr)."


class NoClip(UnknownName):
    """No upload of this session, nor the demo."""


class NotExplained(DemeanorError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was not explained in this session yet: POST /v1/explain first")


@dataclass(frozen=True, slots=True)
class Queue:
    """Ours: one clip at a time keeps two cores busy."""

    workers: int = 1
    places: int = 8
    uploads: int = 8  # at once; the next wait as for a worker
    talks: int = 4  # follow-up questions at once
    asks: int = 32  # explanations at once by a reasoner that has a queue of its own


@dataclass(frozen=True, slots=True)
class Wish:
    """How a clip is to be explained. `off`: ids of observations to leave out, for once."""

    chat: str | None = None
    labels: str = "rafdb7"
    person: str | None = None
    language: str | None = None
    off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """Who waits: is told what was found and said, and may go away."""

    stage: Callable[[Stage], None] = lambda stage: None
    say: Callable[[str], None] = lambda words: None
    cancelled: Cancelled = lambda: False


NOBODY = Audience()


@dataclass(frozen=True, slots=True)
class Card:
    """A clip as a session knows it. `clip.path` is on this machine and is told to nobody."""

    clip_id: str
    name: str
    n_bytes: int
    clip: Clip
    measured: Path | None  # folder of what was measured; None: the user's own cache
    explained: bool = False

    @property
    def kind(self) -> str:
        return stages.kind_of(self.clip)


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    clip_id: str
    result: Result  # bears the clip's name, no path
    notice: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """An explanation beside the file with what was measured, as a session's note holds it."""

    measured: str
    wish: Wish
    timelines: tuple[Timeline, ...] = ()
    explanations: tuple[Explanation, ...] = ()


@dataclass(slots=True)
class Desk:
    """One engine behind one line. Any thread may ask."""

    sessions: Sessions
    chats: Mapping[str, ChatModel]  # by the name that clients choose; the first is the default
    front: Front
    queue: Queue = field(default_factory=Queue)
    engine: Line = field(init=False)
    uploading: Line = field(init=False)
    talking: Line = field(init=False)
    asking: Line = field(init=False)
    _recent: "OrderedDict[Path, Measurement]" = field(init=False, default_factory=OrderedDict)
    _guard: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        places = self.queue.places
        self.engine = Line("explaining", self.queue.workers, places)
        self.uploading = Line("uploading", self.queue.uploads, places)
        self.talking = Line("answering", self.queue.talks, places)
        self.asking = Line("asking the model", self.queue.asks, places)
        self.chats = {name: _one_at_a_time(model) for name, model in self.chats.items()}

    # --- clips -----------------------------------------------------------------------------------

    def clips(self, session_id: str) -> tuple[Card, ...]:
        self.sessions.session(session_id)
        own = [u.upload_id for u in self.sessions.uploads(session_id)]
        return (self.clip(session_id, DEMO), *(self._upload_card(session_id, i) for i in own))

    def clip(self, session_id: str, clip_id: str) -> Card:
        """Raises NoClip, SessionGone, ClipError."""
        self.sessions.session(session_id)
        if clip_id != DEMO:
            return self._upload_card(session_id, clip_id)
        path = demo_clip()
        explained = bool(self.sessions.notes(session_id, DEMO, "result"))
        return Card(DEMO, path.name, path.stat().st_size, self._opened(path), None, explained)

    def add(self, session_id: str, name: str, chunks: Iterable[bytes]) -> tuple[Card, bool]:
        """Keep an upload that is a clip, and say whether it is new. What is no clip is not kept.

        Raises NotMedia, TooLong, ClipError, and what `Sessions.keep` raises.
        """
        before = {u.upload_id for u in self.sessions.uploads(session_id)}
        kept = self.sessions.keep(session_id, name, chunks)
        try:
            return self._upload_card(session_id, kept.upload_id), kept.upload_id not in before
        except ClipError:
            self.sessions.drop(session_id, kept.upload_id)
            raise

    def _upload_card(self, session_id: str, clip_id: str) -> Card:
        try:
            upload = self.sessions.upload(session_id, clip_id)
        except UnknownName as error:
            own = (u.upload_id for u in self.sessions.uploads(session_id))
            raise NoClip("clip in this session", clip_id[:64], (DEMO, *own)) from error
        with _named(upload.name):
            clip = self._opened(upload.path)
        explained = bool(self.sessions.notes(session_id, clip_id, "result"))
        folder = self.sessions.measured(clip_id)
        return Card(clip_id, upload.name, upload.n_bytes, clip, folder, explained)

    def _opened(self, path: Path) -> Clip:
        return _facts(path, path.stat().st_mtime_ns, self.front.settings.media)

    def media(self, clip_id: str) -> Path:
        """The file itself: whoever asks has shown a key for this very clip. Raises NoClip."""
        if clip_id == DEMO:
            return demo_clip()
        try:
            return self.sessions.file(clip_id)
        except UnknownName as error:
            raise NoClip("clip", clip_id[:64], (DEMO,)) from error

    def thumbnail(self, clip_id: str, at_s: float | None, person: str | None) -> bytes:
        """JPEG of a moment, or of a person's face where it was measured. Raises ClipError,
        NotExplained, UnknownName."""
        path = self.media(clip_id)
        with _named("the clip"):
            clip = self._opened(path)
            if person is None:
                middle_s = clip.duration_s / 2
                return pictures.frame(clip, middle_s if at_s is None else at_s, _THUMB_PX)
            measurement = self._last_measured(clip_id, clip)
            known = {p.person: p.best_s for p in measurement.people}
            if person not in known:
                raise UnknownName("person in this clip", person[:20], known)
            moment = pictures.Moment(person, known[person] if at_s is None else at_s, ())
            taken = pictures.take(measurement, [moment], blur=False)
            if not taken:
                raise ClipError(path, f"no picture at {moment.time_s:.2f} s", "Ask for another one")
            return pictures.smaller(taken[0], _THUMB_PX)

    def _last_measured(self, clip_id: str, clip: Clip) -> Measurement:
        front = self._front(None if clip_id == DEMO else self.sessions.measured(clip_id), None)
        file = front.cache_path(clip.clip_id, clip.path, None)
        if not file.is_file():
            raise NotExplained("this clip")
        return replace(self._measurement(file), clip=clip)

    # --- explaining ------------------------------------------------------------------------------

    def explain(
        self,
        session_id: str,
        clip_id: str,
        wish: Wish | None = None,
        audience: Audience = NOBODY,
        ticket: Ticket | None = None,
    ) -> Explained:
        """Measure, observe, reason; kept as the clip's result unless observations are off.

        Raises Busy (without a `ticket`), NoLongerWanted, NoClip, ClipError, UnknownName, ChatError.
        """
        with ticket or self.place(session_id, clip_id, wish or Wish()) as place:
            session, card = self.sessions.session(session_id), self.clip(session_id, clip_id)
            wish = self._checked(wish or Wish())
            elsewhere = place.line is self.engine and self._takes_many(wish)
            with place.turn(audience.cancelled):
                measured, file = self._measured(card, wish, audience)
                result = _without(measured, wish.off)
                if not (elsewhere or session.purpose.cue_only):
                    result = self._reasoned(result, wish, audience)
            if elsewhere and not session.purpose.cue_only:
                with self.asking.join() as asking, asking.turn(audience.cancelled):
                    result = self._reasoned(result, wish, audience)
            unless(audience.cancelled)
            if not wish.off:
                self._keep(session_id, clip_id, file, wish, result)
        return self._told(session, card, result, wish)

    def place(self, session_id: str, clip_id: str, wish: Wish) -> Ticket:
        """In the line before the engine; where nothing has to be measured and the reasoner takes
        many at once, in a wider one. Raises Busy, and what `explain` would raise at once: so that
        a stream does not begin with an error."""
        card, wish = self.clip(session_id, clip_id), self._checked(wish)
        known = self._takes_many(wish) and self._cached(card, wish).is_file()
        return (self.asking if known else self.engine).join()

    def _takes_many(self, wish: Wish) -> bool:
        return bool(getattr(self._model(wish.chat), "takes_many", False))

    def _checked(self, wish: Wish) -> Wish:
        """Names that are known; a client may name no file and no address."""
        if wish.chat in (None, DEFAULT):
            wish = replace(wish, chat=next(iter(self.chats)))
        if wish.chat not in self.chats:
            raise UnknownName("model here", str(wish.chat)[:80], self.chats)
        if wish.labels not in known_label_sets():
            raise UnknownName("label set", wish.labels[:80], known_label_sets())
        return wish

    def _measured(self, card: Card, wish: Wish, audience: Audience) -> tuple[Result, Path]:
        """With the file that holds what was measured."""
        audience.stage(Stage("media", True, stages.media(card.clip), 0.0))
        front, steps = self._front(card.measured, wish.language), Steps(card.clip.duration_s)

        def progress(done_s: float) -> None:
            unless(audience.cancelled)
            if stage := steps.stage(done_s):
                audience.stage(stage)

        unless(audience.cancelled)
        begun_s = time.monotonic()
        file = self._cached(card, wish)
        with _named(card.name):
            measurement = self._known(file, card.clip) or front.measure(
                card.clip.path, None, progress
            )
        for stage in stages.perceived(measurement, time.monotonic() - begun_s):
            audience.stage(stage)
        begun_s = time.monotonic()
        observed = pipeline.observed(measurement)
        audience.stage(stages.observed(observed, time.monotonic() - begun_s))
        return observed, file

    def _cached(self, card: Card, wish: Wish) -> Path:
        """Where what was measured of it is kept, or will be."""
        front = self._front(card.measured, wish.language)
        return front.cache_path(card.clip.clip_id, card.clip.path, None)

    def _known(self, file: Path, clip: Clip) -> Measurement | None:
        """What was measured before. None: not yet, or kept in a file that cannot be read."""
        if not file.is_file():
            return None
        try:
            return replace(self._measurement(file), clip=clip)
        except DemeanorError:
            return None

    def _front(self, folder: Path | None, language: str | None) -> Front:
        language = language if self.front.asr else self.front.language
        return replace(self.front, cache=True, cache_in=folder, language=language)

    def _reasoned(self, measured: Result, wish: Wish, audience: Audience) -> Result:
        unless(audience.cancelled)
        audience.stage(Stage("reasoning", False, f"asking {wish.chat}"))
        begun_s = time.monotonic()

        def say(words: str) -> None:
            unless(audience.cancelled)
            audience.say(words)

        telling, labels, model = Telling(say), label_set(wish.labels), self._model(wish.chat)
        result = pipeline.reason(measured, model, labels, wish.person, self.front.settings, telling)
        if not telling.said:
            for words in map(_words, result.explanations):
                say(words)
        audience.stage(stages.reasoned(result.explanations, time.monotonic() - begun_s))
        return result

    def _model(self, chat: str | None) -> ChatModel:
        return self.chats[str(chat)]

    def _told(self, session: Session, card: Card, result: Result, wish: Wish) -> Explained:
        notices = [cue_only_notice(session.purpose)] if session.purpose.cue_only else []
        if wish.language and self.front.asr is None:
            notices.append(_UNHEARD)
        shown = _shown(session, card, result)
        return Explained(card.clip_id, shown, " ".join(notices) or None)

    def _keep(self, session_id: str, clip_id: str, file: Path, wish: Wish, result: Result) -> None:
        kept = _Kept(file.name, wish, result.timelines, result.explanations)
        text = json.dumps(store.to_plain(kept), ensure_ascii=False)
        self.sessions.note(session_id, clip_id, "result", text, instead=True)

    def result(self, session_id: str, clip_id: str) -> Explained:
        """What was explained last. Raises NotExplained, NoClip, SessionGone."""
        session, card = self.sessions.session(session_id), self.clip(session_id, clip_id)
        result, wish = self._kept(session_id, card)
        return self._told(session, card, result, wish)

    def _kept(self, session_id: str, card: Card) -> tuple[Result, Wish]:
        notes = self.sessions.notes(session_id, card.clip_id, "result")
        if not notes:
            raise NotExplained(card.name)
        kept = store.from_plain(_Kept, json.loads(notes[-1]))
        file = (card.measured or pipeline.cache_folder()) / kept.measured
        try:
            measurement = replace(self._measurement(file), clip=card.clip)
        except (OSError, DemeanorError) as error:
            raise NotExplained(card.name) from error
        measured = pipeline.observed(measurement)
        made = replace(measured, timelines=kept.timelines, explanations=kept.explanations)
        return made, kept.wish

    def _measurement(self, file: Path) -> Measurement:
        with self._guard:
            if file in self._recent and file.is_file():
                self._recent.move_to_end(file)
                return self._recent[file]
        read = store.load_gzip(Measurement, file)
        with self._guard:
            self._recent[file] = read
            while len(self._recent) > _KEPT_IN_MEMORY:
                self._recent.popitem(last=False)
        return read

    # --- what is made of a result ----------------------------------------------------------------

    def tracks(self, session_id: str, clip_id: str) -> list[dict[str, Any]]:
        return list(track_rows(self.result(session_id, clip_id).result))

    def report(self, session_id: str, clip_id: str, form: ReportForm) -> Exported:
        session, card = self.sessions.session(session_id), self.clip(session_id, clip_id)
        result, _ = self._kept(session_id, card)
        return session_export.report(_shown(session, card, result), result, clip_id, form)

    def export(self, session_id: str, clip_id: str, form: Form) -> Exported:
        explained = self.result(session_id, clip_id)
        told = Told(
            self.sessions.session(session_id),
            clip_id,
            explained.result,
            explained.notice,
            self.turns(session_id, clip_id),
            self.corrections(session_id, clip_id),
        )
        return session_export.export(told, form)

    # --- talking ---------------------------------------------------------------------------------

    def answer(
        self,
        session_id: str,
        clip_id: str,
        question: str,
        wish: Wish | None = None,
        audience: Audience = NOBODY,
    ) -> Asked:
        """Both are kept as turns. A clip that was not explained yet is explained first.

        Raises Busy, NoLongerWanted, DemeanorError for a question that is none.
        """
        wish = wish or Wish()
        if not self.clip(session_id, clip_id).explained:
            self.explain(session_id, clip_id, replace(wish, off=()), audience)
        with self.talking.join() as place, place.turn(audience.cancelled):
            talk = self._talk(session_id, clip_id, wish)
            asked = followups.answer(talk, question)
        unless(audience.cancelled)
        now_s = time.time()
        self.sessions.add_turn(session_id, Turn(clip_id, "user", question, (), now_s))
        said = Turn(clip_id, "assistant", asked.answer, asked.cites, now_s)
        self.sessions.add_turn(session_id, said)
        return asked

    def suggestions(self, session_id: str, clip_id: str, person: str | None) -> tuple[str, ...]:
        return followups.suggestions(self._talk(session_id, clip_id, Wish(person=person)))

    def turns(self, session_id: str, clip_id: str) -> tuple[Turn, ...]:
        self.clip(session_id, clip_id)
        return self.sessions.turns(session_id, clip_id)

    def _talk(self, session_id: str, clip_id: str, wish: Wish) -> Talk:
        """What a question is answered from: what was explained, less what is switched off."""
        session, card = self.sessions.session(session_id), self.clip(session_id, clip_id)
        result, kept = self._kept(session_id, card)
        chat = self._checked(replace(wish, labels=kept.labels, chat=wish.chat or kept.chat)).chat
        about = _about(result, wish.person)
        labels = _labels(result, kept)
        talk = Talk(
            _shown(session, card, result), about, labels, self._model(chat), self.front.settings
        )
        if not wish.off:
            return talk
        less = _without(talk.result, wish.off)
        if session.purpose.cue_only or talk.explanation is None:
            return replace(talk, result=replace(less, explanations=()))
        again = pipeline.reason(less, talk.model, labels, about, self.front.settings)
        return replace(talk, result=again)

    # --- corrections -----------------------------------------------------------------------------

    def correct(self, session_id: str, clip_id: str, wanted: Wanted) -> Correction:
        made = corrected(self.result(session_id, clip_id).result, wanted, time.time())
        text = json.dumps(made.as_dict(), ensure_ascii=False)
        self.sessions.note(session_id, clip_id, "correction", text)
        return made

    def corrections(self, session_id: str, clip_id: str) -> tuple[Correction, ...]:
        self.clip(session_id, clip_id)
        notes = self.sessions.notes(session_id, clip_id, "correction")
        return tuple(Correction(**json.loads(note)) for note in notes)


class _OneAtATime:
    """A model in this process: whoever asks second waits."""

    def __init__(self, model: ChatModel) -> None:
        self._model, self._lock = model, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def reply(self, request: Request) -> str:
        with self._lock:
            return self._model.reply(request)


def _one_at_a_time(model: ChatModel) -> ChatModel:
    return model if getattr(model, "takes_many", False) else cast(ChatModel, _OneAtATime(model))


@lru_cache(maxsize=256)
def _facts(path: Path, mtime_ns: int, settings: MediaSettings) -> Clip:
    """Opening a file reads all of it, for its hash: once is enough."""
    return open_clip(path, settings)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Errors speak of a clip by the name that it was sent with, never of a path of ours."""
    try:
        yield
    except ClipError as error:
        raise type(error)(Path(name), error.found, error.remedy) from error


def _without(measured: Result, off: Sequence[str]) -> Result:
    """Raises UnknownName for an id that there is not."""
    for obs_id in off:
        if measured.observation(obs_id) is None:
            raise UnknownName("observation", obs_id[:20], (o.obs_id for o in measured.observations))
    kept = tuple(o for o in measured.observations if o.obs_id not in off)
    return replace(measured, observations=kept)


def _shown(session: Session, card: Card, result: Result) -> Result:
    """As it leaves the desk: the clip's name instead of its place; in a session for cues only,
    nothing that maps cues to emotions."""
    measurement = replace(result.measurement, clip=replace(card.clip, path=Path(card.name)))
    if session.purpose.cue_only:
        tracks = tuple(t for t in measurement.tracks if t.code not in _EMOTION_TRACKS)
        measurement = replace(measurement, tracks=tracks)
    return replace(result, measurement=measurement)


def _about(result: Result, person: str | None) -> str | None:
    if person is None:
        explained = [e.person for e in result.explanations]
        return (explained or list(pipeline.chosen_people(result.measurement, None)))[0]
    return pipeline.chosen_people(result.measurement, person)[0]


def _labels(result: Result, wish: Wish) -> LabelSet:
    return label_set(result.explanations[0].label_set if result.explanations else wish.labels)


def _words(explained: Explanation) -> str:
    texts = (explained.observations_part, explained.interpretation, explained.conclusion)
    return "\n\n".join(text for text in texts if text) + "\n"
