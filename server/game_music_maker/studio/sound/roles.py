"""What each role of a score needs of the mix: equaliser, place in the stereo field, a touch of level. A table.

Every part is first brought to the same loudness by measurement (`ensemble.Player.measure`), so that the mix holds for
any instrument and any bank; the score's own `gain_db` sets the levels from there, and `level` corrects it for what
loudness does not see (dB). `low_cut` keeps everything but bass and drums out of the low mids, `mud` is a dip at 300 Hz,
`presence` a bell at 2.6 kHz, `air` a shelf above 8 kHz. `spread` is how far low and high notes stand apart, 0–1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import dsp


@dataclass(frozen=True, slots=True)
class Role:
    level: float = 0.0
    low_cut: float = 120.0
    mud: float = 0.0
    presence: float = 0.0
    air: float = 0.0
    spread: float = 0.2
    sustained: bool = False
    """Counts as a pad against the lead: it stays 3.5 dB below it between 1 and 4 kHz."""


ROLES: dict[str, Role] = {
    "lead": Role(-2.0, 150.0, presence=2.0, air=1.5, spread=0.05),
    "chant": Role(0.0, 130.0, presence=1.0, spread=0.2),
    "riff": Role(0.0, 80.0, mud=-1.5, presence=1.0, spread=0.1),
    "hit": Role(0.0, 40.0, spread=0.0),
    "brass": Role(0.0, 90.0, mud=-1.0, presence=0.5, spread=0.2),
    "low_brass": Role(0.0, 45.0, mud=-1.5, spread=0.1),
    "stabs": Role(-1.0, 110.0, presence=0.5, spread=0.25),
    "piano": Role(0.0, 60.0, mud=-2.5, presence=1.0, air=1.0, spread=0.35),
    "counter": Role(0.0, 120.0, mud=-1.0, spread=0.1),
    "harmony": Role(-0.5, 150.0, spread=0.15),
    "keys": Role(0.0, 100.0, mud=-4.0, presence=1.5, air=1.0, spread=0.35),
    "comp": Role(-0.5, 110.0, mud=-2.5, spread=0.3),
    "pluck": Role(0.0, 110.0, presence=0.5, spread=0.3),
    "ostinato": Role(0.0, 100.0, mud=-2.5, presence=1.0, air=1.0, spread=0.25),
    "pulse": Role(0.0, 50.0, mud=-1.0, spread=0.1),
    "arp": Role(-1.0, 130.0, mud=-1.0, air=1.0, spread=0.4),
    "bell": Role(-1.0, 200.0, air=1.0, spread=0.2),
    "sparkle": Role(-2.0, 300.0, air=1.5, spread=0.4),
    "color": Role(-1.0, 150.0, mud=-1.5, spread=0.25),
    "choir": Role(0.0, 170.0, mud=-3.0, presence=-1.0, air=1.0, spread=0.25, sustained=True),
    "pad": Role(0.5, 180.0, mud=-3.5, presence=-1.0, air=1.5, spread=0.25, sustained=True),
    "cluster": Role(-1.0, 140.0, mud=-2.0, presence=-1.0, spread=0.3, sustained=True),
    "drone": Role(-2.0, 30.0, mud=-4.0, presence=-1.0, spread=0.0, sustained=True),
    "bass": Role(-0.5, 38.0, mud=-3.0, presence=2.5, spread=0.0),
    "perc": Role(1.5, 30.0, mud=-1.5, presence=1.0, air=2.0, spread=0.0),
    "fx": Role(0.0, 60.0, spread=0.2),
}
_OTHER = Role()


def of(role: str) -> Role:
    """The table's row; a role that it does not know is mixed as an accompaniment."""
    return ROLES.get(role, _OTHER)


@lru_cache(maxsize=64)
def equaliser(role: Role, rate: int) -> dsp.Sections:
    """The row's filters as second-order sections, shape (k, 6)."""
    rows = [dsp.biquad("highpass", rate, role.low_cut)]
    if role.mud:
        rows.append(dsp.biquad("peak", rate, 300.0, gain_db=role.mud, q=0.8))
    if role.presence:
        rows.append(dsp.biquad("peak", rate, 2_600.0, gain_db=role.presence, q=0.7))
    if role.air:
        rows.append(dsp.biquad("highshelf", rate, 8_000.0, gain_db=role.air))
    return np.concatenate(rows)


def pan_of(role: Role, pan: float, key: int) -> float:
    """Where a note of the part stands, −1 … 1: the part's place, low notes to its left, high ones to its right."""
    return max(-1.0, min(1.0, pan + role.spread * max(-1.0, min(1.0, (key - 64) / 24))))
