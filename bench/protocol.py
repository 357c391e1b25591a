"""How fast and how small the MCP server is, against an empty one with as many tools, in the same run.

    python bench/protocol.py [--rounds 7] [--megabytes 500]

Prints JSON: seconds from the start of the process to the answer of ``initialize``, seconds of ``tools/list``, resident
memory after it, each as median of ours and of the empty server and as their ratio; and the size of ``tools/list``.
Then, with a scripted NemoVideo on loopback: what `credits` takes above the service's own time, 20 calls at once, and
how far the server's memory rises above idle while a large file goes up and comes down (Linux).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from processes import resident_mb

EMPTY = """
from mcp.server import MCPServer
server = MCPServer("empty", log_level="WARNING")
def make(number):
    async def tool(text: str = "", count: int = 0) -> str:
        return text
    server.add_tool(tool, name=f"tool_{number}", description="A tool.")
for number in range(7):
    make(number)
server.run("stdio")
"""


def ask(process: subprocess.Popen[bytes], number: int, method: str, params: dict[str, Any]) -> bytes:
    """One request and the line of its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    line = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()
    while True:
        answer = process.stdout.readline()
        if json.loads(answer).get("id") == number:
            return answer


def once(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Start a server, initialize, list the tools, end it."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    with process:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        ask(process, 1, "initialize", hello)
        initialized = time.perf_counter()
        assert process.stdin is not None
        process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        listed = ask(process, 2, "tools/list", {})
        ended = time.perf_counter()
        found = {
            "initialize_s": initialized - began,
            "tools_list_s": ended - initialized,
            "rss_mb": resident_mb(process.pid),
            "tools_list_bytes": float(len(listed)),
        }
        process.stdin.close()
        process.wait(timeout=10)
        found["end_s"] = time.perf_counter() - ended
    return found


def peak_mb(pid: int) -> float:
    """The highest resident memory that a process has had, in MB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


def call(process: subprocess.Popen[bytes], number: int, tool: str, **arguments: Any) -> dict[str, Any]:
    """One tool call; its structured answer."""
    line = ask(process, number, "tools/call", {"name": tool, "arguments": arguments})
    found: dict[str, Any] = json.loads(line)["result"]
    if found.get("isError"):
        raise SystemExit(found)
    return found["structuredContent"]  # type: ignore[no-any-return]


def with_service(folder: Path, megabytes: int) -> dict[str, Any]:
    """Figures that need a service behind the server."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from nemo_server import NemoServer

    with NemoServer() as nemo:
        environment = {
            **os.environ, "HOME": str(folder), "NEMO_API_URL": nemo.url, "NEMO_TOKEN": nemo.token,
            "GAME_MUSIC_MAKER_POLL_SECONDS": "0.2", "GAME_MUSIC_MAKER_ALLOWED_DIRS": str(folder),
        }  # fmt: skip
        command = [sys.executable, "-m", "game_music_maker", "serve"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
            hello = {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "bench", "version": "1"},
            }
            ask(process, 1, "initialize", hello)
            call(process, 2, "connect", project="bench")
            trips, own = [], []
            for number in range(40):
                began = time.perf_counter()
                call(process, 10 + number, "credits")
                trips.append(time.perf_counter() - began)
                own.append(direct(nemo.port, nemo.token))
            many = at_once(process, 20)
            idle = peak_mb(process.pid)
            clip = folder / "large.mp4"
            with clip.open("wb") as handle:
                handle.write(b"\0\0\0\x18ftypmp42")
                handle.truncate(megabytes * 10**6)
            call(process, 300, "upload", files=[str(clip)])
            up = peak_mb(process.pid) - idle
            nemo.output = bytes(megabytes * 10**6)
            call(process, 301, "export", wait_s=300)
            down = peak_mb(process.pid) - idle
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=10)
    return {
        "credits_above_service_ms": round((statistics.median(trips) - statistics.median(own)) * 1000, 2),
        "twenty_calls_at_once_s": round(many, 3),
        "megabytes": megabytes,
        "upload_above_idle_mb": round(up, 1),
        "download_above_idle_mb": round(down, 1),
    }


def direct(port: int, token: str) -> float:
    """Seconds of the service's own answer to the same question."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/api/credits/balance/simple", headers={"Authorization": f"Bearer {token}"})
    connection.getresponse().read()
    connection.close()
    return time.perf_counter() - began


def at_once(process: subprocess.Popen[bytes], count: int) -> float:
    """Seconds until `count` calls that were written at once are all answered."""
    assert process.stdin is not None
    assert process.stdout is not None
    began = time.perf_counter()
    for number in range(count):
        body = {
            "jsonrpc": "2.0",
            "id": 100 + number,
            "method": "tools/call",
            "params": {"name": "credits", "arguments": {}},
        }
        process.stdin.write(json.dumps(body).encode() + b"\n")
    process.stdin.flush()
    waiting = set(range(100, 100 + count))
    while waiting:
        waiting.discard(json.loads(process.stdout.readline()).get("id"))
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=500)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "GAME_MUSIC_MAKER_HOME": home}
        commands = {
            "ours": [sys.executable, "-m", "game_music_maker", "serve"],
            "empty": [sys.executable, "-c", EMPTY],
        }
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
        for number in range(args.rounds + 1):
            for name, command in commands.items():
                found = once(command, environment)
                if number:  # the first round warms the disk's cache
                    runs[name].append(found)
    median = {
        name: {key: statistics.median(run[key] for run in found) for key in found[0]} for name, found in runs.items()
    }
    ratios = {
        key: round(median["ours"][key] / median["empty"][key], 3) for key in ("initialize_s", "tools_list_s", "rss_mb")
    }
    best = {name: min(run["initialize_s"] for run in found) for name, found in runs.items()}
    ratios["initialize_best"] = round(best["ours"] / best["empty"], 3)
    with tempfile.TemporaryDirectory() as folder:
        service = with_service(Path(folder), min(499, args.megabytes))
    print(json.dumps({"median": median, "ratio": ratios, "with_service": service}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
