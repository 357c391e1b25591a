"""What is in the timeline, in words: the contract's summary line and what it does not say."""

from __future__ import annotations

from ...contract.draft import AUDIO, TEXT, VIDEO
from ..replies import Said, say
from ..timeline import Clip, StudioTrack, Timeline
from .context import Context
from .drafting import length
from .levels import level_of


def describe(timeline: Timeline, context: Context) -> Said:
    """The contract's summary line (the same in every language), then length, shape, music and the original sound."""
    if not timeline.ready:
        waiting = tuple(file.name for file in context.files)
        return say("describe.uploaded", files=waiting) if waiting else say("describe.empty")
    said = say("describe.line", line=_line(timeline)) + say("describe.length", length=length(timeline.duration_ms))
    meta = timeline.meta
    if meta.get("width") and meta.get("height"):
        said += say("describe.size", width=meta["width"], height=meta["height"])
    if timeline.score_clips and context.score:
        said += say("describe.score", score=context.score)
    sounding = [c for c in timeline.of("video") if c.asset and not c.still and context.has_sound(c.asset)]
    if sounding:
        level = level_of(sounding[0])
        said += say("describe.muted") if level == 0 else say("describe.original", level=level)
    return said


def _line(timeline: Timeline) -> str:
    count = len(timeline.tracks)
    parts = " ".join(f"{i + 1}. {_track(track)}" for i, track in enumerate(timeline.tracks))
    return f"Timeline ({count} {'track' if count == 1 else 'tracks'}): {parts}"


def _track(track: StudioTrack) -> str:
    label = {VIDEO: "Video", AUDIO: "BGM", TEXT: "Title"}.get(track.type, "Other")
    return f"{label}: " + ", ".join(_clip(clip, track.type) for clip in track.segments)


def _clip(clip: Clip, kind: int) -> str:
    span = f"{round(clip.start_ms / 1000, 1):g}-{round(clip.end_ms / 1000, 1):g}s"
    if kind == TEXT:
        return f'"{clip.text}" ({span})'
    volume = f", {level_of(clip):.0%}" if kind == AUDIO else ""
    return f"{clip.name or 'untitled'} ({span}{volume})"
