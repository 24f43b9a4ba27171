"""What is there of a pattern, and what goes with a label, in a timeline that is drawn here."""

from itertools import pairwise

import pytest
from drawn_observations import au, said, turn, voice

from demeanor.explain.reasoning.listed import (
    concluded,
    formula,
    found_of,
    looked_up,
    once,
    recited,
    runner_up,
    stands_out,
    unit_of,
    worn,
)
from demeanor.explain.records import Unit

#  time_s  0    1    2    3    4    5    6    7    8
#  f1 AU9       |--C--|
#  f2 AU17       |-B-|
#  f3 AU17                          |----D----|
#  f4 AU10                           |---C---|
#  f5 AU9                                |-B-|
UNMEASURED = ("AU24", "AU28")
SEEN = (
    au("f1", 9, 2.6, (1.0, 2.4)),
    au("f2", 17, 2.0, (1.2, 2.2)),
    au("f3", 17, 4.0, (5.0, 7.2)),
    au("f4", 10, 3.1, (5.2, 7.0)),
    au("f5", 9, 2.0, (6.1, 7.0)),
    turn("f6", 53, 21.0, (6.5, 8.0)),
    voice("v1", "loudness", 2.0, unit=Unit.DECIBEL),
)
NAMED = "Interpretation:\n- For disgust 9+10+17 is listed (Du, Tao & Martinez 2014):"


def test_a_pattern_is_gone_through_in_its_own_order():
    assert formula(("AU9", "AU10")) == "9+10"
    told = found_of(("AU9", "AU10", "AU24"), {"AU9": "f1"}, ("AU24",))
    assert told == "AU9 [f1] – AU10 absent – AU24 not measured"


def test_the_moment_with_most_of_it_comes_first_and_then_another():
    first = looked_up(NAMED, SEEN, UNMEASURED)
    assert first == "AU9 [f5] – AU10 [f4] – AU17 [f3]"
    again = f"{NAMED} {first}.\n- For disgust 9+10+17 is listed (Du, Tao & Martinez 2014):"
    second = looked_up(again, SEEN, UNMEASURED)
    assert second == "AU9 [f1] – AU10 absent – AU17 [f2]"
    third = f"{again} {second}.\n- For contempt 9+10+17 is listed (somebody 1999):"
    assert looked_up(third, SEEN, UNMEASURED) == first


def test_what_is_not_there_is_absent_or_was_not_measured():
    told = looked_up("- For pride 53+64+24 is listed (Keltner et al. 2019):", SEEN, UNMEASURED)
    assert told == "AU53 [f6] – AU64 absent – AU24 not measured"
    told = looked_up("- For fear 1+4+20+25 is listed (Du, Tao & Martinez 2014):", SEEN, UNMEASURED)
    assert told == "AU1 absent – AU4 absent – AU20 absent – AU25 absent"


def test_a_picture_has_one_moment():
    at = (0.0, 0.0)
    seen = [au("f1", 12, 3.5, at), au("f2", 6, 3.0, at), au("f3", 12, 2.0, at)]
    assert looked_up("- For joy 6+12 is listed (X 1999):", seen, ()) == "AU6 [f2] – AU12 [f1]"


@pytest.mark.parametrize(
    "reply", ["Key observations:", "- [f1] AU9 C 2.6: nose wrinkled", f"{NAMED} AU9 [f1]", ""]
)
def test_nothing_follows_what_names_no_pattern(reply):
    assert looked_up(reply, SEEN, UNMEASURED) is None


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("Key observations:\n- [f1] ", "AU9 C 2.6, 1.0-2.4 s: nose wrinkled."),
        (
            "Key observations:\n- [f2] AU17.\n- [f6] ",
            "AU53 21 degrees, 6.5-8.0 s: head tipped back.",
        ),
        ("Key observations:\n- [f9] ", None),  # not there
        ("Key observations:\n- [f1, f2] ", None),
        ("Key observations:\n- [f1] AU9", None),
        ("Key observations:\n- [f1] AU9.\nInterpretation:\n- [f1] ", None),
    ],
)
def test_a_key_observation_is_told_as_it_was_measured(reply, told):
    assert recited(reply, SEEN, []) == told


def test_that_nothing_stands_out_is_not_said_of_a_face_that_moves():
    begun = "Key observations:\n- [f3] AU17 D 4.0, 5.0-7.2 s: chin raised.\n- "
    assert stands_out(begun, SEEN, ()).startswith("[f4] AU10 C 3.1, 5.2-7.0 s: ")
    every = "".join(f"\n- [{o.obs_id}] x." for o in SEEN if o.obs_id not in ("f6", "v1"))
    assert stands_out(f"{every}\n- ", SEEN, ()).startswith("[f6] ")
    assert stands_out(f"{every}\n- [f6] x.\n- [v1] x.\n- ", SEEN, ()) is None
    assert stands_out(begun, SEEN[5:], ()) is None  # a head that turns is no face that moves
    assert stands_out(f"{begun}\nInterpretation:\n- ", SEEN, ()) is None


def test_key_observations_are_told_once_and_of_a_unit_no_more_than_two():
    brows = [au(f"f{n}", 2, 4.0, (n, n + 0.5)) for n in (1, 2, 3)]
    own = [*brows, au("f4", 12, 3.0), said("s1", "Well."), said("s2", "Yes.")]
    assert worn("Key observations:\n- [", own) == set()
    once_told = "Key observations:\n- [f1] AU2.\n- [s1] “Well.”\n- ["
    assert worn(once_told, own) == {"f1", "s1"}
    assert worn(f"{once_told}f3] AU2.\n- [", own) == {"f1", "f2", "f3", "s1"}
    assert worn(f"{once_told}f3] AU2.\n- [", brows) == set()  # nothing else is left
    assert worn(f"{once_told}f3] AU2.\nInterpretation:\n- [", own) == set()


def test_of_a_pattern_two_moments_are_told():
    line = "- For joy 12+25 is listed (X): AU12 [f{}] – AU25 [f{}]."
    first, second, third = (line.format(n, n + 1) for n in (1, 3, 5))
    reply = "\n".join(("", "Interpretation:", first, second, third, "Conclusion: so"))
    assert once(reply) == reply.replace(f"{third}\n", "")


def test_the_unit_behind_an_id_is_the_one_that_was_seen():
    assert unit_of("Interpretation:\n- [f4] ", SEEN) == "AU10"
    assert unit_of("Interpretation:\n- [f4] AU10, [f3] ", SEEN) == "AU17"
    assert unit_of("Interpretation:\n- [f4] goes", SEEN) is None
    assert unit_of("Interpretation:\n- [f9] ", SEEN) is None


SHARES = {"anger": 0.61, "neutral": 0.3, "sadness": 0.09}
CONCLUDES = "Interpretation:\n- [f1] So.\nConclusion: [f1, v2] "


def test_what_is_concluded_goes_with_the_label_and_its_share():
    rest = "; the closest label of the set is"
    appears = "the person appears"
    assert concluded(CONCLUDES, SHARES) == (
        f"Taken together, {appears} to show anger{rest} anger, with a confidence of 0.61."
    )
    close = {"anger": 0.35, "neutral": 0.33, "sadness": 0.32}
    assert concluded(CONCLUDES, close) == (
        "The person may appear to show anger, though other readings come close"
        f"{rest} anger, with a confidence of 0.35."
    )
    assert concluded(CONCLUDES, {"neutral": 0.9, "anger": 0.1}) == (
        f"What was noted carries no clear sign of an emotion, and {appears} neutral"
        f"{rest} neutral, with a confidence of 0.90."
    )


def test_labels_that_are_no_emotions_are_concluded_by_the_model():
    assert concluded(CONCLUDES, {"positive": 0.6, "negative": 0.4}) is None
    assert concluded(CONCLUDES, {}) is None
    assert concluded("Interpretation:\n- [f1] ", SHARES) is None
    assert concluded("Interpretation:\n- [f1] So.\nConclusion:", SHARES) is None  # nothing for it


def test_what_is_concluded_cites_what_speaks_for_it():
    lines = (
        "Key observations:\n- [f1] AU9.\nInterpretation:\n"
        "- For sadness 4+15 is listed (X 1999): AU4 [f2] – AU15 absent.\n"
        "- For anger 4+7 is listed (X 1999): AU4 [f2] – AU7 [f3].\n"
        "- [f9] Anger comes next, with a share of 0.30.\nConclusion:"
    )
    assert concluded(lines, SHARES).startswith(" [f2, f3] Taken together, the person appears")
    assert concluded(f"{lines} [", SHARES).startswith("f2, f3] Taken together, the person appears")
    assert concluded(lines, {"sadness": 0.42, "anger": 0.4}).startswith(
        " [f2] The person may appear to show sadness, though other readings come close; "
    )
    assert concluded(lines, {"neutral": 0.9, "anger": 0.1}) is None


def test_a_pattern_is_told_again_only_where_all_of_it_is_there():
    first = "\nInterpretation:\n- For joy 12+25 is listed (X): AU12 [f1] – AU25 [f2]."
    less = "- For joy 12+25 is listed (X): AU12 absent – AU25 [f3]."
    whole = "- For joy 12+25 is listed (X): AU12 [f4] – AU25 [f3]."
    end = "Conclusion: so"
    assert once("\n".join((first, less, whole, end))) == "\n".join((first, whole, end))


def test_the_reading_that_comes_next_is_the_next_best_label():
    line = "Key observations:\n- [f1] AU9.\nInterpretation:\n- [f1, f2] "
    told = "Neutral comes next, with a share of 0.30."
    assert runner_up(line, "Sadness", SHARES) == told
    assert runner_up(line, "Anger", SHARES) == told
    assert runner_up(line, "First", SHARES) is None
    assert runner_up(line, "Sadness", {"anger": 1.0}) is None
    assert runner_up("Key observations:\n- [f1] ", "Sadness", SHARES) is None
    assert runner_up(f"{line}So.\nConclusion: [f1] ", "Sadness", SHARES) is None


def test_a_reading_that_was_not_asked_for_does_not_come_next():
    line = "\nInterpretation:\n- [f2, f1] {} comes next, with a share of {}.\nConclusion: so"
    found = once(line.format("Sudden triumph", "0.07"), SHARES)
    assert found == line.format("Neutral", "0.30")
    assert once(found, {"anger": 1.0}) == once(found) == found


def test_of_two_readings_the_one_that_is_concluded_weighs_more():
    line = "- [f1, f2] First come the signs of joy, then those of fear; those of {} weigh more."
    reply = f"\nInterpretation:\n{line.format('joy')}\nConclusion: so"
    assert once(reply, {"fear": 0.7}) == f"\nInterpretation:\n{line.format('fear')}\nConclusion: so"
    assert once(reply, {"joy": 0.7}) == once(reply, {"anger": 0.7}) == once(reply) == reply


def test_an_id_is_cited_once_in_a_line():
    reply = "\nInterpretation:\n- [v7, v7] So, as [f1, v7, f1] has it.\nConclusion: [f1, f1]"
    assert once(reply) == (
        "\nInterpretation:\n- [v7] So, as [f1, v7] has it.\nConclusion: [f1, f1]"
    )


def test_a_line_is_told_once_and_may_be_streamed():
    """What was said before is never taken back, wherever the reply is broken off."""
    order = "- [f1] First come the signs of joy, then those of"
    lines = ("- For a.", "- For b.", "- For a.", f"{order} joy; so.", f"{order} fear.", "- For ab.")
    seen = ("Key observations:", "- [f1] AU12", "- [f1] AU12", "Interpretation:")
    reply = "\n".join((*seen, *lines, "Conclusion: x", "Labels: x"))
    rest = [line for n, line in enumerate(reply.split("\n"), start=1) if n not in (7, 8)]
    assert once(reply) == "\n".join(rest)
    parts = [once(reply[:n]) for n in range(len(reply) + 1)]
    assert all(after.startswith(before) for before, after in pairwise(parts))
