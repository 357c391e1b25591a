"""Small filters and curves shared by the voices and the mixer. Arrays are float32 unless said otherwise."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import cos, pi, sin, sqrt, tan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import kernels

Floats = NDArray[np.float32]
Sections = NDArray[np.float32]
"""Second-order sections, shape (k, 6)."""

Kind = Literal["lowpass", "highpass", "peak", "lowshelf", "highshelf"]


def db(value: float) -> float:
    """A level in dB as an amplitude factor."""
    return float(10.0 ** (value / 20.0))


def to_db(value: float, floor: float = -200.0) -> float:
    """An amplitude factor in dB, not below `floor`."""
    return float(max(floor, 20.0 * np.log10(value))) if value > 0 else floor


def biquad(kind: Kind, rate: int, hz: float, *, gain_db: float = 0.0, q: float = 0.7071) -> Sections:
    """One second-order section, shape (1, 6), after R. Bristow-Johnson's "Cookbook formulae for audio EQ"."""
    w = 2 * pi * min(hz, 0.49 * rate) / rate
    c, alpha, a = cos(w), sin(w) / (2 * q), 10 ** (gain_db / 40)
    if kind == "lowpass":
        b0, b1, b2, a0, a1, a2 = (1 - c) / 2, 1 - c, (1 - c) / 2, 1 + alpha, -2 * c, 1 - alpha
    elif kind == "highpass":
        b0, b1, b2, a0, a1, a2 = (1 + c) / 2, -(1 + c), (1 + c) / 2, 1 + alpha, -2 * c, 1 - alpha
    elif kind == "peak":
        b0, b1, b2 = 1 + alpha * a, -2 * c, 1 - alpha * a
        a0, a1, a2 = 1 + alpha / a, -2 * c, 1 - alpha / a
    else:
        sign, root = (1, 2 * sqrt(a) * alpha) if kind == "lowshelf" else (-1, 2 * sqrt(a) * alpha)
        b0 = a * ((a + 1) - sign * (a - 1) * c + root)
        b1 = sign * 2 * a * ((a - 1) - sign * (a + 1) * c)
        b2 = a * ((a + 1) - sign * (a - 1) * c - root)
        a0 = (a + 1) + sign * (a - 1) * c + root
        a1 = sign * -2 * ((a - 1) + sign * (a + 1) * c)
        a2 = (a + 1) + sign * (a - 1) * c - root
    return np.array([[b0 / a0, b1 / a0, b2 / a0, 1.0, a1 / a0, a2 / a0]], dtype=np.float32)


def mono(sound: Floats) -> Floats:
    """The mean of the channels of `sound`, shape (n, 2) or (n,): columns added, which is far quicker than a mean over
    rows of two."""
    return (sound[:, 0] + sound[:, 1]) * np.float32(0.5) if sound.ndim == 2 else sound


def first_highpass(rate: int, hz: float) -> Sections:
    """A first-order high-pass as a section, shape (1, 6): what it passes may be added back as a shelf."""
    k = tan(pi * hz / rate)
    return np.array([[1 / (1 + k), -1 / (1 + k), 0, 1, (k - 1) / (k + 1), 0]], dtype=np.float32)


def run(sections: Sections, wave: Floats) -> Floats:
    """Filter along the last axis from rest."""
    if not len(sections) or wave.shape[-1] == 0:
        return wave
    found: Floats = kernels.sosfilt(sections, wave)[0].astype(np.float32, copy=False)
    return found


def resample(wave: Floats, ratio: float) -> Floats:
    """`ratio` output frames for each input frame, band-limited, without delay, shape (ceil(n · ratio),).

    A polyphase windowed sinc; the ratio is taken as the smallest fraction within 0.2 cent.
    """
    up, down = _fraction(ratio)
    if up == down or up == 0:
        return wave
    found: Floats = kernels.resample_poly(wave, up, down, _sinc(up, down)).astype(np.float32, copy=False)
    return found


def _fraction(ratio: float) -> tuple[int, int]:
    for limit in (100, 200, 400, 800, 1_600, 3_200):
        share = Fraction(ratio).limit_denominator(max(1, int(limit / max(1.0, ratio))))
        if abs(share / ratio - 1) < 0.2 / 1_731:
            break
    return share.numerator, share.denominator


@lru_cache(maxsize=512)
def _sinc(up: int, down: int) -> Floats:
    widest = max(up, down)
    taps = kernels.lowpass_taps(2 * 9 * widest + 1, 0.96 / widest, 5.6)
    return np.asarray(taps, dtype=np.float32)


def warp(wave: Floats, cents: Floats) -> Floats:
    """Read `wave` with its pitch moved by `cents` at each output frame (cubic Hermite); as long as `cents`, or until
    the wave ends."""
    step = np.exp2(cents.astype(np.float64) / 1200)
    at = np.cumsum(step) - step[0]
    at = at[: int(np.searchsorted(at, len(wave)))]
    i = at.astype(np.int64)
    f = (at - i).astype(np.float32)
    padded = np.concatenate([wave[:1], wave, np.zeros(3, np.float32)])
    a, b, c, d = padded[i], padded[i + 1], padded[i + 2], padded[i + 3]
    cubic, square, line = (d - a) * 0.5 + 1.5 * (b - c), a - 2.5 * b + 2 * c - 0.5 * d, (c - a) * 0.5
    found: Floats = ((cubic * f + square) * f + line) * f + b
    return found
