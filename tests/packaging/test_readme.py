"""The README's commands are where `.ci/run` finds them, and what the pages point to exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").glob("*.md")]
    if path.is_file()
)


@pytest.mark.parametrize("name", ["demo", "test"])
def test_the_two_commands_are_one_line_of_plain_pip_each(name: str) -> None:
    found = re.search(rf"<!-- command: {name} -->\n```bash\n(.*?)\n```\n", README, re.DOTALL)
    assert found, f"no command is marked {name}"
    command = found[1]
    assert "\n" not in command
    assert re.match(r"python3 -m venv \.venv && \.venv/bin/pip install ", command)
    assert "uv " not in command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


def test_configuration_entries_are_json_with_a_command() -> None:
    blocks = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        entry = json.loads(block)["mcpServers"]["game-music-maker"]
        assert entry["args"][-1] == "serve"
        assert entry["command"] == "uvx" or entry["command"].startswith("/")


def test_no_page_names_this_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/tmp/|/root/", page.read_text(encoding="utf-8")), page.name
