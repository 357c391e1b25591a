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
from .chance import chance
from .library import Palette
from .theory import fits_mode, numeral

_MINOR_SWAPS = {"i": ("bVI", "bIII"), "iv": ("bVI", "iidim"), "v": ("bVII",), "bVII": ("v", "bIII"), "bVI": ("iv",)}
_MAJOR_SWAPS = {"I": ("vi", "iii"), "IV": ("ii", "vi"), "V": ("bVII", "Vsus4"), "vi": ("IV",), "ii": ("IV",)}
"""Chords of the same function; a swap never touches the first slot of a section."""


@dataclass(frozen=True, slots=True)
class Progressions:
    """The piece's material: chords of A and B and the way back."""

    A: tuple[str, ...]
    B: tuple[str, ...]
    turn: tuple[str, ...]


def choose(palette: Palette, mode: Sequence[int], seed: int) -> Progressions:
    """One progression each for A, B and the turn, that fit the mode's third."""
    generator = chance(seed, "progressions", palette.id)

    def pick(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
        fitting = [row for row in rows if all(fits_mode(numeral(name), tuple(mode)) for name in row)] or list(rows)
        return tuple(fitting[int(generator.integers(len(fitting)))])

    a = pick(palette.chords.A)
    others = [row for row in palette.chords.B if tuple(row) != a] or list(palette.chords.B)
    return Progressions(a, pick(others), pick(palette.chords.turn))


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
    length = bar / Fraction(palette.chords.rate).limit_denominator(8)
    count = max(1, -int(-bars * bar // length))
    row = _row(role, material)
    names = [row[i % len(row)] for i in range(count)]
    if role in ("A'", "B", "build") or tension > 0.6:
        names = _vary(names, 0.08 + 0.22 * tension, generator)
    if count > len(row) and role == "A":
        names = _vary(names, 0.05 + 0.15 * tension, generator, first=len(row))
    if turns and count > len(material.turn):
        names[-len(material.turn) :] = material.turn
    if closes and count > 1:
        names[-1] = _tonic(material.A)
    end = bars * bar
    return tuple(
        ChordSlot(beat=float(i * length), rn=name, bass=None) for i, name in enumerate(names) if i * length < end
    )


def _row(role: str, material: Progressions) -> tuple[str, ...]:
    if role in ("B", "build"):
        return material.B
    if role == "intro" and len(material.A) > 2:
        return (material.A[0], material.A[0], material.A[-1], material.A[0])
    if role in ("break", "outro"):
        return (material.A[0], material.B[0])
    return material.A


def _tonic(row: tuple[str, ...]) -> str:
    return next((name for name in row if numeral(name).root == 0), row[0])


def _vary(names: list[str], share: float, generator: np.random.Generator, first: int = 1) -> list[str]:
    """Swap chords for others of their function; the draw is made for every slot, so that lengths do not shift it."""
    out = list(names)
    for i, name in enumerate(names):
        draw, which = float(generator.random()), float(generator.random())
        swaps = _MINOR_SWAPS.get(name) or _MAJOR_SWAPS.get(name)
        if i >= first and swaps and draw < share:
            out[i] = swaps[int(which * len(swaps))]
    return out
