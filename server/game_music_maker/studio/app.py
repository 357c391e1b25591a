"""The studio's routes: the backend contract on loopback, and the studio's own additions."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..contract import routes
from ..contract.chat import RunRequest
from ..contract.render import RenderRequest
from ..contract.score import ScorePlan
from ..errors import InvalidArgument, MusicMakerError, NotFound, NothingToExport, SessionGone
from . import app_answers
from .app_http import Guard, answer, bearer, body, on_error
from .app_upload import Incoming, Receiver
from .footage import Asset, MediaInfo
from .jobs import Desk
from .jobs_ledger import Job
from .jobs_turns import Turns
from .store_accounts import CLAIM_SECONDS
from .store_sessions import Session
from .timeline import Timeline

CREDITS = {"available": 100, "frozen": 0, "total": 100, "unlimited": True}
_RENDER_ID = re.compile(r"[A-Za-z0-9_.-]{1,120}")
_PAGE = Path(__file__).parent / "page"
_SEGMENTS = 5000


class _Open(BaseModel):
    model_config = ConfigDict(extra="ignore")
    task_name: str = Field("project", max_length=200)
    language: str = Field("en", max_length=20)


class _Claim(BaseModel):
    task_id: str = Field("", max_length=200)
    session_id: str = Field(max_length=200)


class _Redeem(BaseModel):
    claim_token: str = Field(max_length=200)


class _StateDelta(BaseModel):
    model_config = ConfigDict(extra="ignore")
    score_plan: ScorePlan | None = None


class _Run(RunRequest):
    state_delta: _StateDelta | None = None


class Studio:
    """The handlers. Each asks who it is, does its work at the desk, and answers in the envelope."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turns = Turns(desk)

    async def _user(self, request: Request) -> str:
        return await self._desk.db(self._desk.accounts.user_of, bearer(request))

    async def _session(self, request: Request) -> tuple[str, Session]:
        user = await self._user(request)
        session_id = request.path_params["session_id"]
        return user, await self._desk.db(self._desk.sessions.get, user, session_id)

    # -- account -----------------------------------------------------------------------------------------------

    async def anonymous_token(self, request: Request) -> Response:
        client_id = request.headers.get("x-client-id", "").strip()
        token, user, expires = await self._desk.db(self._desk.accounts.anonymous, client_id)
        until = app_answers.stamp(expires)
        return answer({"token": token, "credits": 100, "user_id": user, "expires_at": until, "unlimited": True})

    async def new_session(self, request: Request) -> Response:
        user = await self._user(request)
        wanted = await body(request, _Open.model_validate)
        session = await self._desk.db(self._desk.sessions.open, user, wanted.task_name, wanted.language)
        self._desk.background(self._desk.pool.warm("score"))  # words will come
        return answer({"task_id": session.task, "session_id": session.id})

    async def claim(self, request: Request) -> Response:
        user = await self._user(request)
        wanted = await body(request, _Claim.model_validate)
        session = await self._desk.db(self._desk.sessions.get, user, wanted.session_id)
        if wanted.task_id and wanted.task_id != session.task:
            raise SessionGone("The session does not exist in this studio.")
        token = await self._desk.db(self._desk.accounts.claim, session.user, session.id)
        return answer({"claim_token": token, "expires_in": CLAIM_SECONDS})

    async def redeem(self, request: Request) -> Response:
        wanted = await body(request, _Redeem.model_validate)
        token, session = await self._desk.db(self._desk.accounts.redeem, wanted.claim_token)
        return answer({"token": token, "session_id": session})

    async def credits(self, request: Request) -> Response:
        await self._user(request)
        return answer(CREDITS)

    async def sessions(self, request: Request) -> Response:
        user = await self._user(request)
        return answer({"sessions": await self._desk.db(self._desk.sessions.all_of, user)})

    # -- media and state ---------------------------------------------------------------------------------------

    async def upload(self, request: Request) -> Response:
        _, session = await self._session(request)
        if request.headers.get("content-type", "").startswith("application/json"):
            raise InvalidArgument(
                "The studio does not fetch addresses itself.", next="Download the file and upload it as a file."
            )
        announced = int(request.headers.get("content-length", "0") or 0)
        await self._desk.db(self._desk.media.make_room, min(announced, 100 * routes.MAX_UPLOAD_BYTES))
        with self._desk.folders.scratch() as folder:
            receiver = Receiver(request.headers.get("content-type", ""), folder)
            parts = await receiver.take(request.stream())
            if not parts:
                raise InvalidArgument("The upload holds no file in its field `files`.")
            taken, rejected = await self._take(session, parts)
        if not taken and len(parts) == 1 and parts[0].error is not None:
            raise parts[0].error
        files = [app_answers.uploaded(asset, sha) for asset, sha in taken]
        return answer({"files": files, "rejected": rejected, "session_state_applied": bool(taken)})

    async def _take(
        self, session: Session, parts: list[Incoming]
    ) -> tuple[list[tuple[Asset, str]], list[dict[str, Any]]]:
        """Look at each file, keep the good ones, place them on the timeline."""
        desk, taken, rejected = self._desk, [], []
        for part in parts:
            sha = part.sha.hexdigest()
            try:
                if part.error is not None:
                    raise part.error
                asset = await self._keep(session, part, sha)
                desk.foresee(asset)
                taken.append((asset, sha))
            except MusicMakerError as error:
                part.error = error
                why = {"code": error.code, "message": error.message, "advice": error.next}
                rejected.append({"filename": part.name, **why})
        if taken:
            await self._place(session, [asset for asset, _ in taken])
        return taken, rejected

    async def _keep(self, session: Session, part: Incoming, sha: str) -> Asset:
        desk = self._desk
        if not part.path.exists():
            part.path.touch()  # an empty part has written nothing; the probe says so
        asset_id = desk.media.id_of(sha)
        info: MediaInfo | None = await desk.db(desk.media.find, asset_id)
        if info is None:
            info = await desk.probe(part.path)
            await desk.db(desk.media.keep, part.path, sha, info)
        await desk.db(desk.media.attach, session.id, asset_id, part.name)
        return next(a for a in await desk.db(desk.media.of_session, session.id) if a.id == asset_id)

    async def _place(self, session: Session, assets: list[Asset]) -> None:
        from .direct.context import Context, File
        from .direct.placing import place_file

        desk = self._desk
        draft = await desk.db(desk.sessions.draft, session.id)
        files = tuple(File.of(asset) for asset in await desk.db(desk.media.of_session, session.id))
        for asset in assets:
            draft = place_file(draft, File.of(asset), Context(files=files))
        await desk.db(desk.sessions.save, session.id, draft, "upload")

    async def state(self, request: Request) -> Response:
        _, session = await self._session(request)

        def look() -> dict[str, Any]:
            desk = self._desk
            return app_answers.state(
                session.id,
                session.task,
                desk.sessions.draft(session.id),
                desk.media.of_session(session.id),
                desk.media.scores(session.id),
                desk.ledger.of_session(session.id, running=True),
                desk.sessions.history(session.id),
            )

        return answer(await self._desk.db(look))

    async def picture(self, request: Request) -> Response:
        """A PNG of the timeline."""
        _, session = await self._session(request)
        desk = self._desk
        draft = await desk.db(desk.sessions.draft, session.id)
        assets = await desk.db(desk.media.assets_for, session.id)
        scores = {facts["id"]: facts for facts in await desk.db(desk.media.scores, session.id)}
        looks = {key: await desk.db(desk.media.look, key, "quick") for key in assets}
        with desk.folders.scratch() as folder:
            args = {
                "draft": draft.to_wire(),
                "looks": {key: seen.model_dump(mode="json") for key, seen in looks.items() if seen is not None},
                "assets": {key: asset.model_dump(mode="json") for key, asset in assets.items()},
                "scores": scores,
                "path": str(folder / "timeline.png"),
            }
            await desk.pool.run("picture", args, needs="render")
            image = (folder / "timeline.png").read_bytes()
        return Response(image, media_type="image/png", headers={"Cache-Control": "no-store"})

    # -- chat --------------------------------------------------------------------------------------------------

    async def run(self, request: Request) -> Response:
        user = await self._user(request)
        wanted = await body(request, _Run.model_validate)
        if wanted.app_name != routes.APP_NAME:
            raise InvalidArgument(f"The studio's app_name is {routes.APP_NAME}.")
        plan = wanted.state_delta.score_plan if wanted.state_delta else None
        events = await self._turns.begin(user, wanted.session_id, wanted.text[:20_000], plan)
        return StreamingResponse(events.stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def cancel(self, request: Request) -> Response:
        """End a render by its id, or a turn by its id or its session's."""
        user = await self._user(request)
        name = request.path_params["job_id"]
        try:
            job = await self._turns.cancel(user, name)
            if job.kind == "render":
                job = await self._desk.cancel(user, name)
        except NotFound:
            job = await self._desk.cancel(user, name)
        status = "cancelled" if job.state == "cancelled" or job.cancel else "finished"
        kept = "The timeline is as it was before." if job.kind == "turn" else "The timeline is kept; no file was made."
        return answer({"id": job.id, "status": status, "kept": kept if status == "cancelled" else ""})

    # -- renders -----------------------------------------------------------------------------------------------

    async def submit(self, request: Request) -> Response:
        user = await self._user(request)
        wanted = await body(request, RenderRequest.model_validate)
        session = await self._desk.db(self._desk.sessions.get, user, wanted.session_id)
        if not _RENDER_ID.fullmatch(wanted.id) or wanted.id.startswith((".", "turn_")):
            raise InvalidArgument("A render id has up to 120 letters, digits, dots, dashes and underscores.")
        output = wanted.output
        if output.format not in routes.STUDIO_FORMATS:
            raise InvalidArgument(f"The format is one of {', '.join(routes.STUDIO_FORMATS)}.")
        if output.quality not in routes.QUALITIES:
            raise InvalidArgument(f"The quality is one of {', '.join(routes.QUALITIES)}.")
        draft = _draft(wanted.draft)
        known = await self._desk.db(self._desk.media.assets_for, session.id)
        missing = {clip.asset for track in draft.tracks for clip in track.segments if clip.asset} - set(known)
        if missing:
            raise NotFound("The draft names a file that the studio does not have.", next="Upload the file again.")
        order = {"draft": draft.to_wire(), "format": output.format, "quality": output.quality}
        job = await self._desk.db(self._desk.ledger.submit_render, wanted.id, session.id, session.user, order)
        self._desk.nudge()
        return answer(app_answers.render(job, _base(request)))

    async def _render(self, request: Request) -> Job:
        user = await self._user(request)
        job = await self._desk.db(self._desk.ledger.get, user, request.path_params["render_id"])
        if job.kind != "render":
            raise NotFound("The studio knows no such render.")
        return job

    async def render_status(self, request: Request) -> Response:
        """How far it is; with ``Prefer: wait=1`` (RFC 7240) the answer may wait a second for the end of a render."""
        job = await self._render(request)
        if request.headers.get("prefer") == "wait=1" and await self._desk.over(job.id, 1.0):
            job = await self._render(request)
        return answer(app_answers.render(job, _base(request)))

    async def download(self, request: Request) -> Response:
        """The finished file, with ranges; its tag is its content's hash."""
        job = await self._render(request)
        if job.result is None:
            raise NotFound("This export has no finished file.", next="Wait until it is completed, or export again.")
        path = await self._desk.db(self._desk.media.render_file, job.id, str(job.result["file"]))
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {"ETag": f'"{job.result["sha256"]}"', "Content-Disposition": "attachment"}
        found = FileResponse(path, media_type=kind, headers=headers)
        found.chunk_size = 1 << 20
        return found

    async def score_sound(self, request: Request) -> Response:
        """The sound of one score of the session, for listening."""
        _, session = await self._session(request)
        known = await self._desk.db(self._desk.media.score_assets, session.id)
        found = next((asset for asset in known if asset.id == request.path_params["score_id"]), None)
        if found is None:
            raise NotFound("The studio knows no such score.")
        return FileResponse(found.path, media_type="audio/wav")


def _draft(wire: Any) -> Timeline:
    """A draft that came with a render.

    Raises:
        NothingToExport: it is empty. InvalidArgument: it cannot be read.
    """
    if not isinstance(wire, dict):
        raise InvalidArgument("The draft to render is not one of this studio's.")
    try:
        draft = Timeline.read(wire)
    except ValueError:
        raise InvalidArgument("The draft to render cannot be read.") from None
    count = sum(len(track.segments) for track in draft.tracks)
    if count == 0:
        raise NothingToExport("The timeline is empty.")
    if count > _SEGMENTS:
        raise InvalidArgument(f"The draft has more than {_SEGMENTS} segments.")
    return draft


def _base(request: Request) -> str:
    return f"http://{request.headers['host']}"


async def _page(request: Request) -> Response:
    name = request.path_params.get("name") or "index.html"
    path = _PAGE / name
    if name not in {entry.name for entry in _PAGE.iterdir()}:
        raise NotFound("There is no such page.")
    policy = "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; frame-ancestors 'none'"
    return FileResponse(path, headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})


async def _openapi(request: Request) -> Response:
    from .openapi import document

    return JSONResponse(document())


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse({"detail": "Not Found" if status == 404 else "Method Not Allowed"}, status_code=status)


def build(desk: Desk, hosts: tuple[str, ...] = ()) -> Starlette:
    """The application. `hosts`: names to accept in the Host header besides those of loopback."""
    studio = Studio(desk)
    table: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
        ("POST", routes.ANONYMOUS_TOKEN, studio.anonymous_token),
        ("POST", routes.CLAIM_TOKEN, studio.claim),
        ("POST", routes.NEW_SESSION, studio.new_session),
        ("POST", routes.RUN_SSE, studio.run),
        ("POST", routes.UPLOAD, studio.upload),
        ("GET", routes.CREDITS, studio.credits),
        ("GET", routes.STATE, studio.state),
        ("POST", routes.RENDER, studio.submit),
        ("GET", routes.RENDER_STATUS, studio.render_status),
        ("GET", routes.RENDER_DOWNLOAD, studio.download),
        ("POST", routes.STUDIO_CANCEL, studio.cancel),
        ("GET", routes.STUDIO_PICTURE, studio.picture),
        ("GET", "/api/studio/sessions", studio.sessions),
        ("POST", "/api/studio/claim", studio.redeem),
        ("GET", "/api/studio/scores/{session_id}/{score_id}", studio.score_sound),
        ("GET", "/openapi.json", _openapi),
        ("GET", "/", _page),
        ("GET", "/workspace/claim", _page),
        ("GET", "/page/{name}", _page),
    ]
    return Starlette(
        routes=[Route(path, handler, methods=[method]) for method, path, handler in table],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={MusicMakerError: on_error, HTTPException: _no_route, Exception: on_error},
    )
