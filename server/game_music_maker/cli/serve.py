"""``serve``: the MCP server over stdio or Streamable HTTP.

It ends within seconds of the end of its input or of a signal, and takes the studio with it. Over HTTP it
answers on loopback alone, unless a token and the allowed host names are set.
"""

from __future__ import annotations

import argparse
import hmac
import ipaddress
import logging
import os
import signal
from typing import TYPE_CHECKING, Any

from ..errors import InvalidArgument
from ..settings import Settings

if TYPE_CHECKING:
    from ..tools.context import Desk

_CLOSING_S = 3.0
_PATH = "/mcp"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--http", metavar="HOST:PORT", help="serve Streamable HTTP at /mcp instead of stdio")


def run(args: argparse.Namespace) -> int:
    settings = Settings.load()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    if args.http is None:
        return _stdio(settings)
    return _http(settings, *address(args.http))


def desk_of(settings: Settings) -> Desk:
    """The workspace of a server, not made before the first call that needs it."""
    from ..tools.context import Desk

    def make() -> Any:
        from ..backend import open_backend
        from ..project.workspace import Workspace

        return Workspace(settings, open_backend)

    return Desk(make)


def _stdio(settings: Settings) -> int:
    import anyio

    from ..mcp_server import build

    desk = desk_of(settings)
    server = build(desk)

    async def end_on_signal() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                with anyio.move_on_after(_CLOSING_S):
                    await desk.close()
                os._exit(0)  # the thread that reads stdin cannot be woken

    async def serve() -> None:
        async with anyio.create_task_group() as group:
            if os.name != "nt":
                group.start_soon(end_on_signal)
            await server.run_stdio_async()
            group.cancel_scope.cancel()

    anyio.run(serve)
    return 0


def _http(settings: Settings, host: str, port: int) -> int:
    loopback = is_loopback(host)
    if not loopback and not (settings.http_token and settings.http_allowed_hosts):
        raise InvalidArgument(
            "Serving beyond this machine needs GAME_MUSIC_MAKER_HTTP_TOKEN and GAME_MUSIC_MAKER_HTTP_ALLOWED_HOSTS.",
            next="Set both, or serve on 127.0.0.1.",
        )
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    from ..mcp_server import build

    hosts, origins = allowed(settings.http_allowed_hosts, loopback=loopback)
    app = build(desk_of(settings)).streamable_http_app(
        streamable_http_path=_PATH,
        host=host,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins
        ),
    )
    whole = Finished(app)
    guarded = Guard(whole, settings.http_token) if settings.http_token else whole
    config = uvicorn.Config(
        guarded, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2
    )
    for name in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises again, at its end, the signal that ended it
        signal.signal(name, _asked_to_end)
    uvicorn.Server(config).run()
    return 0


def _asked_to_end(number: int, frame: object) -> None:
    raise SystemExit(0)


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def allowed(names: tuple[str, ...], *, loopback: bool) -> tuple[list[str], list[str]]:
    """``Host`` and ``Origin`` values that are answered; any port of a name without one."""
    hosts: list[str] = ["127.0.0.1", "localhost", "[::1]"] if loopback else []
    hosts += names
    with_ports = [
        form for name in hosts for form in ((name,) if name.rpartition(":")[2].isdigit() else (name, f"{name}:*"))
    ]
    return with_ports, [f"{scheme}://{host}" for scheme in ("http", "https") for host in with_ports]


class Guard:
    """Lets in only requests that carry the token (ASGI)."""

    def __init__(self, app: Any, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                head = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Bearer")]
                await send({"type": "http.response.start", "status": 401, "headers": head})
                await send({"type": "http.response.body", "body": b"A token is needed."})
                return
        await self._app(scope, receive, send)


class Finished:
    """Closes each event stream that the application leaves open when the server ends, so that a client reads an end
    and not a broken connection (ASGI)."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        begun = False

        async def watched(message: Any) -> None:
            nonlocal begun
            begun = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        await self._app(scope, receive, watched)
        if begun:
            await send({"type": "http.response.body", "body": b""})


def address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` as a pair; ``[::1]:8000`` for IPv6.

    Raises:
        InvalidArgument: not of that form.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit() or not int(port) < 65536:
        raise InvalidArgument(
            f"--http takes HOST:PORT, not '{text[:80]}'.", next="Use for example --http 127.0.0.1:8000."
        )
    return host, int(port)
