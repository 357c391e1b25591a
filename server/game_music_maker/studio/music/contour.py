"""A line's shape laid onto chords: for each wanted pitch the degree that keeps the shape and sings well.

A beam search over the notes; its costs are the rules of a melody: keep the intervals of the shape, chord tones on
strong and long notes, no note a semitone against the chord for longer than an eighth, leaps taken back by a smaller
motion the other way, no tritones (Fux; Huron, "Sweet Anticipation", on post-skip reversal).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .score import Chord
from .theory import ladder

BEAM = 5
REACH = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """A note of the shape: its beat, length, wanted `pitch`; `strong` ones take a chord tone; `close` names the pitch
    classes that it may end on, the best first (None: free)."""

    beat: Fraction
    dur: Fraction
    pitch: float
    strong: bool
    close: tuple[int, ...] | None = None


def fit(
    wishes: Sequence[Wish],
    chords: Sequence[Chord],
    span: tuple[int, int],
    *,
    leap_max: int,
    before: int | None = None,
    tense: bool = False,
) -> list[int]:
    """One pitch for each wish. `before` is the pitch that the line comes from; `tense` allows
    semitones and tritones."""
    tables = [
        (float(c.beat), float(c.beat + c.beats), frozenset(c.pcs), c) for c in sorted(chords, key=lambda c: c.beat)
    ]
    beams: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for i, wish in enumerate(wishes):
        choices = _choices(wish, tables, span, tense)
        wanted = wish.pitch - wishes[i - 1].pitch if i else None
        fresh: list[tuple[float, tuple[int, ...]]] = []
        for cost, line in beams:
            last = line[-1] if line else before
            leap = line[-1] - line[-2] if len(line) > 1 else line[-1] - before if line and before is not None else 0
            for own, pitch in choices:
                move = 0 if last is None else pitch - last
                fresh.append((cost + own + _motion(move, leap, wanted, leap_max, tense, last is None), (*line, pitch)))
        fresh.sort()
        beams = fresh[:BEAM]
    return list(beams[0][1])


_Table = tuple[float, float, frozenset[int], Chord]


def _choices(wish: Wish, tables: Sequence[_Table], span: tuple[int, int], tense: bool) -> list[tuple[float, int]]:
    """Pitches near the wish with what they cost by themselves."""
    start = float(wish.beat)
    end = start + float(wish.dur)
    over = [t for t in tables if t[1] > start and t[0] < end]
    if not over or over[0][0] > start:
        return [(0.0, round(wish.pitch))]
    chord = over[0][3]
    classes = wish.close or (chord.pcs if wish.strong else chord.scale)
    degrees = ladder(classes, *span) or ladder(chord.pcs, *span) or [round(wish.pitch)]
    near = sorted(degrees, key=lambda p: (abs(p - wish.pitch), p))[:REACH]
    held = [pcs for first, last, pcs, _ in over if min(last, end) - max(first, start) > 0.5]
    out = []
    for pitch in near:
        cost = 0.32 * abs(pitch - wish.pitch)
        if wish.close:
            cost += 0.9 * wish.close.index(pitch % 12) if pitch % 12 in wish.close else 4.0
        for pcs in held:
            if pitch % 12 not in pcs:
                rub = (pitch - 1) % 12 in pcs or (pitch + 1) % 12 in pcs
                cost += 0.3 if tense else 9.0 if rub else 0.5
        out.append((cost, pitch))
    return out


def _motion(move: int, leap: int, wanted: float | None, leap_max: int, tense: bool, first: bool) -> float:
    """What a motion costs after a motion of `leap`, where the shape has `wanted` (None: no note before)."""
    if first:
        return 0.0
    size = abs(move)
    cost = 0.0
    if wanted is not None:
        cost += 0.45 * abs(move - wanted)
        if move * wanted < 0:
            cost += 2.2
        if move == 0 and abs(wanted) > 0.6:
            cost += 2.0
    if size >= 5:
        cost += (
            (0.2 if wanted is not None and abs(wanted) >= 4.5 else 1.0)  # the motif's own leap is meant
            + 0.5 * max(0, size - 7)
            + (6.0 if size > leap_max else 0.0)
            + (2.5 if size in (6, 10, 11) and not tense else 0.0)
        )
    if abs(leap) >= 5 and (move * leap >= 0 or size > abs(leap)):
        cost += 8.0
    if abs(leap) >= 5 and size > 4:
        cost += 1.5
    return cost
