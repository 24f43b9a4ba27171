"""Tasks for which predictions were released, in the form {"id", "gt", "pred"} a line."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from demeanor.eval.classification import (
    commonest_label,
    commonest_sentiment,
    score_classes,
    score_sentiment,
)
from demeanor.eval.ew import constant_set, score_hits, score_sets
from demeanor.eval.scores import Sample, Scored
from demeanor.eval.tables import WordTable
from demeanor.eval.tasks import Asking, Constant, Setting, Task
from demeanor.eval.words import PREPROCESSING, read_labels
from demeanor.explain.corpora.catalogue import corpus
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import label_set

_FIRST = "first label|lower|strip"
MAY_SEE = "chosen on this gold"
OPEN_ASKED = "rafdb7"  # whose best fit is asked for beside open labels; these alone are scored


def _table(setting: Setting) -> WordTable:
    if setting.table is None:
        raise ValueError("this task groups words: it needs a word table")
    return setting.table


def _official(name: str, split: str = "") -> Callable[..., Iterator[Item]]:
    """Gold from the corpus itself, where its ids are those of the released predictions."""

    def read(path: Path, media: Path | None = None) -> Iterator[Item]:
        items = corpus(name).read(path, media)
        return (item for item in items if not split or item.split in (None, split))

    return read


# Sets of open words ---------------------------------------------------------------------------


def score_label_sets(samples: Sequence[Sample], setting: Setting) -> Scored:
    return score_sets(samples, _table(setting), setting.level)


def constant_label_set(samples: Sequence[Sample], setting: Setting) -> Constant:
    said = constant_set(samples, _table(setting), setting.level)
    return Constant(said, f"greedily {MAY_SEE}")


# One gold label, many predicted ones ----------------------------------------------------------


def score_hit_rate(samples: Sequence[Sample], setting: Setting) -> Scored:
    return score_hits(samples, _table(setting), setting.level)


def constant_labels(samples: Sequence[Sample], setting: Setting) -> Constant:
    """As many labels as the system gives on average, since longer answers hit more."""
    table = _table(setting)
    given = [len(read_labels(s.predicted)) for s in samples if s.predicted is not None]
    n = max(1, math.ceil(sum(given) / len(given))) if given else 1
    golds = [label for s in samples for label in read_labels(s.gold) if table.knows(label)]
    said = sorted(set(golds), key=lambda label: (-golds.count(label), label))[:n]
    return Constant(tuple(said), f"the {n} commonest, {MAY_SEE}; as long as the mean answer")


# One label out of a set -----------------------------------------------------------------------


def score_polarity(samples: Sequence[Sample], setting: Setting) -> Scored:
    return score_sentiment(samples)


def constant_polarity(samples: Sequence[Sample], setting: Setting) -> Constant:
    return Constant(commonest_sentiment(samples), f"the commonest, {MAY_SEE}")


def _rafdb(samples: Sequence[Sample], setting: Setting) -> Scored:
    labels = label_set("rafdb7").labels
    return score_classes(samples, labels, ("accuracy", "UAR", "macro F1", "WAF"))


def _dfew(samples: Sequence[Sample], setting: Setting) -> Scored:
    return score_classes(samples, label_set("dfew7").labels, ("WAR", "UAR"), drop_unknown=True)


def _commonest(name: str, samples: Sequence[Sample]) -> Constant:
    return Constant(commonest_label(samples, label_set(name).labels), f"the commonest, {MAY_SEE}")


TASKS = (
    Task(
        "ovmerd",
        "OV-MERD, 332 clips: sets of open words",
        "ew-f",
        score_label_sets,
        constant_label_set,
        True,
        PREPROCESSING,
        needs=corpus("open-labels").wants,
        read=_official("open-labels"),
        asking=Asking(_official("open-labels"), OPEN_ASKED, is_open=True),
    ),
    Task(
        "ovmerdplus",
        "OV-MERD+, 532 clips: sets of open words (MER-UniBench)",
        "ew-f",
        score_label_sets,
        constant_label_set,
        True,
        PREPROCESSING,
        needs=corpus("open-labels").wants,
        read=_official("open-labels"),
        asking=Asking(_official("open-labels"), OPEN_ASKED, is_open=True),
    ),
    Task(
        "meld",
        "MELD, test: is the gold label among the words? (MER-UniBench)",
        "hit-rate",
        score_hit_rate,
        constant_labels,
        True,
        PREPROCESSING,
        "A longer answer never loses; neutral is in no wheel, so those samples are not scored.",
        needs=corpus("meld").wants,
        read=_official("meld", "test"),
        asking=Asking(_official("meld", "test"), OPEN_ASKED, is_open=True),
    ),
    Task(
        "cmumosi",
        "CMU-MOSI, test: sentiment where gold is not 0 (MER-UniBench)",
        "waf",
        score_polarity,
        constant_polarity,
        False,
        _FIRST,
        'Whatever is not "positive" counts as negative.',
        needs=corpus("sentiment").wants,
        read=_official("sentiment", "test"),
    ),
    Task(
        "rafdb-gpt4v",
        "RAF-DB, test: the first label of a ranking; an unknown one is wrong",
        "accuracy",
        _rafdb,
        lambda samples, setting: _commonest("rafdb7", samples),
        False,
        _FIRST,
    ),
    Task(
        "dfew-gpt4v",
        "DFEW: the first label of a ranking; samples with an unknown one are dropped",
        "war-uar",
        _dfew,
        lambda samples, setting: _commonest("dfew7", samples),
        False,
        _FIRST,
        "Dropped answers flatter a system that often says something else: see how many they are.",
    ),
)
