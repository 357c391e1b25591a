"""A multipart body that is streamed from open files: a 500 MB upload costs one block of memory."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import InvalidArgument

BLOCK = 1 << 20
UploadProgress = Callable[[int, int], None]
"""Called with bytes sent and bytes in all."""

_TYPES = {
    "mp4": "video/mp4", "mov": "video/quicktime", "avi": "video/x-msvideo", "webm": "video/webm",
    "mkv": "video/x-matroska", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png",
    "gif": "image/gif", "webp": "image/webp", "mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4",
    "aac": "audio/aac",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class UploadPart:
    """One file: the name that the backend is told, and the open handle that was checked; read from its
    start."""

    name: str
    handle: BinaryIO


class Multipart:
    """The body as a repeatable stream of blocks with a known length."""

    def __init__(self, parts: Sequence[UploadPart], progress: UploadProgress | None = None) -> None:
        self._boundary = secrets.token_hex(16)
        self._parts = [(self._head(part), part, os.fstat(part.handle.fileno()).st_size) for part in parts]
        self._foot = f"--{self._boundary}--\r\n".encode()
        self._progress = progress

    @property
    def headers(self) -> dict[str, str]:
        length = sum(len(head) + size + 2 for head, _, size in self._parts) + len(self._foot)
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(length),
        }

    def _head(self, part: UploadPart) -> bytes:
        name = part.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        kind = _TYPES.get(part.name.rpartition(".")[2].lower(), "application/octet-stream")
        head = (
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        return head.encode("utf-8", "replace")

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body from its start; may be asked for again.

        Raises:
            InvalidArgument: a file became shorter or longer since it was opened.
        """
        whole = sum(size for _, _, size in self._parts)
        sent = 0
        for head, part, size in self._parts:
            yield head
            await asyncio.to_thread(part.handle.seek, 0)
            left = size
            while left:
                block = await asyncio.to_thread(part.handle.read, min(BLOCK, left))
                if not block:
                    raise InvalidArgument("The file changed while it was being sent.", next="Send it again.")
                yield block
                left -= len(block)
                sent += len(block)
                if self._progress is not None:
                    self._progress(sent, whole)
            yield b"\r\n"
        yield self._foot
