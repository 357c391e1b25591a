"""The workspace of one command: the shell's user may name any path that they may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..settings import Settings

if TYPE_CHECKING:
    from ..tools.context import Desk


def shell_desk(settings: Settings | None = None) -> Desk:
    """The workspace of this command, made on first need. Raises: SettingError."""
    from ..tools.context import Desk

    found = settings or Settings.load()

    def make() -> Any:
        from ..backend import open_backend
        from ..project.workspace import Workspace

        return Workspace(found, open_backend, free_paths=True)

    return Desk(make)
