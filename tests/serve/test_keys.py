"""Keys in links: for one clip, for a time, and the same for an hour."""

from demeanor.serve.keys import Keys

NOON_S = 12 * 3600.0


def test_a_key_opens_its_own_clip_until_it_is_over() -> None:
    keys = Keys(b"secret")
    key = keys.sign("c1", NOON_S)
    assert keys.holds("c1", key, NOON_S)
    assert keys.holds("c1", key, NOON_S + 2 * 3600 - 1)
    assert not keys.holds("c1", key, NOON_S + 2 * 3600)
    assert not keys.holds("c2", key, NOON_S)
    assert not Keys(b"other").holds("c1", key, NOON_S)


def test_it_stays_the_same_within_the_hour() -> None:
    keys = Keys(b"secret")
    assert keys.sign("c1", NOON_S) == keys.sign("c1", NOON_S + 3599)
    assert keys.sign("c1", NOON_S) != keys.sign("c1", NOON_S + 3600)


def test_nobody_can_put_off_the_end_or_make_one_up() -> None:
    keys = Keys(b"secret")
    proof = keys.sign("c1", NOON_S).partition("-")[2]
    for made_up in (f"ffffffff-{proof}", "", "-", "zz-é", "1" * 500, f"{0xFFFF:x}-"):
        assert not keys.holds("c1", made_up, NOON_S)
