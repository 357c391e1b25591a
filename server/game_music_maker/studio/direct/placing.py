"""Music and files onto the timeline, and music off it."""

from __future__ import annotations

from typing import Literal

from ..replies import Said, say
from ..timeline import Clip, StudioTrack, Timeline
from .context import Context, File
from .drafting import (
    add_track,
    in_sequence,
    map_clips,
    picture_ms,
    put,
    replace_clips,
    shared_out,
    with_tracks,
)  # fmt: skip
from .levels import DUCK_DB, UNDER_SOUND, level_of
from .values import RemoveScore, UseOwnMusic

STILL_MS = 4000.0


def place_score(
    timeline: Timeline,
    score_asset_id: str,
    name: str,
    duration_ms: float,
    *,
    score_id: str | None = None,
    context: Context | None = None,
    visual: Literal["waveform", "spectrum"] = "waveform",
) -> Timeline:
    """The score across the picture, in the place of a former score. Stills whose lengths nobody named share out its
    length.

    A former score's level, ducking and fade-in are kept; its fade-out was that of its length and goes. The user's own
    music file makes way. Under clips that sound the music starts at 80% and ducks by 9 dB, otherwise at 100%. Without
    any picture, a moving picture of the music (`visual`) is put above it.

    Args:
        duration_ms: length of the score's sound; where the picture is longer, the music ends before it.
        score_id: what `Clip.score` refers to; the asset's id where None.
        context: tells which clips have sound; clips nobody knows of count as sounding.
    """
    context, timeline = context or Context(), shared_out(timeline, duration_ms)
    former = next(iter(timeline.score_clips), None)
    pictures = [clip for clip in timeline.of("video") if clip.asset]
    under = any(context.has_sound(c.asset) and not c.still and level_of(c) > 0 for c in pictures)
    shown = min(duration_ms, picture_ms(timeline)) if pictures else duration_ms
    clip = Clip(
        name=name, asset=score_asset_id, score=score_id or score_asset_id, role="score",
        start_ms=0, duration_ms=round(shown, 3), in_ms=0,
        volume=level_of(former) if former else UNDER_SOUND if under else 1.0,
        duck_db=former.duck_db if former else DUCK_DB if under else 0.0,
    )  # fmt: skip
    if former and former.fade_in_ms:
        clip = put(clip, fade_in_ms=former.fade_in_ms)
    if shown < duration_ms - 50:
        clip = put(clip, fade_out_ms=min(1500.0, shown / 4))
    timeline = map_clips(timeline, "audio", lambda old: None if old.role else old)
    timeline = add_track(timeline, "audio", clip)
    if pictures:
        return timeline
    style = next((c.visual for c in timeline.of("video") if c.visual), None) or visual
    drawn = Clip(name=style, start_ms=0, duration_ms=round(shown, 3), visual=style)
    if timeline.of("video"):
        return replace_clips(timeline, "video", [drawn])
    return add_track(timeline, "video", drawn)


def place_file(timeline: Timeline, file: File, context: Context | None = None) -> Timeline:
    """An uploaded file where it belongs: clips and stills after the last picture (a still for 4 s, stills alone for as
    long as the music), sound as the music if there is none yet. A picture that was drawn from the music makes way for
    footage."""
    if file.kind == "audio":
        return _own(timeline, file, context or Context()) if not _music(timeline) else timeline
    shown = [clip for clip in timeline.of("video") if clip.asset]
    values = {"still": True, "elastic": True} if file.kind == "image" else {}
    clip = Clip(name=file.name, asset=file.id, start_ms=0, duration_ms=file.duration_ms or STILL_MS, in_ms=0, **values)
    placed = in_sequence([*shown, clip])
    if timeline.of("video"):
        timeline = replace_clips(timeline, "video", placed)
    else:
        timeline = add_track(timeline, "video", *placed)
    sounding = max((clip.end_ms for clip in _music(timeline)), default=0.0)
    return shared_out(timeline, sounding)


def _music(timeline: Timeline) -> list[Clip]:
    return [clip for clip in timeline.of("audio") if clip.role]


def _own(timeline: Timeline, file: File, context: Context) -> Timeline:
    timeline = shared_out(timeline, file.duration_ms)
    pictures = [clip for clip in timeline.of("video") if clip.asset]
    under = any(context.has_sound(clip.asset) and level_of(clip) > 0 and not clip.still for clip in pictures)
    whole = picture_ms(timeline) if pictures else file.duration_ms
    shown = min(file.duration_ms, whole)
    clip = Clip(
        name=file.name, asset=file.id, role="own", start_ms=0, duration_ms=round(shown, 3), in_ms=0,
        volume=UNDER_SOUND if under else 1.0, duck_db=DUCK_DB if under else 0.0,
    )  # fmt: skip
    if shown < file.duration_ms - 50:
        clip = put(clip, fade_out_ms=min(1500.0, shown / 4))
    timeline = map_clips(timeline, "audio", lambda old: None if old.role else old)
    timeline = add_track(timeline, "audio", clip)
    if pictures:
        return timeline
    others = [track for track in timeline.tracks if track.kind != "video"]
    drawn = Clip(name="waveform", start_ms=0, duration_ms=round(shown, 3), visual="waveform")
    return with_tracks(timeline, [StudioTrack(type=0, segments=(drawn,)), *others])


def use_own_music(edit: UseOwnMusic, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    files = [file for file in context.files if file.kind == "audio"]
    if edit.name:
        files = [file for file in files if edit.name.casefold() in file.name.casefold()]
    if not files:
        return timeline, say("own.no_such", name=edit.name) if edit.name else say("own.none_uploaded")
    file = files[-1]
    changed = _own(timeline, file, context)
    clip = next(clip for clip in changed.of("audio") if clip.role == "own")
    said = say("own.placed", name=file.name, level=level_of(clip))
    if clip.duration_ms < changed.duration_ms - 100:
        said += say("own.short", s=clip.duration_ms / 1000)
    return changed, said


def remove_score(edit: RemoveScore, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    roles = {edit.target} if edit.target != "music" else {"score", "own"}
    gone = [clip for clip in timeline.of("audio") if clip.role in roles]
    if not gone:
        return timeline, say("music.none_to_remove")
    changed = map_clips(timeline, "audio", lambda clip: None if clip.role in roles else clip)
    if not _music(changed):  # a picture of music that is gone
        changed = map_clips(changed, "video", lambda clip: None if clip.visual else clip)
    return changed, say("music.removed", name=gone[0].name or say("name.score"))
