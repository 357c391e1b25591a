"""What of the footage is shown, when and how fast: trim, cut out, speed, order, joins, slides.

Music stays in step: it keeps sounding from where it is, is shortened with a fade where the picture got shorter, and
the sentence says that it can be made anew to the new length.
"""

from __future__ import annotations

from ..replies import Said, say
from ..timeline import Clip, Timeline
from .context import Context
from .drafting import (
    absolute,
    add_track,
    divide,
    in_sequence,
    length,
    map_clips,
    picture_ms,
    put,
    replace_clips,
    seconds,
    split,
    window,
    with_named_lengths,
)  # fmt: skip
from .values import CutOut, Join, Reorder, Slideshow, Speed, Trim

TAIL_MS = 1500.0
STILL_MS = 4000.0


def trim(edit: Trim, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    if edit.clip is not None:
        return _trim_clip(edit, timeline)
    total = picture_ms(timeline)
    start, end = absolute(edit.start_ms, total), absolute(edit.end_ms, total)
    if total <= 0:
        return timeline, say("cut.no_picture")
    if end - start < 1:
        return timeline, say("trim.nothing_left", length=length(total))
    if start <= 0 and edit.end_ms is not None and edit.end_ms > total + 1:
        return timeline, say("trim.shorter", length=length(total))
    if start <= 0 and end >= total:
        return timeline, say("trim.whole", length=length(total))
    changed = timeline
    if timeline.of("video"):
        changed = replace_clips(changed, "video", in_sequence(window(timeline.of("video"), start, end)))
    changed, note = _follow(with_named_lengths(changed), start, end)
    return changed, (say("trim.done", length=length(end - start), start=seconds(start), end=seconds(end)) + note)


def _trim_clip(edit: Trim, timeline: Timeline) -> tuple[Timeline, Said]:
    clips = timeline.of("video")
    number = _number(edit.clip, clips)
    if number is None:
        return timeline, _no_such(clips)
    clip = clips[number]
    start, end = absolute(edit.start_ms, clip.duration_ms), absolute(edit.end_ms, clip.duration_ms)
    kept = window([put(clip, start_ms=0.0)], start, end)
    if not kept or end - start < 1:
        return timeline, say("trim.clip_shorter", number=number + 1, length=length(clip.duration_ms))
    changed = replace_clips(timeline, "video", in_sequence([*clips[:number], *kept, *clips[number + 1 :]]))
    changed, note = _follow(with_named_lengths(changed), 0, picture_ms(changed))
    return changed, say("trim.clip", number=number + 1, length=length(end - start)) + note


def cut_out(edit: CutOut, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    clips, total = timeline.of("video"), picture_ms(timeline)
    if not clips:
        return timeline, say("cut.no_picture")
    if edit.clip is not None:
        number = _number(edit.clip, clips)
        if number is None:
            return timeline, _no_such(clips)
        start, end = _within(clips[number], edit.start_ms, edit.end_ms)
    else:
        start, end = absolute(edit.start_ms, total), absolute(edit.end_ms, total)
    if edit.clip is not None and number is not None and (start, end) == (clips[number].start_ms, clips[number].end_ms):
        left = [*clips[:number], *clips[number + 1 :]]
        what = say("cut.clip", number=number + 1, length=length(end - start))
    else:
        left = [c for c in divide(clips, start, end) if not start <= c.start_ms + c.duration_ms / 2 < end]
        what = say("cut.span", start=seconds(start), end=seconds(end), length=length(end - start))
    if end - start < 1 or not left:
        return timeline, say("cut.nothing_left", length=length(total))
    changed = replace_clips(timeline, "video", in_sequence(left))
    changed = map_clips(changed, "text", lambda clip: _close_gap(clip, start, end))
    changed, note = _follow(with_named_lengths(changed), 0, picture_ms(changed))
    return changed, say("cut.done", what=what, length=length(changed.duration_ms)) + note


def _close_gap(clip: Clip, start: float, end: float) -> Clip | None:
    """A title after a cut-out stretch: moved up, shortened, or gone with the stretch."""

    def moved(at: float) -> float:
        return at if at <= start else max(start, at - (end - start))

    first, last = moved(clip.start_ms), moved(clip.end_ms)
    return put(clip, start_ms=first, duration_ms=last - first) if last - first > 1 else None


def speed(edit: Speed, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    clips, total = timeline.of("video"), picture_ms(timeline)
    if not clips:
        return timeline, say("speed.no_picture")
    first, last = absolute(edit.start_ms or 0, total), absolute(edit.end_ms, total)
    if edit.clip is not None:
        number = _number(edit.clip, clips)
        if number is None:
            return timeline, _no_such(clips)
        first, last = _within(clips[number], edit.start_ms, edit.end_ms)

    def meant(clip: Clip) -> bool:
        return not (clip.still or clip.visual) and first <= clip.start_ms + clip.duration_ms / 2 < last

    def faster(clip: Clip) -> Clip:
        if not meant(clip):
            return clip
        new = min(max(clip.speed * edit.factor if edit.relative else edit.factor, 0.1), 20.0)
        return put(clip, speed=round(new, 4), duration_ms=clip.duration_ms * clip.speed / round(new, 4))

    pieces = divide(clips, first, last)
    moved = in_sequence([faster(piece) for piece in pieces])
    moments = sorted({0.0, total, first, last, *(p.start_ms for p in pieces)})
    shown = {old.start_ms: new.start_ms for old, new in zip(pieces, moved, strict=True)}
    shown[total] = moved[-1].end_ms

    def at(moment: float) -> float:
        below = max((m for m in moments if m <= moment and m in shown), default=0.0)
        above = min((m for m in moments if m > moment and m in shown), default=below)
        share = (moment - below) / (above - below) if above > below else 0.0
        return shown[below] + share * (shown[above] - shown[below])

    changed = replace_clips(timeline, "video", moved)
    changed = map_clips(changed, "text", lambda clip: put(clip, start_ms=at(min(clip.start_ms, total))))
    changed, note = _follow(changed, 0, picture_ms(changed))
    now = next((new.speed for old, new in zip(pieces, moved, strict=True) if meant(old)), 1.0)
    whole = edit.clip is None and edit.start_ms is None and edit.end_ms is None
    what = say("speed.whole") if whole else say("speed.span", start=seconds(first), end=seconds(last))
    return changed, say("speed.done", what=what, factor=now, length=length(picture_ms(changed))) + note


def reorder(edit: Reorder, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    clips = timeline.of("video")
    if len(clips) < 2:
        return timeline, say("reorder.one") if clips else say("cut.no_picture")
    if sorted(edit.order) != list(range(1, len(clips) + 1)):
        return timeline, _no_such(clips)
    placed = [clips[number - 1] for number in edit.order]
    changed = replace_clips(timeline, "video", in_sequence([put(placed[0], transition_ms=0.0), *placed[1:]]))
    names = tuple(f"{n} {c.name}" if c.name else str(n) for n, c in zip(edit.order, placed, strict=True))
    note = say("music.refit_order") if timeline.score_clips else Said()
    return changed, say("reorder.done", names=names) + note


def join(edit: Join, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    """Cross-fades overlap: the second clip starts before the first ends, so the whole gets shorter."""
    clips = timeline.of("video")
    if len(clips) < 2:
        return timeline, say("join.one") if clips else say("cut.no_picture")
    over = edit.seconds * 1000 if edit.transition == "crossfade" else 0.0
    if edit.after is not None and not 0 < edit.after < len(clips):
        return timeline, _no_such(clips)
    joints = range(1, len(clips)) if edit.after is None else (edit.after,)
    ready = [put(clip, transition_ms=over) if i in joints else clip for i, clip in enumerate(clips)]
    changed = replace_clips(timeline, "video", in_sequence(ready))
    changed, note = _follow(changed, 0, picture_ms(changed))
    how = say("join.crossfade", s=edit.seconds) if over else say("join.cuts")
    if edit.after is not None:
        both = {"first": edit.after, "second": edit.after + 1}
        return changed, say("join.one_joint", **both, how=how, length=length(picture_ms(changed))) + note
    return changed, say("join.done", count=len(clips), how=how, length=length(picture_ms(changed))) + note


def slideshow(edit: Slideshow, timeline: Timeline, context: Context) -> tuple[Timeline, Said]:
    clips = [clip for clip in timeline.of("video") if clip.asset]
    placed = {clip.asset for clip in clips}
    clips += [
        Clip(name=f.name, asset=f.id, still=True, elastic=True, duration_ms=STILL_MS, start_ms=0)
        for f in context.files
        if f.kind == "image" and f.id not in placed
    ]
    stills = [clip for clip in clips if clip.still]
    if not stills:
        return timeline, say("slides.none")
    music = max((c.end_ms for c in timeline.of("audio")), default=0.0)
    rest = sum(clip.duration_ms for clip in clips if not clip.still)
    each = edit.seconds * 1000 if edit.seconds else max((music - rest) / len(stills), 1000) if music else STILL_MS
    ready = [put(clip, duration_ms=each) if clip.still else clip for clip in clips]
    if edit.crossfade_s is not None:
        ready = [ready[0], *(put(clip, transition_ms=edit.crossfade_s * 1000) for clip in ready[1:])]
    changed = (
        replace_clips(timeline, "video", in_sequence(ready))
        if timeline.of("video")
        else add_track(timeline, "video", *in_sequence(ready))
    )
    if edit.seconds:
        changed = with_named_lengths(changed)
    changed, note = _follow(changed, 0, picture_ms(changed))
    return changed, (
        say("slides.done", count=len(stills), each=length(each), length=length(picture_ms(changed))) + note
    )


def _number(wanted: int | None, clips: list[Clip]) -> int | None:
    """Zero-based number of a clip named by a 1-based one (−1 the last), None where there is none."""
    if wanted is None or not clips:
        return None
    number = len(clips) - 1 if wanted == -1 else wanted - 1
    return number if 0 <= number < len(clips) else None


def _within(clip: Clip, start: float | None, end: float | None) -> tuple[float, float]:
    """A stretch of a clip, counted from its own start, on the timeline's clock."""
    first, last = absolute(start or 0, clip.duration_ms), absolute(end, clip.duration_ms)
    return clip.start_ms + first, clip.start_ms + max(first, last)


def _no_such(clips: list[Clip]) -> Said:
    return say("clips.no_such", count=len(clips))


def _follow(timeline: Timeline, start: float, end: float) -> tuple[Timeline, Said]:
    """Music and words after the picture became `start`…`end` of before: shifted, shortened, dropped where outside."""
    span = end - start
    music = [clip for clip in timeline.of("audio") if clip.role]
    shortened = [clip for clip in music if clip.end_ms > end + 1]
    late = [clip for clip in music if clip.role == "score"] if start > 0 else []

    def sound(clip: Clip) -> Clip | None:
        first, last = max(clip.start_ms, start), min(clip.end_ms, end)
        if last - first < 1:
            return None
        piece = split(clip, first)[1] if first > clip.start_ms else clip
        piece = put(piece, start_ms=first - start)
        if last - first < piece.duration_ms:
            piece = put(piece, duration_ms=last - first)
        if clip.end_ms > end + 1:
            piece = put(piece, fade_out_ms=max(clip.fade_out_ms, min(TAIL_MS, piece.duration_ms / 4)))
        if first > clip.start_ms and not piece.fade_in_ms:
            piece = put(piece, fade_in_ms=min(250.0, piece.duration_ms / 4))
        return piece

    def words(clip: Clip) -> Clip | None:
        first, last = max(clip.start_ms, start), min(clip.end_ms, end)
        return put(clip, start_ms=first - start, duration_ms=last - first) if last - first > 1 else None

    titles = len(timeline.of("text"))
    timeline = map_clips(map_clips(timeline, "audio", sound), "text", words)
    note, scored = Said(), any(clip.role == "score" for clip in music)
    if shortened or late:
        note = say("music.shortened") + (say("music.refit_length") if scored else Said())
    elif music and max(clip.end_ms for clip in music) < span - 100:
        note = say("music.ends_early") + (say("music.refit_length") if timeline.score_clips else Said())
    gone = titles - len(timeline.of("text"))
    if gone:
        note += say("title.gone", count=gone)
    return timeline, note
