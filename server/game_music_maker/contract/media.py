"""Uploaded files and the session's state."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class UploadedFile(_Answer):
    """One taken file. `duration` in seconds, sizes in pixels."""

    filename: str
    file_type: str | None = None
    cdn_url: str | None = None
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    hash: str | None = None


class UploadAnswer(_Answer):
    files: tuple[UploadedFile, ...] = ()
    rejected: tuple[dict[str, Any], ...] = ()
    """Files that were not taken: ``{filename, code, message}`` each (the studio's addition)."""
    session_state_applied: bool | None = None


class SessionState(_Answer):
    """``draft`` stays as it came (a dict, a string of a newer product, or None): it is sent back unchanged."""

    draft: dict[str, Any] | str | None = None
    video_infos: Any = None
    generated_media: Any = None
    canvas_config: Any = None


class StateAnswer(_Answer):
    session_id: str | None = None
    task_id: str | None = None
    state: SessionState = Field(default_factory=SessionState)
