"""``game-music-maker``: the command."""

from __future__ import annotations

import gc
import os
import sys

_GARBAGE = 20_000
"""New objects after which to look for garbage: what is loaded at the start is none, and makes many."""


def main() -> int:
    """Run one command and give its exit status."""
    _open_streams()
    gc.set_threshold(_GARBAGE)
    from .cli.main import run

    status = run(sys.argv[1:])
    gc.freeze()  # what is left goes with the process, without being looked through for garbage
    return status


def _open_streams() -> None:
    """A host may start us without stdin, stdout or stderr: it leads nowhere then, and no file takes its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


if __name__ == "__main__":
    raise SystemExit(main())
