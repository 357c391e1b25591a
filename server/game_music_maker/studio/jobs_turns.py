"""Chat turns: one at a time for each session, each a job of the ledger, going on whether or not anybody listens."""

from __future__ import annotations

import asyncio
import contextlib
import secrets

from ..contract.score import ScorePlan
from ..errors import BY_CODE, Cancelled, NotFound, RenderFailed
from .events import Events
from .jobs import Desk
from .jobs_direct import Director
from .jobs_ledger import Job
from .replies import Language, language_of, say


class Turns:
    """Runs messages. A connection that breaks does not end its turn; `cancel` does."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: dict[str, tuple[Job, asyncio.Task[None]]] = {}

    async def begin(self, user: str, session_id: str, text: str, plan: ScorePlan | None) -> Events:
        """Accept a message and begin to work on it.

        Raises:
            SessionGone: no such session. Busy: a message of it is being worked on, here or in another studio.
        """
        session = await self._desk.db(self._desk.sessions.get, user, session_id)
        job_id = "turn_" + secrets.token_hex(12)
        request = {"text": text[:2000]}
        job = await self._desk.db(self._desk.ledger.begin_turn, job_id, session.id, session.user, request)
        events = Events(job_id)
        language = language_of(text, session.language)
        director = Director(self._desk, session, events, language)

        async def run() -> None:
            try:
                await self._desk.under_lease(job, lambda progress: director.carry_out(text, plan, progress))
                await self._last_words(job, events, language)
            finally:
                self._running.pop(session.id, None)
                await events.end()

        self._running[session.id] = (job, self._desk.background(run()))
        return events

    async def _last_words(self, job: Job, events: Events, language: Language) -> None:
        """Say how it ended where the director could not."""
        if self._desk.closing:
            return
        ended = await self._desk.db(self._desk.ledger.get, job.user, job.id)
        if ended.state == "cancelled":
            words = say("turn.cancelled").text(language), say("turn.cancelled.next").text(language)
            await events.error(Cancelled(words[0], next=words[1]))
        elif ended.error is not None:
            cls = BY_CODE.get(str(ended.error["code"]), RenderFailed)
            await events.error(cls(str(ended.error["message"]), next=str(ended.error["next"])))

    async def cancel(self, user: str, name: str) -> Job:
        """End the turn of this id, or the one that runs in the session of this id.

        Raises:
            NotFound: no such turn, or none runs in the session.
        """
        desk = self._desk
        if not name.startswith("turn_"):
            running = [j for j in await desk.db(desk.ledger.of_session, name, running=True) if j.kind == "turn"]
            if not running:
                raise NotFound("Nothing is being worked on in this project.")
            name = running[0].id
        job = await desk.db(desk.ledger.get, user, name)
        here = self._running.get(job.session)
        if here is None or here[0].id != name:
            return await desk.db(desk.ledger.cancel, name)
        if not job.over:
            here[1].cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([here[1]])
        return await desk.db(desk.ledger.get, user, name)
