"""``demo``: the main job on footage that it makes itself."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from ..errors import RenderFailed
from .output import Output
from .score import add_wishes, score

PROMPT = "generate looping fantasy background music that matches the pace of this dungeon exploration scene"
_NAME = "game-music-demo"
_LIMIT_S = 180


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_wishes(parser, prompt=PROMPT)


def run(args: argparse.Namespace) -> int:
    output = Output(as_json=args.json, quiet=args.quiet)
    with tempfile.TemporaryDirectory(prefix=f"{_NAME}-") as folder:
        clip = Path(folder) / f"{_NAME}.mp4"
        output.progress(0.01, "making footage")
        make_footage(clip)
        return score(args, [str(clip)], output, _NAME)


def make_footage(clip: Path) -> None:
    """Write the demonstration clip (24 s, six scenes, sound).

    Raises:
        RenderFailed: it could not be made.
    """
    command = [sys.executable, "-m", "game_music_maker.studio.picture.demo", str(clip)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=_LIMIT_S)
    if done.returncode != 0:
        words = (done.stderr.strip().splitlines() or ["The demonstration footage could not be made."])[-1]
        raise RenderFailed(words, next="Run `game-music-maker doctor`, or use a clip of your own with `score`.")
