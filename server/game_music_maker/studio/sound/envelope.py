"""The volume and modulation envelopes of SoundFont zones (specification 8.1.2, generators 25–40) as curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RANGE_DB = 96.0
"""Decay and release times run from the peak to this far below it."""
_HEARD = 0.72
"""Share of the release that is rendered: it ends 70 dB down."""
_SHORTEST_S = 0.001
_SHORTEST_RELEASE_S = 0.012


def held(n: int, rate: int, shape: tuple[float, float, float, float, float, float], shorten: float = 1.0) -> Floats:
    """The level while the key is down, shape (n,), 0 … 1.

    Linear attack, hold, then a decay linear in dB to the sustain level. `shape` = delay, attack, hold, decay in
    seconds, sustain in dB below the peak, release in seconds; `shorten` multiplies hold and decay (key scaling).
    """
    delay, attack, hold, decay, sustain, _ = shape
    marks = [0.0, delay, delay + max(attack, _SHORTEST_S)]
    marks.append(marks[-1] + hold * shorten)
    fall = max(decay * shorten, _SHORTEST_S) * min(sustain, RANGE_DB) / RANGE_DB
    a, b, c, d = (min(n, round(mark * rate)) for mark in (*marks[1:], marks[3] + fall))
    curve = np.empty(n, np.float32)
    curve[:a] = 0.0
    curve[a:b] = np.linspace(0.0, 1.0, max(1, round(max(attack, _SHORTEST_S) * rate)), dtype=np.float32)[: b - a]
    curve[b:c] = 1.0
    if d > c:
        curve[c:d] = decibels(d - c, -min(sustain, RANGE_DB) / max(1e-9, fall) / rate)
    curve[d:] = 10.0 ** (-sustain / 20.0) if sustain < RANGE_DB else 0.0
    return curve


def decibels(n: int, per_frame: float) -> Floats:
    """A level that moves by `per_frame` dB at each frame from 0 dB, shape (n,)."""
    found: Floats = np.exp(np.arange(n, dtype=np.float32) * np.float32(per_frame * np.log(10) / 20))
    return found


def released(rate: int, seconds: float) -> Floats:
    """The factor on the level after the key went up, until inaudible; ends in a short ramp to exactly 0."""
    seconds = max(seconds, _SHORTEST_RELEASE_S)
    n = max(32, round(seconds * rate * _HEARD))
    curve = decibels(n, -RANGE_DB / (seconds * rate))
    k = min(n, 256)
    curve[n - k :] *= np.linspace(1.0, 0.0, k, dtype=np.float32)
    return curve
