"""``studio``: the embedded studio in the foreground, with its web page."""

from __future__ import annotations

import argparse
import subprocess
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")


def run(args: argparse.Namespace) -> int:
    command = [
        sys.executable,
        "-m",
        "game_music_maker.studio",
        "--host",
        args.host,
        "--port",
        str(args.port),
        "--foreground",
    ]
    # The studio ends with its standard input: nothing of it outlives this process, however that ends.
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            raise
