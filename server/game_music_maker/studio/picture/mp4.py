"""Sample tables of the MP4 files that FFmpeg wrote for us (ISO/IEC 14496-12 and -15). `track.py` writes
them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import RenderFailed
from .parameters import Avc, Config, Hevc

Ints = NDArray[np.int64]
_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"}


@dataclass(frozen=True, slots=True)
class Samples:
    """The picture track of one file, in decoding order.

    Attributes:
        path: the file. offset, size: bytes. pts: ticks of `scale` on the file's own clock (edit list
            applied).
        key: sync samples. entry: the whole sample entry box; config: what its ``avcC`` or ``hvcC`` says.
    """

    path: Path
    scale: int
    offset: Ints
    size: Ints
    pts: Ints
    key: NDArray[np.bool_]
    entry: bytes
    config: Config
    matrix: bytes
    width: int
    height: int


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Boxes within data[start:end] as (type, body start, body end)."""
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        size = size or end - at
        if size < head or at + size > end:
            return
        yield kind, at + head, at + size
        at += size


def _moov(path: Path) -> bytes:
    with path.open("rb") as file:
        end = file.seek(0, 2)
        at = 0
        while at + 8 <= end:
            file.seek(at)
            head = file.read(16)
            size, kind = struct.unpack_from(">I4s", head)
            start = 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", head, 8)
                start = 16
            size = size or end - at
            if kind == b"moov":
                file.seek(at + start)
                return file.read(size - start)
            at += max(size, 8)
    raise RenderFailed("The clip's index cannot be read.")


def read_samples(path: Path) -> Samples:
    """The table of the first picture track of an MP4 that FFmpeg wrote.

    Raises:
        RenderFailed: there is no H.264 or HEVC track in it.
    """
    moov = _moov(path)
    movie_scale = 1000
    for kind, start, end in _boxes(moov, 0, len(moov)):
        if kind == b"mvhd":
            (movie_scale,) = struct.unpack_from(">I", moov, start + (20 if moov[start] else 12))
        if kind == b"trak":
            found = _boxes_by_name(moov, start, end)
            if b"avcC" in found or b"hvcC" in found:
                return _samples(path, found, movie_scale)
    raise RenderFailed("The clip's index holds no H.264 or HEVC picture.")


def _boxes_by_name(data: bytes, start: int, end: int) -> dict[bytes, bytes]:
    """All leaves of a track by name; ``stsd``'s first entry as ``entry`` and its ``avcC`` or
    ``hvcC``."""
    found: dict[bytes, bytes] = {}
    for kind, low, high in _boxes(data, start, end):
        if kind in _CONTAINERS:
            found.update(_boxes_by_name(data, low, high))
            continue
        found[kind] = data[low:high]
        if kind == b"stsd":
            (size,) = struct.unpack_from(">I", data, low + 8)
            entry = data[low + 8 : low + 8 + size]
            found[b"entry"] = entry
            if entry[4:8] in (b"avc1", b"avc3", b"hvc1", b"hev1"):
                inner = _boxes(entry, 86, len(entry))
                found.update({k: entry[a:b] for k, a, b in inner if k in (b"avcC", b"hvcC")})
    return found


def _samples(path: Path, box: dict[bytes, bytes], movie_scale: int) -> Samples:
    mdhd = box[b"mdhd"]
    (scale,) = struct.unpack_from(">I", mdhd, 20 if mdhd[0] else 12)
    (fixed, count) = struct.unpack_from(">II", box[b"stsz"], 4)
    size = np.full(count, fixed) if fixed else np.frombuffer(box[b"stsz"], ">u4", count, 12)
    dts = np.concatenate([[0], np.cumsum(_runs(box[b"stts"]))])[:count]
    shift = _runs(box[b"ctts"], signed=True) if b"ctts" in box else np.zeros(count, np.int64)
    start, lead = _edit(box.get(b"elst", b""))
    key = np.ones(count, dtype=bool)
    if b"stss" in box:
        key[:] = False
        key[np.frombuffer(box[b"stss"], ">u4", -1, 8).astype(np.int64) - 1] = True
    return Samples(
        path=path,
        scale=scale,
        offset=_offsets(box, np.asarray(size, np.int64)),
        size=np.asarray(size, np.int64),
        pts=dts + shift[:count] - start + lead * scale // max(1, movie_scale),
        key=key,
        entry=box[b"entry"],
        config=Avc.read(box[b"avcC"]) if b"avcC" in box else Hevc.read(box[b"hvcC"]),
        matrix=box[b"tkhd"][-44:-8],
        width=struct.unpack_from(">H", box[b"entry"], 32)[0],
        height=struct.unpack_from(">H", box[b"entry"], 34)[0],
    )


def _runs(body: bytes, *, signed: bool = False) -> Ints:
    """The values of a run-length table (``stts``, ``ctts``)."""
    table = np.frombuffer(body, ">u4", -1, 8).reshape(-1, 2)
    values = table[:, 1].astype(">u4").view(">i4") if signed else table[:, 1]
    return np.repeat(values.astype(np.int64), table[:, 0])


def _offsets(box: dict[bytes, bytes], size: Ints) -> Ints:
    if b"co64" in box:
        chunks = np.frombuffer(box[b"co64"], ">u8", -1, 8).astype(np.int64)
    else:
        chunks = np.frombuffer(box[b"stco"], ">u4", -1, 8).astype(np.int64)
    table = np.frombuffer(box[b"stsc"], ">u4", -1, 8).reshape(-1, 3).astype(np.int64)
    firsts = np.concatenate([table[:, 0] - 1, [len(chunks)]])
    counts = np.repeat(table[:, 1], np.diff(firsts))
    ends = np.cumsum(counts)
    start_of = np.repeat(ends - counts, counts)[: len(size)]
    before = np.cumsum(size) - size
    return np.asarray(np.repeat(chunks, counts)[: len(size)] + before - before[start_of], np.int64)


def _edit(elst: bytes) -> tuple[int, int]:
    """Media time at which the track starts to be shown, and how long nothing is shown before (movie
    ticks)."""
    if len(elst) < 8:
        return 0, 0
    (count,) = struct.unpack_from(">I", elst, 4)
    form, step = (">Qq", 20) if elst[0] else (">Ii", 12)
    lead = 0
    for i in range(count):
        length, media = struct.unpack_from(form, elst, 8 + i * step)
        if media >= 0:
            return int(media), lead
        lead += length
    return 0, lead
