"""``upload``: footage, images and sound into a project."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Answer, Arguments, ProjectName, ToolSpec
from .context import ToolContext


class Upload(Arguments):
    files: Annotated[
        list[Annotated[str, Field(max_length=4096)]],
        Field(min_length=1, max_length=100, description="Absolute paths or http(s) URLs."),
    ]
    project: ProjectName = None


async def run(context: ToolContext, args: Upload) -> Answer:
    return Answer(await context.workspace.add(args.files, args.project, context.report))


UPLOAD = ToolSpec(
    "upload",
    "Upload",
    "Add files to the timeline: mp4 mov avi webm mkv, jpg png gif webp, mp3 wav m4a aac, up to 500 MB each. "
    "Files that cannot be used come back in `rejected` with advice.",
    Upload,
    run,
)
