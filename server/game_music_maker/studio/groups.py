"""A worker and the encoder that it runs end together, on every system.

On Linux the kernel ends FFmpeg with its worker (``PR_SET_PDEATHSIG``); macOS and Windows have nothing of that kind.
There a worker leads a process group that FFmpeg stays in (POSIX), or the tree below it is ended (Windows).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import NoReturn


def end_group(pid: int) -> None:
    """Kill the process `pid`, which was started with ``start_new_session``, and everything that it started."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def leave() -> NoReturn:
    """End this process at once, and what it started where it leads a group of its own."""
    if sys.platform == "win32" or os.getpgrp() == os.getpid():
        end_group(os.getpid())
    os._exit(0)
