"""The studio's side of its workers: a pool of child processes, one task at a time each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import BY_CODE, MusicMakerError, RenderFailed, TimedOut
from .groups import end_group

Progress = Callable[[float, str], None]
MOST = 4
KEPT_WARM = 2
_LINE_BYTES = 64 << 20
_SECONDS = {"warm": 120.0, "probe": 60.0, "bars": 60.0, "look": 900.0, "score": 900.0, "picture": 120.0, "kit": 900.0}
_RENDER_SECONDS = 4 * 3600.0
_LOADED = {"score": {"score", "render"}}
"""What a worker has loaded after a task that needed something: the renderer comes with the instruments, so that the
music's render finds the libraries in place that made the music. Looking needs little and has a worker of its own."""


class WorkerDied(RenderFailed):
    """The process ended in the middle of a task: killed from outside, out of memory, or a crash."""


class Worker:
    """One child process. `warm` names what it has loaded."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._number = 0
        self.warm: set[str] = set()

    @classmethod
    async def start(cls, soundfont: str | None, log: Path) -> Worker:
        """A new process in its own group; it cannot outlive us: its standard input ends with us."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "game_music_maker.studio.worker",
                *([soundfont] if soundfont else []),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LINE_BYTES,
                start_new_session=True,
            )
        return cls(process)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def run(self, task: str, args: Mapping[str, Any], progress: Progress | None) -> dict[str, Any]:
        """Do one task.

        Raises:
            WorkerDied: the process ended.
            MusicMakerError: what the task raised.
        """
        self._number += 1
        order = json.dumps({"id": self._number, "task": task, "args": args})
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(order.encode() + b"\n")
            await self._process.stdin.drain()
            while line := await self._process.stdout.readline():
                answer = json.loads(line)
                if "result" in answer:
                    return dict(answer["result"])
                if "error" in answer:
                    raise _error(answer["error"])
                if progress is not None:
                    progress(answer["progress"], answer["stage"])
        except (OSError, ValueError) as error:
            raise WorkerDied("The work ended without a result.") from error
        raise WorkerDied("The work ended without a result.")

    async def end(self) -> None:
        """Kill the process with its group and wait for its end."""
        if self._process.returncode is None:
            await asyncio.to_thread(end_group, self._process.pid)
        await self._process.wait()


def _error(told: Mapping[str, Any]) -> MusicMakerError:
    cls = BY_CODE.get(str(told.get("code")), RenderFailed)
    return cls(str(told.get("message")), next=told.get("next"), retry_after_s=told.get("retry_after_s"))


class Pool:
    """Workers for tasks, made on need.

    Args:
        soundfont: another instrument bank for them.
        log: file for what they write to standard error.
        most: processes at once; further tasks wait for a free one.
    """

    def __init__(self, soundfont: str | None, log: Path, *, most: int = MOST) -> None:
        self._soundfont = soundfont
        self._log = log
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._places = asyncio.Semaphore(most)
        self._warming: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    async def run(
        self, task: str, args: Mapping[str, Any], *, needs: str = "", progress: Progress | None = None
    ) -> dict[str, Any]:
        """Do a task in some worker, one that has `needs` loaded if there is one. Cancelling kills the worker.

        Raises:
            WorkerDied: its process ended. TimedOut: it took too long.
            MusicMakerError: what the task raised.
        """
        if task != "warm" and needs in self._warming:
            await asyncio.wait([self._warming[needs]])
        async with self._places:
            worker = await self._take(needs)
            try:
                async with asyncio.timeout(_SECONDS.get(task, _RENDER_SECONDS)):
                    result = await worker.run(task, args, progress)
            except TimeoutError:
                await self._drop(worker)
                raise TimedOut("The work took too long and was ended.", next="Try a shorter clip.") from None
            except WorkerDied:
                await self._drop(worker)
                raise
            except MusicMakerError:
                await self._give_back(worker)
                raise
            except BaseException:
                await asyncio.shield(self._drop(worker))
                raise
            if needs:
                worker.warm |= _LOADED.get(needs, {needs})
            await self._give_back(worker)
            return result

    async def warm(self, needs: str) -> None:
        """Have a worker ready for a ``look`` or a ``score``, before one is wanted; failures show when it is."""
        if needs in self._warming or any(needs in worker.warm for worker in self._all):
            return
        self._warming[needs] = asyncio.create_task(self._warm(needs))
        await self._warming[needs]

    async def _warm(self, needs: str) -> None:
        try:
            with contextlib.suppress(MusicMakerError):
                await self.run("warm", {"needs": needs}, needs=needs)
        finally:
            del self._warming[needs]

    async def _take(self, needs: str) -> Worker:
        """The best idle worker: one that has loaded what is needed, else the one that has loaded least."""
        self._idle = [worker for worker in self._idle if worker.alive]
        if self._idle:
            best = max(self._idle, key=lambda worker: (needs in worker.warm, -len(worker.warm)))
            self._idle.remove(best)
            return best
        if self._closed:
            raise WorkerDied("The studio is ending.")
        worker = await Worker.start(self._soundfont, self._log)
        self._all.add(worker)
        return worker

    async def _give_back(self, worker: Worker) -> None:
        if len(self._idle) < KEPT_WARM and worker.alive and not self._closed:
            self._idle.append(worker)
        else:
            await self._drop(worker)

    async def _drop(self, worker: Worker) -> None:
        self._all.discard(worker)
        await worker.end()

    async def close(self) -> None:
        """End every worker now."""
        self._closed = True
        for warming in self._warming.values():
            warming.cancel()
        workers, self._all, self._idle = list(self._all), set(), []
        await asyncio.gather(*(worker.end() for worker in workers))
