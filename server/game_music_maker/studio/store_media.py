"""Media by content hash, what was seen in it, scores, and the clean-up of what nothing refers to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ..errors import DiskFull, NotFound
from .footage import Asset, MediaInfo, VideoMap
from .store import Database
from .store_files import Folders, folder_bytes, publish

CAP_BYTES = 20 * 10**9
_GRACE_S = 3600.0
_RENDER_DAYS = 7


class Media:
    """Files of the store. An asset's id is ``a_`` and the first 24 digits of its SHA-256."""

    def __init__(self, database: Database, folders: Folders, *, cap_bytes: int = CAP_BYTES) -> None:
        self._database = database
        self._folders = folders
        self._cap = cap_bytes

    @staticmethod
    def id_of(sha256: str) -> str:
        return "a_" + sha256[:24]

    def find(self, asset_id: str) -> MediaInfo | None:
        """What is known of a file that the store already holds; None where it is new or its file is gone."""
        with self._database.read() as sql:
            row = sql.execute("SELECT path, info FROM assets WHERE id = ?", (asset_id,)).fetchone()
        if row is None or not (self._folders.media / row["path"]).is_file():
            return None
        return MediaInfo.model_validate_json(row["info"])

    def keep(self, source: Path, sha256: str, info: MediaInfo) -> str:
        """Move a finished upload into the store and give its asset id."""
        asset = self.id_of(sha256)
        relative = f"{sha256[:2]}/{sha256}{source.suffix}"
        publish(source, self._folders.media / relative)
        with self._database.write() as sql:
            sql.execute(
                "INSERT OR REPLACE INTO assets VALUES(?, ?, ?, ?, ?)",
                (asset, relative, info.size_bytes, info.model_dump_json(), self._database.clock()),
            )
        return asset

    def attach(self, session_id: str, asset_id: str, name: str) -> None:
        """Let a session use an asset under a readable name."""
        with self._database.write() as sql:
            row = sql.execute(
                "SELECT coalesce(max(position), 0) + 1 FROM session_assets WHERE session = ?", (session_id,)
            ).fetchone()
            sql.execute("INSERT OR IGNORE INTO session_assets VALUES(?, ?, ?, ?)", (session_id, asset_id, name, row[0]))

    def of_session(self, session_id: str) -> list[Asset]:
        """The session's uploaded files, in the order of upload."""
        with self._database.read() as sql:
            rows = sql.execute(
                "SELECT assets.id, path, info, name FROM session_assets JOIN assets ON assets.id = asset"
                " WHERE session = ? ORDER BY position",
                (session_id,),
            ).fetchall()
        return [
            Asset(
                id=row["id"],
                path=str(self._folders.media / row["path"]),
                name=row["name"],
                info=MediaInfo.model_validate_json(row["info"]),
            )
            for row in rows
        ]

    def look(self, asset_id: str, look: str) -> VideoMap | None:
        with self._database.read() as sql:
            row = sql.execute("SELECT map FROM looks WHERE asset = ? AND look = ?", (asset_id, look)).fetchone()
        return None if row is None else VideoMap.model_validate_json(row["map"])

    def keep_look(self, asset_id: str, look: str, video: VideoMap) -> None:
        with self._database.write() as sql:
            sql.execute("INSERT OR REPLACE INTO looks VALUES(?, ?, ?)", (asset_id, look, video.model_dump_json()))

    # -- scores ------------------------------------------------------------------------------------------------

    def score_folder(self, score_id: str) -> Path:
        return self._folders.scores / score_id

    def keep_score(self, session_id: str, score_id: str, source: Path, facts: dict[str, Any]) -> None:
        """Publish a finished score's folder and what is to be known of it."""
        size = folder_bytes(source)
        publish(source, self.score_folder(score_id))
        with self._database.write() as sql:
            sql.execute(
                "INSERT INTO scores VALUES(?, ?, ?, ?, ?)",
                (score_id, session_id, json.dumps(facts), size, self._database.clock()),
            )

    def scores(self, session_id: str) -> list[dict[str, Any]]:
        """Facts of the session's scores, oldest first, each with its ``id``."""
        with self._database.read() as sql:
            rows = sql.execute(
                "SELECT id, facts FROM scores WHERE session = ? ORDER BY created, rowid", (session_id,)
            ).fetchall()
        return [{"id": row["id"], **json.loads(row["facts"])} for row in rows]

    def score_assets(self, session_id: str) -> list[Asset]:
        return [
            Asset(
                id=facts["id"],
                path=str(self.score_folder(facts["id"]) / "mix.wav"),
                name=str(facts.get("name") or "Score"),
                kind="score",
            )
            for facts in self.scores(session_id)
        ]

    def assets_for(self, session_id: str) -> dict[str, Asset]:
        """All that the session's clips may refer to."""
        return {asset.id: asset for asset in [*self.of_session(session_id), *self.score_assets(session_id)]}

    # -- room --------------------------------------------------------------------------------------------------

    def used_bytes(self) -> int:
        with self._database.read() as sql:
            row = sql.execute(
                "SELECT (SELECT coalesce(sum(size), 0) FROM assets) + (SELECT coalesce(sum(size), 0) FROM scores)"
            ).fetchone()
        return int(row[0]) + folder_bytes(self._folders.renders)

    def make_room(self, wanted_bytes: int) -> None:
        """See that `wanted_bytes` fit under the cap, dropping the least recently used sessions where needed.

        Raises:
            DiskFull: they do not fit, even so, or the disk itself has too little space.
        """
        free = shutil.disk_usage(self._folders.root).free
        if free < wanted_bytes + 64 * 10**6:
            raise DiskFull("The disk is full: the studio has no room for this.")
        if self.used_bytes() + wanted_bytes <= self._cap:
            return
        self.clean()
        while self.used_bytes() + wanted_bytes > self._cap:
            if not self._drop_oldest_session():
                raise DiskFull(
                    f"The studio's media folder would grow over its cap of {self._cap / 1e9:.0f} GB.",
                    next="Finish and close older projects, or free the studio's media folder, and try again.",
                )
            self.clean(grace_s=0.0)

    def _drop_oldest_session(self) -> bool:
        """Forget the session unused for longest (a day at least), with its drafts and scores."""
        now = self._database.clock()
        with self._database.write() as sql:
            row = sql.execute(
                "SELECT id FROM sessions WHERE used < ? ORDER BY used LIMIT 1", (now - 86_400,)
            ).fetchone()
            if row is None:
                return False
            for table in ("drafts", "session_assets"):
                sql.execute(f"DELETE FROM {table} WHERE session = ?", (row["id"],))
            sql.execute("DELETE FROM sessions WHERE id = ?", (row["id"],))
        return True

    def clean(self, *, grace_s: float = _GRACE_S) -> int:
        """Remove media and scores that no session refers to, and old renders; gives how many files or folders went."""
        now = self._database.clock()
        with self._database.write() as sql:
            assets = sql.execute(
                "SELECT id, path FROM assets WHERE created < ? AND id NOT IN (SELECT asset FROM session_assets)",
                (now - grace_s,),
            ).fetchall()
            scores = sql.execute(
                "SELECT id FROM scores WHERE created < ? AND NOT EXISTS"
                " (SELECT 1 FROM drafts WHERE drafts.session = scores.session AND instr(wire, scores.id))",
                (now - grace_s,),
            ).fetchall()
            renders = sql.execute(
                "SELECT id FROM jobs WHERE kind = 'render' AND updated < ?"
                " AND state IN ('completed', 'failed', 'cancelled')",
                (now - _RENDER_DAYS * 86_400,),
            ).fetchall()
            for row in assets:
                sql.execute("DELETE FROM assets WHERE id = ?", (row["id"],))
                sql.execute("DELETE FROM looks WHERE asset = ?", (row["id"],))
            sql.executemany("DELETE FROM scores WHERE id = ?", [(row["id"],) for row in scores])
            sql.executemany("DELETE FROM jobs WHERE id = ?", [(row["id"],) for row in renders])
        for row in assets:
            (self._folders.media / row["path"]).unlink(missing_ok=True)
        for row in scores:
            shutil.rmtree(self.score_folder(row["id"]), ignore_errors=True)
        for row in renders:
            shutil.rmtree(self._folders.renders / row["id"], ignore_errors=True)
        return len(assets) + len(scores) + len(renders)

    def render_file(self, job_id: str, name: str) -> Path:
        """Where a finished render lies.

        Raises:
            NotFound: it was removed.
        """
        path = self._folders.renders / job_id / name
        if not path.is_file():
            raise NotFound("The finished file is no longer kept.", next="Export again.")
        return path
