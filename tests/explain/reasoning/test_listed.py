"""What is there of a pattern, looked up in the short form of a timeline that is drawn here."""

import pytest

from demeanor.explain.reasoning.listed import formula, found_of, looked_up

#  time_s  0    1    2    3    4    5    6    7    8
#  f1 AU9       |--C--|
#  f2 AU17       |-B-|
#  f3 AU17                          |----D----|
#  f4 AU10                           |---C---|
#  f5 AU9                                |-B-|
SHOWN = """no voice
no: AU24, AU28
[f1] AU9 C 2.6, 1.0-2.4 s at 1.5
[f2] AU17L B 2.0, 1.2-2.2 s at 1.6 talk
[f3] AU17 D 4.0, 5.0-7.2 s at 6.0
[f4] AU10 C 3.1, 5.2-7.0 s at 6.1
[f5] AU9 B 2.0, 6.1-7.0 s
[f6] AU53 21 degrees, 6.5-8.0 s"""
NAMED = "Interpretation:\n- For disgust 9+10+17 is listed (Du, Tao & Martinez 2014):"


def test_a_pattern_is_gone_through_in_its_own_order():
    assert formula(("AU9", "AU10")) == "9+10"
    told = found_of(("AU9", "AU10", "AU24"), {"AU9": "f1"}, ("AU24",))
    assert told == "AU9 [f1] – AU10 absent – AU24 not measured"


def test_the_moment_with_most_of_it_comes_first_and_then_another():
    first = looked_up(NAMED, SHOWN)
    assert first == "AU9 [f5] – AU10 [f4] – AU17 [f3]"
    again = f"{NAMED} {first}.\n- For disgust 9+10+17 is listed (Du, Tao & Martinez 2014):"
    second = looked_up(again, SHOWN)
    assert second == "AU9 [f1] – AU10 absent – AU17 [f2]"
    third = f"{again} {second}.\n- For contempt 9+10+17 is listed (somebody 1999):"
    assert looked_up(third, SHOWN) == first


def test_what_is_not_there_is_absent_or_was_not_measured():
    told = looked_up("- For pride 53+64+24 is listed (Keltner et al. 2019):", SHOWN)
    assert told == "AU53 [f6] – AU64 absent – AU24 not measured"
    told = looked_up("- For fear 1+4+20+25 is listed (Du, Tao & Martinez 2014):", SHOWN)
    assert told == "AU1 absent – AU4 absent – AU20 absent – AU25 absent"


def test_a_picture_has_one_moment():
    shown = "[f1] AU12 D 3.5\n[f2] AU6 C 3.0\n[f3] AU12 B 2.0"
    assert looked_up("- For joy 6+12 is listed (X 1999):", shown) == "AU6 [f2] – AU12 [f1]"


@pytest.mark.parametrize(
    "reply", ["Key observations:", "- [f1] AU9 C 2.6: nose wrinkled", f"{NAMED} AU9 [f1]", ""]
)
def test_nothing_follows_what_names_no_pattern(reply):
    assert looked_up(reply, SHOWN) is None
