"""Cuts between drawn shots: each shot is a pattern of its own, which may move and get darker."""

import numpy as np
import pytest

from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.shots import Shots, unsure_identities

FPS = 25


def ground(seed):
    """(96, 96) grey: patches of 8 x 8 pixels, 40 to 200."""
    patches = np.random.default_rng(seed).uniform(40, 200, (12, 12))
    return np.kron(patches, np.ones((8, 8)))


def frame(grey):
    return Picture(np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2))


def shots_of(frames):
    shots = Shots()
    numbers = [shots.add(n / FPS, frame(f)) for n, f in enumerate(frames)]
    return numbers, [round(t * FPS) for t in shots.cuts_s]


A, B, C = ground(1), ground(2), ground(3)
BLACK = np.zeros((96, 96))


@pytest.mark.parametrize(
    ("frames", "numbers"),
    [
        ([A] * 4 + [B] * 3, [0, 0, 0, 0, 1, 1, 1]),
        ([A] * 2 + [B] * 2 + [A] * 2, [0, 0, 1, 1, 0, 0]),  # the first shot returns
        ([A] * 2 + [B] * 2 + [C] * 2, [0, 0, 1, 1, 2, 2]),
        ([A] * 2 + [BLACK] * 2 + [B] * 2, [0, 0, 0, 0, 1, 1]),  # black belongs to what it ends
        ([A] * 2 + [BLACK] * 2 + [A] * 2, [0] * 6),
        ([BLACK] * 2 + [A] * 2 + [B] * 2, [0, 0, 0, 0, 1, 1]),
        ([A * (1 - n / 20) for n in range(12)], [0] * 12),  # it gets dark
        ([np.roll(A, 2 * n, axis=1) for n in range(12)], [0] * 12),  # the camera turns
    ],
)
def test_which_shot_a_frame_lies_in(frames, numbers):
    found, cuts = shots_of(frames)
    assert found == numbers
    assert cuts == [n for n in range(1, len(found)) if found[n] != found[n - 1]]


#  a patch as large as a third of the picture jumps about: somebody moves fast before a wall
def test_movement_before_a_still_ground_is_no_cut():
    frames = []
    for n in range(10):
        grey = A.copy()
        left = 30 + 25 * (n % 2)
        grey[30:96, left : left + 40] = 230 - 20 * (n % 3)
        frames.append(grey)
    assert shots_of(frames)[1] == []


def test_noise_is_no_shot_after_the_other():
    noise = np.random.default_rng(0).uniform(0, 255, (30, 96, 96))
    assert len(shots_of(list(noise))[1]) <= 1


def test_memory_is_bounded():
    shots = Shots()
    for n in range(100):
        shots.add(n / FPS, frame(ground(n // 2)))
    assert len(shots.cuts_s) == 49
    assert len(shots._known) == 32


def test_what_is_assumed_about_people_is_said():
    assert unsure_identities([], 2) == []
    assert unsure_identities([1.0], 0) == []
    (row,) = unsure_identities([1.0, 2.5], 2)
    assert "cut at 1.00, 2.50 s" in row.reason
    assert "another person" in row.reason
    (many,) = unsure_identities([float(n) for n in range(20)], 2)
    assert "11.00 and 8 more s" in many.reason
