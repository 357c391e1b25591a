"""Each host's configuration, read as the host reads it, starts a server whose tools answer.

`uvx` and `uv` are stood in for by scripts that run this checkout, so no published package is needed: what is tested
is the command line that a host would run.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from pydantic import BaseModel, ConfigDict, Field, ValidationError

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
NAME = "game-music-maker"
Entry = tuple[str, list[str], dict[str, str]]


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _entry(found: dict[str, Any]) -> Entry:
    return found["command"], found["args"], found.get("env", {})


def _claude_code() -> Entry:
    plugin = PLUGINS / NAME
    manifest = _load(plugin / ".claude-plugin/plugin.json")
    return _entry(_load(plugin / manifest["mcpServers"])["mcpServers"][NAME])


def _cursor() -> Entry:
    plugin = PLUGINS / NAME
    manifest = _load(plugin / ".cursor-plugin/plugin.json")
    return _entry(_load(plugin / manifest["mcpServers"])["mcpServers"][NAME])


def _cursor_deeplink() -> Entry:
    link = (PLUGINS / "cursor-deeplink.txt").read_text(encoding="utf-8").strip()
    return _entry(json.loads(base64.b64decode(parse_qs(urlsplit(link).query)["config"][0])))


def _claude_desktop_file() -> Entry:
    block = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    return _entry(json.loads(block)["mcpServers"][NAME])


def _claude_desktop_bundle() -> Entry:
    """As the desktop app fills the bundle's manifest in; what the user left empty stays as it stands."""
    command, args, environment = _entry(_load(PLUGINS / "mcpb/manifest.json")["server"]["mcp_config"])
    return command, [word.replace("${__dirname}", str(ROOT)) for word in args], environment


def _registry() -> Entry:
    package = _load(PLUGINS / "server.json")["packages"][0]
    arguments = [argument["value"] for argument in package["packageArguments"]]
    return package["runtimeHint"], [f"{package['identifier']}@{package['version']}", *arguments], {}


HOSTS: dict[str, Callable[[], Entry]] = {
    "Claude Code": _claude_code,
    "Cursor": _cursor,
    "Cursor by link": _cursor_deeplink,
    "Claude Desktop by file": _claude_desktop_file,
    "Claude Desktop by bundle": _claude_desktop_bundle,
    "MCP registry": _registry,
}


def _stand_ins(folder: Path) -> None:
    """`uvx PACKAGE …` and `uv run --project DIR game-music-maker …` that run this checkout."""
    run = f'exec "{sys.executable}" -m game_music_maker "$@"\n'
    checks = {
        "uvx": 'case "$1" in game-music-maker|game-music-maker@*) shift ;; *) exit 9 ;; esac\n',
        "uv": '[ "$1 $2 $4" = "run --project game-music-maker" ] && [ -f "$3/pyproject.toml" ] || exit 9\nshift 4\n',
    }
    for name, check in checks.items():
        (folder / name).write_text(f"#!/bin/sh\n{check}{run}", encoding="utf-8")
        (folder / name).chmod(0o755)


async def _talk(entry: Entry, environment: dict[str, str]) -> tuple[list[str], dict[str, Any]]:
    command, args, own = entry
    how = StdioServerParameters(command=command, args=args, env={**environment, **own})
    async with stdio_client(how) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = await session.list_tools()
        answer = await session.call_tool("credits", {})
        assert not answer.is_error, answer
        assert answer.structured_content is not None
        return [tool.name for tool in tools.tools], answer.structured_content


def _files() -> dict[str, str]:
    """Every configuration file that is handed out or shown to be pasted, as text."""
    shown = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    shown += re.findall(r"```json\n(.*?)```", (PLUGINS / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    written = [PLUGINS / NAME / "mcp.json", PLUGINS / NAME / ".mcp.json"]
    return {f"page {i}": text for i, text in enumerate(shown) if "mcpServers" in text} | {
        path.name: path.read_text(encoding="utf-8") for path in written
    }


class _Server(BaseModel):
    """An entry as Claude Desktop and Cursor take it: nothing is converted, and no field is unknown to them."""

    model_config = ConfigDict(strict=True, extra="forbid")

    type: Literal["stdio"] = "stdio"
    command: str = Field(min_length=1)
    args: list[str] = []
    env: dict[str, str] = {}


class _Configuration(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    mcpServers: dict[Annotated[str, Field(pattern=r"^[\w-]+$")], _Server] = Field(min_length=1)


@pytest.mark.parametrize("name", _files())
def test_a_configuration_file_is_one_by_its_hosts_schema(name: str) -> None:
    servers = _Configuration.model_validate_json(_files()[name]).mcpServers
    assert list(servers) == [NAME]
    assert servers[NAME].args[-1] == "serve"


def test_the_link_and_the_bundle_carry_entries_by_the_schema() -> None:
    link, bundle = _cursor_deeplink(), _load(PLUGINS / "mcpb/manifest.json")["server"]["mcp_config"]
    command, args, env = link
    assert _Server(command=command, args=args, env=env) == _Configuration.model_validate_json(
        _files()["mcp.json"]
    ).mcpServers[NAME]
    assert _Server.model_validate({k: bundle[k] for k in ("command", "args", "env") if k in bundle}).args[-1] == "serve"


@pytest.mark.parametrize(
    ("old", "new"),
    [('"mcpServers"', '"servers"'), ('"args"', '"arguments"'), ('"uvx"', "7"), ('"serve"', "null")],
)
def test_a_broken_configuration_file_is_refused(old: str, new: str) -> None:
    text = _files()["mcp.json"]
    assert old in text
    with pytest.raises(ValidationError):
        _Configuration.model_validate_json(text.replace(old, new, 1))


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize("host", HOSTS)
def test_the_hosts_entry_starts_a_server_that_answers(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_ins(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PYTHONPATH": str(ROOT / "server"), "PATH": os.environ["PATH"]}
    tools, credits = anyio.run(_talk, HOSTS[host](), environment)
    assert set(tools) == {"connect", "send_message", "upload", "credits", "state", "cancel", "export"}
    assert credits["backend"] == "local"
    assert credits["unlimited"] is True
