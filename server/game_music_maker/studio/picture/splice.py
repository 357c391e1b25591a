"""Encoding only what was touched: `splice` gives a picture track in which the untouched frames are the
clip's own packets, bit by bit, and the others are new.

The unit that can be copied is the beginning of a group of pictures, from its key frame up to a frame after
which nothing refers back: a prefix in decoding order that is also complete in order of showing. The rest of
a touched group is decoded, drawn on and encoded anew, as a closed group with parameter sets of its own
number, so that old and new stand in one track.

Only for H.264, 8 bit 4:2:0: other encoders and decoders do not promise to switch parameter sets cleanly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import RenderFailed
from . import ffmpeg, mux
from .graph import Words, overlay_chain, overlay_input
from .mp4 import Config, Ints, Samples, read_samples
from .plan import Plan, Shot
from .titles import Drawn
from .track import write_track
from .whole import draw_words, x264

Bools = NDArray[np.bool_]
_PROFILES = (66, 77, 100)
_TURNS = {90: 2, 180: 3, 270: 4}
"""Clockwise degrees → Pillow's transpose constants that undo them (ROTATE_90 turns anticlockwise)."""


class Unfit(Exception):
    """The clip cannot be spliced; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive frames: `samples` in decoding order to copy, or in order of showing to encode."""

    copied: bool
    samples: Ints


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one shot, with the ticks by which its times move on the timeline."""

    run: Run
    shift: int


def splice(plan: Plan, folder: Path, progress: ffmpeg.Tick) -> tuple[mux.Picture, tuple[str, ...]]:
    """Make the picture of a plan whose way is ``splice``.

    Returns:
        the picture for `mux.write`, and notes: how many frames were copied.

    Raises:
        Unfit: it has to be encoded as a whole. RenderFailed, DiskFull, and what `progress` raises.
    """
    shot = plan.shots[0]
    assert shot.asset is not None
    table = _table(shot, folder)
    frame = _frame_ticks(table)
    words, notes = _words(plan, shot, folder)
    pieces, end = lay_out(plan, table, frame, words)
    if not any(piece.run.copied for piece in pieces):
        raise Unfit("nothing of it could be kept")
    parts, pts, config = _make(plan, table, pieces, words, folder, progress)
    out = folder / "spliced.mp4"
    write_track(out, parts, pts, end, config)
    kept = sum(len(piece.run.samples) for piece in pieces if piece.run.copied)
    said = f"{kept} of {len(pts)} frames were copied, the others encoded again."
    turn = _turn_options(shot)
    return mux.Picture(tuple(ffmpeg.source(out, *turn, demuxer="mov")), end / table.scale), (said, *notes)


def _turn_options(shot: Shot) -> list[str]:
    assert shot.info is not None
    assert shot.info.video is not None
    if not shot.clip.rotate % 360:
        return []
    return ["-display_rotation:v:0", str(-(shot.info.video.rotation + shot.clip.rotate) % 360)]


def _table(shot: Shot, folder: Path) -> Samples:
    """The clip's samples, in an MP4 of our own making (packets copied), so that one way of reading is
    enough."""
    assert shot.asset is not None
    source = folder / "source.mp4"
    copy = ["-map", "0:V:0", "-c", "copy", "-map_metadata", "-1", "-f", "mp4", f"file:{source}"]
    ffmpeg.run([*ffmpeg.source(shot.asset.path), *copy], saying="The clip could not be read")
    try:
        table = read_samples(source)
    except (RenderFailed, ValueError, IndexError, KeyError):
        raise Unfit("its index cannot be read") from None
    profile = table.config.profile[0]
    if profile not in _PROFILES or table.config.length_bytes != 4 or len(table.config.sps) != 1:
        raise Unfit(f"its H.264 profile ({profile}) is not one that can be joined")
    if not len(table.pts) or not table.key[0]:
        raise Unfit("it does not start with a key frame")
    return table


def _frame_ticks(table: Samples) -> int:
    steps = np.diff(np.sort(table.pts))
    return max(1, int(np.median(steps))) if len(steps) else max(1, table.scale // 30)


def _words(plan: Plan, shot: Shot, folder: Path) -> tuple[list[Words], tuple[str, ...]]:
    """Words drawn for the picture as shown, then turned and stretched to the picture as coded."""
    assert shot.info is not None
    assert shot.info.video is not None
    video = shot.info.video
    size = shot.size
    assert size is not None
    drawn, notes = draw_words(plan, folder, size)
    turn = (video.rotation + shot.clip.rotate) % 360
    if not turn and abs(video.sar - 1) < 0.01:
        return drawn, notes
    from PIL import Image

    found: list[Words] = []
    for one in drawn:
        whole = Image.new("RGBA", size, (0, 0, 0, 0))
        whole.paste(one.drawn.image, (one.drawn.x, one.drawn.y))
        if turn:
            whole = whole.transpose(Image.Transpose(_TURNS[turn]))
        whole = whole.resize((video.width, video.height))
        whole.save(one.file, compress_level=1)
        found.append(Words(one.clip, Drawn(whole, 0, 0), one.file))
    return found, notes


def lay_out(plan: Plan, table: Samples, frame: int, words: Sequence[Words]) -> tuple[list[Piece], int]:
    """All runs of all shots in order, and the tick at which the picture ends."""
    pieces: list[Piece] = []
    at = 0
    slack = max(1, frame // 2)
    for shot in plan.shots:
        first, last = round(shot.in_s * table.scale), round((shot.in_s + shot.seconds) * table.scale)
        wanted = (table.pts >= first - slack) & (table.pts < last - slack)
        if not wanted.any() or last > int(table.pts.max()) + 3 * frame:
            raise Unfit("it is asked for longer than the clip is")
        start = int(table.pts[wanted].min())
        shift = at - start
        touched = np.zeros(len(table.pts), dtype=bool)
        for one in words:
            low, high = (round(ms * table.scale / 1000) for ms in (one.clip.start_ms, one.clip.end_ms))
            touched |= (table.pts + shift >= low - slack) & (table.pts + shift < high - slack)
        pieces += [Piece(run, shift) for run in find_runs(table, wanted, touched & wanted)]
        at += int(table.pts[wanted].max()) + frame - start
    return pieces, at


def find_runs(table: Samples, wanted: Bools, touched: Bools) -> list[Run]:
    """What can be copied and what has to be encoded, in order of showing."""
    runs: list[tuple[bool, list[int]]] = []
    for low, high in _groups(table):
        if not wanted[low:high].any():
            continue
        order = np.arange(low, high)
        keep = _prefix(table.pts[low:high], wanted[low:high] & ~touched[low:high])
        if keep:
            runs.append((True, order[:keep].tolist()))
        rest = order[keep:][wanted[low + keep : high]]
        rest = rest[np.argsort(table.pts[rest], kind="stable")]
        if len(rest) and runs and not runs[-1][0]:
            runs[-1][1].extend(rest.tolist())
        elif len(rest):
            runs.append((False, rest.tolist()))
    return [Run(copied, np.array(samples, dtype=np.int64)) for copied, samples in runs]


def _groups(table: Samples) -> list[tuple[int, int]]:
    """Closed groups of pictures: a key frame starts one only if nothing decoded after it is shown before
    it, and nothing decoded before it is shown after it."""
    keys = np.flatnonzero(table.key)
    later_least = np.minimum.accumulate(table.pts[::-1])[::-1]
    earlier_most = np.maximum.accumulate(table.pts)
    starts = [int(k) for k in keys if later_least[k] >= table.pts[k] and (k == 0 or earlier_most[k - 1] < table.pts[k])]
    return list(zip(starts, [*starts[1:], len(table.pts)], strict=True))


def _prefix(pts: Ints, good: Bools) -> int:
    """Length of the longest beginning of a group in which all frames are good and none shown later is
    missing."""
    usable = int(np.argmin(good)) if not good.all() else len(good)
    most = np.maximum.accumulate(pts)
    least_after = np.concatenate([np.minimum.accumulate(pts[::-1])[::-1][1:], [np.iinfo(np.int64).max]])
    for n in range(usable, 0, -1):
        if most[n - 1] < least_after[n - 1]:
            return n
    return 0


def _make(
    plan: Plan,
    table: Samples,
    pieces: list[Piece],
    words: list[Words],
    folder: Path,
    progress: ffmpeg.Tick,
) -> tuple[list[tuple[Samples, Ints]], Ints, Config]:
    """Encode the runs that need it; all parts in decoding order with their times, and the joint
    configuration."""
    number = next(n for n in range(1, 32) if n not in table.config.numbers())
    total = sum(len(piece.run.samples) for piece in pieces if not piece.run.copied) or 1
    config = table.config
    parts: list[tuple[Samples, Ints]] = []
    times: list[Ints] = []
    done = 0
    for i, piece in enumerate(pieces):
        ticks = table.pts[piece.run.samples] + piece.shift
        if piece.run.copied:
            parts.append((table, piece.run.samples))
            times.append(ticks)
            continue

        def tell(t: float, share: float = len(ticks) / total, base: float = done / total) -> None:
            progress(plan.seconds * (base + share * min(1.0, t)))

        made = _encode(plan, table, piece, words, folder / f"run-{i}.mp4", number, tell)
        done += len(ticks)
        if config is table.config:
            config = table.config.joined(made.config)
        elif (made.config.sps, made.config.pps) != (config.sps[1:], config.pps[len(table.config.pps) :]):
            raise Unfit("its new stretches differ in their parameters")
        rank = np.argsort(np.argsort(made.pts, kind="stable"), kind="stable")
        parts.append((made, np.arange(len(made.pts))))
        times.append(np.sort(ticks)[rank])
    return parts, np.concatenate(times), config


def _encode(
    plan: Plan, table: Samples, piece: Piece, words: list[Words], out: Path, number: int, progress: ffmpeg.Tick
) -> Samples:
    """One run as a file of its own: exactly its frames, the words over them."""
    ticks = table.pts[piece.run.samples]
    half = _frame_ticks(table) / 2 / table.scale
    seek = max(0.0, float(ticks[0]) / table.scale - half)
    moved = (float(ticks[0]) + piece.shift) / table.scale
    fps = table.scale / _frame_ticks(table)
    graph = [f"[0:V:0]setpts=PTS-STARTPTS+{moved:.6f}/TB[b0]"]
    inputs = ffmpeg.source(table.path, "-noautorotate", "-ss", f"{seek:.6f}", demuxer="mov")
    label = "[b0]"
    end = float(ticks[-1] + piece.shift) / table.scale
    near = [w for w in words if w.clip.start_ms / 1000 < end + half and w.clip.end_ms / 1000 > moved - half]
    for i, one in enumerate(near):
        start, stop = one.clip.start_ms / 1000, one.clip.end_ms / 1000
        inputs += overlay_input(one)
        graph.append(f"[{i + 1}:v:0]{overlay_chain(one, fps, start, stop)}[w{i}]")
        shown = f"between(t,{max(0.0, start - half):.6f},{stop - half:.6f})"
        graph.append(f"{label}[w{i}]overlay={one.drawn.x}:{one.drawn.y}:enable='{shown}'[b{i + 1}]")
        label = f"[b{i + 1}]"
    params = f"sps-id={number}:keyint=infinite:open-gop=0"
    args = [*inputs, "-filter_complex", ";".join(graph), "-map", label, "-frames:v", str(len(ticks))]
    args += [*x264(plan.quality), "-x264-params", params, "-fps_mode", "passthrough", "-an"]
    ffmpeg.run(
        [*args, "-map_metadata", "-1", "-f", "mp4", f"file:{out}"],
        progress=lambda t: progress(max(0.0, t - moved) / max(0.04, end - moved)),
        failure=RenderFailed,
        saying="The touched stretch could not be rendered",
    )
    made = read_samples(out)
    if len(made.pts) != len(ticks):
        raise Unfit("its frames cannot be counted exactly")
    return made
