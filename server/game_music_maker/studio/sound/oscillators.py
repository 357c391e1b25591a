"""Band-limited waves: single cycles with no partial above the audible band, read at any pitch.

A cycle is built from its Fourier series up to the highest partial that fits, so nothing folds back (wavetable synthesis
as in R. Bristow-Johnson, "Wavetable Synthesis 101", AES 1996).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_TABLE = 4096
_TOP_HZ = 19_000.0


def hertz(key: float) -> float:
    """Frequency of a MIDI key, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((key - 69) / 12))


def phase(n: int, rate: int, hz: float, cents: Floats | float = 0.0, start: float = 0.0) -> Doubles:
    """Phase in cycles at each frame, shape (n,), with `cents` of pitch movement (a number or shape (n,))."""
    step = hz / rate * np.exp2(np.asarray(cents, np.float64) / 1200)
    if step.ndim == 0:
        return np.asarray(start + np.arange(n) * float(step), np.float64)
    found: Doubles = start + np.cumsum(step) - step[0]
    return found


def read(table: Floats, at: Doubles) -> Floats:
    """One cycle (4096 points and the first again) read at phases in cycles, with straight lines between its points."""
    place = at * _TABLE
    whole = np.floor(place)
    i = whole.astype(np.int64) & (_TABLE - 1)
    place -= whole
    found: Floats = table[i] + np.diff(table)[i] * place.astype(np.float32)
    return found


def partials(hz: float) -> int:
    return max(1, min(_TABLE // 2 - 1, int(_TOP_HZ / hz)))


@lru_cache(maxsize=256)
def saw(top: int) -> Floats:
    """A rising saw of `top` partials, one cycle, shape (4097,)."""
    return _cycle(top, lambda k: -2j / (np.pi * k))


@lru_cache(maxsize=256)
def pulse(top: int, width: float) -> Floats:
    """A pulse that is high for `width` of its cycle, without its mean."""

    def series(k: NDArray[np.int64]) -> NDArray[Any]:
        return np.asarray(4 / (np.pi * k) * np.sin(np.pi * k * width) * np.exp(-1j * np.pi * k * width))

    return _cycle(top, series)


@lru_cache(maxsize=256)
def triangle(top: int) -> Floats:
    return _cycle(top, lambda k: np.where(k % 2 == 1, -8j / (np.pi * k) ** 2 * (-1.0) ** ((k - 1) // 2), 0))


@lru_cache(maxsize=256)
def stepped_triangle(top: int) -> Floats:
    """A triangle of 16 levels as sound chips make it (the steps are its edge), up to `top` partials."""
    ramp = np.abs(np.arange(_TABLE) / _TABLE * 2 - 1) * 2 - 1
    spectrum = np.fft.rfft(np.round(ramp * 7.5) / 7.5)
    spectrum[top + 1 :] = 0
    cycle = np.fft.irfft(spectrum, _TABLE)
    return np.concatenate([cycle, cycle[:1]]).astype(np.float32)


def _cycle(top: int, series: Callable[[NDArray[np.int64]], NDArray[Any]]) -> Floats:
    k = np.arange(1, top + 1)
    spectrum = np.zeros(_TABLE // 2 + 1, np.complex128)
    # The last partials are eased in height, which takes the ripple off the edges.
    ease = np.cos(np.pi / 2 * np.clip((k / top - 0.8) / 0.2, 0, 1) * 0.9)
    spectrum[1 : top + 1] = series(k) * ease * _TABLE / 2
    cycle = np.fft.irfft(spectrum, _TABLE)
    return np.concatenate([cycle, cycle[:1]]).astype(np.float32)


def noise(n: int, seed: int) -> Floats:
    """White noise, shape (n,), unit power, the same for equal seeds."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    return rng.standard_normal(n, dtype=np.float32)


def sampled_noise(n: int, rate: int, clock_hz: float, seed: int) -> Floats:
    """Two-level noise that changes at `clock_hz`, as a sound chip's shift register gives it, shape (n,)."""
    steps = int(n * clock_hz / rate) + 2
    rng = np.random.Generator(np.random.Philox(key=seed))
    bits = rng.integers(0, 2, steps).astype(np.float32) * 2 - 1
    found: Floats = bits[(np.arange(n) * (clock_hz / rate)).astype(np.int64)]
    return found
