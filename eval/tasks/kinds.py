"""Kinds of tasks: each makes a task of a corpus, with its metric and its constant answer."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from demeanor.eval.classification import commonest_label, score_classes
from demeanor.eval.multilabel import score_label_lists
from demeanor.eval.overlap import score_texts
from demeanor.eval.preference import CHOICES, SAME, longer_text, score_preferences
from demeanor.eval.regression import read_levels, score_several_levels
from demeanor.eval.scores import Sample, Scored
from demeanor.eval.tasks import Asking, Constant, Setting, Task
from demeanor.eval.tasks.released import (
    MAY_SEE,
    OPEN_ASKED,
    constant_label_set,
    constant_labels,
    constant_polarity,
    score_hit_rate,
    score_label_sets,
    score_polarity,
)
from demeanor.eval.words import PREPROCESSING, plain, read_labels
from demeanor.explain.corpora.catalogue import corpus
from demeanor.explain.corpora.items import CorpusError, Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.corpora.mapping import relabelled

FORMS = "first label|lower|strip|forms-1"  # whoever changes _FORMS renames it
_FIRST = "first label|lower|strip"
# The same word as a noun and as an adjective: sets of labels have the one, answers the other. Words
# of another stem (glad, joyful) are not the label; whether they mean it is no scorer's guess.
_FORMS = (
    ("happy", "happiness"),
    ("sad", "sadness"),
    ("angry", "anger"),
    ("fear", "fearful"),
    ("surprise", "surprised"),
    ("disgust", "disgusted"),
    ("contempt", "contemptuous"),
    ("joy", "joyful"),
    ("anxiety", "anxious"),
    ("helplessness", "helpless"),
    ("disappointment", "disappointed"),
    ("frustrated", "frustration"),
    ("excited", "excitement"),
    ("worried", "worry"),
    ("repression", "repressed"),
    ("other", "others"),
)
_FORM_OF = {one: form for forms in _FORMS for one in forms for form in forms if form != one}
_UNIT = re.compile(r"(?:au)?\s*0*(\d{1,2})(?:\s*=.*)?")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a task's gold comes from, and which part of it is scored."""

    corpus: str = ""
    splits: tuple[str, ...] = ()  # empty: all that the file has
    keep: Callable[[Item], bool] | None = None
    mapping: Mapping[str, str | None] | None = None  # the protocol's own, and lossy
    gold: Callable[[Item], object] | None = None  # instead of the item's label
    reader: Callable[[Path], Iterator[Item]] | None = None  # where no corpus of ours reads it
    wants: str = ""
    is_whole: bool = True  # a sample is a whole picture or clip; else a frame, or a folder of them

    @property
    def needs(self) -> str:
        return self.wants or corpus(self.corpus).wants

    def read(self, path: Path, media: Path | None = None) -> Iterator[Item]:
        """Raises CorpusError where the file has nothing of what is scored."""
        items: Iterable[Item] = (
            self.reader(path) if self.reader else corpus(self.corpus).read(path, media)
        )
        if self.mapping:
            items = relabelled(items, self.mapping, lossy=True)
        found = 0
        for item in items:
            if self._counts(item):
                found += 1
                yield replace(item, gold=self.gold(item)) if self.gold else item
        if not found:
            part = f" of {' or '.join(self.splits)}" if self.splits else ""
            raise CorpusError(f"{path}: wanted samples{part} that this task scores, found none")

    def _counts(self, item: Item) -> bool:
        in_split = not self.splits or item.split is None or item.split in self.splits
        return in_split and (self.keep is None or self.keep(item))


# One label of a set ---------------------------------------------------------------------------


def in_set(said: object, labels: Sequence[str]) -> str:
    """The first label of an answer, in the form that the set has it; as it was said where the set
    has no form of it.

    >>> in_set("Happy", ["happiness", "anger"]), in_set(["glad", "happy"], ["happiness"])
    ('happiness', 'glad')
    """
    first = next(iter(read_labels(said)), "")  # type: ignore[arg-type]
    other = _FORM_OF.get(first, first)
    return other if first not in labels and other in labels else first


def closed(
    name: str,
    title: str,
    source: Source,
    labels: str,
    figures: tuple[str, ...],
    note: str = "",
    drop_unknown: bool = False,
) -> Task:
    """Signatures name the headline and the set: figures over other labels are other figures."""

    def score(samples: Sequence[Sample], setting: Setting) -> Scored:
        known = tuple(map(plain, label_set(labels).labels))
        read = [
            s if s.predicted is None else replace(s, predicted=in_set(s.predicted, known))
            for s in samples
        ]
        return score_classes(read, known, figures, drop_unknown)

    def constant(samples: Sequence[Sample], setting: Setting) -> Constant:
        said = commonest_label(samples, label_set(labels).labels)
        return Constant(said, f"the commonest, {MAY_SEE}")

    metric = f"{figures[0].lower().replace(' ', '-')}.{labels}"
    rule = "Answers outside the set are dropped." if drop_unknown else ""
    said = " ".join(filter(None, (note, rule)))
    made = _task(name, title, metric, score, constant, FORMS, source, said)
    return replace(made, asking=_asking(source, labels, is_open=False))


def _asking(source: Source, labels: str, is_open: bool) -> Asking | None:
    return Asking(source.read, labels, is_open) if source.is_whole and source.corpus else None


# Open words -----------------------------------------------------------------------------------


def hit_rate(name: str, title: str, source: Source, note: str = "") -> Task:
    note = f"A longer answer never loses; neutral is in no wheel. {note}".strip()
    task = _task(
        name, title, "hit-rate", score_hit_rate, constant_labels, PREPROCESSING, source, note
    )
    return replace(task, grouped=True, asking=_asking(source, OPEN_ASKED, is_open=True))


def word_sets(name: str, title: str, source: Source, note: str = "") -> Task:
    task = _task(
        name, title, "ew-f", score_label_sets, constant_label_set, PREPROCESSING, source, note
    )
    return replace(task, grouped=True, asking=_asking(source, OPEN_ASKED, is_open=True))


# Several labels, levels, texts ----------------------------------------------------------------


def unit_name(said: str) -> str:
    """
    >>> unit_name("AU06"), unit_name("12"), unit_name("au4=2.5"), unit_name("lip corner puller")
    ('au6', 'au12', 'au4', 'lip corner puller')
    """
    match = _UNIT.fullmatch(said.strip().lower())
    return f"au{int(match[1])}" if match else plain(said)


def several(
    name: str,
    title: str,
    source: Source,
    labels: Sequence[str],
    read: Callable[[str], str] = plain,
    note: str = "",
) -> Task:
    def score(samples: Sequence[Sample], setting: Setting) -> Scored:
        return score_label_lists(samples, labels, read)

    def constant(samples: Sequence[Sample], setting: Setting) -> Constant:
        return Constant(tuple(labels), "all of them: of all constants it has the highest macro F1")

    metric = f"macro-f1.{len(labels)}"
    return _task(name, title, metric, score, constant, PREPROCESSING, source, note)


def levels(
    name: str,
    title: str,
    source: Source,
    wanted: Sequence[str],
    agreement: str = "CCC",
    note: str = "",
) -> Task:
    def score(samples: Sequence[Sample], setting: Setting) -> Scored:
        return score_several_levels(samples, wanted, agreement)

    def constant(samples: Sequence[Sample], setting: Setting) -> Constant:
        """A mean agrees with nothing, so its CCC is 0: the RMSE is what it is there for."""
        golds = np.array([read_levels(s.gold, wanted) for s in samples if s.predicted is not None])
        known = ~np.isnan(golds)
        means = np.where(known, golds, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        said = tuple(f"{level}={mean:.4f}" for level, mean in zip(wanted, means, strict=True))
        return Constant(said, f"the means, {MAY_SEE}")

    metric = f"{agreement.lower()}.{len(wanted)}"
    return _task(name, title, metric, score, constant, "numbers, or name=value", source, note)


def texts(name: str, title: str, source: Source, note: str = "") -> Task:
    def score(samples: Sequence[Sample], setting: Setting) -> Scored:
        return score_texts(samples)

    return _task(name, title, "rouge-l", score, _usual_text, "words, lower", source, note)


def _usual_text(samples: Sequence[Sample], setting: Setting) -> Constant:
    """The gold text of middling length: the same usual phrases for everybody."""
    golds = sorted((s.gold for s in samples if isinstance(s.gold, str)), key=lambda g: (len(g), g))
    said = golds[len(golds) // 2] if golds else ""
    return Constant(said, f"the gold text of middling length, {MAY_SEE}")


def sentiment(name: str, title: str, source: Source) -> Task:
    note = 'Gold 0 is not scored; whatever is not "positive" counts as negative.'
    return _task(name, title, "waf", score_polarity, constant_polarity, _FIRST, source, note)


def preference(name: str, title: str, source: Source, note: str, n_classes: int = 2) -> Task:
    """Predictions may say in `swapped` what was chosen when the pair was turned round."""

    def score(samples: Sequence[Sample], setting: Setting) -> Scored:
        read = [replace(s, predicted=_choice(s.predicted)) for s in samples]
        turned = [_choice(s.about.get("swapped")) for s in samples]
        return score_preferences(read, turned, n_classes)

    def constant(samples: Sequence[Sample], setting: Setting) -> Constant:
        """The longer text: it beats every published model on MER2026's pairs."""
        texts = [(s.about.get("a1"), s.about.get("a2")) for s in samples]
        if all(isinstance(text, str) for pair in texts for text in pair):
            each = tuple(longer_text([(str(a), str(b)) for a, b in texts]))
            return Constant("the longer text", "by characters; looks at nothing else", each)
        counts = Counter(s.gold for s in samples if s.gold in CHOICES and s.gold != SAME)
        said = max(sorted(counts), key=lambda choice: counts[choice], default=CHOICES[0])
        return Constant(said, f"the commonest choice, {MAY_SEE}")

    return _task(name, title, f"preference.{n_classes}", score, constant, _FIRST, source, note)


def _choice(said: object) -> str | None:
    return None if said is None else in_set(said, CHOICES)


def _task(
    name: str,
    title: str,
    metric: str,
    score: Callable[[Sequence[Sample], Setting], Scored],
    constant: Callable[[Sequence[Sample], Setting], Constant],
    preprocessing: str,
    source: Source,
    note: str,
) -> Task:
    return Task(
        name, title, metric, score, constant, False, preprocessing, note, source.needs, source.read
    )
