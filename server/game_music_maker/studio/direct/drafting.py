"""Small pure operations on a timeline that the edits are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from ...contract.draft import AUDIO, TEXT, VIDEO
from ..replies import Said, say
from ..timeline import Clip, StudioTrack, Timeline

TrackType = Literal["video", "audio", "text"]
TYPES: dict[TrackType, int] = {"video": VIDEO, "audio": AUDIO, "text": TEXT}
SHORTEST_MS = 40.0
"""Shorter pieces than a frame are dropped when a clip is divided."""


def is_elastic(timeline: Timeline) -> bool:
    """The picture is stills alone, and nobody named their lengths."""
    shown = [clip for clip in timeline.of("video") if clip.asset]
    return bool(shown) and all(clip.still and clip.elastic for clip in shown)


def shared_out(timeline: Timeline, total_ms: float) -> Timeline:
    """Elastic stills, each shown for the same share of `total_ms` (one second at least); other pictures stay."""
    stills = timeline.of("video")
    if not is_elastic(timeline) or total_ms <= 0:
        return timeline
    each = max((total_ms + sum(clip.transition_ms for clip in stills)) / len(stills), 1000.0)
    return replace_clips(timeline, "video", in_sequence([put(clip, duration_ms=each) for clip in stills]))


def with_named_lengths(timeline: Timeline) -> Timeline:
    """From here on stills stay as long as they are."""
    return map_clips(timeline, "video", lambda clip: put(clip, elastic=False) if clip.elastic else clip)


def titles_by_touch(timeline: Timeline) -> list[Clip]:
    """The words on the picture, the ones that were added or changed last at the end."""
    return sorted(timeline.of("text"), key=lambda clip: clip.touch)


def put(clip: Clip, **values: Any) -> Clip:
    """A copy of the clip with other values, by readable name."""
    return clip.model_copy(update=values)


def with_tracks(timeline: Timeline, tracks: Iterable[StudioTrack]) -> Timeline:
    """Other tracks, the empty ones left out, and `d` as long as the last segment."""
    kept = tuple(track for track in tracks if track.segments)
    end = max((clip.end_ms for track in kept for clip in track.segments), default=0.0)
    return timeline.model_copy(update={"tracks": kept, "duration": round(end, 3)})


def map_clips(timeline: Timeline, kind: TrackType, change: Callable[[Clip], Clip | None]) -> Timeline:
    """Every clip of one kind changed; those for which `change` gives None are dropped."""

    def track(old: StudioTrack) -> StudioTrack:
        if old.type != TYPES[kind]:
            return old
        new = [changed for clip in old.segments if (changed := change(clip)) is not None]
        return old.model_copy(update={"segments": tuple(new)})

    return with_tracks(timeline, [track(old) for old in timeline.tracks])


def replace_clips(timeline: Timeline, kind: TrackType, clips: Iterable[Clip]) -> Timeline:
    """The first track of a kind gets these clips, further tracks of that kind go; a missing track is made."""
    placed, done = [], False
    for track in timeline.tracks:
        if track.type != TYPES[kind]:
            placed.append(track)
        elif not done:
            placed.append(track.model_copy(update={"segments": tuple(clips)}))
            done = True
    if not done:
        placed.append(StudioTrack(type=TYPES[kind], segments=tuple(clips)))
    return with_tracks(timeline, placed)


def add_track(timeline: Timeline, kind: TrackType, *clips: Clip) -> Timeline:
    """A track of its own; video tracks stand first, then sound, then words."""
    tracks = [*timeline.tracks, StudioTrack(type=TYPES[kind], segments=clips)]
    rank = {VIDEO: 0, AUDIO: 1, TEXT: 2}
    return with_tracks(timeline, sorted(tracks, key=lambda track: rank.get(track.type, 3)))


def picture_ms(timeline: Timeline) -> float:
    """Where the picture ends; the end of everything where there is no picture."""
    return max((clip.end_ms for clip in timeline.of("video")), default=timeline.duration_ms)


def absolute(at: float | None, length: float) -> float:
    """A time that may count from the end (negative, None) as ms from the start, inside the timeline."""
    if at is None:
        return length
    return min(max(at + length if at < 0 else at, 0.0), length)


def split(clip: Clip, at_ms: float) -> tuple[Clip, Clip]:
    """Two clips that show what one did. `at_ms` lies inside it; fades stay on the outer ends."""
    left = at_ms - clip.start_ms
    first = put(clip, duration_ms=left, **({"fade_out_ms": 0.0} if clip.fade_out_ms else {}))
    second = put(
        clip,
        start_ms=at_ms,
        duration_ms=clip.duration_ms - left,
        in_ms=clip.in_ms if clip.still or clip.visual else clip.in_ms + left * clip.speed,
        **({"fade_in_ms": 0.0} if clip.fade_in_ms else {}),
        **({"transition_ms": 0.0} if clip.transition_ms else {}),
    )
    return first, second


def divide(clips: Iterable[Clip], *at: float) -> list[Clip]:
    """Clips divided at the given times."""
    pieces = list(clips)
    for moment in at:
        done: list[Clip] = []
        for clip in pieces:
            inside = clip.start_ms + SHORTEST_MS <= moment <= clip.end_ms - SHORTEST_MS
            done.extend(split(clip, moment) if inside else (clip,))
        pieces = done
    return pieces


def window(clips: Iterable[Clip], start: float, end: float) -> list[Clip]:
    """What lies between two times, moved so that `start` becomes 0."""
    pieces = []
    for clip in divide(clips, start, end):
        middle = clip.start_ms + clip.duration_ms / 2
        if start <= middle < end:
            pieces.append(put(clip, start_ms=max(clip.start_ms - start, 0.0)))
    return pieces


def in_sequence(clips: Iterable[Clip]) -> list[Clip]:
    """Clips one after the other without gaps; a cross-fade overlaps the clip before it by its length."""
    placed: list[Clip] = []
    for clip in clips:
        at = placed[-1].end_ms if placed else 0.0
        overlap = min(clip.transition_ms, placed[-1].duration_ms / 2, clip.duration_ms / 2) if placed else 0.0
        changed: dict[str, Any] = {"start_ms": at - overlap}
        if clip.transition_ms != overlap:
            changed["transition_ms"] = overlap
        placed.append(put(clip, **changed))
    return placed


def seconds(ms: float) -> str:
    """ "0:12", "1:02.5" for places in the timeline."""
    whole, rest = divmod(round(ms / 100), 10)
    return f"{whole // 60}:{whole % 60:02d}" + (f".{rest}" if rest else "")


def length(ms: float) -> Said:
    """ "3 s", "2.5 s", "1 min 30 s" for lengths."""
    total = round(ms / 1000, 1)
    minutes, rest = divmod(total, 60)
    if not minutes:
        return say("length.seconds", s=rest)
    return say("length.both", m=minutes, s=rest) if rest else say("length.minutes", m=minutes)
