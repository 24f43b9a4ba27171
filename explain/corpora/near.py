"""Texts that are nearly the same: shingles of words, compared whole or by MinHash.

Small sets are compared pair by pair (`shingles`, `overlap`). Of many texts MinHash (Broder 1997)
finds the candidates: signatures that agree in one band of rows, which then are compared exactly.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

SHINGLE, MIN_SHINGLES = 5, 4  # words; shorter texts are compared whole
_BANDS, _ROWS = 24, 3  # pairs of overlap .4 are candidates at 79%, of .6 at 99.7%, of .1 at 2%
_CROWD = 50  # texts in one bucket beyond which only neighbours are compared: boilerplate


def shingles(text: str | None) -> frozenset[Any]:
    """Runs of five words; of a short text all its words as one."""
    words = re.findall(r"\w+", (text or "").lower())
    found = frozenset(tuple(words[k : k + SHINGLE]) for k in range(len(words) - SHINGLE + 1))
    return found if len(found) >= MIN_SHINGLES else frozenset([tuple(words)])


def overlap(one: frozenset[Any], other: frozenset[Any]) -> float:
    """Jaccard: 1 for the same shingles; 0 where either has none."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def near_texts(texts: Mapping[str, str], least: float) -> Iterator[tuple[str, str, float]]:
    """Pairs of names whose texts overlap by `least` or more, each once, in order.

    By MinHash: a pair just above `least` = .4 is missed one time in five, a copy never.
    """
    sets = {name: shingles(text) for name, text in texts.items()}
    signatures = {name: _signature(several) for name, several in sets.items()}
    seen: set[tuple[str, str]] = set()
    for pair in _candidates(signatures):
        if pair in seen:
            continue
        seen.add(pair)
        share = overlap(sets[pair[0]], sets[pair[1]])
        if share >= least:
            yield (*pair, share)


def _signature(several: frozenset[Any]) -> np.ndarray:
    """(bands x rows,) uint64: the least hash of all shingles, for each of many hash functions."""
    hashes = np.array([_hash(s) for s in several], dtype=np.uint64)
    mixed = (hashes[:, None] ^ _masks()[None]) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed ^ (mixed >> np.uint64(32))).min(axis=0))


def _hash(shingle: tuple[str, ...]) -> int:
    digest = hashlib.blake2b(" ".join(shingle).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@cache
def _masks() -> np.ndarray:
    rng = np.random.Generator(np.random.PCG64(7))
    return rng.integers(0, 1 << 63, _BANDS * _ROWS, dtype=np.uint64)


def _candidates(signatures: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    for band in range(_BANDS):
        buckets: dict[bytes, list[str]] = defaultdict(list)
        for name, signature in signatures.items():
            buckets[signature[band * _ROWS : (band + 1) * _ROWS].tobytes()].append(name)
        for names in buckets.values():
            for k, one in enumerate(names):
                for other in names[k + 1 : k + 1 + _CROWD]:
                    yield (one, other) if one <= other else (other, one)
