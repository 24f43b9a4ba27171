"""Who speaks: whose mouth moves as mouths do in speech, while a voice is heard.

A mouth that speaks opens and closes two to seven times a second, and mostly opens where the sound
is loud. In every moment of a voice, the person whose lips do so, and clearly more than anybody
else's, is the speaker; where nobody's do,
or two people's alike, nobody is named: the voice may be of somebody who is not in the picture.
A mouth that cannot be seen speaks for nobody. Voices themselves are not told apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d

from demeanor.explain.perception.baseline import frame_step_s
from demeanor.explain.records import Event, NotMeasured, Span, Utterance
from demeanor.explain.settings import SpeakerSettings

OPENINGS = ("AU25", "AU26")
_FAST_HZ = 8.0  # faster than lips: the points tremble
_UNTUNED = 0.4  # of what moves without the sound, beside 1 for what moves with it
_MIN_FPS = 10.0  # fewer frames do not show syllables


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of voice, and who speaks in it; None: nobody that is seen, or it is not clear."""

    span: Span
    person: str | None


def turns(
    times_s: np.ndarray,
    openings: Mapping[str, np.ndarray],
    speech: Sequence[Span],
    settings: SpeakerSettings,
    loudness_db: np.ndarray | None = None,
) -> list[Turn]:
    """Turns in time order, which together cover `speech`. openings: (n,) FACS levels of the
    parted lips of each person, NaN where they are not seen; loudness_db: (n,) of the sound."""
    step_s = frame_step_s(times_s)
    if not openings or len(times_s) < 3 or step_s > 1 / _MIN_FPS:
        return [Turn(span, None) for span in speech]
    people = list(openings)
    sound = None if loudness_db is None else _quick(_amplitude(loudness_db), step_s, settings)
    moves = np.stack([_moves(openings[p], sound, step_s, settings) for p in people])
    leader = _leader(moves, settings)
    found = []
    for span in speech:
        a, b = np.searchsorted(times_s, [span.start_s, span.end_s])
        found += _of_span(span, times_s, leader[a:b], int(a), people, settings.least_s)
    return found


def _moves(
    opening: np.ndarray, sound: np.ndarray | None, step_s: float, settings: SpeakerSettings
) -> np.ndarray:
    """(n,) how much the lips open and close as in speech: standard deviation over a window, more
    where they go with the sound and less where they do not; NaN where they are not seen."""
    known = ~np.isnan(opening)
    if not known.any():
        return np.full(len(opening), np.nan)
    index = np.arange(len(opening))
    lips = _quick(np.interp(index, index[known], opening[known]), step_s, settings)
    width = max(3, round(settings.window_s / step_s))
    spread = np.sqrt(_mean(lips**2, width))
    if sound is not None:
        scale = np.maximum(spread * np.sqrt(_mean(sound**2, width)), 1e-9)
        spread = spread * (_UNTUNED + np.maximum(_mean(lips * sound, width) / scale, 0.0))
    return np.where(known & (_mean(known.astype(float), width) > 0.5), spread, np.nan)


def _quick(values: np.ndarray, step_s: float, settings: SpeakerSettings) -> np.ndarray:
    """What is slower than trembling and faster than an expression."""
    calm = gaussian_filter1d(values, 1 / (2 * np.pi * _FAST_HZ) / step_s)
    return np.asarray(calm - gaussian_filter1d(values, settings.window_s / 4 / step_s))


def _amplitude(loudness_db: np.ndarray) -> np.ndarray:
    return np.asarray(10 ** (np.nan_to_num(loudness_db, nan=-90.0) / 20))


def _mean(values: np.ndarray, width: int) -> np.ndarray:
    """Over a window, as a convolution: a running sum would leave small negative powers behind."""
    width = min(width, len(values))
    return np.convolve(values, np.full(width, 1 / width), mode="same")


def _leader(moves: np.ndarray, settings: SpeakerSettings) -> np.ndarray:
    """(n,) index of the person whose mouth clearly leads, -1 where nobody's does."""
    known = np.nan_to_num(moves, nan=0.0)
    best = known.argmax(axis=0)
    top = known.max(axis=0)
    rest = np.sort(known, axis=0)[-2] if len(known) > 1 else np.zeros_like(top)
    clear = (top >= settings.least_level) & (top >= settings.lead * rest)
    return np.where(clear, best, -1)


def _of_span(
    span: Span,
    times_s: np.ndarray,
    leader: np.ndarray,
    first: int,
    people: list[str],
    least_s: float,
) -> list[Turn]:
    """One stretch of voice, parted where the speaker changes for longer than `least_s`."""
    if len(leader) == 0:
        return [Turn(span, None)]
    names = [people[k] if k >= 0 else None for k in leader.tolist()]
    cuts = [0, *(i for i in range(1, len(names)) if names[i] != names[i - 1]), len(names)]
    parts = [
        Turn(
            Span(
                span.start_s if a == 0 else float(times_s[first + a]),
                span.end_s if b == len(names) else float(times_s[first + b]),
            ),
            names[a],
        )
        for a, b in pairwise(cuts)
    ]
    return _joined(parts, least_s)


def _joined(parts: list[Turn], least_s: float) -> list[Turn]:
    """Short parts go to the longer of their neighbours; a syllable is nobody's turn."""
    parts = list(parts)
    while len(parts) > 1:
        k = min(range(len(parts)), key=lambda i: parts[i].span.duration_s)
        if parts[k].span.duration_s >= least_s:
            break
        near = [i for i in (k - 1, k + 1) if 0 <= i < len(parts)]
        to = max(near, key=lambda i: parts[i].span.duration_s)
        a, b = sorted((k, to))
        both = Span(parts[a].span.start_s, parts[b].span.end_s)
        parts[a : b + 1] = [Turn(both, parts[to].person)]
        parts = _merged(parts)
    return parts


def _merged(parts: list[Turn]) -> list[Turn]:
    merged = parts[:1]
    for part in parts[1:]:
        if part.person == merged[-1].person:
            merged[-1] = Turn(Span(merged[-1].span.start_s, part.span.end_s), part.person)
        else:
            merged.append(part)
    return merged


# What follows from it ----------------------------------------------------------------------


def speaker_in(span: Span, found: Sequence[Turn], share: float) -> str | None:
    """Who speaks for at least `share` of the voice heard in `span`; None where nobody does."""
    seconds: dict[str | None, float] = {}
    for turn in found:
        seconds[turn.person] = seconds.get(turn.person, 0.0) + turn.span.overlap_s(span)
    total_s = sum(seconds.values())
    if total_s <= 0:
        return None
    person, most_s = max(seconds.items(), key=lambda item: item[1])
    return person if most_s >= share * total_s else None


def with_speakers(
    utterances: Sequence[Utterance], found: Sequence[Turn], settings: SpeakerSettings
) -> tuple[Utterance, ...]:
    """Utterances with the person who says them. One that names a speaker keeps that name."""
    return tuple(
        replace(u, speaker=u.speaker or speaker_in(u.span, found, settings.share))
        for u in utterances
    )


def voiced_by(
    events: Sequence[Event], found: Sequence[Turn], settings: SpeakerSettings
) -> list[Event]:
    return [replace(e, person=speaker_in(e.span, found, settings.share)) for e in events]


def unclear_speech(found: Sequence[Turn], n_people: int) -> list[NotMeasured]:
    """How much of the voice nobody was found to speak, and that voices are measured together."""
    rows = []
    unclear_s = sum(t.span.duration_s for t in found if t.person is None)
    whole_s = sum(t.span.duration_s for t in found)
    if n_people and unclear_s > 0.5:
        reason = (
            f"for {unclear_s:.1f} s of {whole_s:.1f} s of voice no mouth that is seen moves "
            "clearly more than the others: it may be of somebody who is not in the picture"
        )
        rows.append(NotMeasured("who speaks", reason))
    speakers = {t.person for t in found if t.person is not None}
    if len(speakers) > 1:
        named = " and ".join(sorted(speakers))
        reason = f"{named} speak: what is usual for the voice is that of all speakers together"
        rows.append(NotMeasured("each voice by itself", reason))
    return rows
