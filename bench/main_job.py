"""The main job against FFmpeg itself: wall time as a multiple of remux + AAC encode of the same clip, in the same run.

    python bench/main_job.py [--seconds 90] [--rounds 3] [--rate 30] [--sound rich|plain]

Makes a 1080p clip once (kept in the temporary folder), then in turns: FFmpeg copies its picture and encodes its sound
as AAC; `game-music-maker score` scores it, start of Python included. How long AAC takes depends on the sound: `rich` is
what games sound like, music with blows and bursts of noise; `plain` is a bare beat, for which FFmpeg needs half the
time, and we as much as ever. Prints JSON: seconds, ratio, the same of processor
time, stages, peak memory of all processes in sum (Linux), and what the result is. Both limits of the main job are
printed beside what was measured; the exit status says whether they held.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from processes import Peak, proportional_mb

PROMPT = "generate looping fantasy background music that matches the pace of this dungeon exploration scene"
LIMITS = {"ratio": 5.0, "peak_mb": 700}
SCENES = (
    "gradients=s=1920x1080:r={r}:c0=0x101820:c1=0x3b1d5e:n=2:speed=0.02:seed=1",
    "life=s=192x108:r=10:mold=10:ratio=0.3:death_color=#402010:life_color=#60c0ff:seed=2,fps={r},scale=1920:1080:flags=neighbor",
    "gradients=s=1920x1080:r={r}:c0=0x7a1f1f:c1=0xf2a541:n=3:type=spiral:speed=0.05:seed=3",
    "cellauto=s=192x108:r=15:rule=110:seed=4,fps={r},scale=1920:1080:flags=neighbor",
)
SOUNDS = {
    "plain": (
        "aevalsrc='0.2*sin(2*PI*90*t)*exp(-18*mod(t,0.55))+0.05*(random(0)-0.5)"
        "|0.2*sin(2*PI*92*t)*exp(-18*mod(t,0.55))':s=48000"
    ),
    "rich": (
        "aevalsrc='0.12*sin(2*PI*220*t)*(0.6+0.4*sin(t))+0.1*sin(2*PI*277.2*t+sin(5*t))+0.08*sin(2*PI*329.6*t)"
        "+0.25*sin(2*PI*55*t)*exp(-8*mod(t,0.5))+0.5*(random(0)-0.5)*exp(-6*mod(t,3.7))"
        "+0.3*(random(2)-0.5)*lt(mod(t,7.1),0.4)"
        "|0.12*sin(2*PI*221*t)*(0.6+0.4*sin(t+1))+0.1*sin(2*PI*277.6*t+sin(5*t))+0.08*sin(2*PI*330*t)"
        "+0.25*sin(2*PI*55*t)*exp(-8*mod(t,0.5))+0.5*(random(1)-0.5)*exp(-6*mod(t,3.7))"
        "+0.3*(random(3)-0.5)*lt(mod(t,7.1),0.4)':s=48000"
    ),
}


def ffmpeg(*args: str) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *args], check=True)


def make_clip(seconds: int, rate: int, sound: str) -> Path:
    """A 1080p clip with a hard cut every 5 to 8 seconds and sound; made once."""
    name = f"{seconds}s" + ("" if rate == 30 else f"-{rate}fps") + ("" if sound == "plain" else f"-{sound}")
    path = Path(tempfile.gettempdir()) / f"game-music-maker-bench-{name}.mp4"
    if path.exists():
        return path
    lengths = (7.5, 5.0, 8.0, 6.0)
    cycle = sum(lengths)
    chains = [
        f"{source.format(r=rate)},trim=0:{length},setsar=1,format=yuv420p[s{n}]"
        for n, (source, length) in enumerate(zip(SCENES, lengths, strict=True))
    ]
    graph = ";".join([*chains, "".join(f"[s{n}]" for n in range(4)) + f"concat=n=4,loop=-1:{int(cycle * rate)}[v]"])
    part = path.with_suffix(".part.mp4")
    coding = ["-c:v", "libx264", "-preset", "superfast", "-crf", "30", "-g", "90", "-c:a", "aac", "-b:a", "160k"]
    ffmpeg(
        "-filter_complex", graph, "-f", "lavfi", "-i", SOUNDS[sound], "-map", "[v]", "-map", "0:a",
        "-t", str(seconds), "-r", str(rate), *coding, str(part),
    )  # fmt: skip
    part.replace(path)
    return path


def processor_seconds() -> float:
    """Processor time of all processes that were started here and have ended."""
    used = os.times()
    return used.children_user + used.children_system


def score(clip: Path, folder: Path, number: int, *, weigh: bool = False) -> dict[str, Any]:
    """One run of the command. Its memory is weighed in a run of its own: reading it ten times a second costs time."""
    out = folder / f"out-{number}.mp4"
    command = [sys.executable, "-m", "game_music_maker", "score", str(clip), "-p", PROMPT, "-o", str(out), "--json"]
    environment = {**os.environ, "GAME_MUSIC_MAKER_HOME": str(folder / f"home-{number}")}
    began, used = time.perf_counter(), processor_seconds()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    memory = Peak(process.pid, proportional_mb) if weigh else None
    said = process.communicate()[0]
    spent = time.perf_counter() - began
    peak = memory.stop() if memory else 0.0
    answer = json.loads(said)
    if process.returncode != 0:
        raise SystemExit(f"score failed: {answer}")
    return {"seconds": spent, "processor": processor_seconds() - used, "peak_mb": peak, "answer": answer}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=30, help="frames a second of the clip")
    parser.add_argument("--sound", choices=sorted(SOUNDS), default="rich")
    args = parser.parse_args()
    clip = make_clip(args.seconds, args.rate, args.sound)
    references, costs, runs = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(args.rounds):
            began, used = time.perf_counter(), processor_seconds()
            ffmpeg(
                "-i", str(clip), "-c:v", "copy", "-c:a", "aac", "-b:a", "192k", str(folder / f"reference-{number}.mp4")
            )
            references.append(time.perf_counter() - began)
            costs.append(processor_seconds() - used)
            runs.append(score(clip, folder, number))
        weighed = score(clip, folder, args.rounds, weigh=True)
    seconds, reference = statistics.median(run["seconds"] for run in runs), statistics.median(references)
    processor, cost = statistics.median(run["processor"] for run in runs), statistics.median(costs)
    answer = runs[-1]["answer"]
    found = {
        "clip": clip.name,
        "score_s": round(seconds, 2),
        "reference_s": round(reference, 2),
        "ratio": round(seconds / reference, 2),
        "best_ratio": round(min(run["seconds"] for run in runs) / min(references), 2),
        "processor_s": round(processor, 2),
        "reference_processor_s": round(cost, 2),
        "stages_s": answer.get("timings"),
        "render_s": answer.get("stages"),
        "peak_mb": round(weighed["peak_mb"]),
        "limits": LIMITS,
        "result": {key: answer.get(key) for key in ("duration_s", "size_bytes", "loudness")},
    }
    print(json.dumps(found, indent=1))
    return int(any(found[key] > limit for key, limit in LIMITS.items()))


if __name__ == "__main__":
    raise SystemExit(main())
