"""What hosts see of the tools: frozen in a reviewed file, small, the same everywhere."""

from __future__ import annotations

import json
from pathlib import Path

from game_music_maker.prompts import INSTRUCTIONS
from game_music_maker.tools.catalogue import TOOLS

FROZEN = Path(__file__).with_name("schemas.json")


def listed() -> list[dict[str, object]]:
    return [
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.schema(),
            "readOnly": tool.read_only,
            "idempotent": tool.idempotent,
        }
        for tool in TOOLS
    ]


def test_the_tools_are_as_frozen() -> None:
    """A wanted change is written with: python tests/tools/test_schemas.py"""
    assert listed() == json.loads(FROZEN.read_text(encoding="utf-8"))


def test_the_list_is_small_and_the_instructions_fit() -> None:
    assert len(json.dumps(listed())) < 7500
    assert len(INSTRUCTIONS) <= 1500


def test_every_tool_of_the_interface_is_there_with_its_arguments() -> None:
    arguments = {tool.name: set(tool.schema()["properties"]) for tool in TOOLS}
    assert arguments == {
        "connect": {"project", "backend", "language"},
        "send_message": {"message", "project", "score", "wait_s"},
        "upload": {"files", "project"},
        "credits": set(),
        "state": {"project", "job", "wait_s", "detail", "picture"},
        "cancel": {"job", "project"},
        "export": {"project", "output", "format", "quality", "overwrite", "wait_s"},
    }
    assert {tool.name for tool in TOOLS if tool.read_only} == {"credits", "state"}
    assert {tool.name for tool in TOOLS if tool.idempotent} == {"credits", "state", "connect", "cancel"}


if __name__ == "__main__":
    FROZEN.write_text(json.dumps(listed(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
