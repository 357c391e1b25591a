"""The lead line: phrases from the motif, tried in many ways, the best one kept.

A theme is written once for its name ("A", "B") over the chords of its first section and comes back in other sections
with its pitches moved onto the chords there, its repeats varied.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from .chance import chance
from .library import Palette
from .metrics import chord_at
from .motif import Bar, cadence, draw, fragment, invert, new_tail
from .score import Chord
from .theory import ladder, nearest

TRIES = 24


@dataclass(frozen=True, slots=True)
class LeadNote:
    """A note of a theme: beats relative to the theme's start, quarter notes; `apex` marks the phrase's summit."""

    beat: Fraction
    dur: Fraction
    pitch: int
    phrase: int


@dataclass(frozen=True, slots=True)
class Room:
    """What a theme is written in: bar length and slot in quarter notes, span of pitches and the `centre` that
    the line stays around, palette and how busy it is."""

    bar: Fraction
    slots: int
    span: tuple[int, int]
    centre: float
    palette: Palette
    busy: float
    rest: float

    @property
    def slot(self) -> Fraction:
        return self.bar / self.slots


def write_theme(
    name: str, bars: int, chords: Sequence[Chord], room: Room, seed: int, idea: tuple[Bar, Bar] | None = None
) -> list[LeadNote]:
    """A theme of `bars` bars over `chords` (beats relative to the theme's start), by phrases of up to four bars.

    `idea` is the motif; drawn where None. The second phrase answers the first: its head again, its end closed.
    """
    idea = idea or draw(room.palette, room.slots, chance(seed, "motif"), room.busy)
    if name == "B":
        room = replace(room, centre=min(room.centre + 3, room.span[1] - 6))
        generator = chance(seed, "motif", "B")
        idea = (invert(idea[1]), new_tail(idea[0], generator))
    notes: list[LeadNote] = []
    size = min(4, bars)
    last: int | None = None
    for phrase, start in enumerate(range(0, bars, size)):
        length = min(size, bars - start)
        final = start + length >= bars
        best: list[LeadNote] = []
        score = float("-inf")
        for attempt in range(TRIES):
            generator = chance(seed, "melody", name, phrase, attempt)
            shape = _phrase(idea, length, phrase, final, room, generator)
            found = _place(shape, start, chords, room, generator, last, phrase, final)
            worth = _worth(found, room, chords)
            if worth > score and found:
                best, score = found, worth
        notes += best
        last = best[-1].pitch if best else last
    return notes


def _phrase(
    idea: tuple[Bar, Bar], bars: int, phrase: int, final: bool, room: Room, generator: np.random.Generator
) -> list[Bar]:
    """The bars of one phrase as shapes: idea, idea developed, cadence."""
    first, second = idea
    end = cadence(room.slots, generator, final=final)
    if bars == 1:
        return [first if generator.random() < 0.5 else new_tail(first, generator)]
    if bars == 2:
        return [first, end]
    way = float(generator.random())
    if phrase % 2 == 0:  # statement: the idea, and its head again elsewhere
        third = first if way < 0.6 else new_tail(first, generator)
        shapes = [first, second, third]
    else:  # answer: the idea, driven on by its parts
        third = fragment(first) if way < 0.5 else invert(first) if way < 0.75 else new_tail(second, generator)
        shapes = [first, second, third]
    shapes = shapes[: bars - 1]
    if generator.random() < room.rest and len(shapes) > 2:
        shapes[2] = Bar((-room.slots,), ())
    return [*shapes, end]


def _place(
    shape: list[Bar],
    start: int,
    chords: Sequence[Chord],
    room: Room,
    generator: np.random.Generator,
    last: int | None,
    phrase: int,
    final: bool,
) -> list[LeadNote]:
    """Give the shapes pitches: chord tones on strong slots, degrees of the chord's scale between them."""
    centre = room.centre + 1.5 * float(generator.standard_normal())
    pitch = float(last if last is not None else centre)
    before = 0.0
    notes: list[LeadNote] = []
    for i, bar in enumerate(shape):
        lift = {0: 0.0, 1: 1.5, 2: 4.0}.get(i, 0.0) if len(shape) > 2 else 0.0
        at = (start + i) * room.bar
        index = 0
        opening = True
        for value in bar.rhythm:
            length = abs(value) * room.slot
            chord = chord_at(chords, at)
            if value > 0 and chord is not None:
                here = pitch
                if opening and i < len(shape) - 1:
                    pitch = _opening(chord, room.span, 0.8 * pitch + 0.2 * (centre + lift))
                    opening = False
                else:
                    step = bar.steps[index - 1] if 0 < index <= len(bar.steps) else int(generator.choice([-1, 1]))
                    pitch = _step(chord, room.span, pitch, step, strong=_strong(at, room))
                if notes and abs(before) >= 5:
                    pitch = _recovered(chord, room.span, here, before, pitch, strong=_strong(at, room))
                before = pitch - here if notes else 0.0
                notes.append(LeadNote(at, length, int(pitch), phrase))
                index += 1
            at += length
    if notes and shape:
        notes[-1] = _close(notes[-1], chords, room.span, final)
    return notes


def _strong(beat: Fraction, room: Room) -> bool:
    half = room.bar / 2 if room.slots % 2 == 0 else room.bar
    return beat % half == 0


def _opening(chord: Chord, span: tuple[int, int], target: float) -> float:
    return float(nearest(ladder(chord.pcs, *span) or [round(target)], target))


def _step(chord: Chord, span: tuple[int, int], pitch: float, step: int, *, strong: bool) -> float:
    """Move `step` degrees in the chord's scale; on a strong slot go on to the next chord tone that way."""
    degrees = ladder(chord.scale, *span)
    if not degrees:
        return pitch
    here = min(range(len(degrees)), key=lambda i: abs(degrees[i] - pitch))
    goal = here + step
    if not 0 <= goal < len(degrees):
        goal = here - step
    goal = min(len(degrees) - 1, max(0, goal))
    if strong and degrees[goal] % 12 not in chord.pcs:
        tones = [d for d in degrees if d % 12 in chord.pcs]
        onward = [d for d in tones if (d - pitch) * step > 0 and abs(d - degrees[goal]) <= 4]
        if onward or tones:
            return float(nearest(onward or tones, degrees[goal]))
    return float(degrees[goal])


def _recovered(chord: Chord, span: tuple[int, int], here: float, leap: float, wanted: float, *, strong: bool) -> float:
    """After a leap the line turns back by a small step, whatever was `wanted`."""
    back = -1 if leap > 0 else 1
    if 0 < (wanted - here) * back <= 4:
        return wanted
    row = [
        p for p in ladder(chord.pcs if strong else chord.scale, *span) if 0 < (p - here) * back <= (5 if strong else 4)
    ]
    return float(nearest(row, here)) if row else wanted


def _close(note: LeadNote, chords: Sequence[Chord], span: tuple[int, int], final: bool) -> LeadNote:
    """Phrases end on a chord tone: the root or third at the theme's end, any tone inside it."""
    chord = chord_at(chords, note.beat)
    if chord is None:
        return note
    classes = chord.pcs[:2] if final and len(chord.pcs) > 2 else chord.pcs
    return LeadNote(note.beat, note.dur, nearest(ladder(classes, *span) or [note.pitch], note.pitch), note.phrase)


def _worth(notes: Sequence[LeadNote], room: Room, chords: Sequence[Chord]) -> float:
    """How good a phrase is: step share, leaps taken back, one summit late in the phrase, range, no dull repeats."""
    if len(notes) < 2:
        return 0.0
    moves = [b.pitch - a.pitch for a, b in itertools.pairwise(notes)]
    sizes = [abs(m) for m in moves]
    count = len(moves)
    small = sum(1 <= s <= 4 for s in sizes) / count
    step = sum(1 <= s <= 2 for s in sizes) / count
    repeats = sum(s == 0 for s in sizes) / count
    wide = sum(s > room.palette.melody.leap_max for s in sizes)
    leaps = [(a, b) for a, b in itertools.pairwise(moves) if abs(a) >= 5]
    open_leaps = sum(1 for a, b in leaps if a * b >= 0 or abs(b) > 4)
    top = max(n.pitch for n in notes)
    summits = [i for i, n in enumerate(notes) if n.pitch == top]
    span = top - min(n.pitch for n in notes)
    place = summits[0] / count
    outside = sum(
        1 for n in notes if _strong(n.beat, room) and (c := chord_at(chords, n.beat)) and n.pitch % 12 not in c.pcs
    )
    return (
        6.0 * min(small, 0.82)
        - 1.5 * abs(step - room.palette.melody.step)
        - 2.0 * max(0.0, repeats - 0.2)
        - 2.0 * wide
        - 3.0 * max(0.0, sum(s >= 5 for s in sizes) / count - 0.25)
        - 1.6 * open_leaps
        - 0.35 * (len(summits) - 1)
        - 1.0 * abs(place - 0.65)
        - 0.25 * max(0, 10 - span)
        - 0.12 * max(0, span - 16)
        - 0.6 * outside
        - 0.35 * max(0.0, abs(sum(n.pitch for n in notes) / len(notes) - room.centre) - 0.5)
    )


def adapt(theme: Sequence[LeadNote], chords: Sequence[Chord], room: Room) -> list[LeadNote]:
    """The theme over other chords: notes outside the scale move to the nearest degree, strong ones to a chord tone."""
    out = []
    for note in theme:
        chord = chord_at(chords, note.beat)
        if chord is None:
            continue
        strong = _strong(note.beat, room)
        allowed = chord.pcs if strong else chord.scale
        pitch = note.pitch
        if pitch % 12 not in allowed:
            pitch = nearest(ladder(allowed, *room.span) or [pitch], pitch)
        out.append(LeadNote(note.beat, note.dur, pitch, note.phrase))
    return out


def vary(
    theme: Sequence[LeadNote], chords: Sequence[Chord], room: Room, generator: np.random.Generator
) -> list[LeadNote]:
    """A repeat that differs: passing notes in long ones."""
    out: list[LeadNote] = []
    for note, following in zip(theme, [*theme[1:], None], strict=False):
        pitch = note.pitch
        chord = chord_at(chords, note.beat)
        split = note.dur >= 4 * room.slot and following is not None and generator.random() < 0.4
        if split and chord is not None and following is not None:
            half = Fraction(note.dur) / 2
            goal = following.pitch
            degrees = [d for d in ladder(chord.scale, *room.span) if min(pitch, goal) < d < max(pitch, goal)]
            between = degrees[len(degrees) // 2] if degrees else None
            if between is not None:
                out.append(LeadNote(note.beat, half, pitch, note.phrase))
                out.append(LeadNote(note.beat + half, half, between, note.phrase))
                continue
        out.append(LeadNote(note.beat, note.dur, pitch, note.phrase))
    return out
