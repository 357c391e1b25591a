"""From what was seen in each clip to what happens in the timeline: trims, speeds, joins and mutes applied. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from .footage import Cut, VideoMap
from .timeline import Clip, Timeline

_HZ = 10.0
_APART_S = 0.25


def timeline_map(timeline: Timeline, looks: Mapping[str, VideoMap]) -> VideoMap:
    """The `VideoMap` of a whole timeline.

    Args:
        timeline: its video clips in order.
        looks: by asset id, what was seen; stills and drawn pictures have none.

    Returns:
        times in seconds of the timeline; joins of clips are cuts of weight 1; ``look="none"`` without footage.
    """
    clips = [clip for clip in timeline.of("video") if not clip.visual]
    if not clips:
        return VideoMap(duration=0.0)
    duration = max(clip.end_ms for clip in clips) / 1000
    seen = [(clip, looks[clip.asset]) for clip in clips if clip.asset and clip.asset in looks]
    cuts = [Cut(t=clip.start_ms / 1000, w=1.0) for clip in clips[1:]]
    for clip, look in seen:
        cuts += [cut.model_copy(update={"t": at}) for cut in look.cuts if (at := _at(clip, cut.t)) is not None]
    flow, luma, loudness = _curves(duration, seen)
    names = {look.look for _, look in seen}
    scenes = sorted({0.0, duration, *(cut.t for cut in cuts if cut.kind == "cut" and cut.w >= 1)})
    return VideoMap(
        fps=max((look.fps for _, look in seen), default=0.0),
        duration=duration,
        cuts=_thinned(cuts),
        flow_hz=_HZ,
        flow=flow,
        flow_raw=sum(look.flow_raw for _, look in seen) / len(seen) if seen else 0.0,
        luma=luma,
        colour=sum(look.colour for _, look in seen) / len(seen) if seen else 0.0,
        loudness=loudness,
        speech=_spans(seen, "speech"),
        loud=_spans(seen, "loud"),
        scenes=tuple(pairwise(scenes)),
        look="quick" if "quick" in names else "accurate" if "accurate" in names else "none",
        notes=tuple(dict.fromkeys(note for _, look in seen for note in look.notes)),
    )


def inner_cuts_ms(timeline: Timeline, looks: Mapping[str, VideoMap]) -> tuple[float, ...]:
    """Cuts inside clips, in ms of the timeline; joins of clips are not among them."""
    found = {
        round(at * 1000, 1)
        for clip in timeline.of("video")
        if clip.asset and clip.asset in looks
        for cut in looks[clip.asset].cuts
        if cut.kind == "cut" and (at := _at(clip, cut.t)) is not None and at * 1000 > clip.start_ms + 1
    }
    return tuple(sorted(found))


def _at(clip: Clip, t: float) -> float | None:
    """A moment of the asset in seconds of the timeline, None outside of what the clip shows."""
    ms = (t * 1000 - clip.in_ms) / clip.speed
    return (clip.start_ms + ms) / 1000 if 0 <= ms < clip.duration_ms else None


def _thinned(cuts: list[Cut]) -> tuple[Cut, ...]:
    """In order, with the heavier one kept of two that are closer than 250 ms."""
    kept: list[Cut] = []
    for cut in sorted(cuts, key=lambda cut: cut.t):
        if cut.t < 0.05:
            continue
        if not kept or cut.t - kept[-1].t >= _APART_S:
            kept.append(cut)
        elif cut.w > kept[-1].w:
            kept[-1] = cut
    return tuple(kept)


def _curves(
    duration: float, seen: list[tuple[Clip, VideoMap]]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Motion, brightness and loudness, ten values a second; gaps between clips are still, dark and silent."""
    count = max(1, round(duration * _HZ))
    flow, luma, loudness = [0.0] * count, [0.0] * count, [-70.0] * count
    sounding = False
    for clip, look in seen:
        heard = look.loudness if (1.0 if clip.volume is None else clip.volume) > 0 else ()
        sounding = sounding or bool(heard)
        first, last = round(clip.start_ms / 1000 * _HZ), min(count, round(clip.end_ms / 1000 * _HZ))
        for i in range(first, last):
            at = (clip.in_ms + (i / _HZ * 1000 - clip.start_ms) * clip.speed) / 1000
            k = max(0, int(at * look.flow_hz))
            for curve, values in ((flow, look.flow), (luma, look.luma), (loudness, heard)):
                if values:
                    curve[i] = values[min(k, len(values) - 1)]
    return tuple(flow), tuple(luma), tuple(loudness) if sounding else ()


def _spans(seen: list[tuple[Clip, VideoMap]], name: str) -> tuple[tuple[float, float], ...]:
    spans = []
    for clip, look in seen:
        if clip.volume == 0:
            continue
        for start, end in getattr(look, name):
            a = max(start * 1000, clip.in_ms)
            b = min(end * 1000, clip.in_ms + clip.duration_ms * clip.speed)
            if b > a:
                at = [(clip.start_ms + (ms - clip.in_ms) / clip.speed) / 1000 for ms in (a, b)]
                spans.append((at[0], at[1]))
    return tuple(sorted(spans))
