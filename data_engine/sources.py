"""Labelled clips and pictures out of a corpus, each with its place and its labels by name."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demeanor.data_engine.config import SourceConfig
from demeanor.explain.corpora import press_faces
from demeanor.explain.corpora.catalogue import LEVEL, LEVELS, OPEN, TEXT, UNITS, Corpus, corpus
from demeanor.explain.corpora.folds import identity_key
from demeanor.explain.corpora.items import CorpusError, Item
from demeanor.explain.corpora.labels import known_label_sets, label_set
from demeanor.explain.corpora.mapping import relabelled
from demeanor.explain.errors import SettingsError
from demeanor.explain.records import LabelSet

# What a corpus' own rules leave out, by reason; the reader has left it out already.
_LEFT_OUT: Mapping[str, Callable[[Path], dict[str, int]]] = {"press-faces": press_faces.left_out}
_NO_LABELS = (LEVEL, LEVELS, TEXT, UNITS, "a1, a2, same")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    item: Item
    path: str  # relative to the corpus, with forward slashes: the same on every machine
    labels: tuple[str, ...]  # gold: one of the label set, or open words

    @property
    def subject(self) -> str | None:
        """People are known by a hash: their names have no place in training data."""
        return identity_key(self.item.subject) if self.item.subject else None


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    corpus: Corpus
    samples: tuple[Sample, ...]
    label_set: LabelSet  # what is asked for; open corpora are asked for words of it as well
    is_open: bool
    left_out: Mapping[str, int]

    @property
    def sha256(self) -> str:
        """Of what is asked about, by name and label; content goes into each sample's own key."""
        rows = [[s.item.item_id, s.path, s.labels, s.item.split, s.subject] for s in self.samples]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def read_source(config: SourceConfig) -> Source:
    """Raises CorpusError, SettingsError, LossyMapping where the corpus cannot be used as asked."""
    known = corpus(config.corpus)
    if known.gold in _NO_LABELS:
        raise SettingsError(
            f"{known.name} has {known.gold} for gold: there is no label to argue for"
        )
    path = config.path or Path()
    labels = _label_set(known, config.labels)
    items: Iterable[Item] = known.read(path, config.media)
    if config.splits:
        items = _of_splits(list(items), config.splits)
    found = _spread(list(items), config.limit)
    is_open = known.gold == OPEN
    if not is_open:
        found = list(_by_name(found, labels, config.lossy))
    root = config.media or (path if path.is_dir() else path.parent)
    samples = tuple(_sample(item, root) for item in found)
    if not samples:
        raise CorpusError(f"{path}: wanted samples, found none that are asked for")
    counts = _LEFT_OUT.get(known.name)
    left_out = counts(path) if counts else {}
    return Source(known, samples, labels, is_open, left_out)


def _spread(items: list[Item], limit: int | None) -> list[Item]:
    """At most so many, evenly over the table: its first rows are often of one label."""
    if limit is None or limit >= len(items):
        return items
    return [items[k * len(items) // limit] for k in range(limit)]


def _label_set(known: Corpus, named: str | None) -> LabelSet:
    if named is None and known.gold not in known_label_sets():
        raise SettingsError(
            f"{known.name} may have any labels: name a set with source.labels "
            "(`demeanor labels` lists them) or a labels.yaml"
        )
    return label_set(named or known.gold)


def _of_splits(items: Sequence[Item], wanted: Sequence[str]) -> Iterable[Item]:
    known = {item.split for item in items if item.split}
    if unknown := sorted(set(wanted) - known):
        raise SettingsError(f"source.splits: no split {unknown}; known: {sorted(known)}")
    return (item for item in items if item.split in wanted)


def _by_name(items: Sequence[Item], labels: LabelSet, lossy: bool) -> Iterable[Item]:
    """Gold labels as the set spells them; by their coarse emotion where the set has another word.

    Two labels that would become one are refused, unless that is asked for.
    """
    found = dict.fromkeys(str(item.gold) for item in items)
    mapping = {label: _named(label, labels) for label in found}
    return relabelled(items, mapping, lossy=lossy)


def _named(label: str, labels: LabelSet) -> str | None:
    from demeanor.explain.corpora.labels import coarse_of

    same = next((known for known in labels.labels if known.casefold() == label.casefold()), None)
    if same is not None:
        return same
    coarse = coarse_of(label)
    return next((k for k in labels.labels if coarse and labels.coarse.get(k) == coarse), None)


def _sample(item: Item, root: Path) -> Sample:
    gold = item.gold if isinstance(item.gold, list | tuple) else [item.gold]
    place = item.media or Path(item.item_id)
    try:
        path = place.relative_to(root).as_posix()
    except ValueError:  # elsewhere: the corpus' own name for it is what is left
        path = item.item_id
    return Sample(item, path, tuple(str(label) for label in gold))
