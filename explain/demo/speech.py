"""Speech for a synthetic clip: espeak-ng says the lines, we keep when and how loud.

espeak-ng (GPL-3) is a program of its own that is run, not a part of this package.
"""

import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demeanor.explain.demo.script import Line, Script, Spoken
from demeanor.explain.errors import DemeanorError
from demeanor.explain.records import Span

SAMPLE_RATE_HZ = 22050  # what espeak-ng writes
QUIET = 0.01  # of full scale: what lies below at either end is not speech
PEAK = 0.8  # of full scale, of the loudest line; the others keep their distance to it
ROOM_DB = -66.0  # a room is never digitally silent


@dataclass(frozen=True, slots=True, eq=False)
class Soundtrack:
    samples: np.ndarray  # (n,) float32, -1..1, SAMPLE_RATE_HZ
    spoken: tuple[Spoken, ...]


def speak(script: Script) -> Soundtrack:
    """The sound of the whole clip. Raises DemeanorError without espeak-ng."""
    voices = [_trimmed(_espeak(line, script.voice)) for line in script.speech]
    gain = PEAK / max((float(np.abs(v).max()) for v in voices), default=1.0)
    samples = _room(script)
    spoken = []
    for line, voice in zip(script.speech, voices, strict=True):
        start = round(line.start_s * SAMPLE_RATE_HZ)
        if start + len(voice) > len(samples):
            raise DemeanorError(
                f"{line.text!r} lasts {len(voice) / SAMPLE_RATE_HZ:.2f} s from {line.start_s} s "
                f"and does not fit into {script.duration_s} s. Start it earlier, or speak faster."
            )
        samples[start : start + len(voice)] += gain * voice
        spoken.append(_spoken(line, voice, script))
    return Soundtrack(np.clip(samples, -1, 1), tuple(spoken))


def say_line(line: Line, voice: str) -> np.ndarray:
    """One line as espeak-ng says it, (n,) float32. Raises DemeanorError without espeak-ng."""
    return _espeak(line, voice)


def _espeak(line: Line, voice: str) -> np.ndarray:
    program = shutil.which("espeak-ng")
    if program is None:
        raise DemeanorError(
            "Speaking the demo clip needs the program espeak-ng, which was not found. "
            "Install it with:  apt-get install espeak-ng"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        options = ["-v", voice, "-p", str(line.pitch), "-s", str(line.words_per_minute)]
        options += ["-a", str(line.amplitude), "-w", str(path), "--", line.text]
        done = subprocess.run([program, *options], capture_output=True, text=True)  # noqa: S603
        if done.returncode or not path.is_file():
            raise DemeanorError(f"espeak-ng could not say {line.text!r}: {done.stderr.strip()}")
        return _read_wav(path)


def _read_wav(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        found = file.getframerate(), file.getnchannels(), file.getsampwidth()
        if found != (SAMPLE_RATE_HZ, 1, 2):
            raise DemeanorError(f"espeak-ng wrote {found}; wanted {SAMPLE_RATE_HZ} Hz mono 16 bit")
        data = file.readframes(file.getnframes())
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


def _trimmed(samples: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:1]


def _room(script: Script) -> np.ndarray:
    """Faint noise, (n,) float32: pauses are quiet, not absent."""
    n = round(script.duration_s * SAMPLE_RATE_HZ)
    noise = np.random.default_rng(script.seed).standard_normal(n)
    return (10 ** (ROOM_DB / 20) * noise).astype(np.float32)


def _spoken(line: Line, voice: np.ndarray, script: Script) -> Spoken:
    span = Span(line.start_s, round(line.start_s + len(voice) / SAMPLE_RATE_HZ, 3))
    return Spoken(line.text, span, line.lips, loudness(voice, line.start_s, script))


def loudness(voice: np.ndarray, start_s: float, script: Script) -> np.ndarray:
    """RMS around each picture, 1 at its loudest: (n_frames,). Lips lag less than 0.1 s."""
    half = round(0.05 * SAMPLE_RATE_HZ)  # 0.1 s: syllables stay apart, glottal pulses do not
    power = np.convolve(voice.astype(np.float64) ** 2, np.hanning(2 * half), mode="same")
    at = np.round((script.times_s - start_s) * SAMPLE_RATE_HZ).astype(int)
    inside = (at >= 0) & (at < len(voice))
    level = np.where(inside, np.sqrt(np.maximum(power[np.clip(at, 0, len(voice) - 1)], 0)), 0.0)
    return level / level.max() if level.max() > 0 else level
