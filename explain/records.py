"""The values that the stages hand to one another.

All are frozen. Time is seconds from the start of the clip. What was not measured is NaN in a
track, None in a field, or a `NotMeasured` with its reason; it is never 0.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of the clip: start in, end out. A single moment has start_s == end_s."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not self.end_s >= self.start_s:
            raise ValueError(f"a span cannot end ({self.end_s}) before it starts ({self.start_s})")

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def overlap_s(self, other: "Span") -> float:
        """Seconds shared with `other`; 0.0 where they do not touch."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))

    def meets(self, other: "Span") -> bool:
        """Whether they share a moment, be it an end."""
        return self.start_s <= other.end_s and other.start_s <= self.end_s

    def contains(self, time_s: float, slack_s: float = 0.0) -> bool:
        return self.start_s - slack_s <= time_s <= self.end_s + slack_s


class Channel(StrEnum):
    """Where an observation comes from. The first letter of its id: f, v, s."""

    FACE = "face"
    VOICE = "voice"
    SPEECH = "speech"


class Side(StrEnum):
    """The person's own left and right, as in FACS; never the viewer's."""

    LEFT = "L"
    RIGHT = "R"


class Unit(StrEnum):
    FACS_INTENSITY = "FACS 0-5"  # 0 absent, A..E = 1..5; estimated, not coder-validated
    PROBABILITY = "probability"  # of presence: not an intensity
    DEGREE = "deg"
    HERTZ = "Hz"
    SEMITONE = "st"
    DECIBEL = "dB"
    RATIO = "ratio"
    SECOND = "s"
    PER_SECOND = "1/s"
    PER_MINUTE = "1/min"
    NONE = ""  # words have no unit


class Kind(StrEnum):
    """What an observation is: a change, something held all along, or something said."""

    EVENT = "event"
    STATE = "state"
    WORDS = "words"


class Grounding(StrEnum):
    GROUNDED = "GROUNDED"  # every cited observation exists and says so
    MISPLACED = "MISPLACED"  # it exists, but at another time, in another place or direction
    UNSUPPORTED = "UNSUPPORTED"  # nothing is cited, or what is cited does not exist


class SourceKind(StrEnum):
    HUMAN = "human"
    MACHINE = "machine"
    TEACHER = "teacher"


@dataclass(frozen=True, slots=True)
class Source:
    """Who made a track, a label or an observation, e.g. machine / mesh / 1."""

    kind: SourceKind
    name: str
    version: str


DESCRIPTION = Source(SourceKind.HUMAN, "clue text", "1")  # its sentences were not said in the clip


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Something that could not be measured, and why: told to the model and to the reader."""

    what: str  # "voice", "words", "AU12", "face of p1"
    reason: str
    span: Span | None = None  # None: the whole clip
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """One stretch of one media file; holds no decoded data."""

    media_id: str  # first 16 hex digits of the SHA-256 of the file's bytes
    clip_id: str  # hash of media_id and span
    span: Span
    path: Path
    duration_s: float
    fps: float | None  # mean rate; None for audio and for pictures
    sample_rate_hz: int | None  # of the file's audio; None without audio
    width_px: int | None = None  # after rotation
    height_px: int | None = None

    @property
    def folder_name(self) -> str:
        """Name of the output folder: two files of the same name never share one."""
        return f"{self.path.stem}-{self.clip_id}"


@dataclass(frozen=True, slots=True, eq=False)
class CueTrack:
    """One cue over time. NaN: not measurable then, and `missing` says why."""

    person: str | None  # "p1"; None: nobody in particular (a voice that no face was matched to)
    channel: Channel
    code: str  # "AU12", "pose_yaw", an eGeMAPS name
    side: Side | None
    unit: Unit
    times_s: np.ndarray  # (n,) float64, increasing
    values: np.ndarray  # (n,) float32
    missing: tuple[tuple[Span, str], ...]
    source: Source

    def __post_init__(self) -> None:
        if self.times_s.shape != self.values.shape or self.times_s.ndim != 1:
            raise ValueError(
                f"{self.name}: {self.times_s.shape} times for {self.values.shape} values"
            )

    @property
    def name(self) -> str:
        """Code with side, as printed: AU12L."""
        return self.code + (self.side or "")


@dataclass(frozen=True, slots=True)
class Word:
    span: Span
    text: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said. The text is data from a stranger: quoted, never obeyed."""

    span: Span
    text: str
    words: tuple[Word, ...]
    speaker: str | None
    language: str | None  # ISO 639-1; None: not known
    no_speech_probability: float | None
    source: Source


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose face was followed; "p1" is whoever was seen longest."""

    person: str
    spans: tuple[Span, ...]  # when the face was followed
    n_frames: int
    face_px: float  # median width of the face
    box: tuple[float, float, float, float]  # left, top, right, bottom, at best_s, 0-1 of the frame
    best_s: float  # the moment with the largest, most frontal view


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for one cue: of this person in this clip, or of a neutral population."""

    person: str | None
    code: str
    side: Side | None
    own: float | None  # None: too short to tell (a picture, a glimpse)
    own_spread: float | None  # half the distance between the 16th and 84th percentile at rest
    population: float | None  # None: no norm that fits (pitch depends on who speaks)
    unit: Unit


@dataclass(frozen=True, slots=True)
class Event:
    """An expression, or a stretch of voice, that stands out: onset and offset are its span."""

    person: str | None
    channel: Channel
    code: str
    side: Side | None
    kind: Kind
    span: Span
    apex_s: float
    peak: float  # the cue's own level at the apex, in `unit`
    unit: Unit
    change_from_usual: float | None  # None: no usual is known
    change_from_population: float | None
    reliability: float  # 0-1: how far to trust the measurement, not how strong it is
    caveats: tuple[str, ...]  # "the mouth moves with speech here"
    source: Source
    brief: bool = False  # over within half a second, told at a frame rate that can tell it
    repeats: float | None = None  # times to and fro, of a nod or a shake; None: not repeated


@dataclass(frozen=True, slots=True)
class Observation:
    """An event with an id and, for words, what was said: what a claim can cite."""

    obs_id: str  # f1, v2, s3: per channel, in time order over all people, never renumbered
    person: str | None
    channel: Channel
    code: str
    side: Side | None
    kind: Kind
    span: Span
    apex_s: float
    peak: float | None  # None for words
    unit: Unit
    change_from_usual: float | None
    change_from_population: float | None
    reliability: float
    caveats: tuple[str, ...]
    source: Source
    quote: str | None = None  # the words, verbatim, for channel speech
    brief: bool = False
    repeats: float | None = None

    @property
    def name(self) -> str:
        return self.code + (self.side or "")


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """Everything perception found in one clip. No emotion is inferred here."""

    clip: Clip
    people: tuple[Person, ...]
    tracks: tuple[CueTrack, ...]
    utterances: tuple[Utterance, ...]
    usual: tuple[Usual, ...]
    events: tuple[Event, ...]
    not_measured: tuple[NotMeasured, ...]
    settings: dict[str, Any]  # thresholds in force, and the models' hashes

    def track(self, person: str | None, code: str, side: Side | None = None) -> CueTrack | None:
        wanted = (person, code, side)
        return next((t for t in self.tracks if (t.person, t.code, t.side) == wanted), None)


@dataclass(frozen=True, slots=True)
class TimelineLine:
    obs_id: str | None  # None: header, section heading or note
    span: Span | None
    start_char: int
    end_char: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The exact text that the model reads, and which characters are which observation."""

    person: str | None
    text: str
    lines: tuple[TimelineLine, ...]
    n_dropped: int  # observations left out by the token budget; the text says so too
    n_tokens: int  # estimated


@dataclass(frozen=True, slots=True)
class Evidence:
    """One claim of an explanation, tied to what it rests on."""

    claim: str
    cites: tuple[str, ...]
    span: Span | None  # of the cited observations together
    grounding: Grounding
    reason: str | None = None  # why it is not GROUNDED
    part: str = "interpretation"  # observations, interpretation or conclusion


@dataclass(frozen=True, slots=True)
class Provenance:
    """Enough to run it again."""

    model: str
    adapter: str | None
    prompt_sha256: str | None  # None: no prompt was read (prototype)
    seed: int | None
    settings: dict[str, Any]
    version: str
    notes: tuple[str, ...] = ()  # what the reader should know about the model


@dataclass(frozen=True, slots=True)
class LabelSet:
    """A closed set of labels, e.g. the seven of RAF-DB. Mapped by name, never by index."""

    name: str  # "rafdb7"
    labels: tuple[str, ...]
    coarse: dict[str, str]  # label -> coarse emotion (see corpora/labels.py); lossy, ours
    source: str


@dataclass(frozen=True, slots=True)
class LabelScore:
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one person appears to show, in the three Exp-CoT parts (ExpLLM, Lan et al. 2024)."""

    clip_id: str
    person: str | None
    observations_part: str  # key observations: what was seen, how strong, what it goes with
    interpretation: str  # how they combine, which dominate
    conclusion: str
    evidence: tuple[Evidence, ...]
    labels: tuple[str, ...]  # an open set; empty when abstained
    label_set: str  # name of the closed set, e.g. "rafdb7"
    best_fit: str | None  # the label of that set; None when abstained
    confidence: float | None  # of best_fit, 0-1
    alternatives: tuple[LabelScore, ...]  # of the closed set, best first, without best_fit
    valence: float | None  # -1..1
    arousal: float | None  # -1..1
    abstained: bool
    abstained_reason: str | None
    provenance: Provenance
    raw_reply: str
    problems: tuple[str, ...] = field(default=())  # what parse could not read

    @property
    def grounded_share(self) -> float | None:
        """Share of claims that are GROUNDED; None without claims."""
        if not self.evidence:
            return None
        return sum(e.grounding is Grounding.GROUNDED for e in self.evidence) / len(self.evidence)
