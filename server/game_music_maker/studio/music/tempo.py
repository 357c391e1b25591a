"""Tempo from the picture: one constant tempo first, then a tempo map through the chosen cuts.

The constant fit is the search that Digital Performer ("Find Tempo") and Dorico do: the tempo whose bar lines and beats
lie nearest to the weighted events. The map is a dynamic programme over the events: between two chosen ones the tempo is
constant and the number of half-beats whole, so that chosen events are met exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from .score import TempoMap

SIGMA_S = 0.030
RATE = 48_000
MERGE_S = 0.250
Points = tuple[tuple[Fraction, float], ...]
_GRID = (1, 2, 4)
"""Parts of a beat that an accent falls on by nature."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something in the picture at `t` seconds that music may answer. `locked`: met exactly, whatever it costs."""

    t: float
    w: float
    kind: str = "cut"
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Tempo (quarter notes a minute) wanted and allowed; `delta` the largest local change of the map as a ratio."""

    wanted: float
    low: float
    high: float
    delta: float = 0.03
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """`points` of the tempo map, the total `beats` (whole bars), the events that the map meets with their beats, and
    the seconds of picture before the music (`phase_s`)."""

    points: Points
    beats: Fraction
    met: tuple[tuple[Event, Fraction], ...] = ()
    phase_s: float = 0.0

    @property
    def tempo(self) -> TempoMap:
        return TempoMap(self.points, self.phase_s)

    def later(self, phase_s: float) -> Fit:
        """The same fit, begun `phase_s` seconds after the picture."""
        met = tuple((replace(e, t=e.t + phase_s), b) for e, b in self.met)
        return replace(self, met=met, phase_s=phase_s)


def merged(events: Sequence[Event]) -> list[Event]:
    """Events in order; of those within 250 ms of each other the heavier (or locked) one stays."""
    out: list[Event] = []
    for event in sorted(events, key=lambda e: e.t):
        if out and event.t - out[-1].t < MERGE_S:
            if (event.locked, event.w) > (out[-1].locked, out[-1].w):
                out[-1] = event
        else:
            out.append(event)
    return out


def constant(events: Sequence[Event], limits: Limits, bar: Fraction) -> float:
    """Quarter notes a minute of the best constant tempo from beat 0 at second 0; `limits.wanted` without events."""
    found = _searched(events, limits, bar, np.zeros(1))
    if found is None:
        return limits.wanted
    bpm, _, low, high = found
    t = np.array([e.t for e in events])
    return _refined(t, _weights(events), bpm, low, high)


def start(events: Sequence[Event], limits: Limits, bar: Fraction) -> float:
    """Seconds by which music that need not start with the picture starts late, less than a bar: tempo and phase whose
    bar lines and beats lie nearest to the events together (steps of 10 ms)."""
    found = _searched(events, limits, bar, np.arange(0.0, 60.0 * float(bar) / limits.wanted, 0.010))
    return 0.0 if found is None else round(found[1], 3)


def _weights(events: Sequence[Event]) -> np.ndarray:
    return np.array([max(e.w, 1e-3) for e in events])


def _searched(
    events: Sequence[Event], limits: Limits, bar: Fraction, phases: np.ndarray
) -> tuple[float, float, float, float] | None:
    """(tempo, phase, lowest, highest tempo) of the best pair; None where there is nothing to search."""
    if not events or (limits.fixed and len(phases) == 1):
        return None
    low, high = max(limits.low, 0.88 * limits.wanted), min(limits.high, 1.12 * limits.wanted)
    if high <= low and not limits.fixed:
        return None
    step = 0.1 if len(phases) == 1 else 0.4  # the phase is found on a coarser grid of tempi and refined after it
    tempi = np.array([limits.wanted]) if limits.fixed else np.arange(low, high + 1e-9, step)
    t, w = np.array([e.t for e in events]), _weights(events)
    beat = 60.0 / tempi[:, None, None]
    whole = beat * float(bar)
    at = t[None, None] - phases[None, :, None]
    off_bar = at - whole * np.round(at / whole)
    off_beat = at - beat * np.round(at / beat)
    close = 0.65 * np.exp(-(off_bar**2) / (2 * SIGMA_S**2)) + 0.35 * np.exp(-(off_beat**2) / (2 * SIGMA_S**2))
    score = (close * w).sum(axis=2) / w.sum() - 0.5 * np.log2(tempi / limits.wanted)[:, None] ** 2
    i, k = np.unravel_index(int(np.argmax(score)), score.shape)
    return float(tempi[i]), float(phases[k]), low, high


def _refined(t: np.ndarray, w: np.ndarray, bpm: float, low: float, high: float) -> float:
    """Weighted least squares of the beat length with the beat numbers held."""
    beat = 60.0 / bpm
    number = np.round(t / beat)
    near = (np.abs(t - number * beat) < 3 * SIGMA_S) & (number > 0)
    if not near.any():
        return bpm
    n, tn, wn = number[near], t[near], w[near]
    found = 60.0 * float((wn * n * n).sum() / (wn * n * tn).sum())
    return min(high, max(low, found))


def loop_fit(seconds: float | None, bars: int | None, limits: Limits, bar: Fraction, events: Sequence[Event]) -> Fit:
    """A loop: constant tempo, whole bars, and a whole number of samples a beat at 48 kHz.

    With `seconds` the loop is as long as that, to a third of a millisecond a bar, unless the tempo is fixed: then
    it has the bars that cover it.
    """
    wanted = constant(events, limits, bar)
    if seconds:
        around = seconds * wanted / 60.0 / float(bar)
        if limits.fixed:
            count = max(1, math.ceil(around - 1e-6))
        else:
            count = _best_bars(seconds, around, limits, bar, events)
            wanted = 60.0 * count * float(bar) / seconds
    else:
        count = bars or 16
    beats = count * bar
    samples = max(1, round(60.0 * RATE / wanted))
    return Fit(((Fraction(0), 60.0 * RATE / samples),), beats)


def _best_bars(seconds: float, around: float, limits: Limits, bar: Fraction, events: Sequence[Event]) -> int:
    def cost(count: int) -> float:
        bpm = 60.0 * count * float(bar) / seconds
        away = abs(math.log2(bpm / limits.wanted))
        outside = max(0.0, math.log2(limits.low / bpm), math.log2(bpm / limits.high))
        square = 0.0 if count % 4 == 0 else 0.06 if count % 2 == 0 else 0.14
        return away + 4 * outside + square - 0.25 * grid_share(events, bpm, bar)

    around = max(1.0, around)
    return min(range(max(1, int(around * 0.8)), int(around * 1.25) + 2), key=cost)


def grid_share(events: Sequence[Event], bpm: float, bar: Fraction) -> float:
    """Weighted share of events within 40 ms of a half-beat of a constant tempo, 0–1."""
    total = sum(e.w for e in events)
    if not total:
        return 0.0
    half = 30.0 / bpm
    return sum(e.w for e in events if abs(e.t - half * round(e.t / half)) <= 0.040) / total


@dataclass(frozen=True, slots=True)
class _State:
    score: float
    beat: Fraction
    t: float
    log_ratio: float
    path: tuple[tuple[int, Fraction], ...]


def map_fit(events: Sequence[Event], seconds: float, limits: Limits, bar: Fraction) -> Fit:
    """A piece of `seconds` that ends: a tempo map that meets as many events as `limits.delta` lets it.

    The last bar line lies 0.8–3 s before the end, so that the last chord can ring.
    """
    bpm = constant(events, limits, bar)
    if seconds < 2.5:
        return Fit(((Fraction(0), bpm),), bar)
    delta = 0.0 if limits.fixed else limits.delta
    beat = 60.0 / bpm
    usable = [e for e in events if beat * 0.9 <= e.t <= seconds - 0.8]
    layers: list[dict[tuple[Fraction, int], _State]] = [{} for _ in range(len(usable) + 1)]
    layers[0][(Fraction(0), 0)] = _State(0.0, Fraction(0), 0.0, 0.0, ())
    for j, event in enumerate(usable, start=1):
        for i in range(max(0, j - 14), j):
            if any(e.locked for e in usable[i : j - 1]):
                continue  # a locked event is never passed over
            for state in layers[i].values():
                for option in _steps(state, event, beat, bar, delta, j):
                    key = (option.beat % bar, round(float(option.beat) * 2))
                    if key not in layers[j] or layers[j][key].score < option.score:
                        layers[j][key] = option
        layers[j] = dict(sorted(layers[j].items(), key=lambda kv: -kv[1].score)[:16])
    first = max((i for i, e in enumerate(usable, start=1) if e.locked), default=0)
    ends = [
        end
        for layer in layers[first:]
        for state in layer.values()
        for end in _endings(state, seconds, beat, bar, delta)
    ]
    _score, state, total, last = max(ends, key=lambda e: (e[0], -float(e[2])))
    return _fit(usable, state, total, last, bpm)


def _steps(state: _State, event: Event, beat: float, bar: Fraction, delta: float, j: int) -> list[_State]:
    """Ways to place `event`: on a half-beat near where the tempo would have it."""
    span = event.t - state.t
    exact = span / beat
    half = math.floor(exact * 2)
    out = []
    numbers = {Fraction(half, 2), Fraction(half + 1, 2), Fraction(round(exact))}
    numbers.add(bar * round((float(state.beat) + exact) / float(bar)) - state.beat)
    for number in sorted(numbers):
        if number < (Fraction(1, 2) if event.w >= 0.9 or event.locked else 1):
            continue
        ratio = span / (float(number) * beat)
        log_ratio = math.log(ratio)
        if delta == 0 and not event.locked:
            continue  # a tempo that must not move meets what its grid happens to meet
        slack = delta
        if abs(ratio - 1) > slack + (0.5 if event.locked else 0.0):
            continue
        at = state.beat + number
        value = 1.0 if at % bar == 0 else 0.8 if at % 1 == 0 else 0.5
        gain = event.w * value * (2.2 if event.w >= 0.9 else 1.2) + (5.0 if event.locked else 0.0)
        cost = 3 * abs(log_ratio) + 1.5 * abs(log_ratio - state.log_ratio)
        out.append(_State(state.score + gain - cost, at, event.t, log_ratio, (*state.path, (j - 1, at))))
    return out


def _endings(
    state: _State, seconds: float, beat: float, bar: Fraction, delta: float
) -> list[tuple[float, _State, Fraction, float]]:
    """Ways to reach a last bar line: (score, state, total beats, seconds of the last bar line)."""
    out = []
    latest = seconds - 0.8
    around = (float(state.beat) + (seconds - 1.8 - state.t) / beat) / float(bar)
    for count in range(max(1, math.floor(around) - 1), math.ceil(around) + 2):
        total = count * bar
        left = float(total - state.beat)
        if left <= 0:
            continue
        natural = state.t + left * beat
        room = 0.0 if delta == 0 else left * beat * delta
        last = min(latest, max(seconds - 2.5, natural - room), max(natural, seconds - 2.5)) if delta else natural
        last = min(last, natural + room)
        if last > latest + 1e-9 and delta:
            last = latest
        ratio = (last - state.t) / (left * beat)
        if ratio <= 0.5 or last > seconds - 0.3:
            continue
        log_ratio = math.log(ratio)
        tail = seconds - last
        over = max(0.0, abs(ratio - 1) - delta - 1e-6)
        square = 0.0 if count % 4 == 0 else 0.10 if count % 2 == 0 else 0.22
        cost = 3 * abs(log_ratio) + 20 * over + 0.12 * max(0.0, tail - 2.5) + square
        out.append((state.score - cost, state, total, last))
    if not out:
        total = max(bar, bar * math.ceil(state.beat / bar + Fraction(1, 4)))
        out.append((state.score - 9.0, state, total, max(state.t + 0.2, latest)))
    return out


def _fit(usable: Sequence[Event], state: _State, total: Fraction, last: float, bpm: float) -> Fit:
    points: list[tuple[Fraction, float]] = []
    at, t = Fraction(0), 0.0
    steps = [(at_beat, usable[index].t) for index, at_beat in state.path]
    if total > state.beat:
        steps.append((total, last))
    for next_beat, next_t in steps:
        local = 60.0 * float(next_beat - at) / (next_t - t)
        if not points or abs(local - points[-1][1]) > 1e-6:
            points.append((at, local))
        at, t = next_beat, next_t
    if not points or (len(points) == 1 and abs(points[0][1] - bpm) < 1e-6):
        points = [(Fraction(0), bpm)]
    return Fit(tuple(points), total, tuple((usable[i], b) for i, b in state.path))


def placed(
    events: Sequence[Event], tempo: TempoMap, end: Fraction, tolerance_s: float, *, free: bool = False
) -> list[tuple[Event, Fraction | None]]:
    """Each event with the half-beat (else quarter-beat) that plays it within `tolerance_s`, or None.

    `free`: where the grid cannot go, the accent moves: any event may fall on a triplet place, not the heavy ones
    alone.
    """
    out: list[tuple[Event, Fraction | None]] = []
    for event in events:
        where = tempo.beat(event.t)
        found: Fraction | None = None
        heavy = event.w >= 0.9 or event.locked
        units = _GRID + ((3, 6, 12, 24) if heavy else (3, 6, 12) if free and event.w >= 0.45 else ())
        for unit in units:
            near = Fraction(round(where * unit), unit)
            if 0 <= near < end and abs(tempo.seconds(near) - event.t) <= tolerance_s:
                found = near
                break
        out.append((event, found))
    return out
