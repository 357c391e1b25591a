"""The list of the tools, in the order in which they are shown."""

from __future__ import annotations

from typing import Any

from .base import ToolSpec
from .cancel import CANCEL
from .connect import CONNECT
from .credits import CREDITS
from .export import EXPORT
from .send_message import SEND_MESSAGE
from .state import STATE
from .upload import UPLOAD

TOOLS: tuple[ToolSpec[Any], ...] = (CONNECT, UPLOAD, SEND_MESSAGE, STATE, EXPORT, CREDITS, CANCEL)
BY_NAME: dict[str, ToolSpec[Any]] = {tool.name: tool for tool in TOOLS}
