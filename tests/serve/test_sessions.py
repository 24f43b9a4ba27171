"""Sessions: what is kept, what is refused, and that nothing is left of either when it is over."""

import errno
import gc
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from demeanor.explain.errors import DemeanorError, UnknownName
from demeanor.serve.sessions import (
    Limits,
    Purpose,
    SessionGone,
    Sessions,
    StorageFull,
    TooLarge,
    Turn,
)

SMALL = Limits(upload_bytes=100, session_bytes=150, lasts_s=60.0, turns=3)


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "kept", SMALL)


@pytest.fixture
def begun(sessions: Sessions) -> str:
    return sessions.begin(Purpose.RESEARCH).session_id


def files_of(sessions: Sessions) -> list[str]:
    return sorted(path.name for path in (sessions.folder / "uploads").iterdir())


def test_the_same_bytes_are_kept_once_whatever_they_are_called(sessions, begun) -> None:
    one = sessions.keep(begun, "a.mp4", [b"ab", b"c"])
    again = sessions.keep(begun, "b.mp4", [b"abc"])
    assert one == again
    assert one.path.read_bytes() == b"abc"
    # SHA-256 of "abc", as in FIPS 180
    assert one.upload_id.startswith("ba7816bf8f01cfea")
    assert files_of(sessions) == [f"{one.upload_id}.mp4"]


def test_an_upload_is_its_own_sessions_and_outlives_the_process(sessions, begun) -> None:
    kept = sessions.keep(begun, "a.mp4", [b"abc"])
    other = sessions.begin(Purpose.PERSONAL).session_id
    assert sessions.uploads(other) == ()
    with pytest.raises(UnknownName):
        sessions.upload(other, kept.upload_id)
    assert Sessions(sessions.folder, SMALL).upload(begun, kept.upload_id) == kept


def test_many_may_ask_at_once_and_nothing_is_lost(sessions) -> None:
    def visit(number: int) -> str:
        begun = sessions.begin(Purpose.RESEARCH).session_id
        for clip in ("a", "b"):
            sessions.note(begun, clip, "result", f"{number} of {clip}")
            sessions.session(begun)
        return begun

    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(visit, range(96)))
    assert len(set(found)) == 96
    for number, begun in enumerate(found):
        assert sessions.notes(begun, "b", "result") == (f"{number} of b",)


def test_what_failed_half_way_is_not_kept(sessions, begun) -> None:
    for number in range(3):
        sessions.note(begun, "a", "result", str(number))
    with pytest.raises(TooLarge), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "limits", replace(SMALL, notes=0))
        sessions.note(begun, "a", "result", "3", instead=True)  # removes before it counts
    assert sessions.notes(begun, "a", "result") == ("0", "1", "2")


def test_calls_leave_the_log_to_whoever_closes_last(tmp_path) -> None:
    sessions = Sessions(tmp_path / "kept", SMALL)
    begun = sessions.begin(Purpose.RESEARCH).session_id
    log = sessions.folder / "sessions.sqlite-wal"
    assert log.is_file()  # closing their connections did not write it back
    del sessions
    gc.collect()
    assert not log.exists()
    assert Sessions(tmp_path / "kept", SMALL).session(begun).session_id == begun


@pytest.mark.parametrize(
    ("name", "shown", "suffix"),
    [
        ("../../etc/passwd", "passwd", ""),
        ("..\\..\\clip.MP4", "clip.MP4", ".mp4"),
        ("<script>alert(1)</script>.mp4", "script>.mp4", ".mp4"),
        ("a\x00b\n.mp4", "ab.mp4", ".mp4"),
        ("a.mp4;rm -rf", "a.mp4;rm -rf", ""),
        ("/", "unnamed", ""),
        ("x" * 500, "x" * 120, ""),
    ],
)
def test_names_of_strangers_never_become_paths(sessions, begun, name, shown, suffix) -> None:
    kept = sessions.keep(begun, name, [b"abc"])
    assert kept.name == shown
    assert kept.path.parent == sessions.folder / "uploads"
    assert kept.path.name == kept.upload_id + suffix


def test_five_gigabytes_are_not_read_to_their_end(sessions, begun) -> None:
    read = []

    def endless():
        for number in range(5_000_000):
            read.append(number)
            yield b"\0" * 40

    with pytest.raises(TooLarge, match=r"big\.mp4: more than the 100 bytes"):
        sessions.keep(begun, "big.mp4", endless())
    assert len(read) == 3  # 120 bytes are above 100
    assert files_of(sessions) == []


def test_a_session_has_room_for_so_much(sessions, begun) -> None:
    sessions.keep(begun, "a.mp4", [b"a" * 100])
    with pytest.raises(TooLarge, match="room for 50 more"):
        sessions.keep(begun, "b.mp4", [b"b" * 51])
    assert sessions.keep(begun, "a2.mp4", [b"a" * 100]).name == "a.mp4"  # known: takes no room
    sessions.keep(begun, "c.mp4", [b"c" * 50])
    assert len(files_of(sessions)) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_leaves_nothing(sessions, begun, number) -> None:
    def full():
        yield b"a"
        raise OSError(number, "no room")

    with pytest.raises(StorageFull, match=r"a\.mp4: the disk is full"):
        sessions.keep(begun, "a.mp4", full())
    assert files_of(sessions) == []
    assert sessions.uploads(begun) == ()


def test_a_sender_who_goes_away_leaves_nothing(sessions, begun) -> None:
    def gone():
        yield b"a"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        sessions.keep(begun, "a.mp4", gone())
    assert files_of(sessions) == []


def test_sessions_end_when_they_are_not_used_and_take_their_files_along(sessions) -> None:
    one = sessions.begin(Purpose.RESEARCH, now_s=0.0).session_id
    assert sessions.session(one, now_s=50.0).expires_s == 110.0
    assert sessions.session(one, now_s=109.0).created_s == 0.0
    with pytest.raises(SessionGone, match="Begin a new one"):
        sessions.session(one, now_s=169.0)
    two = sessions.begin(Purpose.RESEARCH).session_id
    kept = sessions.keep(two, "a.mp4", [b"abc"])
    sessions.add_turn(two, Turn("c", "user", "why?", (), 0.0))
    assert sessions.end_expired(now_s=170.0) == 1
    assert kept.path.is_file()
    assert sessions.end_expired(now_s=kept.path.stat().st_mtime + 1000.0) == 1
    assert files_of(sessions) == []
    assert sessions.turns(two, "c") == ()


def test_a_file_that_two_sessions_sent_stays_while_one_has_it(sessions) -> None:
    one = sessions.begin(Purpose.RESEARCH)
    kept = sessions.keep(one.session_id, "a.mp4", [b"abc"])
    two = sessions.begin(Purpose.RESEARCH, now_s=one.created_s + 1000.0)
    with pytest.raises(SessionGone):
        sessions.keep("nobody", "a.mp4", [b"abc"])
    sessions.keep(two.session_id, "a.mp4", [b"abc"])
    assert sessions.end_expired(now_s=one.created_s + 500.0) == 1
    assert kept.path.read_bytes() == b"abc"


def test_half_an_upload_of_a_crash_is_cleared_and_one_that_is_being_sent_is_not(sessions) -> None:
    old, new = (sessions.folder / "uploads" / f"{name}.part" for name in ("old", "new"))
    for path, written_s in ((old, 100.0), (new, 170.0)):
        path.write_bytes(b"a")
        os.utime(path, (written_s, written_s))
    assert sessions.end_expired(now_s=200.0) == 0
    assert files_of(sessions) == ["new.part"]


def test_history_is_by_clip_in_order_and_bounded(sessions, begun) -> None:
    turns = (
        Turn("c1", "user", "<script>1</script>'; DROP TABLE turns; --", (), 1.0),
        Turn("c1", "assistant", "From 6 to 8 s [f9].", ("f9",), 2.0),
    )
    for turn in (*turns, Turn("c2", "user", "why?", (), 3.0)):
        sessions.add_turn(begun, turn)
    assert sessions.turns(begun, "c1") == turns
    with pytest.raises(TooLarge, match="3 turns"):
        sessions.add_turn(begun, turns[0])


def test_work_and_education_get_cues_only() -> None:
    assert {p for p in Purpose if p.cue_only} == {Purpose.WORKPLACE, Purpose.EDUCATION}


def test_sessions_of_another_layout_are_refused(sessions) -> None:
    database = sqlite3.connect(sessions.folder / "sessions.sqlite")
    database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(DemeanorError, match="layout 1, found 9"):
        Sessions(sessions.folder, SMALL)
