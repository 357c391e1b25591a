"""Downloads into an open file: resumed with Range and If-Range, started over where the source changed,
bounded.

The file's final name, its temporary name, flushing and hashing belong to the caller, and so does keeping what a
later process needs to go on (`Source`). Redirects are followed here, each hop checked anew; only the backend's own
origin gets the access token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import urljoin

import httpx

from ..contract.timing import GET_TRIES, MAX_DOWNLOAD_BYTES
from ..errors import BackendError, BackendUnreachable, BadAnswer, NotFound, RateLimited, TokenRefused
from .answers import read_body, read_json, refuse_encoding, retry_after
from .headers import is_loopback, origin_of, request_headers
from .http import NOT_SENT, Http
from .net import Resolve, check_url, resolve

TOTAL = 3600.0
_REDIRECTS = 5
_BATCH_BYTES = 1 << 18
_WORTH_A_TRY = 8 << 20
_NO_FILE = ("application/json", "text/html")
"""No export is one of these: it is the service's word about a failure, or a gateway's page."""
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\s*\Z")
DownloadProgress = Callable[[int, int | None], None]
"""Called with bytes on the disk and bytes in all, where known."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the bytes in a file came from: a strong validator ('' where the server gave none) and the whole's size."""

    validator: str = ""
    size: int | None = None


Keep = Callable[[Source], None]
"""Called before the first byte of a source is written: it is on the disk when this returns."""


class _Broken(Exception):
    """This try ended early; the next may go on."""

    def __init__(self, pause: float | None = None) -> None:
        super().__init__()
        self.pause = pause


class Download:
    """One file on its way.

    Args:
        source: an address, or a path on the backend.
        handle: a file open for writing and reading; what is in it after `run` is the file.
        announced: the size in bytes that the backend named, if any; three times that is never passed.
        begun: what the bytes that are in `handle` already came from; without it the file is begun anew.
        keep: told of the source whenever the file is begun.
    """

    def __init__(
        self,
        http: Http,
        source: str,
        handle: IO[bytes],
        *,
        announced: int | None = None,
        progress: DownloadProgress | None = None,
        begun: Source | None = None,
        keep: Keep | None = None,
        lookup: Resolve = resolve,
    ) -> None:
        self._http, self._source, self._handle = http, source, handle
        self._begun, self._keep = begun or Source(), keep
        self._limit = min(MAX_DOWNLOAD_BYTES, 3 * announced) if announced else MAX_DOWNLOAD_BYTES
        self._progress = progress
        self._lookup = lookup
        self._have = 0
        self._whole: int | None = None
        self._validator = ""

    async def run(self) -> int:
        """Bring the file; its size in bytes.

        Raises:
            NotFound: the source does not exist (any more).
            NotAllowedPath: it leads to an address that is not public.
            BadAnswer: it is larger than it may be, or not a file.
            BackendUnreachable: the connection broke too often.
            OSError: the disk refused.
        """
        http = self._http
        token = await http.tokens.token()
        await self._take_up()
        tries, renewals, mark = GET_TRIES, 1, self._have
        try:
            async with asyncio.timeout(TOTAL):
                while True:
                    try:
                        return await self._try(token)
                    except TokenRefused:
                        renewals -= 1
                        if renewals < 0:
                            raise
                        token = await http.tokens.renew(token)
                    except _Broken as broken:
                        if self._have - mark >= _WORTH_A_TRY:
                            tries, mark = GET_TRIES, self._have
                        tries -= 1
                        if tries <= 0:
                            raise BackendUnreachable(_GAVE_UP, next=_AGAIN) from None
                        grown = http.limits.backoff * 2.0 ** (GET_TRIES - 1 - tries) * http.jitter.uniform(0.5, 1.5)
                        await http.sleep(grown if broken.pause is None else broken.pause)
        except TimeoutError:
            raise BackendUnreachable("The download took longer than an hour.", next=_AGAIN) from None

    async def _take_up(self) -> None:
        """Go on behind the bytes that an earlier process left, where their source can be asked for again.

        Of a file that is all there the last byte is asked for once more: the server's answer to that says whether
        it is still the same file.
        """
        there = await asyncio.to_thread(self._handle.seek, 0, 2)
        begun = self._begun
        if not begun.validator or not there or (begun.size is not None and there > begun.size):
            await self._start_over()
            return
        self._have = there if begun.size is None else min(there, begun.size - 1)
        self._whole, self._validator = begun.size, begun.validator
        await asyncio.to_thread(self._handle.truncate, self._have)
        await asyncio.to_thread(self._handle.seek, self._have)

    async def _try(self, token: str) -> int:
        async with self._opened(token) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status_code not in (200, 206) or kind in _NO_FILE:
                await self._refused(response)
            refuse_encoding(response)
            await self._place(response)
            batch = bytearray()
            try:
                async for chunk in response.aiter_raw():
                    batch += chunk
                    if len(batch) >= _BATCH_BYTES:
                        await self._write(bytes(batch))
                        batch.clear()
            except (httpx.HTTPError, httpx.StreamError):
                raise _Broken from None
            finally:
                if batch:
                    await self._write(bytes(batch))
        if self._whole is not None and self._have != self._whole:
            raise _Broken
        return self._have

    async def _write(self, chunk: bytes) -> None:
        if self._have + len(chunk) > self._limit:
            raise BadAnswer("The file is far larger than the service announced.")
        await asyncio.to_thread(self._handle.write, chunk)
        self._have += len(chunk)
        if self._progress is not None:
            self._progress(self._have, self._whole)

    async def _place(self, response: httpx.Response) -> None:
        """Where this answer's bytes belong: behind those that are here, or at the start where the source
        changed."""
        length = response.headers.get("content-length", "")
        size = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
        validator = _validator(response)
        if response.status_code == 206:
            found = _RANGE.match(response.headers.get("content-range", ""))
            whole = None if found is None or found[3] == "*" else int(found[3])
            same = validator in ("", self._validator) and (whole is None or whole == self._whole or self._whole is None)
            if self._have and found is not None and int(found[1]) == self._have and same:
                self._whole = whole if whole is not None else self._whole
                return
            await self._start_over()
            raise _Broken
        await self._start_over()
        self._whole, self._validator = size, validator
        if size is not None and size > self._limit:
            raise BadAnswer("The file is far larger than it may be.")
        if self._keep is not None:
            self._keep(Source(validator, size))

    async def _start_over(self) -> None:
        self._have, self._whole, self._validator = 0, None, ""
        await asyncio.to_thread(self._handle.seek, 0)
        await asyncio.to_thread(self._handle.truncate)

    async def _refused(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == 416:
            await self._start_over()
            raise _Broken
        if status in (404, 410):
            raise NotFound("The exported file is no longer there.", next="Export again.")
        if status == 429 or status >= 500:
            pause = retry_after(response)
            if pause is not None and pause > self._http.limits.retry_after:
                raise RateLimited("The service asks to wait before the download.", retry_after_s=pause)
            raise _Broken(self._http.limits.retry if status == 429 and pause is None else pause)
        try:
            raw = await read_body(response, 1 << 20)
        except (httpx.HTTPError, httpx.StreamError):
            raise _Broken from None
        read_json(response, raw)
        raise BackendError("The download was refused.", next="Export again.")

    @asynccontextmanager
    async def _opened(self, token: str) -> AsyncIterator[httpx.Response]:
        base = await self._http.base_url()
        url = urljoin(base + "/", self._source)
        for _ in range(_REDIRECTS + 1):
            request, client = await self._request(url, base, token)
            try:
                response = await client.send(request, stream=True)
            except (*NOT_SENT, httpx.HTTPError, httpx.InvalidURL):
                raise _Broken from None
            try:
                target = response.headers.get("location") if response.is_redirect else None
                if target is None:
                    yield response
                    return
            finally:
                await response.aclose()
            following = urljoin(url, target)
            if url.startswith("https:") and following.startswith("http:"):
                raise BadAnswer("The download leads from a safe connection to an open one, which is not followed.")
            url = following
        raise BadAnswer("The download was redirected too often.")

    async def _request(self, url: str, base: str, token: str) -> tuple[httpx.Request, httpx.AsyncClient]:
        own = origin_of(url) == origin_of(base)
        headers = request_headers(self._http.attribution, token) if own else {"Accept-Encoding": "identity"}
        headers["Accept"] = "*/*"
        if self._have and self._validator:
            headers["Range"] = f"bytes={self._have}-"
            headers["If-Range"] = self._validator
        timeout = {"connect": self._http.limits.connect, "read": 60.0, "write": 60.0, "pool": 60.0}
        if own:
            client = self._http.client(base)
            client.cookies.clear()
            return client.build_request("GET", url, headers=headers, extensions={"timeout": timeout}), client
        checked = await check_url(url, loopback=is_loopback(base), lookup=self._lookup)
        client = self._http.direct_client(url)
        client.cookies.clear()
        headers["Host"] = checked.host_header
        extensions = {"timeout": timeout, "sni_hostname": checked.host}
        return client.build_request("GET", checked.url, headers=headers, extensions=extensions), client


_GAVE_UP = "The download broke off too often."
_AGAIN = "Call export again; the render is not done twice."


def _validator(response: httpx.Response) -> str:
    """A strong validator for If-Range: the ETag, else the modification date; empty where there is none."""
    etag: str = response.headers.get("etag", "").strip()
    if etag.startswith('"'):
        return etag
    modified: str = response.headers.get("last-modified", "").strip()
    return modified if not etag else ""
