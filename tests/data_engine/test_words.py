"""Comments as rows and as speech: each in one split, with the labels of its raters."""

import json
import random

import pytest

from demeanor.data_engine.check import run_checks
from demeanor.data_engine.records import Task
from demeanor.data_engine.split import Shares
from demeanor.data_engine.words import comment_split, comments, spoken, word_rows
from demeanor.explain.corpora.items import CorpusError

LABELS = "joy sadness anger neutral remorse curiosity"
LINES = [
    "What a day, we really did it!\t0",
    "I miss the old house by the lake\t1",
    "Stop that, right now please\t2",
    "The shop opens at nine today\t3",
    "I said it and I should not have\t1,4",
    "[NAME] what is that thing\t5",
    'He said "no" and left the room\t2',
]
SHARES = Shares(0.2, 0.2)


@pytest.fixture
def folder(tmp_path):
    """A file in the form of GoEmotions, with sentences of ours."""
    (tmp_path / "labels.txt").write_text("\n".join(LABELS.split()))
    rows = [f"{line}\tid{k}x{n}" for k in range(30) for n, line in enumerate(LINES)]
    (tmp_path / "train.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_a_comment_is_in_one_split_as_row_and_as_speech(folder):
    rows = list(word_rows(folder, SHARES, 0, "k", 1.0, 0, 210))
    assert len({row.origin.item_id for row in rows}) == 210
    by_split = comments(folder, SHARES)
    for row in rows:
        items = {item.item_id for item in by_split[row.split]}
        assert row.origin.item_id in items
    said = spoken(folder, SHARES, "test").by_emotion["happiness"]
    assert said and all(comment_split(item, SHARES) == "test" for item in said)


def test_rows_ask_for_labels_that_their_raters_gave(folder):
    for row in word_rows(folder, SHARES, 0, "k", 1.0, 0, 210):
        assert row.task is Task.WORDS
        known = row.provenance.settings["labels"]
        reply = json.loads(row.answer)
        assert reply["labels"] == list(row.labels) and set(row.labels) <= set(known)
        assert all(name in row.messages[1].content for name in known)
        assert not [c for c in run_checks(row) if c.passed is False]


def test_any_stretch_is_the_same_rows(folder):
    whole = list(word_rows(folder, SHARES, 3, "k", 1.0, 0, 60))
    parts = [*word_rows(folder, SHARES, 3, "k", 1.0, 0, 25)]
    parts += word_rows(folder, SHARES, 3, "k", 1.0, 25, 60)
    assert whole == parts


def test_only_plain_short_comments_of_one_label_are_spoken(folder):
    split = "train"
    found = spoken(folder, SHARES, split)
    texts = {item.text for items in found.by_emotion.values() for item in items}
    assert not [t for t in texts if "[" in t or '"' in t or "should not" in t]
    assert found.say("fear", random.Random(0)) is None
    text, meant = found.say("sadness", random.Random(0))
    assert (text, meant) == ("I miss the old house by the lake", "sadness")


def test_a_stranger_cannot_close_the_quotes(folder):
    for row in word_rows(folder, SHARES, 0, "k", 1.0, 0, 210):
        (line,) = [x for x in row.messages[1].content.splitlines() if x.startswith("| ")]
        assert line.count('"') == 2


def test_a_folder_without_comments_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"wanted GoEmotions with train\.tsv"):
        comments(tmp_path, SHARES)
