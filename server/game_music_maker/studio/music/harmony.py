"""Progressions: which chords a section has, from the palette's tables, the mode and the tension.

A progression is chosen for A and one for B, once for the piece; sections repeat, vary or break off these. Substitutions
keep the function (tonic, subdominant, dominant), after the rewrite rules of functional harmony (Rohrmeier 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ...contract.score import ChordSlot
from .chance import chance, dealt
from .library import Palette
from .metrics_lines import cadence
from .theory import fits_mode, numeral

_MINOR_SWAPS = {"i": ("bVI", "bIII"), "iv": ("bVI", "iidim"), "v": ("bVII",), "bVII": ("v", "bIII"), "bVI": ("iv",)}
_MAJOR_SWAPS = {"I": ("vi", "iii"), "IV": ("ii", "vi"), "V": ("bVII", "Vsus4"), "vi": ("IV",), "ii": ("IV",)}
_COLOUR_SWAPS = {
    "Imaj7": ("iii7", "vi7"), "ii9": ("IVmaj7",), "ii7": ("IVmaj7",), "IVmaj7": ("ii7", "vi7"), "vi7": ("IVmaj7",),
    "iii7": ("Imaj7", "vi7"), "V7": ("Vsus4",), "im9": ("bIIImaj7", "bVImaj7"), "iv7": ("bVImaj7",), "iv6": ("ii7",),
    "bVIImaj7": ("iv7",), "bIIImaj7": ("im7",), "bVImaj7": ("iv7", "bIIImaj7"), "isus2": ("i5",), "iadd9": ("bVI",),
    "Iadd9": ("vi7", "Imaj7"), "i5": ("isus2", "bIII5"), "bVII5": ("v5", "IV5"), "bVI5": ("iv5",), "bII5": ("bVI5",),
    "I5": ("vi5",), "IV5": ("ii5",), "V5": ("bVII5",), "isus4": ("i5",), "bVIIsus2": ("IVsus2", "bVIIsus4"),
    "bIII": ("bVI", "i"), "bII": ("bVI", "iv"), "II": ("vi", "IV"), "II/1": ("vi7",), "im6": ("i",), "i6": ("i",),
    "bV": ("bII",), "iii": ("vi",), "idim": ("bIIIaug",), "bVdim": ("bII",),
}  # fmt: skip
"""Chords of the same function; a swap never touches the first slot."""


@dataclass(frozen=True, slots=True)
class Progressions:
    """The piece's material: chords of A and B and the way back."""

    A: tuple[str, ...]
    B: tuple[str, ...]
    turn: tuple[str, ...]


def choose(palette: Palette, mode: Sequence[int], seed: int) -> Progressions:
    """One progression each for A, B and the turn, that fit the mode's third; seeds that follow each other take the
    palette's in turn."""
    generator = chance(seed, "progressions", palette.id)

    def pick(rows: Sequence[Sequence[str]], name: str) -> tuple[str, ...]:
        fitting = [row for row in rows if all(fits_mode(numeral(name), tuple(mode)) for name in row)] or list(rows)
        return tuple(fitting[dealt(seed, len(fitting), "progressions", palette.id, name)])

    a = pick(palette.chords.A, "A")
    others = [row for row in palette.chords.B if tuple(row) != a] or list(palette.chords.B)
    b, turn = pick(others, "B"), pick(palette.chords.turn, "turn")
    if len(a) > 1 and generator.random() < 0.7:
        swapped = tuple(_swapped(list(a), generator, first=1, mode=tuple(mode)))
        a = swapped if _steps(swapped) <= _known(palette) else a
    return Progressions(a, b, turn)


def section_chords(
    role: str,
    bars: int,
    bar: Fraction,
    palette: Palette,
    material: Progressions,
    *,
    tension: float,
    generator: np.random.Generator,
    turns: bool,
    closes: bool,
) -> tuple[ChordSlot, ...]:
    """The chord slots of one section, beats relative to its start.

    Args:
        bar: quarter notes a bar. turns: the section leads back to the first chord of A (its last slots are the turn's).
        closes: the section ends the piece (its last slot is the tonic chord).
    """
    if role == "stinger":
        return _cue_chords(material.A, bars * bar)
    length = bar / Fraction(palette.chords.rate).limit_denominator(8)
    row = _row(role, material, slow=len(material.A) * length > 4 * bar)
    if role in ("A", "A'", "B", "build", "intro") and len(row) * length > 4 * bar and len(row) > 1:
        # Slow chords make the theme a parallel period: the second phrase begins over the chord that the first began on.
        length = min(length, 2 * bar)
        second = next((name for name in row if name != row[0]), row[0])
        able = [name for name in row if name != row[0] and _steps((row[0], name)) <= _known(palette)]
        last = able[-1] if able else second
        row = (row[0], last if bars * bar < 4 * length else second, row[0], last)
    count = max(1, -int(-bars * bar // length))
    names = [row[i % len(row)] for i in range(count)]
    # A return varies its second round; where the chords go round once only, they are what makes it a return.
    if role == "A'" and count >= 2 * len(row) and generator.random() < 0.45 + 0.3 * tension:
        varied = _swapped(names, generator, first=count // 2)
        names = varied if _steps(varied) <= _known(palette) else names
    slots = [(i * length, name) for i, name in enumerate(names)]
    if turns and count > len(material.turn):
        # In a short section chords of two bars would make the way back longer than the theme: it goes bar by bar.
        step = min(length, bar) if bars * bar <= 4 * length else length
        begin = bars * bar - len(material.turn) * step
        slots = [(at, name) for at, name in slots if at < begin]
        slots += [(begin + i * step, name) for i, name in enumerate(material.turn)]
    if closes and count > 1:
        home, final = _tonic(material.A), bars * bar - min(length, bar)
        slots = [(at, name) for at, name in slots if at < final]
        at, name = slots[-1]
        if len(slots) > 1 and (name == home or cadence(name, home) not in _known(palette)):
            slots[-1] = (at, _before(home, palette) or name)
        slots.append((final, home))
    return tuple(ChordSlot(beat=float(at), rn=name, bass=None) for at, name in slots if at < bars * bar)


def _cue_chords(row: Sequence[str], beats: Fraction) -> tuple[ChordSlot, ...]:
    """A cue plays its row once, however long it is, with changes on whole beats; one of few beats leaves out what comes
    before its last chords."""
    row = row if beats >= len(row) else (*row[: int(beats) - 1], row[-1])
    starts = [float(i * beats // len(row)) for i in range(len(row))]
    return tuple(ChordSlot(beat=start, rn=name, bass=None) for start, name in zip(starts, row, strict=True))


def _row(role: str, material: Progressions, *, slow: bool) -> tuple[str, ...]:
    if role in ("B", "build"):
        return material.B
    if role == "intro" and len(material.A) > 2 and not slow:
        return (material.A[0], material.A[0], material.A[-1], material.A[0])
    if role in ("break", "outro"):
        return (material.A[0], material.B[0])
    return material.A


def _steps(names: Sequence[str]) -> frozenset[str]:
    """Cadence classes of the steps from chord to chord, round and round."""
    return frozenset(cadence(a, b) for a, b in zip(names, (*names[1:], names[0]), strict=True))


def _known(palette: Palette) -> frozenset[str]:
    """Those that the palette's own progressions make."""
    rows = (*palette.chords.A, *palette.chords.B, *palette.chords.turn)
    return frozenset().union(*(_steps(row) for row in rows))


def _before(name: str, palette: Palette) -> str | None:
    """A chord that the palette's own progressions lead to `name` from."""
    rows = (*palette.chords.A, *palette.chords.B)
    return next((a for row in rows for a, b in zip(row, (*row[1:], row[0]), strict=True) if b == name != a), None)


def _tonic(row: tuple[str, ...]) -> str:
    return next((name for name in row if numeral(name).root == 0), row[0])


def _swapped(
    names: list[str], generator: np.random.Generator, *, first: int, mode: tuple[int, ...] | None = None
) -> list[str]:
    """One chord from slot `first` on exchanged for another of its function (inside `mode` where that is given)."""
    out = list(names)
    draws = generator.random(2)
    choices: list[tuple[int, str]] = []
    for i, name in enumerate(names):
        for other in (*_MINOR_SWAPS.get(name, ()), *_MAJOR_SWAPS.get(name, ()), *_COLOUR_SWAPS.get(name, ())):
            inside = mode is None or set(numeral(other).pitch_classes(0)) <= {*mode}
            if i >= first and inside and other not in (names[i - 1], names[(i + 1) % len(names)]):
                choices.append((i, other))
    if choices:
        i, other = choices[int(draws[0] * len(choices))]
        out[i] = other
    return out
