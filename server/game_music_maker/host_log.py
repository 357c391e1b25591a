"""Log messages for hosts that ask for them: ``logging/setLevel`` and ``notifications/message``.

One line for each finished tool call, at a level that says how it went. Until a host has set a level nothing is sent;
revision 2026-07-28 has no such method and asks for messages in each request's ``_meta``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, get_args

from mcp.server.connection import allowed_log_levels
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    LoggingLevel,
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    SetLevelRequestParams,
)
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

SET_LEVEL = "logging/setLevel"
LEVELS: tuple[LoggingLevel, ...] = get_args(LoggingLevel)
"""The severities of RFC 5424, the mildest first."""
_SESSIONS = 1000
_OURS = ("backend_error", "bad_answer", "backend_unreachable", "outcome_unknown")


class HostLog:
    """Middleware that keeps each session's level and tells of its tool calls."""

    def __init__(self) -> None:
        self._levels: dict[str, LoggingLevel] = {}

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        legacy = ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS
        if ctx.method == SET_LEVEL and legacy:
            return self._set(ctx)
        began = time.monotonic()
        result = await call_next(ctx)
        if ctx.method == "initialize" and isinstance(result, dict):
            result["capabilities"] = {**result.get("capabilities", {}), "logging": {}}
        elif ctx.method == "tools/call" and isinstance(result, dict):
            await self._tell(ctx, result, time.monotonic() - began, legacy=legacy)
        return result

    def _set(self, ctx: ServerRequestContext[Any, Any]) -> EmptyResult:
        try:
            level = SetLevelRequestParams.model_validate(ctx.params or {}, by_name=False).level
        except ValidationError:
            raise MCPError(code=INVALID_PARAMS, message=f"The level is one of {', '.join(LEVELS)}.") from None
        while len(self._levels) >= _SESSIONS:
            del self._levels[next(iter(self._levels))]
        self._levels[_session(ctx)] = level
        return EmptyResult()

    async def _tell(
        self, ctx: ServerRequestContext[Any, Any], result: dict[str, Any], seconds: float, *, legacy: bool
    ) -> None:
        level, data = _line(ctx.params or {}, result, seconds)
        if legacy:
            wanted = self._levels.get(_session(ctx))
            allowed = wanted is not None and LEVELS.index(level) >= LEVELS.index(wanted)
        else:
            allowed = level in allowed_log_levels(ctx.protocol_version, ctx.meta)
        if allowed:
            told = LoggingMessageNotificationParams(level=level, data=data, logger="game_music_maker")
            await ctx.session.send_notification(LoggingMessageNotification(params=told), ctx.request_id)


def _session(ctx: ServerRequestContext[Any, Any]) -> str:
    """What tells connections apart: the HTTP session's id; '' on stdio, which has one."""
    found: str = getattr(ctx.request, "headers", {}).get("mcp-session-id", "")
    return found


def _line(params: Mapping[str, Any], result: dict[str, Any], seconds: float) -> tuple[LoggingLevel, dict[str, Any]]:
    """A finished call's level and words; nothing of its arguments, which may be private."""
    answer = result.get("structuredContent") or {}
    data = {"tool": str(params.get("name"))[:80], "seconds": round(seconds, 3), "message": answer.get("message", "")}
    if not result.get("isError"):
        return "info", {**data, "status": answer.get("status", "done")}
    code = (answer.get("error") or {}).get("code", "invalid_argument")
    return ("error" if code in _OURS else "warning"), {**data, "code": code}
