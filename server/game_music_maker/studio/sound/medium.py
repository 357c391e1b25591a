"""What a style sounds through: the noise bed of an old record, the wow of a tape.

Both belong to the whole piece, not to notes. They fit a loop exactly: the noise has the loop's length as its period,
and the tape swings a whole number of times in it, so the pass that is worked out is the pass of the endless loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import dsp

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Medium:
    """`bed_db`: level of the noise bed below the music (RMS); `wow`: swings as (Hz, cents)."""

    bed_db: float
    wow: tuple[tuple[float, float], ...] = ()


MEDIA: dict[str, Medium] = {"lofi_chill": Medium(-34.0, ((0.55, 5.0), (5.2, 1.1)))}
"""Palette → its medium. The bed is at about −50 dBFS where the music is at −16 LUFS."""

_EAR = 48_271
"""The other ear hears the same noise this many frames later: unrelated to what this ear hears."""
_TICKS_A_SECOND = 9.0
_WARM_S = 0.25
_PIECE = 1 << 18


def of(palette: str) -> Medium | None:
    """The medium of a score's palettes (ids joined by "+"), or None."""
    return next((medium for name, medium in MEDIA.items() if name in palette.split("+")), None)


def bed(frames: int, rate: int, seed: int) -> Floats:
    """Hiss, rumble and crackle whose period is `frames`, shape (2, frames), unit RMS.

    A filter that has run over the end of a periodic sound is in the state in which the sound begins anew: so each
    filter is run in over the last quarter of a second.
    """
    rng = np.random.Generator(np.random.Philox(key=(91, seed)))
    noise = rng.standard_normal(frames, dtype=np.float32)
    hiss = np.concatenate([dsp.biquad("highpass", rate, 900), dsp.biquad("lowpass", rate, 5_500)])
    ticks = np.zeros(frames, np.float32)
    count = max(1, int(_TICKS_A_SECOND * frames / rate))
    ticks[rng.integers(0, frames, count)] = rng.standard_normal(count) * np.minimum(rng.pareto(2.5, count) * 6, 12)
    needle = np.concatenate([dsp.biquad("lowpass", rate, 7_000), dsp.biquad("peak", rate, 3_000, gain_db=9, q=1.2)])
    found = np.float32(0.05) * periodic(hiss, noise, rate)
    found += np.float32(0.04) * periodic(dsp.biquad("lowpass", rate, 120), noise, rate)
    found += np.float32(0.25) * np.clip(periodic(needle, ticks, rate), -2, 2)
    found /= max(float(np.sqrt(np.square(found).mean())), 1e-9)
    return np.stack([found, np.roll(found, _EAR % frames)])


def wobble(sound: Floats, wow: tuple[tuple[float, float], ...], rate: int) -> Floats:
    """`sound`, shape (2, n), played by a tape whose speed swings; frame n is frame 0 again.

    The reading place runs ahead and behind by ``cents/1731 · sin/(2π · Hz)``, each swing a whole number of times in n.
    """
    n = sound.shape[1]
    swings = [(max(1, round(hz * n / rate)), cents) for hz, cents in wow]
    margin = 4 + int(sum(cents / 1_731 * n / (2 * np.pi * times) for times, cents in swings))
    if margin >= n:
        return sound
    long = np.concatenate([sound[:, -margin:], sound, sound[:, :margin]], axis=1)
    out = np.empty_like(sound)
    for at in range(0, n, _PIECE):
        frames = np.arange(at, min(n, at + _PIECE))
        place = np.full(len(frames), float(margin))
        for times, cents in swings:
            turn = 2 * np.pi * times / n
            place += cents / 1_731 / turn * np.sin(turn * frames)
        whole = np.floor(place).astype(np.int64)
        f = (place - whole).astype(np.float32)
        whole += frames
        for ear in range(2):
            a, b, c, d = (long[ear].take(whole + k) for k in (-1, 0, 1, 2))
            cubic, square, line = (d - a) * 0.5 + 1.5 * (b - c), a - 2.5 * b + 2 * c - 0.5 * d, (c - a) * 0.5
            out[ear, at : at + len(frames)] = ((cubic * f + square) * f + line) * f + b
    return out


def periodic(sections: dsp.Sections, wave: Floats, rate: int) -> Floats:
    """`wave` filtered as if it had been repeating for long."""
    warm = min(len(wave), round(_WARM_S * rate))
    return dsp.run(sections, np.concatenate([wave[-warm:], wave]))[warm:]
