"""The filter graph of a picture that is encoded as a whole: pure functions from a plan to FFmpeg's arguments.

Only numbers and names of ours stand in a graph. Words arrive as pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..timeline import Clip
from . import ffmpeg
from .plan import Canvas, Plan, Shot
from .titles import Drawn

_TURN = {90: "transpose=clock", 180: "hflip,vflip", 270: "transpose=cclock"}
_INKS, _GROUND = ("0x7fd4ff", "0xb98cff", "0xff9ad5"), "0x0c0f1d"


@dataclass(slots=True)
class Graph:
    """Inputs so far, filter chains so far, and the label of the finished picture."""

    inputs: list[str] = field(default_factory=list)
    count: int = 0
    chains: list[str] = field(default_factory=list)
    out: str = ""

    def add(self, arguments: Sequence[str]) -> int:
        """Another input; its number."""
        self.inputs += arguments
        self.count += 1
        return self.count - 1


@dataclass(frozen=True, slots=True)
class Words:
    """A text clip and the picture file drawn for it."""

    clip: Clip
    drawn: Drawn
    file: Path


def build(plan: Plan, words: Sequence[Words], sound: Path | None) -> Graph:
    """The whole picture of a plan: shots on the canvas, joined, words on top.

    Args:
        sound: the mixed sound, from which pictures of music are made.
    """
    graph = Graph()
    labels = [_shot(graph, plan, i, shot, sound) for i, shot in enumerate(plan.shots)]
    graph.out = _join(graph, plan, labels)
    for i, one in enumerate(words):
        graph.out = _overlay(graph, plan.canvas, i, one, graph.out)
    graph.chains.append(f"{graph.out}format=yuv420p[picture]")
    graph.out = "[picture]"
    return graph


def steady(plan: Plan) -> bool:
    """Frames go through one by one, with the times that they have: one clip at its own speed, not capped
    in rate."""
    shot = plan.shots[0]
    rate = shot.info.video.fps if shot.info and shot.info.video else 0.0
    plain = len(plan.shots) == 1 and shot.asset is not None and shot.info is not None and not shot.still
    if not plain or shot.info is None or shot.in_s + shot.seconds > shot.info.duration_s + 0.5 / max(1.0, rate):
        return False
    return abs(shot.clip.speed - 1) < 1e-6 and abs(rate - plan.canvas.fps) < 0.01 and plan.format != "gif"


def _shot(graph: Graph, plan: Plan, i: int, shot: Shot, sound: Path | None) -> str:
    canvas = plan.canvas
    hold = _held(plan, i)
    if shot.asset is None or shot.info is None or shot.info.video is None:
        number = graph.add(_sound_input(plan, shot, sound))
        graph.chains.append(f"{_visual(number, shot, canvas)},{_times(plan, shot, hold)}{_fades(shot)}[s{i}]")
        return f"[s{i}]"
    options: list[str] = []
    if not shot.still:
        options = ["-ss", f"{shot.in_s:.6f}"] if shot.in_s > 0 else []
        options += ["-t", f"{(shot.seconds + hold) * shot.clip.speed:.6f}"]
    number = graph.add(ffmpeg.source(shot.asset.path, *options))
    chain = f"[{number}:V:0]{_turned(shot)}"
    if shot.still:
        chain += f"loop=loop=-1:size=1:start=0,setpts=N/({canvas.fps:.6f}*TB),"
    fitted = _fit(shot, canvas, f"f{i}")
    graph.chains.append(f"{chain}{fitted},{_times(plan, shot, hold)}{_fades(shot)}[s{i}]")
    return f"[s{i}]"


def _held(plan: Plan, i: int) -> float:
    """Seconds by which a shot has to go on under the cross-fade into the next one."""
    if i + 1 >= len(plan.shots):
        return 0.0
    shot, after = plan.shots[i], plan.shots[i + 1]
    overlap = shot.start_s + shot.seconds - after.start_s
    return max(0.0, after.clip.transition_ms / 1000 - max(0.0, overlap)) if after.clip.transition_ms else 0.0


def _turned(shot: Shot) -> str:
    """Square pixels, black bars off, the clip's own quarter turns; the file's rotation is applied by the
    decoder."""
    assert shot.info is not None
    assert shot.info.video is not None
    steps: list[str] = []
    if abs(shot.info.video.sar - 1) > 0.01:
        width, height = shot.info.video.shown_size
        steps += [f"scale={width // 2 * 2}:{height // 2 * 2}", "setsar=1"]
    if shot.clip.crop and any(shot.clip.crop):
        left, top, right, bottom = shot.clip.crop
        steps.append(f"crop=iw-{left + right}:ih-{top + bottom}:{left}:{top}")
    turn = _TURN.get(shot.clip.rotate % 360)
    return "".join(f"{step}," for step in [*steps, *([turn] if turn else [])])


def _fit(shot: Shot, canvas: Canvas, name: str) -> str:
    """How the picture meets the canvas: cut to fill it, whole with black bars, or whole over a blurred
    copy."""
    w, h = canvas.width, canvas.height
    size = shot.size or (w, h)
    if abs(size[0] / size[1] / (w / h) - 1) < 0.01:
        return f"scale={w}:{h},setsar=1" if size != (w, h) else "setsar=1"
    if canvas.fit == "crop":
        # Cut before scaling, so that nothing is scaled that is thrown away.
        cut_w, cut_h = min(size[0], round(size[1] * w / h)), min(size[1], round(size[0] * h / w))
        return f"crop={cut_w // 2 * 2}:{cut_h // 2 * 2},scale={w}:{h},setsar=1"
    if canvas.fit == "blur":
        small_w, small_h = max(16, w // 8 // 2 * 2), max(16, h // 8 // 2 * 2)
        back = f"scale={small_w}:{small_h}:force_original_aspect_ratio=increase,crop={small_w}:{small_h}"
        back += f",gblur=sigma={max(2, small_h // 40)},scale={w}:{h},eq=brightness=-0.08,setsar=1"
        front = f"scale={w}:{h}:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1"
        split = f"split[{name}a][{name}b];[{name}a]{back}[{name}c];[{name}b]{front}[{name}d];"
        return f"{split}[{name}c][{name}d]overlay=(W-w)/2:(H-h)/2:shortest=1"
    fitted = f"scale={w}:{h}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    return f"{fitted},pad={w}:{h}:(ow-iw)/2:(oh-ih)/2:black,setsar=1"


def _times(plan: Plan, shot: Shot, hold: float) -> str:
    """The shot on its own clock from 0, at the canvas's rate and exactly its length, its last picture held
    if it ends."""
    # A picture that begins later than its file does so here, too, its first frame held from the start on.
    late = f"if(lt(STARTT,{1.5 / plan.canvas.fps:.6f}),STARTPTS,0)"
    if steady(plan):
        return f"setpts='if(eq(N,0),0,PTS-{late})'"
    speed = shot.clip.speed
    length = shot.seconds + hold
    slow = f"setpts='(PTS-{late})/{speed:.6f}'," if not shot.still and shot.asset is not None else ""
    return (
        f"{slow}fps={plan.canvas.fps:.6f}:start_time=0,tpad=stop_mode=clone:stop_duration={length:.6f},"
        f"trim=0:{length:.6f},setpts=PTS-STARTPTS,format=yuv420p"
    )


def _fades(shot: Shot) -> str:
    found = ""
    if shot.clip.fade_in_ms > 0:
        found += f",fade=t=in:st=0:d={shot.clip.fade_in_ms / 1000:.3f}"
    if shot.clip.fade_out_ms > 0:
        seconds = shot.clip.fade_out_ms / 1000
        found += f",fade=t=out:st={max(0.0, shot.seconds - seconds):.3f}:d={seconds:.3f}"
    return found


def _join(graph: Graph, plan: Plan, labels: list[str]) -> str:
    """Shots one after another: cuts, cross-fades, black where there is a gap."""
    if len(labels) == 1 and plan.shots[0].start_s < 0.02:
        return labels[0]
    canvas = plan.canvas
    out, end = "", 0.0
    for i, (shot, label) in enumerate(zip(plan.shots, labels, strict=True)):
        gap = shot.start_s - end
        if gap > 0.5 / canvas.fps:
            black = (
                f"color=black:s={canvas.width}x{canvas.height}:r={canvas.fps:.6f}:d={gap:.6f},format=yuv420p,setsar=1"
            )
            graph.chains.append(f"{black}[g{i}]")
            out = _concat(graph, out, f"[g{i}]", f"k{i}")
        fade = shot.clip.transition_ms / 1000
        if out and fade > 0 and gap <= 0.5 / canvas.fps:
            fade = min(fade, shot.seconds, shot.start_s) or 0.04
            graph.chains.append(
                f"{out}settb=AVTB[x{i}a];{label}settb=AVTB[x{i}b];"
                f"[x{i}a][x{i}b]xfade=transition=fade:duration={fade:.6f}:offset={shot.start_s:.6f},"
                f"fps={canvas.fps:.6f}[x{i}]"
            )
            out = f"[x{i}]"
        else:
            out = _concat(graph, out, label, f"j{i}")
        end = shot.start_s + shot.seconds
    return out


def _concat(graph: Graph, first: str, second: str, name: str) -> str:
    if not first:
        return second
    graph.chains.append(f"{first}{second}concat=n=2:v=1:a=0[{name}]")
    return f"[{name}]"


def overlay_input(words: Words) -> list[str]:
    """The words' picture as an input."""
    return ffmpeg.source(words.file, demuxer="png_pipe")


def overlay_chain(words: Words, fps: float, start_s: float, end_s: float) -> str:
    """Filters for the words' picture: kept as it is, or with its opacity going up and down."""
    clip = words.clip
    rise, fall = clip.fade_in_ms / 1000, clip.fade_out_ms / 1000
    if not rise and not fall:
        return "format=rgba"
    chain = f"format=rgba,loop=loop=-1:size=1:start=0,setpts=N/({fps:.6f}*TB),trim=0:{end_s + 0.1:.6f}"
    if rise:
        chain += f",fade=t=in:st={start_s:.6f}:d={rise:.3f}:alpha=1"
    if fall:
        chain += f",fade=t=out:st={max(start_s, end_s - fall):.6f}:d={fall:.3f}:alpha=1"
    return chain


def _overlay(graph: Graph, canvas: Canvas, i: int, words: Words, under: str) -> str:
    number = graph.add(overlay_input(words))
    start, end = words.clip.start_ms / 1000, words.clip.end_ms / 1000
    chain = overlay_chain(words, canvas.fps, start, end)
    half = 0.5 / canvas.fps
    shown = f"between(t,{max(0.0, start - half):.6f},{end - half:.6f})"
    graph.chains.append(f"[{number}:v:0]{chain}[w{i}]")
    graph.chains.append(f"{under}[w{i}]overlay={words.drawn.x}:{words.drawn.y}:enable='{shown}'[o{i}]")
    return f"[o{i}]"


def _sound_input(plan: Plan, shot: Shot, sound: Path | None) -> list[str]:
    if sound is None:
        return ["-f", "lavfi", "-t", f"{shot.seconds:.3f}", "-i", "anullsrc=r=48000:cl=stereo"]
    options = ["-ss", f"{shot.start_s:.6f}"] if shot.start_s > 0 else []
    return ffmpeg.source(sound, *options, "-t", f"{shot.seconds:.6f}", demuxer="wav")


def _visual(number: int, shot: Shot, canvas: Canvas) -> str:
    """A picture that moves with the music of input `number`: its waveform, or its spectrum as bars of
    constant Q."""
    w, h, fps = canvas.width, canvas.height, canvas.fps
    if shot.clip.visual == "spectrum":
        return _spectrum(number, w, h, fps)
    ground = f"color=c={_GROUND}:s={w}x{h}:r={fps:.6f}[v{number}g]"
    ink = "|".join(_INKS[:2])
    wave = f"[{number}:a:0]showwaves=s={w}x{h // 2 // 2 * 2}:mode=cline:draw=full:scale=sqrt:r={fps:.6f}:colors={ink}"
    return f"{ground};{wave},format=rgba[v{number}w];[v{number}g][v{number}w]overlay=0:(H-h)/2:shortest=1"


def _spectrum(number: int, w: int, h: int, fps: float) -> str:
    """Bars and what they were a moment ago below them: FFmpeg's transform as the opacity of a run of colours."""
    bars = round(h * 0.65) // 2 * 2
    heights = f"axis_h=0:bar_h={bars}:sono_h={h - bars}:bar_v=16:sono_v=16:bar_g=3:sono_g=3:count=2"
    plain = "|".join(["0.7"] * 6)
    inks = [f"color=c={ink}:s=2x2:r={fps:.6f}[v{number}{i}]" for i, ink in enumerate(_INKS)]
    once = f"trim=end_frame=1,scale={w}:{h}:flags=bilinear,format=yuv420p,loop=loop=-1:size=1:start=0"
    row = "".join(f"[v{number}{i}]" for i in range(len(_INKS)))
    return ";".join([
        f"[{number}:a:0]showcqt=s={w}x{h}:r={fps:.6f}:{heights}:cscheme={plain},format=gray[v{number}m]", *inks,
        f"{row}hstack=inputs={len(_INKS)},format=rgb24,{once},setpts=N/({fps:.6f}*TB)[v{number}c]",
        f"[v{number}c][v{number}m]alphamerge=shortest=1[v{number}s]",
        f"color=c={_GROUND}:s={w}x{h}:r={fps:.6f}[v{number}g]",
        f"[v{number}g][v{number}s]overlay=shortest=1",
    ])  # fmt: skip
