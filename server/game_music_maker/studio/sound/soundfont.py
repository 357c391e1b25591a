"""Reading SoundFont files: SF2 (16-bit PCM) and SF3 (the same with each sample as an Ogg Vorbis stream).

Source: SoundFont Technical Specification 2.04 (1998), sections 4–9; for SF3 the layout of MuseScore's sf3convert:
`dwStart` and `dwEnd` of a compressed sample (type bit 0x10) are bytes in the ``smpl`` chunk, loop points count frames
from the sample's own start, and the ``sdta`` list may have an odd length without a padding byte.

Only plain data leaves this module; what it means for the sound is in `zone.py` and `voice.py`.
"""

from __future__ import annotations

import io
import mmap
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...errors import InvalidArgument, NotFound

Floats = NDArray[np.float32]

GENERATORS = 61
"""Number of generator slots; the numbers are those of section 8.1.2."""
KEY_RANGE, VEL_RANGE, INSTRUMENT, SAMPLE_ID = 43, 44, 41, 53
_COMPRESSED = 0x10

_PHDR = np.dtype([("name", "S20"), ("preset", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "<u4", 3)])
_INST = np.dtype([("name", "S20"), ("bag", "<u2")])
_BAG = np.dtype([("gen", "<u2"), ("mod", "<u2")])
_GEN = np.dtype([("op", "<u2"), ("amount", "<i2")])
_MOD = np.dtype([("src", "<u2"), ("dest", "<u2"), ("amount", "<i2"), ("by", "<u2"), ("transform", "<u2")])
_SHDR = np.dtype(
    [
        ("name", "S20"),
        ("start", "<u4"),
        ("end", "<u4"),
        ("loop_start", "<u4"),
        ("loop_end", "<u4"),
        ("rate", "<u4"),
        ("key", "u1"),
        ("correction", "i1"),
        ("link", "<u2"),
        ("type", "<u2"),
    ]
)


@dataclass(frozen=True, slots=True)
class SampleHeader:
    """One recorded sample. `start` and `end` are frames (SF2) or bytes (SF3) in the ``smpl`` chunk; the loop counts
    frames from the sample's start; `key` is the MIDI key at which it was recorded, `correction` cents on top."""

    name: str
    start: int
    end: int
    loop_start: int
    loop_end: int
    rate: int
    key: int
    correction: int
    compressed: bool


@dataclass(frozen=True, slots=True)
class RawZone:
    """Generators (number → signed amount) and modulators (source, destination, amount) of one zone."""

    gens: dict[int, int]
    mods: tuple[tuple[int, int, int], ...]

    def span(self, generator: int) -> tuple[int, int]:
        """A key or velocity range as (lowest, highest)."""
        amount = self.gens.get(generator)
        if amount is None:
            return 0, 127
        return amount & 0xFF, (amount >> 8) & 0xFF


class SoundFont:
    """A SoundFont file, opened: its presets, zones and samples as plain data.

    Attributes:
        presets: (bank, program) → (name, zones). The first zone may be global.
        instruments: zones of each instrument.
        samples: headers.
    """

    def __init__(self, path: Path) -> None:
        """Open and check `path`; the samples stay on disk until `pcm` asks for them.

        Raises:
            NotFound: there is no such file.
            InvalidArgument: it is no SF2 or SF3 file, or a damaged one.
        """
        self.path = path
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (FileNotFoundError, IsADirectoryError, PermissionError):
            raise NotFound(f"The sound bank {path.name} cannot be opened.", next="Correct its path.") from None
        except (ValueError, OSError):
            raise self._broken() from None
        try:
            self._parse()
        except (struct.error, ValueError, IndexError, KeyError):
            raise self._broken() from None

    def _broken(self) -> InvalidArgument:
        return InvalidArgument(
            f"{self.path.name} is not a sound bank that can be read.",
            next="Name an SF2 or SF3 file in GAME_MUSIC_MAKER_SOUNDFONT, or unset it.",
        )

    def _parse(self) -> None:
        data = self._data
        if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
            raise ValueError("not a SoundFont")
        tables: dict[bytes, tuple[int, int]] = {}
        for kind, start, size in _lists(data):
            if kind == b"sdta" or kind == b"pdta":
                tables |= {name: (at, length) for name, at, length in _chunks(data, start, start + size)}
        self._smpl = tables[b"smpl"]

        def table(name: bytes, kind: np.dtype[np.void]) -> NDArray[np.void]:
            at, length = tables[name]
            return np.frombuffer(data[at : at + length], kind, count=length // kind.itemsize)

        self.samples = tuple(_header(row) for row in table(b"shdr", _SHDR)[:-1])
        gens, mods = table(b"igen", _GEN), table(b"imod", _MOD)
        inst, bags = table(b"inst", _INST), table(b"ibag", _BAG)
        self.instruments = tuple(
            _zones(bags, int(inst["bag"][i]), int(inst["bag"][i + 1]), gens, mods) for i in range(len(inst) - 1)
        )
        gens, mods = table(b"pgen", _GEN), table(b"pmod", _MOD)
        phdr, bags = table(b"phdr", _PHDR), table(b"pbag", _BAG)
        self.presets = {
            (int(row["bank"]), int(row["preset"])): (
                _text(row["name"]),
                _zones(bags, int(row["bag"]), int(after["bag"]), gens, mods),
            )
            for row, after in pairwise(phdr)
        }

    def pcm(self, index: int) -> Floats:
        """The sample's frames as float32, shape (n,), −1 … 1.

        Raises:
            InvalidArgument: its data is damaged.
        """
        head = self.samples[index]
        base, size = self._smpl
        if not head.compressed:
            first, last = base + 2 * head.start, base + min(2 * head.end, size)
            frames = np.frombuffer(self._data[first:last], "<i2")
            return frames.astype(np.float32) * np.float32(1 / 32768)
        try:
            found, _ = soundfile.read(io.BytesIO(self._data[base + head.start : base + head.end]), dtype="float32")
        except (soundfile.LibsndfileError, RuntimeError):
            raise self._broken() from None
        return np.ascontiguousarray(found if found.ndim == 1 else found[:, 0], dtype=np.float32)


def _chunks(data: mmap.mmap, at: int, end: int) -> list[tuple[bytes, int, int]]:
    found = []
    while at + 8 <= end:
        size = struct.unpack_from("<I", data, at + 4)[0]
        found.append((data[at : at + 4], at + 8, size))
        at += 8 + size + (size & 1)
    return found


def _lists(data: mmap.mmap) -> list[tuple[bytes, int, int]]:
    """The LIST chunks as (type, start, size). A list of odd length may or may not be padded: look which."""
    found = []
    at = 12
    while at + 12 <= len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        if data[at : at + 4] == b"LIST":
            found.append((data[at + 8 : at + 12], at + 12, size - 4))
        at += 8 + size
        if size & 1 and data[at : at + 4] != b"LIST":
            at += 1
    return found


def _zones(
    bags: NDArray[np.void], first: int, last: int, gens: NDArray[np.void], mods: NDArray[np.void]
) -> tuple[RawZone, ...]:
    found = []
    for bag in range(first, last):
        g0, g1 = int(bags["gen"][bag]), int(bags["gen"][bag + 1])
        m0, m1 = int(bags["mod"][bag]), int(bags["mod"][bag + 1])
        ops, amounts = gens["op"][g0:g1].tolist(), gens["amount"][g0:g1].tolist()
        rows = tuple((int(m["src"]), int(m["dest"]), int(m["amount"])) for m in mods[m0:m1])
        found.append(RawZone(dict(zip(ops, amounts, strict=True)), rows))
    return tuple(found)


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("latin-1").strip()


def _header(row: Any) -> SampleHeader:
    compressed = bool(int(row["type"]) & _COMPRESSED)
    start = int(row["start"])
    origin = 0 if compressed else start
    return SampleHeader(
        name=_text(row["name"]),
        start=start,
        end=int(row["end"]),
        loop_start=int(row["loop_start"]) - origin,
        loop_end=int(row["loop_end"]) - origin,
        rate=max(1, int(row["rate"])),
        key=int(row["key"]),
        correction=int(row["correction"]),
        compressed=compressed,
    )
