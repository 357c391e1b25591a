"""``state``: the timeline, the jobs, and the long wait for one of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Answer, Arguments, ProjectName, ToolSpec
from .context import ToolContext


class State(Arguments):
    project: ProjectName = None
    job: Annotated[str | None, Field(max_length=80, description="Job to look at, such as turn-3 or export-1.")] = None
    wait_s: Annotated[
        float | None, Field(ge=0, le=600, description="Seconds to wait for the job; 45 where a job is named.")
    ] = None
    detail: Annotated[Literal["summary", "full"], Field(description="full adds the cue sheet and report.")] = "summary"
    picture: Annotated[bool, Field(description="Add a PNG of the timeline.")] = False


async def run(context: ToolContext, args: State) -> Answer:
    wait_s = args.wait_s if args.wait_s is not None else (45 if args.job else 0)
    data, files, picture = await context.workspace.look(
        args.project, args.job, wait_s, args.detail, picture=args.picture, report=context.report
    )
    return Answer(data, files, picture)


STATE = ToolSpec(
    "state",
    "State",
    "The timeline in words, its tracks, whether it can be exported, and the jobs. With job and wait_s=45 it "
    "waits for that job and gives its result.",
    State,
    run,
    read_only=True,
    idempotent=True,
)
