"""Words and fields of answers about jobs, and the reading of a score plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import BY_CODE, BackendError, InvalidArgument, MusicMakerError
from . import summary
from .store import Job, Project

if TYPE_CHECKING:
    from ..contract.score import ScorePlan


def read_plan(score: dict[str, Any] | None) -> ScorePlan | None:
    """A score plan as it came.

    Raises:
        InvalidArgument: a field is unknown or wrong; it is named.
    """
    if score is None:
        return None
    from pydantic import ValidationError

    from ..contract.score import ScorePlan

    try:
        return ScorePlan.model_validate(score)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        raise InvalidArgument(
            f"The score plan cannot be used: '{place}' {first['msg'][:160].lower()}.",
            next="Correct that field; docs/score-plan.schema.json lists them all.",
        ) from None


def ready(project: Project, credits: dict[str, Any], link: str | None) -> dict[str, Any]:
    """What `connect` answers."""
    where = "on this machine" if project.backend == "local" else "on NemoVideo's cloud"
    left = "" if credits["unlimited"] else f" {credits['available']:g} credits are left."
    return {
        "message": f"Ready: the project '{project.name}' works {where}.{left}",
        "next": "Call upload with a clip, or send_message to describe the music.",
        "status": "ready",
        "backend": project.backend,
        "project": project.name,
        "credits": credits,
        "link": link,
    }


def error_of(job: Job) -> MusicMakerError:
    error = job.error or {}
    cls = BY_CODE.get(str(error.get("code")), BackendError)
    return cls(
        str(error.get("message") or "The work failed."),
        next=error.get("next"),
        retry_after_s=error.get("retry_after_s"),
        link=error.get("link"),
    )


def running(job: Job) -> dict[str, Any]:
    """The answer of a call whose wait ended before the job did."""
    return {
        "message": f"Still at work{f': {job.stage}' if job.stage else ''}.",
        "next": f'Call state(job="{job.name}", wait_s=45) and repeat until it is done.',
        "status": "running",
        "job": job.name,
        "project": job.project,
        "progress_percent": None if job.progress is None else round(job.progress * 100),
    }


def described(project: Project, draft: Any, jobs: list[Job], job: Job | None) -> dict[str, Any]:
    """What `state` answers: the timeline and the jobs, and where one is asked for, that job's result."""
    active = next((kept for kept in jobs if kept.status == "running"), None)
    line = summary.timeline(draft)
    data: dict[str, Any] = {
        "message": line,
        "next": None,
        "status": "running" if active else "idle",
        "project": project.name,
        "backend": project.backend,
        "timeline": line,
        "tracks": summary.tracks(draft),
        "duration_s": summary.duration_s(draft),
        "ready_to_export": summary.has_content(draft),
        "jobs": [shown(kept) for kept in jobs],
    }
    data["next"] = next_step(data, active)
    if job is not None:
        data.update(job_fields(job))
    return data


def shown(job: Job) -> dict[str, Any]:
    entry: dict[str, Any] = {"job": job.name, "kind": job.kind, "status": public_status(job)}
    if job.status == "running":
        entry.update(stage=job.stage, progress_percent=None if job.progress is None else round(job.progress * 100))
    if job.result and job.result.get("path"):
        entry["path"] = job.result["path"]
    return entry


def public_status(job: Job) -> str:
    return "failed" if job.status == "cancelled" else job.status


def job_fields(job: Job) -> dict[str, Any]:
    """What `state(job=…)` says about that job, over the project's own fields."""
    fields: dict[str, Any] = {"status": public_status(job), "job": job.name}
    if job.status == "running":
        fields["message"] = f"{job.name} is still at work{f': {job.stage}' if job.stage else ''}."
        fields["next"] = f'Call state(job="{job.name}", wait_s=45) again.'
        fields["progress_percent"] = None if job.progress is None else round(job.progress * 100)
    elif job.error is not None or job.result is None:
        error = error_of(job)
        fields["result"] = {"message": error.message, "next": error.next, "error": error.to_dict()}
        fields["message"], fields["next"] = error.message, error.next
    else:
        fields["result"] = job.result
        fields["message"], fields["next"] = job.result.get("message", ""), job.result.get("next")
    return fields


def next_step(data: dict[str, Any], active: Job | None) -> str:
    if active is not None:
        return f'{active.name} is running: call state(job="{active.name}", wait_s=45).'
    if data["ready_to_export"]:
        return "Call export for the file, or send_message to change something."
    return "Call upload with a clip, or send_message to describe the music."


def cancelled(job: Job, status: str, words: str, *, charged: bool) -> dict[str, Any]:
    return {
        "message": words,
        "next": "Call state to see the timeline."
        if status != "finished"
        else f'Call state(job="{job.name}") for its result.',
        "status": status,
        "job": job.name,
        "project": job.project,
        "kept": "Uploads and all earlier edits are kept.",
        "may_be_charged": charged,
    }
