"""A second process for half of the playing: a copy of this one, made when there is something to play.

The copy shares what is loaded (libraries, samples, the score), so it costs no start; its sound comes back through
memory that both map. Only where processes can be copied safely (Linux) and there is a second core; elsewhere, and
where a copy fails, the caller does the same work itself and gets the same samples.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def possible() -> bool:
    """Whether a copy of this process may be made, and would have a core of its own."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


def shared(shape: tuple[int, int]) -> Floats:
    """Zeros that a twin made later can write for us."""
    memory = mmap.mmap(-1, max(1, shape[0] * shape[1]) * 4)
    return np.frombuffer(memory, np.float32, shape[0] * shape[1]).reshape(shape)


class Twin:
    """A copy of this process that does `work(hear)` and ends; `hear` gives what we `tell` it. Leaving the context ends
    it, whatever it does.

    `work` gives a small value that JSON can hold; its arrays it writes to `shared` memory.
    """

    def __init__(self, work: Callable[[Callable[[], Any]], Any]) -> None:
        (ours_in, theirs_out), (theirs_in, ours_out) = os.pipe(), os.pipe()
        parent = os.getpid()
        with warnings.catch_warnings():
            # The other thread of a worker only waits for its input, and holds nothing that the copy touches.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if not self._pid:
            os.close(ours_in)
            os.close(ours_out)
            _be(work, theirs_in, theirs_out, parent)
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = ours_in, ours_out

    def __enter__(self) -> Twin:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._in)
        os.close(self._out)

    def tell(self, value: Any) -> None:
        """Give `value`, which JSON can hold, to whoever hears."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._out, json.dumps(value).encode() + b"\n")

    def result(self) -> Any:
        """What the work gave, None where it failed."""
        with open(self._in, "rb", closefd=False) as stream:
            said = stream.read()
        return json.loads(said) if said else None


def _be(work: Callable[[Callable[[], Any]], Any], heard: int, out: int, parent: int) -> None:
    """The copy's whole life."""

    def hear() -> Any:
        line = b""
        while not line.endswith(b"\n"):
            piece = os.read(heard, 1)
            if not piece:
                os._exit(1)  # nobody is left to work for
            line += piece
        return json.loads(line)

    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: a killed worker takes its copy along
        if os.getppid() != parent:
            os._exit(1)
        os.write(out, json.dumps(work(hear)).encode())
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
