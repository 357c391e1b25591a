"""Decoder configurations of picture tracks: the parameter sets in ``avcC`` and ``hvcC`` (ISO/IEC 14496-15), and how
a clip's own and those of newly encoded stretches stand side by side under different numbers. Pure functions of bytes.

Syntax after ITU-T H.264 (7.3.2) and ITU-T H.265 (7.3.2, 7.3.6.1).
"""

from __future__ import annotations

import re
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ...errors import RenderFailed

VPS, SPS, PPS = 32, 33, 34
"""NAL unit types of HEVC's parameter sets."""
_PLAIN_PPS = range(15, 31)
"""Picture parameter set numbers whose code takes 9 bits: 8 more than that of number 0, which is one byte."""


class Config(ABC):
    """What a decoder has to know before the first picture. `box` and `entry`: names of its box and of the sample
    entry that it stands in; `length_bytes`: size of the length before each NAL unit."""

    box: ClassVar[bytes]
    entry: ClassVar[bytes]
    length_bytes: int

    @classmethod
    @abstractmethod
    def read(cls, box: bytes) -> Self:
        """From the body of its box."""

    @abstractmethod
    def write(self) -> bytes:
        """The body of its box."""

    @abstractmethod
    def unfit(self) -> str:
        """Why new pictures cannot stand beside those of this configuration; empty where they can."""


@dataclass(frozen=True, slots=True)
class Avc(Config):
    """H.264: ``avcC``'s head, and its parameter sets without length prefixes."""

    box = b"avcC"
    entry = b"avc1"
    profile: bytes
    length_bytes: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    tail: bytes = b""

    @classmethod
    def read(cls, box: bytes) -> Self:
        at = 6
        sets: list[tuple[bytes, ...]] = []
        for count in (box[5] & 31, -1):
            if count < 0:
                count, at = box[at], at + 1
            found, at = _sets(box, at, count)
            sets.append(found)
        return cls(box[1:4], (box[4] & 3) + 1, sets[0], sets[1], box[at:])

    def write(self) -> bytes:
        body = b"\x01" + self.profile + bytes([0xFC | self.length_bytes - 1, 0xE0 | len(self.sps)])
        body += _written(self.sps)
        body += bytes([len(self.pps)]) + _written(self.pps)
        return body + self.tail

    def unfit(self) -> str:
        if self.profile[0] not in (66, 77, 100) or self.length_bytes != 4 or len(self.sps) != 1:
            return f"its H.264 profile ({self.profile[0]}) is not one that can be joined"
        return ""

    def numbers(self) -> set[int]:
        """Numbers of all its parameter sets, of both kinds."""
        return {_golomb(one[4:]) for one in self.sps} | {_golomb(one[1:]) for one in self.pps}

    def free(self) -> int:
        """A number that none of its parameter sets has."""
        return next(n for n in range(1, 32) if n not in self.numbers())

    def joined(self, other: Config) -> Avc:
        """Both in one; the level is the higher of the two.

        Raises:
            RenderFailed: they cannot stand together.
        """
        if not isinstance(other, Avc) or other.length_bytes != self.length_bytes or self.numbers() & other.numbers():
            raise RenderFailed("The new pictures do not fit the clip's own.")
        head = self.profile[:2] + bytes([max(self.profile[2], other.profile[2])])
        return replace(self, profile=head, sps=self.sps + other.sps, pps=self.pps + other.pps)


@dataclass(frozen=True, slots=True)
class Hevc(Config):
    """HEVC: ``hvcC``'s head of 22 bytes, and its arrays: (first byte, NAL units)."""

    box = b"hvcC"
    entry = b"hvc1"
    head: bytes
    arrays: tuple[tuple[int, tuple[bytes, ...]], ...]

    @property
    def length_bytes(self) -> int:  # type: ignore[override]
        return (self.head[21] & 3) + 1

    @classmethod
    def read(cls, box: bytes) -> Self:
        at = 23
        arrays: list[tuple[int, tuple[bytes, ...]]] = []
        for _ in range(box[22]):
            (count,) = struct.unpack_from(">H", box, at + 1)
            found, end = _sets(box, at + 3, count)
            arrays.append((box[at], found))
            at = end
        return cls(box[:22], tuple(arrays))

    def write(self) -> bytes:
        body = self.head + bytes([len(self.arrays)])
        for first, units in self.arrays:
            body += bytes([first]) + struct.pack(">H", len(units)) + _written(units)
        return body

    def unfit(self) -> str:
        plain = self.head[16] & 3 == 1 and not self.head[17] & 7 and not self.head[18] & 7
        if not plain or self.length_bytes != 4:
            return "its HEVC pictures are not 8-bit 4:2:0"
        if not self.units(VPS) or not self.units(SPS) or not self.units(PPS):
            return "its HEVC parameters stand among the pictures"
        return ""

    def units(self, kind: int) -> tuple[bytes, ...]:
        """All NAL units of one type."""
        return tuple(unit for first, units in self.arrays if first & 63 == kind for unit in units)

    def numbers(self) -> dict[int, set[int]]:
        """Numbers of its parameter sets by kind."""
        return {
            VPS: {unit[2] >> 4 for unit in self.units(VPS)},
            SPS: {_sps_number(bits(unit))[0] for unit in self.units(SPS)},
            PPS: {_exp_golomb(bits(unit), 0)[0] for unit in self.units(PPS)},
        }

    def free(self) -> tuple[int, int, int]:
        """Numbers of video, sequence and picture parameter sets that it does not use."""
        used = self.numbers()
        return (
            next(n for n in range(1, 16) if n not in used[VPS]),
            next(n for n in range(1, 16) if n not in used[SPS]),
            next(n for n in _PLAIN_PPS if n not in used[PPS]),
        )

    def renumbered(self, vps: int, sps: int, pps: int) -> Hevc:
        """An encoder's configuration (one set of each kind, all of number 0) under other numbers.

        Raises:
            RenderFailed: it is not of that kind.
        """
        if any(numbers != {0} for numbers in self.numbers().values()):
            raise RenderFailed("The new pictures have parameters that were not expected.")
        (video,), (sequence,), (picture,) = (self.units(kind) for kind in (VPS, SPS, PPS))
        video = video[:2] + bytes([video[2] & 0x0F | vps << 4]) + video[3:]
        code = bits(sequence)
        _, start, end = _sps_number(code)
        sequence = _unit(sequence[:2], f"{vps:04b}{code[4:start]}{_golomb_code(sps)}{code[end:]}")
        code = bits(picture)
        _, end = _exp_golomb(code, 0)
        _, end = _exp_golomb(code, end)
        picture = _unit(picture[:2], f"{_golomb_code(pps)}{_golomb_code(sps)}{code[end:]}")
        return replace(self, arrays=tuple((0x80 | unit[0] >> 1 & 63, (unit,)) for unit in (video, sequence, picture)))

    def joined(self, other: Config) -> Hevc:
        """Both in one: the higher level, what both promise.

        Raises:
            RenderFailed: they cannot stand together.
        """
        if not isinstance(other, Hevc) or other.length_bytes != self.length_bytes:
            raise RenderFailed("The new pictures do not fit the clip's own.")
        mine, theirs = self.numbers(), other.numbers()
        if any(mine[kind] & theirs[kind] for kind in mine):
            raise RenderFailed("The new pictures do not fit the clip's own.")
        head = bytearray(self.head)
        head[2:12] = (a & b for a, b in zip(self.head[2:12], other.head[2:12], strict=True))
        head[12] = max(self.head[12], other.head[12])
        head[13:16] = b"\xf0\0\xfc"  # no least segmentation, no kind of parallel decoding promised
        head[19:21] = b"\0\0"  # average rate: not told
        arrays = [(first, units + other.units(first & 63)) for first, units in self.arrays]
        return Hevc(bytes(head), tuple(arrays))


def renumber_slice(unit: bytes, pps: int) -> bytes:
    """A slice of HEVC that refers to picture parameter set 0, made to refer to set `pps` (15–30): one byte longer,
    all its other bits where they were.

    Raises:
        RenderFailed: it refers to another set.
    """
    start = 2 if 16 <= unit[0] >> 1 & 63 <= 23 else 1  # bits before the number: key pictures have one flag more
    if not unit[2] >> 7 - start & 1:
        raise RenderFailed("The new pictures refer to parameters that were not expected.")
    rest = 7 - start
    first = unit[2] >> 8 - start << 16 - start
    word = first | pps + 1 << rest | unit[2] & (1 << rest) - 1
    return escaped(unit[:2] + word.to_bytes(2, "big") + unescaped(unit[3:], unit[2]))


def unescaped(payload: bytes, before: int = 1) -> bytes:
    """A NAL unit's bytes without emulation prevention; `before`: the byte in front of them (not 0)."""
    assert before
    return re.sub(rb"\0\0\x03", rb"\0\0", payload)


def escaped(unit: bytes) -> bytes:
    """The same bytes with emulation prevention where it is needed."""
    return re.sub(rb"\0\0(?=[\0-\x03]|\Z)", b"\0\0\x03", unit)


def bits(unit: bytes) -> str:
    """The payload of an HEVC NAL unit as ``0`` and ``1``."""
    payload = unescaped(unit[2:])
    return f"{int.from_bytes(payload, 'big'):0{8 * len(payload)}b}"


def _unit(header: bytes, code: str) -> bytes:
    """A parameter set from its bits; its stop bit is the last 1, after which it is filled up to a whole byte."""
    code = code[: code.rindex("1") + 1]
    code += "0" * (-len(code) % 8)
    return escaped(header + int(code, 2).to_bytes(len(code) // 8, "big"))


def _sps_number(code: str) -> tuple[int, int, int]:
    """A sequence parameter set's number, and where its code starts and ends: behind profile, tier and level of the
    whole (96 bits) and of each sub-layer (H.265, 7.3.3)."""
    layers = int(code[4:7], 2)
    at = 8 + 96
    if layers:
        told = [code[at + 2 * i : at + 2 * i + 2] for i in range(layers)]
        at += 16 + sum(88 * int(flags[0]) + 8 * int(flags[1]) for flags in told)
    number, end = _exp_golomb(code, at)
    return number, at, end


def _exp_golomb(code: str, at: int) -> tuple[int, int]:
    """An unsigned Exp-Golomb number and where it ends."""
    zeros = code.index("1", at) - at
    end = at + 2 * zeros + 1
    return int(code[at + zeros : end], 2) - 1, end


def _golomb_code(number: int) -> str:
    code = f"{number + 1:b}"
    return "0" * (len(code) - 1) + code


def _golomb(data: bytes) -> int:
    """The first unsigned Exp-Golomb number of a bit string."""
    code = "".join(f"{byte:08b}" for byte in data[:9])
    return _exp_golomb(code, 0)[0] if "1" in code else 0


def _sets(box: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    """`count` units with their lengths before them, and where they end."""
    found = []
    for _ in range(count):
        (size,) = struct.unpack_from(">H", box, at)
        found.append(box[at + 2 : at + 2 + size])
        at += 2 + size
    return tuple(found), at


def _written(units: tuple[bytes, ...]) -> bytes:
    return b"".join(struct.pack(">H", len(one)) + one for one in units)
