"""Plugins, bundle, registry entry and skill folder: validators take them, and refuse broken copies."""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
PLUGIN = PLUGINS / "game-music-maker"


def _builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plugins_build", PLUGINS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILD = _builder()


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "skillsaw", "lint", "--strict", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def _validate_skill(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("agentskills")), "validate", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_committed_files_are_what_the_builder_writes() -> None:
    assert BUILD.drifted() == [], "run `python3 plugins/build.py sync`"


def test_every_artefact_names_the_same_version() -> None:
    version = BUILD.frontmatter()["version"]
    for path in ("plugin.json", ".claude-plugin/plugin.json", ".cursor-plugin/plugin.json"):
        assert _load(PLUGIN / path)["version"] == version
    assert _load(PLUGINS / "server.json")["version"] == version
    assert _load(PLUGINS / "server.json")["packages"][0]["version"] == version
    assert _load(PLUGINS / "mcpb" / "manifest.json")["version"] == version


def test_all_manifests_pass_their_linter() -> None:
    done = _lint(PLUGINS)
    assert done.returncode == 0, done.stdout + done.stderr


def _spoil(path: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        data = _load(folder / path)
        change(data)
        (folder / path).write_text(json.dumps(data), encoding="utf-8")

    return spoil


BROKEN: dict[str, Callable[[Path], None]] = {
    "plugin without a name": _spoil("game-music-maker/.claude-plugin/plugin.json", lambda d: d.pop("name")),
    "marketplace without plugins": _spoil(".claude-plugin/marketplace.json", lambda d: d.pop("plugins")),
    "server without a command": _spoil(
        "game-music-maker/mcp.json", lambda d: d["mcpServers"]["game-music-maker"].pop("command")
    ),
    "cursor plugin with a wrong name": _spoil(
        "game-music-maker/.cursor-plugin/plugin.json", lambda d: d.update(name="Game Music")
    ),
    "registry entry with a long description": _spoil("server.json", lambda d: d.update(description="x" * 101)),
    "registry entry without a version": _spoil("server.json", lambda d: d.pop("version")),
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_copy_is_refused(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    copy = tmp_path / "plugins"
    shutil.copytree(PLUGINS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    spoil(copy)
    assert _lint(copy).returncode != 0


def test_the_skill_folder_holds_the_skill_alone(tmp_path: Path) -> None:
    folder = BUILD.build_skill(tmp_path)
    assert [path.name for path in folder.rglob("*")] == ["SKILL.md"]
    assert (folder / "SKILL.md").read_bytes() == (ROOT / "SKILL.md").read_bytes()
    done = _validate_skill(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    done = _lint(tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: game-music-maker", "name: Game_Music"),
        ("license: MIT", "licence: MIT"),
        ("description: >-", "about: >-"),
    ],
)
def test_a_broken_skill_is_refused(old: str, new: str, tmp_path: Path) -> None:
    folder = BUILD.build_skill(tmp_path)
    text = (folder / "SKILL.md").read_text(encoding="utf-8")
    (folder / "SKILL.md").write_text(text.replace(old, new, 1), encoding="utf-8")
    assert _validate_skill(folder).returncode != 0


def test_nothing_in_the_skill_that_a_scanner_flags() -> None:
    text = (ROOT / "SKILL.md").read_text(encoding="utf-8")
    assert not [c for c in text if c in "\u200b\u200c\u200d\u2060\ufeff\u202a\u202b\u202d\u202e"]
    for word in ("eval(", "base64", "curl ", "sudo", "ignore previous"):
        assert word not in text


def test_the_deeplink_carries_the_servers_entry() -> None:
    link = (PLUGINS / "cursor-deeplink.txt").read_text(encoding="utf-8").strip()
    asked = parse_qs(urlsplit(link).query)
    entry = json.loads(base64.b64decode(asked["config"][0], validate=True))
    assert asked["name"] == ["game-music-maker"]
    assert entry == _load(PLUGIN / ".mcp.json")["mcpServers"]["game-music-maker"]
    assert link in (PLUGINS / "README.md").read_text(encoding="utf-8")


def test_the_bundle_holds_all_that_its_build_needs(tmp_path: Path) -> None:
    folder = BUILD.build_mcpb(tmp_path)
    manifest = _load(folder / "manifest.json")
    assert manifest["manifest_version"] == "0.4"
    assert manifest["server"]["type"] == "uv"
    assert (folder / manifest["server"]["entry_point"]).is_file()
    for name in ("pyproject.toml", "SKILL.md", "manifest.yaml", "README.md", "LICENSE", "THIRD_PARTY.md"):
        assert (folder / name).is_file(), name
    assert [p for p in folder.rglob("*") if p.name == "__pycache__"] == []
    assert all(not row["required"] for row in manifest["user_config"].values())


def test_the_registry_entry_starts_the_server_and_is_named_in_the_readme() -> None:
    entry = _load(PLUGINS / "server.json")
    assert f"<!-- mcp-name: {entry['name']} -->" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(entry["description"]) <= 100
    package = entry["packages"][0]
    assert [argument["value"] for argument in package["packageArguments"]] == ["serve"]
    assert not any(row["isRequired"] for row in package["environmentVariables"])
