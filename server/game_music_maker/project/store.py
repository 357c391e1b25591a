"""What survives: projects and jobs in one SQLite file in the home folder, shared by every process that uses
it.

Short transactions, write-ahead log. No token, client id or signed address is ever kept here. A job belongs to
the process whose `Owner` lock file is held: when that process is gone, however it went, another may take the
job over.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from ..errors import BackendError, Busy, DiskFull, MusicMakerError
from . import locks

Status = Literal["running", "done", "failed", "cancelled", "unknown"]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS projects (
  name TEXT PRIMARY KEY, backend TEXT NOT NULL, origin TEXT NOT NULL, session_id TEXT NOT NULL DEFAULT '',
  task_id TEXT NOT NULL DEFAULT '', language TEXT NOT NULL DEFAULT 'en',
  created REAL NOT NULL, used REAL NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
  project TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, owner TEXT NOT NULL,
  key TEXT NOT NULL DEFAULT '', created REAL NOT NULL, updated REAL NOT NULL, request TEXT NOT NULL,
  progress REAL, stage TEXT NOT NULL DEFAULT '', result TEXT, error TEXT, PRIMARY KEY (project, name));
CREATE INDEX IF NOT EXISTS jobs_by_key ON jobs (project, kind, key);
"""


@dataclass(frozen=True, slots=True)
class Project:
    """One editing session under a readable name. `backend` is ``local`` or ``cloud`` and never changes;
    `origin` is the service's address ('' for the studio, whose port changes); `session_id` is '' until one is
    open."""

    name: str
    backend: str
    origin: str
    session_id: str
    task_id: str
    language: str
    created: float
    used: float


@dataclass(frozen=True, slots=True)
class Job:
    """A turn or an export. `request` is what it works on and what it must remember; `progress` 0–1 or
    None."""

    project: str
    name: str
    kind: Literal["turn", "export"]
    status: Status
    owner: str
    key: str
    created: float
    updated: float
    request: dict[str, Any]
    progress: float | None
    stage: str
    result: dict[str, Any] | None
    error: dict[str, Any] | None


class Store:
    """The file. Every method is one transaction.

    Raises (all methods):
        DiskFull: no room. Busy: the file stays locked by another process. BackendError: it cannot be used.
    """

    def __init__(self, home: Path) -> None:
        with _errors():
            try:
                home.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise BackendError(
                    f"The data folder cannot be made ({error.strerror or 'not allowed'}).",
                    next="Set GAME_MUSIC_MAKER_HOME to a folder that can be written.",
                ) from None
            self._db = _open(home / "projects.sqlite3")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with _errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def projects(self) -> list[Project]:
        """All projects, most recently used first."""
        with _errors():
            return [Project(*row) for row in self._db.execute("SELECT * FROM projects ORDER BY used DESC, rowid DESC")]

    def project(self, name: str) -> Project | None:
        with _errors():
            row = self._db.execute("SELECT * FROM projects WHERE name = ?", (name,)).fetchone()
            return Project(*row) if row else None

    def add_project(self, project: Project, *, free_name: bool) -> Project:
        """Keep a new project; `free_name`: a number is added where the name is taken, else the kept one is
        given back."""
        with self._change() as db:
            name, count = project.name, 1
            while row := db.execute("SELECT * FROM projects WHERE name = ?", (name,)).fetchone():
                if not free_name:
                    return Project(*row)
                count += 1
                name = f"{project.name}-{count}"
            made = replace(project, name=name)
            db.execute(
                "INSERT INTO projects VALUES (?,?,?,?,?,?,?,?)",
                (made.name, made.backend, made.origin, made.session_id, made.task_id, made.language, 
                 made.created, made.used),
            )  # fmt: skip
            return made

    def touch(self, name: str, now: float) -> None:
        """Make it the most recently used one."""
        with self._change() as db:
            db.execute(
                "UPDATE projects SET used = max(?, (SELECT max(used) FROM projects) + 1e-6) WHERE name = ?",
                (now, name),
            )

    def set_session(self, name: str, was: str, session_id: str, task_id: str) -> Project | None:
        """Bind a session, unless another process was first: the kept project tells which one holds."""
        with self._change() as db:
            db.execute(
                "UPDATE projects SET session_id = ?, task_id = ? WHERE name = ? AND session_id = ?",
                (session_id, task_id, name, was),
            )
        return self.project(name)

    def jobs(self, project: str, *, running: bool = False, limit: int = 20) -> list[Job]:
        """The jobs of a project, newest first."""
        where = "AND status = 'running'" if running else ""
        with _errors():
            rows = self._db.execute(
                f"SELECT * FROM jobs WHERE project = ? {where} ORDER BY rowid DESC LIMIT ?", (project, limit)
            ).fetchall()
        return [_job(row) for row in rows]

    def job(self, project: str, name: str) -> Job | None:
        with _errors():
            row = self._db.execute("SELECT * FROM jobs WHERE project = ? AND name = ?", (project, name)).fetchone()
            return _job(row) if row else None

    def by_key(self, project: str, kind: str, key: str) -> Job | None:
        """The newest job of this key."""
        with _errors():
            row = self._db.execute(
                "SELECT * FROM jobs WHERE project = ? AND kind = ? AND key = ? ORDER BY rowid DESC LIMIT 1",
                (project, kind, key),
            ).fetchone()
            return _job(row) if row else None

    def find_job(self, name: str) -> Job | None:
        """The newest job of this name in any project."""
        with _errors():
            row = self._db.execute(
                "SELECT * FROM jobs WHERE name = ? ORDER BY updated DESC LIMIT 1", (name,)
            ).fetchone()
            return _job(row) if row else None

    def add_job(
        self,
        project: str,
        kind: str,
        owner: str,
        request: dict[str, Any],
        now: float,
        *,
        key: str = "",
        alone: bool = False,
    ) -> tuple[Job, bool]:
        """Begin a job, or give the one back that stands for it already: ``(job, begun)``.

        `alone`: one of its kind at a time in the project. `key`: one of this key that runs or is done.
        """
        with self._change() as db:
            values: tuple[str, ...]
            if alone:
                query, values = "status = 'running'", (project, kind)
            else:
                query, values = "key = ? AND status IN ('running', 'done')", (project, kind, key)
            row = db.execute(
                f"SELECT * FROM jobs WHERE project = ? AND kind = ? AND {query} ORDER BY rowid DESC LIMIT 1",
                values,
            ).fetchone()
            if row:
                return _job(row), False
            count = db.execute("SELECT count(*) FROM jobs WHERE project = ? AND kind = ?", (project, kind)).fetchone()[
                0
            ]
            name = f"{kind}-{count + 1}"
            db.execute(
                "INSERT INTO jobs (project, name, kind, status, owner, key, created, updated, request) "
                "VALUES (?,?,?,'running',?,?,?,?,?)",
                (project, name, kind, owner, key, now, now, json.dumps(request)),
            )
            return _job(
                db.execute("SELECT * FROM jobs WHERE project = ? AND name = ?", (project, name)).fetchone()
            ), True

    def update(self, job: Job, now: float, **fields: Any) -> None:
        """Set columns of a job that still runs (``request`` and ``result``, ``error`` as dicts)."""
        packed = {
            key: json.dumps(value) if key in ("request", "result", "error") and value is not None else value
            for key, value in fields.items()
        }
        names = ", ".join(f"{key} = ?" for key in packed)
        with self._change() as db:
            db.execute(
                f"UPDATE jobs SET {names}, updated = ? WHERE project = ? AND name = ? AND status = 'running'",
                (*packed.values(), now, job.project, job.name),
            )

    def retire(self, job: Job, now: float) -> None:
        """Let a done job's key go, so that the same work may be done anew (its file is gone)."""
        with self._change() as db:
            db.execute(
                "UPDATE jobs SET key = '', updated = ? WHERE project = ? AND name = ?",
                (now, job.project, job.name),
            )

    def take_over(self, job: Job, owner: str, now: float) -> bool:
        """Become the owner of a running job whose owner is gone; False where another was first."""
        with self._change() as db:
            changed = db.execute(
                "UPDATE jobs SET owner = ?, updated = ? "
                "WHERE project = ? AND name = ? AND status = 'running' AND owner = ?",
                (owner, now, job.project, job.name, job.owner),
            )
            return changed.rowcount == 1


def _job(row: tuple[Any, ...]) -> Job:
    project, name, kind, status, owner, key, created, updated, request, progress, stage, result, error = row
    made, broke = json.loads(result) if result else None, json.loads(error) if error else None
    asked = json.loads(request)
    return Job(project, name, kind, status, owner, key, created, updated, asked, progress, stage, made, broke)


def _open(path: Path) -> sqlite3.Connection:
    """Open the file; one that is not a database is set aside, never fatal."""
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        path.replace(path.with_suffix(f".broken-{secrets.token_hex(3)}"))
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        with suppress(OSError):
            path.chmod(0o600)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "full" in text:
            raise DiskFull("The disk is full: the project list could not be written.") from None
        if "locked" in text or "busy" in text:
            raise Busy("The project list is locked by another process.", retry_after_s=2) from None
        raise _unusable(text) from None
    except sqlite3.DatabaseError as error:
        raise _unusable(str(error)) from None


def _unusable(why: str) -> MusicMakerError:
    return BackendError(
        f"The project list cannot be used ({why}).",
        next="Run `game-music-maker doctor`, or set GAME_MUSIC_MAKER_HOME.",
    )


class Owner:
    """This process as an owner of jobs: a lock file held for life, which the system lets go however the
    process ends."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "owners"
        self._handle: IO[bytes] | None = None
        self.id = secrets.token_hex(8)

    def hold(self) -> None:
        """Take the lock; jobs may name this owner from now on. Files of owners that are gone are swept."""
        if self._handle is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in list(self._folder.glob("*.lock"))[:200]:
            self.alive(left.stem)
        path = self._folder / f"{self.id}.lock"
        fresh = path.with_suffix(".new") if os.name != "nt" else path
        self._handle = fresh.open("wb")
        locks.take(self._handle)
        if fresh != path:  # locked before it can be seen, so that no sweep takes it for a left one
            fresh.replace(path)

    def alive(self, owner: str) -> bool:
        """Whether the process of that owner still lives."""
        if owner == self.id:
            return True
        path = self._folder / f"{owner}.lock"
        try:
            with path.open("r+b") as handle:
                locks.take(handle)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        with suppress(OSError):
            path.unlink()
        return False

    def release(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None
            with suppress(OSError):
                (self._folder / f"{self.id}.lock").unlink()
