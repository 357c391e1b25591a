"""Metrics of music against its picture: hits on cuts, pace, loudness, boundaries, event curves.

* cut hit rate with its lift over chance: windows of ITU-R BT.1359-1, chance as the union of the windows;
* beat alignment (BAS): Li et al., "AI Choreographer" (ICCV 2021), less its value for random shifts, because generated
  dance music scores above real music otherwise;
* density and strength classes: Di et al., "Video Background Music Generation with Controllable Music Transformer"
  (CMT, ACM MM 2021);
* one-sided 5 % points of Spearman's ρ: Zar, "Significance testing of the Spearman rank correlation coefficient" (1972).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

from ..footage import VideoMap
from . import metrics
from .score import Score, TempoMap

Floats = NDArray[np.float64]

FLOW_CLASSES = (
    0.0082, 0.0203, 0.0298, 0.0410, 0.0709, 0.1051, 0.1427, 0.1910,
    0.5155, 0.7515, 0.9989, 1.2068, 1.6323, 2.0317, 2.4674, 2.8104,
)  # fmt: skip
"""Upper edges of CMT's density classes: mean optical flow (Farneback, 360 lines) of a bar, pixels a frame."""
BEAT_CLASSES = (0.0, 0.229, 0.484, 0.787, 0.891, 0.965, 0.991, 0.9978, 0.99967, 0.99989)
"""Upper edges of CMT's strength classes: weight of a visual beat, 0–1."""
FIVE_PERCENT = ((6, 0.73), (8, 0.62), (10, 0.55), (12, 0.50), (16, 0.43), (24, 0.34))
"""(bars, one-sided 5 % point of ρ)."""


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


def five_percent(bars: int) -> float:
    """One-sided 5 % point of Spearman's ρ for so many bars: the table from 6 to 24, 1.645/√(n − 1) above, 1 below."""
    if bars < FIVE_PERCENT[0][0]:
        return 1.0
    if bars > FIVE_PERCENT[-1][0]:
        return float(1.645 / np.sqrt(bars - 1))
    counts, points = zip(*FIVE_PERCENT, strict=True)
    return float(np.interp(bars, counts, points))


def sign_test(values: Sequence[float]) -> float:
    """One-sided p of so many values above zero by chance alone (zeros left out); 1 without values."""
    signs = [v > 0 for v in values if v != 0]
    n = len(signs)
    return sum(comb(n, k) for k in range(sum(signs), n + 1)) / 2**n if n else 1.0


def percentiles(values: Sequence[float]) -> Floats:
    """Rank of each value among all, 0 … 1, equal ones alike; 0.5 for a single one."""
    return (_ranks(values) - 1) / (len(values) - 1) if len(values) > 1 else np.full(len(values), 0.5)


def bar_flow(score: Score, video: VideoMap) -> list[float]:
    """Mean motion 0–1 of the picture in each bar of the music."""
    return bar_motion(video, score.tempo, metrics.bar_beats(score), metrics.bar_count(score))


def bar_motion(video: VideoMap, tempo: TempoMap, bar: Fraction, count: int) -> list[float]:
    """Mean motion 0–1 of the picture in each of `count` bars of `bar` quarter notes."""
    bounds = [tempo.seconds(i * bar) * video.flow_hz for i in range(count + 1)]
    curve = np.asarray(video.flow, np.float64)
    return [
        float(curve[int(a) : max(int(a) + 1, int(b))].mean()) if int(a) < len(curve) else 0.0
        for a, b in pairwise(bounds)
    ]


def measures(score: Score, video: VideoMap, bars: metrics.Bars | None = None) -> dict[str, float]:
    """Measures of notes against picture: ``pace rank`` (ρ of motion and density by bar), ``pace rank over 5 %`` (ρ less
    its 5 % point; only where the motion varies), ``boundary F``, ``CMT match``.

    CMT's classes need optical flow in pixels; of the map's flow, a percentile already, the class is its sixteenth.
    """
    bars = bars or metrics.by_bars(score)
    flow = bar_flow(score, video) if video.flow else []
    scenes = [c.t for c in video.cuts if c.w >= 1 and c.kind == "cut"]
    starts = [score.tempo.seconds(s.start_beat) for s in score.sections[1:]]
    found: dict[str, float] = {}
    if flow:
        rho = spearman(flow, bars.density.tolist())
        found["pace rank"] = rho
        if varies(flow):
            found["pace rank over 5 %"] = rho - five_percent(len(flow))
        seen, played = _strengths(score, video, len(flow))
        found["CMT match"] = cmt_match([round(16 * f) for f in flow], bars.density.tolist(), seen, played)
    if starts and scenes:
        found["boundary F"] = boundary_f(starts, scenes)
    return found


def _strengths(score: Score, video: VideoMap, count: int) -> tuple[Floats, Floats]:
    """(bars, Q) class of the picture's event in each slot, and notes that start there together."""
    seen, played = np.zeros((count, metrics.Q)), np.zeros((count, metrics.Q))
    length = float(metrics.bar_beats(score))
    marks = [(score.tempo.beat(c.t), float(beat_class(c.w)), seen) for c in video.cuts if c.t >= score.tempo.phase_s]
    for beat, strength, table in [*marks, *((float(n.beat), 1.0, played) for n in score.notes)]:
        bar, inside = divmod(beat + (length / metrics.Q / 2 if table is seen else 0), length)
        if 0 <= bar < count:
            table[int(bar), min(metrics.Q - 1, int(inside * metrics.Q / length))] += strength
    return seen, played


def varies(flow: Sequence[float], least: float = 0.35) -> bool:
    """Does the motion vary from bar to bar: coefficient of variation above `least`?"""
    values = np.asarray(flow, dtype=np.float64)
    return bool(len(values) > 2 and values.mean() > 0 and values.std() / values.mean() > least)


def beat_alignment(
    events: Sequence[float], onsets: Sequence[float], duration: float, sigma: float = 0.05, shifts: int = 200
) -> tuple[float, float]:
    """BAS, and BAS less its mean over `shifts` random phase shifts of the onsets around the piece (fixed seed).

    Args:
        events, onsets: seconds. duration: seconds, the length around which onsets are shifted.
    """
    at, points = np.asarray(events, np.float64), np.sort(np.asarray(onsets, np.float64))
    if not len(at) or not len(points) or duration <= 0:
        return 0.0, 0.0
    found = _alignment(at, points, sigma)
    moves = np.random.Generator(np.random.Philox(key=7)).uniform(0, duration, shifts)
    chance = float(np.mean([_alignment(at, np.sort((points + move) % duration), sigma) for move in moves]))
    return found, found - chance


def _alignment(events: Floats, points: Floats, sigma: float) -> float:
    place = np.searchsorted(points, events)
    before, after = points[np.maximum(place - 1, 0)], points[np.minimum(place, len(points) - 1)]
    apart = np.minimum(np.abs(events - before), np.abs(after - events))
    return float(np.exp(-(apart**2) / (2 * sigma**2)).mean())


def flow_class(flow: float) -> int:
    """CMT's density class 0–16 of a bar's mean flow in pixels a frame."""
    return int(np.searchsorted(FLOW_CLASSES, flow, side="left"))


def beat_class(weight: float) -> int:
    """CMT's strength class 0–10 of a visual beat's weight 0–1; 0 without a beat."""
    return int(np.searchsorted(BEAT_CLASSES, weight, side="left"))


def cmt_match(
    picture_density: Sequence[float],
    music_density: Sequence[float],
    picture_strength: Floats | Sequence[Sequence[float]],
    music_strength: Floats | Sequence[Sequence[float]],
) -> float:
    """CMT's match M = 1 / [mean (Dv − Dm)² + mean (Sv − Sm·1[Sv > 0])²]; infinite where both agree everywhere.

    Args:
        picture_density, music_density: class 0–16 of each bar. picture_strength, music_strength: (bars, slots), class
            of the visual beat there and notes that start there together.
    """
    dv, dm = np.asarray(picture_density, np.float64), np.asarray(music_density, np.float64)
    sv, sm = np.asarray(picture_strength, np.float64), np.asarray(music_strength, np.float64)
    apart = float(((dv - dm) ** 2).mean() + ((sv - sm * (sv > 0)) ** 2).mean())
    return 1.0 / apart if apart > 0 else float("inf")


def boundary_f(starts: Sequence[float], scenes: Sequence[float], window: float = 0.5) -> float:
    """F-measure of section starts against scene changes, both in seconds, each met at most once within `window`."""
    if not starts or not scenes:
        return 0.0
    left, met = sorted(scenes), 0
    for start in sorted(starts):
        near = next((s for s in left if abs(s - start) <= window + 1e-9), None)
        if near is not None:
            left.remove(near)
            met += 1
    return 2 * met / (len(starts) + len(scenes))


def novelty(vectors: Floats, lag: int) -> Floats:
    """1 − cosine of each vector and the one `lag` rows later, shape (rows − lag,); of two zeros 0, of one zero 1."""
    first, second = vectors[:-lag], vectors[lag:]
    a, b = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    cosine = np.divide((first * second).sum(axis=1), a * b, out=np.zeros(len(first)), where=a * b > 0)
    return np.asarray(1 - np.where((a == 0) & (b == 0), 1.0, cosine), np.float64)


def event_correlation(picture: Floats, music: Floats, hz: float = 10.0) -> float:
    """r(0) − mean r over lags of 2 … 8 s, both ways, of two novelty curves at `hz`; 0 where one does not vary."""
    n = min(len(picture), len(music))
    a, b = np.asarray(picture[:n], np.float64), np.asarray(music[:n], np.float64)
    far = [k for k in range(round(2 * hz), round(8 * hz) + 1) if n - k >= 2 * hz]
    if not far or a.std() == 0 or b.std() == 0:
        return 0.0
    a, b = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    others = [float((a[: n - k] * b[k:]).mean()) for k in far] + [float((b[: n - k] * a[k:]).mean()) for k in far]
    return float((a * b).mean()) - float(np.mean(others))
