"""Percussion: the palette's full grid, thinned by metrical weight, with fills and crashes.

The grids are the loudest layer; below full arousal a stroke stays if its place in the bar is heavy enough (Lerdahl and
Jackendoff's metrical weight), accents last.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .library import DrumGrid

TAIKO_PROGRAM = 116
CRASH, SPLASH, KICK, SNARE, TOM_HIGH, TOM_LOW = 49, 55, 36, 38, 48, 43
_VELOCITY = {"X": 1.0, "x": 0.72, "o": 0.42}


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke: beats relative to the section, General MIDI percussion key, strength 0–1. `taiko` plays program 116."""

    beat: Fraction
    key: int
    strength: float
    taiko: bool = False


def groove(
    grid: DrumGrid,
    bars: int,
    bar: Fraction,
    amount: float,
    generator: np.random.Generator,
    *,
    opens: bool,
    fills: bool,
) -> list[Stroke]:
    """The strokes of one section.

    Args:
        bar: quarter notes a bar. amount: 0 none … 1 the full grid. opens: a crash on the first beat. fills: the last
            beat of every fourth bar is a fill.
    """
    if amount <= 0.02:
        return []
    slots = max(1, int(bar * 4))
    keep = {slot: generator.random() for slot in range(slots)}
    kit = any(key in grid.lanes for key in (35, KICK, SNARE))
    lanes = {key: _varied(key, row, generator) for key, row in sorted(grid.lanes.items())}
    strokes: list[Stroke] = []
    for index in range(bars):
        fill = fills and index % 4 == 3 and amount > 0.3
        for lane, (key, row) in enumerate(lanes.items()):
            for slot in range(slots):
                mark = row[slot * grid.steps // slots % len(row)] if grid.steps != slots else row[slot]
                if mark == "." or (fill and slot >= slots - 4 and lane != 0):
                    continue
                weight = _weight(slot, slots) + (0.4 if mark == "X" else -0.15 if mark == "o" else 0.0)
                if weight + 0.12 * keep[slot] < 0.95 * (1 - amount):
                    continue
                strength = _VELOCITY[mark] * (0.62 + 0.38 * amount)
                beat = index * bar + Fraction(slot, 4)
                strokes.append(_stroke(beat, key, strength, slot))
        if fill:
            strokes += _fill(index * bar + bar - 1, kit, amount, generator)
    if opens and amount > 0.4:
        strokes.append(Stroke(Fraction(0), CRASH if kit else 81, 0.8))
    return strokes


_BACKBONE = (35, KICK, SNARE, 39, CRASH, 116)


def _varied(key: int, row: str, generator: np.random.Generator) -> str:
    """The palette's row with the drummer's hand in it: in light lanes one stroke falls out, two ghosts come in."""
    draws = generator.random(3)
    if key in _BACKBONE:
        return row
    out = list(row)
    strokes = [i for i, mark in enumerate(row) if mark != "." and i]
    rests = [i for i, mark in enumerate(row) if mark == "."]
    if len(strokes) > 1:
        out[strokes[int(draws[0] * len(strokes))]] = "."
    for draw in draws[1:]:
        if rests:
            out[rests[int(draw * len(rests))]] = "o"
    return "".join(out)


def _stroke(beat: Fraction, key: int, strength: float, slot: int) -> Stroke:
    if key == TAIKO_PROGRAM:
        return Stroke(beat, 41 if slot % 8 == 0 else 45, strength, taiko=True)
    return Stroke(beat, key, strength)


def _weight(slot: int, slots: int) -> float:
    """Metrical weight 0–1 of a sixteenth in a bar of `slots`."""
    if slot == 0:
        return 1.0
    half = slots // 2
    if slots % 8 == 0 and slot % half == 0:
        return 0.85
    if slot % 4 == 0:
        return 0.7
    return 0.45 if slot % 2 == 0 else 0.2


def _fill(beat: Fraction, kit: bool, amount: float, generator: np.random.Generator) -> list[Stroke]:
    """A fill of one beat: toms or light percussion, rising in strength."""
    rows = (
        ([SNARE, TOM_HIGH, TOM_LOW, TOM_LOW], [SNARE, SNARE, TOM_HIGH, TOM_LOW])
        if kit
        else ([76, 76, 77, 77], [75, 76, 75, 77])
    )
    row = rows[int(generator.integers(2))]
    return [Stroke(beat + Fraction(i, 4), key, (0.5 + 0.1 * i) * (0.6 + 0.4 * amount)) for i, key in enumerate(row)]
