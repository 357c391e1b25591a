"""A look-ahead true-peak limiter as a curve on a coarse grid: no recursion, so it may wrap around a loop.

The gain needed around each peak (four times oversampled) is widened by a running minimum and smoothed by a window no
longer than that, so that it has arrived in full when the peak comes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from . import loudness, windows
from .dsp import db

Floats = NDArray[np.float32]
Read = Callable[[int, int], Floats]

HOP = 32
_WINDOW_S = 0.06
_MARGIN_DB = 0.05
_PIECE = 1 << 12


class Limiter:
    """The limiter for one sound of `frames`, read by `read(first, last)` in pieces of shape (n, 2); `wrap` joins its
    end to its start."""

    def __init__(self, read: Read, frames: int, rate: int, *, wrap: bool = False) -> None:
        self._read, self._frames, self._wrap = read, frames, wrap
        self._half = max(2, round(_WINDOW_S * rate / HOP / 2))
        cells = max(1, frames // HOP)
        self._peaks = np.zeros(cells, np.float32)
        for at in range(0, cells, _PIECE):
            last = min(cells, at + _PIECE)
            piece = read(at * HOP, frames if last == cells else last * HOP)
            tops = np.maximum(np.abs(piece[:, 0]), np.abs(piece[:, 1]))
            self._peaks[at:last] = np.maximum.reduceat(tops, np.arange(last - at) * HOP)
        self._fine = np.zeros(cells, bool)
        self._lower: list[tuple[int, int, float]] = []
        self._curve: Floats = np.ones(cells, np.float32)
        self.deepest_db = 0.0

    def lower(self, first: int, last: int, by_db: float) -> None:
        """Have the highest peak from frame `first` to `last` come out `by_db` lower than it would without this call."""
        self._lower.append((max(0, first // HOP), max(0, last // HOP) + 1, db(-by_db)))

    def aim(self, gain_db: float, ceiling_dbtp: float) -> None:
        """Work out the curve for the sound at `gain_db` under `ceiling_dbtp`."""
        ceiling = np.full(len(self._peaks), db(ceiling_dbtp - _MARGIN_DB - gain_db), np.float32)
        for first, last, factor in self._lower:
            tops = np.minimum(self._peaks[first:last], ceiling[first:last])
            ceiling[first:last] = np.minimum(ceiling[first:last], tops.max(initial=0.0) * factor)
        near = (self._peaks > 0.7 * ceiling) & ~self._fine
        for first, last in loudness.runs(near, 16):
            self._oversample(first, last)
        needed = np.minimum(1.0, ceiling / np.maximum(self._peaks, 1e-9)).astype(np.float64)
        self.deepest_db = float(20 * np.log10(needed.min()))
        if self.deepest_db < 0:
            ends: windows.Ends = "wrap" if self._wrap else "edge"
            window = np.hanning(2 * self._half + 3)[1:-1]
            widened = windows.lowest(needed, 2 * self._half + 5, ends)
            needed = windows.weighted(widened, window / window.sum(), ends)
        self._curve = needed.astype(np.float32)

    def _oversample(self, first: int, last: int) -> None:
        for at in range(first, last, 4_096):
            stop = min(last, at + 4_096)
            low, high = max(0, (at - 1) * HOP), min(self._frames, (stop + 1) * HOP)
            fine = loudness.oversampled(np.ascontiguousarray(self._read(low, high).T))
            tops = np.maximum.reduceat(fine, np.arange(0, len(fine), 4 * HOP))
            cells = np.minimum(low // HOP + np.arange(len(tops)), len(self._peaks) - 1)
            np.maximum.at(self._peaks, cells, tops)
            self._fine[at:stop] = True

    def gain(self, at: int, n: int) -> Floats:
        """The factor at frames `at` … `at + n`, shape (n,)."""
        if self.deepest_db >= 0:
            return np.ones(n, np.float32)
        cells = len(self._curve)
        if not self._wrap or (at >= HOP and at + n <= (cells - 1) * HOP):
            return windows.lines(self._curve, HOP, at, n)
        near = np.arange(at // HOP - 2, (at + n) // HOP + 3)
        # The last cell is longer: cells beyond either end lie a whole pass away.
        away = np.floor_divide(near, cells) * (self._frames - cells * HOP)
        middles = near.astype(np.float64) * HOP + HOP / 2 + away
        return np.interp(np.arange(at, at + n), middles, self._curve[near % cells]).astype(np.float32)

    def apply(self, block: Floats, at: int) -> None:
        """Multiply `block`, shape (n, 2), by the factor at frames `at` …, in place."""
        factor = self.gain(at, len(block))
        if factor.min() < 1:
            block *= factor[:, None]

    def powers(self, hop: int, count: int) -> NDArray[np.float64]:
        """Mean square of the curve in each of `count` spans of `hop` frames."""
        sums = np.concatenate([[0.0], np.cumsum(np.square(self._curve, dtype=np.float64))])
        edges = np.minimum(np.arange(count + 1) * hop / HOP, len(self._curve)).astype(int)
        found: NDArray[np.float64] = np.diff(sums[edges]) / np.maximum(1, np.diff(edges))
        return np.where(np.diff(edges) > 0, found, 1.0)
