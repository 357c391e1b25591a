"""Is a file what its name says? Only media leaves the program: extension and content must agree.

The first bytes are compared with the signatures of the containers that the contract accepts (sources: ISO/IEC
14496-12, RIFF, Matroska EBML, PNG, GIF87a/89a, JFIF, WebP, MPEG audio and ADTS frame headers). What is inside
is the backend's to judge.
"""

from __future__ import annotations

from typing import IO

from ..contract.routes import ACCEPTED, MAX_UPLOAD_BYTES
from ..errors import FileTooLarge, UnsupportedMedia
from .paths import OpenFile
from .text import size

_HEAD = 4096
_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"uuid")


def _iso(head: bytes) -> bool:
    return head[4:8] in _ISO_BOXES


def _riff(kind: bytes) -> object:
    return lambda head: head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == kind


def _mpeg_audio(head: bytes) -> bool:
    if head[:3] == b"ID3":
        return True
    head = head.lstrip(b"\0")
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and (head[1] >> 1) & 3 != 0


def _adts(head: bytes) -> bool:
    return head[:3] == b"ID3" or head[:4] == b"ADIF" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0)


def _ebml(head: bytes) -> bool:
    return head[:4] == b"\x1a\x45\xdf\xa3"


_CONTENT = {
    "mp4": _iso, "mov": _iso, "m4a": _iso, "avi": _riff(b"AVI "), "webm": _ebml, "mkv": _ebml,
    "jpg": lambda head: head[:3] == b"\xff\xd8\xff", "jpeg": lambda head: head[:3] == b"\xff\xd8\xff",
    "png": lambda head: head[:8] == b"\x89PNG\r\n\x1a\n",
    "gif": lambda head: head[:6] in (b"GIF87a", b"GIF89a"),
    "webp": _riff(b"WEBP"), "mp3": _mpeg_audio, "wav": _riff(b"WAVE"), "aac": _adts,
}  # fmt: skip


def kind_of(name: str) -> str | None:
    """``video``, ``image`` or ``audio`` by the file's extension; None where it is not accepted."""
    return ACCEPTED.get(name.rsplit(".", 1)[-1].lower()) if "." in name else None


def check(file: OpenFile) -> str:
    """The kind of an open file; its position is at the start afterwards.

    Raises:
        UnsupportedMedia: extension not accepted, empty, or content of another type.
        FileTooLarge: over 500 MB.
    """
    kind = kind_of(file.name)
    if kind is None:
        raise UnsupportedMedia(f"'{file.name}' is not of an accepted type.")
    if file.size == 0:
        raise UnsupportedMedia(f"'{file.name}' is empty (0 bytes).", next="Record or copy the file again.")
    if file.size > MAX_UPLOAD_BYTES:
        raise FileTooLarge(f"'{file.name}' has {size(file.size)}; the limit is 500 MB.")
    head = _head(file.handle)
    accepts = _CONTENT[file.name.rsplit(".", 1)[-1].lower()]
    if not accepts(head):  # type: ignore[operator]
        raise UnsupportedMedia(
            f"The content of '{file.name}' is not what its name says.",
            next="Send the original media file, or give it the extension of what it really is.",
        )
    return kind


def _head(handle: IO[bytes]) -> bytes:
    head = handle.read(_HEAD)
    handle.seek(0)
    return head
