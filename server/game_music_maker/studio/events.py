"""The events of one chat turn, as ADK Events, kept so that any number of connections can follow it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from ..contract.chat import call_event, error_event, result_event, text_event
from ..errors import MusicMakerError

HEARTBEAT_S = 5.0


class Events:
    """What a turn has said so far. Its end wakes every follower; a follower that leaves changes nothing."""

    def __init__(self, invocation_id: str) -> None:
        self._invocation = invocation_id
        self._said: list[str] = []
        self._news = asyncio.Condition()
        self._over = False
        self._last_progress = ""

    def _names(self) -> dict[str, Any]:
        return {"invocation_id": self._invocation, "event_id": secrets.token_hex(8), "timestamp": time.time()}

    async def _say(self, event: dict[str, Any]) -> None:
        async with self._news:
            self._said.append(f"data: {json.dumps(event, ensure_ascii=True)}\n\n")
            self._news.notify_all()

    async def progress(self, text: str) -> None:
        """News for whoever waits; not part of the reply. The same news is told once."""
        if text != self._last_progress:
            self._last_progress = text
            await self._say(text_event(text + "\n", partial=True, **self._names()))

    async def text(self, text: str) -> None:
        await self._say(text_event(text, **self._names()))

    async def call(self, name: str, args: dict[str, Any]) -> None:
        if self._last_progress:  # partial text that nothing repeats would count as said: a blank final text closes it
            self._last_progress = ""
            await self.text(" ")
        await self._say(call_event(name, args, **self._names()))

    async def result(self, name: str, response: dict[str, Any], state_delta: dict[str, Any]) -> None:
        await self._say(result_event(name, response, state_delta=state_delta, **self._names()))

    async def error(self, error: MusicMakerError) -> None:
        await self._say(error_event(error.code, f"{error.message} {error.next}".strip(), **self._names()))

    async def end(self) -> None:
        async with self._news:
            self._over = True
            self._news.notify_all()

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events from the turn's beginning to its end, with a comment line in every quiet spell."""
        yield ": turn begun\n\n"
        told = 0
        while True:
            async with self._news:
                if told == len(self._said) and not self._over:
                    try:
                        async with asyncio.timeout(HEARTBEAT_S):
                            await self._news.wait()
                    except TimeoutError:
                        pass
                fresh, told, over = self._said[told:], len(self._said), self._over
            for event in fresh:
                yield event
            if over and not fresh:
                return
            if not fresh:
                yield ": heartbeat\n\n"
