"""The motif: one cell of two bars, and what can be done to it.

All lead material is the motif repeated, sequenced, inverted, cut to its head or given another tail (Schoenberg,
"Fundamentals of Musical Composition": basic idea, sentence and period).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .chance import chance, dealt
from .library import Palette


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of melody as shape: `rhythm` in slots (negative = rest), `steps` between its notes in scale degrees."""

    rhythm: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def count(self) -> int:
        return sum(1 for slot in self.rhythm if slot > 0)


def fit_cell(cell: Sequence[int], slots: int) -> tuple[int, ...]:
    """`cell` cut or stretched to a bar of `slots`: the last that fits is shortened, a gap goes to the last note."""
    out: list[int] = []
    left = slots
    for value in cell:
        if left <= 0:
            break
        size = min(abs(value), left)
        out.append(size if value > 0 else -size)
        left -= size
    if left > 0 and out:
        out[-1] += left if out[-1] > 0 else -left
    return tuple(out) if any(value > 0 for value in out) else (slots,)


def draw(palette: Palette, slots: int, seed: int, busy: float) -> tuple[Bar, Bar]:
    """The basic idea of two bars.

    `slots` of a bar, `busy` 0–1: wanted share of busy cells among the palette's own; a cue, which is little more than
    its cell, takes all of them in turn. The first bar carries the one signature leap (4 or 5 degrees), which the next
    note takes back by step.
    """
    generator = chance(seed, "motif")
    cells = sorted((fit_cell(cell, slots) for cell in palette.cells), key=lambda c: sum(1 for v in c if v > 0))
    place = min(0.999, max(0.0, busy + 0.35 * float(generator.standard_normal())))
    turn = dealt(seed, len(cells), "cell", palette.id) if palette.one_shot else int(place * len(cells))
    first = cells[turn]
    others = [cell for cell in cells if cell != first] or cells
    second = others[int(generator.integers(len(others)))]
    direction = 1 if generator.random() < 0.65 else -1
    return (
        Bar(first, _steps(_notes(first), palette, generator, direction, leap=True)),
        Bar(second, _steps(_notes(second), palette, generator, -direction, leap=False)),
    )


def _notes(rhythm: Sequence[int]) -> int:
    return sum(1 for value in rhythm if value > 0)


def _steps(
    notes: int, palette: Palette, generator: np.random.Generator, direction: int, *, leap: bool
) -> tuple[int, ...]:
    """Degree steps between `notes` notes, mostly by step in `direction`; one leap if asked for and there is room."""
    steps: list[int] = []
    at = int(generator.integers(max(1, notes - 2))) if leap and notes > 2 else -1
    for i in range(notes - 1):
        draw_ = float(generator.random())
        if i == at:
            # In a short bar a leap would be most of what is heard: a skip does there.
            steps.append(direction * (int(generator.integers(3, 5)) if notes > 3 else 2))
        elif steps and abs(steps[-1]) >= 3:
            steps.append(-int(np.sign(steps[-1])))
        elif draw_ < palette.melody.step + 0.12:
            steps.append(direction if generator.random() < 0.72 else -direction)
        elif draw_ < palette.melody.step + 0.30:
            steps.append(2 * (direction if generator.random() < 0.6 else -direction))
        else:
            steps.append(0)
    return tuple(steps)


def invert(bar: Bar) -> Bar:
    return replace(bar, steps=tuple(-step for step in bar.steps))


def new_tail(bar: Bar, generator: np.random.Generator) -> Bar:
    """The same rhythm and head; the last steps drawn anew."""
    if len(bar.steps) < 2:
        return invert(bar)
    keep = len(bar.steps) // 2
    tail = tuple(int(generator.choice([-1, 1, -1, 1, 2, -2])) for _ in bar.steps[keep:])
    return replace(bar, steps=bar.steps[:keep] + tail)


def fragment(bar: Bar) -> Bar:
    """The head of the bar, said twice: its first half repeated."""
    total = sum(abs(value) for value in bar.rhythm)
    half: list[int] = []
    for value in bar.rhythm:
        if sum(map(abs, half)) + abs(value) > total // 2:
            break
        half.append(value)
    if not half or not any(v > 0 for v in half) or sum(map(abs, half)) * 2 != total:
        return bar
    count = sum(1 for v in half if v > 0)
    steps = bar.steps[: count - 1]
    return Bar(tuple(half * 2), (*steps, -1, *steps))


def held(bar: Bar) -> Bar:
    """The bar with its last note held to the bar's end: a motif that is a phrase by itself."""
    last = max((i for i, value in enumerate(bar.rhythm) if value > 0), default=0)
    return replace(bar, rhythm=(*bar.rhythm[:last], sum(abs(value) for value in bar.rhythm[last:])))


def cadence(slots: int, generator: np.random.Generator, *, final: bool) -> Bar:
    """The end of a phrase: a short approach and a long note, then room to breathe."""
    if final:
        long = slots * 3 // 4
        return Bar((long, -(slots - long)), ())
    quarter = max(1, slots // 4)
    rest = quarter
    body = slots - quarter - rest
    step = -1 if generator.random() < 0.6 else 1
    return Bar((quarter, body, -rest), (step,))
