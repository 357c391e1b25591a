"""Chat with Google ADK's real server, on which the service's own is built. Needs the `adk` extra."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from game_music_maker.client.nemo import Nemo
from game_music_maker.client.reply import TurnResult
from game_music_maker.client.tokens import FixedToken
from game_music_maker.errors import SessionGone

PYTHON = os.environ.get("CLIENTS_ADK_PYTHON")  # of an environment that has it; otherwise this one is looked into
_FOUND = PYTHON or all(importlib.util.find_spec(name) is not None for name in ("google", "google.adk"))
pytestmark = pytest.mark.skipif(not _FOUND, reason="google-adk is not installed: pip install 'game-music-maker[adk]'")
SESSION = "1234567890123456789"
HEADERS = {"X-Skill-Source": "s", "X-Skill-Version": "1", "X-Skill-Platform": "test"}


@pytest.fixture(scope="module")
def adk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    agent, folder = Path(__file__).parents[1] / "adk_agent.py", tmp_path_factory.mktemp("agents")
    environment = {**os.environ} if PYTHON else {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (folder.parent / "adk.log").open("wb") as log:
        process = subprocess.Popen(
            [PYTHON or sys.executable, str(agent), str(folder), str(port)], env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    made = f"{url}/apps/nemo_agent/users/me/sessions/{SESSION}"
    transport = httpx.HTTPTransport(retries=12)  # with growing waits, until it listens
    try:
        with httpx.Client(transport=transport, timeout=120) as client:
            assert client.post(made, json={}).status_code == 200, (folder.parent / "adk.log").read_text()
        yield url
    finally:
        process.terminate()
        process.wait(20)


def say(url: str, text: str, session: str = SESSION) -> TurnResult:
    async def base() -> str:
        return url

    async def run() -> TurnResult:
        client = Nemo(base, FixedToken("any"), HEADERS)
        try:
            async with client.run(session, text) as turn:
                return await turn.finish()
        finally:
            await client.close()

    return asyncio.run(run())


def test_a_turn_with_a_tool(adk: str) -> None:
    found = say(adk, "add music")
    assert (found.status, found.text) == ("done", "The music is on the timeline.")
    assert (found.tools, found.changed_keys) == (("edit",), ("draft",))
    assert found.malformed == found.unknown == 0


def test_a_silent_turn(adk: str) -> None:
    found = say(adk, "silent edit")
    assert (found.status, found.changed) == ("silent", True)


def test_a_model_that_fails(adk: str) -> None:
    found = say(adk, "fail please")
    assert found.status == "failed"
    assert [error.message for error in found.errors] == ['upstream said "quota"\nretry later']


def test_a_session_that_is_gone(adk: str) -> None:
    with pytest.raises(SessionGone):
        say(adk, "hello", session="none")
