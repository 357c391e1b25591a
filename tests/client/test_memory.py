"""Large files: a block in memory, never the file, and other calls are answered meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from nemo_server import NemoServer

SIZE = 160_000_000
LIMIT = 64_000_000
"""More than this above an idle client would mean that the file is held."""

PROCESS = """
import asyncio, json, resource, sys
from pathlib import Path
sys.path[:0] = sys.argv[4:]
from conftest import Kit
from game_music_maker.client.upload import UploadPart

class Server: url = sys.argv[2]; token = "nmv_usr_given"

def peak():
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024

async def main():
    client = Kit(Server, Path(".")).client()
    await client.credits()
    session = (await client.open_session()).session_id
    idle, seen = peak(), []
    async def other(task):
        while not task.done():
            seen.append((await client.credits()).available)
    with open(sys.argv[3], "r+b") as handle:
        if sys.argv[1] == "up":
            work = client.upload_files(session, [UploadPart("long.mp4", handle)])
        else:
            work = client.download("r1", handle)
        task = asyncio.ensure_future(work)
        await other(task)
        await task
    print(json.dumps([peak() - idle, len(seen)]))
    await client.close()

asyncio.run(main())
"""

pytest.importorskip("resource", reason="peak memory is read in the POSIX way")


def run(way: str, nemo: NemoServer, path: Path) -> tuple[int, int]:
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    folders = [str(here), str(here.parent)]
    command = [sys.executable, "-c", PROCESS, way, nemo.url, str(path), *folders]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    more, calls = json.loads(found.stdout)
    return more, calls


def test_an_upload_is_streamed_from_the_disk(nemo: NemoServer, tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(SIZE)
    more, calls = run("up", nemo, path)
    assert nemo.seen("POST /api/upload-video")[0].size > SIZE
    assert more < LIMIT
    assert calls > 1


def test_a_download_is_streamed_to_the_disk(nemo: NemoServer, tmp_path: Path) -> None:
    nemo.output = bytes(SIZE)
    path = tmp_path / "long.mp4"
    path.touch()
    more, calls = run("down", nemo, path)
    assert path.stat().st_size == SIZE
    assert more < LIMIT
    assert calls > 1


def test_other_calls_are_answered_while_an_upload_waits(nemo: NemoServer, kit: Any, tmp_path: Path) -> None:
    import asyncio

    from game_music_maker.client.upload import UploadPart

    path = tmp_path / "a.mp4"
    path.write_bytes(b"x" * 1000)
    held = threading.Event()

    async def act() -> None:
        client = kit.client()
        session = (await client.open_session()).session_id
        nemo.arrived.clear()
        nemo.rule("POST /api/upload-video", hold=held, work=True)
        with path.open("rb") as handle:
            upload = asyncio.ensure_future(client.upload_files(session, [UploadPart("a.mp4", handle)]))
            await asyncio.to_thread(nemo.arrived.wait, 10)
            assert (await client.credits()).available == 100
            assert not upload.done()
            held.set()
            assert (await upload).files
        await client.close()

    asyncio.run(act())
