import math

import pytest
from drawn_observations import SEVEN, au, gap, request, said

from demeanor.explain.reasoning.weigh import label_scores, open_labels, place, read_signs
from demeanor.explain.records import LabelSet

HAPPY = (au("f1", 6, 4.0), au("f2", 12, 4.0))


def reading(*observations, **changes):
    return read_signs(request(*observations, **changes))


def test_nothing_shown_leaves_neutral_its_pull():
    still = reading()
    # 5 * 0.55 against six labels of evidence 0
    assert label_scores(still, SEVEN)["neutral"] == pytest.approx(
        math.exp(2.75) / (math.exp(2.75) + 6)
    )
    assert place(still) == (0.0, 0.0)
    assert open_labels(still) == ("neutral",)


def test_the_scores_of_a_set_with_neutral_add_up_to_one():
    assert sum(label_scores(reading(*HAPPY), SEVEN).values()) == pytest.approx(1.0)


def test_a_set_without_neutral_leaves_neutral_its_share_outside():
    two = LabelSet("two", ("happy", "sad"), {"happy": "happiness", "sad": "sadness"}, "drawn")
    still = label_scores(reading(), two)
    assert still["happy"] == still["sad"] == pytest.approx(1 / (2 + math.exp(2.75)))
    assert label_scores(reading(*HAPPY), two)["happy"] > 0.9


def test_channels_add_to_what_the_others_leave_open():
    face, words = reading(*HAPPY), reading(said("s1", "I am happy"))
    both = reading(*HAPPY, said("s1", "I am happy", (8.0, 9.0)))
    left_open = (1 - face.evidence["happiness"]) * (1 - words.evidence["happiness"])
    assert both.evidence["happiness"] == pytest.approx(1 - left_open)


def test_the_plain_name_of_an_emotion_goes_before_finer_ones_unless_they_are_said():
    coarse = {"excited": "happiness", "happiness": "happiness"}
    labels = LabelSet("fine", ("excited", "happiness"), coarse, "drawn")
    plain = label_scores(reading(*HAPPY), labels)
    told = label_scores(reading(*HAPPY, said("s1", "I am so excited")), labels)
    assert plain["happiness"] > plain["excited"]
    assert told["excited"] > told["happiness"]


def test_finer_words_become_open_labels():
    assert open_labels(reading(said("s1", "I'm really worried")))[:2] == ("fear", "worry")


def test_a_group_label_takes_the_best_of_its_emotions():
    coarse = {"positive": "happiness", "surprise": "surprise"}
    smic = LabelSet("smic3", ("positive", "negative", "surprise"), coarse, "drawn")
    sad = [au(f"f{n}", code, 4.0) for n, code in enumerate((1, 4, 15), 1)]
    scores = label_scores(reading(*sad), smic)
    assert max(scores, key=lambda label: scores[label]) == "negative"


@pytest.mark.parametrize(
    ("person", "gaps", "abstains"),
    [
        ("p1", (), False),  # followed, and still
        ("p1", (gap("face", "1 more was left out"),), False),
        (None, (gap("face"), gap("voice"), gap("words")), True),
        (None, (), True),
    ],
)
def test_it_abstains_where_nothing_was_measured(person, gaps, abstains):
    assert reading(person=person, gaps=gaps).abstains is abstains
