"""Words on the picture: added, changed, removed; always inside the timeline."""

from __future__ import annotations

from typing import Any

from ...contract.draft import TEXT
from ..timeline import Clip, Timeline
from .context import Context
from .drafting import absolute, add_track, length, map_clips, put, seconds, with_tracks
from .values import AddTitle, ChangeTitle, RemoveTitle

SIZE = {"center": 0.1, "top": 0.08, "bottom": 0.055, "lower_third": 0.06}
SMALLEST, LARGEST = 0.02, 0.5
_WHERE = {"center": "in the middle", "top": "at the top", "bottom": "at the bottom", "lower_third": "as a lower third"}
NONE = "There are no words on the picture yet."
_SHORTEST_MS = 200.0


def add_title(edit: AddTitle, timeline: Timeline, context: Context) -> tuple[Timeline, str]:
    """Without footage yet the title waits on a timeline as long as itself."""
    total = timeline.duration_ms
    start, note = 0.0, ""
    if total:
        start = absolute(edit.start_ms, total)
        if start > total - _SHORTEST_MS:
            start = max(0.0, total - (edit.duration_ms or 3000))
            note = f" The timeline ends at {seconds(total)}, so it stands at the end."
    wanted = edit.duration_ms if edit.duration_ms is not None else max(total - start, 3000)
    shown = min(wanted, total - start) if total else wanted
    if shown < wanted - 1 and not note and edit.duration_ms is not None:
        note = f" It ends with the timeline at {seconds(total)}."
    values: dict[str, Any] = {}
    if edit.color:
        values["color"] = edit.color
    if edit.fade_s:
        fade = min(edit.fade_s * 1000, shown / 2)
        values.update(fade_in_ms=fade, fade_out_ms=fade)
    title = Clip(
        text=edit.text, start_ms=start, duration_ms=shown, position=edit.position,
        size=edit.size or SIZE[edit.position], **values,
    )  # fmt: skip
    said = f"Title added: '{edit.text}' {_WHERE[edit.position]} ({start / 1000:g}-{(start + shown) / 1000:g}s).{note}"
    for index, track in enumerate(timeline.tracks):
        free = all(c.end_ms <= start + 1 or c.start_ms >= start + shown - 1 for c in track.segments)
        if track.type == TEXT and free:
            tracks = list(timeline.tracks)
            ordered = sorted([*track.segments, title], key=lambda clip: clip.start_ms)
            tracks[index] = track.model_copy(update={"segments": tuple(ordered)})
            return with_tracks(timeline, tracks), said
    return add_track(timeline, "text", title), said


def _found(timeline: Timeline, which: str, find: str | None, last: int = 1) -> list[Clip]:
    titles = timeline.of("text")
    if find:
        return [clip for clip in titles if find.casefold() in (clip.text or "").casefold()]
    if which == "all" or len(titles) < 2:
        return titles
    return [titles[-1]]


def _missing(timeline: Timeline, find: str | None) -> str:
    titles = timeline.of("text")
    if not titles:
        return NONE
    said = ", ".join(f"'{clip.text}'" for clip in titles)
    return f"No title says '{find}'. There {'is' if len(titles) == 1 else 'are'} {said}." if find else NONE


def change_title(edit: ChangeTitle, timeline: Timeline, context: Context) -> tuple[Timeline, str]:
    found = _found(timeline, edit.which, edit.find)
    if not found:
        return timeline, _missing(timeline, edit.find)
    total = timeline.duration_ms
    said: list[str] = []

    def change(clip: Clip) -> Clip:
        if not any(clip is one for one in found):
            return clip
        values, words = _changes(edit, clip, total)
        said.append(f"Title '{clip.text}' now {', '.join(words)}." if words else "")
        return put(clip, **values) if values else clip

    changed = map_clips(timeline, "text", change)
    return changed, " ".join(filter(None, said)) or "The title stays as it is."


def _changes(edit: ChangeTitle, clip: Clip, total: float) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    words: list[str] = []
    if edit.text:
        values["text"] = edit.text
        words.append(f"says '{edit.text}'")
    if edit.position:
        values["position"] = edit.position
        words.append(f"stands {_WHERE[edit.position]}")
    size = edit.size or (clip.size * edit.scale if edit.scale else None)
    if size:
        values["size"] = round(min(max(size, SMALLEST), LARGEST), 4)
        words.append(f"is {values['size']:.1%} of the picture's height (it was {clip.size:.1%})")
    color = edit.color or (_lighter(clip.color, edit.lighten) if edit.lighten else None)
    if color:
        values["color"] = color
        words.append(f"has the colour {color}")
    if edit.start_ms is not None or edit.duration_ms is not None or edit.until_end:
        start = clip.start_ms if edit.start_ms is None else absolute(edit.start_ms, total)
        start = min(start, max(total - _SHORTEST_MS, 0.0))
        shown = clip.duration_ms if edit.duration_ms is None else edit.duration_ms
        shown = total - start if edit.until_end else min(shown, total - start)
        values.update(start_ms=start, duration_ms=shown)
        words.append(f"shows from {seconds(start)} for {length(shown)}")
    if edit.fade_s is not None:
        fade = min(edit.fade_s * 1000, values.get("duration_ms", clip.duration_ms) / 2)
        values.update(fade_in_ms=fade, fade_out_ms=fade)
        words.append(f"fades in and out over {fade / 1000:g} s" if fade else "no longer fades")
    return values, words


def _lighter(color: str, by: float) -> str:
    """A colour moved towards white (positive) or black."""
    goal = 255 if by > 0 else 0
    parts = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(p + (goal - p) * min(abs(by), 1)):02x}" for p in parts)


def remove_title(edit: RemoveTitle, timeline: Timeline, context: Context) -> tuple[Timeline, str]:
    found = _found(timeline, edit.which, edit.find)
    if not found:
        return timeline, _missing(timeline, edit.find)
    changed = map_clips(timeline, "text", lambda clip: None if any(clip is one for one in found) else clip)
    names = ", ".join(f"'{clip.text}'" for clip in found)
    left = len(changed.of("text"))
    rest = f" {left} {'title stays' if left == 1 else 'titles stay'}." if left else ""
    return changed, f"{'Title' if len(found) == 1 else 'Titles'} removed: {names}.{rest}"
