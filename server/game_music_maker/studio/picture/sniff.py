"""What a file is by its first bytes, against what its name says. No FFmpeg, no numpy."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from ...errors import NotFound, UnsupportedMedia


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of content: its readable name, FFmpeg's demuxer for it, and the extensions that may carry it."""

    name: str
    demuxer: str
    extensions: frozenset[str]
    image: bool = False


def _kind(name: str, demuxer: str, extensions: str, *, image: bool = False) -> Kind:
    return Kind(name, demuxer, frozenset(extensions.split()), image)


ISO = _kind("MP4 or QuickTime", "mov", "mp4 mov m4a m4v")
MATROSKA = _kind("Matroska or WebM", "matroska", "mkv webm")
AVI = _kind("AVI", "avi", "avi")
GIF = _kind("GIF", "gif", "gif")
PNG = _kind("PNG", "png_pipe", "png", image=True)
JPEG = _kind("JPEG", "jpeg_pipe", "jpg jpeg", image=True)
WEBP = _kind("WebP", "webp_pipe", "webp", image=True)
MOVING_WEBP = _kind("animated WebP", "webp_anim", "webp")
MP3 = _kind("MP3", "mp3", "mp3")
WAV = _kind("WAV", "wav", "wav")
AAC = _kind("AAC", "aac", "aac")
FLAC = _kind("FLAC", "flac", "flac")
OGG = _kind("Ogg", "ogg", "ogg opus")

_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_ISO_PICTURES = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx ")


def sniff(head: bytes, extension: str = "") -> Kind | None:
    """The kind of content that `head` (the first 64 bytes or more) starts; None where it is none of ours."""
    if head[4:8] in _ISO_BOXES:
        return None if head[8:12] in _ISO_PICTURES else ISO
    if head.startswith((b"RIFF", b"RF64")):
        if head[8:16] == b"WEBPVP8X" and len(head) > 20 and head[20] & 2:
            return MOVING_WEBP
        return {b"AVI ": AVI, b"WAVE": WAV, b"WEBP": WEBP}.get(head[8:12])
    for magic, kind in (
        (b"\x1a\x45\xdf\xa3", MATROSKA), (b"GIF87a", GIF), (b"GIF89a", GIF), (b"\x89PNG\r\n\x1a\n", PNG),
        (b"\xff\xd8\xff", JPEG), (b"fLaC", FLAC), (b"OggS", OGG),
    ):  # fmt: skip
        if head.startswith(magic):
            return kind
    if head.startswith(b"ID3"):
        return AAC if extension == "aac" else MP3
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        layer = head[1] >> 1 & 3
        return {0: AAC, 1: MP3}.get(layer)
    return None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except FileNotFoundError:
        raise NotFound("The media file is not there any more.") from None
    except OSError:
        raise UnsupportedMedia("The file cannot be opened for reading.") from None


def _looks_like_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return all(ch.isprintable() or ch in "\r\n\t\ufeff" for ch in text)


def check_kind(path: Path) -> Kind:
    """The kind of a file, extension and content in agreement (a name without an extension agrees with all).

    Raises:
        NotFound: there is no such file.
        UnsupportedMedia: empty, text, unknown, or content and extension disagree; one sentence says which.
    """
    head = _head(path)
    extension = path.suffix.lower().lstrip(".")
    if not head:
        raise UnsupportedMedia("The file is empty (0 bytes).")
    kind = sniff(head, extension)
    if kind is None:
        what = "text" if _looks_like_text(head) else "something that is not supported media"
        raise UnsupportedMedia(f"The file holds {what}, not a video, picture or sound.")
    if extension and extension not in kind.extensions:
        raise UnsupportedMedia(f"The file is named .{_safe(extension)} but its content is {kind.name}.")
    if kind is PNG and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        check_pixels(width, height)
    return kind


def _safe(extension: str) -> str:
    return "".join(ch for ch in extension[:8] if ch.isalnum()) or "?"


def check_pixels(width: int, height: int) -> None:
    """Refuse pictures beyond 8192×8192 pixels or without any."""
    if width <= 0 or height <= 0:
        raise UnsupportedMedia("The picture's size cannot be read; the file is damaged.")
    if width > 16_384 or height > 16_384 or width * height > 8192 * 8192:
        raise UnsupportedMedia(
            f"The picture is {width}×{height}, more than 8192×8192 pixels.",
            next="Make it smaller and send it again.",
        )


def demuxer_of(path: Path) -> str:
    """FFmpeg's demuxer for the content of a file, whatever it is called.

    Raises:
        NotFound, UnsupportedMedia.
    """
    kind = sniff(_head(path), path.suffix.lower().lstrip("."))
    if kind is None:
        raise UnsupportedMedia("The file holds nothing that can be read as media.")
    return kind.demuxer
