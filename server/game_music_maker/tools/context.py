"""What every tool call gets: the workspace, made on first need, and the way to tell progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..project.jobs import Report
    from ..project.workspace import Workspace


class Desk:
    """One server's or command's workspace. Nothing heavy is loaded before the first call that needs it."""

    def __init__(self, make: Callable[[], Workspace]) -> None:
        self._make = make
        self._workspace: Workspace | None = None

    def workspace(self) -> Workspace:
        if self._workspace is None:
            self._workspace = self._make()
        return self._workspace

    async def close(self) -> None:
        """End this process's part of the work, and the studio with it."""
        if self._workspace is not None:
            await self._workspace.close()
            self._workspace = None


class ToolContext:
    """One call: `desk` and, where the caller asked for it, `report`."""

    def __init__(self, desk: Desk, report: Report | None = None) -> None:
        self._desk = desk
        self.report = report

    @property
    def workspace(self) -> Workspace:
        return self._desk.workspace()
