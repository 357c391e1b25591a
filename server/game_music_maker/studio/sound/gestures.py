"""Sounds that are gestures more than notes: risers and impacts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import dsp
from . import oscillators as osc
from .voices import sweep

Floats = NDArray[np.float32]


def riser(key: float, length: int, n: int, rate: int, side: int) -> Floats:
    """Noise and a rising tone that grow over `length` frames and break off there."""
    n = min(n, length + round(0.02 * rate))
    x = np.minimum(np.arange(n, dtype=np.float32) / max(1, length), 1)
    hiss = sweep(osc.noise(n, 61 + side), rate, (300 * (30 ** (x**1.3))).astype(np.float32), 1.4)
    hiss = dsp.run(dsp.biquad("highpass", rate, 180), hiss)
    hz = osc.hertz(key)
    rise = (2_400 * x**2 + 6 * side).astype(np.float32)
    tone = osc.read(osc.saw(osc.partials(hz * 4)), osc.phase(n, rate, hz, rise))
    tone = sweep(tone, rate, (400 + 6_000 * x**2).astype(np.float32))
    return ((0.5 * hiss + 0.25 * tone) * (0.02 + 0.98 * x**2.2) * 0.5).astype(np.float32)


def impact(key: float, n: int, rate: int, side: int) -> Floats:
    """A deep hit: a falling sine, a thud of noise, a dark inharmonic ring."""
    n = min(n, round(4.5 * rate))
    t = np.arange(n, dtype=np.float32) / rate
    low = osc.hertz(max(21, min(key, 38)))
    drop = osc.phase(n, rate, low, (1_900 * np.exp(-t / 0.045)).astype(np.float32))
    wave = np.sin(2 * np.pi * drop) * np.exp(-t / 0.75) * 0.8
    thud = dsp.run(dsp.biquad("lowpass", rate, 2_600), osc.noise(n, 71 + side)) * np.exp(-t / 0.05)
    fall = (350 + 5_000 * np.exp(-t / 0.25)).astype(np.float32)
    air = sweep(osc.noise(n, 81 + side), rate, fall) * np.exp(-t / 0.9)
    ring = sum(np.sin(2 * np.pi * low * r * t + r) * np.exp(-t / (1.4 / r**0.5)) / r for r in (2.41, 3.73, 5.19, 7.77))
    return np.asarray(wave + 0.5 * thud + 0.16 * air + 0.12 * ring, np.float32) * np.float32(0.5)
