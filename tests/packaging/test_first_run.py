"""The first run on a machine that makes it hard: fresh home, odd folder names, read-only working folder, no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[2]

CUT_OFF = '''
"""Loaded by every Python process of the run: only loopback can be reached, and whoever tries more is written down."""
import os, socket

def _refuse(what):
    with open(os.environ["TRIED_FILE"], "a", encoding="utf-8") as file:
        file.write(f"{what}\\n")
    raise OSError(101, "Network is unreachable")

def _outside(host):
    return not (host in (None, "", "localhost", "::1") or str(host).startswith("127."))

_connect, _resolve = socket.socket.connect, socket.getaddrinfo

def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and _outside(address[0]):
        _refuse(address)
    return _connect(self, address)

def getaddrinfo(host, *args, **kwargs):
    if _outside(host.decode() if isinstance(host, bytes) else host):
        _refuse(host)
    return _resolve(host, *args, **kwargs)

socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
'''


def _unwritable(folder: Path) -> Path:
    """A folder that takes no file; root may write anywhere but into the kernel's own."""
    folder.mkdir()
    folder.chmod(0o555)
    return folder if not os.access(folder, os.W_OK) else Path("/proc")


def _clip(path: Path) -> Path:
    """Three seconds of picture without sound."""
    picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=3", "-pix_fmt", "yuv420p"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *picture, str(path)], check=True, timeout=60)
    return path


def test_a_clip_is_scored_offline_from_a_fresh_home_and_a_read_only_folder(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    switch.mkdir()
    (switch / "sitecustomize.py").write_text(CUT_OFF, encoding="utf-8")
    home = tmp_path / "Zuhause mit Leerzeichen 家"
    home.mkdir()
    tried = tmp_path / "tried"
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("NEMO_", "GAME_MUSIC_MAKER_", "XDG_"))}
    environment = {
        **keep,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "LOCALAPPDATA": str(home),
        "PYTHONPATH": os.pathsep.join([str(switch), str(ROOT / "server")]),
        "TRIED_FILE": str(tried),
        "PYTHONIOENCODING": "cp1252",  # a pipe on Windows
    }
    clip = _clip(home / "片段 clip.mp4")
    output = home / "Videos" / "game-music-maker" / "片段 clip-scored.mp4"
    command = [sys.executable, "-m", "game_music_maker", "score"]
    done = subprocess.run(
        [*command, str(clip), "-p", "calm fantasy music", "--json"],
        cwd=_unwritable(tmp_path / "read only"),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert Path(answer["path"]) == output, "the folder for exports, where the working folder takes no file"
    assert output.stat().st_size > 10_000
    assert not tried.exists(), f"the network was asked for: {tried.read_text()}"


def test_the_switch_of_the_test_above_cuts(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(CUT_OFF, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "TRIED_FILE": str(tmp_path / "tried")}
    script = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60)
    assert done.returncode != 0
    assert "192.0.2.1" in (tmp_path / "tried").read_text(encoding="utf-8")
