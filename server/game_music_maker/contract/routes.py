"""The contract's paths, application name and accepted files."""

from __future__ import annotations

APP_NAME = "nemo_agent"
USER_ID = "me"

ANONYMOUS_TOKEN = "/api/auth/anonymous-token"
CLAIM_TOKEN = "/api/auth/claim-token"
NEW_SESSION = f"/api/tasks/{USER_ID}/with-session/{APP_NAME}"
RUN_SSE = "/run_sse"
UPLOAD = f"/api/upload-video/{APP_NAME}/{USER_ID}/{{session_id}}"
CREDITS = "/api/credits/balance/simple"
STATE = f"/api/state/{APP_NAME}/{USER_ID}/{{session_id}}/latest"
RENDER = "/api/render/proxy/lambda"
RENDER_STATUS = "/api/render/proxy/lambda/{render_id}"
RENDER_DOWNLOAD = "/api/render/proxy/{render_id}/download"

STUDIO_CANCEL = "/api/studio/jobs/{job_id}/cancel"
"""The studio's own addition: ends a turn or a render. The cloud has no such route."""
STUDIO_PICTURE = f"/api/studio/picture/{APP_NAME}/{USER_ID}/{{session_id}}"
"""The studio's own addition: a PNG of the timeline."""

MAX_UPLOAD_BYTES = 500_000_000

ACCEPTED: dict[str, str] = {
    "mp4": "video", "mov": "video", "avi": "video", "webm": "video", "mkv": "video",
    "jpg": "image", "jpeg": "image", "png": "image", "gif": "image", "webp": "image",
    "mp3": "audio", "wav": "audio", "m4a": "audio", "aac": "audio",
}  # fmt: skip
"""File extension (lower case, no dot) → kind. ``jpeg`` is read as ``jpg``."""

CLOUD_FORMATS = ("mp4", "mov", "webm")
STUDIO_FORMATS = ("mp4", "webm", "mov", "gif", "wav", "flac", "mp3", "m4a", "ogg", "kit")
QUALITIES = ("draft", "standard", "high")
