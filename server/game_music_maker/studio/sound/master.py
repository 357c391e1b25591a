"""The last stage: a gentle bus compressor, one gain to the wanted loudness, a true-peak limiter.

Both gain curves are worked out by symmetric windows (they look ahead) without recursion, on a coarse grid. So a loop is
treated as the middle of endless repetitions simply by wrapping the windows around, and there is no pumping start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import loudness, swing, windows
from .dsp import db
from .limiter import Limiter

Floats = NDArray[np.float32]

_COMPRESS_HOP_S = 0.005
_COMPRESS_WINDOW_S = 0.12
_MOST_COMPRESSION_DB = 5.0
_PIECE = 1 << 17


@dataclass(frozen=True, slots=True)
class Mastered:
    """`gain_db` from the pre-master mix, the deepest `compression_db` and `limiting_db`, the result's loudness."""

    gain_db: float
    compression_db: float
    limiting_db: float
    loudness: loudness.Loudness


def master(
    mix: Floats,
    rate: int,
    *,
    lufs: float,
    ceiling_dbtp: float = -1.0,
    loop: tuple[int, int] | None = None,
    range_lu: float | None = None,
) -> Mastered:
    """Master `mix`, shape (2, n), in place.

    Args:
        lufs: wanted integrated loudness. ceiling_dbtp: highest true peak.
        loop: (first, length) in frames: the curves of that span wrap around, so that its end meets its start.
        range_lu: wanted loudness range, reached by gentle moves; None leaves it.
    """
    n = mix.shape[1]
    energies = _heard(mix, rate, peaks=False).energies
    before = _gated(energies)
    if before <= loudness.SILENCE:
        return Mastered(0.0, 0.0, 0.0, loudness.measure(mix.T, rate))
    spans = [(0, n, False)] if loop is None else [(0, loop[0], False), (loop[0], loop[0] + loop[1], True)]
    spans = [span for span in spans if span[1] > span[0]]
    deepest = 0.0
    for first, last, wrap in spans:
        curve = _compression(mix[:, first:last], rate, before, wrap)
        deepest = min(deepest, float(curve.min()))
        if range_lu is not None:
            curve += _swing(energies[round(first / rate * 10) : round(last / rate * 10)], curve, range_lu, wrap)
        factor = np.exp2(curve / 6.0206)
        _apply(mix[:, first:last], factor, round(_COMPRESS_HOP_S * rate), wrap)
        _squeeze(energies, factor, first / rate)
    # What the compressor left is told by its curve; only what the limiter leaves has to be heard.
    gain = lufs - _gated(energies)
    limiting = 0.0
    for _ in range(5):
        mix *= np.float32(db(gain))
        for first, last, wrap in spans:
            limiting = min(limiting, limit(mix[:, first:last], rate, ceiling_dbtp, wrap=wrap))
        found = _heard(mix, rate, peaks=True)
        gain = lufs - _gated(found.energies)
        if abs(gain) < 0.1:
            break
    return Mastered(lufs - before, deepest, limiting, found.read())


def _heard(mix: Floats, rate: int, *, peaks: bool) -> loudness.Meter:
    meter = loudness.Meter(rate, peaks=peaks)
    for at in range(0, mix.shape[1], rate * 10):
        meter.feed(mix[:, at : at + rate * 10].T)
    return meter


def _gated(energies: NDArray[np.float64]) -> float:
    """Integrated loudness; a short piece is heard twice, as a loop is."""
    return loudness.gated(np.tile(energies, 2) if len(energies) < 200 else energies)


def _squeeze(energies: NDArray[np.float64], factor: Floats, start_s: float) -> None:
    """The powers of tenths of a second from `start_s` on as the compressor's factors leave them, in place."""
    steps = round(0.1 / _COMPRESS_HOP_S)
    whole = len(factor) // steps
    first = round(start_s * 10)
    here = energies[first : first + whole]
    here *= np.square(factor[: whole * steps]).reshape(whole, steps).mean(axis=1)[: len(here)]


def _swing(energy: NDArray[np.float64], compression: Floats, range_lu: float, wrap: bool) -> Floats:
    """The moves towards a loudness range, on the compressor's grid: they know what it will do."""
    if not len(energy):
        return np.zeros_like(compression)
    cells = (np.arange(len(energy)) + 0.5) / len(energy) * len(compression)
    squeezed = energy * 10 ** (compression[np.minimum(cells.astype(int), len(compression) - 1)] / 10)
    gains = swing.moves(squeezed, range_lu, wrap)
    place = (np.arange(len(compression)) + 0.5) / len(compression) * len(energy) - 0.5
    found = np.interp(place, np.arange(len(gains)), gains, period=len(gains) if wrap else None)
    return found.astype(np.float32)


def _compression(mix: Floats, rate: int, reference: float, wrap: bool) -> Floats:
    """Gain in dB on a grid of 5 ms: ratio 1.7 above the piece's own loudness + 2 dB, soft knee of 6 dB."""
    hop = round(_COMPRESS_HOP_S * rate)
    edges = _edges(mix.shape[1], hop)
    power = np.zeros(len(edges), np.float64)
    for ear in mix:
        whole = ear[: len(edges) * hop].reshape(-1, min(hop, len(ear)))
        power += np.vecdot(whole, whole)
        power[-1] += np.vdot(ear[whole.size :], ear[whole.size :])
    power /= np.diff(edges, append=mix.shape[1])
    window = _hann(round(_COMPRESS_WINDOW_S / _COMPRESS_HOP_S))
    smooth = _smoothed(power, window, wrap)
    over = 10 * np.log10(np.maximum(smooth, 1e-12)) - 0.691 - (reference + 2.0)
    knee = 6.0
    above = np.where(over > knee / 2, over, np.where(over < -knee / 2, 0.0, (over + knee / 2) ** 2 / (2 * knee)))
    curve = -np.minimum(above * (1 - 1 / 1.7), _MOST_COMPRESSION_DB)
    return _smoothed(curve, window, wrap).astype(np.float32)


def limit(mix: Floats, rate: int, ceiling_dbtp: float, *, wrap: bool = False) -> float:
    """Hold the true peak of `mix`, shape (2, n), at `ceiling_dbtp`, in place; the deepest gain in dB.

    `wrap` joins the end to the start.
    """
    limiter = Limiter(lambda first, last: mix.T[first:last], mix.shape[1], rate, wrap=wrap)
    limiter.aim(0.0, ceiling_dbtp)
    if limiter.deepest_db < 0:
        for at in range(0, mix.shape[1], _PIECE):
            piece = mix[:, at : at + _PIECE]
            piece *= limiter.gain(at, piece.shape[1])
    return limiter.deepest_db


def _edges(n: int, hop: int) -> NDArray[np.int64]:
    """Starts of cells of `hop` frames; the last takes the remainder too."""
    return np.arange(max(1, n // hop)) * hop


def _hann(points: int) -> NDArray[np.float64]:
    window = np.hanning(points + 2)[1:-1]
    found: NDArray[np.float64] = window / window.sum()
    return found


def _smoothed(curve: NDArray[np.float64], window: NDArray[np.float64], wrap: bool) -> NDArray[np.float64]:
    return windows.weighted(curve, window, "wrap" if wrap else "edge")


def _apply(mix: Floats, curve: Floats, hop: int, wrap: bool) -> None:
    """Multiply `mix`, shape (2, n), by a grid's values, with straight lines between the middles of its cells."""
    n = mix.shape[1]
    middles = (np.arange(len(curve)) + 0.5) * hop
    for at in range(0, n, _PIECE):
        stop = min(n, at + _PIECE)
        if wrap and (at < hop or stop > (len(curve) - 1) * hop):
            factor = np.interp(np.arange(at, stop), middles, curve, period=n).astype(np.float32)
        else:
            factor = windows.lines(curve, hop, at, stop - at)
        mix[:, at:stop] *= factor
