"""One set of labels made of another: by name, and never with something lost unasked."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from demeanor.explain.corpora.items import Item
from demeanor.explain.errors import DemeanorError


class LossyMapping(DemeanorError):
    """A mapping after which labels that differed are the same, or samples are gone."""


def check_lossless(mapping: Mapping[str, str | None]) -> None:
    """Raises LossyMapping, naming what would be lost.

    >>> check_lossless({"happy": "happiness", "sad": "sadness"})
    """
    sources: dict[str | None, list[str]] = defaultdict(list)
    for label, target in mapping.items():
        sources[target].append(label)
    lost = [f"{' and '.join(s)} → {t or 'left out'}" for t, s in sources.items() if not t or s[1:]]
    if lost:
        raise LossyMapping(f"this mapping loses labels: {'; '.join(lost)}. Ask for it: lossy=True")


def relabelled(
    items: Iterable[Item], mapping: Mapping[str, str | None], *, lossy: bool = False
) -> Iterator[Item]:
    """Items with their labels mapped by name; those that map to None are left out.

    A label that the mapping does not hold is left as it is. Raises LossyMapping unless `lossy`.
    """
    if not lossy:
        check_lossless(mapping)
    for item in items:
        label = mapping.get(item.gold, item.gold)
        if label is not None:
            yield replace(item, gold=label)
