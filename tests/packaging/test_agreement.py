"""SKILL.md, manifest.yaml, pyproject.toml, the settings, the commands and the running server say the same."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from game_music_maker import errors
from game_music_maker.cli.main import COMMANDS
from game_music_maker.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SKILL = (ROOT / "SKILL.md").read_text(encoding="utf-8")
HEAD, BODY = SKILL.split("---\n", 2)[1:]
META: dict[str, Any] = yaml.safe_load(HEAD)
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yaml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


class Recorder(Mapping[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _variables() -> set[str]:
    recorder = Recorder()
    Settings.from_environ(recorder)
    platform = {"HOME", "USERPROFILE", "XDG_DATA_HOME", "LOCALAPPDATA"}
    return recorder.asked - platform


def test_names_versions_and_licences() -> None:
    assert META["name"] == MANIFEST["name"] == MANIFEST["package"] == PROJECT["project"]["name"]
    assert META["metadata"]["version"] == MANIFEST["version"]
    assert "version" in PROJECT["project"]["dynamic"], "SKILL.md is the one source of the version"
    assert META["license"] == MANIFEST["licence"] == PROJECT["project"]["license"] == "MIT"
    assert MANIFEST["python"] == PROJECT["project"]["requires-python"]
    assert list(PROJECT["project"]["scripts"]) == [MANIFEST["entry"]["command"]]
    assert META["metadata"]["homepage"] == META["metadata"]["openclaw"]["homepage"] == MANIFEST["homepage"]


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"(?m)^## (\S+)", text)
    assert found
    assert found[1] == META["metadata"]["version"]


def test_the_frontmatter_keeps_the_formats_limits() -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", META["name"])
    assert len(META["description"]) <= 1024
    assert len(META["compatibility"]) <= 500
    assert set(META) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    assert not re.search(r"(?m)^\s*[\w-]+: *[\[{]", HEAD), "flow style is refused by strict readers"


def test_optional_variables_are_declared_and_never_a_gate() -> None:
    openclaw = META["metadata"]["openclaw"]
    declared = {row["name"]: row for row in openclaw["envVars"]}
    assert not openclaw.get("requires", {}).get("env")
    assert all(row["required"] is False and row["description"] for row in declared.values())
    assert openclaw["primaryEnv"] in declared
    named = set(re.findall(r"\b(?:NEMO|GAME_MUSIC_MAKER)_[A-Z_]+\b", BODY))
    assert named <= set(declared), "a variable is named in SKILL.md, but not declared"
    assert set(declared) <= set(MANIFEST["environment"])


def test_the_manifest_lists_exactly_the_settings() -> None:
    assert set(MANIFEST["environment"]) == _variables()


def test_the_manifest_lists_exactly_the_commands() -> None:
    assert set(MANIFEST["commands"]) == set(COMMANDS)


def test_hosts_are_those_of_the_settings_and_named_in_the_skill() -> None:
    settings = Settings.from_environ({})
    assert MANIFEST["hosts"]["cloud"] == [settings.api_url, settings.web_url]
    assert MANIFEST["hosts"]["local"] == []
    named = set(re.findall(r"https?://[\w.-]+", BODY))
    assert named == {settings.api_url, settings.web_url}


def test_error_words_in_the_skill_exist() -> None:
    table = BODY.split("## When something goes wrong", 1)[1].split("## ", 1)[0]
    words = set(re.findall(r"`([a-z_]+)`", "\n".join(re.findall(r"(?m)^\| ([^|]+) \|", table))))
    assert words - {"code", "unknown"} <= set(errors.BY_CODE)
    assert {"token_refused", "no_credits", "plan_required", "rate_limited", "file_too_large"} <= words


def _served(environment: dict[str, str]) -> tuple[str, list[Any], list[str]]:
    """Version, tools and prompts of the server, started as a host starts it."""

    async def ask() -> tuple[str, list[Any], list[str]]:
        how = StdioServerParameters(command=sys.executable, args=["-m", "game_music_maker", "serve"], env=environment)
        async with stdio_client(how) as (read, write), ClientSession(read, write) as session:
            hello = await session.initialize()
            tools = await session.list_tools()
            prompts = await session.list_prompts()
            return hello.server_info.version, tools.tools, [prompt.name for prompt in prompts.prompts]

    return anyio.run(ask)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Any], list[str]]:
    home = str(tmp_path_factory.mktemp("home"))
    source = str(Path(errors.__file__).resolve().parents[1])
    return _served({"HOME": home, "GAME_MUSIC_MAKER_HOME": home, "PYTHONPATH": source, "PATH": ""})


def test_the_running_server_is_what_the_manifest_says(served: tuple[str, list[Any], list[str]]) -> None:
    version, tools, prompts = served
    assert version == MANIFEST["version"]
    assert {tool.name for tool in tools} == set(MANIFEST["tools"])
    assert set(prompts) == set(MANIFEST["prompts"])


def test_calls_shown_in_the_skill_fit_the_tools(served: tuple[str, list[Any], list[str]]) -> None:
    """Every `tool(argument=…)` in SKILL.md names a tool and arguments that it takes."""
    arguments = {tool.name: set(tool.input_schema["properties"]) for tool in served[1]}
    calls = re.findall(r"`(\w+)\(([^`]*)\)`", BODY)
    assert len(calls) >= 8
    for name, inside in calls:
        assert name in arguments, f"SKILL.md calls {name}, which is no tool"
        given = set(re.findall(r"(?:^|, *)(\w+)=", re.sub(r'"[^"]*"', '""', inside)))
        assert given <= arguments[name], f"{name} does not take {given - arguments[name]}"
    named = set(re.findall(r"`(\w+)[`(]", BODY))
    assert set(arguments) <= named, "a tool is not named in SKILL.md"
