"""The server as hosts see it, in memory, in both eras of the protocol: lists, refusals, prompts, resources."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from frozen import TOOLS
from mcp.client import Client

from game_music_maker.errors import BackendUnreachable
from game_music_maker.mcp_server import build
from game_music_maker.project.workspace import Workspace
from game_music_maker.settings import Settings
from game_music_maker.tools.context import Desk

Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")


async def nowhere(_: Settings, kind: str) -> Any:
    raise BackendUnreachable("The service cannot be reached.")


def with_client(home: Path, era: Era, scenario: Callable[[Client], Awaitable[None]]) -> None:
    settings = Settings.from_environ({"HOME": str(home), "GAME_MUSIC_MAKER_BACKEND": "local"})

    async def run() -> None:
        desk = Desk(lambda: Workspace(settings, nowhere))
        async with Client(build(desk), mode=era) as client:
            await scenario(client)

    asyncio.run(run())


async def error_of(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    data = result.structured_content
    assert data is not None
    text = result.content[0].text  # type: ignore[union-attr]
    assert data["error"]["message"] in text
    assert data["message"] == data["error"]["message"]
    found: dict[str, Any] = data["error"]
    return found


@pytest.mark.parametrize("era", ERAS)
def test_the_list_is_small_and_the_same_every_time(tmp_path: Path, era: Era) -> None:
    async def scenario(client: Client) -> None:
        first, second = await client.list_tools(), await client.list_tools()
        packed = [found.model_dump_json(by_alias=True, exclude_none=True) for found in (first, second)]
        assert packed[0] == packed[1]
        assert len(packed[0]) < 8000
        assert [tool.name for tool in first.tools] == TOOLS
        for tool in first.tools:
            assert tool.annotations is not None
            assert tool.annotations.open_world_hint is True
            assert tool.annotations.destructive_hint is False

    with_client(tmp_path, era, scenario)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("tool", "arguments", "code", "words"),
    [
        ("credits", {"verbose": True}, "invalid_argument", "Unknown argument 'verbose'"),
        ("send_message", {"mesage": "hi"}, "invalid_argument", "Unknown argument 'mesage'"),
        ("send_message", {}, "invalid_argument", "'message' is missing"),
        ("send_message", {"message": "   "}, "invalid_argument", "empty"),
        ("send_message", {"message": "x", "wait_s": 601}, "invalid_argument", "'wait_s'"),
        ("send_message", {"message": "x", "score": {"tempo": 3}}, "invalid_argument", "'tempo'"),
        ("state", {"wait_s": -1}, "invalid_argument", "'wait_s'"),
        ("state", {"project": "nope"}, "not_found", "no project 'nope'"),
        ("state", {"job": "turn-9"}, "not_found", "no job 'turn-9'"),
        ("cancel", {"job": "export-1"}, "not_found", "no job"),
        ("export", {"format": "exe"}, "invalid_argument", "'format'"),
        ("upload", {"files": []}, "invalid_argument", "'files'"),
        ("connect", {"project": "///"}, "invalid_argument", "letters or digits"),
        ("connect", {}, "backend_unreachable", "cannot be reached"),
    ],
)
def test_refusals_have_a_code_and_name_what_is_wrong(
    tmp_path: Path, era: Era, tool: str, arguments: dict[str, Any], code: str, words: str
) -> None:
    async def scenario(client: Client) -> None:
        error = await error_of(client, tool, arguments)
        assert error["code"] == code
        assert words in error["message"]
        assert error["next"]

    with_client(tmp_path, era, scenario)


@pytest.mark.parametrize("era", ERAS)
def test_a_routed_message_that_fails_says_where_it_went(tmp_path: Path, era: Era) -> None:
    async def scenario(client: Client) -> None:
        error = await error_of(client, "send_message", {"message": "show me the credits"})
        assert (error["code"], error["routed_to"]) == ("backend_unreachable", "credits")

    with_client(tmp_path, era, scenario)


def test_files_may_come_as_json_text(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        error = await error_of(client, "upload", {"files": json.dumps([str(tmp_path / "gone.mp4")])})
        assert error["code"] == "backend_unreachable", "the list itself was taken"

    with_client(tmp_path, "auto", scenario)


@pytest.mark.parametrize("era", ERAS)
def test_an_unknown_tool_is_an_error_and_the_next_call_works(tmp_path: Path, era: Era) -> None:
    async def scenario(client: Client) -> None:
        result = await client.call_tool("render_everything", {})
        assert result.is_error
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS

    with_client(tmp_path, era, scenario)


@pytest.mark.parametrize("era", ERAS)
def test_prompts_and_resources_are_served(tmp_path: Path, era: Era) -> None:
    async def scenario(client: Client) -> None:
        assert {prompt.name for prompt in (await client.list_prompts()).prompts} == {"score_clip", "batch_score"}
        prompt = await client.get_prompt("score_clip", {"clip": "/videos/run.mp4", "wish": "calm harp"})
        words = prompt.messages[0].content.text  # type: ignore[union-attr]
        assert "/videos/run.mp4" in words
        assert "calm harp" in words
        listed = await client.read_resource("game-music://projects")
        assert json.loads(listed.contents[0].text) == {"projects": []}  # type: ignore[union-attr]
        templates = (await client.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == ["game-music://projects/{name}/timeline"]

    with_client(tmp_path, era, scenario)
