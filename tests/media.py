"""Test footage, made by FFmpeg from its own test sources: known cuts, sounds and oddities, small and quick
to make.

`Media` caches what it makes in one folder for the session:

    clip = media.clip(["test", "life", "plasma"], seconds=3)      # cuts at 3.0 and 6.0
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg

SCENES = {
    "test": "testsrc2=s={w}x{h}:r={r}",
    "bars": "smptehdbars=s={w}x{h}:r={r},noise=alls=3:allf=t",
    "life": "life=s=160x90:r={r}:ratio=0.2:seed=3:mold=10:death_color=#402010:life_color=#60c0ff,scale={w}:{h}",
    "cells": "cellauto=s=160x90:r={r}:rule=110:seed=3,scale={w}:{h}:flags=neighbor",
    "plasma": "gradients=s={w}x{h}:r={r}:n=5:seed=3:speed=0.03,noise=alls=3:allf=t",
    "sunset": "gradients=s={w}x{h}:r={r}:c0=0xff7000:c1=0x401060:n=2:speed=0.01,noise=alls=3:allf=t",
    "cave": "gradients=s={w}x{h}:r={r}:c0=0x101820:c1=0x304050:n=2:speed=0.02,noise=alls=4:allf=t",
    "fractal": "mandelbrot=s={w}x{h}:r={r}:start_scale=2:end_scale=0.5:end_pts=300",
    "pan": "mandelbrot=s=640x360:r={r}:start_scale=0.4:end_scale=0.39,"
    "crop=320:180:x='mod(t*90,320)':y=60,scale={w}:{h}",
    "turn": "mandelbrot=s=960x360:r={r}:start_scale=0.4:end_scale=0.39,"
    "crop=320:180:x='abs(mod(t*900,1280)-640)':y=60,scale={w}:{h}",
    "flash": "gradients=s={w}x{h}:r={r}:c0=0x104010:c1=0x60a060:n=2:speed=0.02,noise=alls=3:allf=t,"
    "eq=brightness='0.8*gt(mod(t+0.9,1.7),1.6)':eval=frame",
    "grey": "color=0x404040:s={w}x{h}:r={r}",
    "black": "color=black:s={w}x{h}:r={r}",
    "red": "color=0xc02020:s={w}x{h}:r={r}",
    "blue": "color=0x2020c0:s={w}x{h}:r={r}",
}
SOUNDS = {
    "tone": "sine=f=440:r=48000:d={d}",
    "stereo": "aevalsrc='0.3*sin(2*PI*220*t)|0.3*sin(2*PI*330*t)':s=48000:d={d}",
    "quiet": "aevalsrc='0.01*sin(2*PI*300*t)':s=48000:d={d}",
    "noise": "anoisesrc=r=48000:a=0.2:d={d}:seed=1",
    "bursts": "aevalsrc='0.6*(random(0)-0.5)*lt(mod(t,3),0.4)':s=48000:d={d}",
    "silence": "anullsrc=r=48000:cl=stereo,atrim=0:{d}",
    "surround": "aevalsrc='0.2*sin(2*PI*200*t)|0.2*sin(2*PI*250*t)|0.2*sin(2*PI*300*t)|0"
    "|0.1*sin(2*PI*350*t)|0.1*sin(2*PI*400*t)':"
    "c=5.1:s=48000:d={d}",
    "odd": "sine=f=330:r=22050:d={d}",
    "syllables": "aevalsrc='0.5*max(0,sin(2*PI*4*t))*(sin(2*PI*150*t)+0.6*sin(2*PI*600*t)+0.4*sin(2*PI*1500*t)"
    "+0.3*sin(2*PI*2600*t))/2.3*lt(mod(t,6),3)':s=48000:d={d}",
}
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")


def ffmpeg(*args: str | Path) -> str:
    """Run FFmpeg; its log, or an AssertionError with it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


class Media:
    """Makes clips into `folder`, each once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _part(self, out: Path) -> Path:
        """Where a clip is made before it gets its name: two processes may make the same one."""
        return out.with_name(f"part-{os.getpid()}-{out.name}")

    def clip(
        self,
        scenes: Sequence[str] = ("test",),
        seconds: float | Sequence[float] = 3.0,
        *,
        size: tuple[int, int] = (320, 180),
        fps: str = "30",
        sound: str | None = "stereo",
        video: Sequence[str] = X264,
        audio: Sequence[str] = ("-c:a", "aac", "-b:a", "128k"),
        suffix: str = "mp4",
        filters: str = "",
        before: Sequence[str] = (),
        after: Sequence[str] = (),
    ) -> Path:
        """A clip of `scenes` (keys of `SCENES`) that follow each other with hard cuts.

        Args:
            seconds: length of each scene, or of all. sound: key of `SOUNDS` or None. filters: over the
                whole picture.
            video, audio: encoder options. after: further output options.
        """
        lengths = [seconds] * len(scenes) if isinstance(seconds, (int, float)) else list(seconds)
        key = json.dumps(
            [[SCENES[name] for name in scenes], lengths, size, fps, sound, video, audio, suffix, filters, before, after]
        )
        out = self.folder / f"{hashlib.sha1(key.encode()).hexdigest()[:12]}.{suffix}"
        if out.exists():
            return out
        fill: dict[str, Any] = {"w": size[0], "h": size[1], "r": fps}
        parts = [
            f"{SCENES[name].format(**fill)},trim=0:{length},setpts=PTS-STARTPTS,setsar=1,format=yuv420p[v{i}]"
            for i, (name, length) in enumerate(zip(scenes, lengths, strict=True))
        ]
        joined = "".join(f"[v{i}]" for i in range(len(scenes))) + f"concat=n={len(scenes)}:v=1:a=0"
        graph = ";".join([*parts, joined + (f",{filters}" if filters else "") + "[v]"])
        args: list[str | Path] = ["-v", "error", *before, "-filter_complex", graph]
        maps = ["-map", "[v]"]
        if sound:
            args[-1] = f"{graph};{SOUNDS[sound].format(d=sum(lengths))}[a]"
            maps += ["-map", "[a]", *audio]
        part = self._part(out)
        ffmpeg(*args, *maps, *video, *after, part)
        part.rename(out)
        return out

    def derived(self, source: Path, *args: str, suffix: str = "mp4") -> Path:
        """Another file made from `source` with output options `args`."""
        key = json.dumps([source.name, args, suffix])
        out = self.folder / f"{hashlib.sha1(key.encode()).hexdigest()[:12]}.{suffix}"
        if not out.exists():
            part = self._part(out)
            ffmpeg("-v", "error", "-i", source, *args, part)
            part.rename(out)
        return out


def cuts(seconds: Sequence[float]) -> list[float]:
    """Times of the cuts between scenes of these lengths."""
    times, at = [], 0.0
    for length in seconds[:-1]:
        at += length
        times.append(at)
    return times
