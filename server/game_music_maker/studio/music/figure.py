"""What a pattern gets and gives: the task of one role in one section, and lines without a part yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .score import Chord


@dataclass(frozen=True, slots=True)
class Line:
    """A note before its part and dynamics: section beats, quarter notes, MIDI pitch, `accent` −1 … 1."""

    beat: Fraction
    dur: Fraction
    pitch: int
    accent: float = 0.0
    artic: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What one role is to play in one section.

    Attributes:
        chords: absolute chords with beats relative to the section. bar: quarter notes a bar.
        span: MIDI range. density: onsets a quarter. ratio: note length as a share of the time to the next (0.4–1).
        bars: length in bars. busy: seeded stream of this role in this section.
        gaps: (start, end) beats in which the lead rests, for answers.
    """

    chords: Sequence[Chord]
    bar: Fraction
    span: tuple[int, int]
    density: float
    ratio: float
    bars: int
    generator: np.random.Generator
    gaps: Sequence[tuple[Fraction, Fraction]] = ()


def step_of(density: float, bar: Fraction) -> Fraction:
    """The step of a figure in quarter notes: 2, 1, 1/2, 1/4 by density; dotted groups where the bar is compound."""
    steps = (
        [Fraction(3), Fraction(3, 2), Fraction(1, 2), Fraction(1, 4)]
        if bar == 3 and density < 0.5
        else [Fraction(2), Fraction(1), Fraction(1, 2), Fraction(1, 4)]
    )
    for step in steps:
        if density <= 1.42 / float(step):
            return step
    return steps[-1]


def tied(lines: list[Line], longest: Fraction) -> list[Line]:
    """Join notes of one pitch that touch, up to `longest`."""
    out: list[Line] = []
    last: dict[int, int] = {}
    for line in sorted(lines, key=lambda x: (x.beat, x.pitch)):
        i = last.get(line.pitch)
        if i is not None and out[i].beat + out[i].dur == line.beat and out[i].dur + line.dur <= longest:
            out[i] = Line(out[i].beat, out[i].dur + line.dur, line.pitch, out[i].accent)
            continue
        last[line.pitch] = len(out)
        out.append(line)
    return out


def chord_index(chords: Sequence[Chord], beat: Fraction) -> int | None:
    for i, chord in enumerate(chords):
        if chord.beat <= beat < chord.beat + chord.beats:
            return i
    return None
