"""How a timeline becomes a file, decided before anything starts: which pictures are copied, spliced or
encoded. Pure functions of values; no I/O and no numpy.

An untouched clip is copied packet by packet. Where only stretches of one H.264 or HEVC clip are touched (a title, a
trim, a cut-out), those are encoded and the rest is copied (`splice`). Anything else is encoded as a whole,
and `reasons` says why in words for the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ...errors import NotFound, NothingToExport, RenderFailed
from ..footage import Asset, MediaInfo
from ..timeline import VIDEO_LUFS, Clip, Timeline

Way = Literal["copy", "splice", "encode", "sound"]
VIDEO_FORMATS = ("mp4", "mov", "webm", "gif")
SOUND_FORMATS = ("wav", "flac", "mp3", "m4a", "ogg")
LONG_SIDE, SHORT_SIDE = 1920, 1080
DRAFT_LONG, DRAFT_SHORT = 960, 540
GIF_LONG = 640
_COPY_CODECS = {
    "mp4": {"h264", "hevc"},
    "mov": {"h264", "hevc"},
    "webm": {"vp8", "vp9", "av1"},
    "gif": set[str](),
}
_SPLICED = ("h264", "hevc")
_ALIKE = {"mp4": "mov", "mov": "mov", "webm": "matroska"}
_SAME_CONTAINER_CODECS = {"mp4": {"av1", "vp9", "mpeg4"}, "mov": {"av1", "mpeg4", "prores"}}


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture on the timeline; its clip, and the asset behind it (None for a picture made from the
    music)."""

    clip: Clip
    asset: Asset | None

    @property
    def info(self) -> MediaInfo | None:
        return self.asset.info if self.asset else None

    @property
    def start_s(self) -> float:
        return self.clip.start_ms / 1000

    @property
    def seconds(self) -> float:
        return self.clip.duration_ms / 1000

    @property
    def in_s(self) -> float:
        return self.clip.in_ms / 1000

    @property
    def still(self) -> bool:
        return self.clip.still or (self.info is not None and self.info.kind == "image")

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height as shown, the clip's own crop and rotation applied; None for a made picture."""
        if self.info is None or self.info.video is None:
            return None
        width, height = self.info.video.shown_size
        if self.clip.crop:
            left, top, right, bottom = self.clip.crop
            width, height = max(2, width - left - right), max(2, height - top - bottom)
        return (height, width) if self.clip.rotate in (90, 270) else (width, height)


@dataclass(frozen=True, slots=True)
class Canvas:
    """What the picture is drawn on: even `width` and `height` in pixels, frames a second, how clips meet
    it."""

    width: int
    height: int
    fps: float
    fit: Literal["crop", "fit", "blur"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A decided render. `seconds` is the length of the file; `words` are text clips, in drawing order."""

    way: Way
    format: str
    quality: str
    seconds: float
    canvas: Canvas
    shots: tuple[Shot, ...] = ()
    words: tuple[Clip, ...] = ()
    sounds: tuple[tuple[Clip, Asset], ...] = ()
    loop: bool = False
    target_lufs: float = VIDEO_LUFS
    reasons: tuple[str, ...] = ()


def make_plan(timeline: Timeline, assets: Mapping[str, Asset], format: str, quality: str) -> Plan:
    """Decide the way of a render.

    Raises:
        NothingToExport: the timeline is empty. NotFound: an asset is gone. RenderFailed: an unknown format.
    """
    if format not in VIDEO_FORMATS + SOUND_FORMATS:
        raise RenderFailed("That format cannot be rendered.", next="Ask for mp4, webm, mov, gif or a sound.")
    shots = tuple(
        Shot(clip, None if clip.visual else _asset(assets, clip))
        for clip in sorted(timeline.of("video"), key=lambda clip: clip.start_ms)
        if clip.duration_ms > 0
    )
    sounds = tuple((clip, _asset(assets, clip)) for clip in timeline.of("audio") if clip.duration_ms > 0)
    if not shots and not sounds:
        raise NothingToExport("The timeline is empty.")
    words = tuple(clip for clip in timeline.of("text") if (clip.text or "").strip() and clip.duration_ms > 0)
    ends = [clip.end_ms for clip in (*(shot.clip for shot in shots),)] or [clip.end_ms for clip, _ in sounds]
    seconds = max(ends) / 1000
    loop, lufs = bool(timeline.meta.get("loop")), timeline.target_lufs
    if format in SOUND_FORMATS:
        return Plan("sound", format, quality, seconds, Canvas(0, 0, 0, "fit"), shots, (), sounds, loop, lufs)
    if not shots:
        shots = (Shot(Clip(start_ms=0, duration_ms=seconds * 1000, visual="waveform"), None),)
    canvas = _canvas(timeline, shots, format, quality)
    way, reasons = _way(shots, words, canvas, format, quality)
    return Plan(way, format, quality, seconds, canvas, shots, words, sounds, loop, lufs, reasons)


def _asset(assets: Mapping[str, Asset], clip: Clip) -> Asset:
    found = assets.get(clip.asset or "")
    if found is None:
        raise NotFound("A clip of the timeline is not in the store any more.", next="Upload it again.")
    return found


def _canvas(timeline: Timeline, shots: tuple[Shot, ...], format: str, quality: str) -> Canvas:
    meta = timeline.meta
    asked = (_whole(meta.get("width")), _whole(meta.get("height")))
    first = next((shot.size for shot in shots if shot.size), None)
    width, height = asked if asked[0] and asked[1] else first or (1280, 720)
    # An animation's ten frames a second would make the fades of a slideshow stumble.
    videos = [shot.info.video for shot in shots if shot.info and shot.info.video and not shot.info.animated]
    rates = [video.fps for video in videos if video.fps > 0]
    fps = min(60.0, rates[0] if rates else 30.0)
    fit = meta.get("fit") if meta.get("fit") in ("crop", "fit", "blur") else "fit"
    long, short = (DRAFT_LONG, DRAFT_SHORT) if quality == "draft" else (LONG_SIDE, SHORT_SIDE)
    if format == "gif":
        long = short = GIF_LONG if quality != "draft" else 320
        fps = min(fps, 15.0 if quality != "draft" else 10.0)
    return Canvas(*_within(width, height, long, short), fps=fps, fit=fit)  # type: ignore[arg-type]


def _whole(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) and 16 <= value <= 8192 else 0


def _within(width: int, height: int, long: int, short: int) -> tuple[int, int]:
    """The size shrunk into `long` × `short` (either way up), sides even."""
    scale = min(1.0, long / max(width, height), short / min(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _way(
    shots: tuple[Shot, ...], words: tuple[Clip, ...], canvas: Canvas, format: str, quality: str
) -> tuple[Way, tuple[str, ...]]:
    why = _why_not_copied(shots, canvas, format, quality)
    if why:
        return "encode", (f"The picture was encoded as a whole: {why}.",)
    if len(shots) == 1 and not words and _whole_clip(shots[0]):
        return "copy", ("The picture was copied, not encoded again.",)
    info = shots[0].info
    assert info is not None
    assert info.video is not None
    if info.video.codec not in _SPLICED or info.video.pix_fmt != "yuv420p":
        what = f"{info.video.codec} in {info.video.pix_fmt}"
        return "encode", (f"The picture was encoded as a whole: stretches of {what} are not joined.",)
    covered = sum(clip.duration_ms for clip in words) / 1000
    if covered > 0.8 * sum(shot.seconds for shot in shots):
        return "encode", ("The picture was encoded as a whole: the words cover nearly all of it.",)
    return "splice", ()


def _why_not_copied(shots: tuple[Shot, ...], canvas: Canvas, format: str, quality: str) -> str:
    """Why the packets cannot stay as they are; empty where they can."""
    first = shots[0]
    info = first.info
    if info is None or info.video is None or any(shot.still for shot in shots):
        return "it is made from stills or from the music"
    if any(shot.asset != first.asset for shot in shots):
        return "it joins different clips"
    if quality == "draft":
        return "a draft is made small"
    if info.container not in ("mov", "matroska") or not _codec_fits(info, format):
        return f"{info.video.codec} from {info.container} does not go into {format}"
    clips = [shot.clip for shot in shots]
    turns = {clip.rotate % 360 for clip in clips}
    if any(abs(clip.speed - 1) > 1e-6 for clip in clips):
        return "its speed was changed"
    if any(clip.crop and any(clip.crop) for clip in clips) or len(turns) > 1:
        return "it was cropped or turned"
    if any(clip.transition_ms or clip.fade_in_ms or clip.fade_out_ms for clip in clips):
        return "it fades"
    if _gaps(shots):
        return "there are gaps between the clips"
    size = first.size
    assert size is not None
    if abs(canvas.width / canvas.height / (size[0] / size[1]) - 1) > 0.01:
        return "its aspect was changed"
    return ""


def _codec_fits(info: MediaInfo, format: str) -> bool:
    codec = info.video.codec if info.video else ""
    same = info.container == _ALIKE.get(format) and codec in _SAME_CONTAINER_CODECS.get(format, set())
    return same or codec in _COPY_CODECS[format]


def _gaps(shots: tuple[Shot, ...]) -> bool:
    at = 0.0
    for shot in shots:
        if abs(shot.start_s - at) > 0.1:
            return True
        at = shot.start_s + shot.seconds
    return False


def _whole_clip(shot: Shot) -> bool:
    """The shot shows its asset from end to end (within a frame or 50 ms)."""
    assert shot.info is not None
    assert shot.info.video is not None
    slack = max(0.05, 1.0 / max(1.0, shot.info.video.fps))
    return shot.in_s < 0.001 and abs(shot.seconds - shot.info.duration_s) <= slack
