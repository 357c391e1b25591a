"""Writing one picture track from samples of several files (ISO/IEC 14496-12 and -15).

This is what lets copied and newly encoded groups of pictures stand in one track without a byte of the
copied ones being
touched: the new samples use parameter set numbers of their own, and the track's ``avcC`` or ``hvcC`` carries both sets.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from ...errors import RenderFailed
from .mp4 import Ints, Samples
from .parameters import Config

_BLOCK = 1 << 22
_MOVIE_SCALE = 1000
_IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

Parts = Sequence[tuple[Samples, Ints]]


def write_track(out: Path, model: Samples, parts: Parts, pts: Ints, end: int, config: Config) -> None:
    """Write an MP4 with one picture track.

    Args:
        out: the file. model: the clip's own table, which gives size, clock, sample entry and rotation.
        parts: tables, and which of their samples (indices), in decoding order.
        pts: presentation times of all those samples in the model's ticks, from 0.
        end: tick at which the last picture ends.
        config: the decoder configuration for all of them.

    Raises:
        RenderFailed: a sample is not where its table says.
    """
    sizes = np.concatenate([table.size[which] for table, which in parts])
    with out.open("wb") as file:
        file.write(_box(b"ftyp", b"isom\0\0\x02\0isomiso2avc1mp41"))
        start = file.tell() + 16
        file.write(struct.pack(">I4sQ", 1, b"mdat", 16 + int(sizes.sum())))
        for table, which in parts:
            _copy(table, which, file)
        file.write(_movie(model, parts, sizes, pts, end, start, config))


def _copy(table: Samples, which: Ints, out: IO[bytes]) -> None:
    """Append the bytes of some samples, neighbours in one go."""
    ends = table.offset[which] + table.size[which]
    breaks = np.flatnonzero(table.offset[which][1:] != ends[:-1]) + 1
    with table.path.open("rb") as file:
        for group in np.split(np.arange(len(which)), breaks):
            if not len(group):
                continue
            file.seek(int(table.offset[which[group[0]]]))
            left = int(ends[group[-1]] - table.offset[which[group[0]]])
            while left:
                data = file.read(min(left, _BLOCK))
                if not data:
                    raise RenderFailed("A copied picture is not where the clip's index says.")
                out.write(data)
                left -= len(data)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _movie(model: Samples, parts: Parts, sizes: Ints, pts: Ints, end: int, start: int, config: Config) -> bytes:
    seconds = round(end * _MOVIE_SCALE / model.scale)
    ordered = np.sort(pts)
    delay = int(max(0, (ordered - pts).max()))
    mvhd = struct.pack(">IIIIIHHQ", 0, 0, _MOVIE_SCALE, seconds, 0x10000, 0x100, 0, 0)
    mvhd += _IDENTITY + b"\0" * 24 + struct.pack(">I", 2)
    tkhd = struct.pack(">IIIIIQHHHH", 0, 0, 1, 0, seconds, 0, 0, 0, 0, 0)
    tkhd += model.matrix + struct.pack(">II", model.width << 16, model.height << 16)
    edit = _full(b"elst", 1, 0, struct.pack(">IQqHH", 1, seconds, delay, 1, 0))
    mdhd = struct.pack(">QQIQHH", 0, 0, model.scale, end + delay, 0x55C4, 0)
    hdlr = struct.pack(">I4s12s", 0, b"vide", b"") + b"VideoHandler\0"
    dinf = _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1)))
    entry = _entry(model.entry, config)
    table = _table(entry, parts, sizes, pts, ordered - delay, end, start)
    minf = _box(b"minf", _full(b"vmhd", 0, 1, b"\0" * 8), dinf, table)
    mdia = _box(b"mdia", _full(b"mdhd", 1, 0, mdhd), _full(b"hdlr", 0, 0, hdlr), minf)
    trak = _box(b"trak", _full(b"tkhd", 0, 3, tkhd), _box(b"edts", edit), mdia)
    return _box(b"moov", _full(b"mvhd", 0, 0, mvhd), trak)


def _table(entry: bytes, parts: Parts, sizes: Ints, pts: Ints, dts: Ints, end: int, start: int) -> bytes:
    keys = np.concatenate([table.key[which] for table, which in parts])
    last = max(1, end - int(pts.max()))
    steps = np.concatenate([np.diff(dts), [last]])
    sync = np.flatnonzero(keys) + 1
    return _box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        _full(b"stts", 0, 0, _runs(steps)),
        _full(b"ctts", 0, 0, _runs(pts - dts)),
        _full(b"stss", 0, 0, struct.pack(">I", len(sync)), sync.astype(">u4").tobytes()),
        _full(b"stsc", 0, 0, struct.pack(">IIII", 1, 1, len(sizes), 1)),
        _full(b"stsz", 0, 0, struct.pack(">II", 0, len(sizes)), sizes.astype(">u4").tobytes()),
        _full(b"co64", 0, 0, struct.pack(">IQ", 1, start)),
    )


def _runs(values: Ints) -> bytes:
    """Run-length table: number of entries, then (count, value) each."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1, [len(values)]])
    table = np.stack([np.diff(edges), values[edges[:-1]]], axis=1)
    return struct.pack(">I", len(table)) + table.astype(">u4").tobytes()


def _entry(entry: bytes, config: Config) -> bytes:
    """The sample entry with its configuration replaced; what stands beside it (aspect, colour) stays."""
    fixed, at = entry[8:86], 86
    kept = [_box(config.box, config.write())]
    while at + 8 <= len(entry):
        size, kind = struct.unpack_from(">I4s", entry, at)
        if size < 8:
            break
        if kind in (b"pasp", b"colr", b"clap", b"mdcv", b"clli"):
            kept.append(entry[at : at + size])
        at += size
    return _box(config.entry, fixed, *kept)
