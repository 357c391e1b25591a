"""``connect``: open a project or make one, and say where the work happens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Answer, Arguments, ToolSpec
from .context import ToolContext


class Connect(Arguments):
    project: Annotated[str | None, Field(max_length=80, description="Name to open or make.")] = None
    backend: Annotated[
        Literal["auto", "local", "cloud"] | None,
        Field(description="local: on this machine, free. cloud: NemoVideo. A project keeps its backend."),
    ] = None
    language: Annotated[str | None, Field(max_length=20, description="Language of the replies, such as en or zh.")] = (
        None
    )


async def run(context: ToolContext, args: Connect) -> Answer:
    return Answer(await context.workspace.connect(args.project, args.backend, args.language))


CONNECT = ToolSpec(
    "connect",
    "Connect",
    "Open or make a project and show its backend and credits. Optional: every other tool connects by itself.",
    Connect,
    run,
    idempotent=True,
)
