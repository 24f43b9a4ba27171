"""The three parts of a drawn clip hold up against the product's own reader."""

import json
import random

import pytest

from demeanor.data_engine.label_words import find_label_words
from demeanor.data_engine.simulate.accounts import account, missing_of, opposed, runner_up
from demeanor.data_engine.simulate.clips import draw_clip
from demeanor.data_engine.simulate.labelling import drawn_set
from demeanor.data_engine.tasks import case_of
from demeanor.explain.corpora.labels import COARSE
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import parse
from demeanor.explain.records import Grounding
from demeanor.explain.settings import load_settings

N = 150


@pytest.fixture(scope="module")
def told():
    """(case, label set, reply) of many clips."""
    settings, found = load_settings().timeline, []
    for number in range(N):
        case, draw = case_of(draw_clip(21, number), settings), random.Random(number)
        labels = drawn_set(draw)
        found.append((case, labels, account(case.request(labels), case.weighed, draw)))
    return found


def test_every_claim_is_grounded(told):
    for case, labels, reply in told:
        parts = parse(json.dumps(reply), labels)
        assert not parts.problems, (parts.problems, case.clip.number)
        seen = case.seen
        for evidence in ground(parts, seen.observations, seen.not_measured, seen.person):
            assert evidence.grounding is Grounding.GROUNDED, (evidence, case.clip.number)


def test_key_observations_name_no_emotion_quoted_speech_apart(told):
    for case, _, reply in told:
        for claim in reply["observations"]:
            assert not find_label_words(claim["text"], COARSE[:-1]).said, case.clip.number


def test_the_best_fit_is_the_likeliest_label_and_says_how_sure(told):
    for _, labels, reply in told:
        if reply["abstained"]:
            continue
        assert reply["best_fit"] in labels.labels
        assert all(a["confidence"] <= reply["confidence"] for a in reply["alternatives"])


def test_the_same_draw_gives_the_same_words_and_another_others(told):
    case, labels, _ = next(t for t in told if t[0].weighed.moments)
    request = case.request(labels)
    texts = {
        seed: json.dumps(account(request, case.weighed, random.Random(seed))) for seed in range(8)
    }
    assert texts[3] == json.dumps(account(request, case.weighed, random.Random(3)))
    assert len(set(texts.values())) > 6


def test_texts_vary_in_form(told):
    firsts = {reply["conclusion"]["text"].split(";")[0] for _, _, reply in told}
    assert len(firsts) > 60


def test_what_speaks_against_the_next_best_was_measured_and_not_seen(told):
    n = 0
    for case, _, _ in told:
        found = runner_up(case.weighed)
        if found is None:
            continue
        assert found.missing == missing_of(case.weighed, found.emotion)
        for code in found.missing:
            n += 1
            assert case.seen.why_not(code) is None
            assert code not in {o.code for o in case.seen.observations}
    assert n > 50


@pytest.mark.parametrize(
    ("one", "other", "is_opposed"),
    [
        ("happiness", "anger", True),
        ("sadly angry", "amusement", True),
        ("happiness", "pride", False),
        ("surprise", "anger", False),
        ("neutral", "anger", False),
    ],
)
def test_which_emotions_oppose_each_other(one, other, is_opposed):
    assert opposed(one, other) is is_opposed
