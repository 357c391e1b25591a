"""What is in the timeline, in words: the contract's summary line and what it does not say."""

from __future__ import annotations

from ...contract.draft import AUDIO, TEXT, VIDEO
from ..timeline import Clip, StudioTrack, Timeline
from .context import Context
from .drafting import length
from .levels import level_of


def describe(timeline: Timeline, context: Context) -> str:
    """The summary of all tracks, then length, shape and the state of the original sound."""
    if not timeline.ready:
        waiting = ", ".join(file.name for file in context.files)
        if waiting:
            return f"The timeline is empty; uploaded: {waiting}."
        return "The timeline is empty. Upload a clip, or say what music you would like."
    count = len(timeline.tracks)
    parts = " ".join(f"{i + 1}. {_track(track)}" for i, track in enumerate(timeline.tracks))
    said = [f"Timeline ({count} {'track' if count == 1 else 'tracks'}): {parts}."]
    said.append(f"{length(timeline.duration_ms)} in all.")
    meta = timeline.meta
    if meta.get("width") and meta.get("height"):
        said.append(f"The picture is {meta['width']}×{meta['height']}.")
    sounding = [c for c in timeline.of("video") if c.asset and not c.still and context.has_sound(c.asset)]
    if sounding:
        level = level_of(sounding[0])
        said.append("The original sound is muted." if level == 0 else f"The original sound is at {level:.0%}.")
    return " ".join(said)


def _track(track: StudioTrack) -> str:
    label = {VIDEO: "Video", AUDIO: "BGM", TEXT: "Title"}.get(track.type, "Other")
    return f"{label}: " + ", ".join(_clip(clip, track.type) for clip in track.segments)


def _clip(clip: Clip, kind: int) -> str:
    span = f"{round(clip.start_ms / 1000, 1):g}-{round(clip.end_ms / 1000, 1):g}s"
    if kind == TEXT:
        return f'"{clip.text}" ({span})'
    volume = f", {level_of(clip):.0%}" if kind == AUDIO else ""
    return f"{clip.name or 'untitled'} ({span}{volume})"
