"""Small private files (tokens, client id) and locks across processes.

Folder 0700, file 0600, never followed as links, written whole under a temporary name. What cannot be read
is set aside, never fatal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_LIMIT = 64 << 10
_LOOK_AGAIN = 0.05


def private_folder(folder: Path) -> None:
    """Make `folder` (0700) if it is not there; one that is ours is closed to others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)


def read_private(path: Path) -> bytes | None:
    """The file's content; None where there is none. A link, a folder, an over-long file is set aside and
    reads as none."""
    try:
        handle = os.open(path, os.O_RDONLY | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError:
        set_aside(path)
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        usable = stat.S_ISREG(status.st_mode) and status.st_size <= _LIMIT and not path.is_symlink()
        if usable:
            if stat.S_IMODE(status.st_mode) & 0o077 and hasattr(os, "fchmod"):
                with contextlib.suppress(OSError):
                    os.fchmod(handle, 0o600)
            return file.read(_LIMIT)
    set_aside(path)
    return None


def write_private(path: Path, content: bytes, *, replace: bool = True) -> bool:
    """Write `content` whole (0600) under `path`. Without `replace` a file that is there stays, and False
    comes back.

    Raises:
        OSError: the disk refused.
    """
    private = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    handle = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        if replace:
            private.replace(path)
            return True
        try:
            os.link(private, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if path.exists():
                return False
            private.replace(path)
        return True
    finally:
        private.unlink(missing_ok=True)


def set_aside(path: Path) -> None:
    """Rename what cannot be used, so that it is neither lost nor in the way."""
    with contextlib.suppress(OSError):
        path.rename(path.with_name(f"{path.name}.set-aside-{secrets.token_hex(3)}"))


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock file `path`, against other processes and other holders in this one. It ends with its
    holder.

    Raises:
        OSError: the folder cannot be written.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600)
    try:
        while not _try_lock(handle):  # noqa: ASYNC110 - the holder is another process: there is no event
            await asyncio.sleep(_LOOK_AGAIN)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
