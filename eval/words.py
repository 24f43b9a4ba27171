"""Labels as people and models write them: lists, bracketed text, comma lists.

What OV-MER's own code does with a text is kept, since scores depend on it: one bracket off each
end, parted at quotes, commas and semicolons, lower case. Runs of spaces count as one.
"""

import re
from collections.abc import Iterable

PREPROCESSING = "list|lower|strip"  # named in signatures: whoever changes the rule renames it
_PARTS = re.compile(r"['\",;\n]")


def read_labels(said: str | float | Iterable[object] | None) -> tuple[str, ...]:
    """Labels in the order given; empty for an empty text. Nothing is mapped or dropped here.

    >>> read_labels("[Happy, ' worried']")
    ('happy', 'worried')
    >>> read_labels(["Joy ", ""])
    ('joy',)
    """
    if said is None:
        return ()
    if isinstance(said, str | int | float):
        said = str(said)
        return _cleaned(_PARTS.split(said.strip().removeprefix("[").removesuffix("]")))
    return _cleaned(said)


def plain(label: object) -> str:
    return " ".join(str(label).lower().split())


def _cleaned(parts: Iterable[object]) -> tuple[str, ...]:
    return tuple(label for part in parts if (label := plain(part)))
