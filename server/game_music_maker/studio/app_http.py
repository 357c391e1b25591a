"""What every route shares: who may ask, how bodies are read, how errors are written."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..contract.envelope import failure, ok
from ..errors import BackendError, InvalidArgument, MusicMakerError, TokenRefused

MAX_BODY_BYTES = 8 << 20
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_Model = TypeVar("_Model", bound=BaseModel)


def respond(error: MusicMakerError, status: int | None = None) -> Response:
    """An error in the contract's envelope, with its HTTP status and Retry-After."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return JSONResponse(failure(error), status_code=status or error.status, headers=headers)


def answer(data: Any) -> Response:
    return JSONResponse(ok(data))


async def on_error(request: Request, error: Exception) -> Response:
    """The one handler of errors: those of the tree as they are, anything else without its details."""
    if isinstance(error, MusicMakerError):
        return respond(error)
    if isinstance(error, ClientDisconnect):
        return Response(status_code=400)
    return respond(BackendError(f"The studio failed at this ({type(error).__name__})."))


class Guard:
    """Lets only requests through that name a loopback host, so that no web page can reach the studio through a name
    of its own, and none that come from a page of another origin.

    Args:
        hosts: further host names to accept (the one that the studio was told to listen on).
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = ()) -> None:
        self._app = app
        self._hosts = (*_LOOPBACK, *hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key: value.decode("latin-1") for key, value in scope["headers"]}
        refused: Response | None = None
        host = headers.get(b"host", "")
        if _name(f"//{host}") not in self._hosts:
            refused = respond(InvalidArgument("This host name is not one of the studio's."), 421)
        elif (origin := headers.get(b"origin")) and urlsplit(origin).netloc != host:
            refused = respond(InvalidArgument("Pages of other origins may not use the studio."), 403)
        if refused is not None:
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _name(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def bearer(request: Request) -> str:
    """The access token of a request.

    Raises:
        TokenRefused: there is none.
    """
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise TokenRefused("The access token is missing.", next="Send it as a bearer token.")
    return token.strip()


async def body(request: Request, read: Callable[[Any], _Model]) -> _Model:
    """The JSON body as a model, at most 8 MiB.

    Raises:
        InvalidArgument: too long, not JSON, or not what the route takes.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise InvalidArgument("The request's body is too long.")
    try:
        return read(json.loads(raw or b"{}"))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "body"
        raise InvalidArgument(f"The request cannot be used: {where}: {error.errors()[0]['msg']}.") from None
    except (ValueError, RecursionError):
        raise InvalidArgument("The request's body is not readable JSON.") from None
