"""The installed command, for clients from other packages: its path, a clean environment, a server over HTTP."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from nemo_server import NemoServer

LIMIT_S = 90
"""Generous: a loaded machine starts a server slowly."""
CLIP = b"\0\0\0\x18ftypmp42" + b"moov" * 400


def command() -> str:
    """The command beside this interpreter, as `pip install` put it there."""
    found = shutil.which("game-music-maker", path=str(Path(sys.executable).parent))
    assert found, "install the package first: pip install -e ."
    return found


def environment(home: Path, **extra: str) -> dict[str, str]:
    """This process's environment with a home of its own and without any of the product's settings."""
    ours = ("NEMO_", "GAME_MUSIC_MAKER_", "XDG_DATA_HOME", "LOCALAPPDATA")
    keep = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**keep, "HOME": str(home), **extra}


def behind(nemo: NemoServer, home: Path, **extra: str) -> dict[str, str]:
    """The environment of a server whose backend is `nemo`, and which does not wait long for it."""
    return environment(
        home,
        NEMO_API_URL=nemo.url,
        NEMO_TOKEN=nemo.token,
        GAME_MUSIC_MAKER_POLL_SECONDS="0.02",
        GAME_MUSIC_MAKER_RECOVERY_SECONDS="0.02",
        GAME_MUSIC_MAKER_ALLOWED_DIRS=str(home),
        GAME_MUSIC_MAKER_OUTPUT_DIR=str(home),
        **extra,
    )


@contextlib.contextmanager
def serving(environ: dict[str, str]) -> Iterator[str]:
    """``serve --http`` on a free loopback port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [command(), "serve", "--http", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL, env=environ
    )
    try:
        while True:
            assert process.poll() is None, "the server ended at once"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=LIMIT_S)
