"""What happens in a clip: `analyse` gives the `VideoMap` that the music follows.

Two looks. The accurate one decodes every frame, small. The quick one (`quick.py`) reads packet sizes and
decodes the key frames and a bounded number of other frames. Clips so small that every frame fits into the
quick look's time get the accurate one at once. The clip's own sound is heard at the same time, in a second
thread.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DiskFull, UnsupportedMedia
from ..footage import Cut, MediaInfo, VideoMap
from . import ffmpeg
from .cuts import Found, judge, walk
from .features import HEIGHT, WIDTH, Features, features
from .hearing import RATE, Heard, hear

Progress = Callable[[float, str], None]
FLOW_HZ = 10.0
SMALL_PIXELS = 1e9
_MERGE_S = 0.25
_CHUNK = 64
_KINDS = ("cut", "flash", "hit", "silence", "speech")
"""Of events of equal weight that fall together, the first named here stays."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: events, motion and brightness over time (values at `times`), colour, its name,
    notes."""

    found: list[Found]
    times: NDArray[np.float64]
    motion: NDArray[np.float64]
    luma_times: NDArray[np.float64]
    luma: NDArray[np.float64]
    colour: float
    look: str
    notes: tuple[str, ...] = ()


def analyse(
    path: Path | str,
    info: MediaInfo,
    *,
    accurate: bool = False,
    bed: Path | None = None,
    progress: Progress | None = None,
) -> VideoMap:
    """Look at a clip and listen to it.

    Args:
        path: the file. info: what `probe` said of it.
        accurate: decode every frame; otherwise the quick look.
        bed: keep the decoded sound there for a later mix, as a 48 kHz stereo float WAV; without it where that fails or
            the sound is longer than eleven minutes.
        progress: (share done, stage); may raise to end it.

    Raises:
        UnsupportedMedia: it cannot be decoded.
    """
    tell = progress or (lambda _share, _stage: None)
    tell(0.0, "look")
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(_hear, path, info, bed)
        seen = _see(Path(path), info, accurate, tell)
        sound = heard.result()
    tell(1.0, "look")
    return _map(info, seen, sound)


def _hear(path: Path | str, info: MediaInfo, bed: Path | None) -> Heard:
    if info.audio is None:
        return Heard()
    part = bed.with_name(f"{bed.name}.part") if bed else None
    try:
        heard = hear(ffmpeg.read_pcm(path, rate=RATE, channels=1, block=RATE * 4, bed=part))
        if bed and part and part.stat().st_size < ffmpeg.MOST_BED_BYTES:
            part.replace(bed)
    except (UnsupportedMedia, DiskFull, OSError):
        # It may have been for want of room; and the picture can be followed without any sound.
        return _hear(path, info, None) if bed else Heard()
    finally:
        if part:
            part.unlink(missing_ok=True)
    return heard


def _see(path: Path, info: MediaInfo, accurate: bool, tell: Progress) -> Seen | None:
    if info.kind != "video" or info.video is None:
        return None
    from .quick import quick_look

    pixels = info.video.width * info.video.height * info.video.fps * info.duration_s
    if accurate or pixels <= SMALL_PIXELS:
        return every_frame(path, info, tell)
    return quick_look(path, info, tell)


def every_frame(path: Path, info: MediaInfo, tell: Progress) -> Seen:
    """The accurate look: every frame decoded, small; memory does not grow with the pictures."""
    assert info.video is not None

    def chunks() -> Iterator[tuple[NDArray[np.float64], Features]]:
        times: list[float] = []
        pictures: list[NDArray[np.uint8]] = []
        for t, picture in ffmpeg.read_frames(path, width=WIDTH, height=HEIGHT, options=("-noautorotate",)):
            times.append(t)
            pictures.append(picture)
            if len(times) == _CHUNK:
                yield np.array(times), features(np.stack(pictures))
                tell(min(0.98, t / max(info.duration_s, 0.1)), "look")
                times, pictures = [], []
        if times:
            yield np.array(times), features(np.stack(pictures))

    steps = walk(chunks(), info.video.fps)
    found = judge(steps, info.video.fps)
    motion = _without_spikes(steps.step)
    colour = float(steps.saturation.mean()) if len(steps.saturation) else 0.0
    return Seen(found, steps.times, motion, steps.times, steps.luma, colour, "accurate")


def _without_spikes(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Medians of five: cuts and flashes are no motion."""
    if not len(steps):
        return steps
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(steps, 2, mode="edge"), 5)
    return np.asarray(np.median(windows, axis=1))


def _map(info: MediaInfo, seen: Seen | None, heard: Heard) -> VideoMap:
    duration = info.duration_s
    fps = info.video.fps if info.video else 0.0
    if seen is None:
        events = [*_events(heard)]
        return VideoMap(
            fps=fps,
            duration=duration,
            cuts=_merged(events, duration),
            scenes=((0.0, duration),),
            look="none",
            loudness=heard.loudness,
            speech=heard.speech,
            loud=heard.loud,
        )
    ticks = np.arange(0, max(duration, 0.1), 1 / FLOW_HZ)
    raw = _at(ticks, seen.times, seen.motion)
    flow = _normal(raw)
    events = [
        Cut(t=round(f.t, 4), w=(1.0 if f.step >= 0.2 else 0.5) if f.kind == "cut" else 0.25, kind=f.kind)
        for f in seen.found
    ]
    events += [*_events(heard), *_peaks(flow)]
    cuts = _merged(events, duration)
    edges = [0.0, *(cut.t for cut in cuts if cut.w >= 1.0), duration]
    return VideoMap(
        fps=fps,
        duration=duration,
        cuts=cuts,
        flow_hz=FLOW_HZ,
        flow=tuple(round(float(v), 3) for v in flow),
        flow_raw=round(float(raw.mean()), 5),
        luma=tuple(round(float(v), 3) for v in _at(ticks, seen.luma_times, seen.luma)),
        colour=round(seen.colour, 3),
        scenes=tuple(itertools.pairwise(edges)),
        look=seen.look,
        notes=seen.notes,
        loudness=heard.loudness,
        speech=heard.speech,
        loud=heard.loud,
    )


def _at(ticks: NDArray[np.float64], times: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of `values` around each tick, filled in between where there are none."""
    if not len(times):
        return np.zeros(len(ticks))
    slots = np.clip(np.round(times * FLOW_HZ).astype(int), 0, len(ticks) - 1)
    sums = np.bincount(slots, values, minlength=len(ticks))
    counts = np.bincount(slots, minlength=len(ticks))
    filled = counts > 0
    return np.asarray(np.interp(ticks, ticks[filled], sums[filled] / counts[filled]))


def _normal(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Motion within the clip's own range, 0–1, smoothed over half a second; 0.5 throughout where it never
    changes."""
    smooth = np.convolve(np.pad(raw, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    low, high = np.percentile(smooth, [5, 95])
    if high - low < 1e-4 + 0.02 * abs(high):
        return np.full(len(raw), 0.5)
    return np.asarray(np.clip((smooth - low) / (high - low), 0.0, 1.0))


def _peaks(flow: NDArray[np.float64]) -> list[Cut]:
    """Onsets of action: where motion rises by more than it usually does (two median deviations, at least
    0.3)."""
    if len(flow) < 10:
        return []
    rise = flow[3:] - flow[:-3]
    spread = float(np.median(np.abs(rise - np.median(rise))))
    found: list[Cut] = []
    for i in range(1, len(rise) - 1):
        top = rise[i] >= rise[i - 1] and rise[i] > rise[i + 1]
        far = not found or (i + 2) / FLOW_HZ - found[-1].t > 1.0
        if top and far and rise[i] > max(0.35, 2 * 1.4826 * spread + float(np.median(rise))):
            found.append(Cut(t=round((i + 2) / FLOW_HZ, 3), w=0.25, kind="hit"))
    return found


def _events(heard: Heard) -> list[Cut]:
    found = [Cut(t=t, w=0.25, kind="silence") for t in heard.edges]
    found += [Cut(t=start, w=0.25, kind="speech") for start, _ in heard.speech if start > 0.5]
    return found + [Cut(t=t, w=0.25, kind="hit") for t in heard.onsets]


def _merged(events: list[Cut], duration: float) -> tuple[Cut, ...]:
    """Events at least 250 ms apart, the heavier kept; none in the first or last tenth of a second."""
    kept: list[Cut] = []
    for event in sorted(events, key=lambda e: (-e.w, _KINDS.index(e.kind), e.t)):
        if 0.1 <= event.t <= duration - 0.1 and all(abs(event.t - other.t) >= _MERGE_S for other in kept):
            kept.append(event)
    return tuple(sorted(kept, key=lambda e: e.t))
