"""Speech-like spans of a sound, from powers 50 times a second.

A rule of thumb: syllables come at 2–8 Hz (Houtgast and Steeneken's modulation spectrum), most energy lies at
120–4,000 Hz, and the level falls between them. It is meant to move music out of the way, not to recognise words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import dsp, kernels

HZ = 50
VOICE_HZ = (120.0, 4_000.0)
Doubles = NDArray[np.float64]

_LEAST_S, _BRIDGE_S = 0.8, 0.6


def speech(plain: Doubles, voiced: Doubles, level: Doubles) -> tuple[tuple[float, float], ...]:
    """Spans in seconds where the voice band carries the energy and swings at the rate of syllables.

    Args:
        plain, voiced: power of the whole sound and of its `VOICE_HZ` band in each fiftieth of a second, shape (n,).
        level: its loudness there, in LUFS or dBFS.
    """
    amplitude = np.sqrt(voiced)
    window = 2 * HZ
    if len(amplitude) < window:
        return ()
    band = band_pass(HZ, 2, 8)
    fast = dsp.biquad("highpass", HZ, 12)
    box = np.ones(window) / window

    def smooth(values: Doubles) -> Doubles:
        return np.asarray(np.convolve(values, box, mode="same"))

    mean = smooth(amplitude)
    syllables = np.sqrt(smooth(kernels.sosfiltfilt(band, amplitude, HZ) ** 2)) / (mean + 1e-9)
    rough = np.sqrt(smooth(kernels.sosfiltfilt(fast, amplitude, HZ) ** 2)) / (mean + 1e-9)
    share = smooth(voiced) / (smooth(plain) + 1e-12)
    like = (share > 0.6) & (syllables > 0.3) & (syllables > 1.6 * rough) & (smooth(level) > -50)
    return spans(like, HZ, least=_LEAST_S, bridge=_BRIDGE_S)


def spans(mask: NDArray[np.bool_], hz: int, *, least: float, bridge: float) -> tuple[tuple[float, float], ...]:
    """Stretches where `mask` holds, gaps under `bridge` seconds closed, those under `least` left out."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    merged: list[list[float]] = []
    for start, end in zip(edges[::2] / hz, edges[1::2] / hz, strict=True):
        if merged and start - merged[-1][1] < bridge:
            merged[-1][1] = float(end)
        else:
            merged.append([float(start), float(end)])
    return tuple((round(a, 2), round(b, 2)) for a, b in merged if b - a >= least)


def band_pass(rate: int, low: float, high: float) -> dsp.Sections:
    """A band-pass of second order on either side."""
    return np.concatenate([dsp.biquad("highpass", rate, low), dsp.biquad("lowpass", rate, high)])
