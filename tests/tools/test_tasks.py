"""The tasks extension: a client that declares it gets long work as a task, which outlives the connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.types import CallToolResult, Request, RequestParams, Result
from nemo_server import NemoServer
from pydantic import ConfigDict, Field

from game_music_maker.backend import open_backend
from game_music_maker.mcp_server import build
from game_music_maker.project.workspace import Workspace
from game_music_maker.settings import Settings
from game_music_maker.tools.context import Desk


class Task(Result):
    """What the extension answers instead of a tool's result."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
    result_type: Literal["task"] = Field("task", alias="resultType")
    task_id: str = Field(alias="taskId")


class Detailed(Result):
    model_config = ConfigDict(extra="allow")


class TaskParams(RequestParams):
    task_id: str = Field(alias="taskId")


class TaskRequest(Request[TaskParams, str]):
    pass


class Tasks(ClientExtension):
    """Keeps the task and hands out an empty result."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self) -> None:
        self.task: Task | None = None

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return (ResultClaim(result_type="task", model=Task, resolve=self._resolve),)

    async def _resolve(self, task: Task, context: ClaimContext) -> CallToolResult:
        self.task = task
        return CallToolResult(content=[])


def play(home: Path, scenario: Callable[[Client, Tasks, NemoServer], Awaitable[None]]) -> None:
    async def run(nemo: NemoServer) -> None:
        settings = Settings.from_environ(
            {
                "HOME": str(home), "NEMO_API_URL": nemo.url, "NEMO_TOKEN": nemo.token,
                "GAME_MUSIC_MAKER_POLL_SECONDS": "0.02", "GAME_MUSIC_MAKER_RECOVERY_SECONDS": "0.02",
            }
        )  # fmt: skip
        desk, tasks = Desk(lambda: Workspace(settings, open_backend)), Tasks()
        async with Client(build(desk), extensions=[tasks]) as client:
            await scenario(client, tasks, nemo)

    with NemoServer() as nemo:
        asyncio.run(run(nemo))


async def ask(client: Client, method: str, task_id: str) -> dict[str, Any]:
    request = TaskRequest(method=method, params=TaskParams(taskId=task_id))
    found = await client.session.send_request(request, Detailed)
    return found.model_dump(by_alias=True)


def test_quick_work_is_answered_at_once(tmp_path: Path) -> None:
    async def scenario(client: Client, tasks: Tasks, nemo: NemoServer) -> None:
        result = await client.call_tool("send_message", {"message": "music"})
        assert tasks.task is None
        assert result.structured_content is not None
        assert result.structured_content["status"] == "done"

    play(tmp_path, scenario)


def test_long_work_becomes_a_task_with_the_result_inside(tmp_path: Path) -> None:
    async def scenario(client: Client, tasks: Tasks, nemo: NemoServer) -> None:
        hold = threading.Event()
        nemo.rule("POST /run_sse", hold=hold, times=1)
        await client.call_tool("send_message", {"message": "music", "wait_s": 0})
        assert tasks.task is not None
        working = await ask(client, "tasks/get", tasks.task.task_id)
        assert working["status"] == "working"
        assert working["pollIntervalMs"] > 0
        hold.set()
        await client.call_tool("state", {"job": "turn-1", "wait_s": 45})
        done = await ask(client, "tasks/get", tasks.task.task_id)
        assert done["status"] == "completed"
        assert done["result"]["structuredContent"]["changes"] == ["BGM added: 'Lo-fi' (0-10s, 35%)"]

    play(tmp_path, scenario)


def test_a_task_can_be_cancelled_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    async def scenario(client: Client, tasks: Tasks, nemo: NemoServer) -> None:
        hold = threading.Event()
        nemo.rule("POST /run_sse", hold=hold)
        await client.call_tool("send_message", {"message": "music", "wait_s": 0})
        assert tasks.task is not None
        await ask(client, "tasks/cancel", tasks.task.task_id)
        assert (await ask(client, "tasks/get", tasks.task.task_id))["status"] == "cancelled"
        hold.set()
        for strange in ("nope/turn-1", "turn-77", ""):
            with pytest.raises(MCPError, match="no such task"):
                await ask(client, "tasks/get", strange)

    play(tmp_path, scenario)


def test_a_client_that_did_not_declare_the_extension_is_told_so(tmp_path: Path) -> None:
    async def run(nemo: NemoServer) -> None:
        environ = {"HOME": str(tmp_path), "NEMO_API_URL": nemo.url, "NEMO_TOKEN": nemo.token}
        settings = Settings.from_environ(environ)
        async with Client(build(Desk(lambda: Workspace(settings, open_backend)))) as client:
            result = await client.call_tool("send_message", {"message": "music"})
            assert result.structured_content is not None, "no task for a client that does not speak of tasks"
            with pytest.raises(MCPError) as caught:
                await ask(client, "tasks/get", "project/turn-1")
            assert caught.value.error.code == -32021

    with NemoServer() as nemo:
        asyncio.run(run(nemo))
