"""Whether two splits share what they must not: a subject, a source video, a file, a near-copy.

Micro-expression figures fell by half where such leaks were taken out (Varanka et al. 2023, "Data
leakage and evaluation issues in micro-expression analysis"). Everything found is named; nothing
is dropped by itself.

Near-copies of pictures and of first frames: explain/near_pictures.py. Of texts: shingles of five
words.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.near import SHINGLE, shingles
from demeanor.explain.errors import DemeanorError
from demeanor.explain.near_pictures import SIDE, near_pairs, picture_hash

SUBJECT, VIDEO, FILE, PICTURE, TEXT = (
    "the same subject",
    "the same source video",
    "the same file",
    "nearly the same picture",
    "nearly the same text",
)
MAX_OVERLAP = 0.4  # Jaccard; the nearest two of the 13,695 pairs of EMER's clue texts share 0.18
_SHOWN = 5  # leaks of a kind in a message


@dataclass(frozen=True, slots=True)
class Leak:
    """What two samples of different splits share."""

    kind: str
    what: str  # the subject, the video, or how near the copies are
    first: str  # ids of samples, one of each split
    second: str
    splits: tuple[str, str]

    def __str__(self) -> str:
        one, other = self.splits
        return f"{self.kind}: {self.what}: {self.first} ({one}) and {self.second} ({other})"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and what could not be looked at."""

    leaks: tuple[Leak, ...]
    n_samples: int
    splits: tuple[str, ...]
    n_pictures: int  # samples with a picture that could be compared
    n_texts: int
    not_looked_at: tuple[str, ...]  # ids of media whose first picture could not be read

    @property
    def kinds(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for leak in self.leaks:
            counts[leak.kind] = counts.get(leak.kind, 0) + 1
        return counts


class LeakError(DemeanorError):
    """Splits that share what they must not."""

    def __init__(self, checked: Checked) -> None:
        lines = [
            line
            for kind, n in checked.kinds.items()
            for line in (
                f"{kind}: {n} pairs",
                *[f"  {leak}" for leak in checked.leaks if leak.kind == kind][:_SHOWN],
            )
        ]
        super().__init__(
            "the splits share what they must not, so a figure would say little about anything "
            "new:\n" + "\n".join(lines) + "\nSplit anew, or force it with --allow-leaks, which "
            "the report then says"
        )
        self.checked = checked


def check(items: Sequence[Item], look: bool = True) -> Checked:
    """Every leak between samples of different splits; samples without a split are passed over.

    `look` False: files are not opened, only what is said of the samples is compared.
    """
    split = [item for item in items if item.split]
    hashes, failed = _hashes(split) if look else ({}, ())
    texts = {item.item_id: shingles(item.text) for item in split if item.text}
    leaks = [
        *_shared(split, SUBJECT, lambda item: item.subject),
        *_shared(split, VIDEO, lambda item: item.video),
        *(_shared(split, FILE, _digest) if look else []),
        *_near_pictures(split, hashes),
        *_near_texts(split, texts),
    ]
    names = tuple(sorted({item.split or "" for item in split}))
    return Checked(tuple(leaks), len(split), names, len(hashes), len(texts), tuple(failed))


def refuse_leaks(items: Sequence[Item], look: bool = True) -> Checked:
    """Raises LeakError, naming what is shared."""
    checked = check(items, look)
    if checked.leaks:
        raise LeakError(checked)
    return checked


# What is the same -----------------------------------------------------------------------------


def _shared(
    items: Sequence[Item], kind: str, of: Callable[[Item], Hashable | None]
) -> Iterator[Leak]:
    """One leak for each value and pair of splits: who has them is named by the first of each."""
    found: dict[Hashable, dict[str, Item]] = defaultdict(dict)
    for item in items:
        value = of(item)
        if value is not None:
            found[value].setdefault(item.split or "", item)
    for value, by_split in found.items():
        names = sorted(by_split)
        for k, one in enumerate(names):
            for other in names[k + 1 :]:
                what = str(value)[:12] if kind == FILE else str(value)
                first, second = by_split[one].item_id, by_split[other].item_id
                yield Leak(kind, what, first, second, (one, other))


def _digest(item: Item) -> str | None:
    try:
        return hashlib.sha256(item.media.read_bytes()).hexdigest() if item.media else None
    except OSError:
        return None


# Pictures -------------------------------------------------------------------------------------


def _hashes(items: Iterable[Item]) -> tuple[dict[str, np.ndarray], list[str]]:
    hashes, failed = {}, []
    for item in items:
        if item.media is None:
            continue
        try:
            found = picture_hash(item.media)
        except (DemeanorError, OSError):
            failed.append(item.item_id)
            continue
        if found is not None:
            hashes[item.item_id] = found
    return hashes, failed


def _near_pictures(items: Sequence[Item], hashes: Mapping[str, np.ndarray]) -> Iterator[Leak]:
    by_split: dict[str, list[str]] = defaultdict(list)
    for item in items:
        if item.item_id in hashes:
            by_split[item.split or ""].append(item.item_id)
    names = sorted(by_split)
    for k, one in enumerate(names):
        for other in names[k + 1 :]:
            firsts, seconds = by_split[one], by_split[other]
            for i, j, bits in near_pairs(
                np.stack([hashes[i] for i in firsts]), np.stack([hashes[i] for i in seconds])
            ):
                what = f"{bits} of {SIDE * SIDE} bits differ"
                yield Leak(PICTURE, what, firsts[i], seconds[j], (one, other))


# Texts ----------------------------------------------------------------------------------------


def _near_texts(items: Sequence[Item], sets: Mapping[str, frozenset[Any]]) -> Iterator[Leak]:
    """Only texts that share a shingle are compared."""
    split = {item.item_id: item.split or "" for item in items}
    holders: dict[Any, list[str]] = defaultdict(list)
    for name, several in sets.items():
        for shingle in several:
            holders[shingle].append(name)
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for names in holders.values():
        for k, one in enumerate(names):
            for other in names[k + 1 :]:
                if split[one] != split[other]:
                    pairs[one, other] += 1
    for (one, other), shared in pairs.items():
        share = shared / (len(sets[one]) + len(sets[other]) - shared)
        if share >= MAX_OVERLAP:
            what = f"{share:.0%} of their runs of {SHINGLE} words are shared"
            yield Leak(TEXT, what, one, other, (split[one], split[other]))
