"""Stdin and stdout as hosts speak them: one JSON-RPC message a line, and an error for every line that is none.

The SDK's transport passes over what it cannot read. Here a malformed, oversized or doubled request is answered with
JSON-RPC's own errors, in bounded memory, and the next line is read. While this serves, file descriptors 0 and 1 lead
elsewhere, so that nothing but the protocol reaches the host, whatever a library prints (POSIX).
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any, BinaryIO

import anyio
from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCNotification,
    JSONRPCRequest,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

MAX_LINE = 16 << 20
"""Bytes of one message: far above what any call of ours takes."""
_TOO_LONG = f"A message is at most {MAX_LINE >> 20} MiB."
_ID = re.compile(r'\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"|-?\d+),"(?:result|error)"')
"""How the SDK begins every answer."""


class HostLines:
    """What the SDK's transport takes as stdin and as stdout: an iterator of lines, and ``write`` and ``flush``."""

    def __init__(self) -> None:
        self._in, self._out = _claimed()
        self._open: set[str] = set()
        self._turn = anyio.Lock()

    def __aiter__(self) -> HostLines:
        return self

    async def __anext__(self) -> str:
        """The next line that is a message; others are answered here."""
        while True:
            raw = await anyio.to_thread.run_sync(_line, self._in)
            if raw == b"":
                raise StopAsyncIteration
            refused = _error(None, PARSE_ERROR, _TOO_LONG) if raw is None else self._refused(raw)
            if raw is not None and refused is None:
                return raw.decode("utf-8", "replace")
            if raw is None or raw.strip():
                await self._put(json.dumps({"jsonrpc": "2.0", **(refused or {})}, separators=(",", ":")) + "\n")

    def _refused(self, raw: bytes) -> dict[str, Any] | None:
        """The id and error that a line is answered with; None for a message. A request's id counts as open then."""
        try:
            message = jsonrpc_message_adapter.validate_json(raw, by_name=False)
        except ValidationError as error:
            if error.errors(include_input=False, include_url=False)[0]["type"] == "json_invalid":
                return _error(None, PARSE_ERROR, "That is not JSON.")
            return _error(_id_in(raw), INVALID_REQUEST, "That is not a JSON-RPC 2.0 message.")
        if isinstance(message, JSONRPCNotification):
            if b'"id"' in raw and "id" in json.loads(raw):
                return _error(None, INVALID_REQUEST, "A request's id is a text or a whole number.")
            if message.method == "notifications/cancelled":
                self._open.discard(json.dumps((message.params or {}).get("requestId")))
        if not isinstance(message, JSONRPCRequest):
            return None
        number = message.id
        key = json.dumps(number)
        if key in self._open:
            return _error(number, INVALID_REQUEST, "A request with this id is still being answered.")
        self._open.add(key)
        return None

    async def write(self, text: str) -> None:
        """Write whole lines; an answer frees its request's id."""
        found = _ID.match(text)
        if found:
            self._open.discard(found[1])
        await self._put(text)

    async def _put(self, text: str) -> None:
        async with self._turn:
            await anyio.to_thread.run_sync(_send, self._out, text.encode())

    async def flush(self) -> None:
        """Nothing: every line goes out when it is written."""


def _error(number: Any, code: int, message: str) -> dict[str, Any]:
    return {"id": number, "error": {"code": code, "message": message}}


def _id_in(raw: bytes) -> str | int | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    number = found.get("id") if isinstance(found, dict) else None
    return number if isinstance(number, (str, int)) and not isinstance(number, bool) else None


def _line(handle: BinaryIO) -> bytes | None:
    """The next line; b'' at the end, None for one that is too long (read past, not held)."""
    raw = handle.readline(MAX_LINE + 1)
    if len(raw) <= MAX_LINE:
        return raw
    while raw and not raw.endswith(b"\n"):
        raw = handle.readline(1 << 20)
    return None


def _send(handle: BinaryIO, raw: bytes) -> None:
    handle.write(raw)
    handle.flush()


def _claimed() -> tuple[BinaryIO, BinaryIO]:
    """Stdin and stdout under other numbers; 0 then gives nothing and 1 goes to stderr, for children and libraries."""
    if os.name == "nt":
        return sys.stdin.buffer, sys.stdout.buffer
    sys.stdout.flush()
    taken = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  a device, not a file of ours
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return os.fdopen(taken[0], "rb", closefd=False), os.fdopen(taken[1], "wb", closefd=False)
