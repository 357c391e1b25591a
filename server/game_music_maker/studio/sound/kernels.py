"""Filtering, resampling and transforms by scipy's compiled kernels, without the second that importing it all costs.

``import scipy.signal`` brings scipy.stats, optimize and interpolate along, ``scipy.fft`` brings scipy.special, in every
worker process. The kernels used here are small extension modules inside the package; they are loaded by their files as
this module is imported (an extension cannot be loaded twice, and two threads may want it at the same moment). Where a
scipy lays them out otherwise, public functions take their place: slower, the same samples (held by
tests/studio/sound/test_kernels.py).
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from math import gcd
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LONG = 1 << 17


def _extension(package: str, name: str, wanted: str) -> ModuleType | None:
    """An extension module of scipy's `package` by its file, or None where it is not there or has no `wanted`."""
    found = importlib.util.find_spec("scipy")
    for folder in (found.submodule_search_locations or []) if found else []:
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            path = Path(folder).joinpath(*package.split("."), f"{name}{suffix}")
            if not path.is_file():
                continue
            try:
                spec = importlib.util.spec_from_file_location(f"scipy.{package}.{name}", path)
                if spec is None or spec.loader is None:
                    return None
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
            except ImportError:
                return None
            return module if hasattr(module, wanted) else None
    return None


_SECOND_ORDER = _extension("signal", "_sosfilt", "_sosfilt")
_POLYPHASE = _extension("signal", "_upfirdn_apply", "_apply")
_POCKET = _extension("fft._pocketfft", "pypocketfft", "r2c")


def sosfilt(sections: Array, wave: Array, state: Array | None = None) -> tuple[Array, Array]:
    """Second-order sections along the last axis.

    Args:
        sections: shape (k, 6). wave: shape (…, n). state: shape (k, …, 2), from rest where None.

    Returns:
        the filtered wave in the common type of all three, and the state after it.
    """
    count = len(sections)
    if state is None:
        state = np.zeros((count, *wave.shape[:-1], 2), wave.dtype)
    if _SECOND_ORDER is None:
        from scipy import signal

        found, after = signal.sosfilt(sections, wave, axis=-1, zi=state)
        return np.asarray(found), np.asarray(after)
    kind = np.result_type(sections, wave, state)
    rows = np.array(wave, kind, order="C", copy=True).reshape(-1, wave.shape[-1])
    inner = np.array(np.moveaxis(state, 0, -2), kind, order="C", copy=True)
    flat = inner.reshape(-1, count, 2)
    kernel, given = _SECOND_ORDER._sosfilt, np.ascontiguousarray(sections, kind)
    if len(rows) == 2 and rows.shape[1] >= _LONG:
        # The kernel lets go of the interpreter lock: both ears of a long sound are filtered at the same time.
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda i: kernel(given, rows[i : i + 1], flat[i : i + 1]), range(2)))
    else:
        kernel(given, rows, flat)
    return rows.reshape(wave.shape), np.moveaxis(flat.reshape(inner.shape), -2, 0)


def sosfiltfilt(sections: Array, wave: Array, margin: int) -> Array:
    """Forwards and backwards, so without delay; the ends are mirrored over `margin` frames."""
    margin = min(margin, len(wave) - 1)
    ends = 2 * wave[0] - wave[margin:0:-1], 2 * wave[-1] - wave[-2 : -margin - 2 : -1]
    long = np.concatenate([ends[0], wave, ends[1]])
    once, _ = sosfilt(sections, long)
    twice, _ = sosfilt(sections, once[::-1])
    return np.asarray(twice[::-1][margin : margin + len(wave)])


def lowpass_taps(count: int, cutoff: float, beta: float) -> NDArray[np.float64]:
    """A windowed-sinc low-pass of `count` taps (odd) with unit gain at 0 Hz; `cutoff` as a share of half the rate."""
    at = np.arange(count) - (count - 1) / 2
    taps = cutoff * np.sinc(cutoff * at) * np.kaiser(count, beta)
    return np.asarray(taps / taps.sum())


def resample_poly(wave: Array, up: int, down: int, window: Array) -> Array:
    """`up`/`down` output frames for each input frame along the last axis, without delay: shape (…, ceil(n · up/down)).

    Args:
        wave: shape (…, n), float32 or float64. window: odd number of taps at `up` times the rate.
    """
    shared = gcd(up, down)
    up, down = up // shared, down // shared
    if up == down:
        return wave.copy()
    if _POLYPHASE is None:
        from scipy import signal

        return np.asarray(signal.resample_poly(wave, up, down, axis=-1, window=window))
    n = wave.shape[-1]
    half = (len(window) - 1) // 2
    before = down - half % down
    first = (half + before) // down
    wanted = -(-n * up // down)
    after = 0
    while _length(len(window) + before + after, n, up, down) < wanted + first:
        after += 1
    taps = np.concatenate([np.zeros(before), window * up, np.zeros(after)]).astype(wave.dtype)
    out = np.zeros((*wave.shape[:-1], _length(len(taps), n, up, down)), wave.dtype)
    padded = np.concatenate([taps, np.zeros(-len(taps) % up, wave.dtype)])
    turned = np.ascontiguousarray(padded.reshape(-1, up).T[:, ::-1].ravel())
    mode = _POLYPHASE.mode_enum("constant")
    _POLYPHASE._apply(np.ascontiguousarray(wave), turned, out, up, down, wave.ndim - 1, mode, 0)
    return out[..., first : first + wanted]


def _length(taps: int, n: int, up: int, down: int) -> int:
    """Frames that upsampling, filtering and downsampling give."""
    return (((n - 1) * up + taps) - 1) // down + 1


def rfft(wave: Array, n: int) -> NDArray[np.complex64]:
    """The spectrum of a float32 wave, shape (m,), m ≤ n, filled up with zeros to `n` frames, shape (n // 2 + 1,).

    numpy gives the same in three times the time.
    """
    padded = np.zeros(n, np.float32)
    padded[: len(wave)] = wave
    if _POCKET is None:
        return np.asarray(np.fft.rfft(padded), np.complex64)
    return np.asarray(_POCKET.r2c(padded, (0,), True, 0, None, 1))


def spectra(rows: Array) -> NDArray[np.complex64]:
    """The spectrum of each row of float32 frames, shape (rows, n // 2 + 1), in half of numpy's time."""
    if _POCKET is None:
        return np.asarray(np.fft.rfft(rows, axis=1), np.complex64)
    return np.asarray(_POCKET.r2c(rows, (1,), True, 0, None, 1))


def fast_length(least: int) -> int:
    """The smallest even number from `least` on without a prime factor above 5: lengths that transforms are fast at."""
    best = 1 << max(1, (least - 1).bit_length())
    fives = 1
    while fives < best:
        threes = fives
        while threes < best:
            twos = max(1, -(-least // (2 * threes)) - 1).bit_length() if least > 2 * threes else 0
            best = min(best, 2 * threes << twos)
            threes *= 3
        fives *= 5
    return best


def peaks(values: NDArray[np.float64], height: float, distance: int) -> list[int]:
    """Places of local maxima of at least `height`, the higher first where two are nearer than `distance`."""
    inner = (values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:]) & (values[1:-1] >= height)
    kept: list[int] = []
    for at in sorted(np.flatnonzero(inner) + 1, key=lambda i: (-values[i], i)):
        if all(abs(int(at) - other) >= distance for other in kept):
            kept.append(int(at))
    return sorted(kept)
