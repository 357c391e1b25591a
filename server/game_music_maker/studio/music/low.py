"""What the low parts play: bass, drone, heartbeat, riff and low brass."""

from __future__ import annotations

from fractions import Fraction

from .figure import Line, Task, chord_index, step_of, tied
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
        span = min(length, end - at)
        lines.append(Line(at, span, root, 0.0))
        if root + 7 <= task.span[1] and (chord.pcs[0] + 7) % 12 in chord.pcs:
            lines.append(Line(at, span, root + 7, -0.4))
        at += span
    return tied(lines, length)


def bass(task: Task) -> list[Line]:
    """Roots on the chord's start; fifths, octaves, walking notes or sixteenths as the density asks."""
    lines: list[Line] = []
    target = task.span[0] + (task.span[1] - task.span[0]) * 0.35
    chords = list(task.chords)
    for i, chord in enumerate(chords):
        root = nearest(ladder((chord.bass_pc,), *task.span) or [task.span[0]], target)
        following = chords[i + 1] if i + 1 < len(chords) else chords[0]
        lines += _bass_slot(task, chord, following, root)
        target = 0.6 * root + 0.4 * (task.span[0] + (task.span[1] - task.span[0]) * 0.35)
    return lines


def _bass_slot(task: Task, chord: Chord, following: Chord, root: int) -> list[Line]:
    low, high = task.span
    fifth = next((p for p in (root - 5, root + 7) if low <= p <= high and p % 12 in chord.pcs), root)
    octave = root + 12 if root + 12 <= high else root
    end = chord.beat + chord.beats
    if task.density <= 0.6:
        half = task.bar / 2 if task.bar % 2 == 0 else task.bar
        first = Line(chord.beat, min(chord.beats, task.bar), root, 0.3)
        more = []
        at = chord.beat + task.bar
        while at < end:
            more.append(Line(at, min(task.bar, end - at), fifth if (at // task.bar) % 2 else root, 0.0))
            at += task.bar
        if task.generator.random() < 0.3 and chord.beats >= task.bar and first.dur > half:
            first = Line(first.beat, first.dur - half, root, 0.3)
            more.append(Line(first.beat + first.dur, half, fifth, -0.2))
        return [first, *more]
    step = step_of(task.density, task.bar)
    lines: list[Line] = []
    at, i = chord.beat, 0
    while at < end:
        if i == 0 or at % task.bar == 0:
            pitch, accent = root, 0.5
        elif step >= 1:
            pitch, accent = (fifth if i % 2 else root), 0.0
        else:
            pitch = octave if (i % 4 == 2 and step <= Fraction(1, 4)) or (i % 8 == 6) else root
            accent = 0.1 if at.denominator == 1 else -0.2
        last = at + step >= end
        if last and i > 0 and step >= Fraction(1, 2) and task.generator.random() < 0.5:
            pitch = _approach(pitch, following, chord, task.span)
        lines.append(Line(at, step * Fraction(9, 10) if step < 1 else step, pitch, accent))
        at += step
        i += 1
    return lines


def _approach(pitch: int, following: Chord, chord: Chord, span: tuple[int, int]) -> int:
    """A scale step next to the coming root, from the side that the bass is on."""
    goal = nearest(ladder((following.bass_pc,), *span) or [pitch], pitch)
    steps = [d for d in ladder(chord.scale, *span) if 1 <= abs(d - goal) <= 2]
    return nearest(steps, pitch) if steps else pitch


def pulse(task: Task) -> list[Line]:
    """A low heartbeat on the root: long-short, tighter as the density grows."""
    lines: list[Line] = []
    for bar in range(task.bars):
        found = chord_index(task.chords, bar * task.bar)
        if found is None:
            continue
        root = nearest(ladder((task.chords[found].bass_pc,), *task.span) or [task.span[0]], sum(task.span) / 2)
        beats = [Fraction(0), Fraction(1, 2)] if task.density < 1.2 else [Fraction(0), Fraction(1, 2), Fraction(2)]
        lines += [
            Line(bar * task.bar + beat, Fraction(1, 2), root, 0.3 - 0.4 * (k % 2))
            for k, beat in enumerate(beats)
            if beat < task.bar
        ]
    return lines


def riff(task: Task) -> list[Line]:
    """Power chords in eighths, palm-muted, with pushes drawn once a section."""
    push = task.generator.random(8) < 0.45
    lines: list[Line] = []
    for bar in range(task.bars):
        for i in range(int(task.bar * 2)):
            at = bar * task.bar + Fraction(i, 2)
            found = chord_index(task.chords, at)
            if found is None or (i % 2 and not push[i % 8]):
                continue
            root = nearest(ladder((task.chords[found].pcs[0],), *task.span) or [task.span[0]], task.span[0] + 6)
            accent = 0.5 if i == 0 else 0.1 if i % 2 == 0 else -0.2
            lines.append(Line(at, Fraction(2, 5), root, accent, "staccato"))
            if root + 7 <= task.span[1]:
                lines.append(Line(at, Fraction(2, 5), root + 7, accent, "staccato"))
    return lines


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
