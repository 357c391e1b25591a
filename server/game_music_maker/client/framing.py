"""Framing: bytes of an event stream → events, whatever way the bytes were split.

Source: WHATWG HTML, "Server-sent events", with bounds added. Lines end at LF, CR or CRLF alone: U+2028 and
U+0085 stay inside their line. The splitting works on raw bytes, so a character cut in two is whole again
before it is decoded. `httpx_sse.ServerSentEvent` is the value; its decoder is not used, because it loses
the event after a byte-order mark, makes events of comments and knows no limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from httpx_sse import ServerSentEvent

from ..contract.timing import MAX_EVENT_BYTES
from ..errors import BadAnswer

_BREAK = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class Framer:
    """Feed bytes, get events. Bounded: at most `limit` bytes of one event are held.

    An event without data (a comment, an empty ``data:``, a lone ``id:``) is not given out; `beats` counts
    these.
    """

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self.beats = 0
        self._limit = limit
        self._pending = bytearray()
        self._after_cr = False
        self._started = False
        self._reset()

    def _reset(self) -> None:
        self._event = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Events completed by `chunk`.

        Raises:
            BadAnswer: one event is larger than the limit.
        """
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_cr = False
        start = 0
        for match in _BREAK.finditer(chunk):
            self._hold(chunk[start : match.start()])
            line, self._pending = bytes(self._pending), bytearray()
            start = match.end()
            found = self._line(line)
            if found is not None:
                yield found
        if chunk:
            self._hold(chunk[start:])
            self._after_cr = chunk.endswith(b"\r")

    def _hold(self, piece: bytes) -> None:
        if len(self._pending) + len(piece) + self._size > self._limit:
            raise BadAnswer(f"The service sent an event larger than {self._limit // 1024} KiB.")
        self._pending += piece

    def _line(self, line: bytes) -> ServerSentEvent | None:
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        if line.startswith(b":"):
            self.beats += 1
            return None
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(text)
            self._size += len(line)
        elif name == b"event":
            self._event = text[:200]
        elif line.strip().lower() == b"heartbeat":
            self.beats += 1
        elif self._data and self._data[0].startswith('{"error"') and name not in (b"id", b"retry"):
            # an error pasted unescaped: its raw line breaks cut the data line, the rest follows bare
            self._data.append(line.decode("utf-8", "replace"))
            self._size += len(line)
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        data, event = "\n".join(self._data), self._event
        self._reset()
        if not data:
            self.beats += 1
            return None
        return ServerSentEvent(event=event, data=data)

    def close(self) -> ServerSentEvent | None:
        """The last event where the stream ended without its closing empty line, or None.

        The standard drops it; servers that die right after writing an error leave it so, and its JSON says
        itself whether it is whole.
        """
        if self._pending:
            line, self._pending = bytes(self._pending), bytearray()
            self._line(line)
        return self._dispatch() if self._data else None
