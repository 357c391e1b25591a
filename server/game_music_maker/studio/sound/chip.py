"""Voices of an early sound chip: two pulses, a triangle, a noise channel that plays General MIDI percussion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import oscillators as osc

Floats = NDArray[np.float32]

_STEPS = 15
"""Volumes of the chip: 4 bits."""


def pulse(key: float, n: int, rate: int, width: float) -> Floats:
    """A pulse voice: a brighter first 18 ms, a volume that falls in steps, vibrato on long notes."""
    hz = osc.hertz(key)
    t = np.arange(n, dtype=np.float32) / rate
    swing = np.clip((t - 0.35) / 0.25, 0, 1) * 14 * np.sin(2 * np.pi * 6.0 * t)
    at = osc.phase(n, rate, hz, swing.astype(np.float32))
    top = osc.partials(hz)
    wave = osc.read(osc.pulse(top, width), at)
    k = min(n, round(0.018 * rate))
    wave[:k] = osc.read(osc.pulse(top, width / 2), at[:k])
    return np.asarray(wave * _steps(0.62 + 0.38 * np.exp(-t / 0.16)) * 0.25, np.float32)


def triangle(key: float, n: int, rate: int) -> Floats:
    """The chip's bass: a triangle at full volume, with a short fall into the note."""
    hz = osc.hertz(key)
    t = np.arange(n, dtype=np.float32) / rate
    fall = (60 * np.exp(-t / 0.006)).astype(np.float32)
    return osc.read(osc.stepped_triangle(osc.partials(hz)), osc.phase(n, rate, hz, fall)) * np.float32(0.3)


_DRUMS: dict[int, tuple[float, float, float, float]] = {
    35: (0.10, 0.06, 130, 4_000),
    36: (0.11, 0.05, 150, 5_000),
    37: (0.00, 0.03, 0, 14_000),
    38: (0.05, 0.14, 230, 11_000),
    39: (0.00, 0.10, 0, 9_000),
    40: (0.05, 0.12, 260, 12_000),
    41: (0.16, 0.03, 110, 5_000),
    42: (0.00, 0.028, 0, 40_000),
    43: (0.15, 0.03, 130, 5_000),
    44: (0.00, 0.035, 0, 36_000),
    45: (0.14, 0.03, 155, 5_000),
    46: (0.00, 0.16, 0, 38_000),
    47: (0.13, 0.03, 180, 5_000),
    48: (0.12, 0.03, 215, 5_000),
    49: (0.00, 0.55, 0, 42_000),
    50: (0.11, 0.03, 250, 5_000),
    51: (0.00, 0.22, 0, 44_000),
    53: (0.00, 0.18, 0, 48_000),
    54: (0.00, 0.07, 0, 46_000),
    55: (0.00, 0.32, 0, 46_000),
    57: (0.00, 0.50, 0, 38_000),
    116: (0.20, 0.03, 90, 3_000),
}
"""Percussion key → fall of the tone s, fall of the noise s, tone Hz at the start (0 none), clock of the noise Hz."""
_DRUM_SECONDS = 6.0


def drum(key: int, n: int, rate: int) -> Floats:
    """A percussion key on the noise channel (with the triangle's drop for drums that have a pitch)."""
    tone_s, noise_s, hz, clock = _DRUMS.get(key, (0.0, 0.05, 0.0, 18_000.0 + 300.0 * (key % 32)))
    n = min(n, round(_DRUM_SECONDS * max(tone_s, noise_s) * rate))
    t = np.arange(n, dtype=np.float32) / rate
    hiss = osc.sampled_noise(n, rate, clock, seed=4_000 + key) * np.exp(-t / noise_s)
    wave = _steps(np.abs(hiss)) * np.sign(hiss) * np.float32(0.16)
    if hz:
        drop = osc.phase(n, rate, hz, (-2_400 * (1 - np.exp(-t / 0.05))).astype(np.float32))
        wave += osc.read(osc.triangle(40), drop) * np.exp(-t / tone_s) * np.float32(0.4)
    return wave.astype(np.float32)


def _steps(level: NDArray[Any]) -> Floats:
    return np.asarray(np.round(level * _STEPS) / _STEPS, np.float32)
