"""The studio's database: SQLite beside the media in the home folder, shared by any number of studio processes.

WAL journal, ``synchronous=FULL``: what was answered to a client survives a power cut. One connection, used from one
thread (see `jobs.Desk.db`). `store_accounts`, `store_sessions`, `store_media` and `jobs_ledger` hold the queries.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BackendError, Busy, DiskFull, MusicMakerError

Clock = Callable[[], float]
"""Seconds since the epoch, comparable between processes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens(
  hash TEXT PRIMARY KEY, user TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS claims(
  hash TEXT PRIMARY KEY, user TEXT NOT NULL, session TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS sessions(
  id TEXT PRIMARY KEY, task TEXT NOT NULL, user TEXT NOT NULL, title TEXT NOT NULL, language TEXT NOT NULL,
  head INTEGER NOT NULL DEFAULT 0, takes INTEGER NOT NULL DEFAULT 0, touched TEXT,
  created REAL NOT NULL, used REAL NOT NULL);
CREATE TABLE IF NOT EXISTS drafts(
  session TEXT NOT NULL, version INTEGER NOT NULL, wire TEXT NOT NULL, label TEXT NOT NULL, created REAL NOT NULL,
  PRIMARY KEY(session, version));
CREATE TABLE IF NOT EXISTS assets(
  id TEXT PRIMARY KEY, path TEXT NOT NULL, size INTEGER NOT NULL, info TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS session_assets(
  session TEXT NOT NULL, asset TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY(session, asset));
CREATE TABLE IF NOT EXISTS looks(
  asset TEXT NOT NULL, look TEXT NOT NULL, map TEXT NOT NULL, PRIMARY KEY(asset, look));
CREATE TABLE IF NOT EXISTS scores(
  id TEXT PRIMARY KEY, session TEXT NOT NULL, facts TEXT NOT NULL, size INTEGER NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS jobs(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, session TEXT NOT NULL, user TEXT NOT NULL, request TEXT NOT NULL,
  state TEXT NOT NULL, stage TEXT NOT NULL DEFAULT '', progress REAL NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, lease REAL NOT NULL DEFAULT 0,
  cancel INTEGER NOT NULL DEFAULT 0, result TEXT, error TEXT, created REAL NOT NULL, updated REAL NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_state ON jobs(state, kind, created);
CREATE INDEX IF NOT EXISTS jobs_session ON jobs(session, kind, created);
"""


class Database:
    """The connection, its transactions, and the words for what can go wrong with it."""

    def __init__(self, path: Path, *, clock: Clock = time.time, wait_s: float = 5.0) -> None:
        """Open or make the database.

        Args:
            path: the file; its folder exists.
            clock: wall clock in seconds.
            wait_s: how long to wait for another process's write.

        Raises:
            Busy: another process holds the database.
            DiskFull: it cannot grow.
            BackendError: it cannot be opened or read.
        """
        self.clock = clock
        self._path = path
        with _words(path):
            # The connection is handed to the one thread that uses it after this.
            self._connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(_SCHEMA)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start: all of it happens, or nothing."""
        with _words(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        with _words(self._path):
            yield self._connection

    def close(self) -> None:
        self._connection.close()


@contextmanager
def _words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise database_error(error, path) from error


def database_error(error: sqlite3.Error, path: Path) -> MusicMakerError:
    """The error of the tree that a failure of SQLite means."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy("The studio's database is locked by another process.", retry_after_s=2)
    if code == sqlite3.SQLITE_FULL:
        return DiskFull("The disk is full: the studio could not write to its database.")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return BackendError(
            "The studio's database is damaged and cannot be read.",
            next=f"Move the file {path.name} out of the studio's home folder and start again.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
        return BackendError(
            "The studio's database cannot be written.",
            next="Check that GAME_MUSIC_MAKER_HOME is a folder that you may write to and that its disk works.",
        )
    return BackendError(f"The studio's database refused a request ({type(error).__name__}).")


@contextmanager
def disk_words(what: str) -> Iterator[None]:
    """Turn a full disk while doing `what` into `DiskFull`; other failures of the disk into `BackendError`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk is full: {what} could not be written.") from error
        raise BackendError(
            f"The studio could not write {what} ({error.strerror or type(error).__name__}).",
            next="Check that GAME_MUSIC_MAKER_HOME is a folder that you may write to.",
        ) from error
