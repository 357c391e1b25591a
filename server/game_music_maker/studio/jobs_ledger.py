"""The ledger of jobs: every accepted job ends exactly once, whichever process dies when.

A job is ``pending``, ``running`` under a lease, or over (``completed``, ``failed``, ``cancelled``). A studio that
claims a job raises its fence; whoever comes back with an older fence cannot publish. Leases of a studio that is known
to be dead are void at once, others when they run out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any, Literal

from ..errors import Busy, InvalidArgument, MusicMakerError, NotFound, RenderFailed
from .store import Database
from .store_accounts import OWNER

Kind = Literal["render", "turn"]
State = Literal["pending", "running", "completed", "failed", "cancelled"]
MAX_ATTEMPTS = 3
LEASE_S = 15.0
QUEUE = 64
OVER = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Job:
    """One row. `progress` 0–1; times in seconds since the epoch; `error` is `MusicMakerError.to_dict`'s form."""

    id: str
    kind: Kind
    session: str
    user: str
    request: dict[str, Any]
    state: State
    stage: str
    progress: float
    attempts: int
    fence: int
    cancel: bool
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    created: float
    updated: float

    @property
    def over(self) -> bool:
        return self.state in OVER


def _job(row: Row) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        session=row["session"],
        user=row["user"],
        request=json.loads(row["request"]),
        state=row["state"],
        stage=row["stage"],
        progress=row["progress"],
        attempts=row["attempts"],
        fence=row["fence"],
        cancel=bool(row["cancel"]),
        result=json.loads(row["result"]) if row["result"] else None,
        error=json.loads(row["error"]) if row["error"] else None,
        created=row["created"],
        updated=row["updated"],
    )


class Ledger:
    """Jobs of all studios that share the home folder.

    Args:
        owner: this process's name.
        alive: whether the process of a name still runs.
        lease_s: seconds for which a claim holds without a renewal.
        queue: renders that may wait or run at once.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        alive: Callable[[str], bool],
        *,
        lease_s: float = LEASE_S,
        queue: int = QUEUE,
    ) -> None:
        self._database = database
        self._owner = owner
        self._alive = alive
        self.lease_s = lease_s
        self._queue = queue

    def submit_render(self, job_id: str, session: str, user: str, request: dict[str, Any]) -> Job:
        """Accept a render, or give the job that already has this id.

        Raises:
            Busy: the queue is full.
            InvalidArgument: the id belongs to another session's job.
        """
        now = self._database.clock()
        with self._database.write() as sql:
            row = sql.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is not None:
                if row["session"] != session or row["kind"] != "render":
                    raise InvalidArgument("This render id is already in use.", next="Choose another id.")
                return _job(row)
            waiting = sql.execute(
                "SELECT count(*) FROM jobs WHERE kind = 'render' AND state IN ('pending', 'running')"
            ).fetchone()[0]
            if waiting >= self._queue:
                raise Busy(f"{waiting} renders are waiting already, and no more are taken.", retry_after_s=5)
            return self._insert(sql, job_id, "render", session, user, request, now)

    def begin_turn(self, job_id: str, session: str, user: str, request: dict[str, Any]) -> Job:
        """Accept a chat turn and hold its lease.

        Raises:
            Busy: a turn of this session runs, here or in another studio.
        """
        now = self._database.clock()
        with self._database.write() as sql:
            self._void_leases(sql, now, "turn")
            running = sql.execute(
                "SELECT 1 FROM jobs WHERE kind = 'turn' AND session = ? AND state = 'running'", (session,)
            ).fetchone()
            if running:
                raise Busy("A message is already being worked on in this project.", retry_after_s=2)
            self._insert(sql, job_id, "turn", session, user, request, now)
            self._hold(sql, job_id, now)
            return _job(sql.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone())

    def _insert(
        self, sql: Connection, job_id: str, kind: Kind, session: str, user: str, request: dict[str, Any], now: float
    ) -> Job:
        sql.execute(
            "INSERT INTO jobs(id, kind, session, user, request, state, created, updated)"
            " VALUES(?, ?, ?, ?, ?, 'pending', ?, ?)",
            (job_id, kind, session, user, json.dumps(request), now, now),
        )
        return _job(sql.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone())

    def _hold(self, sql: Connection, job_id: str, now: float) -> None:
        sql.execute(
            "UPDATE jobs SET state = 'running', owner = ?, lease = ?, attempts = attempts + 1, fence = fence + 1,"
            " progress = 0, stage = '', updated = ? WHERE id = ?",
            (self._owner, now + self.lease_s, now, job_id),
        )

    def claim(self) -> Job | None:
        """Take the oldest render that nobody works on; None where there is none."""
        now = self._database.clock()
        with self._database.write() as sql:
            self._void_leases(sql, now, "render")
            self._void_leases(sql, now, "turn")
            row = sql.execute(
                "SELECT id FROM jobs WHERE kind = 'render' AND state = 'pending' ORDER BY created, rowid LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            self._hold(sql, row["id"], now)
            return _job(sql.execute("SELECT * FROM jobs WHERE id = ?", (row["id"],)).fetchone())

    def _void_leases(self, sql: Connection, now: float, kind: Kind) -> None:
        """Give back, or end, what dead or sleeping studios held."""
        rows = sql.execute(
            "SELECT id, owner, lease, attempts, cancel FROM jobs WHERE kind = ? AND state = 'running'", (kind,)
        ).fetchall()
        for row in rows:
            if row["lease"] >= now and self._alive(row["owner"]):
                continue
            if row["cancel"]:
                self._end(sql, row["id"], "cancelled", None, None, now)
            elif kind == "turn":
                gone = RenderFailed("The studio stopped while this message was being worked on.", next="Send it again.")
                self._end(sql, row["id"], "failed", None, gone, now)
            elif row["attempts"] >= MAX_ATTEMPTS:
                self._end(sql, row["id"], "failed", None, _gave_up(row["attempts"]), now)
            else:
                sql.execute(
                    "UPDATE jobs SET state = 'pending', owner = NULL, fence = fence + 1, updated = ? WHERE id = ?",
                    (now, row["id"]),
                )

    def renew(self, job: Job, progress: float, stage: str) -> Literal["held", "cancel", "lost"]:
        """Report progress and keep the lease; says whether to go on."""
        now = self._database.clock()
        with self._database.write() as sql:
            row = self._mine(sql, job)
            if row is None:
                return "lost"
            sql.execute(
                "UPDATE jobs SET lease = ?, progress = max(progress, ?), stage = ?, updated = ? WHERE id = ?",
                (now + self.lease_s, progress, stage, now, job.id),
            )
            return "cancel" if row["cancel"] else "held"

    def _mine(self, sql: Connection, job: Job) -> Row | None:
        found = sql.execute(
            "SELECT * FROM jobs WHERE id = ? AND state = 'running' AND owner = ? AND fence = ?",
            (job.id, self._owner, job.fence),
        ).fetchone()
        return found if isinstance(found, Row) else None

    def complete(self, job: Job, result: dict[str, Any]) -> bool:
        """Publish the result; False where the lease was lost: what was made must be thrown away."""
        return self._finish(job, "completed", result, None)

    def fail(self, job: Job, error: MusicMakerError) -> bool:
        return self._finish(job, "failed", None, error)

    def cancelled(self, job: Job) -> bool:
        return self._finish(job, "cancelled", None, None)

    def _finish(self, job: Job, state: State, result: dict[str, Any] | None, error: MusicMakerError | None) -> bool:
        now = self._database.clock()
        with self._database.write() as sql:
            if self._mine(sql, job) is None:
                return False
            self._end(sql, job.id, state, result, error, now)
            return True

    def _end(
        self,
        sql: Connection,
        job_id: str,
        state: State,
        result: dict[str, Any] | None,
        error: MusicMakerError | None,
        now: float,
    ) -> None:
        sql.execute(
            "UPDATE jobs SET state = ?, owner = NULL, fence = fence + 1, result = ?, error = ?, updated = ?,"
            " progress = CASE WHEN ? = 'completed' THEN 1 ELSE progress END WHERE id = ?",
            (
                state,
                json.dumps(result) if result is not None else None,
                json.dumps(error.to_dict()) if error is not None else None,
                now,
                state,
                job_id,
            ),
        )

    def crashed(self, job: Job) -> bool:
        """The worker died: the job waits for its next attempt, or has failed. True while it is tried again."""
        now = self._database.clock()
        with self._database.write() as sql:
            row = self._mine(sql, job)
            if row is None:
                return False
            if row["attempts"] >= MAX_ATTEMPTS:
                self._end(sql, job.id, "failed", None, _gave_up(row["attempts"]), now)
                return False
            sql.execute(
                "UPDATE jobs SET state = 'pending', owner = NULL, fence = fence + 1, updated = ? WHERE id = ?",
                (now, job.id),
            )
            return True

    def release(self) -> None:
        """Give back what this process holds, without counting the attempt: it is about to end."""
        now = self._database.clock()
        with self._database.write() as sql:
            sql.execute(
                "UPDATE jobs SET state = 'pending', owner = NULL, fence = fence + 1, attempts = attempts - 1,"
                " updated = ? WHERE owner = ? AND state = 'running' AND kind = 'render'",
                (now, self._owner),
            )

    def cancel(self, job_id: str) -> Job:
        """Ask a job to end. One that waits ends now; one that runs is told at its next renewal.

        Raises:
            NotFound: no such job.
        """
        now = self._database.clock()
        with self._database.write() as sql:
            row = sql.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise NotFound("The studio knows no such job.")
            if row["state"] == "pending":
                self._end(sql, job_id, "cancelled", None, None, now)
            elif row["state"] == "running":
                sql.execute("UPDATE jobs SET cancel = 1, updated = ? WHERE id = ?", (now, job_id))
            return _job(sql.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone())

    def get(self, user: str, job_id: str) -> Job:
        """A job that the user may see.

        Raises:
            NotFound: there is none; worded alike for somebody else's.
        """
        with self._database.read() as sql:
            row = sql.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None or user not in (OWNER, row["user"]):
            raise NotFound("The studio knows no such job.")
        return _job(row)

    def of_session(self, session: str, *, running: bool = False, limit: int = 20) -> list[Job]:
        """The session's latest jobs, newest first."""
        states = ("pending", "running") if running else ("pending", "running", *OVER)
        marks = ", ".join("?" * len(states))
        with self._database.read() as sql:
            rows = sql.execute(
                f"SELECT * FROM jobs WHERE session = ? AND state IN ({marks}) ORDER BY created DESC LIMIT ?",
                (session, *states, limit),
            ).fetchall()
        return [_job(row) for row in rows]


def _gave_up(attempts: int) -> RenderFailed:
    return RenderFailed(f"The work ended {attempts} times without a result, and is not tried again.")
