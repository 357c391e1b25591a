"""A running chat turn: framing, decoding and accumulating joined, under four clocks.

Connect (the connection itself), bytes (nothing at all arrives), progress (only signs of life arrive),
total. A read time-out alone would not see a connection that drips.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal

import httpx

from ..errors import BadAnswer
from .decoding import Asked, Called, Failed, Message, Returned, Said, decode
from .framing import Framer
from .reply import End, Reply, Status, StreamError, TurnResult

__all__ = ["Clocks", "End", "Note", "Status", "StreamError", "Turn", "TurnReader", "TurnResult"]

NoteKind = Literal["text", "tool", "waiting", "alive"]


@dataclass(frozen=True, slots=True)
class Clocks:
    """Limits of a turn in seconds: `silence` without any bytes, `idle` without news, `total`; `note` between
    "still working" notes."""

    silence: float = 360.0
    idle: float = 600.0
    total: float = 900.0
    note: float = 120.0


@dataclass(frozen=True, slots=True)
class Note:
    """Progress of a turn. `text`: the last words seen · `tool`: the backend's tool that was called ·
    `waiting`: no news for the time between notes (`seconds` since the last) · `alive`: a sign of life."""

    kind: NoteKind
    text: str = ""
    seconds: float = 0.0


class TurnReader:
    """The three pieces without a connection: feed bytes, ask for the result. What it says does not depend
    on how the bytes are split."""

    def __init__(self) -> None:
        self._framer = Framer()
        self.reply = Reply()

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that `chunk` completed.

        Raises:
            BadAnswer: an event past the size limit.
        """
        found: list[Message] = []
        for event in self._framer.feed(chunk):
            if self.reply.finished:
                break
            found += self._take(event.data, event.event)
        return found

    def close(self) -> list[Message]:
        """The messages of a last event without its closing line."""
        event = self._framer.close()
        return [] if event is None or self.reply.finished else self._take(event.data, event.event)

    def _take(self, data: str, name: str) -> list[Message]:
        messages = decode(data, name)
        news = False
        for message in messages:
            news |= self.reply.add(message)
        self.reply.events += news
        return messages

    def result(self, end: End) -> TurnResult:
        self.reply.framed_beats = self._framer.beats
        return self.reply.result(end)


class Turn:
    """Iterate for notes; `result` holds what the turn came to once the iteration has ended.

    The iteration itself never fails: a broken, silent or endless connection ends it, and `result.end` says
    which.
    """

    def __init__(
        self,
        response: httpx.Response | None,
        clocks: Clocks,
        clock: Callable[[], float] = time.monotonic,
        started: float | None = None,
    ) -> None:
        self._response = response
        self._clocks = clocks
        self._clock = clock
        self._started = clock() if started is None else started
        self._reader = TurnReader()
        self._end: End | None = None if response is not None else "cut"

    @property
    def result(self) -> TurnResult:
        """What the turn came to; before its end, what it has come to so far (as if it were cut here)."""
        return self._reader.result(self._end or "cut")

    async def finish(self) -> TurnResult:
        """Read to the end without looking at the notes."""
        async for _ in self:
            pass
        return self.result

    async def __aiter__(self) -> AsyncIterator[Note]:
        if self._end is not None or self._response is None:
            return
        chunks = self._response.aiter_raw()
        pending: asyncio.Task[bytes] | None = None
        started = self._started
        heard = news = noted = self._clock()
        try:
            while self._end is None:
                if pending is None:
                    pending = asyncio.ensure_future(anext(chunks))
                await asyncio.wait({pending}, timeout=self._patience(started, heard, news, noted))
                now = self._clock()
                if not pending.done():
                    self._end = self._expired(now, started, heard, news)
                    if self._end is None and now - noted >= self._clocks.note:
                        noted = now
                        yield Note("waiting", self._reader.reply.progress, now - news)
                    continue
                found, fresh = self._read(pending)
                pending = None
                heard = now
                if fresh:
                    news = noted = now
                self._end = self._end or self._expired(now, started, heard, news)
                for note in found:
                    yield note
        finally:
            if pending is not None:
                pending.cancel()
                await asyncio.gather(pending, return_exceptions=True)

    def _patience(self, started: float, heard: float, news: float, noted: float) -> float:
        clocks = self._clocks
        due = min(heard + clocks.silence, news + clocks.idle, started + clocks.total, noted + clocks.note)
        return max(0.0, due - self._clock())

    def _expired(self, now: float, started: float, heard: float, news: float) -> End | None:
        clocks = self._clocks
        if now - started >= clocks.total:
            return "total"
        if now - news >= clocks.idle:
            return "idle"
        return "stalled" if now - heard >= clocks.silence else None

    def _read(self, done: asyncio.Task[bytes]) -> tuple[list[Note], bool]:
        before = self._reader.reply.events
        messages: list[Message] = []
        try:
            messages = self._reader.feed(done.result())
        except StopAsyncIteration:
            messages = self._reader.close()
            self._end = "closed"
        except (httpx.HTTPError, httpx.StreamError):
            messages = self._reader.close()
            self._end = "cut"
        except BadAnswer:
            self._end = "unreadable"
        if self._reader.reply.finished and self._end is None:
            self._end = "closed"
        fresh = self._reader.reply.events > before
        return self._notes(messages, fresh), fresh

    def _notes(self, messages: list[Message], fresh: bool) -> list[Note]:
        notes: list[Note] = []
        for message in messages:
            if isinstance(message, Called) and not message.partial:
                notes.append(Note("tool", self._reader.reply.last_tool))
        if any(isinstance(message, (Said, Asked, Failed, Returned)) for message in messages):
            notes.append(Note("text", self._reader.reply.progress))
        return notes or [Note("alive")] if fresh or not messages else notes
