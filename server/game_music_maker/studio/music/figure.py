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
        span: MIDI range. density: onsets a quarter that the section asks for, `full` what the piece asks for where it
            is full. ratio: note length as a share of the time to the next (0.4–1).
        bars: length in bars. generator: seeded stream of this role in this section.
        gaps: (start, end) beats in which the lead rests, for answers. play: names of figures to draw from.
        compound: the beat is a dotted quarter. following: pitch classes of the chord after the section.
        tune: the lead's notes in the section.
    """

    chords: Sequence[Chord]
    bar: Fraction
    span: tuple[int, int]
    density: float
    full: float
    ratio: float
    bars: int
    generator: np.random.Generator
    gaps: Sequence[tuple[Fraction, Fraction]] = ()
    play: tuple[str, ...] = ()
    compound: bool = False
    following: tuple[int, ...] | None = None
    tune: Sequence[Line] = ()


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
