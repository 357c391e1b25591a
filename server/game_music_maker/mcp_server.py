"""The MCP server: the seven tools, two prompts and the resources, over stdio or Streamable HTTP.

Answers carry everything in structured content (hosts drop the text blocks where it is present); text blocks
repeat the message, files are links. A failure is an error result with a structured ``error``. Work runs in
jobs of the workspace, so that a cancelled request ends its own wait alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
    ToolAnnotations,
)

from . import skill
from .errors import MusicMakerError, NotFound
from .host_log import HostLog
from .project.text import line
from .prompts import BATCH_SCORE, INSTRUCTIONS, SCORE_CLIP
from .stdio import HostLines
from .tasks import TasksExtension
from .tools.base import ToolSpec
from .tools.catalogue import BY_NAME, TOOLS
from .tools.context import Desk, ToolContext
from .wire import call, failed


class ServedTool(Tool):
    """A tool of the catalogue on the SDK's registry: strict arguments, structured errors."""

    spec: Any
    desk: Any

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        return await call(self.spec, ToolContext(self.desk, _reporter(context)), arguments)


class Server(MCPServer[Any]):
    """The SDK's server, but an unknown prompt or a missing argument is the caller's fault (-32602), not ours; an
    unknown tool is an error like our tools' own; every line on stdin that is no message is answered."""

    async def run_stdio_async(self) -> None:
        lines = HostLines()
        async with stdio_server(lines, lines) as (read, write):  # type: ignore[arg-type]  # all that it uses of a file
            await self._lowlevel_server.run(read, write, self._lowlevel_server.create_initialization_options())

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        if name not in BY_NAME:
            known = ", ".join(BY_NAME)
            return failed(NotFound(f"There is no tool '{line(name, 80)}'.", next=f"The tools are {known}."))
        return await super().call_tool(name, arguments, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        try:
            return await super().get_prompt(name, arguments, context)
        except ValueError as error:
            raise MCPError(code=INVALID_PARAMS, message=str(error)) from None


def _reporter(context: Context[Any, Any]) -> Callable[[float | None, str], Any]:
    """Progress notifications for this request; the SDK sends them only where the host asked for progress."""
    last = -1.0

    async def report(fraction: float | None, words: str) -> None:
        nonlocal last
        last = max(last + 0.01, 0.0 if fraction is None else fraction * 100)  # the protocol wants it to grow
        await context.report_progress(last, None if fraction is None else max(100.0, last), words)

    return report


def _tool(spec: ToolSpec[Any], desk: Desk) -> ServedTool:
    return ServedTool(
        fn=spec.run,
        name=spec.name,
        title=spec.title,
        description=spec.description,
        parameters=spec.schema(),
        fn_metadata=FuncMetadata(arg_model=ArgModelBase),
        is_async=True,
        annotations=ToolAnnotations(
            read_only_hint=spec.read_only,
            destructive_hint=False,
            idempotent_hint=spec.idempotent,
            open_world_hint=True,
        ),
        spec=spec,
        desk=desk,
    )


def build(desk: Desk) -> MCPServer[Any]:
    """The server, ready to be run over any transport. It closes `desk` when it ends."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[Any]) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await desk.close()

    server = Server(
        name="game-music-maker",
        title="Game Music Maker",
        version=skill.version(),
        instructions=INSTRUCTIONS,
        lifespan=lifespan,
        log_level="WARNING",
        tools=[_tool(spec, desk) for spec in TOOLS],
        extensions=[TasksExtension(desk)],
        middleware=[HostLog()],
    )
    _add_prompts(server)
    _add_resources(server, desk)
    return server


def _add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt(name="score_clip", title="Score a clip", description="Music for one clip, exported as a file.")
    def score_clip(clip: str, wish: str = "music that matches the pace of the scene") -> str:
        return SCORE_CLIP.format(clip=clip, wish=wish)

    @server.prompt(
        name="batch_score", title="Score many clips", description="Music for every clip of a folder or list."
    )
    def batch_score(clips: str, wish: str = "music that matches the pace of each scene") -> str:
        return BATCH_SCORE.format(clips=clips, wish=wish)


def _add_resources(server: MCPServer[Any], desk: Desk) -> None:
    @server.resource(
        "game-music://projects", name="projects", title="Projects", mime_type="application/json",
        description="All projects, the most recently used first.",
    )  # fmt: skip
    async def projects() -> dict[str, Any]:
        return {"projects": desk.workspace().projects()}

    @server.resource(
        "game-music://projects/{name}/timeline", name="timeline", title="Timeline", mime_type="text/plain",
        description="The timeline of one project in words.",
    )  # fmt: skip
    async def timeline(name: str) -> str:
        try:
            data, _, _ = await desk.workspace().look(name, None, 0, "summary")
        except MusicMakerError as error:
            raise ResourceNotFoundError(f"{error.message} {error.next}") from None
        return str(data["timeline"])

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # the SDK gives it no types
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        """The names of projects, where the timeline's address is being typed."""
        if not isinstance(ref, ResourceTemplateReference) or argument.name != "name":
            return None
        names = [found["project"] for found in desk.workspace().projects()]
        fitting = [name for name in names if name.startswith(argument.value)]
        return Completion(values=fitting[:100], total=len(fitting), has_more=len(fitting) > 100)
