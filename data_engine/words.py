"""Words that people wrote, as rows and as what drawn clips say: GoEmotions (Demszky et al. 2020).

Rows teach a model to read words and not our sentences. Only the training file is used; its dev
file is what models are measured on. A comment stays in one split, in rows and in clips alike.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import demeanor.explain
from demeanor.data_engine.records import ExpCoTExample, Origin, Task, example_id
from demeanor.data_engine.split import Shares, split_of
from demeanor.explain.corpora.items import CorpusError, Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.corpora.texts import read_goemotions
from demeanor.explain.reasoning.chain import behind_bars
from demeanor.explain.reasoning.chat import Message
from demeanor.explain.records import LabelSet, Provenance
from demeanor.explain.textualization.phrases import quoted
from demeanor.prompts import load_prompt

CORPUS, LICENCE = "goemotions", "CC BY 4.0, Google Research (Demszky et al. 2020)"
FILE = "train.tsv"
_EKMAN = {  # the paper's own grouping of its 27 emotions; ambiguous ones stay with surprise
    "happiness": "joy amusement approval excitement gratitude love optimism relief pride"
    " admiration desire caring",
    "anger": "anger annoyance disapproval",
    "disgust": "disgust",
    "fear": "fear nervousness",
    "sadness": "sadness disappointment embarrassment grief remorse",
    "surprise": "surprise realization confusion curiosity",
    "neutral": "neutral",
}
COARSE_OF = {fine: coarse for coarse, fines in _EKMAN.items() for fine in fines.split()}
_SPOKEN = {  # labels whose comments a person may say who shows this; narrower than the grouping
    "happiness": ("joy", "excitement", "love", "gratitude"),
    "amusement": ("amusement",),
    "pride": ("pride",),
    "relief": ("relief",),
    "interest": ("curiosity",),
    "sadness": ("sadness", "grief", "disappointment"),
    "shame": ("remorse",),
    "embarrassment": ("embarrassment",),
    "sympathy": ("caring",),
    "anger": ("anger", "annoyance"),
    "disgust": ("disgust",),
    "fear": ("fear", "nervousness"),
    "surprise": ("surprise",),
    "confusion": ("confusion",),
    "neutral": ("neutral",),
}
_MIN_WORDS, _MAX_WORDS = 3, 24  # of what somebody says in one breath
_NO_SPEECH = re.compile(
    r"[\[\]<>{}|*_#@/\\\x22]|http|\br/|\bu/|\bop\b|\bsub(?:reddit)?\b", re.IGNORECASE
)
_EKMAN_SET = LabelSet(
    "ekman7",
    tuple(_EKMAN),
    {name: name for name in _EKMAN},
    "Ekman's six and neutral, as GoEmotions is grouped by its paper (Demszky et al. 2020)",
)


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments by what they go with, in one split."""

    by_emotion: dict[str, tuple[Item, ...]]

    def say(self, emotion: str, draw: random.Random) -> tuple[str, str] | None:
        """A comment of one label, for a drawn clip; None where there is none."""
        known = self.by_emotion.get(emotion)
        return (draw.choice(known).text or "", emotion) if known else None


@cache
def comments(folder: Path, shares: Shares) -> dict[str, tuple[Item, ...]]:
    """All comments of the training file, by split. Raises CorpusError."""
    file = folder / FILE
    if not file.is_file():
        raise CorpusError(
            f"{folder}: wanted GoEmotions with {FILE} and labels.txt, found no {FILE}. Name its "
            "folder, or leave words.path out"
        )
    found: dict[str, list[Item]] = {}
    for item in read_goemotions(file):
        found.setdefault(comment_split(item, shares), []).append(item)
    return {split: tuple(items) for split, items in found.items()}


def comment_split(item: Item, shares: Shares) -> str:
    return split_of(f"comment {item.item_id}", shares)


@cache
def spoken(folder: Path, shares: Shares, split: str) -> Comments:
    """What may be said in clips of this split: short, of one label, without marks of a forum."""
    by_label: dict[str, list[Item]] = {}
    for item in comments(folder, shares).get(split, ()):
        if len(item.gold) == 1 and _can_be_said(item.text or ""):
            by_label.setdefault(item.gold[0], []).append(item)
    return Comments(
        {
            emotion: tuple(item for label in labels for item in by_label.get(label, ()))
            for emotion, labels in _SPOKEN.items()
        }
    )


def _can_be_said(text: str) -> bool:
    return _MIN_WORDS <= len(text.split()) <= _MAX_WORDS and not _NO_SPEECH.search(text)


# Rows -----------------------------------------------------------------------------------------


def word_rows(
    folder: Path, shares: Shares, seed: int, key: str, weight: float, start: int, stop: int
) -> Iterator[ExpCoTExample]:
    """Rows of comments `start` to `stop` of the file, one each; beyond its end, again with
    another label set."""
    items = _in_order(folder, shares)
    for number in range(start, stop):
        item = items[number % len(items)]
        yield _row(item, shares, seed, key, weight, number // len(items))


@cache
def _in_order(folder: Path, shares: Shares) -> tuple[Item, ...]:
    """Shuffled once by id, so that any stretch of the file is a sample of it."""
    every = [item for items in comments(folder, shares).values() for item in items]
    return tuple(sorted(every, key=lambda item: split_key(item.item_id)))


def split_key(name: str) -> str:
    return hashlib.sha256(f"demeanor order {name}".encode()).hexdigest()


def _row(
    item: Item, shares: Shares, seed: int, key: str, weight: float, turn: int
) -> ExpCoTExample:
    draw = random.Random(f"{seed} comment {item.item_id} {turn}")  # noqa: S311 no secrets
    labels, gold = _asked(item, draw)
    asked = load_prompt("words").fill(
        text=behind_bars(_quoted(item.text or "")),
        label_set=labels.name,
        labels=", ".join(labels.labels),
    )
    answer = json.dumps({"labels": list(gold), "best_fit": gold[0]}, ensure_ascii=False)
    clip_id = split_key(item.item_id)[:12]
    return ExpCoTExample(
        example_id=example_id(clip_id, f"{CORPUS}/{item.item_id}", Task.WORDS, turn),
        clip_id=clip_id,
        task=Task.WORDS,
        messages=(
            Message("system", load_prompt("system").fill()),
            Message("user", asked),
            Message("assistant", answer),
        ),
        labels=gold,
        label_set=labels.name,
        observations=(),
        not_measured=(),
        evidence=(),
        checks=(),
        provenance=Provenance(
            "labels of its raters",
            None,
            load_prompt("words").sha256,
            seed,
            {"build": key, "labels": list(labels.labels)},
            demeanor.explain.__version__,
        ),
        origin=Origin(CORPUS, item.item_id, None, LICENCE),
        split=comment_split(item, shares),
        weight=weight,
        extra={"text": item.text},
    )


def _quoted(text: str) -> str:
    """A stranger's words on one line between quotes, which they cannot close."""
    return quoted(text.replace('"', "'"))


def _asked(item: Item, draw: random.Random) -> tuple[LabelSet, tuple[str, ...]]:
    """The set that is asked for, and the comment's labels in it: all 28, the seven, or a few."""
    fine = tuple(item.gold)
    number = draw.random()
    if number < 0.45:
        return label_set("goemotions28"), fine
    if number < 0.8:
        return _EKMAN_SET, tuple(dict.fromkeys(COARSE_OF[name] for name in fine))
    others = [name for name in COARSE_OF if name not in fine]
    labels = [*fine, *draw.sample(others, draw.randint(2, 9))]
    draw.shuffle(labels)
    coarse = {name: COARSE_OF[name] for name in labels}
    return LabelSet("custom", tuple(labels), coarse, "a few of GoEmotions' labels"), fine
