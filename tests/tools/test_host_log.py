"""Log messages: only for a host that asked for them, at the level that it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.types import LoggingMessageNotificationParams

from game_music_maker.errors import BackendUnreachable
from game_music_maker.mcp_server import build
from game_music_maker.project.workspace import Workspace
from game_music_maker.settings import Settings
from game_music_maker.tools.context import Desk

pytestmark = pytest.mark.filterwarnings("ignore:.*logging.*:DeprecationWarning", "ignore::mcp.MCPDeprecationWarning")


async def nowhere(_: Settings, kind: str) -> Any:
    raise BackendUnreachable("The service cannot be reached.")


def heard(home: Path, scenario: Callable[[Client], Awaitable[None]], *, era: Any = "legacy") -> list[tuple[str, Any]]:
    settings = Settings.from_environ({"HOME": str(home), "GAME_MUSIC_MAKER_BACKEND": "local"})
    told: list[tuple[str, Any]] = []

    async def listen(params: LoggingMessageNotificationParams) -> None:
        told.append((params.level, params.data))

    async def run() -> None:
        desk = Desk(lambda: Workspace(settings, nowhere))
        async with Client(build(desk), mode=era, logging_callback=listen) as client:
            await scenario(client)

    asyncio.run(run())
    return told


def test_a_host_that_sets_a_level_hears_of_calls_from_that_level_on(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        assert client.server_capabilities.logging is not None
        await client.call_tool("credits", {})
        await client.set_logging_level("warning")
        await client.call_tool("state", {"project": "nope"})
        await client.set_logging_level("error")
        await client.call_tool("state", {"project": "secret words"})
        await client.call_tool("credits", {})

    told = heard(tmp_path, scenario)
    assert [(level, data["tool"], data["code"]) for level, data in told] == [
        ("warning", "state", "not_found"), ("error", "credits", "backend_unreachable"),
    ]  # fmt: skip


def test_a_newer_host_is_sent_nothing_unasked(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        await client.call_tool("credits", {})

    assert heard(tmp_path, scenario, era="auto") == []
