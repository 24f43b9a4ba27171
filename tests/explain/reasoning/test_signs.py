from dataclasses import replace

import pytest
from drawn_observations import au, gap, held, left, level, pitch, right, said, turn, voice

from demeanor.explain.reasoning.signs import (
    face_evidence,
    find_sayings,
    grade,
    is_read,
    level_of,
    match_patterns,
    strength,
    voice_evidence,
    words_evidence,
)
from demeanor.explain.records import Span, Unit


def best(face, emotion, speech=(), gaps=()):
    matches = match_patterns(face, speech, gaps)
    return next((m for m in matches if m.row.emotion == emotion), None)


@pytest.mark.parametrize(
    ("intensity", "counts"),
    [
        (0.0, 0.0),
        (1.0, 0.0),
        (1.5, 0.2),
        (2.0, 0.45),
        (2.25, 0.625),
        (2.5, 0.8),
        (3.0, 0.95),
        (4.5, 1.0),
    ],
)
def test_grades_lie_on_straight_lines(intensity, counts):
    assert grade(intensity) == pytest.approx(counts)


@pytest.mark.parametrize(
    ("observation", "counts"),
    [
        (au("f1", 12, 4.0), 0.95),  # full, at reliability .9
        (au("f1", 12, 4.0, reliability=0.0), 0.5),
        (au("f1", 12, 4.0, change_from_usual=2.0), 0.45 * 0.95),  # the change counts, not the level
        (au("f1", 12, 4.0, change_from_usual=None, change_from_population=3.0), 0.95**2),
        (held("f1", 12, 4.0), 0.95**2),  # 0.75 of what is held: 3.0
        (au("f1", 12, 4.0, (1.0, 1.2)), 0.95 * 0.75),  # brief
        (au("f1", 12, 4.0, (1.0, 1.0)), 0.95),  # a picture
        (au("f1", 45, 4.0), 0.0),
        (turn("f1", 54, 10.0), 0.5),
    ],
)
def test_strength_of_one_movement(observation, counts):
    assert strength(observation, ()) == pytest.approx(counts)


def test_a_probability_of_presence_counts_like_a_clear_movement_and_no_more():
    sure = replace(au("f1", 12, 0.95, change_from_usual=0.95), unit=Unit.PROBABILITY)
    even = replace(au("f1", 12, 0.5, change_from_usual=0.5), unit=Unit.PROBABILITY)
    assert strength(sure, ()) == pytest.approx(0.85 * 0.9 * 0.95)
    assert strength(even, ()) == 0.0


def test_the_level_that_counts_as_much_as_a_probability():
    found = [level_of(share) for share in (1.0, 0.75, 0.5, 0.2)]
    assert found == pytest.approx([8 / 3, 1.95, 1.0, 1.0])  # shares of .85, .425, 0, 0
    assert [grade(level) for level in found] == pytest.approx([0.85, 0.425, 0.0, 0.0])


def test_speech_takes_from_mouths_and_leaves_brows():
    talking = [Span(0.0, 5.0)]
    kept = [strength(au("f1", code, 4.0), talking) / 0.95 for code in (26, 10, 12, 4)]
    assert kept == pytest.approx([0.15, 0.4, 0.85, 1.0])


def test_part_of_a_pattern_counts_less_than_its_share():
    # 1+4 of 1+4+15: recall (0.95 + 0.95 + 0) / 3 = 0.6333, to the power 1.5
    match = best([au("f1", 1, 4.0), au("f2", 4, 4.0)], "sadness")
    assert match.row.pattern == "1+4+15"
    assert (match.n_shown, match.n_asked) == (2, 3)
    assert match.score == pytest.approx(0.6333**1.5, abs=1e-3)


def test_less_than_half_of_a_pattern_is_no_match():
    patterns = {m.row.pattern for m in match_patterns([au("f1", 1, 4.0)], (), ())}
    assert "1+4+15" not in patterns and "1+2+5" not in patterns


def test_movements_at_different_times_make_no_pattern():
    apart = [au("f1", 6, 4.0, (0.0, 1.0)), au("f2", 12, 4.0, (4.0, 5.0))]
    together = [au("f1", 6, 4.0, (0.0, 1.0)), au("f2", 12, 4.0, (0.5, 1.5))]
    assert {m.n_shown for m in match_patterns(apart, (), ()) if m.row.pattern == "6+12"} == {1}
    match = best(together, "happiness")
    assert (match.row.pattern, match.n_shown, match.span) == ("6+12", 2, Span(0.5, 1.0))


def test_a_pattern_without_its_unmeasured_part_costs_a_little_trust():
    face, gaps = [au("f1", 1, 4.0), au("f2", 4, 4.0)], [gap("AU15", "a hand")]
    matches = match_patterns(face, (), gaps)
    match = next(m for m in matches if m.row.pattern == "1+4+15")
    assert match.unmeasured == ("AU15",)
    assert match.score == pytest.approx(0.95**1.5 * (0.7 + 0.3 * 2 / 3))


def test_raised_brows_beside_a_dropped_jaw_are_no_second_sign_of_fear():
    face = [au(f"f{n}", code, 4.0) for n, code in enumerate((1, 2, 5, 26), 1)]
    evidence = face_evidence(match_patterns(face, (), ()))
    assert evidence["surprise"] > 0.9
    assert evidence["fear"] < 0.25


def test_an_open_mouth_alone_matches_nothing():
    assert match_patterns([au("f1", 25, 5.0), au("f2", 26, 5.0)], (), ()) == []


def test_one_sided_patterns_need_a_difference_between_the_sides():
    one = face_evidence(match_patterns([left("f1", 14, 4.0)], (), ()))
    both = face_evidence(match_patterns([left("f1", 14, 4.0), right("f2", 14, 4.0)], (), ()))
    assert one["contempt"] == pytest.approx(0.6 * 0.95**1.5)
    assert "contempt" not in both


def test_the_voice_agrees_in_part():
    # anger asks for pitch .7, level 1, brightness .7, rate .3: 2.7 in all; 6 dB at .8 is 0.8
    evidence = voice_evidence([level("v1", 6.0)])
    assert evidence["anger"] == pytest.approx(0.8 / 2.7)
    assert evidence["sadness"] == 0.0
    # activation asks for 4.5 in all
    assert evidence["activation"] == pytest.approx(0.8 / 4.5)


def test_the_largest_change_of_a_cue_counts():
    evidence = voice_evidence([pitch("v1", 1.0), pitch("v2", -4.0)])
    assert evidence["activation"] == pytest.approx(-0.8 / 4.5)


def test_a_level_without_a_usual_says_nothing():
    lone = voice("v1", "F0semitoneFrom27.5Hz", 3.0, change_from_usual=None, unit=Unit.SEMITONE)
    assert voice_evidence([lone]) == {}


@pytest.mark.parametrize(
    ("quote", "evidence"),
    [
        ("I am so angry", {"anger": 0.7 * 0.9 * 1.3}),
        ("I am angry", {"anger": 0.7 * 0.9}),
        ("They were angry", {"anger": 0.7 * 0.9 * 0.5}),
        ("Am I angry?", {"anger": 0.7 * 0.9 * 0.5}),
        ("I'm a bit angry", {"anger": 0.7 * 0.9 * 0.6}),
        ("I'm not angry", {}),
        ("I am not happy", {"sadness": 0.4 * 0.7 * 0.9}),
        ("I am fine, not at all. Happy!", {"happiness": 0.7 * 0.9 * 0.5}),
        ("I'm not only sad", {"sadness": 0.7 * 0.9}),
        ("That's not fair", {"anger": 0.5 * 0.9}),
        ("The unhappy madrigal was glady sung", {"sadness": 0.7 * 0.9 * 0.5}),
    ],
)
def test_words_count_by_who_says_them_and_how(quote, evidence):
    assert words_evidence(find_sayings(said("s1", quote))) == pytest.approx(evidence)


def test_two_words_add_to_what_the_first_left_open():
    (one, two) = find_sayings(said("s1", "I am sad and I am lonely", reliability=1.0))
    assert (one.excerpt, two.excerpt) == ("I am sad", "and I am lonely")
    assert words_evidence([one, two])["sadness"] == pytest.approx(1 - 0.3 * 0.4)


@pytest.mark.parametrize(
    ("quote", "read"),
    [
        ("I don't know what you want from me", True),
        ("Wow! Amazing!", True),
        ("Ich weiß nicht, was du von mir willst", False),
        ("Je ne sais pas pourquoi tu pleures", False),
        ("我很高兴", False),
        ("", False),
    ],
)
def test_only_what_looks_english_is_read(quote, read):
    assert is_read(said("s1", quote)) is read
