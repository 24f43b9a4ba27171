import json
from string import Template

import pytest
from drawn_observations import au, gap, request, said
from drawn_signs import SHOWN_CASES

from demeanor.data_engine import grammar
from demeanor.data_engine.label_words import find_label_words
from demeanor.explain.corpora.labels import COARSE
from demeanor.explain.reasoning.claims import mask_quotes
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import parse
from demeanor.explain.reasoning.weigh import label_scores, read_signs
from demeanor.explain.records import Grounding

WORDS = "happy sad angry afraid disgusted surprised furious scared glad".split()
GAPS = (gap("voice"), gap("words"), gap("AU11", "it cannot be told"))


def asked(shown):
    made = request(*shown, gaps=GAPS)
    reading = read_signs(made)
    scores = label_scores(reading, made.label_set)
    return made, reading, max(scores, key=scores.get)


def texts(answer):
    claims = [*answer["observations"], *answer["interpretation"], answer["conclusion"]]
    return [claim["text"] for claim in claims]


@pytest.mark.parametrize("name", SHOWN_CASES)
def test_whatever_is_written_reads_without_complaint_and_is_grounded(name):
    made, reading, label = asked(SHOWN_CASES[name])
    for seed in range(25):
        answer = grammar.write(made, reading, label, seed, in_full=seed % 5 == 0)
        parts = parse(json.dumps(answer), made.label_set)
        assert parts.problems == ()
        evidence = ground(parts, made.observations, made.not_measured, made.person)
        loose = [e for e in evidence if e.grounding is not Grounding.GROUNDED]
        assert loose == []


@pytest.mark.parametrize("name", SHOWN_CASES)
def test_key_observations_hold_no_word_for_an_emotion(name):
    made, reading, label = asked(SHOWN_CASES[name])
    for seed in range(25):
        for claim in grammar.write(made, reading, label, seed)["observations"]:
            assert find_label_words(claim["text"], COARSE).said == (), claim["text"]


def test_however_much_there_is_the_form_is_kept():
    many = [au(f"f{k}", 12, 3.0, (k, k + 0.5)) for k in range(1, 15)]
    many += [au(f"f{k}", 6, 3.0, (k - 14, k - 13.5)) for k in range(15, 30)]
    words = [said(f"s{k}", f"I am {word}") for k, word in enumerate(WORDS, start=1)]
    made, reading, label = asked([*many, *words])
    for seed in range(10):
        answer = grammar.write(made, reading, label, seed, in_full=True)
        assert len(answer["observations"]) <= 12 and len(answer["interpretation"]) <= 12
        assert max(map(len, texts(answer))) <= 400


def test_one_seed_gives_one_text_and_others_give_many():
    made, reading, label = asked(SHOWN_CASES["smile and words"])
    one = grammar.write(made, reading, label, 7)
    assert one == grammar.write(made, reading, label, 7)
    many = {json.dumps(grammar.write(made, reading, label, seed)) for seed in range(60)}
    assert len(many) == 60
    orders = {tuple(c["cites"][0] for c in grammar.write(made, reading, label, s)["observations"]
                    if c["cites"]) for s in range(60)}  # fmt: skip
    assert len(orders) > 3


def test_after_a_reader_who_misread_it_everything_is_told():
    made, reading, label = asked(SHOWN_CASES["brows and jaw"])
    told = {c for claim in grammar.write(made, reading, label, 1, in_full=True)["observations"]
            for c in claim["cites"]}  # fmt: skip
    assert told == {o.obs_id for o in made.observations}


def test_every_phrasing_has_slots_that_are_filled():
    known = set(
        "clause Clause name title letter word Word peak when change reserve size what What quote"
        " names Names pattern emotion source n_shown n_asked beside codes emotions first level"
        " words face other rest also adjective label confidence".split()
    )
    for kinds in grammar.phrasings().values():
        for lines in kinds.values():
            for line in lines:
                assert set(Template(line).get_identifiers()) <= known, line
                assert mask_quotes(line) == line


def test_a_label_needs_a_share_of_the_best_ones_confidence():
    made, reading, label = asked(SHOWN_CASES["smile"])
    assert label == "happiness"
    assert grammar.supported(reading, made.label_set, "happiness", 0.5)
    assert not grammar.supported(reading, made.label_set, "anger", 0.5)
