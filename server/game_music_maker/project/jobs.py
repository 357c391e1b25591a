"""Jobs: work that belongs to the server, not to the call that began it.

A caller that gives up, times out or is cancelled ends its own wait and nothing else. Records survive the
process; a job whose process is gone can be taken over by another (`Jobs.adopt`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Literal

from ..errors import BackendError, Busy, Cancelled, MusicMakerError, OutcomeUnknown
from .clock import Clock
from .store import Job, Owner, Status, Store

Report = Callable[[float | None, str], Awaitable[None]]
"""Tells a waiting caller how far the work is: share 0–1 or None, and a few words."""

_NOTE_EVERY_S = 5.0
"""Seconds between reports while nothing changes; hosts are promised one every 10 s."""
_LOOK_EVERY_S = 0.3
"""Seconds between looks at a job that another process works on."""
_KEEP_EVERY_S = 2.0


class Run:
    """A running job, as its worker sees it."""

    def __init__(self, job: Job, store: Store, clock: Clock) -> None:
        self.job = job
        self.fraction: float | None = job.progress
        self.stage = job.stage
        self.cancelling = False
        self.changed = asyncio.Event()
        self._store = store
        self._clock = clock
        self._kept = clock.ticks()

    @property
    def request(self) -> dict[str, Any]:
        return self.job.request

    def remember(self, **fields: Any) -> None:
        """Keep `fields` in the job's request: on the disk when this returns."""
        self.job = replace(self.job, request={**self.job.request, **fields})
        self._store.update(self.job, self._clock.now(), request=self.job.request)

    def progress(self, fraction: float | None, stage: str) -> None:
        """Say how far the work is. Waiting callers see it at once, other processes within seconds."""
        if (fraction, stage) == (self.fraction, self.stage):
            return
        self.fraction, self.stage = fraction, stage
        if self._clock.ticks() - self._kept >= _KEEP_EVERY_S:
            self._kept = self._clock.ticks()
            self._store.update(self.job, self._clock.now(), progress=fraction, stage=stage)
        self.wake()

    def wake(self) -> None:
        """Let every waiting caller look."""
        self.changed.set()
        self.changed = asyncio.Event()


Work = Callable[[Run], Awaitable[dict[str, Any]]]
"""What a job does; gives the tool's answer. Its ``status`` may be ``unknown``."""


class Jobs:
    """All jobs of one process."""

    def __init__(self, store: Store, owner: Owner, clock: Clock) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._runs: dict[tuple[str, str], tuple[Run, asyncio.Task[None]]] = {}

    def begin(
        self,
        project: str,
        kind: Literal["turn", "export"],
        request: dict[str, Any],
        work: Work,
        *,
        key: str = "",
        alone: bool = False,
    ) -> tuple[Job, bool]:
        """Start a job, or give back the one that stands for the same (`Store.add_job`): ``(job, begun)``."""
        self._owner.hold()
        job, begun = self._store.add_job(
            project, kind, self._owner.id, request, self._clock.now(), key=key, alone=alone
        )
        if begun:
            self._start(job, work)
        return job, begun

    def adopt(self, job: Job, work: Work) -> bool:
        """Go on with a job whose process is gone; False where it is not gone, or another took it."""
        if job.status != "running" or self._owner.alive(job.owner):
            return False
        self._owner.hold()
        if not self._store.take_over(job, self._owner.id, self._clock.now()):
            return False
        self._start(replace(job, owner=self._owner.id), work)
        return True

    def orphaned(self, job: Job) -> bool:
        """Whether a running job's process is gone."""
        return job.status == "running" and not self._owner.alive(job.owner)

    def _start(self, job: Job, work: Work) -> None:
        run = Run(job, self._store, self._clock)
        key = (job.project, job.name)
        task = asyncio.create_task(self._work(run, work), name=f"{job.project}/{job.name}")
        self._runs[key] = (run, task)
        task.add_done_callback(lambda _: self._runs.pop(key, None))

    async def _work(self, run: Run, work: Work) -> None:
        result: dict[str, Any] | None = None
        error: MusicMakerError | None = None
        try:
            result = await work(run)
        except asyncio.CancelledError:
            if not run.cancelling:
                raise  # the server ends: the record stays as it is, another process takes it up
            error = Cancelled("The work was cancelled.")
        except MusicMakerError as failure:
            error = failure
        except Exception:
            logging.getLogger(__name__).exception("A job ended by a fault of its own")
            error = BackendError("The work ended by an internal fault.")
        status: Status = "done"
        if error is not None:
            status = {Cancelled.code: "cancelled", OutcomeUnknown.code: "unknown"}.get(error.code, "failed")  # type: ignore[assignment]
        elif result is not None and result.get("status") == "unknown":
            status = "unknown"
        self._store.update(
            run.job, self._clock.now(), status=status, result=result, error=error.to_dict() if error else None
        )
        run.wake()

    def current(self, job: Job) -> Job:
        """The job as it is now, with the progress of this process's own runs."""
        kept = self._store.job(job.project, job.name) or job
        entry = self._runs.get((job.project, job.name))
        if entry is not None and kept.status == "running":
            kept = replace(kept, progress=entry[0].fraction, stage=entry[0].stage)
        return kept

    def own(self, job: Job) -> bool:
        """Whether this process works on it."""
        return (job.project, job.name) in self._runs

    async def wait(self, job: Job, seconds: float, report: Report | None = None) -> Job:
        """Wait until the job is over or `seconds` have passed; the job as it is then. Ending the wait ends
        nothing else."""
        end = self._clock.ticks() + seconds
        told: tuple[float, str] | None = None
        while True:
            entry = self._runs.get((job.project, job.name))
            changed = entry[0].changed if entry else None
            job = self.current(job)
            left = end - self._clock.ticks()
            if job.status != "running" or left <= 0 or (entry is None and self.orphaned(job)):
                return job
            if report is not None:
                told = await _tell(report, job, told)
            if entry is None or changed is None:
                await self._clock.sleep(min(left, _LOOK_EVERY_S))
                continue
            try:
                async with asyncio.timeout(min(left, _NOTE_EVERY_S)):
                    await changed.wait()
            except TimeoutError:
                told = None

    async def cancel(self, job: Job) -> Job:
        """End the work of this process on a job.

        Raises:
            Busy: another living process works on it.
        """
        entry = self._runs.get((job.project, job.name))
        if entry is None:
            if job.status == "running" and not self.orphaned(job):
                raise Busy(
                    f"{job.name} runs in another process.",
                    next="End it there, or wait for it with the state tool.",
                )
            self._store.update(job, self._clock.now(), status="cancelled")
            return self.current(job)
        run, task = entry
        run.cancelling = True
        task.cancel()
        await asyncio.wait([task])
        return self.current(job)

    def drop_unsent(self, job: Job) -> None:
        """End a job whose caller gave up before anything was sent to the backend."""
        entry = self._runs.get((job.project, job.name))
        if entry is not None and not (entry[0].request.get("sent") or entry[0].request.get("render_id")):
            entry[0].cancelling = True
            entry[1].cancel()

    async def close(self) -> None:
        """End this process's part of all work; records of running jobs stay, to be taken up again."""
        tasks = [task for _, task in self._runs.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2)
        self._owner.release()


async def _tell(report: Report, job: Job, told: tuple[float, str] | None) -> tuple[float, str]:
    now = (job.progress if job.progress is not None else -1.0, job.stage)
    if now != told:
        await report(job.progress, job.stage or "working")
    return now
