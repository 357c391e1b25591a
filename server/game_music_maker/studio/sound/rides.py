"""Rides: the fader moves by which the sections of a score stand apart in loudness as their energies do, and the tune
steps back while the footage speaks.

How loud each section will be is estimated from its notes before anything is played: every part is brought to one
loudness by the mixer, so a part's share follows from its level, its velocities and how long its notes sound. Where the
most and the least energetic section would lie closer than the spread wanted, the calmer ones are turned down, note by
note: what rings on keeps its level, and a loop stays exact.
"""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from math import log10

from ..music.score import Note, Score, Section
from . import roles
from .dsp import db

SPREAD_DB = 6.2
"""Between the calmest and the liveliest section; EBU R 128's short-term loudness then differs by 3 LU or more behind
the bus compressor."""
FLAT_DB = 3.8
FLAT = frozenset(("lofi_chill", "scifi_ambient"))
"""Styles that are even by nature."""
_MOST_DB = 7.0
_RINGS_S = 1.5
_SAME_ENERGY = 0.03
UNDER_SPEECH_DB = -5.0
"""The tune, which competes with words as pads do not, steps back by so much more than the whole music does."""
_TUNES = frozenset(("lead", "counter", "sparkle"))


class Rides:
    """The factor on the level of a note."""

    def __init__(self, score: Score) -> None:
        moved = _moves(score)
        self._starts = [section.start_beat for section, _ in moved]
        self._factors = [db(gain) for _, gain in moved]
        self._spoken = [tuple(score.tempo.beat(second) for second in span) for span in score.speech]

    def at(self, beat: Fraction, role: str) -> float:
        """The factor for a note of a part of `role` that starts on `beat`."""
        found = bisect_right(self._starts, beat) - 1
        factor = self._factors[found] if found >= 0 else 1.0
        if role in _TUNES and any(first <= beat < last for first, last in self._spoken):
            factor *= db(UNDER_SPEECH_DB)
        return factor


def _moves(score: Score) -> list[tuple[Section, float]]:
    """Each section with its gain in dB, at most 0."""
    sections = sorted(score.sections, key=lambda section: section.start_beat)
    if len(sections) < 2:
        return []
    energies = [section.energy for section in sections]
    low, high = min(energies), max(energies)
    if high - low < _SAME_ENERGY:
        return []
    levels = estimate(score, sections)
    calm = max(levels[i] for i, energy in enumerate(energies) if energy == low)
    lively = max(levels[i] for i, energy in enumerate(energies) if energy == high)
    spread = FLAT_DB if FLAT & set(score.palette.split("+")) else SPREAD_DB
    missing = min(_MOST_DB, max(0.0, spread - (lively - calm)))
    return [(section, -missing * (high - section.energy) / (high - low)) for section in sections]


def estimate(score: Score, sections: list[Section] | None = None) -> list[float]:
    """Loudness of each section in dB, all on one scale."""
    sections = sections if sections is not None else sorted(score.sections, key=lambda section: section.start_beat)
    starts = [section.start_beat for section in sections]
    sums = [0.0] * len(sections)
    rows: dict[str, list[Note]] = {part.id: [] for part in score.parts}
    for note in sorted(score.notes, key=_beat):
        rows[note.part].append(note)
    for part in score.parts:
        weight = 10 ** ((roles.of(part.role).level + part.gain_db) / 10)
        energy, active, reach = [0.0] * len(sections), 0.0, -1.0
        for note in rows[part.id]:
            start = score.tempo.seconds(note.beat)
            length = min(_RINGS_S, score.tempo.seconds(note.beat + note.dur_beats) - start)
            at = bisect_right(starts, note.beat) - 1
            if at >= 0:
                energy[at] += (note.vel / 127) ** 4 * length
            active += max(0.0, start + length - max(start, reach))
            reach = max(reach, start + length)
        total = sum(energy)
        for i in range(len(sections)) if total > 0 else ():
            sums[i] += weight * energy[i] / total * active
    seconds = [
        max(0.1, score.tempo.seconds(s.start_beat + s.beats) - score.tempo.seconds(s.start_beat)) for s in sections
    ]
    return [10 * log10(max(sums[i] / seconds[i], 1e-6)) for i in range(len(sections))]


def _beat(note: Note) -> Fraction:
    return note.beat
