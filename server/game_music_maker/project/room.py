"""A project that is open for work: its backend, its session, and what a failure means for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING, Any

from ..contract.timing import POLL_CLOUD, POLL_LOCAL
from ..errors import (
    AccountError,
    BackendError,
    MusicMakerError,
    NoCredits,
    NotFound,
    NothingToExport,
    PlanRequired,
    SessionGone,
)
from . import scores, summary, text, wording
from .clock import Clock
from .store import Job, Project, Store

if TYPE_CHECKING:
    from ..backend import Backend
    from ..client.reply import TurnResult
    from ..contract.media import SessionState, UploadedFile
    from ..contract.render import RenderStatus
    from ..contract.score import ScorePlan
    from ..settings import Settings
    from .paths import OpenFile

_LOCAL_RECOVERY_S = 0.5
_STOP_TRIES, _STOP_PAUSE_S = 4, 0.15
_STILL_WORKING = "⏳ Still working..."


class Room:
    """One project and its backend. Calls that name a session belong inside `guard`."""

    def __init__(
        self, store: Store, project: Project | None, backend: Backend, settings: Settings, clock: Clock
    ) -> None:
        self._store = store
        self._project = project
        self._backend = backend
        self._settings = settings
        self.clock = clock

    @property
    def project(self) -> Project:
        if self._project is None:
            raise NotFound("There is no project yet.", next="Call upload or send_message: they make one.")
        return self._project

    @property
    def local(self) -> bool:
        return self._backend.kind == "local"

    @property
    def poll_s(self) -> float:
        """Seconds between looks at a render."""
        return self._settings.poll_seconds or (POLL_LOCAL if self.local else POLL_CLOUD)

    @property
    def recovery_wait_s(self) -> float:
        """First wait after a broken stream; in the studio nothing goes on that takes longer to be seen."""
        return _LOCAL_RECOVERY_S if self.local else self._settings.recovery_seconds

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Lets go of a session that is gone, and adds the registration page where an anonymous account needs
        it."""
        try:
            yield
        except SessionGone:
            kept = self._store.project(self.project.name)
            if kept is not None:
                self._store.set_session(kept.name, kept.session_id, "", "")
            raise
        except (NoCredits, PlanRequired) as error:
            self._add_registration(error)
            raise

    def _add_registration(self, error: AccountError) -> None:
        if self.local or not self._backend.anonymous or error.link:
            return
        kept = self._store.project(self.project.name) or self.project
        bind = kept.task_id or kept.session_id
        error.link = f"{self._settings.web_url}/register" + (f"?bind={bind}" if bind else "")
        if isinstance(error, NoCredits):
            error.next = "Register with the link to get more credits, and go on with the same project."

    async def session(self) -> str:
        """The id of the open session; a new one where there is none."""
        kept = self._store.project(self.project.name) or self.project
        if kept.session_id:
            self._project = kept
            return kept.session_id
        opened = await self._backend.client.open_session("project", kept.language)
        bound = self._store.set_session(kept.name, "", opened.session_id, opened.task_id) or kept
        self._project = bound
        return bound.session_id

    async def state(self) -> SessionState:
        """The session's state; an empty one where no session was opened yet (looking opens none)."""
        kept = self._store.project(self.project.name) or self.project
        if not kept.session_id:
            from ..contract.media import SessionState

            return SessionState()
        return (await self._backend.client.state(await self.session())).state

    async def draft(self) -> Any:
        """The draft as it came: a dict, a string of a newer product, or None."""
        return (await self.state()).draft or None

    async def credits(self) -> dict[str, Any]:
        """``{available, frozen, total, unlimited}``."""
        found = await self._backend.client.credits()
        return {
            "available": found.available,
            "frozen": found.frozen,
            "total": found.total,
            "unlimited": found.unlimited,
        }

    async def balance(self) -> float | None:
        """What is left to spend, where spending matters and the service says it."""
        if self.local:
            return None
        try:
            return (await self._backend.client.credits()).available
        except BackendError:
            return None

    async def claim_link(self) -> str | None:
        """A page where a person can take the session over; None on this machine, or where the service gives
        none."""
        if self.local or not self.project.task_id:
            return None
        from urllib.parse import quote

        try:
            claim = await self._backend.client.claim_token(self.project.task_id, self.project.session_id)
        except MusicMakerError:
            return None
        return f"{self._settings.web_url}/workspace/claim?ct={quote(claim.claim_token, safe='')}"

    async def talk(
        self,
        session: str,
        message: str,
        plan: ScorePlan | None,
        note: Callable[[float | None, str], None],
    ) -> TurnResult:
        """One message, once. `note` hears what goes on."""
        wire = plan.model_dump(mode="json", exclude_none=True) if plan is not None else None
        opening = asyncio.create_task(self._say_that_it_goes_on(note))
        try:
            async with self._backend.client.run(session, message, score_plan=wire) as turn:
                opening.cancel()
                async for heard in turn:
                    if heard.kind == "waiting":
                        note(None, _STILL_WORKING)
                    elif heard.kind == "tool":
                        note(None, f"working: {heard.text.replace('_', ' ')}" if heard.text else "working")
                    elif heard.kind == "text":
                        note(None, _latest(heard.text))
                return turn.result
        finally:
            opening.cancel()

    async def _say_that_it_goes_on(self, note: Callable[[float | None, str], None]) -> None:
        """Notes until the answer begins; from then on the turn itself says when nothing is new."""
        while True:
            await self.clock.sleep(self._settings.still_working_seconds)
            note(None, _STILL_WORKING)

    async def send_file(
        self, session: str, file: OpenFile, progress: Callable[[int, int], None] | None = None
    ) -> tuple[UploadedFile, ...]:
        """Upload one open file.

        Raises:
            MusicMakerError: the backend did not take it.
        """
        from ..client.upload import UploadPart

        answer = await self._backend.client.upload_files(session, [UploadPart(file.name, file.handle)], progress)
        return _taken(answer)

    async def send_url(self, session: str, url: str) -> tuple[UploadedFile, ...]:
        """Let the backend fetch a public address.

        Raises:
            NotAllowedPath: not a public address.
        """
        from ..client.net import check_url

        await check_url(url)
        return _taken(await self._backend.client.upload_urls(session, [url]))

    def refuse_empty(self, draft: Any) -> None:
        """Raises: NothingToExport: no track of the draft has anything in it."""
        if not summary.has_content(draft):
            raise NothingToExport("The timeline is empty: there is nothing to export yet.")

    async def submit(self, render_id: str, draft: Any, fmt: str, quality: str) -> RenderStatus:
        from ..contract.render import RenderOutput, RenderRequest

        request = RenderRequest(
            id=render_id,
            session_id=await self.session(),
            draft=draft,
            output=RenderOutput(format=fmt, quality=quality),
        )
        return await self._backend.client.submit_render(request)

    async def poll(self, render_id: str, *, patient: bool = False) -> RenderStatus:
        """How far a render is; where `patient`, the studio may take a second to say so, if it is over by then."""
        return await self._backend.client.render_status(render_id, wait_s=1 if patient and self.local else 0)

    async def fetch(
        self,
        render_id: str,
        status: RenderStatus,
        handle: IO[bytes],
        *,
        begun: Mapping[str, Any] | None = None,
        keep: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """The bytes of a finished render into `handle`; behind those that are there where `begun` says what they are.

        Args:
            begun: what `keep` was told by the process that wrote them.
        """
        from ..client.download import Source

        def told(source: Source) -> None:
            if keep is not None:
                keep({"validator": source.validator, "size": source.size})

        await self._backend.client.download(
            render_id,
            handle,
            url=status.url,
            announced=status.size,
            begun=Source(begun["validator"], begun["size"]) if begun else None,
            keep=told,
        )

    async def picture(self) -> bytes | None:
        """A PNG of the timeline, where the backend draws one."""
        if not self.local:
            return None
        return await self._backend.client.timeline_picture(await self.session())

    def details(self, state: SessionState) -> dict[str, Any]:
        """What ``state(detail="full")`` adds: media, canvas, and the music's cue sheet and report."""
        found = scores.details(state.draft, state.generated_media)
        shown: dict[str, Any] = text.data({**found, "media": state.video_infos, "canvas": state.canvas_config})
        return shown

    async def stop(self, job: Job) -> bool:
        """Ask the backend to end a job's work; True where it did. The cloud cannot.

        A message that was just written may reach the studio a moment later: it is asked again a few times.
        """
        target = job.request.get("render_id") if job.kind == "export" else job.request.get("session")
        if not self.local or not target:
            return False
        for _ in range(_STOP_TRIES):
            try:
                await self._backend.client.cancel_job(target)
            except NotFound:
                await self.clock.sleep(_STOP_PAUSE_S)
            except BackendError:
                return False
            else:
                return True
        return False


def _latest(words: str) -> str:
    """The last thing that a stream said, without GUI steps: of "Composing… Playing…" the "Playing…"."""
    pieces = [piece for piece in words.split("… ") if piece.strip()]
    shown, _ = wording.without_window(pieces[-1].strip()) if pieces else ("", [])
    return shown or "working"


def _taken(answer: Any) -> tuple[UploadedFile, ...]:
    from ..contract.envelope import read_failure

    if not answer.files and answer.rejected:
        first = answer.rejected[0]
        raise read_failure(400, {"code": first.get("code"), "message": first.get("message")})
    return tuple(answer.files)
