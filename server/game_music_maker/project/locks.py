"""File locks that the system lets go when their process ends, however it ends."""

from __future__ import annotations

import os
from typing import IO


def take(handle: IO[bytes]) -> None:
    """Take the lock of an open file at once.

    Raises:
        OSError: another process holds it.
    """
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
