"""What splits share. Pictures are drawn; a near-copy is the same drawing, smaller and brighter."""

import cv2
import numpy as np
import pytest
from drawn_pictures import drawn

from demeanor.eval.leakage import (
    FILE,
    PICTURE,
    SUBJECT,
    TEXT,
    VIDEO,
    LeakError,
    check,
    refuse_leaks,
)
from demeanor.explain.corpora.items import Item


@pytest.fixture
def save(tmp_path):
    def save(name, rgb):
        path = tmp_path / name
        cv2.imwrite(str(path), rgb[..., ::-1])
        return path

    return save


def item(name, split, **changes):
    return Item(name, "x", split=split, **changes)


def test_a_subject_and_a_video_on_both_sides_are_named():
    some = (
        item("a", "train", subject="ann", video="v1"),
        item("b", "train", subject="ann", video="v2"),
        item("c", "test", subject="ann", video="v2"),
        item("d", "test", subject="ben", video="v3"),
        item("e", None, subject="ben", video="v1"),  # in no split: passed over
    )
    checked = check(some)
    assert checked.kinds == {SUBJECT: 1, VIDEO: 1}
    assert [str(leak) for leak in checked.leaks] == [
        "the same subject: ann: c (test) and a (train)",
        "the same source video: v2: c (test) and b (train)",
    ]
    assert checked.splits == ("test", "train")


def test_the_same_within_a_split_is_no_leak():
    assert not check([item("a", "train", subject="ann"), item("b", "train", subject="ann")]).leaks


def test_copies_of_pictures_are_found_and_other_pictures_are_not(save):
    first = drawn(1)
    smaller = cv2.convertScaleAbs(cv2.resize(first, (70, 70)), alpha=1.1, beta=5)
    some = (
        item("a", "train", media=save("a.png", first)),
        item("b", "train", media=save("b.png", drawn(2))),
        item("copy", "test", media=save("copy.jpg", smaller)),
        item("same", "test", media=save("same.png", drawn(2))),
        item("new", "test", media=save("new.png", drawn(3))),
    )
    leaks = check(some).leaks
    found = {(leak.kind, leak.first, leak.second) for leak in leaks}
    assert found == {
        (PICTURE, "copy", "a"),
        (PICTURE, "same", "b"),
        (FILE, "same", "b"),
    }


def test_flat_pictures_and_unreadable_files_are_counted_and_not_compared(save, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    flat = np.full((60, 60, 3), 128, np.uint8)
    some = (
        item("a", "train", media=save("a.png", flat)),
        item("b", "test", media=save("b.png", flat[:50])),
        item("c", "test", media=bad),
    )
    checked = check(some)
    assert (checked.leaks, checked.n_pictures, checked.not_looked_at) == ((), 0, ("c",))


def test_a_clip_is_known_by_a_frame_with_a_pattern(shared):
    clip = shared / "data" / "clips" / "single_face.mp4"
    picture = shared / "data" / "clips" / "single_face.jpg"
    if not clip.is_file():
        pytest.skip("no clip")
    checked = check([item("a", "train", media=clip), item("b", "test", media=picture)])
    assert checked.n_pictures == 2


def test_near_texts_are_found_and_texts_of_one_kind_of_scene_are_not():
    text = "In the video a man in a blue coat sits on a chair and smiles at the woman beside him."
    other = "In the video a man in a red hat stands near a door and shouts at somebody outside."
    some = (
        item("a", "train", text=text),
        item("b", "test", text=text.replace("blue", "green").upper() + " He nods."),
        item("c", "test", text=other),
        item("d", "test", text="He smiles."),
        item("e", "train", text="he  smiles"),
    )
    found = {(leak.kind, *sorted((leak.first, leak.second))) for leak in check(some).leaks}
    assert found == {(TEXT, "a", "b"), (TEXT, "d", "e")}


def test_leaks_are_refused_with_their_names():
    some = [item(f"{s}{k}", s, subject=f"p{k}") for s in ("train", "test") for k in range(9)]
    with pytest.raises(LeakError, match="the same subject: 9 pairs") as caught:
        refuse_leaks(some)
    assert str(caught.value).count("p0") == 1
    assert "--allow-leaks" in str(caught.value)
    assert str(caught.value).count("\n  ") == 5  # no more than can be read
    assert len(caught.value.checked.leaks) == 9


def test_without_looking_files_are_not_opened(tmp_path):
    some = [item(k, k, media=tmp_path / "gone.jpg") for k in ("train", "test")]
    assert check(some, look=False).not_looked_at == ()
