"""Words on the picture: added, changed, removed; always inside the timeline."""

from __future__ import annotations

from typing import Any

from ...contract.draft import TEXT
from ..replies import Said, say
from ..timeline import Clip, Timeline
from .context import Context
from .drafting import absolute, add_track, length, map_clips, put, seconds, titles_by_touch, with_tracks
from .values import AddTitle, ChangeTitle, RemoveTitle

SIZE = {"center": 0.1, "top": 0.08, "bottom": 0.055, "lower_third": 0.06}
SMALLEST, LARGEST = 0.02, 0.5
_SHORTEST_MS = 200.0


def add_title(edit: AddTitle, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    """Without footage yet the title waits on a timeline as long as itself."""
    total = timeline.duration_ms
    start, note = 0.0, Said()
    if total:
        start = absolute(edit.start_ms, total)
        if start > total - _SHORTEST_MS:
            start = max(0.0, total - (edit.duration_ms or 3000))
            note = say("title.at_end", at=seconds(total))
    wanted = edit.duration_ms if edit.duration_ms is not None else max(total - start, 3000)
    shown = min(wanted, total - start) if total else wanted
    if shown < wanted - 1 and not note and edit.duration_ms is not None:
        note = say("title.cut_short", at=seconds(total))
    values: dict[str, Any] = {}
    if edit.color:
        values["color"] = edit.color
    if edit.fade_s:
        fade = min(edit.fade_s * 1000, shown / 2)
        values.update(fade_in_ms=fade, fade_out_ms=fade)
    title = Clip(
        text=edit.text, start_ms=start, duration_ms=shown, position=edit.position,
        size=edit.size or SIZE[edit.position], touch=_next(timeline), **values,
    )  # fmt: skip
    said = say(
        "title.added", text=edit.text, where=say(f"at.{edit.position}"), start=start / 1000, end=(start + shown) / 1000
    )
    for index, track in enumerate(timeline.tracks):
        free = all(c.end_ms <= start + 1 or c.start_ms >= start + shown - 1 for c in track.segments)
        if track.type == TEXT and free:
            tracks = list(timeline.tracks)
            ordered = sorted([*track.segments, title], key=lambda clip: clip.start_ms)
            tracks[index] = track.model_copy(update={"segments": tuple(ordered)})
            return with_tracks(timeline, tracks), said + note
    return add_track(timeline, "text", title), said + note


def _next(timeline: Timeline) -> int:
    """What the title that is touched now gets as its `touch`."""
    return 1 + max((clip.touch for clip in timeline.of("text")), default=0)


def _found(timeline: Timeline, which: str, find: str | None) -> list[Clip]:
    titles = timeline.of("text")
    if find:
        return [clip for clip in titles if find.casefold() in (clip.text or "").casefold()]
    if which == "all" or len(titles) < 2:
        return titles
    return [titles_by_touch(timeline)[-1]]


def _missing(timeline: Timeline, find: str | None) -> Said:
    titles = timeline.of("text")
    if not titles or not find:
        return say("title.none")
    return say("title.no_such", text=find, count=len(titles), others=_quoted(titles))


def _quoted(clips: list[Clip]) -> tuple[Said, ...]:
    return tuple(say("title.quoted", text=clip.text or "") for clip in clips)


def change_title(edit: ChangeTitle, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    found = _found(timeline, edit.which, edit.find)
    if not found:
        return timeline, _missing(timeline, edit.find)
    total, touch = timeline.duration_ms, _next(timeline)
    said = Said()

    def change(clip: Clip) -> Clip:
        nonlocal said
        if not any(clip is one for one in found):
            return clip
        values, words = _changes(edit, clip, total)
        if words:
            said += say("title.changed", text=clip.text or "", words=words)
        return put(clip, touch=touch, **values) if values else clip

    changed = map_clips(timeline, "text", change)
    return changed, said or say("title.unchanged")


def _changes(edit: ChangeTitle, clip: Clip, total: float) -> tuple[dict[str, Any], list[Said]]:
    values: dict[str, Any] = {}
    words: list[Said] = []
    if edit.text:
        values["text"] = edit.text
        words.append(say("title.says", text=edit.text))
    if edit.position:
        values["position"] = edit.position
        words.append(say("title.stands", where=say(f"at.{edit.position}")))
    size = edit.size or (clip.size * edit.scale if edit.scale else None)
    if size:
        values["size"] = round(min(max(size, SMALLEST), LARGEST), 4)
        words.append(say("title.size", now=values["size"], before=clip.size))
    color = edit.color or (_lighter(clip.color, edit.lighten) if edit.lighten else None)
    if color:
        values["color"] = color
        words.append(say("title.color", color=color))
    if edit.start_ms is not None or edit.duration_ms is not None or edit.until_end:
        start = clip.start_ms if edit.start_ms is None else absolute(edit.start_ms, total)
        start = min(start, max(total - _SHORTEST_MS, 0.0))
        shown = clip.duration_ms if edit.duration_ms is None else edit.duration_ms
        shown = total - start if edit.until_end else min(shown, total - start)
        values.update(start_ms=start, duration_ms=shown)
        words.append(say("title.shows", start=seconds(start), length=length(shown)))
    if edit.fade_s is not None:
        fade = min(edit.fade_s * 1000, values.get("duration_ms", clip.duration_ms) / 2)
        values.update(fade_in_ms=fade, fade_out_ms=fade)
        words.append(say("title.fades", s=fade / 1000) if fade else say("title.no_fade"))
    return values, words


def _lighter(color: str, by: float) -> str:
    """A colour moved towards white (positive) or black."""
    goal = 255 if by > 0 else 0
    parts = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(p + (goal - p) * min(abs(by), 1)):02x}" for p in parts)


def remove_title(edit: RemoveTitle, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    found = _found(timeline, edit.which, edit.find)
    if not found:
        return timeline, _missing(timeline, edit.find)
    changed = map_clips(timeline, "text", lambda clip: None if any(clip is one for one in found) else clip)
    left = len(changed.of("text"))
    rest = say("title.left", count=left) if left else Said()
    return changed, say("title.removed", count=len(found), names=_quoted(found)) + rest
