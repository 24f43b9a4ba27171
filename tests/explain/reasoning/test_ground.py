import re

import pytest
from drawn_observations import au, gap, left, level, pitch, said, turn

from demeanor.explain.reasoning.cues import _phrases, find_mentions
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import Parts
from demeanor.explain.records import Grounding, Span
from demeanor.explain.vocabulary import MOVEMENTS, VOICE_SOUNDS, VOICE_WORDS

#  time_s   0    1    2    3    4    5    6
#  f1 AU12       |----D----|
#  f2 AU4                       |----B----|
#  f3 AU14L      |----C----|
#  f4 AU51       |--20°--|
#  v1 pitch      |---+4----|
#  v2 level                     |---−5----|
#  s1 words      |---------|
SEEN = (
    au("f1", 12, 4.0, (1.0, 3.0)),
    au("f2", 4, 2.0, (4.0, 6.0)),
    left("f3", 14, 3.0, (1.0, 3.0)),
    turn("f4", 51, 20.0, (1.0, 2.5)),
    pitch("v1", 4.0, (1.0, 3.0)),
    level("v2", -5.0, (4.0, 6.0)),
    said("s1", "I'm so glad, you see", (1.0, 3.0)),
)
GAPS = (gap("AU9", "the nose is covered"), gap("words", "no transcript"))


def judge(claim, observations=SEEN, gaps=(), person="p1"):
    (evidence,) = ground(Parts(interpretation=claim), observations, gaps, person)
    return evidence


@pytest.mark.parametrize(
    "claim",
    [
        "The lip corners are pulled up [f1].",
        "6+12: AU6 absent – AU12 [f1].",  # of a list each is said by itself
        "7+12+14: AU7 absent – AU12 [f1] – AU14 [f3].",
        "AU12 (lip corner puller) reaches D at 2.0 s [f1].",
        "AU12 (C) is seen from 1.0 to 3.0 s [f1].",
        "A strong smile appears between 1 and 3 seconds [f1].",
        "The brows are slightly drawn together [f2].",
        "The smile gives way to lowered brows [f1, f2].",
        "The left lip corner is tightened inwards [f3].",
        "The head turns to the person's left [f4].",
        "The pitch is higher and the voice later quieter [v1, v2].",
        "The person says “so glad” with a raised pitch [s1, v1].",
        'What is said, "I\'m so glad", goes with the smile [s1, f1].',
        "Taken together, the person appears happy [f1, s1].",
        "The pull of the lip corners up outlasts nothing else around 3.4 s [f1].",
        "The lip corners are pulled up without raised cheeks [f1].",
        "The lip corner puller (AU12) is strong (D, 3.9) from 1.10 to 2.90 s [f1], a known sign.",
        "AU12 shows alone, while no AU6 or AU15 is seen [f1].",
        "The smile is strong (D) and comes with a tightened left lip corner [f1][f3].",
        "The brows are not raised, which speaks against surprise [f1].",
        "There is no conflict between words and smile [s1, f1].",
        "The pitch is 4.0 semitones higher than usual at 1.2 s [v1].",
        "A very slight hint of doubt beside what else can be seen as a smile [f1].",
        "It is clear that the frown comes later [f2].",
        "No upper lid raise (AU5) is seen [f1].",
        "[f1] AU12 gives 1 of the 2 movements of the pattern 6+12 (Matsumoto et al. 2008).",
        "[f1] AU12 and [f3] AU14 together make up a pattern of amusement, 12+14.",
        "[f1] AU12 fits 6+12 better than [f2] AU4 fits 4+5+7.",
    ],
)
def test_what_the_observations_say_is_grounded(claim):
    evidence = judge(claim)
    assert (evidence.grounding, evidence.reason) == (Grounding.GROUNDED, None)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("The brows are raised [f1].", "'brows are raised' is not what f1 shows"),
        ("[f2] AU4 fits a pattern of joy, 6+12.", "nothing of 6+12 is what f2 shows"),
        (
            "[f1] AU12 gives 2 of the 3 movements of the pattern 6+12+25.",
            "2 movements of 6+12+25 are claimed, and f1 shows 1",
        ),
        (
            "[f1] AU12 and [f2] AU4 together make up a pattern of joy, 6+12.",
            "all of 6+12 is claimed, and AU6 is not cited",
        ),
        ("AU6 lifts the cheeks [f1].", "'AU6' is not what f1 shows"),
        ("The smile starts at 4.5 s [f1].", "4.5 s lies outside f1 (1.0–3.0 s)"),
        ("The smile holds from 1 to 5.5 s [f1].", "5.5 s lies outside f1 (1.0–3.0 s)"),
        (
            "The pitch is lower [v1].",
            "'pitch is lower' does not agree with v1 in direction or side",
        ),
        ("The voice gets louder [v2].", "'louder' does not agree with v2 in direction or side"),
        ("The right lip corner is tightened inwards [f3].", "the side R is named"),
        ("AU14R is seen [f3].", "'AU14R' does not agree with f3"),
        ("A very slight smile is seen [f1].", "intensity A is named, and f1 is D"),
        ("AU4 (E) is seen [f2].", "intensity E is named, and f2 is B"),
        ("AU12 D and AU4 E are seen [f1, f2].", "intensity E is named, and f2 is B"),
        ("The person says “so sad” [s1].", "“so sad” is not said in what is cited"),
        ("No lip corner puller is seen [f1].", "is said to be absent, and f1 shows it"),
        ("12+14: AU14 [f3] – AU12 absent.", "'AU12' is said to be absent, and f1 shows it"),
        ("7+12: AU12 [f3] – AU7 absent.", "'AU12' is not what f3 shows"),
        ("AU12 [f3] and AU14 [f1] are seen.", "'AU12' is not what f3 shows"),
        ("The smile comes without AU14 [f1].", "is said to be absent, and f3 shows it"),
        ("The head turns to the person's right [f4].", "is not what f4 shows"),
    ],
)
def test_what_they_say_otherwise_is_misplaced(claim, reason):
    evidence = judge(claim)
    assert evidence.grounding is Grounding.MISPLACED
    assert reason in evidence.reason


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("The lip corners are pulled up.", "nothing is cited"),
        ("The person appears happy.", "nothing is cited"),
        ("The lip corners are pulled up [f9, f1].", "f9 does not exist"),
        ("The person says “see [f1] here”.", "nothing is cited"),
    ],
)
def test_what_cites_nothing_that_exists_is_unsupported(claim, reason):
    evidence = judge(claim)
    assert (evidence.grounding, evidence.reason) == (Grounding.UNSUPPORTED, reason)


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("Words were not available.", Grounding.GROUNDED),
        ("There is no transcript.", Grounding.GROUNDED),
        ("AU9 was not measured.", Grounding.GROUNDED),
        ("The voice was not available.", Grounding.UNSUPPORTED),
        ("No transcript, yet a smile is seen.", Grounding.UNSUPPORTED),
        ("No jaw drop is seen.", Grounding.GROUNDED),
        ("No brow lowering is seen.", Grounding.MISPLACED),  # f2
        ("No wrinkled nose is seen.", Grounding.MISPLACED),  # could not be seen
    ],
)
def test_absence_and_what_was_not_measured_need_no_citation(claim, verdict):
    assert judge(claim, gaps=GAPS).grounding is verdict


def test_a_face_that_was_not_measured_cannot_be_said_to_be_still():
    still, no_face = "No facial movement is seen.", (gap("face", "nobody in view"),)
    assert judge(still, (), no_face, person=None).grounding is Grounding.MISPLACED
    assert judge(still, ()).grounding is Grounding.GROUNDED


def test_a_gap_that_names_nobody_tells_of_other_faces_than_the_one_followed():
    left_out = (gap("face", "1 more seen for less than 0.2 s, left out"),)
    assert judge("No facial movement is seen.", (), left_out).grounding is Grounding.GROUNDED


def test_an_observation_of_somebody_else_is_misplaced():
    evidence = judge("The lip corners are pulled up [f1].", person="p2")
    assert evidence.grounding is Grounding.MISPLACED
    assert evidence.reason == "f1 is about p1, not p2"


def test_evidence_spans_what_is_cited_and_knows_its_part():
    parts = Parts("- The smile [f1].\n- Lowered brows [f2].", "Both [f1, f2].", "Happy [f1].")
    evidence = ground(parts, SEEN)
    assert [e.part for e in evidence] == [
        "observations",
        "observations",
        "interpretation",
        "conclusion",
    ]
    assert evidence[2].span == Span(1.0, 6.0)
    assert evidence[2].cites == ("f1", "f2")


def test_every_phrase_row_names_known_codes():
    known = set(MOVEMENTS) | set(VOICE_WORDS) | VOICE_SOUNDS | {"@face", "@voice", "@words"}
    for phrase, codes in _phrases():
        assert phrase.pattern and codes
        for code in codes:
            assert code in known or re.sub(r"[+-]$", "", code) in known


@pytest.mark.parametrize("code", sorted(MOVEMENTS))
def test_the_vocabularys_own_clause_is_read_as_its_code(code):
    unit = MOVEMENTS[code]
    for text in (unit.clause, unit.name):
        mentions = find_mentions(text)
        assert mentions, text
        assert all(code in mention.codes for mention in mentions), text


@pytest.mark.parametrize("code", sorted(VOICE_WORDS))
def test_the_vocabularys_own_voice_words_are_read_with_their_direction(code):
    for sign, text in zip("+-", VOICE_WORDS[code], strict=True):
        mentions = find_mentions(text)
        assert mentions, text
        for mention in mentions:
            assert code + sign in mention.codes, text


@pytest.mark.parametrize("text", ["She laughs at 2 s", "a giggle", "short even calls of the voice"])
def test_laughter_is_read_as_the_sound(text):
    (mention,) = find_mentions(text)
    assert mention.codes == ("laughter",)


def test_a_claim_that_cites_the_wrong_line_never_passes():
    seen = [
        au("f1", 12, 4.0, (0.0, 1.0)),
        au("f2", 4, 2.0, (2.0, 3.0)),
        au("f3", 26, 3.0, (4.0, 5.0)),
        au("f4", 1, 5.0, (6.0, 7.0)),
        pitch("v1", 4.0, (8.0, 9.0)),
        level("v2", -5.0, (10.0, 11.0)),
    ]
    claims = [
        "The lip corners are pulled up from 0.0 to 1.0 s (AU12, D).",
        "The brows are slightly lowered from 2.0 to 3.0 s.",
        "The jaw drops at 4.5 s.",
        "The inner brows are raised from 6 to 7 s (E).",
        "The pitch is higher from 8.0 to 9.0 s.",
        "The voice is quieter from 10.0 to 11.0 s.",
    ]
    for right_place, claim in enumerate(claims):
        for place, observation in enumerate(seen):
            evidence = judge(f"{claim} [{observation.obs_id}]", seen)
            expected = Grounding.GROUNDED if place == right_place else Grounding.MISPLACED
            assert evidence.grounding is expected, (claim, observation.obs_id, evidence.reason)


def test_a_pattern_is_whole_where_the_rest_of_it_cannot_be_measured():
    claim = "[f1] AU12 and [f3] AU14 together make up a pattern of disdain, 9+12+14."
    assert judge(claim).reason == "all of 9+12+14 is claimed, and AU9 is not cited"
    assert judge(claim, gaps=GAPS).grounding is Grounding.GROUNDED
