"""The shape of the picture: aspect, how clips meet it, rotation, black bars, a picture of the music."""

from __future__ import annotations

from ..replies import Said, say
from ..timeline import Clip, Timeline
from .context import Context
from .drafting import add_track, map_clips, put, replace_clips
from .values import Aspect, CropBars, Rotate, SetLoop, Visual

LONG, SHORT = 1920, 1080


def canvas(width: float, height: float) -> tuple[int, int]:
    """Pixels of a shape: 1080 on the short side, at most 1920 on the long one, both even."""
    ratio = max(width, height) / min(width, height)
    long, short = (LONG, LONG / ratio) if ratio > LONG / SHORT else (SHORT * ratio, SHORT)
    long, short = 2 * round(long / 2), 2 * round(short / 2)
    return (int(long), int(short)) if width >= height else (int(short), int(long))


def aspect(edit: Aspect, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    meta = dict(timeline.meta)
    if edit.original:
        for key in ("width", "height", "fit"):
            meta.pop(key, None)
        return timeline.model_copy(update={"meta": meta}), say("aspect.original")
    said = Said()
    if edit.width and edit.height:
        if edit.width > 100:
            size = int(edit.width) // 2 * 2, int(edit.height) // 2 * 2
        else:
            size = canvas(edit.width, edit.height)
        meta["width"], meta["height"] = size
        meta["fit"] = edit.fit or meta.get("fit") or "crop"
        name = f"{edit.width:g}:{edit.height:g}" if edit.width <= 100 else say("aspect.canvas")
        said = say("aspect.set", name=name, width=size[0], height=size[1], how=say(f"fit.{meta['fit']}"))
    elif edit.fit:
        meta["fit"] = edit.fit
        if "width" not in meta:
            said = say("aspect.fit_later", how=say(f"fit.{edit.fit}"))
        else:
            said = say("aspect.fit", how=say(f"fit.{edit.fit}"), width=meta["width"], height=meta["height"])
    return timeline.model_copy(update={"meta": meta}), said or say("aspect.none")


def rotate(edit: Rotate, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    clips = [clip for clip in timeline.of("video") if clip.asset]
    if not clips:
        return timeline, say("rotate.none")
    wanted = (
        clips[edit.clip - 1 if edit.clip and edit.clip > 0 else -1] if edit.clip and edit.clip <= len(clips) else None
    )
    if edit.clip and wanted is None:
        return timeline, say("clips.no_such", count=len(clips))

    def turn(clip: Clip) -> Clip:
        if not clip.asset or (wanted is not None and clip is not wanted):
            return clip
        return put(clip, rotate=(clip.rotate + edit.degrees) % 360 if edit.degrees else 0)

    changed = map_clips(timeline, "video", turn)
    number = len(clips) if edit.clip == -1 else edit.clip
    what = say("rotate.picture") if wanted is None else say("rotate.clip", number=number)
    if not edit.degrees:
        return changed, say("rotate.back", what=what)
    return changed, say("rotate.done", what=what, degrees=edit.degrees)


def crop_bars(edit: CropBars, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    if not any(clip.asset for clip in timeline.of("video")):
        return timeline, say("bars.no_picture")
    if not edit.on:
        return map_clips(timeline, "video", lambda c: put(c, crop=None) if c.crop else c), say("bars.back")
    found: list[tuple[Said, ...]] = []

    def cut(clip: Clip) -> Clip:
        file = context.by_id.get(clip.asset or "")
        if file is None or not file.bars or not any(file.bars):
            return clip
        left, top, right, bottom = file.bars
        sides = (("left", left), ("top", top), ("right", right), ("bottom", bottom))
        found.append(tuple(say(f"bars.{side}", n=n) for side, n in sides if n))
        return put(clip, crop=file.bars)

    changed = map_clips(timeline, "video", cut)
    if not found:
        return timeline, say("bars.none")
    return changed, say("bars.done", sides=found[0])


def visual(edit: Visual, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    """Only where there is no footage, or a picture of the music already."""
    if any(clip.asset for clip in timeline.of("video")):
        return timeline, say("visual.footage", style=say(f"visual.{edit.style}"))
    total = timeline.duration_ms
    if not total:
        return timeline, say("visual.no_music")
    drawn = Clip(name=edit.style, start_ms=0, duration_ms=total, visual=edit.style)
    said = say("visual.done", style=say(f"visual.{edit.style}"))
    if timeline.of("video"):
        return replace_clips(timeline, "video", [drawn]), said
    return add_track(timeline, "video", drawn), said


def set_loop(edit: SetLoop, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    changed = timeline.model_copy(update={"meta": {**timeline.meta, "loop": edit.on}})
    return changed, say("video.loops" if edit.on else "video.once")
