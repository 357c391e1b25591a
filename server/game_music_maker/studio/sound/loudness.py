"""Loudness after EBU R 128: ITU-R BS.1770-4 (K-weighting, gating, true peak), EBU Tech 3341 and 3342 (range).

The K-weighting's two sections are given by the recommendation for 48 kHz; for other rates they are worked out from the
analogue prototype's frequencies and gains (B. De Man, "Evaluation of implementations of the EBU R 128 loudness
measurement", AES 2018).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import log10, pi, tan
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from . import kernels

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SILENCE = -120.0
"""What is reported where nothing passes the gate."""
_OVERSAMPLING = 4
_SPARE = 16
"""Frames on either side of a peak, more than the interpolator reaches."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """`integrated_lufs`, the highest `short_term_lufs` and `momentary_lufs`, `range_lu`, `true_peak_dbtp`, and the
    `seconds` measured. Silence is −120."""

    integrated_lufs: float
    range_lu: float
    short_term_lufs: float
    momentary_lufs: float
    true_peak_dbtp: float
    seconds: float


def k_weighting(rate: int) -> Doubles:
    """The recommendation's pre-filter and RLB filter as second-order sections, shape (2, 6)."""
    k, q, boost = tan(pi * 1681.974450955533 / rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    mid, a0 = boost**0.4996667741545416, 1 + k / q + k * k
    shelf = [(boost + mid * k / q + k * k) / a0, 2 * (k * k - boost) / a0, (boost - mid * k / q + k * k) / a0]
    shelf += [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    k, q = tan(pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return np.array([shelf, [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]])


class Meter:
    """Fed with blocks of any size, it knows the loudness of all that came; memory grows by 80 bytes a second."""

    def __init__(self, rate: int, channels: int = 2, *, peaks: bool = True) -> None:
        self._rate, self._peaks = rate, peaks
        self._sections = k_weighting(rate).astype(np.float32)
        self._state = np.zeros((2, channels, 2), np.float32)
        self._hop = round(rate / 10)
        self._rest = np.zeros((channels, 0), np.float32)
        self._energy: list[float] = []
        self._frames = 0
        self._peak = TruePeak(channels)

    def feed(self, block: Floats) -> None:
        """`block`: shape (n, channels)."""
        if not len(block):
            return
        turned = np.ascontiguousarray(block.T, dtype=np.float32)
        self._frames += len(block)
        if self._peaks:
            self._peak.feed(turned)
        weighted, self._state = kernels.sosfilt(self._sections, turned, self._state)
        joined = np.concatenate([self._rest, weighted], axis=1) if self._rest.shape[1] else weighted
        hops = joined.shape[1] // self._hop
        cut = joined[:, : hops * self._hop].reshape(len(joined), hops, self._hop)
        self._energy += np.vecdot(cut, cut).sum(axis=0, dtype=np.float64).tolist()
        self._rest = joined[:, hops * self._hop :].copy()

    @property
    def energies(self) -> Doubles:
        """Mean K-weighted power of each full tenth of a second, channels summed, shape (hops,)."""
        return np.array(self._energy) / self._hop

    def read(self) -> Loudness:
        """The loudness so far."""
        energy = self.energies
        if not len(energy) and self._rest.shape[1]:
            energy = np.array([float(np.square(self._rest, dtype=np.float64).sum()) / self._rest.shape[1]])
        momentary = _windows(energy, 4)
        short = _windows(energy, 30)
        return Loudness(
            integrated_lufs=gated(energy),
            range_lu=spread(short),
            short_term_lufs=lufs(short.max()) if len(short) else SILENCE,
            momentary_lufs=lufs(momentary.max()) if len(momentary) else SILENCE,
            true_peak_dbtp=self._peak.dbtp,
            seconds=self._frames / self._rate,
        )


class TruePeak:
    """The highest absolute value of the four times oversampled signal, fed in blocks of shape (channels, n)."""

    def __init__(self, channels: int) -> None:
        self._highest = 0.0
        self._sample = 0.0
        self._before = np.zeros((channels, 2 * _SPARE), np.float32)

    def feed(self, block: Floats) -> None:
        # Between samples a band-limited signal rises at most about 3 dB above its neighbours: only their
        # neighbourhoods need the oversampling. Each is cut out with frames to spare on both sides, because the
        # oversampled signal overshoots at a cut; the last frames of a block are looked at with the next one.
        joined = np.concatenate([self._before, block], axis=1)
        tops = np.abs(joined).max(axis=0)
        self._sample = max(self._sample, float(tops.max()))
        inside = tops[_SPARE:-_SPARE] > 0.7 * self._sample
        for first, last in runs(inside, 1_024) if self._sample > 0 else ():
            fine = oversampled(joined[:, first : last + 2 * _SPARE])
            core = fine[_OVERSAMPLING * (_SPARE - 1) : -_OVERSAMPLING * (_SPARE - 1)]
            self._highest = max(self._highest, float(core.max()))
        self._before = joined[:, -2 * _SPARE :].copy()

    @property
    def dbtp(self) -> float:
        highest = max(self._highest, self._sample)
        return 20 * log10(highest) if highest > 1e-6 else SILENCE


def oversampled(piece: Floats) -> Floats:
    """The absolute maximum over the channels at four times the rate, shape (4 · n,)."""
    fine = kernels.resample_poly(piece, _OVERSAMPLING, 1, _interpolator())
    found: Floats = np.abs(fine).max(axis=0)
    return found


@lru_cache(maxsize=1)
def _interpolator() -> Floats:
    taps = kernels.lowpass_taps(2 * 12 * _OVERSAMPLING + 1, 1 / _OVERSAMPLING, 6.0)
    return np.asarray(taps, np.float32)


def measure(source: Path | Floats, rate: int = 48_000) -> Loudness:
    """Loudness of a sound file or of an array of shape (n,) or (n, channels) at `rate`.

    Raises:
        soundfile.LibsndfileError: the file cannot be read.
    """
    if isinstance(source, np.ndarray):
        return _measured(([source[at : at + rate * 10] for at in range(0, len(source), rate * 10)]), rate)
    with soundfile.SoundFile(source) as file:
        return _measured(file.blocks(file.samplerate * 10, dtype="float32", always_2d=True), file.samplerate)


def _measured(blocks: Iterable[Floats], rate: int) -> Loudness:
    meter: Meter | None = None
    for block in blocks:
        turned = block if block.ndim == 2 else block[:, None]
        meter = meter or Meter(rate, turned.shape[1])
        meter.feed(turned)
    return meter.read() if meter else Loudness(SILENCE, 0.0, SILENCE, SILENCE, SILENCE, 0.0)


def lufs(power: float) -> float:
    """K-weighted mean power as loudness."""
    return max(SILENCE, -0.691 + 10 * log10(power)) if power > 0 else SILENCE


def gated(energy: Doubles) -> float:
    """Integrated loudness of tenth-of-a-second powers: 400 ms blocks, gates at −70 LUFS and 10 LU below the rest."""
    blocks = _windows(energy, 4)
    loud = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(loud):
        return SILENCE
    loud = loud[loud > loud.mean() / 10]
    return lufs(float(loud.mean()))


def _windows(energy: Doubles, size: int) -> Doubles:
    """Means over `size` neighbours; a shorter signal gives one mean."""
    if not len(energy):
        return energy
    size = min(size, len(energy))
    sums = np.concatenate([[0.0], np.cumsum(energy)])
    found: Doubles = np.maximum(0, sums[size:] - sums[:-size]) / size
    return found


def spread(short: Doubles) -> float:
    """Loudness range in LU of short-term powers (EBU Tech 3342)."""
    loud = short[short > 10 ** ((-70 + 0.691) / 10)]
    if not len(loud):
        return 0.0
    loud = loud[loud > loud.mean() / 100]
    low, high = np.percentile(loud, [10, 95])
    return float(10 * np.log10(high / low))


def runs(flags: NDArray[np.bool_], join: int) -> list[tuple[int, int]]:
    """Stretches (first, after last) of set flags; gaps shorter than `join` are bridged."""
    at = np.flatnonzero(flags)
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > join)
    firsts = at[np.concatenate([[0], breaks + 1])]
    lasts = at[np.concatenate([breaks, [len(at) - 1]])] + 1
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))
