"""Footage for a first look, made by FFmpeg's own sources: six scenes with hard cuts, footsteps and a low
wind.

Run as a process: ``python -m game_music_maker.studio.picture.demo OUT.mp4``. Ends with status 1 and one
line on stderr where it fails.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ...errors import MusicMakerError
from . import ffmpeg

SCENES: tuple[tuple[float, str, str], ...] = (
    (4.6, "gradients=s=640x360:r=30:c0=0x0b1026:c1=0x3b1d5e:c2=0x0f4c5c:n=3:speed=0.02:seed=3",
     "noise=alls=5:allf=t,vignette"),
    (3.8, "life=s=96x54:r=8:mold=12:ratio=0.3:death_color=#1b2a49:life_color=#ffcf56:mold_color=#5b2333:seed=7",
     "fps=30,scale=960:540:flags=neighbor,vignette"),
    (4.4, "mandelbrot=s=320x180:r=30:start_scale=0.4:end_scale=0.002:end_pts=150:maxiter=100:"
          "start_x=-0.743643:start_y=-0.131825", "hue=h=150:s=0.8,eq=contrast=1.1:brightness=-0.06,vignette"),
    (3.2, "gradients=s=640x360:r=30:c0=0x7a1f1f:c1=0xf2a541:c2=0x2b0f0f:n=3:type=spiral:speed=0.08:seed=9",
     "vignette"),
    (3.8, "cellauto=s=160x90:r=30:rule=110:seed=5", "colorchannelmixer=.15:0:0:0:.6:0:0:0:.5:0:0:0,"
          "scale=960:540:flags=neighbor,vignette"),
    (4.2, "gradients=s=640x360:r=30:c0=0x1d3461:c1=0xf7b267:c2=0xf4845f:n=3:type=linear:speed=0.015:seed=11",
     "vignette"),
)  # fmt: skip
"""Seconds, source and filters of each scene."""
_WIND = "anoisesrc=c=brown:a=0.12:r=48000:seed=4"
_STEPS = (
    "aevalsrc='0.22*sin(2*PI*90*t)*exp(-18*mod(t,0.55))+0.12*(random(0)-0.5)*exp(-40*mod(t,0.55))"
    "|0.22*sin(2*PI*92*t)*exp(-18*mod(t,0.55))+0.12*(random(1)-0.5)*exp(-40*mod(t,0.55))':s=48000"
)


def arguments(output: Path) -> list[str]:
    """FFmpeg's arguments for the whole clip: 1280×720, 30 frames a second, 24 s, stereo sound."""
    sources = [*(source for _, source, _ in SCENES), _WIND, _STEPS]
    chains = [
        f"[{place}]trim=0:{seconds},{filters},scale=1280:720:flags=bilinear,setsar=1,format=yuv420p[s{place}]"
        for place, (seconds, _, filters) in enumerate(SCENES)
    ]
    joined = "".join(f"[s{place}]" for place in range(len(SCENES)))
    sound = f"[{len(SCENES)}][{len(SCENES) + 1}]amix=2:normalize=0,lowpass=6000[sound]"
    graph = ";".join([*chains, f"{joined}concat=n={len(SCENES)}[picture]", sound])
    inputs = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
    length = sum(seconds for seconds, _, _ in SCENES)
    coding = ["-c:v", "libx264", "-preset", "superfast", "-crf", "23", "-g", "60", "-c:a", "aac", "-b:a", "160k"]
    ends = ["-r", "30", "-t", f"{length:.3f}", *coding, "-movflags", "+faststart", f"file:{output}"]
    return [*inputs, "-filter_complex", graph, "-map", "[picture]", "-map", "[sound]", *ends]


def main(argv: list[str]) -> int:
    """Make the clip at the path in `argv`; its share done goes to stdout, a line each time."""
    whole = sum(seconds for seconds, _, _ in SCENES)

    def tell(done_s: float) -> None:
        sys.stdout.write(f"{min(1.0, done_s / whole):.3f}\n")
        sys.stdout.flush()

    saying = "The demonstration footage could not be made"
    try:
        ffmpeg.run(arguments(Path(argv[0])), progress=tell, timeout_s=180, saying=saying)
    except MusicMakerError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
