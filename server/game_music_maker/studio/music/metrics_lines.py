"""Metrics of single lines and of timing: melody, voice leading, humanising, hits on the picture.

Sources stand in `metrics`; reference values for Bach chorales and fiddle tunes in docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from .score import Note, Score

Floats = NDArray[np.float64]


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
    """Interval profile of one line, its highest note at each onset taken."""
    top: dict[Fraction, int] = {}
    for note in notes:
        top[note.beat] = max(note.pitch, top.get(note.beat, 0))
    line = [top[beat] for beat in sorted(top)]
    moves = [b - a for a, b in pairwise(line)]
    if not moves:
        return Melody(0, 0, 0, 0, 0, 0, 1.0)
    sizes = np.abs(moves)
    leaps = [(a, b) for a, b in pairwise(moves) if abs(a) >= 5]
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
    left out; chords of two and more."""
    row = [n for n in score.notes if n.part == part and n.artic != "stab"]
    found = []
    for beat in sorted({n.beat for n in row}):
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


@dataclass(frozen=True, slots=True)
class HitRate:
    """`rate` weighted share of events met, `chance` what chance alone meets, `lift` (rate − chance) / (1 − chance),
    `mean_error_s` mean signed error of those that are met (positive: the sound is late)."""

    rate: float
    chance: float
    lift: float
    mean_error_s: float


def hit_rate(
    events: Sequence[tuple[float, float]], onsets: Sequence[float], duration: float, tolerance: float = 0.04
) -> HitRate:
    """Cut hit rate. `events` are (seconds, weight), `onsets` seconds, `tolerance` seconds on either side."""
    points = np.sort(np.asarray(onsets, dtype=np.float64))
    chance = _covered(points, tolerance, duration)
    total = sum(weight for _, weight in events)
    if total <= 0:
        return HitRate(1.0, chance, 1.0, 0.0)
    met, errors = 0.0, []
    for at, weight in events:
        error = _nearest(points, at)
        if abs(error) <= tolerance + 1e-9:
            met += weight
            errors.append(error)
    rate = met / total
    lift = (rate - chance) / (1 - chance) if chance < 1 else 0.0
    return HitRate(rate, chance, lift, float(np.mean(errors)) if errors else 0.0)


def _nearest(points: Floats, at: float) -> float:
    """Signed distance from `at` to the nearest point; infinite without points."""
    if len(points) == 0:
        return float("inf")
    i = int(np.searchsorted(points, at))
    near = points[max(0, i - 1) : i + 1]
    return float(near[np.argmin(np.abs(near - at))] - at)


def _covered(points: Floats, tolerance: float, duration: float) -> float:
    """Share of the duration that lies within `tolerance` of a point: the union of the windows."""
    if duration <= 0 or len(points) == 0:
        return 0.0
    total, end = 0.0, 0.0
    for point in points:
        start, stop = max(end, point - tolerance, 0.0), min(point + tolerance, duration)
        total += max(0.0, stop - start)
        end = max(end, stop)
    return total / duration


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Rank correlation with mean ranks for ties; 0 where one side does not vary."""
    if len(a) != len(b) or len(a) < 3:
        return 0.0
    first, second = _ranks(a), _ranks(b)
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: Sequence[float]) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)
