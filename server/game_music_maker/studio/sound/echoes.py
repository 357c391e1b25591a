"""Sounds that follow a note by themselves: the delays that belong to a palette, and the octave of a shimmering room.

Both are made of strikes, so they are as linear, and as exact in a loop, as the notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from ..music.score import Part, Score
from .strike import Strike


@dataclass(frozen=True, slots=True)
class Delay:
    """Echoes of the parts with these roles: `times` of them, `beats` apart, each `fall_db` below the one before."""

    roles: tuple[str, ...]
    beats: Fraction
    fall_db: float
    times: int


DELAYS: dict[str, Delay] = {
    "chiptune_platformer": Delay(("lead",), Fraction(3, 4), 9.0, 1),
    "synthwave_racing": Delay(("arp", "lead"), Fraction(3, 4), 8.0, 2),
    "cyberpunk_action": Delay(("arp", "lead"), Fraction(3, 4), 10.0, 2),
    "scifi_ambient": Delay(("arp", "sparkle", "fx"), Fraction(3, 2), 7.0, 2),
    "western_frontier": Delay(("lead",), Fraction(1), 12.0, 1),
}
"""Palette → its delay. A score of two palettes takes the first that it names."""

_SHIMMER_ROLES = frozenset(("lead", "pad", "arp", "sparkle", "choir"))
_SHIMMER_LEVEL = 0.3


def with_echoes(struck: list[Strike], score: Score, part: Part, frames_per_beat: float) -> list[Strike]:
    """`struck` with what follows from the palette and the room, sorted by start."""
    delay = next((found for name, found in DELAYS.items() if name in score.palette), None)
    found = list(struck)
    if delay is not None and part.role in delay.roles and not part.drums:
        found += _delayed(struck, delay, frames_per_beat)
    if score.reverb.type == "shimmer" and score.reverb.wet > 0 and part.role in _SHIMMER_ROLES:
        found += [replace(s, key=s.key + 12, level=s.level * _SHIMMER_LEVEL, dry=False) for s in struck if s.key <= 96]
    return sorted(found, key=lambda strike: strike.start)


def _delayed(struck: list[Strike], delay: Delay, frames_per_beat: float) -> Iterator[Strike]:
    step = float(delay.beats) * frames_per_beat
    for strike in struck:
        for k in range(1, delay.times + 1):
            later = strike.start + round(k * step)
            yield replace(strike, start=later, level=strike.level * 10 ** (-delay.fall_db * k / 20))
