"""The same face as another program might have measured it: told otherwise, and nothing else."""

import random
import re

from drawn_observations import au, gap, said, turn

from demeanor.data_engine.mini.elsewhere import elsewhere
from demeanor.explain.reasoning.signs import unmeasured_codes

AT = (0.0, 0.0)
SEEN = (au("f1", 12, 3.5, AT), au("f2", 6, 1.2, AT), au("f3", 25, 3.0, AT))
GAPS = (gap("AU22, AU23", "this backend does not"), gap("voice"))


def told(n):
    return elsewhere(SEEN, GAPS, random.Random(n))


def test_a_clear_movement_is_told_whoever_tells_it():
    for n in range(200):
        observations, _ = told(n)
        smile = [o for o in observations if o.code == "AU12"]
        assert smile
        assert {o.side for o in smile} in ({None}, {"L", "R"})
        assert all(1.2 < o.peak <= 5.0 for o in smile)


def test_sides_levels_and_units_differ_from_program_to_program():
    found = [told(n) for n in range(200)]
    apart = [any(o.side for o in observations) for observations, _ in found]
    assert 60 < sum(apart) < 180
    least = [min(o.peak for o in observations) for observations, _ in found]
    assert min(least) < 0.9 < 1.4 < max(least)
    codes = {o.code for observations, _ in found for o in observations}
    assert len(codes) > 15
    assert all(not re.fullmatch(r"AU(4[5]|[56]\d|8\d)", code) for code in codes)


def test_lips_and_jaw_have_no_sides():
    assert all(o.side is None for n in range(200) for o in told(n)[0] if o.code == "AU25")


def test_what_is_not_measured_is_not_told_and_the_rest_of_the_gaps_stays():
    some = 0
    for n in range(200):
        observations, gaps = told(n)
        missing = unmeasured_codes(gaps)
        assert not missing & {o.code for o in observations}
        assert [g.what for g in gaps if "AU" not in g.what] == ["voice"]
        some += bool(missing)
    assert some > 100


def test_ids_go_on_without_a_gap_and_what_is_no_unit_is_kept():
    turned = turn("f4", 52, 15.0, AT)
    words = said("s1", "well", AT)
    observations, _ = elsewhere((*SEEN, turned, words), GAPS, random.Random(3))
    face = [o.obs_id for o in observations if o.obs_id.startswith("f")]
    assert face == [f"f{n}" for n in range(1, len(face) + 1)]
    assert words in observations
    assert [o.peak for o in observations if o.code == "AU52"] == [turned.peak]


def test_a_face_that_shows_nothing_stays_empty():
    observations, gaps = elsewhere((), GAPS, random.Random(1))
    assert observations == ()
    assert [g.what for g in gaps if "AU" not in g.what] == ["voice"]
