"""The room: impulse responses made of shaped noise, and a fast convolution with them.

A room of independent noise in each ear has no modes that could ring: the decay is smooth at every frequency, faster for
high ones, as in Jot's and Moorer's statistical model of late reverberation (J. A. Moorer, "About this reverberation
business", 1979). Below 140 Hz both ears get the same, so that the low end stays mono.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy import fft
from numpy.typing import NDArray

from ..music.score import Reverb
from . import kernels

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

_LOW_SPEED = 1.15
"""Below 400 Hz the room dies a little sooner than at 1 kHz, so that chords do not pile up into mud."""


@dataclass(frozen=True, slots=True)
class Room:
    """`damping`: how much faster 9 kHz decays than 1 kHz; `bright` Hz: end of the room's band; `predelay` and `build`
    in seconds; `early`: number and level of single reflections; `taps`: echoes
    as (seconds, dB)."""

    damping: float = 2.0
    bright: float = 9_000.0
    predelay: float = 0.012
    build: float = 0.004
    early: int = 10
    early_level: float = 0.5
    taps: tuple[tuple[float, float], ...] = ()


ROOMS: dict[str, Room] = {
    "room": Room(1.8, 9_000, 0.006, 0.002, 12, 0.8),
    "small_room": Room(1.8, 9_500, 0.003, 0.001, 12, 1.0),
    "small_warm": Room(3.0, 5_500, 0.004, 0.002, 10, 0.8),
    "club": Room(2.4, 7_000, 0.006, 0.002, 12, 0.8),
    "hall": Room(2.2, 8_500, 0.018, 0.015, 12, 0.5),
    "large_hall": Room(2.4, 8_000, 0.026, 0.025, 12, 0.4),
    "arena": Room(2.0, 9_000, 0.030, 0.010, 8, 0.6),
    "cavern": Room(3.2, 5_500, 0.030, 0.030, 8, 0.4),
    "long_dark": Room(4.0, 4_000, 0.030, 0.050, 6, 0.3),
    "shimmer": Room(1.5, 11_000, 0.040, 0.250, 0, 0.0),
    "plate": Room(1.5, 11_000, 0.004, 0.001, 0, 0.0),
    "short_plate": Room(1.6, 10_000, 0.002, 0.001, 0, 0.0),
    "plate_gated_snare": Room(1.4, 10_000, 0.004, 0.001, 0, 0.0),
    "valley": Room(2.6, 7_000, 0.040, 0.020, 6, 0.5, taps=((0.31, -14.0), (0.53, -20.0))),
    "canyon_delay": Room(2.4, 7_500, 0.030, 0.015, 6, 0.5, taps=((0.24, -9.0), (0.47, -14.0), (0.71, -19.0))),
}


def impulse(reverb: Reverb, rate: int, seed: int = 1979) -> Floats:
    """The room's impulse response, shape (2, n), unit energy in each ear; the direct sound is not in it.

    Args:
        reverb: its `type` picks a row of `ROOMS` (``hall`` where unknown), `rt60` its decay at 1 kHz in seconds.
    """
    room = ROOMS.get(reverb.type, ROOMS["hall"])
    decay = max(0.15, reverb.rt60)
    n = kernels.fast_length(round((decay * 1.05 + room.predelay + room.build) * rate))
    rng = np.random.Generator(np.random.Philox(key=seed))
    ears = _noise(rng, n, rate, decay, room)
    t = np.arange(n, dtype=np.float32) / rate
    rise = np.clip((t - room.predelay) / max(room.build, 1e-4), 0, 1)
    ears *= rise * rise
    ears /= np.sqrt((ears.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    for ear in ears:
        times = room.predelay * 0.5 + 0.045 * rng.random(room.early) ** 1.5
        levels = room.early_level * np.exp(-times * 25) * rng.choice([-1.0, 1.0], room.early) * 0.25
        np.add.at(ear, np.round(times * rate).astype(int), levels.astype(np.float32))
    for seconds, level in room.taps:
        shift = round(seconds * rate)
        ears[:, shift:] += 10 ** (level / 20) * ears[::-1, : n - shift]
    ears = _mono_below(ears, rate)
    k = round(0.05 * n)
    ears[:, n - k :] *= np.linspace(1, 0, k, dtype=np.float32)
    ears /= np.sqrt((ears.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    return ears.astype(np.float32)


def _mono_below(ears: Floats, rate: int) -> Floats:
    """The difference of the ears taken out below 140 Hz, in full above 280 Hz."""
    n = ears.shape[1]
    keep = np.clip((np.fft.rfftfreq(n, 1 / rate) - 140) / 140, 0, 1).astype(np.float32)
    side = fft.irfft(kernels.rfft(ears[0] - ears[1], n) * keep, n) / 2
    middle = (ears[0] + ears[1]) / 2
    return np.stack([middle + side, middle - side]).astype(np.float32)


def _noise(rng: np.random.Generator, n: int, rate: int, decay: float, room: Room) -> Floats:
    """Noise in bands, each with its own decay, shape (2, n)."""
    hz = np.fft.rfftfreq(n, 1 / rate)
    spectrum = [kernels.rfft(rng.standard_normal(n).astype(np.float32), n) for _ in range(2)]
    shape = 1 / np.sqrt(1 + (hz / room.bright) ** 4) * np.clip((hz - 60) / 140, 0, 1)
    t = np.arange(n, dtype=np.float32) / rate
    out = np.zeros((2, n), np.float32)
    edges = [0.0, 400.0, 1_500.0, 4_000.0, 9_000.0]
    for i, centre in enumerate(edges):
        below, above = (edges[i - 1] if i else -1.0), (edges[i + 1] if i + 1 < len(edges) else None)
        rising = np.clip((hz - below) / max(centre - below, 1), 0, 1) if i else np.ones_like(hz)
        falling = np.ones_like(hz) if above is None else np.clip((above - hz) / (above - centre), 0, 1)
        mask = np.where(hz < centre, rising, falling) * shape
        speed = _LOW_SPEED if not i else 1 + (room.damping - 1) * max(0.0, np.log2(centre / 1_500) / np.log2(6))
        curve = np.exp(-np.log(1_000) * speed / decay * t).astype(np.float32)
        for ear in range(2):
            out[ear] += fft.irfft(spectrum[ear] * mask, n).astype(np.float32) * curve
    return out


def convolve_into(out: Floats, dry: Floats, response: Floats, gain: float) -> None:
    """Add `gain · (dry ∗ response)` to `out` in place, cut at its end.

    Args:
        out: shape (2, m). dry: shape (n,). response: shape (2, k).
    """
    k = response.shape[1]
    size = kernels.fast_length(max(2 * k if k > 1 << 17 else 4 * k, 1 << 16))
    hop = size - k + 1

    def one_ear(ear: int, spectrum: Complexes, at: int, last: int) -> None:
        out[ear, at:last] += fft.irfft(spectrum * spectra[ear], size)[: last - at]

    with ThreadPoolExecutor(2) as threads:
        spectra = list(threads.map(lambda ear: kernels.rfft(ear * np.float32(gain), size), response))
        for at in range(0, len(dry), hop):
            block = dry[at : at + hop]
            if not block.any():
                continue
            spectrum = kernels.rfft(block, size)
            last = min(out.shape[1], at + len(block) + k - 1)
            list(threads.map(lambda ear, s=spectrum, a=at, b=last: one_ear(ear, s, a, b), range(2)))
