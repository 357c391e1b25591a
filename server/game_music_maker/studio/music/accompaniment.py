"""Accompaniment: what each role plays under the tune.

Most roles play a figure of `palettes/figures.yaml`: a row of characters, read over the voiced chords. Which one is
drawn once for a theme, from those that the palette names for the role, near to the density that the piece asks for; in
softer sections it is thinned by metrical weight. Roles that no row can say have a function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise

from .figure import Line, Task, chord_index, tied
from .library import library
from .low import bass_symbols, drone, low_unison, riff_symbols
from .score import Chord
from .theory import ladder, nearest
from .voicing import voice

Pattern = Callable[[Task], list[Line]]
Symbols = Callable[[str, int, Task], list[int]]
"""(character, index of the chord, task) → pitches."""

_GROUPS = {
    "pad": "pads", "choir": "pads", "brass": "pads", "chant": "chant", "arp": "arps", "pluck": "arps", "piano": "arps",
    "harmony": "arps", "comp": "chords", "keys": "chords", "ostinato": "ostinati", "bass": "bass", "pulse": "pulse",
    "stabs": "stabs", "hit": "stabs", "riff": "riffs",
}  # fmt: skip
_RINGS = frozenset({"arp", "pluck", "piano"})
_SHELL, _BROAD = 0.52, 0.6
"""Shares of the piece's fullness below which chords that accompany have two voices, from which on they have four."""


def accompany(role: str, task: Task) -> list[Line]:
    """What `role` plays for `task`: lines sorted by beat."""
    special = _SPECIAL.get(role)
    if special is not None:
        return special(task)
    group = _GROUPS.get(role, "pads")
    row, mean = _row(task, group)
    symbols: Symbols
    if group in ("bass", "pulse"):
        symbols = bass_symbols(task)
    elif group == "riffs":
        symbols = riff_symbols(task)
    elif group == "ostinati":
        symbols = _degrees(task)
    else:
        symbols = _chords(task, _voices(role, row, task.density / max(task.full, 1e-3)))
    lines = _read(row, task, symbols, group, keep=min(1.0, 1.1 * task.density / max(mean, 1e-3)))
    if group == "pads":
        return tied(_held(lines, task), 4 * task.bar)
    if role in _RINGS:
        return [Line(x.beat, x.dur * 2 if x.dur < 1 else x.dur, x.pitch, x.accent, x.artic) for x in lines]
    return lines


def figures_of(role: str) -> tuple[str, ...]:
    """Names of the figures that `role` may play; empty for those that play none."""
    return () if role in _SPECIAL else tuple(library().figures[_GROUPS.get(role, "pads")])


def _voices(role: str, row: str, fullness: float) -> int:
    """Voices of a chord: what the figure names; else fewer where the section is soft, down to the shell of two."""
    if any(d in row for d in "456"):
        return 4
    if role in ("comp", "keys") and fullness < _SHELL and not any(d in row for d in "123"):
        return 2
    return 4 if role in ("keys", "choir") and fullness >= _BROAD else 3


def _row(task: Task, group: str) -> tuple[str, float]:
    """The figure, in the length of the task's bar, and its onsets a quarter."""
    table = library().figures[group]
    rows = []
    for name in task.play or tuple(table):
        found = next((table[name] for table in (table, *library().figures.values()) if name in table), None)
        if found is not None:
            row = fitted(found, task.bar, task.compound)
            mean = sum(c not in "-." for c in row) / (len(row) / 4)
            rows.append((mean, name, row))
    rows.sort()
    weights = [math.exp(-1.4 * abs(math.log2(max(mean, 0.05) / max(task.full, 0.05)))) for mean, _, _ in rows]
    draw = float(task.generator.random()) * sum(weights)
    for weight, (mean, _, row) in zip(weights, rows, strict=True):
        draw -= weight
        if draw <= 0:
            return row, mean
    return rows[-1][2], rows[-1][0]


def fitted(rows: Mapping[str, str], bar: Fraction, compound: bool) -> str:
    """The row of a figure for bars of `bar` quarters: its own, else the nearest cut, or begun again, at a bar's end."""
    slots = int(bar * 4)
    own = rows.get("6/8" if compound else str(slots)) or rows.get(str(slots))
    if own is not None:
        return own
    source, size = (rows["12"], 12) if slots % 12 == 0 or slots < 14 else (rows["16"], 16)
    out = ""
    for start in range(0, len(source), size):
        piece = source[start : start + size]
        out += (piece * (slots // size + 1))[:slots]
    return out


def weight(slot: int, slots: int) -> float:
    """Metrical weight 0–1 of a sixteenth in a bar of `slots` (Lerdahl and Jackendoff)."""
    if slot == 0:
        return 1.0
    if slots % 8 == 0 and slot % (slots // 2) == 0:
        return 0.85
    if slot % 4 == 0:
        return 0.7
    return 0.45 if slot % 2 == 0 else 0.2


def _read(row: str, task: Task, symbols: Symbols, group: str, keep: float) -> list[Line]:
    """The row over all bars; `keep` is the share of onsets that a sparser section lets stand."""
    slots = int(task.bar * 4)
    bars = max(1, len(row) // slots)
    onsets = sorted(
        (i for i, c in enumerate(row) if c not in "-."),
        key=lambda i: -weight(i % slots, slots) - 0.1 * float(task.generator.random()),
    )
    if group == "pads" and any(c.isdigit() for c in row):
        keep = 1.0  # voices that come in one after another are one chord
    kept = {*onsets[: max(1, round(keep * len(onsets)))]}
    mirrored = group == "arps" and task.generator.random() < 0.5
    top = max((int(c) for c in row if c.isdigit()), default=4)
    lines: list[Line] = []
    end = task.bars * task.bar
    starts = {chord.beat for chord in task.chords}
    for index in range(task.bars):
        for slot in range(slots):
            place = (index % bars) * slots + slot
            char = row[place]
            at = index * task.bar + Fraction(slot, 4)
            changed = at in starts
            if char == "." or (char == "-" and not changed):
                continue
            found = chord_index(task.chords, at)
            if found is None:
                continue
            if char == "-":
                char = "C" if group == "pads" else row[max((i for i in onsets if i <= place), default=onsets[0])]
            elif place not in kept or (char == "u" and not _answers(task, at, index)):
                continue
            if mirrored and index % 4 == 3 and char.isdigit():
                char = str(top + 1 - int(char))
            size = 1
            while place + size < len(row) and (place + size) % slots and row[place + size] == "-":
                size += 1
            length = min(Fraction(size, 4), task.chords[found].beat + task.chords[found].beats - at, end - at)
            accent = (0.5 if slot == 0 else 0.1 if slot % 4 == 0 else -0.25) - (0.3 if char in "rcpl" else 0.0)
            artic = "stab" if group == "stabs" else "staccato" if size == 1 and group in ("ostinati", "riffs") else ""
            short = Fraction(task.ratio).limit_denominator(16) if group in ("chords", "stabs", "bass", "riffs") else 1
            dur = max(Fraction(1, 8), length * short) if length < 2 else length
            lines += [Line(at, dur, pitch, accent, artic) for pitch in symbols(char, found, task)]
    return lines


def _answers(task: Task, at: Fraction, bar: int) -> bool:
    """Whether an answer may sound: the tune rests, or there is none and it is an even bar."""
    if not task.gaps:
        return bar % 2 == 1
    return any(start <= at < end for start, end in task.gaps)


def _chords(task: Task, voices: int) -> Symbols:
    voiced = voice([chord.pcs for chord in task.chords], task.span, voices, following=task.following)

    def pitches(char: str, found: int, task: Task) -> list[int]:
        row = list(voiced[found])
        if char.isdigit():
            step = int(char) - 1
            pitch = row[step % len(row)] + 12 * (step // len(row))
            return [pitch if pitch <= task.span[1] else row[step % len(row)]]
        return row[:1] if char == "l" else row[1:] if char == "u" else row

    return pitches


def _degrees(task: Task) -> Symbols:
    roots: list[int] = []
    at = (task.span[0] + task.span[1]) / 2 - 4
    for chord in task.chords:
        degrees = ladder(chord.scale, *task.span)
        row = [d for d in degrees if d % 12 == chord.pcs[0]]
        fitting = [d for d in row if d + 7 <= task.span[1]] or row or degrees
        roots.append(nearest(fitting, at) if fitting else task.span[0])

    def pitches(char: str, found: int, task: Task) -> list[int]:
        chord = task.chords[found]
        degrees = ladder(chord.scale, *task.span)
        if not degrees:
            return [task.span[0]]
        step = {1: 0, 3: 2, 5: 4, 8: 7}.get(int(char)) if char.isdigit() else 0
        root = roots[found]
        if step is None or step == 0:  # neighbours: degrees of the scale by themselves
            here = min(range(len(degrees)), key=lambda i: abs(degrees[i] - root))
            return [degrees[min(len(degrees) - 1, here + (int(char) - 1 if char.isdigit() else 0))]]
        goal = root + {2: 4, 4: 7, 7: 12}[step]  # third, fifth and octave of the chord, whatever the scale's size
        tones = [p for p in ladder(chord.pcs, *task.span) if p > root] or [root]
        return [nearest(tones, goal)]

    return pitches


def _held(lines: list[Line], task: Task) -> list[Line]:
    """Voices of a pad sound on until their next onset or the chord's end."""
    out = []
    for line in lines:
        found = chord_index(task.chords, line.beat)
        end = line.beat + line.dur if found is None else task.chords[found].beat + task.chords[found].beats
        later = (x.beat for x in lines if x.pitch == line.pitch and x.beat > line.beat)
        out.append(Line(line.beat, min(end, next(later, end)) - line.beat, line.pitch, -0.2))
    return out


def sparkle(task: Task) -> list[Line]:
    """A few high chord tones where the lead rests, else at the ends of four bars."""
    places = [start for start, end in task.gaps if end - start >= 1] or [
        (bar + 1) * task.bar - 2 for bar in range(3, task.bars, 4)
    ]
    rising = task.generator.random() < 0.5
    gap = Fraction(1, 4) if task.density > 0.8 else Fraction(1, 2)
    lines: list[Line] = []
    for place in places:
        found = chord_index(task.chords, place)
        if found is None:
            continue
        tones = [p for p in ladder(task.chords[found].pcs, *task.span) if p >= sum(task.span) / 2 - 6]
        start = int(task.generator.integers(max(1, len(tones) - 3)))
        row = tones[start : start + 3]
        for k, pitch in enumerate(row if rising else row[::-1]):
            lines.append(Line(place + k * gap, Fraction(1), pitch, -0.1))
    return lines


def cluster(task: Task) -> list[Line]:
    """Neighbouring degrees held together, for unease: two a semitone or tone apart, moved every few bars."""
    lines: list[Line] = []
    at = Fraction(0)
    end = task.bars * task.bar
    while at < end:
        found = chord_index(task.chords, at)
        degrees = ladder(task.chords[found or 0].scale, *task.span)
        length = min(2 * task.bar, end - at)
        if task.generator.random() < 0.85 and len(degrees) > 2:
            i = int(task.generator.integers(len(degrees) - 1))
            lines += [Line(at, length, degrees[i], -0.2), Line(at, length, degrees[i + 1], -0.4)]
        at += length
    return lines


def counter(task: Task) -> list[Line]:
    """A second voice against the tune: it holds a guide tone (third, seventh) while the tune moves, and answers by
    step where the tune holds or rests; it keeps a third below, or where its range is higher, above."""
    lines: list[Line] = []
    at_pitch = sum(task.span) / 2
    for chord in task.chords:
        line = _guide(task, chord, at_pitch)
        if line is None:
            continue
        at_pitch = line
        lines += _answer(task, chord, line)
    return tied(lines, 4 * task.bar)


def _guide(task: Task, chord: Chord, near: float) -> int | None:
    tones = ladder(chord.pcs[1:] or chord.pcs, *task.span)
    sung = [x.pitch for x in task.tune if chord.beat <= x.beat < chord.beat + chord.beats]
    clear = [p for p in tones if all(abs(p - s) > 2 for s in sung)] or tones
    below = [p for p in clear if not sung or p < min(sung)] or clear
    return nearest(below, near) if below else None


def _answer(task: Task, chord: Chord, pitch: int) -> list[Line]:
    """The guide tone over one chord, with a turn by step in the longest place where the tune stands still."""
    end = chord.beat + chord.beats
    busy = sorted(x.beat for x in task.tune if chord.beat < x.beat < end)
    marks = [chord.beat, *busy, end]
    start, stop = max(pairwise(marks), key=lambda s: (s[1] - s[0], s[0]))
    start = max(start, chord.beat + Fraction(1, 2) if start == chord.beat else start)
    beats = int(stop - start)
    degrees = ladder(chord.scale, *task.span)
    if beats < 2 or pitch not in degrees or chord.beats < 2:
        return [Line(chord.beat, chord.beats, pitch, -0.1)]
    here = degrees.index(pitch)
    turns = ((1, 0), (-1, 0), (1, 2), (-1, -2), (2, 1))
    moves = turns[int(task.generator.integers(len(turns)))]
    first = Fraction(math.ceil(start))
    lines = [Line(chord.beat, first - chord.beat, pitch, -0.1)] if first > chord.beat else []
    for k, move in enumerate(moves):
        beat = first + k
        to = degrees[max(0, min(len(degrees) - 1, here + move))]
        dur = Fraction(1) if k == 0 else end - beat
        if k and to % 12 not in chord.pcs:
            to = nearest([d for d in degrees if d % 12 in chord.pcs] or [to], to)
        lines.append(Line(beat, dur, to, 0.05))
    return lines


_SPECIAL: Mapping[str, Pattern] = {
    "drone": drone, "low_brass": low_unison, "cluster": cluster, "fx": cluster, "counter": counter,
    "color": sparkle, "sparkle": sparkle, "bell": sparkle,
}  # fmt: skip
