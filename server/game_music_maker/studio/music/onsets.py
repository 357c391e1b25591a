"""Onsets in rendered sound, by spectral flux (Bello et al., "A Tutorial on Onset Detection in Music Signals", 2005)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..sound import kernels

Floats = NDArray[np.float64]
_WINDOW = 1024
_HOP = 240


def onsets(mix: NDArray[np.float32], rate: int) -> tuple[Floats, Floats]:
    """Times in seconds and strengths of the onsets in `mix`, shape (n, 2) or (n,), −1 … 1.

    A frame is an onset where its flux is the highest within 50 ms and stands over the local mean.
    """
    ears = mix if mix.ndim == 2 else mix[:, None]
    padded = np.zeros(_WINDOW // 2 + len(ears) + _WINDOW, np.float32)
    mono = padded[_WINDOW // 2 : _WINDOW // 2 + len(ears)]
    np.add(ears[:, 0], ears[:, -1], out=mono)
    mono *= np.float32(0.5)
    flux = _flux(padded)
    if not len(flux) or flux.max() <= 0:
        return np.zeros(0), np.zeros(0)
    reach = max(1, round(0.05 * rate / _HOP))
    local = np.convolve(flux, np.ones(4 * reach + 1) / (4 * reach + 1), "same")
    peaks = [
        i
        for i in range(1, len(flux) - 1)
        if flux[i] > 1.3 * local[i] and flux[i] >= flux[max(0, i - reach) : i + reach + 1].max()
    ]
    index = np.array(peaks, dtype=np.int64)
    # The window's centre stands a quarter of its length behind an attack when the flux is highest.
    times = np.maximum(0.0, (index * _HOP + _WINDOW * 0.16) / rate)
    return times, flux[index] if len(index) else np.zeros(0)


def _flux(sound: NDArray[np.float32]) -> Floats:
    """Rising log magnitude from frame to frame, summed over the bands, in blocks that keep memory small."""
    count = max(0, (len(sound) - _WINDOW) // _HOP)
    window = np.hanning(_WINDOW).astype(np.float32)
    out = np.zeros(count)
    before: NDArray[np.float32] | None = None
    for start in range(0, count, 2048):
        stop = min(count, start + 2048)
        rows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[start * _HOP : (stop - 1) * _HOP + 1 : _HOP]
        bands = np.log1p(40 * np.abs(kernels.spectra(rows * window)))
        first = bands[:1] if before is None else before
        rising = np.diff(np.concatenate([first, bands]), axis=0)
        out[start:stop] = np.maximum(rising, 0).sum(axis=1)
        before = bands[-1:]
    return out


def strong(times: Floats, strengths: Floats, share: float = 0.75) -> Floats:
    """Times of the onsets whose strength is at least the given quantile of all."""
    if not len(times):
        return times
    return times[strengths >= np.quantile(strengths, share)]
