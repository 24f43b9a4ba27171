"""The script of a synthetic clip, and the truth that follows from it.

Every movement is a pulse with one apex: it rises and falls as a raised cosine, so that onset,
apex and offset are exact. What speech does to the lips is truth as well, marked incidental.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import yaml

from demeanor.explain.errors import SettingsError, UnknownName
from demeanor.explain.records import Span

# Expressions of the face model at intensity 5. Names as in SOURCE of ICT-FaceKit (ARKit-like).
AU_WEIGHTS: dict[str, dict[str, float]] = {
    "AU1": {"browInnerUp": 1.0},
    "AU2": {"browOuterUp": 1.0},
    "AU4": {"browDown": 1.0},
    "AU5": {"eyeWide": 1.0},
    "AU6": {"cheekRaiser": 1.0, "eyeSquint": 0.3},  # raised cheeks push the lower lid up
    "AU7": {"eyeSquint": 1.0},
    "AU9": {"noseSneer": 1.0},
    "AU10": {"mouthUpperUp": 1.0},
    "AU12": {"mouthSmile": 1.0},
    "AU14": {"mouthDimple": 1.0},
    "AU15": {"mouthFrown": 1.0},
    "AU16": {"mouthLowerDown": 1.0},
    "AU17": {"mouthShrugLower": 1.0},
    "AU18": {"mouthPucker": 1.0},
    "AU20": {"mouthStretch": 1.0},
    "AU22": {"mouthFunnel": 1.0},
    "AU24": {"mouthPress": 1.0},
    "AU25": {"mouthLowerDown": 0.6, "mouthUpperUp": 0.15, "jawOpen": 0.1},  # 0.6 cm at C
    "AU26": {"jawOpen": 1.0},
    "AU28": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    "AU43": {"eyeBlink": 1.0},
    "AU45": {"eyeBlink": 1.0},
}
MAX_INTENSITY = 5.0
MAX_SPEECH_LIPS = 2.0  # B: more would be an expression of its own
MAX_REST = 0.3  # more would be an expression held all along
MAX_HEAD_DEG = 30.0
SWAY_HZ = (0.23, 0.31, 0.17)  # yaw, pitch, roll; unrelated, so that they never repeat together


class Intent(StrEnum):
    SCRIPTED = "scripted"
    INCIDENTAL = "incidental"  # comes with something else, e.g. lips that move with speech


@dataclass(frozen=True, slots=True)
class Pulse:
    onset_s: float
    apex_s: float
    offset_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.onset_s < self.apex_s < self.offset_s:
            raise SettingsError(
                "wanted 0 <= onset_s < apex_s < offset_s, found "
                f"{self.onset_s}, {self.apex_s}, {self.offset_s}"
            )

    def level(self, time_s: float) -> float:
        """0 outside, 1 at the apex, a raised cosine on either side."""
        if not self.onset_s < time_s < self.offset_s:
            return 0.0
        foot_s = self.onset_s if time_s <= self.apex_s else self.offset_s
        return 0.5 - 0.5 * math.cos(math.pi * (time_s - foot_s) / (self.apex_s - foot_s))


@dataclass(frozen=True, slots=True)
class Expression(Pulse):
    au: str = ""
    intensity: float = 0.0  # FACS 0-5

    def __post_init__(self) -> None:
        Pulse.__post_init__(self)
        if self.au not in AU_WEIGHTS:
            raise UnknownName("action unit that the face model can show", self.au, AU_WEIGHTS)
        _check_range("intensity", self.intensity, 0, MAX_INTENSITY)


@dataclass(frozen=True, slots=True)
class HeadMove(Pulse):
    yaw_deg: float = 0.0  # at the apex; to the person's own left
    pitch_deg: float = 0.0  # up
    roll_deg: float = 0.0  # to the person's own left shoulder

    def __post_init__(self) -> None:
        Pulse.__post_init__(self)
        for angle_deg in (self.yaw_deg, self.pitch_deg, self.roll_deg):
            _check_range("head angle", angle_deg, -MAX_HEAD_DEG, MAX_HEAD_DEG)


@dataclass(frozen=True, slots=True)
class Line:
    """Something said. Pitch, rate and amplitude are espeak-ng's own."""

    text: str
    start_s: float
    pitch: int = 50
    words_per_minute: int = 170
    amplitude: int = 100
    lips: float = 1.0  # FACS intensity of AU25 and AU26 at the loudest moment

    def __post_init__(self) -> None:
        _check_range("start_s", self.start_s, 0, math.inf)
        _check_range("pitch", self.pitch, 0, 99)
        _check_range("words_per_minute", self.words_per_minute, 80, 450)
        _check_range("amplitude", self.amplitude, 0, 200)
        _check_range("lips", self.lips, 0, MAX_SPEECH_LIPS)


@dataclass(frozen=True, slots=True)
class Script:
    duration_s: float
    fps: int
    size_px: int
    seed: int
    expressions: tuple[Expression, ...]
    head: tuple[HeadMove, ...] = ()
    speech: tuple[Line, ...] = ()
    sway_deg: float = 0.0
    voice: str = "en-us"
    identity: tuple[float, ...] = ()  # coefficients of the face model; none: its mean face
    rest: dict[str, float] = field(default_factory=dict)  # how this face lies: no action; weights
    sha256: str = ""  # of the text it was read from

    def __post_init__(self) -> None:
        pulses = (*self.expressions, *self.head)
        _check_range("fps", self.fps, 1, 120)
        _check_range("duration_s", self.duration_s, 1 / self.fps, 600)
        _check_range("size_px", self.size_px, 32, 2048)
        if self.size_px % 2:
            raise SettingsError(f"size_px: wanted an even number (yuv420p), found {self.size_px}")
        for name, weight in self.rest.items():
            _check_range(f"rest: {name}", weight, 0, MAX_REST)
        if late := [p for p in pulses if p.offset_s > self.duration_s]:
            raise SettingsError(f"{late[0]} ends after the clip ({self.duration_s} s)")

    @property
    def times_s(self) -> np.ndarray:
        """When each picture is shown, (n_frames,) float64."""
        return np.arange(round(self.duration_s * self.fps)) / self.fps


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A line as it was really spoken: when, and how loud it was at each picture."""

    text: str
    span: Span
    lips: float  # FACS intensity at loudness 1
    loudness: np.ndarray  # (n_frames,) float64, 0-1, 0 outside span


@dataclass(frozen=True, slots=True)
class TruthEvent:
    code: str
    onset_s: float
    apex_s: float
    offset_s: float
    intensity: float  # FACS 0-5 at the apex
    kind: Intent


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What a clip shows, known because it was made so."""

    events: tuple[TruthEvent, ...]  # by onset
    times_s: np.ndarray  # (n_frames,) float64
    weights: dict[str, np.ndarray]  # expression -> (n_frames,) float64, 0-1
    head_deg: np.ndarray  # (n_frames, 3) float64: yaw, pitch, roll
    utterances: tuple[tuple[Span, str], ...]
    head_moves: tuple[HeadMove, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)  # hashes, version, fps, duration_s

    def of(self, code: str, kind: Intent = Intent.SCRIPTED) -> tuple[TruthEvent, ...]:
        return tuple(e for e in self.events if e.code == code and e.kind is kind)


def load_script(path: Path | None = None) -> Script:
    """The shipped script, or the user's. Raises SettingsError or UnknownName."""
    if path is None:
        text = files("demeanor.explain.demo").joinpath("script.yaml").read_text("utf-8")
    elif path.is_file():
        text = path.read_text("utf-8")
    else:
        raise SettingsError(f"script {path} does not exist")
    return parse_script(text, str(path or "script.yaml"))


def parse_script(text: str, name: str = "script") -> Script:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{name}: not readable as YAML: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"{name}: wanted keys like duration_s and expressions, found {data!r}")
    values: dict[str, Any] = dict(data)
    kinds = (("expressions", Expression), ("head", HeadMove), ("speech", Line))
    for key, kind in kinds:
        values[key] = _entries(name, key, kind, values.get(key) or ())
    values["identity"] = tuple(values.get("identity") or ())
    values["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return _made(Script, values, name)


T = TypeVar("T")


def _entries(name: str, key: str, kind: type[T], entries: Any) -> tuple[T, ...]:
    if not isinstance(entries, Sequence) or not all(isinstance(e, dict) for e in entries):
        raise SettingsError(f"{name}: {key}: wanted a list of entries with named values")
    return tuple(_made(kind, e, f"{name}: {key}[{i}]") for i, e in enumerate(entries))


def _made(kind: type[T], values: dict[str, Any], where: str) -> T:
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    if unknown := sorted(set(values) - set(known)):
        raise SettingsError(f"{where}: unknown keys {unknown}; known: {known}")
    try:
        return kind(**values)
    except TypeError as error:  # a key is lacking, or text stands where a number should
        raise SettingsError(f"{where}: {error}") from error
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from error


def _check_range(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingsError(f"{what}: wanted {low} to {high}, found {value}")


def intensities_at(
    script: Script, spoken: Iterable[Spoken], frame: int
) -> tuple[dict[str, float], float]:
    """Scripted intensity 0-5 of each AU in a picture, and that of the lips by speech."""
    time_s = float(script.times_s[frame])
    shown: dict[str, float] = {}
    for entry in script.expressions:
        level = entry.intensity * entry.level(time_s)
        shown[entry.au] = min(MAX_INTENSITY, shown.get(entry.au, 0.0) + level)
    lips = max((s.lips * float(s.loudness[frame]) for s in spoken), default=0.0)
    return shown, lips


def weights_of(intensities: dict[str, float], lips: float = 0.0) -> dict[str, float]:
    """Weights of the face model, 0-1, for intensities 0-5.

    A dropped jaw parts the lips by itself: AU25 adds its own movement only where it is
    stronger than AU26. Speech drops the jaw where the script does not drop it further.
    """
    shown = dict(intensities)
    shown["AU26"] = max(shown.get("AU26", 0.0), lips)
    shown["AU25"] = max(0.0, shown.get("AU25", 0.0) - shown["AU26"])
    weights: dict[str, float] = {}
    for au, intensity in shown.items():
        for name, full in AU_WEIGHTS[au].items():
            weights[name] = weights.get(name, 0.0) + full * intensity / MAX_INTENSITY
    return {name: min(1.0, weight) for name, weight in weights.items() if weight > 0}


def head_at(script: Script, time_s: float) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees."""
    total = [script.sway_deg * math.sin(2 * math.pi * hz * time_s) for hz in SWAY_HZ]
    for move in script.head:
        level = move.level(time_s)
        for i, angle_deg in enumerate((move.yaw_deg, move.pitch_deg, move.roll_deg)):
            total[i] += level * angle_deg
    return total[0], total[1], total[2]


def truth(script: Script, spoken: Sequence[Spoken] = ()) -> Truth:
    """What the clip shows. Without `spoken` the lips of the speech are left out."""
    frames = [
        _with_rest(script.rest, weights_of(*intensities_at(script, spoken, i)))
        for i in range(len(script.times_s))
    ]
    names = sorted({name for frame in frames for name in frame})
    return Truth(
        events=tuple(sorted(_events(script, spoken), key=lambda e: (e.onset_s, e.code))),
        times_s=script.times_s,
        weights={n: np.array([frame.get(n, 0.0) for frame in frames]) for n in names},
        head_deg=np.array([head_at(script, t) for t in script.times_s.tolist()]),
        utterances=tuple((s.span, s.text) for s in spoken),
        head_moves=script.head,
        facts={"script_sha256": script.sha256, "fps": script.fps, "duration_s": script.duration_s},
    )


def _with_rest(rest: dict[str, float], weights: dict[str, float]) -> dict[str, float]:
    added = {name: min(1.0, weight + weights.get(name, 0.0)) for name, weight in rest.items()}
    return {**weights, **added}


def _events(script: Script, spoken: Iterable[Spoken]) -> list[TruthEvent]:
    events = [
        TruthEvent(e.au, e.onset_s, e.apex_s, e.offset_s, e.intensity, Intent.SCRIPTED)
        for e in script.expressions
    ]
    for line in spoken:
        apex_s = float(script.times_s[int(line.loudness.argmax())])
        strength = round(line.lips * float(line.loudness.max()), 2)
        events += [
            TruthEvent(au, line.span.start_s, apex_s, line.span.end_s, strength, Intent.INCIDENTAL)
            for au in ("AU25", "AU26")
        ]
    return events
