"""Which frames of a clip can be copied and which have to be encoded: pure functions of its sample table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mp4 import Ints

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive frames: `samples` in decoding order to copy, or in order of showing to encode. `joint`: it is
    copied, and the pictures that its first one could refer to are not there."""

    copied: bool
    samples: Ints
    joint: bool = False


def find_runs(pts: Ints, key: Bools, random: Bools, wanted: Bools, touched: Bools) -> list[Run]:
    """What can be copied and what has to be encoded, in order of showing.

    Args:
        pts: of all samples in decoding order. key: sync samples.
        random: key samples after which all that is shown later can be decoded without what went before them.
        wanted: samples to show. touched: those of them that do not stay as they are.
    """
    runs: list[tuple[bool, list[int], bool]] = []

    def encode(samples: Ints) -> None:
        samples = samples[wanted[samples]]
        if len(samples) and runs and not runs[-1][0]:
            runs[-1][1].extend(samples.tolist())
        elif len(samples):
            runs.append((False, samples.tolist(), False))

    complete = False
    for low, high in groups(pts, key, random):
        order = np.arange(low, high)
        if not wanted[order].any():
            complete = False
            continue
        joint = not complete
        leading = order[pts[order] < pts[low]]
        if joint and len(leading):
            encode(leading)
            order = order[pts[order] >= pts[low]]
        keep = prefix(pts[order], wanted[order] & ~touched[order])
        if keep:
            runs.append((True, order[:keep].tolist(), joint))
        encode(order[keep:])
        # A key picture alone does not keep the pictures before it out of reach of the next group's.
        complete = keep == len(order) > 1
    return [_run(pts, *one) for one in runs]


def _run(pts: Ints, copied: bool, samples: list[int], joint: bool) -> Run:
    found = np.array(samples, dtype=np.int64)
    return Run(copied, found if copied else found[np.argsort(pts[found], kind="stable")], joint)


def groups(pts: Ints, key: Bools, random: Bools) -> list[tuple[int, int]]:
    """Groups of pictures that can be decoded by themselves: a key frame starts one if nothing decoded before it is
    shown after it, and nothing decoded after it is shown before it or it is `random`."""
    least_later = np.minimum.accumulate(pts[::-1])[::-1]
    most_earlier = np.maximum.accumulate(pts)
    starts = [
        int(k)
        for k in np.flatnonzero(key)
        if (least_later[k] >= pts[k] or random[k]) and (k == 0 or most_earlier[k - 1] < pts[k])
    ]
    return list(zip(starts, [*starts[1:], len(pts)], strict=True))


def prefix(pts: Ints, good: Bools) -> int:
    """Length of the longest beginning of a group in which all frames are good and none shown later is
    missing."""
    usable = int(np.argmin(good)) if not good.all() else len(good)
    most = np.maximum.accumulate(pts)
    least_after = np.concatenate([np.minimum.accumulate(pts[::-1])[::-1][1:], [np.iinfo(np.int64).max]])
    for n in range(usable, 0, -1):
        if most[n - 1] < least_after[n - 1]:
            return n
    return 0
