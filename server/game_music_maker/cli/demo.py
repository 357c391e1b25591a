"""``demo``: the main job on footage that it makes itself."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import RenderFailed
from .output import Output
from .score import add_wishes, score

PROMPT = "generate looping fantasy background music that matches the pace of this dungeon exploration scene"
_NAME = "game-music-demo"
_FOOTAGE = 0.2
"""Share of the whole wait that the footage takes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_wishes(parser, prompt=PROMPT)


def run(args: argparse.Namespace) -> int:
    output = Output(as_json=args.json, quiet=args.quiet)
    with tempfile.TemporaryDirectory(prefix=f"{_NAME}-") as folder:
        clip = Path(folder) / f"{_NAME}.mp4"
        output.part(0.0, _FOOTAGE)
        output.progress(0.0, "making footage")
        make_footage(clip, lambda share: output.progress(share, "making footage"))
        output.part(_FOOTAGE, 1.0)
        return score(args, [str(clip)], output, _NAME)


def make_footage(clip: Path, tell: Callable[[float], None]) -> None:
    """Write the demonstration clip (24 s, six scenes, sound). `tell` gets the share done.

    Raises:
        RenderFailed: it could not be made.
    """
    command = [sys.executable, "-m", "game_music_maker.studio.picture.demo", str(clip)]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log) as child,
    ):
        assert child.stdout is not None
        for line in child.stdout:
            tell(float(line))
        if child.wait() != 0:
            log.seek(0)
            said = log.read().decode("utf-8", "replace").strip().splitlines()
            words = said[-1] if said else "The demonstration footage could not be made."
            raise RenderFailed(words, next="Run `game-music-maker doctor`, or use a clip of your own with `score`.")
