"""Structureness (SI) of rendered sound: how well its parts come back.

After Wu and Yang, "The Jazz Transformer on the Front Line" (ISMIR 2020): the fitness of Müller, Jiang and Grosche,
"A Robust Fitness Measure for Capturing Repetitions in Music Recordings" (IEEE TASLP 2013), the highest over all
segments of a length. Chroma at 2 Hz; self-similarity smoothed along seven relative tempi, the best of twelve
transpositions; the highest quarter of the values kept and scaled to 0 … 1, the rest −2. Slow: about a second for
a minute of music; for the bench and the kit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from ..sound import dsp

Floats = NDArray[np.float64]

HZ = 2.0
_FINE_HZ = 10.0
_WINDOW = 16_384
_SMOOTH = 21
"""Fine frames under one coarse one, and of the Hann window over them."""
_DIAGONAL = 16
_SIZES = 2
"""Segments are tried by steps of so many rows: whole seconds."""
_TEMPI = tuple(2.0 ** (k / 3) for k in range(-3, 4))
_KEPT, _PENALTY = 0.25, -2.0
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 5_000.0
LONGEST_S = 240.0
"""More than this is not examined: effort grows with the third power."""


def chroma(mix: NDArray[np.float32], rate: int, hz: float = _FINE_HZ) -> Floats:
    """Energy of the pitch classes, `hz` rows a second, shape (rows, 12), compressed by log(1 + 100 x).

    Args:
        mix: shape (n,) or (n, 2).
    """
    padded = np.pad(np.asarray(dsp.mono(mix), np.float32), (_WINDOW // 2, _WINDOW))
    frequency = np.arange(1, _WINDOW // 2 + 1) * rate / _WINDOW
    used = (frequency >= _LOWEST_HZ) & (frequency <= _HIGHEST_HZ)
    place = np.round(69 + 12 * np.log2(frequency[used] / 440)).astype(int) % 12
    bank = np.zeros((int(used.sum()), 12), np.float32)
    bank[np.arange(len(place)), place] = 1
    window = np.hanning(_WINDOW).astype(np.float32)
    rows = []
    for i in range(max(1, int(len(mix) / rate * hz))):
        at = round(i * rate / hz)
        spectrum = np.abs(rfft(padded[at : at + _WINDOW] * window))[1:][used] / _WINDOW * 4
        rows.append((spectrum**2) @ bank)
    return np.asarray(np.log1p(100 * np.sqrt(np.array(rows))), np.float64)


def structureness(mix: NDArray[np.float32], rate: int) -> dict[str, float]:
    """``SI 3-8``, ``SI 8-15`` and ``SI 15+`` (seconds) of a sound, 0 … 1; without those that it is too short for."""
    fine = chroma(mix[: round(LONGEST_S * rate)], rate)
    window = np.hanning(_SMOOTH + 2)[1:-1]
    smooth = np.stack([np.convolve(row, window / window.sum(), "same") for row in fine.T], axis=1)
    similar = self_similarity(smooth[:: round(_FINE_HZ / HZ)])
    found = {}
    for name, low, high in (("SI 3-8", 3.0, 8.0), ("SI 8-15", 8.0, 15.0), ("SI 15+", 15.0, 30.0)):
        sizes = [m for m in range(round(low * HZ), round(high * HZ) + 1, _SIZES) if 2 * m <= len(similar)]
        if sizes:
            found[name] = max(float(fitness(similar, m).max()) for m in sizes)
    return found


def self_similarity(vectors: Floats) -> Floats:
    """Thresholded self-similarity, shape (n, n): kept values 0 … 1, the others −2, the diagonal 1.

    Args:
        vectors: (n, 12) chroma.
    """
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norm, out=np.full_like(vectors, 12**-0.5), where=norm > 1e-9)
    best = np.zeros((len(unit), len(unit)))
    for shift in range(12):
        best = np.maximum(best, _enhanced(unit @ np.roll(unit, shift, axis=1).T))
    limit = np.quantile(best, 1 - _KEPT)
    top = best.max()
    scaled = (best - limit) / (top - limit) if top > limit else np.ones_like(best)
    found: Floats = np.where(best >= limit, scaled, _PENALTY)
    np.fill_diagonal(found, 1.0)
    return found


def _enhanced(similar: Floats) -> Floats:
    """The highest of the means along forward and backward diagonals at each relative tempo."""
    best = np.zeros_like(similar)
    for way in (1, -1):
        turned = similar[::way, ::way]
        for tempo in _TEMPI:
            best = np.maximum(best, _diagonal(turned, tempo)[::way, ::way])
    return best


def _diagonal(similar: Floats, tempo: float) -> Floats:
    n = len(similar)
    total = np.zeros_like(similar)
    for k in range(_DIAGONAL):
        across = round(k * tempo)
        if k < n and across < n:
            total[: n - k, : n - across] += similar[k:, across:]
    return total / _DIAGONAL


def fitness(similar: Floats, size: int) -> Floats:
    """Fitness 0 … 1 of every segment of `size` rows, shape (n − size + 1,): the harmonic mean of how well and of how
    much of the piece the best family of paths over the segment covers, the segment itself left out.

    Args:
        similar: as of `self_similarity`.
    """
    n = len(similar)
    starts = np.arange(n - size + 1)
    # Each cell carries (score, cells of its paths, rows that they cover) of the best way to it.
    empty = np.full((len(starts), size + 1), -np.inf)
    zero = np.zeros((len(starts), size + 1))
    before2, before = (empty, zero, zero), (empty, zero, zero)
    for row in range(n):
        here = similar[row][starts[:, None] + np.arange(size)]
        if row == 0:
            opened = (np.zeros(len(starts)), np.zeros(len(starts)), np.zeros(len(starts)))
        else:
            closed = before[0][:, size] > before[0][:, 0]
            opened = tuple(np.where(closed, x[:, size], x[:, 0]) for x in before)  # type: ignore[assignment]
        now = (empty.copy(), zero.copy(), zero.copy())
        for x, start in zip(now, opened, strict=True):
            x[:, 0] = start
        now[0][:, 1] = opened[0] + here[:, 0]
        now[1][:, 1], now[2][:, 1] = opened[1] + 1, opened[2] + 1
        if size > 1:
            _step(now, before, before2, here)
        before2, before = before, now
    last = before[0][:, size] > before[0][:, 0]
    score, cells, rows = (np.where(last, x[:, size], x[:, 0]) for x in before)
    quality = np.maximum(0, score - size) / np.maximum(cells, 1)
    cover = np.maximum(0, rows - size) / n
    found: Floats = np.divide(
        2 * quality * cover, quality + cover, out=np.zeros(len(starts)), where=quality + cover > 0
    )
    return found


_Cells = tuple[Floats, Floats, Floats]


def _step(now: _Cells, before: _Cells, before2: _Cells, here: Floats) -> None:
    """The steps (1, 1), (1, 2) and (2, 1) into the columns from the second on."""
    size = here.shape[1]
    straight = [x[:, 1:size] for x in before]
    none = np.full((len(here), 1), -np.inf)  # no step of two columns out of the column before the first
    wide = [np.concatenate([none, x[:, 1 : size - 1]], axis=1) for x in before]
    steep = [x[:, 1:size] for x in before2]
    scores = np.stack([straight[0], wide[0], steep[0]])
    choice = scores.argmax(axis=0)
    now[0][:, 2:] = scores.max(axis=0) + here[:, 1:]
    for k, rows in ((1, (0, 0, 0)), (2, (1, 1, 2))):
        ways = np.stack([straight[k] + rows[0], np.where(np.isinf(wide[k]), 0, wide[k]) + rows[1], steep[k] + rows[2]])
        now[k][:, 2:] = np.take_along_axis(ways, choice[None], axis=0)[0] + (1 if k == 1 else 0)
