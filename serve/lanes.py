"""What the player draws under a clip: a few tracks of a person and of the voice, with their events.

Plain data for page/player.js. A lane is one cue over time: its line, the stretches in which it was
not measured with the reason, and its events as bands that can be clicked. What has no track of its
own (a nod, a pause) stands in a lane without a line, so that every event can be found.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from demeanor.explain import plots, report
from demeanor.explain.records import Channel, CueTrack, Kind, Observation, Usual, Utterance
from demeanor.explain.result import Result
from demeanor.explain.textualization.phrases import clause

N_FACE, N_VOICE = 6, 2  # lanes shown at once: more would push the words off a laptop's screen
MAX_POINTS = 400  # of a line: it is a few hundred pixels wide here
_PX_PER_S = 600.0  # over the clip's length: gaps closer than a pixel are drawn as one
Data = dict[str, Any]


def timeline(result: Result, person: str | None, off: Sequence[str] = ()) -> Data:
    """Lanes of one person and of the voice; `off`: observations that are switched off."""
    tracks = [t for t in result.measurement.tracks if _is_shown(t, person)]
    cited = frozenset(c for e in result.explanations for v in e.evidence for c in v.cites)
    mine = [o for o in result.observations if o.person in (person, None)]
    with_events = {id(t): [o for o in mine if report.is_of(o, t)] for t in tracks}
    ranked = sorted(tracks, key=lambda t: _rank(t, with_events[id(t)], cited))
    first = _few(ranked, with_events)
    lanes = [_lane(result, t, with_events[id(t)]) for t in sorted(first, key=report.track_order)]
    more = [
        _lane(result, t, with_events[id(t)])
        for t in sorted(tracks, key=report.track_order)
        if t not in first and (with_events[id(t)] or t.side is None)
    ]
    placed = {o.obs_id for own in with_events.values() for o in own}
    return {
        "duration_s": result.measurement.clip.duration_s,
        "ticks_s": plots.TimeScale(result.measurement.clip.duration_s).ticks_s,
        "lanes": [*lanes, *_without_track(mine, placed)],
        "more": more,
        "words": [_spoken(u, mine) for u in result.measurement.utterances],
        "observations": [observation(o) for o in result.observations],
        "off": list(off),
    }


def observation(o: Observation) -> Data:
    return {
        "id": o.obs_id,
        "person": o.person,
        "start_s": round(o.span.start_s, 3),
        "end_s": round(o.span.end_s, 3),
        "apex_s": round(o.apex_s, 3),
        "state": o.kind is Kind.STATE,
        "title": title(o),
    }


def title(o: Observation) -> str:
    """One observation in words, with when: "f3, 2.72–3.96 s: inner ends of the brows raised"."""
    when = "throughout" if o.kind is Kind.STATE else report.span_of(o.span)
    return f"{o.obs_id}, {when}: {clause(o)}"


def _is_shown(track: CueTrack, person: str | None) -> bool:
    """Outputs of published mappings (valence, arousal) are no cues: the report has them."""
    hidden = report.NOT_PLOTTED | report.MAPPED
    return track.person in (person, None) and track.code not in hidden and len(track.times_s) > 1


def _rank(track: CueTrack, own: Sequence[Observation], cited: frozenset[str]) -> tuple[Any, ...]:
    """Tracks with events first; of these, those that the explanation rests on, then the strong."""
    events = [o for o in own if o.kind is not Kind.STATE]
    strength = max((abs(o.change_from_usual or o.peak or 0.0) for o in events), default=0.0)
    return not events, not any(o.obs_id in cited for o in events), -strength


def _few(ranked: Sequence[CueTrack], own: dict[int, list[Observation]]) -> list[CueTrack]:
    """Lids open and close all the time: blinks take no place of a movement."""
    lively = [t for t in ranked if own[id(t)] and t.code != "AU43"]
    face = [t for t in lively if t.channel is Channel.FACE][:N_FACE]
    voice = [t for t in lively if t.channel is Channel.VOICE][:N_VOICE]
    return [*face, *voice]


def _lane(result: Result, track: CueTrack, own: Iterable[Observation]) -> Data:
    name, what = report.track_names(track)
    scale = plots.value_scale(track)
    usual = report.usual_of(result.measurement.usual, track)
    runs = plots.decimate(track.times_s, track.values, MAX_POINTS)
    per_s = _PX_PER_S / max(result.measurement.clip.duration_s, 1e-9)
    return {
        "name": name,
        "what": what,
        "channel": track.channel.value,
        "low": scale.low,
        "high": scale.high,
        "ticks": [[value, text] for value, text in scale.ticks],
        "runs": [[[round(t, 3), round(v, 3)] for t, v in run] for run in runs],
        "usual": _usual(usual),
        "gaps": [
            {"start_s": span.start_s, "end_s": span.end_s, "reason": reason}
            for span, reason in plots.gaps_of(track, per_s)
        ],
        "bands": [observation(o) for o in own],
    }


def _usual(usual: Usual | None) -> float | None:
    if usual is None or usual.own is None or np.isnan(usual.own):
        return None
    return round(usual.own, 3)


def _without_track(mine: Sequence[Observation], placed: set[str]) -> list[Data]:
    """Bands alone. What holds throughout and has no track is told in words only."""
    rest = [o for o in mine if o.obs_id not in placed and o.kind is Kind.EVENT]
    pauses = [o for o in rest if o.code in report.PAUSES]
    others = [o for o in rest if o.code not in report.PAUSES]
    lanes = (("pauses", "within the speech", pauses), ("gestures", "and other events", others))
    return [_bare(name, what, own) for name, what, own in lanes if own]


def _bare(name: str, what: str, own: Sequence[Observation]) -> Data:
    empty: Data = {"low": 0.0, "high": 1.0, "ticks": [], "runs": [], "usual": None, "gaps": []}
    bands = [observation(o) for o in own]
    return {"name": name, "what": what, "channel": own[0].channel.value, **empty, "bands": bands}


def _spoken(utterance: Utterance, mine: Sequence[Observation]) -> Data:
    """The text is a stranger's: the player shows it as text."""
    key = (utterance.span, utterance.text)
    obs_id = next((o.obs_id for o in mine if (o.span, o.quote) == key), "")
    return {
        "id": obs_id,
        "start_s": utterance.span.start_s,
        "end_s": utterance.span.end_s,
        "text": utterance.text,
        "speaker": utterance.speaker,
    }
