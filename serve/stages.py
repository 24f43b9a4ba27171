"""What each stage of an explanation found, one line each, as it is told while somebody waits."""

from collections.abc import Iterator
from dataclasses import dataclass

from demeanor.explain.records import Channel, Clip, Explanation, Measurement
from demeanor.explain.result import Result

_TOLD_EVERY = 0.05  # of the clip: progress is for people, not for every frame


@dataclass(frozen=True, slots=True)
class Stage:
    """`took_s` is None where a stage has no time of its own: one pass makes face, voice, words."""

    name: str  # media, face, voice, words, observations, reasoning
    done: bool
    found: str
    took_s: float | None = None


class Steps:
    """Which moments of a clip are worth a line of progress."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s, self._next_s = duration_s, duration_s * _TOLD_EVERY

    def stage(self, done_s: float) -> Stage | None:
        if done_s < self._next_s or not self._duration_s:
            return None
        self._next_s = done_s + self._duration_s * _TOLD_EVERY
        return Stage("face", False, f"{done_s:.1f} of {self._duration_s:.1f} s")


def kind_of(clip: Clip) -> str:
    if clip.width_px is None:
        return "sound"
    return "picture" if clip.duration_s == 0 else "video"


def media(clip: Clip) -> str:
    parts = [kind_of(clip), f"{clip.duration_s:.1f} s" if clip.duration_s else None]
    parts.append(f"{clip.width_px} × {clip.height_px}" if clip.width_px else None)
    parts.append(f"{clip.fps:.4g} frames a second" if clip.fps else None)
    if clip.duration_s:
        parts.append("with sound" if clip.sample_rate_hz else "no sound")
    return ", ".join(part for part in parts if part)


def perceived(measurement: Measurement, took_s: float) -> Iterator[Stage]:
    yield Stage("face", True, _face(measurement), took_s)
    yield Stage("voice", True, _voice(measurement))
    yield Stage("words", True, _words(measurement))


def observed(result: Result, took_s: float) -> Stage:
    counts = [
        f"{channel.value}: {n}"
        for channel in Channel
        if (n := sum(o.channel is channel for o in result.observations))
    ]
    found = f"{len(result.observations)} observations"
    return Stage(
        "observations", True, f"{found} ({', '.join(counts)})" if counts else found, took_s
    )


def reasoned(explanations: tuple[Explanation, ...], took_s: float) -> Stage:
    told = [f"{e.person or 'nobody seen'}: {_answer(e)}" for e in explanations]
    return Stage("reasoning", True, "; ".join(told), took_s)


def _answer(explanation: Explanation) -> str:
    if explanation.abstained:
        return f"no label: {explanation.abstained_reason}"
    n_grounded = sum(e.grounding == "GROUNDED" for e in explanation.evidence)
    labels = ", ".join(explanation.labels) or str(explanation.best_fit)
    return f"appears to show {labels}; {n_grounded} of {len(explanation.evidence)} claims grounded"


def _face(measurement: Measurement) -> str:
    n_people = len(measurement.people)
    if not n_people:
        return _why_not(measurement, "face") or "no face was found"
    n_frames = max((len(t.times_s) for t in measurement.tracks if t.person), default=0)
    each = ", ".join(f"{p.person} in {p.n_frames} of {n_frames} frames" for p in measurement.people)
    who = "1 person" if n_people == 1 else f"{n_people} people"
    n_events = sum(e.channel is Channel.FACE for e in measurement.events)
    return f"{who}: {each}; {n_events} events"


def _voice(measurement: Measurement) -> str:
    n_events = sum(e.channel is Channel.VOICE for e in measurement.events)
    if why := _why_not(measurement, "voice"):
        return why
    return f"{n_events} events"


def _words(measurement: Measurement) -> str:
    if not measurement.utterances:
        return _why_not(measurement, "words") or "none"
    source = measurement.settings.get("words_from")
    return f"{len(measurement.utterances)} utterances ({source})"


def _why_not(measurement: Measurement, what: str) -> str | None:
    rows = (n for n in measurement.not_measured if n.what == what and n.span is None)
    return next((f"not measured: {row.reason}" for row in rows), None)
