"""Render requests and the three documented shapes of their answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .envelope import unwrap

Status = Literal["pending", "processing", "completed", "failed"]
_STATUS: dict[str, Status] = {"pending": "pending", "queued": "pending", "processing": "processing",
                              "completed": "completed", "failed": "failed"}  # fmt: skip


class RenderOutput(BaseModel):
    format: str = "mp4"
    quality: str = "high"


class RenderRequest(BaseModel):
    """``sessionId`` is in camel case on the wire; the draft goes as it came."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    session_id: str = Field(alias="sessionId")
    draft: Any
    output: RenderOutput = Field(default_factory=RenderOutput)


class RenderStatus(BaseModel):
    """One look at a render: `progress` 0–100, `size` in bytes, `duration` in seconds. An unknown status still runs."""

    model_config = ConfigDict(frozen=True)

    id: str | None = None
    status: Status = "processing"
    progress: float | None = None
    url: str | None = None
    error: str | None = None
    size: int | None = None
    duration: float | None = None
    details: dict[str, Any] = Field(default_factory=dict)
    """What the studio adds: ``width, height, sha256, stages, loudness, notes``."""

    @classmethod
    def read(cls, body: Any) -> RenderStatus:
        """Read any of the three shapes; a body that is none of them reads as still running."""
        data = unwrap(body)
        if not isinstance(data, dict):
            return cls()
        raw_output = data.get("output")
        output: dict[str, Any] = raw_output if isinstance(raw_output, dict) else {}
        status = _STATUS.get(str(data.get("status") or data.get("state") or "").lower(), "processing")
        url = _first_text(data.get("outputUrl"), data.get("output_url"), output.get("url"), data.get("url"))
        error = _first_text(data.get("error"), data.get("message"), data.get("errorMessage"))
        details = data.get("details")
        return cls(
            id=_first_text(data.get("id")),
            status=status,
            progress=_percent(data.get("progress")),
            url=url,
            error=error if status == "failed" else None,
            size=_whole(output.get("size", data.get("size"))),
            duration=_number(output.get("duration", data.get("duration"))),
            details=details if isinstance(details, dict) else {},
        )


def _first_text(*values: Any) -> str | None:
    for value in values:
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value:
            return value
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if value == value and abs(value) < 1e15 else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or number < 0 else int(number)


def _percent(value: Any) -> float | None:
    number = _number(value)
    if number is None:
        return None
    if 0 < number <= 1 and not (isinstance(value, int) and value == 1):
        number *= 100
    return min(100.0, max(0.0, number))
