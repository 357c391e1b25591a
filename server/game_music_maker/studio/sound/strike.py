"""One sounding of a key, in frames: what the schedule gives to the ensemble."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Strike:
    """One sounding of a key: start and length in frames, velocity, and what makes it differ from its twin.

    `cents` and `level` are the round robin's; `fader` is the mix's move here, which the balance of the parts does not
    see; `dry` False sends it to the room alone; `inside` is False for notes before the loop, which are not folded into
    it.
    """

    start: int
    length: int
    key: int
    vel: int
    cents: float = 0.0
    level: float = 1.0
    fader: float = 1.0
    dry: bool = True
    artic: str = ""
    inside: bool = True
