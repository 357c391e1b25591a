"""Sessions and their draft versions: every edit is a new version, undo and redo move a head over them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from ..errors import SessionGone
from .store import Database
from .store_accounts import OWNER
from .timeline import Timeline

KEPT_VERSIONS = 60


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    task: str
    user: str
    title: str
    language: str
    head: int
    touched: str | None = None


class Sessions:
    """The editing sessions of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, user: str, title: str, language: str) -> Session:
        """A new session with an empty draft. Ids are 19 digits, as text."""
        now = self._database.clock()
        new = Session(
            id=str(10**18 + secrets.randbelow(8 * 10**18)),
            task="task_" + secrets.token_hex(12),
            user=user,
            title=title,
            language=language,
            head=0,
        )
        with self._database.write() as sql:
            sql.execute(
                "INSERT INTO sessions(id, task, user, title, language, created, used) VALUES(?, ?, ?, ?, ?, ?, ?)",
                (new.id, new.task, user, title, language, now, now),
            )
            sql.execute("INSERT INTO drafts VALUES(?, 0, '{}', '', ?)", (new.id, now))
        return new

    def get(self, user: str, session_id: str) -> Session:
        """The session, which must be the user's own (the owner may look at all).

        Raises:
            SessionGone: there is none; worded alike for somebody else's.
        """
        with self._database.read() as sql:
            row = sql.execute("SELECT * FROM sessions WHERE id = ?", (session_id,)).fetchone()
        if row is None or user not in (OWNER, row["user"]):
            raise SessionGone("The session does not exist in this studio.")
        return Session(row["id"], row["task"], row["user"], row["title"], row["language"], row["head"], row["touched"])

    def all_of(self, user: str, limit: int = 100) -> list[dict[str, Any]]:
        """Sessions that the user sees, newest first: ``id, title, used, versions``."""
        with self._database.read() as sql:
            rows = sql.execute(
                "SELECT id, title, used, (SELECT count(*) FROM drafts WHERE session = sessions.id) AS versions"
                " FROM sessions WHERE user = ? OR ? = ? ORDER BY used DESC LIMIT ?",
                (user, user, OWNER, limit),
            ).fetchall()
        return [dict(row) for row in rows]

    def draft(self, session_id: str) -> Timeline:
        """The draft at the head."""
        with self._database.read() as sql:
            row = sql.execute(
                "SELECT wire FROM drafts JOIN sessions ON sessions.id = drafts.session AND version = head"
                " WHERE session = ?",
                (session_id,),
            ).fetchone()
        if row is None:
            raise SessionGone("The session does not exist in this studio.")
        return Timeline.read(json.loads(row["wire"]))

    def save(self, session_id: str, draft: Timeline, label: str) -> int:
        """A new version on top of the head; versions that were undone are dropped. Gives the version's number."""
        now = self._database.clock()
        wire = json.dumps(draft.to_wire(), ensure_ascii=False)
        with self._database.write() as sql:
            row = sql.execute("SELECT head FROM sessions WHERE id = ?", (session_id,)).fetchone()
            if row is None:
                raise SessionGone("The session does not exist in this studio.")
            head = int(row["head"]) + 1
            sql.execute("DELETE FROM drafts WHERE session = ? AND version >= ?", (session_id, head))
            sql.execute("DELETE FROM drafts WHERE session = ? AND version < ?", (session_id, head - KEPT_VERSIONS + 1))
            sql.execute("INSERT INTO drafts VALUES(?, ?, ?, ?, ?)", (session_id, head, wire, label[:500], now))
            sql.execute("UPDATE sessions SET head = ?, used = ? WHERE id = ?", (head, now, session_id))
        return head

    def move(self, session_id: str, steps: int) -> int:
        """Undo (negative) or redo (positive) as far as versions reach; gives the steps that were really taken."""
        with self._database.write() as sql:
            row = sql.execute(
                "SELECT head, min(version) AS low, max(version) AS high FROM drafts"
                " JOIN sessions ON sessions.id = session WHERE session = ?",
                (session_id,),
            ).fetchone()
            if row is None or row["head"] is None:
                raise SessionGone("The session does not exist in this studio.")
            head = min(max(int(row["head"]) + steps, int(row["low"])), int(row["high"]))
            sql.execute(
                "UPDATE sessions SET head = ?, used = ? WHERE id = ?", (head, self._database.clock(), session_id)
            )
        return head - int(row["head"])

    def next_take(self, session_id: str) -> int:
        """The number of the next score of this session: 1, 2, 3 …"""
        with self._database.write() as sql:
            sql.execute("UPDATE sessions SET takes = takes + 1 WHERE id = ?", (session_id,))
            row = sql.execute("SELECT takes FROM sessions WHERE id = ?", (session_id,)).fetchone()
        if row is None:
            raise SessionGone("The session does not exist in this studio.")
        return int(row["takes"])

    def touch(self, session_id: str, touched: str | None) -> None:
        """Remember what was edited last (what "it" means in the next message)."""
        with self._database.write() as sql:
            sql.execute("UPDATE sessions SET touched = ? WHERE id = ?", (touched, session_id))

    def history(self, session_id: str) -> tuple[int, int]:
        """How many steps can be undone and redone."""
        with self._database.read() as sql:
            row = sql.execute(
                "SELECT head, min(version) AS low, max(version) AS high FROM drafts"
                " JOIN sessions ON sessions.id = session WHERE session = ?",
                (session_id,),
            ).fetchone()
        return int(row["head"]) - int(row["low"]), int(row["high"]) - int(row["head"])
