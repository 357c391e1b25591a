"""A tool's answer or failure as MCP results."""

from __future__ import annotations

import base64
import logging
from typing import Any

from mcp.types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from .errors import BackendError, MusicMakerError
from .tools.base import Answer, ToolSpec, failure
from .tools.context import ToolContext

_MIME = {
    "mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "gif": "image/gif",
    "wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg",
    "zip": "application/zip",
}  # fmt: skip


async def call(spec: ToolSpec[Any], context: ToolContext, arguments: dict[str, Any]) -> CallToolResult:
    """Run a tool; every failure becomes an error result, none escapes."""
    try:
        return answered(await spec.run(context, spec.parse(arguments)))
    except MusicMakerError as error:
        return failed(error)
    except Exception:
        logging.getLogger(__name__).exception("The tool %s met an internal fault", spec.name)
        return failed(BackendError("Something went wrong inside the server."))


def answered(answer: Answer) -> CallToolResult:
    """An answer on the wire: the structure, the message as text, files as links, a picture as an image."""
    content: list[ContentBlock] = [TextContent(type="text", text=str(answer.data.get("message", "")))]
    for path in answer.files:
        kind = _MIME.get(path.suffix.lstrip(".").lower(), "application/octet-stream")
        size = path.stat().st_size if path.exists() else None
        content.append(ResourceLink(type="resource_link", uri=path.as_uri(), name=path.name, mime_type=kind, size=size))
    if answer.picture:
        data = base64.b64encode(answer.picture).decode()
        content.append(ImageContent(type="image", data=data, mime_type="image/png"))
    return CallToolResult(content=content, structured_content=answer.data)


def failed(error: MusicMakerError) -> CallToolResult:
    """A failure on the wire: what happened and what to do, in words and as structure."""
    text = f"{error.message} {error.next}".strip()
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=failure(error), is_error=True
    )
