"""Rows of every task: they pass the checks, and what is taken away is gone."""

import json
import random
import re

import pytest

from demeanor.data_engine import tasks
from demeanor.data_engine.check import run_checks
from demeanor.data_engine.records import Task, from_line, to_line
from demeanor.data_engine.simulate.clips import draw_clip
from demeanor.data_engine.tasks import Maker, case_of
from demeanor.explain.records import Channel
from demeanor.explain.settings import load_settings

N = 70
CITES = re.compile(r"\[((?:[fvs]\d+(?:, )?)+)\]")


@pytest.fixture(scope="module")
def maker():
    return Maker(0, "k", {})


@pytest.fixture(scope="module")
def cases():
    settings = load_settings().timeline
    return [case_of(draw_clip(31, number), settings) for number in range(N)]


@pytest.fixture(scope="module")
def rows(maker, cases):
    found = []
    for number, case in enumerate(cases):
        draw, other = random.Random(number), cases[(number + 1) % N]
        made = [
            tasks.explained(maker, case, draw),
            tasks.labelled(maker, case, draw),
            tasks.open_set(maker, case, draw),
            tasks.followed_up(maker, case, draw),
            tasks.conflicting(maker, case, draw),
            tasks.missing(maker, case, draw),
            tasks.compared(maker, case, other, draw),
            *tasks.counterfactual(maker, case, draw),
        ]
        if number % 10 == 0:
            made.append(tasks.abstaining(maker, case, draw))
        found += [row for row in made if row is not None]
    return found


@pytest.fixture(scope="module")
def checked(rows):
    return [(row, run_checks(row)) for row in rows]


def test_every_task_has_rows_and_none_fails_a_check(checked):
    assert {row.task for row, _ in checked} == set(Task) - {Task.WORDS}
    for row, results in checked:
        failed = [c for c in results if c.passed is False]
        assert not failed, (row.task, failed)


def test_no_clue_contains_a_label_or_a_word_that_means_the_same(checked):
    """Quoted speech apart, which is counted."""
    n_quoted = 0
    for row, results in checked:
        (blind,) = [c for c in results if c.name == "label-blind"]
        assert blind.passed, (row.task, blind.reason)
        n_quoted += blind.counts["label_words_quoted"]
    assert n_quoted > 0


def test_rows_survive_their_line_and_have_ids_of_their_own(rows):
    assert len({row.example_id for row in rows}) == len(rows)
    for row in rows[:40]:
        assert to_line(from_line(to_line(row))) == to_line(row)


def test_answers_cite_only_what_the_question_shows(rows):
    for row in rows:
        shown = {o.obs_id for o in row.observations}
        asked = "\n".join(m.content for m in row.messages[:-1])
        for group in CITES.findall(row.answer):
            for cite in group.split(", "):
                assert cite in shown, (row.task, row.answer)
                assert f"[{cite}]" in asked, (row.task, cite)


def test_the_same_draw_is_the_same_row(maker, cases):
    for make in (tasks.explained, tasks.labelled, tasks.followed_up):
        one, other = (make(maker, cases[4], random.Random(9)) for _ in range(2))
        assert one == other


def test_a_counterfactual_pair_changes_its_mind_and_names_what_was_taken(maker, cases):
    n = 0
    for case in cases:
        pair = list(tasks.counterfactual(maker, case, random.Random(0)))
        if not pair:
            continue
        n += 1
        whole, less = pair
        assert (whole.related, less.related) == ((less.example_id,), (whole.example_id,))
        taken = less.extra["removed"]
        assert {o.obs_id for o in whole.observations} - {o.obs_id for o in less.observations} == (
            set(taken)
        )
        assert not any(f"[{obs_id}]" in less.messages[1].content for obs_id in taken)
        top = [json.loads(row.answer)["labels"][0] for row in pair]
        assert top[0] != top[1]
    assert n > 10


def test_a_channel_that_is_taken_is_declared_and_not_claimed(maker, cases):
    for case in cases[:40]:
        row = tasks.missing(maker, case, random.Random(2))
        channel = Channel(row.extra.get("taken", "face"))
        assert not [o for o in row.observations if o.channel is channel]
        what = {"speech": "words"}.get(channel.value, channel.value)
        assert what in {g.what for g in row.not_measured}


def test_with_nothing_measured_the_answer_abstains(maker, cases):
    row = tasks.abstaining(maker, cases[0], random.Random(0))
    reply = json.loads(row.answer)
    assert reply["abstained"] and reply["labels"] == [] and row.labels == ()
    assert row.observations == ()


def test_ids_of_two_compared_clips_do_not_meet(maker, cases):
    row = tasks.compared(maker, cases[0], cases[1], random.Random(0))
    ids = [o.obs_id for o in row.observations]
    assert len(set(ids)) == len(ids)


def test_what_if_is_worked_out_anew(cases):
    """The answer's share is that of the clip without the observation."""
    n = 0
    for case in cases:
        asked = tasks._without(case, random.Random(3))
        if asked is None:
            continue
        less = case.without(asked.cites).weighed
        assert f"{less.shares[less.emotion]:.2f}" in asked.answer
        assert less.emotion in asked.answer
        n += 1
    assert n > 40


def test_agreement_is_told_from_conflict(maker, cases):
    kinds = set()
    for case in cases:
        row = tasks.conflicting(maker, case, random.Random(1))
        if row is not None:
            kinds.add(row.answer.split(" ")[0])
    assert len(kinds) >= 3
