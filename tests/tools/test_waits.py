"""What a host's patience means: progress while it waits, and what its cancelling ends and does not end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nemo_server import NemoServer
from tools.test_process import Server

CLIP = b"\0\0\0\x18ftypmp42" + b"moov" * 400


@pytest.fixture
def nemo() -> Iterator[NemoServer]:
    with NemoServer() as server:
        yield server


@pytest.fixture
def server(tmp_path: Path, nemo: NemoServer) -> Iterator[Server]:
    running = Server(
        tmp_path, NEMO_API_URL=nemo.url, NEMO_TOKEN=nemo.token, GAME_MUSIC_MAKER_STILL_WORKING_SECONDS="0.05",
        GAME_MUSIC_MAKER_ALLOWED_DIRS=str(tmp_path),
    )  # fmt: skip
    running.begin()
    yield running
    running.close()


def call(number: int, name: str, *, progress: bool = False, **arguments: Any) -> bytes:
    params: dict[str, Any] = {"name": name, "arguments": arguments}
    if progress:
        params["_meta"] = {"progressToken": "p"}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()


def cancel(server: Server, number: int) -> None:
    note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}
    server.write(json.dumps(note).encode())


def tool(server: Server, number: int, name: str, **arguments: Any) -> dict[str, Any]:
    answer = server.ask(number, "tools/call", {"name": name, "arguments": arguments})
    found: dict[str, Any] = answer["result"]["structuredContent"]
    return found


def until(nemo: NemoServer, where: str) -> None:
    while not nemo.count(where):
        nemo.arrived.wait(0.1)


def test_a_host_that_asked_for_progress_reads_that_work_goes_on_and_others_read_nothing(
    server: Server, nemo: NemoServer
) -> None:
    hold = threading.Event()
    nemo.rule("POST /run_sse", hold=hold, times=1)
    server.write(call(5, "send_message", progress=True, message="music"))
    notes = []
    while not notes or notes[-1]["message"] != "⏳ Still working...":
        heard = server.read()
        assert heard["method"] == "notifications/progress"
        notes.append(heard["params"])
    assert [note["progress"] for note in notes] == sorted({note["progress"] for note in notes}), "it grows"
    hold.set()
    while "result" not in (heard := server.read()):
        assert heard["method"] == "notifications/progress"
    server.write(call(6, "send_message", message="more"))
    assert server.read()["id"] == 6, "nothing comes before the answer where no progress was asked for"


def test_cancelling_a_request_takes_back_what_was_not_sent_and_lets_a_turn_run_on(
    server: Server, nemo: NemoServer
) -> None:
    opening, turn = threading.Event(), threading.Event()
    nemo.rule("POST /api/tasks", hold=opening, times=1)
    server.write(call(5, "send_message", message="never meant"))
    until(nemo, "POST /api/tasks")
    cancel(server, 5)
    server.ask(6, "ping", {})
    opening.set()
    assert tool(server, 7, "state", job="turn-1")["result"]["error"]["code"] == "cancelled"
    assert nemo.count("POST /run_sse") == 0
    nemo.rule("POST /run_sse", hold=turn, times=1)
    server.write(call(8, "send_message", message="meant"))
    until(nemo, "POST /run_sse")
    cancel(server, 8)
    server.ask(9, "ping", {})
    turn.set()
    assert tool(server, 10, "state", job="turn-2", wait_s=60)["result"]["changes"] == [
        "BGM added: 'Lo-fi' (0-10s, 35%)"
    ]
    assert nemo.count("POST /run_sse") == 1


def test_cancelling_a_request_stops_an_upload(server: Server, nemo: NemoServer, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    with clip.open("wb") as file:
        file.write(CLIP)
        file.truncate(400_000_000)
    tool(server, 4, "connect")
    server.write(call(5, "upload", files=[str(clip)]))
    until(nemo, "POST /api/upload")
    cancel(server, 5)
    (request,) = nemo.seen("POST /api/upload")
    while request.whole is None:
        nemo.arrived.wait(0.02)
    assert not request.whole
    assert tool(server, 6, "state")["tracks"] == []
