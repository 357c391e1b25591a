"""``python -m game_music_maker.studio``: the studio as a process.

Its first line on standard output is one JSON object ``{"url", "token"}``; nothing follows. With ``--foreground`` it is
for a person: ``{"url", "page"}``, where the page's link holds a claim and never the token. It ends when its standard
input ends, on SIGTERM and on SIGINT, and takes its workers along.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import uvicorn

from ..errors import BackendError, MusicMakerError
from ..settings import Settings
from .app import build
from .jobs import Desk, LanguageModel, Options
from .jobs_ledger import LEASE_S
from .store_accounts import OWNER

_GRACE_S = 1
_TICK_S = 0.1


class _Server(uvicorn.Server):
    """uvicorn, told to end by us instead of by its own signal handlers, and saying when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._told = asyncio.Event()

    def end(self) -> None:
        """Begin to end; to be called in the server's own loop."""
        self.should_exit = True
        self._told.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def main_loop(self) -> None:
        """uvicorn's, which looks ten times a second whether it shall end; here it is woken for that."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's, which pauses before it looks whether requests are being answered; not so where none is."""
        if self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="game_music_maker.studio", description="The embedded studio on loopback.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port, 0 for a free one (default)")
    parser.add_argument("--home", type=Path, help="home folder (default: GAME_MUSIC_MAKER_HOME)")
    parser.add_argument("--foreground", action="store_true", help="for a person: say the link of the page")
    parser.add_argument("--lease", type=float, default=LEASE_S, help="seconds that a claimed job is held for")
    parser.add_argument("--expect-clip", action="store_true", help="a clip will come: have a worker ready for it")
    return parser.parse_args(argv)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise BackendError(
            f"The studio cannot listen on {host}:{port} ({error.strerror}).", next="Choose another port."
        ) from error
    return listener


def _watch_input(stop: Callable[[], None]) -> None:
    """Call `stop` once standard input has ended."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        stop()

    threading.Thread(target=watch, daemon=True).start()


async def _serve(arguments: argparse.Namespace, settings: Settings) -> None:
    listener = _listen(arguments.host, arguments.port)
    model = None
    if settings.llm_url:
        model = LanguageModel(settings.llm_url, settings.llm_model or "default", settings.llm_key)
    home = arguments.home or settings.home
    options = Options(
        home=home,
        soundfont=settings.soundfont,
        model=model,
        lease_s=arguments.lease,
        expects_clip=arguments.expect_clip,
    )
    desk = Desk(options)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    app = build(desk, (arguments.host,))
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )

    def ready() -> None:
        said = {"url": url, "token": desk.token}
        if arguments.foreground:
            page = f"{url}/workspace/claim?ct={desk.accounts.claim(OWNER)}"
            said = {"url": url, "page": page}
            sys.stderr.write(f"The studio's page: {page}\nIt ends with Ctrl-C.\n")
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        gc.freeze()  # what is loaded stays: it is not looked through for garbage, not even at the end
        desk.start()

    server = _Server(config, ready)
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may have ended already
            loop.call_soon_threadsafe(server.end)

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    _watch_input(stop)
    try:
        await server.serve(sockets=[listener])
    finally:
        await desk.close()


def main(argv: list[str] | None = None) -> int:
    """Run until told to end; 1 where it could not begin."""
    arguments = _arguments(argv)
    try:
        asyncio.run(_serve(arguments, Settings.from_environ(os.environ)))
    except MusicMakerError as error:
        sys.stderr.write(f"{error.message} {error.next}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
