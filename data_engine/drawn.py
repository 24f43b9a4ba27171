"""Rows about clips that nobody filmed: movements drawn by a seed, written up by the offline
teacher. They are for trials of tuning, and for prompts that two models are compared on; whoever
learns from them learns the form of a reply and nothing about people.
"""

import hashlib
import json
import random
from collections.abc import Iterator

import demeanor.explain
from demeanor.data_engine import grammar
from demeanor.data_engine.records import ExpCoTExample, Origin, Task, example_id
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.reasoning.chain import messages_of
from demeanor.explain.reasoning.chat import Message, Request
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import parse
from demeanor.explain.reasoning.weigh import label_scores, read_signs
from demeanor.explain.records import (
    Channel,
    Clip,
    Kind,
    Measurement,
    NotMeasured,
    Observation,
    Person,
    Provenance,
    Source,
    SourceKind,
    Span,
    Unit,
)
from demeanor.explain.settings import load_settings
from demeanor.explain.textualization.timeline import timeline

NAME, LABELS = "drawn", "rafdb7"
SUBJECTS = 24
_SPAN = Span(0.0, 8.0)
_SOURCE = Source(SourceKind.MACHINE, NAME, "1")
_PATTERNS = (  # some of those that the prototype's table lists, and two of nothing much
    (6, 12),
    (1, 4, 15),
    (4, 5, 7, 24),
    (1, 2, 5, 26),
    (9, 10, 17),
    (1, 2, 4, 20),
    (18, 43),
    (53,),
)
_GAPS = (
    NotMeasured("voice", "the clip has no sound"),
    NotMeasured("words", "the clip has no sound"),
)


def drawn_rows(n: int, seed: int = 0) -> Iterator[ExpCoTExample]:
    """`n` rows of up to `SUBJECTS` made-up subjects; the same seed gives the same rows."""
    for number in range(n):
        yield _row(number, seed)


def drawn_prompts(n: int, seed: int = 0) -> list[tuple[Message, ...]]:
    """What a model is asked about drawn clips: no answer is in it, and nobody's data."""
    return [messages_of(_request(number, seed)) for number in range(n)]


def _row(number: int, seed: int) -> ExpCoTExample:
    request = _request(number, seed)
    reading = read_signs(request)
    scores = label_scores(reading, request.label_set)
    label = max(scores, key=lambda name: scores[name])
    answer = json.dumps(grammar.write(request, reading, label, seed), ensure_ascii=False)
    evidence = ground(parse(answer, request.label_set), request.observations, _GAPS, "p1")
    path = f"{NAME}/{number}"
    return ExpCoTExample(
        example_id=example_id(request.clip_id, path, Task.EXP_COT),
        clip_id=request.clip_id,
        task=Task.EXP_COT,
        messages=(*messages_of(request), Message("assistant", answer)),
        labels=(label,),
        label_set=LABELS,
        observations=request.observations,
        not_measured=_GAPS,
        evidence=evidence,
        checks=(),
        provenance=_provenance(seed),
        origin=Origin(NAME, str(number), path, "Apache-2.0", f"{NAME}-{number % SUBJECTS}"),
        extra={"person": "p1"},
    )


def _provenance(seed: int) -> Provenance:
    labels = {"labels": list(label_set(LABELS).labels)}
    version = demeanor.explain.__version__
    return Provenance("prototype with a varied grammar 1", None, None, seed, labels, version)


def _request(number: int, seed: int) -> Request:
    observations = _observations(random.Random(f"{seed} {number}"))  # noqa: S311 no secrets
    clip_id = hashlib.sha256(f"{NAME} {seed} {number}".encode()).hexdigest()[:16]
    clip = Clip(clip_id, clip_id, _SPAN, None, _SPAN.duration_s, 25.0, None)  # type: ignore[arg-type]
    person = Person("p1", (_SPAN,), 200, 90.0, (0.2, 0.2, 0.8, 0.8), 2.0)
    measured = Measurement(clip, (person,), (), (), (), (), _GAPS, {})
    text = timeline(measured, observations, "p1", load_settings().timeline)
    return Request(
        clip_id, "p1", text, observations, _GAPS, label_set(LABELS), max_tokens=900, seed=seed
    )


def _observations(draw: random.Random) -> tuple[Observation, ...]:
    codes = list(draw.choice(_PATTERNS))
    codes += draw.sample([c for c in (2, 7, 14, 17, 25) if c not in codes], draw.randint(0, 2))
    starts = sorted(round(draw.uniform(0.2, 6.0), 1) for _ in codes)
    return tuple(
        _observation(f"f{n}", code, start_s, draw)
        for n, (code, start_s) in enumerate(zip(codes, starts, strict=True), start=1)
    )


def _observation(obs_id: str, code: int, start_s: float, draw: random.Random) -> Observation:
    is_turn = code > 50
    peak = round(draw.uniform(11.0, 30.0) if is_turn else draw.uniform(1.6, 4.8), 1)
    end_s = round(min(_SPAN.end_s, start_s + draw.uniform(0.4, 2.0)), 1)
    return Observation(
        obs_id=obs_id,
        person="p1",
        channel=Channel.FACE,
        code=f"AU{code}",
        side=None,
        kind=Kind.EVENT,
        span=Span(start_s, end_s),
        apex_s=round((start_s + end_s) / 2, 2),
        peak=peak,
        unit=Unit.DEGREE if is_turn else Unit.FACS_INTENSITY,
        change_from_usual=peak,
        change_from_population=None if is_turn else peak,
        reliability=round(draw.uniform(0.5, 0.95), 2),
        caveats=(),
        source=_SOURCE,
    )
