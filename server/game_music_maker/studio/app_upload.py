"""Uploads: multipart bodies streamed to disk, hashed on the way, never whole in memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..contract.routes import ACCEPTED, MAX_UPLOAD_BYTES
from ..errors import FileTooLarge, InvalidArgument, MusicMakerError, UnsupportedMedia
from .store import disk_words

MAX_FILES = 100
_BATCH_BYTES = 1 << 20


@dataclass
class Incoming:
    """One file part. `error` says why it is not taken; its bytes are then not kept."""

    name: str
    path: Path
    size: int = 0
    error: MusicMakerError | None = None
    sha: hashlib._Hash = field(default_factory=hashlib.sha256)
    handle: IO[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Take the next bytes; past the limit the rest is read and dropped."""
        self.size += len(data)
        if self.size > MAX_UPLOAD_BYTES and self.error is None:
            self.error = FileTooLarge("The file is larger than 500 MB.")
            self.close()
            self.path.unlink(missing_ok=True)
        if self.error is None:
            with disk_words("the uploaded file"):
                if self.handle is None:
                    self.handle = self.path.open("wb")
                self.handle.write(data)
            self.sha.update(data)

    def close(self) -> None:
        if self.handle is not None:
            self.handle.close()
            self.handle = None


def clean_name(name: str) -> str:
    """A readable name without folders, control, bidirectional or invisible characters; at most 120 characters."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c for c in base if c.isprintable() and c not in '<>:"|?*')
    stem, dot, ending = kept.strip(" .").rpartition(".")
    if not dot:
        return kept.strip(" .")[:120] or "file"
    return f"{stem.strip()[:110] or 'file'}.{ending[:9]}"


def begin(name: str, folder: Path, number: int) -> Incoming:
    """A part that begins; its type is judged by the name's ending first, by its content later."""
    clean = clean_name(name)
    ending = clean.rpartition(".")[2].lower()
    part = Incoming(clean, folder / f"{number}.{ending}" if ending in ACCEPTED else folder / f"{number}")
    if ending not in ACCEPTED:
        part.error = UnsupportedMedia("Files of this type are not taken.")
    return part


class Receiver:
    """Takes the body of one multipart request apart. Only fields named ``files`` with a file name are files.

    Raises (from `take`):
        InvalidArgument: no boundary, a damaged body, or too many files.
        DiskFull: no room left.
    """

    def __init__(self, content_type: str, folder: Path) -> None:
        from python_multipart.multipart import MultipartParser, parse_options_header

        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise InvalidArgument("An upload is a multipart body with files in its field `files`.")
        self.files: list[Incoming] = []
        self._folder = folder
        self._options = parse_options_header
        self._header = ["", ""]
        self._disposition = ""
        self._current: Incoming | None = None
        self._whole = False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._part_begin,
                "on_header_field": lambda data, start, end: self._add(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._add(1, data[start:end]),
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def _part_begin(self) -> None:
        self._header, self._disposition, self._current = ["", ""], "", None

    def _add(self, which: int, data: bytes) -> None:
        self._header[which] += data.decode("utf-8", "replace")
        if len(self._header[which]) > 4096:
            raise InvalidArgument("A header of the upload is too long.")

    def _header_end(self) -> None:
        if self._header[0].lower() == "content-disposition":
            self._disposition = self._header[1]
        self._header = ["", ""]

    def _headers_finished(self) -> None:
        _, options = self._options(self._disposition.encode())
        name = options.get(b"filename")
        if options.get(b"name") != b"files" or name is None:
            return
        if len(self.files) >= MAX_FILES:
            raise InvalidArgument(f"One upload takes at most {MAX_FILES} files.")
        self._current = begin(name.decode("utf-8", "replace"), self._folder, len(self.files))
        self.files.append(self._current)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current is not None:
            self._current.write(data[start:end])

    def _part_end(self) -> None:
        if self._current is not None:
            self._current.close()

    def _end(self) -> None:
        self._whole = True

    async def take(self, chunks: AsyncIterator[bytes]) -> list[Incoming]:
        """Read the body to its end, writing in another thread a mebibyte at a time."""
        from python_multipart.exceptions import MultipartParseError

        batch = bytearray()
        try:
            async for chunk in chunks:
                batch += chunk
                if len(batch) >= _BATCH_BYTES:
                    await asyncio.to_thread(self._parser.write, bytes(batch))
                    batch.clear()
            await asyncio.to_thread(self._parser.write, bytes(batch))
        except MultipartParseError:
            raise InvalidArgument("The upload's body is damaged.") from None
        finally:
            for part in self.files:
                part.close()
        if not self._whole:
            raise InvalidArgument("The upload was cut off before its end.", next="Send it again.")
        return self.files
