"""A zone played at a key: the finished wave of one sample, ready to be placed many times.

Everything that repeated notes share is done once here: unrolling the loop, moving the pitch, the zone's filter with its
envelope and vibrato, and the equaliser of the part's role (all linear, so they may come before the level of each note).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import dsp, envelope
from .bank import Bank, Zone

Floats = NDArray[np.float32]

_OPEN_CENTS = 13_400.0
_FILTER_STEPS = 4
_AT_ONCE_S = 0.005


def semitones(zone: Zone, key: int) -> float:
    """How far the zone's sample is moved to sound at `key`."""
    at = zone.fixed_key if 0 <= zone.fixed_key <= 127 else key
    return (at - zone.root) * zone.scale + zone.tuning


def wave(bank: Bank, zone: Zone, key: int, *, vel: int, cents: float, n: int, rate: int, eq: dsp.Sections) -> Floats:
    """At most `n` frames of `zone` at `key`, without its volume envelope, shape (m,), m ≤ n.

    Args:
        vel: velocity, for the zone's filter only. cents: detune of this copy. eq: role equaliser sections (k, 6).
    """
    ratio = rate / zone.rate * 2.0 ** (-(semitones(zone, key) + cents / 100) / 12)
    more = _read_ahead(zone, n)
    source = _unrolled(bank.sample(zone.sample), zone, int(more / ratio) + 24)
    found = dsp.resample(source, ratio)[:more]
    return _filtered(_bent(found, zone, rate, n), zone, vel, rate, eq)


def held(zone: Zone, key: int, n: int, rate: int) -> Floats:
    """The volume envelope while the key is down, with tremolo, shape (n,)."""
    shorten = 2.0 ** (zone.key_decay * (60 - key) / 1200) if zone.key_decay else 1.0
    curve = envelope.held(n, rate, zone.volume, shorten)
    if zone.tremolo_db:
        delay, hz, _ = zone.vibrato
        t = np.maximum(np.arange(n, dtype=np.float32) / rate - delay, 0)
        curve *= np.float32(10) ** (np.sin(2 * np.pi * max(hz, 0.1) * t) * (zone.tremolo_db / 20))
    return curve


def _unrolled(sample: Floats, zone: Zone, n: int) -> Floats:
    """The sample with its loop repeated until `n` frames, or as long as it is."""
    end = len(sample) + (zone.end or 0)
    if zone.loop is None:
        return sample[zone.start : min(end, zone.start + n)]
    first, last = max(zone.start, zone.loop[0]), min(zone.loop[1], len(sample))
    if last - first < 2 or n <= last - zone.start:
        return sample[zone.start : max(zone.start + 1, min(zone.start + n, last))]
    body = sample[first:last]
    times = -(-(n - (last - zone.start)) // len(body))
    return np.concatenate([sample[zone.start : last], np.tile(body, times)])[:n]


def _read_ahead(zone: Zone, n: int) -> int:
    """Frames that `n` frames need at most when the pitch is bent upwards."""
    up = max(0.0, zone.mod_to_pitch) + abs(zone.vibrato[2]) if _bends(zone) else 0.0
    return int(n * 2 ** (up / 1200)) + 1 if up else n


def _bends(zone: Zone) -> bool:
    return abs(zone.vibrato[2]) >= 1 or abs(zone.mod_to_pitch) >= 1


def _bent(found: Floats, zone: Zone, rate: int, n: int) -> Floats:
    """At most `n` frames of `found` with the zone's vibrato and the bend of its modulation envelope."""
    if not _bends(zone):
        return found
    delay, hz, depth = zone.vibrato
    cents = np.zeros(n, np.float32)
    if depth:
        t = np.maximum(np.arange(n, dtype=np.float32) / rate - delay, 0)
        cents += depth * np.sin(2 * np.pi * hz * t)
    if zone.mod_to_pitch:
        cents += zone.mod_to_pitch * _modulation(zone, n, rate)
    return dsp.warp(found, cents)


def _modulation(zone: Zone, n: int, rate: int) -> Floats:
    """The modulation envelope while the key is down, 0 … 1 (attack taken as linear)."""
    delay, attack, hold, decay, sustain, _ = zone.modulation
    fall = decay * (1 - sustain)
    at = np.cumsum([0.0, delay, attack, hold, fall, 1.0])
    return np.interp(np.arange(n) / rate, at, [0, 0, 1, 1, sustain, sustain]).astype(np.float32)


def _filtered(found: Floats, zone: Zone, vel: int, rate: int, eq: dsp.Sections) -> Floats:
    """The zone's low-pass, moved by its modulation envelope where it has one, then `eq`."""
    base = zone.cutoff_cents - zone.velocity_cutoff * (1 - vel / 127)
    delay, attack, hold, decay, sustain, _ = zone.modulation
    if delay + attack + hold < _AT_ONCE_S and (sustain >= 1 or decay < _AT_ONCE_S):
        base += zone.mod_to_cutoff * sustain
    elif abs(zone.mod_to_cutoff) >= 100:
        return dsp.run(eq, _swept(found, zone, base, rate))
    return dsp.run(np.concatenate([_lowpass(base, zone.q_db, rate), eq]), found)


def _swept(found: Floats, zone: Zone, base: float, rate: int) -> Floats:
    """The low-pass on its way: fixed filters, cross-faded along the modulation envelope."""
    place = _modulation(zone, len(found), rate) * (_FILTER_STEPS - 1)
    out = np.zeros_like(found)
    for k in range(_FILTER_STEPS):
        share = np.maximum(0, 1 - np.abs(place - k)).astype(np.float32)
        if share.any():
            cents = base + zone.mod_to_cutoff * k / (_FILTER_STEPS - 1)
            out += share * dsp.run(_lowpass(cents, zone.q_db, rate), found)
    return out


def _lowpass(cents: float, q_db: float, rate: int) -> dsp.Sections:
    """The zone's filter as sections, none where it is open."""
    if cents >= _OPEN_CENTS:
        return np.zeros((0, 6), np.float32)
    # Generator 9 is the height of the resonance above the pass band; 0 means a Butterworth filter without one.
    q = 10 ** ((max(q_db, 0.0) - 3.01) / 20)
    sections = dsp.biquad("lowpass", rate, 8.176 * 2 ** (max(cents, 1_500) / 1200), q=q)
    sections[:, :3] *= np.float32(1 / max(1.0, q) ** 0.5)
    return sections
