# ruff: noqa: ASYNC240  small files of the tests' own
"""The `mcp` SDK's client against the installed command over stdio, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from clients.running import CLIP, behind, command
from frozen import TOOLS
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.types import PromptReference, ResourceTemplateReference
from nemo_server import NemoServer

Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")
Scenario = Callable[[Client, NemoServer], Awaitable[None]]


def play(home: Path, era: Era, scenario: Scenario) -> NemoServer:
    async def run(nemo: NemoServer) -> None:
        parameters = StdioServerParameters(command=command(), args=["serve"], env=behind(nemo, home))
        async with Client(stdio_client(parameters), mode=era) as client:
            await scenario(client, nemo)

    with NemoServer() as nemo:
        asyncio.run(run(nemo))
        return nemo


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.structured_content
    assert result.structured_content is not None
    return result.structured_content


@pytest.mark.parametrize(("era", "revision"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_the_main_job_over_stdio(tmp_path: Path, era: Era, revision: str) -> None:
    clip = tmp_path / "dungeon run.mp4"
    clip.write_bytes(CLIP)

    async def scenario(client: Client, nemo: NemoServer) -> None:
        assert client.protocol_version == revision
        assert client.server_info.name == "game-music-maker"
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        await call(client, "connect", project="Dungeon Run")
        await call(client, "upload", files=[str(clip)])
        said = await call(client, "send_message", message="generate lo-fi music")
        assert (said["status"], said["changes"]) == ("done", ["BGM added: 'Lo-fi' (0-10s, 35%)"])
        made = await call(client, "export", output="scored.mp4")
        assert Path(made["path"]).read_bytes() == nemo.output
        timeline = await client.read_resource("game-music://projects/dungeon-run/timeline")
        assert timeline.contents[0].text == said["timeline"]  # type: ignore[union-attr]
        template = ResourceTemplateReference(uri="game-music://projects/{name}/timeline")
        assert (await client.complete(template, {"name": "name", "value": "dun"})).completion.values == ["dungeon-run"]
        assert (await client.complete(template, {"name": "name", "value": "x"})).completion.values == []
        prompt = PromptReference(name="score_clip")
        assert (await client.complete(prompt, {"name": "wish", "value": ""})).completion.values == []

    play(tmp_path, era, scenario)


@pytest.mark.parametrize("era", ERAS)
def test_progress_comes_where_it_is_asked_for_and_an_abandoned_call_keeps_its_job(tmp_path: Path, era: Era) -> None:
    async def scenario(client: Client, nemo: NemoServer) -> None:
        hold, told = threading.Event(), asyncio.Event()
        nemo.rule("POST /run_sse", hold=hold, times=1)

        async def progress(done: float, total: float | None, words: str | None) -> None:
            told.set()

        waiting = asyncio.create_task(
            client.call_tool("send_message", {"message": "a long turn"}, progress_callback=progress)
        )
        await told.wait()
        while not nemo.count("POST /run_sse"):  # what had not been sent on would be stopped
            await call(client, "state")
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (await call(client, "state", job="turn-1", wait_s=0))["status"] == "running"
        hold.set()
        state = await call(client, "state", job="turn-1", wait_s=45)
        assert state["result"]["changes"] == ["BGM added: 'Lo-fi' (0-10s, 35%)"]

    assert play(tmp_path, era, scenario).count("POST /run_sse") == 1


@pytest.mark.parametrize("era", ERAS)
def test_a_wrong_prompt_is_the_callers_fault(tmp_path: Path, era: Era) -> None:
    async def scenario(client: Client, nemo: NemoServer) -> None:
        for name, arguments in (("nope", {}), ("score_clip", {})):
            with pytest.raises(MCPError, match=r"Unknown prompt|Missing required") as caught:
                await client.get_prompt(name, arguments)
            assert caught.value.error.code == -32602

    play(tmp_path, era, scenario)
