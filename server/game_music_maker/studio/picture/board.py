"""The picture of a timeline: tracks over time, the film with its cuts and motion, words, sound as
waveforms, the music's sections and the points where it answers the picture. Drawn with Pillow, readable at
1,000 pixels."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ...errors import MusicMakerError
from ..footage import Asset, VideoMap
from ..timeline import Clip, Timeline
from . import ffmpeg
from .fonts import Font, choose_font
from .titles import clean

WIDTH = 1000
_LEFT, _RIGHT, _TOP = 92, 16, 62
_LANE, _GAP, _RULER, _FOOT = 74, 10, 24, 34
_GROUND, _PANEL, _LINE, _INK, _DIM = "#12151f", "#1b2030", "#2b3247", "#e8ecf5", "#8d97b0"
_FILM, _WORDS, _OWN, _CUT, _HIT, _MISS = "#30507a", "#8a6d2f", "#4f8f7a", "#ffd166", "#ff6b8b", "#6b7390"
_SECTIONS = ("#3b5b8c", "#7a4b8c", "#8c5a3b", "#3b8c6a", "#8c3b55", "#5a6b8c")
_WAVE = "#9fd0ff"
_PEAK_RATE = 8000
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Lane:
    """One row: its name, what it shows, its clips."""

    name: str
    kind: str
    clips: tuple[Clip, ...]


@dataclass(frozen=True, slots=True)
class _Board:
    image: Image.Image
    painter: ImageDraw.ImageDraw
    seconds: float

    def x(self, second: float) -> int:
        return _LEFT + round((WIDTH - _LEFT - _RIGHT) * min(max(second, 0.0), self.seconds) / self.seconds)

    def text(self, at: tuple[float, float], words: str, size: int, color: str, room: int = 10_000) -> None:
        """Words on one line, cut off with an ellipsis where they do not fit into `room` pixels."""
        words = clean(words).replace("\n", " ")
        font = choose_font(words, size).font
        while len(words) > 1 and font.getlength(words) > room:
            words = words[:-2].rstrip() + "…" if words.endswith("…") else words[:-1].rstrip() + "…"
        if font.getlength(words) <= room:
            self.painter.text(at, words, font=font, fill=color, anchor="lm")


def timeline_picture(
    timeline: Timeline,
    assets: Mapping[str, Asset],
    *,
    scores: Mapping[str, Mapping[str, Any]],
    looks: Mapping[str, VideoMap | Mapping[str, Any]] | None = None,
) -> bytes:
    """Draw a timeline.

    Args:
        assets: what its clips refer to, by id; a file that cannot be read shows as an empty block.
        scores: facts of the scores by id: ``bpm, key, palette, sections[{role, start_s, energy}],
            hit_times`` and
            ``cue_sheet{cues[{t, hit}]}``, each where known.
        looks: what was seen in the clips, by asset id (maps, or maps as JSON).

    Returns:
        a PNG, 1,000 pixels wide.
    """
    maps = {key: VideoMap.model_validate(look) for key, look in (looks or {}).items()}
    lanes = _lanes(timeline)
    seconds = max(0.1, timeline.duration_ms / 1000)
    height = _TOP + _RULER + max(1, len(lanes)) * (_LANE + _GAP) + _FOOT
    image = Image.new("RGB", (WIDTH, height), _GROUND)
    board = _Board(image, ImageDraw.Draw(image), seconds)
    _head(board, timeline, scores)
    _ruler(board, height)
    for i, lane in enumerate(lanes):
        y = _TOP + _RULER + i * (_LANE + _GAP)
        board.painter.rectangle((_LEFT, y, WIDTH - _RIGHT, y + _LANE), fill=_PANEL)
        board.text((12, y + _LANE / 2), lane.name, 14, _DIM, _LEFT - 18)
        for clip in lane.clips:
            _clip(board, lane, clip, y, assets, scores, maps)
    if not lanes:
        board.text((_LEFT + 12, _TOP + _RULER + _LANE / 2), "The timeline is empty.", 16, _DIM)
    _foot(board, height, lanes, scores, maps)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _lanes(timeline: Timeline) -> list[Lane]:
    found: list[Lane] = []
    for track in timeline.tracks:
        if not track.segments:
            continue
        if track.kind == "video":
            found.append(Lane("Picture", "video", track.segments))
            own = tuple(clip for clip in track.segments if clip.visual is None and not clip.still)
            found += [Lane("Its sound", "own", own)] if own else []
        elif track.kind == "text":
            found.append(Lane("Words", "text", track.segments))
        elif track.kind == "audio":
            music = any(clip.role == "score" for clip in track.segments)
            found.append(Lane("Music" if music else "Sound", "audio", track.segments))
    return found


def _head(board: _Board, timeline: Timeline, scores: Mapping[str, Mapping[str, Any]]) -> None:
    meta = timeline.meta
    board.text((14, 24), str(meta.get("title") or "Timeline"), 22, _INK, 560)
    facts = [_clock(board.seconds, exact=True)]
    if meta.get("width") and meta.get("height"):
        facts.append(f"{meta['width']}×{meta['height']}")
    playing = [scores[clip.score] for clip in timeline.score_clips if clip.score and clip.score in scores]
    for score in playing[:1]:
        facts += [f"{float(score['bpm']):g} bpm"] if score.get("bpm") else []
        facts += [str(score[key]) for key in ("key", "palette") if score.get(key)]
    facts += ["loop"] if meta.get("loop") else []
    board.text((14, 48), "  ·  ".join(facts), 14, _DIM, WIDTH - 28)


def _clock(second: float, *, exact: bool = False) -> str:
    whole, tenths = divmod(round(second * 10), 10)
    tail = f".{tenths}" if exact or tenths else ""
    return f"{whole // 60}:{whole % 60:02d}{tail}"


def _ruler(board: _Board, height: int) -> None:
    step = next((s for s in _STEPS if board.seconds / s <= 12), 3600)
    font = choose_font("0:00", 12).font
    second = 0.0
    while second <= board.seconds + 1e-6:
        x = board.x(second)
        board.painter.line((x, _TOP + 18, x, height - _FOOT), fill=_LINE)
        board.painter.text((x, _TOP + 8), _clock(second), font=font, fill=_DIM, anchor="mm")
        second += step


def _clip(
    board: _Board,
    lane: Lane,
    clip: Clip,
    y: int,
    assets: Mapping[str, Asset],
    scores: Mapping[str, Mapping[str, Any]],
    looks: Mapping[str, VideoMap],
) -> None:
    x0, x1 = board.x(clip.start_ms / 1000), board.x(clip.end_ms / 1000)
    box = (x0, y + 2, max(x0 + 2, x1 - 1), y + _LANE - 2)
    asset = assets.get(clip.asset or "")
    if lane.kind == "video":
        board.painter.rectangle(box, fill=_FILM)
        _film(board, clip, asset, box)
        _seen(board, clip, looks.get(clip.asset or ""), box)
        name = clip.name or (asset.name if asset else clip.visual or "")
        _label(board, name, box)
    elif lane.kind == "text":
        board.painter.rounded_rectangle(box, 6, fill=_WORDS)
        later = [board.x(other.start_ms / 1000) for other in lane.clips if other.start_ms > clip.start_ms]
        board.text((x0 + 8, y + _LANE / 2), clip.text or "", 16, _INK, min([*later, WIDTH - _RIGHT]) - x0 - 14)
    elif lane.kind == "own":
        _wave(board, clip, asset, box, _OWN)
    else:
        score = scores.get(clip.score or "")
        if score:
            _sections(board, clip, score, box)
        _wave(board, clip, asset, box, _WAVE)
        if score:
            _hits(board, clip, score, box)
        else:
            _label(board, clip.name or (asset.name if asset else ""), box)


def _label(board: _Board, name: str, box: tuple[int, int, int, int]) -> None:
    room = box[2] - box[0] - 14
    if room < 24 or not name:
        return
    font: Font = choose_font(clean(name), 12).font
    wide = min(room, int(font.getlength(clean(name)))) + 10
    board.painter.rectangle((box[0], box[3] - 18, box[0] + wide, box[3]), fill="#0a0c13")
    board.text((box[0] + 5, box[3] - 9), name, 12, _INK, room)


def _film(board: _Board, clip: Clip, asset: Asset | None, box: tuple[int, int, int, int]) -> None:
    """Small pictures of the clip, side by side; key frames near the wanted places, so that it is quick."""
    info = asset.info if asset else None
    if asset is None or info is None or info.video is None:
        return
    w, h = info.video.shown_size
    high = box[3] - box[1]
    wide = max(24, min(240, round(high * w / max(1, h))))
    count = max(1, min(12, -(-(box[2] - box[0]) // wide)))
    still = clip.still or info.kind == "image"
    places = [(clip.in_ms + clip.duration_ms * clip.speed * (i + 0.5) / count) / 1000 for i in range(count)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda at: _frame(asset.path, None if still else at, (wide, high)), places))
    for i, picture in enumerate(found):
        x, end = (box[0] + round((box[2] - box[0]) * k / count) for k in (i, i + 1))
        if picture is not None and end > x:
            board.image.paste(Image.fromarray(picture).crop((0, 0, min(wide, end - x), high)), (x, box[1]))


def _frame(path: str, at: float | None, size: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The key frame before second `at` (a still's only picture where None), or None where there is none to
    be had."""
    options = () if at is None else ("-ss", f"{at:.3f}", "-skip_frame", "nokey", "-noaccurate_seek")
    try:
        frames = ffmpeg.read_frames(path, width=size[0], height=size[1], options=options, limit=1, timeout_s=5)
        return next((picture for _, picture in frames), None)
    except MusicMakerError:
        return None


def _seen(board: _Board, clip: Clip, look: VideoMap | None, box: tuple[int, int, int, int]) -> None:
    """Motion as a line, cuts as marks on the upper edge: the heavier the longer."""
    if look is None:
        return

    def place(t: float) -> int | None:
        at = (t - clip.in_ms / 1000) / clip.speed
        return board.x(clip.start_ms / 1000 + at) if 0 <= at <= clip.duration_ms / 1000 else None

    points = []
    for i, value in enumerate(look.flow):
        x = place(i / look.flow_hz)
        if x is not None:
            points.append((x, box[3] - 2 - round(value * (box[3] - box[1]) * 0.45)))
    if len(points) > 1:
        board.painter.line(points, fill="#ffffff", width=1)
    for cut in look.cuts:
        x = place(cut.t)
        if x is not None and cut.kind in ("cut", "flash"):
            long = round((box[3] - box[1]) * (0.85 if cut.w >= 1 else 0.5 if cut.w >= 0.5 else 0.25))
            board.painter.line((x, box[1], x, box[1] + long), fill=_CUT, width=2)


def _wave(board: _Board, clip: Clip, asset: Asset | None, box: tuple[int, int, int, int], color: str) -> None:
    """Peaks of the sound, column by column, at the clip's level."""
    volume = 1.0 if clip.volume is None else clip.volume
    middle = (box[1] + box[3]) // 2
    board.painter.line((box[0], middle, box[2], middle), fill=_LINE)
    if asset is None or (asset.info is not None and asset.info.audio is None):
        return
    columns = max(1, box[2] - box[0])
    high = peaks(Path(asset.path), clip.in_ms / 1000, clip.duration_ms / 1000 * clip.speed, columns)
    top = (box[3] - box[1]) / 2 - 3
    for i, peak in enumerate(high):
        tall = round(min(1.0, float(peak) * min(1.5, volume)) * top)
        board.painter.line((box[0] + i, middle - tall, box[0] + i, middle + tall), fill=color)


def peaks(path: Path, start_s: float, seconds: float, columns: int) -> NDArray[np.float64]:
    """Highest level in each of `columns` equal stretches, 0–1; zeros where the sound cannot be read."""
    found = np.zeros(columns)
    at = 0
    total = max(1, round(seconds * _PEAK_RATE))
    blocks: Iterable[NDArray[np.float32]] = ffmpeg.read_pcm(
        path, rate=_PEAK_RATE, channels=1, start_s=start_s, length_s=seconds, block=_PEAK_RATE * 10
    )
    try:
        for block in blocks:
            level = np.abs(block[:, 0])
            slots = np.minimum(columns - 1, (np.arange(at, at + len(level)) * columns) // total)
            np.maximum.at(found, slots, level)
            at += len(level)
    except MusicMakerError:
        return np.zeros(columns)
    return found


def _sections(board: _Board, clip: Clip, score: Mapping[str, Any], box: tuple[int, int, int, int]) -> None:
    sections = [s for s in score.get("sections") or () if isinstance(s, Mapping) and "start_s" in s]
    roles = list(dict.fromkeys(str(s.get("role", "")) for s in sections))
    for i, section in enumerate(sections):
        start = float(section["start_s"]) - clip.in_ms / 1000
        end = float(sections[i + 1]["start_s"]) - clip.in_ms / 1000 if i + 1 < len(sections) else 1e9
        start, end = max(0.0, start), min(end, clip.duration_ms / 1000)
        if end <= start:
            continue
        x0, x1 = board.x(clip.start_ms / 1000 + start), board.x(clip.start_ms / 1000 + end)
        color = _SECTIONS[roles.index(str(section.get("role", ""))) % len(_SECTIONS)]
        board.painter.rectangle((x0, box[1], x1 - 1, box[3]), fill=color)
        board.painter.rectangle((x0, box[1], x1 - 1, box[1] + 16), fill="#0a0c13")
        board.text((x0 + 5, box[1] + 8), str(section.get("role", "")), 12, _INK, x1 - x0 - 8)


def _hits(board: _Board, clip: Clip, score: Mapping[str, Any], box: tuple[int, int, int, int]) -> None:
    """A diamond on the lower edge for each event that the music meets; grey for a promised one that it missed."""
    cues = (score.get("cue_sheet") or {}).get("cues") or ()
    told = [
        cue for cue in cues if isinstance(cue, Mapping) and "t" in cue and (cue.get("hit") or cue.get("promised", True))
    ]
    known = [(float(cue["t"]), bool(cue.get("hit"))) for cue in told]
    for t, met in known or [(float(t), True) for t in score.get("hit_times") or ()]:
        at = t - clip.in_ms / 1000
        if 0 <= at <= clip.duration_ms / 1000:
            x, y = board.x(clip.start_ms / 1000 + at), box[3] - 7
            shape = [(x, y - 6), (x + 5, y), (x, y + 6), (x - 5, y)]
            board.painter.polygon(shape, fill=_HIT if met else _MISS, outline="#0a0c13")


def _foot(
    board: _Board,
    height: int,
    lanes: list[Lane],
    scores: Mapping[str, Mapping[str, Any]],
    looks: Mapping[str, VideoMap],
) -> None:
    shown: list[tuple[str, str]] = []
    if looks and any(lane.kind == "video" for lane in lanes):
        shown += [(_CUT, "cut"), ("#ffffff", "motion")]
    if scores and any(lane.kind == "audio" for lane in lanes):
        shown += [(_HIT, "music answers the picture"), (_MISS, "missed")]
    x = _LEFT
    for color, words in shown:
        board.painter.rectangle((x, height - 21, x + 12, height - 11), fill=color)
        board.text((x + 18, height - 16), words, 12, _DIM)
        x += 40 + round(choose_font(words, 12).font.getlength(words))
