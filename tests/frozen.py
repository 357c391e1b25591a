"""The tools by name, in order, as the reviewed file has them: what every way to the server must list."""

from __future__ import annotations

import json
from pathlib import Path

TOOLS: list[str] = [
    tool["name"] for tool in json.loads((Path(__file__).parent / "tools/schemas.json").read_text(encoding="utf-8"))
]
