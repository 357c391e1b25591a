"""HTTP to one backend: headers, one token renewal, bounded retries of GETs, a total limit.

Promises kept here: 5xx, resets and time-outs on POST are not repeated; redirects are not followed; proxies
of the environment never see loopback traffic; a header or body that drips ends by the total limit.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import httpx

from ..contract.timing import CONNECT, GET_TRIES, PLAIN_CALL, RETRY_AFTER_LIMIT
from ..errors import (
    BackendError,
    BackendUnreachable,
    Busy,
    InvalidArgument,
    MusicMakerError,
    RateLimited,
    TimedOut,
    TokenRefused,
)
from .answers import read_body, read_json
from .headers import is_loopback, request_headers

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Surely nothing reached the backend."""
_T = TypeVar("_T")
Content = bytes | Callable[[], AsyncIterator[bytes]]


class TokenSource(Protocol):
    """Where the access token comes from. `renew` is told which token was refused."""

    async def token(self) -> str: ...

    async def renew(self, refused: str) -> str: ...


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Waits in seconds. `retry` after a 429 without Retry-After; `backoff` is the first wait between tries
    of a GET."""

    connect: float = CONNECT
    read: float = 60.0
    total: float = PLAIN_CALL
    retry: float = 30.0
    retry_after: float = RETRY_AFTER_LIMIT
    backoff: float = 0.5


class Unsure(Exception):
    """The request was written, at least in part, and it is not known whether it was accepted: no answer, or
    a 5xx.

    `error` is what to say where nothing better is known.
    """

    def __init__(self, error: MusicMakerError | None = None) -> None:
        super().__init__()
        self.error = error or BackendUnreachable("The connection to the service broke before an answer came.")


@dataclass
class Http:
    """One backend. `base_url` is asked for on every call, so that a restarted studio is found again."""

    base_url: Callable[[], Awaitable[str]]
    tokens: TokenSource
    attribution: Mapping[str, str]
    limits: HttpLimits = field(default_factory=HttpLimits)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: random.Random = field(default_factory=random.Random)
    _clients: dict[tuple[str, bool], httpx.AsyncClient] = field(default_factory=dict)
    _tls: ssl.SSLContext | None = None

    async def close(self) -> None:
        """Close every connection."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    def client(self, url: str, *, fresh: bool = False) -> httpx.AsyncClient:
        """The connection pool for `url`. `fresh`: no connection is used twice, so that a request which must
        not be repeated never meets one that the server is just closing."""
        return self._pool(url, "fresh" if fresh else "kept", proxies=not is_loopback(url))

    def direct_client(self, url: str) -> httpx.AsyncClient:
        """Connections to checked addresses of other hosts: past every proxy, because a proxy would look the
        name up again and connect to what it finds."""
        return self._pool(url, "direct", proxies=False)

    def _pool(self, url: str, kind: str, *, proxies: bool) -> httpx.AsyncClient:
        key = (kind, url.startswith("https:"))
        if key not in self._clients:
            for chatty in ("httpx", "httpcore"):  # they log whole addresses and headers, signed queries among them
                logging.getLogger(chatty).setLevel(logging.WARNING)
            self._clients[key] = httpx.AsyncClient(
                verify=self.tls(url),
                trust_env=proxies,
                follow_redirects=False,
                timeout=httpx.Timeout(self.limits.read, connect=self.limits.connect),
                limits=httpx.Limits(max_connections=100, max_keepalive_connections=20 if kind == "kept" else 0),
            )
        return self._clients[key]

    def tls(self, url: str) -> ssl.SSLContext:
        """Certificates for https; loopback http does without loading them (it costs more than the call)."""
        if not url.startswith("https:"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return self._tls

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        content: Content = b"",
        headers: Mapping[str, str] | None = None,
        waits: httpx.Timeout | None = None,
        fresh: bool = False,
    ) -> AsyncIterator[httpx.Response]:
        """Send once and give the open response.

        Raises:
            BackendUnreachable: surely nothing was sent.
            Unsure: it was sent, and no status came.
        """
        base = await self.base_url()
        client = self.client(base, fresh=fresh)
        sent = {**request_headers(self.attribution, token), **(headers or {})}
        body = content if isinstance(content, bytes) else content()
        client.cookies.clear()
        request = client.build_request(method, base + path, content=body, headers=sent)
        request.extensions["timeout"] = (waits or client.timeout).as_dict()
        try:
            response = await client.send(request, stream=True)
        except NOT_SENT:
            raise BackendUnreachable(f"The service cannot be reached{_where(base)}.") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Unsure from None
        try:
            yield response
        finally:
            await response.aclose()

    async def call(self, method: str, path: str, **how: Any) -> Any:
        """`attempt`, for calls that may simply be said to have failed.

        Raises:
            MusicMakerError: what the backend said, or that it could not be reached.
        """
        try:
            return await self.attempt(method, path, **how)
        except Unsure as unsure:
            raise unsure.error from None

    async def open_call(self, method: str, path: str, headers: Mapping[str, str]) -> Any:
        """A call without an access token, repeated like a GET.

        Raises:
            MusicMakerError: as `call`; HTTP 400 is an `InvalidArgument` (the client id is missing or
            refused).
        """

        async def once(_: str) -> Any:
            try:
                async with self.open(method, path, token=None, headers=headers) as response:
                    raw = await read_body(response)
            except (httpx.HTTPError, httpx.StreamError):
                raise Unsure from None
            if response.status_code == 400:
                raise InvalidArgument("The service refused the client id.")
            try:
                return read_json(response, raw)
            except BackendError as error:
                if response.status_code >= 500:
                    raise Unsure(error) from None
                raise

        try:
            return await self._persist(once, "", again=True, total=self.limits.total)
        except Unsure as unsure:
            raise unsure.error from None

    async def attempt(
        self,
        method: str,
        path: str,
        *,
        content: Content = b"",
        headers: Mapping[str, str] | None = None,
        on_session: bool = False,
        on_render: bool = False,
        waits: httpx.Timeout | None = None,
        total: float | None = None,
        again: bool | None = None,
    ) -> Any:
        """One call and its payload. GETs (or `again`) are repeated; a POST once, and only after a sure
        refusal.

        Raises:
            Unsure: it may have been accepted.
            MusicMakerError: what the backend said, or that nothing reached it.
        """
        repeat = method == "GET" if again is None else again

        async def once(token: str) -> Any:
            try:
                async with self.open(
                    method, path, token=token, content=content, headers=headers, waits=waits, fresh=not repeat
                ) as response:
                    raw = await read_body(response)
            except (httpx.HTTPError, httpx.StreamError):
                raise Unsure from None
            try:
                return read_json(response, raw, on_session=on_session, on_render=on_render)
            except BackendError as error:
                if response.status_code >= 500:
                    raise Unsure(error) from None
                raise

        return await self.persist(once, again=repeat, total=total or self.limits.total)

    async def persist(self, once: Callable[[str], Awaitable[_T]], *, again: bool, total: float) -> _T:
        """Run `once(token)` under the rules: a renewed token, a wait after a 429, retries where `again`,
        `total` seconds."""
        return await self._persist(once, await self.tokens.token(), again=again, total=total)

    async def _persist(self, once: Callable[[str], Awaitable[_T]], token: str, *, again: bool, total: float) -> _T:
        budget = Budget(self, total, again)
        while True:
            try:
                async with asyncio.timeout(budget.left()):
                    return await once(token)
            except TokenRefused:
                if not token or not budget.may_renew():
                    raise
                began = self.clock()
                token = await self.tokens.renew(token)
                budget.extend(self.clock() - began)
            except TimeoutError:
                late = TimedOut("The service did not answer in time.")
                raise late if again else Unsure(late) from None
            except (RateLimited, Busy) as error:
                await budget.wait_as_told(error)
            except (BackendUnreachable, Unsure) as error:
                await budget.back_off(error)


class Budget:
    """What one call may still spend: time, and repeats.

    A call that must not be done twice has one repeat in all, after a sure refusal (token, 429, nothing
    sent). One that may be repeated has one for the token, one for a 429 and `GET_TRIES` tries.
    """

    def __init__(self, http: Http, total: float, again: bool) -> None:
        self._http = http
        self._end = http.clock() + total
        self._again = again
        self._renewals = self._waits = 1
        self._tries = GET_TRIES - 1 if again else 1

    def left(self) -> float:
        return max(0.001, self._end - self._http.clock())

    def extend(self, seconds: float) -> None:
        """Time that was not the call's own."""
        self._end += seconds

    def may_renew(self) -> bool:
        self._renewals -= 1
        return self._renewals >= 0 and self._spend()

    def _spend(self) -> bool:
        """For a call that must not be done twice: whether its one repeat is left, which is then gone."""
        if self._again:
            return True
        self._tries -= 1
        return self._tries >= 0

    async def wait_as_told(self, error: RateLimited | Busy) -> None:
        """Wait after a 429, once and for a minute at most; else raise `error`, with the wait in it."""
        limits = self._http.limits
        if isinstance(error, RateLimited) and error.retry_after_s is None:
            error.retry_after_s = limits.retry
        pause = error.retry_after_s
        self._waits -= 1
        if pause is None or pause > limits.retry_after or self._waits < 0 or not self._spend():
            raise error
        self.extend(pause)
        await self._http.sleep(pause)

    async def back_off(self, error: BackendUnreachable | Unsure) -> None:
        """Wait before another try, longer each time; raise `error` where there is none left."""
        said = error.error if isinstance(error, Unsure) else error
        tried = GET_TRIES - 1 - self._tries if self._again else 0
        if not self._again and isinstance(error, Unsure):
            raise error
        self._tries -= 1
        grown = self._http.limits.backoff * 2.0**tried * self._http.jitter.uniform(0.5, 1.5)
        pause = grown if said.retry_after_s is None else said.retry_after_s
        if self._tries < 0 or pause > self.left():
            raise said
        await self._http.sleep(pause)


def _where(base: str) -> str:
    return " on this machine" if is_loopback(base) else ""
