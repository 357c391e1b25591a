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
from .contour import Wish, fit
from .library import Palette
from .metrics import chord_at
from .motif import Bar, cadence, draw, fragment, held, invert, new_tail
from .score import Chord
from .theory import ladder

TRIES = 24
RANGE = 11
"""Semitones that the themes of a piece span together at least, where their notes can."""
HEAD = 2
"""Bars of a phrase that say its idea."""
B_HIGHER = 2.5
"""Semitones that the B theme lies above A."""
_RISE = (0.0, 1.5, 4.0)
"""Semitones by which the bars of a phrase rise to its summit."""
_SETTLED, _MOST_OWED = 0.4, 2.5
"""Semitones that a phrase's mean may lie off its register without being moved, and that the next may make up for."""


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
    the line stays around, palette and how busy it is; `breath`: the statement has a bar of rest before its end."""

    bar: Fraction
    slots: int
    span: tuple[int, int]
    centre: float
    palette: Palette
    busy: float
    rest: float
    tension: float = 0.3
    breath: bool = False

    @property
    def slot(self) -> Fraction:
        return self.bar / self.slots


def write_theme(
    name: str,
    bars: int,
    chords: Sequence[Chord],
    room: Room,
    seed: int,
    idea: tuple[Bar, Bar] | None = None,
    *,
    before: int | None = None,
    other: Sequence[LeadNote] = (),
) -> list[LeadNote]:
    """A theme of `bars` bars over `chords` (beats relative to the theme's start), by phrases of up to four bars.

    `idea` is the motif; drawn where None. The second phrase answers the first: its head again, its end closed.
    `before` is the pitch that the theme comes from, `other` the piece's other theme: the two together have a range.
    """
    idea = idea or draw(room.palette, room.slots, seed, room.busy)
    if name == "B":
        # Two bars have no room for a way up: they are the summit.
        higher = B_HIGHER if bars > 3 else 2 * B_HIGHER
        room = replace(room, centre=min(room.centre + higher, room.span[1] - 5))
        generator = chance(seed, "motif", "B")
        # Where B is no whole phrase it is the motif turned over, so that it is heard as the theme's.
        idea = (invert(idea[1]), new_tail(idea[0], generator)) if bars > 3 else (invert(idea[0]), invert(idea[1]))
    notes: list[LeadNote] = []
    size = min(4, bars)
    last = before
    for phrase, start in enumerate(range(0, bars, size)):
        here = replace(room, centre=room.centre + _owed(notes, room.centre))
        length = min(size, bars - start)
        final = start + length >= bars
        said = _said_again(notes, start * room.bar, chords, room) if length > 2 else []
        best: list[LeadNote] = []
        score = float("-inf")
        for attempt in range(TRIES):
            generator = chance(seed, "melody", name, phrase, attempt)
            shape = _phrase(idea, length, phrase, final, here, generator, turned=name == "B")
            if said:
                later = _place(shape[HEAD:], start + HEAD, chords, here, generator, said[-1].pitch, phrase, final)
                found = [*(replace(n, phrase=phrase) for n in said), *later]
            else:
                found = _place(shape, start, chords, here, generator, last, phrase, final)
            worth = _worth(found, here)
            if said_before := [n.pitch for n in (*other, *notes)]:
                pitches = [*said_before, *(n.pitch for n in found)]
                worth -= 0.8 * max(0, RANGE - (max(pitches) - min(pitches)))
            if final and notes and found:  # the end leads back to the beginning, for the next time round
                worth -= 0.4 * max(0, abs(found[-1].pitch - notes[0].pitch) - 4)
            if worth > score and found:
                best, score = found, worth
        notes += best
        last = best[-1].pitch if best else last
    out = settled(notes, chords, room, room.centre, before)
    return _lifted(out, other, chords, room) if bars < 4 else out


def _lifted(notes: list[LeadNote], other: Sequence[LeadNote], chords: Sequence[Chord], room: Room) -> list[LeadNote]:
    """A short contrast, moved up until it and the theme have a melody's range. It comes after a rest, from nowhere."""
    low = min((n.pitch for n in (*other, *notes)), default=0)
    tried = [notes, *(adapt(notes, chords, room, up=up) for up in (2.0, 3.0, 4.0, 5.0))]
    wide = [row for row in tried if max((n.pitch for n in row), default=0) - low >= RANGE - 1]
    return wide[0] if wide and other else notes


def settled(
    notes: Sequence[LeadNote], chords: Sequence[Chord], room: Room, centre: float, before: int | None
) -> list[LeadNote]:
    """The line brought to the register, phrase by phrase: its mean near `centre`, its shape kept.

    A phrase moves from chord tone to chord tone, so it may stay off by a tone or two: the next one makes up for it.
    """
    out: list[LeadNote] = []
    for _, row in itertools.groupby(notes, key=lambda n: n.phrase):
        best = list(row)
        goal = centre + _owed(out, centre)
        away = goal - _mean(best)
        if abs(away) > _SETTLED:
            last = out[-1].pitch if out else before
            shifts = (away + more for more in (0.0, -0.7, 0.7, -1.5, 1.5, -2.5, 2.5, -3.5, 3.5))
            tried = [adapt(best, chords, room, up=up, before=last) for up in shifts]
            best = min([best, *(found for found in tried if found)], key=lambda found: abs(goal - _mean(found)))
        out += best
    return _kept_heads(notes, out, chords, room)


def _owed(notes: Sequence[LeadNote], centre: float) -> float:
    """By how much what comes after `notes` is to lie off `centre`, so that both together lie on it."""
    return max(-_MOST_OWED, min(_MOST_OWED, centre - _mean(notes))) if notes else 0.0


def _mean(notes: Sequence[LeadNote]) -> float:
    return sum(n.pitch for n in notes) / len(notes)


def _said_again(notes: Sequence[LeadNote], start: Fraction, chords: Sequence[Chord], room: Room) -> list[LeadNote]:
    """The first phrase's head, at `start`: a phrase over the same chords begins as the first did (parallel period)."""
    head = head_of(notes, room)
    return [replace(n, beat=n.beat + start) for n in head] if start and alike(head, chords, chords, start) else []


def head_of(phrase: Sequence[LeadNote], room: Room) -> list[LeadNote]:
    """The notes of a phrase's first bars, by which it is known again."""
    return [n for n in phrase if n.beat - phrase[0].beat // room.bar * room.bar < HEAD * room.bar]


def alike(
    notes: Sequence[LeadNote], first: Sequence[Chord], second: Sequence[Chord], later: Fraction = Fraction(0)
) -> bool:
    """Whether `second`, `later` beats on, asks the same of all notes as `first` does where they stand."""
    pairs = [(chord_at(first, n.beat), chord_at(second, n.beat + later)) for n in notes]
    return all(a is not None and b is not None and a.pcs == b.pcs and a.scale == b.scale for a, b in pairs)


def _phrase(
    idea: tuple[Bar, Bar], bars: int, phrase: int, final: bool, room: Room, generator: np.random.Generator, *,
    turned: bool = False,
) -> list[Bar]:  # fmt: skip
    """The bars of one phrase as shapes: idea, idea developed, cadence."""
    first, second = idea
    end = cadence(room.slots, generator, final=final)
    if bars == 1:
        return [first if generator.random() < 0.5 else new_tail(first, generator)]
    if bars == 2:
        # A sparse motif that B turns over takes both bars to be known.
        return [first, held(second) if turned and first.count < 3 else end]
    way = float(generator.random())
    if phrase % 2 == 0:  # statement: the idea, and its head again elsewhere
        third = first if way < 0.75 else new_tail(first, generator)
        shapes = [first, second, third]
    else:  # answer: the idea, driven on by its parts
        third = fragment(first) if way < 0.5 else invert(first) if way < 0.75 else new_tail(second, generator)
        shapes = [first, second, third]
    shapes = shapes[: bars - 1]
    rests = generator.random() < room.rest or (room.breath and phrase == 0)
    if rests and len(shapes) > 2:
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
    """Give the shapes pitches: the steps of the motif in the chord's scale, then the line that the chords let sing."""
    rises = _RISE if len(shape) > 2 else (0.0,)
    centre = room.centre + 0.8 * float(generator.standard_normal()) - sum(rises[: len(shape)]) / len(shape)
    pitch = float(last if last is not None else centre)
    wishes: list[Wish] = []
    for i, bar in enumerate(shape):
        lift = rises[i] if i < len(rises) else 0.0
        at = (start + i) * room.bar
        index = 0
        for value in bar.rhythm:
            length = abs(value) * room.slot
            chord = chord_at(chords, at)
            if value > 0 and chord is not None:
                if index == 0 and i < len(shape) - 1:
                    pitch = 0.6 * pitch + 0.4 * (centre + lift)
                else:
                    step = bar.steps[index - 1] if 0 < index <= len(bar.steps) else int(generator.choice([-1, 1]))
                    pitch = _step(chord, room.span, pitch, step)
                wishes.append(Wish(at, length, pitch, _strong(at, room)))
                index += 1
            at += length
    if not wishes:
        return []
    chord = chord_at(chords, wishes[-1].beat)
    if chord is not None:
        wishes[-1] = replace(wishes[-1], strong=True, close=_endings(chord, room, final))
    row = _sung(wishes, chords, room, last)
    return [LeadNote(w.beat, w.dur, p, phrase) for w, p in zip(wishes, row, strict=True)]


def _sung(wishes: Sequence[Wish], chords: Sequence[Chord], room: Room, last: int | None) -> list[int]:
    return fit(wishes, chords, room.span, leap_max=room.palette.melody.leap_max, before=last, tense=room.tension > 0.7)


def _endings(chord: Chord, room: Room, final: bool) -> tuple[int, ...]:
    """Pitch classes that a phrase may end on: the palette's cadence; the theme's end closes, phrases inside it ask."""
    if room.palette.melody.cadence == "open":
        return chord.pcs[1:] or chord.pcs
    if final and room.palette.melody.cadence != "closed":
        return chord.pcs[:2]
    return chord.pcs[:3]


def _strong(beat: Fraction, room: Room) -> bool:
    half = room.bar / 2 if room.slots % 2 == 0 else room.bar
    return beat % half == 0


def _step(chord: Chord, span: tuple[int, int], pitch: float, step: int) -> float:
    """`step` degrees on in the chord's scale, turned back at the ends of the span."""
    degrees = ladder(chord.scale, *span)
    if not degrees:
        return pitch
    here = min(range(len(degrees)), key=lambda i: abs(degrees[i] - pitch))
    goal = here + step
    if not 0 <= goal < len(degrees):
        goal = here - step
    return float(degrees[min(len(degrees) - 1, max(0, goal))])


def _worth(notes: Sequence[LeadNote], room: Room) -> float:
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
    return (
        6.0 * min(small, 0.78)
        - 8.0 * max(0.0, 0.64 - small)
        - 12.0 * max(0.0, small - 0.83)
        - 1.5 * abs(step - room.palette.melody.step)
        - 3.5 * max(0.0, repeats - 0.2)
        - 2.0 * wide
        - 3.0 * max(0.0, sum(s >= 5 for s in sizes) / count - 0.25)
        - 1.6 * open_leaps
        - 2.0 * (abs(moves[-1]) >= 5)
        - 0.35 * (len(summits) - 1)
        - 1.0 * abs(place - 0.65)
        - 0.3 * max(0, 10 - span)
        - 0.12 * max(0, span - 16)
        - 3.0 * max(0.0, abs(_mean(notes) - room.centre) - 0.5)
    )


def adapt(
    theme: Sequence[LeadNote], chords: Sequence[Chord], room: Room, *, up: float = 0.0, before: int | None = None
) -> list[LeadNote]:
    """The theme over other chords, moved by `up` semitones: its shape is kept, its notes follow the harmony."""
    row = [n for n in theme if chord_at(chords, n.beat) is not None]
    wishes = []
    for i, note in enumerate(row):
        ends = i == len(row) - 1 or row[i + 1].phrase != note.phrase
        chord = chord_at(chords, note.beat)
        # A phrase ends on the same degree of its chord as it did, where the chord has it.
        own = note.pitch % 12
        close = (
            (own, *(pc for pc in chord.pcs if pc != own)) if ends and chord is not None and own in chord.pcs else None
        )
        if ends and close is None and chord is not None:
            close = chord.pcs
        wishes.append(Wish(note.beat, note.dur, note.pitch + up, ends or _strong(note.beat, room), close))
    pitches = _sung(wishes, chords, room, before)
    return _kept_heads(row, [replace(n, pitch=p) for n, p in zip(row, pitches, strict=True)], chords, room)


def _kept_heads(
    theme: Sequence[LeadNote], fitted: list[LeadNote], chords: Sequence[Chord], room: Room
) -> list[LeadNote]:
    """Phrases that began alike still do, where their chords are alike."""
    out = list(fitted)
    starts = {n.phrase: n.beat // room.bar * room.bar for n in reversed(theme)}
    first = min(starts, default=0)
    for phrase, start in starts.items():
        away = start - starts[first]
        said = _said_again([n for n in fitted if n.phrase == first], away, chords, room) if phrase != first else []
        at = {n.beat: n.pitch for n in said}
        was = {n.beat + away: n.pitch for n in theme if n.phrase == first}
        if all(was.get(n.beat) == n.pitch for n in theme if n.phrase == phrase and n.beat in at):
            out = [replace(n, pitch=at[n.beat]) if n.phrase == phrase and n.beat in at else n for n in out]
    return out


def vary(
    theme: Sequence[LeadNote], chords: Sequence[Chord], room: Room, generator: np.random.Generator
) -> list[LeadNote]:
    """A repeat that differs: passing notes at the end of long ones, a note said twice, an upbeat into a phrase. The
    first notes of a phrase stay: by them the tune is known again."""
    out: list[LeadNote] = []
    heads = {n.beat for phrase in {n.phrase for n in theme} for n in [n for n in theme if n.phrase == phrase][:3]}
    quick = Fraction(1, 2)
    for note, following in zip(theme, [*theme[1:], None], strict=False):
        chord = chord_at(chords, note.beat + note.dur - quick)
        draw = float(generator.random())
        same = following is not None and following.phrase == note.phrase
        if chord is None or following is None or note.dur <= quick or note.beat in heads:
            out.append(note)
        elif same and note.dur >= 2 * quick and draw < 0.28 and following.beat == note.beat + note.dur:
            between = _between(note.pitch, following.pitch, chord, room)
            out.append(replace(note, dur=note.dur - quick))
            out.append(replace(note, beat=note.beat + note.dur - quick, dur=quick, pitch=between))
        elif not same and draw < 0.5 and following.beat - note.beat - note.dur >= quick:
            out.append(note)
            over = chord_at(chords, following.beat - quick) or chord
            upbeat = _upbeat(note.pitch, following.pitch, over, room)
            out.append(LeadNote(following.beat - quick, quick, upbeat, following.phrase))
        elif same and note.dur >= 3 * quick and draw > 0.7 and out and abs(note.pitch - out[-1].pitch) < 5:
            out.append(replace(note, dur=quick))
            out.append(replace(note, beat=note.beat + quick, dur=note.dur - quick))
        else:
            out.append(note)
    return out


def _between(pitch: int, goal: int, chord: Chord, room: Room) -> int:
    """A degree on the way from `pitch` to `goal`: the middle of a skip, else the neighbour beyond the goal."""
    degrees = ladder(chord.scale, *room.span) or [pitch]
    inside = [d for d in degrees if min(pitch, goal) < d < max(pitch, goal) and abs(d - pitch) < 5]
    if inside:
        return inside[len(inside) // 2]
    beside = [d for d in degrees if d not in (pitch, goal) and abs(d - goal) <= 2] or [goal]
    return min(beside, key=lambda d: (abs(d - pitch), d))


def _upbeat(pitch: int, goal: int, chord: Chord, room: Room) -> int:
    """The note before a phrase: on the way to its first note, or, over a leap, just beyond it: the leap turns."""
    if abs(goal - pitch) < 5:
        return _between(pitch, goal, chord, room)
    beyond = 1 if goal > pitch else -1
    near = [d for d in ladder(chord.scale, *room.span) if 0 < (d - goal) * beyond <= 3]
    return min(near, key=lambda d: abs(d - goal)) if near else goal
