"""Metrics of single lines: melody against harmony, phrase ends, cadences, motif, voice leading, humanising.

Sources stand in `metrics`; reference values for Bach chorales and fiddle tunes in docs/metrics.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from .metrics import bar_beats, chord_at, unpitched
from .score import Note, Score
from .theory import numeral

Floats = NDArray[np.float64]


BREAK = Fraction(4)
"""Quarter notes of rest that part a melody."""


@dataclass(frozen=True, slots=True)
class Melody:
    """Shares of the intervals between successive notes; `range` in semitones; `recovery` the share of leaps (≥ 5)
    that are followed by a motion the other way."""

    repeat: float
    step: float
    skip: float
    leap: float
    beyond_octave: float
    range: int
    recovery: float


def melody(notes: Sequence[Note]) -> Melody:
    """Interval profile of one line, its highest note at each onset taken. Over a rest of `BREAK` and more there is no
    interval: the line begins anew."""
    top: dict[Fraction, tuple[int, Fraction]] = {}
    for note in notes:
        top[note.beat] = max((note.pitch, note.dur_beats), top.get(note.beat, (0, Fraction(0))))
    pieces: list[list[int]] = []
    end: Fraction | None = None
    for beat in sorted(top):
        if end is None or beat - end >= BREAK:
            pieces.append([])
        pieces[-1].append(top[beat][0])
        end = beat + top[beat][1]
    rows = [[b - a for a, b in pairwise(piece)] for piece in pieces]
    moves = [move for row in rows for move in row]
    if not moves:
        return Melody(0, 0, 0, 0, 0, 0, 1.0)
    line = [pitch for piece in pieces for pitch in piece]
    sizes = np.abs(moves)
    leaps = [(a, b) for row in rows for a, b in pairwise(row) if abs(a) >= 5]
    recovered = sum(1 for a, b in leaps if a * b < 0)
    return Melody(
        repeat=float((sizes == 0).mean()),
        step=float(((sizes >= 1) & (sizes <= 2)).mean()),
        skip=float(((sizes >= 3) & (sizes <= 4)).mean()),
        leap=float((sizes >= 5).mean()),
        beyond_octave=float((sizes > 12).mean()),
        range=max(line) - min(line),
        recovery=recovered / len(leaps) if leaps else 1.0,
    )


def voice_leading(voicings: Sequence[Sequence[int]]) -> tuple[float, float]:
    """Parallel fifths and octaves per 100 chord changes, and the mean motion of the inner voices in semitones.

    `voicings`: one sounding chord after another, each low to high. Voices are paired by rank; changes between
    chords of different size are compared over the voices that both have, from the top.
    """
    parallels, moves, changes = 0, [], 0
    for before, after in pairwise(voicings):
        size = min(len(before), len(after))
        if size < 2 or list(before) == list(after):
            continue
        changes += 1
        low, high = list(before)[-size:], list(after)[-size:]
        for i, j in combinations(range(size), 2):
            first, second = high[i] - low[i], high[j] - low[j]
            kept = (low[j] - low[i]) % 12 == (high[j] - high[i]) % 12
            parallels += kept and (low[j] - low[i]) % 12 in (0, 7) and first * second > 0
        moves += [abs(high[i] - low[i]) for i in range(1, size - 1)]
    if not changes:
        return 0.0, 0.0
    return 100 * parallels / changes, float(np.mean(moves)) if moves else 0.0


def voicings(score: Score, part: str) -> list[list[int]]:
    """The chords of one part, low to high: what sounds at each of its onsets, notes held over included, accents of hits
    left out; chords of two and more. Where the part is silent for a beat and more, an empty row stands: what comes
    after a rest is not led from what was before it."""
    row = [n for n in score.notes if n.part == part and n.artic != "stab"]
    found: list[list[int]] = []
    end = Fraction(0)
    for beat in sorted({n.beat for n in row}):
        if found and beat - end >= 1:
            found.append([])
        end = max(end, *(n.beat + n.dur_beats for n in row if n.beat == beat))
        sounding = sorted({n.pitch for n in row if n.beat <= beat < n.beat + n.dur_beats})
        if len(sounding) > 1:
            found.append(sounding)
    return found


@dataclass(frozen=True, slots=True)
class Timing:
    """Offsets of one part: deviation in ms, autocorrelation at lag 1, slope β of log power over log frequency."""

    sigma_ms: float
    lag1: float
    beta: float


def timing(notes: Sequence[Note]) -> Timing:
    """Humanising of one part, notes in time order; series shorter than 8 give zeros for lag and slope."""
    offsets = np.array([n.micro_ms for n in sorted(notes, key=lambda n: (n.beat, n.pitch))], dtype=np.float64)
    if len(offsets) < 2 or offsets.std() == 0:
        return Timing(0.0, 0.0, 0.0)
    centred = offsets - offsets.mean()
    if len(offsets) < 8:
        return Timing(float(offsets.std()), 0.0, 0.0)
    lag1 = float((centred[1:] * centred[:-1]).sum() / (centred**2).sum())
    power = np.abs(np.fft.rfft(centred))[1:] ** 2
    frequency = np.arange(1, len(power) + 1)
    used = power > 0
    slope = float(np.polyfit(np.log(frequency[used]), np.log(power[used]), 1)[0]) if used.sum() > 2 else 0.0
    return Timing(float(offsets.std()), lag1, -slope)


def velocity_metre(score: Score, part: str) -> float:
    """Mean velocity on whole beats minus that between them; 0 where one kind is missing."""
    strong = [n.vel for n in score.notes if n.part == part and n.beat.denominator == 1]
    weak = [n.vel for n in score.notes if n.part == part and n.beat.denominator != 1]
    return float(np.mean(strong) - np.mean(weak)) if strong and weak else 0.0


def motif_count(lead: Sequence[Note], bar: Fraction) -> int:
    """How often the commonest rhythm of four notes (sparse lines: three) comes, its contour kept or inverted."""
    line = sorted(lead, key=lambda n: n.beat)
    played = len({n.beat // bar for n in line})
    size = 4 if len(line) >= 2.5 * played else 3  # where a bar has two notes, four are no longer one idea
    counts: dict[tuple[object, ...], int] = {}
    for i in range(len(line) - size + 1):
        four = line[i : i + size]
        gaps = tuple((b.beat - a.beat).limit_denominator(16) for a, b in pairwise(four))
        turns = tuple(int(np.sign(b.pitch - a.pitch)) for a, b in pairwise(four))
        key = (gaps, max(turns, tuple(-t for t in turns)))
        counts[key] = counts.get(key, 0) + 1
    return max(counts.values(), default=0)


def clashes(score: Score, calm: float = 0.7) -> float:
    """Share of the melody's notes that rub: longer than an eighth, a minor ninth over or a major seventh from a
    sounding chord tone (a semitone in any octave), and not of the chord themselves. Sections tenser than `calm` do
    not count."""
    drums = unpitched(score)
    leads = {part.id for part in score.parts if part.role == "lead"}
    tense = [(s.start_beat, s.start_beat + s.beats) for s in score.sections if s.tension > calm]
    others = sorted((n for n in score.notes if n.part not in leads and n.part not in drums), key=lambda n: n.beat)
    starts = [n.beat for n in others]
    longest = max((n.dur_beats for n in others), default=Fraction(0))
    rubs = total = 0
    for note in score.notes:
        if note.part not in leads or any(a <= note.beat < b for a, b in tense):
            continue
        total += 1
        near = others[bisect_left(starts, note.beat - longest) : bisect_left(starts, note.beat + note.dur_beats)]
        rubs += any(_rubs(note, other, score) for other in near)
    return rubs / total if total else 0.0


def _rubs(note: Note, other: Note, score: Score) -> bool:
    start = max(note.beat, other.beat)
    if min(note.beat + note.dur_beats, other.beat + other.dur_beats) - start <= Fraction(1, 2):
        return False
    chord = chord_at(score.chords, start)
    if chord is None or note.pitch % 12 in chord.pcs or other.pitch % 12 not in chord.pcs:
        return False
    return (note.pitch - other.pitch) % 12 in (1, 11)


def phrase_ends(score: Score, bars: int = 4) -> float:
    """Share of the melody's phrases (`bars` bars from each section's start) that end: their last note lasts a beat or
    is followed by half a beat of rest, and belongs to the chord. Phrases without a note are none."""
    leads = {part.id for part in score.parts if part.role == "lead"}
    line = sorted((n for n in score.notes if n.part in leads), key=lambda n: (n.beat, n.pitch))
    ended = total = 0
    for first, last in _phrases(score, bars):
        inside = [n for n in line if first <= n.beat < last]
        if not inside:
            continue
        final = inside[-1]
        after = next((n.beat for n in line if n.beat > final.beat), None)
        rest = after is None or after - final.beat - final.dur_beats >= Fraction(1, 2)
        chord = chord_at(score.chords, final.beat)
        total += 1
        ended += (final.dur_beats >= 1 or rest) and (chord is None or final.pitch % 12 in chord.pcs)
    return ended / total if total else 1.0


def _phrases(score: Score, bars: int) -> list[tuple[Fraction, Fraction]]:
    """(from, to) in beats: each section cut into pieces of `bars` bars, a shorter rest joined to the last."""
    bar, found = bar_beats(score), []
    for s in score.sections:
        pieces = max(1, s.bars // bars)
        for i in range(pieces):
            end = s.start_beat + (s.beats if i == pieces - 1 else (i + 1) * bars * bar)
            found.append((s.start_beat + i * bars * bar, end))
    return found


def cadence(before: str, last: str) -> str:
    """Class of the step between two chords (roman numerals relative to the parallel major) at a phrase's end:
    ``authentic``, ``plagal``, ``modal`` (to the tonic from elsewhere), ``half``, ``deceptive``, ``static`` or ``open``.

    Raises:
        InvalidArgument: a numeral cannot be read.
    """
    a, b = numeral(before).root % 12, numeral(last).root % 12
    if a == b:
        return "static"
    if b == 0:
        return {7: "authentic", 11: "authentic", 5: "plagal"}.get(a, "modal")
    if b == 7:
        return "half"
    return "deceptive" if a == 7 and b in (8, 9) else "open"


def cadences(score: Score, bars: int = 4) -> list[str]:
    """The cadence class at the end of each phrase of `bars` bars, in order; phrases over one chord are ``static``."""
    found = []
    for _, end in _phrases(score, bars):
        index = max((i for i, chord in enumerate(score.chords) if chord.beat < end), default=0)
        if index:
            found.append(cadence(score.chords[index - 1].rn, score.chords[index].rn))
    return found
