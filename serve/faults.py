"""What went wrong, as HTTP tells it: a status and OpenAI's form of an error.

A client reads what was wanted, what was found and what to do; never a stack trace, never a path.
"""

import errno
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from demeanor.explain.errors import (
    ChatError,
    ClipError,
    DemeanorError,
    MissingExtra,
    NotMedia,
    TooLong,
    UnknownName,
)
from demeanor.serve.camera import StreamTaken
from demeanor.serve.desk import NoClip, NotExplained
from demeanor.serve.sessions import SessionGone, StorageFull, TooLarge
from demeanor.serve.waiting import Busy, NoLongerWanted

_INVALID, _SERVER = "invalid_request_error", "server_error"


class NoSession(DemeanorError):
    def __init__(self) -> None:
        super().__init__(
            "wanted a session in the header X-Demeanor-Session, found none. "
            "Begin one: POST /v1/sessions"
        )


class BadForm(DemeanorError):
    """A multipart body that cannot be read, or lacks its file."""


class WrongKey(DemeanorError):
    def __init__(self) -> None:
        super().__init__("this link is over, or for another clip: GET the clip again for a new one")


@dataclass(frozen=True, slots=True)
class Fault:
    status: int
    kind: str
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, Any]:
        told = {"message": self.message, "type": self.kind, "code": self.code}
        return {"error": {**told, "request_id": request_id}}


# The first class that fits decides.
_KNOWN: tuple[tuple[type[DemeanorError], int, str, str], ...] = (
    (NoSession, 400, _INVALID, "no_session"),
    (SessionGone, 404, _INVALID, "session_gone"),
    (NoClip, 404, _INVALID, "no_clip"),
    (NotExplained, 404, _INVALID, "not_explained"),
    (WrongKey, 403, "permission_error", "wrong_key"),
    (BadForm, 422, _INVALID, "bad_form"),
    (StreamTaken, 429, "rate_limit_error", "stream_taken"),
    (TooLarge, 413, _INVALID, "too_large"),
    (TooLong, 413, _INVALID, "too_long"),
    (NotMedia, 415, _INVALID, "not_media"),
    (ClipError, 422, _INVALID, "unreadable_clip"),
    (StorageFull, 507, _SERVER, "storage_full"),
    (NoLongerWanted, 499, _INVALID, "client_gone"),
    (ChatError, 502, _SERVER, "chat_failed"),
    (MissingExtra, 501, _SERVER, "missing_extra"),
    (UnknownName, 400, _INVALID, "unknown_name"),
    (DemeanorError, 400, _INVALID, "not_possible"),
)


def fault_of(error: BaseException) -> Fault:
    if isinstance(error, Busy):
        wait = {"Retry-After": str(error.retry_after_s)}
        return Fault(429, "rate_limit_error", "queue_full", str(error), wait)
    if _is_full(error):
        return Fault(507, _SERVER, "storage_full", "the disk is full; nothing was kept. Make room")
    for known, status, kind, code in _KNOWN:
        if isinstance(error, known):
            return Fault(status, kind, code, str(error))
    return Fault(
        500,
        _SERVER,
        "fault",
        "a fault of Demeanor. The server's log has it under this request_id: please report it",
    )


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, sqlite3.OperationalError) and "full" in str(error)
