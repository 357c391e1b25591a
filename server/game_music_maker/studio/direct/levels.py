"""What sounds, and how loud: level, mute, ducking, fades."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..replies import Said, say
from ..timeline import LOUDEST_DB, SOFTEST_DB, Clip, Timeline
from .context import Context
from .drafting import TrackType, absolute, divide, map_clips, put, replace_clips
from .values import Duck, Fade, Mute, SetLevel, Target

UNDER_SOUND = 0.8
"""Level of a score under clips that sound: a little under full, so that "louder" has somewhere to go."""
DUCK_DB, DUCK_STEP_DB, DUCK_MOST_DB = 9.0, 5.0, 24.0


def meant(timeline: Timeline, target: str) -> Callable[[Clip], bool]:
    """Tells the clips that a target names. ``music`` is the score, or the user's file where there is no score."""
    score = any(clip.role == "score" for clip in timeline.of("audio"))
    own = any(clip.role == "own" for clip in timeline.of("audio"))
    if target == "original":
        return lambda clip: clip.role is None
    if target == "all":
        return lambda clip: True
    role = target if target in ("score", "own") else "score" if score or not own else "own"
    if role == "score" and not score and own:
        role = "own"
    return lambda clip: clip.role == role


def _sounding(timeline: Timeline, target: Target, context: Context) -> list[Clip]:
    test = meant(timeline, target)
    video = [c for c in timeline.of("video") if context.has_sound(c.asset) and not c.still and not c.visual]
    return [clip for clip in [*video, *timeline.of("audio")] if test(clip)]


def missing(target: str) -> Said:
    """Why a sound that was named cannot be changed."""
    return say(f"missing.{target if target in ('original', 'own', 'all') else 'music'}")


def name_of(target: str) -> Said:
    return say(f"name.{target}")


def level_of(clip: Clip) -> float:
    return 1.0 if clip.volume is None else clip.volume


def set_level(edit: SetLevel, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    """Absolute levels are clamped to 100%; what "louder" cannot give any more is taken from the other sounds."""
    clips = _sounding(timeline, edit.target, context)
    if not clips:
        return timeline, missing(edit.target)
    if edit.start_ms is None and edit.end_ms is None and (
        edit.target == "all" or (edit.gain_db is not None and _heard(timeline, context) == clips)
    ):  # fmt: skip
        return _overall(edit, timeline)
    before = level_of(clips[0])
    if edit.gain_db is not None:
        wanted = max(before, 0.1 if edit.gain_db > 0 else 0.0) * 10 ** (edit.gain_db / 20)
    elif edit.db is not None:
        wanted = 10 ** (edit.db / 20)
    else:
        wanted = edit.share if edit.share is not None else 1.0
    share = round(min(max(wanted, 0.0), 1.0), 3)
    test = meant(timeline, edit.target)
    changed = _change(timeline, test, share, edit.start_ms, edit.end_ms)
    name = name_of(edit.target)
    if wanted <= 1.0005 or edit.start_ms is not None or edit.end_ms is not None:
        part = Said() if edit.start_ms is None and edit.end_ms is None else say("level.there")
        return changed, say("level.set", name=name, share=share, part=part, was=_was(before, share))
    others: Target = "original" if edit.target in ("score", "own", "music") else "music"
    rest = _sounding(timeline, others, context)
    if not rest:
        return changed, say("level.most", name=name)
    lowered = round(level_of(rest[0]) / wanted, 3)
    changed = _change(changed, meant(timeline, others), lowered, None, None)
    return changed, say("level.others", name=name, others=name_of(others), share=lowered)


def _heard(timeline: Timeline, context: Context) -> list[Clip]:
    return [clip for clip in _sounding(timeline, "all", context) if level_of(clip) > 0]


def _overall(edit: SetLevel, timeline: Timeline) -> tuple[Timeline, Said]:
    """All that sounds, louder or softer: a file's loudness is set at its end, so that, and no level, has to change."""
    gain = edit.db if edit.db is not None else 20 * math.log10(max(1.0 if edit.share is None else edit.share, 0.01))
    wanted = gain if edit.gain_db is None else timeline.loudness_db + edit.gain_db
    wanted = round(min(LOUDEST_DB, max(SOFTEST_DB, wanted)), 2)
    changed = timeline.model_copy(update={"meta": {**timeline.meta, "loudness_db": wanted}})
    told = {"lufs": changed.target_lufs, "was": timeline.target_lufs}
    if changed.target_lufs == timeline.target_lufs:
        return timeline, say("level.overall_same", **told)
    return changed, say("level.overall_up" if told["lufs"] > told["was"] else "level.overall_down", **told)


def _was(before: float, now: float) -> Said:
    return say("level.was", share=before) if abs(before - now) > 0.004 else Said()


def _change(
    timeline: Timeline, test: Callable[[Clip], bool], share: float, start: float | None, end: float | None
) -> Timeline:
    def change(clip: Clip) -> Clip:
        return put(clip, volume=share) if test(clip) else clip

    if start is None and end is None:
        return map_clips(map_clips(timeline, "video", change), "audio", change)
    first, last = absolute(start or 0, timeline.duration_ms), absolute(end, timeline.duration_ms)

    def inside(clip: Clip) -> Clip:
        return change(clip) if first - 1 <= clip.start_ms and clip.end_ms <= last + 1 else clip

    for kind in ("video", "audio"):
        clips = timeline.of(kind)
        if any(test(clip) for clip in clips):
            pieces = [p for clip in clips for p in (divide([clip], first, last) if test(clip) else [clip])]
            timeline = replace_clips(timeline, kind, [inside(piece) for piece in pieces])
    return timeline


def mute(edit: Mute, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    if not _sounding(timeline, edit.target, context):
        return timeline, missing(edit.target)
    name = name_of(edit.target)
    share = 0.0
    if not edit.on:
        covered = edit.target in ("score", "music", "own") and bool(_sounding(timeline, "original", context))
        share = UNDER_SOUND if covered else 1.0
    changed = _change(timeline, meant(timeline, edit.target), share, edit.start_ms, edit.end_ms)
    if edit.start_ms is None and edit.end_ms is None:
        return changed, say("mute.on", name=name) if edit.on else say("mute.off", name=name, share=share)
    first = absolute(edit.start_ms or 0, timeline.duration_ms) / 1000
    last = absolute(edit.end_ms, timeline.duration_ms) / 1000
    return changed, say("mute.on_part" if edit.on else "mute.off_part", name=name, first=first, last=last)


def duck(edit: Duck, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    music = [clip for clip in timeline.of("audio") if clip.role]
    if not music:
        return timeline, missing("music")
    now = music[0].duck_db
    db = edit.db if edit.db is not None else min(now + DUCK_STEP_DB, DUCK_MOST_DB) if now else DUCK_DB
    changed = map_clips(timeline, "audio", lambda clip: put(clip, duck_db=db) if clip.role else clip)
    if not db:
        return changed, say("duck.off")
    if not _sounding(timeline, "original", context):
        return changed, say("duck.no_sound", db=db)
    return changed, say("duck.on", db=db)


_KINDS: dict[str, tuple[TrackType, ...]] = {"picture": ("video",), "title": ("text",)}


def fade(edit: Fade, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    """Fades at the outer ends: the first clip of the target fades in, the last one out; words fade one by one."""
    kinds: tuple[TrackType, ...] = _KINDS.get(edit.target, ("video", "audio"))
    test = (lambda clip: True) if edit.target in ("picture", "title") else meant(timeline, edit.target)
    if edit.target == "all":
        kinds = ("audio", "video")
    elif edit.target in ("score", "own", "music"):
        kinds = ("audio",)
    clips = [clip for kind in kinds for clip in timeline.of(kind) if test(clip)]
    if edit.target == "original":  # the picture's own sound fades with the picture: one key for both
        clips = [clip for clip in clips if context.has_sound(clip.asset)]
    if not clips:
        return timeline, say(f"fade.no_{edit.target}") if edit.target in _KINDS else missing(edit.target)
    shortest = min(clip.duration_ms for clip in clips)
    total = (edit.in_s or 0) + (edit.out_s or 0)
    scale = min(1.0, shortest / 1000 / total) if total else 1.0
    first = min(clip.start_ms for clip in clips)
    last = max(clip.end_ms for clip in clips)

    def change(clip: Clip) -> Clip:
        if clip not in clips:
            return clip
        each = edit.target == "title"
        if edit.in_s is not None and (each or math.isclose(clip.start_ms, first)):
            clip = put(clip, fade_in_ms=edit.in_s * scale * 1000)
        if edit.out_s is not None and (each or math.isclose(clip.end_ms, last)):
            clip = put(clip, fade_out_ms=edit.out_s * scale * 1000)
        return clip

    for kind in kinds:
        timeline = map_clips(timeline, kind, change)
    parts = [
        say(f"fade.{way}", s=side * scale) if side else say(f"fade.no_{way}")
        for way, side in (("in", edit.in_s), ("out", edit.out_s))
        if side is not None
    ]
    if not parts:
        return timeline, say("fade.unchanged")
    ways = say("fade.both", first=parts[0], second=parts[1]) if len(parts) > 1 else parts[0]
    with_it = say("fade.with_picture") if edit.target == "original" else Said()
    return timeline, say("fade.done", name=name_of(edit.target), ways=ways, note=with_it)
