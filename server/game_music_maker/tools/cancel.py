"""``cancel``: end a running turn or export."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Answer, Arguments, ProjectName, ToolSpec
from .context import ToolContext


class Cancel(Arguments):
    job: Annotated[str, Field(min_length=1, max_length=80, description="Job to end, such as turn-3.")]
    project: ProjectName = None


async def run(context: ToolContext, args: Cancel) -> Answer:
    return Answer(await context.workspace.cancel(args.job, args.project))


CANCEL = ToolSpec(
    "cancel",
    "Cancel",
    "End a running turn or export. Says what was kept and whether it may still be charged.",
    Cancel,
    run,
    idempotent=True,
)
