"""Samples of HEVC made fit to stand beside others: newly encoded ones under parameter sets of their own, and a
clip's key pictures where what went before them is gone (ITU-T H.265, 7.4.2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import RenderFailed
from .mp4 import Samples
from .parameters import Hevc, renumber_slice

CRA, BLA_N_LP = 21, 18
_KEY_TYPES = range(16, 22)
_FIRST_NOT_PICTURE = 32


def key_types(table: Samples) -> NDArray[np.int64]:
    """For each sample the NAL unit type of its picture where it is a random access point, else −1."""
    found = np.full(len(table.size), -1, dtype=np.int64)
    with table.path.open("rb") as file:
        for i in np.flatnonzero(table.key):
            file.seek(int(table.offset[i]))
            kinds = (unit[0] >> 1 & 63 for unit in _units(file.read(int(table.size[i]))))
            kind = next((kind for kind in kinds if kind < _FIRST_NOT_PICTURE), -1)
            found[i] = kind if kind in _KEY_TYPES else -1
    return found


def renumbered(made: Samples, numbers: tuple[int, int, int], out: Path) -> Samples:
    """Newly encoded samples with other numbers of parameter sets, written to `out`.

    Raises:
        RenderFailed: they are not as the encoder makes them.
    """
    assert isinstance(made.config, Hevc)
    config = made.config.renumbered(*numbers)

    def change(unit: bytes) -> bytes:
        return renumber_slice(unit, numbers[2]) if unit[0] >> 1 & 63 < _FIRST_NOT_PICTURE else unit

    return replace(_rewritten(made, np.arange(len(made.size)), change, out), config=config)


def broken_link(table: Samples, sample: int, out: Path) -> Samples:
    """One key picture (CRA) of a clip, renamed to BLA in its NAL headers: "what I could refer to before me is gone".
    It is what the standard asks of a splice; the picture stays as it is."""

    def change(unit: bytes) -> bytes:
        return bytes([unit[0] & 0x81 | BLA_N_LP << 1]) + unit[1:] if unit[0] >> 1 & 63 == CRA else unit

    return _rewritten(table, np.array([sample]), change, out)


def _rewritten(table: Samples, which: NDArray[np.int64], change: Callable[[bytes], bytes], out: Path) -> Samples:
    sizes: list[int] = []
    with table.path.open("rb") as file, out.open("wb") as target:
        for i in which:
            file.seek(int(table.offset[i]))
            units = [change(unit) for unit in _units(file.read(int(table.size[i])))]
            sizes.append(target.write(b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)))
    size = np.array(sizes, dtype=np.int64)
    ends = np.cumsum(size)
    return replace(table, path=out, offset=ends - size, size=size, pts=table.pts[which], key=table.key[which])


def _units(sample: bytes) -> Iterator[bytes]:
    at = 0
    while at + 4 < len(sample):
        size = int.from_bytes(sample[at : at + 4], "big")
        if size < 2 or at + 4 + size > len(sample):
            raise RenderFailed("A picture of the clip is damaged.")
        yield sample[at + 4 : at + 4 + size]
        at += 4 + size
