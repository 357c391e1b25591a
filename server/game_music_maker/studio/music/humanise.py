"""Playing: dynamics by metre, phrase and arc; timing that drifts as people do (1/f, Hennig et al. 2011)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from .chance import chance, pink
from .score import Note

_EARLY = {"strings": -14.0}
"""Slow attacks start before the beat, in ms."""

_GROUPS = {
    "perc": "drums", "bass": "bass", "drone": "strings", "pad": "strings", "choir": "strings", "cluster": "strings",
    "lead": "lead", "counter": "lead", "brass": "lead", "low_brass": "lead",
}  # fmt: skip


def timed(
    notes: Sequence[Note], role: str, seed: int, name: str, sigma_ms: dict[str, float], *, anchors: Sequence[Fraction]
) -> list[Note]:
    """Move the notes of one part against the grid.

    Args:
        sigma_ms: deviation by group (drums, bass, keys, lead, strings). anchors: beats that stay exact, such as hits
            and the loop's start.
    """
    group = _GROUPS.get(role, "keys")
    sigma = sigma_ms.get(group, 8.0)
    fixed = {*anchors, Fraction(0)}
    beats = sorted({note.beat for note in notes})
    drift = dict(zip(beats, pink(chance(seed, "timing", name), len(beats)) * sigma, strict=True))
    early = _EARLY.get(group, 0.0)
    if not notes:
        return []
    return [
        replace(
            note, micro_ms=0.0 if note.beat in fixed or note.beat == 0 else round(float(drift[note.beat]) + early, 2)
        )
        for note in notes
    ]


def swung(beat: Fraction, swing: float, of: Fraction = Fraction(1)) -> Fraction:
    """`beat` with the off-beat eighth moved: `swing` the share of the beat given to its first half."""
    if swing <= 0.505:
        return beat
    whole, inside = divmod(beat, of)
    share = Fraction(swing).limit_denominator(48)
    half = of / 2
    if inside < half:
        return whole * of + inside * share * 2
    return whole * of + of * share + (inside - half) * (1 - share) * 2
