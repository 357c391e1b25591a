"""Accumulating: what the events said → one result.

Text and tool calls count from non-partial events; partial text is progress. An unfinished partial tail is
kept apart.
Memory is bounded: the reply by `MAX_REPLY_BYTES`, lists by `_MANY`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..contract.timing import MAX_REPLY_BYTES
from . import decoding
from .clean import clean_line, clean_text

End = Literal["closed", "cut", "stalled", "idle", "total", "unreadable"]
"""How a turn's connection ended.

``closed`` by the backend, as it should · ``cut`` broken on the way · ``stalled`` no bytes for too long ·
``idle`` only heartbeats for too long · ``total`` past the time limit of a turn · ``unreadable`` an event
past the size limit.
"""
Status = Literal["done", "silent", "needs_input", "failed", "lost"]

_MANY = 1000
_NOISE = re.compile(r"(?:^|(?<=[\s.!?]))I(?:'ve| have)? encountered a temporary issue\b[^\n]*\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StreamError:
    """An error that the backend reported inside the stream; `code` is its own word or empty."""

    message: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a turn came to. Texts are cleaned of control, ANSI, bidirectional and zero-width characters.

    Attributes:
        end: how the connection ended.
        text: the reply, of finished events alone; paragraphs are parted by an empty line.
        tail: an unfinished piece after `text`, where the stream died while writing.
        truncated: the reply was cut, by its size limit here or by the model's own.
        question: what the backend asks the user, or None.
        errors: what the backend reported as failed, each once.
        tools: names of the backend's tools, in the order of their calls.
        failed_tools: names of those that answered with an error.
        changed_keys: names of the state's keys that the events said have changed.
        events: payload events read; `heartbeats`: signs of life; `malformed`, `unknown`: skipped ones.
    """

    end: End
    text: str = ""
    tail: str = ""
    truncated: bool = False
    question: str | None = None
    errors: tuple[StreamError, ...] = ()
    tools: tuple[str, ...] = ()
    failed_tools: tuple[str, ...] = ()
    changed_keys: tuple[str, ...] = ()
    events: int = 0
    heartbeats: int = 0
    malformed: int = 0
    unknown: int = 0

    @property
    def changed(self) -> bool:
        """The events themselves said that the session's state changed."""
        return bool(self.changed_keys)

    @property
    def status(self) -> Status:
        """``lost``: the connection did not end as it should; look at the state. ``silent``: closed without
        a word."""
        if self.end != "closed":
            return "lost"
        if self.question is not None:
            return "needs_input"
        if self.errors:
            return "failed"
        return "done" if self.text or self.tail else "silent"


class Reply:
    """Collects messages in order; `result` may be asked at any time."""

    def __init__(self, limit: int = MAX_REPLY_BYTES) -> None:
        self._limit = limit
        self._paragraphs: list[str] = []
        self._size = 0
        self._open = ""  # deltas of the tagged form, until something else comes
        self._tail = ""  # partial text, until the event that repeats it
        self._truncated = False
        self._question: str | None = None
        self._errors: dict[str, StreamError] = {}
        self._tools: list[str] = []
        self._failed: list[str] = []
        self._keys: dict[str, None] = {}
        self.finished = False
        self.events = self.beats = self.framed_beats = self.malformed = self.unknown = 0

    def add(self, message: decoding.Message) -> bool:
        """Take one message in; True where it is news (it keeps the turn alive)."""
        match message:
            case decoding.Beat():
                self.beats += 1
                return False
            case decoding.Malformed():
                self.malformed += 1
                return False
            case decoding.Unknown():
                self.unknown += 1
                return False
            case decoding.Said():
                self._say(message)
            case decoding.Called():
                self._call(message)
            case decoding.Returned():
                self._flush()
                if message.failed and len(self._failed) < _MANY:
                    self._failed.append(clean_line(message.name, 100))
            case decoding.Changed():
                new = message.keys[: _MANY - len(self._keys)]
                self._keys.update(dict.fromkeys(clean_line(key, 100) for key in new))
            case decoding.Asked():
                self._flush()
                self._question = clean_text(message.question, 4000) or "The service asks for more input."
            case decoding.Failed():
                self._fail(message)
            case decoding.Cut():
                self._truncated = True
            case decoding.Finished():
                self.finished = True
            case decoding.Thinking():
                pass
        return True

    def _say(self, said: decoding.Said) -> None:
        if said.partial:
            self._tail += said.text[: max(0, self._limit - len(self._tail))]
        elif said.delta:
            if said.text != self._open:  # a whole text that repeats its own pieces
                self._open += said.text[: max(0, self._limit - len(self._open))]
                self._truncated |= len(self._open) >= self._limit
        else:
            self._flush()
            self._tail = ""
            self._keep(said.text)

    def _call(self, called: decoding.Called) -> None:
        if called.partial:
            return
        self._flush()
        if self._tail:  # the final event repeated the call alone
            self._keep(self._tail)
            self._tail = ""
        if len(self._tools) < _MANY:
            self._tools.append(clean_line(called.name, 100))

    def _fail(self, failed: decoding.Failed) -> None:
        message = clean_text(failed.message, 500).strip()
        known = self._errors.get(message)
        if len(self._errors) < 20 and (known is None or not known.code):
            self._errors[message] = StreamError(message, clean_line(failed.code, 60))

    def _flush(self) -> None:
        text, self._open = self._open, ""
        if text:
            self._keep(text)

    def _keep(self, text: str) -> None:
        text = clean_text(text, self._limit).strip()
        room = max(0, self._limit - self._size)
        raw = text.encode()
        if len(raw) > room:
            self._truncated = True
            raw = raw[:room]
            text = raw.decode("utf-8", "ignore")
        if text:
            self._paragraphs.append(text)
            self._size += len(raw) + 2

    @property
    def progress(self) -> str:
        """The last words that were seen, at most 200 characters: for a progress note."""
        return clean_line((self._tail or self._open or "".join(self._paragraphs[-1:]))[-400:], 200)

    @property
    def last_tool(self) -> str:
        """The name of the tool that was called last, or empty."""
        return self._tools[-1] if self._tools else ""

    def result(self, end: End) -> TurnResult:
        """What the turn came to, with `end` as the way its connection ended."""
        if end == "closed" or self.finished:
            self._flush()
        text = "\n\n".join(self._paragraphs)
        quiet = _NOISE.sub("", text).rstrip()
        return TurnResult(
            end=end,
            text=quiet or text,
            tail=clean_text(self._tail or self._open, self._limit).strip(),
            truncated=self._truncated,
            question=self._question,
            errors=tuple(self._errors.values()),
            tools=tuple(self._tools),
            failed_tools=tuple(self._failed),
            changed_keys=tuple(self._keys),
            events=self.events,
            heartbeats=self.beats + self.framed_beats,
            malformed=self.malformed,
            unknown=self.unknown,
        )
