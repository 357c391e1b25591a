"""The ledger of a batch: what was begun and what is done, on the disk at once, so that a killed batch goes on."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ..errors import DiskFull

_BLOCK = 1 << 20


class Ledger:
    """One line of JSON for every event; a half-written last line is passed over."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.last: dict[str, dict[str, Any]] = {}
        """Item key → its newest event."""
        self._begun: set[str] = set()
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                event = json.loads(line)
                self._keep(event["key"], event)
            except (ValueError, KeyError, TypeError):
                continue
        self._handle = path.open("a", encoding="utf-8")
        if path.stat().st_size:
            self._handle.write("\n")  # a line that was cut off by a kill stays alone

    def write(self, key: str, event: str, **fields: Any) -> None:
        """Add an event: on the disk when this returns. Raises: DiskFull."""
        entry = {"key": key, "event": event, **fields}
        try:
            self._handle.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self._handle.flush()
            os.fsync(self._handle.fileno())
        except OSError:
            raise DiskFull("The batch's ledger could not be written.") from None
        self._keep(key, entry)

    def _keep(self, key: str, entry: dict[str, Any]) -> None:
        self.last[key] = entry
        if entry["event"] == "begun":
            self._begun.add(key)

    def done(self, key: str) -> dict[str, Any] | None:
        """The event of an item whose file is there, whole; None where it has to be made."""
        event = self.last.get(key)
        if event is None or event["event"] != "done":
            return None
        path = Path(event["path"])
        try:
            return event if file_hash(path) == event["sha256"] else None
        except OSError:
            return None

    def begun(self, key: str) -> bool:
        """Whether this batch has worked on the item before: a file under its name is then its own. An item that was
        refused because of a file that was there had not been begun."""
        return key in self._begun

    def close(self) -> None:
        self._handle.close()


def file_hash(path: Path) -> str:
    """SHA-256 of a file. Raises: OSError."""
    hashed = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            hashed.update(block)
    return hashed.hexdigest()
