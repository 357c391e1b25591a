"""Where a clip probably cuts, by the sizes of its packets alone: nothing is decoded. Pure numpy.

An encoder spends many bytes on a frame that its neighbours do not foretell, and many encoders start a group of
pictures there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .packets import Packets

SPIKE = 2.2
APART = 8
STEP = 1.3
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Table:
    """Packets in order of showing.

    Attributes:
        times: seconds. size: bytes. key: key frames. order: place of each in decoding order.
        spike: size against that of the frames around. step: change of the level there, in powers of two.
        irregular: key frames where no rhythm asks for one.
    """

    times: Doubles
    size: Doubles
    key: Bools
    order: NDArray[np.int64]
    spike: Doubles
    step: Doubles
    irregular: Bools


def make_table(stream: Packets) -> Table:
    """Packets sorted by time, with what stands out marked."""
    shown = np.flatnonzero(stream.shown)
    by_time = shown[np.argsort(stream.pts[shown], kind="stable")]
    size = stream.size[by_time].astype(np.float64)
    key = stream.key[by_time]
    times = stream.seconds[by_time]
    spike, step = _spikes(size, key)
    return Table(times, size, key, by_time.astype(np.int64), spike, step, _irregular(key))


def _levels(size: Doubles, key: Bools, reach: int) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """For each packet the larger sizes (80th percentile) and the mean of the `reach` non-key packets
    before and after."""
    padded = np.pad(np.where(key, np.nan, size), reach, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach)
    counts = (~np.isnan(windows)).sum(axis=1)
    ordered = np.sort(windows, axis=1)
    at = np.minimum(np.maximum(counts - 1, 0), (0.8 * counts).astype(int))
    high = np.where(counts > 0, ordered[np.arange(len(ordered)), at], np.nan)
    mean = np.where(counts > 0, np.nansum(windows, axis=1) / np.maximum(counts, 1), np.nan)
    n = len(size)
    before, after = slice(0, n), slice(reach + 1, reach + 1 + n)
    return tuple(np.nan_to_num(part, nan=1e12) for part in (high[before], high[after], mean[before], mean[after]))  # type: ignore[return-value]


def _spikes(size: Doubles, key: Bools) -> tuple[Doubles, Doubles]:
    """Each size against those before and around it, and the step of the mean level there, in powers of
    two."""
    high_before, high_after, mean_before, mean_after = _levels(size, key, 12)
    _, _, near_before, near_after = _levels(size, key, 6)
    spike = size / (np.minimum(high_before, high_after) + 48.0)
    known = (mean_before < 1e11) & (mean_after < 1e11)
    step = np.log2((near_after + 64.0) / (near_before + 64.0))
    step[(near_before > 1e11) | (near_after > 1e11) | ~known] = 0.0
    lonely = size / (np.maximum(high_before, high_after) + 48.0)
    return np.where(key, spike, np.maximum(lonely, np.where(step > 1.0, spike, 0.0))), step


def _irregular(key: Bools) -> Bools:
    """Key frames that come neither at the usual distance nor at the encoder's longest one."""
    places = np.flatnonzero(key)
    marked = np.zeros(len(key), dtype=bool)
    gaps = np.diff(places)
    if not len(gaps):
        return marked
    values, counts = np.unique(gaps, return_counts=True)
    usual = int(values[counts.argmax()]) if counts.max() >= max(2, 0.5 * len(gaps)) else -10
    longest = int(gaps.max())
    full = gaps >= longest - 1
    regular = np.abs(gaps - usual) <= 1
    if (longest >= 48 and full.sum() > 1) or longest in (250, 300) or longest % 60 == 0:
        regular |= full
    regular |= places[1:] % _grid(places, len(key)) == 0
    marked[places[1:]] = ~regular
    return marked


def _grid(places: NDArray[np.int64], count: int) -> int:
    """The distance at which there is a key frame every time, whatever stands between; more than `count` if there is
    none."""
    for step in places[(places >= 24) & (places < count / 3)]:
        if np.isin(np.arange(step, count, step), places).all():
            return int(step)
    return count + 1


def find_candidates(table: Table) -> NDArray[np.int64]:
    """Places of frames that may start a shot: irregular key frames, spikes, and steps of the level; in
    order of time."""
    spiky = np.where((table.spike >= SPIKE) & ~table.key, table.spike, 0.0)
    steep = np.where(np.abs(table.step) >= STEP, np.abs(table.step), 0.0)
    score = np.where(table.irregular, 1e3, np.maximum(spiky, steep))
    found: list[int] = []
    for i in np.argsort(-score, kind="stable"):
        if score[i] <= 0:
            break
        if i > 1 and all(abs(int(i) - j) > APART for j in found):
            found.append(int(i))
    return np.array(sorted(found), dtype=np.int64)
