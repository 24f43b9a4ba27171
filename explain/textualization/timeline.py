"""The text that a model reads: a header, then observations in time order, under a token budget.

The header says what could not be measured, so that silence is not read as calm. Where the
budget is short the least informative lines go, and the text says how many.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from demeanor.explain.records import (
    Channel,
    Kind,
    Measurement,
    NotMeasured,
    Observation,
    Span,
    Timeline,
    TimelineLine,
    Unit,
)
from demeanor.explain.settings import TimelineSettings
from demeanor.explain.textualization.phrases import change, clause, when
from demeanor.explain.vocabulary import NOT_VALIDATED

_CHARS_PER_TOKEN = 3.6  # of English with numbers, in LLaMA's and GPT's vocabularies; errs high
LOW_RELIABILITY = 0.5  # reliability below this is said in the line


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    obs_id: str | None = None
    span: Span | None = None


def timeline(
    measurement: Measurement,
    observations: Sequence[Observation],
    person: str | None,
    settings: TimelineSettings,
) -> Timeline:
    """The timeline of one person: the own face, every voice, every word."""
    relevant = [o for o in observations if o.person in (person, None)]
    header = [_Row(line) for line in _header(measurement, person)]
    rows = {o.obs_id: _row(o) for o in relevant}
    room = settings.max_tokens - n_tokens("\n".join(r.text for r in header)) - 20
    kept = _within(relevant, {k: n_tokens(r.text) + 1 for k, r in rows.items()}, room)
    body = [rows[o.obs_id] for o in sorted(relevant, key=_time) if o.obs_id in kept]
    n_dropped = len(relevant) - len(kept)
    if n_dropped:
        body.append(_Row(f"({n_dropped} less informative observations were left out for length)"))
    if not relevant:
        body.append(_Row("(nothing was observed)"))
    return _joined(person, [*header, *body], n_dropped)


def n_tokens(text: str) -> int:
    """An estimate that does not depend on any one model's tokenizer."""
    return round(len(text) / _CHARS_PER_TOKEN)


def _header(measurement: Measurement, person: str | None) -> list[str]:
    clip = measurement.clip
    kind = "Picture" if clip.duration_s == 0 else f"Clip of {clip.duration_s:.1f} s"
    who = f"person {person} of {len(measurement.people)}" if person else "nobody seen"
    lines = [
        f"{kind}; {who}.",
        f"Action units (AU) are FACS codes with intensity A-E = 1-5, {NOT_VALIDATED}.",
    ]
    rows = [n for n in measurement.not_measured if n.person in (person, None)]
    lines += [f"Not measured: {_said(row)}." for row in rows]
    return lines


def _said(row: NotMeasured) -> str:
    """On one line whatever is in it: a reason may quote the name of a stranger's file."""
    during = f" from {row.span.start_s:.2f} to {row.span.end_s:.2f} s" if row.span else ""
    return " ".join(f"{row.what}{during}: {row.reason}".split())


def _row(observation: Observation) -> _Row:
    parts = [clause(observation)]
    graded = observation.unit is Unit.FACS_INTENSITY and observation.code != "AU45"
    if graded and (compared := change(observation)):
        parts.append(compared)
    if observation.reliability < LOW_RELIABILITY and observation.channel is not Channel.SPEECH:
        parts.append("low reliability")
    parts += observation.caveats
    time = when(observation.span, observation.apex_s, observation.kind)
    text = f"[{observation.obs_id}] {time} {observation.channel}: {'; '.join(parts)}"
    return _Row(text, observation.obs_id, observation.span)


def _time(observation: Observation) -> tuple[float, float, str]:
    return observation.span.start_s, observation.apex_s, observation.obs_id


def _within(observations: Sequence[Observation], cost: dict[str, int], room: int) -> set[str]:
    """Ids that fit into `room` tokens, the most informative first."""
    kept = set()
    for observation in sorted(observations, key=lambda o: (-informative(o), _time(o))):
        if cost[observation.obs_id] <= room:
            kept.add(observation.obs_id)
            room -= cost[observation.obs_id]
    return kept


def informative(observation: Observation) -> float:
    """How much a line is worth: words most, then strong, reliable, lasting changes.

    A weighting of ours, to be read as an order, not as a measure.
    """
    if observation.channel is Channel.SPEECH:
        return 10.0
    if observation.code == "AU45":
        return 0.2 if observation.unit is not Unit.PER_MINUTE else 0.6
    if observation.channel is Channel.VOICE:
        return (2.0 if observation.kind is Kind.EVENT else 1.5) * (0.3 + observation.reliability)
    size = observation.change_from_usual
    size = observation.peak if size is None else size
    if observation.unit is Unit.DEGREE:
        size = (size or 0.0) / 15.0
    lasting = min(observation.span.duration_s, 2.0) / 2.0
    spoken = 0.4 if any("speech" in caveat for caveat in observation.caveats) else 1.0
    return abs(size or 0.0) * (0.3 + observation.reliability) * (0.5 + lasting) * spoken


def _joined(person: str | None, rows: list[_Row], n_dropped: int) -> Timeline:
    lines, at = [], 0
    for row in rows:
        lines.append(TimelineLine(row.obs_id, row.span, at, at + len(row.text)))
        at += len(row.text) + 1
    text = "\n".join(row.text for row in rows)
    return Timeline(person, text, tuple(lines), n_dropped, n_tokens(text))
