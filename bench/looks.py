"""How well the two looks find cuts: precision and recall against clips of which they are known, by many encoders.

    python bench/looks.py [--seeds 3] [--seconds 60] [--codecs x264 vp9 …] [--folder DIR]

The clips are 640×360 (made once in --folder), and the quick look gets the share of frames that it would have of 1080p.
A found cut counts as right within a frame of the accurate look and within 50 ms of the quick one. Flashes, fast turns
and explosions are among the scenes and are no cuts. Prints one row for each encoder, then the sums.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SIZE = (640, 360)
SCENES = {
    "platform": "testsrc2=s={s}:r={r},noise=alls=4:allf=t",
    "life": "life=s=160x90:r={r}:ratio=0.2:mold=10:death_color=#402010:life_color=#60c0ff:seed={n},scale={s}",
    "cells": "cellauto=s=160x90:r={r}:rule=110:seed={n},scale={s}:flags=neighbor",
    "plasma": "gradients=s={s}:r={r}:n=5:seed={n}:speed=0.03,noise=alls=3:allf=t",
    "spiral": "gradients=s={s}:r={r}:n=3:type=spiral:seed={n}:speed=0.05,noise=alls=3:allf=t",
    "cave": "gradients=s={s}:r={r}:c0=0x101820:c1=0x304050:n=2:speed=0.02:seed={n},noise=alls=6:allf=t",
    "night": "gradients=s={s}:r={r}:c0=0x05060a:c1=0x18202c:n=2:speed=0.02:seed={n},noise=alls=6:allf=t",
    "fractal": "mandelbrot=s={s}:r={r}:start_scale=2:end_scale=0.3:end_pts=400",
    "pan": "mandelbrot=s=1280x720:r={r}:start_scale=0.4:end_scale=0.39,"
    "crop=640:360:x='320+310*sin(t*0.5+{n})':y='180+170*sin(t*0.37)',scale={s}",
    "turn": "mandelbrot=s=1920x720:r={r}:start_scale=0.4:end_scale=0.39,"
    "crop=640:360:x='640+630*sin(t*2.6+{n})':y=120,scale={s}",
    "flashes": "gradients=s={s}:r={r}:c0=0x104010:c1=0x60a060:n=2:speed=0.02:seed={n},noise=alls=3:allf=t,"
    "eq=brightness='0.8*gt(mod(t+0.9,1.7),1.6)':eval=frame",
    "explosions": "life=s=160x90:r={r}:ratio=0.25:mold=8:death_color=#200810:life_color=#a0a0b0:seed={n},scale={s},"
    "eq=brightness='0.7*exp(-4*mod(t+0.7,2.1))':saturation='1+2*exp(-3*mod(t+0.7,2.1))':eval=frame",
    "bars": "smptehdbars=s={s}:r={r},noise=alls=5:allf=t",
    "still": "color=0x5a4a30:s={s}:r={r},noise=alls=3:allf=t",
}


@dataclass(frozen=True)
class Encoder:
    """How a clip is written: options, frames a second, suffix, filter (for variable rates)."""

    options: str
    rate: int = 30
    suffix: str = "mp4"
    filters: str = "null"


ENCODERS = {
    "x264": Encoder("-c:v libx264 -preset veryfast -crf 28"),
    "x264-60": Encoder("-c:v libx264 -preset veryfast -crf 28", 60),
    "x264-recorder": Encoder("-c:v libx264 -preset ultrafast -tune zerolatency -g 120 -b:v 2M -bufsize 2M", 60),
    "x264-no-scenecut": Encoder("-c:v libx264 -preset veryfast -crf 28 -g 60 -sc_threshold 0"),
    "x264-long": Encoder("-c:v libx264 -preset veryfast -crf 28 -g 900 -sc_threshold 0"),
    "x264-open": Encoder("-c:v libx264 -preset fast -x264-params open-gop=1:keyint=90"),
    "x264-vfr": Encoder("-c:v libx264 -preset veryfast -crf 28 -fps_mode vfr", filters="select='mod(n,5)'"),
    "hevc": Encoder("-c:v libx265 -preset ultrafast -x265-params log-level=none"),
    "hevc-long": Encoder("-c:v libx265 -preset superfast -x265-params log-level=none:keyint=600:scenecut=0"),
    "vp9": Encoder("-c:v libvpx-vp9 -deadline good -cpu-used 5 -row-mt 1 -b:v 0 -crf 36", suffix="webm"),
    "vp9-realtime": Encoder("-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -b:v 1M -g 240", suffix="webm"),
    "mpeg4": Encoder("-c:v mpeg4 -q:v 5 -g 60"),
    "mpeg4-b": Encoder("-c:v mpeg4 -q:v 6 -g 250 -bf 2 -sc_threshold 1000000000"),
}  # fmt: skip


def ffmpeg(*args: str | Path) -> None:
    from game_music_maker.studio.picture import ffmpeg as door

    door.run([str(arg) for arg in args], timeout_s=3600)


def original(folder: Path, seed: int, seconds: float, rate: int) -> tuple[Path, list[float]]:
    """A lossless clip of scenes that follow each other with hard cuts, and the times of the cuts."""
    rng = random.Random(seed)
    names: list[str] = []
    lengths: list[float] = []
    while sum(lengths) < seconds:
        names.append(rng.choice([name for name in SCENES if name not in names[-2:]]))
        lengths.append(rng.randint(round(0.8 * 30), round(4.5 * 30)) / 30)
    cuts = [sum(lengths[: i + 1]) for i in range(len(lengths) - 1)]
    out = folder / f"original-{seed}-{rate}-{seconds:g}.mkv"
    if not out.exists():
        size = f"{SIZE[0]}x{SIZE[1]}"
        parts = [
            f"{SCENES[name].format(s=size, r=rate, n=rng.randint(1, 999))},trim=0:{length:.6f},setpts=PTS-STARTPTS,"
            f"setsar=1,format=yuv420p[v{i}]"
            for i, (name, length) in enumerate(zip(names, lengths, strict=True))
        ]
        graph = ";".join(parts) + ";" + "".join(f"[v{i}]" for i in range(len(parts))) + f"concat=n={len(parts)}[v]"
        part = out.with_suffix(".part.mkv")
        ffmpeg("-filter_complex", graph, "-map", "[v]", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", part)
        part.rename(out)
    return out, cuts


def written(folder: Path, name: str, seed: int, seconds: float) -> tuple[Path, list[float]]:
    """The clip of a seed as one encoder writes it."""
    encoder = ENCODERS[name]
    source, cuts = original(folder, seed, seconds, encoder.rate)
    out = folder / f"{name}-{seed}-{seconds:g}.{encoder.suffix}"
    if not out.exists():
        part = out.with_suffix(f".part.{encoder.suffix}")
        ffmpeg("-i", source, "-an", "-vf", encoder.filters, *encoder.options.split(), "-pix_fmt", "yuv420p", part)
        part.rename(out)
    return out, cuts


@dataclass
class Score:
    """Counts of one look over clips."""

    found: int = 0
    right: int = 0
    met: int = 0
    wanted: int = 0
    seconds: float = 0.0

    def add(self, times: list[float], cuts: list[float], within: float) -> None:
        self.found += len(times)
        self.right += sum(any(abs(t - cut) <= within for cut in cuts) for t in times)
        self.met += sum(any(abs(t - cut) <= within for t in times) for cut in cuts)
        self.wanted += len(cuts)

    def __str__(self) -> str:
        precision, recall = self.right / max(1, self.found), self.met / max(1, self.wanted)
        return f"precision {precision:5.3f} recall {recall:5.3f} ({self.seconds:5.1f} s)"


def look(clip: Path, cuts: list[float], quick: Score, accurate: Score | None, verbose: bool) -> str:
    """Look at one clip both ways (or the quick one alone); what the quick look says of itself."""
    from game_music_maker.studio.picture import quick as module
    from game_music_maker.studio.picture.analyse import every_frame
    from game_music_maker.studio.picture.probe import probe

    info = probe(clip)
    assert info.video is not None
    frame = 1.01 / info.video.fps + (0.07 if info.video.variable_rate else 0.0)
    notes = ""
    for score, see, within in ((quick, module.quick_look, max(0.05, frame)), (accurate, every_frame, frame)):
        if score is None:
            continue
        began = time.perf_counter()
        seen = see(clip, info, lambda share, stage: None)
        score.seconds += time.perf_counter() - began
        times = [event.t for event in seen.found if event.kind == "cut"]
        score.add(times, cuts, within)
        notes = notes or " ".join(seen.notes)
        if verbose:
            wrong = [round(t, 2) for t in times if all(abs(t - cut) > within for cut in cuts)]
            missed = [round(cut, 2) for cut in cuts if all(abs(t - cut) > within for t in times)]
            print(f"    {seen.look} {clip.name}: wrong {wrong} missed {missed}")
    return notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--codecs", nargs="*", default=list(ENCODERS))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--budget", type=float, default=1.0, help="times the quick look's present budget")
    parser.add_argument("--quick", action="store_true", help="leave the accurate look out")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    from game_music_maker.studio.picture import quick as module

    module.BUDGET_PIXELS *= given.budget * SIZE[0] * SIZE[1] / (1920 * 1080)
    module.BUDGET_SHARE *= given.budget
    totals = Score(), Score()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name in given.codecs:
            quick, accurate = Score(), Score()
            notes = ""
            for seed in range(given.seeds):
                clip, cuts = written(folder, name, seed, given.seconds)
                notes = look(clip, cuts, quick, None if given.quick else accurate, given.verbose)
            print(f"{name:17} quick {quick}   accurate {accurate}   {notes}", flush=True)
            for total, one in zip(totals, (quick, accurate), strict=True):
                for key in ("found", "right", "met", "wanted", "seconds"):
                    setattr(total, key, getattr(total, key) + getattr(one, key))
    print(f"{'all':17} quick {totals[0]}   accurate {totals[1]}   {totals[0].wanted} cuts")


if __name__ == "__main__":
    main()
