"""The key change: the last return of the theme stands higher than the piece began."""

from __future__ import annotations

from collections.abc import Sequence

from ...contract.score import SectionPlan
from .chance import chance


def key_lift(
    sections: Sequence[SectionPlan], steps: Sequence[int], seed: int, *, asked: bool
) -> tuple[int, int] | None:
    """(index of the section from which it holds, semitones), or None.

    Args:
        steps: semitones that the style lifts by; where it has none, 1 or 2. asked: the words ask for it; else the
            style must have it and the piece end at its fullest (one seed in two or three goes without).
    """
    rows = [i for i, s in enumerate(sections) if s.role in ("A", "A'", "B")]
    if len(sections) < 3 or len(rows) < 2 or not (asked or steps):
        return None
    draw = chance(seed, "key lift")
    full = (sections[rows[-1]].energy or 0.0) >= 0.6 and float(draw.random()) < 0.6
    choices = tuple(steps) or (1, 2)
    return (rows[-1], choices[int(draw.integers(len(choices)))]) if asked or full else None
