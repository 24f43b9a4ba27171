"""Who goes where: by hash, together, and for good."""

import json

import cv2
import pytest
from drawn_pictures import drawn

from demeanor.data_engine.records import RowError
from demeanor.data_engine.split import (
    CLIP,
    PICTURE,
    SUBJECT,
    TEXT,
    TRAIN,
    VIDEO,
    Shares,
    assign,
    groups_of,
    leaks_against,
    leaks_between,
    near_copies,
    picture_hashes,
    sample_hashes,
    split_file,
    split_of,
)
from demeanor.explain.corpora.items import Item
from demeanor.explain.errors import SettingsError

LONG = "the whole harbour was full of boats and nobody knew where the old bell had gone"
HALF = Shares(0.25, 0.25)


def row(name, subject=None, video=None, split=None, quote=None, corpus="films", clip=None):
    said = [{"obs_id": "s1", "quote": quote}] if quote else []
    return {
        "schema": "demeanor-expcot-1",
        "example_id": name,
        "clip_id": clip or f"clip-{name}",
        "task": "exp-cot",
        "observations": said,
        "origin": {"corpus": corpus, "item_id": name, "subject": subject, "video": video},
        "split": split,
        "weight": 1.0,
        "extra": {},
    }


def test_a_group_goes_where_its_name_says_in_about_the_shares():
    places = [split_of(f"person {k}", HALF) for k in range(8000)]
    assert places == [split_of(f"person {k}", HALF) for k in range(8000)]
    assert places.count("validation") / 8000 == pytest.approx(0.25, abs=0.03)
    assert places.count("test") / 8000 == pytest.approx(0.25, abs=0.03)


def test_rows_added_later_move_nobody():
    first = [row(f"r{k}", subject=f"s{k % 40}") for k in range(80)]
    more = [row(f"n{k}", subject=f"s{k % 90}") for k in range(90)]
    before = assign(first, HALF).groups
    after = assign(first + more, HALF).groups
    assert {name: after[name] for name in before} == before


def test_subjects_that_share_a_video_stay_together():
    """s1 - v1 - s2 - v2 - s3 is one group."""
    rows = [row("a", "s1", "v1"), row("b", "s2", "v1"), row("c", "s2", "v2"), row("d", "s3", "v2")]
    found = assign(rows, HALF).groups
    assert len({found[g] for r in rows for g in groups_of(r)}) == 1


def test_what_an_earlier_split_decided_stays():
    rows = [row("a", "s1", "v1"), row("b", "s2", "v1")]
    earlier = {"subject films/s1": "test", "video films/v1": "test"}
    assert set(assign(rows, HALF, earlier).groups.values()) == {"test"}


def test_a_split_that_a_row_has_already_is_kept():
    rows = [row("a", "s1"), row("b", "s1", split="held-out"), row("c", "s2", split="dev")]
    groups = assign(rows, Shares(0, 0)).groups
    assert groups["subject films/s1"] == "test" and groups["subject films/s2"] == "validation"
    both = [row("a", "s1", split="train"), row("b", "s1", split="test")]
    assert list(assign(both, HALF).aside) == ["b"]


def test_a_row_that_ties_two_splits_together_is_put_aside():
    earlier = {"subject films/s1": "test", "video films/v1": "train"}
    found = assign([row("a", "s1", "v1")], HALF, earlier)
    assert "ties together test and train" in found.aside["a"]


def test_shares_that_leave_nothing_to_train_are_refused():
    with pytest.raises(SettingsError, match="leave something to train"):
        Shares(0.6, 0.5)


# Leaks --------------------------------------------------------------------------------------


def test_what_two_splits_share_is_named():
    rows = [
        row("a", "s1", split="train", clip="same"),
        row("b", "s1", split="test"),
        row("c", "s2", "v9", split="train"),
        row("d", "s3", "v9", split="test", clip="same"),
        row("e", "s4", split="train", quote=LONG),
        row("f", "s5", split="test", quote=f"Well, {LONG}."),
    ]
    kinds = {leak.kind: (leak.first, leak.second) for leak in leaks_between(rows)}
    assert kinds[SUBJECT] == ("b", "a")
    assert kinds[VIDEO] == ("d", "c")
    assert set(kinds[CLIP]) == {"a", "d"}
    assert set(kinds[TEXT]) == {"e", "f"}


def test_sentences_of_ours_and_short_talk_are_no_copies():
    rows = [
        row("a", "s1", split="train", quote=LONG, corpus="simulated"),
        row("b", "s2", split="test", quote=LONG, corpus="simulated"),
        row("c", "s3", split="train", quote="Yes, that one."),
        row("d", "s4", split="test", quote="Yes, that one."),
    ]
    assert near_copies(rows, lambda r: r["split"]) == []


def test_rows_are_held_against_an_evaluation_set():
    rows = [row("a", "s1", split="train"), row("b", "s2", split="train", quote=LONG)]
    items = (Item("x", "anger", subject="s1"), Item("y", "anger", said=LONG))
    found = leaks_against(rows, items, "meld")
    assert {(leak.kind, leak.first, leak.second) for leak in found} == {
        (SUBJECT, "a", "x"),
        (TEXT, "b", "y"),
    }


# Files --------------------------------------------------------------------------------------


def write(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    return path


def test_a_file_is_split_and_split_again_with_more_rows(tmp_path):
    first = [row(f"r{k}", subject=f"s{k}") for k in range(30)]
    done = split_file(write(tmp_path / "rows.jsonl", first), tmp_path / "out", HALF)
    assert sum(done.counts.values()) == 30 and not done.leaks
    before = {r["example_id"]: r["split"] for r in read(tmp_path / "out")}
    more = [row(f"n{k}", subject=f"t{k}") for k in range(30)]
    split_file(write(tmp_path / "rows.jsonl", first + more), tmp_path / "out", HALF)
    after = {r["example_id"]: r["split"] for r in read(tmp_path / "out")}
    assert {name: after[name] for name in before} == before and len(after) == 60


def test_of_near_copies_the_one_in_training_is_put_aside(tmp_path):
    names = {split_of(f"subject films/p{k}", HALF): f"p{k}" for k in range(50)}
    rows = [row("a", names["test"], quote=LONG), row("b", names[TRAIN], quote=f"{LONG} again")]
    done = split_file(write(tmp_path / "rows.jsonl", rows), tmp_path / "out", HALF)
    assert [r["example_id"] for r in read(tmp_path / "out")] == ["a"]
    assert done.counts["aside"] == 1 and not done.leaks
    report = json.loads((tmp_path / "out" / "leaks.json").read_text())
    assert "nearly repeats a" in report["aside"]["b"]


def test_rows_that_an_evaluation_set_has_are_put_aside_when_asked(tmp_path):
    rows = [row("a", "s1"), row("b", "s1"), row("c", "s2", quote=LONG), row("d", "s3")]
    items = {"meld": (Item("x", "anger", subject="s1"), Item("y", "anger", said=LONG))}
    path = write(tmp_path / "rows.jsonl", rows)
    assert {leak.kind for leak in split_file(path, tmp_path / "a", None, items).leaks} == {
        SUBJECT,
        TEXT,
    }
    done = split_file(path, tmp_path / "b", None, items, drop=True)
    assert [r["example_id"] for r in read(tmp_path / "b")] == ["d"] and not done.leaks


def test_a_file_that_holds_no_rows_is_refused(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(RowError, match="line 1: wanted a row"):
        split_file(tmp_path, tmp_path / "out")


def read(folder):
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


# Pictures -----------------------------------------------------------------------------------------


@pytest.fixture
def pictured(tmp_path):
    """Rows of four pictures; p1 and p3 are of other people and yet one picture, nearly."""
    pictures = {"p0": drawn(0), "p1": drawn(1), "p2": drawn(2), "p3": drawn(1, 80)}
    rows = []
    for k, (name, rgb) in enumerate(pictures.items()):
        cv2.imwrite(str(tmp_path / f"{name}.png"), rgb)
        found = row(name, subject=f"s{k}")
        rows.append({**found, "origin": {**found["origin"], "path": f"{name}.png"}})
    return rows, tmp_path


def test_near_copies_of_pictures_are_told_and_put_out_of_training(pictured, tmp_path):
    rows, media = pictured
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    places = {f"subject films/s{k}": name for k, name in enumerate(("train",) * 3 + ("test",))}
    out = tmp_path / "out"
    out.mkdir()
    (out / "splits.json").write_text(json.dumps(places))
    assert split_file(file, out).counts == {"train": 3, "test": 1, "aside": 0}
    done = split_file(file, out, media=media)
    assert done.counts == {"train": 2, "test": 1, "aside": 1}
    assert done.leaks == ()
    assert "nearly repeats p3 (test)" in (out / "leaks.json").read_text()


def test_pictures_of_an_evaluation_set_are_found_among_the_rows(pictured, tmp_path):
    rows, media = pictured
    cv2.imwrite(str(tmp_path / "theirs.jpg"), drawn(2, 90))
    hashes = picture_hashes(rows, media).hashes
    samples = [Item("x", "joy", media=tmp_path / "theirs.jpg")]
    theirs = sample_hashes(samples).hashes
    (leak,) = leaks_against(rows, samples, "faces=there", hashes, theirs)
    assert (leak.kind, leak.first, leak.second) == (PICTURE, "p2", "x")


def test_pictures_that_could_not_be_compared_are_named(pictured, tmp_path):
    rows, media = pictured
    (media / "p0.png").unlink()
    (media / "p2.png").write_bytes(b"no picture")
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    theirs = {"faces=there": [Item("x", "joy", media=tmp_path / "gone.jpg"), Item("t", "joy")]}
    done = split_file(file, tmp_path / "out", against=theirs, media=media)
    assert set(done.not_looked_at) == {"p0.png", "p2.png", "faces=there: x"}
    told = json.loads((tmp_path / "out" / "leaks.json").read_text())
    assert told["not_looked_at"] == list(done.not_looked_at)


def test_samples_that_cannot_be_opened_are_named_without_a_look_at_pictures(pictured, tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in pictured[0]))
    theirs = {"faces=there": [Item("x", "joy", media=tmp_path / "gone.jpg"), Item("t", "joy")]}
    assert split_file(file, tmp_path / "out", against=theirs).not_looked_at == ("faces=there: x",)


def test_a_wrong_folder_of_media_is_refused(pictured, tmp_path):
    with pytest.raises(SettingsError, match="none of 4 files"):
        picture_hashes(pictured[0], tmp_path / "elsewhere")
