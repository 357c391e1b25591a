"""Moving windows over curves: means, extremes, percentiles. numpy alone, because ``import scipy.ndimage`` costs a
worker a quarter of a second.

A window of even length reaches one value further back than ahead; where it is weighted, ahead than back.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
_Kind = TypeVar("_Kind", bound=np.generic)
Ends = Literal["edge", "wrap"]
"""What lies beyond the ends: the last value there, or the curve again from its other end."""

_ROWS = 1_024


def _padded(values: NDArray[_Kind], size: int, ends: Ends) -> NDArray[_Kind]:
    """`values` with what a window of `size` sees beyond them."""
    padded: NDArray[_Kind] = np.pad(values, (size // 2, size - 1 - size // 2), mode=ends)
    return padded


def weighted(values: Doubles, window: Doubles, ends: Ends = "edge") -> Doubles:
    """Sums of the values around each place, weighted by the symmetric `window`, shape (n,)."""
    half = (len(window) - 1) // 2
    return np.convolve(np.pad(values, (half, len(window) - 1 - half), mode=ends), window, mode="valid")


def lowest(values: NDArray[_Kind], size: int, ends: Ends = "edge") -> NDArray[_Kind]:
    """The lowest of `size` values around each place, shape (n,); flags count as 0 and 1."""
    return _extreme(np.minimum, values, size, ends)


def highest(values: NDArray[_Kind], size: int, ends: Ends = "edge") -> NDArray[_Kind]:
    """The highest of `size` values around each place, shape (n,); flags count as 0 and 1."""
    return _extreme(np.maximum, values, size, ends)


def _extreme(pick: Any, values: NDArray[_Kind], size: int, ends: Ends) -> NDArray[_Kind]:
    found = _padded(values, size, ends)
    width = 1
    while width < size:
        step = min(width, size - width)
        found = pick(found[:-step], found[step:])
        width += step
    return found


def lines(values: NDArray[np.float32], hop: int, at: int, n: int) -> NDArray[np.float32]:
    """Straight lines between the middles of cells of `hop` frames (even), level beyond the first and the last one: the
    curve at frames `at` … `at + n`, shape (n,)."""
    half = hop // 2
    first, last = (at - half) // hop, -(-(at + n - half) // hop)
    near = values[np.clip(np.arange(first, last + 1), 0, len(values) - 1)]
    if not np.ptp(near):
        return np.full(n, near[0], np.float32)
    ramp = np.arange(hop, dtype=np.float32) / np.float32(hop)
    found: NDArray[np.float32] = (near[:-1, None] + np.diff(near)[:, None] * ramp).ravel()
    skip = at - half - first * hop
    return found[skip : skip + n]


def without_blips(flags: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """`flags` with runs shorter than `size` (odd) taken out."""
    return highest(lowest(np.pad(flags, size), size), size)[size:-size]


def without_gaps(flags: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """`flags` with gaps shorter than `size` (odd) closed; none at the ends."""
    return lowest(highest(np.pad(flags, size), size), size)[size:-size]


def percentile(values: NDArray[np.float32], share: float, size: int) -> NDArray[np.float32]:
    """The value below which `share` (0–1) of the `size` values around each place lie, shape (n,)."""
    rows = np.lib.stride_tricks.sliding_window_view(_padded(values, size, "edge"), size)
    rank = int(size * share)
    parts = [np.partition(rows[at : at + _ROWS], rank, axis=1)[:, rank] for at in range(0, len(rows), _ROWS)]
    return np.concatenate(parts)
