"""A batch under kills: many short clips, the process killed at random again and again, and what is there at the end.

    python bench/batch.py [--clips 100] [--kills 10] [--workers 2] [--engine local|ray] [--seed 1] [--folder DIR]

Makes the clips, starts the installed `batch` command on them with the embedded studio, kills it (SIGKILL) at times that
the seed chooses, over the whole batch, then lets it end. Afterwards every output is decoded
from end to end. Prints JSON; the exit status is 0 where each clip has one whole output, none was made again after it
was done, nothing half-written lies about and no process was left behind by any kill (Linux).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from processes import Process, descendants, living

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SECONDS = 3
LEFT_LIMIT_S = 5.0


def make_clips(folder: Path, count: int) -> Path:
    """`count` clips of a few seconds, each of its own colour with one cut, and the list of jobs."""
    rows = []
    for number in range(count):
        name = f"clip{number:03d}.mp4"
        colours = f"0x{(number * 40503) % 0xFFFFFF:06x}", f"0x{(number * 65599 + 77) % 0xFFFFFF:06x}"
        parts = [f"color={colour}:s=320x180:r=24:d={SECONDS / 2}" for colour in colours]
        command = [FFMPEG, "-v", "error", "-y"]
        for part in parts:
            command += ["-f", "lavfi", "-i", part]
        command += ["-filter_complex", "concat=n=2:v=1:a=0", "-pix_fmt", "yuv420p", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        rows.append({"clip": name, "prompt": ("calm harp", "epic battle", "chiptune")[number % 3], "seed": number})
    jobs = folder / "jobs.jsonl"
    jobs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return jobs


def ours(table: dict[Process, str]) -> set[Process]:
    """Without the two helpers by which a Ray node is watched, which find out by themselves, within a minute, that their
    node was killed."""
    return {one for one, name in table.items() if not name.startswith(("ray::DashboardA", "ray::RuntimeEnv"))}


def left_after_kill(children: set[Process]) -> tuple[float, set[Process]]:
    """Seconds until none of `children` is left, and those that are after the limit."""
    began = time.monotonic()
    while (left := children & living().keys()) and time.monotonic() - began < LEFT_LIMIT_S:
        time.sleep(0.05)
    return time.monotonic() - began, left


def events(ledger: Path) -> list[dict[str, Any]]:
    found = []
    for line in ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # a line that a kill cut off
    return found


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def decodes(path: Path) -> str:
    """'' where the whole file decodes; what the decoder says where it does not."""
    command = [FFMPEG, "-v", "error", "-xerror", "-i", str(path), "-map", "0", "-f", "null", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stderr.strip() or ("" if done.returncode == 0 else f"status {done.returncode}")


class Run:
    """One batch in one folder, started as often as it is killed."""

    def __init__(self, folder: Path, args: argparse.Namespace) -> None:
        self.out, self.home = folder / "out", folder / "home"
        self.jobs = make_clips(folder, args.clips)
        self._apart = max(1, 3 * args.clips // (2 * (args.kills + 1)))
        self.ledger = self.out / ".jobs.ledger.jsonl"
        self._command = [
            sys.executable, "-m", "game_music_maker", "batch", str(self.jobs), "-o", str(self.out), "--json",
            "--workers", str(args.workers), "--engine", args.engine, "--backend", "local",
        ]  # fmt: skip

    def start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "GAME_MUSIC_MAKER_HOME": str(self.home)}
        return subprocess.Popen(self._command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def kill_once(self, chance: random.Random) -> dict[str, Any] | None:
        """Start, wait for some more clips to be done (or one to be begun) and then a moment, kill; None where it ended
        before that."""
        begun, more = len(events(self.ledger)), len(self.done()) + chance.randrange(self._apart)
        process = self.start()
        while process.poll() is None and (len(events(self.ledger)) <= begun or len(self.done()) < more):
            time.sleep(0.05)
        end = time.monotonic() + chance.uniform(0.0, 4.0)
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        if process.poll() is not None:
            process.communicate()
            return None
        children = ours(descendants(process.pid))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        seconds, left = left_after_kill(children)
        return {
            "done": len(self.done()), "children": len(children), "children_gone_s": round(seconds, 2),
            "children_left": len(left),
        }  # fmt: skip

    def done(self) -> dict[str, str]:
        """Path → SHA-256 of what the ledger says is done."""
        return {event["path"]: event["sha256"] for event in events(self.ledger) if event["event"] == "done"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="work here and keep it (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(args.folder or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        return judge(Run(folder, args), args)


def judge(run: Run, args: argparse.Namespace) -> int:
    began, chance = time.monotonic(), random.Random(args.seed)
    kills: list[dict[str, Any]] = []
    while len(kills) < args.kills and (kill := run.kill_once(chance)) is not None:
        kills.append(kill)
        print(f"kill {len(kills)}: {kill}", file=sys.stderr, flush=True)
    process = run.start()
    report, errors = process.communicate()
    outputs = sorted(run.out.glob("*.mp4"))
    counted: dict[str, int] = {}
    for event in events(run.ledger):
        if event["event"] == "done":
            counted[event["key"]] = counted.get(event["key"], 0) + 1
    wrong = {path.name: words for path in outputs if (words := decodes(path))}
    done = run.done()
    found = {
        "clips": args.clips, "workers": args.workers, "engine": args.engine, "seed": args.seed,
        "kills": len(kills), "done_at_each_kill": [kill["done"] for kill in kills],
        "slowest_end_of_children_s": max((kill["children_gone_s"] for kill in kills), default=0.0),
        "children_left": sum(kill["children_left"] for kill in kills),
        "outputs": len(outputs), "outputs_that_do_not_decode": wrong,
        "not_as_in_the_ledger": [path.name for path in outputs if done.get(str(path)) != digest(path)],
        "done_more_than_once": sum(count > 1 for count in counted.values()),
        "half_written_left": [path.name for path in run.out.rglob("*.part")],
        "last_status": process.returncode, "last_message": json.loads(report or b"{}").get("message"),
        "last_errors": errors.decode().strip()[-400:], "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    whole = (
        len(outputs) == args.clips and process.returncode == 0 and len(kills) == args.kills
        and not any(found[name] for name in ("outputs_that_do_not_decode", "not_as_in_the_ledger",
                                             "done_more_than_once", "half_written_left", "children_left"))
    )  # fmt: skip
    return 0 if whole else 1


if __name__ == "__main__":
    raise SystemExit(main())
