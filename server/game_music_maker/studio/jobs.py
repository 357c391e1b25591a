"""The desk: everything that one studio process holds, the renders it carries out, and what it has looked at.

The database is used from one thread of its own, so that a slow disk never keeps the server from answering.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from ..errors import BackendError, MusicMakerError, NothingToExport, RenderFailed
from .footage import Asset, MediaInfo, VideoMap
from .jobs_ledger import LEASE_S, QUEUE, Job, Ledger
from .store import Clock, Database
from .store_accounts import Accounts
from .store_files import Folders, publish
from .store_media import CAP_BYTES, Media
from .store_sessions import Sessions
from .timeline import Timeline
from .worker_pool import Pool, WorkerDied

_P = ParamSpec("_P")
_T = TypeVar("_T")
RENDERS_AT_ONCE = 2
_LOOK_AROUND_S = 1.0
_RENEW_S = 0.5
_LOG_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Where a model behind an OpenAI-compatible address is reached."""

    url: str
    name: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How a studio is set up. `home` is the shared home folder, `model` helps with words that no rule knows; where a
    clip is expected, a worker is made ready for it at once; the rest are limits that seldom change."""

    home: Path
    soundfont: Path | None = None
    model: LanguageModel | None = None
    lease_s: float = LEASE_S
    queue: int = QUEUE
    cap_bytes: int = CAP_BYTES
    clock: Clock = time.time
    expects_clip: bool = False


class Desk:
    """Opens the store (raises as `Database` and `Folders` do); `start` begins to work on waiting renders."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.token = "gms_" + secrets.token_urlsafe(32)
        self.folders = Folders(options.home)
        self.database = Database(self.folders.database, clock=options.clock)
        self.accounts = Accounts(self.database, self.token)
        self.sessions = Sessions(self.database)
        self.media = Media(self.database, self.folders, cap_bytes=options.cap_bytes)
        self.ledger = Ledger(
            self.database, self.folders.owner, self.folders.alive, lease_s=options.lease_s, queue=options.queue
        )
        soundfont = str(options.soundfont) if options.soundfont else None
        self.pool = Pool(soundfont, _bounded(self.folders.root / "worker.log"))
        self.closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._wake = asyncio.Event()
        self._renders: dict[str, asyncio.Task[None]] = {}
        self._looks: dict[tuple[str, str], asyncio.Task[VideoMap]] = {}
        self._background: set[asyncio.Task[Any]] = set()

    async def db(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a method of the store in the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: call(*args, **kwargs))

    def start(self) -> None:
        self.background(self._work())
        if self.options.expects_clip:
            self.background(self._quietly(self.pool.warm("look")))

    def background(self, work: Any) -> asyncio.Task[Any]:
        """Run a coroutine beside the requests; it ends with the studio."""
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def close(self) -> None:
        """End everything: workers are killed, unfinished renders are given back to whoever comes next."""
        self.closing = True
        tasks = [*self._background, *self._renders.values(), *self._looks.values()]
        for task in tasks:
            task.cancel()
        await self.pool.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(MusicMakerError):
            await self.db(self.ledger.release)
        await self.db(self.database.close)
        self._thread.shutdown()
        self.folders.close()

    # -- renders -----------------------------------------------------------------------------------------------

    def nudge(self) -> None:
        """There may be something to render."""
        self._wake.set()

    async def _work(self) -> None:
        """Claim renders while places are free; look around once a second for those of studios that died."""
        await asyncio.to_thread(self.folders.sweep)
        with contextlib.suppress(MusicMakerError):
            await self.db(self.media.clean)
        while True:
            self._wake.clear()
            while len(self._renders) < RENDERS_AT_ONCE:
                try:
                    job = await self.db(self.ledger.claim)
                except MusicMakerError:
                    break  # a locked or full database: the next look around may find it better
                if job is None:
                    break
                self._renders[job.id] = asyncio.create_task(self._render(job))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AROUND_S):
                    await self._wake.wait()

    async def over(self, job_id: str, seconds: float) -> bool:
        """Whether a render that is made here has ended within so many seconds."""
        task = self._renders.get(job_id)
        return bool(task and (await asyncio.wait([task], timeout=seconds))[0])

    async def _render(self, job: Job) -> None:
        try:
            await self.under_lease(job, lambda progress: self._make(job, progress))
        finally:
            self._renders.pop(job.id, None)
            self.nudge()

    async def under_lease(self, job: Job, work: Callable[[Callable[[float, str], None]], Any]) -> None:
        """Do `work(progress)`, which gives the job's result, while renewing the lease; then publish the end, once."""
        seen: tuple[float, str] = (0.0, "")

        def progress(fraction: float, stage: str) -> None:
            nonlocal seen
            seen = (fraction, stage)

        task = asyncio.ensure_future(work(progress))
        verdict: Literal["held", "cancel", "lost"] = "held"
        try:
            while not task.done() and verdict == "held":
                await asyncio.wait([task], timeout=min(_RENEW_S, self.ledger.lease_s / 3))
                if not task.done():
                    with contextlib.suppress(MusicMakerError):
                        verdict = await self.db(self.ledger.renew, job, *seen)
        except asyncio.CancelledError:
            verdict = "lost" if self.closing else "cancel"
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if verdict != "lost":
            await self._settle(job, task, verdict)

    async def _settle(self, job: Job, task: asyncio.Task[Any], verdict: str) -> None:
        try:
            result = task.result()
        except asyncio.CancelledError:
            if not self.closing:
                await self.db(self.ledger.cancelled, job)
        except WorkerDied as error:
            if job.kind == "render" and not self.closing:
                await self.db(self.ledger.crashed, job)
            elif not self.closing:
                await self.db(self.ledger.fail, job, error)
        except MusicMakerError as error:
            await self.db(self.ledger.fail, job, error)
        except Exception as error:  # an accepted job must end, whatever the fault
            await self.db(self.ledger.fail, job, RenderFailed(f"The studio failed at this ({type(error).__name__})."))
            raise
        else:
            done = verdict != "cancel" and await self.db(self.ledger.complete, job, result)
            if verdict == "cancel":
                await self.db(self.ledger.cancelled, job)
            if not done and job.kind == "render":
                (self.folders.renders / job.id / str(result["file"])).unlink(missing_ok=True)

    async def _make(self, job: Job, progress: Callable[[float, str], None]) -> dict[str, Any]:
        """One attempt at a render: made in a scratch folder, then put under a name of this attempt."""
        request = job.request
        assets = await self.db(self.media.assets_for, job.session)
        with self.folders.scratch() as folder:
            args = {"draft": request["draft"], "format": request["format"], "quality": request["quality"]}
            args |= {"assets": {k: self._with_bed(a) for k, a in assets.items()}, "folder": str(folder)}
            task, needs = "render", "render"
            if request["format"] == "kit":
                task, needs = "kit", "score"
                args["score_folder"] = str(self.media.score_folder(score_of(Timeline.read(request["draft"]))))
            result = await self.pool.run(task, args, needs=needs, progress=progress)
            made = folder / result["file"]
            name = f"{job.fence}{made.suffix}"
            target = self.folders.renders / job.id / name
            await asyncio.to_thread(publish, made, target)
        return {**result, "file": name}

    def _with_bed(self, asset: Asset) -> dict[str, Any]:
        bed = self.folders.bed(asset.id)
        return {**asset.model_dump(), "bed": str(bed) if bed.is_file() else ""}

    async def cancel(self, user: str, job_id: str) -> Job:
        """End a job now if it is ours, or have its studio end it at its next renewal.

        Raises:
            NotFound: the user has no such job.
        """
        await self.db(self.ledger.get, user, job_id)
        job = await self.db(self.ledger.cancel, job_id)
        task = self._renders.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            return await self.db(self.ledger.get, user, job_id)
        return job

    # -- footage -----------------------------------------------------------------------------------------------

    async def probe(self, path: Path) -> MediaInfo:
        """What an uploaded file is; raises `UnsupportedMedia` and `FileTooLarge`."""
        return MediaInfo.model_validate(await self.pool.run("probe", {"path": str(path)}, needs="look"))

    async def look(
        self, asset: Asset, *, accurate: bool = False, progress: Callable[[float, str], None] | None = None
    ) -> VideoMap:
        """What happens in a clip, from the cache or by looking; several askers share one look."""
        look = "accurate" if accurate else "quick"
        known = await self.db(self.media.look, asset.id, look)
        if known is not None:
            return known
        key = (asset.id, look)
        if key not in self._looks:
            self._looks[key] = asyncio.create_task(self._look(asset, look))
            self._looks[key].add_done_callback(lambda done: self._looked(key, done))
        return await asyncio.shield(self._looks[key])

    def _looked(self, key: tuple[str, str], task: asyncio.Task[VideoMap]) -> None:
        self._looks.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever waits gets it; a look that nobody waits for may fail unseen

    async def _look(self, asset: Asset, look: str) -> VideoMap:
        assert asset.info is not None
        args = {"path": asset.path, "info": asset.info.model_dump(mode="json"), "accurate": look == "accurate"}
        bed = self.folders.bed(asset.id)
        if asset.info.audio is not None and not bed.exists():
            args["bed"] = str(bed)
        found = VideoMap.model_validate(await self.pool.run("look", args, needs="look"))
        if "bed" in args:
            await asyncio.to_thread(self.folders.trim_beds)
        await self.db(self.media.keep_look, asset.id, look, found)
        return found

    async def bars(self, asset: Asset) -> tuple[int, int, int, int]:
        """Black bars of a clip: left, top, right, bottom in source pixels, zeros where there are none."""
        assert asset.info is not None
        args = {"path": asset.path, "info": asset.info.model_dump(mode="json")}
        left, top, right, bottom = (await self.pool.run("bars", args, needs="look"))["bars"]
        return left, top, right, bottom

    def foresee(self, asset: Asset) -> None:
        """Begin the quick look at a new clip, and load the instruments beside it: words will come."""
        if asset.info is not None and asset.info.kind == "video":
            with contextlib.suppress(BackendError):
                self.background(self._quietly(self.look(asset)))
        self.background(self._quietly(self.pool.warm("score")))

    async def _quietly(self, work: Any) -> None:
        with contextlib.suppress(MusicMakerError):
            await work


def _bounded(log: Path) -> Path:
    """The workers' log, begun anew where it has grown past a megabyte."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            log.unlink()
    return log


def score_of(draft: Timeline) -> str:
    """The id of the score that a draft plays.

    Raises:
        NothingToExport: there is no score.
    """
    for clip in draft.score_clips:
        if clip.score:
            return clip.score
    raise NothingToExport("There is no composed music on the timeline to make a kit of.", next="Ask for music first.")
