"""Which people are held out together: one committed file per collection, used by everything.

A person is known by a hash of the name that the collection gives, so that no name stands here.
"""

import csv
import hashlib
from functools import cache
from importlib.resources import files

from demeanor.explain.errors import UnknownName

N_FOLDS = 5
HELD_OUT = 0  # the fold that no constant of perception has seen


def identity_key(identity: str) -> str:
    return hashlib.sha256(f"demeanor {identity}".encode()).hexdigest()[:12]


@cache
def folds(collection: str) -> dict[str, int]:
    """Fold 0-4 by `identity_key`. Collections: "faces" (the labelled pictures of issue docs)."""
    path = files("demeanor.explain.corpora.folds").joinpath(f"{collection}.csv")
    if not path.is_file():
        raise UnknownName("collection with folds", collection, ("faces",))
    rows = csv.DictReader(path.read_text("utf-8").splitlines())
    return {row["identity_sha256"]: int(row["fold"]) for row in rows}


def fold_of(collection: str, identity: str) -> int:
    """Raises UnknownName for somebody whom the file does not have."""
    known = folds(collection)
    key = identity_key(identity)
    if key not in known:
        raise UnknownName(f"identity of {collection}", identity, ())
    return known[key]
