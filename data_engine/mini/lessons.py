"""What demeanor-mini learns from: one situation each, and several things asked about it.

Situations are drawn clips, pictures of the training folds as they were measured, and comments
that people wrote. Each question is answered as if it were the only one, so that the questions of
one situation can share its text. Wordings are few: a small model learns what to say, not how to
vary it.
"""

import random
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from typing import Any

from demeanor.data_engine.mini.elsewhere import elsewhere
from demeanor.data_engine.mini.pictures import CLASSES
from demeanor.data_engine.mini.writing import brief, practising, reciting, speech_of, worth_reciting
from demeanor.data_engine.simulate.clips import WEIGHTS, Scenario, draw_clip
from demeanor.data_engine.simulate.labelling import drawn_set, open_labels, scores
from demeanor.data_engine.simulate.posterior import Weighed
from demeanor.data_engine.tasks import Case, carrying, case_of, drawn_question
from demeanor.data_engine.words import COARSE_OF
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import known_label_sets, label_set
from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.short_form import (
    NONE,
    as_text,
    ask,
    ask_label,
    ask_open,
    ask_reasons,
    of_words,
    renamed,
    short_form,
    shown_of,
    with_names,
)
from demeanor.explain.reasoning.signs import unmeasured_codes
from demeanor.explain.records import Channel, LabelSet, NotMeasured, Observation, Timeline
from demeanor.explain.settings import TimelineSettings

Say = Callable[[str, random.Random], tuple[str, str] | None]
_MAX_ANSWER_CHARS = 260  # longer ones are lists; the page looks those up
_SETTINGS = TimelineSettings(max_tokens=1500)
_SCENARIOS = {  # pictures come from people as well; most real clips are lively
    **WEIGHTS,
    Scenario.PICTURE: 0.12,
    Scenario.LIVELY: 0.5,
}
_WHY_NOT = re.compile(r"(?<=absent) \(.*\)|(?<=not measured) \(.*\)")  # reasons are not shown
_SPOKEN = re.compile('"[^"]*"')  # shown in small letters
_N_RECITED = 2  # observations that are to be found again
_N_PRACTISED, _N_FIRST = 5, 3  # patterns that are looked for; in a few lines
_FEW = (2, 7)  # lines of a situation that is nothing else
_NO_GAPS, _BARE = 0.4, 0.6  # of drawn clips
_SWAPPED = 0.5
_ELSEWHERE = 0.6  # of drawn pictures: once more, as another program has it
_INSTEAD = {"AU10": "AU11", "AU17": "AU16", "AU18": "AU22", "AU24": "AU23"}  # only others see them
_OF_CLASSES, _OF_SEVEN = 0.4, 0.7
_LABEL_FIRST = 0.75
_OF_A_SET = 4  # labels of each set that is asked for, by their shares
_TURNED, _LEAST = 0.25, 0.04
_THINNED, _LEFT_OUT = 0.7, 0.3  # of comments; of their words, at most
_DRAWN = 3  # labels by the shares of a comment's words, beside its raters' own
_ORDERS = 3  # that a picture is asked for its class in
_EARLY = 0.12  # of comments, so that what words lean to is not forgotten meanwhile


@dataclass(frozen=True, slots=True)
class Lesson:
    shown: str
    asked: tuple[tuple[str, str], ...]  # question with its control tokens, and the reply
    first: bool = False  # read before the others: to find lines again, and some comments

    def as_plain(self) -> dict[str, Any]:
        asked = [list(pair) for pair in self.asked]
        return {"shown": self.shown, "asked": asked, "first": self.first}


def read_lesson(plain: Mapping[str, Any]) -> Lesson:
    asked = tuple((question, reply) for question, reply in plain["asked"])
    return Lesson(plain["shown"], asked, plain["first"])


def drawn_lessons(seed: int, number: int, say: Say) -> Iterator[Lesson]:
    """The clip of this number, and often the same clip with something taken away."""
    draw = random.Random(f"{seed} mini {number}")  # noqa: S311 drawn with a seed
    case = case_of(draw_clip(seed, number, _SCENARIOS, say), _SETTINGS)
    if draw.random() < _NO_GAPS and case.seen.person is not None:
        case = case.without_gaps(_INSTEAD if draw.random() < _SWAPPED else {})
    if (few := _few(case, draw)) is not None:
        yield few
    yield _lesson(case, draw)
    if draw.random() < _BARE:
        yield _lesson(_bare(case, draw), draw)
    if draw.random() < 0.4:
        yield _lesson(_less(case, draw), draw)
    if case.clip.truth.scenario is Scenario.PICTURE and draw.random() < _ELSEWHERE:
        yield _lesson(_elsewhere(case, draw), draw)


def _elsewhere(case: Case, draw: random.Random) -> Case:
    """What is taught of it stays as it was."""
    told = case.with_seen(*elsewhere(case.seen.observations, case.seen.not_measured, draw))
    return replace(told, weighed=with_shares(told.weighed, case.weighed.shares))


def _bare(case: Case, draw: random.Random) -> Case:
    """What carries its reading, and little beside it: as in a timeline that somebody wrote."""
    ids = [o.obs_id for o in case.seen.observations]
    kept = {*carrying(case), *draw.sample(ids, min(draw.randint(0, 3), len(ids)))}
    return case.without([obs_id for obs_id in ids if obs_id not in kept])


def _less(case: Case, draw: random.Random) -> Case:
    """Without what carries its reading, without a channel, or with nothing at all."""
    if draw.random() < 0.5 and (taken := carrying(case)):
        return case.without(taken)
    if draw.random() < 0.2:
        for channel in Channel:
            case = case.lacking(channel)
        return case
    there = [c for c in Channel if any(o.channel is c for o in case.seen.observations)]
    return case.lacking(draw.choice(there or list(Channel)))


def _lesson(whole: Case, draw: random.Random) -> Lesson:
    """What gets no line in the short form is not spoken of either."""
    shown = {o.obs_id for o in shown_of(whole.seen.person, whole.seen.observations)}
    hidden = [o.obs_id for o in whole.seen.observations if o.obs_id not in shown]
    case = whole.without(hidden) if hidden else whole
    seen = whole.seen
    asked = list(_about(case.request, case.weighed, draw))
    found = drawn_question(case, draw)
    if found is not None and len(found.answer) <= _MAX_ANSWER_CHARS:
        answer = _SPOKEN.sub(lambda said: said[0].lower(), _WHY_NOT.sub("", found.answer))
        asked.append((ask(found.question), answer))
    asked += list(_recited(case.seen.observations, draw))
    asked += _practised(case.seen.observations, seen.not_measured, draw, _N_PRACTISED)
    return _numbered(seen.person, seen.observations, seen.not_measured, asked)


def _numbered(
    person: str | None,
    observations: Sequence[Observation],
    gaps: Sequence[NotMeasured],
    asked: Iterable[tuple[str, str]],
    first: bool = False,
) -> Lesson:
    """Under the ids that demeanor-mini is shown."""
    under, names = renamed(person, observations)
    mine = {own: name for name, own in names.items()}
    told = tuple((with_names(q, mine), with_names(reply, mine)) for q, reply in asked)
    return Lesson(short_form(person, under, gaps), told, first)


def _few(case: Case, draw: random.Random) -> Lesson | None:
    """A few lines of a clip, each to be found again by its id, and units by their names."""
    worth = worth_reciting(case.seen.observations)
    if not worth:
        return None
    kept = draw.sample(worth, min(draw.randint(*_FEW), len(worth)))
    asked = [*_recited(kept, draw, len(kept)), *_practised(kept, (), draw, _N_FIRST)]
    return _numbered(case.seen.person, kept, (), asked, first=True)


def _recited(
    observations: Sequence[Observation], draw: random.Random, n: int = _N_RECITED
) -> Iterator[tuple[str, str]]:
    speech, worth = speech_of(observations), worth_reciting(observations)
    for observation in draw.sample(worth, min(n, len(worth))):
        question, answer = reciting(observation, speech)
        yield ask(question), answer


def _practised(
    observations: Sequence[Observation], gaps: Sequence[NotMeasured], draw: random.Random, n: int
) -> list[tuple[str, str]]:
    if not any(o.channel is Channel.FACE for o in observations):
        return []
    unmeasured = unmeasured_codes(gaps)
    pairs = (practising(observations, unmeasured, draw) for _ in range(n))
    return [(ask(question), answer) for question, answer in pairs]


def _about(
    request: Callable[[LabelSet], Request], weighed: Weighed, draw: random.Random
) -> Iterator[tuple[str, str]]:
    """Reasons with their labels, labels alone of two sets, and labels in words of one's own."""
    labels = drawn_set(draw)
    yield _explained(request, weighed, labels, draw)
    if weighed.abstains:
        yield ask_label(shown_set(labels)), NONE
        return
    yield from _labelled(weighed, (drawn_set(draw), drawn_set(draw)), draw)


def _explained(
    request: Callable[[LabelSet], Request],
    weighed: Weighed,
    labels: LabelSet,
    draw: random.Random,
) -> tuple[str, str]:
    """Mostly reasons for a label that was found before, sometimes reasons that find one."""
    known = not weighed.abstains and draw.random() < _LABEL_FIRST
    if known and draw.random() < _TURNED:
        weighed = _turned(weighed, draw)
    reply = brief(request(labels), weighed)
    reading = (reply["best_fit"], reply["confidence"]) if known else None
    return ask_reasons(shown_set(labels), reading), as_text(reply)


def _turned(weighed: Weighed, draw: random.Random) -> Weighed:
    """Read as what comes next: reasons are to go with the label that they are asked for."""
    first, *others = sorted(weighed.shares, key=lambda name: -weighed.shares[name])[:4]
    other = draw.choice([name for name in others if weighed.shares[name] >= _LEAST] or [first])
    turned = {first: weighed.shares[other], other: weighed.shares[first]}
    return with_shares(weighed, {**weighed.shares, **turned})


def _labelled(
    weighed: Weighed, sets: Iterable[LabelSet], draw: random.Random
) -> Iterator[tuple[str, str]]:
    """Labels of each set as often as their shares have it, so that doubt is learnt as well."""
    yield ask_open(), ", ".join(open_labels(weighed))
    for labels in sets:
        found = scores(weighed, labels)
        if any(found[name] > 0 for name in labels.labels):
            for label in _by_shares(labels.labels, found, draw, _OF_A_SET):
                yield ask_label(shown_set(labels)), label


def _by_shares(
    names: Sequence[str], shares: Mapping[str, float], draw: random.Random, n: int
) -> list[str]:
    """n of them, each as often as its share has it, to within one (systematic sampling)."""
    bounds = list(accumulate(shares[name] for name in names))
    start = draw.random()
    points = (bounds[-1] * (start + k) / n for k in range(n))
    return [names[min(bisect(bounds, point), len(names) - 1)] for point in points]


# Pictures -------------------------------------------------------------------------------------


def picture_lesson(
    observations: Sequence[Observation],
    gaps: Sequence[NotMeasured],
    weighed: Weighed,
    draw: random.Random,
    with_reasons: bool = True,
) -> Lesson:
    """A picture of somebody; `weighed` holds the shares that are to be learnt. Asked for the
    classes that people were shown, in any order, and for drawn sets."""

    def request(labels: LabelSet) -> Request:
        text = Timeline("p1", "", (), 0, 0)
        return Request("", "p1", text, tuple(observations), tuple(gaps), labels, 0, 0)

    sets = (*(_classes(draw) for _ in range(_ORDERS)), drawn_set(draw))
    asked = list(_labelled(weighed, sets, draw))
    if with_reasons:
        labels = _classes(draw) if draw.random() < _OF_CLASSES else drawn_set(draw)
        asked = [_explained(request, weighed, labels, draw), *asked, *_recited(observations, draw)]
        asked += _practised(observations, gaps, draw, 1)
    return _numbered("p1", observations, gaps, asked)


def _classes(draw: random.Random) -> LabelSet:
    names = tuple(draw.sample(CLASSES, len(CLASSES)) if draw.random() < 0.5 else CLASSES)
    return LabelSet("classes", names, {name: name for name in names}, "of labelled pictures")


# Words ----------------------------------------------------------------------------------------


def word_lesson(
    item: Item, weigh: Callable[[str], Mapping[str, float]], draw: random.Random
) -> Lesson:
    """A comment with its raters' labels and with labels drawn by the shares that `weigh` tells of
    its words: of all 28, and of seven or of a few. Mostly some of its words are left out: comments
    are read many times, and are not to be known by heart."""
    text = _thinned(item.text or "", draw)
    shares = weigh(text)
    fine = list(item.gold)
    draw.shuffle(fine)

    every = ask_label(["goemotions28"])
    drawn = _by_shares(list(COARSE_OF), shares, draw, _DRAWN)
    asked = [(every, label) for label in (", ".join(fine), *drawn)]
    if draw.random() < _OF_SEVEN:
        seven = ask_label(["ekman7"])
        asked.append((seven, ", ".join(dict.fromkeys(COARSE_OF[name] for name in fine))))
        asked += [(seven, COARSE_OF[label]) for label in drawn]
    else:
        others = [name for name in COARSE_OF if name not in fine]
        names = [*fine, *draw.sample(others, draw.randint(2, 9))]
        draw.shuffle(names)
        drawn = _by_shares(names, shares, draw, _DRAWN)
        asked += [(ask_label(names), label) for label in (", ".join(fine), *drawn)]
    return Lesson(of_words(text), tuple(asked), draw.random() < _EARLY)


def _thinned(text: str, draw: random.Random) -> str:
    left_out = draw.uniform(0.0, _LEFT_OUT) if draw.random() < _THINNED else 0.0
    words = text.split()
    return " ".join([word for word in words if draw.random() >= left_out] or words)


# Sets -----------------------------------------------------------------------------------------


def shown_set(labels: LabelSet) -> tuple[str, ...]:
    """A set that the model knows by name is named, any other is spelled out."""
    return (labels.name,) if known_sets().get(labels.name) == labels.labels else labels.labels


@cache
def known_sets() -> Mapping[str, tuple[str, ...]]:
    found = {name: label_set(name).labels for name in known_label_sets()}
    return {**found, "ekman7": tuple(dict.fromkeys(COARSE_OF.values()))}


def with_shares(weighed: Weighed, shares: Mapping[str, float]) -> Weighed:
    """The same observations, with other shares of what they say, at every moment."""
    whole = {**dict.fromkeys(weighed.shares, 0.0), **shares}
    moments = tuple(replace(moment, shares=whole) for moment in weighed.moments)
    return replace(weighed, moments=moments, face=whole if weighed.face else {}, shares=whole)
