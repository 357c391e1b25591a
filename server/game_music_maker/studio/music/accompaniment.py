"""Accompaniment: what each role plays under the tune, as patterns over the voiced chords.

A pattern is a function of one chord slot and gives notes relative to the section; how busy it is comes from the
palette's density (onsets a quarter) times the section's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from .figure import Line, Task, chord_index, step_of, tied
from .low import bass, drone, low_unison, pulse, riff
from .theory import ladder, nearest
from .voicing import voice

Pattern = Callable[[Task], list[Line]]


def _voiced(task: Task, voices: int = 3) -> list[tuple[int, ...]]:
    return voice([chord.pcs for chord in task.chords], task.span, voices)


def pad(task: Task) -> list[Line]:
    """Sustained chords, common tones held over the change; struck again after four bars at the latest."""
    voices = 3
    lines: list[Line] = []
    longest = 4 * task.bar
    for chord, pitches in zip(task.chords, _voiced(task, voices), strict=True):
        at = chord.beat
        while at < chord.beat + chord.beats:
            length = min(longest, chord.beat + chord.beats - at)
            lines += [Line(at, length, pitch, -0.2) for pitch in pitches]
            at += length
    return tied(lines, longest)


_ARPS = ((0, 1, 2, 3, 2, 1), (0, 2, 1, 3), (0, 1, 2, 1), (0, 1, 2, 3), (3, 2, 1, 2), (0, 2, 3, 2, 1, 2))


def arpeggio(task: Task) -> list[Line]:
    """A broken chord; its figure is drawn once a section, its direction turns every fourth bar."""
    step = step_of(task.density, task.bar)
    figure = _ARPS[int(task.generator.integers(len(_ARPS)))]
    voices = 4 if task.span[1] - task.span[0] >= 16 else 3
    lines: list[Line] = []
    for chord, pitches in zip(task.chords, _voiced(task, voices), strict=True):
        row = [*pitches, pitches[0] + 12][: max(4, len(pitches))] if len(pitches) < 4 else list(pitches)
        row = [p if p <= task.span[1] else p - 12 for p in row]
        at, i = chord.beat, 0
        while at < chord.beat + chord.beats:
            bar = int(at // task.bar)
            shape = figure[::-1] if bar % 4 == 3 else figure
            accent = 0.5 if at % task.bar == 0 else 0.1 if at.denominator == 1 else -0.3
            lines.append(Line(at, step * 2 if step < 1 else step, row[shape[i % len(shape)] % len(row)], accent))
            at += step
            i += 1
    return lines


_LIGHT = ((0, 5), (0, 3), (0, 4, 6), (2, 6), (0, 3, 6))
_MIDDLE = ((1, 3, 5, 7), (0, 3, 6), (2, 3, 6, 7), (0, 3, 4, 7), (1, 4, 5))
"""Rhythms of chords, as eighths of a bar."""


def comp(task: Task) -> list[Line]:
    """Chords in rhythm: oom-pah in threes, off-beats when light, a syncopated figure when busy."""
    lines: list[Line] = []
    three = task.bar == 3
    figure: Sequence[tuple[Fraction, float]]
    if three:
        figure = [(Fraction(1), 0.0), (Fraction(2), -0.2)]
    elif task.density < 1.6:
        rows = _LIGHT if task.density < 0.8 else _MIDDLE
        row = rows[int(task.generator.integers(len(rows)))]
        figure = [(Fraction(eighth, 2), 0.1 if eighth % 4 == 0 else -0.1) for eighth in row]
    else:
        return arpeggio(task)
    if not three and task.generator.random() < 0.4:
        figure = [(beat, accent) for beat, accent in figure[:-1]] + [(task.bar - Fraction(1, 2), 0.1)]
    voiced = _voiced(task)
    for bar in range(task.bars):
        for beat, accent in figure:
            at = bar * task.bar + beat
            found = chord_index(task.chords, at)
            if found is None or beat >= task.bar:
                continue
            length = Fraction(max(0.25, min(1.0, task.ratio))).limit_denominator(8)
            lines += [Line(at, length, pitch, accent) for pitch in voiced[found]]
    return lines


def keys(task: Task) -> list[Line]:
    """Held chords with a push: long on the one, a short answer before the next bar."""
    voiced = _voiced(task, 4)
    lines: list[Line] = []
    for i, (chord, pitches) in enumerate(zip(task.chords, voiced, strict=True)):
        push = chord.beats >= task.bar and task.generator.random() < 0.35 + 0.3 * (i % 2)
        held = chord.beats - (Fraction(1, 2) if push else 0)
        roll = Fraction(1, 64)
        lines += [Line(chord.beat + roll * k, held - roll * k, pitch, 0.1) for k, pitch in enumerate(pitches)]
        if push:
            lines += [Line(chord.beat + held, Fraction(1, 2), pitch, -0.2) for pitch in pitches[1:]]
    return lines


_INSIST = ("x.xxx.xxx.xxx.xx", "x.xxx.x.x.xxx.x.", "xxx.xxx.xxx.x.x.", "x.x.xxx.x.x.xxx.", "xxx.xx.xx.xxx.x.")
"""Where a figure in sixteenths breathes, one bar each; every fourth bar runs through."""


def ostinato(task: Task) -> list[Line]:
    """A short figure that insists: root, fifth, octave and a neighbour, turned once in four bars."""
    step = step_of(task.density, task.bar)
    shape = [(0, 2, 4, 2), (0, 4, 2, 4), (0, 0, 2, 1), (0, 2, 1, 2), (4, 2, 0, 2)][int(task.generator.integers(5))]
    mask = _INSIST[int(task.generator.integers(len(_INSIST)))] if step == Fraction(1, 4) else "x"
    lines: list[Line] = []
    previous = (task.span[0] + task.span[1]) / 2 - 3
    for chord in task.chords:
        degrees = ladder(chord.scale, *task.span)
        root = nearest([d for d in degrees if d % 12 == chord.pcs[0]] or degrees, previous)
        here = degrees.index(root)
        at, i = chord.beat, 0
        while at < chord.beat + chord.beats:
            bar = int(at // task.bar)
            move = shape[i % len(shape)] + (1 if bar % 4 == 3 and i % len(shape) == len(shape) - 1 else 0)
            pitch = degrees[min(len(degrees) - 1, here + move)]
            if pitch % 12 not in chord.pcs and at % 1 == 0:
                pitch = nearest([d for d in degrees if d % 12 in chord.pcs] or [pitch], pitch)
            accent = 0.6 if at % task.bar == 0 else 0.2 if at.denominator == 1 else -0.3
            if mask[int(at % task.bar / step) % len(mask)] == "x" or bar % 4 == 3:
                lines.append(Line(at, step, pitch, accent, "staccato" if step < 1 else ""))
            at += step
            i += 1
    return lines


def stabs(task: Task) -> list[Line]:
    """Short full chords: on the chord's start every other time, on an off-beat between."""
    lines: list[Line] = []
    for i, (chord, pitches) in enumerate(zip(task.chords, _voiced(task), strict=True)):
        beats = [Fraction(0)] if i % 2 == 0 else [Fraction(3, 2)]
        if task.density > 0.45 and chord.beats >= 4:
            beats = [*beats, Fraction(5, 2)]
        for beat in beats:
            if beat < chord.beats and task.generator.random() < 0.4 + task.density:
                lines += [Line(chord.beat + beat, Fraction(1, 2), pitch, 0.6, "stab") for pitch in pitches]
    return lines


def sparkle(task: Task) -> list[Line]:
    """A few high chord tones where the lead rests, else at the ends of four bars."""
    places = [start for start, end in task.gaps if end - start >= 1] or [
        (bar + 1) * task.bar - 2 for bar in range(3, task.bars, 4)
    ]
    lines: list[Line] = []
    for place in places:
        found = chord_index(task.chords, place)
        if found is None:
            continue
        tones = [p for p in ladder(task.chords[found].pcs, *task.span) if p >= sum(task.span) / 2 - 6]
        start = int(task.generator.integers(max(1, len(tones) - 3)))
        for k, pitch in enumerate(tones[start : start + 3]):
            lines.append(Line(place + Fraction(k, 2), Fraction(1), pitch, -0.1))
    return lines


def counter(task: Task) -> list[Line]:
    """A second voice in long notes: guide tones (third, seventh) moving by the least step, with answers in the gaps."""
    lines: list[Line] = []
    at_pitch = sum(task.span) / 2
    for chord in task.chords:
        tones = ladder(chord.pcs[1:] or chord.pcs, *task.span)
        if not tones:
            continue
        pitch = nearest(tones, at_pitch)
        at_pitch = pitch
        half = chord.beats / 2
        gap = any(start < chord.beat + chord.beats and end > chord.beat + half for start, end in task.gaps)
        if gap and chord.beats >= 2:
            step = nearest([d for d in ladder(chord.scale, *task.span) if d != pitch] or [pitch], pitch + 2)
            lines.append(Line(chord.beat, half, pitch, 0.0))
            lines.append(Line(chord.beat + half, half / 2, step, 0.0))
            lines.append(Line(chord.beat + half + half / 2, half / 2, pitch, -0.1))
        else:
            lines.append(Line(chord.beat, chord.beats, pitch, -0.1))
    return tied(lines, 4 * task.bar)


def cluster(task: Task) -> list[Line]:
    """Neighbouring degrees held together, for unease: two a semitone or tone apart, moved every few bars."""
    lines: list[Line] = []
    at = Fraction(0)
    end = task.bars * task.bar
    while at < end:
        found = chord_index(task.chords, at)
        degrees = ladder(task.chords[found or 0].scale, *task.span)
        length = min(2 * task.bar, end - at)
        if task.generator.random() < 0.7 and len(degrees) > 2:
            i = int(task.generator.integers(len(degrees) - 1))
            lines += [Line(at, length, degrees[i], -0.2), Line(at, length, degrees[i + 1], -0.4)]
        at += length
    return lines


def chip_chords(task: Task) -> list[Line]:
    """The second pulse channel: a chord as a fast arpeggio, one voice for three."""
    lines: list[Line] = []
    step = Fraction(1, 4)
    for chord, pitches in zip(task.chords, _voiced(task), strict=True):
        at, i = chord.beat, 0
        while at < chord.beat + chord.beats:
            lines.append(Line(at, step, pitches[i % len(pitches)], 0.2 if i % 4 == 0 else -0.2))
            at += step
            i += 1
    return lines


PATTERNS: dict[str, Pattern] = {
    "pad": pad, "choir": pad, "brass": pad, "chant": keys, "cluster": cluster, "fx": cluster,
    "arp": arpeggio, "pluck": arpeggio, "piano": arpeggio, "comp": comp, "keys": keys,
    "ostinato": ostinato, "drone": drone, "bass": bass, "pulse": pulse, "stabs": stabs, "hit": stabs,
    "riff": riff, "color": sparkle, "sparkle": sparkle, "bell": sparkle, "counter": counter,
    "low_brass": low_unison, "harmony": chip_chords,
}  # fmt: skip
"""Role of the palettes → what it plays. ``lead`` and ``perc`` have passes of their own."""
