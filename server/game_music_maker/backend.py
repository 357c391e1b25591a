"""Which backend is used, and how it is reached: NemoVideo's cloud, or the studio as a child process.

The only module that knows of both the client and the studio; the studio it knows by its command line alone.
Nothing of httpx is imported before a backend is opened, and the studio is started by the first call that
needs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from .errors import BackendUnreachable, InvalidArgument

if TYPE_CHECKING:
    from .client.http import TokenSource
    from .client.nemo import Nemo
    from .settings import Settings

Kind = Literal["local", "cloud"]

START_LIMIT = 30.0
"""Seconds until the studio's ready line; far above what a slow disk needs."""
_LOG_LIMIT = 1 << 20
_GRACE = (2.5, 1.5)
"""Seconds for the end by itself, and after being told to: the whole stays under five."""


def choose(settings: Settings, wanted: str | None = None) -> Kind:
    """`wanted`, else the setting; ``auto`` is the cloud where NEMO_TOKEN or NEMO_API_URL is set, else the
    studio.

    Raises:
        InvalidArgument: no such backend.
    """
    name = wanted or settings.backend
    if name == "local" or name == "cloud":
        return name  # type: ignore[return-value]
    if name != "auto":
        raise InvalidArgument("The backend must be auto, local or cloud.")
    return "cloud" if settings.nemo_token or settings.api_url_given else "local"


class _Service(Protocol):
    """What a backend holds besides its client."""

    async def close(self) -> None: ...


class Backend:
    """An open backend. `client` speaks to it for as long as this is open, also over a restart of the studio.

    Attributes:
        kind: ``local`` or ``cloud``.
        anonymous: the account is an anonymous one of the cloud.
    """

    def __init__(self, kind: Kind, client: Nemo, *, anonymous: bool, service: _Service | None = None) -> None:
        self.kind = kind
        self.client = client
        self.anonymous = anonymous
        self._service = service

    async def close(self) -> None:
        """Close the connections, and end the studio within five seconds."""
        await self.client.close()
        if self._service is not None:
            await self._service.close()


async def open_backend(settings: Settings, kind: str | None = None, *, studio: Studio | None = None) -> Backend:
    """A backend, ready for its first call; nothing is sent and no process started yet.

    Args:
        studio: one that was started early (`Studio.spawn`), used where the backend is local.

    Raises:
        InvalidArgument: no such backend.
        SettingError: a token or id that cannot be used.
    """
    from .client.http import HttpLimits
    from .client.nemo import Nemo
    from .client.stream import Clocks
    from .skill import attribution

    chosen = choose(settings, kind)
    idle = settings.idle_seconds
    clocks = Clocks(0.6 * idle, idle, settings.turn_seconds, settings.still_working_seconds)
    limits = HttpLimits(retry=settings.retry_seconds)
    headers = attribution(settings)
    if chosen == "local":
        studio = studio or Studio(settings.home)
        client = Nemo(studio.url, studio, headers, limits=limits, clocks=clocks)
        return Backend("local", client, anonymous=False, service=studio)

    async def base_url() -> str:
        return settings.api_url

    held: list[Nemo] = []
    tokens = _cloud_tokens(settings, held)
    held.append(Nemo(base_url, tokens, headers, limits=limits, clocks=clocks))
    return Backend("cloud", held[0], anonymous=settings.nemo_token is None)


def _cloud_tokens(settings: Settings, client: list[Nemo]) -> TokenSource:
    from .client.headers import origin_of
    from .client.tokens import AnonymousTokens, ClientId, FixedToken

    if settings.nemo_token is not None:
        return FixedToken(settings.nemo_token)
    client_id = ClientId(settings.client_id, settings.client_id_file)
    return AnonymousTokens(
        settings.home / "tokens", origin_of(settings.api_url), client_id, lambda own: client[0].anonymous_token(own)
    )


class Studio:
    """The studio as a child process, started on first need and again if it died. It is its own token
    source."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: asyncio.subprocess.Process | None = None
        self._coming: asyncio.subprocess.Process | None = None
        self._url = self._token = ""
        self._single = asyncio.Lock()
        self._closed = False

    async def spawn(self) -> None:
        """Start the process without waiting for it, so that it comes up while the caller loads other things, and makes
        itself ready for a clip.

        Raises:
            BackendUnreachable: its folder cannot be written.
        """
        async with self._single:
            if self._process is None and self._coming is None and not self._closed:
                self._coming = await self._launch("--expect-clip")

    async def url(self) -> str:
        """The address of the running studio.

        Raises:
            BackendUnreachable: it does not start.
        """
        await self._running()
        return self._url

    async def token(self) -> str:
        await self._running()
        return self._token

    async def renew(self, refused: str) -> str:
        """The token of a studio that was restarted meanwhile."""
        token = await self.token()
        if token == refused:
            raise BackendUnreachable("The studio on this machine refused its own token.", next="Try again.")
        return token

    async def _running(self) -> None:
        async with self._single:
            if self._process is not None and self._process.returncode is None:
                return
            if self._closed:
                raise BackendUnreachable("The studio on this machine was closed.", next="Start the program again.")
            await self._start()

    async def _start(self) -> None:
        process, self._coming = self._coming or await self._launch(), None
        try:
            self._url, self._token = await self._ready(process)
        except BaseException:
            await _end(process)
            raise
        self._process = process

    async def _launch(self, *options: str) -> asyncio.subprocess.Process:
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = _bounded_log(self._home / "studio.log")
        except OSError:
            raise BackendUnreachable(
                "The folder for the studio's files cannot be written.",
                next="Set GAME_MUSIC_MAKER_HOME to a folder that can be written.",
            ) from None
        with log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "game_music_maker.studio", "--home", str(self._home), *options),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    async def _ready(self, process: asyncio.subprocess.Process) -> tuple[str, str]:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_LIMIT):
                line = await process.stdout.readline()
            found = json.loads(line)
            url, token = found["url"], found["token"]
            if isinstance(url, str) and isinstance(token, str) and url.startswith("http://"):
                return url.rstrip("/"), token
        except (TimeoutError, ValueError, KeyError, TypeError):
            pass
        raise BackendUnreachable(
            "The studio on this machine does not start.",
            next=f"Run `game-music-maker doctor`; the reason stands in {self._home / 'studio.log'}.",
        )

    async def close(self) -> None:
        """End the process: its input is closed, then it is told to, then it is made to."""
        async with self._single:
            self._closed = True
            ended, self._process, self._coming = (self._process, self._coming), None, None
            for process in ended:
                if process is not None:
                    await _end(process)


def _bounded_log(path: Path) -> BinaryIO:
    """The log for writing at its end, begun anew where it has grown past its limit."""
    if path.is_symlink():
        path.unlink()
    full = path.exists() and path.stat().st_size > _LOG_LIMIT
    return path.open("wb" if full else "ab")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    for grace, act in zip((*_GRACE, None), (process.terminate, process.kill, None), strict=True):
        try:
            async with asyncio.timeout(grace):
                await process.wait()
                break
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                if act is not None:
                    act()
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
