"""Synthesised instruments: leads, basses, pads, bells and drones, each with a spectrum that moves within the note."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import dsp
from . import oscillators as osc

Floats = NDArray[np.float32]

_LOWEST_HZ = 38.0


def _time(n: int, rate: int) -> Floats:
    return np.asarray(np.arange(n) / rate, np.float32)


def _vibrato(n: int, rate: int, cents: float, hz: float, delay: float) -> Floats:
    t = _time(n, rate)
    return np.asarray(np.clip((t - delay) / 0.3, 0, 1) * cents * np.sin(2 * np.pi * hz * t), np.float32)


def sweep(wave: Floats, rate: int, hertz: Floats, q: float = 0.9, steps: int = 6) -> Floats:
    """A low-pass whose cutoff follows `hertz`, shape (n,): fixed filters, cross-faded (so the whole stays linear)."""
    low, high = float(hertz.min()), float(hertz.max())
    if high / low < 1.05:
        return dsp.run(dsp.biquad("lowpass", rate, high, q=q), wave)
    place = np.log(hertz / low) / np.log(high / low) * (steps - 1)
    out = np.zeros_like(wave)
    for k in range(steps):
        share = np.maximum(0, 1 - np.abs(place - k)).astype(np.float32)
        if share.any():
            cut = low * (high / low) ** (k / (steps - 1))
            out += share * dsp.run(dsp.biquad("lowpass", rate, cut, q=q), wave)
    return out


def _saws(key: float, n: int, rate: int, cents: tuple[float, ...], moves: Floats | float, seed: int) -> Floats:
    hz = osc.hertz(key)
    starts = np.random.Generator(np.random.Philox(key=seed)).random(len(cents))
    table = osc.saw(osc.partials(hz * 1.02))
    wave = np.zeros(n, np.float32)
    # Of a few saws one leads: equal ones would take out the fundamental as they beat. A choir of them does not.
    shares = np.full(len(cents), 0.42 / (len(cents) - 1) if len(cents) <= 3 else 0.8, np.float32)
    shares[min(range(len(cents)), key=lambda i: abs(cents[i]))] = 1.0
    for detune, start, share in zip(cents, starts, shares, strict=True):
        bend = np.asarray(moves + detune, np.float32)
        wave += share * osc.read(table, osc.phase(n, rate, hz, bend, float(start)))
    return wave / np.float32(np.sqrt(np.square(shares).sum()))


def saw_lead(key: float, n: int, rate: int, side: int) -> Floats:
    t = _time(n, rate)
    wave = _saws(key, n, rate, (-7.0, 0.0, 6.0), _vibrato(n, rate, 9, 5.4, 0.3), 11 + side)
    return sweep(wave, rate, (1_800 + 6_000 * np.exp(-t / 0.5)).astype(np.float32), 1.2) * np.float32(0.22)


def saw_pluck(key: float, n: int, rate: int, side: int) -> Floats:
    """A short bright saw for figures: the filter falls shut at once, the tone dies away."""
    t = _time(n, rate)
    wave = _saws(key, n, rate, (-6.0, 0.0, 7.0), 0.0, 41 + side)
    hz = osc.hertz(key)
    cut = np.minimum(1.5 * hz + 500 + 7_000 * np.exp(-t / 0.07), 12_000).astype(np.float32)
    return np.asarray(sweep(wave, rate, cut, 1.6, steps=4) * (0.3 * np.exp(-t / 0.32)), np.float32)


def saw_bass(key: float, n: int, rate: int, side: int) -> Floats:
    t = _time(n, rate)
    hz = osc.hertz(key)
    wave = _saws(key, n, rate, (-4.0, 4.0), 0.0, 21)
    if hz / 2 >= _LOWEST_HZ:  # an octave below what speakers play is only rumble
        wave += osc.read(osc.pulse(osc.partials(hz / 2), 0.5), osc.phase(n, rate, hz / 2)) * np.float32(0.35)
    cut = 260 + 3_400 * np.exp(-t / 0.12)
    return sweep(wave, rate, cut.astype(np.float32), 1.8) * np.float32(0.3)


def super_pad(key: float, n: int, rate: int, side: int) -> Floats:
    t = _time(n, rate)
    spread = (-17.0, -9.5, -4.0, 0.0, 5.0, 10.0, 16.0) if side == 0 else (-15.0, -11.0, -3.0, 1.0, 4.0, 9.0, 18.0)
    wave = _saws(key, n, rate, spread, 0.0, 31 + 7 * side)
    breath = 0.5 - 0.5 * np.cos(2 * np.pi * 0.13 * t + side)
    return sweep(wave, rate, (350 + 2_600 * (0.25 + breath)).astype(np.float32), 0.7) * np.float32(0.16)


def square_lead(key: float, n: int, rate: int, side: int) -> Floats:
    t = _time(n, rate)
    hz = osc.hertz(key)
    table = osc.saw(osc.partials(hz * 1.01))
    at = osc.phase(n, rate, hz, _vibrato(n, rate, 10, 5.2, 0.3))
    width = 0.5 - 0.18 * np.sin(2 * np.pi * 0.7 * t + side)
    wave = osc.read(table, at) - osc.read(table, at + width)
    cut = 1_600 + 5_200 * np.exp(-t / 0.7)
    return sweep(wave, rate, cut.astype(np.float32), 0.9) * np.float32(0.2)


def sub_bass(key: float, n: int, rate: int, side: int) -> Floats:
    t = _time(n, rate)
    at = 2 * np.pi * osc.phase(n, rate, osc.hertz(key))
    bite = (0.1 + 0.8 * np.exp(-t / 0.18)).astype(np.float32)
    wave = np.sin(at) + bite * (0.5 * np.sin(2 * at) + 0.35 * np.sin(3 * at) + 0.15 * np.sin(5 * at))
    return np.asarray(wave * 0.35, np.float32)


def fm_bell(key: float, n: int, rate: int, side: int) -> Floats:
    t = _time(n, rate)
    hz = osc.hertz(key)
    at = 2 * np.pi * osc.phase(n, rate, hz, 3.0 if side else -3.0)
    # The index is kept so low at high keys that the side bands stay below the top of the band.
    index = min(2.4, max(0.2, (16_000 / hz - 1) / 3.5 - 1))
    wave = np.sin(at + index * np.exp(-t / 0.7) * np.sin(3.5 * at)) * np.exp(-t / 1.5)
    wave += 0.4 * np.sin(at * 1.003 + 0.5 * index * np.exp(-t / 0.25) * np.sin(at)) * np.exp(-t / 2.2)
    return np.asarray(wave * 0.3, np.float32)


def drone(key: float, n: int, rate: int, side: int) -> Floats:
    """Partials that come and go slowly, each on its own."""
    t = _time(n, rate)
    hz = osc.hertz(key)
    rng = np.random.Generator(np.random.Philox(key=51 + side))
    wave = np.zeros(n, np.float32)
    for k in range(1, min(14, osc.partials(hz)) + 1):
        slow, start, detune = rng.uniform(0.05, 0.21), rng.random(), rng.uniform(-5, 5)
        swell = 0.55 + 0.45 * np.sin(2 * np.pi * (slow * t + start))
        at = osc.phase(n, rate, hz * k, float(detune), float(rng.random()))
        wave += (swell**2 / k**1.15).astype(np.float32) * np.sin(2 * np.pi * at).astype(np.float32)
    return wave * np.float32(0.22)
