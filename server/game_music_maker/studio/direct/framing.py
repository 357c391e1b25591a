"""The shape of the picture: aspect, how clips meet it, rotation, black bars, a picture of the music."""

from __future__ import annotations

from ..timeline import Clip, Timeline
from .context import Context
from .drafting import add_track, map_clips, put, replace_clips
from .values import Aspect, CropBars, Rotate, SetLoop, Visual

LONG, SHORT = 1920, 1080
_HOW = {"crop": "cropped to fill it", "fit": "fitted inside it", "blur": "fitted over a blurred copy of itself"}


def canvas(width: float, height: float) -> tuple[int, int]:
    """Pixels of a shape: 1080 on the short side, at most 1920 on the long one, both even."""
    ratio = max(width, height) / min(width, height)
    long, short = (LONG, LONG / ratio) if ratio > LONG / SHORT else (SHORT * ratio, SHORT)
    long, short = 2 * round(long / 2), 2 * round(short / 2)
    return (int(long), int(short)) if width >= height else (int(short), int(long))


def aspect(edit: Aspect, timeline: Timeline, context: Context) -> tuple[Timeline, str]:
    meta = dict(timeline.meta)
    if edit.original:
        for key in ("width", "height", "fit"):
            meta.pop(key, None)
        return timeline.model_copy(update={"meta": meta}), "The picture is back to the clip's own shape."
    said = []
    if edit.width and edit.height:
        if edit.width > 100:
            size = int(edit.width) // 2 * 2, int(edit.height) // 2 * 2
        else:
            size = canvas(edit.width, edit.height)
        meta["width"], meta["height"] = size
        meta["fit"] = edit.fit or meta.get("fit") or "crop"
        name = f"{edit.width:g}:{edit.height:g}" if edit.width <= 100 else "a canvas"
        said.append(f"Picture set to {name} ({size[0]}×{size[1]}), {_HOW[meta['fit']]}.")
    elif edit.fit:
        meta["fit"] = edit.fit
        if "width" not in meta:
            said.append(f"Clips of another shape will be {_HOW[edit.fit]}; no other shape is set yet, such as 9:16.")
        else:
            said.append(f"The picture is now {_HOW[edit.fit]} ({meta['width']}×{meta['height']}).")
    return timeline.model_copy(update={"meta": meta}), " ".join(said) or "No shape was named, such as 9:16."


def rotate(edit: Rotate, timeline: Timeline, context: Context) -> tuple[Timeline, str]:
    clips = [clip for clip in timeline.of("video") if clip.asset]
    if not clips:
        return timeline, "There is no picture to rotate yet; upload a clip first."
    wanted = (
        clips[edit.clip - 1 if edit.clip and edit.clip > 0 else -1] if edit.clip and edit.clip <= len(clips) else None
    )
    if edit.clip and wanted is None:
        return timeline, f"There are {len(clips)} clips on the timeline; nothing was changed."

    def turn(clip: Clip) -> Clip:
        if not clip.asset or (wanted is not None and clip is not wanted):
            return clip
        return put(clip, rotate=(clip.rotate + edit.degrees) % 360 if edit.degrees else 0)

    changed = map_clips(timeline, "video", turn)
    what = "The picture" if wanted is None else f"Clip {edit.clip if edit.clip != -1 else len(clips)}"
    if not edit.degrees:
        return changed, f"{what} is back to how it was filmed."
    return changed, f"{what} turned by {edit.degrees}° clockwise."


def crop_bars(edit: CropBars, timeline: Timeline, context: Context) -> tuple[Timeline, str]:
    if not any(clip.asset for clip in timeline.of("video")):
        return timeline, "There is no picture yet; upload a clip first."
    if not edit.on:
        return map_clips(timeline, "video", lambda c: put(c, crop=None) if c.crop else c), "The whole picture is back."
    found: list[str] = []

    def cut(clip: Clip) -> Clip:
        file = context.by_id.get(clip.asset or "")
        if file is None or not file.bars or not any(file.bars):
            return clip
        left, top, right, bottom = file.bars
        sides = (("left", left), ("top", top), ("right", right), ("bottom", bottom))
        found.append(", ".join(f"{n} px {side}" for side, n in sides if n))
        return put(clip, crop=file.bars)

    changed = map_clips(timeline, "video", cut)
    if not found:
        return timeline, "No black bars were found in the picture, so nothing was cut off."
    return changed, f"Black bars cut off ({found[0]})."


def visual(edit: Visual, timeline: Timeline, context: Context) -> tuple[Timeline, str]:
    """Only where there is no footage, or a picture of the music already."""
    if any(clip.asset for clip in timeline.of("video")):
        return timeline, (
            f"A moving {edit.style} is drawn where there is no footage; this timeline shows your own. "
            "Remove the clips to see the music instead."
        )
    total = timeline.duration_ms
    if not total:
        return timeline, "There is no music yet to draw; say what it should sound like."
    drawn = Clip(name=edit.style, start_ms=0, duration_ms=total, visual=edit.style)
    if timeline.of("video"):
        return replace_clips(timeline, "video", [drawn]), f"The picture is now a moving {edit.style} of the music."
    return add_track(timeline, "video", drawn), f"The picture is now a moving {edit.style} of the music."


def set_loop(edit: SetLoop, timeline: Timeline, context: Context) -> tuple[Timeline, str]:
    changed = timeline.model_copy(update={"meta": {**timeline.meta, "loop": edit.on}})
    return changed, "The video is meant to repeat." if edit.on else "The video plays once."
