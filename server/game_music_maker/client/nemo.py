"""`Nemo`: one method for each endpoint of the contract, the same for the cloud and the studio.

No memory and no policy but these: GETs are repeated, a refused token is renewed once, a 429 is waited for
once, a render is submitted again only where it is sure that it was not accepted.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import IO, Any
from urllib.parse import quote

import httpx

from ..contract import routes
from ..contract.account import AnonymousToken, ClaimToken, Credits, SessionOpened
from ..contract.chat import RunRequest
from ..contract.media import StateAnswer, UploadAnswer
from ..contract.render import RenderRequest, RenderStatus
from ..errors import BackendError, BadAnswer, MusicMakerError, NotFound, OutcomeUnknown
from .answers import read_body, read_json, read_model, refuse_encoding
from .download import Download, DownloadProgress, Keep, Source
from .http import Http, HttpLimits, TokenSource, Unsure
from .stream import Clocks, Turn
from .upload import Multipart, UploadPart, UploadProgress

UPLOAD_TOTAL = 3600.0
_UPLOAD_ANSWER = 300.0  # the studio probes, the cloud transcodes, before they answer
_GATEWAY_LOST = (408, 502, 504, 522, 524)
_JSON = {"Content-Type": "application/json"}


def _json(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def _path(template: str, **ids: str) -> str:
    return template.format(**{key: quote(value, safe="") for key, value in ids.items()})


class Nemo:
    """A client for one backend.

    Args:
        base_url: gives the backend's address; asked on every call.
        tokens: gives and renews the access token.
        attribution: the three ``X-Skill-…`` headers.
        limits, clocks: waits of plain calls and of chat turns.

    Every method raises an error of the tree: `BackendUnreachable` where nothing was sent, `BadAnswer` where
    the answer cannot be read, the class of the contract's table where the backend refused.
    """

    def __init__(
        self,
        base_url: Callable[[], Awaitable[str]],
        tokens: TokenSource,
        attribution: Mapping[str, str],
        *,
        limits: HttpLimits | None = None,
        clocks: Clocks | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self.http = Http(base_url, tokens, attribution, limits or HttpLimits(), jitter=jitter or random.Random())
        self._clocks = clocks or Clocks()

    async def close(self) -> None:
        """Close every connection."""
        await self.http.close()

    # -- account
    # ------------------------------------------------------------------------------------------------

    async def anonymous_token(self, client_id: str) -> AnonymousToken:
        """``POST /api/auth/anonymous-token``: a token for `client_id`, 100 credits, valid for 7 days.

        The one POST that may be repeated after a 5xx: it gives the same client its token again.
        """
        data = await self.http.open_call("POST", routes.ANONYMOUS_TOKEN, {"X-Client-Id": client_id})
        return read_model(AnonymousToken, data)

    async def open_session(self, task_name: str = "project", language: str = "en") -> SessionOpened:
        """``POST …/with-session``: a new editing session."""
        body = {"task_name": task_name, "language": language}
        data = await self.http.call("POST", routes.NEW_SESSION, content=_json(body), headers=_JSON)
        opened = read_model(SessionOpened, data)
        if not (opened.session_id.isascii() and opened.session_id.isprintable()):
            raise BadAnswer("The service's answer has missing or wrong fields: session_id.")
        return opened

    async def claim_token(self, task_id: str, session_id: str) -> ClaimToken:
        """``POST /api/auth/claim-token``: lets a person take the session over in a browser."""
        body = {"task_id": task_id, "session_id": session_id}
        data = await self.http.call("POST", routes.CLAIM_TOKEN, content=_json(body), headers=_JSON, on_session=True)
        return read_model(ClaimToken, data)

    async def credits(self) -> Credits:
        """``GET /api/credits/balance/simple``."""
        return read_model(Credits, await self.http.call("GET", routes.CREDITS))

    # -- chat
    # ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def run(
        self, session_id: str, text: str, *, score_plan: Mapping[str, Any] | None = None
    ) -> AsyncIterator[Turn]:
        """``POST /run_sse``: send one message, once, and give the running turn.

        A connection that broke after sending gives a turn whose `result.end` is ``cut``: look at the state,
        do not send again. A plan travels as ``state_delta.score_plan``.

        Raises:
            MusicMakerError: the backend refused the message, or answered with something that is no event
            stream.
        """
        body = RunRequest.say(session_id, text).model_dump()
        if score_plan is not None:
            body["state_delta"] = {"score_plan": dict(score_plan)}
        content, opened = _json(body), _Opened()

        async def once(token: str) -> Turn:
            return await self._begin(token, content, opened)

        try:
            try:
                turn = await self.http.persist(once, again=False, total=self._clocks.total)
            except Unsure as unsure:
                if isinstance(unsure.error, BackendError) and opened.status not in (0, *_GATEWAY_LOST):
                    raise unsure.error from None
                turn = Turn(None, self._clocks)
            yield turn
        finally:
            await opened.close()

    async def _begin(self, token: str, content: bytes, opened: _Opened) -> Turn:
        """One try: up to the status line and the content type."""
        clocks = self._clocks
        waits = httpx.Timeout(clocks.silence, connect=self.http.limits.connect, read=clocks.total)
        opened.status, started = 0, self.http.clock()
        context = self.http.open(
            "POST",
            routes.RUN_SSE,
            token=token,
            content=content,
            headers={**_JSON, "Accept": "text/event-stream"},
            waits=waits,
            fresh=True,
        )
        response = await opened.enter(context)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code == 200 and kind == "text/event-stream":
            refuse_encoding(response)
            return Turn(response, clocks, self.http.clock, started)
        try:
            raw = await read_body(response)
        except (httpx.HTTPError, httpx.StreamError):
            raise Unsure from None
        finally:
            await opened.close()
        try:
            read_json(response, raw, on_session=True)
        except BackendError as error:
            raise Unsure(error) if response.status_code >= 500 else error from None
        what = "an empty answer" if not raw.strip() else "data"
        raise BadAnswer(f"The service answered the message with {what} instead of an event stream.")

    # -- media and state
    # ----------------------------------------------------------------------------------------

    async def upload_files(
        self, session_id: str, parts: Sequence[UploadPart], progress: UploadProgress | None = None
    ) -> UploadAnswer:
        """``POST …/upload-video`` as multipart, streamed from the handles.

        Raises:
            OutcomeUnknown: the connection broke after the files were sent; look at the state.
        """
        body = Multipart(parts, progress)
        waits = httpx.Timeout(60.0, connect=self.http.limits.connect, read=_UPLOAD_ANSWER)
        return await self._upload(session_id, body.blocks, body.headers, waits, UPLOAD_TOTAL)

    async def upload_urls(self, session_id: str, urls: Sequence[str]) -> UploadAnswer:
        """``POST …/upload-video`` with addresses that the backend fetches itself; check them with
        `net.check_url`."""
        content = _json({"urls": list(urls), "source_type": "url"})
        waits = httpx.Timeout(60.0, connect=self.http.limits.connect, read=_UPLOAD_ANSWER)

        async def blocks() -> AsyncIterator[bytes]:
            yield content

        headers = {**_JSON, "Content-Length": str(len(content))}
        return await self._upload(session_id, blocks, headers, waits, 2 * _UPLOAD_ANSWER)

    async def _upload(
        self,
        session_id: str,
        blocks: Callable[[], AsyncIterator[bytes]],
        headers: dict[str, str],
        waits: httpx.Timeout,
        total: float,
    ) -> UploadAnswer:
        path = _path(routes.UPLOAD, session_id=session_id)
        try:
            data = await self.http.attempt(
                "POST", path, content=blocks, headers=headers, on_session=True, waits=waits, total=total
            )
        except Unsure:
            raise OutcomeUnknown("The connection broke during the upload; the files may have arrived.") from None
        answer = read_model(UploadAnswer, data)
        if not answer.files and not answer.rejected:
            raise BadAnswer("The service answered the upload without naming a file.", next="Look at the state.")
        return answer

    async def state(self, session_id: str) -> StateAnswer:
        """``GET /api/state/…/latest``; a draft that is absent, null or ``{}`` comes as it is."""
        path = _path(routes.STATE, session_id=session_id)
        data = await self.http.call("GET", path, on_session=True)
        if isinstance(data, dict) and data.get("state") is None:
            data = {**data, "state": {}}
        return read_model(StateAnswer, data)

    # -- renders
    # ------------------------------------------------------------------------------------------------

    async def submit_render(self, request: RenderRequest) -> RenderStatus:
        """``POST /api/render/proxy/lambda``; after a doubt its status is asked for first, and only a render
        that the backend does not know is submitted again, once, with the same id.

        Raises:
            OutcomeUnknown: neither the submit nor the look at its status was answered.
        """
        content = _json(request.model_dump(by_alias=True))
        try:
            return await self._submit(content)
        except Unsure:
            pass
        try:
            return await self.render_status(request.id)
        except NotFound:
            pass
        except BackendError:
            raise _render_unknown() from None
        try:
            return await self._submit(content)
        except Unsure:
            raise _render_unknown() from None

    async def _submit(self, content: bytes) -> RenderStatus:
        data = await self.http.attempt("POST", routes.RENDER, content=content, headers=_JSON, on_render=True)
        return _render_status(data)

    async def render_status(self, render_id: str, *, wait_s: int = 0) -> RenderStatus:
        """``GET /api/render/proxy/lambda/<id>``.

        Args:
            wait_s: how long the backend may keep the answer back until the render is over (``Prefer: wait``, RFC
                7240); backends that do not know that answer at once.

        Raises:
            NotFound: the backend does not know this render.
        """
        path = _path(routes.RENDER_STATUS, render_id=render_id)
        wish = {"Prefer": f"wait={wait_s}"} if wait_s else None
        return _render_status(await self.http.call("GET", path, on_render=True, headers=wish))

    async def download(
        self,
        render_id: str,
        handle: IO[bytes],
        *,
        url: str | None = None,
        announced: int | None = None,
        progress: DownloadProgress | None = None,
        begun: Source | None = None,
        keep: Keep | None = None,
    ) -> int:
        """A render's file into `handle` (open for writing and reading); its size in bytes.

        Args:
            url: where the status said that the file is; without it ``GET /api/render/proxy/<id>/download``.
            announced: the size that the status named.
            begun, keep: what `handle` holds already, and who remembers what it holds (`download.Source`).

        Raises:
            OSError: the disk refused; everything else as `download.Download.run`.
        """
        source = url or _path(routes.RENDER_DOWNLOAD, render_id=render_id)
        return await Download(
            self.http, source, handle, announced=announced, progress=progress, begun=begun, keep=keep
        ).run()

    # -- what only the studio has
    # -------------------------------------------------------------------------------

    async def cancel_job(self, job_id: str) -> dict[str, Any]:
        """``POST /api/studio/jobs/<id>/cancel``: end a turn or a render. Repeating it does no harm.

        Raises:
            NotFound: no such job, or a backend without this route (the cloud).
        """
        path = _path(routes.STUDIO_CANCEL, job_id=job_id)
        try:
            data = await self.http.call("POST", path, content=b"{}", headers=_JSON, on_render=True, again=True)
        except MusicMakerError as error:
            raise NotFound("There is no such job.") if error.code == "backend_error" else error from None
        return data if isinstance(data, dict) else {}

    async def timeline_picture(self, session_id: str) -> bytes:
        """``GET /api/studio/picture/…``: a PNG of the timeline."""
        path = _path(routes.STUDIO_PICTURE, session_id=session_id)

        async def once(token: str) -> bytes:
            try:
                async with self.http.open("GET", path, token=token, headers={"Accept": "image/png"}) as response:
                    raw = await read_body(response)
            except (httpx.HTTPError, httpx.StreamError):
                raise Unsure from None
            if response.status_code != 200 or not raw.startswith(b"\x89PNG"):
                read_json(response, raw, on_session=True)
                raise BadAnswer("The service answered with something that is not a picture.")
            return raw

        try:
            return await self.http.persist(once, again=True, total=self.http.limits.total)
        except Unsure as unsure:
            raise unsure.error from None


def _render_status(data: Any) -> RenderStatus:
    if not isinstance(data, dict):
        raise BadAnswer("The service's answer about the render cannot be read.")
    return RenderStatus.read(data)


def _render_unknown() -> OutcomeUnknown:
    return OutcomeUnknown("The connection broke while the export was being submitted; it may be running.")


class _Opened:
    """The open response of a turn, closed with it; `status` is 0 until a status line came."""

    def __init__(self) -> None:
        self.status = 0
        self._context: Any = None

    async def enter(self, context: Any) -> httpx.Response:
        response: httpx.Response = await context.__aenter__()
        self._context, self.status = context, response.status_code
        return response

    async def close(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            await context.__aexit__(None, None, None)
