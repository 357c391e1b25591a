"""Objective metrics of a score, computed from its notes alone.

Used by the report, the bench and the composer's own choices. Definitions and reference values:

* pitch-class entropy, grooving similarity, chord irregularity: MusDr, after Wu and Yang, "The Jazz Transformer on the
  Front Line" (ISMIR 2020, arXiv 2008.01307);
* bar similarity with recall-4, exact and neighbours: our stand-in for structureness (docs/metrics.md);
* cut hit rate with its lift over chance: windows of ITU-R BT.1359-1, chance as the union of the windows;
* spectral slope of timing offsets: Hennig et al. 2011.

Bars are counted from beat 0 in the score's metre; drums are left out where pitch is concerned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .score import Chord, Note, Score

Q = 16
"""Onset slots a bar."""
TICKS = 6720
"""To a beat: every place that the composer writes to is a whole number of them."""
TINY = 1e-6
"""Beats: less than any note is apart from another, more than the rounding of floats."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bars:
    """The notes by bars.

    Attributes:
        onsets: (bars, Q) zeros and ones, pitched parts.
        groove: (bars, Q) the same with drums.
        pitch: (bars, 12) sounding length of each pitch class in beats, pitched parts.
        density: (bars,) distinct onset slots, drums included.
    """

    onsets: Floats
    groove: Floats
    pitch: Floats
    density: Floats


def unpitched(score: Score) -> set[str]:
    """Ids of the parts without a pitch that counts: percussion, the drums among the melodic programs, gestures."""
    return {p.id for p in score.parts if p.drums or (p.synth in (None, "riser", "impact") and 115 <= p.program <= 119)}


def bar_beats(score: Score) -> Fraction:
    """Quarter notes a bar."""
    numerator, denominator = score.meter
    return Fraction(4 * numerator, denominator)


def bar_count(score: Score) -> int:
    """Bars of the score, by its sections (else by its last note)."""
    ends = [s.start_beat + s.beats for s in score.sections] or [n.beat + n.dur_beats for n in score.notes]
    return max(1, -int(-max(ends, default=Fraction(1)) // bar_beats(score)))


def by_bars(score: Score, slots: int = Q) -> Bars:
    """Cut the score into bars with `slots` onset positions each."""
    count, length = bar_count(score), float(bar_beats(score))
    drums = unpitched(score)
    onsets = np.zeros((count, slots))
    groove = np.zeros((count, slots))
    pitch = np.zeros((count, 12))
    for note, start, end in spans(score):
        bar = int((start + TINY) // length)
        if not 0 <= bar < count:
            continue
        slot = max(0, min(slots - 1, int((start - bar * length + TINY) * slots / length)))
        groove[bar, slot] = 1
        if note.part in drums:
            continue
        onsets[bar, slot] = 1
        _add_length(pitch, note.pitch % 12, start, end, length)
    return Bars(onsets, groove, pitch, groove.sum(axis=1))


def spans(score: Score) -> list[tuple[Note, float, float]]:
    """Each note with its first and last beat as floats: exact fractions cost ten times as much to compare."""
    return [(n, start := float(n.beat), start + float(n.dur_beats)) for n in score.notes]


def _add_length(pitch: Floats, name: int, start: float, end: float, length: float) -> None:
    at = start
    while at < end - TINY:
        bar = int((at + TINY) // length)
        if bar >= len(pitch):
            return
        until = min(end, (bar + 1) * length)
        pitch[bar, name] += until - at
        at = until


def entropy(counts: Sequence[float] | Floats) -> float:
    """Shannon entropy in bits of a histogram; 0 for an empty one."""
    values = np.asarray(counts, dtype=np.float64)
    total = values.sum()
    if total <= 0:
        return 0.0
    share = values[values > 0] / total
    return float(-(share * np.log2(share)).sum())


def pitch_class_entropy(score: Score, bars: int) -> float:
    """H_n: mean entropy of the pitch classes' note counts over all windows of `bars` bars (0 … log2 12)."""
    drums = unpitched(score)
    total, length = bar_count(score), bar_beats(score)
    counts = np.zeros((total, 12))
    for note in score.notes:
        bar = int(note.beat // length)
        if note.part not in drums and 0 <= bar < total:
            counts[bar, note.pitch % 12] += 1
    size = min(bars, total)
    windows = [counts[i : i + size].sum(axis=0) for i in range(total - size + 1)]
    heard = [entropy(window) for window in windows if window.sum() > 0]
    return float(np.mean(heard)) if heard else 0.0


def grooving_similarity(groove: Floats) -> float:
    """GS: mean over all bar pairs of 1 − the share of onset slots that differ (0 … 1)."""
    count = len(groove)
    if count < 2:
        return 1.0
    apart = np.abs(groove[:, None, :] - groove[None, :, :]).mean(axis=2)
    upper = np.triu_indices(count, 1)
    return float(1 - apart[upper].mean())


def bar_similarity(bars: Bars) -> Floats:
    """S (bars, bars): half onset agreement, half cosine of the pitch-class lengths (0 … 1).

    Two bars without a note are alike in pitch; a bar with notes is unlike one without.
    """
    onset = 1 - np.abs(bars.onsets[:, None, :] - bars.onsets[None, :, :]).mean(axis=2)
    norm = np.linalg.norm(bars.pitch, axis=1)
    unit = np.divide(bars.pitch, norm[:, None], out=np.zeros_like(bars.pitch), where=norm[:, None] > 0)
    cosine = unit @ unit.T
    silent = norm == 0
    cosine[np.ix_(silent, silent)] = 1.0
    return np.asarray(0.5 * onset + 0.5 * cosine, dtype=np.float64)


def recall(similarity: Floats, distance: int = 4, limit: float = 0.90) -> float:
    """Share of bars that come back (S ≥ `limit`) at least `distance` bars away."""
    count = len(similarity)
    far = np.abs(np.subtract.outer(np.arange(count), np.arange(count))) >= distance
    return float(np.mean([(similarity[i][far[i]] >= limit).any() for i in range(count)])) if count else 0.0


def exact_repeats(score: Score) -> float:
    """Share of bars whose pitched notes are identical to those of an earlier bar."""
    seen: set[tuple[tuple[str, int, int, int], ...]] = set()
    length = float(bar_beats(score))
    drums = unpitched(score)
    content: list[list[tuple[str, int, int, int]]] = [[] for _ in range(bar_count(score))]
    for note, start, end in spans(score):
        bar = int((start + TINY) // length)
        if note.part not in drums and 0 <= bar < len(content):
            inside = round((start - bar * length) * TICKS)
            content[bar].append((note.part, inside, round((end - start) * TICKS), note.pitch))
    repeats = 0
    for bar_notes in content:
        if not bar_notes:
            continue
        key = tuple(sorted(bar_notes))
        repeats += key in seen
        seen.add(key)
    return repeats / len(content)


def neighbours(similarity: Floats) -> float:
    """Mean S of neighbouring bars."""
    count = len(similarity)
    return float(np.mean([similarity[i, i + 1] for i in range(count - 1)])) if count > 1 else 1.0


def chord_irregularity(chords: Sequence[Chord]) -> float:
    """CPI: distinct chord trigrams over all trigrams; repeated slots of one chord count once."""
    names: list[str] = []
    for chord in chords:
        if not names or names[-1] != chord.rn:
            names.append(chord.rn)
    grams = [tuple(names[i : i + 3]) for i in range(len(names) - 2)]
    return len(set(grams)) / len(grams) if grams else 0.0


def scale_consistency(score: Score) -> float:
    """Share of pitched notes inside the scale of the chord slot that they start in."""
    drums = unpitched(score)
    inside = total = 0
    for note in score.notes:
        chord = chord_at(score.chords, note.beat)
        if note.part in drums or chord is None:
            continue
        total += 1
        inside += note.pitch % 12 in chord.scale or note.pitch % 12 in chord.pcs
    return inside / total if total else 1.0


def chord_at(chords: Sequence[Chord], beat: Fraction) -> Chord | None:
    """The chord that sounds at `beat` (chords sorted by beat), or None."""
    low, high = 0, len(chords)
    while low < high:
        middle = (low + high) // 2
        if chords[middle].beat <= beat:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return None
    found = chords[low - 1]
    return found if beat < found.beat + found.beats else None


def strong_chord_tones(score: Score, roles: Sequence[str] = ("lead",)) -> float:
    """Share of the melody's notes on strong beats (bar and half bar) that belong to the chord."""
    parts = {part.id for part in score.parts if part.role in roles}
    half = bar_beats(score) / 2 if bar_beats(score).denominator == 1 and bar_beats(score) % 2 == 0 else bar_beats(score)
    hits = total = 0
    for note in score.notes:
        if note.part not in parts or note.beat % half:
            continue
        chord = chord_at(score.chords, note.beat)
        if chord is not None:
            total += 1
            hits += note.pitch % 12 in chord.pcs
    return hits / total if total else 1.0


def empty_beats(score: Score) -> float:
    """EBR: share of the beats (quarters) in which no note sounds, drums included."""
    total = int(bar_count(score) * bar_beats(score))
    sounding: set[int] = set()
    for _, start, end in spans(score):
        sounding.update(range(int(start + TINY), min(total, -int(-(end - TINY) // 1))))
    return 1 - len([beat for beat in sounding if beat >= 0]) / total


def pitch_entropy(score: Score) -> float:
    """PE: entropy in bits of the MIDI pitches of the pitched parts, by notes."""
    drums = unpitched(score)
    counts = np.bincount([n.pitch for n in score.notes if n.part not in drums], minlength=128)
    return entropy(counts.astype(np.float64))
