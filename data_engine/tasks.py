"""Rows of every task about one drawn clip, or two: what is asked, and the answer that holds.

Nothing is answered from what was drawn: shares come from the observations (posterior.py), facts
from looking them up (queries.py). Take an observation away, and both follow.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

import yaml

import demeanor.explain
from demeanor.data_engine import queries
from demeanor.data_engine.queries import Asked, Seen
from demeanor.data_engine.records import ExpCoTExample, Origin, Task, example_id
from demeanor.data_engine.simulate.accounts import account, opposed, runner_up, support
from demeanor.data_engine.simulate.clips import DrawnClip
from demeanor.data_engine.simulate.labelling import drawn_set, open_labels, scores
from demeanor.data_engine.simulate.posterior import Weighed, asked_units, weigh
from demeanor.data_engine.simulate.tables import NEUTRAL, coarse_names, patterns
from demeanor.explain.reasoning.chain import behind_bars, messages_of
from demeanor.explain.reasoning.chat import Message, Request
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import parse
from demeanor.explain.records import (
    Channel,
    Evidence,
    LabelSet,
    Measurement,
    NotMeasured,
    Observation,
    Provenance,
    Timeline,
)
from demeanor.explain.settings import TimelineSettings
from demeanor.explain.textualization.observations import observe
from demeanor.explain.textualization.timeline import timeline
from demeanor.prompts import Prompt, load_prompt

CORPUS = "simulated"
NOTES = ("drawn from published tables; nobody was filmed",)
_MAX_TOKENS = 1200
_CHAT_SHARE = 0.25  # of follow-up questions that are asked after an explanation; ours
_TELLING = 0.05  # a share that falls by this when an observation is left out; ours
_NOBODY = "nobody in particular; voice and words only"
_NO_PICTURE = NotMeasured("face", "the clip has no picture")
_NO_SOUND = NotMeasured("voice", "the video has no sound")
_UNHEARD = NotMeasured("words", "the clip has no sound")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A drawn clip with what may be read of it: the same for every task about it."""

    clip: DrawnClip
    seen: Seen
    weighed: Weighed
    text: Timeline
    meant: Mapping[str, str]
    backend: str
    settings: TimelineSettings

    @property
    def clip_id(self) -> str:
        return self.clip.measurement.clip.clip_id

    def request(self, labels: LabelSet) -> Request:
        return Request(
            self.clip_id,
            self.seen.person,
            self.text,
            self.seen.observations,
            self.seen.not_measured,
            labels,
            _MAX_TOKENS,
            0,
        )

    def with_seen(self, observations: Sequence[Observation], gaps: Sequence[NotMeasured]) -> "Case":
        """The same clip, had this been observed of it. Ids are never renumbered."""
        return _case(self.clip, observations, gaps, self.meant, self.settings)

    def without(self, ids: Sequence[str]) -> "Case":
        """The same clip, had these not been observed."""
        kept = tuple(o for o in self.seen.observations if o.obs_id not in ids)
        return self.with_seen(kept, self.seen.not_measured)

    def without_gaps(self, instead: Mapping[str, str]) -> "Case":
        """The same clip as another program might have measured it: it tells of nothing that is
        missing, and sees some units in place of others."""
        seen = [replace(o, code=instead.get(o.code, o.code)) for o in self.seen.observations]
        return self.with_seen(seen, ())

    def lacking(self, channel: Channel) -> "Case":
        """The same clip, had this channel not been measured; the timeline says so."""
        observations = [o for o in self.seen.observations if o.channel is not channel]
        gaps = [g for g in self.seen.not_measured if not _is_of(g, channel)]
        measurement = self.clip.measurement
        if channel is Channel.FACE:
            measurement = replace(measurement, people=())
            observations = [replace(o, person=None) for o in observations]
            gaps.append(_NO_PICTURE)
        else:
            gaps.append(_NO_SOUND if channel is Channel.VOICE else _UNHEARD)
        clip = replace(self.clip, measurement=measurement)
        return _case(clip, observations, gaps, self.meant, self.settings)


def case_of(clip: DrawnClip, settings: TimelineSettings) -> Case:
    """What the front end's own textualization makes of a drawn clip, and what it says."""
    measurement = clip.measurement
    observations = observe(measurement)
    spoken = [o for o in observations if o.channel is Channel.SPEECH]
    words = clip.truth.words
    meant = {o.obs_id: e for o, e in zip(spoken, words, strict=True)} if spoken else {}
    person = measurement.people[0].person if measurement.people else None
    own = [o for o in observations if o.person in (person, None)]
    gaps = [g for g in measurement.not_measured if g.person in (person, None)]
    return _case(clip, own, gaps, meant, settings)


def _case(
    clip: DrawnClip,
    observations: Sequence[Observation],
    gaps: Sequence[NotMeasured],
    meant: Mapping[str, str],
    settings: TimelineSettings,
) -> Case:
    measurement: Measurement = replace(clip.measurement, not_measured=tuple(gaps))
    person = measurement.people[0].person if measurement.people else None
    backend = measurement.settings["face_backend"]["name"]
    text = timeline(measurement, observations, person, settings)
    told = {line.obs_id for line in text.lines}
    kept = tuple(o for o in observations if o.obs_id in told)  # what the budget left
    words = {k: e for k, e in meant.items() if k in told}
    weighed = weigh(kept, gaps, person, words, backend)
    seen = Seen(kept, tuple(gaps), person, measurement.clip.duration_s)
    return Case(clip, seen, weighed, text, words, backend, settings)


def _is_of(gap: NotMeasured, channel: Channel) -> bool:
    if channel is Channel.FACE:
        return gap.person is not None or "AU" in gap.what or gap.what.startswith("micro")
    return gap.what == ("voice" if channel is Channel.VOICE else "words")


# --- rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes rows; holds what all rows of a run share."""

    seed: int
    key: str  # of the run's configuration
    weights: Mapping[Task, float]
    check: bool = True  # hold every claim against `ground`; False: rows carry no evidence

    def row(
        self,
        case: Case,
        task: Task,
        messages: Sequence[Message],
        labels: Sequence[str],
        label_set: LabelSet | None,
        number: int = 0,
        observations: Sequence[Observation] | None = None,
        extra: Mapping[str, Any] | None = None,
        related: Sequence[str] = (),
        evidence: Sequence[Evidence] = (),
    ) -> ExpCoTExample:
        clip = case.clip
        path = f"{clip.measurement.clip.path.as_posix()}"
        settings: dict[str, Any] = {"build": self.key}
        if label_set is not None:
            settings["labels"] = list(label_set.labels)
        return ExpCoTExample(
            example_id=example_id(case.clip_id, path, task, number),
            clip_id=case.clip_id,
            task=task,
            messages=tuple(messages),
            labels=tuple(labels),
            label_set=label_set.name if label_set else None,
            observations=tuple(observations or case.seen.observations),
            not_measured=case.seen.not_measured,
            evidence=tuple(evidence),
            checks=(),
            provenance=Provenance(
                "drawn account 1",
                None,
                _digest(task),
                self.seed,
                settings,
                demeanor.explain.__version__,
                NOTES,
            ),
            origin=Origin(CORPUS, str(clip.number), path, "Apache-2.0", clip.subject),
            weight=self.weights.get(task, 1.0),
            related=tuple(related),
            extra={"person": case.seen.person, "scenario": clip.truth.scenario, **(extra or {})},
        )


_PROMPTS = {
    Task.LABEL: "label_first",
    Task.OPEN_LABELS: "open_labels",
    Task.FOLLOW_UP: "follow_up",
    Task.CONFLICT: "follow_up",
    Task.COMPARE: "compare_clips",
    Task.WORDS: "words",
}


@cache
def _prompt(name: str) -> Prompt:
    return load_prompt(name)


@cache
def _digest(task: Task) -> str:
    names = ("system", _PROMPTS.get(task, "explain"))
    return hashlib.sha256("\0".join(_prompt(n).sha256 for n in names).encode()).hexdigest()


def explained(
    maker: Maker,
    case: Case,
    draw: random.Random,
    task: Task = Task.EXP_COT,
    number: int = 0,
    labels: LabelSet | None = None,
    related: Sequence[str] = (),
    extra: Mapping[str, Any] | None = None,
) -> ExpCoTExample:
    """The product's own question, answered in its own form."""
    labels = labels or drawn_set(draw)
    request = case.request(labels)
    reply = account(request, case.weighed, draw)
    answer = json.dumps(reply, ensure_ascii=False)
    parts = parse(answer, labels)
    evidence = (
        ground(parts, case.seen.observations, case.seen.not_measured, case.seen.person)
        if maker.check
        else ()
    )
    return maker.row(
        case,
        task,
        (*messages_of(request), Message("assistant", answer)),
        (parts.best_fit,) if parts.best_fit else (),
        labels,
        number,
        related=related,
        extra=extra,
        evidence=evidence,
    )


def labelled(maker: Maker, case: Case, draw: random.Random, number: int = 0) -> ExpCoTExample:
    """The label alone, without reasons."""
    labels = drawn_set(draw)
    best: str | None = None
    words: tuple[str, ...] = ()
    if not case.weighed.abstains:
        found = scores(case.weighed, labels)
        best = max(labels.labels, key=lambda name: found[name])
        words = open_labels(case.weighed)
    asked = _prompt("label_first").fill(
        person=case.seen.person or _NOBODY,
        timeline=behind_bars(case.text.text),
        label_set=labels.name,
        labels=", ".join(labels.labels),
    )
    answer = json.dumps({"labels": list(words), "best_fit": best}, ensure_ascii=False)
    gold = (best,) if best else ()
    return maker.row(case, Task.LABEL, _talk(asked, answer), gold, labels, number)


def open_set(maker: Maker, case: Case, draw: random.Random, number: int = 0) -> ExpCoTExample:
    words = () if case.weighed.abstains else open_labels(case.weighed)
    asked = _prompt("open_labels").fill(
        person=case.seen.person or _NOBODY, timeline=behind_bars(case.text.text)
    )
    answer = json.dumps({"labels": list(words)}, ensure_ascii=False)
    return maker.row(case, Task.OPEN_LABELS, _talk(asked, answer), words, None, number)


def abstaining(maker: Maker, case: Case, draw: random.Random, number: int = 0) -> ExpCoTExample:
    """Nothing to reason from: the clip, had no channel been measured."""
    bare = case
    for channel in Channel:
        bare = bare.lacking(channel)
    return explained(maker, bare, draw, Task.ABSTAIN, number)


def missing(maker: Maker, case: Case, draw: random.Random, number: int = 0) -> ExpCoTExample:
    """A channel taken away and declared so."""
    there = [c for c in Channel if any(o.channel is c for o in case.seen.observations)]
    if not there:
        return abstaining(maker, case, draw, number)
    channel = draw.choice(there)
    less = case.lacking(channel)
    return explained(maker, less, draw, Task.MISSING, number, extra={"taken": channel.value})


def counterfactual(
    maker: Maker, case: Case, draw: random.Random, number: int = 0
) -> Iterator[ExpCoTExample]:
    """A pair: the clip, and the same clip without what carried its reading. None where no single
    group of observations carries it."""
    taken = carrying(case)
    if not taken:
        return
    labels = drawn_set(draw)
    path = case.clip.measurement.clip.path.as_posix()
    ids = [example_id(case.clip_id, path, Task.COUNTERFACTUAL, number + k) for k in (0, 1)]
    yield explained(maker, case, draw, Task.COUNTERFACTUAL, number, labels, ids[1:])
    less = case.without(taken)
    told = {"removed": list(taken)}
    yield explained(maker, less, draw, Task.COUNTERFACTUAL, number + 1, labels, ids[:1], extra=told)


def carrying(case: Case, most: int = 3) -> tuple[str, ...]:
    """The fewest observations, at most `most`, without which another emotion fits best."""
    if case.weighed.abstains or case.weighed.emotion == NEUTRAL:
        return ()
    top, taken, now = case.weighed.emotion, [], case
    for _ in range(most):
        ranked = _by_weight(now, top)
        if not ranked:
            return ()
        taken.append(ranked[0][1])
        now = now.without(taken[-1:])
        if now.weighed.emotion != top:
            return tuple(taken)
    return ()


def _by_weight(case: Case, emotion: str) -> list[tuple[float, str]]:
    """Observations that support an emotion, by the share that is left without each: least first."""
    rest = []
    for o in support(case.weighed, emotion)[:8]:
        kept = tuple(x for x in case.seen.observations if x.obs_id != o.obs_id)
        words = {k: e for k, e in case.meant.items() if k != o.obs_id}
        left = weigh(kept, case.seen.not_measured, case.seen.person, words, case.backend)
        rest.append((left.shares[emotion], o.obs_id))
    return sorted(rest)


# --- follow-up questions -------------------------------------------------------------------------


def followed_up(
    maker: Maker, case: Case, draw: random.Random, number: int = 0
) -> ExpCoTExample | None:
    """A question about the clip, with the answer that its observations give."""
    asked = drawn_question(case, draw)
    return None if asked is None else _asked_row(maker, case, Task.FOLLOW_UP, asked, draw, number)


def drawn_question(case: Case, draw: random.Random) -> Asked | None:
    """About what was seen, heard or said; about a third of them about what that says."""
    if draw.random() < 0.35 and not case.weighed.abstains:
        return draw.choice(_ABOUT_READING)(case, draw)
    return queries.drawn_question(case.seen, draw)


def _asked_row(
    maker: Maker, case: Case, task: Task, asked: Asked, draw: random.Random, number: int
) -> ExpCoTExample:
    extra = {"question": asked.kind, "cites": list(asked.cites)}
    if task is Task.FOLLOW_UP and draw.random() < _CHAT_SHARE:
        labels = drawn_set(draw)
        request = case.request(labels)
        reply = json.dumps(account(request, case.weighed, draw), ensure_ascii=False)
        messages = (
            *messages_of(request),
            Message("assistant", reply),
            Message("user", asked.question),
            Message("assistant", asked.answer),
        )
        return maker.row(case, task, messages, (), labels, number, extra=extra)
    text = _prompt("follow_up").fill(
        person=case.seen.person or _NOBODY,
        timeline=behind_bars(case.text.text),
        question=asked.question,
    )
    return maker.row(case, task, _talk(text, asked.answer), (), None, number, extra=extra)


def _why_not(case: Case, draw: random.Random) -> Asked | None:
    """What speaks against a reading: units that are listed for it and were not observed."""
    shares, top = case.weighed.shares, case.weighed.emotion
    plain = ("happiness", "sadness", "anger", "fear", "surprise", "disgust")
    against = runner_up(case.weighed)
    emotion = against.emotion if against and draw.random() < 0.4 else draw.choice(plain)
    slots = {"emotion": emotion, "share": f"{shares[emotion]:.2f}", "top": top}
    slots["top_share"] = f"{shares[top]:.2f}"
    cites = _ids(support(case.weighed, emotion)[:6])
    if emotion == top or emotion in coarse_names().get(top, ()):
        slots["share"] = f"{shares[top]:.2f}"
        return _answer("why_not", "is_top", draw, {**slots, "emotion": top}, cites)
    present = {o.code for o in case.seen.observations}
    lacking = [c for c in asked_units(emotion) if c not in present and case.seen.why_not(c) is None]
    if not lacking or not case.weighed.face:
        return _answer("why_not", "weaker", draw, slots, cites)
    slots |= {"codes": _listed(lacking), "source": patterns()[emotion][0].source}
    return _answer("why_not", "missing", draw, slots, ())


def _why(case: Case, draw: random.Random) -> Asked | None:
    top = case.weighed.emotion
    if top == NEUTRAL:
        return None
    ranked = _by_weight(case, top)
    if not ranked:
        return None
    after, obs_id = ranked[0]
    before = case.weighed.shares[top]
    name = next(o.name for o in case.seen.observations if o.obs_id == obs_id)
    name = "what is said" if name == "words" else name
    slots = {"emotion": top, "before": f"{before:.2f}", "after": f"{after:.2f}", "name": name}
    if before - after < _TELLING:
        several = [i for _, i in ranked[:6]]
        return _answer("why", "spread", draw, slots, several)
    return _answer("why", "say", draw, slots, [obs_id])


def _without(case: Case, draw: random.Random) -> Asked | None:
    """The reading, had something not been observed: worked out anew."""
    taken = carrying(case) if draw.random() < 0.6 else ()
    movable = [o.obs_id for o in case.seen.observations if o.code != "AU45"]
    if not taken and movable:
        taken = tuple(sorted(draw.sample(movable, 1)))
    if not taken:
        return None
    less = case.without(taken).weighed
    before, after = case.weighed.emotion, less.emotion
    slots = {
        "id": _listed(taken),
        "ids": _listed(taken),
        "before_label": before,
        "after_label": after,
        "before": f"{case.weighed.shares[before]:.2f}",
        "after": f"{less.shares[after]:.2f}",
    }
    return _answer("without", "same" if before == after else "changed", draw, slots, taken)


def _sure(case: Case, draw: random.Random) -> Asked | None:
    first, second = sorted(case.weighed.shares.items(), key=lambda kv: (-kv[1], kv[0]))[:2]
    slots = {
        "first": first[0],
        "second": second[0],
        "p_first": f"{first[1]:.2f}",
        "p_second": f"{second[1]:.2f}",
    }
    return _answer("sure", "say", draw, slots, ())


_ABOUT_READING: tuple[Callable[[Case, random.Random], Asked | None], ...] = (
    _why_not,
    _why,
    _without,
    _without,
    _sure,
)


def _answer(
    kind: str, form: str, draw: random.Random, slots: Mapping[str, str], cites: Sequence[str]
) -> Asked:
    listed = f"[{', '.join(cites)}]" if cites else ""
    every = {**slots, "cite": listed, "cites": listed}
    question = queries.worded(kind, "ask", draw, every)
    answer = " ".join(queries.worded(kind, form, draw, every).split()).replace(" .", ".")
    return Asked(kind, question, answer, tuple(cites))


# --- channels that disagree, and two clips -------------------------------------------------------


@cache
def _wordings() -> dict[str, dict[str, list[str]]]:
    text = files("demeanor.data_engine").joinpath("tasks.yaml").read_text("utf-8")
    data: dict[str, dict[str, list[str]]] = yaml.safe_load(text)
    return data


def _worded(kind: str, name: str, draw: random.Random, slots: Mapping[str, str]) -> str:
    text = Template(draw.choice(_wordings()[kind][name])).substitute(slots)
    return " ".join(text.split()).replace(" .", ".").replace(" ,", ",").replace(" ;", ";")


def conflicting(
    maker: Maker, case: Case, draw: random.Random, number: int = 0
) -> ExpCoTExample | None:
    """Whether face and words agree; None where one of them says nothing."""
    said = [(o, e) for o, e in case.weighed.words if e != NEUTRAL]
    if not said or not case.weighed.face:
        return None
    face = max(case.weighed.face, key=lambda e: case.weighed.face[e])
    words = said[0][1]
    moments = [m for m in case.weighed.moments if m.is_expression and m.emotion == face]
    shown = [o for m in moments for o in m.shown]
    family = {face, *coarse_names().get(face, ())}
    if face == NEUTRAL:
        kind = "masked"
    elif family & {words, *coarse_names().get(words, ())} and shown:
        kind = "same"
    elif opposed(face, words) and shown:
        kind = "conflict"
    else:
        return None
    ids = [*_ids([o for o, _ in said]), *([] if kind == "masked" else _ids(shown))]
    slots = {
        "words": words,
        "face": face,
        "said": f"[{', '.join(_ids([o for o, _ in said]))}]",
        "shown": f"[{', '.join(_ids(shown))}]",
    }
    asked = Asked(
        "agree",
        _worded("agree", "ask", draw, slots),
        _worded("agree", kind, draw, slots),
        tuple(ids),
    )
    return _asked_row(maker, case, Task.CONFLICT, asked, draw, number)


def compared(
    maker: Maker, case: Case, other: Case, draw: random.Random, number: int = 0
) -> ExpCoTExample:
    """Two clips in one question. Ids of the second go on where those of the first end."""
    second = _renumbered(other, case)
    asked = draw.choice((_stronger, _which, _both))(case, second, draw)
    text = _prompt("compare_clips").fill(
        person_a=case.seen.person or _NOBODY,
        timeline_a=behind_bars(case.text.text),
        person_b=second.seen.person or _NOBODY,
        timeline_b=behind_bars(second.text.text),
        question=asked.question,
    )
    extra = {"question": asked.kind, "other_clip": second.clip_id, "cites": list(asked.cites)}
    both = (*case.seen.observations, *second.seen.observations)
    return maker.row(
        case,
        Task.COMPARE,
        _talk(text, asked.answer),
        (),
        None,
        number,
        observations=both,
        extra=extra,
    )


def _renumbered(case: Case, first: Case) -> Case:
    taken = {
        letter: max(
            (int(o.obs_id[1:]) for o in first.seen.observations if o.obs_id[0] == letter),
            default=0,
        )
        for letter in "fvs"
    }

    def new(obs_id: str) -> str:
        return f"{obs_id[0]}{int(obs_id[1:]) + taken[obs_id[0]]}"

    observations = [replace(o, obs_id=new(o.obs_id)) for o in case.seen.observations]
    meant = {new(k): e for k, e in case.meant.items()}
    return _case(case.clip, observations, case.seen.not_measured, meant, case.settings)


def _strongest_of(case: Case, code: str) -> Observation | None:
    found = [o for o in queries.expressions(case.seen) if o.code == code]
    return max(found, key=lambda o: o.peak or 0.0, default=None)


def _stronger(one: Case, other: Case, draw: random.Random) -> Asked:
    codes = sorted({o.code for c in (one, other) for o in queries.expressions(c.seen)})
    code = draw.choice(codes or ["AU12"])
    a, b = _strongest_of(one, code), _strongest_of(other, code)
    slots = {"name": code, "winner": "", "high": "", "low": "", "cites": ""}
    if a is None and b is None:
        return _compared("stronger", "none", draw, slots, ())
    if a is None or b is None:
        found = a or b
        assert found is not None  # noqa: S101 one of the two is there
        slots |= {"winner": "B" if a is None else "A", "high": f"{found.peak:.1f}"}
        return _compared("stronger", "one", draw, slots, (found.obs_id,))
    high, low = sorted((a, b), key=lambda o: -(o.peak or 0.0))
    slots |= {"winner": "A" if high is a else "B"}
    slots |= {"high": f"{high.peak:.1f}", "low": f"{low.peak:.1f}"}
    return _compared("stronger", "say", draw, slots, (high.obs_id, low.obs_id))


def _which(one: Case, other: Case, draw: random.Random) -> Asked:
    tops = [c.weighed.emotion for c in (one, other) if c.weighed.emotion != NEUTRAL]
    emotion = draw.choice(tops or ["happiness"])
    a, b = one.weighed.shares[emotion], other.weighed.shares[emotion]
    winner = one if a >= b else other
    slots = {
        "emotion": emotion,
        "winner": "A" if winner is one else "B",
        "high": f"{max(a, b):.2f}",
        "low": f"{min(a, b):.2f}",
    }
    if abs(a - b) < _TELLING:
        return _compared("which", "same", draw, slots, ())
    cites = _ids(support(winner.weighed, emotion)[:6])
    return _compared("which", "say", draw, slots, cites)


def _both(one: Case, other: Case, draw: random.Random) -> Asked:
    codes = [{o.code for o in queries.expressions(c.seen)} for c in (one, other)]
    shared = sorted(codes[0] & codes[1], key=lambda c: int(c.removeprefix("AU")))[:4]
    found = [_strongest_of(c, code) for code in shared for c in (one, other)]
    cites = [o.obs_id for o in found if o is not None]
    names = _listed(shared) if shared else ""
    return _compared("both", "say" if shared else "none", draw, {"names": names}, cites)


def _compared(
    kind: str, name: str, draw: random.Random, slots: Mapping[str, str], cites: Sequence[str]
) -> Asked:
    listed = f"[{', '.join(cites)}]" if cites else ""
    every = {**slots, "cites": listed}
    return Asked(
        kind, _worded(kind, "ask", draw, every), _worded(kind, name, draw, every), tuple(cites)
    )


# --- small things --------------------------------------------------------------------------------


def _talk(asked: str, answer: str) -> tuple[Message, ...]:
    return (
        Message("system", _prompt("system").fill()),
        Message("user", asked),
        Message("assistant", answer),
    )


def _ids(observations: Sequence[Observation]) -> list[str]:
    return list(dict.fromkeys(o.obs_id for o in observations))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
