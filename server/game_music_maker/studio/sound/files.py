"""Sound files that engines load: WAV with a ``smpl`` loop, Ogg Vorbis with comments of our own.

libsndfile encodes, but writes neither a ``smpl`` chunk nor free Vorbis comments, and gives each Ogg stream a random
serial number. Both containers are simple enough to be finished here: RIFF chunks after the Multimedia Programming
Interface 1.0 (and the MIDI Manufacturers Association's ``smpl`` layout), Ogg pages after RFC 3533, the comment
header after the Vorbis I specification, section 5.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from . import loudness
from .dsp import db

Floats = NDArray[np.float32]

_BLOCK = 1 << 16
_QUALITY = 0.35
"""libsndfile's compression level, 0 best … 1 smallest: about 190 kb/s."""
_TRIES, _MARGIN_DB = 4, 0.05
_SERIAL = 0x474D4D31
_VENDOR = b"Game Music Maker"


def write_wav(path: Path, sound: Floats, rate: int, *, loop: tuple[int, int] | None = None) -> None:
    """`sound`, shape (n, 2), as 24-bit WAV; `loop` = (first, length) in frames becomes a ``smpl`` chunk."""
    with soundfile.SoundFile(path, "w", rate, sound.shape[1], "PCM_24", format="WAV") as file:
        for at in range(0, len(sound), _BLOCK):
            file.write(sound[at : at + _BLOCK])
    if loop is None:
        return
    first, length = loop
    header = (0, 0, round(1e9 / rate), 60, 0, 0, 0, 1, 0)
    once = (0, 0, first, first + length - 1, 0, 0)
    chunk = b"smpl" + struct.pack("<I9I6I", 60, *header, *once)
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.write(b"\0" * (size & 1) + chunk)
        total = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", total))


def write_ogg(path: Path, sound: Floats, rate: int, tags: Mapping[str, str], *, ceiling_dbtp: float = -1.0) -> None:
    """`sound`, shape (n, 2), as Ogg Vorbis with `tags` as its comments, in their order; equal input, equal bytes.

    What a player decodes peaks higher than what was encoded: it is measured, and where it passes `ceiling_dbtp` the
    sound is encoded again, lower by as much.
    """
    gain = 1.0
    for _ in range(_TRIES):
        raw = _vorbis(sound, rate, gain)
        meter = loudness.TruePeak(sound.shape[1])
        with soundfile.SoundFile(io.BytesIO(raw)) as file:
            for block in file.blocks(_BLOCK, dtype="float32", always_2d=True):
                meter.feed(np.ascontiguousarray(block.T))
        over = meter.dbtp - ceiling_dbtp
        if over <= 0:
            break
        gain *= db(-over - _MARGIN_DB)
    path.write_bytes(tagged(raw, tags))


def _vorbis(sound: Floats, rate: int, gain: float) -> bytes:
    raw = io.BytesIO()
    with soundfile.SoundFile(
        raw, "w", rate, sound.shape[1], "VORBIS", format="OGG", compression_level=_QUALITY
    ) as file:
        for at in range(0, len(sound), _BLOCK):
            file.write(np.clip(sound[at : at + _BLOCK] * np.float32(gain), -1, 1))
    return raw.getvalue()


def tagged(stream: bytes, tags: Mapping[str, str]) -> bytes:
    """An Ogg Vorbis stream with its comment header replaced by `tags` and a fixed serial number.

    Raises:
        ValueError: it is no Ogg Vorbis stream with the three Vorbis headers.
    """
    pages = list(_pages(stream))
    packets, used = _headers(pages)
    packets[1] = _comments(tags)
    out = [_page(2, 0, 0, [packets[0]])]
    out += _laced(packets[1:], 1)
    out += [
        _raw_page(kind, position, len(out) + i, lacing, body)
        for i, (kind, position, lacing, body) in enumerate(pages[used:])
    ]
    return b"".join(out)


_Page = tuple[int, int, bytes, bytes]
"""Header type, granule position, lacing values, body."""


def _pages(stream: bytes) -> Iterator[_Page]:
    at = 0
    while at < len(stream):
        if stream[at : at + 4] != b"OggS":
            raise ValueError("not an Ogg page")
        kind, position = struct.unpack_from("<Bq", stream, at + 5)
        count = stream[at + 26]
        lacing = stream[at + 27 : at + 27 + count]
        start = at + 27 + count
        yield kind, position, lacing, stream[start : start + sum(lacing)]
        at = start + sum(lacing)


def _headers(pages: list[_Page]) -> tuple[list[bytes], int]:
    """The three header packets, and how many pages they take."""
    packets: list[bytes] = []
    open_packet, used = b"", 0
    for _, _, lacing, body in pages:
        used += 1
        at = 0
        for value in lacing:
            open_packet += body[at : at + value]
            at += value
            if value < 255:
                packets.append(open_packet)
                open_packet = b""
        if len(packets) >= 3:
            break
    if len(packets) != 3 or [p[:7] for p in packets] != [bytes([k]) + b"vorbis" for k in (1, 3, 5)]:
        raise ValueError("not a Vorbis stream")
    return packets, used


def _comments(tags: Mapping[str, str]) -> bytes:
    lines = [f"{name}={value}".encode() for name, value in tags.items()]
    body = b"".join(struct.pack("<I", len(line)) + line for line in lines)
    return b"\x03vorbis" + struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", len(lines)) + body + b"\x01"


def _laced(packets: list[bytes], sequence: int) -> list[bytes]:
    """`packets` on as many pages as they need; the last page ends with the last packet."""
    lacing = b"".join(b"\xff" * (len(p) // 255) + bytes([len(p) % 255]) for p in packets)
    body = b"".join(packets)
    found: list[bytes] = []
    at = 0
    for i in range(0, len(lacing), 255):
        part = lacing[i : i + 255]
        size = sum(part)
        goes_on = 1 if i and lacing[i - 1] == 255 else 0
        ends = any(value < 255 for value in part)
        found.append(_raw_page(goes_on, 0 if ends else -1, sequence + len(found), part, body[at : at + size]))
        at += size
    return found


def _page(kind: int, position: int, sequence: int, packets: list[bytes]) -> bytes:
    lacing = b"".join(b"\xff" * (len(p) // 255) + bytes([len(p) % 255]) for p in packets)
    return _raw_page(kind, position, sequence, lacing, b"".join(packets))


def _raw_page(kind: int, position: int, sequence: int, lacing: bytes, body: bytes) -> bytes:
    head = struct.pack("<4sBBqIII", b"OggS", 0, kind, position, _SERIAL, sequence, 0)
    page = head + bytes([len(lacing)]) + lacing + body
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _checksum(page: bytes) -> int:
    """Ogg's CRC-32: zlib's polynomial with the bits the other way round, from 0, without the final inversion."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
