"""A worker process of the studio: ``python -m game_music_maker.studio.worker``.

Reads one JSON object a line from standard input (``{"id", "task", "args"}``), does one task at a time in its main
thread (FFmpeg's parent-death signal follows the thread that started it), and writes JSON lines:
``{"id", "progress", "stage"}`` while it works, then ``{"id", "result"}`` or ``{"id", "error"}``. It ends when its
standard input ends; a task that is cancelled is a worker that is killed.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from typing import IO, Any

from ..errors import MusicMakerError, RenderFailed
from .groups import leave
from .worker_tasks import TASKS, Tools

_MEMORY_BYTES = 8 << 30
_TELL_EVERY_S = 0.2


class Pipe:
    """The line back to the studio. Standard output itself is pointed at standard error, so that no library can
    write into the protocol."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def send(self, **message: Any) -> None:
        """One line; a studio that is gone ends the worker."""
        try:
            self._out.write(json.dumps(message) + "\n")
            self._out.flush()
        except OSError:
            leave()


def _limits() -> None:
    """No core dumps and a generous ceiling of memory, where the system has such limits."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
    if sys.platform.startswith("linux") and (soft == resource.RLIM_INFINITY or soft > wanted):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _read(stream: IO[bytes], tasks: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Hand tasks over; at the end of the input end the process, whatever it is doing (its FFmpeg dies with it)."""
    for line in stream:
        tasks.put(json.loads(line))
    leave()


def _progress(pipe: Pipe, number: int) -> Any:
    last: tuple[float, str | None] = (0.0, None)

    def tell(fraction: float, stage: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if stage != last[1] or now - last[0] >= _TELL_EVERY_S:
            last = (now, stage)
            pipe.send(id=number, progress=round(float(fraction), 4), stage=stage)

    return tell


def _failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, MusicMakerError):
        return error.to_dict()
    if isinstance(error, MemoryError):
        return RenderFailed("The work needed more memory than it may use.", next="Use a shorter clip.").to_dict()
    traceback.print_exc(file=sys.stderr)
    return RenderFailed(f"The studio failed at this ({type(error).__name__}).").to_dict()


def main() -> None:
    """Serve tasks until standard input ends."""
    _limits()
    pipe = Pipe()
    tools = Tools(soundfont=sys.argv[1] if len(sys.argv) > 1 else None)
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, tasks), daemon=True).start()
    while True:
        order = tasks.get()
        number = int(order["id"])
        try:
            result = TASKS[order["task"]](tools, order["args"], _progress(pipe, number))
        except Exception as error:  # whatever goes wrong in a task is that task's answer
            pipe.send(id=number, error=_failure(error))
        else:
            pipe.send(id=number, result=result)


if __name__ == "__main__":
    main()
