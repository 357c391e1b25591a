"""``export``: the timeline as a finished file on the disk."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Answer, Arguments, ProjectName, ToolSpec, WaitSeconds
from .context import ToolContext

Format = Literal["mp4", "webm", "mov", "gif", "wav", "flac", "mp3", "m4a", "ogg", "kit"]


class Export(Arguments):
    project: ProjectName = None
    output: Annotated[
        str | None, Field(max_length=4096, description="File name in the output folder, or an absolute path.")
    ] = None
    format: Annotated[
        Format | None,
        Field(description="Default mp4 (or by output's ending). kit: zip for engines with stems, loops, MIDI."),
    ] = None
    quality: Literal["draft", "standard", "high"] = "high"
    overwrite: bool = False
    wait_s: WaitSeconds = 45


async def run(context: ToolContext, args: Export) -> Answer:
    workspace = context.workspace
    return Answer(
        *await workspace.deliver(
            args.project, args.output, args.format, args.quality, args.overwrite, args.wait_s, context.report
        )
    )


EXPORT = ToolSpec(
    "export",
    "Export",
    "Render the timeline to a file and give its absolute path. Costs no credits. Asking again for the same "
    "thing joins the running job or names the finished file.",
    Export,
    run,
)
