"""Where access tokens come from: a given one, or an anonymous one that is kept per origin.

An anonymous token is asked for under a lock that all processes of one home folder share, so that however
many calls meet an expired token, one request renews it. A token is sent to the origin that gave it and
nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..contract.account import AnonymousToken
from ..errors import InvalidArgument, RateLimited, SettingError, TokenRefused
from .decoding import parse_json
from .private import locked, private_folder, read_private, set_aside, write_private

Fetch = Callable[[str], Awaitable[AnonymousToken]]
"""Asks the service for a token of a client id."""

_WEEK = 7 * 86_400.0


def header_safe(text: str) -> bool:
    """Whether `text` can stand in a header: printable ASCII without spaces at its ends, not endless."""
    return 0 < len(text) <= 8192 and text.isascii() and text.isprintable() and text == text.strip()


class FixedToken:
    """A token that the user gave: used as it is, never renewed."""

    def __init__(self, token: str) -> None:
        if not header_safe(token):
            raise SettingError("NEMO_TOKEN has a value that cannot be used: it takes printable characters.")
        self._token = token

    async def token(self) -> str:
        return self._token

    async def renew(self, refused: str) -> str:
        raise TokenRefused("The service refused the access token in NEMO_TOKEN.")


class ClientId:
    """The id that this user's anonymous tokens belong to, shared with the vendor's own skills.

    Args:
        given: from the settings; used as it is.
        path: the file that keeps it; made where it is missing, set aside where it is not usable.
    """

    def __init__(self, given: str | None, path: Path) -> None:
        if given is not None and not header_safe(given):
            raise SettingError("NEMO_CLIENT_ID has a value that cannot be used: it takes printable characters.")
        self._id = given
        self._given = given is not None
        self._path = path

    def get(self) -> str:
        """The id; read or made on first use. Where the file cannot be written it lasts as long as this
        process."""
        if self._id is None:
            self._id = self._kept() or self._make()
        return self._id

    def renewed(self) -> str:
        """Another id, after the service refused this one; the old file is set aside. A given id stays."""
        if not self._given:
            set_aside(self._path)
            self._id = self._make()
        return self.get()

    def _kept(self) -> str | None:
        raw = read_private(self._path)
        if raw is None:
            return None
        text = raw.decode("ascii", "replace").strip()
        if header_safe(text) and len(text) <= 200:
            return text
        set_aside(self._path)
        return None

    def _make(self) -> str:
        made = str(uuid.uuid4())
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not write_private(self._path, made.encode() + b"\n", replace=False):
                return self._kept() or made
        except OSError:
            pass  # a home that cannot be written: the id lasts as long as this process
        return made


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str = field(repr=False)
    expires: float


class AnonymousTokens:
    """An anonymous token for one origin, kept in a file of its own.

    Args:
        folder: where tokens are kept (made, 0700).
        origin: the only place that the token goes to.
        fetch: asks for a new one.
        now: seconds since the epoch.
    """

    def __init__(
        self, folder: Path, origin: str, client_id: ClientId, fetch: Fetch, now: Callable[[], float] = time.time
    ) -> None:
        name = hashlib.sha256(origin.encode()).hexdigest()[:24]
        self._file = folder / f"{name}.json"
        self._lock = folder / f"{name}.lock"
        self._folder, self._origin = folder, origin
        self._client_id, self._fetch, self._now = client_id, fetch, now
        self._held: _Kept | None = None
        self._single = asyncio.Lock()

    async def token(self) -> str:
        """The token that is kept, or a new one.

        Raises:
            RateLimited: the service gives no new one now.
        """
        held = self._held
        if held is not None and held.expires > self._now():
            return held.token
        return await self._get(refused=None)

    async def renew(self, refused: str) -> str:
        """A token other than `refused`: the one that somebody else has fetched meanwhile, or a new one,
        asked for once."""
        return await self._get(refused)

    async def _get(self, refused: str | None) -> str:
        async with self._single:
            held = self._held
            if held is not None and held.token != refused and held.expires > self._now():
                return held.token
            try:
                private_folder(self._folder)
                async with locked(self._lock):
                    self._held = await self._read_or_fetch(refused)
            except OSError:  # a home that cannot be written: the token lasts as long as this process
                self._held = await self._ask(refused)
            return self._held.token

    async def _read_or_fetch(self, refused: str | None) -> _Kept:
        kept = self._read()
        if kept is not None and kept.token != refused and kept.expires > self._now():
            return kept
        fresh = await self._ask(refused)
        content = {"origin": self._origin, "token": fresh.token, "expires": fresh.expires}
        with contextlib.suppress(OSError):
            write_private(self._file, json.dumps(content).encode())
        return fresh

    def _read(self) -> _Kept | None:
        raw = read_private(self._file)
        if raw is None:
            return None
        try:
            found = parse_json(raw)
            if found["origin"] == self._origin and header_safe(found["token"]):
                return _Kept(found["token"], float(found["expires"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
        set_aside(self._file)
        return None

    async def _ask(self, refused: str | None) -> _Kept:
        try:
            answer = await self._fetch(self._client_id.get())
        except InvalidArgument:
            answer = await self._fetch(self._client_id.renewed())
        except RateLimited as limited:
            raise RateLimited(
                "The service gives out no further free token now.",
                retry_after_s=limited.retry_after_s,
                next='Wait, or set NEMO_TOKEN; backend="local" works meanwhile.',
            ) from None
        if not header_safe(answer.token) or answer.token == refused:
            raise TokenRefused("The service gave no usable token.", next='Set NEMO_TOKEN, or use backend="local".')
        return _Kept(answer.token, self._expiry(answer.expires_at))

    def _expiry(self, said: str | float | None) -> float:
        """When the token ends, in seconds since the epoch; a week from now where the answer does not say it
        usably."""
        now = self._now()
        found: float | None = None
        if isinstance(said, str):
            with contextlib.suppress(ValueError, OverflowError):
                when = datetime.fromisoformat(said)
                found = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        elif said is not None:
            found = said / 1000 if said > 1e11 else said
        return found if found is not None and now < found < now + 10 * _WEEK else now + _WEEK
