"""Pictures that are nearly the same, by bits of a drawn pattern."""

import cv2
import numpy as np
import pytest
from drawn_pictures import drawn

from demeanor.explain.errors import DemeanorError
from demeanor.explain.near_pictures import MAX_BITS, hash_of, near_pairs, picture_hash


def test_bits_are_counted_pair_by_pair():
    one = hash_of(drawn(1))
    other = one.copy()
    other[0] ^= np.uint64(0b1011)
    far = ~one
    assert list(near_pairs(np.stack([one, far]), np.stack([other]))) == [(0, 0, 3)]
    assert MAX_BITS < 37  # what two faces of different people differ by at least


def test_what_has_no_pattern_has_no_hash(tmp_path):
    assert hash_of(np.full((50, 50, 3), 90, np.uint8)) is None
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((50, 50, 3), 90, np.uint8))
    assert picture_hash(tmp_path / "grey.png") is None


def test_smaller_and_brighter_is_near_and_another_is_not():
    one = hash_of(drawn(1))
    near = hash_of(np.clip(drawn(1, 70).astype(int) + 20, 0, 255).astype(np.uint8))
    other = hash_of(drawn(2))
    assert [(i, j) for i, j, _ in near_pairs(np.stack([one]), np.stack([near, other]))] == [(0, 0)]


def test_a_file_without_a_picture_is_an_error(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(DemeanorError):
        picture_hash(tmp_path / "text.jpg")
