"""Percussion: one of the palette's grooves, thinned by metrical weight, with a drummer's hand in it.

The grooves are the loudest layer; below full arousal a stroke stays if its place in the bar is heavy enough (Lerdahl
and Jackendoff's metrical weight), accents last. B rides another cymbal or plays in half time; fills close every fourth
bar, longer ones every eighth; a crash opens sections.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from .accompaniment import weight
from .library import DrumGrid
from .score import Note

TAIKO_PROGRAM = 116
NOISE = "noise"
"""The synthesised part that plays a console's percussion."""
CRASH, SPLASH, KICK, SNARE, TOM_HIGH, TOM_MID, TOM_LOW = 49, 55, 36, 38, 48, 45, 43
HAT, OPEN_HAT, RIDE, RIDE_BELL, STICK = 42, 46, 51, 53, 37
_VELOCITY = {"X": 1.0, "x": 0.72, "o": 0.42}
_RINGS, _STILL = Fraction(4), Fraction(1, 4)
"""Beats for which a stroke of a noise channel rings at most, and for which the channel is still before a hit."""
_BACKBONE = frozenset({35, KICK, SNARE, 39, CRASH, 57, 116})


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke: beats relative to the section, General MIDI percussion key, strength 0–1. `taiko` plays program 116."""

    beat: Fraction
    key: int
    strength: float
    taiko: bool = False


@dataclass(frozen=True, slots=True)
class Feel:
    """How a section is drummed. `amount`: 0 none … 1 the full groove. `opens`: a crash on its first beat. `fills`: a
    fill closes every fourth bar. `turn`: what B does, ``ride``, ``half`` (half time) or ``""``. `hand`: ghost notes
    and open hats of a person (not for a sequencer)."""

    amount: float
    opens: bool = False
    fills: bool = True
    turn: str = ""
    hand: bool = True


def drawn(grid: DrumGrid, generator: np.random.Generator) -> Mapping[int, str]:
    """The groove of a piece: one of the palette's, its light lanes varied."""
    rows = (grid.lanes, *grid.more)
    lanes = rows[int(generator.integers(len(rows)))]
    return {key: _varied(key, row, generator) for key, row in sorted(lanes.items())}


def groove(
    lanes: Mapping[int, str], bars: int, bar: Fraction, feel: Feel, generator: np.random.Generator
) -> list[Stroke]:
    """The strokes of one section of `bars` bars of `bar` quarter notes."""
    if feel.amount <= 0.02:
        return []
    slots = max(1, int(bar * 4))
    keep = generator.random(slots)
    lanes = _turned(lanes, feel.turn, slots)
    kit = any(key in lanes for key in (35, KICK, SNARE))
    strokes: list[Stroke] = []
    for index in range(bars):
        size = _fill_slots(index, bars, slots, feel, generator)
        for key, row in lanes.items():
            for slot in range(slots):
                mark = row[slot] if len(row) == slots else row[slot * len(row) // slots]
                if mark == "." or (slot >= slots - size and key not in (KICK, 35)):
                    continue
                heavy = weight(slot, slots) + (0.4 if mark == "X" else -0.15 if mark == "o" else 0.0)
                if heavy + 0.12 * keep[slot] < 0.95 * (1 - feel.amount):
                    continue
                strength = _VELOCITY[mark] * (0.62 + 0.38 * feel.amount)
                strokes.append(_stroke(index * bar + Fraction(slot, 4), key, strength, slot))
        if size:
            strokes += _fill(index * bar + bar - Fraction(size, 4), size, lanes, feel.amount, generator)
        if feel.hand and kit:
            strokes += _hand(index, bar, slots, lanes, feel, size, generator)
    if feel.opens and feel.amount > 0.4:
        strokes.append(Stroke(Fraction(0), CRASH if kit else 81, 0.8))
    return _single(strokes)


def _varied(key: int, row: str, generator: np.random.Generator) -> str:
    """The palette's row with the drummer's hand in it: in light lanes one stroke falls out, two ghosts come in."""
    draws = generator.random(3)
    if key in _BACKBONE:
        return row
    out = list(row)
    strokes = [i for i, mark in enumerate(row) if mark != "." and i]
    rests = [i for i, mark in enumerate(row) if mark == "."]
    if len(strokes) > 2:
        out[strokes[int(draws[0] * len(strokes))]] = "."
    for draw in draws[1:]:
        if rests:
            out[rests[int(draw * len(rests))]] = "o"
    return "".join(out)


def _turned(lanes: Mapping[int, str], turn: str, slots: int) -> dict[int, str]:
    """The groove as B plays it."""
    out = dict(lanes)
    if turn == "ride" and HAT in out:
        out[RIDE] = out.pop(HAT)
    if turn == "half" and SNARE in out and slots == 16:
        out[SNARE] = "........X......o"
        for key in (KICK, 35):
            if key in out:
                out[key] = "".join(c if i < 8 or c == "x" else "." for i, c in enumerate(out[key]))
        for key in (39, STICK):
            out.pop(key, None)
    return out


def _fill_slots(index: int, bars: int, slots: int, feel: Feel, generator: np.random.Generator) -> int:
    """Sixteenths of the fill at the end of bar `index`: none, one beat in every fourth bar, two in every eighth."""
    if not feel.fills or index % 4 != 3 or feel.amount <= 0.3:
        return 0
    long = (index % 8 == 7 or index == bars - 1) and generator.random() < 0.5
    return min(slots // 2, 8 if long else 4)


def _hand(
    index: int,
    bar: Fraction,
    slots: int,
    lanes: Mapping[int, str],
    feel: Feel,
    fill: int,
    generator: np.random.Generator,
) -> list[Stroke]:
    """Ghost strokes of the snare in odd bars, an open hat before every second bar line."""
    out: list[Stroke] = []
    draws = generator.random(3)
    if SNARE in lanes and feel.amount > 0.55 and index % 2 == 1:
        free = [i for i in range(1, slots - max(fill, 1), 2) if lanes[SNARE][i % len(lanes[SNARE])] == "."]
        out += [
            Stroke(index * bar + Fraction(free[int(d * len(free))], 4), SNARE, 0.22 + 0.1 * d)
            for d in draws[:2]
            if free
        ]
    if HAT in lanes and OPEN_HAT not in lanes and feel.amount > 0.5 and index % 2 == 1 and not fill and draws[2] < 0.7:
        out.append(Stroke(index * bar + bar - Fraction(1, 2), OPEN_HAT, 0.6))
    return out


def one_channel(row: Sequence[Note], hits: Sequence[Fraction], ends: Sequence[Fraction]) -> list[Note]:
    """Percussion on a console's one noise channel: each stroke takes it from the one before, and before a hit it is
    still, so that the hit is heard as one. Nothing rings over one of `ends`, where sections end."""
    starts = sorted({n.beat for n in row})
    stops = sorted({*starts, *ends, *(hit - _STILL for hit in hits if hit in set(starts))})
    out = []
    for note in row:
        after = bisect_right(stops, note.beat)
        out.append(replace(note, dur_beats=min([_RINGS, *(stop - note.beat for stop in stops[after : after + 1])])))
    return out


def _single(strokes: list[Stroke]) -> list[Stroke]:
    """One stroke a key and beat, the strongest; an open hat takes the place of the closed one."""
    best: dict[tuple[Fraction, int, bool], Stroke] = {}
    for stroke in strokes:
        place = (stroke.beat, stroke.key, stroke.taiko)
        if place not in best or best[place].strength < stroke.strength:
            best[place] = stroke
    opened = {s.beat for s in best.values() if s.key == OPEN_HAT}
    return [s for s in best.values() if s.key != HAT or s.beat not in opened]


def _stroke(beat: Fraction, key: int, strength: float, slot: int) -> Stroke:
    if key == TAIKO_PROGRAM:
        return Stroke(beat, 41 if slot % 8 == 0 else 45, strength, taiko=True)
    return Stroke(beat, key, strength)


_KIT_FILLS = (
    (SNARE, TOM_HIGH, TOM_MID, TOM_LOW), (SNARE, SNARE, TOM_HIGH, TOM_LOW), (SNARE, None, TOM_HIGH, TOM_LOW),
    (None, SNARE, SNARE, SNARE), (TOM_HIGH, TOM_HIGH, TOM_LOW, TOM_LOW), (SNARE, None, SNARE, None),
)  # fmt: skip
_LIGHT_FILLS = ((76, 76, 77, 77), (75, None, 76, 77), (77, 76, 77, None), (54, None, 54, 54), (None, 76, None, 77))
_TAIKO_FILLS = ((45, 45, 45, 41), (41, None, 45, 45), (45, 45, 41, 41), (41, 45, 45, 45))


def _fill(
    beat: Fraction, size: int, lanes: Mapping[int, str], amount: float, generator: np.random.Generator
) -> list[Stroke]:
    """A fill in sixteenths, rising in strength: toms of a kit, taiko, or light percussion, as the groove is."""
    taiko = TAIKO_PROGRAM in lanes
    kit = SNARE in lanes and any(key in lanes for key in (35, KICK, 47))
    rows: tuple[tuple[int | None, ...], ...] = _KIT_FILLS if kit else _TAIKO_FILLS if taiko else _LIGHT_FILLS
    keys = [key for _ in range(max(1, size // 4)) for key in rows[int(generator.integers(len(rows)))]][:size]
    return [
        Stroke(beat + Fraction(i, 4), key, (0.45 + 0.45 * i / size) * (0.6 + 0.4 * amount), taiko and not kit)
        for i, key in enumerate(keys)
        if key is not None
    ]
