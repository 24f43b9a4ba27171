"""Sessions of the page and the API: uploads, history, purpose, quota and expiry, in SQLite.

An upload is known by its content: sent twice, it is kept once. Its name is a stranger's text that
is shown and never used as a path. Whatever has expired is gone, the files as well.
"""

import contextlib
import errno
import hashlib
import json
import secrets
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from demeanor.explain.errors import DemeanorError, UnknownName

_LAYOUT = 1
_NAME_CHARS = 120  # of a file's name that is shown; longer ones only fill the page
_SUFFIX_CHARS = 8
_TABLES = """
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY, purpose TEXT NOT NULL, created_s REAL NOT NULL,
    expires_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, upload_id TEXT NOT NULL,
    name TEXT NOT NULL, file TEXT NOT NULL, n_bytes INTEGER NOT NULL,
    PRIMARY KEY (session_id, upload_id));
CREATE TABLE IF NOT EXISTS turns (
    turn INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, clip_id TEXT NOT NULL,
    role TEXT NOT NULL, text TEXT NOT NULL, cites TEXT NOT NULL, said_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS notes (
    note INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, clip_id TEXT NOT NULL,
    kind TEXT NOT NULL, text TEXT NOT NULL);
"""
_OF_KIND = "FROM notes WHERE session_id = ? AND clip_id = ? AND kind = ?"


class Purpose(StrEnum):
    """What a clip is looked at for. Inferring emotions of people at work or in education is
    prohibited in the EU (AI Act, article 5(1)(f)): those get cues without emotions."""

    RESEARCH = "research"
    PERSONAL = "personal"
    ACCESSIBILITY = "accessibility"
    WORKPLACE = "workplace"
    EDUCATION = "education"

    @property
    def cue_only(self) -> bool:
        return self in (Purpose.WORKPLACE, Purpose.EDUCATION)


class SessionGone(DemeanorError):
    """Never begun, or over."""


class TooLarge(DemeanorError):
    """An upload above the limit, or one that the session has no room for."""


class StorageFull(DemeanorError):
    """The disk has no room left; nothing of the upload was kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Ours: a two-minute clip of a phone has about 200 MB."""

    upload_bytes: int = 200_000_000
    session_bytes: int = 1_000_000_000
    lasts_s: float = 24 * 3600.0  # after the session's last use
    turns: int = 500  # of a session: a history is read back whole
    notes: int = 500  # of a kind, about one clip


@dataclass(frozen=True, slots=True)
class Session:
    session_id: str
    purpose: Purpose
    created_s: float  # since 1970, as expires_s
    expires_s: float


@dataclass(frozen=True, slots=True)
class Upload:
    upload_id: str  # SHA-256 of its bytes
    name: str  # as it was sent; a stranger's text
    path: Path
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Turn:
    clip_id: str
    role: str  # user, assistant
    text: str
    cites: tuple[str, ...]
    said_s: float


class Sessions:
    """One folder with one database; any thread may ask."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.folder, self.limits = folder, limits or Limits()
        self._uploads, self._measured = folder / "uploads", folder / "measured"
        for inside in (self._uploads, self._measured):
            inside.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._turn, self._open = threading.Lock(), self._connected()
        with self._database() as database:
            (found,) = database.execute("PRAGMA user_version").fetchone()
            if found not in (0, _LAYOUT):
                raise DemeanorError(
                    f"{self._file}: wanted sessions of layout {_LAYOUT}, found {found}. "
                    "Use the version that wrote them, or another folder"
                )
            database.execute("PRAGMA journal_mode = WAL")  # stays with the file
            database.executescript(f"{_TABLES} PRAGMA user_version = {_LAYOUT};")

    def _connected(self) -> sqlite3.Connection:
        """By whichever thread, one at a time. Kept open: whoever closes a database last writes its
        log back, which takes longer than most calls."""
        database = sqlite3.connect(self._file, timeout=30.0, check_same_thread=False)
        weakref.finalize(self, database.close)
        database.execute("PRAGMA foreign_keys = ON")
        # A crash of ours loses nothing; one of the machine may lose the last moments
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    @property
    def _file(self) -> Path:
        return self.folder / "sessions.sqlite"

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """All that is done within is kept, or nothing of it. Who waits here gets its turn; SQLite
        has those who find it locked sleep, and the unlucky ones of many sleep for seconds."""
        with self._turn, self._open as database:
            yield database

    # --- sessions --------------------------------------------------------------------------------

    def begin(self, purpose: Purpose, now_s: float | None = None) -> Session:
        now_s = time.time() if now_s is None else now_s
        begun = Session(secrets.token_urlsafe(24), purpose, now_s, now_s + self.limits.lasts_s)
        row = (begun.session_id, purpose.value, begun.created_s, begun.expires_s)
        with self._database() as database:
            database.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
        return begun

    def session(self, session_id: str, now_s: float | None = None) -> Session:
        """Each use puts off its end. Raises SessionGone."""
        now_s = time.time() if now_s is None else now_s
        with self._database() as database:
            row = database.execute(
                "UPDATE sessions SET expires_s = max(expires_s, ?) "
                "WHERE session_id = ? AND expires_s > ? "
                "RETURNING session_id, purpose, created_s, expires_s",
                (now_s + self.limits.lasts_s, session_id, now_s),
            ).fetchone()
        if row is None:
            raise SessionGone("there is no such session, or its time is over. Begin a new one")
        return Session(row[0], Purpose(row[1]), row[2], row[3])

    def end_expired(self, now_s: float | None = None) -> int:
        """Removes sessions whose time is over, and files that no session has; how many ended."""
        now_s = time.time() if now_s is None else now_s
        with self._database() as database:
            over = database.execute("DELETE FROM sessions WHERE expires_s <= ?", (now_s,)).rowcount
            kept = {file for (file,) in database.execute("SELECT file FROM uploads")}
            for path in self._uploads.iterdir():
                if path.name not in kept and not self._still_sent(path, now_s):
                    path.unlink(missing_ok=True)
            self._forget_measured({Path(file).stem for file in kept})
        return over

    def _forget_measured(self, kept: set[str]) -> None:
        for folder in self._measured.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _still_sent(self, path: Path, now_s: float) -> bool:
        """Half an upload that nobody wrote to for a session's time is left of a crash."""
        with contextlib.suppress(FileNotFoundError):
            return path.suffix == ".part" and path.stat().st_mtime > now_s - self.limits.lasts_s
        return False

    # --- uploads ---------------------------------------------------------------------------------

    def keep(self, session_id: str, name: str, chunks: Iterable[bytes]) -> Upload:
        """Keep what is sent, under its content's hash; stops reading where it is too large.

        Raises TooLarge, StorageFull, SessionGone; then nothing of it is left on the disk.
        """
        self.session(session_id)
        room = self.limits.session_bytes - sum(u.n_bytes for u in self.uploads(session_id))
        part = self._uploads / f"{secrets.token_hex(16)}.part"
        try:
            upload_id, n_bytes = _written(part, chunks, self.limits, _shown(name))
            file = upload_id + _suffix(name)
            if any(u.upload_id == upload_id for u in self.uploads(session_id)):
                return self.upload(session_id, upload_id)
            if n_bytes > room:
                raise TooLarge(
                    f"{_shown(name)}: {n_bytes} bytes, and this session has room for {room} more. "
                    "Begin a new session, or cut the clip"
                )
            row = (session_id, upload_id, _shown(name), file, n_bytes)
            with self._database() as database:  # `end_expired` waits: no file without its row
                database.execute("INSERT OR IGNORE INTO uploads VALUES (?, ?, ?, ?, ?)", row)
                part.replace(self._uploads / file)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            free = shutil.disk_usage(self.folder).free
            raise StorageFull(
                f"{_shown(name)}: the disk is full ({free} bytes are free); nothing of the upload "
                "was kept. Make room and send it again"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return self.upload(session_id, upload_id)

    def uploads(self, session_id: str) -> tuple[Upload, ...]:
        with self._database() as database:
            rows = database.execute(
                "SELECT upload_id, name, file, n_bytes FROM uploads WHERE session_id = ? "
                "ORDER BY rowid",
                (session_id,),
            ).fetchall()
        return tuple(Upload(i, name, self._uploads / file, n) for i, name, file, n in rows)

    def upload(self, session_id: str, upload_id: str) -> Upload:
        """Of this session only: another's upload is not found. Raises UnknownName."""
        own = self.uploads(session_id)
        for upload in own:
            if upload.upload_id == upload_id:
                return upload
        raise UnknownName("upload in this session", upload_id[:64], (u.upload_id for u in own))

    def file(self, upload_id: str) -> Path:
        """Of whichever session: for links that carry their own proof. Raises UnknownName."""
        with self._database() as database:
            row = database.execute(
                "SELECT file FROM uploads WHERE upload_id = ?", (upload_id,)
            ).fetchone()
        if row is None:
            raise UnknownName("upload", upload_id[:64], ())
        return self._uploads / str(row[0])

    def measured(self, upload_id: str) -> Path:
        """Where what was measured of an upload is kept: it goes when the upload does."""
        return self._measured / upload_id

    def drop(self, session_id: str, upload_id: str) -> None:
        """What turned out to be no clip. Its file goes where no other session has it."""
        with self._database() as database:
            row = database.execute(
                "DELETE FROM uploads WHERE session_id = ? AND upload_id = ? RETURNING file",
                (session_id, upload_id),
            ).fetchone()
            (left,) = database.execute(
                "SELECT count(*) FROM uploads WHERE upload_id = ?", (upload_id,)
            ).fetchone()
            if row is not None and not left:
                (self._uploads / str(row[0])).unlink(missing_ok=True)
                shutil.rmtree(self.measured(upload_id), ignore_errors=True)

    # --- history ---------------------------------------------------------------------------------

    def add_turn(self, session_id: str, turn: Turn) -> None:
        self.session(session_id)
        row = (session_id, turn.clip_id, turn.role, turn.text, json.dumps(turn.cites), turn.said_s)
        with self._database() as database:
            (n_turns,) = database.execute(
                "SELECT count(*) FROM turns WHERE session_id = ?", (session_id,)
            ).fetchone()
            if n_turns >= self.limits.turns:
                raise TooLarge(f"this session holds {n_turns} turns, its limit. Begin a new one")
            database.execute(
                "INSERT INTO turns (session_id, clip_id, role, text, cites, said_s) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )

    def turns(self, session_id: str, clip_id: str) -> tuple[Turn, ...]:
        """What was said about a clip, in order."""
        with self._database() as database:
            rows = database.execute(
                "SELECT clip_id, role, text, cites, said_s FROM turns "
                "WHERE session_id = ? AND clip_id = ? ORDER BY turn",
                (session_id, clip_id),
            ).fetchall()
        return tuple(Turn(c, role, text, tuple(json.loads(i)), s) for c, role, text, i, s in rows)

    # --- notes: what else is kept about a clip, as text -------------------------------------------

    def note(
        self, session_id: str, clip_id: str, kind: str, text: str, *, instead: bool = False
    ) -> None:
        """Keep one more, or `instead` of all of that kind. Raises SessionGone, TooLarge."""
        self.session(session_id)
        about = (session_id, clip_id, kind)
        with self._database() as database:
            if instead:
                database.execute(f"DELETE {_OF_KIND}", about)
            (n_notes,) = database.execute(f"SELECT count(*) {_OF_KIND}", about).fetchone()
            if n_notes >= self.limits.notes:
                raise TooLarge(f"{n_notes} are kept of this clip, the limit. Begin a new session")
            database.execute(
                "INSERT INTO notes (session_id, clip_id, kind, text) VALUES (?, ?, ?, ?)",
                (*about, text),
            )

    def notes(self, session_id: str, clip_id: str, kind: str) -> tuple[str, ...]:
        with self._database() as database:
            rows = database.execute(
                f"SELECT text {_OF_KIND} ORDER BY note", (session_id, clip_id, kind)
            ).fetchall()
        return tuple(text for (text,) in rows)


def _written(part: Path, chunks: Iterable[bytes], limits: Limits, name: str) -> tuple[str, int]:
    """SHA-256 and size of what was written."""
    digest, n_bytes = hashlib.sha256(), 0
    with part.open("xb") as file:
        for chunk in chunks:
            n_bytes += len(chunk)
            if n_bytes > limits.upload_bytes:
                raise TooLarge(
                    f"{name}: more than the {limits.upload_bytes} bytes that an upload may have. "
                    "Cut the clip"
                )
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest(), n_bytes


def _shown(name: str) -> str:
    """The last part of a path, on one line; whoever shows it escapes it."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    line = "".join(c for c in last if c.isprintable())
    return line[:_NAME_CHARS] or "unnamed"


def _suffix(name: str) -> str:
    """Letters and digits after the last dot, which readers of media go by; else nothing."""
    suffix = Path(_shown(name)).suffix.lower()
    plain = suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= _SUFFIX_CHARS
    return suffix if plain else ""
