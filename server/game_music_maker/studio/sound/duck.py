"""When music steps back: where the original sound speaks or bangs, on a grid of 10 ms.

Speech shows as a level in 300–3400 Hz well above the sound's own floor (which is followed over 40 s, so a steady
engine or its own music does not hold the score down for good); a loud effect as a level far above it,
or simply loud. The curve is known for the whole sound before mixing starts, so the music is down when the first word
comes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import dsp, kernels

Floats = NDArray[np.float32]

HOP_S = 0.01
ATTACK_S, RELEASE_S, HOLD_S = 0.12, 0.5, 0.12
_SPEECH_ABOVE_DB, _SPEECH_LEAST_DB = 8.0, -46.0
_EFFECT_ABOVE_DB, _EFFECT_LEAST_DB, _LOUD_DB = 12.0, -32.0, -16.0
_PAUSE_S, _BLIP_S = 0.45, 0.05
_FLOOR_S = 40.0


class Listener:
    """Fed with the original sound, it remembers its levels: 800 bytes a second."""

    def __init__(self, rate: int) -> None:
        self._hop = round(HOP_S * rate)
        self._band = np.concatenate([dsp.biquad("highpass", rate, 300), dsp.biquad("lowpass", rate, 3_400)])
        self._state = np.zeros((2, 2), np.float32)
        self._speech: list[Floats] = []
        self._whole: list[Floats] = []

    def feed(self, mono: Floats) -> None:
        """`mono`: shape (n,), n a multiple of 10 ms but for the last."""
        band, self._state = kernels.sosfilt(self._band, mono, self._state)
        self._speech.append(_powers(band, self._hop))
        self._whole.append(_powers(mono, self._hop))

    def active(self) -> NDArray[np.bool_]:
        """Hops in which the original sound wants to be heard, shape (hops,)."""
        if not self._whole:
            return np.zeros(0, bool)
        speech, whole = (_decibels(np.concatenate(x)) for x in (self._speech, self._whole))
        talks = speech > np.maximum(_SPEECH_LEAST_DB, _floor(speech) + _SPEECH_ABOVE_DB)
        bangs = whole > np.maximum(_EFFECT_LEAST_DB, _floor(whole) + _EFFECT_ABOVE_DB)
        flags = talks | bangs | (whole > _LOUD_DB)
        flags = ndimage.binary_opening(flags, np.ones(round(_BLIP_S / HOP_S)))
        pause = round(_PAUSE_S / HOP_S)
        padded = np.pad(flags, pause)
        found: NDArray[np.bool_] = ndimage.binary_closing(padded, np.ones(pause))[pause:-pause]
        return found


def curve(active: NDArray[np.bool_]) -> Floats:
    """How far down the music is at each hop, 0 … 1: there before the sound, held after it, back slowly."""
    if not active.any():
        return np.zeros(len(active), np.float32)
    ahead, hold = round(ATTACK_S / HOP_S) + 1, round(HOLD_S / HOP_S)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    wanted = np.zeros(len(active), bool)
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        wanted[max(0, first - ahead) : last + hold] = True
    up, down = HOP_S / ATTACK_S, HOP_S / RELEASE_S
    place = np.empty(len(active), np.float64)
    now = 1.0 if wanted[0] else 0.0
    for i, down_here in enumerate(wanted.tolist()):
        now = min(1.0, now + up) if down_here else max(0.0, now - down)
        place[i] = now
    found: Floats = (0.5 - 0.5 * np.cos(np.pi * place)).astype(np.float32)
    return found


def _powers(wave: Floats, hop: int) -> Floats:
    whole = len(wave) // hop * hop
    found = np.square(wave[:whole]).reshape(-1, hop).mean(axis=1)
    if whole < len(wave):
        found = np.append(found, np.square(wave[whole:]).mean())
    return np.asarray(found, np.float32)


def _decibels(power: Floats) -> Floats:
    found: Floats = 10 * np.log10(np.maximum(power, np.float32(1e-12)))
    return found


def _floor(level: Floats) -> Floats:
    """The level's lower tenth around each hop, in dB; worked out ten times a second."""
    coarse = level[: max(1, len(level) // 10 * 10)].reshape(-1, 10).mean(axis=1) if len(level) >= 10 else level
    width = max(1, round(_FLOOR_S * 10))
    low = ndimage.percentile_filter(coarse, 10, size=min(width, 2 * len(coarse) + 1), mode="nearest")
    at = np.arange(len(level)) * (len(low) / max(1, len(level)))
    found: Floats = np.interp(at, np.arange(len(low)), low).astype(np.float32)
    return found
