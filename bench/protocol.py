"""How fast and how small the MCP server is, against an empty one with as many tools, in the same run.

    python bench/protocol.py [--rounds 7]

Prints JSON: seconds from the start of the process to the answer of ``initialize``, seconds of ``tools/list``, resident
memory after it, each as median of ours and of the empty server and as their ratio; and the size of ``tools/list``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MB (Linux); 0 elsewhere."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS")), 0.0)


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
            "rss_mb": rss_mb(process.pid),
            "tools_list_bytes": float(len(listed)),
        }
        process.stdin.close()
        process.wait(timeout=10)
        found["end_s"] = time.perf_counter() - ended
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
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
    print(json.dumps({"median": median, "ratio": ratios}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
