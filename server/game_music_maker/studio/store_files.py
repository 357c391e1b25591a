"""Folders of the studio inside the home folder, and which studio process they belong to while it lives."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .store import disk_words

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[bytes]) -> None:
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: IO[bytes]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


_BEDS_BYTES = 1 << 29


class Folders:
    """Where things lie: ``media/`` by content hash, ``scores/<id>/``, ``renders/<job>/``, ``work/<owner>/`` for what is
    not finished. `owner` names this process; its lock file tells the others whether it still lives.

    Raises:
        DiskFull, BackendError: the folders cannot be made.
    """

    def __init__(self, home: Path) -> None:
        self.root = home / "studio"
        self.media = self.root / "media"
        self.scores = self.root / "scores"
        self.renders = self.root / "renders"
        self._works = self.root / "work"
        self.owner = f"{os.getpid()}-{secrets.token_hex(6)}"
        self.work = self._works / self.owner
        self._beds = self.work / "beds"
        with disk_words("its folders"):
            for folder in (self.media, self.scores, self.renders, self._works):
                folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                self.root.chmod(0o700)
            self._beds.mkdir(parents=True)
            self._handle = (self.work / "lock").open("wb")
            _lock(self._handle)

    @property
    def database(self) -> Path:
        return self.root / "studio.db"

    def alive(self, owner: str) -> bool:
        """Whether the studio process `owner` still runs (its lock is held)."""
        if owner == self.owner:
            return True
        try:
            handle = (self._works / owner / "lock").open("r+b")
        except OSError:
            return False
        with handle:
            try:
                _lock(handle)
            except OSError:
                return True
        return False

    def sweep(self) -> None:
        """Remove what dead studios left unfinished."""
        for folder in self._works.iterdir():
            if folder != self.work and not self.alive(folder.name):
                shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder of this process that is gone afterwards, whatever happened."""
        path = self.work / secrets.token_hex(8)
        with disk_words("a working folder"):
            path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def bed(self, asset_id: str) -> Path:
        """Where the decoded sound of a clip is kept while this process lives, as long as there is room for it."""
        return self._beds / f"{asset_id}.wav"

    def trim_beds(self) -> None:
        """Keep the latest of the decoded sounds. Whoever reads one that goes reads on, where the system allows that."""
        with contextlib.suppress(OSError):
            room = _BEDS_BYTES
            for file in sorted(self._beds.glob("*.wav"), key=lambda path: path.stat().st_mtime, reverse=True):
                room -= file.stat().st_size
                if room < 0:
                    file.unlink()

    def close(self) -> None:
        self._handle.close()
        shutil.rmtree(self.work, ignore_errors=True)


def publish(source: Path, target: Path) -> None:
    """Give a finished file or folder its final place: synced to disk, then renamed in one step.

    A target that is already there is kept (the same content under its hash, or an earlier publication).
    """
    with disk_words("a finished file"):
        for file in [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]:
            with file.open("r+b") as handle:
                os.fsync(handle.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            source.rename(target)
        if sys.platform != "win32":
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def folder_bytes(path: Path) -> int:
    """Bytes of all files below a folder; files that go away meanwhile count as nothing."""
    total = 0
    for file in path.rglob("*"):
        with contextlib.suppress(OSError):
            if file.is_file():
                total += file.stat().st_size
    return total
