"""Clients from npm against the installed command: both TypeScript SDKs, MCP Inspector, the conformance suite.

Run by `.ci/clients` (the ordinary run does not collect it): ``CLIENTS_NPM=FOLDER pytest tests/clients/with_npm.py``,
where FOLDER/node_modules holds the packages that `.ci/clients` names.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients.bridge import Bridge
from clients.running import CLIP, LIMIT_S, behind, command, serving
from frozen import TOOLS
from nemo_server import NemoServer

FOLDER = Path(os.environ["CLIENTS_NPM"]).resolve()
HERE = Path(__file__).parent
PATH = {"PATH": f"{FOLDER / 'node_modules' / '.bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


@pytest.fixture
def nemo() -> Iterator[NemoServer]:
    with NemoServer() as server:
        yield server


@pytest.mark.parametrize(
    ("package", "mode"), [("client", "auto"), ("client", "2026-07-28"), ("client", "legacy"), ("sdk", "legacy")]
)
def test_typescript_clients_do_the_main_job(nemo: NemoServer, tmp_path: Path, package: str, mode: str) -> None:
    hold = threading.Event()
    nemo.rule("POST /run_sse", hold=hold, skip=1, times=1)
    clip = tmp_path / "dungeon run.mp4"
    clip.write_bytes(CLIP)
    script = shutil.copy(HERE / "client.mjs", FOLDER)  # modules are looked up beside the script
    process = subprocess.Popen(
        ["node", script, package, mode, command(), str(clip)],
        env=behind(nemo, tmp_path, **PATH), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None

    def step(name: str) -> dict[str, Any]:
        line = process.stdout.readline()  # type: ignore[union-attr]
        found: dict[str, Any] = json.loads(line or "{}")
        assert found.get("step") == name, line
        return found

    server = step("server")
    assert (server["name"], server["tools"]) == ("game-music-maker", TOOLS)
    assert server["instructions"] <= 1500
    assert sorted(server["prompts"]) == ["batch_score", "score_clip"]
    assert server["resources"] == ["game-music://projects"]
    refused = step("refused")
    assert refused["isError"]
    assert refused["structuredContent"]["error"]["code"] == "not_found"
    assert step("uploaded")["structuredContent"]["files"][0]["name"] == "dungeon run.mp4"
    assert step("said")["structuredContent"]["changes"] == ["BGM added: 'Lo-fi' (0-10s, 35%)"]
    notes = [note["progress"] for note in step("progress")["notes"]]
    assert notes == sorted(set(notes)), "progress grows"
    exported = step("exported")
    assert Path(exported["structuredContent"]["path"]).read_bytes() == nemo.output
    assert [block["type"] for block in exported["content"]] == ["text", "resource_link"]
    while nemo.count("POST /run_sse") < 2:
        nemo.arrived.wait(0.1)
    process.stdin.write("give up\n")
    process.stdin.flush()
    assert "error" in step("gave-up")
    assert step("running")["structuredContent"]["status"] == "running"
    hold.set()
    assert step("finished")["structuredContent"]["result"]["status"] == "done"
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert nemo.count("POST /run_sse") == 2


def inspector(nemo: NemoServer, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["mcp-inspector", "--cli", command(), "serve", *arguments],
        env=behind(nemo, home, **PATH), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S,
        check=False,
    )  # fmt: skip


def test_the_inspector_finds_nothing_to_say_about_the_tools(nemo: NemoServer, tmp_path: Path) -> None:
    done = inspector(nemo, tmp_path, "--method", "tools/list", "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert [tool["name"] for tool in json.loads(done.stdout)["tools"]] == TOOLS


def test_the_inspector_calls_a_tool(nemo: NemoServer, tmp_path: Path) -> None:
    done = inspector(nemo, tmp_path, "--method", "tools/call", "--tool-name", "credits")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["structuredContent"]["available"] == 100


def conformance(url: str, home: Path, *arguments: str) -> str:
    """Run the suite against `url`; its words, when every failure is in the baseline and nothing there has passed."""
    done = subprocess.run(
        ["conformance", "server", "--url", url, *arguments],
        env={**os.environ, **PATH}, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S * 2, check=False,
    )  # fmt: skip
    words = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert done.returncode == 0, words[words.find("=== SUMMARY") :]
    return words


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_conformance_with_a_revision(nemo: NemoServer, tmp_path: Path, revision: str) -> None:
    baseline = HERE / f"baseline-{revision}.yaml"
    with serving(behind(nemo, tmp_path)) as url:
        words = conformance(url, tmp_path, "--requirements", revision, "--expected-failures", str(baseline))
    assert "Baseline check passed" in words


@pytest.mark.parametrize(
    "scenario",
    [
        "tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal",
        "tasks-request-headers", "tasks-dispatch-and-envelope",
    ],
)  # fmt: skip
def test_conformance_of_tasks(nemo: NemoServer, tmp_path: Path, scenario: str) -> None:
    """The suite's fixture tools are played by ours behind a bridge that changes names and arguments alone."""
    baseline = HERE / "baseline-tasks.yaml"
    with serving(behind(nemo, tmp_path)) as url, Bridge(url, nemo) as bridge:
        conformance(bridge.url, tmp_path, "--scenario", scenario, "--expected-failures", str(baseline))
