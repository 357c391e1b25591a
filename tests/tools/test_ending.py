"""How the server ends while an encoder works for it: within seconds, leaving no process behind, and nothing lost."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from media import Media
from processes import Process, descendants
from tools.test_process import GRACE_S, Server

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the process table of Linux")

def alive(one: Process) -> bool:
    try:
        fields = Path(f"/proc/{one[0]}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] != "Z" and fields[19] == one[1]


def tool(server: Server, name: str, **arguments: Any) -> dict[str, Any]:
    found = server.ask(os.urandom(3)[0] + 10, "tools/call", {"name": name, "arguments": arguments})["result"]
    assert not found.get("isError"), found
    answer: dict[str, Any] = found["structuredContent"]
    return answer


def until_it_encodes(server: Server) -> set[Process]:
    """Everything that runs below the server, once an encoder does."""
    while True:
        below = descendants(server.process.pid)
        if any(name.startswith("ffmpeg") for name in below.values()):
            return set(below)
        told = tool(server, "state", job="export-1", wait_s=0)
        assert told["status"] == "running", f"the export was over before its encoder was seen: {told}"


def ended(server: Server, how: str) -> int:
    if how == "end of input":
        assert server.process.stdin is not None
        server.process.stdin.close()
    else:
        server.process.send_signal(signal.Signals[how])
    return server.process.wait(timeout=GRACE_S)


def test_no_child_is_left_however_the_server_ends_and_the_export_is_made_all_the_same(tmp_path: Path) -> None:
    # Long enough to be met at its encoder: an export goes on by itself while the next server still starts.
    clip = Media(tmp_path).clip(["plasma"], seconds=4, size=(480, 270), sound=None)
    for how in ("end of input", "SIGTERM", "SIGKILL"):
        server = Server(tmp_path, GAME_MUSIC_MAKER_ALLOWED_DIRS=str(tmp_path))
        server.begin()
        if how == "end of input":
            tool(server, "upload", files=[str(clip)])
            tool(server, "export", output="out.webm", wait_s=0)
        else:
            assert tool(server, "state", job="export-1", wait_s=0)["status"] == "running", how
        below = until_it_encodes(server)
        words = b" ".join(Path(f"/proc/{one[0]}/cmdline").read_bytes() for one in below if alive(one))
        assert b"gms_" not in words, "the studio's token is in an argument list"
        began = time.monotonic()
        status = ended(server, how)
        while left := {one for one in below if alive(one)}:
            assert time.monotonic() - began < GRACE_S, f"{how}: {left} still run"
        assert status == (-signal.SIGKILL if how == "SIGKILL" else 0)
        server.close()
        assert not list(tmp_path.rglob("out.webm"))
    last = Server(tmp_path, GAME_MUSIC_MAKER_ALLOWED_DIRS=str(tmp_path))
    last.begin()
    made = tool(last, "state", job="export-1", wait_s=120)
    assert made["status"] == "done", made
    assert Path(made["result"]["path"]).read_bytes()[:4] == b"\x1aE\xdf\xa3"
    last.process.communicate(timeout=GRACE_S)
