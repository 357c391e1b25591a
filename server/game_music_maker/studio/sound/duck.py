"""When music steps back: where the original sound speaks or bangs, on a grid of 10 ms.

Speech shows as a level in 300–3400 Hz well above the sound's own floor (which is followed over 40 s, so a steady
engine or its own music does not hold the score down for good); a loud effect as a level far above it,
or simply loud. The curve is known for the whole sound before mixing starts, so the music is down when the first word
comes.

On top of the depth that was asked for, `deepening` takes the music as far down as speech needs to stand 10 LU above it
(EBU R 128 s2's advice for dialogue and bed) and a loud effect 6 dB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import dsp, kernels, windows
from . import speech as voices

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

HOP_S = 0.01
ATTACK_S, RELEASE_S, HOLD_S = 0.12, 0.5, 0.12
_SPEECH_ABOVE_DB, _SPEECH_LEAST_DB = 8.0, -46.0
_EFFECT_ABOVE_DB, _EFFECT_LEAST_DB, _LOUD_DB = 12.0, -38.0, -16.0
_PAUSE_S, _BLIP_S = 0.45, 0.05
_FLOOR_S = 40.0
_ONSET_S = 0.4
"""What sounds this near to speech belongs to it: its first and last syllable."""
SPEECH_OVER_LU, EFFECT_OVER_DB = 10.0, 6.0
_MARGIN_DB = 1.5
_MOST_DEEPER_DB = 24.0
_DEEPER_S = 0.3
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Wants:
    """What the original sound asks for: `active` hops of 10 ms in which it is to be heard, shape (hops,); among them
    the spans (seconds) of `speech` and of loud `effects`."""

    active: NDArray[np.bool_]
    speech: Spans = ()
    effects: Spans = ()


class Listener:
    """Fed with the original sound, it remembers its levels: 800 bytes a second."""

    def __init__(self, rate: int) -> None:
        self._hop = round(HOP_S * rate)
        self._band = np.concatenate([dsp.biquad("highpass", rate, 300), dsp.biquad("lowpass", rate, 3_400)])
        self._voice = voices.band_pass(rate, *voices.VOICE_HZ)
        self._states = [np.zeros((2, 2), np.float32) for _ in range(2)]
        self._speech: list[Floats] = []
        self._voiced: list[Floats] = []
        self._whole: list[Floats] = []

    def feed(self, mono: Floats) -> None:
        """`mono`: shape (n,), n a multiple of 10 ms but for the last."""
        band, self._states[0] = kernels.sosfilt(self._band, mono, self._states[0])
        voiced, self._states[1] = kernels.sosfilt(self._voice, mono, self._states[1])
        self._speech.append(_powers(band, self._hop))
        self._voiced.append(_powers(voiced, self._hop))
        self._whole.append(_powers(mono, self._hop))

    def wants(self) -> Wants:
        """What all that was heard asks of the music."""
        if not self._whole:
            return Wants(np.zeros(0, bool))
        powers = [np.concatenate(x) for x in (self._speech, self._voiced, self._whole)]
        speech, whole = _decibels(powers[0]), _decibels(powers[2])
        talks = speech > np.maximum(_SPEECH_LEAST_DB, _floor(speech) + _SPEECH_ABOVE_DB)
        bangs = (whole > np.maximum(_EFFECT_LEAST_DB, _floor(whole) + _EFFECT_ABOVE_DB)) | (whole > _LOUD_DB)
        plain, voiced = (_fiftieths(power) for power in (powers[2], powers[1]))
        second = np.convolve(plain, np.ones(voices.HZ) / voices.HZ, mode="same") if len(plain) >= voices.HZ else plain
        spoken = voices.speech(plain, voiced, 10 * np.log10(np.maximum(second, 1e-12)))
        active = _joined(talks | bangs)
        said = active & _mask(tuple((a - _ONSET_S, b + _ONSET_S) for a, b in spoken), len(whole))
        return Wants(active, _spans(said), _spans(_joined(bangs) & ~said))


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


def deepening(wants: Wants, own: Doubles, music: Doubles) -> Floats:
    """How many dB further the music has to go down at each hop, so that speech and loud effects stand above it.

    Args:
        own, music: K-weighted powers of each tenth of a second, the music as ducked so far, shape (tenths,).

    Returns:
        shape (hops,), 0 where nothing is missing; there before the sound needs it, gone softly after it.
    """
    wanted = np.zeros(len(wants.active), np.float64)
    for spans, over, pick in ((wants.speech, SPEECH_OVER_LU, np.mean), (wants.effects, EFFECT_OVER_DB, np.max)):
        for start, end in spans:
            a, b = round(start * 10), max(round(start * 10) + 1, round(end * 10))
            if not len(own[a:b]) or not len(music[a:b]):
                continue
            ratio = max(float(pick(own[a:b])), 1e-12) / max(float(pick(music[a:b])), 1e-12)
            missing = min(_MOST_DEEPER_DB, over + _MARGIN_DB - 10 * np.log10(ratio))
            here = wanted[round(start / HOP_S) : round(end / HOP_S)]
            np.maximum(here, missing, out=here)
    if not wanted.any():
        return wanted.astype(np.float32)
    window = np.hanning(round(_DEEPER_S / HOP_S) + 2)[1:-1]
    wide = windows.highest(wanted, len(window) + 2 * round(HOLD_S / HOP_S))
    return windows.weighted(wide, window / window.sum()).astype(np.float32)


def _joined(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without blips, and short pauses closed."""
    return windows.without_gaps(windows.without_blips(flags, round(_BLIP_S / HOP_S)), round(_PAUSE_S / HOP_S))


def _spans(flags: NDArray[np.bool_]) -> Spans:
    return voices.spans(flags, round(1 / HOP_S), least=_BLIP_S, bridge=0.0)


def _mask(spans: Spans, hops: int) -> NDArray[np.bool_]:
    found = np.zeros(hops, bool)
    for start, end in spans:
        found[max(0, round(start / HOP_S)) : round(end / HOP_S)] = True
    return found


def _fiftieths(hops: Floats) -> Doubles:
    """Means over pairs of hops: 50 values a second."""
    found: Doubles = hops[: len(hops) // 2 * 2].reshape(-1, 2).mean(axis=1, dtype=np.float64)
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
    low = windows.percentile(coarse, 0.1, min(width, 2 * len(coarse) + 1))
    at = np.arange(len(level)) * (len(low) / max(1, len(level)))
    found: Floats = np.interp(at, np.arange(len(low)), low).astype(np.float32)
    return found
