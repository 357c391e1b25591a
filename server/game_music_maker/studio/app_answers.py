"""What the studio says about sessions, files, scores and renders, in the contract's forms and some keys more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .footage import Asset
from .jobs_ledger import Job
from .timeline import Timeline


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def uploaded(asset: Asset, sha256: str = "") -> dict[str, Any]:
    """One file as the upload's answer and the state's ``video_infos`` name it."""
    info = asset.info
    assert info is not None
    width, height = info.video.shown_size if info.video else (None, None)
    return {
        "filename": asset.name,
        "file_type": info.kind,
        "cdn_url": f"studio:{asset.id}",
        "duration": info.duration_s,
        "width": width,
        "height": height,
        "fps": info.video.fps if info.video else None,
        "hash": sha256 or None,
        "size_bytes": info.size_bytes,
        "has_sound": info.audio is not None,
        "asset": asset.id,
    }


def state(
    session_id: str,
    task_id: str,
    draft: Timeline,
    files: list[Asset],
    scores: list[dict[str, Any]],
    jobs: list[Job],
    history: tuple[int, int],
) -> dict[str, Any]:
    """The whole answer to a look at the state."""
    video = next((a.info.video for a in files if a.info and a.info.video), None)
    width, height = video.shown_size if video else (1920, 1080)
    meta = draft.meta
    return {
        "session_id": session_id,
        "task_id": task_id,
        "state": {
            "draft": draft.to_wire() or None,
            "video_infos": [uploaded(asset) for asset in files],
            "generated_media": scores,
            "canvas_config": {"width": meta.get("width") or width, "height": meta.get("height") or height},
            "jobs": [job_line(job) for job in jobs],
            "history": {"undo": history[0], "redo": history[1]},
        },
    }


def job_line(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.state,
        "progress": round(job.progress * 100, 1),
        "stage": job.stage,
        "createdAt": stamp(job.created),
    }


_STATUS = {"pending": "pending", "running": "processing", "completed": "completed"}


def render(job: Job, base: str) -> dict[str, Any]:
    """One look at a render. `base` is the address under which the asker reached us."""
    status = _STATUS.get(job.state, "failed")
    found: dict[str, Any] = {
        "id": job.id,
        "status": status,
        "progress": round(job.progress * 100, 1) if status != "completed" else 100,
        "createdAt": stamp(job.created),
        "stage": job.stage,
        "attempts": job.attempts,
    }
    if status == "completed" and job.result is not None:
        url = f"{base}/api/render/proxy/{job.id}/download"
        result = job.result
        found |= {
            "outputUrl": url,
            "completedAt": stamp(job.updated),
            "output": {"url": url, "duration": result.get("duration_s"), "size": result.get("size")},
            "details": {key: value for key, value in result.items() if key not in ("file", "path")},
        }
    if status == "failed":
        error = job.error or {"code": "cancelled", "message": "The export was cancelled.", "retryable": True}
        found |= {"error": error["message"], "completedAt": stamp(job.updated), "details": {"error": error}}
    return found
