"""``credits``: what is left to spend."""

from __future__ import annotations

from .base import Answer, Arguments, ToolSpec
from .context import ToolContext


class Credits(Arguments):
    pass


async def run(context: ToolContext, args: Credits) -> Answer:
    return Answer(await context.workspace.credits())


CREDITS = ToolSpec(
    "credits",
    "Credits",
    "The credit balance. The local backend is free and unlimited; exports never cost credits.",
    Credits,
    run,
    read_only=True,
    idempotent=True,
)
