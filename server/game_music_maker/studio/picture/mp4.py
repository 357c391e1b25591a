"""Sample tables of the MP4 files that FFmpeg wrote for us (ISO/IEC 14496-12 and -15). `track.py` writes
them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import RenderFailed

Ints = NDArray[np.int64]
_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"}


@dataclass(frozen=True, slots=True)
class Config:
    """An H.264 decoder configuration: ``avcC``'s head, and its parameter sets without length prefixes."""

    profile: bytes
    length_bytes: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    tail: bytes = b""

    @classmethod
    def read(cls, box: bytes) -> Config:
        """From the body of an ``avcC`` box."""
        at = 6
        sets: list[tuple[bytes, ...]] = []
        for count in (box[5] & 31, -1):
            if count < 0:
                count, at = box[at], at + 1
            found = []
            for _ in range(count):
                (size,) = struct.unpack_from(">H", box, at)
                found.append(box[at + 2 : at + 2 + size])
                at += 2 + size
            sets.append(tuple(found))
        return cls(box[1:4], (box[4] & 3) + 1, sets[0], sets[1], box[at:])

    def write(self) -> bytes:
        """The body of an ``avcC`` box."""
        body = b"\x01" + self.profile + bytes([0xFC | self.length_bytes - 1, 0xE0 | len(self.sps)])
        body += b"".join(struct.pack(">H", len(one)) + one for one in self.sps)
        body += bytes([len(self.pps)]) + b"".join(struct.pack(">H", len(one)) + one for one in self.pps)
        return body + self.tail

    def numbers(self) -> set[int]:
        """Numbers of all its parameter sets, of both kinds."""
        return {_golomb(one[4:]) for one in self.sps} | {_golomb(one[1:]) for one in self.pps}

    def joined(self, other: Config) -> Config:
        """Both in one; the level is the higher of the two.

        Raises:
            RenderFailed: they cannot stand together.
        """
        if other.length_bytes != self.length_bytes or self.numbers() & other.numbers():
            raise RenderFailed("The new pictures do not fit the clip's own.")
        head = self.profile[:2] + bytes([max(self.profile[2], other.profile[2])])
        return replace(self, profile=head, sps=self.sps + other.sps, pps=self.pps + other.pps)


def _golomb(data: bytes) -> int:
    """The first unsigned Exp-Golomb number of a bit string."""
    bits = "".join(f"{byte:08b}" for byte in data[:9])
    zeros = bits.index("1") if "1" in bits else 0
    return int(bits[zeros : 2 * zeros + 1] or "1", 2) - 1


@dataclass(frozen=True, slots=True)
class Samples:
    """The picture track of one file, in decoding order.

    Attributes:
        path: the file. offset, size: bytes. pts: ticks of `scale` on the file's own clock (edit list
            applied).
        key: sync samples. entry: the whole sample entry box; config: what its ``avcC`` says.
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
        RenderFailed: there is no H.264 track in it.
    """
    moov = _moov(path)
    movie_scale = 1000
    for kind, start, end in _boxes(moov, 0, len(moov)):
        if kind == b"mvhd":
            (movie_scale,) = struct.unpack_from(">I", moov, start + (20 if moov[start] else 12))
        if kind == b"trak":
            found = _boxes_by_name(moov, start, end)
            if b"avcC" in found:
                return _samples(path, found, movie_scale)
    raise RenderFailed("The clip's index holds no H.264 picture.")


def _boxes_by_name(data: bytes, start: int, end: int) -> dict[bytes, bytes]:
    """All leaves of a track by name; ``stsd``'s first entry as ``entry`` and its ``avcC``."""
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
            if entry[4:8] in (b"avc1", b"avc3"):
                found.update({k: entry[a:b] for k, a, b in _boxes(entry, 86, len(entry)) if k == b"avcC"})
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
        config=Config.read(box[b"avcC"]),
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
