"""The MCP tasks extension (``io.modelcontextprotocol/tasks``, SEP-2663): jobs offered as tasks.

A client that declares the extension gets a task instead of an answer that says "running", after a short grace
in which quick work is answered at once. The task is the job itself: its id names project and job, so it
outlives the connection and the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp.types import HEADER_MISMATCH, INVALID_PARAMS, CallToolRequestParams, RequestParams
from pydantic import Field

from .errors import MusicMakerError
from .tools.base import Answer
from .tools.catalogue import BY_NAME
from .tools.context import Desk, ToolContext
from .wire import answered, call, failed

if TYPE_CHECKING:
    from .project.store import Job

IDENTIFIER = "io.modelcontextprotocol/tasks"
GRACE_S = 2.0
POLL_MS = 2000
_LONG = ("send_message", "export")
_VERSIONS = frozenset({"2026-07-28"})


class TaskParams(RequestParams):
    """Parameters of the three methods."""

    task_id: str = Field(alias="taskId", max_length=300)


class TasksExtension(Extension):
    """Answers long calls with a task, and serves ``tasks/get``, ``tasks/update`` and ``tasks/cancel``."""

    identifier = IDENTIFIER

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def methods(self) -> Sequence[MethodBinding]:
        table = {"tasks/get": self._get, "tasks/update": self._update, "tasks/cancel": self._cancel}
        return [MethodBinding(name, TaskParams, handler, _VERSIONS) for name, handler in table.items()]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Long tools of a client that speaks tasks: wait for the grace, then hand out the task."""
        if params.name not in _LONG or not _declared(ctx):
            return await call_next(ctx)
        spec = BY_NAME[params.name]
        arguments = dict(params.arguments or {})
        wait = arguments.get("wait_s", GRACE_S)
        if isinstance(wait, (int, float)) and wait > GRACE_S:
            wait = min(wait, 600) if wait > 600 else GRACE_S
        result = await call(spec, ToolContext(self._desk), {**arguments, "wait_s": wait})
        data = result.structured_content or {}
        if result.is_error or data.get("status") != "running":
            return result
        job = self._desk.workspace().job(data["job"], data["project"])
        return {"resultType": "task", **_fields(job)}

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        _check(ctx, params)
        job = self._job(params)
        await self._desk.workspace().take_up(job)
        return {"resultType": "complete", **_fields(self._job(params)), **_ending(self._job(params))}

    async def _update(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        _check(ctx, params)
        self._job(params)  # no task of ours asks for input; an answer to nothing is let go
        return {"resultType": "complete"}

    async def _cancel(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        _check(ctx, params)
        job = self._job(params)
        await self._desk.workspace().cancel(job.name, job.project)
        return {"resultType": "complete"}

    def _job(self, params: TaskParams) -> Job:
        project, _, name = params.task_id.rpartition("/")
        try:
            return self._desk.workspace().job(name, project or None)
        except MusicMakerError:
            raise MCPError(code=INVALID_PARAMS, message="There is no such task.") from None


def _check(ctx: ServerRequestContext[Any, Any], params: TaskParams) -> None:
    """Only for clients that declared the extension; over HTTP a routing header must name the task of the body."""
    require_client_extension(ctx, IDENTIFIER)
    name = getattr(ctx.request, "headers", {}).get(MCP_NAME_HEADER)
    if name is not None and decode_header_value(name) != params.task_id:
        raise MCPError(code=HEADER_MISMATCH, message="The Mcp-Name header does not match the request's 'taskId'.")


def _declared(ctx: ServerRequestContext[Any, Any]) -> bool:
    capabilities = ctx.session.client_capabilities
    extensions = capabilities.extensions if capabilities else None
    return bool(extensions) and IDENTIFIER in (extensions or {})


def _fields(job: Job) -> dict[str, Any]:
    status = {"running": "working", "cancelled": "cancelled"}.get(job.status, "completed")
    fields: dict[str, Any] = {
        "taskId": f"{job.project}/{job.name}",
        "status": status,
        "createdAt": _when(job.created),
        "lastUpdatedAt": _when(job.updated),
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }
    if job.status == "running" and job.stage:
        share = "" if job.progress is None else f" ({job.progress:.0%})"
        fields["statusMessage"] = f"{job.stage}{share}"
    return fields


def _ending(job: Job) -> dict[str, Any]:
    """The result that the call would have had; a failed tool is a completed task with an error result."""
    if job.status in ("running", "cancelled"):
        return {}
    if job.result is not None:
        path = job.result.get("path")
        result = answered(Answer(job.result, (Path(path),) if path else ()))
    else:
        from .project.answers import error_of

        result = failed(error_of(job))
    return {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
