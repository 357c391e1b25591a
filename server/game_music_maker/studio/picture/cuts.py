"""Cuts and flashes from the features of every frame (the accurate look's judgement). Pure numpy.

A hard cut is one step between frames that is large, stands out from the steps around it, and lasts: a
picture that comes back within a third of a second was a flash, one that comes back by and by an explosion, and a
fast turn makes many large steps in a row. The adaptive comparison with the neighbourhood follows the practice of
shot detectors since Yeo and Liu (1995).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .features import Features, difference, join

LEAST_STEP = 0.07
STAND_OUT = 3.0
AMONG_STEPS = 1.7
"""Against the second largest step around: a picture that moves at few frames a second makes large steps all
the time."""
BACK_AGAIN = 0.4
NEW_SCENE = 0.2
_RETURN_S, _FADE_S = 0.36, 1.1
_FADING = 0.7
"""An explosion's light has lost so much of its difference where the look ends before it is gone."""
_AROUND_S = 0.25
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Steps:
    """One row for each frame: its time, the step from the frame before, brightness, saturation; and for
    large steps how near the pictures before and after come to each other again (`back`, 1 where not looked
    at)."""

    times: Doubles
    step: Doubles
    luma: Doubles
    saturation: Doubles
    back: Doubles


@dataclass(frozen=True, slots=True)
class Found:
    """An event at `t` seconds: `cut` or `flash`, and how large its step is (0–1)."""

    t: float
    kind: str
    step: float


def walk(frames: Iterable[tuple[Doubles, Features]], fps: float) -> Steps:
    """Run through chunks of frames in order, keeping only the last second of pictures.

    Args:
        frames: (times in seconds, features) of consecutive chunks.
        fps: frames a second, for the length of a flash.
    """
    soon, reach = min(24, max(3, round(_RETURN_S * fps))), min(72, max(6, round(_FADE_S * fps)))
    rows: list[tuple[float, float, float, float, float]] = []
    for times, pictures, first in _windows(frames, reach):
        steps = np.concatenate([[0.0], difference(pictures.part(1), pictures.part(0, -1))])
        for i in range(first, len(times)):
            back = 1.0
            if steps[i] >= LEAST_STEP:
                back = min(_comes_back(pictures, i, soon), _fades(pictures, steps, i, reach))
            rows.append((times[i], float(steps[i]), float(pictures.luma[i]), float(pictures.saturation[i]), back))
    table = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    return Steps(table[0], table[1], table[2], table[3], table[4])


def _windows(frames: Iterable[tuple[Doubles, Features]], reach: int) -> Iterator[tuple[Doubles, Features, int]]:
    """Chunks with the `reach` + 1 frames before them; the last `reach` frames of a chunk wait for the next
    one.

    Yields:
        times and features, and the index of the first frame not told of before; frames past the end of what
        is yielded are not looked at by `_comes_back`.
    """
    times: Doubles = np.zeros(0)
    held: Features | None = None
    told = 0
    for more_times, more in frames:
        times = np.concatenate([times, more_times])
        held = more if held is None else join(held, more)
        ready = len(times) - reach
        if ready > told:
            yield times[:ready], held, told
            keep = max(0, ready - reach - 1)
            times, held, told = times[keep:], held.part(keep), ready - keep
    if held is not None and told < len(times):
        yield times, held, told


def _comes_back(pictures: Features, i: int, reach: int) -> float:
    """Least difference of the picture before frame `i` to one a few frames after it, or of frame `i` to
    one before."""
    after = pictures.part(i + 1, i + 1 + reach)
    before = pictures.part(max(0, i - 1 - reach), max(0, i - 1))
    found = [1.0]
    for one, others in ((i - 1, after), (i, before)):
        if len(others):
            found.append(float(_to_each(pictures, one, others).min()))
    return min(found)


def _fades(pictures: Features, steps: Doubles, i: int, reach: int) -> float:
    """Least difference of the picture before frame `i` to those after it up to the next large step; 0 where the
    difference goes down all the time, but is not gone where the look ends."""
    after = steps[i + 1 : i + 1 + reach]
    large = np.flatnonzero(after >= 0.5 * steps[i])
    end = i + 1 + (int(large[0]) if len(large) else len(after))
    apart = apart_from(pictures, i - 1, i, end)
    if len(apart) < 6:
        return 1.0
    return 0.0 if fading(apart) else float(apart.min())


def fading(apart: Doubles) -> bool:
    """Differences to the picture before that go down all the time: what came up goes away by and by."""
    return len(apart) > 2 and bool((np.diff(apart) < 0.01).all()) and apart[-1] < _FADING * apart[0]


def apart_from(pictures: Features, one: int, start: int, end: int) -> Doubles:
    """Differences of one picture to those from `start` to `end` (exclusive)."""
    return _to_each(pictures, one, pictures.part(start, end))


def _to_each(pictures: Features, one: int, others: Features) -> Doubles:
    """Differences of one picture to each of others."""
    columns = (pictures.colours, pictures.layout, pictures.luma, pictures.saturation)
    repeated = Features(*(np.repeat(column[one : one + 1], len(others), axis=0) for column in columns))
    return np.asarray(difference(repeated, others), dtype=np.float64)


def judge(steps: Steps, fps: float) -> list[Found]:
    """Cuts and flashes in order of time."""
    around = max(3, round(_AROUND_S * fps))
    found: list[Found] = []
    for i in np.flatnonzero(steps.step >= LEAST_STEP):
        low, high = max(1, i - around), min(len(steps.step), i + around + 1)
        near = np.concatenate([steps.step[low:i], steps.step[i + 1 : high]])
        size = float(steps.step[i])
        if len(near) and (size < near.max() * 0.999 and size < STAND_OUT * np.partition(near, -2)[-2:].mean()):
            continue
        others = np.sort(near)[:-1] if len(near) > 1 else near
        if len(others) and size < max(STAND_OUT * (float(others.mean()) + 0.012), AMONG_STEPS * float(others[-1])):
            continue
        flash = steps.back[i] < BACK_AGAIN * size
        if flash and found and found[-1].kind == "flash" and steps.times[i] - found[-1].t < _RETURN_S:
            continue
        found.append(Found(float(steps.times[i]), "flash" if flash else "cut", size))
    return found
