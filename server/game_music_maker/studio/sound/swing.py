"""The loudness range of a piece, brought to what its tension asks for by slow moves of the whole.

Tense, sad and grand music swings widely in level, cheerful and calm music little (P. N. Juslin and P. Laukka,
"Communication of emotions in vocal expression and music performance", Psychological Bulletin 2003). The range is
that of EBU Tech 3342; the moves follow the short-term loudness, so that bars and sections move, not beats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..music.score import Score
from . import loudness

Doubles = NDArray[np.float64]

TENTHS = 10
_CALM_LU, _TENSE_LU = 5.6, 12.0
_NAMED_LU, _EVEN = 3.0, 0.25
"""LU by which a mood that was named moves the range further for each unit of its tension above `_EVEN`: sad and happy,
which are both slack, would else lie too near to each other to be told apart."""
_LEAST, _MOST = 0.45, 2.6
_FARTHEST_DB = 8.0
_SHORT, _SMOOTH = 30, 20
_LEAST_S = 20.0
_TRIES = 8


def wanted(score: Score) -> float | None:
    """The loudness range in LU that a score's tension and the moods that were named ask for; None where it is too
    short to have one."""
    beats = float(sum(section.beats for section in score.sections))
    if score.length_s < _LEAST_S or beats <= 0:
        return None
    tension = sum(section.tension * float(section.beats) for section in score.sections) / beats
    named = 0.0 if score.mood_tension is None else _NAMED_LU * (score.mood_tension - _EVEN)
    return _CALM_LU + (_TENSE_LU - _CALM_LU) * tension + named


def moves(energy: Doubles, range_lu: float, wrap: bool) -> Doubles:
    """Gain in dB for each tenth of a second by which its range becomes `range_lu`, as far as gentle moves can.

    Args:
        energy: K-weighted power of each tenth, shape (tenths,). wrap: the end is followed by the start.
    """
    if len(energy) < _LEAST_S * TENTHS or not energy.any():
        return np.zeros_like(energy)
    level = 10 * np.log10(np.maximum(_mean(_mean(energy, _SHORT, wrap), _SMOOTH, wrap), 1e-12))
    off = np.clip(level - np.median(level), -_FARTHEST_DB, _FARTHEST_DB)
    share = 1.0
    for _ in range(_TRIES):
        short = _mean(energy * 10 ** ((share - 1) * off / 10), _SHORT, wrap)
        found = loudness.spread(short)
        if found <= 0.5 or abs(found - range_lu) < 0.05:
            break
        share = float(np.clip(share * range_lu / found, _LEAST, _MOST))
    return np.asarray((share - 1) * off)


def _mean(values: Doubles, width: int, wrap: bool) -> Doubles:
    """Mean over `width` neighbours around each value."""
    before = width // 2
    padded = np.pad(values, (before, width - 1 - before), mode="wrap" if wrap else "edge")
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    found: Doubles = (sums[width:] - sums[:-width]) / width
    return found
