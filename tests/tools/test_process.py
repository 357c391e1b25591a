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
from frozen import TOOLS

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
GRACE_S = 5


class Server:
    """A running `serve`, spoken to line by line."""

    def __init__(self, home: Path, **extra: str) -> None:
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("NEMO_", "GAME_MUSIC_MAKER_"))}
        environment = {**keep, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path), **extra}
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

    def close(self) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        self.process.wait()

    def begin(self) -> None:
        assert "result" in self.ask(1, "initialize", HELLO)
        self.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.close()


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


def tool_call(name: str, arguments: bytes) -> bytes:
    head = f'{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}","arguments":'
    return head.encode() + arguments + b"}}"


NONSENSE: list[tuple[str, bytes, int | None, int | str]] = [
    ("words", b"not json", None, -32700),
    ("bytes", b"\xff\xfe\x00", None, -32700),
    ("nested", b"[" * 50_000, None, -32700),
    ("endless", b'"' + b"x" * 17_000_000 + b'"', None, -32700),
    ("list", b"[]", None, -32600),
    ("empty", b'{"jsonrpc":"2.0"}', None, -32600),
    ("version", b'{"jsonrpc":"1.0","id":7,"method":"ping"}', 7, -32600),
    ("number", b'{"jsonrpc":"2.0","id":7,"method":5}', 7, -32600),
    ("params", b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":[]}', 7, -32600),
    ("null-id", b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None, -32600),
    ("table-id", b'{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}', None, -32600),
    ("method", b'{"jsonrpc":"2.0","id":7,"method":"no/such","params":{}}', 7, -32601),
    ("level", b'{"jsonrpc":"2.0","id":7,"method":"logging/setLevel","params":{"level":"loud"}}', 7, -32602),
    ("arguments", tool_call("state", b'"x"'), 7, -32602),
    ("giant", tool_call("send_message", b'{"message":"' + b"x" * 2_000_000 + b'"}'), 7, "invalid_argument"),
    ("type", tool_call("state", b'{"wait_s":"soon"}'), 7, "invalid_argument"),
    ("not-finite", tool_call("state", b'{"wait_s":NaN}'), 7, "invalid_argument"),
    ("huge", tool_call("state", b'{"wait_s":1e999}'), 7, "invalid_argument"),
    ("files", tool_call("upload", b'{"files":[1,{"a":2}]}'), 7, "invalid_argument"),
    ("tool", tool_call("render_everything", b"{}"), 7, "not_found"),
]


def test_nonsense_gets_a_proper_error_and_the_next_call_works(server: Server) -> None:
    server.begin()
    for count, (name, line, number, code) in enumerate(NONSENSE):
        server.write(line)
        answer = server.read()
        assert answer["id"] == number, name
        found = answer.get("error") or answer["result"]["structuredContent"]["error"]
        assert found["code"] == code, name
        assert found["message"], name
        server.write(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % (100 + count))
        assert server.read() == {"jsonrpc": "2.0", "id": 100 + count, "result": {}}, name
    assert [tool["name"] for tool in server.ask(9, "tools/list", {})["result"]["tools"]] == TOOLS


def test_an_id_that_is_in_use_is_refused_and_one_that_is_answered_is_free(server: Server, tmp_path: Path) -> None:
    server.begin()
    # a call that asks a service takes longer than reading the next line
    double = b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"credits","arguments":{}}}'
    server.write(double + b"\n" + double)
    answers = [server.read(), server.read()]
    assert sorted("error" in answer for answer in answers) == [False, True]
    assert {answer["id"] for answer in answers} == {5}
    assert next(answer["error"]["code"] for answer in answers if "error" in answer) == -32600
    assert "result" in server.ask(5, "ping", {})


def test_nothing_but_protocol_is_on_stdout(server: Server) -> None:
    """Calls that fail, words on every level, and children that print: each line is a message all the same."""
    server.begin()
    server.ask(2, "logging/setLevel", {"level": "debug"})
    lines = []
    for number, name in enumerate(("state", "credits", "connect", "no-such"), 3):
        call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": {}}}
        server.write(json.dumps(call).encode())
        while (answer := server.read()).get("id") != number:
            lines.append(answer)
    assert {line.get("method") for line in lines} == {"notifications/message"}
    out, _ = server.process.communicate(timeout=GRACE_S)
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in out.splitlines())


@pytest.mark.skipif(os.name == "nt", reason="POSIX shell")
def test_a_host_that_gives_no_stderr_is_served(tmp_path: Path) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
    done = subprocess.run(
        ["sh", "-c", '"$0" -m game_music_maker serve 2>&-', sys.executable],
        input=json.dumps(hello).encode() + b"\n", stdout=subprocess.PIPE, timeout=60, check=False,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "game-music-maker"


def test_the_list_is_byte_identical_across_calls_restarts_and_backends(tmp_path: Path) -> None:
    seen = set()
    for number, extra in enumerate(({}, {}, {"GAME_MUSIC_MAKER_BACKEND": "local"}, {"NEMO_TOKEN": "nmv_usr_x"})):
        server = Server(tmp_path / str(number), **extra)
        server.begin()
        assert server.process.stdout is not None
        for _ in range(2):
            server.write(b'{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}')
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
