"""Timelines in words: the summary line, the list of tracks, and what differs between two drafts.

The summary has exactly the contract's form:
``Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) 3. Title: "Urban Dreams"
(0-3s)``. Drafts come from outside: names are cleaned, and what cannot be read as a draft reads as an empty
timeline.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from ..contract.draft import Draft, Segment, Track
from .text import line, number

LABELS = {"video": "Video", "audio": "BGM", "text": "Title", "other": "Other"}
_MOST_SEGMENTS = 8
_MOST_LINES = 40


def read_draft(raw: Any) -> Draft | None:
    """The draft of a state; None where there is none, or where it is opaque or unreadable."""
    if not isinstance(raw, dict) or not raw:
        return None
    try:
        return Draft.model_validate(raw)
    except ValidationError:
        return None


def has_content(raw: Any) -> bool:
    """Whether there is something to export: a segment in some track, or an opaque draft of a newer
    product."""
    if isinstance(raw, str):
        return bool(raw.strip())
    draft = read_draft(raw)
    return draft is not None and draft.ready


def timeline(raw: Any) -> str:
    """The summary line of a draft as it came."""
    if isinstance(raw, str) and raw.strip():
        return "Timeline: kept by the service in a form that has no track list."
    draft = read_draft(raw)
    tracks = draft.tracks if draft else ()
    count = f"Timeline ({len(tracks)} track{'' if len(tracks) == 1 else 's'})"
    if not tracks:
        return f"{count}: empty"
    return f"{count}: " + " ".join(f"{index}. {_track(track)}" for index, track in enumerate(tracks, 1))


def tracks(raw: Any) -> list[dict[str, Any]]:
    """``{number, kind, name, start_s, end_s, volume_percent?}`` of each track; seconds in the timeline."""
    draft = read_draft(raw)
    found = []
    for index, track in enumerate(draft.tracks if draft else (), 1):
        segments = track.segments
        entry: dict[str, Any] = {
            "number": index,
            "kind": track.kind,
            "name": ", ".join(dict.fromkeys(filter(None, (_name(s, track) for s in segments[:_MOST_SEGMENTS]))))
            or LABELS[track.kind],
            "start_s": round(min((_finite(s.start_ms) for s in segments), default=0) / 1000, 3),
            "end_s": round(max((_finite(s.end_ms) for s in segments), default=0) / 1000, 3),
        }
        volumes = [volume for s in segments if (volume := _percent(s)) is not None]
        if track.kind == "audio" and volumes:
            entry["volume_percent"] = volumes[0]
        found.append(entry)
    return found


def duration_s(raw: Any) -> float:
    """Length of the timeline in seconds."""
    draft = read_draft(raw)
    return round(_finite(draft.duration_ms) / 1000, 3) if draft else 0.0


def differences(before: Any, after: Any) -> list[str]:
    """What changed between two drafts, one line each, such as ``Title added: 'Paradise Found' (0-3s)``."""
    if before == after:
        return []
    old, new = read_draft(before), read_draft(after)
    lines: list[str] = []
    for kind in LABELS:
        lines += _kind_changes(LABELS[kind], _segments(old, kind), _segments(new, kind))
    lines += _canvas_changes(old, new)
    if not lines and (old is not None or new is not None or isinstance(after, str)):
        lines = ["The timeline's settings changed."]
    return lines[:_MOST_LINES]


def _track(track: Track) -> str:
    parts = [_segment(segment, track) for segment in track.segments[:_MOST_SEGMENTS]]
    if len(track.segments) > _MOST_SEGMENTS:
        parts.append(f"{len(track.segments) - _MOST_SEGMENTS} more")
    return f"{LABELS[track.kind]}: " + (", ".join(parts) or "empty")


def _segment(segment: Segment, track: Track) -> str:
    name = _name(segment, track)
    if track.kind == "text":
        name = f'"{name}"'
    return f"{name} ({_span(segment, track)})" if name else f"({_span(segment, track)})"


def _span(segment: Segment, track: Track) -> str:
    span = f"{_seconds(segment.start_ms)}-{_seconds(segment.end_ms)}s"
    percent = _percent(segment) if track.kind == "audio" else None
    return span if percent is None else f"{span}, {percent}%"


def _name(segment: Segment, track: Track) -> str:
    own = [segment.text, segment.name] if track.kind == "text" else [segment.name]
    meta = [segment.meta.get(key) for key in ("title", "name", "text")]
    for value in (*own, *meta, track.name):
        if isinstance(value, str) and value.strip():
            return line(value, 80)
    return ""


def _finite(value: float) -> float:
    return value if math.isfinite(value) and abs(value) < 1e12 else 0.0


def _seconds(ms: float) -> str:
    return number(_finite(ms) / 1000, 1)


def _percent(segment: Segment) -> int | None:
    volume = segment.volume
    return None if volume is None or not math.isfinite(volume) else round(min(max(volume, 0), 100) * 100)


def _segments(draft: Draft | None, kind: str) -> list[tuple[Segment, Track]]:
    return [(s, t) for t in (draft.tracks if draft else ()) if t.kind == kind for s in t.segments]


def _kind_changes(label: str, old: Sequence[tuple[Segment, Track]], new: Sequence[tuple[Segment, Track]]) -> list[str]:
    """Pair segments by name first, then by place where as many are left on both sides; the rest came or
    went."""
    left, came, pairs = list(old), [], []
    for item in new:
        match = next((o for o in left if _name(*o) == _name(*item)), None)
        if match is None:
            came.append(item)
        else:
            left.remove(match)
            pairs.append((match, item))
    if len(left) == len(came):
        pairs += list(zip(left, came, strict=True))
        left, came = [], []
    lines = [f"{label} added: {_quoted(*item)} ({_span(*item)})" for item in came]
    lines += [f"{label} removed: {_quoted(*item)}" for item in left]
    for before, after in pairs:
        lines += _pair_changes(label, before, after)
    return lines


def _quoted(segment: Segment, track: Track) -> str:
    return f"'{_name(segment, track)}'" if _name(segment, track) else "without a name"


def _pair_changes(label: str, before: tuple[Segment, Track], after: tuple[Segment, Track]) -> list[str]:
    old, new = before[0], after[0]
    if old == new:
        return []
    lines = []
    if _name(*before) != _name(*after):
        lines.append(f"{label} changed: {_quoted(*before)} → {_quoted(*after)} ({_span(*after)})")
    elif (old.start_ms, old.duration_ms) != (new.start_ms, new.duration_ms):
        was = f"{_seconds(old.start_ms)}-{_seconds(old.end_ms)}s"
        now = f"{_seconds(new.start_ms)}-{_seconds(new.end_ms)}s"
        lines.append(f"{label} {_quoted(*after)}: {was} → {now}")
    if _percent(old) != _percent(new):
        was_level = 100 if _percent(old) is None else _percent(old)
        now_level = 100 if _percent(new) is None else _percent(new)
        lines.append(f"{label} {_quoted(*after)}: volume {was_level}% → {now_level}%")
    return lines or [f"{label} {_quoted(*after)}: settings changed"]


def _canvas_changes(old: Draft | None, new: Draft | None) -> list[str]:
    was, now = (old.meta if old else {}), (new.meta if new else {})
    lines = []
    sizes = [(meta.get("width"), meta.get("height")) for meta in (was, now)]
    if sizes[0] != sizes[1] and all(isinstance(side, int) for side in sizes[1]):
        before = f"{sizes[0][0]}x{sizes[0][1]} → " if all(isinstance(side, int) for side in sizes[0]) else ""
        lines.append(f"Canvas: {before}{sizes[1][0]}x{sizes[1][1]}")
    lengths = [_finite(draft.duration_ms) if draft else 0 for draft in (old, new)]
    if old is not None and old.ready and lengths[0] != lengths[1]:
        lines.append(f"Length: {_seconds(lengths[0])}s → {_seconds(lengths[1])}s")
    return lines
