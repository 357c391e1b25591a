"""What a clip's own sound does over time: loudness, speech-like spans, loud effects, edges after silence.

Loudness is momentary loudness after ITU-R BS.1770 (400 ms, K-weighting), read at 10 Hz.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..sound import kernels
from ..sound.loudness import k_weighting
from ..sound.speech import HZ as _FINE_HZ
from ..sound.speech import VOICE_HZ, band_pass, spans, speech

RATE = 16_000
HZ = 10
_QUIET = -70.0
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """Curves at 10 Hz and spans in seconds. `loudness` in LUFS (−70 is silence); `onsets` and `edges` in
    seconds."""

    loudness: tuple[float, ...] = ()
    speech: Spans = ()
    loud: Spans = ()
    onsets: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()


def hear(blocks: Iterable[NDArray[np.float32]]) -> Heard:
    """Follow mono sound at 16 kHz, block by block; memory grows by 800 bytes a second of sound.

    Args:
        blocks: arrays (n, 1).
    """
    weighting = k_weighting(RATE)
    voice = band_pass(RATE, *VOICE_HZ)
    states = [np.zeros((len(weighting), 2)), np.zeros((len(voice), 2))]
    hop = RATE // _FINE_HZ
    energies: list[NDArray[np.float64]] = []
    rest = np.zeros((3, 0))
    for block in blocks:
        mono = block[:, 0].astype(np.float64)
        weighted, states[0] = kernels.sosfilt(weighting, mono, states[0])
        voiced, states[1] = kernels.sosfilt(voice, mono, states[1])
        rest = np.concatenate([rest, np.stack([mono, weighted, voiced])], axis=1)
        whole = rest.shape[1] // hop
        energies.append((rest[:, : whole * hop].reshape(3, whole, hop) ** 2).mean(axis=2))
        rest = rest[:, whole * hop :]
    table = np.concatenate(energies, axis=1) if energies else np.zeros((3, 0))
    if table.shape[1] < _FINE_HZ // 2:
        return Heard()
    return _understand(table)


def _understand(table: NDArray[np.float64]) -> Heard:
    plain, weighted, voiced = table
    step = _FINE_HZ // HZ
    momentary = np.convolve(weighted, np.ones(20) / 20, mode="same")[::step]
    loudness = np.maximum(_QUIET, -0.691 + 10 * np.log10(momentary + 1e-12))
    fine = np.maximum(_QUIET, 10 * np.log10(np.convolve(weighted, np.ones(3) / 3, mode="same") + 1e-12))
    typical = float(np.median(loudness))
    loud = spans(loudness > max(-30.0, typical + 7.0), HZ, least=0.2, bridge=0.2)
    return Heard(
        loudness=tuple(round(float(value), 1) for value in loudness),
        speech=speech(plain, voiced, fine),
        loud=loud,
        onsets=_onsets(fine, max(-32.0, typical + 3.0)),
        edges=_edges(loudness),
    )


def _onsets(level: NDArray[np.float64], floor: float) -> tuple[float, ...]:
    """Where the sound leaps by 12 dB within 60 ms to a level above `floor`: shots, blows, explosions."""
    back = 5
    if len(level) <= back:
        return ()
    before = np.minimum.reduce([np.roll(level, shift) for shift in range(2, back + 1)])
    rise = level - before
    rise[:back] = 0
    rise[level < floor] = 0
    peaks = kernels.peaks(rise, 12.0, _FINE_HZ // 4)
    return tuple(round((peak - 1) / _FINE_HZ, 2) for peak in peaks)


def _edges(loudness: NDArray[np.float64]) -> tuple[float, ...]:
    """Where sound starts after at least a second of silence (also one that opens the clip)."""
    silent = loudness < -55
    found: list[float] = []
    run = 0
    for i, quiet in enumerate(silent):
        if quiet:
            run += 1
            continue
        if run >= HZ:
            found.append(round(i / HZ, 2))
        run = 0
    return tuple(found)
