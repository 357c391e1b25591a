"""Google ADK's real server behind NEMO_API_URL: the installed command chats with it, streaming off and on.

Run by `.ci/clients` (the ordinary run does not collect it): ``CLIENTS_ADK_PYTHON=… pytest tests/clients/with_adk.py``,
where the interpreter named, by default this one, has `google-adk`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients.running import LIMIT_S, command, environment
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

PYTHON = os.environ.get("CLIENTS_ADK_PYTHON") or sys.executable
ADDED = ["BGM added: 'Lo-fi' (0-10s, 35%)"]


@pytest.fixture(scope="module", params=["nostream", "stream"])
def adk(request: pytest.FixtureRequest) -> Iterator[str]:
    arguments = ["--streaming"] if request.param == "stream" else []
    process = subprocess.Popen(
        [PYTHON, str(Path(__file__).with_name("adk_server.py")), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert ready, f"no ADK server: {PYTHON} -m pip install 'game-music-maker[adk]'"
    yield json.loads(ready)["url"]
    process.communicate(timeout=LIMIT_S)


@pytest.fixture(scope="module")
def turns(adk: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The answer to each script's message, each in a project of its own, from one server."""
    home = tmp_path_factory.mktemp("home")
    environ = environment(home, NEMO_API_URL=adk, NEMO_TOKEN="nmv_usr_given", GAME_MUSIC_MAKER_RECOVERY_SECONDS="0.02")
    parameters = StdioServerParameters(command=command(), args=["serve"], env=environ)
    scripts = ("text", "tool", "silent", "nothing", "thought", "error", "cut-early", "cut-late")

    async def run() -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        async with Client(stdio_client(parameters)) as client:
            for script in scripts:
                await client.call_tool("connect", {"project": script})
                words = {"message": f"{script} please", "project": script}
                found[script] = (await client.call_tool("send_message", words)).structured_content or {}
            await client.call_tool("connect", {"project": "again"})
            for number in (1, 2):  # two messages in one session
                words = {"message": "text please", "project": "again"}
                found[f"again-{number}"] = (await client.call_tool("send_message", words)).structured_content or {}
        return found

    return asyncio.run(run())


def test_text_arrives_once_and_whole(turns: dict[str, dict[str, Any]]) -> None:
    for name in ("text", "again-1", "again-2"):
        said = turns[name]
        assert (said["status"], said["source"]) == ("done", "stream")
        assert said["reply"].replace("\u2028", "\n") == "Here is a boss-fight loop.\nIt repeats: 100 % 🎮!"


def test_a_tool_turn_tells_its_texts_and_what_changed(turns: dict[str, dict[str, Any]]) -> None:
    said = turns["tool"]
    assert (said["status"], said["source"], said["changes"]) == ("done", "stream", ADDED)
    assert " ".join(said["reply"].split()) == "Looking at the clip. Your track is ready."
    assert said["timeline"] == "Timeline (1 track): 1. BGM: Lo-fi (0-10s, 35%)"


def test_a_silent_turn_is_told_by_the_state(turns: dict[str, dict[str, Any]]) -> None:
    said = turns["silent"]
    assert (said["status"], said["source"], said["reply"]) == ("done", "state", "")
    assert said["changes"] == ADDED
    nothing = turns["nothing"]
    assert nothing["status"] == "done"
    assert nothing["changes"] == []
    assert "as it was" in nothing["message"]


def test_thoughts_are_not_shown(turns: dict[str, dict[str, Any]]) -> None:
    assert turns["thought"]["reply"] == "Drums it is."


def test_an_error_of_the_model_is_a_failure_with_its_words(turns: dict[str, dict[str, Any]]) -> None:
    error = turns["error"]["error"]
    assert error["code"] == "backend_error"
    assert 'the "model" broke' in error["message"]


def test_a_cut_turn_is_looked_up_and_never_sent_again(turns: dict[str, dict[str, Any]]) -> None:
    late = turns["cut-late"]
    assert (late["status"], late["source"], late["changes"]) == ("done", "state", ADDED)
    early = turns["cut-early"]
    assert early["status"] == "unknown"
    assert "charge" in early["message"]
    assert "cut-early please" in early["message"]
