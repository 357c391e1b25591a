"""The quick look: where a clip probably cuts, from its packet sizes, then a bounded number of decoded frames.

Candidates (`suspects`) are packets that stand out from those around them, and key frames at irregular places. FFmpeg
then decodes the key frames, and for the doubtful candidates the stretch
from their key frame on; everything else is thrown away before the decoder. The budget is a share of all
frames, so the time stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..footage import MediaInfo
from . import ffmpeg, packets
from .analyse import Seen
from .cuts import NEW_SCENE, Found, apart_from, fading, judge, walk
from .features import HEIGHT, WIDTH, Features, difference, features
from .suspects import SPIKE, STEP, Bools, Doubles, Table, find_candidates, make_table

BUDGET_SHARE = 0.07
BUDGET_PIXELS = 6.6e8
KEY_SHARE = 0.05
_SURE_SPIKE = 5.0
_FAR_S, _FAR_SPIKE = 10.0, 28.0
"""Pictures so far apart differ anyway: between them the packet alone has to tell."""
_SETTLED = 1.5
_CLEAR_KEY, _CLEAR_STEP = 4.0, 3.0
"""A key frame that stands out so far from the frames around it, or after which so much more or less moves, was put
there for a cut; others may have been put there for a fast turn or an explosion."""
_CLUSTER, _ALIKE, _SMALL = 8, 0.5, 0.25
_NEAR, _AROUND = 3, 8
_MOST_MOVED = 0.5
_PLAIN_CODECS = ("h264",)
"""Codecs whose encoders put the frame that starts a scene ahead of those around it in decoding order, so that the size
of its packet alone can tell the place of a cut."""
_IN_ORDER_CODECS = ("hevc", "mpeg4")
"""The same where frames are shown as they are decoded: with one packet for one shown frame."""
_BEFORE, _AFTER = 5, 9
_EXPLAINS_S = 1.0
"""So near to a cut, what else stands out is mostly the new scene's own bursts."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packets to decode, first and last in decoding order, for the candidate shown at place `at`; `before`: frames
    that are shown before it are among them."""

    first: int
    last: int
    at: int
    before: bool


def quick_look(path: Path, info: MediaInfo, tell: Callable[[float, str], None]) -> Seen:
    """See `analyse.analyse`; for clips of any length, memory grows by about 200 bytes a frame."""
    stream = packets.read(path, maps=("0:V:0",))[0][0]
    tell(0.2, "look")
    table = make_table(stream)
    candidates = find_candidates(table)
    keys = _thinned(np.flatnonzero(table.key), max(24, int(KEY_SHARE * len(table.size))))
    stretches = choose(table, candidates, _budget(info, len(table.size)))
    times, seen = _decode(path, table, keys, stretches, lambda share: tell(0.2 + 0.75 * share, "look"))
    if stream.codec not in _PLAIN_CODECS:
        looked = {stretch.at for stretch in stretches}
        exact = stream.codec in _IN_ORDER_CODECS
        kept = [at for at in candidates if at in looked or (exact and _told(table, int(at)))]
        candidates = np.array(kept, dtype=np.int64)
    found = _decide(table, candidates, stretches, times, seen, info.video.fps if info.video else 30.0)
    said = f"Quick look: {len(times)} of {len(table.size)} frames were decoded."
    return Seen(
        found=found,
        times=table.times[~table.key],
        motion=_motion(table),
        luma_times=times,
        luma=seen.luma.astype(np.float64),
        colour=float(seen.saturation.mean()) if len(seen) else 0.0,
        look="quick",
        notes=(said,),
    )


def _budget(info: MediaInfo, frames: int) -> int:
    """Frames to decode besides the key frames: a share of a long clip, a fixed amount of work on a short
    one."""
    assert info.video is not None
    return int(max(BUDGET_SHARE * frames, BUDGET_PIXELS / max(1, info.video.width * info.video.height)))


def _thinned(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    if len(places) <= most:
        return places
    return np.asarray(places[np.linspace(0, len(places) - 1, most).round().astype(int)])


def choose(table: Table, candidates: NDArray[np.int64], budget: int) -> list[Stretch]:
    """Which candidates to look at closely: the cheapest first, until `budget` frames are spent.

    Of a key frame that is clearly put there for a cut only what follows is decoded: what went before would cost a
    whole group of pictures.
    """
    key_orders = np.sort(table.order[table.key])
    options: list[tuple[float, Stretch]] = []
    for at in candidates:
        before = 0 if _clear(table, int(at)) else _BEFORE
        order = table.order[max(0, at - before) : at + _AFTER]
        start = int(key_orders[max(0, np.searchsorted(key_orders, order.min(), side="right") - 1)])
        cost = int(order.max()) - start + 1
        worth = max(float(table.spike[at]), 2.0 * abs(float(table.step[at])), 1.0)
        options.append((cost / min(worth, 4.0), Stretch(start, int(order.max()), int(at), before > 0)))
    chosen: list[Stretch] = []
    covered: set[int] = set()
    for _, stretch in sorted(options, key=lambda option: option[0]):
        extra = set(range(stretch.first, stretch.last + 1)) - covered
        if len(covered) + len(extra) <= budget:
            covered |= extra
            chosen.append(stretch)
    return chosen


def _told(table: Table, at: int) -> bool:
    """Shown in the order of decoding around there, or a change of the level that cannot be overlooked."""
    in_order = bool((np.diff(table.order[max(0, at - _CLUSTER) : at + _CLUSTER]) == 1).all())
    return in_order or bool(abs(table.step[at]) >= _CLEAR_STEP)


def _clear(table: Table, at: int) -> bool:
    """A key frame that only a cut explains."""
    stands_out = table.irregular[at] and table.spike[at] >= _CLEAR_KEY
    return bool(table.key[at] and (stands_out or abs(table.step[at]) >= _CLEAR_STEP))


def _due(table: Table, at: int) -> bool:
    """A key frame that comes anyway, and is as large as a cut."""
    return bool(table.key[at]) and not _clear(table, at)


def _ranges(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Consecutive runs as (first, last)."""
    if not len(numbers):
        return []
    breaks = np.flatnonzero(np.diff(numbers) > 1)
    starts = np.concatenate([[0], breaks + 1])
    ends = np.concatenate([breaks, [len(numbers) - 1]])
    return [(int(numbers[a]), int(numbers[b])) for a, b in zip(starts, ends, strict=True)]


def one_of(ranges: list[tuple[int, int]]) -> str:
    """FFmpeg's expression for "n lies in one of these": a binary search, as a sum of a hundred terms is
    refused."""
    if len(ranges) == 1:
        return f"between(n,{ranges[0][0]},{ranges[0][1]})"
    middle = len(ranges) // 2
    return f"if(lt(n,{ranges[middle][0]}),{one_of(ranges[:middle])},{one_of(ranges[middle:])})"


def _cut_loose(table: Table, wanted: Bools) -> Bools:
    """Packets of open groups that are shown before their key frame, where what they refer to is left out."""
    times = np.zeros(len(wanted))
    times[table.order] = table.times
    loose = np.zeros(len(wanted), dtype=bool)
    for first, last in _ranges(np.flatnonzero(wanted)):
        loose[first : last + 1] = times[first : last + 1] < times[first]
    return loose


def _decode(
    path: Path,
    table: Table,
    keys: NDArray[np.int64],
    stretches: list[Stretch],
    tell: Callable[[float], None],
) -> tuple[Doubles, Features]:
    """Decode the chosen packets alone, in two runs side by side: all others are dropped before the decoder."""
    wanted = np.zeros(int(table.order.max()) + 1, dtype=bool)
    wanted[table.order[keys]] = True
    for stretch in stretches:
        wanted[stretch.first : stretch.last + 1] = True
    wanted &= ~_cut_loose(table, wanted)
    halves = _halves(_ranges(np.flatnonzero(wanted)))
    end = float(table.times[-1]) or 1.0
    with ThreadPoolExecutor(len(halves)) as pool:
        told = [0.0] * len(halves)
        runs = [pool.submit(_decode_these, path, ranges, told, number) for number, ranges in enumerate(halves)]
        while wait(runs, timeout=0.2).not_done:
            tell(min(1.0, sum(told) / len(told) / end))
        parts = [run.result() for run in runs]
    names = ("colours", "layout", "luma", "saturation")
    seen = [features for _, found in parts for features in found]
    joined = Features(*(np.concatenate([getattr(part, name) for part in seen]) for name in names))
    return np.array([t for times, _ in parts for t in times]), joined


def _halves(ranges: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Two lists with about as many packets each, or a single one: one decoder alone leaves cores idle."""
    ends = np.cumsum([last - first + 1 for first, last in ranges])
    middle = int(np.searchsorted(ends, ends[-1] / 2)) + 1 if ranges else 0
    return [half for half in (ranges[:middle], ranges[middle:]) if half]


def _decode_these(
    path: Path, ranges: list[tuple[int, int]], told: list[float], number: int
) -> tuple[list[float], list[Features]]:
    """Decode packets of these ranges; the time that was reached is noted at place `number` of `told`."""
    options = ("-noautorotate", "-bsf:v", f"noise=drop='not({one_of(ranges)})'", "-skip_loop_filter", "all")
    times: list[float] = []
    parts: list[Features] = []
    pictures: list[NDArray[np.uint8]] = []
    for t, picture in ffmpeg.read_frames(path, width=WIDTH, height=HEIGHT, options=options):
        times.append(t)
        pictures.append(picture)
        if len(pictures) == 32:
            parts.append(features(np.stack(pictures)))
            pictures = []
            told[number] = t
    if pictures:
        parts.append(features(np.stack(pictures)))
    return times, parts


def _decide(
    table: Table,
    candidates: NDArray[np.int64],
    stretches: list[Stretch],
    times: Doubles,
    seen: Features,
    fps: float,
) -> list[Found]:
    """Close looks decide where there was one; elsewhere the key frames on both sides and the spike itself."""
    found: list[Found] = []
    step = 1.0 / max(fps, 1.0)
    close: set[int] = set()
    for at, before in sorted((stretch.at, stretch.before) for stretch in stretches):
        low = float(table.times[max(0, at - _BEFORE)]) - step / 2
        high = float(table.times[min(len(table.times) - 1, at + _AFTER)]) + step / 2
        inside = np.flatnonzero((times >= low) & (times <= high))
        if not before:
            event = _from_key_frame(table, at, times, seen, fps)
            found += [event] if event is not None else []
            close.add(at)
        elif len(inside) >= 5:
            part = seen.part(int(inside[0]), int(inside[-1]) + 1)
            events = judge(walk([(times[inside[0] : inside[-1] + 1], part)], fps), fps)
            found += [event for event in events if _foretold(table, at, event.t)]
            close.add(at)
    rest = [int(at) for at in candidates if int(at) not in close]
    found += [event for at in rest if (event := _from_level(table, at, times, seen)) is not None]
    found += _told_apart([_from_keys(table, candidates, at, times, seen) for at in rest], found, times)
    unique: list[Found] = []
    for event in sorted(found, key=lambda e: e.t):
        if not unique or event.t - unique[-1].t > step / 2:
            unique.append(event)
    return unique


def _told_apart(guesses: list[Found | None], sure: list[Found], times: Doubles) -> list[Found]:
    """Of the cuts that are only told by packets and by the pictures decoded on both sides, those that nothing else
    explains: none near a cut that was found between the same two pictures, or near another such guess."""
    kept = [event for event in guesses if event is not None]
    cuts = [event for event in (*sure, *kept) if event.kind == "cut"]
    place = {id(event): int(np.searchsorted(times, event.t - 1e-4)) for event in cuts}

    def explained(event: Found) -> bool:
        alike = (other for other in cuts if other is not event and place[id(other)] == place[id(event)])
        return any(abs(other.t - event.t) < _EXPLAINS_S for other in alike)

    return [event for event in kept if not explained(event)]


def _foretold(table: Table, at: int, t: float) -> bool:
    """An event found near a candidate is where the packets say that something happens, too."""
    place = int(np.argmin(np.abs(table.times - t)))
    if table.key[place] and not table.irregular[place] and abs(table.step[place]) < STEP:
        return False  # where a key frame is due anyway, the picture only gets clearer
    spiky = table.spike[place] >= SPIKE and not table.key[place]
    return abs(place - at) <= _NEAR or bool(spiky or table.irregular[place])


def _from_key_frame(table: Table, at: int, times: Doubles, seen: Features, fps: float) -> Found | None:
    """Judge an irregular key frame: another picture than the last one seen, and calm after it."""
    t = float(table.times[at])
    here = int(np.searchsorted(times, t - 1e-4))
    after = np.flatnonzero((times > t + 1e-4) & (times < t + (_AFTER + 0.5) / max(fps, 1.0)))
    if here == 0 or here >= len(times) or abs(times[here] - t) > 0.5 / max(fps, 1.0):
        return None
    change = float(difference(seen.part(here - 1, here), seen.part(here, here + 1))[0])
    if change < 0.12:
        return None
    if len(after) < 2:
        return Found(t, "cut", change)
    last = int(after[-1])
    steps = difference(seen.part(here + 1, last + 1), seen.part(here, last))
    apart = apart_from(seen, here - 1, here, last + 1)
    back = float(apart[-1])
    if fading(apart):
        return None
    gap = (t - float(times[here - 1])) * fps
    moved = min(_MOST_MOVED, float(np.median(steps)) * gap)
    if float(np.sort(steps)[-2:].mean()) > change / 3 or back < 0.4 * change or change < 1.2 * moved:
        return None
    return Found(t, "cut", change)


def _from_keys(table: Table, candidates: NDArray[np.int64], at: int, times: Doubles, seen: Features) -> Found | None:
    """Judge a candidate by the decoded pictures nearest before and after it, and by how lonely its packet
    is."""
    if _due(table, at) or abs(table.step[at]) >= _CLEAR_STEP:
        return None
    near = candidates[(np.abs(candidates - at) <= 15) & (candidates != at)]
    at = _first_of(table, at)  # maybe another frame, of which the same is asked
    if at == 0 or _due(table, at) or table.size[max(0, at - _CLUSTER) : at].max() > _SMALL * table.size[at]:
        return None
    t = float(table.times[at])
    after = int(np.searchsorted(times, t - 1e-4))
    if after == 0 or after >= len(times):
        return None
    change = float(difference(seen.part(after - 1, after), seen.part(after, after + 1))[0])
    follow = table.spike[at + 1 : at + 6]
    lonely = bool(len(follow)) and float(np.mean(follow)) < 1.6
    settled = abs(float(table.step[at])) >= _SETTLED
    tops = not len(near) or float(table.spike[at]) > 2.0 * float(table.spike[near].max())
    far = float(times[after] - times[after - 1]) > _FAR_S
    strong = float(table.spike[at]) >= (_FAR_SPIKE if far else _SURE_SPIKE) or (bool(table.irregular[at]) and not far)
    if change < 0.16 or not (lonely or settled) or not strong or not tops:
        return None
    return Found(t, "cut", change)


def _from_level(table: Table, at: int, times: Doubles, seen: Features) -> Found | None:
    """Judge a place where the packets become many times larger or smaller for good: another scene, if the pictures
    decoded before and after it are others."""
    if abs(table.step[at]) < _CLEAR_STEP or (table.key[at] and not _clear(table, at)):
        return None
    size = table.size[max(0, at - _AROUND) : at + _AROUND]
    middle = float(np.sqrt(np.median(size[: _AROUND // 2]) * np.median(size[-_AROUND // 2 :])))
    old = np.flatnonzero((size < middle) != (size[-1] < middle))
    if len(size) < 2 * _AROUND or not len(old) or len(old) != old[-1] + 1:
        return None
    at += int(old[-1]) + 1 - _AROUND
    after = int(np.searchsorted(times, float(table.times[at]) - 1e-4))
    if after == 0 or after >= len(times):
        return None
    change = float(difference(seen.part(after - 1, after), seen.part(after, after + 1))[0])
    return Found(float(table.times[at]), "cut", change) if change >= NEW_SCENE else None


def _first_of(table: Table, at: int) -> int:
    """The first of the large packets that end with `at`: a new picture that is hard to foretell takes several."""
    low = max(1, at - _CLUSTER)
    alike = np.flatnonzero(table.size[low : at + 1] >= _ALIKE * table.size[at])
    return low + int(alike[0])


def _motion(table: Table) -> Doubles:
    """Bytes of the frames between key frames, as a logarithm, spikes flattened: the more moves, the more
    it takes."""
    size = table.size[~table.key]
    if not len(size):
        return np.zeros(0)
    window = min(len(size), 9)
    padded = np.pad(size, window // 2, mode="edge")[: len(size) + window - 1]
    level = np.median(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1)
    return np.asarray(np.log2(level + 64.0))
