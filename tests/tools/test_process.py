"""The server as a process over stdio: it speaks nothing but the protocol, survives nonsense, and ends when told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
GRACE_S = 5


class Server:
    """A running `serve`, spoken to line by line."""

    def __init__(self, home: Path) -> None:
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("NEMO_", "GAME_MUSIC_MAKER_"))}
        environment = {**keep, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "game_music_maker", "serve"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
        )  # fmt: skip

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def ask(self, number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode())
        while (answer := self.read()).get("id") != number:
            pass
        return answer

    def begin(self) -> None:
        assert "result" in self.ask(1, "initialize", HELLO)
        self.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.process.kill()
    for stream in (running.process.stdin, running.process.stdout, running.process.stderr):
        assert stream is not None
        stream.close()
    running.process.wait()


def test_it_introduces_itself(server: Server) -> None:
    result = server.ask(1, "initialize", HELLO)["result"]
    assert result["serverInfo"]["name"] == "game-music-maker"
    assert result["serverInfo"]["version"]
    assert 0 < len(result["instructions"]) <= 1500


def test_it_ends_with_its_input(server: Server) -> None:
    server.begin()
    out, _ = server.process.communicate(timeout=GRACE_S)
    assert server.process.returncode == 0
    assert out == b""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_ends_on_a_signal_while_its_input_stays_open(server: Server, name: str) -> None:
    server.begin()
    server.process.send_signal(signal.Signals[name])
    assert server.process.wait(timeout=GRACE_S) == 0


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b'{"jsonrpc":"2.0"}',
        b'{"jsonrpc":"2.0","id":7,"method":5}',
        b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"state","arguments":"x"}}',
        b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send_message","arguments":{"message":"'
        + b"x" * 2_000_000
        + b'"}}}',
        b'{"jsonrpc":"2.0","id":7,"method":"no/such","params":{}}',
    ],
    ids=["words", "bytes", "list", "empty", "number", "arguments", "giant", "method"],
)
def test_nonsense_is_survived(server: Server, line: bytes) -> None:
    server.begin()
    server.write(line)
    assert len(server.ask(9, "tools/list", {})["result"]["tools"]) == 7


def test_the_list_is_byte_identical_across_restarts(tmp_path: Path) -> None:
    seen = set()
    for number in range(2):
        server = Server(tmp_path / str(number))
        server.begin()
        server.write(b'{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}')
        assert server.process.stdout is not None
        line = server.process.stdout.readline()
        seen.add(line)
        assert len(line) < 8000
        server.process.communicate(timeout=GRACE_S)
    assert len(seen) == 1


def test_a_wrong_setting_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "GAME_MUSIC_MAKER_POLL_SECONDS": "soon"}
    done = subprocess.run(
        [sys.executable, "-m", "game_music_maker", "serve"],
        input=b"", capture_output=True, timeout=60, check=False,
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == b""
    lines = done.stderr.decode().strip().splitlines()
    assert len(lines) == 1
    assert "GAME_MUSIC_MAKER_POLL_SECONDS" in lines[0]
