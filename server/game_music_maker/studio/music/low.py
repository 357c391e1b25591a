"""What the low parts play: how the rows of bass and riff become pitches; drone and low brass."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from .figure import Line, Task, chord_index, tied
from .score import Chord
from .theory import ladder, nearest


def drone(task: Task) -> list[Line]:
    """The tonic (or the bass of the chord) held under everything, its fifth with it where the span allows."""
    lines: list[Line] = []
    length = 4 * task.bar
    at = Fraction(0)
    end = task.bars * task.bar
    while at < end:
        found = chord_index(task.chords, at)
        chord = task.chords[found if found is not None else 0]
        root = nearest(ladder((chord.bass_pc,), task.span[0], task.span[1]) or [task.span[0]], task.span[0] + 5)
        span = _borne(task, root, at, min(at + length, end)) - at
        lines.append(Line(at, span, root, 0.0))
        if root + 7 <= task.span[1] and (chord.pcs[0] + 7) % 12 in chord.pcs:
            lines.append(Line(at, _borne(task, root + 7, at, at + span) - at, root + 7, -0.4))
        at += span
    return tied(lines, length)


def _borne(task: Task, pitch: int, at: Fraction, until: Fraction) -> Fraction:
    """Up to where a note from `at` on may be held: to the first chord whose scale it is not in."""
    leaves = (c.beat for c in task.chords if at < c.beat < until and pitch % 12 not in (*c.scale, *c.pcs))
    return next(leaves, until)


def bass_symbols(task: Task) -> Callable[[str, int, Task], list[int]]:
    """Reads the bass rows of the figures: the root of each chord lies near the one before, in the lower part of the
    span; fifths go below it where there is room, the last step leads to the next root."""
    low, high = task.span
    home = low + (high - low) * 0.35
    roots: list[int] = []
    target = home
    for chord in task.chords:
        root = nearest(ladder((chord.bass_pc,), low, high) or [low], target)
        roots.append(root)
        target = 0.6 * root + 0.4 * home

    def pitches(char: str, found: int, task: Task) -> list[int]:
        chord, root = task.chords[found], roots[found]
        if char == "8":
            return [root + 12 if root + 12 <= high else root]
        if char in "53":
            wanted = 7 if char == "5" else 4
            tones = [p for p in ladder(chord.pcs, low, high) if p != root and abs(p - root) <= 9]
            return (
                [min(tones, key=lambda p: min(abs(p - root - wanted), abs(p - root + 12 - wanted)))]
                if tones
                else [root]
            )
        if char == "a":
            last = found + 1 >= len(task.chords)
            following = task.following if last else task.chords[found + 1].pcs
            goal = following[0] if last and following else task.chords[(found + 1) % len(task.chords)].bass_pc
            return [_approach(root, goal, chord, task.span)]
        if char in "bv":
            degrees = ladder(chord.scale, low, high)
            near = [d for d in degrees if (d > root if char == "b" else d < root)]
            return [nearest(near, root)] if near else [root]
        return [root]

    return pitches


def _approach(root: int, goal_pc: int, chord: Chord, span: tuple[int, int]) -> int:
    """A scale step next to the coming root; where the chord stays, its fifth or octave."""
    goal = nearest(ladder((goal_pc,), *span) or [root], root)
    if goal == root:
        tones = [p for p in ladder(chord.pcs, *span) if p != root]
        return nearest(tones, root - 3) if tones else root
    steps = [d for d in ladder(chord.scale, *span) if 1 <= abs(d - goal) <= 2]
    return nearest(steps, root) if steps else root


def riff_symbols(task: Task) -> Callable[[str, int, Task], list[int]]:
    """Reads the riff rows: power chords, muted roots."""
    low, high = task.span

    def pitches(char: str, found: int, task: Task) -> list[int]:
        root = nearest(ladder((task.chords[found].pcs[0],), low, high) or [low], low + 6)
        if char == "b":
            root = nearest([d for d in ladder(task.chords[found].scale, low, high) if d > root] or [root], root)
        return [root, root + 7] if char != "p" and root + 7 <= high else [root]

    return pitches


def low_unison(task: Task) -> list[Line]:
    """Roots in long notes for low brass, a pick-up before every second change."""
    lines: list[Line] = []
    target = sum(task.span) / 2
    for i, chord in enumerate(task.chords):
        root = nearest(ladder((chord.bass_pc,), *task.span) or [task.span[0]], target)
        pick = i % 2 == 1 and chord.beats >= 2
        lines.append(Line(chord.beat, chord.beats - (1 if pick else 0), root, 0.2))
        if pick:
            fifth = root + 7 if root + 7 <= task.span[1] else root
            lines.append(Line(chord.beat + chord.beats - 1, Fraction(1), fifth, 0.0))
    return lines
