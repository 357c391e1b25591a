"""Voicing: which octave and inversion each chord takes, by dynamic programming over the whole row.

Cost after the textbook rules (Aldwell and Schachter): least motion, no parallel fifths and octaves, no crossing,
stay in range, no doubled third.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

Voicing = tuple[int, ...]


def voice(
    chords: Sequence[Sequence[int]],
    span: tuple[int, int],
    voices: int = 3,
    *,
    following: Sequence[int] | None = None,
) -> list[Voicing]:
    """One voicing for each chord, low to high.

    Args:
        chords: pitch classes of each chord, root first. span: lowest and highest MIDI note. voices: notes a chord
            (2–5); chords with fewer classes double their root, larger ones leave out the fifth, then the root.
            following: the chord after the last. A row always begins with the voicing that is best by itself, so that
            the row before it can lead there without knowing more.
    """
    if not chords:
        return []
    row_of = [*chords, following] if following else list(chords)
    options = [_options(tuple(chord), span, voices) for chord in row_of]
    middle = (span[0] + span[1]) / 2
    costs = [[_own(v, chord, middle) for v in row] for row, chord in zip(options, row_of, strict=True)]
    for i in (0, len(options) - 1) if following else (0,):
        least = min(range(len(options[i])), key=lambda j: (costs[i][j], options[i][j]))
        options[i], costs[i] = [options[i][least]], [costs[i][least]]
    best, back = costs[0], []
    for before, now, own in zip(options, options[1:], costs[1:], strict=False):
        links = []
        fresh = []
        for j, candidate in enumerate(now):
            steps = [best[i] + _motion(previous, candidate) for i, previous in enumerate(before)]
            link = min(range(len(steps)), key=steps.__getitem__)
            links.append(link)
            fresh.append(steps[link] + own[j])
        back.append(links)
        best = fresh
    at = min(range(len(best)), key=best.__getitem__)
    path = [at]
    for links in reversed(back):
        at = links[at]
        path.append(at)
    return [row[i] for row, i in zip(options, reversed(path), strict=True)][: len(chords)]


def _classes(chord: tuple[int, ...], voices: int) -> tuple[int, ...]:
    if len(chord) > voices:
        kept = [pc for i, pc in enumerate(chord) if i != 2] if len(chord) > 3 else list(chord)
        while len(kept) > voices:
            kept.pop(0)
        return tuple(kept)
    return chord + (chord[0],) * (voices - len(chord))


def _options(chord: tuple[int, ...], span: tuple[int, int], voices: int) -> list[Voicing]:
    low, high = span
    classes = _classes(chord, voices)
    found: set[Voicing] = set()
    for octaves in product(range(low // 12, high // 12 + 1), repeat=len(classes)):
        pitches = sorted(12 * octave + pc for octave, pc in zip(octaves, classes, strict=True))
        if pitches[0] < low or pitches[-1] > high or len(set(pitches)) < len(pitches):
            continue
        if all(b - a <= 11 for a, b in pairwise(pitches)) and pitches[-1] - pitches[0] <= 21:
            found.add(tuple(pitches))
    if not found:  # a span too narrow for spread chords: one note of each class, folded into it
        found.add(tuple(sorted({_fold(pc, low, high) for pc in classes})))
    return sorted(found)


def _fold(pc: int, low: int, high: int) -> int:
    pitch = low + (pc - low) % 12
    return pitch if pitch <= high else pitch - 12


def _own(candidate: Voicing, chord: Sequence[int], middle: float) -> float:
    """Cost of a voicing by itself: distance from the middle of the range, muddy low intervals, doubled thirds."""
    centre = sum(candidate) / len(candidate)
    low = sum(1.5 for a, b in pairwise(candidate) if a < 52 and b - a < 5)
    third = chord[1] if len(chord) > 2 else None
    doubled = sum(1 for pitch in candidate if pitch % 12 == third) > 1
    return 0.15 * abs(centre - middle) + low + 1.0 * doubled


def _motion(before: Voicing, after: Voicing) -> float:
    size = min(len(before), len(after))
    a, b = before[-size:], after[-size:]
    cost = float(sum(abs(y - x) for x, y in zip(a, b, strict=True)))
    cost += sum(1.2 * max(0, abs(b[i] - a[i]) - 2) for i in range(1, size - 1))  # inner voices move by step
    bare = len({p % 12 for p in b}) < 3
    parallel = 0.0 if bare else 40.0  # power chords move in fifths by nature
    for i in range(size):
        for j in range(i + 1, size):
            gap = (a[j] - a[i]) % 12
            moved = (b[i] - a[i]) * (b[j] - a[j]) > 0
            cost += parallel * (moved and gap in (0, 7) and (b[j] - b[i]) % 12 == gap)
    return cost
