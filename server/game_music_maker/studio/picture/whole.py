"""A picture encoded as a whole, with all that is drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import RenderFailed
from . import ffmpeg, graph, mux
from .graph import Words
from .plan import Plan
from .titles import draw

_X264 = {"high": ("faster", "18"), "standard": ("veryfast", "21"), "draft": ("superfast", "27")}
_X265 = {"high": ("veryfast", "20"), "standard": ("superfast", "23")}
_VP9 = {"high": ("5", "30"), "standard": ("6", "33"), "draft": ("8", "40")}


def x264(quality: str) -> list[str]:
    """Encoder options: High profile, yuv420p, constant quality."""
    preset, crf = _X264.get(quality, _X264["high"])
    return ["-c:v", "libx264", "-preset", preset, "-crf", crf, "-profile:v", "high", "-pix_fmt", "yuv420p"]


def x265(quality: str) -> list[str]:
    """Encoder options: Main profile, constant quality, for stretches of HEVC clips."""
    preset, crf = _X265.get(quality, _X265["high"])
    return ["-c:v", "libx265", "-preset", preset, "-crf", crf, "-profile:v", "main", "-pix_fmt", "yuv420p"]


def vp9(quality: str) -> list[str]:
    """Encoder options for WebM: constant quality, all cores."""
    speed, crf = _VP9.get(quality, _VP9["high"])
    rate = ["-c:v", "libvpx-vp9", "-b:v", "0", "-crf", crf, "-deadline", "realtime", "-cpu-used", speed]
    return [*rate, "-row-mt", "1", "-tile-columns", "2", "-g", "240", "-pix_fmt", "yuv420p"]


def draw_words(plan: Plan, folder: Path, size: tuple[int, int]) -> tuple[list[Words], tuple[str, ...]]:
    """Draw every text clip of a plan into a file.

    Args:
        size: canvas in pixels.

    Returns:
        the drawings, and notes on letters that no font has.
    """
    found: list[Words] = []
    notes: list[str] = []
    for i, clip in enumerate(plan.words):
        drawn = draw(clip, *size)
        file = folder / f"words-{i}.png"
        drawn.image.save(file, compress_level=1)
        found.append(Words(clip, drawn, file))
        notes += [drawn.note] if drawn.note else []
    return found, tuple(notes)


def encode_picture(
    plan: Plan, sound: Path | None, folder: Path, progress: ffmpeg.Tick
) -> tuple[mux.Picture, tuple[str, ...]]:
    """Encode the picture of a plan (not gif) into ``folder``, for `mux.write` to copy.

    Raises:
        RenderFailed, DiskFull, and what `progress` raises.
    """
    words, notes = draw_words(plan, folder, (plan.canvas.width, plan.canvas.height))
    webm = plan.format == "webm"
    out = folder / ("picture.webm" if webm else "picture.mp4")
    rate = ["-fps_mode", "passthrough"] if graph.steady(plan) else ["-r", f"{plan.canvas.fps:.6f}"]
    encoder = vp9(plan.quality) if webm else x264(plan.quality)
    _run(plan, words, sound, [*rate, *encoder, "-f", "webm" if webm else "mp4", f"file:{out}"], progress)
    return mux.Picture(tuple(ffmpeg.source(out)), plan.seconds), notes


def _run(plan: Plan, words: Sequence[Words], sound: Path | None, output: list[str], progress: ffmpeg.Tick) -> None:
    built = graph.build(plan, words, sound)
    args = [*built.inputs, "-filter_complex", ";".join(built.chains), "-map", built.out]
    args += ["-t", f"{plan.seconds:.6f}", "-map_metadata", "-1", "-an", *output]
    ffmpeg.run(args, progress=progress, failure=RenderFailed, saying="The picture could not be rendered")


def encode_gif(plan: Plan, sound: Path | None, folder: Path, out: Path, progress: ffmpeg.Tick) -> tuple[str, ...]:
    """Write an animated GIF: first the palette of all frames, then the frames, so that memory stays small.

    Raises:
        RenderFailed, DiskFull, and what `progress` raises.
    """
    words, notes = draw_words(plan, folder, (plan.canvas.width, plan.canvas.height))
    built = graph.build(plan, words, sound)
    palette = folder / "palette.png"
    rate = f"{built.out}fps={plan.canvas.fps:.3f}"
    chains = ";".join([*built.chains, f"{rate},palettegen=stats_mode=diff[p]"])
    head = [*built.inputs, "-filter_complex"]
    saying = "The GIF could not be rendered"
    ffmpeg.run(
        [
            *head,
            chains,
            "-map",
            "[p]",
            "-frames:v",
            "1",
            "-update",
            "1",
            "-f",
            "image2",
            "-c:v",
            "png",
            f"file:{palette}",
        ],
        progress=lambda _done: progress(0.0),
        failure=RenderFailed,
        saying=saying,
    )
    number = built.add(ffmpeg.source(palette, demuxer="png_pipe"))
    use = f"{rate}[q];[q][{number}:v:0]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle[g]"
    chains = ";".join([*built.chains, use])
    args = [*built.inputs, "-filter_complex", chains, "-map", "[g]", "-t", f"{plan.seconds:.6f}", "-f", "gif"]
    ffmpeg.run([*args, f"file:{out}"], progress=progress, failure=RenderFailed, saying=saying)
    return notes
