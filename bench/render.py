"""How fast pictures are looked at and rendered, as multiples of what FFmpeg alone needs for the like, in
the same run.

    python bench/render.py [--seconds 90] [--rates 30 60] [--folder DIR] [--long 1200] [--moviepy PYTHON]

Prints one row for each job: seconds of ours and of FFmpeg, the ratio with its limit, and the peak memory of
all processes of the job. Ours is timed in a process that has its imports done, as a warm worker has. With
`--moviepy`, the same jobs as MoviePy 2 does them, with the same encoder settings, in a Python that has it (the extra
``bench``; `--moviepy python` for this one); its look is `detect_scenes`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from processes import Peak

SOURCES = (
    "testsrc2=s=480x270:r={r}", "mandelbrot=s=480x270:r={r}:end_pts=400",
    "life=s=160x90:r={r}:mold=10:ratio=0.2,scale=480:270",
    "gradients=s=480x270:r={r}:speed=0.02:seed=2", "cellauto=s=160x90:r={r}:rule=110,scale=480:270:flags=neighbor",
    "smptehdbars=s=480x270:r={r}", "gradients=s=480x270:r={r}:c0=0xff7000:c1=0x401060:n=2:seed=5",
)  # fmt: skip
LENGTHS = (4.2, 3.1, 5.6, 2.4, 6.0, 3.7, 2.9)
SOUND = (
    "aevalsrc='0.6*(random(0)-0.5)*lt(mod(t,2.3),0.5)*exp(-4*mod(t,2.3))+0.1*sin(2*PI*110*t)"
    "|0.6*(random(1)-0.5)*lt(mod(t,2.3),0.5)*exp(-4*mod(t,2.3))+0.1*sin(2*PI*112*t)':s=48000:d={d},lowpass=f=5000"
)
"""Blows every 2.3 s over a hum; of explosions and shots, too, little is left above some kHz."""
LIMITS = {"music": 1.3, "title": 0.15, "crop": 1.1, "look": 0.2}


def processor_seconds() -> float:
    """Processor time of this process and of those that it started and waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def ffmpeg(*args: str | Path) -> None:
    from game_music_maker.studio.picture import ffmpeg as door

    door.run([str(arg) for arg in args], timeout_s=7200)


def footage(folder: Path, rate: int, seconds: float, megabits: float = 8.0) -> Path:
    """A 1080p clip with a cut every 2–6 s, H.264 as recorders write it (groups of at most 250 frames)."""
    out = folder / f"clip-{rate}-{seconds:g}-{megabits:g}.mp4"
    if out.exists():
        return out
    chains, at, i = [], 0.0, 0
    while at < seconds:
        length = min(LENGTHS[i % len(LENGTHS)], seconds - at)
        source = SOURCES[i % len(SOURCES)].format(r=rate)
        chains.append(f"{source},trim=0:{length},setpts=PTS-STARTPTS,setsar=1,format=yuv420p[v{i}]")
        at, i = at + length, i + 1
    finish = "scale=1920:1080:flags=bilinear,noise=alls=2:allf=t[v]"
    joined = "".join(f"[v{k}]" for k in range(i)) + f"concat=n={i}:v=1:a=0,{finish}"
    graph = ";".join([*chains, joined, f"{SOUND.format(d=seconds)}[a]"])
    part = out.with_suffix(".part.mp4")
    size = ["-b:v", f"{megabits}M", "-maxrate", f"{1.5 * megabits}M", "-bufsize", f"{2 * megabits}M"]
    coding = ["-c:v", "libx264", "-preset", "superfast", *size, "-c:a", "aac", "-b:a", "192k"]
    ffmpeg("-filter_complex", graph, "-map", "[v]", "-map", "[a]", *coding, part)
    part.rename(out)
    return out


def music(folder: Path, seconds: float) -> Path:
    """A score's mix: 48 kHz stereo float WAV, composed for a minute and a half and repeated."""
    made, out = folder / "score", folder / f"music-{seconds:g}.wav"
    if not made.exists():
        from game_music_maker.studio import scoring
        from game_music_maker.studio.footage import VideoMap
        from game_music_maker.studio.sound.bank import Bank

        words = {"text": "heroic fantasy battle music, 90 seconds", "given": {"seed": 1}}
        what = {**words, "video": VideoMap(fps=0, duration=0).model_dump(mode="json"), "folder": str(made)}
        scoring.make(lambda: Bank.open(None), what, lambda share, stage: None)
    if not out.exists():
        ffmpeg("-stream_loop", "-1", "-i", made / "mix.wav", "-t", f"{seconds:g}", "-c:a", "pcm_f32le", out)
    return out


def job(name: str, clip: Path, score: Path, work: Path) -> dict[str, object]:
    """Do one of our jobs, imports and probe not counted: its seconds, stages and notes."""
    from game_music_maker.contract.render import RenderOutput
    from game_music_maker.studio.footage import Asset
    from game_music_maker.studio.picture.analyse import analyse
    from game_music_maker.studio.picture.encode import render
    from game_music_maker.studio.picture.probe import probe
    from game_music_maker.studio.picture.quick import quick_look  # noqa: F401
    from game_music_maker.studio.timeline import Clip, StudioTrack, Timeline

    info = probe(clip)
    began, used = time.perf_counter(), processor_seconds()

    def answer(stages: dict[str, float], notes: list[str]) -> dict[str, object]:
        spent = {"seconds": time.perf_counter() - began, "processor": processor_seconds() - used}
        return {**spent, "stages": stages, "notes": notes}

    if name in ("look", "accurate"):
        found = analyse(clip, info, accurate=name == "accurate")
        return answer({}, [*found.notes, f"{len(found.cuts)} events"])
    whole = info.duration_s * 1000
    tracks = [
        StudioTrack(type=0, segments=(Clip(asset="c", duration_ms=whole),)),
        StudioTrack(type=1, segments=(Clip(asset="m", duration_ms=whole, role="score", duck_db=8, volume=0.6),)),
    ]
    if name == "title":
        words = Clip(start_ms=whole * 0.4, duration_ms=3000, text="Level 1 第一关", position="top")
        tracks.append(StudioTrack(type=7, segments=(words,)))
    meta = {"width": 1080, "height": 1920, "fit": "crop"} if name == "crop" else {}
    assets = {
        "c": Asset(id="c", path=str(clip), name="clip", info=info),
        "m": Asset(id="m", path=str(score), name="score", kind="score"),
    }
    done = render(Timeline(tracks=tuple(tracks), meta=meta), assets, RenderOutput(), work)
    return answer(done.stages, list(done.notes))


def references(clip: Path, score: Path, work: Path) -> dict[str, Callable[[], None]]:
    """What FFmpeg alone does for the like; of the music: mix it under the clip's sound, encode that, copy the picture
    (how long AAC takes depends on what is encoded)."""
    encoder = ["-c:v", "libx264", "-preset", "faster", "-crf", "18", "-profile:v", "high", "-pix_fmt", "yuv420p"]
    sound = ["-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"]
    under = "[1:a]volume=0.6[m];[0:a][m]amix=inputs=2:duration=first:normalize=0[a]"
    mixed = ["-i", score, "-filter_complex", under, "-map", "0:v", "-map", "[a]"]
    crop = "crop=608:1080,scale=1080:1920,setsar=1"
    out = work / "reference.mp4"
    return {
        "music": lambda: ffmpeg("-i", clip, *mixed, "-c:v", "copy", *sound, out),
        "title": lambda: ffmpeg("-i", clip, *encoder, *sound, out),
        "crop": lambda: ffmpeg("-i", clip, "-vf", crop, *encoder, *sound, out),
        "look": lambda: ffmpeg("-i", clip, "-map", "0:v", "-f", "null", "-"),
    }


def moviepy_job(name: str, clip: str, score: str, work: str) -> None:
    """One of the jobs as MoviePy does it, imports not counted: prints its seconds."""
    from moviepy import AudioFileClip, CompositeAudioClip, CompositeVideoClip, TextClip, VideoFileClip
    from moviepy.video.tools.cuts import detect_scenes

    began = time.perf_counter()
    video = VideoFileClip(clip)
    if name == "look":
        detect_scenes(video, logger=None)
    else:
        sound = CompositeAudioClip([video.audio, AudioFileClip(score).with_volume_scaled(0.6)])
        picture = video
        if name == "title":
            words = TextClip(text="Level 1", font_size=86, color="white", stroke_color="black", stroke_width=6)
            words = words.with_start(video.duration * 0.4).with_duration(3).with_position(("center", 65))
            picture = CompositeVideoClip([video, words])
        elif name == "crop":
            picture = video.cropped(x1=656, width=608).resized((1080, 1920))
        encoder = {"codec": "libx264", "preset": "faster", "audio_codec": "aac", "audio_bitrate": "192k", "threads": 2}
        more = ["-crf", "18", "-movflags", "+faststart"]
        encoder["temp_audiofile_path"] = work
        out = str(Path(work) / "moviepy.mp4")
        picture.with_audio(sound).write_videofile(out, **encoder, ffmpeg_params=more, logger=None)
    print(json.dumps({"seconds": time.perf_counter() - began}))


def measured(name: str, clip: Path, score: Path, python: str = sys.executable, kind: str = "job") -> dict[str, object]:
    """One job in a process of its own, ours or MoviePy's (`kind` ``moviepy-job``), with the peak memory of its tree."""
    with tempfile.TemporaryDirectory(dir=clip.parent) as work:
        command = [python, __file__, f"--{kind}", name, str(clip), str(score), work]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        peak = Peak(process.pid, every_s=0.03)
        out, _ = process.communicate()
        weight = peak.stop()
    if process.returncode:
        raise SystemExit(f"{name} failed")
    found: dict[str, object] = json.loads(out.splitlines()[-1])
    return {**found, "peak_mb": weight}


def compare(name: str, clip: Path, score: Path, label: str) -> None:
    """Print the row of one job: the reference first, then ours."""
    with tempfile.TemporaryDirectory(dir=clip.parent) as work:
        began, used = time.perf_counter(), processor_seconds()
        references(clip, score, Path(work))[name]()
        reference, spent = time.perf_counter() - began, processor_seconds() - used
    ours = measured(name, clip, score)
    wall, processor = float(str(ours["seconds"])), float(str(ours["processor"]))
    held = "ok" if wall / reference <= LIMITS[name] else "OVER"
    print(
        f"{label:9} {name:6} ours {wall:7.2f} s  FFmpeg {reference:7.2f} s  ratio {wall / reference:5.3f} "
        f"(limit {LIMITS[name]}) {held:4}  processor {processor:6.1f} / {spent:6.1f} s = {processor / spent:5.3f}  "
        f"peak {ours['peak_mb']:.0f} MB  {ours['stages']} {ours['notes']}",
        flush=True,
    )


def side_by_side(name: str, clip: Path, score: Path, label: str, python: str) -> None:
    """Print the row of MoviePy beside ours."""
    ours, theirs = measured(name, clip, score), measured(name, clip, score, python, "moviepy-job")
    times = f"ours {ours['seconds']:7.2f} s  MoviePy {theirs['seconds']:7.2f} s"
    ratio = float(str(theirs["seconds"])) / float(str(ours["seconds"]))
    print(f"{label:9} {name:6} {times}  {ratio:6.1f} × as fast", flush=True)
    print(f"{'':16} peak {ours['peak_mb']:4.0f} MB  MoviePy {theirs['peak_mb']:4.0f} MB", flush=True)


def memory(name: str, clip: Path, score: Path, label: str) -> None:
    """Print peak memory alone."""
    ours = measured(name, clip, score)
    print(f"{label:12} {name:9} ours {ours['seconds']:7.2f} s   peak {ours['peak_mb']:4.0f} MB (limit 600)", flush=True)


def lengthened(clip: Path, seconds: float) -> Path:
    """The clip over and over, packets copied."""
    out = clip.with_name(f"{clip.stem}-long-{seconds:g}.mp4")
    if not out.exists():
        ffmpeg("-stream_loop", "-1", "-i", clip, "-t", f"{seconds:g}", "-c", "copy", out)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--rates", type=int, nargs="*", default=[30, 60])
    parser.add_argument("--jobs", nargs="*", default=list(LIMITS))
    parser.add_argument("--long", type=float, default=1200)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--moviepy", metavar="PYTHON")
    parser.add_argument("--job", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--moviepy-job", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.moviepy_job:
        moviepy_job(*given.moviepy_job)
        return
    if given.job:
        name, clip, score, work = given.job
        print(json.dumps(job(name, Path(clip), Path(score), Path(work))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for rate in given.rates:
            clip, score = footage(folder, rate, given.seconds), music(folder, given.seconds)
            for name in given.jobs:
                compare(name, clip, score, f"1080p{rate}")
            for name in given.jobs if given.moviepy else ():
                side_by_side(name, clip, score, f"1080p{rate}", given.moviepy)
        for seconds in (10.0, given.long) if given.long else ():
            # 20 minutes have to stay under the 500 MB that an upload may have.
            clip = lengthened(footage(folder, 30, 30.0, 2.5), seconds)
            for name in ("music", "title", "look"):
                memory(name, clip, music(folder, seconds), f"{seconds:g} s")


if __name__ == "__main__":
    main()
