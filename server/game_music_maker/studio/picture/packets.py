"""The packet table of a file: times, sizes and key flags of every packet, read without decoding anything.

FFmpeg's ``framecrc`` muxer prints one line for each copied packet: stream, dts, pts, duration, size,
checksum, and flags where they are not "key". Its header names codec, size and time base without any of the
file's own text in it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsupportedMedia
from . import ffmpeg

KEY, DISCARD = 1, 4
_UNKNOWN = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Packets:
    """One stream's packets in decoding order. Times in seconds on the file's clock, sizes in bytes.

    Attributes:
        media: ``video`` or ``audio``. codec: FFmpeg's name.
        time_base: seconds of one tick.
        dts, pts, duration: ticks (int64).
        size: bytes. flags: bit 1 key, bit 4 not shown (before the start of an edit list). crc: Adler-32 of
            the bytes.
    """

    media: str
    codec: str
    time_base: Fraction
    dts: NDArray[np.int64]
    pts: NDArray[np.int64]
    duration: NDArray[np.int64]
    size: NDArray[np.int64]
    flags: NDArray[np.int64]
    crc: NDArray[np.int64]
    width: int = 0
    height: int = 0
    sar: float = 1.0
    rate: int = 0
    layout: str = ""

    @property
    def shown(self) -> NDArray[np.bool_]:
        return np.asarray((self.flags & DISCARD) == 0)

    @property
    def start_s(self) -> float:
        """When the first shown packet is due."""
        pts = self.pts[self.shown]
        return float(pts.min() * self.time_base) if len(pts) else 0.0

    @property
    def end_s(self) -> float:
        """When the last shown packet is over."""
        shown = self.shown
        if not shown.any():
            return 0.0
        ends = self.pts[shown] + self.duration[shown]
        return float(int(ends.max()) * self.time_base)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Presentation time of each packet."""
        return np.asarray(self.pts * float(self.time_base), dtype=np.float64)

    @property
    def key(self) -> NDArray[np.bool_]:
        return np.asarray((self.flags & KEY) != 0)

    @property
    def variable(self) -> bool:
        """The picture's frames do not follow each other at one rate (rounding to the time base allowed)."""
        steps = np.diff(np.sort(self.pts[self.shown]))
        if len(steps) < 3:
            return False
        return bool(steps.max() - steps.min() > max(2, 0.1 * float(np.median(steps))))


class _Building:
    """One stream's table while it is read: 48 bytes a packet."""

    def __init__(self) -> None:
        self.media = self.codec = self.layout = ""
        self.time_base = Fraction(1, 1000)
        self.width = self.height = self.rate = 0
        self.sar = 1.0
        self.columns = tuple(array("q") for _ in range(6))

    def header(self, key: str, value: str) -> None:
        if key == "tb":
            self.time_base = Fraction(value)
        elif key == "media_type":
            self.media = value
        elif key == "codec_id":
            self.codec = value
        elif key == "dimensions":
            self.width, self.height = (int(part) for part in value.split("x"))
        elif key == "sar" and re.fullmatch(r"\d+/[1-9]\d*", value):
            ratio = float(Fraction(value))
            self.sar = ratio if 0.05 < ratio < 20 else 1.0
        elif key == "sample_rate":
            self.rate = int(value)
        elif key == "channel_layout_name":
            self.layout = value

    def row(self, cells: list[str]) -> None:
        """A packet's line, split: stream, dts, pts, duration, size, checksum, flags where they are not
        "key"."""
        flag = cells[6].strip() if len(cells) > 6 else ""
        flags = int(flag[2:], 16) if flag.startswith("F=") else KEY
        values = (int(cells[1]), int(cells[2]), int(cells[3]), int(cells[4]), flags, int(cells[5], 16))
        for column, value in zip(self.columns, values, strict=True):
            column.append(value)

    def done(self) -> Packets:
        dts, pts, duration, size, flags, crc = (np.frombuffer(column, np.int64) for column in self.columns)
        unknown = pts == _UNKNOWN
        if unknown.any():
            # AVI has no times of showing: the order of decoding stands in for them, and its steps for the lengths.
            pts = np.where(unknown, dts, pts)
            steps = np.diff(dts)
            duration = np.maximum(duration, int(np.median(steps)) if len(steps) else 1)
        return Packets(
            self.media, self.codec, self.time_base, dts, pts, duration, size, flags, crc,
            self.width, self.height, self.sar, self.rate, self.layout,
        )  # fmt: skip


def parse(lines: Iterable[str]) -> list[Packets]:
    """Read the ``framecrc`` text, one table for each stream in order."""
    streams: dict[int, _Building] = {}
    for line in lines:
        if line.startswith("#"):
            if found := re.match(r"#(\w+) (\d+): (.*)", line):
                streams.setdefault(int(found[2]), _Building()).header(found[1], found[3].strip())
            continue
        cells = line.split(",")
        if len(cells) >= 6:
            streams.setdefault(int(cells[0]), _Building()).row(cells)
    return [streams[index].done() for index in sorted(streams)]


class TookTooLong(UnsupportedMedia):
    """The time limit ended the reading."""


def read(
    path: Path | str,
    *,
    maps: tuple[str, ...] = ("0:V:0?", "0:a:0?"),
    timeout_s: float = 300.0,
    head_s: float | None = None,
) -> tuple[list[Packets], str]:
    """Packet tables of the first picture (attached covers left out) and the first sound, and FFmpeg's log.

    Args:
        head_s: only so many seconds from the start.

    Raises:
        UnsupportedMedia: it cannot be opened, or holds neither; `TookTooLong` where the time was not enough.
    """
    chosen = [part for stream in maps for part in ("-map", stream)]
    part = ["-t", f"{head_s:g}"] if head_s is not None else []
    args = ["-nostats", *ffmpeg.source(path), *chosen, *part, "-c", "copy", "-map_metadata", "-1"]
    saying = "The file cannot be read"
    with ffmpeg.Process([*args, "-f", "framecrc", "pipe:1"], timeout_s=timeout_s, memory_mb=2048, nice=0) as process:
        tables = parse(line.decode("ascii", "replace") for line in process.stdout)
        return tables, process.finish(TookTooLong if process.timed_out else UnsupportedMedia, saying)
