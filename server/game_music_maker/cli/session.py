"""The workspace of one command: the shell's user may name any path that they may use."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..settings import Settings

if TYPE_CHECKING:
    from ..backend import Studio
    from ..tools.context import Desk


async def early_studio(settings: Settings, backend: str | None) -> Studio | None:
    """The studio's process, started before anything heavy is loaded here; None where the cloud is meant.

    Raises:
        BackendUnreachable: its folder cannot be written.
    """
    from ..backend import Studio, choose

    if choose(settings, backend) != "local":
        return None
    studio = Studio(settings.home)
    await studio.spawn()
    return studio


def shell_desk(settings: Settings | None = None, studio: Studio | None = None) -> Desk:
    """The workspace of this command, made on first need; `studio` is one that was started early.

    Raises:
        SettingError: a variable cannot be used.
    """
    from ..tools.context import Desk

    found = settings or Settings.load()

    def make() -> Any:
        from ..backend import open_backend
        from ..project.workspace import Workspace

        return Workspace(found, partial(open_backend, studio=studio), free_paths=True)

    return Desk(make)
