"""Where a batch's clips are made: in this process, or by Ray's workers on this machine or a cluster.

An engine gives as many slots as there are workers. A slot makes one item at a time and gives its entry for the ledger,
which the batch alone writes: whatever makes the clips, a killed batch goes on in the same way.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ..errors import BackendError, InvalidArgument, MusicMakerError
from ..settings import Settings, ray_environment
from .batch_jobs import Item
from .score import build_message, build_plan, require_music

if TYPE_CHECKING:
    from ..project.workspace import Workspace

Entry = dict[str, Any]
Slot = Callable[[Item, bool], Awaitable[Entry]]
"""(item, whether a file under its output's name is the batch's own) → its entry, ``done`` or ``failed``."""
_STAY = 600.0
_RESTARTS = 3


async def make(work: Workspace, item: Item, ours: bool, backend: str | None) -> Entry:
    """One item from start to end; its failure is an entry, never an exception."""
    try:
        wish = argparse.Namespace(
            prompt=item.prompt, loop=item.loop, accurate=item.accurate, aspect=item.aspect, title=item.title,
            plan=item.plan, seed=item.seed,
        )  # fmt: skip
        message, plan = build_message(wish), await asyncio.to_thread(build_plan, wish)
        project = work.new_project(item.name, backend)
        work.check_plan(project, plan)
        work.check_output(project, item.output, item.format, overwrite=ours)
        uploaded = await work.add(list(item.clip), project)
        turn, _ = await work.say(message, project, plan, _STAY, route=False)
        require_music(await work.ended(turn))
        made, _ = await work.deliver(project, item.output, item.format, item.quality, ours, _STAY)
        made = await work.ended(made)
    except MusicMakerError as error:
        return failed(error)
    kept = {name: made[name] for name in ("path", "sha256", "size_bytes", "duration_s", "format")}
    return {"event": "done", "project": project, "rejected": uploaded["rejected"], **kept}


def failed(error: MusicMakerError) -> Entry:
    return {"event": "failed", "error": error.to_dict()}


@asynccontextmanager
async def local(settings: Settings, workers: int, backend: str | None) -> AsyncIterator[list[Slot]]:
    """Slots that share this process's workspace, and with it one studio."""
    from .session import shell_desk

    desk = shell_desk(settings)

    async def slot(item: Item, ours: bool) -> Entry:
        return await make(desk.workspace(), item, ours, backend)

    try:
        yield [slot] * workers
    finally:
        await desk.close()


def require_ray() -> None:
    """Raises: InvalidArgument: Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise InvalidArgument(
            "The Ray engine needs Ray, which is not installed here.",
            next="Run `pip install 'game-music-maker[ray]'`, or use --engine local with --workers.",
        )


@asynccontextmanager
async def ray(settings: Settings, workers: int, backend: str | None) -> AsyncIterator[list[Slot]]:
    """Slots that are Ray actors, each with a workspace and a studio of its own.

    Without a running cluster (``RAY_ADDRESS``) Ray starts one on this machine for as long as the batch lasts. Every
    node needs this package and the same settings in its environment, and paths mean the same on all of them.

    Raises:
        InvalidArgument: Ray is not installed.
        BackendError: it does not start.
    """
    require_ray()
    with ray_environment():
        import ray as engine

        try:
            await asyncio.to_thread(engine.init, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # Ray raises whatever its parts raise
            why = " ".join(str(error).split())[:160] or type(error).__name__
            raise BackendError(f"Ray does not start: {why}.", next="Use --engine local, or mend the cluster.") from None
    try:
        remote = engine.remote(num_cpus=0, max_restarts=_RESTARTS, scheduling_strategy="SPREAD")(Actor)
        yield [_actor_slot(remote.remote(backend)) for _ in range(workers)]
    finally:
        await asyncio.to_thread(engine.shutdown)


def _actor_slot(actor: Any) -> Slot:
    async def slot(item: Item, ours: bool) -> Entry:
        import ray as engine

        try:
            entry: Entry = await actor.make.remote(item, ours)
        except engine.exceptions.RayError:
            return failed(
                BackendError("The worker that made this clip ended.", next="Run the same command again: it goes on.")
            )
        return entry

    return slot


class Actor:
    """One worker of Ray: reads the settings where it runs, and keeps its workspace from clip to clip."""

    def __init__(self, backend: str | None) -> None:
        from .session import shell_desk

        self._backend = backend
        self._desk = shell_desk(Settings.load())

    async def make(self, item: Item, ours: bool) -> Entry:
        """As `make`."""
        return await make(self._desk.workspace(), item, ours, self._backend)
