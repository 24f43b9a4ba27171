"""Thresholds, loaded from one YAML (`settings.yaml`, or the user's) and recorded in every result.

A key that nobody knows is an error: a misspelt threshold would otherwise do nothing, silently.
"""

import dataclasses
import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from demeanor.explain.errors import SettingsError


@dataclass(frozen=True, slots=True)
class MediaSettings:
    max_duration_s: float  # longer files are refused: two hours is a full interview
    max_pixels: int  # 8K; guards against decompression bombs


@dataclass(frozen=True, slots=True)
class FaceSettings:
    max_people: int
    detector_score: float  # MediaPipe's own default
    min_face_px: float  # below it the mesh is guesswork: AUs become NaN
    presence: float  # the mesh model's own score that a face is in its window
    redetect_every_s: float  # how often to look for new faces while somebody is followed
    lost_after_s: float  # a person not found again within it gets a new span
    reliable_yaw_deg: float  # seen to fail beyond 35 to 40 degrees
    reliable_pitch_deg: float
    view_every_s: float  # how often a face is looked at for light, focus and covered eyes
    dark: float  # grey level of its brighter parts below which a face is not read
    blurred: float  # detail of its contrast; see visibility.py and docs/perception.md
    covered_eyes: float  # brightness of the eyes, of the skin's
    hand_every_s: float  # how often a hand is looked for: it takes the time of five frames
    covered_place: float  # share of a place's points from which on a hand covers it


@dataclass(frozen=True, slots=True)
class EventSettings:
    enter: float  # FACS intensity above usual; see events.py
    enter_calm: float  # the same, at least, of a track that hardly wanders
    wanders: float  # times that it strays from its own middle
    leave: float
    min_duration_s: float  # three frames at 25 fps: drops tracker flicker
    smooth_s: float  # moving average before anything is looked for
    held_share: float  # of the visible time: then it is a state, not an event
    held_level: float
    blink_enter: float  # lids half closed and more: squinting stays below
    blink_max_s: float  # longer closures are AU43, not AU45 (limit recalled, FACS practice)
    head_enter_deg: float  # from where the head mostly is; half of it ends the turn
    gaze_enter_deg: float  # large, since our gaze is not validated
    gaze_min_duration_s: float
    trembles: float  # standard deviations of a track's noise that it must rise by as well
    side_lead: float  # B: one side of the face this far above the other is a movement of that side
    turn_free_deg: float  # yaw and pitch; beyond, levels drift with the head and more is asked for
    turn_full_deg: float  # where `turn_allowance` is asked for in full: about the gate of `face`
    turn_allowance: float  # FACS intensity
    brief_enter: float  # micro-expressions: height above what came just before and after
    brief_trembles: float  # standard deviations of the track's noise that they must exceed
    brief_jumps: float  # times what its short rises reach in one frame of ten
    brief_min_s: float  # Ekman: 1/25 s
    brief_max_s: float  # Yan et al. 2013; macro-expressions last longer
    brief_min_fps: float  # one frame of it lasts 0.04 s
    talk_min_hz: float  # openings of a talking mouth: syllables (2 to 7 a second)
    talk_max_hz: float
    talk_depth: float  # FACS intensity that lips open and close by
    talk_min_openings: int  # in a row; an expression opens the mouth once or twice
    talk_share: float  # of a phrase in which the mouth has the rhythm: then it is this mouth's
    talk_held_s: float  # longer than a slow syllable: what outlasts it is no lip of a sound

    def __post_init__(self) -> None:
        if self.leave > self.enter:
            raise SettingsError(f"events: leave ({self.leave}) is above enter ({self.enter})")
        if self.talk_min_hz <= 0 or self.talk_max_hz <= self.talk_min_hz:
            raise SettingsError(
                "events: wanted 0 < talk_min_hz < talk_max_hz, found "
                f"{self.talk_min_hz}, {self.talk_max_hz}"
            )


@dataclass(frozen=True, slots=True)
class BodySettings:
    """Head, gaze, leaning: movements that come back, or that last."""

    swing_deg: float  # least way of a nod or a shake, one way; the pose trembles by about 1 degree
    swing_min_s: float  # one way; faster is trembling
    swing_max_s: float  # slower is looking up and down, or about
    swings: int  # at least, to and fro; two are a look away and back
    alike: float  # the least of the swings, of the largest
    away_deg: float  # of the eyes, from where they mostly are; large, since our gaze is coarse
    away_s: float
    lean_share: float  # of the usual width of the face
    lean_s: float

    def __post_init__(self) -> None:
        if not 0 < self.swing_min_s < self.swing_max_s:
            raise SettingsError(
                "body: wanted 0 < swing_min_s < swing_max_s, found "
                f"{self.swing_min_s}, {self.swing_max_s}"
            )


@dataclass(frozen=True, slots=True)
class SpeakerSettings:
    """Who speaks; see perception/speakers.py."""

    window_s: float  # two or three syllables
    least_level: float  # FACS intensity by which lips open and close, standard deviation
    lead: float  # times as much as the next mouth
    least_s: float  # of a turn
    share: float  # of the voice in a phrase


@dataclass(frozen=True, slots=True)
class BaselineSettings:
    own_quantile: float  # the clip's median would erase a smile held for half of it
    min_own_s: float  # less visible time than this tells nothing about what is usual
    neutral_spreads: float  # one neutral face in 160 lies higher in a unit: no rest, but held
    shrink_s: float  # of rest seen: half-way from the population's zero to the person's own
    moment_s: float  # how much is looked at where one moment of rest is named


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    vad_threshold: float
    min_speech_s: float
    min_silence_s: float
    long_pause_s: float
    phrase_gap_s: float  # a silence of at least this ends a phrase
    pitch_floor_hz: float
    pitch_ceiling_hz: float
    pitch_change_st: float  # changes from the speaker's usual that are worth a line
    level_change_db: float
    rate_change_share: float
    min_usual_s: float  # less voiced time than this tells nothing about the speaker
    range_change_st: float  # of the 20th-80th percentile range of a phrase
    hnr_change_db: float  # about one SD between speakers in the Nautilus corpus (eGeMAPS)
    alpha_change_db: float
    jitter_change: float  # ratio; an SD between speakers is 0.010 to 0.015 (Nautilus)
    contour_s: float  # the end of a phrase whose rise or fall is reported
    contour_change_st: float  # within contour_s; smaller glides are ordinary phrase endings
    peak_prominence_db: float  # a dip this deep parts two syllables (de Jong & Wempe 2009)
    min_snr_db: float  # below it the background is measured along with the voice: no changes
    clipped_share: float  # of a window at full scale: its level and tone are not the voice's
    foreground_share: float  # of the way from the clip's floor to its loudest speech
    foreground_lift_db: float  # at least this far above the floor: noise itself wavers by that
    tone_drift_st: float  # from frame to frame; a spoken vowel glides by more, a note does not
    tone_s: float  # a tone holds still at least this long
    silence_db: float  # of full scale; rooms and microphones murmur below it
    laugh_min_hz: float  # calls of a laugh a second: 4.4 on average (Bachorowski et al. 2001)
    laugh_max_hz: float
    laugh_calls: int  # in a row: four even syllables are found in any minute of talk
    laugh_call_s: float  # longest voiced call: vowels that are spoken last longer
    laugh_dip_db: float  # between calls: breath
    laugh_spread: float  # SD over mean of periods and of lengths: syllables are less even
    laugh_tone_db: float  # SD of the brightness of the calls: one vowel, not several


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    max_no_speech: float  # Whisper's own gate: above it, and improbable, is silence
    min_mean_log_probability: float
    max_compression_ratio: float  # Whisper's own: text that packs better repeats itself


@dataclass(frozen=True, slots=True)
class TimelineSettings:
    max_tokens: int


@dataclass(frozen=True, slots=True)
class ReasoningSettings:
    min_confidence: float  # below it the reasoner abstains
    max_reply_tokens: int
    seed: int
    timeout_s: float  # for one reply of a model behind an address: long ones take minutes on CPU
    max_retries: int  # after server errors and lost connections


@dataclass(frozen=True, slots=True)
class Settings:
    media: MediaSettings
    face: FaceSettings
    events: EventSettings
    body: BodySettings
    speakers: SpeakerSettings
    baseline: BaselineSettings
    voice: VoiceSettings
    speech: SpeechSettings
    timeline: TimelineSettings
    reasoning: ReasoningSettings

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def load_settings(path: Path | None = None) -> Settings:
    """The shipped settings; where `path` is given, what it names instead.

    Raises SettingsError for unknown keys and for values of the wrong type.
    """
    shipped = files("demeanor.explain").joinpath("settings.yaml")
    data = _read_yaml(shipped.read_bytes(), None)
    if path is not None:
        if not path.is_file():
            raise SettingsError(f"settings file {path} does not exist")
        for section, values in _read_yaml(path.read_bytes(), path).items():
            if section not in data:
                raise SettingsError(f"{path}: unknown section {section!r}; known: {sorted(data)}")
            data[section] = {**data[section], **values}
    return Settings(
        **{f.name: _section(f.type, f.name, data[f.name]) for f in dataclasses.fields(Settings)}
    )


def _read_yaml(text: bytes, path: Path | None) -> dict[str, dict[str, Any]]:
    try:
        data = yaml.safe_load(text.decode("utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(data, dict) or not all(isinstance(v, dict) for v in data.values()):
        raise SettingsError(f"{path}: wanted sections of key: value, as in settings.yaml")
    return data


def _section(kind: Any, name: str, values: dict[str, Any]) -> Any:
    fields: dict[str, Any] = {f.name: f.type for f in dataclasses.fields(kind)}
    if unknown := [key for key in values if key not in fields]:
        raise SettingsError(f"{name}: unknown keys {unknown}; known: {sorted(fields)}")
    for key, value in values.items():
        wanted = (int, float) if fields[key] is float else (fields[key],)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise SettingsError(f"{name}.{key}: wanted {fields[key].__name__}, found {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise SettingsError(f"{name}.{key}: wanted a finite number, found {value!r}")
    return kind(**values)
