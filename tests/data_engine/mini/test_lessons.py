"""What demeanor-mini learns from: every answer is one that the product's own checks would pass."""

import random
import re

import pytest
from drawn_observations import au

from demeanor.data_engine.mini.lessons import (
    drawn_lessons,
    picture_lesson,
    read_lesson,
    shown_set,
    with_shares,
    word_lesson,
)
from demeanor.data_engine.mini.pictures import CLASSES
from demeanor.data_engine.simulate import words as sentences
from demeanor.data_engine.simulate.posterior import weigh
from demeanor.data_engine.words import COARSE_OF
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.reasoning.claims import read_cites
from demeanor.explain.reasoning.parse import parse
from demeanor.explain.reasoning.short_form import ASK, BEST_FIT, SAY, ask_label
from demeanor.explain.records import LabelSet


@pytest.fixture(scope="module")
def lessons():
    return [x for n in range(60) for x in drawn_lessons(5, n, sentences.said)]


def explained(lesson):
    return [reply for question, reply in lesson.asked if question.startswith(f"{ASK}explain")]


def test_the_same_seed_draws_the_same_lessons(lessons):
    assert list(drawn_lessons(5, 3, sentences.said)) == list(drawn_lessons(5, 3, sentences.said))
    assert list(drawn_lessons(5, 3, sentences.said)) != list(drawn_lessons(6, 3, sentences.said))


def test_every_explanation_is_read_without_a_complaint(lessons):
    open_set = LabelSet("any", (), {}, "")
    replies = [reply for lesson in lessons for reply in explained(lesson)]
    assert len(replies) == len([x for x in lessons if not x.first])
    for reply in replies:
        found = parse(reply, open_set)
        rest = [p for p in found.problems if "not in" not in p]  # labels: the set is left open
        assert rest == []
        assert found.readable


def test_no_answer_cites_what_is_not_shown(lessons):
    for lesson in lessons:
        shown = set(read_cites(re.sub("“.*”", "", lesson.shown)))
        for _, reply in lesson.asked:
            assert set(read_cites(reply)) <= shown or "more" in lesson.shown.splitlines()[-1]


def test_the_first_lessons_only_ask_for_lines_again(lessons):
    """By their ids, and by the units that they show."""
    first = [x for x in lessons if x.first]
    assert len(first) > 40
    looked_for = []
    for lesson in first:
        lines = lesson.shown.splitlines()
        assert 1 <= len(lines) <= 7
        by_id = [reply for question, reply in lesson.asked if "What is " in question]
        by_unit = [reply for question, reply in lesson.asked if "What of " in question]
        assert len(by_id) == len(lines)
        assert len(by_id) + len(by_unit) == len(lesson.asked)
        for reply in by_id:
            head = reply.removesuffix(".").partition(": ")[0]
            assert any(line.startswith(head) for line in lines)
        looked_for += [
            (f"[{obs_id}] {unit} ", lesson.shown)
            for reply in by_unit
            for unit, obs_id in re.findall(r"(AU\d+) \[(f\d+)\]", reply)
        ]
    assert len(looked_for) > 40
    assert all(line in shown for line, shown in looked_for)


def test_what_a_pattern_cites_is_a_key_observation(lessons):
    """There a small model finds it again, however often the clip shows the same unit."""
    n_cited = 0
    for reply in (reply for lesson in lessons for reply in explained(lesson)):
        key, _, rest = reply.partition("Interpretation:")
        cited = re.findall(r"(AU\d+) \[(f\d+)\]", rest)
        n_cited += len(cited)
        for unit, obs_id in cited:
            assert re.search(rf"^- \[{obs_id}\] {unit}[LR]?\b", key, re.MULTILINE)
    assert n_cited > 100


def test_a_lesson_is_read_back_as_it_was_kept(lessons):
    assert [read_lesson(x.as_plain()) for x in lessons[:9]] == lessons[:9]


def test_some_lessons_take_everything_away_and_abstain(lessons):
    bare = [x for x in lessons if x.shown == "no face\nno voice\nno words"]
    assert bare
    assert all("Abstained: yes" in reply for x in bare for reply in explained(x))


def test_some_are_as_another_program_or_a_person_might_have_written_them(lessons):
    seen = [x for x in lessons if re.search(r"\] AU(11|16|22|23)\b", x.shown) and not x.first]
    assert any("no: " not in x.shown for x in seen)
    for lesson in lessons:
        told = re.search("^no: (.*)$", lesson.shown, re.MULTILINE)
        missing = set(told[1].split(", ")) if told else set()
        assert not missing & set(re.findall(r"\] (AU\d+)", lesson.shown))
    few = [x for x in lessons if not x.first and "no" not in x.shown and x.shown.count("\n") < 3]
    assert any("AU" in x.shown and explained(x) for x in few)


def test_reasons_go_with_the_label_that_they_are_asked_for():
    """Here: also where it is not the likeliest one."""
    seen = (au("f1", 4, 3.5, (0.0, 0.0)), au("f2", 7, 3.0, (0.0, 0.0)))
    shares = {"anger": 0.6, "sadness": 0.3, "neutral": 0.1}
    weighed = with_shares(weigh(seen, (), "p1", {}, "mesh"), shares)
    replies = [
        reply
        for n in range(200)
        for question, reply in picture_lesson(seen, (), weighed, random.Random(n)).asked
        if "explain: " in question and BEST_FIT in question and "classes" not in question
    ]
    turned = [reply for reply in replies if "\nLabels: sadness" in reply]
    assert 0.02 < len(turned) / len(replies) < 0.3
    assert all("Conclusion: [f1, f2] " in reply and "sadness" in reply for reply in turned)


def test_a_picture_is_taught_the_shares_that_it_is_given():
    seen = (au("f1", 12, 3.5, (0.0, 0.0)), au("f2", 6, 3.0, (0.0, 0.0)))
    weighed = with_shares(weigh(seen, (), "p1", {}, "mesh"), {"anger": 0.9, "neutral": 0.1})
    found = picture_lesson(seen, (), weighed, random.Random(0))
    assert found.shown == "[f1] AU12 D 3.5\n[f2] AU6 C 3.0"
    answers = dict(found.asked)
    assert answers[f"{ASK}labels{SAY}"] == "anger"
    of_seeds = [picture_lesson(seen, (), weighed, random.Random(n)) for n in range(40)]
    assert sum("\nLabels: anger" in explained(x)[0] for x in of_seeds) > 25
    told = []
    for seed in range(40):
        found = picture_lesson(seen, (), weighed, random.Random(seed), with_reasons=False)
        assert not explained(found)
        told += [answer for q, answer in found.asked if all(c in q for c in CLASSES)]
    assert set(told) == {"anger", "neutral"}
    assert told.count("neutral") < 0.12 * len(told)  # a tenth, drawn half of the time


def test_reasons_are_mostly_asked_for_with_a_label_that_they_then_give(lessons):
    asked = [pair for lesson in lessons for pair in lesson.asked if "explain: " in pair[0]]
    with_label = [(q, a) for q, a in asked if BEST_FIT in q]
    assert 0.5 < len(with_label) / len(asked) < 0.9
    for question, reply in with_label:
        told = question[question.index(BEST_FIT) :].removesuffix(SAY)
        assert told in reply
    bare = [
        reply for question, reply in asked if "Abstained: yes" in reply and BEST_FIT in question
    ]
    assert bare == []


def by_question(lesson):
    found = {}
    for question, reply in lesson.asked:
        found.setdefault(question, []).append(reply)
    return list(found), list(found.values())


def test_a_picture_is_asked_for_each_label_as_often_as_its_share_has_it():
    seen = [au("f1", 12, 3.4, (0.0, 0.0))]
    shares = {"happiness": 0.5, "neutral": 0.25, "anger": 0.25}
    weighed = with_shares(weigh(seen, (), "p1", {}, "mesh"), shares)
    lesson = picture_lesson(seen, (), weighed, random.Random(1), with_reasons=False)
    of_classes = [
        replies
        for question, replies in zip(*by_question(lesson), strict=True)
        if all(label in question for label in CLASSES)
    ]
    assert of_classes
    for replies in of_classes:
        share = {label: replies.count(label) / len(replies) for label in replies}
        assert share == shares


def test_a_comment_s_labels_are_all_answered_whatever_the_set():
    item = Item("c1", ["joy", "love"], text="what a day")
    weighed, kept, drawn = [], set(), []

    def shares(text):
        weighed.append(text)
        return {**dict.fromkeys(COARSE_OF, 0.0), "love": 0.5, "sadness": 0.5}

    for seed in range(20):
        lesson = word_lesson(item, shares, random.Random(seed))
        assert lesson.shown == f"[s1] “ {weighed[-1]}”"  # shares are of what is left
        kept.add(lesson.shown)
        questions, ((of_all, *of_words), (answer, *others)) = by_question(lesson)
        assert questions[0] == ask_label(["goemotions28"])
        assert set(of_all.split(", ")) == {"joy", "love"}
        is_coarse = "ekman7" in questions[1]
        assert set(answer.split(", ")) == ({"happiness"} if is_coarse else {"joy", "love"})
        assert set(others) <= ({"happiness", "sadness"} if is_coarse else {"love", "sadness"})
        drawn += of_words
    assert set(drawn) == {"love", "sadness"}
    assert "[s1] “ what a day”" in kept
    for shown in kept:  # some words are left out, never all of them
        assert re.fullmatch("\\[s1] “ (what ?)?(a ?)?(day)?”", shown) and shown != "[s1] “ ”"


def test_a_set_is_named_where_it_is_known_and_spelled_out_where_it_is_not():
    known = label_set("rafdb7")
    assert shown_set(known) == ("rafdb7",)
    own = LabelSet("rafdb7", ("good", "bad"), {}, "my own under a known name")
    assert shown_set(own) == ("good", "bad")
