"""Streamable HTTP: loopback alone, hostile Host and Origin refused, a token for anything else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from frozen import TOOLS
from mcp.client import Client

START_LIMIT_S = 60
HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(home: Path, port: int, errors: int = subprocess.DEVNULL, **extra: str) -> subprocess.Popen[bytes]:
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("NEMO_", "GAME_MUSIC_MAKER_"))}
    environment = {**keep, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path), **extra}
    process = subprocess.Popen(
        [sys.executable, "-m", "game_music_maker", "serve", "--http", f"127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, stderr=errors, env=environment,
    )  # fmt: skip
    end = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            continue
    raise AssertionError("the server did not start")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    process = start(tmp_path_factory.mktemp("home"), port)
    yield f"http://127.0.0.1:{port}/mcp"
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)


def test_tools_are_listed_over_http(url: str) -> None:
    async def scenario() -> None:
        async with Client(url) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
            result = await client.call_tool("state", {"project": "nope"})
            assert result.structured_content is not None
            assert result.structured_content["error"]["code"] == "not_found"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("extra", "status"),
    [({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403)],
)
def test_strange_hosts_and_origins_are_refused(url: str, extra: dict[str, str], status: int) -> None:
    assert httpx.post(url, json=HELLO, headers={**HEADERS, **extra}, trust_env=False).status_code == status


def test_a_token_that_is_set_is_asked_for(tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path, port, GAME_MUSIC_MAKER_HTTP_TOKEN="sesame")
    try:
        url = f"http://127.0.0.1:{port}/mcp"
        assert httpx.post(url, json=HELLO, headers=HEADERS, trust_env=False).status_code == 401
        wrong = {**HEADERS, "Authorization": "Bearer open"}
        assert httpx.post(url, json=HELLO, headers=wrong, trust_env=False).status_code == 401
        right = {**HEADERS, "Authorization": "Bearer sesame"}
        assert httpx.post(url, json=HELLO, headers=right, trust_env=False).status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) is not None


def test_serving_beyond_this_machine_needs_a_token_and_hosts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "game_music_maker", "serve", "--http", "0.0.0.0:0"],
        capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "GAME_MUSIC_MAKER_HTTP_TOKEN" in done.stderr


def json_of(**changes: object) -> bytes:
    return json.dumps({**HELLO, **changes}).encode()


NONSENSE: list[tuple[str, str, bytes, dict[str, str], int]] = [
    ("words", "POST", b"not json", {}, 400),
    ("empty", "POST", b"", {}, 400),
    ("bytes", "POST", b"\xff\xfe\x00", {}, 400),
    ("nested", "POST", b"[" * 50_000, {}, 400),
    ("list", "POST", b"[]", {}, 400),
    ("number", "POST", json_of(method=5), {}, 400),
    ("content-type", "POST", json_of(), {"Content-Type": "text/plain"}, 400),
    ("accept", "POST", json_of(), {"Accept": "text/html"}, 406),
    ("giant", "POST", json_of(params={"x": "y" * 20_000_000}), {}, 413),
    ("session", "POST", json_of(), {"Mcp-Session-Id": "nope"}, 404),
    ("method", "PUT", json_of(), {}, 405),
    ("page", "GET", b"", {"Accept": "text/html"}, 406),
    ("no-session", "DELETE", b"", {}, 400),
]


def test_nonsense_over_http_gets_a_proper_error_and_the_next_call_works(url: str) -> None:
    with httpx.Client(trust_env=False, timeout=60) as http:
        for name, method, body, extra, status in NONSENSE:
            answer = http.request(method, url, content=body, headers={**HEADERS, **extra})
            assert answer.status_code == status, (name, answer.text)
            assert answer.text, name
            assert "Traceback" not in answer.text, name
            assert http.post(url, json=HELLO, headers=HEADERS).status_code == 200, name
        assert http.post(url.replace("/mcp", "/other"), json=HELLO, headers=HEADERS).status_code == 404
        assert http.post(url, content=iter([b"x" * 10**6] * 20), headers=HEADERS).status_code == 413


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_well_while_a_stream_is_open(tmp_path: Path, name: str) -> None:
    port = free_port()
    process = start(tmp_path, port, subprocess.PIPE)
    url = f"http://127.0.0.1:{port}/mcp"
    with httpx.Client(trust_env=False, timeout=60) as http:
        session = {"Mcp-Session-Id": http.post(url, json=HELLO, headers=HEADERS).headers["mcp-session-id"]}
        with http.stream("GET", url, headers={"Accept": "text/event-stream", **session}) as stream:
            assert stream.status_code == 200
            process.send_signal(signal.Signals[name])
            assert b"".join(stream.iter_bytes()) == b""  # an end, not a broken connection
    _, said = process.communicate(timeout=10)
    assert said == b""
    assert process.returncode == 0
