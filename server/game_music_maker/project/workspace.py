"""Everything a tool or a command can do, over all projects of one home folder.

Answers are plain dictionaries with the fields of the tools' table. Work that takes time runs as a job; a call
waits for it as long as it was asked to and then says that it is running.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Busy, InvalidArgument, MusicMakerError, NotFound
from . import conversation, delivery, intake, wording
from .answers import cancelled, described, error_of, read_plan, ready, running
from .clock import Clock, SystemClock
from .jobs import Jobs, Report, Run, Work
from .paths import Paths, default_folder
from .registry import Registry
from .room import Room
from .store import Job, Owner, Project, Store
from .text import line, slug

if TYPE_CHECKING:
    from ..backend import Backend
    from ..settings import Settings

Opener = Callable[["Settings", str], Awaitable["Backend"]]
"""``open_backend(settings, "local" | "cloud")``."""
Reply = tuple[dict[str, Any], tuple[Path, ...]]


class Workspace:
    """The projects of one home folder, as one process works on them.

    Args:
        opener: makes a backend; called once for each kind, on first need.
        free_paths: a shell's user may name any path; otherwise the allowed folders bind.
        clock: what waits and dates.
    """

    def __init__(
        self, settings: Settings, opener: Opener, *, free_paths: bool = False, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._opener = opener
        self._clock = clock or SystemClock()
        self._store = Store(settings.home)
        self._registry = Registry(self._store, settings, self._clock)
        self._jobs = Jobs(self._store, Owner(settings.home), self._clock)
        roots = None if free_paths else (*settings.allowed_dirs, settings.output_dir)
        self._paths = Paths(roots, Path.cwd())
        self._folder = Path.cwd() if free_paths else settings.output_dir
        self._backends: dict[str, asyncio.Task[Backend]] = {}

    async def close(self) -> None:
        """End this process's part of all jobs (others take them up), and its backends."""
        await self._jobs.close()
        for task in self._backends.values():
            task.cancel() if not task.done() else None
            if task.done() and not task.cancelled() and task.exception() is None:
                await task.result().close()
        self._backends.clear()
        self._store.close()

    # projects

    def projects(self) -> list[dict[str, Any]]:
        """Name and backend of every project, the most recently used first."""
        return [{"project": project.name, "backend": project.backend} for project in self._store.projects()]

    async def connect(self, name: str | None, backend: str | None, language: str | None) -> dict[str, Any]:
        """Open the project `name` or make it; without a name the last used one of that backend."""
        kind = self._registry.kind(backend) if backend else None
        project = self._registry.find(name) if name else self._registry.last(kind)
        if project is None:
            project = self._registry.make(name or "project", kind, language, free_name=name is None)
        elif kind is not None and project.backend != kind and backend != "auto":
            raise InvalidArgument(
                f"The project '{project.name}' is on the {project.backend} backend and stays there.",
                next="Connect with another project name to use the other backend.",
            )
        room = await self._room(project)
        async with room.guard():
            await room.session()
            credits = await room.credits()
            link = await room.claim_link()
        return ready(project, credits, link)

    def new_project(self, hint: str, backend: str | None) -> str:
        """Make a project of its own, called after `hint`; its name."""
        return self._registry.make(slug(hint) or "project", self._registry.kind(backend), None, free_name=True).name

    async def credits(self) -> dict[str, Any]:
        """The balance on the backend of the last used project, or of the default one."""
        project = self._registry.last()
        kind = project.backend if project else self._registry.kind(None)
        found = await (await self._bare_room(project, kind)).credits()
        words = (
            "Everything runs on this machine: free, without limit."
            if found["unlimited"]
            else f"{found['available']:g} credits are available; running work holds {found['frozen']:g}."
        )
        return {"message": words, "next": None, "backend": kind, **found}

    async def _open(self, name: str | None, *, hint: str = "project") -> Room:
        return await self._room(self._registry.meant(name, hint))

    async def _room(self, project: Project) -> Room:
        self._registry.check(project)
        self._store.touch(project.name, self._clock.now())
        return await self._bare_room(project, project.backend)

    async def _bare_room(self, project: Project | None, kind: str) -> Room:
        return Room(self._store, project, await self._backend(kind), self._settings, self._clock)

    async def _backend(self, kind: str) -> Backend:
        task = self._backends.get(kind)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.ensure_future(self._opener(self._settings, kind))
            self._backends[kind] = task
        return await asyncio.shield(task)

    # uploads

    async def add(self, files: Sequence[str], name: str | None, report: Report | None = None) -> dict[str, Any]:
        """Files and URLs into the timeline; what cannot be used is told at once, the good ones are taken."""
        room = await self._open(name, hint=intake.project_hint(files))
        async with room.guard():
            return await intake.add(room, self._paths, files, report)

    # messages

    async def say(
        self,
        message: str,
        name: str | None,
        score: dict[str, Any] | None,
        wait_s: float,
        report: Report | None = None,
        *,
        route: bool = True,
    ) -> Reply:
        """One message: routed where it is a request for another tool, else a turn."""
        if not message.strip():
            raise InvalidArgument("The message is empty.", next="Say what the music or the picture should become.")
        routed = wording.route(message) if route and score is None else None
        if routed is not None:
            try:
                return await self._routed(routed, name, wait_s, report)
            except MusicMakerError as error:
                error.routed_to = routed.route
                raise
        plan = read_plan(score)
        room = await self._open(name)
        self.check_plan(room.project.name, score)
        self._revive(room)
        job, begun = self._jobs.begin(
            room.project.name,
            "turn",
            {"message": message, "score": score},
            lambda run: conversation.turn(run, room, message, plan),
            alone=True,
        )
        if not begun:
            raise Busy(
                f"{job.name} is still running: '{line(str(job.request.get('message', '')), 100)}'.",
                next=f'Wait with state(job="{job.name}", wait_s=45), or cancel it; then send this message.',
            )
        return self._outcome(await self._wait(job, wait_s, report)), ()

    async def _routed(self, routed: wording.Routed, name: str | None, wait_s: float, report: Report | None) -> Reply:
        files: tuple[Path, ...] = ()
        if routed.route == "export":
            found, files = await self.deliver(name, None, routed.format, "high", False, wait_s, report)
        elif routed.route == "credits":
            found = await self.credits()
        elif routed.route == "state":
            found, _, _ = await self.look(name, None, 0, "summary")
        elif routed.files:
            found = await self.add(routed.files, name, report)
        else:
            found = {
                "message": "Which file? Name its path or an http(s) address.",
                "next": "Call upload with the paths of the files.",
                "status": "needs_input",
            }
        status = found.get("status")
        said = status if status in ("running", "needs_input") else "done"
        answer = {"changes": [], "actions": [], "job": None, **found, "status": said}
        if "timeline" not in answer:
            look, _, _ = await self.look(name, None, 0, "summary")
            answer.update(timeline=look["timeline"], tracks=look["tracks"])
        answer.update(reply=found["message"], source="router", routed_to=routed.route, tracks=answer.get("tracks", []))
        return answer, files

    # the state

    async def look(
        self,
        name: str | None,
        job_name: str | None,
        wait_s: float,
        detail: str,
        *,
        picture: bool = False,
        report: Report | None = None,
    ) -> tuple[dict[str, Any], tuple[Path, ...], bytes | None]:
        """The timeline and the jobs; with `job_name` that job's result, after at most `wait_s` seconds."""
        job = self._job(name, job_name) if job_name else None
        room = await self._open(job.project if job else name)
        self._revive(room)
        if job is None and wait_s > 0:
            busy = self._store.jobs(room.project.name, running=True, limit=1)
            if busy:
                await self._jobs.wait(busy[0], wait_s, report)
        elif job is not None:
            job = await self._jobs.wait(job, wait_s, report)
        async with room.guard():
            state = await room.state()
            image = await room.picture() if picture else None
        kept = [self._jobs.current(one) for one in self._store.jobs(room.project.name, limit=10)]
        data = described(room.project, state.draft, kept, job)
        if detail == "full":
            data["detail"] = room.details(state)
        path = job.result.get("path") if job and job.result else None
        return data, (Path(path),) if path else (), image

    # exports

    async def deliver(
        self,
        name: str | None,
        output: str | None,
        fmt: str | None,
        quality: str,
        overwrite: bool,
        wait_s: float,
        report: Report | None = None,
    ) -> Reply:
        """The timeline as a file."""
        room = await self._open(name)
        self._revive(room)
        chosen = delivery.choose_format(output, fmt, local=room.local)
        order = delivery.place_order(
            self._paths, self._place(output), room.project.name, output, chosen, quality, overwrite=overwrite
        )
        async with room.guard():
            draft = await room.draft()
        room.refuse_empty(draft)
        key = delivery.key_of(room.project.name, draft, chosen, quality)
        while True:
            earlier = self._store.by_key(room.project.name, "export", key)
            if earlier is None or earlier.status not in ("running", "done"):
                delivery.refuse_unusable(order)
            request = {
                "output": str(order.place.path), "overwrite": overwrite, "format": chosen, "quality": quality,
                "draft": draft, **delivery.same_render(earlier),
            }  # fmt: skip
            job, begun = self._jobs.begin(room.project.name, "export", request, self._render_work(room), key=key)
            job = await (self._wait if begun else self._jobs.wait)(job, wait_s, report)
            if begun or job.status != "done" or job.result is None:
                return self._delivered(job)
            again = await delivery.named_again(job.result, order, self._paths, self._folder)
            if again is not None:
                return again, (Path(again["path"]),)
            self._store.retire(job, self._clock.now())

    def _place(self, output: str | None) -> Path:
        return self._folder if output else default_folder(self._folder, self._settings.output_dir)

    def check_output(self, name: str, output: str | None, fmt: str | None, *, overwrite: bool) -> None:
        """Judge an export's output and format before any work is done for it.

        Raises:
            InvalidArgument, NotAllowedPath, OutputExists, NotFound: it could not be exported so.
        """
        project = self._registry.find(name)
        if project is None:
            raise NotFound(f"There is no project '{line(name, 80)}'.")
        chosen = delivery.choose_format(output, fmt, local=project.backend == "local")
        order = delivery.place_order(
            self._paths, self._place(output), project.name, output, chosen, "high", overwrite=overwrite
        )
        delivery.refuse_unusable(order)

    def check_plan(self, name: str, score: dict[str, Any] | None) -> None:
        """Judge a score plan before any work is done for it. Raises: InvalidArgument, NotFound."""
        project = self._registry.meant(name, name)
        if read_plan(score) is not None and project.backend != "local":
            raise InvalidArgument(
                "A score plan works on the local backend alone.",
                next="Leave the plan and the seed out, or use a local project.",
            )

    async def result(self, job_name: str, name: str, wait_s: float, report: Report | None = None) -> dict[str, Any]:
        """Wait for a job and give its own answer, or that it still runs. Raises what it failed with."""
        return self._outcome(await self._jobs.wait(self._job(name, job_name), wait_s, report))

    async def ended(self, answer: dict[str, Any], report: Report | None = None) -> dict[str, Any]:
        """The answer that an answer which says "running" comes to. Raises what the job failed with."""
        while answer.get("status") == "running":
            answer = await self.result(answer["job"], answer["project"], 600, report)
        return answer

    async def submitted(self, answer: dict[str, Any]) -> None:
        """Wait until the render of an answer that says "running" is with the backend, so that this process may end."""
        job = self.job(answer["job"], answer["project"])
        while job.status == "running" and not job.request.get("submitted"):
            job = await self._jobs.wait(job, 0.2)

    def job(self, job_name: str, name: str | None) -> Job:
        """A job as it is now. Raises: NotFound."""
        return self._jobs.current(self._job(name, job_name))

    async def take_up(self, job: Job) -> None:
        """Go on with a job whose process is gone."""
        if self._jobs.orphaned(job):
            self._revive(await self._open(job.project))

    async def _wait(self, job: Job, wait_s: float, report: Report | None) -> Job:
        """Wait for a job that this call began: a cancelled call takes back what was not sent on yet."""
        try:
            return await self._jobs.wait(job, wait_s, report)
        except asyncio.CancelledError:
            self._jobs.drop_unsent(job)
            raise

    def _render_work(self, room: Room) -> Work:
        async def work(run: Run) -> dict[str, Any]:
            return await delivery.render(run, room, self._paths, self._folder)

        return work

    def _delivered(self, job: Job) -> Reply:
        answer = self._outcome(job)
        return answer, (Path(answer["path"]),) if answer.get("path") else ()

    # jobs

    async def cancel(self, job_name: str, name: str | None) -> dict[str, Any]:
        """End a running job; says what was kept and whether it may still be charged."""
        job = self._jobs.current(self._job(name, job_name))
        if job.status != "running":
            known = "unknown" if job.status == "unknown" else "finished"
            return cancelled(job, known, f"{job.name} had already ended.", charged=job.status == "unknown")
        room = await self._open(job.project)
        job = await self._jobs.cancel(job)
        if job.status != "cancelled":
            return cancelled(job, "finished", f"{job.name} ended before it could be cancelled.", charged=not room.local)
        stopped = await room.stop(job)
        charged = job.kind == "turn" and bool(job.request.get("sent")) and not room.local
        words = f"{job.name} was cancelled." if stopped or not charged else f"{job.name} is no longer waited for."
        words += " The service may finish it, and charge for it, all the same." if charged else ""
        return cancelled(job, "cancelled", words, charged=charged)

    def _job(self, project: str | None, name: str) -> Job:
        owner = project and slug(project)
        if not owner:
            last = self._registry.last()
            owner = last.name if last else ""
        job = self._store.job(owner, name) if owner else None
        if job is None and project is None:
            job = self._store.find_job(name)
        if job is None:
            raise NotFound(f"There is no job '{line(name, 80)}'.", next="Call state: it lists the jobs.")
        return job

    def _revive(self, room: Room) -> None:
        """Take up what a process that is gone left running in this project."""
        for job in self._store.jobs(room.project.name, running=True):
            if self._jobs.own(job):
                continue
            if job.kind == "export":
                self._jobs.adopt(job, self._render_work(room))
            else:
                self._jobs.adopt(job, lambda run: conversation.resume(run, room))

    def _outcome(self, job: Job) -> dict[str, Any]:
        """The answer of a call that waited for `job`.

        Raises:
            MusicMakerError: the job failed.
        """
        if job.status == "running":
            return running(job)
        if job.error is not None or job.result is None:
            raise error_of(job)
        return job.result
