"""Every error that a user can do something about has a status; nothing of the inside is told."""

import errno
import sqlite3
from pathlib import Path

import pytest

from demeanor.explain.errors import ClipError, DemeanorError, NotMedia, TooLong, UnknownName
from demeanor.serve.faults import NoSession, WrongKey, fault_of
from demeanor.serve.sessions import SessionGone, StorageFull, TooLarge
from demeanor.serve.waiting import Busy


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Busy("explaining", 8, 12), 429, "queue_full"),
        (TooLarge("x"), 413, "too_large"),
        (TooLong(Path("a"), "x", "y"), 413, "too_long"),
        (NotMedia(Path("a"), "x", "y"), 415, "not_media"),
        (ClipError(Path("a"), "x", "y"), 422, "unreadable_clip"),
        (StorageFull("x"), 507, "storage_full"),
        (OSError(errno.ENOSPC, "no room"), 507, "storage_full"),
        (sqlite3.OperationalError("database or disk is full"), 507, "storage_full"),
        (SessionGone("x"), 404, "session_gone"),
        (NoSession(), 400, "no_session"),
        (WrongKey(), 403, "wrong_key"),
        (UnknownName("label set", "x", ()), 400, "unknown_name"),
        (DemeanorError("x"), 400, "not_possible"),
        (OSError(errno.EACCES, "/secret/path"), 500, "fault"),
        (ZeroDivisionError("inside"), 500, "fault"),
    ],
)
def test_status_and_code(error: Exception, status: int, code: str) -> None:
    fault = fault_of(error)
    assert (fault.status, fault.code) == (status, code)
    assert fault.body("r1")["error"]["request_id"] == "r1"
    if status == 500:
        assert "secret" not in fault.message
        assert "inside" not in fault.message


def test_busy_says_when_to_come_again() -> None:
    assert fault_of(Busy("explaining", 8, 12)).headers == {"Retry-After": "12"}
