"""Encoding only what was touched: `splice` gives a picture track in which the untouched frames are the
clip's own packets, bit by bit, and the others are new.

The unit that can be copied is the beginning of a group of pictures, from its key frame up to a frame after
which nothing refers back: a prefix in decoding order that is also complete in order of showing. The rest of
a touched group is decoded, drawn on and encoded anew, as a closed group with parameter sets of its own
number, so that old and new stand in one track.

For H.264 and HEVC, 8 bit 4:2:0. HEVC's open groups start with a CRA picture: pictures decoded after it but shown
before it may refer to the group before, no later ones do (ITU-T H.265, 8.3.2). So where the group before is gone,
those leading pictures are encoded with it, and the CRA picture is called BLA.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import RenderFailed
from . import ffmpeg, mux
from .graph import Words, overlay_chain, overlay_input
from .mp4 import Ints, Samples, read_samples
from .nals import CRA, broken_link, key_types, renumbered
from .parameters import Avc, Config, Hevc
from .plan import Plan, Shot
from .runs import Bools, Run, find_runs
from .titles import Drawn
from .track import write_track
from .whole import draw_words, x264, x265

_TURNS = {90: 2, 180: 3, 270: 4}
"""Clockwise degrees → Pillow's transpose constants that undo them (ROTATE_90 turns anticlockwise)."""


class Unfit(Exception):
    """The clip cannot be spliced; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one shot, with the ticks by which its times move on the timeline."""

    run: Run
    shift: int


def splice(
    plan: Plan, folder: Path, progress: ffmpeg.Tick, known: Callable[[float], None] = lambda _seconds: None
) -> tuple[mux.Picture, tuple[str, ...]]:
    """Make the picture of a plan whose way is ``splice``.

    Args:
        known: told how many seconds the picture will be, before anything is encoded.

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
    known(end / table.scale)
    parts, pts, config = _make(plan, table, pieces, words, folder, progress)
    pts[int(np.argmin(pts))] = 0  # shown from the start on, also where the picture begins late
    out = folder / "spliced.mp4"
    write_track(out, table, parts, pts, end, config)
    kept = sum(len(piece.run.samples) for piece in pieces if piece.run.copied)
    said = f"{kept} of {len(pts)} frames were copied, the others encoded again."
    source = tuple(ffmpeg.source(out, *_turn_options(shot), demuxer="mov"))
    tag = ("-tag:v", "hvc1") if isinstance(config, Hevc) else ()
    return mux.Picture(source, end / table.scale, tag), (said, *notes)


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
    if reason := table.config.unfit():
        raise Unfit(reason)
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
    random = _random(table)
    slack = max(1, frame // 2)
    for shot in plan.shots:
        first, last = round(shot.in_s * table.scale), round((shot.in_s + shot.seconds) * table.scale)
        wanted = (table.pts >= first - slack) & (table.pts < last - slack)
        if not wanted.any() or last > int(table.pts.max()) + 3 * frame:
            raise Unfit("it is asked for longer than the clip is")
        start = int(table.pts[wanted].min())
        if start - first > frame + slack:
            start = first  # the picture begins later than its file
        shift = at - start
        touched = np.zeros(len(table.pts), dtype=bool)
        for one in words:
            low, high = (round(ms * table.scale / 1000) for ms in (one.clip.start_ms, one.clip.end_ms))
            touched |= (table.pts + shift >= low - slack) & (table.pts + shift < high - slack)
        runs = find_runs(table.pts, table.key, random, wanted, touched & wanted)
        pieces += [Piece(run, shift) for run in runs]
        at += int(table.pts[wanted].max()) + frame - start
    return pieces, at


def _random(table: Samples) -> Bools:
    """Key samples after which all that is shown later stands by itself: HEVC promises it of every key picture."""
    if isinstance(table.config, Hevc):
        return np.asarray(key_types(table) >= 0)
    return np.zeros(len(table.key), dtype=bool)


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
    maker = _Maker(plan, table, words, folder)
    total = sum(len(piece.run.samples) for piece in pieces if not piece.run.copied) or 1
    parts: list[tuple[Samples, Ints]] = []
    times: list[Ints] = []
    done = 0
    for i, piece in enumerate(pieces):
        ticks = table.pts[piece.run.samples] + piece.shift
        if piece.run.copied:
            parts += maker.copied(piece.run, i)
            times.append(ticks)
            continue

        def tell(t: float, share: float = len(ticks) / total, base: float = done / total) -> None:
            progress(plan.seconds * (base + share * min(1.0, t)))

        made = maker.encoded(piece, i, tell)
        done += len(ticks)
        rank = np.argsort(np.argsort(made.pts, kind="stable"), kind="stable")
        parts.append((made, np.arange(len(made.pts))))
        times.append(np.sort(ticks)[rank])
    return parts, np.concatenate(times), maker.config


class _Maker:
    """Makes the parts of a spliced track; `config` is the configuration for all parts made so far."""

    def __init__(self, plan: Plan, table: Samples, words: list[Words], folder: Path) -> None:
        self._plan, self._table, self._words, self._folder = plan, table, words, folder
        self._made: Config | None = None
        self._types = key_types(table) if isinstance(table.config, Hevc) else None
        self.config = table.config

    def copied(self, run: Run, i: int) -> list[tuple[Samples, Ints]]:
        """A run of the clip's own samples, its first one told of the joint where the codec asks for it."""
        first = int(run.samples[0])
        if not i or not run.joint or self._types is None or self._types[first] != CRA:
            return [(self._table, run.samples)]
        link = broken_link(self._table, first, self._folder / f"link-{i}.bin")
        return [(link, np.zeros(1, dtype=np.int64)), (self._table, run.samples[1:])]

    def encoded(self, piece: Piece, i: int, progress: ffmpeg.Tick) -> Samples:
        """A run encoded anew, under parameter set numbers that the clip does not use."""
        own = self._table.config
        out = self._folder / f"run-{i}.mp4"
        if isinstance(own, Avc):
            params = f"sps-id={own.free()}:keyint=infinite:open-gop=0"
            encoder = [*x264(self._plan.quality), "-x264-params", params]
            made = _encode(self._plan, self._table, piece, self._words, out, encoder, progress)
        else:
            assert isinstance(own, Hevc)
            params = "keyint=-1:open-gop=0:info=0:log-level=none"
            encoder = [*x265(self._plan.quality), "-x265-params", params]
            plain = _encode(self._plan, self._table, piece, self._words, out, encoder, progress)
            made = renumbered(plain, own.free(), self._folder / f"run-{i}.bin")
        if self._made is None:
            self.config = own.joined(made.config)
        elif made.config != self._made:
            raise Unfit("its new stretches differ in their parameters")
        self._made = made.config
        return made


def _encode(
    plan: Plan, table: Samples, piece: Piece, words: list[Words], out: Path, encoder: list[str], progress: ffmpeg.Tick
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
    args = [*inputs, "-filter_complex", ";".join(graph), "-map", label, "-frames:v", str(len(ticks))]
    args += [*encoder, "-fps_mode", "passthrough", "-an"]
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
